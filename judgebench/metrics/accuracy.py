"""Outcomes into official scores: subsets make sections, sections make the score, each with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from judgebench.items import Outcome
from judgebench.metrics.intervals import (
    RESAMPLES,
    Bounds,
    Estimate,
    Interval,
    MeanStratum,
    group_effect,
    pooled,
    weighted_interval,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from judgebench.items import ItemKey, Measure
    from judgebench.metrics.intervals import Floats, Stratum, View

    Place = tuple[str | None, str, str]
    """A section, a part of it, and a subset."""

    StratumOf = Callable[[Sequence[Outcome], View], Stratum | None]

_EXTREMES: tuple[View, View] = ("low", "high")


def mean_stratum(outcomes: Sequence[Outcome], view: View = "credit") -> MeanStratum | None:
    """The items that have a credit, as a group whose score is their mean; None where there are none.

    What stands in for a failure is not known as a verdict is: it has the variance of a coin of that chance.
    """
    there = [outcome for outcome in outcomes if outcome.credit is not None]
    credits_ = [o.credit - o.substituted if view == "bare" else getattr(o, view) for o in there]  # type: ignore[operator]
    if not there:
        return None
    grouped = None
    if any(outcome.item.group is not None for outcome in there):
        grouped = np.array(credits_), [outcome.item.unit for outcome in there]
    if view == "credit" and any(outcome.failed for outcome in there):
        values, chances = zip(*(part for outcome in there for part in credit_parts(outcome)), strict=True)
        return MeanStratum(values, chances, grouped)
    return MeanStratum(credits_, grouped=grouped)


def coin_variance(outcome: Outcome) -> float:
    """The variance of a credit by itself: that of a coin where it stands in for a failure, else 0."""
    return sum(chance * (credit - (outcome.credit or 0.0)) ** 2 for credit, chance in credit_parts(outcome))


def credit_parts(outcome: Outcome) -> tuple[tuple[float, float], ...]:
    """The credits that the item may have, each with its chance; their mean is its credit."""
    credit, low, high = outcome.credit or 0.0, outcome.low, outcome.high
    if low is None or high is None or not low < credit < high:
        return ((credit, 1.0),)
    chance = (credit - low) / (high - low)
    return (low, 1 - chance), (high, chance)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a benchmark's subsets make its sections, and these its score.

    Attributes:
        sections: The names of the sections, in the order of the published tables; may be empty.
        open_ended: Whether the items alone say which sections there are, in the order of their names.
        section_of: The section an item belongs to; None for one outside all sections.
        part_of: The part of its section that an item belongs to. Parts count the same, however many items they have: a
            section's score is the plain mean of its parts', and so is a score over items without sections.
        subset_weights: Fixed weights of subsets within their section (or part); without any, each item counts the same.
        section_weights: Weights of sections in the score; 1 where none is given.
        overall: The score is the weighted mean of the `sections`, the mean of the subsets by their `items`, or that of
            all items `pooled` as one group, for scores that are no means.
        optional: Sections that are not missed where they have no items.
        stratum: Makes a group of outcomes into its score: the mean of the credits, unless the rule is another. None
            where the outcomes have no score.
        strata: The same for single subsets that have a rule of their own (Ties).
    """

    sections: tuple[str, ...] = ()
    section_of: Callable[[ItemKey], str | None] = lambda _: None
    part_of: Callable[[ItemKey], str] = lambda _: ""
    subset_weights: Mapping[str, float] = field(default_factory=dict)
    section_weights: Mapping[str, float] = field(default_factory=dict)
    overall: Literal["sections", "items", "pooled"] = "sections"
    optional: frozenset[str] = frozenset()
    stratum: StratumOf = mean_stratum
    strata: Mapping[str, StratumOf] = field(default_factory=dict)
    open_ended: bool = False

    def named(self, there: Iterable[str | None]) -> tuple[str, ...]:
        """The names of the sections, some of which are there."""
        return tuple(sorted({name for name in there if name})) if self.open_ended else self.sections

    def place_of(self, item: ItemKey) -> Place:
        """The section, part and subset that an item belongs to."""
        return self.section_of(item), self.part_of(item), item.subset

    def weighed_apart(self, item: ItemKey) -> str:
        """The subset or section of fixed weight that an item belongs to; empty where all items count the same."""
        if self.overall != "sections" or not (self.sections or self.open_ended):
            return ""
        if (part := self.part_of(item)) and item.subset in self.subset_weights:
            return f"{self.section_of(item)}\0{part}\0{item.subset}"
        return item.subset if item.subset in self.subset_weights else self.section_of(item) or item.subset


@dataclass(frozen=True, slots=True)
class Scores:
    """The official scores over what is there.

    Attributes:
        score: None only where no item has a label, and so no credit.
        measure: What the score is, as the groups that make it say; None without a score.
        section_subsets: The subsets of each section.
        missing: Sections with no items.
    """

    score: float | None
    low: float | None
    high: float | None
    sections: Mapping[str, Estimate]
    subsets: Mapping[str, Estimate]
    section_subsets: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...]
    measure: Measure | None = None


@dataclass(frozen=True, slots=True)
class _Group:
    section: str | None
    part: str
    subset: str
    stratum: Stratum
    weight: float


class _Draws:
    """The resampled scores of groups, drawn one after another from one generator, once any of them is needed."""

    def __init__(self, groups: Sequence[_Group], rng: np.random.Generator, resamples: int) -> None:
        self._groups, self._rng, self._resamples = groups, rng, resamples

    @cached_property
    def _every(self) -> list[Floats]:
        return [group.stratum.draws(self._rng, self._resamples) for group in self._groups]

    def __getitem__(self, at: int) -> Floats:
        return self._every[at]

    def after(self, stratum: Stratum) -> Floats:
        """Those of one more stratum, behind all groups'."""
        _ = self._every
        return stratum.draws(self._rng, self._resamples)


def official_scores(
    outcomes: Sequence[Outcome],
    layout: Layout,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    view: View = "credit",
) -> Scores:
    """Scores and 95% intervals of every subset and section and of the whole.

    A subset's interval is its stratum's own (Wilson's for a mean), and so is that of a section or a score made of a
    single subset; the others come from a bootstrap of items within subsets (pairs of prompts for Ties), so that the
    fixed weights and the sizes of the subsets are kept.

    Args:
        outcomes: One an item; those without a label are left out.
        layout: The benchmark's own.
        seed: Of the resampling.
        resamples: How many.
        view: See `point_score`.
    """
    groups = _groups(outcomes, layout, view)
    there = {group.section for group in groups}
    asked = {layout.section_of(outcome.item) for outcome in outcomes}
    names = layout.named(asked)
    missing = tuple(name for name in names if name not in asked and name not in layout.optional)
    whole = _pooled(outcomes, layout, view)
    if whole is None and (not groups or layout.overall == "pooled"):
        return Scores(None, None, None, {}, {}, {}, missing)
    _lean(groups)
    rng = np.random.default_rng(seed)
    draws = _Draws(groups, rng, resamples)
    sections = {name: _estimate(groups, draws, _weights(groups, name)) for name in names if name in there}
    if whole is None:
        overall = _estimate(groups, draws, _overall_weights(groups, layout))
    else:
        overall = _alone(whole, lambda: draws.after(whole))
    within = {name: tuple(dict.fromkeys(g.subset for g in groups if g.section == name)) for name in sections}
    measures = {stratum.measure for stratum in ([group.stratum for group in groups] if whole is None else [whole])}
    measure = measures.pop() if len(measures) == 1 else "share"
    return Scores(overall.score, overall.low, overall.high, sections, _subsets(groups, draws), within, missing, measure)


def part_scores(outcomes: Iterable[Outcome], layout: Layout, part: Callable[[Outcome], float | None]) -> Scores:
    """The official scores of another credit of the items than their own, such as their reciprocal ranks.

    Args:
        outcomes: One an item.
        layout: The benchmark's own.
        part: From 0 to 1, for each item; None for those without.
    """
    values = ((outcome.item, part(outcome)) for outcome in outcomes)
    return official_scores([Outcome(item, value, value, value) for item, value in values if value is not None], layout)


def score_bounds(outcomes: Sequence[Outcome], layout: Layout, scores: Scores, *, seed: int = 0) -> Bounds | None:
    """The official score with every failure counted wrong, and counted right, with the interval of both together.

    Args:
        outcomes: One an item.
        layout: The benchmark's own.
        scores: The official ones.
        seed: Of the resampling.

    Returns:
        None where there is no score, or no substitute that is the worst, or the best (correlations).
    """
    if any(outcome.failed for outcome in outcomes):
        low, high = (_overall(outcomes, layout, seed, view) for view in _EXTREMES)
    else:
        low = high = scores
    if low is None or high is None or low.score is None or high.score is None or low.low is None or high.high is None:
        return None
    return Bounds(low.score, high.score, Interval(low.low, high.high))


def _overall(outcomes: Sequence[Outcome], layout: Layout, seed: int, view: View) -> Scores | Estimate | None:
    """The score of the whole, without those of its parts where it can be told without them."""
    whole = _pooled(outcomes, layout, view)
    if layout.overall == "pooled" and whole is None:
        return None
    if whole is not None and (interval := whole.interval()) is not None:
        return Estimate(whole.value, whole.n, interval.low, interval.high)
    return official_scores(outcomes, layout, seed=seed, view=view)


def point_score(outcomes: Iterable[Outcome], layout: Layout, view: View = "credit") -> float | None:
    """The official score alone, from the outcomes' credits, or from their bounds.

    Args:
        outcomes: One an item.
        layout: The benchmark's own.
        view: `credit`; `low` counts every failure wrong, `high` right; `bare` leaves out what stands in for failures.
    """
    outcomes = list(outcomes)
    if layout.overall == "pooled":
        whole = _pooled(outcomes, layout, view)
        return None if whole is None else whole.value
    groups = _groups(outcomes, layout, view)
    if not groups:
        return None
    weights = _overall_weights(groups, layout)
    return float(sum(weight * group.stratum.value for weight, group in zip(weights, groups, strict=True)))


@dataclass(frozen=True, slots=True)
class GroupWeight:
    """What the items of one subset (within one part of one section) weigh, all together.

    Attributes:
        n: How many items with a credit it has.
        in_section: In its section's score, from 0 to 1; 0 outside all sections.
        in_subset: In its subset's score, from 0 to 1.
        in_score: In the benchmark's score, from 0 to 1.
    """

    section: str | None
    part: str
    subset: str
    n: int
    in_section: float
    in_subset: float
    in_score: float

    @property
    def place(self) -> Place:
        """Where its items are; see `Layout.place_of`."""
        return self.section, self.part, self.subset


def group_weights(outcomes: Iterable[Outcome], layout: Layout) -> list[GroupWeight]:
    """The weight of every group that is there, in the order of the published tables."""
    groups = _groups(outcomes, layout, "credit")
    within: dict[str | None, list[float]] = {None: [0.0] * len(groups)}
    subsets: dict[str, list[float]] = {}
    for group in groups:
        if group.section not in within:
            within[group.section] = _weights(groups, str(group.section))
        if group.subset not in subsets:
            subsets[group.subset] = _spread(groups, [g.subset == group.subset for g in groups], by_items=True)
    overall = _overall_weights(groups, layout)
    return [
        GroupWeight(
            *(group.section, group.part, group.subset, group.stratum.n),
            *(within[group.section][at], subsets[group.subset][at], overall[at]),
        )
        for at, group in enumerate(groups)
    ]


def _groups(outcomes: Iterable[Outcome], layout: Layout, view: View) -> list[_Group]:
    members: dict[Place, list[Outcome]] = {}
    for outcome in outcomes:
        members.setdefault(layout.place_of(outcome.item), []).append(outcome)
    groups = []
    for (section, part, subset), among in members.items():
        stratum = layout.strata.get(subset, layout.stratum)(among, view)
        if stratum is not None:
            groups.append(_Group(section, part, subset, stratum, layout.subset_weights.get(subset, stratum.n)))
    order = {name: at for at, name in enumerate(layout.named(group.section for group in groups))}
    subset_order = {name: at for at, name in enumerate(layout.subset_weights)}
    groups.sort(key=lambda g: (order.get(g.section or "", len(order)), subset_order.get(g.subset, 0), g.subset, g.part))
    return groups


def _lean(groups: Sequence[_Group]) -> None:
    """Lets each mean lean on those of its section: see `MeanStratum`."""
    for section in {group.section for group in groups}:
        means = [g.stratum for g in groups if g.section == section and isinstance(g.stratum, MeanStratum)]
        for stratum in means:
            stratum.lean_on(means)


def _pooled(outcomes: Sequence[Outcome], layout: Layout, view: View) -> Stratum | None:
    """All items as one group, where the score is made so and there is one."""
    return layout.stratum(outcomes, view) if layout.overall == "pooled" else None


def _spread(groups: Sequence[_Group], taken: Sequence[bool], *, by_items: bool = False) -> list[float]:
    """What each of the groups that are taken weighs in their score: by weights within a part, the parts alike."""
    totals: dict[str, float] = {}
    weights = [float(group.stratum.n) if by_items else group.weight for group in groups]
    for group, weight, own in zip(groups, weights, taken, strict=True):
        if own:
            totals[group.part] = totals.get(group.part, 0.0) + weight
    return [
        weight / totals[group.part] / len(totals) if own else 0.0
        for group, weight, own in zip(groups, weights, taken, strict=True)
    ]


def _weights(groups: Sequence[_Group], section: str) -> list[float]:
    return _spread(groups, [group.section == section for group in groups])


def _overall_weights(groups: Sequence[_Group], layout: Layout) -> list[float]:
    existing = {group.section for group in groups}
    there = [name for name in layout.named(existing) if name in existing]
    if layout.overall != "sections" or not there:
        return _spread(groups, [True] * len(groups), by_items=True)
    each = {name: layout.section_weights.get(name, 1.0) for name in there}
    total_weight = sum(each.values())
    weights = np.zeros(len(groups))
    for name in there:
        weights += each[name] / total_weight * np.array(_weights(groups, name))
    return [float(weight) for weight in weights]


def _estimate(groups: Sequence[_Group], draws: _Draws, weights: Sequence[float]) -> Estimate:
    """The estimate of a weighted mean of groups, with a weight for each."""
    taken = [at for at, weight in enumerate(weights) if weight > 0]
    if len(taken) == 1:
        return _alone(groups[taken[0]].stratum, lambda: draws[taken[0]])
    strata, chosen = [groups[at].stratum for at in taken], [weights[at] for at in taken]
    value, n = float(sum(w * s.value for s, w in zip(strata, chosen, strict=True))), sum(s.n for s in strata)
    means = [(s, w) for s, w in zip(strata, chosen, strict=True) if isinstance(s, MeanStratum)]
    if len(means) == len(strata) and np.allclose([w * n / s.n for s, w in means], 1.0):
        interval = pooled([s for s, _ in means]).interval()
        return Estimate(value, n, interval.low, interval.high)
    # Items that belong together may stand in several groups, each of which is drawn by itself.
    wider = math.sqrt(group_effect([s for s, _ in means], [w for _, w in means]))
    resampled = np.zeros(len(draws[taken[0]]))
    for at, stratum, weight in zip(taken, strata, chosen, strict=True):
        centre, by_mean = stratum.value, isinstance(stratum, MeanStratum)
        resampled += weight * (centre + (draws[at] - centre) * (wider if by_mean else 1.0))
    interval = weighted_interval(value, strata, chosen, resampled)
    return Estimate(value, n, interval.low, interval.high)


def _alone(stratum: Stratum, draws: Callable[[], Floats]) -> Estimate:
    """The estimate of a group that stands alone."""
    interval = stratum.interval() or weighted_interval(stratum.value, [stratum], [1.0], draws())
    return Estimate(stratum.value, stratum.n, interval.low, interval.high)


def _subsets(groups: Sequence[_Group], draws: _Draws) -> dict[str, Estimate]:
    by_name: dict[str, list[int]] = {}
    for at, group in enumerate(groups):
        by_name.setdefault(group.subset, []).append(at)
    subsets = {}
    for name, places in by_name.items():
        if len(places) > 1:
            subsets[name] = _estimate(groups, draws, _spread(groups, [g.subset == name for g in groups], by_items=True))
        else:
            place = places[0]
            subsets[name] = _alone(groups[place].stratum, partial(draws.__getitem__, place))
    return subsets
