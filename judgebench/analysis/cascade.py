"""A cascade of two finished runs: a cheap judge first, and an expensive one only where the cheap one is unsure."""

from __future__ import annotations

import math
from collections import defaultdict
from copy import copy
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from judgebench._util.steps import counted
from judgebench._util.table import Column, Table, Tabular, ends_of
from judgebench._util.text import difference_head, difference_text, score_head, score_range, score_text
from judgebench.analysis.jury import held_out_items
from judgebench.errors import ConfigError
from judgebench.items import Verdict
from judgebench.metrics.accuracy import official_scores
from judgebench.metrics.paired import PairedRuns
from judgebench.metrics.rankings import pareto_front
from judgebench.metrics.sureness import By, unsureness
from judgebench.runs import (
    DEFAULT_OUT,
    DerivedRun,
    Run,
    benchmark_title,
    member,
    opened_members,
    read_judgements,
    titles_of,
    total_usage,
    usage_over,
    was_judged,
    write_made,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from judgebench._util.table import Columns
    from judgebench.items import Measure, Outcome, Reading
    from judgebench.metrics.paired import Difference
    from judgebench.runs import Finished, RunTemplates

MARGIN = 2.0
"""By how many points the marked threshold may be worse, where nothing else is said."""

ROWS = 12
"""How many thresholds are shown at most."""

_SIGNS = {
    "disagreement": "the share of the cheap judge's verdicts on an item that differ from the most common one",
    "margin": "1 minus the margin between its two best completions",
    "confidence": "1 minus the probability of its best completion",
}

MOST_STEPS = 40
"""Of more thresholds, these many are looked at, spread over the shares that they send on."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """One threshold.

    Attributes:
        threshold: Items whose unsureness is as high or higher are sent on; None where none is.
        sent: How many that are.
        share: The same as a share of the items.
        score: The benchmark's official score of the cascade.
        difference: Of that score less the expensive run's.
        cost_per_item: US dollars, the cheap judge's replies to every item included; None where it is not known.
        pareto: Whether no other threshold is as cheap and as good, and cheaper or better.
        chosen: Whether it is the cheapest that a held part of the items shows to be worse than the expensive run alone
            by less than the margin, if at all.
    """

    threshold: float | None
    sent: int
    share: float
    score: float
    low: float
    high: float
    difference: Difference
    cost_per_item: float | None
    pareto: bool = False
    chosen: bool = False


@dataclass(frozen=True, repr=False)
class Cascade(Tabular):
    """Every threshold of a cascade, the fewest sent on first: the first is the cheap run, the last the expensive one.

    Attributes:
        cheap: What tables call the cheap run.
        expensive: What they call the expensive one.
        thresholds: How many different ones there are; `steps` has at most `MOST_STEPS` of them.
        margin: By how many points the marked threshold may be worse than the expensive run.
        held: How many items the marked threshold is chosen by.
        measured: The marked threshold over the other items, by which it was not chosen; None where none is marked.
        path: The folder of the run that was written; None where no threshold was given.
    """

    benchmark: str
    title: str
    cheap: str
    expensive: str
    by: By
    items: int
    measure: Measure | None
    thresholds: int
    steps: tuple[Threshold, ...]
    path: Path | None = None
    notes: tuple[str, ...] = ()
    margin: float = MARGIN
    held: int = 0
    measured: Threshold | None = None

    @property
    def chosen(self) -> Threshold | None:
        """The cheapest threshold shown to be less than the margin worse than the expensive run; None: none is."""
        return next((step for step in self.steps if step.chosen), None)

    @property
    def run(self) -> Run | None:
        """The cascade as a run like any other, where it was written."""
        return None if self.path is None else Run(self.path)

    def to_json(self) -> dict[str, object]:
        """An object of plain values; `dear` is the former name of `expensive`."""
        return {**asdict(self), "dear": self.expensive, "path": None if self.path is None else str(self.path)}

    def tables(self) -> Sequence[Table]:
        """Some thresholds, each with its score, what it costs, and how it stands to the expensive run."""
        about = f"{self.cheap}, then {self.expensive} · {self.items} items"
        shown = self._table(thinned(self.steps))
        return [replace(shown, title=self.title, about=about, notes=list(self._legend()))]

    def table(self) -> Table:
        """Every threshold."""
        return self._table(self.steps)

    def remarks(self) -> Sequence[str]:
        """What a reader must know."""
        return self.notes

    def _table(self, steps: Sequence[Threshold]) -> Table:
        columns: Columns = {
            Column("threshold", names=True): _threshold,
            Column("escalated", "share"): lambda step: step.share,
            Column("score", "score", head=score_head([self.measure])): lambda step: step.score,
            Column("95% CI", "interval"): ends_of,
            Column("difference", "difference", head=difference_head(self.measure)): lambda step: (
                step.difference.difference
            ),
            Column("p", "p"): lambda step: step.difference.p,
            Column("cost/item", "money"): lambda step: "unknown" if step.cost_per_item is None else step.cost_per_item,
            Column("mark", "mark", head=""): lambda step: "*" * step.pareto + "<" * step.chosen,
        }
        return Table.of(steps, columns, lambda step: {"unit": self.measure, "style": "strong" * step.chosen})

    def _legend(self) -> Iterator[str]:
        yield (
            f"threshold: items at least this uncertain are escalated to {self.expensive}; uncertainty: "
            f"{_SIGNS[self.by]}"
        )
        yield (
            f"{difference_head(self.measure)}: score minus that of the expensive run alone (paired, p uncorrected); "
            "cost/item: both judges"
        )
        yield "*: Pareto-optimal (cost, score)"
        yield self._mark()
        if self.thresholds > min(len(self.steps), ROWS):
            more = "; --json lists more" if len(self.steps) > ROWS else ""
            yield f"{min(len(self.steps), ROWS)} of {self.thresholds} thresholds shown{more}"

    def _mark(self) -> str:
        points = "1 point" if self.margin == 1 else f"{self.margin:g} points"
        within = f"less than {points} worse than the expensive run alone"
        part = f"by a held part of {self.held} items"
        if self.measured is None:
            return f"no threshold is marked: none is shown {part} to be {within}; use more items, or a larger --margin"
        step, measure = self.measured, self.measure
        low, high = step.difference.low, step.difference.high
        return (
            f"<: cheapest threshold shown {part} to be {within} (tested in order, from the most escalated on). On the "
            f"other {self.items - self.held} items: score {score_text(step.score, measure)} (95% CI "
            f"{score_range(step.low, step.high, measure)}), difference "
            f"{difference_text(step.difference.difference, measure)} (95% CI {difference_text(low, measure)} to "
            f"{difference_text(high, measure)})"
        )


def _threshold(step: Threshold) -> str:
    return "none" if step.threshold is None else "0 (all)" if not step.threshold else f"{step.threshold:.3g}"


def thinned(steps: Sequence[Threshold], most: int = ROWS) -> list[Threshold]:
    """At most so many of the steps: the ends and the chosen one, and others spread over the list."""
    if len(steps) <= most:
        return list(steps)
    places = {0, len(steps) - 1, *(at for at, step in enumerate(steps) if step.chosen)}
    spread = [round(at * (len(steps) - 1) / (most - 1)) for at in range(most)]
    for place in sorted(spread, key=lambda place: -min(abs(place - there) for there in places)):
        if len(places) < most:
            places.add(place)
    return [steps[place] for place in sorted(places)]


def cascade(
    cheap: Run | str | Path,
    expensive: Run | str | Path,
    *,
    by: By = "disagreement",
    threshold: float | None = None,
    name: str | None = None,
    margin: float = MARGIN,
    seed: int = 0,
    out: str | Path = DEFAULT_OUT,
) -> Cascade:
    """The score and the cost of every threshold, from two finished runs of the same items.

    >>> import judgebench as jb
    >>> runs = jb.grid("rewardbench", judges=["offline/first", "offline/longest"], data="sample", orders="both")
    >>> jb.cascade(*runs).items
    54

    Args:
        cheap: The run, or its folder, that judges every item.
        expensive: The run that judges those which the cheap one is unsure of.
        by: What tells that it is: see `judgebench.metrics.sureness.unsureness`.
        threshold: Write the cascade with this one as a run, and look at it beside the others.
        name: What stands in that run's judge's place; None for both judges' names.
        margin: By how many points (hundredths of a correlation) the marked threshold may be worse than the expensive
            run.
        seed: Of the resampling.
        out: The folder above the runs' folders.

    Raises:
        ConfigError: The runs do not fit together, nothing tells of unsureness, or no item has a label.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    if by not in get_args(By):
        raise ConfigError(f"by is {by!r}: must be one of {', '.join(get_args(By))}")
    if threshold is not None and not 0 <= threshold <= 1:
        raise ConfigError(f"threshold is {threshold!r}: must be in [0, 1]")
    if not margin > 0:
        raise ConfigError(f"margin is {margin!r}: must be above 0, in points")
    opened, templates = opened_members([cheap, expensive], "a cascade")
    pair = CascadePair(opened, templates, by)
    thresholds = pair.thresholds()
    looked_at = spread(thresholds, MOST_STEPS)
    if threshold is not None:
        looked_at = [None, *sorted({*(each for each in looked_at if each is not None), threshold}, reverse=True)]
    held, rest = pair.parted(seed)
    place = _chosen(list(held.steps(looked_at, seed)), margin) if held.items and rest.items else None
    names = titles_of(opened)
    path = None
    if threshold is not None:
        made = pair.made(threshold, name or "+".join(each.name.judge for each in opened), seed)
        path = write_made(made, opened, templates, Path(out), started)
    return Cascade(
        benchmark=opened[0].benchmark.name,
        title=benchmark_title([each.run for each in opened]),
        cheap=names[0],
        expensive=names[1],
        by=by,
        items=len(pair.items),
        measure=official_scores(pair.outcomes(None), opened[0].benchmark.layout, resamples=1).measure,
        thresholds=len(thresholds),
        steps=tuple(_marked(list(pair.steps(looked_at, seed)), place)),
        path=path,
        notes=tuple(pair.notes()),
        margin=margin,
        held=len(held.items),
        measured=None if place is None else next(rest.steps([looked_at[place]], seed)),
    )


class CascadePair:
    """The two runs over the items that both have judged.

    Args:
        opened: The cheap one and the expensive one.
        templates: Theirs.
        by: What tells that the cheap one is unsure.

    Attributes:
        items: Their ids.
        unsure: Of each, from 0 to 1.
    """

    def __init__(self, opened: Sequence[Finished], templates: Sequence[RunTemplates], by: By) -> None:
        self.cheap, self.expensive = opened
        self.by = by
        self.items = [item for item in self.cheap.keys if all(_judged(each, item) for each in opened)]
        if not any(self.cheap.keys[item].labelled for item in self.items):
            raise ConfigError("no item judged by both runs has a label: there is no score to compare with cost")
        self._check_signs(templates[0])
        self.unsure = {item: self._unsureness(item, templates[0]) for item in self.items}
        self._costs = [costs_by_item(each) for each in opened]

    def _check_signs(self, templates: RunTemplates) -> None:
        if templates.wording.rule.scale is not None and any(self.cheap.keys[item].k == 1 for item in self.items):
            raise ConfigError(f"{self.cheap.path}: rates single completions; a cascade needs choices among several")
        if self.by == "margin" and templates.wording.rule.scale is not None:
            return
        calls = max(len({(r.order, r.sample) for r in self._asked_most(item)}) for item in self.items)
        soft = self.by != "disagreement" and any(soft_of(r) for among in self.cheap.readings.values() for r in among)
        if calls == 1 and not soft:
            probable = "" if self.by == "disagreement" else ", or with --logprobs"
            ratings = ", or --by margin" if templates.wording.rule.scale is not None else ""
            raise ConfigError(
                f"{self.cheap.path}: one verdict per item has no {self.by}: use a run with --orders both or "
                f"--samples{ratings}{probable}"
            )

    def _asked_most(self, item: str) -> list[Any]:
        """The readings of the item's question, or completion, that has the most."""
        among = defaultdict(list)
        for reading in self.cheap.readings.get(item, ()):
            among[tuple(sorted(reading.order))].append(reading)
        return max(among.values(), key=len, default=[])

    def _unsureness(self, item: str, templates: RunTemplates) -> float:
        key = self.cheap.keys[item]
        scale = templates.reader_for(key, self.cheap).rule.scale
        # Sums of shares differ in the last digits by their order, which is no difference in sureness.
        return round(unsureness(key, self.cheap.readings.get(item, []), self.by, scale), 9)

    def parted(self, seed: int) -> tuple[CascadePair, CascadePair]:
        """The same over one half of the items, drawn by the seed, and over the other; what belongs together stays."""
        held = held_out_items(self.cheap, 0.5, seed)
        parts = copy(self), copy(self)
        for part, of_held in zip(parts, (True, False), strict=True):
            part.items = [item for item in self.items if (item in held) == of_held]
            if not any(self.cheap.keys[item].labelled for item in part.items):
                part.items = []
        return parts

    def thresholds(self) -> list[float | None]:
        """Every one that makes a difference, the highest first: None sends no item on, 0 all."""
        found = sorted({*self.unsure.values()}, reverse=True)
        return [None, *found[:-1], 0.0]

    def sent(self, threshold: float | None) -> set[str]:
        """The items that are sent on."""
        return {item for item in self.items if threshold is not None and self.unsure[item] >= threshold}

    def outcomes(self, threshold: float | None) -> list[Outcome]:
        """Of every item, by the run that decides on it."""
        on = self.sent(threshold)
        return [(self.expensive if item in on else self.cheap).outcomes[item] for item in self.items]

    def steps(self, thresholds: Sequence[float | None], seed: int) -> Iterator[Threshold]:
        """What each threshold gives."""
        layout, labelled = self.cheap.benchmark.layout, [self.cheap.keys[item].labelled for item in self.items]
        every = [self.outcomes(threshold) for threshold in thresholds]
        expensive = self.outcomes(0.0)
        tested = [[o for o, has in zip(among, labelled, strict=True) if has] for among in (*every, expensive)]
        paired = PairedRuns(tested, layout, self.cheap.benchmark.unit, seed=seed)
        whole = paired.part(paired.whole)
        both = zip(thresholds, every, strict=True)
        trying = counted(both, "bootstrapping intervals", unit="thresholds", total=len(every))
        for at, (threshold, among) in enumerate(trying):
            scores, on = official_scores(among, layout, seed=seed), self.sent(threshold)
            assert scores.score is not None
            assert scores.low is not None
            assert scores.high is not None
            yield Threshold(
                threshold=threshold,
                sent=len(on),
                share=len(on) / len(self.items),
                score=scores.score,
                low=scores.low,
                high=scores.high,
                difference=whole.difference(at, len(every)),
                cost_per_item=self.cost(on),
            )

    def cost(self, sent: Collection[str]) -> float | None:
        """US dollars an item, where these are sent on; None where it is not known."""
        cheap, expensive = self._costs
        paid = [*(cheap.get(item, 0.0) for item in self.items), *(expensive.get(item, 0.0) for item in sent)]
        known = [cost for cost in paid if cost is not None]
        return math.fsum(known) / len(self.items) if len(known) == len(paid) else None

    def notes(self) -> Iterator[str]:
        """What a reader must know."""
        yield from self.cheap.notes
        yield from self.expensive.notes
        left_out = len(self.cheap.keys) - len(self.items)
        if left_out:
            yield f"{left_out} items are left out: not judged by both runs"

    def made(self, threshold: float, name: str, seed: int) -> DerivedRun:
        """The cascade with this threshold, as a run."""
        on = self.sent(threshold)
        decided = {item: self.expensive if item in on else self.cheap for item in self.items}
        place = {item: at for at, item in enumerate(self.items)}
        kept = [
            j for each in (self.cheap, self.expensive) for j in each.judgements.values() if decided.get(j.item) is each
        ]
        kept.sort(key=lambda judgement: place[judgement.item])
        first = self.cheap.run.manifest.protocol
        said = f"cascade-{self.by}-{threshold:g}"
        return DerivedRun(
            kind="cascade",
            name=name,
            protocol={**first.model_dump(), "name": f"{first.name}-{said}"[:120]},
            said={
                "members": [member(each) for each in (self.cheap, self.expensive)],
                "by": self.by,
                "threshold": threshold,
                "sent": len(on),
            },
            judgements=[replace(judgement, cached=True) for judgement in kept],
            readings={item: each.readings.get(item, []) for item, each in decided.items()},
            outcomes=self.outcomes(threshold),
            usage=total_usage([usage_over(self.cheap, {*self.items}), usage_over(self.expensive, on)]),
            notes=[f"{len(on)} of {len(self.items)} items escalated to {self.expensive.name.judge}"],
            seed=seed,
        )


def soft_of(reading: Reading) -> bool:
    """Whether the judge gave probabilities."""
    return isinstance(reading.result, Verdict) and reading.result.soft is not None


def _judged(each: Finished, item: str) -> bool:
    return item in each.outcomes and was_judged(each.outcomes[item])


def costs_by_item(each: Finished) -> Mapping[str, float | None]:
    """What the replies about each item cost; None where that of one is not known."""
    costs: dict[str, float | None] = {}
    for judgement in read_judgements(each.path):
        before = costs.get(judgement.item, 0.0)
        if judgement.cost_usd is not None and before is not None:
            costs[judgement.item] = before + judgement.cost_usd
        elif judgement.cost_usd is None and judgement.reply is not None:
            costs[judgement.item] = None
    return costs


def spread(thresholds: Sequence[float | None], most: int) -> list[float | None]:
    """At most so many of them, the ends among them."""
    if len(thresholds) <= most:
        return list(thresholds)
    places = {round(at * (len(thresholds) - 1) / (most - 1)) for at in range(most)}
    return [thresholds[place] for place in sorted(places)]


def _chosen(steps: Sequence[Threshold], margin: float) -> int | None:
    """The place of the cheapest step that is shown to be as good as the expensive run but for the margin.

    The thresholds are tested in an order that is fixed beforehand, from the one that sends the most on, and the first
    that is not shown ends it: so none needs a correction (Maurer, Hothorn and Lehmacher 1995; Westfall and Krishen
    2001, doi:10.1016/S0378-3758(01)00077-5). The last step is the expensive run at a higher cost: no choice.
    """
    as_good = takewhile(lambda at: 100 * steps[at].difference.low > -margin, range(len(steps) - 2, -1, -1))
    return min(as_good, default=None)


def _marked(steps: Sequence[Threshold], chosen: int | None) -> Iterator[Threshold]:
    """The steps with the front of cost and score, and with the chosen one.

    Where the cost of one is not known, or none costs anything, the share that is sent on stands for it.
    """
    by_cost = all(step.cost_per_item is not None for step in steps) and any(step.cost_per_item for step in steps)
    costs = [step.cost_per_item if by_cost and step.cost_per_item is not None else step.share for step in steps]
    front = pareto_front(costs, [step.score for step in steps])
    for at, step in enumerate(steps):
        yield replace(step, pareto=bool(front[at]), chosen=at == chosen)
