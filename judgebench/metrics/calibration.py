"""Do a judge's probabilities and ratings mean what they say: Brier, calibration error, risk-coverage, correlations."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

import numpy as np

from judgebench.metrics.intervals import CONFIDENCE, wilson
from judgebench.metrics.resampling import codes, resampled_counts

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.resampling import Ints

Binning = Literal["equal-width", "equal-mass"]

BOOTSTRAP_LIMIT = 2_000
"""Distinct pairs of values up to which the interval of a rank correlation is from the bootstrap."""

_ROUNDING = 1e-12
_TABLE_CELLS = 2_500
_TABLE_BLOCK = 4_000_000
_DRAWN_AT_ONCE = 250_000


@dataclass(frozen=True, slots=True)
class Bin:
    """The verdicts whose probability is above `low` (or at it, in the first bin) and up to `high`.

    Attributes:
        n: How many; never 0, since empty bins are left out.
        confidence: Their mean probability.
        accuracy: Their mean credit.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """The expected calibration error and how it came about.

    Attributes:
        value: Mean distance of accuracy and confidence over bins, weighted by their rows; from 0 to 1.
        maximum: The largest such distance.
        binning: How bins were cut.
        bins: Those with rows, in rising order.
    """

    value: float
    maximum: float
    binning: Binning
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """What error a judge makes when only its surest verdicts are taken.

    Attributes:
        coverage: Share of verdicts taken, the surest first, shape (n,).
        risk: Mean of 1 - credit among them, shape (n,).
        area: Mean of `risk` over all n coverages (AURC), lower is better.
        random: What it comes to in a random order, 1 - the mean credit.
        optimum: The lowest that any order of these verdicts has: the best first.
    """

    coverage: Floats
    risk: Floats
    area: float
    random: float
    optimum: float


@dataclass(frozen=True, slots=True)
class Correlation:
    """A coefficient of correlation from -1 to 1, its interval, and the number of pairs behind it."""

    value: float
    low: float
    high: float
    n: int


def squared_errors(probabilities: npt.ArrayLike, outcomes: npt.ArrayLike) -> Floats:
    """Squared distance of each probability and its outcome, whose mean is the Brier score (1950), for one event.

    An outcome between 0 and 1, as of a tie, is right with that probability: (1 - p)^2 and p^2 weighted by it, so that
    a verdict held for even that is a tie counts 0.25, as a coin does.

    Args:
        probabilities: That the verdict is right, from 0 to 1, shape (n,).
        outcomes: 1 where it is, else 0, or a credit between, shape (n,).

    Returns:
        Shape (n,), each from 0 to 1.

    Raises:
        ValueError: No rows, unequal lengths, or a probability outside 0 to 1.
    """
    probability, outcome = _forecasts(probabilities, outcomes)
    found: Floats = outcome * (1 - probability) ** 2 + (1 - outcome) * probability**2
    return found


def brier(probabilities: npt.ArrayLike, outcomes: npt.ArrayLike) -> float:
    """Mean of `squared_errors`: 0 is best, 0.25 always 0.5."""
    return float(squared_errors(probabilities, outcomes).mean())


def ece(
    probabilities: npt.ArrayLike, outcomes: npt.ArrayLike, *, bins: int = 10, binning: Binning = "equal-width"
) -> CalibrationError:
    """Expected calibration error (Naeini et al. 2015, doi:10.1609/aaai.v29i1.9602; Guo et al. 2017, arXiv 1706.04599).

    Args:
        probabilities: That the verdict is right, from 0 to 1, shape (n,).
        outcomes: 1 where it is, else 0, or a credit between, shape (n,).
        bins: How many to cut.
        binning: `equal-width` cuts 0 to 1 evenly; `equal-mass` cuts at quantiles of the probabilities, where equal
            probabilities share a bin, so that there may be fewer.

    Raises:
        ValueError: No rows, unequal lengths, or a probability outside 0 to 1.
    """
    probability, outcome = _forecasts(probabilities, outcomes)
    steps = np.linspace(0, 1, bins + 1)
    if binning == "equal-mass":
        up_to = -(-len(probability) * np.arange(bins + 1) // bins)
        steps = np.sort(probability)[np.maximum(up_to - 1, 0)]
    upper = np.unique(steps[1:])
    lower = np.concatenate([steps[:1], upper[:-1]])
    place = np.searchsorted(upper, probability, side="left")
    table = []
    for at in np.unique(place):
        inside = place == at
        means = float(probability[inside].mean()), float(outcome[inside].mean())
        table.append(Bin(float(lower[at]), float(upper[at]), int(inside.sum()), *means))
    gaps = np.array([abs(row.accuracy - row.confidence) for row in table])
    weights = np.array([row.n for row in table]) / len(probability)
    return CalibrationError(float(gaps @ weights), float(gaps.max()), binning, tuple(table))


def risk_coverage(confidences: npt.ArrayLike, credits_: npt.ArrayLike) -> RiskCoverage:
    """The risk-coverage curve and its area (Geifman et al. 2019, arXiv 1805.08206).

    Verdicts of equal confidence count with their mean risk, what they come to in a random order, so the order of rows
    never matters.

    Args:
        confidences: Any number that is higher where the judge is surer, shape (n,).
        credits_: From 0 to 1, shape (n,).

    Raises:
        ValueError: No rows, or unequal lengths.
    """
    confidence, credit = _pairs(confidences, credits_)
    _, kind, repeats = np.unique(-confidence, return_inverse=True, return_counts=True)
    mean_risk = np.bincount(kind, weights=1 - credit) / repeats
    taken = np.arange(1, len(credit) + 1)
    risk = np.cumsum(np.repeat(mean_risk, repeats)) / taken
    least = np.cumsum(np.sort(1 - credit)) / taken
    return RiskCoverage(taken / len(credit), risk, float(risk.mean()), float(risk[-1]), float(least.mean()))


def ece_if_calibrated(
    probabilities: npt.ArrayLike,
    tied: npt.ArrayLike = 1,
    *,
    bins: int = 10,
    share: float = 0.95,
    draws: int = 1_000,
    seed: int = 0,
) -> float:
    """The quantile of the calibration error that a calibrated judge with these probabilities has by chance.

    A judge that is right as often as it says has an ECE above 0 with few rows, so that a value below this one shows
    nothing. Simulated, with independent rows: each is right with its probability (consistency resampling, Broecker and
    Smith 2007, doi:10.1175/WAF993.1). Bins are those of `ece`, of equal width.

    Args:
        probabilities: That the verdict is right, from 0 to 1, shape (n,).
        tied: Of how many completions each is the probability: among m equal ones the correct one is with m times the
            probability, which makes the verdict right by 1 / m.
        bins: How many.
        share: Which quantile.
        draws: Simulated judges.
        seed: Of the simulation.

    Raises:
        ValueError: No rows, unequal lengths, or a probability outside 0 to 1.
    """
    probability, among = _forecasts(
        probabilities, np.broadcast_to(np.asarray(tied, dtype=np.float64), np.shape(probabilities))
    )
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:], probability, side="left")
    order = np.argsort(place, kind="stable")
    probability, among = probability[order], among[order]
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    random = np.random.default_rng(seed)
    errors = []
    at_once = max(1, _DRAWN_AT_ONCE // len(probability))
    for done in range(0, draws, at_once):
        right = random.random((min(at_once, draws - done), len(probability))) < probability * among
        errors.append(np.abs(np.add.reduceat(right / among - probability, starts, axis=1)).sum(axis=1))
    return float(np.quantile(np.concatenate(errors), share)) / len(probability)


def pearson(
    x: npt.ArrayLike, y: npt.ArrayLike, *, clusters: npt.ArrayLike | None = None, confidence: float = CONFIDENCE
) -> Correlation | None:
    """Pearson's r with an interval on the scale of Fisher's z = atanh r: tanh(z -+ quantile x error).

    The error is that of z without each cluster in turn: the jackknife, which is the influence function's (Devlin et al.
    1975, doi:10.1093/biomet/62.3.531) but for what few far-off pairs change. It holds for grades with a few far off,
    for which Fisher's (1921) 1 / sqrt(n - 3) is too small; the wider of both counts. The quantile is Student's t's with
    2 G / (kurtosis - 1) degrees of freedom (Satterthwaite), for the error of few such pairs is itself not well known.
    See `_with_unseen`. Clusters of 3 or fewer: -1 to 1.

    Args:
        x: Shape (n,).
        y: Shape (n,).
        clusters: What each pair belongs to, shape (n,); none: itself.
        confidence: Of the interval.

    Returns:
        None where a side does not vary.

    Raises:
        ValueError: No pairs, or unequal lengths.
    """
    first, second = _pairs(x, y)
    n = len(first)
    value = float(_weighted_pearson(first, second, np.ones((1, n)))[0])
    if math.isnan(value):
        return None
    code, count = codes(clusters, n)
    if count <= 3:
        return Correlation(value, -1.0, 1.0, n)
    a, b = ((side - side.mean()) / side.std() for side in (first, second))
    moments = np.stack([np.ones(n), a, b, a * a, b * b, a * b])
    whole = moments.sum(axis=1)[:, None]
    left: Floats = whole - np.stack([np.bincount(code, weights=each, minlength=count) for each in moments])
    m: Floats = left / left[0]
    spread = np.sqrt(np.maximum(m[3] - m[1] ** 2, _ROUNDING) * np.maximum(m[4] - m[2] ** 2, _ROUNDING))
    z = np.arctanh(np.clip((m[5] - m[1] * m[2]) / spread, _ROUNDING - 1, 1 - _ROUNDING))
    deviations = (z - z.mean()) ** 2
    total = float(deviations.sum())
    peaked = count * float(deviations @ deviations) / total**2 if total > 0 else 1.0
    degrees = max(2 * count / max(peaked - 1, 1.0), 3.0)
    plain = _by_fisher(value, 1 / (n - 3), n, confidence)
    found = _by_fisher(value, (count - 1) / count * total, n, confidence, degrees)
    wider = replace(found, low=min(found.low, plain.low), high=max(found.high, plain.high))
    return _with_unseen(wider, count, confidence)


def _with_unseen(found: Correlation, units: int, confidence: float) -> Correlation:
    """The interval at least as far as what so many units may have missed: a share of ratings that are quite off.

    Where that share is up to 1 less Wilson's lower end of all in so many, r falls to its product with the end. So full
    correlation in a few items is no certainty.
    """
    least = found.value * wilson(1.0, units, confidence).low
    return replace(found, low=min(found.low, least), high=max(found.high, least))


def _by_fisher(value: float, variance: float, n: int, confidence: float, degrees: float | None = None) -> Correlation:
    """A coefficient with the interval in which its Fisher z (inverse hyperbolic tangent) is normal, or Student's t."""
    half = _quantile(0.5 + confidence / 2, degrees) * math.sqrt(variance)
    centre = math.atanh(min(max(value, -1 + 1e-15), 1 - 1e-15))
    low, high = math.tanh(centre - half), math.tanh(centre + half)
    return Correlation(value, min(low, value), max(high, value), n)


def _quantile(share: float, degrees: float | None) -> float:
    """Of the normal distribution, or of Student's t."""
    if degrees is None:
        return NormalDist().inv_cdf(share)
    from scipy.special import stdtrit

    return float(stdtrit(degrees, share))


def spearman(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike | None = None,
    resamples: int = 2_000,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Correlation | None:
    """Spearman's rho (ties at their mean rank) with a percentile bootstrap interval over pairs, or over clusters.

    With more than 2,000 distinct pairs the interval is Bonett and Wright's (2000, doi:10.1007/BF02294183): Fisher's z
    with variance (1 + rho^2 / 2) / (n - 3), times the design effect of the clusters.

    Args:
        x: Shape (n,).
        y: Shape (n,).
        clusters: What each pair belongs to, shape (n,); none: itself.
        resamples: How many.
        confidence: Of the interval.
        seed: Of the resampling.

    Returns:
        None where a side does not vary.

    Raises:
        ValueError: No pairs, or unequal lengths.
    """

    def rho(counts: Ints, first: Ints, second: Ints) -> Floats:
        return _weighted_pearson(_midranks(counts, first), _midranks(counts, second), counts)

    def variance(value: float, counts: Ints, *_: Ints) -> float:
        return (1 + value**2 / 2) / (int(counts.sum()) - 3)

    return _rank_correlation(x, y, rho, variance, clusters, (resamples, confidence, seed))


def kendall(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike | None = None,
    resamples: int = 1_000,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Correlation | None:
    """Kendall's tau-b (1945, doi:10.1093/biomet/33.3.239) with a percentile bootstrap interval over pairs, or clusters.

    Ratings with few values are counted in a table; where both sides have many, scipy does it, some 0.5 ms a resample
    of 1,000 pairs. With more than 2,000 distinct pairs the interval is Bonett and Wright's (2000,
    doi:10.1007/BF02294183): Fisher's z with variance 0.437 / (n - 4), here over the share of untied pairs of each
    side: with ties tau-b varies more, about so much in simulations; times the design effect of the clusters.

    Args:
        x: Shape (n,).
        y: Shape (n,).
        clusters: What each pair belongs to, shape (n,); none: itself.
        resamples: How many.
        confidence: Of the interval.
        seed: Of the resampling.

    Returns:
        None where a side does not vary.

    Raises:
        ValueError: No pairs, or unequal lengths.
    """
    return _rank_correlation(x, y, _tau, _tau_variance, clusters, (resamples, confidence, seed))


def _tau_variance(_: float, counts: Ints, first: Ints, second: Ints) -> float:
    """Of tau-b's Fisher z."""
    n = int(counts.sum())
    untied = 1.0
    for levels in (first, second):
        sizes = np.bincount(levels, weights=counts)
        untied *= 1 - float((sizes * (sizes - 1)).sum()) / (n * (n - 1))
    return 0.437 / (n - 4) / untied


def _rank_correlation(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    statistic: Callable[[Ints, Ints, Ints], Floats],
    variance: Callable[[float, Ints, Ints, Ints], float],
    clusters: npt.ArrayLike | None,
    drawing: tuple[int, float, int],
) -> Correlation | None:
    """A rank correlation as a function of how often each distinct pair of ranks is drawn.

    The interval is from resamples (how many, the confidence and the seed: `drawing`), or by the variance of Fisher's z
    where that would take long.
    """
    resamples, confidence, seed = drawing
    first, second = _pairs(x, y)
    ranks = np.stack([np.unique(side, return_inverse=True)[1].reshape(-1) for side in (first, second)])
    kinds, kind, repeats = np.unique(ranks, axis=1, return_inverse=True, return_counts=True)
    value = float(statistic(repeats[None, :], kinds[0], kinds[1])[0])
    if math.isnan(value):
        return None
    code, count = codes(clusters, len(first))
    if len(repeats) > BOOTSTRAP_LIMIT:
        effect = _rank_effect(
            _midranks(repeats[None, :], kinds[0])[0], _midranks(repeats[None, :], kinds[1])[0], kind, code
        )
        found = _by_fisher(value, effect * variance(value, repeats, kinds[0], kinds[1]), len(first), confidence)
        return _with_unseen(found, count, confidence)
    rng = np.random.default_rng(seed)
    if count == len(first):
        blocks = resampled_counts(repeats, resamples, rng)
    else:
        among = np.zeros((count, len(repeats)))
        np.add.at(among, (code, kind.reshape(-1)), 1.0)
        often = resampled_counts(np.ones(count, dtype=np.int64), resamples, rng)
        blocks = ((each @ among).round().astype(np.int64) for each in often)
    drawn = np.concatenate([statistic(counts, kinds[0], kinds[1]) for counts in blocks])
    drawn = drawn[~np.isnan(drawn)]
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2]) if len(drawn) else (-1.0, 1.0)
    found = Correlation(value, min(float(low), value), max(float(high), value), len(first))
    return _with_unseen(found, count, confidence)


def _rank_effect(first: Floats, second: Floats, kind: Ints, code: Ints) -> float:
    """The design effect of clusters on a rank correlation: of the ranks' influence on their r, never below 1."""
    a, b = (
        (side[kind.reshape(-1)] - side[kind.reshape(-1)].mean()) / side[kind.reshape(-1)].std()
        for side in (first, second)
    )
    r = float((a * b).mean())
    influence = a * b - r * (a * a + b * b) / 2
    sums = np.bincount(code, weights=influence)
    return max(1.0, float(sums @ sums) / max(float(influence @ influence), _ROUNDING))


def _midranks(counts: Ints, levels: Ints) -> Floats:
    """Mean ranks of each cell's level in each resample, up to a constant, shape (resamples, cells)."""
    order = np.argsort(levels, kind="stable")
    starts = np.flatnonzero(np.diff(levels[order], prepend=-1))
    totals = np.add.reduceat(counts[:, order], starts, axis=1)
    ranks: Floats = (np.cumsum(totals, axis=1) - totals / 2)[:, levels]
    return ranks


def _weighted_pearson(x: Floats, y: Floats, weights: npt.NDArray[np.float64] | Ints) -> Floats:
    """Pearson's r in each row of weights; NaN where a side does not vary."""
    total = weights.sum(axis=1, keepdims=True)
    dx = x - (weights * x).sum(axis=1, keepdims=True) / total
    dy = y - (weights * y).sum(axis=1, keepdims=True) / total
    varying = _varies(x, weights) & _varies(y, weights)
    product = np.sqrt((weights * dx * dx).sum(axis=1) * (weights * dy * dy).sum(axis=1))
    r = (weights * dx * dy).sum(axis=1) / np.where(varying & (product > 0), product, np.nan)
    clipped: Floats = np.clip(r, -1.0, 1.0)
    return clipped


def _varies(values: Floats, weights: npt.NDArray[np.float64] | Ints) -> npt.NDArray[np.bool_]:
    highest = np.where(weights > 0, values, -np.inf).max(axis=1)
    varies: npt.NDArray[np.bool_] = highest > np.where(weights > 0, values, np.inf).min(axis=1)
    return varies


def _tau(counts: Ints, first: Ints, second: Ints) -> Floats:
    rows, columns = int(first.max()) + 1, int(second.max()) + 1
    if rows * columns > _TABLE_CELLS:
        return _tau_by_scipy(counts, first, second)
    at_once = max(1, _TABLE_BLOCK // (rows * columns))
    blocks = []
    for start in range(0, len(counts), at_once):
        part = counts[start : start + at_once]
        table = np.zeros((len(part), rows, columns))
        table[:, first, second] = part
        blocks.append(_tau_of_tables(table))
    return np.concatenate(blocks)


def _tau_of_tables(table: Floats) -> Floats:
    """Tau-b of contingency tables, shape (tables, rows, columns)."""
    below = np.zeros_like(table)
    below[:, 1:, :] = np.cumsum(table, axis=1)[:, :-1, :]
    before = np.cumsum(below, axis=2)
    lower_left = np.zeros_like(table)
    lower_left[:, :, 1:] = before[:, :, :-1]
    lower_right = before[:, :, -1:] - before
    surplus = (table * (lower_left - lower_right)).sum(axis=(1, 2))
    n = table.sum(axis=(1, 2))
    pairs = n * (n - 1) / 2
    untied = [pairs - (side * (side - 1)).sum(axis=1) / 2 for side in (table.sum(axis=2), table.sum(axis=1))]
    product = untied[0] * untied[1]
    tau: Floats = surplus / np.sqrt(np.where(product > 0, product, np.nan))
    return np.clip(tau, -1.0, 1.0)


def _tau_by_scipy(counts: Ints, first: Ints, second: Ints) -> Floats:
    from scipy.stats import kendalltau

    return np.array([kendalltau(np.repeat(first, row), np.repeat(second, row)).statistic for row in counts])


def _pairs(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise ValueError(f"values of shapes {first.shape} and {second.shape}: expected the same length, at least one")
    return first, second


def _forecasts(probabilities: npt.ArrayLike, outcomes: npt.ArrayLike) -> tuple[Floats, Floats]:
    probability, outcome = _pairs(probabilities, outcomes)
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("a probability is outside 0 to 1")
    return probability, outcome
