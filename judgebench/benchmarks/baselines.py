"""Judges that judge nothing, without a call: what their credits would be by the benchmark's own rule.

`longest` and `shortest` choose by the characters of the completions (of equal ones the first shown), `first` by the
place, under the run's own orders; `random` is the expected credit of a uniform choice in every call, and of ratings
that are all different.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations, product
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from judgebench.items import LABELS, Reading, Verdict
from judgebench.metrics.accuracy import mean_stratum, point_score
from judgebench.metrics.controls import Controls, Grouped, Reached
from judgebench.metrics.grades import grades_or_credits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from judgebench.benchmarks.base import Benchmark
    from judgebench.items import ItemKey, Outcome
    from judgebench.metrics.accuracy import Layout
    from judgebench.metrics.votes import Join

    Order = tuple[int, ...]
    Slots = tuple[tuple[int, ...], ...]
    Credits = tuple[float, float, float, float]

BASELINES = ("longest", "shortest", "first", "random")

_MOST_WAYS = 1024
"""So many ways of choosing at random are gone through for the expected credit; of more it is left out."""


def controls(
    benchmark: Benchmark,
    outcomes: Sequence[Outcome],
    readings: Mapping[str, Sequence[Reading]],
    *,
    rule: Join = "mean",
    pairs: bool = False,
    ordered: bool = True,
) -> Controls | None:
    """What the baselines reach over the items of a run that have a credit.

    Left out are those that make no sense: `first` for ratings, scores and where no one order was shown; all of them in
    subsets with a rule of their own (Ties); and all but `longest` beside grades, where it is the correlation of the
    grades with the lengths.

    Args:
        benchmark: Whose rule.
        outcomes: The run's.
        readings: By the item's id, for the orders; empty for a score file.
        rule: How those of a question are joined.
        pairs: Whether the best of k is found from pairs: a baseline then chooses among all of them.
        ordered: Whether the readings have the orders that were shown (a jury's have not).

    Returns:
        None where no baseline makes sense, or the benchmark's score is of another kind.
    """
    layout = benchmark.layout
    if any(each.gold is not None for outcome in outcomes for each in outcome.item.checklist):
        return _on_criteria(outcomes, layout)
    if any(outcome.item.steps and outcome.item.label is not None for outcome in outcomes):
        return None
    if any(outcome.item.k == 1 and outcome.item.label is not None for outcome in outcomes):
        return _labelled(outcomes, layout)
    if any(outcome.item.graded for outcome in outcomes):
        return _graded(benchmark, outcomes)
    if layout.stratum not in {mean_stratum, grades_or_credits}:
        return None
    there = [outcome for outcome in outcomes if outcome.credit is not None]
    apart = {o.item.subset for o in there if o.item.subset in layout.strata or benchmark.by_ties(o.item)}
    kept = [outcome for outcome in there if outcome.item.subset not in apart] if apart else there
    if not kept:
        return None
    credits_of = _Rule(benchmark, rule, pairs=pairs, ordered=ordered and not pairs).credits
    every = [credits_of(outcome.item, readings.get(outcome.item.id, ())) for outcome in kept]
    different = {each: at for at, each in enumerate(dict.fromkeys(every))}
    table = np.array(list(different))[[different[each] for each in every]]
    grouped = Grouped(kept, layout)
    known = ~np.isnan(table).any(axis=0)
    if not any(any(outcome.item.lengths) for outcome in kept):  # verdicts made elsewhere, on texts that are not known
        known[[BASELINES.index("longest"), BASELINES.index("shortest")]] = False
    found = {name: grouped.reached(table[:, at]) for at, name in enumerate(BASELINES) if known[at]}
    return Controls(found, tuple(sorted(apart)), point_score(kept, layout) if apart else None)


def _labelled(outcomes: Sequence[Outcome], layout: Layout) -> Controls | None:
    """Always the most frequent gold class, and a class drawn from as many as occur."""
    kept = [outcome for outcome in outcomes if outcome.credit is not None]
    counts = Counter(outcome.item.label for outcome in kept)
    if not counts or layout.stratum not in {mean_stratum, grades_or_credits}:
        return None
    most = min(counts, key=lambda name: (-counts[name], str(name)))
    grouped = Grouped(kept, layout)
    always = np.array([float(outcome.item.label == most) for outcome in kept])
    return Controls(
        {
            f"always {most}": grouped.reached(always),
            "random": grouped.reached(np.full(len(kept), 1 / len(counts))),
        }
    )


def _on_criteria(outcomes: Sequence[Outcome], layout: Layout) -> Controls | None:
    """That every criterion is met, that none is, and a class drawn from as many as occur."""
    kept = [outcome for outcome in outcomes if outcome.credit is not None]
    golds = [[each.gold for each in outcome.item.checklist if each.gold is not None] for outcome in kept]
    if not kept or layout.stratum not in {mean_stratum, grades_or_credits}:
        return None
    grouped, shares = Grouped(kept, layout), {gold for among in golds for gold in among}
    always = {
        name: grouped.reached(np.array([among.count(share) / len(among) for among in golds]))
        for name, share in (("all met", 1.0), ("none met", 0.0))
    }
    return Controls({**always, "random": grouped.reached(np.full(len(kept), 1 / len(shares)))})


def _graded(benchmark: Benchmark, outcomes: Sequence[Outcome]) -> Controls | None:
    """The correlation of the grades with the lengths, over the items with a rating."""
    rated = [outcome.item for outcome in outcomes if any(None not in scores for scores in outcome.scores)]
    by_length = [benchmark.scored(item, (float(item.lengths[0]),)) for item in rated if item.graded]
    score = point_score(by_length, benchmark.layout) if by_length else None
    if score is None:
        return None
    subsets: dict[str, list[Outcome]] = {}
    for outcome in by_length:
        subsets.setdefault(outcome.item.subset, []).append(outcome)
    strata = {name: benchmark.layout.stratum(among, "credit") for name, among in subsets.items()}
    within = {name: stratum.value for name, stratum in strata.items() if stratum is not None}
    return Controls({"longest": Reached(score, {}, within)})


class _Rule:
    """A benchmark's rule applied to the baselines; items that are alike are worked out once.

    Each by itself, they make the row "cached run, 5970 judgements" of benchmarks/speed.py take 19% more.
    """

    def __init__(self, benchmark: Benchmark, rule: Join, *, pairs: bool, ordered: bool) -> None:
        self._benchmark = benchmark
        self._rule = rule
        self._pairs = pairs
        self._ordered = ordered
        self._known: dict[object, Credits] = {}
        self._by_chance: dict[object, float] = {}

    def credits(self, item: ItemKey, readings: Sequence[Reading]) -> Credits:
        """The item's credit by each of `BASELINES`; not-a-number where one makes no sense."""
        ranks = _ranks(item.lengths)
        orders = tuple([reading.order for reading in readings])
        alike = (orders, ranks, item.num_correct, item.label, item.criteria)
        if (known := self._known.get(alike)) is None:
            rated = not orders or len(orders[0]) == 1
            known = self._rated(item, ranks, scored=not orders) if rated else self._choices(item, ranks, orders)
            self._known[alike] = known
        return known

    def _choices(self, item: ItemKey, ranks: Sequence[int], calls: tuple[Order, ...]) -> Credits:
        if self._pairs:
            calls = (tuple(range(item.k)),)
        elif self._rule == "mean":
            calls = tuple(dict.fromkeys(calls))  # the mean over samples that are alike is one of them
        shown = [[ranks[index] for index in order] for order in calls]
        longest, shortest = (_places(shown, best, every=not self._ordered) for best in (max, min))
        first = self._mean(item, calls, [(0,)] * len(calls)) if self._ordered else math.nan
        chance = self._chance(item, calls)
        return self._mean(item, calls, longest), self._mean(item, calls, shortest), first, chance

    def _credit(self, item: ItemKey, readings: Sequence[Reading]) -> float:
        credit = self._benchmark.outcome(item, readings, self._rule).credit
        return math.nan if credit is None else credit

    def _chosen(self, item: ItemKey, calls: Sequence[Order], slots: Iterable[int]) -> float:
        said = zip(calls, slots, strict=True)
        return self._credit(item, [Reading(order, 0, Verdict(LABELS[slot])) for order, slot in said])

    def _mean(self, item: ItemKey, calls: Sequence[Order], slots: Sequence[Sequence[int]]) -> float:
        """The mean credit over all ways of choosing from the slots of each call."""
        ways = product(*slots) if math.prod(map(len, slots)) <= _MOST_WAYS else ()
        credits_ = [self._chosen(item, calls, way) for way in ways]
        return fmean(credits_) if credits_ else math.nan

    def _chance(self, item: ItemKey, calls: tuple[Order, ...]) -> float:
        """The mean credit over all ways of choosing, which are equally probable."""
        if self._rule == "mean" and not self._benchmark.joint_orders:
            calls = tuple(dict.fromkeys(tuple(sorted(order)) for order in calls))
        alike = (item.k, item.num_correct, item.label, item.criteria, calls)
        if alike not in self._by_chance:
            self._by_chance[alike] = self._mean(item, calls, [range(len(order)) for order in calls])
        return self._by_chance[alike]

    def _rated(self, item: ItemKey, ranks: Sequence[int], *, scored: bool) -> Credits:
        def credit(ratings: Sequence[float]) -> float:
            if scored:
                made = self._benchmark.scored(item, tuple(map(float, ratings))).credit
                return math.nan if made is None else made
            return self._credit(item, [Reading((at,), 0, Verdict(float(each))) for at, each in enumerate(ratings)])

        # All ranks are equally probable, and it does not matter which correct completion has which.
        of = item.num_correct
        places = combinations(range(item.k), of) if math.comb(item.k, of) <= _MOST_WAYS else ()
        ways = [credit([*taken, *(at for at in range(item.k) if at not in taken)]) for taken in places]
        return credit(ranks), credit([-rank for rank in ranks]), math.nan, fmean(ways) if ways else math.nan


def _ranks(lengths: Sequence[int]) -> Order:
    """The rank of each length from 0 on; equal ones have the same. What is longest or equal rests on these alone."""
    if len(lengths) == 2:
        one, other = lengths
        return (0, 0) if one == other else (0, 1) if one < other else (1, 0)
    place = {length: at for at, length in enumerate(sorted({*lengths}))}
    return tuple([place[length] for length in lengths])


def _places(shown: Sequence[Sequence[int]], best: Callable[[Sequence[int]], int], *, every: bool) -> Slots:
    """Of each call the slot of the best length: the first of equal ones, or every one of them."""
    if not every:
        return tuple([(among.index(best(among)),) for among in shown])
    return tuple([tuple(at for at, each in enumerate(among) if each == best(among)) for among in shown])
