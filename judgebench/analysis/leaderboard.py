"""Every run below a folder, judges and reward models together, ranked by benchmark."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench._util.steps import counted
from judgebench._util.text import difference_text
from judgebench.analysis.board import FIGURES, Board, CorrectedLabels, Leaderboard, Place
from judgebench.analysis.failures import failure_notes
from judgebench.analysis.published import published_of
from judgebench.analysis.ranking import MANY, Ranking, rank_runs
from judgebench.benchmarks import BENCHMARKS, get_benchmark
from judgebench.errors import ConfigError, unknown_name
from judgebench.metrics.rankings import undominated
from judgebench.metrics.summary import LEAST_COVERAGE
from judgebench.runs import (
    SAMPLED,
    Run,
    benchmark_title,
    find_runs,
    list_runs,
    open_run,
    read_manifest,
    run_labels,
    share_contents,
    shared_conditions,
    up_to_date,
    was_judged,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from judgebench.analysis.published import Published
    from judgebench.runs import Finished, RunLabel

SORTS = ("score", "judge", "cost", "coverage")
"""What a leaderboard can be sorted by, beside the name of a section."""


def leaderboard(
    folder: Run | str | Path | Sequence[Run | str | Path],
    *,
    benchmark: str | None = None,
    sort: str = "score",
    published: bool = False,
    seed: int = 0,
) -> Leaderboard:
    """Ranks every run below a folder, or some runs, on one board per benchmark.

    >>> import judgebench as jb
    >>> runs = jb.grid("rewardbench", judges=["offline/longest", "offline/first"], out="runs", data="sample")
    >>> [place.judge for place in jb.leaderboard("runs").boards[0].places]
    ['offline/longest', 'offline/first']

    Args:
        folder: The folder above the runs' folders, or runs, or several of either.
        benchmark: Only this one.
        sort: `score` (the best first), `judge`, `cost` (the cheapest first), `coverage`, or the name of a section.
        published: Put published figures beside the runs; they have no rank.
        seed: Of the tests behind the letters.

    Raises:
        ConfigError: There is no such folder, no run that can be read, or nothing to sort by.
    """
    folders = [each.path if isinstance(each, Run) else Path(each) for each in list_runs(folder)]
    if not folders:
        raise ConfigError("no run named: name one or more run folders")
    for each in folders:
        if not each.is_dir():
            raise ConfigError(f"{each}: folder not found; name the folder above the runs (--out of judgebench run)")
    paths = list(dict.fromkeys(path for each in folders for path in find_runs(each)))
    if benchmark is not None and benchmark not in {getattr(read_manifest(path), "benchmark", None) for path in paths}:
        benchmark = get_benchmark(benchmark).name
    by_benchmark, unreadable = open_by_benchmark(paths, benchmark)
    by_benchmark, parts = _without(by_benchmark, is_shard)
    if parts and not by_benchmark:
        among = " ".join(map(str, folders))
        raise ConfigError(f"{among}: its runs are parts (--shard); join them first: judgebench merge {among}")
    if parts:
        are = "run is a part" if parts == 1 else "runs are parts"
        unreadable.append(f"{parts} {are} of a run (--shard) and not ranked: judgebench merge joins the parts")
    by_benchmark, altered = _without(by_benchmark, is_altered)
    if altered:
        are = "run over altered items (a control) is" if altered == 1 else "runs over altered items (controls) are"
        unreadable.append(f"{altered} {are} not ranked; judgebench report shows such runs")
    if not by_benchmark:
        raise ConfigError(_nothing(folders, benchmark, len(paths), unreadable))
    known = {section for runs in by_benchmark.values() for section in _sections(runs)}
    if sort not in {*SORTS, *known}:
        raise unknown_name("--sort", sort, [*SORTS, *sorted(known)])
    return Leaderboard(boards_of(by_benchmark, sort=sort, published=published, seed=seed), tuple(unreadable))


def _without(
    by_benchmark: Mapping[str, list[Finished]], apart: Callable[[Finished], bool]
) -> tuple[dict[str, list[Finished]], int]:
    """The runs but for those of a kind that is not ranked, and how many of these there were."""
    plain = {name: among for name, runs in by_benchmark.items() if (among := [run for run in runs if not apart(run)])}
    return plain, sum(map(len, by_benchmark.values())) - sum(map(len, plain.values()))


def is_altered(run: Finished) -> bool:
    """Whether it is a control, over items that are not as they are in the data."""
    return run.run.manifest.altered is not None


def is_shard(run: Finished) -> bool:
    """Whether it is a part of a run (`--shard`)."""
    return run.run.manifest.selection.shard is not None


def open_by_benchmark(paths: Sequence[Path], only: str | None = None) -> tuple[dict[str, list[Finished]], list[str]]:
    """The runs that can be read, with their outcomes, and why the others cannot."""
    unreadable: list[str] = []
    reading = counted(paths, "reading runs", unit="runs", total=len(paths))
    opened = [each for path in reading if (each := _opened(path, only, unreadable)) is not None]
    share_contents(opened)
    by_benchmark: dict[str, list[Finished]] = {}
    for each in opened:
        try:
            _ = each.outcomes
            by_benchmark.setdefault(_kind_of(each, by_benchmark), []).append(each)
        except ConfigError as error:
            unreadable.append(str(error))
    return by_benchmark, unreadable


def _kind_of(run: Finished, there: Mapping[str, list[Finished]]) -> str:
    """The benchmark's name; with its hash where a file of that name that says something else has it already."""
    name, file = run.metrics.benchmark, run.run.manifest.benchmark_file
    first = there[name][0].run.manifest.benchmark_file if name in there else file
    said, known = ((each or {}).get("hash") for each in (file, first))
    return name if said == known else f"{name} {str(said)[:8]}"


def _opened(path: Path, benchmark: str | None, unreadable: list[str]) -> Finished | None:
    """A run of the benchmark; None for one of another, or that cannot be read, which is said."""
    try:
        finished = up_to_date(open_run(path))
        finished.need_judgements()
        if benchmark not in {None, finished.metrics.benchmark}:
            return None
        finished.benchmark  # noqa: B018 - one that is not installed is said here
    except ConfigError as error:
        unreadable.append(str(error))
        return None
    return finished


def boards_of(
    by_benchmark: Mapping[str, list[Finished]], *, sort: str = "score", published: bool = False, seed: int = 0
) -> tuple[Board, ...]:
    """The boards of runs by benchmark; their outcomes have been read."""
    order = {name: at for at, name in enumerate(BENCHMARKS)}
    names = sorted(by_benchmark, key=lambda name: (order.get(name, len(order)), name))
    return tuple(_board(by_benchmark[name], sort, published=published, seed=seed) for name in names)


def _nothing(folders: Sequence[Path], benchmark: str | None, found: int, unreadable: Sequence[str]) -> str:
    folder = " and ".join(map(str, folders))
    if not found:
        return f"{folder}: no runs found; create one with judgebench run or judgebench score (--out {folders[0]})"
    if unreadable:
        return f"{folder}: none of its {found} runs could be read; the first: {unreadable[0]}"
    return f"{folder}: none of its {found} runs is of {benchmark}"


def _sections(runs: Sequence[Finished]) -> tuple[str, ...]:
    """The sections that any run has, in the published order."""
    there = {name for each in runs for name in each.metrics.sections}
    return tuple(name for name in runs[0].benchmark.layout.named(there) if name in there)


def _board(runs: list[Finished], sort: str, *, published: bool, seed: int) -> Board:
    benchmark = runs[0].benchmark
    alike = comparable(runs)
    ranking = rank_runs([runs[at] for at in alike], tested_items(runs[alike[0]]) if alike else [], sort, seed)
    places = _ranked(runs, alike, ranking)
    sections = _sections(runs)
    notes = [note for each in runs for note in each.notes]
    notes += _ranking_notes(ranking, [places[at] for at in alike])
    notes += _sample_notes(runs)
    items = len(tested_items(runs[alike[0]])) if alike else None
    altered = sum(map(is_altered, runs)) if not all(map(is_altered, runs)) else 0
    if altered:
        are = "run over altered items (a control) is" if altered == 1 else "runs over altered items (controls) are"
        notes.append(f"{altered} {are} not ranked")
    corrected = sum(place.labels is not None for place in places)
    others = sum(place.other_items and place.labels is None for place in places) - altered
    rankable = len(runs) - altered - corrected - sum(place.low_coverage for place in places)
    if others and items is None:
        notes.append("not ranked: no two runs have the same items; compare two with judgebench compare --common")
    elif others:
        are = "run has other items and is" if others == 1 else "runs have other items and are"
        notes.append(
            f"{len(alike)} of {rankable} runs have the same {items} items and are ranked; "
            f"{others} {are} not: use judgebench compare --common"
        )
    if published:
        figures = published_of(benchmark.name)
        places += [_published(each) for each in figures]
        there = {*sections, *(name for each in figures for name in each.sections)}
        sections = tuple(name for name in benchmark.layout.named(there) if name in there)
        for note in dict.fromkeys(each.note for each in figures if each.note):
            notes.append(f"{', '.join(each.name for each in figures if each.note == note)}: {note}")
        for source in dict.fromkeys((each.source, each.date) for each in figures):
            among = ", ".join(each.name for each in figures if (each.source, each.date) == source)
            notes.append(f"published, not reproduced: {among} ({', '.join(source)})")
    ranked = [places[at] for at in alike]
    places.sort(key=_order(sort))
    shown = tuple(name for name in FIGURES if any(name in place.figures for place in places))
    stands = [next(to for to, place in enumerate(places) if place is each) for each in ranked]
    effects = tuple(replace(e, first=stands[e.first], second=stands[e.second]) for e in ranking.failures)
    title = benchmark_title([each.run for each in runs])
    board = Board(benchmark.name, title, sections, shown, tuple(places), items, tuple(notes))
    shared = tuple(shared_conditions([each.run for each in runs]))
    return replace(board, letters_of=ranking.of, failures=effects, shared=shared)


def _ranked(runs: Sequence[Finished], alike: Sequence[int], ranking: Ranking) -> list[Place]:
    """The runs' places, with what is known from comparing them."""
    within = {at: number for number, at in enumerate(alike)}
    labels = run_labels([each.run for each in runs])
    places = [
        replace(
            _place(each, labels[at]),
            group=ranking.letters.get(within.get(at, -1), ""),
            section_groups={name: each[within[at]] for name, each in ranking.section_letters.items() if at in within},
            low_coverage=is_low(each),
            labels=labels_of(each) if at not in within else None,
            other_items=each.metrics.score is not None and at not in within and not is_low(each),
        )
        for at, each in enumerate(runs)
    ]
    alone = [at not in within for at in range(len(places))]
    front = undominated(
        [
            math.nan if out or place.cost_usd is None else place.cost_usd
            for place, out in zip(places, alone, strict=True)
        ],
        [math.nan if place.score is None else place.score for place in places],
        [(alike[better], alike[worse]) for better, worse in ranking.beaten],
    )
    scores = [places[at].score or 0.0 for at in alike if places[at].score is not None]
    for at, number in within.items():
        score, ends = places[at].score, ranking.ranks.get(number, (None, None))
        if score is not None:
            rank = 1 + sum(each > score for each in scores)
            places[at] = replace(places[at], pareto=bool(front[at]), rank=rank, rank_low=ends[0], rank_high=ends[1])
    for each in ranking.contenders:
        at = alike[each.run]
        places[at] = replace(places[at], can_be_best=each.can_be_best, best_low=each.low, best_high=each.high)
    return places


def labels_of(run: Finished) -> CorrectedLabels | None:
    """What is known of the labels that were corrected in a run; None where none were."""
    rescored = run.run.manifest.rescored
    said = None if rescored is None else rescored.labels
    return None if said is None else CorrectedLabels(said.file, said.count, said.score_before)


def is_low(run: Finished) -> bool:
    """Whether too few judgements have a verdict for the score to be ranked."""
    return run.metrics.coverage < LEAST_COVERAGE


def _ranking_notes(ranking: Ranking, ranked: Sequence[Place]) -> Iterator[str]:
    measure = next((place.measure for place in ranked), None)
    if ranking.excess is not None and len(ranked) >= MANY:
        excess = difference_text(ranking.excess, measure).removeprefix("+")
        yield (
            f"the best of {len(ranked)} scores is too high on average (winner's curse), by {excess} if all runs are "
            "equally good, and its interval ignores that: compare ranks, or judge the best again on new items"
        )
    yield from failure_notes(ranking.failures, [place.label for place in ranked], measure)


def _sample_notes(runs: Sequence[Finished]) -> Iterator[str]:
    """Which scores are estimates, since a limit or an early end left items out."""
    notes = [note.partition(",")[0] for run in runs for note in run.metrics.notes if note.startswith(SAMPLED)]
    for sample, count in Counter(notes).items():
        yield f"{sample}: {count} {'score estimates' if count == 1 else 'scores estimate'} what all items would give"


def _place(run: Finished, label: RunLabel) -> Place:
    metrics, name = run.metrics, run.name
    found = metrics.controls
    return Place(
        rank=None,
        judge=name.judge,
        template=name.template,
        protocol=name.protocol,
        label=label.title,
        shown_as=label.how,
        score=metrics.score,
        low=metrics.low,
        high=metrics.high,
        sections={section: estimate.score for section, estimate in metrics.sections.items()},
        section_intervals={section: (each.low, each.high) for section, each in metrics.sections.items()},
        figures={name: figure for name in FIGURES if isinstance(figure := metrics.extra.get(name), int | float)},
        items=metrics.items,
        coverage=metrics.coverage,
        consistency=metrics.consistency,
        cost_usd=None if run.is_scores else metrics.usage.cost_usd,
        state=run.run.manifest.state or "",
        path=str(run.path),
        measure=metrics.measure,
        baselines={} if found is None else {name: each.score for name, each in found.baselines.items()},
        baseline_p={} if found is None else {n: each.p for n, each in found.baselines.items() if each.p is not None},
        baselines_left_out=() if found is None else found.left_out,
    )


def _published(row: Published) -> Place:
    return Place(
        rank=None,
        judge=row.name,
        template=None,
        protocol="published",
        label=row.name,
        score=row.score,
        low=None,
        high=None,
        sections=dict(row.sections),
        published=True,
        source=row.source,
        date=row.date,
        note=row.note,
    )


def _order(sort: str) -> Callable[[Place], tuple[Any, ...]]:
    """The key to sort places by; what has no such figure comes last."""

    def by(place: Place) -> tuple[Any, ...]:
        tie = (-(place.score if place.score is not None else -2.0), place.judge, place.how, place.protocol, place.path)
        if sort == "judge":
            return (place.other_items, place.judge, *tie)
        if sort == "cost":
            return (place.other_items, place.cost_usd is None, place.cost_usd or 0.0, *tie)
        value = {"score": place.score, "coverage": place.coverage}.get(sort, place.sections.get(sort))
        return (place.other_items, value is None, place.unranked and sort == "score", -(value or 0.0), *tie)

    return by


def tested_items(run: Finished) -> list[str]:
    """The items that count for the score."""
    return [item for item, outcome in run.outcomes.items() if outcome.item.labelled and was_judged(outcome)]


def comparable(runs: Sequence[Finished]) -> list[int]:
    """The runs that can be ranked: the largest set of runs over the same items, or else the one with the most items.

    Empty where there are several such sets, which is nobody's choice. A run over altered items is no rival of those
    over the items as they are, nor is one with corrected labels of those without.
    """
    share_contents(runs)
    plain = [at for at, each in enumerate(runs) if not is_altered(each)] or list(range(len(runs)))
    plain = [at for at in plain if labels_of(runs[at]) is None] or plain
    plain = [at for at in plain if not is_low(runs[at])]
    if not plain:
        return []
    one = len({id(each.contents) for each in runs}) == 1
    families: dict[Any, list[int]] = {}
    for at in plain:
        each, ids = runs[at], tested_items(runs[at])
        same = frozenset(ids) if one else frozenset((item, each.contents.prints[item]) for item in ids)
        families.setdefault(same, []).append(at)
    sizes = {same: (len(among), len(same)) for same, among in families.items() if same}
    largest = [same for same, size in sizes.items() if size == max(sizes.values())]
    return families[largest[0]] if len(largest) == 1 else []
