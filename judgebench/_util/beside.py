"""Work that goes on beside what a process does: a single thread, so that what is begun first ends first."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

T = TypeVar("T")


def beside(work: Callable[[], T]) -> Future[T]:
    """Has work done after all that was begun before it, while the caller goes on.

    Example:
        >>> beside(lambda: 6 * 7).result()
        42
    """
    return _thread(os.getpid()).submit(work)


@lru_cache(maxsize=1)
def _thread(process: int) -> ThreadPoolExecutor:  # noqa: ARG001 - a fork has none of its parent's threads
    return ThreadPoolExecutor(1)
