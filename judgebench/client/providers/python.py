"""A Python callable as a provider."""

from __future__ import annotations

import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from judgebench.client.providers.base import Provider
from judgebench.judges import arguments_of, is_async
from judgebench.verdicts import Reply

if TYPE_CHECKING:
    from judgebench.client.providers.base import Request

_MOST_THREADS = 1024


class PythonProvider(Provider):
    """A function that answers: see `judgebench.judges.callable_judge`."""

    _threads: ThreadPoolExecutor | None = None

    def prepare(self) -> None:
        """Makes threads for a function that would hold up the loop; how many there come to be is the judge's limit."""
        if not is_async(self._function):
            self._threads = ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix=self.judge.name)

    @property
    def _function(self) -> Any:
        return self.judge.function

    async def complete(self, request: Request) -> Reply:
        """What the function says."""
        known = {**self.judge.params_asked()[0], "sample": request.sample, "schema": request.schema}
        messages = [dict(message) for message in request.messages]
        call = partial(self._function, messages, **arguments_of(self._function, known))
        reply = (
            call() if self._threads is None else await asyncio.get_running_loop().run_in_executor(self._threads, call)
        )
        if inspect.isawaitable(reply):
            reply = await reply
        if isinstance(reply, str):
            return Reply(text=reply, finish_reason="stop", served_model=self.judge.model)
        answer: Reply = reply  # the client looks at what it is
        return answer

    def advice(self, request: Request) -> str:  # noqa: ARG002 - whatever it is, the function answers it
        """The function."""
        return "fix the function"

    async def aclose(self) -> None:
        """Lets go of the threads; one whose call has timed out goes on until that ends."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
