"""Reward models compared as functions: how alike their scores are, and what they choose among N answers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import combinations
from statistics import fmean, median_low
from typing import TYPE_CHECKING

from judgebench._util.table import Column, Table
from judgebench.metrics.bestofn import any_right, best_of, sizes_up_to
from judgebench.metrics.rewarddistance import RewardDistance, reward_distance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench._util.table import Columns
    from judgebench.runs import Finished

_MANY = 3
"""From so many answers on an item says something about the best of N."""


BEST_OF = (
    "best of N: how often the highest-scored of N random answers to a prompt is right; possible: how often one of "
    "them is"
)
"""What the curve's columns are."""


@dataclass(frozen=True, slots=True)
class RewardPair:
    """Two reward models as functions.

    Attributes:
        first: The number of one run in the comparison, from 0.
        second: That of the other.
        found: How alike they are.
    """

    first: int
    second: int
    found: RewardDistance


@dataclass(frozen=True, slots=True)
class BestOf:
    """What reward models choose among N answers.

    Attributes:
        n: How many answers are drawn of an item's.
        runs: The numbers of the reward models' runs, from 0.
        right: For each of them how often its choice is right.
        possible: How often one of the N is right at all.
        items: Over how many items.
    """

    n: int
    runs: tuple[int, ...]
    right: tuple[float, ...]
    possible: float
    items: int


def reward_functions(opened: Sequence[Finished], items: Sequence[str]) -> tuple[RewardPair, ...]:
    """Every pair of reward models among runs; empty of judges, and where items have one completion each."""
    scores = _scores(opened, items)
    found = []
    for first, second in combinations(scores, 2):
        both = [item for item in items if scores[first][item] and scores[second][item]]
        pair = reward_distance([scores[first][item] for item in both], [scores[second][item] for item in both])
        if pair is not None:
            found.append(RewardPair(first, second, pair))
    return tuple(found)


def best_of_n(opened: Sequence[Finished], items: Sequence[str]) -> tuple[BestOf, ...]:
    """The best-of-N curve of the reward models among runs, over labelled items of three answers and more.

    It goes up to the number of answers that at least half of these items have, over those items alone: every N is of
    the same items.
    """
    scores = _scores(opened, items)
    keys = opened[0].keys
    many = [item for item in items if keys[item].k >= _MANY and keys[item].num_correct]
    many = [item for item in many if all(own[item] for own in scores.values())]
    if not scores or not many:
        return ()
    most = median_low(keys[item].k for item in many)
    many = [item for item in many if keys[item].k >= most]
    right = {item: [at < keys[item].num_correct for at in range(keys[item].k)] for item in many}
    return tuple(
        BestOf(
            n,
            tuple(scores),
            tuple(fmean(best_of(own[item], right[item], n) for item in many) for own in scores.values()),
            fmean(any_right(right[item], n) for item in many),
            len(many),
        )
        for n in sizes_up_to(most)
    )


def _scores(opened: Sequence[Finished], items: Sequence[str]) -> dict[int, dict[str, list[float]]]:
    """By the number of a reward model's run, an item's scores; none where one is missing."""
    found = {}
    for number, each in enumerate(opened):
        if each.run.manifest.scores is None or any(key.steps for key in each.keys.values()):
            continue
        own = {item: each.outcomes[item].scores for item in items}
        found[number] = {
            item: [value for value in rows[0] if value is not None] if rows and None not in rows[0] else []
            for item, rows in own.items()
        }
    return found


def functions_table(pairs: Sequence[RewardPair]) -> Table:
    """Each pair of reward models."""
    columns: Columns = {
        Column("runs", names=True): lambda each: f"{each.first + 1} - {each.second + 1}",
        Column("distance", "coefficient"): lambda each: each.found.distance,
        Column("r2", "coefficient", head="R²"): lambda each: each.found.r2,
        Column("spearman", "coefficient", head="Spearman"): lambda each: each.found.spearman,
        Column("completions", "tokens"): lambda each: each.found.completions,
    }
    return Table.of(pairs, columns, title="Reward functions")


def best_of_table(curve: Sequence[BestOf], names: Sequence[str] = (), notes: Sequence[str] = ()) -> Table:
    """A row an N, a column a reward model: under its name, or its number among the runs."""
    columns: Columns = {Column("n", "count", head="N", names=True): lambda each: each.n}
    for place, name in enumerate(names or [str(run + 1) for run in curve[0].runs]):
        columns[Column(name, "share")] = partial(_right, place)
    columns[Column("possible", "share")] = lambda each: each.possible
    return Table.of(curve, columns, title="Best of N", about=f"{curve[0].items:,} items", notes=list(notes))


def _right(place: int, each: BestOf) -> float:
    return each.right[place]


def function_lines(pairs: Sequence[RewardPair], curve: Sequence[BestOf]) -> Iterator[str]:
    """What the columns are."""
    if pairs:
        yield (
            "distance of reward functions: 0 equal up to shift and scale per prompt, 1 opposite; R² and Spearman: of "
            "the scores less their prompt's mean"
        )
    if curve:
        yield BEST_OF
