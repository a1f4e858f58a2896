"""Agreement, against hand-worked cases, sklearn, statsmodels, krippendorff, and by simulation."""

import math

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from simulating import holds, runs
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa as statsmodels_fleiss

from judgebench.metrics.agreement import cohen_kappa, fleiss_kappa, gwet_ac1, krippendorff_alpha, percent_agreement

RATINGS = arrays(np.int64, st.tuples(st.integers(2, 15), st.integers(2, 5)), elements=st.integers(0, 3))
WITH_MISSING = arrays(np.int64, st.tuples(st.integers(2, 15), st.integers(2, 5)), elements=st.integers(-1, 3))
ALL = [percent_agreement, cohen_kappa, fleiss_kappa, gwet_ac1, krippendorff_alpha]

KRIPPENDORFF_2011 = np.array(
    [
        [1, 1, -1, 1],
        [2, 2, 3, 2],
        [3, 3, 3, 3],
        [3, 3, 3, 3],
        [2, 2, 2, 2],
        [1, 2, 3, 4],
        [4, 4, 4, 4],
        [1, 1, 2, 1],
        [2, 2, 2, 2],
        [-1, 5, 5, 5],
        [-1, -1, 1, 1],
        [-1, -1, 3, -1],
    ]
)


def two_raters(n, rng, kappa=0.5):
    """Two raters that agree beyond chance by `kappa`, on two equally common categories."""
    truth = rng.integers(0, 2, n)
    return np.stack([truth, np.where(rng.random(n) < kappa, truth, rng.integers(0, 2, n))], axis=1)


def test_percent_agreement_is_over_pairs_of_raters():
    """Three raters of whom two agree have a third of their pairs in agreement."""
    assert percent_agreement([[0, 0, 1], [2, 2, 2]]).value == pytest.approx((1 / 3 + 1) / 2)


def test_cohens_kappa_by_hand():
    """20 of 50 yes twice, 15 no twice, 10 and 5 split: (0.7 - 0.5) / (1 - 0.5)."""
    pairs = np.repeat([[0, 0], [1, 1], [0, 1], [1, 0]], [20, 15, 5, 10], axis=0)

    assert cohen_kappa(pairs).value == pytest.approx(0.4)


def test_cohens_kappa_leaves_out_items_that_one_did_not_rate():
    """Items with a rating missing do not count."""
    assert cohen_kappa([[0, 0], [1, 1], [0, 1], [1, -1], [np.nan, 1]]).items == 3


def test_cohens_interval_agrees_with_statsmodels():
    """With many rows the interval is the asymptotic one, of which it is 2% wide at most apart."""
    pairs = two_raters(5_000, np.random.default_rng(1))
    table = np.zeros((2, 2))
    np.add.at(table, tuple(pairs.T), 1)
    theirs, ours = cohens_kappa(table), cohen_kappa(pairs)

    assert (ours.low, ours.high) == pytest.approx((theirs.kappa_low, theirs.kappa_upp), abs=0.001)


@pytest.mark.parametrize("cells", [(17, 1, 1, 1), (12, 3, 2, 3), (40, 1, 0, 0)])
def test_intervals_of_two_raters_are_those_of_plain_draws_of_their_table(cells):
    """Half an observation more in each of the four cells, drawn and worked cell by cell."""
    pairs = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], cells, axis=0)
    both, first, second, neither = np.random.default_rng(7).dirichlet([n + 0.5 for n in cells], 50_000).T
    o, a, b = both + neither, both + first, both + second
    q = (a + b) / 2
    for found, e in ((cohen_kappa(pairs), a * b + (1 - a) * (1 - b)), (gwet_ac1(pairs), 2 * q * (1 - q))):
        low, high = np.quantile((o - e) / (1 - e), [0.025, 0.975])
        assert (found.low, found.high) == pytest.approx((min(low, found.value), max(high, found.value)), abs=0.02)


@pytest.mark.simulation
@pytest.mark.parametrize("n", [20, 60])
def test_kappa_of_a_common_choice_is_covered(n):
    """97 of 100 choices alike: kappa 1/3, AC1 of two categories; a normal interval holds kappa in 60%."""
    rng, p = np.random.default_rng(n), 0.97
    same, apart = p * (1 - p) / 3, 2 * p * (1 - p) / 3
    shares = [p * p + same, apart, apart, (1 - p) ** 2 + same]
    ac1 = (1 - 2 * apart - 2 * p * (1 - p)) / (1 - 2 * p * (1 - p))
    drawn = [np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], rng.multinomial(n, shares), axis=0) for _ in range(runs(500))]
    for coefficient, truth in ((cohen_kappa, 1 / 3), (gwet_ac1, ac1)):
        found = [each for each in map(coefficient, drawn) if not math.isnan(each.value)]
        assert np.mean([each.low <= truth <= each.high for each in found]) > 0.91


@pytest.mark.simulation
def test_cohens_kappa_is_covered():
    """The interval holds the true kappa in about 95 of 100 samples."""
    rng = np.random.default_rng(2)
    results = [cohen_kappa(two_raters(80, rng)) for _ in range(runs(1_000))]

    assert holds([result.low <= 0.5 <= result.high for result in results])


def test_cohens_kappa_is_for_two():
    """A third rater is refused."""
    with pytest.raises(ValueError, match="two raters"):
        cohen_kappa([[0, 1, 2]])


@settings(deadline=None)
@given(arrays(np.int64, st.tuples(st.integers(2, 20), st.just(2)), elements=st.integers(0, 3)))
def test_cohens_kappa_agrees_with_sklearn(pairs):
    """The value is sklearn's, wherever it has one."""
    if len(np.unique(pairs)) > 1:
        assert cohen_kappa(pairs).value == pytest.approx(cohen_kappa_score(*pairs.T))


@settings(deadline=None)
@given(RATINGS)
def test_fleiss_kappa_agrees_with_statsmodels(ratings):
    """The value is statsmodels', wherever it has one."""
    if len(np.unique(ratings)) > 1:
        assert fleiss_kappa(ratings).value == pytest.approx(statsmodels_fleiss(aggregate_raters(ratings)[0]))


def test_fleiss_kappa_with_a_missing_rating_by_hand():
    """Items {0,0,1}, {1,1}: agreement (1/3 + 1) / 2, shares 1/3 and 2/3, kappa (2/3 - 5/9) / (4/9)."""
    assert fleiss_kappa([[0, 0, 1], [1, 1, -1]]).value == pytest.approx(0.25)


def test_fleiss_interval_is_covered():
    """The interval of three raters' kappa holds the truth in about 95 of 100 samples."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(300):
        truth = rng.integers(0, 2, (100, 1))
        ratings = np.where(rng.random((100, 3)) < math.sqrt(0.5), truth, rng.integers(0, 2, (100, 3)))
        result = fleiss_kappa(ratings)
        held += result.low <= 0.5 <= result.high

    assert 0.915 <= held / 300 <= 0.985


@pytest.mark.parametrize(("level", "expected"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_krippendorffs_example(level, expected):
    """Krippendorff's own example with missing values has his published alphas."""
    assert krippendorff_alpha(KRIPPENDORFF_2011, level).value == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
@settings(deadline=None)
@given(ratings=WITH_MISSING)
def test_alpha_agrees_with_the_krippendorff_package(level, ratings):
    """The value is the package's, wherever two ratings of comparable items differ."""
    known = np.where(ratings < 0, np.nan, ratings.astype(float))
    pairable = known[(~np.isnan(known)).sum(axis=1) > 1]
    if len(np.unique(pairable[~np.isnan(pairable)])) > 1:
        theirs = krippendorff.alpha(reliability_data=known.T, level_of_measurement=level)
        assert krippendorff_alpha(ratings, level).value == pytest.approx(theirs)


def test_alpha_takes_ratings_that_are_no_whole_numbers():
    """Ratings of 7.5 and 8 are nearer than 7.5 and 1."""
    near = krippendorff_alpha([[7.5, 8.0], [1.0, 1.0], [3.0, 3.0]], "interval").value

    assert near > krippendorff_alpha([[7.5, 1.0], [1.0, 1.0], [3.0, 3.0]], "interval").value


def test_ac1_by_hand():
    """Agreement 0.7 with shares 0.55 and 0.45 of the two categories: chance 2 x 0.55 x 0.45."""
    pairs = np.repeat([[0, 0], [1, 1], [0, 1], [1, 0]], [20, 15, 5, 10], axis=0)

    assert gwet_ac1(pairs).value == pytest.approx((0.7 - 2 * 0.55 * 0.45) / (1 - 2 * 0.55 * 0.45))


def test_ac1_of_gwets_paradox_stays_high():
    """118 of 125 alike on the common category: AC1 is 0.94 where kappa falls below 0.03 (Gwet 2008)."""
    pairs = np.repeat([[0, 0], [0, 1], [1, 0]], [118, 5, 2], axis=0)

    assert gwet_ac1(pairs).value == pytest.approx(0.9408, abs=1e-4)


def test_ac1_counts_categories_that_nobody_chose():
    """More categories to choose from leave less to chance."""
    assert gwet_ac1([[0, 0], [0, 1]], categories=4).value > gwet_ac1([[0, 0], [0, 1]]).value


def test_ac1_of_one_category_throughout_is_one():
    """Full agreement on one of two categories is full agreement."""
    assert gwet_ac1([[1, 1], [1, 1]]).value == 1.0


def test_ac1_refuses_fewer_categories_than_occur():
    """Three categories cannot be two."""
    with pytest.raises(ValueError, match="3 categories occur"):
        gwet_ac1([[0, 1], [2, 2]], categories=2)


@pytest.mark.parametrize("coefficient", [cohen_kappa, fleiss_kappa, krippendorff_alpha])
def test_one_category_throughout_has_no_kappa(coefficient):
    """Where nothing varies chance explains all, and there is no value."""
    assert math.isnan(coefficient([[1, 1], [1, 1]]).value)


@pytest.mark.parametrize("coefficient", ALL)
def test_items_with_one_rating_have_no_agreement(coefficient):
    """Where no item has two ratings there is no value, and no item."""
    result = coefficient([[0, -1], [-1, 1]])

    assert (math.isnan(result.value), result.items) == (True, 0)


@pytest.mark.parametrize("coefficient", ALL)
def test_no_items_have_no_agreement(coefficient):
    """An empty table has no value."""
    assert math.isnan(coefficient(np.zeros((0, 2))).value)


def test_value_that_hangs_on_one_item_has_the_whole_range():
    """Where leaving out an item leaves no kappa, its interval says nothing."""
    result = cohen_kappa([[0, 0], [0, 0], [1, 1]])

    assert (result.low, result.high) == (-1.0, 1.0)


def test_ratings_are_a_table():
    """A flat list of ratings is refused."""
    with pytest.raises(ValueError, match="items, raters"):
        percent_agreement([0, 1])


@pytest.mark.parametrize("coefficient", [percent_agreement, fleiss_kappa, gwet_ac1, krippendorff_alpha])
@settings(deadline=None)
@given(ratings=WITH_MISSING, seed=st.integers(0, 99))
def test_order_of_items_and_raters_never_matters(coefficient, ratings, seed):
    """Items and raters may come in any order."""
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(rng.permutation(ratings, axis=0), axis=1)

    assert coefficient(shuffled).value == pytest.approx(coefficient(ratings).value, nan_ok=True)


@pytest.mark.parametrize("coefficient", [fleiss_kappa, gwet_ac1, krippendorff_alpha])
@settings(deadline=None)
@given(ratings=RATINGS)
def test_interval_holds_the_coefficient(coefficient, ratings):
    """The interval holds the value, wherever there is one."""
    result = coefficient(ratings)

    assert math.isnan(result.low) or result.low <= result.value + 1e-9 <= result.high + 2e-9


def test_full_agreement_and_none_have_an_interval_with_a_width():
    """Of 16 items none or all alike: Wilson's ends, z²/(16 + z²) = 0.1936; kappa's are these less what chance gives."""
    none = percent_agreement([[0, 1]] * 8 + [[1, 0]] * 8)
    assert (none.low, none.high) == pytest.approx((0.0, 0.1936), abs=1e-4)
    alike = [[0, 0]] * 8 + [[1, 1]] * 8
    assert percent_agreement(alike).low == pytest.approx(1 - 0.1936, abs=1e-4)
    for coefficient in (cohen_kappa, fleiss_kappa, gwet_ac1):  # two categories, each half of the ratings: chance is 1/2
        found = coefficient(alike)
        assert (found.value, found.high) == (1.0, 1.0)
        assert found.low == pytest.approx(1 - 0.1936 / (1 - 1 / 2), abs=1e-4)


@pytest.mark.parametrize("coefficient", ALL)
def test_rows_of_a_cluster_are_left_out_together(coefficient):
    """Every row three times over, as one cluster, says no more than the row alone; as rows of their own it seems to."""
    pairs = np.repeat([[0, 0], [1, 1], [0, 1], [1, 0]], [20, 15, 5, 10], axis=0)
    alone, thrice = coefficient(pairs), np.repeat(pairs, 3, axis=0)
    found = coefficient(thrice, clusters=np.repeat(np.arange(50), 3))
    assert (found.value, found.items) == (pytest.approx(alone.value, abs=0.005), 150)
    assert found.high - found.low == pytest.approx(alone.high - alone.low, rel=0.01)
    assert coefficient(thrice).high - coefficient(thrice).low < 0.6 * (alone.high - alone.low)
