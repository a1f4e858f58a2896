"""What `tune` promises: no gain where there is none, and the best wording where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.trust.row import Row
from judgebench.items import ItemKey, Outcome
from judgebench.metrics.accuracy import Layout
from judgebench.metrics.race import Race
from judgebench.metrics.sequential import last_look
from judgebench.protocols import blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RUNS = 1000
_LAYOUT = Layout(overall="items")


def tuned(rng: np.random.Generator, shares: Sequence[float], train: int, held: int) -> tuple[int, float, bool]:
    """One tuning: which wording won the race (0: the present one), its low end on the held-out items, the best dropped.

    Args:
        rng: Draws the verdicts.
        shares: How often each wording is right; two agree as far as an item is easy or hard for all.
        train: How many items the race has.
        held: How many are held out.
    """
    items = np.concatenate([rng.uniform(size=(1, train + held)) for _ in shares])
    shared = rng.uniform(size=train + held)
    common = rng.uniform(size=train + held) < 0.6  # of these items all wordings depend on the same draw
    right = (np.where(common, shared, items) < np.asarray(shares)[:, None]).astype(float)
    race = Race(len(shares), train)
    for block in blocks(range(train)):
        race.add({arm: right[arm, list(block)] for arm in race.live})
        if race.over:
            break
    winner = race.leader
    dropped = int(np.argmax(shares)) in race.dropped
    if not winner:
        return 0, 0.0, dropped
    first, second = (_outcomes(right[arm, train:]) for arm in (winner, 0))
    return winner, last_look(first, second, _LAYOUT, lambda key: key.unit, alpha=0.05).low, dropped


def _outcomes(right: np.ndarray) -> list[Outcome]:
    return [Outcome(ItemKey(str(at), "all", 2, 1, (1, 1)), *3 * [float(each)]) for at, each in enumerate(right)]


def _share(seed: int, of: Callable[[np.random.Generator], bool], runs: int) -> float:
    return sum(of(np.random.default_rng([seed, run])) for run in range(runs)) / runs


def false_gain(runs: int, *, arms: int = 6, train: int = 200, held: int = 200) -> float:
    """How often a gain is reported where all wordings are equally good."""
    return _share(1, lambda rng: tuned(rng, [0.7] * arms, train, held)[1] > 0, runs)


def found(runs: int, *, gain: float = 0.12, train: int = 400, held: int = 400) -> float:
    """How often the one better wording among five wins and is shown to be better."""

    def one(rng: np.random.Generator) -> bool:
        winner, low, _ = tuned(rng, [0.7, 0.7, 0.68, 0.7 + gain, 0.7, 0.66], train, held)
        return winner == 3 and low > 0

    return _share(2, one, runs)


def best_dropped(runs: int) -> float:
    """How often the race drops the best wording."""
    return _share(3, lambda rng: tuned(rng, [0.7, 0.72, 0.74, 0.7, 0.6], 600, 60)[2], runs)


ROWS = [
    Row("gain reported, 5 candidates no better, 200 + 200 items", "at most 5%", false_gain, high=0.05, runs=RUNS),
    Row(
        "gain reported, 1 candidate no better, 40 + 40 items",
        "at most 5%",
        lambda runs: false_gain(runs, arms=2, train=40, held=40),
        high=0.05,
        runs=RUNS,
    ),
    Row("best candidate (+12 points) found and shown, 400 + 400 items", "at least 90%", found, low=0.9, runs=RUNS),
    Row("best candidate dropped by the race", "at most 5%", best_dropped, high=0.05, runs=RUNS),
]
