"""Calibration and correlations, against hand-worked cases, sklearn, scipy, and by simulation."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import kendalltau, pearsonr, spearmanr
from simulating import holds, runs
from sklearn.metrics import brier_score_loss

from judgebench.metrics import calibration
from judgebench.metrics.calibration import (
    Bin,
    brier,
    ece,
    ece_if_calibrated,
    kendall,
    pearson,
    risk_coverage,
    spearman,
)

SURE = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40)
GRADES = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=30)


def varies(*sides):
    """Each side has two different values."""
    return all(len(set(side)) > 1 for side in sides)


def test_brier_by_hand():
    """Squares of 0.2 and 0.4, on average."""
    assert brier([0.8, 0.4], [1, 0]) == pytest.approx((0.04 + 0.16) / 2)


def test_brier_of_a_tie_is_a_coins():
    """Half right: whichever of the two it is, a probability of 0.5 is 0.5 away; 0.8 is 0.2 or 0.8 away."""
    assert brier([0.5], [0.5]) == pytest.approx(0.25)
    assert brier([0.8], [0.5]) == pytest.approx((0.04 + 0.64) / 2)


def test_brier_agrees_with_sklearn():
    """The score is sklearn's."""
    rng = np.random.default_rng(1)
    outcomes, probabilities = rng.integers(0, 2, 50), rng.random(50)

    assert brier(probabilities, outcomes) == pytest.approx(brier_score_loss(outcomes, probabilities))


@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(bad):
    """Probabilities lie between 0 and 1."""
    with pytest.raises(ValueError, match="outside 0 to 1"):
        brier([bad], [1])


def test_probabilities_and_outcomes_are_as_many():
    """Unequal lengths are refused."""
    with pytest.raises(ValueError, match="same length"):
        brier([0.5, 0.5], [1])


def test_ece_by_hand():
    """Bins of (0.5 to 0.6] and (0.9 to 1]: gaps 0.45 and 0.05 of two rows each."""
    result = ece([0.55, 0.55, 0.95, 0.95], [0, 0.2, 1, 1])

    assert result.value == pytest.approx((0.45 + 0.05) / 2)


def test_ece_states_its_bins():
    """The table has each bin's edges, rows, mean probability and accuracy."""
    assert ece([0.25, 0.75], [0, 1], bins=2).bins == (Bin(0, 0.5, 1, 0.25, 0.0), Bin(0.5, 1, 1, 0.75, 1.0))


def test_ece_bins_hold_their_upper_edge():
    """0, 0.1, ... 1 lie in ten bins, 0 and 0.1 in the first."""
    assert [row.n for row in ece(np.arange(11) / 10, np.ones(11)).bins] == [2, 1, 1, 1, 1, 1, 1, 1, 1, 1]


def test_ece_names_the_largest_gap():
    """The maximum is that of the worst bin."""
    assert ece([0.55, 0.95], [0, 1]).maximum == pytest.approx(0.55)


def test_ece_of_equal_mass_has_equal_bins():
    """A hundred different probabilities fall into ten bins of ten."""
    result = ece(np.linspace(0.9, 1, 100), np.ones(100), binning="equal-mass")

    assert [row.n for row in result.bins] == [10] * 10


def test_ece_of_equal_mass_keeps_equal_probabilities_together():
    """Probabilities that are all the same make one bin."""
    assert ece([0.7] * 20, [1] * 20, binning="equal-mass").bins == (Bin(0.7, 0.7, 20, pytest.approx(0.7), 1.0),)


@settings(deadline=None)
@given(SURE, st.sampled_from(["equal-width", "equal-mass"]))
def test_ece_counts_every_row_once(rows, binning):
    """Bins hold all rows between them."""
    assert sum(row.n for row in ece(*zip(*rows, strict=True), binning=binning).bins) == len(rows)


@settings(deadline=None)
@given(SURE, st.sampled_from(["equal-width", "equal-mass"]), st.randoms())
def test_ece_does_not_depend_on_the_order_of_rows(rows, binning, random):
    """Rows may come in any order."""
    shuffled = random.sample(rows, len(rows))

    values = [ece(*zip(*some, strict=True), binning=binning).value for some in (rows, shuffled)]

    assert values[0] == pytest.approx(values[1])


@settings(deadline=None)
@given(SURE)
def test_ece_is_at_least_the_overall_gap(rows):
    """Bins cannot hide more than the distance of mean probability and accuracy."""
    probabilities, outcomes = zip(*rows, strict=True)

    assert ece(probabilities, outcomes).value >= abs(np.mean(probabilities) - np.mean(outcomes)) - 1e-12


def test_the_error_of_a_calibrated_judge_by_hand():
    """Two rows at 0.5: 0.5 where both are right or both wrong, else 0, half of the judges each. At 1 there is none."""
    assert ece_if_calibrated([0.5, 0.5], share=0.75) == 0.5
    assert ece_if_calibrated([0.5, 0.5], share=0.25) == 0.0
    assert ece_if_calibrated([1.0, 1.0, 1.0]) == 0.0


def test_of_two_equal_completions_one_is_right():
    """A verdict that names both is right by half, whichever is correct; a third elsewhere leaves 2/3 for them."""
    assert ece_if_calibrated([0.5] * 9, [2] * 9) == 0.0
    assert ece_if_calibrated([1 / 3], [2], share=0.99) == pytest.approx(1 / 3)  # 0 - 1/3 in a third, else 1/2 - 1/3
    assert ece_if_calibrated([1 / 3], [2], share=0.5) == pytest.approx(1 / 6)


def test_the_error_of_a_calibrated_judge_is_binomial():
    """Of 20 rows at 0.8 the share right is off by at most 0.1 with a chance of .844, 0.15 with .956, 0.2 with .990."""
    found = [ece_if_calibrated([0.8] * 20, share=share) for share in (0.8, 0.9, 0.975)]
    assert found == pytest.approx([0.1, 0.15, 0.2])


def test_the_error_of_a_calibrated_judge_is_over_bins():
    """Three rows at 0.5 are off by 0.5 in 3 of 4 cases, else by 1.5; one at 0.9 by 0.1 in 9 of 10, else by 0.9.

    Together, of four rows: 0.6 with a chance of .675, 1.4 with .075, 1.6 with .225, 2.4 with .025.
    """
    found = [ece_if_calibrated([0.5, 0.5, 0.9, 0.5], share=share) for share in (0.5, 0.85)]
    assert found == pytest.approx([0.6 / 4, 1.6 / 4])


def test_risk_coverage_by_hand():
    """Right, wrong, right from the surest down: risks 0, 1/2, 1/3."""
    result = risk_coverage([0.9, 0.8, 0.7], [1, 0, 1])

    assert result.risk.tolist() == pytest.approx([0, 1 / 2, 1 / 3])


def test_risk_coverage_area_is_the_mean_risk():
    """The area is the mean over all coverages."""
    assert risk_coverage([0.9, 0.8, 0.7], [1, 0, 1]).area == pytest.approx((1 / 2 + 1 / 3) / 3)


def test_equal_confidences_share_their_risk():
    """A judge that is equally sure of all has its overall risk at every coverage."""
    assert risk_coverage([0.5, 0.5, 0.5], [1, 0, 0]).risk.tolist() == pytest.approx([2 / 3] * 3)


@settings(deadline=None)
@given(SURE)
def test_risk_at_full_coverage_is_the_error_rate(rows):
    """With all verdicts taken the risk is one less accuracy."""
    confidences, credits_ = zip(*rows, strict=True)

    assert risk_coverage(confidences, credits_).risk[-1] == pytest.approx(1 - np.mean(credits_))


def test_pearson_agrees_with_scipy():
    """The value is scipy's, and so is the interval where no few pairs are far off (even values are less spread)."""
    x = np.linspace(-1, 1, 40)
    y = x + np.resize([0.4, -0.4], 40)
    theirs = pearsonr(x, y)
    ours = pearson(x, y)

    assert (ours.value, ours.low, ours.high) == pytest.approx((theirs.statistic, *theirs.confidence_interval()))


def test_pearson_with_a_few_far_off_has_the_jackknifes_error():
    """Ratings are the grades, but for one in ten: wider than Fisher's, as leaving one out each time says."""
    rng = np.random.default_rng(5)
    x = rng.integers(1, 6, 400).astype(float)
    y = np.where(rng.random(400) < 0.1, rng.integers(1, 6, 400), x).astype(float)
    z = [np.arctanh(pearsonr(np.delete(x, at), np.delete(y, at)).statistic) for at in range(400)]
    error = math.sqrt(399 * np.var(z))
    ours = pearson(x, y)

    assert error > 1.3 / math.sqrt(397)
    assert np.arctanh([ours.low, ours.high]) == pytest.approx(
        np.arctanh(ours.value) + np.array([-1.96, 1.96]) * error, abs=0.02
    )


def test_pearson_takes_clusters_as_one():
    """Each pair three times over, as a cluster: the error is that of the pairs alone."""
    rng = np.random.default_rng(6)
    x = rng.integers(1, 6, 300).astype(float)
    y = np.where(rng.random(300) < 0.2, rng.integers(1, 6, 300), x).astype(float)
    once, thrice = pearson(x, y), pearson(np.repeat(x, 3), np.repeat(y, 3), clusters=np.repeat(np.arange(300), 3))

    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high))


@pytest.mark.parametrize("coefficient", [pearson, spearman, kendall])
@pytest.mark.parametrize("sign", [1, -1])
def test_full_correlation_in_few_items_is_no_certainty(coefficient, sign):
    """Ten ratings equal to their grades: 3.84 of 13.84 more may be quite off, so at least 0.7225."""
    found = coefficient(np.arange(10), sign * np.arange(10))

    assert found.value == pytest.approx(sign)
    assert abs(found.low if sign > 0 else found.high) == pytest.approx(10 / 13.8415, abs=1e-4)


@settings(deadline=None)
@given(GRADES)
def test_spearman_agrees_with_scipy(grades):
    """The value is scipy's, ties included."""
    x, y = zip(*grades, strict=True)
    if varies(x, y):
        assert spearman(x, y, resamples=10).value == pytest.approx(spearmanr(x, y).statistic)


@settings(deadline=None)
@given(GRADES)
def test_kendall_agrees_with_scipy(grades):
    """The value is scipy's tau-b, ties included."""
    x, y = zip(*grades, strict=True)
    if varies(x, y):
        assert kendall(x, y, resamples=10).value == pytest.approx(kendalltau(x, y).statistic)


def test_kendall_of_many_values_agrees_with_scipy():
    """Where neither side has few values the value is still scipy's."""
    x, y = np.random.default_rng(3).normal(size=(2, 80))

    assert kendall(x, y, resamples=10).value == pytest.approx(kendalltau(x, y).statistic)


@pytest.mark.parametrize("coefficient", [spearman, kendall])
def test_bootstrap_agrees_with_resampling_by_hand(coefficient):
    """The interval is that of scipy's coefficient over resampled pairs."""
    rng = np.random.default_rng(4)
    x = rng.integers(1, 6, 100)
    y = np.clip(x + rng.integers(-2, 3, 100), 1, 5)
    theirs = {spearman: spearmanr, kendall: kendalltau}[coefficient]
    drawn = [theirs(x[rows], y[rows]).statistic for rows in rng.integers(0, 100, (400, 100))]
    result = coefficient(x, y)

    assert [result.low, result.high] == pytest.approx(np.quantile(drawn, [0.025, 0.975]).tolist(), abs=0.03)


@pytest.mark.parametrize("coefficient", [pearson, spearman, kendall])
def test_full_correlation_is_one(coefficient):
    """Ratings in the same steps correlate fully."""
    assert coefficient([1, 2, 3, 4], [2, 4, 6, 8]).value == pytest.approx(1.0)


@pytest.mark.parametrize("coefficient", [pearson, spearman, kendall])
def test_pairs_that_stand_five_times_in_a_cluster_say_no_more_than_once(coefficient):
    """The interval is as wide as over the 40 pairs; without the clusters it is about sqrt(5) times too narrow."""
    rng = np.random.default_rng(0)
    x = rng.integers(1, 6, 40)
    y = np.clip(x + rng.integers(-2, 3, 40), 1, 5)

    def width(each):
        return each.high - each.low

    once = width(coefficient(x, y))
    clustered = width(coefficient(np.repeat(x, 5), np.repeat(y, 5), clusters=np.repeat(np.arange(40), 5)))
    assert clustered == pytest.approx(once, rel=0.2)
    assert width(coefficient(np.repeat(x, 5), np.repeat(y, 5))) < 0.6 * once


@pytest.mark.parametrize("coefficient", [pearson, spearman, kendall])
def test_side_that_does_not_vary_has_no_correlation(coefficient):
    """A judge that always gives the same rating has no correlation."""
    assert coefficient([0.1, 0.1, 0.1], [1, 2, 3]) is None


@pytest.mark.parametrize("coefficient", [pearson, spearman, kendall])
def test_one_pair_has_no_correlation(coefficient):
    """A single pair has no correlation."""
    assert coefficient([1], [2]) is None


def test_three_pairs_say_nothing_on_pearson():
    """Fisher's interval needs more than three pairs."""
    assert (pearson([1, 2, 3], [1, 3, 2]).low, pearson([1, 2, 3], [1, 3, 2]).high) == (-1.0, 1.0)


@pytest.mark.parametrize("coefficient", [pearson, spearman, kendall])
@settings(deadline=None)
@given(grades=GRADES)
def test_interval_holds_the_correlation(coefficient, grades):
    """The interval holds the value and stays within -1 and 1."""
    x, y = zip(*grades, strict=True)
    if varies(x, y):
        result = coefficient(x, y)
        assert -1 <= result.low <= result.value <= result.high <= 1


@pytest.mark.simulation
def test_spearman_interval_is_covered():
    """The interval holds the true rho of a normal pair in about 95 of 100 samples."""
    rng = np.random.default_rng(5)
    truth = 6 / np.pi * np.arcsin(0.6 / 2)
    held = []
    for seed in range(runs(1_000)):
        x = rng.normal(size=80)
        result = spearman(x, 0.6 * x + 0.8 * rng.normal(size=80), resamples=400, seed=seed)
        held.append(result.low <= truth <= result.high)

    assert holds(held)


def test_correlations_of_a_thousand_grades_are_quick():
    """All three over 1,000 grades take well under two seconds, intervals included."""
    rng = np.random.default_rng(6)
    x, y = rng.integers(1, 6, (2, 1000))
    start = time.perf_counter()

    for coefficient in (pearson, spearman, kendall):
        coefficient(x, y)

    assert time.perf_counter() - start < 2


def correlated(n, *, graded):
    """Pairs with a correlation of 0.6; the second cut into five grades, or not."""
    x, noise = np.random.default_rng(2).normal(size=(2, n))
    y = 0.6 * x + 0.8 * noise
    return x, np.digitize(y, [-1.2, -0.4, 0.4, 1.2]) if graded else y


@pytest.mark.parametrize("measure", [spearman, kendall])
@pytest.mark.parametrize("graded", [False, True])
def test_the_formula_for_many_pairs_agrees_with_the_bootstrap(measure, graded, monkeypatch):
    """1,000 pairs, ties on one side or none: widths within 12%, and centres within a tenth of the width."""
    x, y = correlated(1_000, graded=graded)
    monkeypatch.setattr(calibration, "BOOTSTRAP_LIMIT", 999)
    quick = measure(x, y)
    monkeypatch.setattr(calibration, "BOOTSTRAP_LIMIT", 10_000)
    slow = measure(x, y, resamples=500)

    width = slow.high - slow.low
    assert quick.value == slow.value
    assert quick.high - quick.low == pytest.approx(width, rel=0.12)
    assert quick.low + quick.high == pytest.approx(slow.low + slow.high, abs=0.2 * width)


def test_bonett_and_wright_by_hand():
    """10,000 pairs without ties: tanh(atanh r -+ 1.96 sqrt((1 + r^2 / 2) / 9997)), and sqrt(0.437 / 9996) for tau."""
    x, y = correlated(10_000, graded=False)
    rho, tau = spearman(x, y), kendall(x, y)

    half = 1.959963984540054 * np.sqrt((1 + rho.value**2 / 2) / 9_997)
    assert (rho.low, rho.high) == pytest.approx(np.tanh(np.arctanh(rho.value) + np.array([-half, half])))
    half = 1.959963984540054 * np.sqrt(0.437 / 9_996)
    assert (tau.low, tau.high) == pytest.approx(np.tanh(np.arctanh(tau.value) + np.array([-half, half])))


def test_few_grades_are_bootstrapped_however_many_items():
    """100,000 pairs of five grades have 25 distinct pairs: the seed of the bootstrap moves the interval."""
    x, y = np.random.default_rng(6).integers(1, 6, size=(2, 100_000))

    assert kendall(x, y, resamples=50, seed=1).low != kendall(x, y, resamples=50, seed=2).low
