"""Intervals of figures that are smooth functions of counts: by a jackknife over blocks of units.

The units (groups, or items) are put in at most 400 blocks; a figure is made again without each block, and the squared
changes are its variance (Tukey's jackknife by blocks, the same as the linearised variance by clusters). The interval is
Wilson's with the number of units that would give a proportion that variance. Nothing but counts is gone through again
and again, so a million rows take seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgebench.metrics.intervals import CONFIDENCE, wilson

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.resampling import Ints

_BLOCKS = 400


class CountedFigure(NamedTuple):
    """A figure that is made of counts.

    Attributes:
        value: Of tables of any number of axes before theirs.
        support: Over how many rows it is at most.
        fewest: Over how many its smallest part is; None where it has one part.
    """

    value: Callable[[Floats], Floats]
    support: float
    fewest: float | None = None


@dataclass(frozen=True, slots=True)
class UnitBlocks:
    """Units in blocks.

    Attributes:
        of_row: The block of each row, shape (n,).
        count: How many blocks there are.
        units: How many units.
        crowding: Items a unit has, on average.
    """

    of_row: Ints
    count: int
    units: int
    crowding: float

    @classmethod
    def of(cls, unit: Ints, weight: Floats) -> UnitBlocks:
        """The blocks of rows.

        Args:
            unit: A number of what each row belongs to, shape (n,).
            weight: What part of an item each row stands for, shape (n,).
        """
        distinct, place = np.unique(unit, return_inverse=True)
        units = len(distinct)
        if units > _BLOCKS:  # by the unit's number, not by its place, so that the rows' order is nothing
            place = (distinct % _BLOCKS)[place]
        crowding = float(weight.sum()) / units if units else 1.0
        return cls(place.astype(np.int64).reshape(-1), min(units, _BLOCKS), units, max(crowding, 1.0))

    def tables(self, cells: Ints, weight: Floats, size: int) -> Floats:
        """The counts of cells in each block, shape (blocks, size)."""
        found = np.bincount(self.of_row * size + cells, weights=weight, minlength=self.count * size)
        return found.astype(np.float64).reshape(self.count, size)


def _widening(tell: float) -> float:
    """Student's quantile over the normal one, at so many groups that tell (Cornish and Fisher's expansion)."""
    freedom, z = max(tell - 1, 1.0), NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    return 1 + (z**2 + 1) / (4 * freedom) + (5 * z**4 + 16 * z**2 + 3) / (96 * freedom**2)


def block_interval(
    value: float, others: Floats, part: CountedFigure, blocks: UnitBlocks, *, signed: bool
) -> dict[str, float]:
    """Wilson's, at the number of units that the variance of the figure is that of.

    Args:
        value: The figure.
        others: The same without each block, shape (blocks,).
        part: What it is over.
        blocks: The blocks.
        signed: Whether it runs from -1, and not from 0.
    """
    moved, share = (others[np.isfinite(others)] - value, value)
    if signed:
        moved, share = moved / 2, (1 + value) / 2
    variance = float(moved @ moved) * (blocks.count - 1) / max(blocks.count, 1)
    if variance > 0:
        effective = min(share * (1 - share) / variance, part.support)
        if blocks.crowding > 1:  # of few groups that tell the spread is not well known: Student's t for them
            effective /= _widening(float(moved @ moved) ** 2 / float(np.square(moved) @ np.square(moved))) ** 2
    else:  # all rows are alike: as many as there are units
        effective = (part.support if part.fewest is None else part.fewest) / blocks.crowding
    found = wilson(min(max(share, 0.0), 1.0), max(effective, 0.5))
    low, high = (2 * found.low - 1, 2 * found.high - 1) if signed else (found.low, found.high)
    return {"score": value, "low": min(low, value), "high": max(high, value)}
