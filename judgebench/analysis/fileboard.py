"""The runs of Parquet files of judgements, ranked by benchmark, as `judgebench.analysis.leaderboard` ranks folders."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgebench._util.steps import counted, step
from judgebench.analysis.board import Leaderboard, Place
from judgebench.analysis.filefigures import Patterns
from judgebench.analysis.judgementfile import JudgementFile
from judgebench.analysis.placing import SORTS, BoardOf, finished_board, is_low, ranking_notes, with_ranks
from judgebench.analysis.ranking import Ranking, ranking_of
from judgebench.errors import ConfigError, DataError, unknown_name
from judgebench.metrics.accuracy import coin_variance, group_weights
from judgebench.metrics.jointcounts import PairwiseAgreement, pairwise_agreement
from judgebench.metrics.paired import Credits, PairedScores
from judgebench.metrics.pairedcounts import CountedScores

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from judgebench.analysis.board import Board
    from judgebench.analysis.filefigures import RunFigures
    from judgebench.analysis.judgementcolumns import SampledItem
    from judgebench.benchmarks.base import Benchmark
    from judgebench.metrics.resampling import Ints

FEW_CREDITS = 200_000
"""Up to so many credits of all runs together, runs are compared as those of folders are, resample by resample."""

SAMPLE = 200
"""How many items a page shows."""

_BYTE = 256
_MOST_CELLS = 1_000_000_000


@dataclass(frozen=True)
class FileRuns:
    """The runs of one benchmark in a file, with their figures.

    Attributes:
        where: The file.
        patterns: What the readings of items come to.
        figures: Of each run.
        groups: The number of the group of each item; None where items are by themselves.
        items: How many items there are.
        sample: Some of them, drawn from the seed 0.
    """

    where: str
    benchmark: Benchmark
    patterns: Patterns
    figures: tuple[RunFigures, ...]
    groups: Ints | None
    items: int
    sample: tuple[SampledItem, ...]

    @cached_property
    def titles(self) -> tuple[str, ...]:
        """What tells each run from the others: the judge, with what is needed beside it."""
        runs = [each.run for each in self.figures]
        titles = [run.judge for run in runs]
        for name in ("template", "protocol", "name"):
            twice = Counter(titles)
            more = [getattr(run, name) or "" for run in runs]
            titles = [f"{t} {beside}".strip() if twice[t] > 1 else t for t, beside in zip(titles, more, strict=True)]
        return tuple(titles)

    @cached_property
    def choices(self) -> PairwiseAgreement | None:
        """How far each two runs name the same completion of an item; None where the runs and items are too many."""
        if len(self.figures) * self.items > _MOST_CELLS:
            return None
        said = np.full((len(self.figures), self.items), -1, dtype=np.int8)
        for row, each in zip(said, self.figures, strict=True):
            row[each.items] = each.choices
        return pairwise_agreement(said, self.patterns.categories)

    @cached_property
    def letters(self) -> PairwiseAgreement | None:
        """How far each two runs name the same slot, by item and order; likewise."""
        there = np.zeros(self.items * (int(self.patterns.orders.max()) + 1), dtype=bool)
        for each in self.figures:
            there[each.letters[0]] = True
        place = np.cumsum(there) - 1
        if len(self.figures) * int(there.sum()) > _MOST_CELLS:
            return None
        said = np.full((len(self.figures), int(there.sum())), -1, dtype=np.int8)
        for row, each in zip(said, self.figures, strict=True):
            row[place[each.letters[0]]] = each.letters[1]
        return pairwise_agreement(said, self.patterns.categories)


class OpenedFile(NamedTuple):
    """What is in Parquet files of judgements.

    Attributes:
        runs: Those of each benchmark.
        left_out: Why those of another benchmark are left out, a sentence each.
    """

    runs: tuple[FileRuns, ...]
    left_out: tuple[str, ...]


def file_runs(paths: Sequence[Path], benchmark: str | None = None) -> OpenedFile:
    """The runs in Parquet files of judgements, by benchmark, with their figures.

    Args:
        paths: The files.
        benchmark: Only this one.

    Raises:
        ConfigError: DuckDB is not installed, a file is not valid, or each benchmark's rule needs more than it has.
    """
    file = JudgementFile(paths)
    names = [name for name in file.benchmarks if benchmark in {None, name}]
    if not names:
        raise ConfigError(
            f"{file.where}: none of its runs is of {benchmark} (benchmarks: {', '.join(file.benchmarks)})"
        )
    found: list[FileRuns] = []
    left_out: list[ConfigError] = []
    for name in names:
        try:
            found.append(_of_benchmark(file, name))
        except DataError:
            raise
        except ConfigError as error:
            left_out.append(error)
    if not found:
        raise left_out[0]
    return OpenedFile(tuple(found), tuple(map(str, left_out)))


def _of_benchmark(file: JudgementFile, name: str) -> FileRuns:
    with step(f"reading {file.where}"):
        board = file.board(name)
    patterns = Patterns(board, file.where)
    numbers = range(len(board.runs))
    scoring = counted(numbers, "scoring runs", unit="runs", total=len(numbers))
    figures = tuple(patterns.figures(at) for at in scoring)
    sample = file.some_items(name, SAMPLE)
    return FileRuns(file.where, board.benchmark, patterns, figures, board.groups, board.items, sample)


def file_leaderboard(
    paths: Sequence[Path], *, benchmark: str | None = None, sort: str = "score", published: bool = False, seed: int = 0
) -> Leaderboard:
    """Ranks the runs in Parquet files of judgements; see `judgebench.leaderboard`."""
    return leaderboard_of(file_runs(paths, benchmark), sort=sort, published=published, seed=seed)


def leaderboard_of(found: OpenedFile, *, sort: str = "score", published: bool = False, seed: int = 0) -> Leaderboard:
    """Ranks the runs of files, on one board per benchmark.

    Raises:
        ConfigError: There is nothing to sort by.
    """
    known = {section for each in found.runs for run in each.figures for section in run.metrics.sections}
    if sort not in {*SORTS, *known}:
        raise unknown_name("--sort", sort, [*SORTS, *sorted(known)])
    boards = tuple(_board(each, sort, published=published, seed=seed) for each in found.runs)
    return Leaderboard(boards, found.left_out)


class Ranked(NamedTuple):
    """Those of several runs that are over the same items, compared.

    Attributes:
        alike: The numbers of those.
        ranking: What came of it, by their numbers among these.
    """

    alike: list[int]
    ranking: Ranking


def ranked(runs: FileRuns, among: Sequence[RunFigures], sort: str, seed: int, *, low: bool = False) -> Ranked:
    """Compares those of some runs that are over the same items, of which there are the most.

    Args:
        runs: All of the file's.
        among: Some of them.
        sort: A section, whose letters are wanted, or something else, for those of the score.
        seed: Of the tests.
        low: Whether those of which too few judgements have a verdict count, too.
    """
    alike = _comparable(runs, among, low=low)
    return Ranked(alike, _ranking(runs, [among[at] for at in alike], sort, seed))


def _board(runs: FileRuns, sort: str, *, published: bool, seed: int) -> Board:
    figures, benchmark = runs.figures, runs.benchmark
    altered = [at for at, each in enumerate(figures) if each.run.altered is not None]
    shown = [at for at in range(len(figures)) if at not in altered] or list(range(len(figures)))
    among = [figures[at] for at in shown]
    alike, ranking = ranked(runs, among, sort, seed)
    places = with_ranks(
        [_place(runs, each, runs.titles[at]) for at, each in zip(shown, among, strict=True)], alike, ranking
    )
    there = {name for each in among for name in each.metrics.sections}
    sections = [name for name in benchmark.layout.named(there) if name in there]
    notes = list(ranking_notes(ranking, [places[at] for at in alike]))
    if altered and len(shown) < len(figures):
        are = "run over altered items (a control) is" if len(altered) == 1 else "runs over altered items (controls) are"
        notes.append(f"{len(altered)} {are} not ranked")
    items = int(_tested(runs, among[alike[0]]).sum()) if alike else None
    others = sum(place.other_items for place in places)
    if others and items is None:
        notes.append("not ranked: no two runs have the same items")
    elif others:
        are = "run has other items and is" if others == 1 else "runs have other items and are"
        notes.append(
            f"{len(alike)} of {len(alike) + others} runs have the same {items} items and are ranked; {others} {are} not"
        )
    return finished_board(places, alike, ranking, notes, BoardOf(benchmark, sections, items, published, sort))


def known(value: float) -> float | None:
    """A figure; None where it has no value."""
    return None if np.isnan(value) else float(value)


def _tested(runs: FileRuns, figures: RunFigures) -> npt.NDArray[np.bool_]:
    """Which of a run's items count for its score."""
    credited = np.array([kind.credit is not None for kind in runs.patterns.kinds])
    found: npt.NDArray[np.bool_] = credited[figures.kinds]
    return found


def _comparable(runs: FileRuns, figures: Sequence[RunFigures], *, low: bool) -> list[int]:
    """The runs over the same items, of which there are the most; empty where several such sets are as large."""
    subsets = {name: at for at, name in enumerate(dict.fromkeys(kind.item.subset for kind in runs.patterns.kinds))}
    of_kind = np.array([subsets[kind.item.subset] for kind in runs.patterns.kinds])
    families: dict[bytes, list[int]] = {}
    sizes: dict[bytes, int] = {}
    for at, each in enumerate(figures):
        if (not low and is_low(each.metrics)) or not (tested := _tested(runs, each)).any():
            continue
        same = each.items[tested].tobytes() + of_kind[each.kinds[tested]].tobytes()
        families.setdefault(same, []).append(at)
        sizes[same] = int(tested.sum())
    by_size = {same: (len(among), sizes[same]) for same, among in families.items()}
    largest = [same for same, size in by_size.items() if size == max(by_size.values())]
    return families[largest[0]] if len(largest) == 1 else []


def _ranking(runs: FileRuns, figures: Sequence[RunFigures], sort: str, seed: int) -> Ranking:
    if len(figures) < 2:
        return Ranking()
    kinds, layout = runs.patterns.kinds, runs.benchmark.layout
    got = np.stack([each.kinds[_tested(runs, each)] for each in figures])
    items = figures[0].items[_tested(runs, figures[0])]
    groups = group_weights(figures[0].tally.kinds, figures[0].tally.layout(layout))
    number = {group.place: at for at, group in enumerate(groups)}
    stratum = np.array([number.get(layout.place_of(kind.item), -1) for kind in kinds])[got[0]]
    units = None if runs.groups is None else runs.groups[items]
    credits_ = np.array([np.nan if kind.credit is None else kind.credit for kind in kinds])
    coins = np.array([coin_variance(kind) for kind in kinds])
    few = got.size <= FEW_CREDITS
    levels, level = np.unique(np.stack([credits_, coins]), axis=1, return_inverse=True)
    small = level.reshape(-1).astype(np.uint8) if levels.shape[1] < _BYTE else level.reshape(-1)
    of_level = small[got]

    def part(weights: Sequence[float]) -> PairedScores | CountedScores:
        if few:
            every = Credits(credits_[got], coins[got])
            return PairedScores(every, weights, strata=stratum, clusters=units, seed=seed, kept=kept)
        return CountedScores(of_level, levels[0], levels[1], stratum, weights, clusters=units, seed=seed)

    kept: dict[int, npt.NDArray[np.float64]] = {}
    names = dict.fromkeys(group.section for group in groups if group.section is not None)
    sections = {name: [g.in_section if g.section == name else 0.0 for g in groups] for name in names}
    with step("comparing runs"):
        return ranking_of(
            part([g.in_score for g in groups]), {name: part(each) for name, each in sections.items()}, sort
        )


def _place(runs: FileRuns, figures: RunFigures, title: str) -> Place:
    run, metrics = figures.run, figures.metrics
    return Place(
        rank=None,
        judge=run.judge,
        template=run.template,
        protocol=run.protocol,
        label=title,
        shown_as=run.template if run.name is None or title == run.judge else title.removeprefix(run.judge).strip(),
        score=metrics.score,
        low=metrics.low,
        high=metrics.high,
        sections={section: estimate.score for section, estimate in metrics.sections.items()},
        section_intervals={section: (each.low, each.high) for section, each in metrics.sections.items()},
        items=metrics.items,
        coverage=metrics.coverage,
        consistency=metrics.consistency,
        cost_usd=metrics.usage.cost_usd,
        path=runs.where,
        measure=metrics.measure,
        low_coverage=is_low(metrics),
    )
