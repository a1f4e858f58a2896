"""The runs of Parquet files of judgements reported: ranked, with their position bias, agreement and subsets."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgebench._util.table import Column, Table, TableRow, Tabular, ends_of
from judgebench.analysis.fileboard import FileRuns, OpenedFile, file_runs, known, leaderboard_of
from judgebench.analysis.judgementcolumns import judgement_files
from judgebench.errors import ConfigError
from judgebench.runs import Name, identity, score_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench._util.table import Columns, Kind, Value
    from judgebench.analysis.board import Board
    from judgebench.analysis.filefigures import RunFigures
    from judgebench.metrics.summary import Metrics

_NUMBERS: Mapping[str, Kind] = {"score": "number", "low": "number", "high": "number", "items": "count"}


class _Line(NamedTuple):
    """A run beside the others of its board, by its number."""

    title: str
    figures: RunFigures
    agreement: float | None
    nearest: str
    nearest_agreement: float | None


class _Subset(NamedTuple):
    """A subset over all runs."""

    name: str
    items: int
    mean: float
    low: float
    high: float
    best: str


@dataclass(frozen=True, repr=False)
class FileReport(Tabular):
    """The runs of Parquet files, reported.

    Attributes:
        boards: The runs of each benchmark, ranked.
        metrics: The figures of the same runs, by what tells each from the others.
        left_out: Why the runs of another benchmark are left out, a sentence each.
    """

    boards: tuple[Board, ...]
    metrics: tuple[Mapping[str, Metrics], ...]
    left_out: tuple[str, ...]
    _runs: tuple[FileRuns, ...]

    def tables(self) -> Sequence[Table]:
        """Of each benchmark the ranking, the biases and agreement of each run, and its subsets."""
        return [
            table
            for board, runs in zip(self.boards, self._runs, strict=True)
            for table in (*board.tables(), *more_tables(runs))
        ]

    def remarks(self) -> Sequence[str]:
        """What a reader must know."""
        return [
            *(f"left out: {reason}" for reason in self.left_out),
            *(
                f"{title}: {note}"
                for runs in self._runs
                for title, each in zip(runs.titles, runs.figures, strict=True)
                for note in each.metrics.notes
            ),
        ]

    def table(self) -> Table:
        """A line a score: of the whole, each section and each subset of each run; fractions as they are."""
        rows = [
            {
                **identity(each.metrics.benchmark, Name(each.run.judge, each.run.template, each.run.protocol), title),
                **row,
            }
            for runs in self._runs
            for title, each in zip(runs.titles, runs.figures, strict=True)
            for row in score_rows(each.metrics)
        ]
        return Table(
            [Column(name, _NUMBERS.get(name, "text")) for name in rows[0]], [TableRow((*row.values(),)) for row in rows]
        )

    def agreement(self) -> Table:
        """A line for each two runs: on how many items both name something, how often the same, and Cohen's kappa.

        `kappa` is of the slots that they name by item and order, `errors_in_common` of the completions, as in
        `judgebench compare`.
        """
        columns: Columns = {
            Column("benchmark"): lambda pair: pair[0].benchmark.name,
            Column("first"): lambda pair: pair[0].titles[pair[1]],
            Column("second"): lambda pair: pair[0].titles[pair[2]],
            Column("items", "count"): lambda pair: int(pair[0].choices.rows[pair[1:]]),
            Column("agreement", "number"): lambda pair: known(pair[0].choices.same[pair[1:]]),
            Column("kappa", "number"): lambda pair: (
                None if pair[0].letters is None else known(pair[0].letters.kappa[pair[1:]])
            ),
            Column("errors_in_common", "number"): lambda pair: known(pair[0].choices.kappa[pair[1:]]),
        }
        pairs = [
            (runs, *pair)
            for runs in self._runs
            if runs.choices is not None
            for pair in combinations(range(len(runs.figures)), 2)
        ]
        return Table.of(pairs, columns)


def file_report(paths: str | Path | Sequence[str | Path], *, seed: int = 0) -> FileReport:
    """Reports the runs in Parquet files of judgements (extra `judgebench[large]`).

    >>> import judgebench as jb
    >>> runs = jb.grid("rewardbench", judges=["offline/longest", "offline/first"], data="sample")
    >>> made = jb.export(runs, to="dataset", out="made")
    >>> jb.file_report("made").boards[0].places[0].judge  # doctest: +SKIP
    'offline/longest'

    Args:
        paths: The files, or folders of some.
        seed: Of the tests between runs.

    Raises:
        ConfigError: DuckDB is not installed, or a file is not one of judgements.
    """
    named = [paths] if isinstance(paths, str | Path) else list(paths)
    files = judgement_files(named)
    if files is None:
        raise ConfigError(f"{named[0] if named else 'no file'}: not a Parquet file of judgements")
    return report_of(file_runs(files), seed=seed)


def report_of(opened: OpenedFile, *, seed: int = 0) -> FileReport:
    """The runs of files, reported; see `file_report`."""
    figures = tuple(
        {title: each.metrics for title, each in zip(among.titles, among.figures, strict=True)} for among in opened.runs
    )
    return FileReport(leaderboard_of(opened, seed=seed).boards, figures, opened.left_out, opened.runs)


def more_tables(runs: FileRuns) -> list[Table]:
    """What stands below a board: the biases and agreement of each run, and the subsets."""
    return [_runs_table(runs), *_subset_tables(runs)]


def _lines(runs: FileRuns) -> Iterator[_Line]:
    found = runs.choices
    for at, each in enumerate(runs.figures):
        same = np.full(1, np.nan) if found is None else found.same[at].copy()
        if found is not None:
            same[at] = np.nan
        if np.isnan(same).all():
            yield _Line(runs.titles[at], each, None, "", None)
            continue
        nearest = int(np.nanargmax(same))
        yield _Line(runs.titles[at], each, float(np.nanmean(same)), runs.titles[nearest], float(same[nearest]))


def _runs_table(runs: FileRuns) -> Table:
    lines = list(_lines(runs))
    columns: Columns = {
        Column("judge", names=True): lambda line: line.title,
        Column("judgements", "count"): lambda line: line.figures.metrics.judgements,
        Column("coverage", "share"): lambda line: line.figures.metrics.coverage,
    }
    if any(line.figures.metrics.position_bias is not None for line in lines):
        columns |= {Column("first slot", "share"): _first, Column("95% CI", "interval"): _first_ends}
    if any(line.figures.metrics.consistency is not None for line in lines):
        columns[Column("consistency", "share", priority=2)] = lambda line: line.figures.metrics.consistency
    if any(line.agreement is not None for line in lines):
        columns |= {
            Column("agreement", "share", priority=1): lambda line: line.agreement,
            Column("nearest", "text", priority=3): lambda line: line.nearest,
            Column("with it", "share", priority=3): lambda line: line.nearest_agreement,
        }
    notes = ["first slot: share of verdicts for the answer shown first (unbiased: 1 / number of answers)"]
    if any(line.agreement is not None for line in lines):
        notes.append(
            "agreement: share of items with the same choice, mean over the other runs; nearest: the run with most"
        )
    return Table.of(lines, columns, lambda _: {"unit": "share"}, notes=notes)


def _first(line: _Line) -> Value:
    found = line.figures.metrics.position_bias
    return None if found is None else found.estimate


def _first_ends(line: _Line) -> Value:
    found = line.figures.metrics.position_bias
    return None if found is None else ends_of(found)


def _subset_tables(runs: FileRuns) -> Iterator[Table]:
    lines = list(_subsets(runs))
    if len(lines) < 2:
        return
    columns: Columns = {
        Column("subset", names=True): lambda each: each.name,
        Column("items", "count"): lambda each: each.items,
        Column("mean", "score", head="score" if len(runs.figures) == 1 else "mean"): lambda each: each.mean,
    }
    if len(runs.figures) > 1:
        columns |= {
            Column("lowest", "score"): lambda each: each.low,
            Column("highest", "score"): lambda each: each.high,
            Column("best", "text"): lambda each: each.best,
        }
    notes = ["each run's score in each subset, with its 95% CI: --csv"]
    yield Table.of(lines, columns, lambda _: {"unit": "share"}, notes=notes)


def _subsets(runs: FileRuns) -> Iterator[_Subset]:
    for name in sorted({name for each in runs.figures for name in each.metrics.subsets}):
        there = [
            (each.metrics.subsets[name], title)
            for each, title in zip(runs.figures, runs.titles, strict=True)
            if name in each.metrics.subsets
        ]
        scores = [found.score for found, _ in there]
        best, title = max(there, key=lambda pair: pair[0].score)
        yield _Subset(name, max(found.n for found, _ in there), float(np.mean(scores)), min(scores), best.score, title)
