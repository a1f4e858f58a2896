"""What a leaderboard is: a board a benchmark, a place a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

from judgebench._util.table import Column, Marked, Table, Tabular, ends_of
from judgebench._util.text import p_text, score_head, score_text
from judgebench.analysis.comparison import CONSISTENCY
from judgebench.analysis.equivalent import best_line
from judgebench.analysis.failures import LEGEND, failures_table
from judgebench.metrics.summary import LEAST_COVERAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from judgebench._util.table import Columns, Kind, Value
    from judgebench.analysis.failures import FailureEffect
    from judgebench.items import Measure

FIGURES = ("mrr", "hard", "normal", "easy", "pearson", "spearman", "kendall")
"""Further figures of some benchmarks that stand in the table."""

_OTHER = "-"
_FEW, _TESTED = 2, 8
_RECORD: Mapping[str, Kind] = {
    "benchmark": "text",
    "rank": "count",
    "judge": "text",
    "template": "text",
    "protocol": "text",
    "score": "number",
    "low": "number",
    "high": "number",
    "items": "count",
    "coverage": "number",
    "cost_usd": "number",
    "group": "text",
    "pareto": "flag",
    "state": "text",
    "published": "flag",
    "source": "text",
    "date": "text",
    "path": "text",
    "measure": "text",
    "rank_low": "count",
    "rank_high": "count",
    "low_coverage": "flag",
    "label": "text",
    "consistency": "number",
}
"""The columns of a leaderboard's file."""


@dataclass(frozen=True, slots=True)
class CorrectedLabels:
    """The labels that were corrected in a run.

    Attributes:
        file: Where the corrections stand.
        count: How many there are; None where the run does not say.
        score_before: The run's score without them; None where there was none, or the run does not say.
    """

    file: str | None
    count: int | None
    score_before: float | None


@dataclass(frozen=True, slots=True)
class Place:
    """One line of a leaderboard: a run, or a published figure.

    Attributes:
        rank: By score, 1 for the best; equal scores share one. None without a score, for a run over other items than
            those of the ranked ones, and for published figures.
        template: The template, or None for scores.
        label: What tells the run apart from the board's others, in one short text.
        shown_as: The template with all that differs between the board's runs: data file, edit, orders, limit.
        figures: The benchmark's own further figures (RewardMATH's `mrr`, say).
        items: How many items the score is over; None for a published figure.
        cost_usd: Of all replies; None where it is not known, and for scores.
        group: Letters; two runs over the same items share one exactly where they are not significantly different.
        pareto: Whether it is not shown to be dominated: no ranked run that costs no more is significantly better.
        rank_low: The best rank that it may have, by a 95% interval; None without a rank, or with a single ranked run.
        rank_high: The last rank that it may have.
        can_be_best: Whether it can still be the best of three and more ranked runs; None without a rank.
        best_low: The lower end of the simultaneous 95% interval of its score less the best of the others'; at most 0.
        best_high: The upper end, at least 0.
        low_coverage: Whether less than half of its judgements have a verdict, so that it has no rank, letter or star.
        consistency: Share of the items whose verdict is the same in all orders; None with one order.
        section_intervals: The 95% interval of each section's score.
        section_groups: Letters in each section, as in `group`; corrected for all sections.
        published: Whether the figures are published ones, which were not measured again.
        note: What a reader of a published figure must know.
        labels: The labels that were corrected, where the run stands beside others without corrections.
        measure: What score and sections are: a `share` or `pearson`; None without a score.
        baselines: The baselines' scores, by `longest` and the like.
        baseline_p: Of the difference from each, paired; without those that have none.
        baselines_left_out: Subsets in which those make no sense (Ties).
    """

    rank: int | None
    judge: str
    template: str | None
    protocol: str
    score: float | None
    low: float | None
    high: float | None
    sections: dict[str, float]
    figures: dict[str, float] = field(default_factory=dict)
    items: int | None = None
    coverage: float | None = None
    cost_usd: float | None = None
    group: str = ""
    pareto: bool = False
    state: str = "done"
    path: str = ""
    published: bool = False
    source: str = ""
    date: str = ""
    note: str = ""
    measure: Measure | None = "share"
    other_items: bool = False
    baselines: dict[str, float] = field(default_factory=dict)
    baseline_p: dict[str, float] = field(default_factory=dict)
    baselines_left_out: tuple[str, ...] = ()
    rank_low: int | None = None
    rank_high: int | None = None
    low_coverage: bool = False
    consistency: float | None = None
    label: str = ""
    shown_as: str = ""
    section_intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    section_groups: dict[str, str] = field(default_factory=dict)
    labels: CorrectedLabels | None = None
    can_be_best: bool | None = None
    best_low: float | None = None
    best_high: float | None = None

    @property
    def unranked(self) -> bool:
        """Whether it has a score that is not ranked."""
        return self.other_items or self.low_coverage

    @property
    def how(self) -> str:
        """The template with what differs between the board's runs."""
        return self.shown_as or self.wording

    @property
    def wording(self) -> str:
        """The template; for scores and published figures what stands in its place."""
        return self.template or self.protocol


@dataclass(frozen=True, slots=True, repr=False)
class Board(Tabular):
    """The leaderboard of one benchmark.

    Attributes:
        sections: Names, in the published order.
        figures: Names of the benchmark's own further figures.
        items: How many items the ranked runs share; None where no run is ranked.
        notes: What a reader must know, a sentence each.
        letters_of: The section that the letters are of, where the board is sorted by one; None for the score.
        failures: What failures do to the difference of the best run and each other, by their places from 0.
        shared: What is not as usual and the same in all judges' runs: orders, samples, limit.
    """

    benchmark: str
    title: str
    sections: tuple[str, ...]
    figures: tuple[str, ...]
    places: tuple[Place, ...]
    items: int | None
    notes: tuple[str, ...] = ()
    letters_of: str | None = None
    failures: tuple[FailureEffect, ...] = ()
    shared: tuple[str, ...] = ()

    @property
    def without_judging(self) -> list[str]:
        """What the scores are to be held against: one sentence, or one for the runs of each protocol."""
        beside: dict[str, list[str]] = {}
        for place in self.places:
            if place.baselines:
                said = ", ".join(f"{name} {score_text(each, place.measure)}" for name, each in place.baselines.items())
                if place.baselines_left_out:
                    said += f" (without {', '.join(place.baselines_left_out)})"
                named = place.label if place.rank is None else str(place.rank)
                beside.setdefault(said, []).append(named)
        if len(beside) == 1:
            return [f"baselines: {said}" for said in beside]
        return [f"baselines of {', '.join(named)}: {said}" for said, named in beside.items()]

    def tables(self) -> Sequence[Table]:
        """The runs with what says something of them, the best first."""
        runs = [place for place in self.places if not place.published]
        count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
        items = {place.items for place in runs}
        about = [count, *([f"{items.pop()} items"] if len(items) == 1 else []), *self.shared]
        return (
            Table.of(
                self.places,
                self._columns(runs),
                lambda place: {"unit": place.measure, "style": "aside" if place.published else ""},
                title=self.title,
                notes=list(self._legend()),
                about=" · ".join(filter(None, about)),
            ),
            *self._failures(runs),
        )

    def _failures(self, runs: Sequence[Place]) -> Iterator[Table]:
        if self.failures:
            names = [each.label or each.judge for each in self.places]
            measure = next((place.measure for place in runs if place.measure is not None), None)
            yield replace(failures_table(self.failures, names, measure), notes=[LEGEND])

    def _columns(self, runs: Sequence[Place]) -> Columns:
        """The columns that say something; those of sections and further figures first go below the others."""
        figures = [name for name in self.figures if any(name != run.measure for run in runs)]
        columns: Columns = {
            Column("rank", "count", head="", names=True): lambda place: _OTHER if place.unranked else place.rank,
            Column("judge", names=True): lambda place: place.judge,
            Column("template", names=True): lambda place: place.how,
            Column("score", "score", head=score_head(place.measure for place in self.places)): lambda place: (
                place.score
            ),
            Column("95% CI", "interval"): ends_of,
        }
        if sum(place.rank is not None for place in runs) > _FEW:
            columns[Column("rank CI", "count", priority=5)] = lambda place: (
                None if place.rank_low is None or place.rank_high is None else (place.rank_low, place.rank_high)
            )
        for name in self.sections:
            columns[Column(name, "score", priority=4)] = partial(_lettered, name)
        for name in figures:
            at = Column(name, "number", priority=4 if len(figures) > 1 else 0)
            columns[at] = partial(figure_of, "figures", name)
        if len({place.items for place in runs}) > 1:
            columns[Column("items", "count", priority=2)] = lambda place: place.items
        if any(place.coverage != 1 for place in runs):
            columns[Column("coverage", "share", priority=3)] = lambda place: place.coverage
        if any(place.consistency is not None for place in runs):
            columns[Column("consistency", "share", priority=3)] = lambda place: place.consistency
        if any(place.template is not None for place in runs):
            columns[Column("cost", "money", priority=1)] = _cost
        if any(place.group for place in runs):
            head = "group" if self.letters_of is None else f"group ({self.letters_of})"
            columns[Column("group", "mark", head=head)] = lambda place: place.group
        return columns

    def _against_baselines(self) -> Iterator[str]:
        """The paired p of each run against the best baseline."""
        tested: dict[str, list[str]] = {}
        for place in self.places:
            if place.baseline_p:
                best = max(place.baseline_p, key=place.baselines.__getitem__)
                tested.setdefault(best, []).append(f"{place.label} {p_text(place.baseline_p[best])}")
        for name, runs in tested.items():
            more = f" and {len(runs) - _TESTED} more (--json)" if len(runs) > _TESTED else ""
            yield f"paired p against the best baseline ({name}): {', '.join(runs[:_TESTED])}{more}"

    def _legend(self) -> Iterator[str]:
        yield from self.without_judging
        yield from self._against_baselines()
        if any(place.group for place in self.places):
            yield "same letter: no significant difference (paired tests, Holm-corrected)"
        kept = [place.label for place in self.places if place.can_be_best]
        if kept:
            yield best_line(kept, sum(place.can_be_best is not None for place in self.places))
        if any(place.consistency is not None for place in self.places):
            yield CONSISTENCY
        if self.sections and any(place.section_intervals for place in self.places):
            yield "95% CIs of sections: judgebench report, --csv, --json"
        for place in self.places:
            if place.labels is not None:
                yield f"{_OTHER}: {place.label}, not ranked: {corrected_text(place)}"
        if others := [place.label for place in self.places if place.other_items and place.labels is None]:
            yield f"{_OTHER}: other items, not ranked: {', '.join(others)}"
        if low := [place.label for place in self.places if place.low_coverage]:
            yield f"{_OTHER}: coverage below {LEAST_COVERAGE:.0%}, not ranked: {', '.join(low)}"
        if any(place.pareto for place in self.places):
            yield "*: Pareto-optimal (score vs. cost): none as cheap is significantly better"
        unfinished = [place for place in self.places if place.state not in {"done", "incomplete"}]
        if unfinished:
            yield f"not finished: {', '.join(f'{place.label} ({place.state})' for place in unfinished)}"
        yield from (f"note: {note}" for note in self.notes)


def corrected_text(place: Place) -> str:
    """The score of a run before and after its labels were corrected."""
    labels, measure = place.labels, place.measure
    count = "" if labels is None or labels.count is None else f" ({labels.count} of {place.items} labels)"
    if labels is None or labels.score_before is None or place.score is None:
        return f"the score is by corrected labels{count}"
    return f"{score_text(labels.score_before, measure)} before, {score_text(place.score, measure)} after{count}"


def figure_of(level: str, name: str, place: Place) -> float | None:
    """A section's score, or a figure."""
    value: float | None = getattr(place, level).get(name)
    return value


def _lettered(name: str, place: Place) -> Value:
    """A section's score with its letters."""
    value, group = figure_of("sections", name, place), place.section_groups.get(name)
    return Marked(value, group) if group and value is not None else value


def _section_end(name: str, end: int, place: Place) -> float | None:
    """The lower or the upper end of a section's interval."""
    ends = place.section_intervals.get(name)
    return None if ends is None else ends[end]


def _of_line(value: Callable[[Place], Value], line: tuple[Board, Place]) -> Value:
    return value(line[1])


def _cost(place: Place) -> Value:
    if place.published or place.template is None:
        return None
    return Marked("unknown" if place.cost_usd is None else place.cost_usd, "*" if place.pareto else "")


@dataclass(frozen=True, slots=True, repr=False)
class Leaderboard(Tabular):
    """The leaderboards of all benchmarks that have a run.

    Attributes:
        unreadable: For each run that could not be read, why.
    """

    boards: tuple[Board, ...]
    unreadable: tuple[str, ...] = field(default=())

    def to_json(self) -> list[dict[str, object]]:
        """A list with an object a benchmark."""
        return [asdict(board) for board in self.boards]

    def tables(self) -> Sequence[Table]:
        """A table a benchmark."""
        return [table for board in self.boards for table in board.tables()]

    def remarks(self) -> Sequence[str]:
        """What could not be read."""
        return self.unreadable

    def table(self) -> Table:
        """A line a run, fractions as they are; every section of any benchmark has a column."""
        columns: Columns = {Column(name, kind): partial(_of_line, attrgetter(name)) for name, kind in _RECORD.items()}
        columns[Column("benchmark")] = lambda line: line[0].benchmark
        columns[Column("template")] = lambda line: "" if line[1].published else line[1].wording
        for level in ("sections", "figures"):
            for name in dict.fromkeys(name for board in self.boards for name in getattr(board, level)):
                at = Column(f"section {name}" if name in _RECORD else name, "number")
                columns[at] = partial(_of_line, partial(figure_of, level, name))
        ends = dict.fromkeys(name for board in self.boards for name in board.sections)
        for name in ends:
            for end, which in enumerate(("low", "high")):
                columns[Column(f"{name} {which}", "number")] = partial(_of_line, partial(_section_end, name, end))
        return Table.of(((board, place) for board in self.boards for place in board.places), columns)
