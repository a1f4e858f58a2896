"""The tests of paired comparisons, against hand-worked cases, scipy and statsmodels, and by simulation."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import binomtest, norm, permutation_test, sem
from statsmodels.api import OLS
from statsmodels.stats.contingency_tables import mcnemar

from judgebench.metrics.comparisons import (
    clustered_standard_error,
    difference_from_resamples,
    mcnemar_exact,
    minimal_detectable_difference,
    sign_flip_test,
)


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

    assert sign_flip_test(difference, resamples=100) == pytest.approx(mcnemar_exact(60, 40), rel=1e-9)


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
