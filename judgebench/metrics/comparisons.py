"""The tests that paired comparisons are made of: intervals from resamples, exact tests, and what could have been seen.

`judgebench.metrics.paired` says which is for what.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from judgebench.metrics.intervals import CONFIDENCE, POWER, RESAMPLES, Interval, wilson
from judgebench.metrics.resampling import codes

if TYPE_CHECKING:
    import numpy.typing as npt

    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.resampling import Ints

_NORMAL_LIMIT = 20_000
_ROUNDING = 1e-12
_MOST_STEPS = 10_000
_NEGLIGIBLE = 1e-10
_NEVER = 1e-40
_FEW_DISCORDANT = 50
_PRECISION = 1e-3


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The score of one run less that of another on the same items.

    Attributes:
        difference: In the unit of the credits; above 0 where the first run is better.
        low: The interval's lower end.
        high: The interval's upper end.
        p: Two-sided, against no difference.
    """

    difference: float
    low: float
    high: float
    p: float


def difference_from_resamples(
    difference: float, drawn: npt.ArrayLike, confidence: float = CONFIDENCE
) -> PairedDifference:
    """The percentile interval and p of a difference from its resamples.

    p is the smallest level whose interval leaves out 0: 2 (1 + resamples on the rarer side of 0) / (1 + resamples).

    Args:
        difference: The difference itself; the interval always holds it.
        drawn: The differences in resamples that drew the same items for both runs, shape (resamples,).
        confidence: The share of intervals that hold the truth.
    """
    resampled = np.asarray(drawn, dtype=np.float64)
    low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2])
    below = int(np.count_nonzero(resampled <= _ROUNDING))
    above = int(np.count_nonzero(resampled >= -_ROUNDING))
    p = min(1.0, 2 * (1 + min(below, above)) / (1 + len(resampled)))
    return PairedDifference(difference, min(float(low), difference), max(float(high), difference), p)


def without_spread(difference: float, n: float, confidence: float = CONFIDENCE) -> PairedDifference:
    """The interval and p of a difference by which all items differ, of which resampling shows no spread.

    The interval is as wide as Wilson's at a proportion of 0 in n; p is that of the sign test.

    Args:
        difference: From -1 to 1.
        n: How many items, or effective items of a weighted mean.
        confidence: The share of intervals that hold the truth.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    width = z * z / (n + z * z)
    p = 1.0 if abs(difference) < _ROUNDING else min(1.0, 2 * 0.5**n)
    low, high = max(difference - width, -1.0), min(difference + width, 1.0)
    return PairedDifference(difference, min(low, difference), max(high, difference), p)


def sign_flip_test(
    differences: npt.ArrayLike,
    *,
    coins: npt.ArrayLike = (),
    times: npt.ArrayLike | None = None,
    coin_times: npt.ArrayLike | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> float:
    """Two-sided p of a permutation test: were the runs alike, each difference could as well be the other way round.

    Exact where no more than `resamples` sign patterns exist, or where the differences are whole multiples of one amount
    (credits of 0, 1/2 and 1 of equal weight) and add up to 10,000 of it; else (1 + as extreme) / (1 + drawn) (Phipson
    and Smyth 2010, doi:10.2202/1544-6115.1585); with more than 20,000 distinct differences, the normal limit.

    Args:
        differences: Of each independent unit (an item, or the sum over a cluster) by its weight in the score: shape
            (n,), of any scale.
        coins: Amounts that could as well have been added as taken away, and so are no part of the observed sum: half
            the range of what stands in for a failure, shape (any,).
        times: How often each difference occurs, whole numbers of shape (n,); None: once.
        coin_times: The same of the coins.
        resamples: How many sign patterns are drawn.
        seed: Of the drawing.
    """
    given, more = (np.asarray(each, dtype=np.float64) for each in (differences, coins))
    often, more_often = (
        np.ones(len(each), dtype=np.int64) if counts is None else np.asarray(counts, dtype=np.int64)
        for each, counts in ((given, times), (more, coin_times))
    )
    observed = abs(float(given @ often)) - _ROUNDING
    parts, often = np.concatenate([given, more]), np.concatenate([often, more_often])
    kept = (np.abs(parts) > _ROUNDING) & (often > 0)
    parts, often = parts[kept], often[kept]
    if not len(parts) or observed <= 0:
        return 1.0
    number = int(often.sum())
    if 2 ** min(number, 64) <= resamples:
        patterns = np.arange(2**number)[:, None] >> np.arange(number) & 1
        return float(np.mean(np.abs((2 * patterns - 1) @ np.repeat(parts, often)) >= observed))
    sizes, repeats = _sizes(parts, often)
    steps = np.rint(sizes / sizes[0])
    if steps @ repeats <= _MOST_STEPS and np.allclose(sizes, steps * sizes[0], rtol=1e-9, atol=0):
        return _exact_sign_flips(steps.astype(np.int64), repeats, round((observed + _ROUNDING) / sizes[0]))
    squares = float(np.square(parts) @ often)
    if len(sizes) > _NORMAL_LIMIT:
        return math.erfc(float(observed / math.sqrt(squares)) / math.sqrt(2))
    if 2 * resamples * math.exp(-(observed**2) / 2 / squares) < _NEGLIGIBLE:  # Hoeffding's bound
        return 1 / (1 + resamples)
    rng = np.random.default_rng(seed)
    sums = np.zeros(resamples)
    for size, repeat in zip(sizes, repeats, strict=True):
        sums += size * (2 * rng.binomial(repeat, 0.5, size=resamples) - repeat)
    return (1 + int(np.count_nonzero(np.abs(sums) >= observed))) / (1 + resamples)


def _sizes(parts: Floats, often: Ints) -> tuple[Floats, Ints]:
    """The distinct sizes of differences, ascending, and how often each occurs; what rounding sets apart is one."""
    sizes, place = np.unique(np.abs(parts), return_inverse=True)
    repeats = np.bincount(place, weights=often)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(sizes) > 1e-9 * sizes[1:]]))
    return sizes[starts], np.add.reduceat(repeats, starts).astype(np.int64)


def _exact_sign_flips(steps: Ints, repeats: Ints, observed: int) -> float:
    """The chance that a sum of terms of either sign is as far from 0 as observed.

    Args:
        steps: The sizes of the terms, shape (sizes,).
        repeats: How many terms of each size there are.
        observed: The sum's size.
    """
    chances = np.ones(1)
    for step, repeat in zip(steps, repeats, strict=True):
        likely = _binomial_chances(int(repeat))
        likely = likely[(first := int(np.argmax(likely > _NEVER))) : len(likely) - first]
        terms = np.zeros(2 * step * (len(likely) - 1) + 1)
        terms[:: 2 * step] = likely
        chances = np.convolve(chances, terms)
    sums = np.abs(np.arange(len(chances)) - len(chances) // 2)
    return min(1.0, float(chances[sums >= observed].sum()))


def _binomial_chances(n: int) -> Floats:
    """The chance of each count from 0 to n at 1/2."""
    steps = np.arange(1, n + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log((n - steps + 1) / steps))]) - n * math.log(2)
    chances: Floats = np.exp(logs)
    return chances


def mcnemar_mid_p(b: int, c: int) -> float:
    """McNemar's test (1947, doi:10.1007/BF02295996) with mid-p: two-sided binomial p of the discordant counts at 1/2.

    The chance of what was found counts half (Fagerland, Lydersen and Laake 2013, doi:10.1186/1471-2288-13-91): the
    exact p holds its level by far where few items are discordant, and finds less.

    Args:
        b: Items that only the first run has right.
        c: Items that only the second run has right.
    """
    n, fewer = b + c, min(b, c)
    # In logarithms: scipy's binomtest gives 0 below 1e-279, and takes half a second to import.
    steps = np.arange(1, fewer + 1)
    log_terms = np.concatenate([[0.0], np.cumsum(np.log((n - steps + 1) / steps))]) - n * math.log(2)
    top = float(log_terms.max())
    terms = np.exp(log_terms - top)
    return min(1.0, math.exp(top) * float(2 * terms.sum() - terms[-1]))


def newcombe_interval(
    means: tuple[float, float],
    variances: tuple[float, float],
    covariance: float,
    n: float,
    confidence: float = CONFIDENCE,
) -> Interval:
    """The interval of a paired difference of two mean credits, from the score interval of each.

    Newcombe's method 10 (1998, doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C), with its
    correction of the covariance by 1 / (2 n). Credits between 0 and 1, weights and clusters enter as in
    `MeanStratum.interval`: by the design effect of each mean.

    Args:
        means: Of the first run and the second, from 0 to 1.
        variances: Of these means, unbiased.
        covariance: Of the two means, unbiased.
        n: How many items of equal weight they are worth.
        confidence: The share of intervals that hold the truth.
    """
    spreads = [mean * (1 - mean) for mean in means]
    ends = []
    for mean, variance, spread in zip(means, variances, spreads, strict=True):
        share = min(variance * n / spread, 1.0) if spread > _ROUNDING else 1.0
        ends.append(wilson(mean, n * (n + 1) / ((n - 1) * share + 2), confidence))
    one, other = (math.sqrt(max(variance * (n - 1), 0.0)) for variance in variances)
    joint = covariance * (n - 1)
    joint = max(joint - 1 / (2 * n), 0.0) if joint > 0 else joint
    phi = min(max(joint / (one * other), -1.0), 1.0) if one * other > _ROUNDING else 0.0
    (below, above), (below_other, above_other) = (
        (mean - end.low, end.high - mean) for mean, end in zip(means, ends, strict=True)
    )
    low = below**2 - 2 * phi * below * above_other + above_other**2
    high = above**2 - 2 * phi * above * below_other + below_other**2
    difference = means[0] - means[1]
    return Interval(difference - math.sqrt(max(low, 0.0)), difference + math.sqrt(max(high, 0.0)))


def agreeing_interval(interval: Interval, difference: float, p: float, confidence: float = CONFIDENCE) -> Interval:
    """The interval, moved where it and p disagree about 0: the end near 0 is then the test-based one.

    That is difference (1 - z / z_p), with the normal quantiles of the level and of p (Miettinen 1976,
    doi:10.1093/oxfordjournals.aje.a112222).
    """
    level = 1 - confidence
    if difference == 0 or (p <= level) == (interval.low > 0 or interval.high < 0):
        return interval
    z = NormalDist().inv_cdf(1 - level / 2)
    z_p = NormalDist().inv_cdf(1 - max(min(p, 1 - _ROUNDING), _ROUNDING) / 2)
    near = difference * (1 - z / z_p)
    return Interval(near, interval.high) if difference > 0 else Interval(interval.low, near)


def mcnemar_power(n: int, difference: float, discordant: float, *, alpha: float = 0.05) -> float:
    """The chance that McNemar's test with mid-p finds a true difference, summed over the binomials.

    Args:
        n: Items.
        difference: The true one, from 0 to 1.
        discordant: The true share of items on which the runs differ, at least the difference.
        alpha: The test's level.
    """
    share = min(max(discordant, difference), 1.0)
    counts = np.flatnonzero((chances := _binomial(n, share)) > _NEGLIGIBLE)
    favour = (1 + difference / share) / 2 if share else 0.5
    fewest = _critical_counts(int(counts[-1]), alpha)
    power = 0.0
    for count in counts.tolist():
        if (most := fewest[count]) >= 0:
            among = _binomial(count, favour)
            power += float(chances[count] * (among[: most + 1].sum() + among[count - most :].sum()))
    return power


def _binomial(n: int, share: float) -> Floats:
    """The chance of each count from 0 to n."""
    if share in {0.0, 1.0}:
        sure = np.zeros(n + 1)
        sure[round(share * n)] = 1.0
        return sure
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    counts = np.arange(n + 1)
    chances: Floats = np.exp(
        logs[n] - logs - logs[::-1] + counts * math.log(share) + (n - counts) * math.log(1 - share)
    )
    return chances


@lru_cache(maxsize=64)
def _critical_counts(most: int, alpha: float) -> list[int]:
    """For each number of discordant items the most that may favour the losing run, -1 where none may."""
    return [_critical_count(count, alpha) for count in range(most + 1)]


@lru_cache(maxsize=100_000)
def _critical_count(n: int, alpha: float) -> int:
    chances = _binomial_chances(n)
    fewer = (2 * np.cumsum(chances) - chances)[: (n + 1) // 2]
    return int(np.count_nonzero(fewer <= alpha)) - 1


def minimal_detectable_difference(
    n: float, *, discordant: float | None = None, sd: float | None = None, alpha: float = 0.05
) -> float:
    """The smallest true difference of two runs that a two-sided paired test finds with a chance (power) of 80%.

    From the share of discordant items by bisection of `mcnemar_power`, in which that share is at least the difference;
    where more than 50 items are discordant, by Connor's formula (1987, doi:10.2307/2531961), solved for the difference.
    From the standard deviation of the items' differences, (z_alpha + z_power) sd / sqrt(n).

    Args:
        n: Items, or effective items where clustered, above 0.
        discordant: Share of items on which the runs differ, from 0 to 1.
        sd: Standard deviation of the items' differences in credit, in its place; 0 says as much as no discordant item.
        alpha: The test's level, after any correction.

    Returns:
        From 0 to 1; 1 where not even the largest difference is found so often.

    Raises:
        ValueError: Not exactly one of `discordant` and `sd` is given.
    """
    if (discordant is None) == (sd is None):
        raise ValueError("give either the share of discordant items or the sd of the differences")
    z_alpha, z_power = NormalDist().inv_cdf(1 - alpha / 2), NormalDist().inv_cdf(POWER)
    if sd:
        return min((z_alpha + z_power) * sd / math.sqrt(n), 1.0)
    share = discordant or 0.0
    if n * share <= _FEW_DISCORDANT:
        return _detected_by_power(max(round(n), 1), share, alpha)
    inside = z_alpha**2 * n * share - (n + z_power**2) * (z_alpha**2 - z_power**2) * share
    return min((z_alpha * math.sqrt(n * share) + math.sqrt(max(inside, 0.0))) / (n + z_power**2), 1.0)


@lru_cache(maxsize=10_000)
def _detected_by_power(n: int, share: float, alpha: float) -> float:
    low, high = 0.0, 1.0
    if mcnemar_power(n, high, share, alpha=alpha) < POWER:
        return high
    while high - low > _PRECISION * high:
        middle = (low + high) / 2
        if mcnemar_power(n, middle, share, alpha=alpha) < POWER:
            low = middle
        else:
            high = middle
    return high


def clustered_standard_error(
    values: npt.ArrayLike, clusters: npt.ArrayLike | None = None, times: npt.ArrayLike | None = None
) -> float:
    """The standard error of a mean of rows that come in clusters (Miller 2024, arXiv 2411.00640).

    sqrt(G / (G - 1) sum over clusters of (sum of the cluster's deviations)^2) / n. The factor, usual for G clusters
    (CR1), makes it the plain standard error of the mean where each row is its own cluster.

    Args:
        values: Shape (n,), in any unit; the result is in the same.
        clusters: What each row belongs to, shape (n,); none: itself.
        times: How many clusters there are like that of each row, whole numbers of shape (n,); none: that one.

    Returns:
        NaN with fewer than two clusters, which say nothing on spread.
    """
    given = np.asarray(values, dtype=np.float64)
    code, kinds = codes(clusters, len(given))
    if times is None:
        repeats, rows, mean = np.ones(kinds), len(given), given.mean() if len(given) else 0.0
    else:
        often = np.asarray(times)
        repeats = np.zeros(kinds)
        repeats[code] = often
        rows = int(often.sum())
        mean = float(given @ often) / rows if rows else 0.0
    count = round(float(repeats.sum()))
    if count < 2:
        return math.nan
    sums = np.bincount(code, weights=given - mean, minlength=kinds)
    return math.sqrt(count / (count - 1) * float(np.square(sums) @ repeats)) / rows
