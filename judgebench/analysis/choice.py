"""What a pick is: the cheapest run that is good enough, of the score and of each section, and how it is said."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from judgebench._util.table import Column, Table, Tabular, ends_of
from judgebench._util.text import difference_head, difference_text, dollars, percent, score_head, score_text, thousands
from judgebench.analysis.equivalent import margin_text
from judgebench.items import is_coefficient

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench._util.table import Columns, Value
    from judgebench.items import Measure

OVERALL = "Overall"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One run, over the score or a section.

    Attributes:
        title: What tables call it: as short as tells the runs apart.
        path: Its folder.
        template: The template, or None for scores.
        cost_per_1000: US dollars for 1,000 items; None where a price is not known, and for scores.
        difference: Of its score less the best run's: 0 or below.
        low: The lower end of the simultaneous 95% interval of that; the best run's ends are 0.
        high: The upper end.
        within: Whether it is shown to be less than the margin worse than every other run.
        beyond: Whether it is shown to be the margin or more worse than another.
        more: How many more items would show it with a chance of 80%; None where its score is the margin below
            another's, 0 where it is shown.
    """

    title: str
    path: Path
    judge: str
    template: str | None
    protocol: str
    score: float
    cost_per_1000: float | None
    difference: float
    low: float
    high: float
    within: bool
    beyond: bool
    more: int | None

    @property
    def verdict(self) -> str:
        """What is shown at the margin: `non-inferior`, `worse` (the margin or more worse than another), or `open`."""
        return "non-inferior" if self.within else "worse" if self.beyond else "open"


@dataclass(frozen=True, slots=True)
class PartPick:
    """What is picked for the score or a section.

    Attributes:
        part: `Overall`, or the section's name.
        items: How many items it is of.
        picked: The cheapest run within the margin; None where there is none, or too few items to say.
        best: The run with the highest score.
        candidates: Every run, the best first.
        margin: In points (hundredths of a correlation).
        budget: What 1,000 items may cost at most, in US dollars; None: anything.
        measure: What the scores are.
    """

    part: str
    items: int
    picked: Candidate | None
    best: Candidate
    candidates: tuple[Candidate, ...]
    margin: float
    budget: float | None = None
    measure: Measure | None = "share"

    @property
    def why(self) -> str | None:
        """Why nothing is picked; None where something is."""
        if self.picked is not None:
            return None
        priced = [each for each in self.candidates if each.cost_per_1000 is not None]
        if not priced:
            return "no run has a known price (price: {input: ..., output: ...} in providers.yaml)"
        if not self._affordable:
            first = min(priced, key=lambda each: each.cost_per_1000 or 0.0)
            return f"no {self._noun} is within the budget of {self._budget}; the cheapest is {self._named(first)}"
        nearest = self.nearest
        if nearest is None:
            nearest = max(self._affordable, key=lambda each: each.score)
            of = "" if self.budget is None else f" within the budget of {self._budget}"
            return (
                f"no {self._noun}{of} is shown to be within {self._within} of the best, "
                f"{self._named(self.best)}; closest: {self._against(nearest)}"
            )
        if nearest is self.best or nearest in self._tied:
            return self._why_open(nearest)
        of = "" if self.budget is None else f" within the budget of {self._budget}"
        return (
            f"cannot say with so few items ({self.items:,}) which {self._noun}{of} to take: {self._against(nearest)}, "
            f"could be {self._within} or more below the best, {self._named(self.best)}; {_enough(nearest)}"
        )

    def _why_open(self, nearest: Candidate) -> str:
        """Why the run with the highest score, or one that scores the same, is not picked."""
        if not self._tied:
            return (
                f"cannot say with so few items ({self.items:,}) which {self._noun} to take: {self._named(nearest)} has "
                f"the highest score, but another could be {self._within} or more better; {_enough(nearest)}"
            )
        names = [each.title for each in (self.best, *self._tied)]
        same = f"{_listed(names)} {'both' if len(names) == 2 else 'all'} score {self._score(nearest)}"
        return (
            f"{same}: cannot say with so few items ({self.items:,}) which is better; {_more(nearest.more)} would be "
            f"enough to rule out a difference of {self._within}"
        )

    @property
    def nearest(self) -> Candidate | None:
        """Where nothing is picked, the run that the fewest more items would show to be within the margin, if any."""
        open_ = [each for each in self._affordable if each.more]
        return None if self.picked else min(open_, key=lambda each: each.more or 0, default=None)

    @property
    def _affordable(self) -> list[Candidate]:
        """The runs of a known price within the budget."""
        limit = math.inf if self.budget is None else self.budget
        return [each for each in self.candidates if each.cost_per_1000 is not None and each.cost_per_1000 <= limit]

    @property
    def sentence(self) -> str:
        """The pick in a sentence, with its numbers."""
        picked = self.picked
        if picked is None:
            return f"{self.part}: {self.why}"
        cheaper = [each for each in self.candidates if self._is_cheaper(each)]
        part = self.part if self.budget is None else f"{self.part} (budget: {self._budget})"
        if picked is self.best:
            said = f"{part}: {self._highest}"
            if not cheaper:
                ends = "" if self._tied else " and is the cheapest"
                return f"{said}{ends}{self._next(self.candidates)}"
            no_other = f"no cheaper {self._noun} is within {self._within} of it{self._next(cheaper)}"
            return f"{said}; {self._undecided(cheaper) or no_other}"
        said = (
            f"{part}: {self._named(picked)} is the cheapest {self._noun} within {self._within} of the best, "
            f"{self._named(self.best)}: difference {self._difference(picked)}"
        )
        undecided = self._undecided(cheaper)
        return f"{said}; {undecided}" if undecided else said

    @property
    def _highest(self) -> str:
        """The best run, with those that score the same and how many times its price they cost."""
        best, tied = self.best, self._tied
        if not tied:
            return f"{self._named(best)} has the highest score"
        prices = [f"{each.title} costs {_times(each.cost_per_1000, best.cost_per_1000)}" for each in tied]
        same = _listed([self._named(each) for each in (best, *tied)])
        return f"{same} have the same highest score: {best.title} is picked, {', '.join(prices)}"

    @property
    def _tied(self) -> list[Candidate]:
        """The runs that score the same as the best, which is the cheapest of them."""
        others = [each for each in self.candidates if each is not self.best]
        return [each for each in others if math.isclose(each.score, self.best.score, rel_tol=0, abs_tol=1e-12)]

    @property
    def _noun(self) -> str:
        """What differs between the runs."""
        judges, prompts = {each.judge for each in self.candidates}, {each.template for each in self.candidates} - {None}
        if len(judges) == len(self.candidates) and len(prompts) < 2:
            return "judge"
        return "prompt" if len(judges) == 1 and len(prompts) == len(self.candidates) else "run"

    def _next(self, others: Sequence[Candidate]) -> str:
        """The best of others, with how far it is below the best; nothing where there is none."""
        below = [each for each in others if each is not self.best and each not in self._tied]
        second = max(below, key=lambda each: each.score, default=None)
        return "" if second is None else f"; next: {self._against(second)}"

    def _undecided(self, cheaper: Sequence[Candidate]) -> str:
        """Which cheaper run could do as well, and how many items would tell; nothing where all are shown not to."""
        open_ = [each for each in cheaper if not each.beyond]
        if not open_:
            return ""
        first = min(open_, key=lambda each: (each.more is None, each.more or 0, -each.score))
        told = f"; {_more(first.more)} would tell" if first.more else ""
        return (
            f"cannot say with so few items ({self.items:,}) whether a cheaper one is within {self._within}: "
            f"{self._against(first)}{told}"
        )

    def _is_cheaper(self, each: Candidate) -> bool:
        picked = self.picked
        if picked is None or picked.cost_per_1000 is None or each.cost_per_1000 is None:
            return False
        return each.cost_per_1000 < picked.cost_per_1000

    @property
    def _within(self) -> str:
        return margin_text(self.margin, self.measure)

    @property
    def _budget(self) -> str:
        return f"{dollars(self.budget)} per 1,000 items"

    def _named(self, each: Candidate) -> str:
        return f"{each.title} ({self._score(each)}, {self._price(each)})"

    def _score(self, each: Candidate) -> str:
        return score_text(each.score, self.measure)

    def _price(self, each: Candidate) -> str:
        if each.cost_per_1000 is None:
            return "cost unknown" if each.template else "no cost"
        per = " per 1,000 items" if self.part == OVERALL and each is (self.picked or self.best) else ""
        return f"{dollars(each.cost_per_1000)}{per}"

    def _difference(self, each: Candidate) -> str:
        low, high = (difference_text(end, self.measure) for end in (each.low, each.high))
        unit = "" if is_coefficient(self.measure) else " points"
        return f"{difference_text(each.difference, self.measure)}{unit} (95% CI {low} to {high})"

    def _against(self, each: Candidate) -> str:
        return f"{self._named(each)}, {self._difference(each)}"

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints: what is picked, or null with `why`."""
        picked = self.picked
        return {
            "run": None if picked is None else str(picked.path),
            "judge": None if picked is None else picked.judge,
            "template": None if picked is None else picked.template,
            "score": None if picked is None else picked.score,
            "cost_per_1000": None if picked is None else picked.cost_per_1000,
            "best": self.best.title,
            "difference": None if picked is None else picked.difference,
            "low": None if picked is None else picked.low,
            "high": None if picked is None else picked.high,
            "margin": self.margin,
            "budget": self.budget,
            "why": self.why,
            "sentence": self.sentence,
            "items": self.items,
            "best_run": str(self.best.path),
            "best_score": self.best.score,
            "best_cost_per_1000": self.best.cost_per_1000,
            "candidates": [{**asdict(each), "path": str(each.path)} for each in self.candidates],
        }


@dataclass(frozen=True, slots=True)
class CascadePick:
    """A cascade that is within the margin and cheaper than what is picked.

    Attributes:
        cheap: What tables call the run that judges every item.
        expensive: What they call the best run, which judges those that the cheap one is unsure of.
        cheap_run: The folder of the first.
        expensive_run: The folder of the second.
        by: What tells that the cheap run is unsure of an item.
        threshold: Items whose uncertainty is as high or higher are escalated.
        share: How many of the items these are.
        score: Of the cascade, by the benchmark's rule.
        difference: Of it less the best run's.
        low: The lower end of its simultaneous 95% interval.
        high: The upper end.
        cost_per_1000: US dollars for 1,000 items, both judges.
    """

    cheap: str
    expensive: str
    cheap_run: Path
    expensive_run: Path
    by: str
    threshold: float
    share: float
    score: float
    difference: float
    low: float
    high: float
    cost_per_1000: float

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints."""
        return {**asdict(self), "cheap_run": str(self.cheap_run), "expensive_run": str(self.expensive_run)}


@dataclass(frozen=True, slots=True, repr=False)
class Pick(Tabular):
    """What `pick` found.

    Attributes:
        overall: By the official score.
        sections: By name, those that were asked for, or all.
        cascade: The cheapest cascade that is within the margin at a lower price than what is picked overall, or than
            the best run where nothing is picked; None where there is none.
        notes: What a reader must know.
    """

    benchmark: str
    title: str
    overall: PartPick
    sections: Mapping[str, PartPick]
    cascade: CascadePick | None
    notes: tuple[str, ...] = field(default=())

    @property
    def sentences(self) -> list[str]:
        """The pick overall, that of each section, and the cascade, a sentence each."""
        every = [self.overall.sentence, *(each.sentence for each in self.sections.values())]
        return every if self.cascade is None else [*every, self.cascade_sentence or ""]

    @property
    def in_short(self) -> list[str]:
        """The pick overall in a sentence, those of the sections in one line, and the cascade."""
        lines, every = [self.overall.sentence], self.sections.items()
        if all(each.cost_per_1000 is None for each in self.overall.candidates):
            return lines
        if picks := [f"{name}: {each.picked.title}" for name, each in every if each.picked]:
            lines.append(f"by section: {'; '.join(picks)}")
        if none := [name for name, each in every if not each.picked and not each.nearest]:
            lines.append(f"none in {', '.join(none)}")
        if open_ := [(name, each.nearest.more) for name, each in every if each.nearest]:
            named = ", ".join(f"{name} ({_more(more).removesuffix(' items')})" for name, more in open_)
            lines.append(f"cannot say with so few items: {named}; judgebench pick shows the numbers")
        return lines if self.cascade is None else [*lines, self.cascade_sentence or ""]

    @property
    def cascade_sentence(self) -> str | None:
        """The cascade in a sentence; None where there is none."""
        found, against = self.cascade, self.overall.picked or self.overall.best
        if found is None:
            return None
        measure = self.overall.measure
        low, high = (difference_text(end, measure) for end in (found.low, found.high))
        unit = "" if is_coefficient(measure) else " points"
        price = ""
        if against.cost_per_1000:
            price = f" instead of {dollars(against.cost_per_1000)} for {against.title}"
        return (
            f"Cascade: {found.cheap} first, {found.expensive} for the {percent(found.share)} of items with "
            f"{found.by} >= {found.threshold:.3g}: {score_text(found.score, measure)} for "
            f"{dollars(found.cost_per_1000)} per 1,000 items{price}, difference from the best "
            f"{difference_text(found.difference, measure)}{unit} (95% CI {low} to {high})"
        )

    def to_json(self) -> dict[str, object]:
        """An object of plain values."""
        return {
            "benchmark": self.benchmark,
            "overall": self.overall.to_json(),
            "sections": {name: each.to_json() for name, each in self.sections.items()},
            "cascade": None if self.cascade is None else self.cascade.to_json(),
            "notes": list(self.notes),
        }

    def tables(self) -> Sequence[Table]:
        """The pick of each part, every run overall, and the sentences."""
        about = f"{len(self.overall.candidates)} runs · {_items(self.overall.items)}"
        if self.overall.budget is not None:
            about += f" · budget {dollars(self.overall.budget)} per 1,000 items"
        tables = [replace(self.table(), title=self.title, about=about)] if self.sections else []
        runs = self._runs() if self.sections else replace(self._runs(), title=self.title, about=about)
        return [*tables, runs, Table((), notes=[*self.sentences, *self._legend()])]

    def table(self) -> Table:
        """A line for the score and for each section: what is picked, what it costs, and how it stands to the best."""
        columns: Columns = {
            Column("of", head="", names=True): lambda choice: choice.part,
            Column("pick", names=True): lambda choice: (
                choice.picked.title if choice.picked else "cannot say" if choice.nearest else "none"
            ),
            Column("score", "score", head=score_head([self.overall.measure])): lambda choice: _of(choice, "score"),
            Column("cost_per_1000", "money", head="$/1,000"): lambda choice: _of(choice, "cost_per_1000"),
            Column("best"): lambda choice: choice.best.title,
            Column("difference", "difference", head=difference_head(self.overall.measure)): lambda choice: (
                None if choice.picked is None or choice.picked is choice.best else choice.picked.difference
            ),
            Column("95% CI", "difference"): lambda choice: (
                None if choice.picked is None or choice.picked is choice.best else ends_of(choice.picked)
            ),
        }
        every = [self.overall, *self.sections.values()]
        return Table.of(
            every,
            columns,
            lambda choice: {
                "unit": choice.measure,
                "style": "strong" * (choice is self.overall),
                "rule": choice is self.overall and len(every) > 1,
            },
        )

    def _runs(self) -> Table:
        """Every run overall, the best first."""
        within = margin_text(self.overall.margin, self.overall.measure)
        columns: Columns = {
            Column("run", names=True): lambda each: each.title,
            Column("score", "score", head=score_head([self.overall.measure])): lambda each: each.score,
            Column("cost_per_1000", "money", head="$/1,000"): lambda each: (
                each.cost_per_1000 if each.cost_per_1000 is not None else "unknown" if each.template else "none"
            ),
            Column("difference", "difference", head=difference_head(self.overall.measure)): _unless_best("difference"),
            Column("95% CI", "difference"): lambda each: None if _is_best(each) else ends_of(each),
            Column("within", head=f"within {within}"): lambda each: each.verdict,
        }
        budget = self.overall.budget
        if budget is not None:
            columns[Column("budget", head="budget")] = lambda each: (
                "unknown" if each.cost_per_1000 is None else "over" if each.cost_per_1000 > budget else "within"
            )
        picked = self.overall.picked
        return Table.of(
            self.overall.candidates,
            columns,
            lambda each: {"unit": self.overall.measure, "style": "strong" * (each is picked)},
        )

    def remarks(self) -> Sequence[str]:
        """What a reader must know."""
        return self.notes

    def _legend(self) -> Iterator[str]:
        within = margin_text(self.overall.margin, self.overall.measure)
        yield (
            f"within {within}: non-inferior is shown to be less than {within} worse than every other run, worse to be "
            f"{within} or more worse than one; open is neither"
        )
        every = "all runs and sections" if self.sections else "all runs"
        yield f"difference: from the best run (paired); 95% CI: simultaneous for {every}"
        if self.cascade is not None:
            yield (
                "the cascade was chosen on these items, so its score here is too high on average; save it with "
                f"judgebench cascade {self.cascade.cheap_run} {self.cascade.expensive_run} --by {self.cascade.by} "
                f"--threshold {self.cascade.threshold:.3g}"
            )


def _is_best(each: Candidate) -> bool:
    return each.difference == each.low == each.high == 0


def _unless_best(name: str) -> Any:
    def value(each: Candidate) -> Value:
        return None if _is_best(each) else getattr(each, name)

    return value


def _of(choice: PartPick, name: str) -> Value:
    return None if choice.picked is None else getattr(choice.picked, name)


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{thousands(count)} items"


def _more(count: int | None) -> str:
    """A number of items that is an estimate: two digits."""
    count = count or 0
    digits = max(len(str(count)) - 2, 0)
    said = -(-count // 10**digits) * 10**digits
    return f"about {said:,} more items"


def _enough(nearest: Candidate) -> str:
    return f"{_more(nearest.more)} would be enough to rule that out"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _times(cost: float | None, than: float | None) -> str:
    """A price against another, as "5 times as much"."""
    if cost is None:
        return "an unknown amount"
    if than is None or cost == than:
        return "the same"
    if than == 0:
        return "more"
    times = cost / than
    return f"{times:.0f} times as much" if times >= 10 else f"{times:.2g} times as much"
