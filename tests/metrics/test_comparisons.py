"""The tests of paired comparisons, against hand-worked cases, scipy and statsmodels, and by simulation."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import binom, binomtest, multinomial, norm, permutation_test, sem
from statsmodels.api import OLS
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from judgebench.metrics.comparisons import (
    agreeing_interval,
    clustered_standard_error,
    difference_from_resamples,
    mcnemar_mid_p,
    mcnemar_power,
    minimal_detectable_difference,
    newcombe_interval,
    sign_flip_test,
)
from judgebench.metrics.intervals import Interval


def test_resamples_at_hand_give_interval_and_p():
    """Of 99 resamples with one at or below 0, p is 2 (1 + 1) / 100."""
    drawn = np.linspace(-0.001, 1, 99)

    assert difference_from_resamples(0.5, drawn).p == pytest.approx(0.04)


def test_sign_flip_counts_every_pattern():
    """Differences 1, 1, 0.5: 2 of the 8 sign patterns reach 2.5 on either side."""
    assert sign_flip_test([1, 1, 0.5]) == pytest.approx(0.25)


def test_sign_flip_agrees_with_scipy():
    """The exact p is that of scipy's permutation test over all pairs."""
    rng = np.random.default_rng(6)
    a, b = rng.choice([0, 0.25, 0.5, 1], (2, 12))
    theirs = permutation_test(
        (a, b), lambda x, y, axis: (x - y).mean(axis=axis), permutation_type="samples", n_resamples=np.inf
    )

    assert sign_flip_test(a - b) == pytest.approx(theirs.pvalue, abs=1e-9)


def every_pattern(parts):
    """The share of all sign patterns whose sum is as far from 0, counted one by one."""
    signs = 1 - 2 * (np.arange(2 ** len(parts))[:, None] >> np.arange(len(parts)) & 1)
    return np.mean(np.abs(signs @ parts) >= abs(parts.sum()) - 1e-9)


def test_sign_flips_of_right_and_wrong_are_mcnemars_test():
    """For credits of 0 and 1 p is that of the exact binomial, however few patterns may be drawn."""
    difference = np.repeat([1, -1], [60, 40])

    assert sign_flip_test(difference, resamples=100) == pytest.approx(binomtest(60, 100).pvalue, rel=1e-9)


def every_sum(parts, reached):
    """The share of all sign patterns whose sum reaches an amount on either side, counted one by one."""
    sums = [
        sum(sign * part for sign, part in zip(signs, parts, strict=True))
        for signs in product([1, -1], repeat=len(parts))
    ]
    return sum(abs(each) >= reached - 1e-9 for each in sums) / len(sums)


def test_sign_flips_of_coins_widen_what_chance_explains():
    """Three differences of 1 beside two coins of 1/2: what was seen is 3, what chance may give goes to 4."""
    assert sign_flip_test([1.0, 1.0, 1.0]) == pytest.approx(2 / 8)
    assert sign_flip_test([1.0, 1.0, 1.0], coins=[0.5, 0.5]) == pytest.approx(every_sum([1, 1, 1, 0.5, 0.5], 3))


def test_sign_flips_of_halves_are_exact():
    """Credits of 0, 1/2 and 1: all 65,536 patterns are counted without being gone through."""
    difference = np.array([1] * 6 + [0.5] * 4 + [-0.5] * 3 + [-1] * 3)

    assert sign_flip_test(difference, resamples=100) == pytest.approx(every_pattern(difference), rel=1e-9)


def test_sign_flips_of_ninths_are_exact():
    """Equal differences that rounding alone sets apart stay equal."""
    difference = np.array([1, 2, 2, 4, 3, 9, 5, -1, -2, -2, 7, 7, -3, 5, 1]) / 9

    apart = difference * np.repeat([0.1, 0.3 / 3, 0.7 / 7], 5) * (1 + 1e-15 * np.arange(15))

    assert sign_flip_test(apart) == pytest.approx(every_pattern(difference), rel=1e-9)


def test_drawn_sign_flips_come_close_to_all_patterns():
    """16 differences without a common measure: 10,000 drawn patterns for 65,536."""
    difference = np.random.default_rng(12).normal(0.3, 1, 16)

    assert sign_flip_test(difference) == pytest.approx(every_pattern(difference), abs=0.015)


def test_sign_flip_of_equal_runs_is_one():
    """No differences give p 1."""
    assert sign_flip_test([0.0, 0.0]) == 1.0


def test_sign_flip_of_very_many_distinct_values_is_the_normal_limit():
    """With 30,000 different differences p is that of their sum over its standard deviation."""
    difference = np.random.default_rng(11).normal(0.01, 1, 30_000)
    z = abs(difference.sum()) / np.sqrt(np.sum(difference**2))

    assert sign_flip_test(difference) == pytest.approx(2 * norm.sf(z), rel=1e-6)


def test_sign_flip_holds_its_level():
    """Runs that are alike are told apart in about 5 of 100 comparisons."""
    rng = np.random.default_rng(8)
    rejected = 0
    for seed in range(500):
        a, b = rng.choice([0, 0.5, 1], (2, 80))
        rejected += sign_flip_test(a - b, resamples=300, seed=seed) <= 0.05

    assert 0.025 <= rejected / 500 <= 0.075


def test_mcnemar_by_hand():
    """5 against 0: twice the tail 1 / 32, of which what was found counts half."""
    assert mcnemar_mid_p(5, 0) == pytest.approx(1 / 32)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_mcnemar_of_equal_counts_is_one(count):
    """No discordant item, or as many either way, is no evidence."""
    assert mcnemar_mid_p(count, count) == pytest.approx(1.0)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_agrees_with_whole_numbers(b, c):
    """The p is twice the smaller tail of the binomial at 1/2 less the last term, counted in whole numbers."""
    terms = [math.comb(b + c, k) for k in range(min(b, c) + 1)]
    expected = float(Fraction(2 * sum(terms) - terms[-1], 2 ** (b + c)))

    assert mcnemar_mid_p(b, c) == pytest.approx(expected, rel=1e-8, abs=1e-300)


def test_mcnemar_is_statsmodels_exact_test_less_half_of_what_was_found():
    """17 against 6 of 103."""
    exact = mcnemar([[50, 17], [6, 30]], exact=True).pvalue

    assert mcnemar_mid_p(17, 6) == pytest.approx(exact - binom.pmf(6, 23, 0.5))


def table(both, first, second, neither):
    """Means, their unbiased variances and covariance of two runs of right and wrong."""
    a = np.repeat([1.0, 1.0, 0.0, 0.0], [both, first, second, neither])
    b = np.repeat([1.0, 0.0, 1.0, 0.0], [both, first, second, neither])
    n = len(a)
    joint = np.cov(a, b) / n
    return (a.mean(), b.mean()), (joint[0, 0], joint[1, 1]), joint[0, 1], n


@pytest.mark.parametrize("counts", [(36, 12, 2, 0), (20, 12, 2, 16), (18, 14, 0, 18), (30, 0, 0, 24), (54, 0, 0, 0)])
def test_newcombes_interval_by_a_slow_reference(counts):
    """The ends of five tables, worked out step by step with Wilson's intervals from statsmodels."""
    e, f, g, h = counts
    n = sum(counts)
    one, other = (proportion_confint(k, n, method="wilson") for k in (e + f, e + g))
    p, q = (e + f) / n, (e + g) / n
    margins = (e + f) * (g + h) * (e + g) * (f + h)
    joint = e * h - f * g
    joint = max(joint - n / 2, 0) if joint > 0 else joint
    phi = joint / math.sqrt(margins) if margins else 0.0
    low = math.sqrt((p - one[0]) ** 2 - 2 * phi * (p - one[0]) * (other[1] - q) + (other[1] - q) ** 2)
    high = math.sqrt((one[1] - p) ** 2 - 2 * phi * (one[1] - p) * (q - other[0]) + (q - other[0]) ** 2)

    found = newcombe_interval(*table(*counts))

    assert (found.low, found.high) == pytest.approx((p - q - low, p - q + high), abs=1e-9)


def test_an_interval_that_contradicts_its_p_is_moved():
    """P above 0.05 and 0 left out, or the other way round: the end near 0 is difference (1 - 1.96 / z of p)."""
    for p, interval in ((0.06, Interval(0.01, 0.3)), (0.04, Interval(-0.01, 0.3))):
        moved = agreeing_interval(interval, 0.1, p)
        assert moved.low == pytest.approx(0.1 * (1 - norm.ppf(0.975) / norm.ppf(1 - p / 2)))
        assert (moved.low > 0, moved.high) == (p < 0.05, 0.3)
        turned = agreeing_interval(Interval(-interval.high, -interval.low), -0.1, p)
        assert (turned.low, turned.high) == pytest.approx((-0.3, -moved.low))


def test_an_interval_that_agrees_with_its_p_stays():
    """Both say that there is a difference, or neither does."""
    for p, interval in ((0.01, Interval(0.01, 0.3)), (0.5, Interval(-0.1, 0.3)), (1.0, Interval(0.0, 0.0))):
        assert agreeing_interval(interval, 0.1 if interval.high else 0.0, p) == interval


def test_detectable_difference_from_a_deviation():
    """(1.96 + 0.8416) sd / sqrt(n): 0.1401 for sd 0.5 and 100 items."""
    assert minimal_detectable_difference(100, sd=0.5) == pytest.approx(0.140079, abs=1e-6)


def test_detectable_difference_solves_connors_formula():
    """Put back into Connor's formula, the difference asks for as many items as there are."""
    n, share, z_alpha, z_power = 500, 0.2, 1.959964, 0.841621
    d = minimal_detectable_difference(n, discordant=share)

    assert ((z_alpha * math.sqrt(share) + z_power * math.sqrt(share - d * d)) / d) ** 2 == pytest.approx(n, rel=1e-5)


def test_power_is_that_of_every_table():
    """12 items, 30% discordant, a difference of 20 points: the chance of each pair of counts, one by one."""
    n, difference, share = 12, 0.2, 0.3
    one, other = (share + difference) / 2, (share - difference) / 2
    expected = sum(
        multinomial.pmf([b, c, n - b - c], n, [one, other, 1 - share])
        for b in range(n + 1)
        for c in range(n + 1 - b)
        if mcnemar_mid_p(b, c) <= 0.05
    )

    assert mcnemar_power(n, difference, share) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(
    ("n", "share"), [(20, 0.3), (60, 0.05), (60, 0.1), (100, 0.05), (200, 0.05), (419, 0.05), (500, 0.2)]
)
def test_detectable_difference_is_found_with_its_power(n, share):
    """At that difference McNemar's test finds it in 80% of runs, to a point where items are few."""
    d = minimal_detectable_difference(n, discordant=share)

    assert mcnemar_power(n, d, share) == pytest.approx(0.8, abs=0.01 if n < 500 else 0.03)


@pytest.mark.parametrize("spread", [{"discordant": 0.0}, {"sd": 0.0}])
def test_detectable_difference_is_never_nothing(spread):
    """Runs that never differ: five of 100 items must differ, all one way, and do so in 80% of runs at 6.65 points."""
    found = minimal_detectable_difference(100, **spread)

    assert binom.sf(4, 100, found) == pytest.approx(0.8, abs=0.005)


def test_what_so_few_items_cannot_show_is_said():
    """Four items that all favour one run have p 1 / 16."""
    assert minimal_detectable_difference(4, discordant=0.5) == 1.0


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
