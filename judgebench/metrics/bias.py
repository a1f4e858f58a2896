"""What moves a judge besides the better answer: position, length, its own family. Each against a stated null.

Every estimate comes with its interval, its p, and the smallest effect that this many items would have shown with a
chance of 80%: an interval that holds the null says "no bias" only where that effect is small.

Rows are readings with a verdict; clusters are items, since the orders and samples of an item are not independent
(Miller 2024, arXiv 2411.00640).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
RIDGE = 0.1


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
    """

    estimate: float
    null: float
    low: float
    high: float
    p: float
    n: int
    clusters: int
    smallest_effect: float


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


@dataclass(frozen=True, slots=True)
class LengthPreference:
    """What makes a judge choose the completion that is shown first, in log-odds.

    Attributes:
        length: By how much `scale` more of log length raises them, at the same label.
        label: By how much being the correct one does; None where labels do not differ.
        first: Being shown first, at equal length and without a label.
        scale: Root mean square of the log length differences: the unit of `length`.
    """

    length: BiasEstimate
    label: BiasEstimate | None
    first: float
    scale: float


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


def own_family_preference(
    chose_own: npt.ArrayLike,
    expected: npt.ArrayLike = 0.5,
    *,
    clusters: npt.ArrayLike | None = None,
    confidence: float = CONFIDENCE,
) -> BiasEstimate | None:
    """The share of verdicts for the judge's own family, where it wrote some of the completions and not all.

    Args:
        chose_own: 1 where the verdict names a completion of the family, else 0, shape (n,); ties and failures left out.
        expected: That share without preference: one number, or one a row, shape (n,). 1 where the family wrote the
            correct completion and 0 where it did not asks for preference beyond the labels.
        clusters: The item of each row, shape (n,); none: each its own.
        confidence: Of the interval.

    Returns:
        None without rows.
    """
    return share_against(chose_own, expected, clusters=clusters, confidence=confidence)


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


def length_preference(
    chose_first: npt.ArrayLike,
    labels: npt.ArrayLike,
    lengths: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike | None = None,
    ridge: float = RIDGE,
    confidence: float = CONFIDENCE,
) -> LengthPreference | None:
    """Preference for the longer of two completions beyond what the labels justify, by logistic regression.

    P(first is chosen) = logistic(first + label x label + length x difference of log(1 + length) / its root mean
    square). Fitted by Newton steps with a penalty of ridge / 2 times the squared coefficients: weaker than one row's
    worth of information, so nothing in a sizeable sample, but it keeps coefficients finite where a judge can be told
    in advance (one that always takes the longest). Errors are the cluster-robust sandwich's (Liang and Zeger 1986,
    doi:10.1093/biomet/73.1.13, times G / (G - 1)), or the model's own where larger: under separation the sandwich
    shrinks to nothing.

    Args:
        chose_first: 1 where the verdict is for the first shown, 0 for the second, 0.5 for a tie, shape (n,).
        labels: 1 where the first shown is correct, -1 the second, 0 not known, shape (n,).
        lengths: Lengths of the first and the second, in any unit (characters, say), shape (n, 2).
        clusters: The item of each row, shape (n,); none: each its own.
        ridge: The penalty.
        confidence: Of the intervals.

    Returns:
        None where no pair differs in length.
    """
    outcome, label = np.asarray(chose_first, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    logs = np.log1p(np.asarray(lengths, dtype=np.float64).reshape(len(outcome), 2))
    difference = logs[:, 0] - logs[:, 1]
    scale = math.sqrt(float(difference @ difference) / max(len(outcome), 1))
    if scale == 0:
        return None
    code, count = codes(clusters, len(outcome))
    labelled = float(np.ptp(label)) > 0
    columns = [np.ones(len(outcome)), difference / scale, *([label] if labelled else [])]
    design = np.stack(columns, axis=1)
    coefficients = _fit(design, outcome, ridge)
    errors = _standard_errors(design, outcome, coefficients, code, ridge)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    estimates = [
        _estimate(b, 0.0, _around(b, z * e), e, (len(outcome), count), confidence)
        for b, e in zip(coefficients[1:].tolist(), errors[1:].tolist(), strict=True)
    ]
    return LengthPreference(estimates[0], estimates[1] if labelled else None, float(coefficients[0]), scale)


def _fit(design: Floats, outcome: Floats, ridge: float) -> Floats:
    """Ridge logistic coefficients, shape (columns,), by Newton steps that are halved until the objective falls."""

    def objective(at: Floats) -> float:
        eta = design @ at
        return float(np.logaddexp(0, eta).sum() - outcome @ eta + ridge / 2 * (at @ at))

    coefficients = np.zeros(design.shape[1])
    value = objective(coefficients)
    for _ in range(100):
        mean = _logistic(design @ coefficients)
        gradient = design.T @ (outcome - mean) - ridge * coefficients
        step = np.linalg.solve(_information(design, mean, ridge), gradient)
        while (after := objective(coefficients + step)) > value and np.abs(step).max() > 1e-10:
            step = step / 2
        coefficients, value = coefficients + step, after
        if np.abs(step).max() < 1e-8:
            break
    return coefficients


def _standard_errors(design: Floats, outcome: Floats, coefficients: Floats, code: Ints, ridge: float) -> Floats:
    mean = _logistic(design @ coefficients)
    inverse = np.linalg.inv(_information(design, mean, ridge))
    count = int(code.max()) + 1
    rows = design * (outcome - mean)[:, None]
    scores = np.stack([np.bincount(code, weights=column, minlength=count) for column in rows.T], axis=1)
    factor = count / (count - 1) if count > 1 else 1.0
    sandwich = inverse @ (scores.T @ scores) @ inverse * factor
    errors: Floats = np.sqrt(np.maximum(np.diag(sandwich), np.diag(inverse)))
    return errors


def _information(design: Floats, mean: Floats, ridge: float) -> Floats:
    weighted: Floats = design.T @ (design * (mean * (1 - mean))[:, None]) + ridge * np.eye(design.shape[1])
    return weighted


def _logistic(eta: Floats) -> Floats:
    mean: Floats = 0.5 * (1 + np.tanh(eta / 2))
    return mean


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
