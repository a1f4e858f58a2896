"""One or several runs reported: their scores side by side, their biases in full, what sureness and money are worth."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from judgebench._util.steps import counted
from judgebench._util.table import Column, Table, TableRow, Tabular, ends_of
from judgebench._util.text import dollars, percent
from judgebench.analysis.labelled import labelled
from judgebench.analysis.leaderboard import boards_of
from judgebench.analysis.rewardfunctions import BEST_OF, best_of_n, best_of_table
from judgebench.analysis.validate import validate_labelled
from judgebench.analysis.validation import Need
from judgebench.errors import ConfigError
from judgebench.judges import family_of, load_judges
from judgebench.metrics.behaviour import Behaviour, Sureness, behaviours, sureness
from judgebench.metrics.paired import ALPHA
from judgebench.metrics.rankings import benjamini_hochberg
from judgebench.metrics.sureness import vote_calibration
from judgebench.runs import (
    Run,
    aurc_text,
    calibration_line,
    headings,
    identity,
    list_runs,
    open_run,
    run_labels,
    run_tables,
    score_rows,
    up_to_date,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench._util.table import Columns, Kind
    from judgebench.analysis.board import Board
    from judgebench.analysis.labelled import Labelled
    from judgebench.analysis.rewardfunctions import BestOf
    from judgebench.analysis.validation import RunValidation
    from judgebench.metrics.summary import Metrics
    from judgebench.runs import Finished
    from judgebench.sources.opening import Data

QUANTILES = (0.5, 0.9, 0.99)

_NUMBERS: Mapping[str, Kind] = {"score": "number", "low": "number", "high": "number", "items": "count"}


@dataclass(frozen=True, slots=True)
class Bias:
    """A bias with its q: its p corrected (Benjamini and Hochberg) over the report; None where it only describes."""

    behaviour: Behaviour
    q: float | None


def bias_row(bias: Bias) -> dict[str, Any]:
    """The unit of a bias's figures, and whether it stands out."""
    return {"unit": bias.behaviour.unit, "style": "strong" if bias.q is not None and bias.q <= ALPHA else ""}


@dataclass(frozen=True, slots=True)
class CostSummary:
    """What a run took.

    Attributes:
        per_item: US dollars an item; None where the price is not known.
        per_point: US dollars for each percentage point of the score; None where it is a correlation.
        latency: Seconds a reply, at the quantiles 0.5, 0.9 and 0.99; None where no reply was timed.
    """

    per_item: float | None
    per_point: float | None
    latency: tuple[float, ...] | None


@dataclass(frozen=True, repr=False)
class Detail(Tabular):
    """One run in a report.

    Attributes:
        heading: What stands above its tables.
        title: What it is called beside the report's other runs.
        family: The judge's own, where that and the models of the completions are known.
        people: The run beside people's labels: those of a file, or of several people that its items carry.
        validation: What `judgebench validate` says of these.
        best_of: Of a reward model, what it chooses among N answers; empty where items have two.
    """

    finished: Finished
    heading: str
    title: str
    metrics: Metrics
    biases: tuple[Bias, ...]
    sureness: Sureness | None
    votes: Mapping[str, object] | None
    bill: CostSummary | None
    family: str | None = None
    people: Labelled | None = None
    validation: RunValidation | None = None
    best_of: tuple[BestOf, ...] = ()

    def tables(self) -> Sequence[Table]:
        """The run, its biases, and what its sureness and money are worth."""
        run = [*run_tables(self.heading, self.metrics)]
        if self.best_of:
            run.append(best_of_table(self.best_of, ["right"], [BEST_OF]))
        columns: Columns = {
            Column("bias", names=True, width=16): lambda bias: bias.behaviour.name,
            Column("estimate", "effect"): lambda bias: bias.behaviour.estimate.estimate,
            Column("95% CI", "reach"): lambda bias: ends_of(bias.behaviour.estimate),
            Column("null", "effect"): lambda bias: bias.behaviour.estimate.null,
            Column("p", "p"): lambda bias: bias.behaviour.estimate.p,
            Column("q", "p"): lambda bias: bias.q,
            Column("MDE", "reach"): lambda bias: bias.behaviour.estimate.smallest_effect,
        }
        return *run, Table.of(self.biases, columns, bias_row, notes=list(_lines(self)))


@dataclass(frozen=True, repr=False)
class Report(Tabular):
    """Runs reported.

    Attributes:
        boards: The runs of each benchmark, ranked.
        notes: What a reader must know.
        options: What the command was given beside its runs.
    """

    boards: tuple[Board, ...]
    details: tuple[Detail, ...]
    notes: tuple[str, ...]
    options: tuple[str, ...] = ()

    def tables(self) -> Sequence[Table]:
        """The runs of each benchmark side by side, where there are several, and then each in full."""
        boards = [board.table() for board in self.boards if len(board.places) > 1]
        return [*boards, *chain.from_iterable(each.tables() for each in self.details)]

    def remarks(self) -> Sequence[str]:
        """What a reader must know."""
        return self.notes

    def table(self) -> Table:
        """A line a score: of the whole, each section and each subset of each run; fractions as they are."""
        rows = [
            {**identity(each.metrics.benchmark, each.finished.name, each.title), **row}
            for each in self.details
            for row in score_rows(each.metrics)
        ]
        return Table(
            [Column(name, _NUMBERS.get(name, "text")) for name in rows[0]], [TableRow((*row.values(),)) for row in rows]
        )


def report(
    runs: Run | str | Path | Sequence[Run | str | Path],
    *,
    seed: int = 0,
    labels: Data | None = None,
    need: str | Mapping[str, float] | None = None,
    columns: Mapping[str, str] | None = None,
    meanings: Mapping[str, str] | None = None,
) -> Report:
    """Reports runs, of whatever benchmarks.

    >>> import judgebench as jb
    >>> run = jb.run("rewardbench", judge="offline/longest", data="sample")
    >>> len(jb.report(run).details)
    1

    Args:
        runs: A run or several, or their folders.
        seed: Of the tests between runs of one benchmark.
        labels: People's labels of the runs' items; see `validate`, as for the following ones.
        need: What the judges are held to.
        columns: Columns of the labels by name.
        meanings: What stands in a label -> what it means.

    Raises:
        ConfigError: A folder is no run, its figures cannot be read, or a label is none.
    """
    asked = Need.of(need, None)
    opened = {}
    among = list_runs(runs)
    for run in counted(among, "reading runs", unit="runs", total=len(among)):
        finished = up_to_date(run if isinstance(run, Run) else open_run(run))
        opened[finished.path.resolve()] = finished
    if not opened:
        raise ConfigError("no run named: name one or more run folders")
    every = list(opened.values())
    for each in counted(every, "reading judgements", unit="runs", total=len(every)):
        each.need_judgements()
        _ = each.metrics, each.outcomes
    by_benchmark: dict[str, list[Finished]] = {}
    for each in every:
        by_benchmark.setdefault(each.benchmark.name, []).append(each)
    boards = boards_of(by_benchmark, seed=seed)
    families = [_family(each) for each in every]
    runs_ = [each.run for each in every]
    both = counted(zip(every, families, strict=True), "estimating biases", unit="runs", total=len(every))
    found = [
        behaviours(each.readings, each.keys, own[1], each.outcomes.values(), placed=each.placed) for each, own in both
    ]
    beside = [_people(each, labels, columns, meanings) for each in every]
    titles = [label.title for label in run_labels(runs_)]
    judged = [
        None if people is None else _validated(people, asked, title, strict=labels is not None)
        for people, title in zip(beside, titles, strict=True)
    ]
    tested = [b.estimate.p for among in found for b in among if b.tested and b.estimate.p is not None]
    q = iter(benjamini_hochberg(tested).tolist())
    details = tuple(
        Detail(
            finished=each,
            heading=heading,
            title=title,
            metrics=each.metrics,
            biases=tuple(Bias(behaviour, next(q) if behaviour.tested else None) for behaviour in among),
            sureness=sureness(o for o in each.outcomes.values() if not each.benchmark.by_ties(o.item)),
            votes=vote_calibration(each.readings, each.keys),
            bill=None if each.is_scores else _bill(each),
            family=family,
            people=people,
            validation=validation,
            best_of=best_of_n([each], [item for item, key in each.keys.items() if key.labelled]),
        )
        for each, among, (family, _), heading, title, people, validation in zip(
            every, found, families, headings(runs_), titles, beside, judged, strict=True
        )
    )
    options = (*_options("--labels", labels), *_options("--need", need))
    return Report(boards, details, tuple(note for each in every for note in each.notes), options)


def _people(
    finished: Finished, labels: Data | None, columns: Mapping[str, str] | None, meanings: Mapping[str, str] | None
) -> Labelled | None:
    """The run beside people's labels; None where no file has them and no two people have labelled an item."""
    if labels is not None:
        return labelled(finished, labels, columns=columns, meanings=meanings)
    if not any(key.annotations for key in finished.keys.values()):
        return None
    try:
        return labelled(finished)
    except ConfigError:
        # Verdicts that labels cannot be held against have their own figures, and nobody asked for more.
        return None


def _validated(people: Labelled, need: Need, title: str, *, strict: bool) -> RunValidation | None:
    try:
        return validate_labelled(people, need, title)
    except ConfigError:
        if strict:
            raise
        return None  # without a verdict there is nothing to say, which the failures do already


def _options(name: str, value: object) -> Sequence[str]:
    return (name, str(value)) if isinstance(value, str | Path) else ()


def _family(finished: Finished) -> tuple[str | None, dict[str, list[bool]]]:
    """The judge's family, and of each item which completions are by it; none where models are not known."""
    judge = finished.run.manifest.judge
    if not judge.model or not finished.models:
        return None, {}
    # A run of an earlier version does not say which families it knew.
    families = finished.run.manifest.families or load_judges().families
    family = judge.family or family_of(judge.model, families)
    if family is None:
        return None, {}
    names = {name for models in finished.models.values() for name in models if name is not None}
    own = {name for name in names if family_of(name, families) == family}
    # A pair with one of unknown hand says nothing about whose was preferred.
    known = {item: models for item, models in finished.models.items() if None not in models}
    return family, {item: [name in own for name in models] for item, models in known.items()}


def _bill(finished: Finished) -> CostSummary:
    metrics = finished.metrics
    cost, percentages = metrics.usage.cost_usd, metrics.measure == "share"
    latencies = [j.latency_s for j in finished.judgements.values() if j.latency_s is not None]
    return CostSummary(
        per_item=None if cost is None or not metrics.items else cost / metrics.items,
        per_point=cost / (100 * metrics.score) if cost is not None and metrics.score and percentages else None,
        latency=tuple(float(each) for each in np.quantile(latencies, QUANTILES)) if latencies else None,
    )


def _lines(detail: Detail) -> Iterator[str]:
    if detail.validation is not None:
        yield f"validate: {detail.validation.sentence}"
    if detail.biases:
        yield (
            "q: p corrected for all biases of this report (Benjamini-Hochberg); rows without q are descriptive. "
            "MDE: smallest distance from the null that is detected with 80% power"
        )
        if any("all slots" in bias.behaviour.name for bias in detail.biases):
            yield "all slots: p of all shares together (chi-square); shown is the slot furthest from its null"
        yield from _log_odds_lines(detail)
    if detail.sureness is not None:
        yield _sureness_line(detail.sureness)
    if detail.votes is not None:
        yield calibration_line(detail.votes, "questions, share of verdicts as probability")
    if detail.bill is not None:
        yield from _bill_lines(detail.bill)


def _log_odds_lines(detail: Detail) -> Iterator[str]:
    """What the rows of the choice model are."""
    names = [bias.behaviour.name for bias in detail.biases if bias.behaviour.unit == "log-odds"]
    if not names:
        return
    yield "log-odds: one regression on position, label by subset, length and own family, clustered by item"
    if any(name.startswith("length") for name in names):
        yield "length: preference for the longer answer, per typical difference in length"
    if any(name.startswith("self-preference") for name in names):
        yield f"self-preference: for answers of the judge's family ({detail.family}) over those of others"
    if any("association" in name for name in names):
        yield (
            "association: not evidence of bias, because without labels throughout and two subsets of 10 or more items "
            "it may reflect how difficult the items are"
        )


def _sureness_line(found: Sureness) -> str:
    steps = ", ".join(f"{percent(accuracy)} of the most certain {share:.0%}" for share, accuracy in found.accuracy)
    area = aurc_text(found.area, found.random, found.optimum)
    return f"accuracy by score margin ({found.n} items): {steps}; {area}"


def _bill_lines(bill: CostSummary) -> Iterator[str]:
    if bill.per_item is not None:
        line = f"cost: {dollars(bill.per_item)} per item"
        if bill.per_point is not None:
            line += f", {dollars(bill.per_point)} per percentage point of the score"
        yield line
    else:
        yield "cost: unknown"
    if bill.latency is not None:
        half, most, nearly = bill.latency
        yield f"latency: p50 {half:.2f} s, p90 {most:.2f} s, p99 {nearly:.2f} s"
