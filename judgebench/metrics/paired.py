"""The one engine of paired comparisons: differences of several runs' scores over the same items, whole and by part.

A score is a weighted mean of strata (subsets), each the mean of its rows' credits, as in the official score. All runs
are resampled together, so that any two of them are paired; the score of a stratum that is no mean of credits (Ties,
correlations) comes with draws of its own. p is McNemar's where it applies and else the sign-flip test's: both hold in
small samples, where the bootstrap does not, and so does Newcombe's interval, which stands where items are few.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from judgebench.metrics.accuracy import coin_variance, group_weights
from judgebench.metrics.comparisons import (
    agreeing_interval,
    difference_from_resamples,
    mcnemar_mid_p,
    minimal_detectable_difference,
    newcombe_interval,
    sign_flip_test,
    without_spread,
)
from judgebench.metrics.grades import CorrelationStratum, correlation_draws
from judgebench.metrics.intervals import CONFIDENCE, RESAMPLES, Interval, MeanStratum
from judgebench.metrics.resampling import codes, resampled_means

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from judgebench.items import ItemKey, Outcome
    from judgebench.metrics.accuracy import GroupWeight, Layout, StratumOf
    from judgebench.metrics.comparisons import PairedDifference
    from judgebench.metrics.intervals import Floats, View
    from judgebench.metrics.resampling import Ints

Test = Literal["mcnemar", "sign-flip", "bootstrap"]

IntervalMethod = Literal["newcombe", "bootstrap"]

ALPHA = 0.05
FEW = 300
"""Of fewer items, or effective items, a difference of means has Newcombe's interval."""

_BOOTSTRAP: Test = "bootstrap"
_KEPT = 25_000_000
_ROUNDING = 1e-12
_FURTHEST, _HALVINGS = 8.0, 25
"""Standard errors from which on an interval is looked for, and how often that is halved."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The score of one run less that of another, over the whole or a part of the same items.

    Attributes:
        first: Number of the first run, from 0.
        second: Number of the second run.
        n: Items.
        first_score: The first run's score over them.
        second_score: The second run's.
        difference: Their difference; above 0 where the first run is better.
        low: The lower end of its 95% interval, cut where no difference can be; it leaves out 0 just where p <= 0.05.
        high: The upper end.
        p: Two-sided, against no difference, before any correction.
        test: What p is from: McNemar's with mid-p, the sign-flip test, or the bootstrap.
        smallest: The smallest true difference that so many items would show with a chance of 80%.
        interval: What the interval is from: Newcombe's for paired means (fewer than 300 items), or the bootstrap.
    """

    first: int
    second: int
    n: int
    first_score: float
    second_score: float
    difference: float
    low: float
    high: float
    p: float
    test: Test
    smallest: float
    interval: IntervalMethod = "bootstrap"


class Credits(NamedTuple):
    """Credits of which some stand in for failures.

    Attributes:
        values: Of every run and row, from 0 to 1, shape (runs, n).
        coins: The variance of each by itself, as of a coin where it stands in for a failure, of the same shape.
    """

    values: Floats
    coins: Floats


class OwnScore(NamedTuple):
    """A stratum whose score is no mean of credits.

    Attributes:
        values: The score of every run, shape (runs,).
        draws: Their scores in resamples that draw the same items for all, shape (runs, resamples).
        n: Items.
        units: How many independent units (items, or pairs of prompts) they are.
        furthest: The largest difference that two such scores can have.
    """

    values: Floats
    draws: Floats
    n: int
    units: float
    furthest: float = 1.0


class PairedScores:
    """The scores of several runs over the same rows, each pair of which can be tested.

    Clusters are drawn with replacement within their stratum, and its deviations widened by sqrt(n / (n - 1)), so that
    their variance is unbiased (Rao and Wu 1988, doi:10.1080/01621459.1988.10478591). Strata of a single cluster show no
    spread of their own: several are resampled together (collapsed strata, Cochran 1977, section 5A.12), one by itself
    adds none. Where all rows differ by the same amount there is nothing to resample: see `without_spread`.

    Args:
        credits_: Of every run and row, from 0 to 1, shape (runs, n), or with those that stand in for failures.
        weights: Of each stratum in the score, shape (strata,), of any sum above 0; those of weight 0 are left out.
        strata: The code of each row's stratum, shape (n,); rows below 0 are in none. None: all rows are one stratum.
        clusters: What each row belongs to, shape (n,); None: each row by itself. The interval draws the rows of a
            cluster together only within a stratum; the sign-flip test turns all of them at once.
        own: By code, the strata whose score is no mean of credits.
        seed: Of the resampling; each stratum is drawn from a generator of its own, so that no part moves another.
        resamples: How many.
        kept: The draws of strata by code, which other parts of the same rows share; None: they are made anew.
    """

    def __init__(
        self,
        credits_: Floats | Credits,
        weights: Sequence[float] = (1.0,),
        *,
        strata: Ints | None = None,
        clusters: npt.ArrayLike | None = None,
        own: Mapping[int, OwnScore] | None = None,
        seed: int = 0,
        resamples: int = RESAMPLES,
        kept: dict[int, Floats] | None = None,
    ) -> None:
        credits_, coins = credits_ if isinstance(credits_, Credits) else (credits_, None)
        n = credits_.shape[1]
        self._coins: dict[int, Floats] = {}
        stratum = np.zeros(n, dtype=np.int64) if strata is None else strata
        code, count = codes(clusters, n)
        self._own, self._seed, self._resamples, self._kept = own or {}, seed, resamples, kept
        self._tests: dict[tuple[int, int], tuple[float, Test]] = {}
        self._together = len(weights) + 1  # seeds what strata of a single cluster are drawn from
        self._clustered = count < n
        total = sum(weights)
        self._shares = {at: weight / total for at, weight in enumerate(weights) if weight > 0}
        rows = {at: np.flatnonzero(stratum == at) for at in self._shares if at not in self._own}
        self._credits = {at: credits_[:, among] for at, among in rows.items()}
        self._clusters = {at: code[among] for at, among in rows.items()}
        if coins is not None and coins.any():
            self._coins = {at: coins[:, among] for at, among in rows.items()}
        self._by_own_rule = len(rows) < len(self._shares)
        units = {at: float(len(np.unique(among))) for at, among in self._clusters.items()}
        self._units = {at: self._own[at].units if at in self._own else units[at] for at in self._shares}
        self._n = {at: self._own[at].n if at in self._own else len(rows[at]) for at in self._shares}
        self._scores: Floats = sum(share * self._values(at) for at, share in self._shares.items())  # type: ignore[assignment]

    def difference(
        self, first: int, second: int, *, alpha: float = ALPHA, confidence: float = CONFIDENCE
    ) -> Difference:
        """The first run's score less the second's.

        Args:
            first: Number of a run.
            second: Number of another.
            alpha: The level for the smallest difference, after any correction.
            confidence: Of the interval.
        """
        difference, (p, test) = float(self._scores[first] - self._scores[second]), self._test(first, second)
        ends = self.interval(first, second, confidence=confidence)
        smallest = self._smallest(first, second, alpha, mcnemar=test == "mcnemar")
        return Difference(
            first=first,
            second=second,
            n=self.n,
            first_score=float(self._scores[first]),
            second_score=float(self._scores[second]),
            difference=difference,
            low=ends.low,
            high=ends.high,
            p=p,
            test=test,
            smallest=smallest,
            interval="newcombe" if self._is_small else "bootstrap",
        )

    def interval(self, first: int, second: int, *, confidence: float = CONFIDENCE) -> Interval:
        """The interval of the first run's score less the second's, as in `difference`; quicker than all of that.

        Args:
            first: Number of a run.
            second: Number of another.
            confidence: The share of intervals that hold the truth.
        """
        difference = float(self._scores[first] - self._scores[second])
        if self._is_small:
            ends = self._newcombe(first, second, confidence)
        else:
            found = self._bootstrap(first, second, confidence)
            ends = Interval(found.low, found.high)
        if not self._by_own_rule:
            ends = agreeing_interval(ends, difference, self._test(first, second)[0], confidence)
        # Deviations that are widened for few items reach beyond; Ties' scores may differ by a hundredth more than 1.
        own = (self._own[at].furthest for at in self._shares if at in self._own)
        furthest = max(1.0, *own, abs(difference))
        return Interval(max(ends.low, -furthest), min(ends.high, furthest))

    @property
    def n(self) -> int:
        """How many items the scores are over."""
        return sum(self._n.values())

    @property
    def _is_small(self) -> bool:
        return not self._by_own_rule and self._effective(self._units) < FEW

    def _test(self, first: int, second: int) -> tuple[float, Test]:
        """P and what it is from; made once for each pair."""
        if (first, second) not in self._tests:
            by_means = not self._by_own_rule
            self._tests[first, second] = (
                self._p_of_means(first, second) if by_means else (self._bootstrap(first, second).p, _BOOTSTRAP)
            )
        return self._tests[first, second]

    @property
    def scores(self) -> Floats:
        """The score of every run, shape (runs,)."""
        return self._scores

    @property
    def drawn(self) -> Floats:
        """The score of every run in the same resamples, shape (runs, resamples)."""
        return self._drawn

    @property
    def effective_n(self) -> float:
        """How many units of equal weight the items would be worth."""
        return self._effective(self._units)

    def p(self, first: int, second: int) -> float:
        """The p of a difference alone: quicker, since it needs no interval."""
        return self._test(first, second)[0]

    def variance(self, first: int, second: int) -> float:
        """Of the difference of two runs' scores, with weights and clusters.

        Args:
            first: Number of a run.
            second: Number of another.
        """
        own = [share**2 * self._variance(at, first, second) for at, share in self._shares.items() if at in self._own]
        one, other, both = self._covariance(first, second)
        return max(one + other - 2 * both, 0.0) + sum(own)

    def one_sided(self, first: int, second: int, margin: float) -> tuple[float, float]:
        """P of two one-sided tests: against the first being the margin or more worse, and the second being so.

        Each is what makes the end of the interval reach the margin: twice p is the level of that interval.

        Args:
            first: Number of a run.
            second: Number of another.
            margin: In the unit of the scores; below 0 it is one by which a run has to be better.
        """
        difference = float(self._scores[first] - self._scores[second])
        if not self._is_small:
            drawn = self._bootstrap_draws(first, second)
            if float(np.ptp(drawn)) >= _ROUNDING:
                sd = float(drawn.std())
                return _beyond(drawn - difference, difference + margin, sd), _beyond(
                    difference - drawn, margin - difference, sd
                )

        def ends(confidence: float) -> Interval:
            if self._is_small:
                return self._newcombe(first, second, confidence)
            found = self._bootstrap(first, second, confidence)
            return Interval(found.low, found.high)

        return _level(lambda c: ends(c).low, lambda c: ends(c).high, -margin), _level(
            lambda c: -ends(c).high, lambda c: -ends(c).low, -margin
        )

    def _values(self, at: int) -> Floats:
        """The score of every run in one stratum."""
        values: Floats = self._own[at].values if at in self._own else self._credits[at].mean(axis=1)
        return values

    @cached_property
    def _drawn(self) -> Floats:
        """The score of every run in the same resamples, shape (runs, resamples)."""
        single = [] if self._by_own_rule else [at for at in self._shares if self._units[at] == 1]
        collapsed = single if len(single) > 1 else []
        drawn: Floats = np.zeros((len(self._scores), self._resamples))
        for at, share in self._shares.items():
            if at not in collapsed:
                drawn += share * self._stratum_drawn(at)
        if collapsed:
            parts = np.stack([len(collapsed) * self._shares[at] * self._values(at) for at in collapsed])
            drawn += self._resampled(parts.T, np.arange(len(collapsed)), self._together)
        return drawn

    def _stratum_drawn(self, at: int) -> Floats:
        if at in self._own:
            return self._own[at].draws
        drawn = None if self._kept is None else self._kept.get(at)
        if drawn is None:
            drawn = self._resampled(self._credits[at], self._clusters[at], at)
            if self._kept is not None:
                self._kept[at] = drawn
        return drawn

    def _resampled(self, credits_: Floats, clusters: Ints, at: int) -> Floats:
        """Means of every run's rows in resamples of their clusters, widened, shape (runs, resamples)."""
        code, count = codes(clusters, credits_.shape[1])
        centre = credits_.mean(axis=1)[:, None]
        if count == 1:
            return np.broadcast_to(centre, (len(credits_), self._resamples))
        columns = [*credits_, np.ones(credits_.shape[1])]
        sums: Floats = np.stack([np.bincount(code, weights=each, minlength=count) for each in columns], axis=1)
        drawn = resampled_means(sums, self._resamples, np.random.default_rng([self._seed, at])).T
        # A mean of clusters of unequal size is a ratio of two sums, both of which are drawn.
        widened: Floats = centre + (drawn[:-1] / drawn[-1] - centre) * math.sqrt(count / (count - 1))
        if at in self._coins:
            sd: Floats = np.sqrt(self._coins[at].sum(axis=1) / self._n[at] ** 2)
            widened += np.random.default_rng([self._seed, at, 1]).normal(0.0, sd[:, None], widened.shape)
        return widened

    @cached_property
    def _covariances(self) -> Floats:
        """Of all runs' scores, unbiased within strata, shape (runs, runs); strata of one cluster count together."""
        means = [at for at in self._shares if at not in self._own]
        single = [at for at in means if self._units[at] == 1]
        parts = [self._parts(at) for at in means if at not in single]
        if len(single) > 1:
            together = np.stack([self._shares[at] * self._values(at) for at in single], axis=1)
            apart = together - together.mean(axis=1)[:, None]
            parts.append(apart * math.sqrt(len(single) / (len(single) - 1)))
        every = np.concatenate([np.zeros((len(self._scores), 1)), *parts], axis=1)
        own = [(self._shares[at] / self._n[at]) ** 2 * coins.sum(axis=1) for at, coins in self._coins.items()]
        covariances: Floats = every @ every.T + np.diag(sum(own, start=np.zeros(len(every))))
        return covariances

    def _parts(self, at: int) -> Floats:
        """What each cluster of a stratum adds to every run's deviation from its score, shape (runs, clusters)."""
        credits_ = self._credits[at]
        code, count = codes(self._clusters[at], credits_.shape[1])
        apart = credits_ - credits_.mean(axis=1)[:, None]
        sums: Floats = np.stack([np.bincount(code, weights=run, minlength=count) for run in apart])
        return sums * (self._shares[at] / self._n[at] * math.sqrt(count / (count - 1)))

    def _newcombe(self, first: int, second: int, confidence: float) -> Interval:
        means = float(self._scores[first]), float(self._scores[second])
        one, other, both = self._covariance(first, second)
        return newcombe_interval(means, (one, other), both, max(self._effective(self._units), 1.0), confidence)

    def _covariance(self, first: int, second: int) -> tuple[float, float, float]:
        """The variances of two runs' scores, and their covariance, with clusters that reach over strata."""
        across = self._across(first, second) ** 2
        (one, both), (_, other) = self._covariances[np.ix_([first, second], [first, second])]
        return across * float(one), across * float(other), across * float(both)

    def _bootstrap(self, first: int, second: int, confidence: float = CONFIDENCE) -> PairedDifference:
        """The difference, its interval and its p by the bootstrap."""
        difference = float(self._scores[first] - self._scores[second])
        drawn = self._bootstrap_draws(first, second)
        if float(np.ptp(drawn)) < _ROUNDING:
            effective = self._effective(self._units)
            n = max(round(effective), 1) if self._by_own_rule else effective
            return without_spread(difference, n, confidence)
        found = difference_from_resamples(difference, drawn, confidence)
        if found.p <= 2 / self._resamples:
            # No resample is on the other side of 0. A correction over many pairs of runs needs more than that says.
            tail = math.erfc(abs(difference) / float(drawn.std()) / math.sqrt(2))
            return replace(found, p=min(found.p, tail))
        return found

    def _bootstrap_draws(self, first: int, second: int) -> Floats:
        """The difference in resamples, shape (resamples,), with clusters that reach over strata."""
        difference = float(self._scores[first] - self._scores[second])
        drawn: Floats = self._drawn[first] - self._drawn[second]
        return difference + (drawn - difference) * self._across(first, second)

    def _across(self, first: int, second: int) -> float:
        """What clusters that reach over strata, each of which is drawn by itself, add to a difference's deviations."""
        if not self._clustered or len(self._credits) < 2:
            return 1.0
        shares = self._shares
        parts = []
        for at, credits_ in self._credits.items():
            difference = credits_[first] - credits_[second]
            parts.append(shares[at] / self._n[at] * (difference - difference.mean()))
        together = np.bincount(np.concatenate(list(self._clusters.values())), weights=np.concatenate(parts))
        sums = [np.bincount(each, weights=part) for each, part in zip(self._clusters.values(), parts, strict=True)]
        apart = sum(float(each @ each) for each in sums)
        return math.sqrt(max(float(together @ together) / apart, 1.0)) if apart > 0 else 1.0

    @cached_property
    def _rows(self) -> tuple[Floats, Floats, Ints]:
        """Of strata of means: credits, shape (runs, n), what each row weighs in the score, and its cluster."""
        weights = [np.full(self._n[at], share / self._n[at]) for at, share in self._shares.items()]
        credits_ = np.concatenate(list(self._credits.values()), axis=1)
        return credits_, np.concatenate(weights), np.concatenate(list(self._clusters.values()))

    @cached_property
    def _coin_rows(self) -> Floats:
        """The variance of each credit by itself, as `_rows` has the credits."""
        return np.concatenate(list(self._coins.values()), axis=1)

    @cached_property
    def _right_or_wrong(self) -> list[bool]:
        """Of every run whether all its credits are 0 or 1, and each row is one item of equal weight."""
        credits_, weights, _ = self._rows
        equal = not self._clustered and bool(np.allclose(weights, weights[0], rtol=1e-9))
        return [equal and bool(np.isin(run, (0, 1)).all()) for run in credits_]

    def _p_of_means(self, first: int, second: int) -> tuple[float, Test]:
        """McNemar's where credits are 0 or 1, none stands in for a failure, and every item weighs the same.

        Else the sign-flip test's.
        """
        credits_, weights, clusters = self._rows
        a, b = credits_[first], credits_[second]
        if self._right_or_wrong[first] and self._right_or_wrong[second]:
            return mcnemar_mid_p(int((a > b).sum()), int((a < b).sum())), "mcnemar"
        parts = np.bincount(clusters, weights=(a - b) * weights)
        coins = (np.sqrt(self._coin_rows[[first, second]]) * weights).ravel() if self._coins else np.zeros(0)
        p = sign_flip_test(parts, coins=coins, resamples=self._resamples, seed=self._seed)
        if p <= 1 / self._resamples:
            # No pattern drawn was as extreme. Hoeffding's bound on a sum of signs then says more than how many were
            # drawn, and a correction over many pairs of runs needs it.
            norm = float(parts @ parts) + float(np.square(coins).sum())
            p = min(p, 2 * math.exp(-(float(parts.sum()) ** 2) / (2 * norm)) if norm else 1.0)
        return p, "sign-flip"

    def _smallest(self, first: int, second: int, alpha: float, *, mcnemar: bool) -> float:
        """The smallest difference that is found with a chance of 80%, as far as differences go."""
        if mcnemar:
            items = self._effective(self._n)
            credits_, _, _ = self._rows
            differ = float(np.mean(credits_[first] != credits_[second]))
            return min(minimal_detectable_difference(items, discordant=differ, alpha=alpha), 1.0)
        items = self._effective(self._units)
        sd = math.sqrt(self.variance(first, second) * items)
        return min(minimal_detectable_difference(items, sd=sd, alpha=alpha), 1.0)

    def _effective(self, units: Mapping[int, float]) -> float:
        """How many units of equal weight would be worth as much."""
        return 1 / sum(share**2 / units[at] for at, share in self._shares.items())

    def _variance(self, at: int, first: int, second: int) -> float:
        """Of the difference of two runs' scores in a stratum that is no mean of credits."""
        return float((self._own[at].draws[first] - self._own[at].draws[second]).var())


class PairedRuns:
    """Several runs over the same items, by the layout of their benchmark.

    Args:
        outcomes: For each run one outcome an item, all of labelled items, the same ones in the same order.
        layout: The benchmark's own.
        unit: What an item belongs to (the pair of prompts in Ties), by the benchmark.
        seed: Of the resampling.
        resamples: How many.
        views: How each run's failures count; empty: by the official rule.

    Attributes:
        groups: The subsets that have a score in every run, with their weights.
        whole: The weight of each group in the benchmark's score.
    """

    def __init__(
        self,
        outcomes: Sequence[Sequence[Outcome]],
        layout: Layout,
        unit: Callable[[ItemKey], str],
        *,
        seed: int = 0,
        resamples: int = RESAMPLES,
        views: Sequence[View] = (),
    ) -> None:
        views = views or ["credit"] * len(outcomes)
        items = [outcome.item for outcome in outcomes[0]]
        weights = [group_weights(run, layout) for run in outcomes]
        common = set.intersection(*({group.place for group in run} for run in weights))
        self.groups: list[GroupWeight] = [each for each in weights[0] if each.place in common]
        place = {group.place: at for at, group in enumerate(self.groups)}
        strata = np.array([place.get(layout.place_of(item), -1) for item in items], dtype=np.int64)
        own: dict[int, OwnScore] = {}
        for at, group in enumerate(self.groups):
            among = [[run[row] for row in np.flatnonzero(strata == at).tolist()] for run in outcomes]
            if score := _own_score(
                among, layout.strata.get(group.subset, layout.stratum), views, [seed, at], resamples
            ):
                own[at] = score
        self.whole = [group.in_score for group in self.groups]
        pooled = len(self.groups)
        if layout.overall == "pooled" and (
            score := _own_score(outcomes, layout.stratum, views, [seed, pooled], resamples)
        ):
            own[pooled] = score
            self.whole = [*(0.0 for _ in self.groups), 1.0]
        self._scores = partial(
            PairedScores,
            Credits(
                np.array([_credits(run, view) for run, view in zip(outcomes, views, strict=True)]),
                np.array(
                    [
                        [coin_variance(each) if view == "credit" else 0.0 for each in run]
                        for run, view in zip(outcomes, views, strict=True)
                    ]
                ),
            ),
            strata=strata,
            clusters=codes([unit(item) for item in items], len(items))[0],
            own=own,
            seed=seed,
            resamples=resamples,
            # Else each part draws for itself, which takes longer and no memory.
            kept={} if len(self.whole) * len(outcomes) * resamples <= _KEPT else None,
        )

    @property
    def sections(self) -> dict[str, list[float]]:
        """The sections that are there, and the weight of each group in them."""
        names = dict.fromkeys(group.section for group in self.groups if group.section is not None)
        return {name: [g.in_section if g.section == name else 0.0 for g in self.groups] for name in names}

    @property
    def subsets(self) -> dict[str, list[float]]:
        """The subsets that are there, and the weight of each group in them."""
        names = dict.fromkeys(group.subset for group in self.groups)
        return {name: [g.in_subset if g.subset == name else 0.0 for g in self.groups] for name in names}

    def part(self, weights: Sequence[float]) -> PairedScores:
        """The runs' scores over the whole or a part.

        Args:
            weights: Of the groups in the score, of any sum above 0; groups of weight 0 are left out.
        """
        return self._scores(weights)


def _beyond(deviations: Floats, room: float, sd: float) -> float:
    """The chance of a deviation as far below 0 as the room, from resamples; its normal limit where none is."""
    count = int(np.count_nonzero(deviations <= -room + _ROUNDING))
    p = (1 + count) / (1 + len(deviations))
    return p if count else min(p, math.erfc(room / sd / math.sqrt(2)) / 2)


def _level(low: Callable[[float], float], high: Callable[[float], float], at: float) -> float:
    """One-sided p of a value or less: half the level of the interval whose lower end is the value.

    Where the estimate is below the value, it is what is left of the p from the upper end.
    """
    below = low(_ROUNDING) <= at
    least, most = 0.0, _FURTHEST
    for _ in range(_HALVINGS):
        z = (least + most) / 2
        confidence = math.erf(z / math.sqrt(2))
        if (high(confidence) < at) if below else (low(confidence) > at):
            least = z
        else:
            most = z
    tail = math.erfc(least / math.sqrt(2)) / 2
    return 1 - tail if below else tail


def _credits(run: Sequence[Outcome], view: View) -> list[float]:
    """What each item counts, not-a-number where it has no credit."""
    return [math.nan if each.credit is None else getattr(each, view) for each in run]


def _own_score(
    outcomes: Sequence[Sequence[Outcome]],
    make: StratumOf,
    views: Sequence[View],
    seed: Sequence[int],
    resamples: int,
) -> OwnScore | None:
    """A group whose score is no mean of credits; None where it is one, or where a run has none."""
    both = zip(outcomes, views, strict=True)
    strata = [stratum for run, view in both if (stratum := make(run, view)) is not None]
    if len(strata) < len(outcomes) or isinstance(strata[0], MeanStratum):
        return None
    furthest = 1.0
    if isinstance(strata[0], CorrelationStratum):
        furthest = 2.0  # from a correlation of -1 to one of 1
        draws = correlation_draws(outcomes, np.random.default_rng(seed), resamples)
    else:
        # A generator of its own, made afresh for each run: the same pairs of prompts are drawn for all.
        draws = [stratum.draws(np.random.default_rng(seed), resamples) for stratum in strata]
    values = np.array([stratum.value for stratum in strata])
    return OwnScore(values, np.stack(draws), len(outcomes[0]), strata[0].effective_n, furthest)
