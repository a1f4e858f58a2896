"""`judgebench cascade --agreement`: what is answered agrees with people as often as is guaranteed.

Populations of 200,000 items, of which a run labels some; the true agreement of a threshold is that of the population.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.trust.row import Row
from judgebench.metrics.selection_guarantee import select, select_in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.selection_guarantee import SelectiveTest

AGREEMENT, CONFIDENCE = 0.9, 0.95
SIZE = 200_000
GOOD, AT_THE_EDGE, TURNED, HOLLOW = "good", "uninformative, agreement 89.5%", "anti-informative", "worst in the middle"

SHAPES: dict[str, Callable[[Floats], Floats]] = {
    GOOD: lambda u: 1 - 0.4 * u,
    AT_THE_EDGE: lambda u: np.full_like(u, 0.895),
    TURNED: lambda u: 0.84 + 0.1 * u,
    HOLLOW: lambda u: np.where((u > 0.3) & (u < 0.5), 0.72, 0.945),
}
"""The chance that a verdict agrees, by uncertainty from 0 to 1."""


class Population(NamedTuple):
    """Of each judge the uncertainty about each item, and whether it agrees with people, shape (judges, items)."""

    uncertainty: Floats
    right: Floats
    unit: Floats
    weight: Floats


@cache
def population(shapes: tuple[str, ...], levels: int = 0, group: int = 1, *, weighted: bool = False) -> Population:
    """Judges of these shapes; where one is wrong, the next one is right half of the time."""
    rng = np.random.default_rng(17)
    unsure = np.stack([np.repeat(rng.random(SIZE // group), group) for _ in shapes])
    drawn = rng.random((len(shapes), SIZE))
    drawn[1::2] = np.where(rng.random(SIZE) < 0.5, 1 - drawn[:1], drawn[1::2])
    chance = np.stack([SHAPES[name](each) for name, each in zip(shapes, unsure, strict=True)])
    if group > 1:
        drawn = np.repeat(drawn[:, ::group], group, axis=1)
    right = (drawn < chance).astype(float)
    if levels:
        unsure = np.floor(unsure * levels) / levels
    weight = np.where(unsure[0] < 0.5, 3.0, 1.0) if weighted else np.ones(SIZE)
    return Population(unsure, right, np.arange(SIZE) // group, weight)


def kept(
    shapes: tuple[str, ...], labels: int, levels: int = 0, group: int = 1, *, weighted: bool = False
) -> Callable[[int], float]:
    """The share of runs in which what is answered agrees often enough in the population, or nothing is guaranteed."""

    def share(runs: int) -> float:
        people = population(shapes, levels, group, weighted=weighted)
        rng = np.random.default_rng(5)
        return float(np.mean([_is_kept(people, labels // group, rng) for _ in range(runs)]))

    return share


def _is_kept(people: Population, units: int, rng: np.random.Generator) -> bool:
    group = int((people.unit == 0).sum())
    drawn = rng.choice(SIZE // group, units, replace=False)
    rows = (drawn[:, None] * group + np.arange(group)).ravel()
    weight = people.weight[rows]
    if np.ptp(weight) > 0:  # drawn with probability 1 over the weight
        rows = rows[rng.random(len(rows)) < 1 / weight]
        weight = people.weight[rows]
    options = {
        "agreement": AGREEMENT,
        "confidence": CONFIDENCE,
        "units": [str(each) for each in people.unit[rows]] if group > 1 else None,
        "weights": weight if np.ptp(weight) > 0 else None,
    }
    if len(people.right) == 1:
        found = [select(people.uncertainty[0, rows], people.right[0, rows], **options)]
    else:
        found = select_in_turn([*people.uncertainty[:, rows]], [*people.right[:, rows]], **options)
    return true_agreement(people, found) >= AGREEMENT


def true_agreement(people: Population, found: list[SelectiveTest]) -> float:
    """Of all that is answered in the population; 1 where nothing is."""
    left, right, answered = np.ones(SIZE, dtype=bool), 0.0, 0
    for each, uncertainty, agrees in zip(found, people.uncertainty, people.right, strict=True):
        if each.shown:
            taken = left if each.threshold is None else left & (uncertainty < each.threshold)
            right, answered = right + float(agrees[taken].sum()), answered + int(taken.sum())
            left = left & ~taken
    return right / answered if answered else 1.0


def _row(name: str, simulate: Callable[[int], float]) -> Row:
    return Row(name, "at least 95%", simulate, low=0.95 - 0.014)


ROWS = [
    *(_row(f"one judge, 200 labels, uncertainty {name}", kept((name,), 200)) for name in SHAPES),
    _row("one judge, 1,000 labels, uncertainty good", kept((GOOD,), 1000)),
    _row("one judge, 200 labels, four levels of uncertainty", kept((GOOD,), 200, 4)),
    _row("one judge, 200 labels in groups of 4 that agree or not together", kept((AT_THE_EDGE,), 200, group=4)),
    _row("one judge, 600 items, the certain half labelled with a chance of 1/3", kept((HOLLOW,), 600, weighted=True)),
    _row("cascade of two, 400 labels, good then good", kept((GOOD, GOOD), 400)),
    _row("cascade of two, 400 labels, uninformative then good", kept((AT_THE_EDGE, GOOD), 400)),
    _row("cascade of three, 600 labels, anti-informative, uninformative, good", kept((TURNED, AT_THE_EDGE, GOOD), 600)),
]
