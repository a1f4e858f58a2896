"""What `drift` finds: verdicts on two dates, the judge's noise, and the change of a score in its parts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from judgebench._util.table import Column, Table, Tabular, ends_of
from judgebench._util.text import one_line, p_text, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from judgebench._util.table import Columns
    from judgebench.metrics.drift import FlipTest, Shift

STATUS = {"no_drift": 0, "drift": 3, "cannot_say": 4}
"""Exit statuses."""

ALPHA = 0.05
FEWEST_ITEMS = 10
"""With fewer items on both dates nothing is said."""

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class DatedRun:
    """A run of one date.

    Attributes:
        started: When it was, in UTC; None where that is not known.
        served: The models that answered, as recorded, with the number of replies.
    """

    path: Path
    started: str | None
    served: tuple[tuple[str, int], ...]

    @property
    def date(self) -> str:
        """Its day."""
        return "date unknown" if self.started is None else self.started[:10]


@dataclass(frozen=True, slots=True)
class FlippedItem:
    """An item whose most frequent verdict is another on the second date."""

    item: str
    first: str | float
    second: str | float


@dataclass(frozen=True, slots=True)
class SystemChange:
    """A system's change of score between two dates.

    Attributes:
        items: How many have a score on each date.
        scores: On each date.
        total: The change.
        judge: What of it is the judge's: the change over the same answers.
        system: The rest.
        started: When each run was, in UTC; None where that is not known.
    """

    first: Path
    second: Path
    started: tuple[str | None, str | None]
    items: tuple[int, int]
    scores: tuple[float, float]
    total: Shift
    judge: Shift
    system: Shift


@dataclass(frozen=True, repr=False)
class Drift(Tabular):
    """A judge on two dates.

    Attributes:
        items: How many have a reply on both dates.
        judged: How many of these have a verdict on a date at least.
        same_replies: How many replies of the second run are those of the first, out of the cache.
        flips: Verdicts that differ between the dates, beside those that differ on one.
        score: What the score is.
        graded: Whether it is a mean grade, and no share.
        scores: Over the same answers on each date; None where no item has one on both.
        judge: The change of that score.
        p: Of that change.
        system: A system's change of score; None where none was named.
        temperature: That the judge was asked with; None where none is recorded.
        retested: Whether a third run tells of the judge's noise.
    """

    benchmark: str
    title: str
    first: DatedRun
    second: DatedRun
    items: int
    judged: int
    same_replies: int
    flips: FlipTest
    score: str
    graded: bool
    scores: tuple[float, float] | None
    judge: Shift | None
    p: float | None
    system: SystemChange | None
    flipped: tuple[FlippedItem, ...]
    temperature: float | None
    retested: bool
    notes: tuple[str, ...] = ()

    @property
    def tests(self) -> list[float]:
        """The p-values that there are, which share the chance of a false alarm."""
        return [p for p in (self.flips.p, self.p) if p is not None]

    @property
    def decision(self) -> Literal["drift", "no_drift", "cannot_say"]:
        """Whether the judge changed."""
        if self.judged < FEWEST_ITEMS:
            return "cannot_say"
        if any(p <= ALPHA / len(self.tests) for p in self.tests):
            return "drift"
        return "cannot_say" if self.flips.p is None and self.flips.flips > 0 else "no_drift"

    @property
    def model_changed(self) -> bool:
        """Whether the recorded models differ."""
        return {name for name, _ in self.first.served} != {name for name, _ in self.second.served}

    def to_json(self) -> dict[str, object]:
        """An object of plain values; what is not known is null."""
        said = {
            "benchmark": self.benchmark,
            "decision": self.decision,
            "reason": self.sentence(),
            "runs": [
                {"run": str(each.path), "started": each.started, "served_models": dict(each.served)}
                for each in (self.first, self.second)
            ],
            "served_model_changed": self.model_changed,
            "items": self.items,
            "judged": self.judged,
            "same_replies": self.same_replies,
            "flips": asdict(self.flips),
            "score": self.score,
            "scores": None if self.scores is None else [*self.scores],
            "judge": None if self.judge is None else asdict(self.judge) | {"p": self.p},
            "system": None,
            "flipped": [asdict(each) for each in self.flipped],
            "notes": list(self.remarks()),
        }
        if self.system is not None:
            said["system"] = asdict(self.system) | {
                "first": str(self.system.first),
                "second": str(self.system.second),
                "items": [*self.system.items],
                "scores": [*self.system.scores],
                "started": [*self.system.started],
            }
        return said

    def sentence(self) -> str:
        """The answer in a sentence."""
        flips, test = percent(self.flips.flips), self.flips
        what = "ratings are apart by {} of the scale" if self.graded else "{} of verdicts differ"
        dates = "between the dates"
        if self.first.started and self.second.started and self.first.date != self.second.date:
            dates = f"between {self.first.date} and {self.second.date}"
        between = f"{what.format(flips)} {dates}"
        if self.items < FEWEST_ITEMS:
            fix = "; rerun with --refresh" if self.same_replies else ""
            return f"CANNOT SAY: {self.items} items have new replies on both dates; {FEWEST_ITEMS} are needed{fix}"
        if self.judged < FEWEST_ITEMS:
            return (
                f"CANNOT SAY: {self.judged} of {self.items} items have a verdict on a date; {FEWEST_ITEMS} are needed; "
                f"judgebench show {self.second.path}"
            )
        if test.p is not None and test.noise is not None and test.between is not None:
            between = f"{what.format(percent(test.between))} {dates}, {percent(test.noise)} on one date ({_p(test.p)})"
        if self.decision == "drift":
            return f"DRIFT: {between}{self._moved()}"
        if self.decision == "no_drift":
            if test.p is None:
                return f"NO DRIFT SHOWN: no verdict differs {dates}"
            return f"NO DRIFT SHOWN: {between}{self._moved()}"
        if self.temperature == 0:
            noise = "at temperature 0 much of that may be change, but hosted models do not repeat themselves exactly"
        else:
            noise = "how often they differ on one date is not known, so at most that many changed"
        return (
            f"CANNOT SAY: {between}{self._moved()}; {noise}: rerun one with --samples 3, or "
            "--refresh into another --out and name it with --retest"
        )

    def _moved(self) -> str:
        if self.judge is None or self.p is None:
            return ""
        low, high = (self._amount(each) for each in (self.judge.low, self.judge.high))
        unit = "" if self.graded else " points"
        return (
            f"; {self.score} over the same answers {self._amount(self.judge.value)}{unit} (95% CI {low} to {high}, "
            f"{_p(self.p)})"
        )

    def _amount(self, value: float) -> str:
        return f"{value:+.2f}" if self.graded else f"{100 * value:+.1f}"

    def tables(self) -> Sequence[Table]:
        """The answer, what was served, and the change in parts."""
        parts = [Table((), notes=[self.sentence()], title=self.title), self.table()]
        if self.system is not None:
            parts.append(self._split())
        return [*parts, Table((), notes=list(self._legend()))]

    def table(self) -> Table:
        """Both dates."""
        scores = self.scores or (None, None)
        columns: Columns = {
            Column("date", names=True): lambda each: each[0].date,
            Column("run", names=True): lambda each: str(each[0].path),
            Column("served model"): lambda each: ", ".join(one_line(name) for name, _ in each[0].served) or "unknown",
            Column(self.score, "number" if self.graded else "share"): lambda each: each[1],
        }
        return Table.of(list(zip((self.first, self.second), scores, strict=True)), columns)

    def _split(self) -> Table:
        system = self.system
        assert system is not None
        rows = [("system's score", system.total), ("judge's part", system.judge), ("system's part", system.system)]
        unit = "grades" if self.graded else "points"
        columns: Columns = {
            Column("change", names=True): lambda each: each[0],
            Column(unit): lambda each: self._amount(each[1].value),
            Column("95% CI"): lambda each: " to ".join(map(self._amount, ends_of(each[1]) or ())),
        }
        return Table.of(rows, columns)

    def _legend(self) -> Iterator[str]:
        test = self.flips
        if test.excess is not None:
            low, high = (f"{100 * each:+.1f}" for each in (test.excess.low, test.excess.high))
            yield (
                f"beyond the judge's own noise: {100 * test.excess.value:+.1f} points (95% CI {low} to {high}), from "
                f"{test.repeated:,} of {test.questions:,} questions with several replies on one date (permutation test)"
            )
        if self.system is not None:
            yield (
                "judge's part: the change over the same answers, taken to be that on the system's; system's part: the "
                "rest; the two add up"
            )
        if len(self.tests) > 1:
            yield "drift: one of the two tests has p <= 0.025, so 5% false alarms at most without a change"
        if self.flipped:
            names = ", ".join(one_line(each.item) for each in self.flipped[:_SHOWN])
            more = f" and {len(self.flipped) - _SHOWN:,} more" if len(self.flipped) > _SHOWN else ""
            yield f"items with another verdict: {names}{more}; judgebench show {self.second.path} ITEM"

    def remarks(self) -> Sequence[str]:
        """What a reader must know."""
        found = list(self.notes)
        if self.model_changed and self.first.served and self.second.served:
            names = [", ".join(one_line(name) for name, _ in each.served) for each in (self.first, self.second)]
            found.insert(
                0, f"the served model changed: {names[0]} on {self.first.date}, {names[1]} on {self.second.date}"
            )
        if self.first.started and self.second.started and self.first.started > self.second.started:
            found.append("the first run is the later one: changes are read backwards")
        if self.system is not None:
            before, after = self.system.started
            if before and after and before > after:
                found.append("the first run of --system is the later one: its change is read backwards")
        return found


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p_text(p)}"
