"""What baselines that judge nothing reach, by the official layout: figures to put a score beside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from judgebench.items import Reading, Verdict
from judgebench.metrics.accuracy import group_weights
from judgebench.metrics.bias import share_against
from judgebench.metrics.comparisons import sign_flip_test
from judgebench.metrics.intervals import CONFIDENCE
from judgebench.metrics.resampling import codes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.items import ItemKey, Outcome
    from judgebench.metrics.accuracy import Layout
    from judgebench.metrics.bias import BiasEstimate
    from judgebench.metrics.intervals import Floats


@dataclass(frozen=True, slots=True)
class Reached:
    """What one baseline reaches, as fractions; a correlation where the score is one.

    Attributes:
        p: Two-sided, of the sign-flip test that the run's own credits differ from the baseline's on the same items, by
            group; None beside grades, and where an older version wrote it.
    """

    score: float
    sections: Mapping[str, float]
    subsets: Mapping[str, float]
    p: float | None = None


@dataclass(frozen=True, slots=True)
class Controls:
    """The baselines, over the items of a run that have a credit.

    Attributes:
        baselines: Of `longest`, `shortest`, `first` and `random` those that make sense.
        left_out: Subsets in which none does (Ties).
        judged: The run's own score over the other subsets; None where nothing is left out.
    """

    baselines: Mapping[str, Reached]
    left_out: tuple[str, ...] = ()
    judged: float | None = None

    def beside_nothing(self) -> Controls:
        """The same beside a run in which nothing has a verdict: it has no credits to be held against."""
        return replace(
            self, baselines={name: replace(each, p=None) for name, each in self.baselines.items()}, judged=None
        )


class Grouped:
    """Items in their subsets and sections, whose credits are put in more than once.

    Args:
        outcomes: Those with a credit, of subsets whose score is the mean of the credits.
        layout: The benchmark's own.
    """

    def __init__(self, outcomes: Sequence[Outcome], layout: Layout) -> None:
        self._weights = group_weights(outcomes, layout)
        at = {each.place: number for number, each in enumerate(self._weights)}
        self._own = np.array([outcome.credit for outcome in outcomes], dtype=np.float64)
        self._units, _ = codes([outcome.item.unit for outcome in outcomes], len(outcomes))
        self._places = np.array([at[layout.place_of(outcome.item)] for outcome in outcomes])

    def reached(self, credits_: Floats) -> Reached:
        """Score, sections and subsets of other credits of the items, shape (items,)."""
        sums = np.bincount(self._places, weights=credits_, minlength=len(self._weights))
        sections: dict[str, float] = {}
        subsets: dict[str, float] = {}
        score = 0.0
        for each, total in zip(self._weights, sums.tolist(), strict=True):
            mean = total / each.n
            score += each.in_score * mean
            if each.section is not None:
                sections[each.section] = sections.get(each.section, 0.0) + each.in_section * mean
            subsets[each.subset] = subsets.get(each.subset, 0.0) + each.in_subset * mean
        return Reached(score, sections, subsets, self._p(credits_))

    def _p(self, credits_: Floats) -> float:
        """Of no difference between the run's own credits and others, by their weights in the score."""
        weights = np.array([each.in_score / each.n for each in self._weights])[self._places]
        return sign_flip_test(np.bincount(self._units, weights=weights * (self._own - credits_)))


@dataclass(frozen=True, slots=True)
class Flips:
    """Changed verdicts.

    Attributes:
        name: What was done to the completion.
        flips: How many verdicts are for another completion than before, ties among them.
        toward: How many of them rank the altered completion higher: chosen before tied before not chosen.
        away: How many rank it lower. The rest moved between the other completions.
        share: `flips` / `n`.
        low: The lower end of its 95% interval: Wilson's, with items, or groups, as clusters.
        high: The upper end.
        n: Verdicts there before and after, on questions that show the altered completion.
        net: `toward` less `away`, over `n`; None, as what follows, in runs of earlier versions.
        net_low: The lower end of its 95% interval, with items, or groups, as clusters.
        net_high: The upper end.
        p: Two-sided, against a net of 0: McNemar's exact test; verdicts of an item, or group, count by their sum.
        retest: The share of flips between two samples of one order of the items as they are; None without samples.
    """

    name: str
    flips: int
    toward: int
    away: int
    share: float
    low: float
    high: float
    n: int
    net: float | None = None
    net_low: float | None = None
    net_high: float | None = None
    p: float | None = None
    retest: float | None = None


def flips(
    name: str,
    before: Mapping[str, Sequence[Reading]],
    after: Mapping[str, Sequence[Reading]],
    targets: Mapping[str, int],
    units: Mapping[str, str] | None = None,
    aim: str | None = None,
) -> Flips | None:
    """How often the verdict is another.

    Of ratings the verdict is the completion with the highest one in a sample, a tie where several have it. A class
    stands as high as a choice of the altered completion where it is the one that the attack aims at, else as low.

    Args:
        name: What was done.
        before: Readings by the item's id, of the items as they are.
        after: The same with the altered completion.
        targets: The index of the altered completion of each item that has one.
        units: What each item belongs to, by its id; None: each by itself.
        aim: The class that the attack is to bring about, of label verdicts.

    Returns:
        None where no verdict is there before and after.
    """
    among: list[str] = []
    changed: list[float] = []
    steps: list[int] = []
    for item, index in targets.items():
        then = dict(_verdicts(before.get(item, ()), index, aim))
        for call, choice in _verdicts(after.get(item, ()), index, aim):
            if call not in then:
                continue
            among.append(item if units is None else units[item])
            changed.append(float(choice != then[call]))
            step = _standing(choice, index) - _standing(then[call], index)
            steps.append((step > 0) - (step < 0))
    found = share_against(changed, 0.0, clusters=among)
    if found is None:
        return None
    made = Flips(
        name, int(sum(changed)), steps.count(1), steps.count(-1), found.estimate, found.low, found.high, len(changed)
    )
    return _with_net(replace(made, retest=_between_samples(before, targets, aim)), steps, among)


def _with_net(made: Flips, steps: Sequence[int], units: Sequence[str]) -> Flips:
    """With the net flips, their interval and p; where p is above 0.05 the interval holds 0."""
    sums = np.bincount(np.unique(units, return_inverse=True)[1], weights=steps)
    p = sign_flip_test(sums)
    found = share_against((np.asarray(steps) + 1) / 2, 0.5, clusters=units)
    assert found is not None
    low, high = 2 * found.low - 1, 2 * found.high - 1
    if p > 1 - CONFIDENCE:
        low, high = min(low, 0.0), max(high, 0.0)
    return replace(made, net=2 * found.estimate - 1, net_low=low, net_high=high, p=p)


def _between_samples(
    readings: Mapping[str, Sequence[Reading]], targets: Mapping[str, int], aim: str | None
) -> float | None:
    """How often two samples of one order differ, mean over items."""
    shares = []
    for item, index in targets.items():
        by_order: dict[tuple[int, ...], list[int | str | None]] = {}
        for (order, _), choice in _verdicts(readings.get(item, ()), index, aim):
            by_order.setdefault(order, []).append(choice)
        pairs = [pair for choices in by_order.values() for pair in combinations(choices, 2)]
        if pairs:
            shares.append(sum(one != other for one, other in pairs) / len(pairs))
    return fmean(shares) if shares else None


def padded_preference(
    readings: Mapping[str, Sequence[Reading]], copies: Mapping[str, int], keys: Mapping[str, ItemKey]
) -> BiasEstimate | None:
    """The share of verdicts for a padded copy of an item's first completion, of those for either; ties are half.

    Of ratings the verdict is the one with the higher rating in a sample. Without a length bias it is 1/2: the two
    differ in nothing else. The null holds where orders are drawn at random or every order is asked.

    Args:
        readings: By the item's id.
        copies: The index of the copy, by the item's id.
        keys: The items.

    Returns:
        None where no verdict is for either.
    """
    hits, units = [], []
    for item, copy in copies.items():
        for hit in _for_copy(readings.get(item, ()), copy):
            hits.append(hit)
            units.append(keys[item].unit)
    return share_against(hits, 0.5, clusters=units)


def _for_copy(readings: Sequence[Reading], copy: int) -> Iterator[float]:
    """1 for each verdict for the copy, 0 for the first completion, 1/2 for a tie."""
    rated: dict[int, dict[int, float]] = {}
    for reading in readings:
        if reading.rating is not None and len(reading.order) == 1:
            rated.setdefault(reading.sample, {})[reading.order[0]] = reading.rating
        elif not reading.failed and {0, copy} <= set(reading.order) and reading.choice in {0, copy, None}:
            yield 0.5 if reading.choice is None else float(reading.choice == copy)
    for ratings in rated.values():
        if {0, copy} <= ratings.keys():
            yield 0.5 + 0.5 * ((ratings[copy] > ratings[0]) - (ratings[copy] < ratings[0]))


def _standing(choice: int | str | None, index: int) -> int:
    return 2 if choice == index else 1 if choice is None else 0


def _verdicts(
    readings: Sequence[Reading], index: int, aim: str | None
) -> Iterator[tuple[tuple[tuple[int, ...], int], int | str | None]]:
    """What was chosen, as `_choices`; of classes the altered completion where it is the one that is aimed at."""
    if aim is None:
        yield from _choices(readings, index)
        return
    for reading in readings:
        if reading.label is not None:
            yield (reading.order, reading.sample), index if reading.label == aim else reading.label


def _choices(readings: Sequence[Reading], index: int) -> Iterator[tuple[tuple[tuple[int, ...], int], int | None]]:
    """What was chosen, by order and sample, of the questions that show a completion; failures are left out."""
    rated: dict[int, list[Reading]] = {}
    for reading in readings:
        if len(reading.order) == 1:
            rated.setdefault(reading.sample, []).append(reading)
        elif index in reading.order and isinstance(reading.result, Verdict):
            yield (reading.order, reading.sample), reading.choice
    for sample, among in rated.items():
        ratings = {reading.order[0]: reading.rating for reading in among}
        values = [rating for rating in ratings.values() if rating is not None]
        if index in ratings and len(values) == len(ratings):
            best = [at for at, rating in ratings.items() if rating == max(values)]
            yield ((), sample), best[0] if len(best) == 1 else None
