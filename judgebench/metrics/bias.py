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
        null: Its value without bias.
        low: The interval's lower end.
        high: The interval's upper end.
        p: Two-sided, against `null`.
        n: Rows.
        clusters: Items they belong to.
        smallest_effect: The distance from `null` that so many items show with a chance of 80%.
        association: Whether labels or subsets are too few to tell it from how hard the items are: no evidence of bias.
    """

    estimate: float
    null: float
    low: float
    high: float
    p: float
    n: int
    clusters: int
    smallest_effect: float
    association: bool = False


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
    confidence: float = CONFIDENCE,
) -> BiasEstimate | None:
    """The share of verdicts for the completion that is shown first, against 1 / slots.

    The null holds where orders are drawn at random or every order is asked.

    Args:
        chosen_slots: The slot each verdict names, 0 the first, shape (n,); ties and failures left out.
        slots: How many completions were shown: one number, or one a row, shape (n,).
        clusters: The item of each row, shape (n,); none: each its own.
        confidence: Of the interval.

    Returns:
        None without rows.
    """
    first = (np.asarray(chosen_slots) == 0).astype(np.float64)
    return share_against(first, 1 / np.asarray(slots, dtype=np.float64), clusters=clusters, confidence=confidence)


def share_against(
    hits: npt.ArrayLike,
    null: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike | None = None,
    confidence: float = CONFIDENCE,
) -> BiasEstimate | None:
    """A share of clustered rows against a null, by Wilson's interval at the effective number of rows.

    The effective number is share (1 - share) / SE^2 with the clustered standard error of hits - null: rows over the
    design effect (Korn and Graubard 1998). Where orders balance each other within items it is above the number of
    rows. SE is not taken below 1 / clusters, about what no odd item among so many leaves open (the rule of three).
    p is that of the score test, which agrees with the interval.

    Args:
        hits: From 0 to 1, shape (n,).
        null: The share expected: one number, or one a row, shape (n,).
        clusters: The item of each row, shape (n,); none: each its own.
        confidence: Of the interval; its complement is the level of the smallest effect.

    Returns:
        None without rows.
    """
    hit = np.asarray(hits, dtype=np.float64)
    n = len(hit)
    if not n:
        return None
    expected = np.broadcast_to(np.asarray(null, dtype=np.float64), (n,))
    code, count = codes(clusters, n)
    share, centre = float(hit.mean()), float(expected.mean())
    error = _floored(clustered_standard_error(hit - expected, code), count)
    effective = _effective(share, error, count)
    interval = wilson(min(max(share, 0.0), 1.0), effective, confidence)
    null_error = math.sqrt(centre * (1 - centre) / effective) if 0 < centre < 1 else error
    return _estimate(share, centre, interval, null_error, (n, count), confidence)


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
        error = _floored(clustered_standard_error(credit[inside], code[inside]), count)
        interval = wilson(accuracy, _effective(accuracy, error, count), confidence)
        rest = None if inside.all() else _difference_of_means(credit, inside, code, confidence)
        result.append(PositionAccuracy(int(there), accuracy, interval.low, interval.high, int(inside.sum()), rest))
    return result


def consistency(
    chosen: npt.ArrayLike,
    items: npt.ArrayLike,
    slots: npt.ArrayLike = 2,
    *,
    confidence: float = CONFIDENCE,
) -> BiasEstimate | None:
    """The share of items whose verdict is the same in all their orders.

    The null is a judge that picks at random: slots^(1 - m) for an item with m verdicts, averaged over items.

    Args:
        chosen: The completion each verdict names (its index in the item, not its slot), shape (n,); a tie is a number
            of its own, such as -1. Failures are left out.
        items: The item of each row, shape (n,).
        slots: How many completions were shown: one number, or one a row, shape (n,).
        confidence: Of the interval.

    Returns:
        None where no item has two verdicts. `n` and `clusters` count the items that have.
    """
    choice = np.asarray(chosen, dtype=np.int64)
    code, count = codes(items, len(choice))
    verdicts = np.bincount(code, minlength=count)
    lowest, highest = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(lowest, code, choice)
    np.maximum.at(highest, code, choice)
    shown = np.zeros(count)
    shown[code] = np.asarray(slots, dtype=np.float64)
    several = verdicts > 1
    by_chance = shown[several] ** (1.0 - verdicts[several])
    return share_against((lowest == highest)[several], by_chance, confidence=confidence)


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
    error = max(_floored(error, count), math.hypot(1 / clusters_in, 1 / clusters_out))
    wide = _around(inner - outer, NormalDist().inv_cdf(0.5 + confidence / 2) * error)
    interval = Interval(max(wide.low, -1.0), min(wide.high, 1.0))
    return _estimate(inner - outer, 0.0, interval, error, (n, count), confidence)


def _estimate(
    value: float, null: float, interval: Interval, error: float, sizes: tuple[int, int], confidence: float
) -> BiasEstimate:
    p = math.erfc(abs(value - null) / error / math.sqrt(2))
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) + NormalDist().inv_cdf(POWER)
    return BiasEstimate(value, null, interval.low, interval.high, p, *sizes, reach * error)


def _around(value: float, half: float) -> Interval:
    return Interval(value - half, value + half)


def _floored(error: float, clusters: int) -> float:
    """A standard error of a share; with a single cluster nothing is known, and 1 stands for that."""
    return 1.0 if math.isnan(error) else max(error, 1 / clusters)


def _effective(share: float, error: float, clusters: int) -> float:
    return share * (1 - share) / error**2 if 0 < share < 1 else float(clusters)
