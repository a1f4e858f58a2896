"""Biases, against hand-worked cases, statsmodels and simulated judges."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import binomtest
from statsmodels.api import OLS, Logit

from judgebench.metrics.bias import (
    accuracy_by_position,
    consistency,
    first_position,
    length_preference,
    own_family_preference,
    share_against,
)
from judgebench.metrics.intervals import wilson


def both_orders(n, chance, rng):
    """Verdict slots for n items in both orders: the first shown in both with this chance, else by content."""
    always_first = rng.random(n) < chance
    better = rng.integers(0, 2, n)
    slots = np.stack([np.where(always_first, 0, better), np.where(always_first, 0, 1 - better)], axis=1)
    return slots.ravel(), np.repeat(np.arange(n), 2)


def judged_pairs(n, rng, *, length=0.0, label=1.0, first=0.0):
    """Verdicts of a simulated judge, with labels and lengths, as length_preference takes them."""
    labels = rng.choice([-1, 1], n)
    lengths = np.exp(rng.normal(6, 0.5, (n, 2)))
    logs = np.log1p(lengths)
    eta = first + label * labels + length * (logs[:, 0] - logs[:, 1]) / (0.5 * math.sqrt(2))
    return (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float), labels, lengths


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


def test_own_family_by_share():
    """7 of 10 verdicts for the own family against a half."""
    result = own_family_preference([1] * 7 + [0] * 3)

    assert (result.estimate, result.null) == pytest.approx((0.7, 0.5))


def test_own_family_that_is_right_is_no_preference():
    """A judge that takes the correct completion, whoever wrote it, shows nothing beyond the labels."""
    own_is_correct = [1, 1, 1, 0, 1, 1] * 10

    assert own_family_preference(own_is_correct, own_is_correct).p == 1.0


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


def test_consistency_counts_items():
    """Of three items with two verdicts, two have the same; one with a single verdict does not count."""
    result = consistency([0, 0, 1, 0, 1, 1, 0], ["a", "a", "b", "b", "c", "c", "d"])

    assert (result.estimate, result.n) == (pytest.approx(2 / 3), 3)


def test_consistency_of_llmbar():
    """374 of 419 items are consistent."""
    result = consistency([0, 0] * 374 + [0, 1] * 45, np.repeat(np.arange(419), 2))

    assert result.estimate == pytest.approx(374 / 419)


def test_consistency_by_chance_falls_with_verdicts_and_slots():
    """Three verdicts among four slots agree by chance once in 16."""
    assert consistency([0, 0, 0], ["a"] * 3, 4).null == pytest.approx(1 / 16)


def test_consistency_takes_a_tie_for_a_choice():
    """Two ties are the same verdict."""
    assert consistency([-1, -1], ["a", "a"]).estimate == 1.0


def test_consistency_needs_two_verdicts():
    """With one order there is none."""
    assert consistency([0, 1], ["a", "b"]) is None


def test_length_agrees_with_statsmodels():
    """Without ridge the coefficients are statsmodels' maximum likelihood ones."""
    chose, labels, lengths = judged_pairs(800, np.random.default_rng(5), length=0.4)
    logs = np.log1p(lengths)
    scale = np.sqrt(np.mean((logs[:, 0] - logs[:, 1]) ** 2))
    theirs = Logit(chose, np.stack([np.ones(800), (logs[:, 0] - logs[:, 1]) / scale, labels], axis=1)).fit(disp=0)
    ours = length_preference(chose, labels, lengths, ridge=0.0)

    assert [ours.first, ours.length.estimate, ours.label.estimate] == pytest.approx(theirs.params.tolist(), abs=1e-6)


def test_length_error_agrees_with_statsmodels_sandwich():
    """Where rows of an item are copies, the error is statsmodels' cluster-robust one."""
    chose, labels, lengths = (np.repeat(x, 3, axis=0) for x in judged_pairs(300, np.random.default_rng(6), length=0.4))
    items = np.repeat(np.arange(300), 3)
    logs = np.log1p(lengths)
    scale = np.sqrt(np.mean((logs[:, 0] - logs[:, 1]) ** 2))
    design = np.stack([np.ones(900), (logs[:, 0] - logs[:, 1]) / scale, labels], axis=1)
    groups = {"groups": items, "use_correction": False}
    theirs = Logit(chose, design).fit(disp=0, cov_type="cluster", cov_kwds=groups)
    ours = length_preference(chose, labels, lengths, clusters=items, ridge=0.0).length

    assert (ours.high - ours.low) / 2 / 1.959964 == pytest.approx(theirs.bse[1] * math.sqrt(300 / 299), rel=1e-4)


def test_ridge_changes_next_to_nothing_in_a_sizeable_sample():
    """In 2,000 pairs the penalty moves the coefficient by less than a thousandth."""
    case = judged_pairs(2000, np.random.default_rng(7), length=0.4)

    assert length_preference(*case).length.estimate == pytest.approx(
        length_preference(*case, ridge=0.0).length.estimate, abs=1e-3
    )


def test_length_coefficient_is_covered():
    """The interval holds the true coefficient in about 95 of 100 runs."""
    rng = np.random.default_rng(8)
    held = 0
    for _ in range(300):
        result = length_preference(*judged_pairs(200, rng, length=0.5)).length
        held += result.low <= 0.5 <= result.high

    assert 0.915 <= held / 300 <= 0.985


def test_judge_by_label_alone_is_seldom_accused():
    """A judge that only looks at correctness is accused in about 5 of 100 runs, though labels go with length."""
    rng = np.random.default_rng(9)
    accused = 0
    for _ in range(400):
        chose, labels, lengths = judged_pairs(200, rng)
        lengths[:, 0] *= np.exp(0.3 * labels)
        accused += length_preference(chose, labels, lengths).length.p < 0.05

    assert 0.025 <= accused / 400 <= 0.08


def test_both_orders_count_once_for_length():
    """The second order of a consistent judge repeats the first: the interval is no narrower."""
    chose, labels, lengths = judged_pairs(300, np.random.default_rng(10), length=0.5)
    once = length_preference(chose, labels, lengths).length
    twice = length_preference(
        np.concatenate([chose, 1 - chose]),
        np.concatenate([labels, -labels]),
        np.concatenate([lengths, lengths[:, ::-1]]),
        clusters=np.tile(np.arange(300), 2),
    ).length

    assert twice.high - twice.low == pytest.approx(once.high - once.low, rel=0.05)


@pytest.mark.parametrize("n", [40, 400, 4000])
def test_judge_that_takes_the_longest_is_found(n):
    """Perfect separation by length gives a large, finite, certain coefficient."""
    lengths = np.exp(np.random.default_rng(11).normal(6, 0.5, (n, 2)))
    result = length_preference(lengths[:, 0] > lengths[:, 1], np.zeros(n), lengths).length

    assert (result.estimate > 3, result.p < 1e-3, math.isfinite(result.high)) == (True, True, True)


def test_perfect_judge_is_not_accused_of_length():
    """A judge that is always right, whatever the length, shows no preference for it."""
    rng = np.random.default_rng(12)
    labels = rng.choice([-1, 1], 500)
    result = length_preference(labels > 0, labels, np.exp(rng.normal(6, 0.5, (500, 2)))).length

    assert result.p > 0.05


def test_perfect_judges_label_has_a_wide_interval():
    """Separation by label says that its coefficient is large, not that it is known."""
    rng = np.random.default_rng(13)
    labels = rng.choice([-1, 1], 500)
    label = length_preference(labels > 0, labels, np.exp(rng.normal(6, 0.5, (500, 2)))).label

    assert label.high - label.low > 1


def test_unlabelled_pairs_have_no_label_coefficient():
    """Labels that do not differ are left out of the regression."""
    chose, labels, lengths = judged_pairs(100, np.random.default_rng(14))

    assert length_preference(chose, labels * 0, lengths).label is None


def test_pairs_of_equal_length_say_nothing():
    """Without a difference in length there is no preference to see."""
    assert length_preference([1, 0], [1, -1], [[5, 5], [7, 7]]) is None


def test_no_pairs_have_no_length_preference():
    """Without rows there is nothing to fit."""
    assert length_preference([], [], []) is None


def test_length_preference_of_rewardbench_is_quick():
    """5,970 rows are fitted in well under 50 ms (about 3 alone on a machine)."""
    case = judged_pairs(5970, np.random.default_rng(15), length=0.2)
    items = np.repeat(np.arange(2985), 2)
    length_preference(*case, clusters=items)
    start = time.process_time()

    length_preference(*case, clusters=items)

    assert time.process_time() - start < 0.05


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_length_preference_turns_with_the_choice(seed):
    """A judge that chooses the other way has the opposite coefficient."""
    chose, labels, lengths = judged_pairs(30, np.random.default_rng(seed), length=1.0)
    forth, back = (length_preference(side, labels, lengths).length.estimate for side in (chose, 1 - chose))

    assert forth == pytest.approx(-back, abs=1e-6)
