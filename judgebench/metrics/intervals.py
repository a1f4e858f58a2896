"""Intervals for one accuracy (Wilson) and for weighted means of many strata (stratified bootstrap)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from judgebench.metrics.resampling import codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from numpy.typing import NDArray

    from judgebench.items import Measure

    Floats = NDArray[np.float64]

View = Literal["credit", "low", "high", "bare"]
"""The official score; with every failure counted wrong; counted right; and without what stands in for failures."""


RESAMPLES = 10_000
CONFIDENCE = 0.95
POWER = 0.8

_FEW_VALUES = 32
_LEAN = 2.0
_NOTHING = 1e-12
_LARGE_STRATUM = 20_000
_BLOCK = 2_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """A score, or a difference of scores, with every failure counted as badly, and as well, as can be.

    Attributes:
        interval: From the lower end of the 95% interval at `low` to the upper end of that at `high`, so that it holds
            the true value in at least 95% whatever the failures would have been; None where an older version wrote it.
    """

    low: float
    high: float
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score with its interval and the number of items behind it."""

    score: float
    n: int
    low: float
    high: float


def wilson(mean: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval for a proportion (Wilson 1927, doi:10.1080/01621459.1927.10502953).

    For credits between 0 and 1 it is too wide with their number for n, since their variance is at most that of a
    proportion with the same mean: see `MeanStratum.interval`.

    Args:
        mean: The proportion or mean credit, from 0 to 1.
        n: The number of independent items, above 0; may be fractional (an effective number).
        confidence: The share of intervals that hold the truth.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    centre = (mean + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(mean * (1 - mean) / n + z * z / (4 * n * n))
    return Interval(min(max(centre - half, 0.0), mean), max(min(centre + half, 1.0), mean))


def mean_estimate(estimates: Sequence[Estimate]) -> Estimate | None:
    """The plain mean of independent scores, with the interval that theirs make together; None of none.

    The distances of their ends are combined as squares (Zou and Donner 2008, doi:10.1002/sim.3095).

    Example:
        >>> mean_estimate([Estimate(0.5, 10, 0.2, 0.8), Estimate(0.7, 10, 0.3, 0.9)])
        Estimate(score=0.6, n=20, low=0.35, high=0.780277563773199)
    """
    if not estimates:
        return None
    count = len(estimates)
    score = math.fsum(each.score for each in estimates) / count
    down = math.sqrt(sum((each.score - each.low) ** 2 for each in estimates)) / count
    up = math.sqrt(sum((each.high - each.score) ** 2 for each in estimates)) / count
    return Estimate(score, sum(each.n for each in estimates), score - down, score + up)


class Stratum(Protocol):
    """A group of items that has one score, and is resampled within itself."""

    @property
    def value(self) -> float:
        """The group's score."""

    @property
    def n(self) -> int:
        """How many items it has."""

    @property
    def effective_n(self) -> float:
        """How many independent units it has."""

    @property
    def measure(self) -> Measure:
        """What the score is."""

    @property
    def lowest(self) -> float:
        """The lowest score that an interval may reach; the highest is 1."""

    @property
    def constant(self) -> bool:
        """Whether every item counts the same, so that resampling shows nothing."""

    def interval(self) -> Interval | None:
        """The interval by formula, where the group stands alone; None for the percentiles of its draws."""

    def draws(self, rng: np.random.Generator, size: int) -> Floats:
        """Scores of `size` bootstrap resamples, shape (size,)."""


class MeanStratum:
    """A group whose score is the mean of its items' credits.

    Two things keep small groups from looking surer than they are. Resampled deviations are widened by
    sqrt(n / (n - 1)), so that the bootstrap's variance is unbiased (Rao and Wu 1988,
    doi:10.1080/01621459.1988.10478591). And a group that stands with others (`lean_on`) is resampled as if it held
    two items more, spread as theirs are: a group of one item, or one whose items all count the same, would else add
    no variance at all.

    Args:
        credits_: From 0 to 1.
        weights: What part of an item each stands for, or of how many items it is, of the same number and of a whole
            sum; None: each is an item.
            A credit that stands in for a failure is two parts, as of a coin: see `mean_stratum`.
        grouped: Credit and unit of each item, where some belong together.

    Attributes:
        values: The distinct credits, ascending.
        counts: How many items have each.
    """

    measure: Measure = "share"
    lowest = 0.0

    def __init__(
        self,
        credits_: Sequence[float] | Floats,
        weights: Sequence[float] | Floats | None = None,
        grouped: tuple[Floats, npt.ArrayLike] | None = None,
    ) -> None:
        self.grouped = grouped
        values = np.asarray(credits_, dtype=np.float64)
        if weights is None:
            self.values, self.counts = np.unique(values, return_counts=True)
        else:
            self.values, places = np.unique(values, return_inverse=True)
            self.counts = np.bincount(places, weights=weights)
            if np.issubdtype(np.asarray(weights).dtype, np.integer):
                self.counts = self.counts.astype(np.int64)
        self.n = len(values) if weights is None else round(sum(weights))
        self.value = float(self.counts @ self.values / self.n)  # the same in any order of the items
        self.effective_n = self.n / group_effect([self], [1.0])
        self.constant = self.n == 1 or len(self.values) == 1
        self._others: Sequence[MeanStratum] = ()

    def interval(self) -> Interval:
        """Wilson's; of credits between 0 and 1 with n over their design effect for n.

        That is their variance over p (1 - p), which they would have as zeros and ones (Kish 1965, Survey Sampling,
        8.2), held to 1 as if by two items more, so that a few items that are alike by chance do not look sure.
        """
        spread = self.value * (1 - self.value)
        if self.constant or bool(((self.values == 0) | (self.values == 1)).all()):
            return wilson(self.value, self.effective_n)
        variance = float(self.counts @ (self.values - self.value) ** 2) / (self.n - 1)
        effect = ((self.n - 1) * min(variance / spread, 1.0) + _LEAN) / (self.n - 1 + _LEAN)
        return wilson(self.value, self.effective_n / effect)

    def lean_on(self, others: Sequence[MeanStratum]) -> None:
        """Resamples as if two items more were there, spread as those of the given groups (itself among them) are.

        Half an item of credit 0 and half an item of credit 1 are added to theirs, so that no group is without spread.
        """
        self._others = others

    @property
    def _leaning(self) -> tuple[Floats, Floats]:
        """The number of items, those that were added among them, by credit."""
        if not self._others:
            return self.counts.astype(np.float64), self.values
        values = np.concatenate([*(other.values for other in self._others), [0.0, 1.0]])
        shares = np.concatenate([*(other.counts for other in self._others), [0.5, 0.5]])
        shares = shares / shares.sum() * _LEAN
        together, place = np.unique(np.concatenate([self.values, values]), return_inverse=True)
        counts: Floats = np.bincount(place, weights=np.concatenate([self.counts, shares])).astype(np.float64)
        return (counts, together) if len(together) <= _FEW_VALUES else (self.counts.astype(np.float64), self.values)

    def draws(self, rng: np.random.Generator, size: int) -> Floats:
        """Scores of `size` bootstrap resamples, shape (size,).

        Few distinct credits are drawn as counts; many, as indices; and past 20,000 items with many distinct credits
        the mean's normal limit is drawn, from which the bootstrap no longer differs visibly.
        """
        counts, values = self._leaning
        n, total = self.n, counts.sum()
        if len(values) == 1 or total == 1:
            return np.full(size, self.value)
        share = counts / total
        centre = float(share @ values)
        if len(values) <= _FEW_VALUES:
            means = rng.multinomial(n, share, size=size) @ values / n
        elif n <= _LARGE_STRATUM:
            rows = max(1, _BLOCK // n)
            sizes = [min(rows, size - at) for at in range(0, size, rows)]
            if np.issubdtype(self.counts.dtype, np.integer):
                every = np.repeat(values, self.counts)
                means = np.concatenate([every[rng.integers(0, n, (some, n))].mean(axis=1) for some in sizes])
            else:
                means = np.concatenate([rng.choice(values, (some, n), p=share).mean(axis=1) for some in sizes])
        else:
            deviation = math.sqrt(float(share @ (values - centre) ** 2) / n)
            means = rng.normal(centre, deviation, size)
        widened: Floats = self.value + (means - centre) * math.sqrt(total / (total - 1))
        return widened


def pooled(strata: Sequence[MeanStratum]) -> MeanStratum:
    """The items of several groups as one."""
    values, counts = (np.concatenate([getattr(each, name) for each in strata]) for name in ("values", "counts"))
    grouped = [each.grouped for each in strata if each.grouped is not None]
    if len(grouped) < len(strata):
        return MeanStratum(values, counts)
    credits_ = np.concatenate([each for each, _ in grouped])
    return MeanStratum(values, counts, (credits_, np.concatenate([np.asarray(units) for _, units in grouped])))


def group_effect(strata: Sequence[MeanStratum], weights: Sequence[float]) -> float:
    """The design effect of items that belong together: the variance of a weighted mean over that of independent items.

    From the sums of each unit's deviations, across groups as well (Kish 1965, Survey Sampling, 5.4; CR1's factor for
    few units); never below 1, and leaning, as if by two units more, on what it would be were all items of a unit
    alike, so that a few units that are unlike by chance do not look sure. Units count by what they tell: where three of
    a hundred deviate much and the others hardly, it is known from some three.

    Args:
        strata: The groups that enter the mean.
        weights: Their weights.
    """
    known = [(stratum, weight / stratum.n, stratum.grouped) for stratum, weight in zip(strata, weights, strict=True)]
    with_units = [(stratum, share, *grouped) for stratum, share, grouped in known if grouped is not None]
    if not with_units:
        return 1.0
    units, count = codes(
        np.concatenate([np.asarray(among) for *_, among in with_units]), sum(s.n for s, *_ in with_units)
    )
    parts = np.concatenate([share * (credits_ - stratum.value) for stratum, share, credits_, _ in with_units])
    sizes = np.bincount(units, weights=np.concatenate([np.full(s.n, share) for s, share, *_ in with_units]))
    sums = np.bincount(units, weights=parts)
    alone = [(stratum, share) for stratum, share, grouped in known if grouped is None]
    apart = sum(share**2 * float(s.counts @ (s.values - s.value) ** 2) for s, share in alone)
    singles, total = (sum(s.n * share**2 for s, share, *_ in among) for among in (alone, known))
    count, n = count + sum(s.n for s, _ in alone), sum(s.n for s in strata)
    worst = (float(sizes @ sizes) + singles) / total
    spread = float(parts @ parts) + apart
    if count < 2 or spread <= 0:
        return worst
    told = float(sums @ sums) + apart
    found = told / spread * (count / (count - 1)) * ((n - 1) / n)
    fourth = sum(share**4 * float(s.counts @ (s.values - s.value) ** 4) for s, share in alone)
    if told <= _NOTHING * spread:  # the items of each unit cancel out: all units tell the same
        known_from = float(count)
    else:
        known_from = max(1.0, told**2 / (float(sums**2 @ sums**2) + fourth))
    return ((known_from - 1) * max(found, 1.0) + _LEAN * worst) / (known_from - 1 + _LEAN)


def weighted_interval(
    value: float,
    strata: Sequence[Stratum],
    weights: Sequence[float],
    draws: Floats,
    confidence: float = CONFIDENCE,
) -> Interval:
    """The percentile interval of a weighted mean of strata, from its resampled scores.

    Where all items of every group count the same (all right, say) the bootstrap has nothing to say, and Wilson's
    interval takes its place, with the effective number of items of the weighted mean, 1 / sum(w^2 / n).

    Args:
        value: The weighted mean itself; the interval always holds it.
        strata: The groups that enter it.
        weights: Their weights, of sum 1.
        draws: Resampled scores, shape (resamples,).
        confidence: The share of intervals that hold the truth.
    """
    if all(stratum.constant for stratum in strata):
        effective = 1 / sum(w * w / s.effective_n for w, s in zip(weights, strata, strict=True) if w > 0)
        interval = wilson(min(max(value, 0.0), 1.0), effective, confidence)
        return Interval(min(interval.low, value), max(interval.high, value))
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    lowest = sum(weight * stratum.lowest for weight, stratum in zip(weights, strata, strict=True))
    return Interval(min(max(float(low), lowest), value), max(min(float(high), 1.0), value))
