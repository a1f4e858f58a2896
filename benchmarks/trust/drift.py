"""`judgebench drift`: false alarms without a change, changes that are found, and intervals of the parts.

Items with a chance of a positive verdict each, 0.02 or 0.98 but for a few; a change turns some of them round.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.trust.row import Row
from judgebench.analysis.drifted import ALPHA
from judgebench.metrics.drift import flip_test, mean_change, rest_of, score_change, shift_p

if TYPE_CHECKING:
    from judgebench.metrics.intervals import Floats


def chances(rng: np.random.Generator, items: int, noise: float, group: int = 1) -> Floats:
    """Of each item the chance of a positive verdict; those of a group are alike."""
    likely = np.repeat(rng.random(-(-items // group)) < 0.6, group)[:items]
    return np.where(likely, 1 - noise, noise)


def replies(rng: np.random.Generator, chance: Floats, samples: int) -> Floats:
    """Verdicts, shape (items, samples)."""
    return (rng.random((len(chance), samples)) < chance[:, None]).astype(float)


def alarm(
    rng: np.random.Generator,
    items: int = 120,
    *,
    noise: float = 0.05,
    samples: tuple[int, int] = (3, 3),
    group: int = 1,
    turned: float = 0.0,
    one_way: bool = True,
) -> bool:
    """Whether one comparison of two dates says that the judge changed."""
    first = chances(rng, items, noise, group)
    second = np.where(rng.random(items) < turned, noise if one_way else 1 - first, first)
    one, other = replies(rng, first, samples[0]), replies(rng, second, samples[1])
    units = [str(at // group) for at in range(items)]
    tests = [shift_p(other.mean(axis=1) - one.mean(axis=1), units)]
    flips = flip_test([(tuple(a), tuple(b)) for a, b in zip(one.tolist(), other.tolist(), strict=True)]).p
    tests += [] if flips is None else [flips]
    return any(p <= ALPHA / len(tests) for p in tests)


def alarms(runs: int, **options: object) -> float:
    """The share of comparisons that say so."""
    rng = np.random.default_rng(8)
    return float(np.mean([alarm(rng, **options) for _ in range(runs)]))  # type: ignore[arg-type]


def covered(runs: int, *, part: str, items: int, group: int = 1, turned: float = 0.05) -> float:
    """The share of intervals that hold the change of the judge's part, or of the system's."""
    rng, held = np.random.default_rng(9), 0
    shift, moved = -turned * 0.6 * 0.9, 0.08
    for _ in range(runs):
        anchors = chances(rng, items, 0.05, group)
        changed = np.where((anchors > 0.5) & (rng.random(items) < turned), 0.05, anchors)
        units = [str(at // group) for at in range(items)]
        judge = mean_change(replies(rng, changed, 1).mean(1) - replies(rng, anchors, 1).mean(1), units)
        if part == "judge":
            held += judge.low <= shift <= judge.high
            continue
        before = chances(rng, items, 0.05)
        after = np.where(rng.random(items) < 0.6 + moved / 0.9, 0.95, 0.05)
        after = np.where((after > 0.5) & (rng.random(items) < turned), 0.05, after)
        sides = replies(rng, before, 1).mean(1), replies(rng, after, 1).mean(1)
        names = tuple([f"{side}{at}" for at in range(items)] for side in "ab")
        system = rest_of(score_change(*sides, (names[0], names[1]), shares=True), judge)
        true = moved - turned * (0.6 + moved / 0.9) * 0.9 - shift
        held += system.low <= true <= system.high
    return held / runs


def _still(name: str, **options: object) -> Row:
    return Row(f"no change, {name}: alarm", "at most 5%", partial(alarms, **options), high=0.05 + 0.014)


def _changed(name: str, **options: object) -> Row:
    return Row(f"{name}: found", "at least 80%", partial(alarms, **options), low=0.8 - 0.025)


ROWS = [
    _still("120 items, 3 samples, noise 5%"),
    _still("120 items, 3 samples, noise 30%", noise=0.3),
    _still("120 items, 3 samples, no noise", noise=0.0),
    _still("120 items, 1 sample", samples=(1, 1)),
    _still("120 items, 2 samples (one of them a retest), then 1", samples=(2, 1)),
    _still("120 items in groups of 4", group=4),
    _still("15 items, 3 samples", items=15),
    _changed("120 items, 3 samples, 15% of verdicts turned to one class", turned=0.15),
    _changed("120 items, 3 samples, 10% of verdicts turned round", turned=0.1, one_way=False),
    _changed("120 items, 2 samples then 1, 15% of verdicts turned round", samples=(2, 1), turned=0.15, one_way=False),
    *(
        Row(f"{part}'s part, {items} items{said}: interval holds it", "at least 93%", simulate, low=0.93 - 0.014)
        for part, items, said, simulate in (
            ("judge", 100, "", partial(covered, part="judge", items=100)),
            ("judge", 20, "", partial(covered, part="judge", items=20)),
            ("system", 100, "", partial(covered, part="system", items=100)),
            ("system", 20, "", partial(covered, part="system", items=20)),
        )
    ),
]
