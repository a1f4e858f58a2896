"""Biases, against hand-worked cases, statsmodels and simulated judges."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import binomtest, chi2, chisquare
from statsmodels.api import OLS

from judgebench.metrics.bias import (
    accuracy_by_position,
    chi_square_tail,
    first_position,
    mean_difference,
    share_against,
    slot_shares,
)
from judgebench.metrics.intervals import wilson


def both_orders(n, chance, rng):
    """Verdict slots for n items in both orders: the first shown in both with this chance, else by content."""
    always_first = rng.random(n) < chance
    better = rng.integers(0, 2, n)
    slots = np.stack([np.where(always_first, 0, better), np.where(always_first, 0, 1 - better)], axis=1)
    return slots.ravel(), np.repeat(np.arange(n), 2)


def test_first_share_of_independent_rows_is_wilsons():
    """Without clusters the interval is Wilson's, at n - 1 rows for the unbiased variance."""
    result = first_position([0] * 60 + [1] * 40)

    assert (result.low, result.high) == pytest.approx((wilson(0.6, 99).low, wilson(0.6, 99).high))


def test_first_share_of_independent_rows_has_the_binomial_p():
    """Without clusters p is close to the exact binomial's."""
    assert first_position([0] * 560 + [1] * 440).p == pytest.approx(binomtest(560, 1000).pvalue, rel=0.1)


def test_first_share_of_k_slots_is_held_against_one_in_k():
    """With four completions shown the null is a quarter."""
    assert first_position([0, 1, 2, 3], 4).null == pytest.approx(0.25)


def test_first_share_of_mixed_slots_is_held_against_their_mean():
    """Items of two and of four completions have the mean of both nulls."""
    assert first_position([0, 1, 2, 3], [2, 2, 4, 4]).null == pytest.approx(0.375)


def test_p_agrees_with_the_interval():
    """The p is below 0.05 exactly where the interval leaves out the null."""
    results = [first_position([0] * first + [1] * (100 - first)) for first in range(101)]

    assert all((r.p < 0.05) == (not r.low <= r.null <= r.high) for r in results)


def test_both_orders_of_an_item_balance_each_other():
    """LLMBar's replies (first in both orders 32 times, second 13, else consistent) have about the p of a sign test."""
    slots = [0, 0] * 32 + [1, 1] * 13 + [0, 1] * 374
    result = first_position(slots, clusters=np.repeat(np.arange(419), 2))

    assert result.p == pytest.approx(binomtest(32, 45).pvalue, abs=0.004)


def test_copies_of_a_row_add_nothing():
    """Samples that are all alike leave the interval where one sample had it."""
    slots = [0] * 12 + [1] * 18
    once = first_position(slots)

    copied = first_position(np.repeat(slots, 5), clusters=np.repeat(np.arange(30), 5))

    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))


def test_consistent_judge_has_no_position_bias_but_a_width():
    """A judge that is consistent on all of 50 items has a first share of 0.5, known to within about 1.96 / 50."""
    result = first_position([0, 1] * 50, clusters=np.repeat(np.arange(50), 2))

    assert result.high - result.estimate == pytest.approx(1.96 / 50, rel=0.01)


def test_judge_that_always_takes_the_first_is_found():
    """All verdicts for the first are no chance."""
    assert first_position([0, 0] * 20, clusters=np.repeat(np.arange(20), 2)).p < 1e-4


def test_all_first_rests_on_items_not_rows():
    """The interval of a share of 1 is that of as many items."""
    result = first_position([0, 0] * 20, clusters=np.repeat(np.arange(20), 2))

    assert result.low == pytest.approx(wilson(1.0, 20).low)


def test_one_item_says_little_on_position():
    """A single item is no evidence."""
    assert first_position([0, 0], clusters=[5, 5]).p > 0.3


def test_no_verdicts_have_no_first_share():
    """Without rows there is no share."""
    assert first_position([]) is None


def test_first_share_is_covered_in_clusters():
    """The interval of clustered verdicts holds the true share in about 95 of 100 runs."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(500):
        slots, items = both_orders(120, 0.2, rng)
        result = first_position(slots, clusters=items)
        held += result.low <= 0.6 <= result.high

    assert 0.92 <= held / 500 <= 0.98


def test_unbiased_judge_is_seldom_accused():
    """The p is below 0.05 in about 5 of 100 runs of a judge without bias."""
    rng = np.random.default_rng(2)
    items = np.repeat(np.arange(100), 2)
    accused = np.mean([first_position(rng.integers(0, 2, 200), clusters=items).p < 0.05 for _ in range(1000)])

    assert 0.03 <= accused <= 0.075


def test_smallest_effect_is_found_with_its_power():
    """A judge that is biased by the smallest effect is found in about 80 of 100 runs."""
    rng = np.random.default_rng(3)
    effect = first_position(rng.integers(0, 2, 1000)).smallest_effect
    found = np.mean([first_position((rng.random(1000) > 0.5 + effect) * 1).p < 0.05 for _ in range(1000)])

    assert found == pytest.approx(0.8, abs=0.05)


def test_no_smallest_effect_is_larger_than_any_can_be():
    """Of three or four rows: a share can be 1/2 off 1/2 and 3/4 off 1/4, a difference of shares 1 off 0."""
    position = accuracy_by_position([0, 0, 1, 1], [1.0, 0.0, 1.0, 0.0])[0].against_rest
    found = (first_position([0, 1, 0, 1]), first_position([0, 1, 2], 4), mean_difference([1, -1, 1, -1]), position)

    assert [each.smallest_effect for each in found] == [0.5, 0.75, 1.0, 1.0]
    assert all(each.null - 1 <= each.low and each.high <= each.null + 1 for each in found)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=40), st.floats(0.05, 0.95))
def test_interval_of_a_share_holds_it(rows, null):
    """The interval of a clustered share holds the share and stays within 0 and 1."""
    hits, items = zip(*rows, strict=True)
    result = share_against(hits, null, clusters=items)

    assert 0 <= result.low <= result.estimate <= result.high <= 1


def test_null_of_one_is_no_error():
    """Where every row is expected to hit, the estimate's own error stands for the null's."""
    assert share_against([1, 1, 1, 0], 1.0).p < 1


def test_a_difference_of_accuracies_ends_where_differences_end():
    """Two items, 1 and 0: a difference of 1 whose error would reach past it on both sides."""
    rest = accuracy_by_position([0, 1], [1, 0])[0].against_rest
    assert (rest.estimate, rest.low, rest.high) == (1.0, -1.0, 1.0)


def test_accuracy_by_position_splits_by_slot():
    """Each slot has the mean credit of its rows."""
    rows = accuracy_by_position([0, 0, 1, 1], [1, 1, 1, 0])

    assert [(row.slot, row.accuracy, row.n) for row in rows] == [(0, 1.0, 2), (1, 0.5, 2)]


def test_accuracy_against_the_rest_agrees_with_a_clustered_regression():
    """The error of the difference is the sandwich's of a regression on the slot."""
    rng = np.random.default_rng(4)
    slots, credit, items = rng.integers(0, 2, 300), rng.integers(0, 2, 300), rng.integers(0, 60, 300)
    design = np.stack([np.ones(300), slots == 0], axis=1)
    groups = {"groups": items, "use_correction": False}
    fit = OLS(credit, design).fit(cov_type="cluster", cov_kwds=groups)
    rest = accuracy_by_position(slots, credit, clusters=items)[0].against_rest

    assert (rest.high - rest.low) / 2 / 1.959964 == pytest.approx(fit.bse[1] * math.sqrt(60 / 59), rel=1e-6)


def test_one_slot_has_no_rest():
    """Where the correct one always stood first there is nothing to compare with."""
    assert accuracy_by_position([0, 0], [1, 0])[0].against_rest is None


def test_perfect_judge_has_no_position_effect():
    """All right in both slots is a difference of 0 with an interval around it."""
    rest = accuracy_by_position([0, 1] * 30, [1] * 60, clusters=np.repeat(np.arange(30), 2))[0].against_rest

    assert rest.low < rest.estimate == 0 < rest.high


def test_one_item_says_nothing_on_its_slots():
    """Accuracies of a single item differ by no more than chance."""
    assert accuracy_by_position([0, 1], [1, 0], clusters=[3, 3])[0].against_rest.p > 0.3


def test_each_slot_has_its_share():
    """Of 8 verdicts among four slots 2, 4, 1 and 1: chi-square 2^2/2 + 1/2 + 1/2 = 3 of independent rows."""
    found = slot_shares([0, 0, 1, 1, 1, 1, 2, 3], 4)

    assert (found.shares, found.nulls, found.furthest) == ((0.25, 0.5, 0.125, 0.125), (0.25,) * 4, 1)


def test_slots_of_questions_of_two_and_of_four():
    """Two questions show two slots and two show four: the nulls are (1/2 + 1/2 + 1/4 + 1/4) / 4 and 1/8."""
    assert slot_shares([0, 1, 2, 3], [2, 2, 4, 4]).nulls == pytest.approx((0.375, 0.375, 0.125, 0.125))


def test_all_slots_of_many_independent_rows_have_the_chi_square_p():
    """The p is close to Pearson's, whichever slot is the favourite."""
    chosen = np.repeat([0, 1, 2, 3], [230, 290, 240, 240])

    assert slot_shares(chosen, 4).p == pytest.approx(chisquare([230, 290, 240, 240]).pvalue, rel=0.1)


def test_two_slots_have_the_p_of_the_first():
    """With one degree of freedom it is about the test of the first share, clustered as that is."""
    slots, items = [0, 0] * 32 + [1, 1] * 13 + [0, 1] * 374, np.repeat(np.arange(419), 2)

    assert slot_shares(slots, clusters=items).p == pytest.approx(first_position(slots, clusters=items).p, abs=0.002)


def test_copies_of_a_verdict_are_no_evidence_on_slots():
    """Five alike samples of each item have the p of one."""
    chosen = np.repeat([0, 1, 2, 3], [20, 36, 22, 22])
    copied = slot_shares(np.repeat(chosen, 5), 4, clusters=np.repeat(np.arange(100), 5))

    assert copied.p == pytest.approx(slot_shares(chosen, 4).p, rel=0.01)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 25])
@pytest.mark.parametrize("value", [0.0, 0.5, 7.0, 60.0])
def test_the_tail_of_a_chi_square(value, freedom):
    """It is scipy's."""
    assert chi_square_tail(value, freedom) == pytest.approx(chi2.sf(value, freedom), rel=1e-9, abs=1e-15)


@pytest.mark.simulation
def test_any_favourite_slot_is_found_and_none_is_imagined():
    """Of 300 runs of 150 items whose errors go to D half of the time 1 in 3 or more is found; of fair ones, 2-8%."""
    rng = np.random.default_rng(4)

    def p_of(favourite):
        right, wrong = rng.integers(0, 4, 150), rng.integers(1, 4, 150)
        chosen = np.where(rng.random(150) < 0.7, right, (right + wrong) % 4)
        return slot_shares(np.where((chosen != right) & favourite & (rng.random(150) < 0.5), 3, chosen), 4).p

    fair, leaning = (np.mean([p_of(favourite) <= 0.05 for _ in range(300)]) for favourite in (False, True))

    assert 0.02 <= fair <= 0.08
    assert leaning > 0.33


def test_many_verdicts_lower_the_floor():
    """Twenty items with ten independent verdicts each are known to within about 1 / (2 sqrt(200))."""
    slots = np.tile([0, 1], 100)

    assert first_position(slots, clusters=np.repeat(np.arange(20), 10)).high == pytest.approx(
        0.5 + 1.96 * 0.0354, abs=0.002
    )


def test_a_mean_difference_rests_on_clusters():
    """Two items with differences of 1/2 and 0, each four times: a mean of 1/4 from two items."""
    found = mean_difference([0.5] * 4 + [0.0] * 4, clusters=[0] * 4 + [1] * 4)

    assert (found.estimate, found.clusters) == (0.25, 2)
    assert (found.high - found.estimate) / 1.959964 == pytest.approx(math.sqrt(2 * (2 * 1.0**2)) / 8)
