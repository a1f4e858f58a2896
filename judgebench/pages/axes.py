"""Axes of a plot: from where to where they reach, and the ticks on them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from judgebench._util.text import dollars, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MOST = 8
_STEPS = (1, 2, 5)
_WIDE = 2.5
"""An interval wider than so many times the median one does not set an axis."""

FREE = 0.08
"""The share of a logarithmic axis below its lowest value where zero stands, if it is there."""


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of numbers.

    Attributes:
        low: The value at its start.
        high: The value at its end.
        ticks: Values with what stands beside them.
        title: What the values are.
        log: Whether equal ratios are equally far apart; then a zero stands before all other values.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    title: str = ""
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value stands, from 0 to 1 within the axis."""
        if not self.log:
            return (value - self.low) / (self.high - self.low)
        before = FREE if any(tick == 0 for tick, _ in self.ticks) else 0.0
        if value <= 0:
            return 0.0
        return before + (1 - before) * math.log(value / self.low) / math.log(self.high / self.low)


def linear(
    low: float, high: float, text: Callable[[float], str], title: str = "", bounds: tuple[float, float] | None = None
) -> Axis:
    """An axis from low to high, a little wider, with ticks at 1, 2 or 5 times a power of ten.

    >>> [text for _, text in linear(0.62, 0.9, lambda share: f"{share:.0%}").ticks]
    ['65%', '70%', '75%', '80%', '85%', '90%']

    Args:
        low: The lowest value.
        high: The highest value.
        text: Of a tick.
        title: What the values are.
        bounds: What no value can be beyond.
    """
    if high <= low:
        low, high = low - 0.05, high + 0.05
    pad = 0.04 * (high - low)
    low, high = low - pad, high + pad
    if bounds is not None:
        edge = 0.02 * (bounds[1] - bounds[0])
        low, high = max(low, bounds[0] - edge), min(high, bounds[1] + edge)
    step = _step((high - low) / (_MOST - 1))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = tuple((n * step, text(n * step)) for n in range(first, last + 1))
    return Axis(low, high, ticks, title)


def _step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * step for step in (*_STEPS, 10) if power * step >= least * (1 - 1e-9))


def of_money(amounts: Sequence[float], title: str = "cost (US dollars)") -> Axis:
    """A logarithmic axis of amounts, with ticks as $0.1, $0.2, $0.5, $1; zero stands before all others.

    Args:
        amounts: In US dollars, at least one above 0.
        title: What they are of.
    """
    paid = [amount for amount in amounts if amount > 0]
    low, high = min(paid), max(paid)
    wide = max((high / low) ** 0.06, 1.35)
    low, high = low / wide, high * wide
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values: list[float] = []
    for steps in (_STEPS, (1, 3), (1,)):
        values = [step * 10.0**e for e in exponents for step in steps if low <= step * 10.0**e <= high]
        if len(values) <= _MOST:
            break
    while len(values) > _MOST:
        values = values[::2]
    if len(values) < 2:  # within a factor of less than two or so: plain steps
        step = _step((high - low) / 4)
        values = [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
    ticks = [(value, money(value)) for value in values]
    return Axis(low, high, ((0.0, "$0"), *ticks) if min(amounts) <= 0 else tuple(ticks), title, log=True)


def money(amount: float) -> str:
    """An amount beside a tick: $0.1, $20, $0.0005."""
    text = f"{amount:.10f}".rstrip("0").rstrip(".") if amount < 1000 else f"{amount:,.0f}"
    return f"${text}" if float(text.replace(",", "")) else dollars(amount)


def reach(values: Sequence[float], ends: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """From where to where an axis of intervals reaches: an interval that is far wider than most does not set it.

    >>> reach([0.8, 0.9, 0.3], [(0.75, 0.85), (0.86, 0.93), (0.0, 0.7)])
    (0.75, 0.93)

    Args:
        values: The estimates.
        ends: Their intervals, an estimate twice for none.
    """
    widths = sorted(high - low for low, high in ends if high > low)
    most = _WIDE * widths[(len(widths) - 1) // 2] if widths else math.inf
    kept = [
        end for value, pair in zip(values, ends, strict=True) if pair[1] - pair[0] <= most for end in (*pair, value)
    ]
    return min(kept), max(kept)


def share_tick(share: float) -> str:
    """A share beside a tick, with a decimal only where it says something."""
    return f"{100 * share:.0f}%" if abs(100 * share - round(100 * share)) < 1e-6 else percent(share)


def points_tick(difference: float) -> str:
    """A difference in percentage points beside a tick."""
    points = round(100 * difference, 6)
    return f"{points:+g}" if points else "0"


def decimal_tick(number: float) -> str:
    """Any other number beside a tick."""
    return f"{round(number, 9) + 0:g}"


def apart(values: Sequence[float], least: float) -> list[float]:
    """The values in their order, moved up where they are closer than this to the one before.

    Args:
        values: Positions, in pixels.
        least: The smallest distance of two.
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    moved = list(values)
    for before, at in pairwise(order):
        moved[at] = max(moved[at], moved[before] + least)
    return moved
