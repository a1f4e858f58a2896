"""The gate of `judgebench validate`: how often a judge that is exactly at the need is called trusted or not trusted."""

from __future__ import annotations

import math
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.trust.row import Row
from judgebench.metrics.ceiling import grade_rows, label_rows
from judgebench.metrics.gate import decide

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgebench.metrics.ceiling import ReferenceRows
    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.resampling import Ints

    Drawn = tuple[ReferenceRows, Floats, Ints]
    Draw = Callable[[np.random.Generator, int], Drawn]

RUNS = 500
LARGE = 40_000
MOST = 0.05 + 2 * math.sqrt(0.05 * 0.95 / RUNS)


def labels(rng: np.random.Generator, n: int, *, people: int = 1, group: int = 1, unequal: bool = False) -> Drawn:
    """Labels of two classes, 70 to 30.

    Two items in five are hard: people are right in 75 and 97%, the judge in 65 and 93%, and 3% of its replies have no
    verdict. Items of a group are all hard or all easy, and in half of them of one class. Where items are drawn
    unequally, hard ones have 0.8 and easy ones 0.2.
    """
    groups = np.arange(n) // group
    share_hard = 0.4 if not unequal else 0.4 * 0.8 / (0.4 * 0.8 + 0.6 * 0.2)
    hard = (rng.random(n) < share_hard)[groups]
    truth = np.where(rng.random(n) < 0.5, (rng.random(n) < 0.3)[groups], rng.random(n) < 0.3).astype(int)

    def said(easy: float, difficult: float) -> Ints:
        right = rng.random(n) < np.where(hard, difficult, easy)
        return np.where(right, truth, 1 - truth)

    judge = np.where(rng.random(n) < 0.03, 2, said(0.93, 0.65))
    given = truth[None] if people == 1 else np.stack([said(0.97, 0.75) for _ in range(people)])
    rows = label_rows([[each] for each in given.T.tolist()], [[{each: 1.0}] for each in judge.tolist()], 2)
    weight = np.where(hard, 1 / 0.8, 1 / 0.2) if unequal else np.ones(n)
    return rows, weight, groups


def grades(rng: np.random.Generator, n: int) -> Drawn:
    """Grades from 1 to 5, which the judge gives likewise in 85% and at random in the others."""
    truth = rng.integers(1, 6, n)
    judge = np.where(rng.random(n) < 0.85, np.clip(truth + rng.integers(-1, 2, n), 1, 5), rng.integers(1, 6, n))
    rows = grade_rows([[float(each)] for each in truth], [float(each) for each in judge])
    return rows, np.ones(n), np.arange(n)


def decided(n: int, name: str, draw: Draw, *, against_people: bool, runs: int) -> float:
    """The share of runs in which the gate decides though the judge is exactly at the need."""
    need, rng, count = truth_of(name, draw, against_people), np.random.default_rng(n), 0
    for _ in range(runs):
        rows, weight, unit = draw(rng, n)
        every = np.ones(n, dtype=bool)
        found = (rows.of_difference if against_people else rows.of_judge)(name, weight, unit, every)
        count += found is not None and decide(found, need) != "cannot_say"
    return count / runs


@cache
def truth_of(name: str, draw: Draw, against_people: bool) -> float:
    """The figure over very many items."""
    rows, weight, _ = draw(np.random.default_rng(7), LARGE)
    figure = rows.figures[name]
    judge = float(figure((rows.judge * weight[:, None]).sum(axis=0)))
    return judge - float(figure((rows.people * weight[:, None]).sum(axis=0))) if against_people else judge


def _row(n: int, said: str, name: str, draw: Draw, *, against_people: bool = False) -> Row:
    what = {"agreement": "agreement", "kappa": "kappa", "pearson": "Pearson's r"}[name]
    simulate = partial(decided, n, name, draw, against_people=against_people)
    return Row(f"{what}, {n} labels{said}", "at most 5%", lambda runs: simulate(runs=runs), high=MOST, runs=RUNS)


_GROUPED = {n: partial(labels, group=4) for n in (20, 60, 300)}
_UNEQUAL = partial(labels, unequal=True)
_BOTH = partial(labels, unequal=True, group=2)
_PEOPLE = partial(labels, people=3)
_PEOPLE_GROUPED = partial(labels, people=3, group=3)
_SIZES = (20, 60, 300)

ROWS = [
    *(_row(n, "", "agreement", labels) for n in _SIZES),
    *(_row(n, "", "kappa", labels) for n in _SIZES),
    *(_row(n, " in groups of 4", "agreement", _GROUPED[n]) for n in _SIZES),
    *(_row(n, " drawn with 0.2 and 0.8", "agreement", _UNEQUAL) for n in _SIZES),
    *(_row(n, " drawn with 0.2 and 0.8, in groups of 2", "kappa", _BOTH) for n in _SIZES),
    *(_row(n, " by three people, against their own", "agreement", _PEOPLE, against_people=True) for n in _SIZES),
    *(_row(n, " by three people, in groups of 3, against their own", "kappa", _PEOPLE_GROUPED, against_people=True)
      for n in _SIZES),
    *(_row(n, "", "pearson", grades) for n in _SIZES),
]  # fmt: skip
"""The gate where the judge is exactly at the need."""
