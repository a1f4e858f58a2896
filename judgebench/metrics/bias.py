"""What moves a judge besides the better answer: position, length, its own family. Each against a stated null.

Every estimate comes with its interval, its p, and the smallest effect that this many items would have shown with a
chance of 80%: an interval that holds the null says "no bias" only where that effect is small.

Rows are readings with a verdict; clusters are items, since the orders and samples of an item are not independent
(Miller 2024, arXiv 2411.00640).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from judgebench.metrics.comparisons import clustered_standard_error
from judgebench.metrics.intervals import CONFIDENCE, Interval, wilson
from judgebench.metrics.resampling import codes

if TYPE_CHECKING:
    import numpy.typing as npt

    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.resampling import Ints

POWER = 0.8


@dataclass(frozen=True, slots=True)
class BiasEstimate:
    """A bias, and what it would be without one.

    Attributes:
        estimate: A share, a difference of shares, or log-odds, as the function says.
        null: Its value without bias; None, as `p` and `smallest_effect`, where there is no such value.
        low: The interval's lower end.
        high: The interval's upper end.
        p: Two-sided, against `null`.
        n: Rows.
        clusters: Items they belong to.
        smallest_effect: The distance from `null` that so many items show with a chance of 80%; of shares, at most the
            largest that there can be, which then need not be shown so often.
        association: Whether labels or subsets are too few to tell it from how hard the items are: no evidence of bias.
    """

    estimate: float
    null: float | None
    low: float
    high: float
    p: float | None
    n: int
    clusters: int
    smallest_effect: float | None
    association: bool = False


@dataclass(frozen=True, slots=True)
class SlotShares:
    """How verdicts fall to the slots in which completions are shown.

    Attributes:
        shares: Of all verdicts, by slot, the first shown first.
        nulls: The shares without bias: 1 / k where all questions show k.
        p: Of all shares together against the nulls.
        n: Verdicts.
        clusters: Items they belong to.
    """

    shares: tuple[float, ...]
    nulls: tuple[float, ...]
    p: float
    n: int
    clusters: int

    @property
    def furthest(self) -> int:
        """The slot whose share is furthest from its null."""
        return max(range(len(self.shares)), key=lambda at: abs(self.shares[at] - self.nulls[at]))


@dataclass(frozen=True, slots=True)
class PositionAccuracy:
    """Accuracy where the correct completion stands in one slot.

    Attributes:
        slot: 0 is the one shown first.
        accuracy: Mean credit of the rows with the correct completion there.
        low: The interval's lower end.
        high: The interval's upper end.
        n: Those rows.
        against_rest: Accuracy there less accuracy in all other slots; None where there is no other.
    """

    slot: int
    accuracy: float
    low: float
    high: float
    n: int
    against_rest: BiasEstimate | None


def first_position(
    chosen_slots: npt.ArrayLike,
    slots: npt.ArrayLike = 2,
    *,
    clusters: npt.ArrayLike | None = None,
    times: npt.ArrayLike | None = None,
    confidence: float = CONFIDENCE,
) -> BiasEstimate | None:
    """The share of verdicts for the completion that is shown first, against 1 / slots.

    The null holds where orders are drawn at random or every order is asked.

    Args:
        chosen_slots: The slot each verdict names, 0 the first, shape (n,); ties and failures left out.
        slots: How many completions were shown: one number, or one a row, shape (n,).
        clusters: The item of each row, shape (n,); none: each its own.
        times: How many items there are like that of each row, shape (n,); none: that one.
        confidence: Of the interval.

    Returns:
        None without rows.
    """
    first = (np.asarray(chosen_slots) == 0).astype(np.float64)
    null = 1 / np.asarray(slots, dtype=np.float64)
    return share_against(first, null, clusters=clusters, times=times, confidence=confidence)


def slot_shares(
    chosen_slots: npt.ArrayLike,
    slots: npt.ArrayLike = 2,
    *,
    clusters: npt.ArrayLike | None = None,
    times: npt.ArrayLike | None = None,
) -> SlotShares | None:
    """The share of verdicts for each slot, and a test of all of them against an even spread.

    The null holds where orders are drawn at random or every order is asked. p is of Pearson's chi-square over the mean
    design effect of the shares, with k - 1 degrees of freedom (Rao and Scott 1981,
    doi:10.1080/01621459.1981.10477633); of two slots it is that of the first one's share.

    Args:
        chosen_slots: The slot each verdict names, 0 the first, shape (n,); ties and failures left out.
        slots: How many completions were shown: one number, or one a row, shape (n,).
        clusters: The item of each row, shape (n,); none: each its own.
        times: As in `first_position`.

    Returns:
        None without rows.
    """
    chosen = np.asarray(chosen_slots, dtype=np.int64)
    if not len(chosen):
        return None
    shown = np.broadcast_to(np.asarray(slots, dtype=np.int64), (len(chosen),))
    code, often, count = _rows(clusters, times, len(chosen))
    n = int(often.sum())
    shares, nulls, effects = [], [], []
    for slot in range(int(shown.max())):
        hit, expected = (chosen == slot).astype(np.float64), np.where(slot < shown, 1 / shown, 0.0)
        shares.append(float(hit @ often) / n)
        nulls.append(float(expected @ often) / n)
        error = _floored(clustered_standard_error(hit - expected, code, often), count, n)
        effects.append(error**2 * n / nulls[-1])
    pearson = n * sum((share - null) ** 2 / null for share, null in zip(shares, nulls, strict=True))
    freedom = len(shares) - 1
    p = chi_square_tail(pearson / (sum(effects) / freedom), freedom)
    return SlotShares(tuple(shares), tuple(nulls), p, n, count)


def chi_square_tail(value: float, freedom: int) -> float:
    """The chance that a chi-square is above a value; by recurrence, since scipy takes half a second to import.

    Args:
        value: From 0 on.
        freedom: Degrees of freedom, above 0.
    """
    half = value / 2
    at, tail = (0.5, math.erfc(math.sqrt(half))) if freedom % 2 else (1.0, math.exp(-half))
    while at < freedom / 2:
        tail += math.exp(at * math.log(half) - half - math.lgamma(at + 1)) if half else 0.0
        at += 1
    return min(tail, 1.0)


def share_against(
    hits: npt.ArrayLike,
    null: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike | None = None,
    times: npt.ArrayLike | None = None,
    confidence: float = CONFIDENCE,
) -> BiasEstimate | None:
    """A share of clustered rows against a null, by Wilson's interval at the effective number of rows.

    The effective number is share (1 - share) / SE^2 with the clustered standard error of hits - null: rows over the
    design effect (Korn and Graubard 1998). Where orders balance each other within items it is above the number of
    rows. SE is not taken below 1 / clusters, about what no odd item among so many leaves open (the rule of three), or,
    where verdicts are many, below 1 / (2 sqrt(rows)), that of as many independent ones. p is that of the score test,
    which agrees with the interval.

    Args:
        hits: From 0 to 1, shape (n,).
        null: The share expected: one number, or one a row, shape (n,).
        clusters: The item of each row, shape (n,); none: each its own.
        times: As in `first_position`.
        confidence: Of the interval; its complement is the level of the smallest effect.

    Returns:
        None without rows.
    """
    hit = np.asarray(hits, dtype=np.float64)
    if not len(hit):
        return None
    expected = np.broadcast_to(np.asarray(null, dtype=np.float64), (len(hit),))
    code, often, count = _rows(clusters, times, len(hit))
    n = int(often.sum())
    share, centre = float(hit @ often) / n, float(expected @ often) / n
    error = _floored(clustered_standard_error(hit - expected, code, often), count, n)
    effective = _effective(share, error, count)
    interval = wilson(min(max(share, 0.0), 1.0), effective, confidence)
    null_error = math.sqrt(centre * (1 - centre) / effective) if 0 < centre < 1 else error
    found = _estimate(share, centre, interval, null_error, (n, count), confidence)
    return _within_reach(found, max(centre, 1 - centre))


def accuracy_by_position(
    correct_slots: npt.ArrayLike,
    credits_: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike | None = None,
    confidence: float = CONFIDENCE,
) -> list[PositionAccuracy]:
    """Accuracy for each slot that the correct completion stood in, and how far it is from that in the other slots.

    Accuracies have clustered Wilson intervals (see `share_against`), differences Wald intervals with the clustered
    sandwich error of a difference of means.

    Args:
        correct_slots: Where the correct completion was shown, 0 the first, shape (n,).
        credits_: Each row's credit, from 0 to 1, shape (n,).
        clusters: The item of each row, shape (n,); none: each its own.
        confidence: Of the intervals.
    """
    slot, credit = np.asarray(correct_slots), np.asarray(credits_, dtype=np.float64)
    code, _ = codes(clusters, len(credit))
    result = []
    for there in np.unique(slot):
        inside = slot == there
        _, count = codes(code[inside], int(inside.sum()))
        accuracy = float(credit[inside].mean())
        error = _floored(clustered_standard_error(credit[inside], code[inside]), count, int(inside.sum()))
        interval = wilson(accuracy, _effective(accuracy, error, count), confidence)
        rest = None if inside.all() else _difference_of_means(credit, inside, code, confidence)
        result.append(PositionAccuracy(int(there), accuracy, interval.low, interval.high, int(inside.sum()), rest))
    return result


def mean_difference(
    values: npt.ArrayLike, *, clusters: npt.ArrayLike | None = None, confidence: float = CONFIDENCE
) -> BiasEstimate | None:
    """A mean of clustered differences of shares against 0, with Wald's interval.

    Args:
        values: From -1 to 1, shape (n,).
        clusters: The item of each, shape (n,); none: each its own.
        confidence: Of the interval.

    Returns:
        None without values.
    """
    given = np.asarray(values, dtype=np.float64)
    n = len(given)
    if not n:
        return None
    code, count = codes(clusters, n)
    error = _floored(clustered_standard_error(given, code), count, n)
    wide = _around(float(given.mean()), NormalDist().inv_cdf(0.5 + confidence / 2) * error)
    interval = Interval(max(wide.low, -1.0), min(wide.high, 1.0))
    return _within_reach(_estimate(float(given.mean()), 0.0, interval, error, (n, count), confidence), 1.0)


def log_odds(
    coefficient: float,
    error: float,
    sizes: tuple[int, int],
    *,
    association: bool = False,
    confidence: float = CONFIDENCE,
) -> BiasEstimate:
    """A coefficient of a choice model against 0, with Wald's interval.

    Args:
        coefficient: In log-odds.
        error: Its standard error.
        sizes: Rows, and clusters they belong to.
        association: Whether it may be nothing but how hard the items are.
        confidence: Of the interval.
    """
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * error
    found = _estimate(coefficient, 0.0, _around(coefficient, half), error, sizes, confidence)
    return replace(found, association=association)


def _difference_of_means(values: Floats, inside: npt.NDArray[np.bool_], code: Ints, confidence: float) -> BiasEstimate:
    """Mean inside less mean outside; its error sums each cluster's influence on both means."""
    n, count = len(values), int(code.max()) + 1
    inner, outer = float(values[inside].mean()), float(values[~inside].mean())
    n_inner = int(inside.sum())
    influence = np.where(inside, (values - inner) / n_inner, -(values - outer) / (n - n_inner))
    sums = np.bincount(code, weights=influence, minlength=count)
    error = math.sqrt(float(sums @ sums) * count / (count - 1)) if count > 1 else math.nan
    clusters_in, clusters_out = (codes(code[part], int(part.sum()))[1] for part in (inside, ~inside))
    error = max(_floored(error, count, n), math.hypot(1 / clusters_in, 1 / clusters_out))
    wide = _around(inner - outer, NormalDist().inv_cdf(0.5 + confidence / 2) * error)
    interval = Interval(max(wide.low, -1.0), min(wide.high, 1.0))
    return _within_reach(_estimate(inner - outer, 0.0, interval, error, (n, count), confidence), 1.0)


def _estimate(
    value: float, null: float, interval: Interval, error: float, sizes: tuple[int, int], confidence: float
) -> BiasEstimate:
    p = math.erfc(abs(value - null) / error / math.sqrt(2))
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) + NormalDist().inv_cdf(POWER)
    return BiasEstimate(value, null, interval.low, interval.high, p, *sizes, reach * error)


def _within_reach(found: BiasEstimate, furthest: float) -> BiasEstimate:
    """With a smallest effect that is no larger than any can be."""
    return replace(found, smallest_effect=min(found.smallest_effect or 0.0, furthest))


def _around(value: float, half: float) -> Interval:
    return Interval(value - half, value + half)


def _rows(clusters: npt.ArrayLike | None, times: npt.ArrayLike | None, n: int) -> tuple[Ints, Ints, int]:
    """The cluster of each row, how many there are like it, and how many clusters there are in all."""
    code, kinds = codes(clusters, n)
    if times is None:
        return code, np.ones(n, dtype=np.int64), kinds
    often = np.asarray(times, dtype=np.int64)
    repeats = np.zeros(kinds, dtype=np.int64)
    repeats[code] = often
    return code, often, int(repeats.sum())


def _floored(error: float, clusters: int, rows: int) -> float:
    """A standard error of a share; with a single cluster nothing is known, and 1 stands for that."""
    return 1.0 if math.isnan(error) else max(error, min(1 / clusters, max(1 / rows, 0.5 / math.sqrt(rows))))


def _effective(share: float, error: float, clusters: int) -> float:
    return share * (1 - share) / error**2 if 0 < share < 1 else float(clusters)
