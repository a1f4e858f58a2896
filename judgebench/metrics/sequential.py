"""An anytime-valid interval for a mean paired difference, and when it settles a comparison.

A test that is made again and again while items come in, and stops the run when it succeeds, is wrong far more often
than it says. A confidence sequence is an interval after every item, all of which hold the true mean together with the
stated probability; so one may look at it as often as one likes, and stop whenever one likes. Where none of these looks
settled anything and all items are judged, a test for a fixed number of items is the last one. It has a fifth of alpha,
the others have the rest, so that together they err with a chance of alpha at most (Bonferroni).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from judgebench.items import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from judgebench.items import ItemKey
    from judgebench.metrics.accuracy import Layout
    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.paired import Difference

Decision = Literal["shown", "too_small", "open"]
"""`shown`: the interval leaves out 0. `too_small`: it lies within the size that matters. `open`: neither."""

LOOKS = 0.8
"""Of alpha, the share of the repeated looks; the last look, at all items, has the rest."""

_MOST_AT_STAKE = 0.5
_HALVINGS = 30


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of the mean difference after some items.

    Attributes:
        items: How many.
        difference: The mean over those of which it is known; 0 where there is none.
        low: The lower end of the anytime-valid interval, from -1.
        high: The upper end, to 1.
        missing: Of how many items the difference is not known.
    """

    items: int
    difference: float
    low: float
    high: float
    missing: int = 0

    def decision(self, size: float) -> Decision:
        """What the interval says.

        Args:
            size: The smallest difference that matters, above 0.
        """
        if self.low > 0 or self.high < 0:
            return "shown"
        return "too_small" if -size < self.low and self.high < size else "open"


@dataclass(frozen=True, slots=True)
class Sequential:
    """What a run that is compared with another until the difference is shown came to.

    Attributes:
        against: The other's judge, or its template where the judge is the same.
        decision: At the last look.
        items: How many items the last look has seen: drawn by their weight in the score and judged by both, or all.
        drawn: How many the repeated looks can see at most: as many as come before the items of one weight are used up.
        of: How many items count for the score.
        difference: This run's mean credit over them less the other's.
        low: The lower end of its interval, of level 1 - `alpha` at all looks together.
        high: The upper end.
        size: The smallest difference that matters.
        alpha: The chance that the interval ever leaves the true difference outside.
        missing: On how many of the items one of the two has no credit; they count as -1 for `low` and as 1 for `high`.
        saved: How many calls of this run were not needed.
    """

    against: str
    decision: Decision
    items: int
    drawn: int
    of: int
    difference: float
    low: float
    high: float
    size: float
    alpha: float
    missing: int
    saved: int


def look(differences: npt.ArrayLike, *, alpha: float, planned: int) -> Look:
    """The mean of paired differences with its anytime-valid interval of level 1 - alpha.

    Where a difference is not known, the lower end counts it as -1 and the upper end as 1, so that the interval holds
    whatever it is.

    Args:
        differences: From -1 to 1, in the order in which they were drawn, shape (n,); not-a-number where not known.
        alpha: From 0 to 1, both excluded.
        planned: How many there are to be at most, fixed beforehand; the interval holds beyond that too.
    """
    given = np.asarray(differences, dtype=np.float64)
    known = given[~np.isnan(given)]
    low = lower_bound(np.where(np.isnan(given), -1.0, given), alpha=alpha, planned=planned)
    high = -lower_bound(np.where(np.isnan(given), -1.0, -given), alpha=alpha, planned=planned)
    mean = float(known.mean()) if len(known) else 0.0
    return Look(len(given), mean, low, high, len(given) - len(known))


def last_look(
    first: Sequence[Outcome], second: Sequence[Outcome], layout: Layout, unit: Callable[[ItemKey], str], *, alpha: float
) -> Look:
    """The difference of the official scores over all items, with an interval for a fixed number of items.

    An item without credit in one run counts as -1 for the lower end and as 1 for the upper one.

    Args:
        first: One run's outcomes of all labelled items.
        second: The other's, in the same order.
        layout: How items make the benchmark's score.
        unit: What an item belongs to.
        alpha: One minus the interval's level.
    """
    from judgebench.metrics.paired import PairedRuns

    missing = sum(a.credit is None or b.credit is None for a, b in zip(first, second, strict=True))

    def found(worse: float) -> Difference:
        runs = [_filled(first, second, worse), _filled(second, first, 1 - worse)]
        paired = PairedRuns(runs, layout, unit)
        return paired.part(paired.whole).difference(0, 1, confidence=1 - alpha)

    low = found(0.0)
    high = found(1.0) if missing else low
    return Look(len(first), (low.difference + high.difference) / 2, low.low, high.high, missing)


def _filled(run: Sequence[Outcome], other: Sequence[Outcome], credit: float) -> list[Outcome]:
    """A run's outcomes, those that one of the two has no credit for with another."""
    return [
        Outcome(a.item, credit, credit, credit) if a.credit is None or b.credit is None else a
        for a, b in zip(run, other, strict=True)
    ]


def lower_bound(values: npt.ArrayLike, *, alpha: float, planned: int) -> float:
    """The lower end of the interval: the largest mean that a bettor against it has made 2 / alpha of.

    Args:
        values: From -1 to 1, in the order in which they were drawn, shape (n,).
        alpha: Of the two-sided interval.
        planned: How many there are to be at most.

    Returns:
        -1 where nothing is known.
    """
    x = (np.asarray(values, dtype=np.float64) + 1) / 2
    bets, goal = _bets(x, alpha, planned), math.log(2 / alpha)
    low, high = 0.0, 1.0
    if float(_together(_winnings(x, bets, low).sum(axis=1))) < goal:
        return -1.0
    for _ in range(_HALVINGS):  # the wealth falls as the mean that is bet against rises
        middle = (low + high) / 2
        if float(_together(_winnings(x, bets, middle).sum(axis=1))) >= goal:
            low = middle
        else:
            high = middle
    return 2 * low - 1


def log_wealth(values: npt.ArrayLike, mean: float, *, alpha: float, planned: int) -> Floats:
    """The logarithm of a bettor's wealth after each value, who bets that the mean is above `mean` and begins with 1.

    With x the values moved to [0, 1] and m likewise, each half of the wealth is multiplied by 1 + b_i (x_i - m) at the
    ith value, where b_i is at most 1 / (2 m), and else sqrt(2 log(2 / alpha) / (v_{i-1} h)): h is i log(i + 1) for the
    one half and the planned number for the other, and v_{i-1} the variance of the values before, with one of 1/4 and a
    mean of 1/2 among them. The first half is quick to show what is large, the second shows what is small by the end.

    Since a bet is fixed before its value is seen, the wealth is a fair game where the mean is m, and ever reaches
    2 / alpha with a chance of alpha / 2 at most (Ville). Both sides together are the hedged capital process of
    Waudby-Smith and Ramdas 2023, Estimating means of bounded random variables by betting (JRSS-B, arXiv 2010.09686,
    theorem 3), with their predictable plug-in bets for any number of values and for a fixed one.

    Args:
        values: From -1 to 1, in the order in which they were drawn, shape (n,).
        mean: From -1 to 1.
        alpha: Which the size of the bets is for.
        planned: How many values there are to be at most.

    Returns:
        Shape (n,).
    """
    x = (np.asarray(values, dtype=np.float64) + 1) / 2
    return _together(np.cumsum(_winnings(x, _bets(x, alpha, planned), (mean + 1) / 2), axis=1))


def _bets(x: Floats, alpha: float, planned: int) -> Floats:
    """How much each half bets on each value, before any limit, by what was seen before it; shape (2, n)."""
    number = np.arange(1, len(x) + 1)
    means = (0.5 + np.cumsum(x)) / (number + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2)) / (number + 1)
    before = np.concatenate([[0.25], variances[:-1]])[: len(x)]
    horizons = np.stack([number * np.log(number + 1), np.full(len(x), float(planned))])
    bets: Floats = np.sqrt(2 * math.log(2 / alpha) / (before * horizons))
    return bets


def _winnings(x: Floats, bets: Floats, m: float) -> Floats:
    """The logarithm of what each bet multiplies its half by, shape (2, n)."""
    won: Floats = np.log1p((np.minimum(bets, _MOST_AT_STAKE / m) if m > 0 else bets) * (x - m))
    return won


def _together(halves: Floats) -> Floats:
    """The logarithm of the whole from those of its halves."""
    whole: Floats = np.logaddexp(halves[0], halves[1]) - math.log(2)
    return whole
