"""Equal calls made once: the keys of what is in flight, and of what was asked for, over all judges of a command."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from judgebench.errors import JudgebenchError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from judgebench.verdicts import Reply


class CallsInFlight:
    """The calls that are being made, by their keys.

    Attributes:
        asked: The keys of those that have been answered, where they are to be remembered.
    """

    def __init__(self, *, remember: bool = False) -> None:
        self._remember = remember
        self.asked: set[str] = set()
        self._in_flight: dict[str, tuple[object, asyncio.Future[Reply]]] = {}

    async def joined(self, key: str, who: object) -> Reply | None:
        """The reply of an equal call, once it is there; None where none is in flight.

        What one judge is refused, another may be given: only with the failures of its own does a judge fail.

        Args:
            key: The call's.
            who: Who asks.

        Raises:
            JudgebenchError: The equal call of the same asker failed.
        """
        while (found := self._in_flight.get(key)) is not None:
            whose, future = found
            try:
                return await asyncio.shield(future)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not future.cancelled() or (task is not None and task.cancelling()):
                    raise
            except JudgebenchError:
                if whose is who:
                    raise
        return None

    async def made(self, key: str, who: object, make: Callable[[], Awaitable[Reply]]) -> Reply:
        """Makes a call that none in flight is equal to; whoever asks the same meanwhile waits for it."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._in_flight[key] = who, future
        try:
            reply = await make()
        except asyncio.CancelledError:
            future.cancel()
            raise
        except Exception as error:
            future.set_exception(error)
            future.exception()  # taken note of: with nobody waiting, asyncio would complain
            raise
        else:
            if self._remember:
                self.asked.add(key)
            future.set_result(reply)
            return reply
        finally:
            del self._in_flight[key]
