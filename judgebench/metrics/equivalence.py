"""Pairs of runs that are equivalent within a margin, and which of several runs can still be the best."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

import numpy as np

from judgebench.metrics.intervals import CONFIDENCE
from judgebench.metrics.paired import ALPHA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.paired import PairedScores

Decision = Literal["equivalent", "non-inferior", "open"]
"""What is shown of two runs at a margin: both, one, or neither is less than the margin worse than the other."""


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Two runs, held against a margin by two one-sided tests.

    Attributes:
        first: Number of the first run, from 0.
        second: Number of the second run.
        p_first: One-sided, against the first being the margin or more worse than the second.
        p_second: The same of the second against the first.
        adjusted_first: `p_first` corrected over all pairs.
        adjusted_second: `p_second` corrected over all pairs.
    """

    first: int
    second: int
    p_first: float
    p_second: float
    adjusted_first: float
    adjusted_second: float

    @property
    def not_worse(self) -> tuple[int, ...]:
        """The runs that are shown to be less than the margin worse than the other one."""
        both = ((self.first, self.adjusted_first), (self.second, self.adjusted_second))
        return tuple(run for run, p in both if p <= ALPHA)

    @property
    def decision(self) -> Decision:
        """What is shown at 5%.

        Example:
            >>> Equivalence(0, 1, 0.2, 0.01, 0.2, 0.01).decision
            'non-inferior'
        """
        return ("open", "non-inferior", "equivalent")[len(self.not_worse)]


def equivalences(part: PairedScores, pairs: Sequence[tuple[int, int]], margin: float) -> list[Equivalence]:
    """Each pair of runs held against a margin (two one-sided tests, Schuirmann 1987, doi:10.1007/BF01068419).

    Args:
        part: The runs' scores.
        pairs: Numbers of two runs each.
        margin: In the unit of the scores, above 0.
    """
    found = [part.one_sided(first, second, margin) for first, second in pairs]
    return [
        Equivalence(*pair, *p, *adjusted) for pair, p, adjusted in zip(pairs, found, holm_of_pairs(found), strict=True)
    ]


def holm_of_pairs(p_values: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Holm's adjustment of two hypotheses a pair of which at most one is true (Shaffer 1986, doi:10.2307/2289016).

    A p counts as often as pairs are left of which not both were rejected before it.

    Args:
        p_values: Of each pair's two hypotheses; the adjusted ones come in the same order.

    Example:
        >>> holm_of_pairs([(0.01, 0.04)])
        [(0.01, 0.04)]
    """
    adjusted, left, highest = [[1.0, 1.0] for _ in p_values], [2] * len(p_values), 0.0
    for p, pair, side in sorted((p, pair, side) for pair, both in enumerate(p_values) for side, p in enumerate(both)):
        highest = max(highest, p * sum(each > 0 for each in left))
        adjusted[pair][side], left[pair] = min(highest, 1.0), left[pair] - 1
    return [(one, other) for one, other in adjusted]


@dataclass(frozen=True, slots=True)
class Contender:
    """One run against the best of the others.

    Attributes:
        run: Its number, from 0.
        difference: Its score less the best score of the others.
        low: The lower end of the simultaneous 95% interval of that difference, at most 0.
        high: The upper end, at least 0.
        can_be_best: Whether it can still be the best one: its upper end is above 0.
    """

    run: int
    difference: float
    low: float
    high: float
    can_be_best: bool


def contenders(scores: Floats, drawn: Floats, n: float, *, confidence: float = CONFIDENCE) -> list[Contender]:
    """Each run against the best of the others (Hsu 1984, doi:10.1214/aos/1176346504), from resamples of all together.

    For each run the largest studentized deviation of any other from it, at the confidence, says by how much the others
    may seem better if it is the best (Dunnett's one-sided comparison with a control). A run that another one is above
    by more is not the best. The truly best is kept with the confidence, and all intervals hold together with it.

    Args:
        scores: Of the runs, shape (runs,), at least two.
        drawn: Their scores in resamples of the same items, shape (runs, resamples).
        n: How many items of equal weight they are worth: no difference is surer than so many items make it, and
            Student's t has n - 1 degrees.
        confidence: How often all intervals hold together.
    """
    from scipy.special import ndtr, stdtrit

    runs, z = len(scores), NormalDist().inv_cdf(confidence)
    floor = (least := NormalDist().inv_cdf(0.5 + confidence / 2)) / (n + least * least)
    half = 0.5 / n  # the continuity correction of a difference of whole items
    reach = np.zeros((runs, runs))  # by run, how far each other one may seem better where it is the best
    for run in range(runs):
        others = [other for other in range(runs) if other != run]
        apart = drawn[others] - drawn[run]
        sds = np.maximum(apart.std(axis=1), floor)
        deviations = (apart - (scores[others] - scores[run])[:, None]) / sds[:, None]
        critical = max(float(np.quantile(deviations.max(axis=0), confidence)), z)
        reach[run, others] = float(stdtrit(max(n - 1, 1.0), ndtr(critical))) * sds + half
    below = scores[:, None] - scores[None, :]  # each run less each other
    np.fill_diagonal(below, np.inf)
    high = np.maximum((below + reach).min(axis=1), 0.0)
    kept = high > 0
    found = []
    for run in range(runs):
        rivals = [other for other in np.flatnonzero(kept).tolist() if other != run]
        low = min([0.0, *(float(below[run, other] - reach[other, run]) for other in rivals)])
        found.append(Contender(run, float(below[run].min()), low, float(high[run]), bool(kept[run])))
    return found
