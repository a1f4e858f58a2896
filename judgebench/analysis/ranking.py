"""Runs over the same items in order: who is shown to be better than whom, and between which ranks each may be."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

from judgebench._util.steps import counted
from judgebench.analysis.compare import letters
from judgebench.analysis.failures import failure_effects
from judgebench.metrics.equivalence import contenders
from judgebench.metrics.paired import ALPHA, PairedRuns
from judgebench.metrics.rankings import holm, rank_intervals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.analysis.failures import FailureEffect
    from judgebench.metrics.equivalence import Contender
    from judgebench.metrics.paired import PairedScores
    from judgebench.metrics.pairedcounts import CountedScores
    from judgebench.runs import Finished

    Scores = PairedScores | CountedScores

MANY = 5
"""From so many runs on, the best score is said to be too high by the choice of the best."""


@dataclass(frozen=True)
class Ranking:
    """What is known of runs over the same items, by their numbers.

    Attributes:
        tests: P of each pair, Holm-corrected.
        letters: Two runs share one exactly where they are not significantly different.
        of: The section that the letters are of; None for the score.
        section_letters: The same for each section, corrected for all of them.
        beaten: Pairs of which the first is significantly better than the second.
        ranks: Between which ranks each is, 95% of the time.
        contenders: Each of three and more runs against the best of the others, by their numbers.
        excess: By how much the best of so many runs would be above the truth on average, were all equally good.
        failures: What failures do to the difference of the best run and each other.
    """

    tests: dict[tuple[int, int], float] = field(default_factory=dict)
    letters: dict[int, str] = field(default_factory=dict)
    of: str | None = None
    section_letters: dict[str, dict[int, str]] = field(default_factory=dict)
    beaten: frozenset[tuple[int, int]] = frozenset()
    ranks: dict[int, tuple[int, int]] = field(default_factory=dict)
    contenders: tuple[Contender, ...] = ()
    excess: float | None = None
    failures: tuple[FailureEffect, ...] = ()


def rank_runs(runs: Sequence[Finished], items: Sequence[str], sort: str, seed: int) -> Ranking:
    """Tests every pair of runs.

    Args:
        runs: Of one benchmark, over the same items.
        items: Ids of those that count for the score.
        sort: What the board is sorted by; of a section, the letters are the section's.
        seed: Of the resampling.
    """
    if len(runs) < 2:
        return Ranking()
    benchmark = runs[0].benchmark
    outcomes = [[run.outcomes[item] for item in items] for run in runs]
    paired = PairedRuns(outcomes, benchmark.layout, benchmark.unit, seed=seed)
    if not any(paired.whole):
        return Ranking()
    whole = paired.part(paired.whole)
    found = ranking_of(whole, {n: paired.part(w) for n, w in paired.sections.items() if any(w)}, sort)
    if not any(outcome.failed for run in outcomes for outcome in run):
        return found
    best = max(range(len(runs)), key=whole.scores.tolist().__getitem__)
    differences = [whole.difference(best, other) for other in range(len(runs)) if other != best]
    return replace(found, failures=failure_effects(outcomes, benchmark, differences, seed))


def ranking_of(whole: Scores, sections: Mapping[str, Scores], sort: str) -> Ranking:
    """What is known of several runs from the tests of every pair; without what failures do to it.

    Args:
        whole: Their scores.
        sections: Those of each section.
        sort: As in `rank_runs`.
    """
    p = _adjusted(whole)
    in_sections = _section_letters(sections)
    scores = whole.scores.tolist()
    better = [(at, other) if scores[at] > scores[other] else (other, at) for at, other in p]
    return Ranking(
        tests=p,
        letters=in_sections.get(sort) or _letters(whole, p),
        of=sort if sort in in_sections else None,
        section_letters=in_sections,
        beaten=frozenset(pair for pair, value in zip(better, p.values(), strict=True) if value <= ALPHA),
        ranks=dict(enumerate(rank_intervals(whole.scores, whole.drawn, whole.effective_n))),
        contenders=tuple(contenders(whole.scores, whole.drawn, whole.effective_n)) if len(scores) > 2 else (),
        excess=float((whole.drawn - whole.scores[:, None]).max(axis=0).mean()),
    )


def _adjusted(part: Scores) -> dict[tuple[int, int], float]:
    """P of each pair after Holm's correction."""
    pairs = list(combinations(range(len(part.scores)), 2))
    testing = counted(pairs, "testing differences", unit="pairs of runs", total=len(pairs))
    return dict(zip(pairs, holm([part.p(first, second) for first, second in testing]).tolist(), strict=True))


def _section_letters(parts: Mapping[str, Scores]) -> dict[str, dict[int, str]]:
    """Letters in each section, from one family of tests, as `judgebench compare` has them."""
    if not parts:
        return {}
    pairs = list(combinations(range(len(next(iter(parts.values())).scores)), 2))
    tests = [(part, *pair) for part in parts.values() for pair in pairs]
    testing = counted(tests, "testing sections", unit="tests", total=len(tests))
    adjusted = holm([part.p(first, second) for part, first, second in testing]).reshape(len(parts), len(pairs))
    return {
        name: _letters(part, dict(zip(pairs, p.tolist(), strict=True)))
        for (name, part), p in zip(parts.items(), adjusted, strict=True)
    }


def _letters(part: Scores, p: dict[tuple[int, int], float]) -> dict[int, str]:
    names = [str(at) for at in range(len(part.scores))]
    return dict(enumerate(letters(names, part.scores.tolist(), list(p), list(p.values()))))
