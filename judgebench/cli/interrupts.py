"""What Ctrl-C, SIGTERM and SIGHUP do to a command that makes calls."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from judgebench.cli.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import FrameType

    from rich.console import Console

    from judgebench.engine.progress import Stop

T = TypeVar("T")

IN_FLIGHT = "finishing calls in flight; press Ctrl-C again to abort"
LEFT_WITH_PROVIDER = "leaving the batches with the provider; press Ctrl-C again to abort"

_ABORT_S = 5
"""Seconds that a second Ctrl-C leaves for what is going on to end by itself."""


def finished_or_stopped(
    begin: Callable[[Stop], Coroutine[Any, Any, T]], console: Console, said: str = IN_FLIGHT
) -> tuple[T, bool]:
    """Runs a coroutine to its end; Ctrl-C, SIGTERM or SIGHUP ends it after what is in flight, a second Ctrl-C at once.

    Args:
        begin: Makes the coroutine, which may be ended by what it is given.
        console: Of standard error.
        said: What is said when it is to end.

    Returns:
        What it gave, and whether it was interrupted.
    """
    from judgebench.engine.loops import finished
    from judgebench.engine.progress import Stop

    stop = Stop()

    async def every() -> T:
        def interrupt() -> None:
            if stop.asked:
                stop.now()
            else:
                end()

        def end() -> None:
            if not stop.asked:
                stop.ask()
                console.print(said, soft_wrap=True)

        former = signal.getsignal(signal.SIGINT)
        # Windows, and threads other than the main one, have no such handler.
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop = asyncio.get_running_loop()
            signal.signal(signal.SIGINT, _pressed(lambda: loop.call_soon_threadsafe(interrupt)))
            loop.add_signal_handler(signal.SIGTERM, end)
            if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # which nohup asked for
                loop.add_signal_handler(signal.SIGHUP, end)
        try:
            return await begin(stop)
        finally:
            with suppress(ValueError):
                signal.signal(signal.SIGINT, former)
                if hasattr(signal, "SIGALRM"):
                    signal.alarm(0)

    return finished(every()), stop.asked


def _pressed(interrupt: Callable[[], object]) -> Callable[[int, FrameType | None], None]:
    """The handler of Ctrl-C: after the second one the process always ends, whatever the event loop is busy with.

    Unlike a handler of the loop's own, it also runs while the loop stands still. Replies are kept as they arrive.
    """
    pressed = count(1)

    def handle(_number: int, _frame: FrameType | None) -> None:
        interrupt()
        if next(pressed) == 2 and hasattr(signal, "SIGALRM"):
            signal.signal(signal.SIGALRM, lambda *_: os._exit(EXIT_INTERRUPTED))
            signal.alarm(_ABORT_S)

    return handle
