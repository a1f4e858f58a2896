"""Paired comparisons, against hand-worked cases, scipy and statsmodels, and by simulation."""

import math
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, permutation_test, sem
from statsmodels.api import OLS
from statsmodels.stats.contingency_tables import mcnemar

from judgebench.metrics.comparisons import (
    Discordance,
    clustered_standard_error,
    difference_from_resamples,
    discordance,
    mcnemar_exact,
    minimal_detectable_difference,
    paired_bootstrap,
    sign_flip_test,
)

CREDITS = st.sampled_from([0.0, 0.25, 0.5, 1.0])
PAIRS = st.lists(st.tuples(CREDITS, CREDITS), min_size=1, max_size=40)


def test_difference_is_the_weighted_mean_of_strata():
    """The difference is that of the official score: strata by their fixed weights, whatever their sizes."""
    result = paired_bootstrap([1, 1, 0, 1], [0, 0, 0, 1], strata=[0, 0, 1, 1], weights=[3, 1], resamples=100)

    assert result.difference == pytest.approx(0.75 * 1 + 0.25 * 0)


def test_without_weights_every_row_counts_alike():
    """Strata without weights leave the difference of plain means."""
    result = paired_bootstrap([1, 1, 0], [0, 1, 0], strata=[0, 0, 1], resamples=100)

    assert result.difference == pytest.approx(1 / 3)


def test_stratum_without_rows_is_left_out():
    """A partial run weighs what is there."""
    result = paired_bootstrap([1, 0], [0, 0], strata=[0, 2], weights=[1, 5, 3], resamples=100)

    assert result.difference == pytest.approx(0.25)


def test_bootstrap_interval_agrees_with_the_normal_one():
    """With many items the interval is close to the difference and 1.96 standard errors around it."""
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 2, 2000), rng.integers(0, 2, 2000)
    error = clustered_standard_error(a - b)

    result = paired_bootstrap(a, b)

    assert [result.low, result.high] == pytest.approx(
        [result.difference - 1.96 * error, result.difference + 1.96 * error], abs=0.1 * error
    )


def test_bootstrap_of_many_distinct_values_agrees_with_the_normal_interval():
    """Credits that are all different go the way of drawn rows, to the same interval."""
    difference = np.random.default_rng(2).normal(0.1, 1, 400)
    error = clustered_standard_error(difference)

    result = paired_bootstrap(difference, np.zeros(400))

    assert result.high - result.low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_bootstrap_of_very_many_distinct_values_is_the_normal_limit():
    """100,000 different credits are not drawn one by one."""
    difference = np.random.default_rng(2).random(100_000)
    error = clustered_standard_error(difference)

    result = paired_bootstrap(difference, np.zeros(100_000))

    assert result.high - result.low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_bootstrap_clusters_widen_the_interval():
    """Four copies of every item say no more than one."""
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 2, 300), rng.integers(0, 2, 300)
    once = paired_bootstrap(a, b)

    copied = paired_bootstrap(np.repeat(a, 4), np.repeat(b, 4), clusters=np.repeat(np.arange(300), 4))

    assert copied.high - copied.low == pytest.approx(once.high - once.low, rel=0.05)


def test_bootstrap_of_uneven_clusters_agrees_with_the_clustered_error():
    """Clusters of different sizes give the interval of the ratio of sums to rows."""
    rng = np.random.default_rng(4)
    clusters = np.repeat(np.arange(300), rng.integers(1, 5, 300))
    difference = rng.integers(-1, 2, 300)[clusters] * 1.0
    error = clustered_standard_error(difference, clusters)

    result = paired_bootstrap(difference, np.zeros(len(difference)), clusters=clusters)

    assert result.high - result.low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_bootstrap_covers_the_true_difference_in_small_strata():
    """Nominal 95% intervals hold the truth in 92 to 98 of 100 runs with only five items a subset."""
    rng = np.random.default_rng(5)
    strata = np.repeat(np.arange(20), 5)
    chances = rng.uniform(0.2, 0.9, 20)[strata]
    truth = -0.05
    held = 0
    for seed in range(300):
        a = rng.random(100) < chances + truth
        b = rng.random(100) < chances
        result = paired_bootstrap(a, b, strata=strata, resamples=400, seed=seed)
        held += result.low <= truth <= result.high

    assert 0.92 <= held / 300 <= 0.985


def test_single_item_strata_are_resampled_together():
    """A run with one item a subset has an interval with a width."""
    result = paired_bootstrap([1, 0, 1, 1], [0, 0, 1, 0], strata=[0, 1, 2, 3], weights=[1, 1, 1, 1])

    assert result.low < result.difference < result.high


def test_equal_runs_differ_by_nothing():
    """A run compared with itself has p 1."""
    assert paired_bootstrap([1, 0, 1], [1, 0, 1], resamples=100).p == 1.0


def test_equal_runs_leave_room_for_a_difference():
    """Three equal items do not prove that runs are equal: the interval is that of 0 in 3."""
    result = paired_bootstrap([1, 0, 1], [1, 0, 1], resamples=100)

    assert result.high == pytest.approx(1.959964**2 / (3 + 1.959964**2))


def test_uniform_difference_has_the_sign_tests_p():
    """Five items that all favour one run give 2 / 2^5, not 0."""
    assert paired_bootstrap([1] * 5, [0] * 5, resamples=100).p == pytest.approx(2 / 32)


def test_one_item_says_nothing():
    """With a single item p is 1."""
    assert paired_bootstrap([1], [0], resamples=100).p == 1.0


def test_bootstrap_is_repeatable():
    """The same seed gives the same result."""
    a, b = [1, 0, 1, 1, 0, 1], [0, 0, 1, 0, 1, 0]

    assert paired_bootstrap(a, b, seed=7) == paired_bootstrap(a, b, seed=7)


def test_cluster_in_two_strata_is_refused():
    """A cluster cannot be drawn within two strata."""
    with pytest.raises(ValueError, match="two strata"):
        paired_bootstrap([1, 0], [0, 0], strata=[0, 1], clusters=["x", "x"])


def test_missing_weight_is_refused():
    """Every stratum with rows needs a weight."""
    with pytest.raises(ValueError, match="weights for strata"):
        paired_bootstrap([1, 0], [0, 0], strata=[0, 1], weights=[1])


def test_unequal_lengths_are_refused():
    """Runs over different items cannot be paired."""
    with pytest.raises(ValueError, match="same items"):
        paired_bootstrap([1, 0], [0])


def test_ten_thousand_resamples_of_rewardbench_are_quick():
    """10,000 resamples of 2,985 items in 23 subsets take well under a second."""
    rng = np.random.default_rng(0)
    a, b, strata = rng.integers(0, 2, 2985), rng.integers(0, 2, 2985), rng.integers(0, 23, 2985)
    start = time.perf_counter()

    paired_bootstrap(a, b, strata=strata)

    assert time.perf_counter() - start < 1


@settings(deadline=None)
@given(PAIRS)
def test_bootstrap_swaps_with_the_runs(pairs):
    """The difference of b and a is minus that of a and b."""
    a, b = np.array(pairs).T

    forth, back = (paired_bootstrap(x, y, resamples=50) for x, y in ((a, b), (b, a)))

    assert forth.difference == pytest.approx(-back.difference)


@settings(deadline=None)
@given(PAIRS)
def test_bootstrap_interval_holds_the_difference(pairs):
    """The interval always holds the estimate."""
    a, b = np.array(pairs).T

    result = paired_bootstrap(a, b, resamples=50)

    assert result.low <= result.difference <= result.high


def test_resamples_at_hand_give_interval_and_p():
    """Of 99 resamples with one at or below 0, p is 2 (1 + 1) / 100."""
    drawn = np.linspace(-0.001, 1, 99)

    assert difference_from_resamples(0.5, drawn).p == pytest.approx(0.04)


def test_sign_flip_counts_every_pattern():
    """Differences 1, 1, 0.5: 2 of the 8 sign patterns reach 2.5 on either side."""
    assert sign_flip_test([1, 1, 0.5], [0, 0, 0]) == pytest.approx(0.25)


def test_sign_flip_agrees_with_scipy():
    """The exact p is that of scipy's permutation test over all pairs."""
    rng = np.random.default_rng(6)
    a, b = rng.choice([0, 0.25, 0.5, 1], (2, 12))
    theirs = permutation_test(
        (a, b), lambda x, y, axis: (x - y).mean(axis=axis), permutation_type="samples", n_resamples=np.inf
    )

    assert sign_flip_test(a, b) == pytest.approx(theirs.pvalue, abs=1e-9)


def every_pattern(parts):
    """The share of all sign patterns whose sum is as far from 0, counted one by one."""
    signs = 1 - 2 * (np.arange(2 ** len(parts))[:, None] >> np.arange(len(parts)) & 1)
    return np.mean(np.abs(signs @ parts) >= abs(parts.sum()) - 1e-9)


def test_sign_flips_of_right_and_wrong_are_mcnemars_test():
    """For credits of 0 and 1 p is that of the exact binomial, however few patterns may be drawn."""
    a, b = np.repeat([1, 0], [60, 40]), np.repeat([0, 1], [60, 40])

    assert sign_flip_test(a, b, resamples=100) == pytest.approx(mcnemar_exact(60, 40), rel=1e-9)


def test_sign_flips_of_halves_are_exact():
    """Credits of 0, 1/2 and 1: all 65,536 patterns are counted without being gone through."""
    difference = np.array([1] * 6 + [0.5] * 4 + [-0.5] * 3 + [-1] * 3)

    assert sign_flip_test(difference, np.zeros(16), resamples=100) == pytest.approx(every_pattern(difference), rel=1e-9)


def test_sign_flips_of_ninths_are_exact():
    """Weights that set equal differences apart by rounding alone leave them equal."""
    difference = np.array([1, 2, 2, 4, 3, 9, 5, -1, -2, -2, 7, 7, -3, 5, 1]) / 9

    found = sign_flip_test(difference, np.zeros(15), strata=np.repeat([0, 1, 2], 5), weights=[0.1, 0.1, 0.1])

    assert found == pytest.approx(every_pattern(difference), rel=1e-9)


def test_drawn_sign_flips_come_close_to_all_patterns():
    """16 differences without a common measure: 10,000 drawn patterns for 65,536."""
    difference = np.random.default_rng(12).normal(0.3, 1, 16)

    assert sign_flip_test(difference, np.zeros(16)) == pytest.approx(every_pattern(difference), abs=0.015)


def test_sign_flip_respects_clusters():
    """Three items copied ten times are still three items: p is at least 2 / 2^3."""
    assert sign_flip_test(np.ones(30), np.zeros(30), clusters=np.repeat(np.arange(3), 10)) == pytest.approx(0.25)


def test_sign_flip_weighs_strata():
    """A stratum of weight 0 does not enter: one item is left, and p is 1."""
    assert sign_flip_test([1, 1, 1, 1], [0, 0, 0, 0], strata=[0, 1, 1, 1], weights=[1, 0]) == 1.0


def test_sign_flip_of_equal_runs_is_one():
    """No differences give p 1."""
    assert sign_flip_test([1, 0.5], [1, 0.5]) == 1.0


def test_sign_flip_of_very_many_distinct_values_is_the_normal_limit():
    """With 30,000 different differences p is that of their sum over its standard deviation."""
    difference = np.random.default_rng(11).normal(0.01, 1, 30_000)
    z = abs(difference.sum()) / np.sqrt(np.sum(difference**2))

    assert sign_flip_test(difference, np.zeros(30_000)) == pytest.approx(2 * norm.sf(z), rel=1e-6)


def test_sign_flip_holds_its_level():
    """Runs that are alike are told apart in about 5 of 100 comparisons."""
    rng = np.random.default_rng(8)
    rejected = 0
    for seed in range(500):
        a, b = rng.choice([0, 0.5, 1], (2, 80))
        rejected += sign_flip_test(a, b, resamples=300, seed=seed) <= 0.05

    assert 0.025 <= rejected / 500 <= 0.075


def test_discordance_counts_each_side():
    """Items that one run alone has right are counted for it."""
    assert discordance([1, 1, 0, 1], [0, 0, 1, 1]) == Discordance(2, 1)


def test_discordance_refuses_fractions():
    """McNemar's test is for credits of 0 and 1."""
    with pytest.raises(ValueError, match="0 or 1"):
        discordance([0.5], [1])


def test_mcnemar_by_hand():
    """5 against 0 is 2 / 32."""
    assert mcnemar_exact(5, 0) == pytest.approx(2 / 32)


def test_mcnemar_without_discordant_items_is_one():
    """No discordant item is no evidence."""
    assert mcnemar_exact(0, 0) == 1.0


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_agrees_with_whole_numbers(b, c):
    """The p is twice the smaller tail of the binomial at 1/2, counted in whole numbers, and at most 1."""
    tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1))
    expected = float(min(Fraction(1), Fraction(2 * tail, 2 ** (b + c))))

    assert mcnemar_exact(b, c) == pytest.approx(expected, rel=1e-8, abs=1e-300)


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_agrees_with_scipy(b, c):
    """The p is that of scipy's two-sided binomial test at 1/2 (which gives 0 for some below 1e-279)."""
    expected = binomtest(b, b + c).pvalue if b + c else 1.0

    assert mcnemar_exact(b, c) == pytest.approx(expected, rel=1e-8, abs=1e-280)


def test_mcnemar_agrees_with_statsmodels():
    """The p is that of statsmodels' exact test on the whole table."""
    assert mcnemar_exact(17, 6) == pytest.approx(mcnemar([[50, 17], [6, 30]], exact=True).pvalue)


def test_detectable_difference_from_a_deviation():
    """(1.96 + 0.8416) sd / sqrt(n): 0.1401 for sd 0.5 and 100 items."""
    assert minimal_detectable_difference(100, sd=0.5) == pytest.approx(0.140079, abs=1e-6)


def test_detectable_difference_solves_connors_formula():
    """Put back into Connor's formula, the difference asks for as many items as there are."""
    n, share, z_alpha, z_power = 500, 0.2, 1.959964, 0.841621
    d = minimal_detectable_difference(n, discordant=share)

    assert ((z_alpha * math.sqrt(share) + z_power * math.sqrt(share - d * d)) / d) ** 2 == pytest.approx(n, rel=1e-5)


def test_detectable_difference_is_found_with_its_power():
    """A simulated difference of that size is found in about 80 of 100 runs."""
    n, share = 500, 0.2
    d = minimal_detectable_difference(n, discordant=share)
    draws = np.random.default_rng(9).multinomial(n, [(share + d) / 2, (share - d) / 2, 1 - share], size=2000)

    found = np.mean([mcnemar_exact(b, c) <= 0.05 for b, c, _ in draws.tolist()])

    assert found == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize("spread", [{"discordant": 0.0}, {"sd": 0.0}])
def test_detectable_difference_is_never_nothing(spread):
    """Runs that never differ could have shown six items of difference, not none."""
    assert minimal_detectable_difference(100, **spread) == pytest.approx(0.06)


def test_detectable_difference_wants_one_spread():
    """Neither or both of the spreads is a mistake."""
    with pytest.raises(ValueError, match="either"):
        minimal_detectable_difference(100)


def test_clustered_error_by_hand():
    """Two clusters of sums of deviations 1 and -1 over four rows: sqrt(2 (1 + 1)) / 4."""
    assert clustered_standard_error([1, 1, 0, 0], ["a", "a", "b", "b"]) == pytest.approx(0.5)


def test_clustered_error_without_clusters_is_the_plain_one():
    """Rows on their own give the standard error of the mean."""
    values = [0.1, 0.5, 0.9, 0.2]

    assert clustered_standard_error(values) == pytest.approx(sem(values))


def test_clustered_error_agrees_with_statsmodels():
    """The error is the cluster-robust one of a regression on a constant."""
    rng = np.random.default_rng(10)
    clusters, values = rng.integers(0, 30, 200), rng.random(200)
    fit = OLS(values, np.ones(200)).fit(cov_type="cluster", cov_kwds={"groups": clusters})

    assert clustered_standard_error(values, clusters) == pytest.approx(fit.bse[0])


def test_clustered_error_of_one_cluster_is_unknown():
    """One cluster says nothing on spread."""
    assert math.isnan(clustered_standard_error([1, 0], ["a", "a"]))


def test_labels_of_another_length_are_refused():
    """Clusters are one a row."""
    with pytest.raises(ValueError, match="one a row"):
        clustered_standard_error([1, 0], ["a"])
