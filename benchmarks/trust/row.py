"""One promise that is simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        name: What is simulated: the figure and the data.
        promise: What the share is to be, in words: "at least 93%".
        simulate: The share over so many seeded runs.
        low: The least share that keeps the promise, less what chance allows over `runs`.
        high: The largest.
        runs: How many runs the table is made of.
    """

    name: str
    promise: str
    simulate: Callable[[int], float]
    low: float = 0.0
    high: float = 1.0
    runs: int = 1000

    def holds(self, share: float) -> bool:
        """Whether the promise is kept."""
        return self.low <= share <= self.high
