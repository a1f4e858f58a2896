"""The table of several benchmarks that are reported together: runs beside published figures, and their mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench._util.table import Column, Marked, Table, Tabular, ends_of
from judgebench.analysis.published import published_figures
from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import Selection, load_dataset
from judgebench.benchmarks.suites import SEVEN, SUITES, SuiteFolder, how_to_fetch
from judgebench.errors import ConfigError
from judgebench.metrics.intervals import Estimate, mean_estimate
from judgebench.metrics.summary import LEAST_COVERAGE
from judgebench.rewards.scorer import ScoredDataset, find_scorer
from judgebench.runs import DEFAULT_OUT, SAMPLED, Run, find_runs, list_runs
from judgebench.runs.scores import ScoreOptions, score_run
from judgebench.sources.opening import source_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from judgebench._util.table import Columns, Value
    from judgebench.benchmarks.suites import Suite
    from judgebench.rewards.scorer import Scorer

_PUBLISHED, SCORES = "published", "scores"


@dataclass(frozen=True, slots=True)
class SuiteRow:
    """What one judge, reward model or published row has on the benchmarks of a suite.

    Attributes:
        how: The templates; `scores` of a reward model, `published` of a row that others measured.
        scores: By benchmark; a published one has no interval.
        mean: Of the scores that are there; None where none is.
        missing: The benchmarks without a score.
        partial: By benchmark, why its score is not that of the whole benchmark.
        cost_usd: Of all runs; None where one is not known, or nothing was called.
        source: Where a published row stands.
        note: What a reader of a published row must know.
        runs: Its runs' folders.
    """

    judge: str
    how: str
    scores: Mapping[str, Estimate]
    mean: Estimate | None
    missing: tuple[str, ...] = ()
    partial: Mapping[str, str] = field(default_factory=dict)
    cost_usd: float | None = None
    source: str = ""
    note: str = ""
    runs: tuple[str, ...] = ()

    @property
    def published(self) -> bool:
        """Whether others measured it."""
        return self.how == _PUBLISHED

    def to_json(self, suite: str) -> dict[str, object]:
        """The object that `--json` prints: like a run's metrics, with a section for each benchmark."""
        mean = self.mean
        return {
            "benchmark": suite,
            "judge": self.judge,
            "template": self.how,
            "score": None if mean is None else mean.score,
            "low": None if mean is None or self.published else mean.low,
            "high": None if mean is None or self.published else mean.high,
            "sections": {name: self._section(each) for name, each in self.scores.items()},
            "missing": list(self.missing),
            "partial": dict(self.partial),
            "published": self.published,
            "source": self.source or None,
            "note": self.note or None,
            "cost_usd": self.cost_usd,
            "runs": list(self.runs),
        }

    def _section(self, each: Estimate) -> dict[str, float | None]:
        own = not self.published
        return {
            "score": each.score,
            "n": each.n if own else None,
            "low": each.low if own else None,
            "high": each.high if own else None,
        }


@dataclass(frozen=True, slots=True, repr=False)
class SuiteTable(Tabular):
    """The benchmarks of a suite in one table.

    Attributes:
        name: The suite's.
        title: What it is.
        heads: Its benchmarks by name, each with its head.
        rows: The runs' rows, the best mean first, then the published ones.
        missing: Benchmarks that no run could be made of, each with why.
    """

    name: str
    title: str
    heads: Mapping[str, str]
    rows: tuple[SuiteRow, ...]
    missing: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> list[dict[str, object]]:
        """An object a row."""
        return [row.to_json(self.name) for row in self.rows]

    def tables(self) -> Sequence[Table]:
        """The rows, and below them each run's score with its interval."""
        own = [row for row in self.rows if not row.published]
        names = [row.judge for row in own]
        columns: Columns = {
            Column("judge", names=True): lambda row: (
                f"{row.judge} · {row.how}" if names.count(row.judge) > 1 and not row.published else row.judge
            ),
            Column("from"): lambda row: row.how if row.how in {_PUBLISHED, SCORES} else "run",
            Column("mean", "score"): self._mean,
            Column("95% CI", "interval"): lambda row: None if row.mean is None or row.published else ends_of(row.mean),
        }
        for at, (name, head) in enumerate(self.heads.items()):
            columns[Column(name, "score", head=head, priority=1 + (at > 3))] = partial(_score, name)
        if any(row.cost_usd for row in own):
            columns[Column("cost", "money", priority=2)] = lambda row: row.cost_usd
        main = Table.of(
            self.rows,
            columns,
            lambda row: {"style": "aside" if row.published else "", "rule": bool(own) and row is own[-1]},
            title=self.title,
            notes=list(self._notes(own)),
        )
        return (main, *([self._intervals(own)] if own else []))

    def _mean(self, row: SuiteRow) -> Value:
        if row.mean is None:
            return None
        return Marked(row.mean.score, f"({len(row.scores)}/{len(self.heads)})") if row.missing else row.mean.score

    def _intervals(self, own: Sequence[SuiteRow]) -> Table:
        lines = [(row, name) for row in own for name in self.heads if name in row.scores]
        columns: Columns = {
            Column("judge", names=True): lambda line: line[0].judge,
            Column("benchmark", names=True): lambda line: self.heads[line[1]],
            Column("score", "score"): lambda line: line[0].scores[line[1]].score,
            Column("95% CI", "interval"): lambda line: ends_of(line[0].scores[line[1]]),
            Column("items", "tokens"): lambda line: line[0].scores[line[1]].n,
        }
        if len(own) == 1:
            del columns[next(iter(columns))]
        return Table.of(lines, columns, title=f"{self.name}: each benchmark")

    def _notes(self, own: Sequence[SuiteRow]) -> Iterator[str]:
        for why in dict.fromkeys(self.missing.values()):
            among = [self.heads[name] for name, each in self.missing.items() if each == why]
            yield f"missing: {', '.join(among)}: {why}"
        for row in own:
            if others := [self.heads[name] for name in row.missing if name not in self.missing]:
                yield f"missing: {row.judge}: no run of {', '.join(others)}"
        if any(row.missing for row in self.rows):
            yield f"(5/{len(self.heads)}): the mean of 5, not comparable with a mean of all {len(self.heads)}"
        for row in own:
            for name, why in row.partial.items():
                yield f"*: {row.judge}, {self.heads[name]}: {why}"
        if own:
            yield "95% CI of the mean: the benchmarks' intervals combined as independent (Zou and Donner 2008)"
        published = [row for row in self.rows if row.published]
        for source in dict.fromkeys(row.source for row in published):
            names = ", ".join(row.judge for row in published if row.source == source)
            yield f"published, not reproduced: {names} ({source})"
        yield from dict.fromkeys(row.note for row in published if row.note)


def _score(name: str, row: SuiteRow) -> Value:
    if name not in row.scores:
        return "-"
    score = row.scores[name].score
    return Marked(score, "*") if name in row.partial else score


def seven(runs: Run | str | Path | Iterable[Run | str | Path], *, published: bool = True) -> SuiteTable:
    """The seven benchmarks that reward-model papers report in one table, judges and reward models together.

    >>> import judgebench as jb
    >>> run = jb.run("rewardbench", judge="offline/longest", data="sample", out="runs")
    >>> table = jb.seven(run)
    >>> table.rows[0].judge, len(table.rows[0].missing)
    ('offline/longest', 6)

    Args:
        runs: Runs, their folders, or folders above them; those of other benchmarks are passed over.
        published: Put published rows below.

    Raises:
        ConfigError: No run is of the seven.
    """
    found: list[Run] = []
    for each in list_runs(runs):
        found += [each] if isinstance(each, Run) else [Run.load(path) for path in find_runs(Path(each))]
    table = suite_table(SEVEN, found, published=published)
    if not any(row.scores for row in table.rows if not row.published):
        raise ConfigError(f"no run of the seven: {SEVEN.listed}; make some with judgebench run seven -j JUDGE")
    return table


def suite_table(
    suite: Suite, runs: Iterable[Run], *, missing: Mapping[str, str] | None = None, published: bool = True
) -> SuiteTable:
    """The table of a suite.

    Args:
        suite: Which.
        runs: Those of other benchmarks, and over altered items, are passed over.
        missing: Benchmarks that no run could be made of, each with why.
        published: Put published rows below.
    """
    by_judge: dict[tuple[bool, str], list[Run]] = {}
    for run in runs:
        if run.metrics.benchmark in suite.benchmarks and run.metrics.altered is None:
            by_judge.setdefault((run.name.template is None, run.name.judge), []).append(run)
    rows = [_row(suite, group) for among in by_judge.values() for group in _apart(among)]
    rows.sort(key=lambda row: (len(row.missing), -(row.mean.score if row.mean is not None else -1.0), row.judge))
    return SuiteTable(
        suite.name,
        suite.title,
        suite.benchmarks,
        (*rows, *(_published(suite) if published else ())),
        dict(missing or {}),
    )


def _apart(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs of one judge in rows of one run a benchmark each: by what differs between those of one benchmark."""
    benchmarks = [run.metrics.benchmark for run in runs]
    if len({*benchmarks}) == len(runs):
        return [list(runs)]
    for key in (lambda run: run.name.template, lambda run: run.name[1:], lambda run: str(run.path)):
        groups: dict[object, list[Run]] = {}
        for run in runs:
            groups.setdefault(key(run), []).append(run)
        if all(len({run.metrics.benchmark for run in among}) == len(among) for among in groups.values()):
            break
    return list(groups.values())


def _row(suite: Suite, runs: Sequence[Run]) -> SuiteRow:
    by_benchmark = {run.metrics.benchmark: run for run in runs}
    scores: dict[str, Estimate] = {}
    partial: dict[str, str] = {}
    for name in suite.benchmarks:
        metrics = by_benchmark[name].metrics if name in by_benchmark else None
        if metrics is None or metrics.score is None or metrics.low is None or metrics.high is None:
            continue
        scores[name] = Estimate(metrics.score, metrics.items, metrics.low, metrics.high)
        if metrics.coverage < LEAST_COVERAGE:
            partial[name] = f"coverage {metrics.coverage:.0%}: mostly failures"
        elif metrics.missing:
            partial[name] = f"no items of {', '.join(metrics.missing)}"
        elif sample := next((note for note in metrics.notes if note.startswith(SAMPLED)), None):
            partial[name] = sample.partition(",")[0]
    first = runs[0].name
    templates = dict.fromkeys(run.name.template for run in runs if run.name.template is not None)
    costs = [run.metrics.usage.cost_usd for run in runs]
    return SuiteRow(
        first.judge,
        ", ".join(templates) if templates else SCORES,
        scores,
        mean_estimate(list(scores.values())),
        tuple(name for name in suite.benchmarks if name not in scores),
        partial,
        None if None in costs or not templates else sum(cost for cost in costs if cost is not None),
        runs=tuple(str(run.path) for run in runs),
    )


def _published(suite: Suite) -> Iterator[SuiteRow]:
    rows = []
    for row in published_figures():
        if row.benchmark == suite.name:
            scores = {name: Estimate(score, 0, score, score) for name, score in row.sections.items()}
            lacking = tuple(name for name in suite.benchmarks if name not in scores)
            mean = mean_estimate(list(scores.values()))
            source = f"{row.source}, {row.date}"
            rows.append(SuiteRow(row.name, _PUBLISHED, scores, mean, lacking, source=source, note=row.note))
    yield from sorted(rows, key=lambda row: -(row.mean.score if row.mean is not None else 0.0))


@dataclass(frozen=True)
class SuiteScores:
    """What became of the score files of a suite.

    Attributes:
        runs: One for each benchmark that has scores and items.
        missing: The other benchmarks, each with why.
        notes: What is odd, a sentence each.
    """

    runs: list[Run]
    missing: dict[str, str]
    notes: list[str]


def score_seven(
    scores: str | Path | Scorer,
    *,
    data: str | Path | None = None,
    out: str | Path = DEFAULT_OUT,
    name: str | None = None,
    allow_missing: bool = False,
    in_order: bool = False,
    head: str | int | None = None,
) -> SuiteScores:
    """Scores of a reward model on the seven benchmarks that papers report: `jb.seven(found.runs)` is their table.

    >>> import json, judgebench as jb
    >>> from pathlib import Path
    >>> row = {"question_id": 1, "prompt": "Hi?", "response_1": "Hello.", "response_2": "Hi", "winner": "model_a"}
    >>> for folder, text in (("rows", json.dumps(row)), ("scores", '{"id": 1, "scores": [0.9, 0.2]}')):
    ...     Path(folder).mkdir()
    ...     _ = Path(folder, "ppe-preference.jsonl").write_text(text)
    >>> found = jb.score_seven("scores", data="rows", out="runs")
    >>> found.runs[0].metrics.score, len(found.missing)
    (1.0, 6)

    Args:
        scores: A folder with a file of scores for each benchmark, by its name (`rewardbench.jsonl`, `rmb.csv`); or a
            scorer, or its name.
        data: A folder with the rows of each benchmark, by its name; None, and for what it lacks, the benchmarks' own.
        out: The folder above the runs' folders.
        name: Whose scores they are; None for the folder's or the scorer's name.
        allow_missing: Count scores that are missing or unusable as failures, instead of refusing the file.
        in_order: Take the rows in the order of the data, whatever their ids.
        head: Which of several scores of a completion: its name or its index.

    Raises:
        ConfigError: The folder has nothing of the seven, scores do not fit their items, or nothing could be scored.
    """
    return score_suite(SEVEN.name, scores, data, name or "", Path(out), ScoreOptions(allow_missing, in_order, head))


def score_suite(
    suite: str, scores: str | Path | Scorer, data: str | Path | None, name: str, out: Path, options: ScoreOptions
) -> SuiteScores:
    """Scores the files of a folder, or a scorer, on each benchmark of a suite; see `score_seven`.

    Args:
        suite: Its name.
        scores: The folder, or the scorer.
        data: The folder with the rows.
        name: Whose scores they are; empty for the folder's or the scorer's name.
        out: The folder above the runs' folders.
        options: How the files are read.

    Raises:
        ConfigError: As `score_seven`.
    """
    chosen = SUITES[suite]
    is_folder = isinstance(scores, str | Path) and Path(scores).expanduser().is_dir()
    scorer = None if is_folder else find_scorer(scores)
    files = None if scorer is not None else SuiteFolder(Path(str(scores)).expanduser(), chosen)
    rows = None if data is None else SuiteFolder(Path(data).expanduser(), chosen)
    found = SuiteScores([], {}, [note for folder in (files, rows) if folder is not None for note in folder.unused()])
    for benchmark in chosen.benchmarks:
        path = None if files is None else files.of(benchmark)
        own = None if rows is None else rows.of(benchmark)
        if files is not None and path is None:
            found.missing[benchmark] = files.lacks(benchmark)
            continue
        try:
            dataset = load_dataset(get_benchmark(benchmark), None if own is None else str(own), Selection())
        except ConfigError as error:
            if own is not None:
                raise
            found.missing[benchmark] = how_to_fetch(get_benchmark(benchmark))
            found.notes.append(
                f"{chosen.benchmarks[benchmark]}: {error}" + (f"; {rows.lacks(benchmark)}" if rows else "")
            )
            continue
        source = source_of(str(path)) if scorer is None else ScoredDataset(scorer, dataset)
        called = name or (files.folder.resolve().name if files is not None else source.name)
        found.runs.append(Run.load(score_run(source, dataset, name=called, out=out, options=options)))
    if not found.runs:
        raise ConfigError("; ".join(f"{chosen.benchmarks[name]}: {why}" for name, why in found.missing.items()))
    return found
