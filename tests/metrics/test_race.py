"""A race of wordings: who is dropped, who leads, and how often it is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.trust.tune import tuned
from judgebench.metrics.race import Race


def test_what_is_clearly_worse_is_dropped():
    """64 items on which one is always right and the other never settle it, long before all 1,000."""
    race = Race(2, 1000)
    race.add({0: [0.0] * 64, 1: [1.0] * 64})
    assert (race.live, race.dropped, race.over, race.gain(1)) == ([1], {0: 64}, True, 1.0)


def test_a_small_lead_drops_nobody():
    """5 points on 40 items may be chance; the leader is the one ahead, of equal ones the first."""
    race = Race(3, 40)
    race.add({0: [1.0] * 28 + [0.0] * 12, 1: [1.0] * 30 + [0.0] * 10, 2: [1.0] * 30 + [0.0] * 10})
    assert (race.live, race.leader, race.gain(1)) == ([0, 1, 2], 1, pytest.approx(0.05))


def test_what_is_not_known_counts_against_dropping():
    """Without credits of the leader nothing is dropped, however many items there are."""
    race = Race(2, 400)
    race.add({0: [0.0] * 400, 1: [1.0] * 10 + [math.nan] * 390})
    assert (race.live, race.leader) == ([0, 1], 1)


def test_without_a_test_all_go_on():
    """Scores that are no means drop nobody on the way."""
    race = Race(2, 64, testing=False)
    race.add({0: [0.0] * 64, 1: [1.0] * 64})
    assert race.live == [0, 1]


def test_no_false_gain_and_the_planted_best_found():
    """Small and seeded: at most 4 of 60 tunings with nothing to find report a gain, and 19 of 20 find 20 points."""
    null = [tuned(np.random.default_rng([5, run]), [0.7] * 3, 60, 60)[1] > 0 for run in range(60)]
    planted = [tuned(np.random.default_rng([6, run]), [0.7, 0.7, 0.9], 200, 200) for run in range(20)]
    assert sum(null) <= 4
    assert sum(winner == 2 and low > 0 for winner, low, _ in planted) >= 19
