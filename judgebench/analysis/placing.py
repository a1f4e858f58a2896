"""What makes a board of places: ranks, letters, the Pareto front, published figures and the order."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from judgebench._util.text import difference_text
from judgebench.analysis.board import FIGURES, Board, Place
from judgebench.analysis.failures import failure_notes
from judgebench.analysis.published import published_of
from judgebench.analysis.ranking import MANY
from judgebench.metrics.rankings import undominated
from judgebench.metrics.summary import LEAST_COVERAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from judgebench.analysis.published import Published
    from judgebench.analysis.ranking import Ranking
    from judgebench.benchmarks.base import Benchmark
    from judgebench.metrics.summary import Metrics


SORTS = ("score", "judge", "cost", "coverage")
"""What a leaderboard can be sorted by, beside the name of a section."""


class BoardOf(NamedTuple):
    """What a board is of.

    Attributes:
        sections: Those that runs have, in the published order.
        items: How many items the ranked runs share; None where none is ranked.
        published: Whether published figures stand beside the runs.
        sort: What it is sorted by.
    """

    benchmark: Benchmark
    sections: Sequence[str]
    items: int | None
    published: bool
    sort: str


def finished_board(
    places: list[Place], alike: Sequence[int], ranking: Ranking, notes: Sequence[str], about: BoardOf
) -> Board:
    """A board of places, in their order.

    Args:
        places: All of its runs.
        alike: The numbers of those that were compared.
        ranking: What came of it.
        notes: What a reader must know.
        about: What it is of.
    """
    benchmark, sections, notes = about.benchmark, tuple(about.sections), list(notes)
    ranked = [places[at] for at in alike]
    if about.published:
        figures = published_of(benchmark.name)
        places = [*places, *(_published(each) for each in figures)]
        there = {*sections, *(name for each in figures for name in each.sections)}
        sections = tuple(name for name in benchmark.layout.named(there) if name in there)
        for note in dict.fromkeys(each.note for each in figures if each.note):
            notes.append(f"{', '.join(each.name for each in figures if each.note == note)}: {note}")
        for source in dict.fromkeys((each.source, each.date) for each in figures):
            among = ", ".join(each.name for each in figures if (each.source, each.date) == source)
            notes.append(f"published, not reproduced: {among} ({', '.join(source)})")
    places = sorted(places, key=_order(about.sort))
    shown = tuple(name for name in FIGURES if any(name in place.figures for place in places))
    stands = [next(to for to, place in enumerate(places) if place is each) for each in ranked]
    effects = tuple(replace(e, first=stands[e.first], second=stands[e.second]) for e in ranking.failures)
    board = Board(benchmark.name, benchmark.title, sections, shown, tuple(places), about.items, tuple(notes))
    return replace(board, letters_of=ranking.of, failures=effects)


def with_ranks(given: Sequence[Place], alike: Sequence[int], ranking: Ranking) -> list[Place]:
    """Places with what is known from comparing those of runs over the same items.

    Args:
        given: All of a board's runs.
        alike: The numbers of those that were compared.
        ranking: What came of it, by their numbers among these.
    """
    within = {at: number for number, at in enumerate(alike)}
    places = [
        replace(
            place,
            group=ranking.letters.get(within.get(at, -1), ""),
            section_groups={name: each[within[at]] for name, each in ranking.section_letters.items() if at in within},
            other_items=place.score is not None and at not in within and not place.low_coverage,
        )
        for at, place in enumerate(given)
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


def is_low(metrics: Metrics) -> bool:
    """Whether too few judgements have a verdict for the score to be ranked."""
    return metrics.coverage < LEAST_COVERAGE


def ranking_notes(ranking: Ranking, ranked: Sequence[Place]) -> Iterator[str]:
    """What a reader must know of a ranking: the best of many scores is too high, and what failures decide."""
    measure = next((place.measure for place in ranked), None)
    if ranking.excess is not None and len(ranked) >= MANY:
        excess = difference_text(ranking.excess, measure).removeprefix("+")
        yield (
            f"the best of {len(ranked)} scores is too high on average (winner's curse), by {excess} if all runs are "
            "equally good, and its interval ignores that: compare ranks, or judge the best again on new items"
        )
    yield from failure_notes(ranking.failures, [place.label for place in ranked], measure)


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
