"""Thresholds of uncertainty below which verdicts agree with people often enough, guaranteed."""

from __future__ import annotations

import math
from math import comb

import numpy as np
import pytest

from benchmarks.trust import guarantee
from judgebench.metrics.selection_guarantee import fewest_labels, labels_to_show, select, select_in_turn


def at_most(faults, n, share):
    """The chance of at most so many faults among n, term by term."""
    return sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(faults + 1))


@pytest.mark.parametrize(("agreement", "error", "fewest"), [(0.9, 0.05, 29), (0.8, 0.05, 14), (0.95, 0.05, 59)])
def test_so_many_right_answers_in_a_row_show_an_agreement(agreement, error, fewest):
    """One fewer does not: 0.9 to the 28th is 0.0523, to the 29th 0.0471."""
    assert agreement**fewest <= error < agreement ** (fewest - 1)
    assert fewest_labels(agreement, error) == fewest
    assert select(np.zeros(fewest), np.ones(fewest), agreement=agreement).shown
    found = select(np.zeros(fewest - 1), np.ones(fewest - 1), agreement=agreement)
    assert (found.shown, found.fewest) == (False, fewest)


def test_a_threshold_is_shown_as_far_as_the_binomial_goes():
    """Of 60 equally certain items 2 wrong ones show 90%, and 3 do not: the chances are 5.3% and 13.7%, of 61 4.9%."""
    for n, faults in ((60, 1), (60, 2), (61, 2), (61, 3)):
        right = [0] * faults + [1] * (n - faults)
        assert select(np.zeros(n), right, agreement=0.9).shown == (at_most(faults, n, 0.1) <= 0.05), (n, faults)


def test_the_bound_is_that_of_clopper_and_pearson():
    """At the lower bound of 46 right of 50 the chance of at most 4 wrong is 5%."""
    low = select(np.zeros(50), [0] * 4 + [1] * 46, agreement=0.8).low
    assert at_most(4, 50, 1 - low) == pytest.approx(0.05, abs=1e-6)


def test_items_with_one_uncertainty_are_answered_together_or_not_at_all():
    """The threshold is the next uncertainty that there is, so that none of its items is answered."""
    unsure = [0.0] * 40 + [0.25] * 30 + [0.5] * 30
    found = select(unsure, [1] * 70 + [0, 1] * 15, agreement=0.9)
    assert (found.threshold, found.answered, found.right) == (0.5, 70, 70)
    assert [found.answers(each) for each in (0.0, 0.49, 0.5, math.inf)] == [True, True, False, False]


def test_labels_have_no_part_in_where_the_sequence_begins():
    """With the first items wrong nothing is shown, however right the rest are."""
    unsure = np.arange(100) / 100
    assert not select(unsure, unsure >= 0.2, agreement=0.9).shown
    assert select(unsure, unsure < 0.8, agreement=0.9).answered >= 80


def test_an_item_without_a_verdict_is_never_answered():
    """Also where all others are; an agreement that all have has no threshold."""
    found = select([0.0] * 40 + [math.inf] * 10, [1] * 40 + [0] * 10, agreement=0.9)
    assert (found.threshold, found.answered, found.labels) == (None, 40, 50)
    assert not found.answers(math.inf)
    assert not select([math.inf] * 50, [0] * 50, agreement=0.5).shown


def test_what_is_missing_is_said():
    """46 of 50 right: about so many labels are enough that 92% is shown to be above 90%; 80% never is."""
    found = select(np.zeros(50), [0] * 4 + [1] * 46, agreement=0.9)
    assert (found.best, found.best_share) == (0.92, 1.0)
    assert found.enough == labels_to_show(0.92, 0.9, 0.025)
    assert select(np.zeros(50), [0] * 10 + [1] * 40, agreement=0.9).enough is None


def test_labels_that_are_enough_show_it_in_four_of_five_tries():
    """With the number that is said, and with one in twenty fewer not."""
    size = labels_to_show(0.95, 0.9, 0.05)
    power = lambda n: at_most(max(k for k in range(n) if at_most(k, n, 0.1) <= 0.05), n, 0.05)  # noqa: E731
    assert power(size) >= 0.8 > power(size * 9 // 10)


def test_a_group_counts_as_one_however_many_items_it_has():
    """29 items show 90%; 29 copies of one, or 7 groups of 4, do not; 60 groups of 4 do."""

    def shown(groups, size):
        units = [str(at // size) for at in range(groups * size)]
        return select(np.zeros(groups * size), np.ones(groups * size), agreement=0.9, units=units).shown

    assert [shown(1, 29), shown(7, 4), shown(60, 4)] == [False, False, True]


def test_items_count_by_what_they_stand_for():
    """20 wrong items among 320 are 6%; where each right one stands for a third of a wrong one, 17%."""
    right = [0] * 20 + [1] * 300
    weights = np.where(right, 1.0, 3.0)
    assert select(np.zeros(320), right, agreement=0.89).shown
    found = select(np.zeros(320), right, agreement=0.89, weights=weights)
    assert (found.shown, round(found.best, 3)) == (False, round(300 / 360, 3))


def test_each_judge_in_turn_is_tested_on_what_reaches_it():
    """The second one, wrong on what the first answers, is right on the rest; each has half of the chance of error."""
    first = [0.0] * 50 + [1.0] * 50
    found = select_in_turn(
        [first, np.zeros(100)], [[1] * 50 + [0] * 50, [0] * 50 + [1] * 50], agreement=0.9, confidence=0.95
    )
    assert [(each.answered, each.right, each.fewest) for each in found] == [(50, 50, 36), (50, 50, 36)]
    useless = select_in_turn([np.zeros(100)] * 2, [[0, 1] * 50, [1] * 100], agreement=0.9)
    assert [each.answered for each in useless] == [0, 100]


@pytest.mark.parametrize("row", [guarantee.ROWS[1], guarantee.ROWS[2], guarantee.ROWS[9]], ids=lambda row: row.name)
def test_the_guarantee_is_kept(row):
    """In at least 95% of simulated runs, up to what chance allows of 40: no judge certain of nothing, or turned."""
    assert row.simulate(40) >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 40)
