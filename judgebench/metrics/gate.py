"""Whether a figure is at least what is needed: intervals that hold with few labels, and the decision that they allow.

Every figure is a function of sums over units (groups of items, or items), each with its weight. An interval is that of
the Bayesian bootstrap (Rubin 1981, doi:10.1214/aos/1176345338) with one unit more, which is as bad as a unit can be for
the lower end and as good for the upper one. Of a share of independent items that is Clopper and Pearson's exact
interval; of any bounded mean it is Gaffke's bound (2005; arXiv 1905.06208), which no distribution is known to break.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

import numpy as np

from judgebench.metrics.intervals import CONFIDENCE, POWER, Estimate
from judgebench.metrics.resampling import distinct_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.resampling import Ints

    Figure = Callable[[Floats], Floats]
    """A figure of sums of shape (..., columns), shape (...); not-a-number where there is none."""

Decision = Literal["trusted", "not_trusted", "cannot_say"]

_DRAWS = 8_000
_MOST_UNITS = 1_000
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class UnitSums:
    """What each unit tells.

    Attributes:
        sums: Weighted sums of a unit's items, shape (units, columns).
        more: The weight of the unit more: that of the units that tell most, nearly the largest.
        items: How many items there are.
    """

    sums: Floats
    more: float
    items: int

    @classmethod
    def of(cls, rows: Floats, weight: Floats, unit: Ints) -> UnitSums:
        """The sums of items.

        Args:
            rows: What each item tells, shape (items, columns).
            weight: What each stands for: one over its probability to be drawn, shape (items,).
            unit: A number of what each belongs to, shape (items,).
        """
        distinct, place = np.unique(unit, return_inverse=True)
        place = place.reshape(-1)
        scaled = weight / weight.mean()
        size = np.bincount(place, weights=scaled)
        if len(distinct) > _MOST_UNITS:  # drawn, for neighbours in a file may be alike
            place = (np.random.default_rng(0).permutation(len(distinct)) % _MOST_UNITS)[place]
        sums = np.zeros((min(len(distinct), _MOST_UNITS), rows.shape[1]))
        np.add.at(sums, place, rows * scaled[:, None])
        return cls(sums, float((size**3).sum() / (size**2).sum()), len(rows))


@dataclass(frozen=True, slots=True)
class GatedFigure:
    """A figure with its interval and its spread.

    Attributes:
        deviation: Its standard error.
    """

    score: float
    low: float
    high: float
    n: int
    deviation: float

    @property
    def estimate(self) -> Estimate:
        """Without the spread."""
        return Estimate(self.score, self.n, self.low, self.high)


def gated_figure(
    units: UnitSums,
    figure: Figure,
    extremes: Floats,
    *,
    unseen: float = 0.0,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> GatedFigure | None:
    """A figure with its interval.

    Args:
        units: What it is of.
        figure: From sums to the figure.
        extremes: What an item can tell at its worst or best, of weight 1, shape (some, columns).
        unseen: The weight of items that no unit stands for, as a share of the weight of all units.
        confidence: Of the interval.
        seed: Of the draws.

    Returns:
        None where the figure has no value.
    """
    total = units.sums.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(figure(total))
        if not np.isfinite(value):
            return None
        size = max(units.more, unseen * units.items)
        moved = figure(total + size * extremes)
        worst, best = (extremes[int(np.nanargmin(moved))], extremes[int(np.nanargmax(moved))])
        rng = np.random.default_rng(seed)
        kinds, times = distinct_rows(units.sums)
        drawn = rng.standard_gamma(times.astype(np.float64), (_DRAWS, len(times))) @ kinds
        more = size * rng.standard_exponential(_DRAWS)[:, None]
        tail = (1 - confidence) / 2
        low = np.nan_to_num(figure(drawn + more * worst), nan=value)
        high = np.nan_to_num(figure(drawn + more * best), nan=value)
        spread = figure(drawn)
    return GatedFigure(
        score=value,
        low=min(float(np.quantile(low, tail)), value),
        high=max(float(np.quantile(high, 1 - tail)), value),
        n=units.items,
        deviation=float(np.nanstd(spread)),
    )


def decide(figure: GatedFigure, need: float) -> Decision:
    """`trusted` where the lower end is at the need or above, `not_trusted` where the upper end is below it.

    Example:
        >>> decide(GatedFigure(0.9, 0.86, 0.93, 300, 0.02), 0.85)
        'trusted'
    """
    if figure.low >= need - _SAME:
        return "trusted"
    return "not_trusted" if figure.high < need - _SAME else "cannot_say"


def labels_needed(figure: GatedFigure, need: float, power: float = POWER) -> int | None:
    """How many more labelled items decide, with this power, if the figure's true value is what it is now.

    The distance to the need has to be that to the interval's end and, for the power, a part of the standard error more;
    both shrink with the root of the number of items.

    Returns:
        None where the figure is the need itself: no number decides then.
    """
    away = abs(figure.score - need)
    if away < _SAME:
        return None
    end = figure.low if figure.score > need else figure.high
    reach = abs(figure.score - end) + NormalDist().inv_cdf(power) * figure.deviation
    return max(math.ceil(figure.n * (reach / away) ** 2) - figure.n, 1)


# --- figures of sums


def agreement_of(cells: Floats) -> Floats:
    """The share of a table's diagonal.

    Args:
        cells: Tables of people's labels by verdicts, flat: shape (..., k * (k + 1)), the last column for no verdict.
    """
    table = _square(cells)
    return _diagonal(table) / table.sum(axis=(-1, -2))  # type: ignore[no-any-return]


def kappa_of(cells: Floats) -> Floats:
    """Cohen's kappa of such tables; without a verdict is a class of its own, which nobody else names."""
    table = _square(cells)
    n = table.sum(axis=(-1, -2))
    chance = (table.sum(axis=-1) * table[..., :-1].sum(axis=-2)).sum(axis=-1) / n**2
    left = np.where(1 - chance > _SAME, 1 - chance, np.nan)
    return (_diagonal(table) / n - chance) / left  # type: ignore[no-any-return]


def _square(cells: Floats) -> Floats:
    k = (math.isqrt(4 * cells.shape[-1] + 1) - 1) // 2
    return cells.reshape(*cells.shape[:-1], k, k + 1)


def _diagonal(table: Floats) -> Floats:
    return np.einsum("...ii->...i", table[..., :-1]).sum(axis=-1)  # type: ignore[no-any-return]
