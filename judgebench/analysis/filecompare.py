"""The runs of Parquet files of judgements compared, two by two, as `judgebench.analysis.compare` compares folders."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from judgebench._util.table import Column, Table, Tabular, ends_of
from judgebench._util.text import difference_head, score_head
from judgebench.analysis.fileboard import file_runs, known, ranked
from judgebench.analysis.placing import is_low
from judgebench.errors import ConfigError
from judgebench.metrics.paired import ALPHA

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgebench._util.table import Columns
    from judgebench.analysis.fileboard import FileRuns
    from judgebench.metrics.summary import Metrics

_MANY_PAIRS = 10


class FilePair(NamedTuple):
    """Two runs of one benchmark, by their numbers from 1 on.

    Attributes:
        items: On how many both name something.
        difference: Of their scores; None unless both are over the same items.
        p: Of no difference, Holm-corrected for all pairs over those items; likewise.
        agreement: The share of items on which they name the same completion, or class.
        kappa: Cohen's, of the slots that they name by item and order, or the classes.
        errors_in_common: Cohen's kappa of the completions.
    """

    first: int
    second: int
    items: int
    difference: float | None
    p: float | None
    agreement: float | None
    kappa: float | None
    errors_in_common: float | None


class ComparedRuns(NamedTuple):
    """The runs of one benchmark.

    Attributes:
        titles: What tells each from the others, the best first.
        metrics: The figures of each.
        letters: Runs over the same items share one exactly where they are not significantly different; else empty.
        pairs: Each two of them.
    """

    benchmark: str
    title: str
    titles: tuple[str, ...]
    metrics: tuple[Metrics, ...]
    letters: tuple[str, ...]
    pairs: tuple[FilePair, ...]


@dataclass(frozen=True, repr=False)
class FileComparison(Tabular):
    """What the comparison of the runs in Parquet files found, by benchmark.

    Attributes:
        left_out: Why the runs of another benchmark are left out, a sentence each.
    """

    benchmarks: tuple[ComparedRuns, ...]
    left_out: tuple[str, ...]

    def tables(self, *, every: bool = True) -> Sequence[Table]:
        """Of each benchmark the runs and the pairs.

        Args:
            every: Show every pair; else, of more than ten, those of the best run.
        """
        return [table for each in self.benchmarks for table in (_runs_table(each), _pairs_table(each, every=every))]

    def remarks(self) -> Sequence[str]:
        """What a reader must know."""
        return [f"left out: {reason}" for reason in self.left_out]

    def to_json(self) -> list[dict[str, Any]]:
        """An object per benchmark: its runs, and each two of them by their places among these, from 0 on."""
        return [
            {
                "benchmark": each.benchmark,
                "runs": [
                    {"run": title, "score": m.score, "low": m.low, "high": m.high, "items": m.items, "group": letter}
                    for title, m, letter in zip(each.titles, each.metrics, each.letters, strict=True)
                ],
                "pairs": [pair._replace(first=pair.first - 1, second=pair.second - 1)._asdict() for pair in each.pairs],
            }
            for each in self.benchmarks
        ]


def compare_files(paths: Sequence[Path], *, seed: int = 0) -> FileComparison:
    """Compares each two runs of one benchmark in Parquet files of judgements.

    Args:
        paths: The files.
        seed: Of the tests.

    Raises:
        ConfigError: DuckDB is not installed, a file is not one of judgements, or no benchmark has two runs.
    """
    opened = file_runs(paths)
    several = [each for each in opened.runs if len(each.figures) > 1]
    if not several:
        raise ConfigError(
            f"{opened.runs[0].where}: no two runs of one benchmark in it; for one run use judgebench report"
        )
    alone = (f"{each.benchmark.title}: one run" for each in opened.runs if len(each.figures) == 1)
    return FileComparison(tuple(_compared(each, seed) for each in several), (*opened.left_out, *alone))


def _compared(runs: FileRuns, seed: int) -> ComparedRuns:
    found = ranked(runs, runs.figures, "score", seed, low=True)
    numbers = sorted(range(len(runs.figures)), key=lambda at: -_or(runs.figures[at].metrics.score, -2.0))
    letters = {
        at: found.ranking.letters.get(number, "")
        for number, at in enumerate(found.alike)
        if not is_low(runs.figures[at].metrics)
    }
    p = {
        frozenset((found.alike[first], found.alike[second])): value
        for (first, second), value in found.ranking.tests.items()
    }
    pairs = [
        _pair(runs, (one, numbers[one]), (other, numbers[other]), p.get(frozenset((numbers[one], numbers[other]))))
        for one, other in combinations(range(len(numbers)), 2)
    ]
    return ComparedRuns(
        runs.benchmark.name,
        runs.benchmark.title,
        tuple(runs.titles[at] for at in numbers),
        tuple(runs.figures[at].metrics for at in numbers),
        tuple(letters.get(at, "") for at in numbers),
        tuple(pairs),
    )


def _pair(runs: FileRuns, one: tuple[int, int], other: tuple[int, int], p: float | None) -> FilePair:
    scores = [runs.figures[at].metrics.score for _, at in (one, other)]
    both = (one[1], other[1])
    choices, letters = runs.choices, runs.letters
    return FilePair(
        one[0] + 1,
        other[0] + 1,
        0 if choices is None else int(choices.rows[both]),
        None if p is None else _or(scores[0], 0.0) - _or(scores[1], 0.0),
        p,
        None if choices is None else known(choices.same[both]),
        None if letters is None else known(letters.kappa[both]),
        None if choices is None else known(choices.kappa[both]),
    )


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _runs_table(found: ComparedRuns) -> Table:
    lines = list(enumerate(zip(found.titles, found.metrics, found.letters, strict=True), 1))
    measure = found.metrics[0].measure
    columns: Columns = {
        Column("number", "count", head="", names=True): lambda line: line[0],
        Column("run", names=True): lambda line: line[1][0],
        Column("score", "score", head=score_head([measure])): lambda line: line[1][1].score,
        Column("95% CI", "interval"): lambda line: ends_of(line[1][1]),
        Column("items", "count"): lambda line: line[1][1].items,
        Column("group", "mark"): lambda line: line[1][2],
    }
    return Table.of(lines, columns, lambda _: {"unit": measure}, title=found.title, about=f"{len(lines)} runs")


def _pairs_table(found: ComparedRuns, *, every: bool) -> Table:
    pairs = found.pairs
    if not every and len(pairs) > _MANY_PAIRS:
        pairs = tuple(pair for pair in pairs if pair.first == 1)
    tested = [pair for pair in found.pairs if pair.p is not None]
    measure = found.metrics[0].measure
    columns: Columns = {Column("runs", names=True): lambda pair: f"{pair.first} - {pair.second}"}
    if tested:
        columns |= {
            Column("difference", "difference", head=difference_head(measure)): lambda pair: pair.difference,
            Column("p (Holm)", "p"): lambda pair: pair.p,
        }
    columns |= {
        Column("items", "count"): lambda pair: pair.items,
        Column("agreement", "share", priority=1): lambda pair: pair.agreement,
        Column("kappa", "coefficient", priority=1): lambda pair: pair.kappa,
        Column("errors in common", "coefficient", priority=1): lambda pair: pair.errors_in_common,
    }
    notes = [f"pairs of the best run; {len(found.pairs) - len(pairs):,} more: --all, --json"][
        : len(pairs) < len(found.pairs)
    ]
    if tested:
        notes += [
            f"p: McNemar's or sign-flip test, Holm-corrected for the {len(tested):,} pairs of runs over the same items",
            "runs with the same letter (group) are not significantly different",
        ]
    notes += [
        "agreement: share of items with the same choice; items: those on which both name one",
        "kappa: Cohen's, over the letters named (or a tie), or the classes, by item and order",
        "errors in common: Cohen's kappa over completions (0: independent errors)",
    ]

    def look(pair: FilePair) -> dict[str, Any]:
        return {"unit": measure, "style": "strong" if pair.p is not None and pair.p <= ALPHA else ""}

    return Table.of(pairs, columns, look, notes=notes)
