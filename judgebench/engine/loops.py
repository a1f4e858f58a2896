"""Coroutines run to their end by code that has no event loop, or that stands in one (a notebook)."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_LOOK_S = 0.2

P = ParamSpec("P")
T = TypeVar("T")


def finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end in a loop of its own: where one is running (a notebook), in a thread beside it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    return _beside(coroutine)


def blocking(function: Callable[P, Coroutine[Any, Any, T]], name: str) -> Callable[P, T]:
    """A coroutine function as a plain one that waits for the end, under a name of its own."""

    @wraps(function)
    def waiting(*args: P.args, **options: P.kwargs) -> T:
        return finished(function(*args, **options))

    waiting.__name__ = waiting.__qualname__ = name
    return waiting


def threaded(function: Callable[P, T], name: str) -> Callable[P, Coroutine[Any, Any, T]]:
    """A function that takes a while as a coroutine function, which runs it in a thread, under a name of its own."""

    @wraps(function)
    async def in_thread(*args: P.args, **options: P.kwargs) -> T:
        return await asyncio.to_thread(function, *args, **options)

    in_thread.__name__ = in_thread.__qualname__ = name
    return in_thread


def _beside(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine in a thread of its own and waits for it; an interrupt is passed on to it."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(coroutine)
    ended = threading.Event()  # a thread that is joined when an interrupt comes is taken for dead by Python 3.11
    running = threading.Thread(target=_to_the_end, args=(loop, task, ended), name="judgebench")
    try:
        running.start()
        while not ended.wait(_LOOK_S):  # some systems cannot interrupt a wait without an end
            pass
    except BaseException:  # a notebook's stop button, mostly
        with contextlib.suppress(RuntimeError):  # it has just ended
            loop.call_soon_threadsafe(task.cancel)
        ended.wait()
        raise
    finally:
        running.join()
    return task.result()


def _to_the_end(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any], ended: threading.Event) -> None:
    try:
        with asyncio.Runner(loop_factory=lambda: loop) as alone:
            alone.run(_waited(task))
    finally:
        ended.set()


async def _waited(task: asyncio.Task[Any]) -> None:
    await asyncio.wait([task])
