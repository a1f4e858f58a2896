"""An event loop whose time passes at once: what would wait is over, and the clock has gone on."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

T = TypeVar("T")


class _Selector(selectors.SelectSelector):
    """Waits for nothing, and counts the seconds that it was to wait."""

    waited = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout:
            self.waited += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.waited


def in_no_time(main: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """What a coroutine returns, and how many seconds it would have taken."""
    loop = _Loop()
    try:
        return loop.run_until_complete(main), loop.time()
    finally:
        loop.close()
