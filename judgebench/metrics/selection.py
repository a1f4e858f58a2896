"""Which runs are shown to be less than a margin worse than the best one, when the best one is not known either."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import TYPE_CHECKING

from judgebench.metrics.intervals import POWER
from judgebench.metrics.paired import ALPHA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.metrics.paired import PairedScores

    _Ends = tuple[float, float, float]
    """A difference, and the ends of its interval."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one run stands to the one with the highest score.

    Attributes:
        run: Its number, from 0.
        best: The number of the run with the highest score.
        n: Items.
        score: Its own.
        difference: Of its score less the best's: 0 or below.
        low: The lower end of the simultaneous interval of that; the best run's ends are 0.
        high: The upper end.
        within: Whether it is shown to be less than the margin worse than every other run, whichever is truly best.
        beyond: Whether it is shown to be the margin or more worse than another.
        more: How many more items would show that with a chance of 80%, were the scores as they are; 0 where it is
            shown, None where its score is the margin or more below another's.
    """

    run: int
    best: int
    n: int
    score: float
    difference: float
    low: float
    high: float
    within: bool
    beyond: bool
    more: int | None


def standings(part: PairedScores, margin: float, *, tests: int | None = None) -> list[Standing]:
    """How each run stands to the best one, with intervals that hold for all of them at once.

    A run is within the margin where the interval of its difference from every other run is (multiple comparisons with
    the best, Hsu 1984, doi:10.1214/aos/1176346504): the run that looks best is not taken for the best. A run that is
    truly the margin or more worse has to pass a test against the truly best one, and no more than all runs but that one
    can be so: with intervals at 1 - 0.05 / (runs - 1) (Bonferroni), the chance that any of them passes is below 5%.

    Args:
        part: The runs' scores, at least two; of runs that score the same, the first is the best.
        margin: In the unit of the scores, above 0.
        tests: How many runs can pass wrongly, where this part is one of several; None for all but one.
    """
    runs = range(len(part.scores))
    confidence = 1 - ALPHA / (tests or max(len(runs) - 1, 1))
    scores = part.scores.tolist()
    best = max(runs, key=lambda run: (round(scores[run], 12), -run))
    against: dict[int, dict[int, _Ends]] = {run: {} for run in runs}
    for a, b in combinations(runs, 2):
        ends, difference = part.interval(a, b, confidence=confidence), scores[a] - scores[b]
        against[a][b] = (difference, ends.low, ends.high)
        against[b][a] = (-difference, -ends.high, -ends.low)
    return [_standing(run, best, scores[run], part.n, against[run], margin, confidence) for run in runs]


def _standing(
    run: int, best: int, score: float, n: int, against: Mapping[int, _Ends], margin: float, confidence: float
) -> Standing:
    others = list(against.values())
    difference, low, high = (0.0, 0.0, 0.0) if run == best else against[best]
    within = all(low > -margin for _, low, _ in others)
    return Standing(
        run=run,
        best=best,
        n=n,
        score=score,
        difference=difference,
        low=low,
        high=high,
        within=within,
        beyond=any(high <= -margin for *_, high in others),
        more=0 if within else _more(others, n, margin, confidence),
    )


def _more(others: Sequence[_Ends], n: int, margin: float, confidence: float) -> int | None:
    """How many more items; an interval's width goes with the root of their number."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    factor = 1 + NormalDist().inv_cdf(POWER) / z
    needed = 0.0
    for difference, low, _ in others:
        room = margin + difference
        if room <= 0:
            return None
        needed = max(needed, n * ((difference - low) * factor / room) ** 2)
    return max(math.ceil(needed) - n, 1)


def cheapest(among: Sequence[Standing], costs: Sequence[float | None], limit: float | None = None) -> Standing | None:
    """The cheapest run within the margin; of equally cheap ones that with the highest score; None where there is none.

    Args:
        among: A standing of each run.
        costs: What each costs; None where that is not known, which is never the cheapest.
        limit: What it may cost at most.
    """
    known = [(cost, each) for each, cost in zip(among, costs, strict=True) if cost is not None and each.within]
    fitting = [(cost, each) for cost, each in known if limit is None or cost <= limit]
    return min(fitting, key=lambda pair: (pair[0], -pair[1].score), default=(0.0, None))[1]
