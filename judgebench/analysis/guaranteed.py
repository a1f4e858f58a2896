"""What `guaranteed_cascade` finds: the thresholds, what they answer, and what goes to people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from judgebench._util.table import Column, Table, Tabular
from judgebench._util.text import dollars, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from judgebench._util.table import Columns
    from judgebench.metrics.selection_guarantee import SelectiveTest
    from judgebench.metrics.sureness import By

_SIGNS = {
    "disagreement": "share of its verdicts that differ from the most common one",
    "margin": "distance from 1 of the margin between its two best completions",
    "confidence": "distance from 1 of its verdict's probability",
}


@dataclass(frozen=True, slots=True)
class JudgePart:
    """What one of the judges answers.

    Attributes:
        by: What tells of its uncertainty; None where nothing does.
        selection: Its threshold, and what is shown of it, over the labelled items that reach it.
        share: What share of all labelled items it answers.
    """

    title: str
    path: Path
    by: By | None
    selection: SelectiveTest
    share: float


@dataclass(frozen=True, slots=True)
class AnsweredItem:
    """An item without a label.

    Attributes:
        judge: Who answers it; None for people.
        verdict: The letter of a completion, `tie` or a class; None for people.
        uncertainty: Of the judge that answers.
    """

    id: str
    judge: str | None
    verdict: str | None
    uncertainty: float | None


@dataclass(frozen=True, slots=True)
class Applied:
    """The thresholds on items without labels.

    Attributes:
        path: Of the first judge's run of them.
        own: Whether they are the tested runs' own items without a label.
        judges_cost: US dollars for the judges' replies; None where that is not known.
        people_cost: For people's verdicts on the rest; None where their price is not known.
        saved: Against people's verdicts on all of them; None where one of the prices is not known.
    """

    path: Path
    own: bool
    items: tuple[AnsweredItem, ...]
    judges_cost: float | None
    people_cost: float | None
    saved: float | None

    @property
    def answered(self) -> int:
        """How many the judges answer."""
        return sum(each.judge is not None for each in self.items)

    @property
    def people(self) -> int:
        """How many go to people."""
        return len(self.items) - self.answered


@dataclass(frozen=True, repr=False)
class Guarantee(Tabular):
    """What can be left to judges with a guaranteed agreement with people.

    Attributes:
        agreement: The least share of answers that agree with people.
        confidence: How sure that is.
        judges: In the order in which they are asked.
        labelled: How many labelled items the thresholds were tested on.
        units: Of how many groups these are.
        drawn: Whether they were drawn with unequal probabilities.
        one_class: What all labels are, where classes are all alike; then nothing is shown.
        coverage: The share of labelled items that the judges answer.
        curve: Of other agreements the coverage that is guaranteed, each by itself.
        applied: The thresholds on items without labels; None where there are none.
        judges_cost: US dollars of the judges' replies about an item; None where it is not known.
        people_cost: US dollars that a person's verdict costs; None where it is not known.
    """

    benchmark: str
    title: str
    agreement: float
    confidence: float
    judges: tuple[JudgePart, ...]
    labelled: int
    units: int
    drawn: bool
    one_class: str | None
    coverage: float
    curve: tuple[tuple[float, float], ...]
    applied: Applied | None = None
    judges_cost: float | None = None
    people_cost: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def shown(self) -> bool:
        """Whether anything can be left to a judge."""
        return any(each.selection.shown for each in self.judges)

    @property
    def answered(self) -> int:
        """How many labelled items the judges answer."""
        return sum(each.selection.answered for each in self.judges)

    @property
    def right(self) -> int:
        """How many of these agree with people."""
        return sum(each.selection.right for each in self.judges)

    @property
    def labels_needed(self) -> int | None:
        """Where nothing is shown, about how many labels would be enough; None where something is, or none would."""
        if self.shown:
            return None
        fewest = min(each.selection.fewest for each in self.judges)
        if self.units < fewest:
            return fewest
        return min((each.selection.enough for each in self.judges if each.selection.enough), default=None)

    @property
    def saved(self) -> float | None:
        """US dollars an item that are saved against people alone; None where one of the prices is not known."""
        if self.people_cost is None or self.judges_cost is None:
            return None
        return self.people_cost * self.coverage - self.judges_cost

    def to_json(self) -> dict[str, object]:
        """An object of plain values; `threshold` is of uncertainty, and null where all verdicts count."""
        judges = [
            {
                "run": str(each.path),
                "judge": each.title,
                "by": each.by,
                **asdict(each.selection),
                "share": each.share,
            }
            for each in self.judges
        ]
        applied = self.applied
        return {
            "benchmark": self.benchmark,
            "agreement": self.agreement,
            "confidence": self.confidence,
            "guaranteed": self.shown,
            "reason": self.sentence(),
            "labels_needed": self.labels_needed,
            "labelled": self.labelled,
            "units": self.units,
            "coverage": self.coverage,
            "seen": {"answered": self.answered, "right": self.right},
            "judges": judges,
            "curve": [{"agreement": target, "coverage": share} for target, share in self.curve],
            "cost_per_item": {
                "judges_usd": self.judges_cost,
                "people_usd": None if self.people_cost is None else self.people_cost * (1 - self.coverage),
                "saved_usd": self.saved,
            },
            "applied": None
            if applied is None
            else {
                "run": str(applied.path),
                "items": len(applied.items),
                "answered": applied.answered,
                "people": applied.people,
                "judges_cost_usd": applied.judges_cost,
                "people_cost_usd": applied.people_cost,
                "saved_usd": applied.saved,
            },
            "answered": [] if applied is None else [asdict(each) for each in applied.items if each.judge is not None],
            "notes": list(self.notes),
        }

    def sentence(self) -> str:
        """The answer in a sentence."""
        asked, sure = _share(self.agreement), _share(self.confidence)
        if self.shown:
            who = "the judge" if len(self.judges) == 1 else "judges"
            return (
                f"{percent(self.coverage)} of items can be left to {who}: "
                f"with {sure} confidence, at least {asked} of those verdicts agree with people (on the labelled items "
                f"{self.right:,} of {self.answered:,}); people judge the rest"
            )
        return f"cannot say: no threshold is shown to reach {asked} agreement with {sure} confidence; {self._why()}"

    def _why(self) -> str:
        fewest = min(each.selection.fewest for each in self.judges)
        if self.one_class is not None:
            return f"all {self.labelled:,} labels are '{self.one_class}': label items of other classes too"
        if self.units < fewest:
            of = "labelled items" if self.units == self.labelled else "groups of labelled items"
            return f"{self.units:,} {of} are too few: at least {fewest:,} are needed, all of them right"
        best = max(self.judges, key=lambda each: each.selection.best or 0.0)
        if best.selection.best is None:
            return f"fewer than {fewest:,} labelled items have a verdict"
        part = percent(best.selection.best_share or 0)
        seen = f"at best {percent(best.selection.best)} agree, on the most certain {part}"
        if self.labels_needed is None:
            return f"{seen}: more labels will not help; ask for less agreement or use a better judge"
        there = f"(there are {self.labelled:,})"
        return f"{seen}; about {self.labels_needed:,} labelled items would be enough if that is so {there}"

    def tables(self) -> Sequence[Table]:
        """The answer, who answers what, the unlabelled items, and coverage against agreement."""
        parts = [Table((), notes=[self.sentence()], title=self.title), self.table()]
        if said := [*self._costs(), *self._applied()]:
            parts.append(Table((), notes=said))
        columns: Columns = {
            Column("guaranteed agreement", "share", names=True): lambda each: each[0],
            Column("answered", "share"): lambda each: each[1],
            Column("bar", "bar", head=""): lambda each: each[1],
        }
        parts.append(Table.of(self.curve, columns, lambda each: {"style": "strong" * (each[0] == self.agreement)}))
        return [*parts, Table((), notes=list(self._legend()))]

    def table(self) -> Table:
        """Each judge's part."""
        columns: Columns = {
            Column("judge", names=True): lambda each: each.title,
            Column("threshold", names=True): _threshold,
            Column("answered", "share"): lambda each: each.share,
            Column("agree"): lambda each: f"{each.selection.right:,} of {each.selection.answered:,}",
            Column("agreement", "share"): lambda each: each.selection.agreement,
            Column("bound", "share"): lambda each: each.selection.low,
        }
        return Table.of(self.judges, columns)

    def remarks(self) -> Sequence[str]:
        """What a reader must know."""
        return self.notes

    def _costs(self) -> Iterator[str]:
        if self.people_cost is None:
            return
        people = 1000 * self.people_cost * (1 - self.coverage)
        yield (
            f"per 1,000 items: judges {_money(self.judges_cost, 1000)}, people {dollars(people)} at "
            f"{dollars(self.people_cost)} each{_saved(self.saved, 1000)}"
        )

    def _applied(self) -> Iterator[str]:
        applied = self.applied
        if applied is None:
            return
        what = "the items without a label" if applied.own else f"the items of {applied.path}"
        of = len(applied.items)
        said = f"{what}: {applied.answered:,} of {of:,} answered by judges, {applied.people:,} go to people"
        if applied.people_cost is not None:
            said += (
                f"; judges {_money(applied.judges_cost)}, people {dollars(applied.people_cost)}{_saved(applied.saved)}"
            )
        yield said

    def _legend(self) -> Iterator[str]:
        for sign in sorted({each.by for each in self.judges if each.by is not None}):
            yield f"threshold: of uncertainty by {sign}, the {_SIGNS[sign]}"
        own = 1 - (1 - self.confidence) / len(self.judges)
        how = (
            "betting bounds on groups and weights"
            if self.drawn or self.units < self.labelled
            else "exact binomial bounds"
        )
        yield (
            f"tested on {self.labelled:,} labelled items by fixed-sequence testing with {how}, each judge at "
            f"{_share(own)}; bound: the lower one of that threshold by itself; each guaranteed agreement by itself"
        )
        yield (
            "it holds for items drawn from the same population as the labelled ones, and the same judge, template and "
            "protocol"
        )


def _share(share: float) -> str:
    return f"{100 * share:.4g}%"


def _money(amount: float | None, times: int = 1) -> str:
    return "at an unknown price" if amount is None else dollars(times * amount)


def _saved(amount: float | None, times: int = 1) -> str:
    if amount is None:
        return ""
    said = dollars(times * abs(amount))
    return f"; {said} saved against people alone" if amount >= 0 else f"; {said} more than people alone"


def _threshold(part: JudgePart) -> str:
    selection = part.selection
    if not selection.shown:
        return "none answered"
    return "all answered" if selection.threshold is None else f"below {selection.threshold:.3g}"
