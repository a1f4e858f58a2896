"""Two or more runs on the same items: which are really different, where, and what could have been seen."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from judgebench._util.steps import counted
from judgebench.analysis.agreement import agreement_of
from judgebench.analysis.alike import largest_set
from judgebench.analysis.comparison import ComparedRun, Comparison, Part
from judgebench.analysis.components import components_of
from judgebench.analysis.failures import failure_effects, failure_notes
from judgebench.analysis.rewardfunctions import best_of_n, reward_functions
from judgebench.errors import ConfigError
from judgebench.metrics.accuracy import official_scores
from judgebench.metrics.equivalence import contenders, equivalences
from judgebench.metrics.grades import unrated
from judgebench.metrics.intervals import Estimate
from judgebench.metrics.paired import ALPHA, PairedRuns
from judgebench.metrics.rankings import groups_not_told_apart, holm
from judgebench.metrics.summary import LEAST_COVERAGE
from judgebench.runs import Run, benchmark_title, list_runs, open_run, share_contents, titles_of, up_to_date, was_judged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.items import Measure, Outcome
    from judgebench.metrics.equivalence import Contender, Equivalence
    from judgebench.metrics.intervals import Floats
    from judgebench.runs import Finished


_NAMED = 3


def compare(
    runs: Run | str | Path | Sequence[Run | str | Path],
    *others: Run | str | Path,
    common: bool = False,
    margin: float | None = None,
    seed: int = 0,
) -> Comparison:
    """Compares runs of one benchmark, judges and score files alike, item by item.

    Of three and more runs that are not all over the same items, the largest set that is is compared.

    >>> import judgebench as jb
    >>> runs = jb.grid("rewardbench", judges=["offline/longest", "offline/first"], data="sample")
    >>> jb.compare(*runs).items
    54

    Args:
        runs: A run or its folder, or all of them in a list.
        others: The other runs, or their folders.
        common: Compare the items that all runs have, where they have not the same ones.
        margin: In points (hundredths of a correlation): each pair is tested for being equivalent within it; None: not.
        seed: Of the resampling.

    Raises:
        ConfigError: A folder is no run, no two of the runs are of one benchmark and over the same items, or the margin
            is not above 0.
    """
    if margin is not None and not 0 < margin < 100:
        raise ConfigError(f"margin is {margin!r}: must be above 0 and below 100, in points")
    every = list_runs([*list_runs(runs), *others])
    reading = counted(every, "reading runs", unit="runs", total=len(every))
    opened = [up_to_date(run if isinstance(run, Run) else open_run(run)) for run in reading]
    _check(opened)
    if common or len(opened) == 2:
        _check_benchmarks(opened)
        return compare_finished(opened, common=common, margin=margin, seed=seed)
    among, left = largest_set(opened)
    if len(among) < 2:
        _check_benchmarks(opened)
        among, left = opened, ()
    return replace(compare_finished(among, margin=margin, seed=seed), others=left)


def compare_finished(
    opened: Sequence[Finished], *, common: bool = False, margin: float | None = None, seed: int = 0
) -> Comparison:
    """Compares runs that are read already; see `compare`."""
    share_contents(opened)
    ids, differing = _common_items(opened)
    left_out = tuple(sum(map(was_judged, each.outcomes.values())) - len(ids) for each in opened)
    if any(left_out) and not common:
        raise _different_items(opened, len(ids), left_out, differing)
    if not ids:
        raise ConfigError("the runs have no items in common; compare runs of the same items")
    labelled = [item for item in ids if opened[0].keys[item].labelled]
    outcomes = [[each.outcomes[item] for item in labelled] for each in opened]
    names = titles_of(opened)
    parts = _Parts(outcomes, opened[0], names, seed) if labelled else None
    whole = None if parts is None else parts.whole()
    alike = agreement_of(opened, ids)
    effects = () if whole is None else failure_effects(outcomes, opened[0].benchmark, whole.pairs, seed)
    measure = None if parts is None else parts.measure
    return Comparison(
        benchmark=opened[0].benchmark.name,
        title=benchmark_title([each.run for each in opened]),
        runs=tuple(_compared(each, name, at, whole) for at, (each, name) in enumerate(zip(opened, names, strict=True))),
        items=len(ids),
        left_out=left_out,
        whole=whole,
        sections=() if parts is None else parts.sections(),
        subsets=() if parts is None else parts.subsets(),
        agreement=alike.pairs,
        fleiss=alike.fleiss if len(opened) > 2 else None,
        krippendorff=alike.krippendorff if len(opened) > 2 else None,
        notes=(
            *_notes(opened, len(ids), left_out, len(labelled)),
            *_unrated_notes(names, outcomes),
            *_few(list(failure_notes(effects, names, measure))),
            *alike.notes,
        ),
        measure=measure,
        failures=effects,
        margin=None if whole is None else margin,
        equivalences=() if whole is None or parts is None or margin is None else parts.equivalences(margin / 100),
        components=() if whole is None else components_of(opened, labelled),
        rewards=reward_functions(opened, ids),
        best_of=best_of_n(opened, labelled),
        contenders=() if whole is None or parts is None or len(opened) < 3 else parts.contenders(),
    )


def _check(opened: Sequence[Finished]) -> None:
    paths = [each.path.resolve() for each in opened]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise ConfigError(f"{opened[paths.index(twice)].path}: named twice; name different runs")
    if len(opened) < 2:
        raise ConfigError("compare needs at least two runs; for one run use judgebench report")
    for each in opened:
        each.need_judgements()


def _check_benchmarks(opened: Sequence[Finished]) -> None:
    benchmarks = {each.run.manifest.benchmark: each.path for each in reversed(opened)}
    if len(benchmarks) > 1:
        said = ", ".join(f"{path} is {name}" for name, path in reversed(benchmarks.items()))
        raise ConfigError(f"the runs are of different benchmarks: {said}; compare runs of one benchmark")


def _common_items(opened: Sequence[Finished]) -> tuple[list[str], int]:
    """Ids of the items that all runs have, in order, and how many ids stand for different items."""
    first = opened[0]
    ids = [item for item, outcome in first.outcomes.items() if was_judged(outcome)]
    differing: set[str] = set()
    for other in opened[1:]:
        ids = [item for item in ids if item in other.outcomes and was_judged(other.outcomes[item])]
        if other.contents is not first.contents:
            differing |= {item for item in ids if first.contents.prints[item] != other.contents.prints[item]}
    return [item for item in ids if item not in differing], len(differing)


def _different_items(opened: Sequence[Finished], common: int, left_out: Sequence[int], differing: int) -> ConfigError:
    more = [f"{each.path} has {more} more" for each, more in zip(opened, left_out, strict=True)]
    beyond = ", ".join([*more[:_NAMED], *([f"and {len(more) - _NAMED} other runs"] if len(more) > _NAMED else [])])
    texts = f" ({differing} of them with the same id, but another text or label)" if differing else ""
    mend = f"--common compares the {common}" if common else "compare runs of the same items"
    return ConfigError(f"the runs have different items: {common} in common; {beyond}{texts}; {mend}")


def _compared(each: Finished, title: str, at: int, whole: Part | None) -> ComparedRun:
    estimate = None if whole is None else whole.scores[at]
    return ComparedRun(
        title=title,
        name=each.name,
        path=each.path,
        items=len(each.outcomes),
        score=None if estimate is None else estimate.score,
        low=None if estimate is None else estimate.low,
        high=None if estimate is None else estimate.high,
        group="" if whole is None or each.metrics.coverage < LEAST_COVERAGE else whole.groups[at],
        coverage=each.metrics.coverage,
        consistency=each.metrics.consistency,
    )


def _notes(opened: Sequence[Finished], items: int, left_out: Sequence[int], labelled: int) -> list[str]:
    notes = [note for each in opened for note in each.notes]
    if any(left_out):
        beyond = ", ".join(f"{each.path}: {more}" for each, more in zip(opened, left_out, strict=True) if more)
        notes.append(f"only the {items} items that all runs have are compared; left out: {beyond}")
    if labelled < items:
        notes.append(f"{items - labelled} of the {items} items have no label: they count only for agreement")
    if items <= 4:
        notes.append(
            f"{items} items are too few for a significant difference: at least 5 that all favour one run are needed"
        )
    return notes


def _few(notes: Sequence[str]) -> Sequence[str]:
    """The first notes on pairs of runs, and how many more there are."""
    rest = len(notes) - _NAMED
    return [*notes[:_NAMED], *([f"the same of {rest} more pairs of runs (--json)"] if rest > 0 else [])]


def _unrated_notes(names: Sequence[str], outcomes: Sequence[Sequence[Outcome]]) -> Iterator[str]:
    """Over which items correlations are, where runs have no rating of some."""
    without = [unrated(run) for run in outcomes]
    if any(without):
        said = ", ".join(f"{name}: {count}" for name, count in zip(names, without, strict=True) if count)
        yield (
            f"unrated items of {len(outcomes[0])} ({said}): each correlation is over the items that its run rated, "
            "also in the bootstrap"
        )


class _Parts:
    """The score, the sections and the subsets of runs over the same items, each pair of runs tested."""

    def __init__(self, outcomes: list[list[Outcome]], first: Finished, names: Sequence[str], seed: int) -> None:
        layout = first.benchmark.layout
        self._names = names
        self._paired = PairedRuns(outcomes, layout, first.benchmark.unit, seed=seed)
        resampling = counted(outcomes, "bootstrapping intervals", unit="runs", total=len(outcomes))
        self._scores = [official_scores(run, layout, seed=seed) for run in resampling]
        self._pairs = list(combinations(range(len(outcomes)), 2))

    @property
    def measure(self) -> Measure | None:
        """What the scores are, which is the same for all runs over the same items."""
        return next((scores.measure for scores in self._scores if scores.measure is not None), None)

    def whole(self) -> Part | None:
        estimates = []
        for scores in self._scores:
            if scores.score is None or scores.low is None or scores.high is None or not any(self._paired.whole):
                return None
            n = sum(each.n for each in scores.subsets.values())
            estimates.append(Estimate(scores.score, n, scores.low, scores.high))
        return self._tested({"score": (self._paired.whole, tuple(estimates))})[0]

    def equivalences(self, margin: float) -> tuple[Equivalence, ...]:
        """Each pair of runs held against a margin, over the score."""
        return tuple(equivalences(self._paired.part(self._paired.whole), self._pairs, margin))

    def contenders(self) -> tuple[Contender, ...]:
        """Each run against the best of the others, over the score."""
        whole = self._paired.part(self._paired.whole)
        return tuple(contenders(whole.scores, whole.drawn, whole.effective_n))

    def sections(self) -> tuple[Part, ...]:
        weights = self._paired.sections
        return self._tested({n: (w, tuple(s.sections[n] for s in self._scores)) for n, w in weights.items() if any(w)})

    def subsets(self) -> tuple[Part, ...]:
        return self._tested(
            {n: (w, tuple(s.subsets[n] for s in self._scores)) for n, w in self._paired.subsets.items()}
        )

    def _tested(self, parts: Mapping[str, tuple[list[float], tuple[Estimate, ...]]]) -> tuple[Part, ...]:
        """One family of tests: every part for every pair of runs."""
        if not parts:
            return ()
        alpha = ALPHA / (len(parts) * len(self._pairs))
        tested = [self._paired.part(weights) for weights, _ in parts.values()]
        tests = ((part, first, second) for part in tested for first, second in self._pairs)
        testing = counted(tests, "testing differences", unit="tests", total=len(tested) * len(self._pairs))
        every = iter([part.difference(first, second, alpha=alpha) for part, first, second in testing])
        found = [[next(every) for _ in self._pairs] for _ in tested]
        adjusted = holm([each.p for pairs in found for each in pairs]).reshape(len(parts), len(self._pairs))
        return tuple(
            Part(name, estimates, self._letters(estimates, p), tuple(pairs), tuple(p.tolist()))
            for (name, (_, estimates)), pairs, p in zip(parts.items(), found, adjusted, strict=True)
        )

    def _letters(self, estimates: Sequence[Estimate], p: Floats) -> tuple[str, ...]:
        return letters(self._names, [each.score for each in estimates], self._pairs, p.tolist())


def letters(
    names: Sequence[str], scores: Sequence[float], pairs: Sequence[tuple[int, int]], p: Sequence[float]
) -> tuple[str, ...]:
    """Letters for each run from the adjusted p of each pair; see `groups_not_told_apart`."""
    matrix = np.ones((len(names), len(names)))
    for (first, second), value in zip(pairs, p, strict=True):
        matrix[first, second] = matrix[second, first] = value
    found = groups_not_told_apart(names, scores, matrix)
    return tuple(found[name] for name in names)
