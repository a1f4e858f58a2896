"""Whether a judge changed between two dates, and what of a score's change is its own."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest

from benchmarks.trust import drift
from judgebench.metrics.drift import Shift, flip_test, mean_change, rest_of, score_change, shift_p


def exactly(questions):
    """The chance of so large a sum of between less within, over all ways to part the replies of each question."""

    def apart(one, other):
        between = [Fraction(a != b) for a in one for b in other]
        within = [[Fraction(a != b) for a, b in combinations(said, 2)] for said in (one, other)]
        within = [sum(each) / len(each) for each in within if each]
        return sum(between) / len(between) - sum(within) / len(within)

    ways = []
    for first, second in questions:
        every, places = [*first, *second], range(len(first) + len(second))
        ways.append(
            [
                apart([every[at] for at in chosen], [every[at] for at in places if at not in chosen])
                for chosen in combinations(places, len(first))
            ]
        )
    observed = sum(apart(*each) for each in questions)
    return float(np.mean([sum(each) >= observed for each in product(*ways)]))


def test_the_test_is_that_of_all_ways_to_part_the_replies():
    """Three questions with 2 and 2 replies and one with 2 and 1, counted out: 6 x 6 x 6 x 3 ways."""
    questions = [("AA", "BB"), ("AB", "BB"), ("AA", "AA"), ("AA", "B")]
    found = flip_test([(tuple(first), tuple(second)) for first, second in questions])
    assert found.p == pytest.approx(exactly(questions), abs=0.02)
    assert (found.questions, found.repeated) == (4, 4)
    assert found.between == pytest.approx((1 + 0.5 + 0 + 1) / 4)
    assert found.noise == pytest.approx((0 + 0.5 + 0 + 0) / 4)


def test_without_several_replies_flips_are_counted_and_not_tested():
    """One reply on either date: nothing tells noise from change."""
    found = flip_test([(("A",), ("A",)), (("A",), ("B",))])
    assert (found.flips, found.p, found.excess, found.repeated) == (0.5, None, None, 0)
    assert flip_test([]).questions == 0


def test_ratings_are_as_far_apart_as_the_scale_says():
    """From 4 to 7 of a scale of 9 is a third; a reply without a verdict is as far from any rating as can be."""
    assert flip_test([((4.0,), (7.0,))], 9.0).flips == pytest.approx(1 / 3)
    assert flip_test([((4.0,), ("no verdict",))], 9.0).flips == 1.0
    assert flip_test([(("no verdict",), ("no verdict",))], 9.0).flips == 0.0


def test_noise_is_no_change():
    """Half of the replies on either date name each class: nothing beyond the noise."""
    found = flip_test([(("A", "B"), ("A", "B"))] * 50)
    assert (found.between, found.noise, found.p > 0.9) == (0.5, 1.0, True)
    assert found.excess.value == -0.5


def test_a_shift_is_tested_by_turning_signs():
    """Of 4 items that all rise 2 of 16 ways are as extreme; in one group 2 of 2; some of 40 are drawn."""
    assert shift_p([1, 1, 1, 1, 0, 0]) == 2 / 16
    assert shift_p([1, 1, 1, 1], ["g"] * 4) == 1.0
    assert shift_p([0, 0, 0]) == 1.0
    n, up = 40, 30
    tail = 2 * sum(math.comb(n, k) for k in range(up, n + 1)) / 2**n
    assert shift_p([1.0] * up + [-1.0] * (n - up)) == pytest.approx(tail, abs=0.003)


def test_a_mean_change_has_the_interval_with_two_items_more():
    """Of 8 items 3 fall by 1: with one more up and one down, mean -0.3 of 10, Student's t at 9 degrees 2.2622."""
    found = mean_change([-1, -1, -1, 0, 0, 0, 0, 0])
    each = [-1] * 4 + [1] + [0] * 5
    error = np.std(each, ddof=1) / math.sqrt(10)
    assert found.value == -3 / 8
    assert (found.low, found.high) == pytest.approx((-0.3 - 2.2622 * error, -0.3 + 2.2622 * error), abs=1e-4)
    still = mean_change([0.0] * 30)
    assert (still.value, still.low < 0 < still.high) == (0.0, True)


def test_items_of_a_group_count_as_one():
    """Ten groups of 4 that move together are as uncertain as ten items."""
    moves = [-1, 0, 0, 0, 0, 0, 0, 0, 1, -1]
    alone = mean_change(moves)
    grouped = mean_change(np.repeat(moves, 4), [str(at // 4) for at in range(40)])
    assert grouped.high - grouped.low > 0.8 * (alone.high - alone.low)


def test_the_parts_of_a_change_add_up():
    """The system's part is the rest, and as uncertain as both together: 3 and 4 make 5."""
    assert rest_of(Shift(5, 2, 8), Shift(3, -1, 7)) == Shift(2, -3, 7)


def test_the_same_items_on_two_dates_are_paired():
    """A score of the same items, which nearly all stay, is surer than one of other items."""
    first, second = [1.0] * 50 + [0.0] * 50, [1.0] * 48 + [0.0] * 52
    names, others = [str(at) for at in range(100)], [f"o{at}" for at in range(100)]
    paired = score_change(first, second, (names, names), shares=True)
    apart = score_change(first, second, (names, others), shares=True)
    assert paired.value == apart.value == pytest.approx(-0.02)
    assert paired.high - paired.low < 0.5 * (apart.high - apart.low)


@pytest.mark.parametrize("row", [drift.ROWS[4], drift.ROWS[7], drift.ROWS[12]], ids=lambda row: row.name)
def test_simulated_alarms_and_intervals_keep_their_promise(row):
    """Few false alarms, a planted change found, and intervals that hold, up to what chance allows of 30 runs."""
    share = row.simulate(30)
    assert row.low - 0.12 <= share <= row.high + 0.12
