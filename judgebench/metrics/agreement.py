"""Agreement of two or more raters (judges, samples, people) on the same items, beyond chance.

Ratings are an array of shape (items, raters) of codes from 0 up, or ratings on a scale; NaN or any number below 0 is a
rating that is missing. Raters are treated as given. Intervals:

- The share that agree: Wilson's, at the effective number of rows.
- Cohen's kappa and AC1 of two raters: quantiles of the coefficient over draws of the two-way table from a Dirichlet
  distribution with its counts, at the effective number, and a total of 2 over the cells of the categories that occur
  (1/2 for each of two by two: Jeffreys' prior). A normal interval holds too seldom where one category is common.
- The others: normal, with the standard error of the jackknife over items (Efron and Stein 1981,
  doi:10.1214/aos/1176345462), which asks nothing of the coefficient.

The effective number is the number of rows over the design effect of clusters: the jackknife's variance with clusters
left out, over that with rows left out. Where all ratings agree, or none do, the jackknife shows no spread of that: the
interval is then Wilson's of the share that agree, with what chance gives taken away; where a single item decides
whether the coefficient has a value at all, it is the whole range.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from judgebench.metrics.intervals import CONFIDENCE, Interval, wilson
from judgebench.metrics.resampling import codes, distinct_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from judgebench.metrics.intervals import Floats

    Statistic = Callable[[Floats], float]
    Ends = Callable[[float], Interval]
    """An interval at a design effect."""

Level = Literal["nominal", "ordinal", "interval"]

_DRAWS, _PRIOR = 10_000, 2.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """A coefficient of agreement; 1 is full agreement, and but for `percent_agreement` 0 is what chance gives.

    Attributes:
        value: NaN where the coefficient has no value: no item with two ratings, or a single category throughout.
        low: The interval's lower end, NaN with fewer than two items.
        high: The interval's upper end, likewise.
        items: Items (or questions) that enter, those with at least two ratings.
    """

    value: float
    low: float
    high: float
    items: int


def percent_agreement(
    ratings: npt.ArrayLike, *, clusters: npt.ArrayLike | None = None, confidence: float = CONFIDENCE
) -> Agreement:
    """The share of pairs of ratings that are equal, averaged over items.

    Args:
        ratings: Shape (items, raters), at least two ratings an item, others are left out.
        clusters: What each row belongs to, which the interval leaves out as one; none: each row for itself.
        confidence: Of the interval.
    """
    units = _units(*_given(ratings, clusters), as_counts=True)
    several = units.patterns.sum(axis=1) > 1
    agreeing = _agreeing(units.patterns)
    observed = _shares(agreeing, several)
    repeats = units.times @ units.held

    def ends(effect: float) -> Interval:
        return wilson(observed(repeats), float(repeats[several].sum()) / effect, confidence)

    return _with_jackknife(observed, units, several, observed, lambda _: 0.0, (0.0, 1.0), confidence, ends)


def cohen_kappa(
    ratings: npt.ArrayLike, *, clusters: npt.ArrayLike | None = None, confidence: float = CONFIDENCE
) -> Agreement:
    """Cohen's kappa of two raters (1960, doi:10.1177/001316446002000104), over items that both rated.

    Args:
        ratings: Shape (items, 2).
        clusters: What each row belongs to, which the interval leaves out as one; none: each row for itself.
        confidence: Of the interval.

    Raises:
        ValueError: There are not two raters.
    """
    given, belongs = _given(ratings, clusters, least=2)
    if given.shape[1] != 2:
        raise ValueError(f"Cohen's kappa is for two raters, not {given.shape[1]}: use fleiss_kappa")
    units = _units(given, belongs)
    levels = np.unique(units.patterns)
    first, second = np.searchsorted(levels, units.patterns).T
    all_ = np.ones(len(first), dtype=bool)
    observed = _shares(np.where(first == second, 1.0, 0.0), all_)

    def chance(m: Floats) -> float:
        shares = [np.bincount(side, weights=m, minlength=len(levels)) / m.sum() for side in (first, second)]
        return float(shares[0] @ shares[1])

    def kappa(m: Floats) -> float:
        return _beyond_chance(observed(m), chance(m))

    def by_chance(tables: Floats) -> Floats:
        products: Floats = (tables.sum(axis=1) * tables.sum(axis=2)).sum(axis=1)
        return products

    ends = _by_draws(given, by_chance, confidence)
    return _with_jackknife(kappa, units, all_, observed, chance, (-1.0, 1.0), confidence, ends)


def fleiss_kappa(
    ratings: npt.ArrayLike, *, clusters: npt.ArrayLike | None = None, confidence: float = CONFIDENCE
) -> Agreement:
    """Fleiss' kappa (1971, doi:10.1037/h0031619).

    With ratings missing, an item's agreement is over the pairs that it has, and a category's share the mean of its
    shares in the items with a rating (Gwet 2014, chapter 2).

    Args:
        ratings: Shape (items, raters).
        clusters: What each row belongs to, which the interval leaves out as one; none: each row for itself.
        confidence: Of the interval.
    """
    return _kappa_like(ratings, clusters, lambda shares: float(shares @ shares), confidence)


def gwet_ac1(
    ratings: npt.ArrayLike,
    *,
    categories: int | None = None,
    clusters: npt.ArrayLike | None = None,
    confidence: float = CONFIDENCE,
) -> Agreement:
    """Gwet's AC1 (2008, doi:10.1348/000711006X126600), which stays high where one category is by far the commonest.

    Missing ratings are treated as in `fleiss_kappa`.

    Args:
        ratings: Shape (items, raters).
        categories: How many the raters could choose from; none: those that occur, at least two.
        clusters: What each row belongs to, which the interval leaves out as one; none: each row for itself.
        confidence: Of the interval.

    Raises:
        ValueError: More categories occur than are given.
    """
    occurring = _counts(_given(ratings, None)[0]).shape[1]
    known = max(occurring, 2) if categories is None else categories
    if known < max(occurring, 2):
        raise ValueError(f"{occurring} categories occur, {known} are given: expected at least as many, and two")
    given, _ = _given(ratings, None)

    def by_chance(tables: Floats) -> Floats:
        shares = (tables.sum(axis=1) + tables.sum(axis=2)) / 2
        chance: Floats = (shares * (1 - shares)).sum(axis=1) / (known - 1)
        return chance

    two = given.shape[1] == 2
    both = given[~np.isnan(given).any(axis=1)]
    return _kappa_like(
        ratings,
        clusters,
        lambda shares: float((shares * (1 - shares)).sum()) / (known - 1),
        confidence,
        _by_draws(both, by_chance, confidence) if two else None,
    )


def krippendorff_alpha(
    ratings: npt.ArrayLike,
    level: Level = "nominal",
    *,
    clusters: npt.ArrayLike | None = None,
    confidence: float = CONFIDENCE,
) -> Agreement:
    """Krippendorff's alpha: 1 - observed / expected disagreement (2011, repository.upenn.edu/asc_papers/43).

    Args:
        ratings: Shape (items, raters); for `ordinal` only their order counts, for `interval` their distances.
        level: Of measurement, which says how far two ratings disagree.
        clusters: What each row belongs to, which the interval leaves out as one; none: each row for itself.
        confidence: Of the interval.
    """
    given, belongs = _given(ratings, clusters, least=2)
    values = np.unique(given[~np.isnan(given)])
    units = _units(given, belongs, as_counts=True)
    patterns = units.patterns
    ratings_each = patterns.sum(axis=1)
    all_ = np.ones(len(patterns), dtype=bool)

    def alpha(m: Floats) -> float:
        totals = m @ patterns
        n = float(totals.sum())
        distance = _distances(values, totals, level)
        within = np.einsum("ui,ij,uj->u", patterns, distance, patterns, optimize=True)
        observed = float(m @ (within / (ratings_each - 1))) / n
        expected = float(totals @ distance @ totals) / (n * (n - 1))
        return 1 - observed / expected if expected > 0 else math.nan

    def chance(m: Floats) -> float:
        totals = m @ patterns
        n = float(totals.sum())
        return float(totals @ (totals - 1)) / (n * (n - 1))

    observed = _shares(_agreeing(patterns), all_)
    return _with_jackknife(alpha, units, all_, observed, chance, (-1.0, 1.0), confidence)


def _kappa_like(
    ratings: npt.ArrayLike,
    clusters: npt.ArrayLike | None,
    chance: Callable[[Floats], float],
    confidence: float,
    ends: Ends | None = None,
) -> Agreement:
    units = _units(*_given(ratings, clusters), as_counts=True)
    counts = units.patterns
    several = counts.sum(axis=1) > 1
    shares = counts / counts.sum(axis=1, keepdims=True)
    observed = _shares(_agreeing(counts), several)

    def by_chance(m: Floats) -> float:
        return chance(m @ shares / m.sum())

    def coefficient(m: Floats) -> float:
        return _beyond_chance(observed(m), by_chance(m))

    return _with_jackknife(coefficient, units, several, observed, by_chance, (-1.0, 1.0), confidence, ends)


class _Units(NamedTuple):
    """The distinct rows, and what is left out together: how many rows of each kind it has, and how often it occurs."""

    patterns: Floats
    held: Floats
    times: Floats


def _with_jackknife(
    statistic: Statistic,
    units: _Units,
    counted: npt.NDArray[np.bool_],
    observed: Statistic,
    chance: Statistic,
    bounds: tuple[float, float],
    confidence: float,
    ends: Ends | None = None,
) -> Agreement:
    """The statistic at the patterns' multiplicities, and its jackknife, which leaves out one unit of each kind.

    With `ends` the jackknife gives the design effect alone.
    """
    _, held, times = units
    repeats = times @ held
    items = int(repeats[counted].sum())
    entering = float(times[held[:, counted].any(axis=1)].sum())
    value = statistic(repeats) if items else math.nan
    if entering < 2 or math.isnan(value):
        return Agreement(value, math.nan, math.nan, items)
    without = np.array([statistic(repeats - left) for left in held])
    variance, alike = _jackknife_variance(without, times), observed(repeats) in (0.0, 1.0)
    if ends is not None and not alike:
        found = ends(_design_effect(statistic, units, variance))
        return Agreement(value, max(min(found.low, value), bounds[0]), min(max(found.high, value), bounds[1]), items)
    if math.isnan(variance):
        return Agreement(value, *bounds, items)
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * math.sqrt(variance)
    low, high = value - half, value + half
    if alike:
        share = wilson(observed(repeats), entering, confidence)
        of_share = [_beyond_chance(end, chance(repeats)) for end in (share.low, share.high)]
        low, high = min(low, of_share[0]), max(high, of_share[1])
    return Agreement(value, max(low, bounds[0]), min(high, bounds[1]), items)


def _jackknife_variance(without: Floats, times: Floats) -> float:
    """From the values with one unit of each kind left out, and how often each kind occurs."""
    n = float(times.sum())
    centre = float(times @ without) / n
    return (n - 1) / n * float(times @ (without - centre) ** 2)


def _design_effect(statistic: Statistic, units: _Units, variance: float) -> float:
    """The variance with units left out over that with rows left out: from 1 to the size of a unit, or that size."""
    sizes, repeats = units.held.sum(axis=1), units.times @ units.held
    largest = float(units.times @ sizes**2 / (units.times @ sizes))
    if largest <= 1:
        return 1.0
    single = _jackknife_variance(np.array([statistic(repeats - row) for row in np.eye(len(repeats))]), repeats)
    known = single > 0 and not math.isnan(variance)
    return min(max(variance / single, 1.0), largest) if known else largest


def _by_draws(pairs: Floats, by_chance: Callable[[Floats], Floats], confidence: float) -> Ends:
    """Quantiles of (o - e) / (1 - e) over draws of the two raters' table.

    Args:
        pairs: Shape (rows, 2), nothing missing.
        by_chance: What chance gives, e, of tables of shape (draws, categories, categories) that sum to 1.
        confidence: Of the interval.
    """

    def ends(effect: float) -> Interval:
        levels, place = np.unique(pairs, return_inverse=True)
        k = max(len(levels), 2)
        counts = np.full((k, k), _PRIOR / (k * k))
        np.add.at(counts, tuple(place.reshape(-1, 2).T), 1 / effect)
        tables = np.random.default_rng(0).standard_gamma(counts, (_DRAWS, k, k))
        tables /= tables.sum(axis=(1, 2), keepdims=True)
        agreeing, chance = np.trace(tables, axis1=1, axis2=2), by_chance(tables)
        low, high = np.quantile((agreeing - chance) / (1 - chance), [(1 - confidence) / 2, (1 + confidence) / 2])
        return Interval(float(low), float(high))

    return ends


def _given(
    ratings: npt.ArrayLike, clusters: npt.ArrayLike | None, least: int = 1
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """The rows with so many ratings at least, and the code of what each belongs to."""
    given = _ratings(ratings)
    belongs, _ = codes(clusters, len(given))
    there = (~np.isnan(given)).sum(axis=1) >= least
    return given[there], belongs[there]


def _ratings(ratings: npt.ArrayLike) -> Floats:
    given = np.array(ratings, dtype=np.float64)
    if given.ndim != 2:
        raise ValueError(f"ratings of shape {given.shape}: expected (items, raters)")
    given[given < 0] = np.nan
    return given


def _counts(given: Floats) -> Floats:
    """How many raters chose each value, shape (items, values)."""
    values = np.unique(given[~np.isnan(given)])
    counts = np.zeros((len(given), len(values)))
    for at, value in enumerate(values):
        counts[:, at] = (given == value).sum(axis=1)
    return counts


def _units(given: Floats, belongs: npt.NDArray[np.int64], *, as_counts: bool = False) -> _Units:
    """The rows, or how many raters chose each value in them, by their kinds and by what they belong to."""
    rows = _counts(given) if as_counts else given
    if len(np.unique(belongs)) == len(rows):
        patterns, repeats = distinct_rows(rows)
        return _Units(patterns, np.eye(len(patterns)), repeats.astype(np.float64))
    patterns, kind = np.unique(rows, axis=0, return_inverse=True)
    unit, count = codes(belongs, len(rows))
    held = np.zeros((count, len(patterns)))
    np.add.at(held, (unit, kind.reshape(-1)), 1.0)
    held, times = distinct_rows(held)
    return _Units(patterns, held, times.astype(np.float64))


def _shares(agreeing: Floats, counted: npt.NDArray[np.bool_]) -> Statistic:
    """How far the counted rows agree on the mean, at given multiplicities."""
    return lambda m: _mean(agreeing, m * counted)


def _agreeing(counts: Floats) -> Floats:
    raters = counts.sum(axis=1)
    pairs: Floats = (counts * (counts - 1)).sum(axis=1) / np.maximum(raters * (raters - 1), 1)
    return pairs


def _mean(values: Floats, weights: Floats) -> float:
    total = float(weights.sum())
    return float(values @ weights) / total if total > 0 else math.nan


def _beyond_chance(observed: float, chance: float) -> float:
    return (observed - chance) / (1 - chance) if 1 - chance > 1e-12 else math.nan


def _distances(values: Floats, totals: Floats, level: Level) -> Floats:
    if level == "nominal":
        apart: Floats = 1 - np.eye(len(values))
        return apart
    place = values if level == "interval" else np.cumsum(totals) - totals / 2
    squared: Floats = (place[:, None] - place[None, :]) ** 2
    return squared
