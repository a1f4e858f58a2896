"""Differences of runs over the same items: worked by hand, and against a slow reference with the same draws."""

import math
import statistics
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from making import key

from judgebench.benchmarks import get_benchmark
from judgebench.items import Outcome
from judgebench.metrics.accuracy import Layout
from judgebench.metrics.comparisons import clustered_standard_error
from judgebench.metrics.grades import correlation_draws
from judgebench.metrics.paired import PairedRuns, PairedScores
from judgebench.metrics.ties import ties_credit

ITEMS = Layout(overall="items")
CREDITS = st.sampled_from([0.0, 0.25, 0.5, 1.0])
PAIRS = st.lists(st.tuples(CREDITS, CREDITS), min_size=1, max_size=40)


def outcomes(credits_, subset="s"):
    return [Outcome(key(f"{subset}{at}", subset), credit, credit, credit) for at, credit in enumerate(credits_)]


def paired(*runs, layout=ITEMS):
    return PairedRuns(runs, layout, lambda item: item.id)


def test_mcnemar_where_credits_are_0_or_1():
    """Six items that only the first run has right and none that only the second has: mid-p is 1 / 2^6."""
    runs = paired(outcomes([1.0] * 9 + [0.0]), outcomes([1.0] * 3 + [0.0] * 7))
    found = runs.part(runs.whole).difference(0, 1)
    assert (found.first_score, found.second_score, found.n, found.test) == (0.9, 0.3, 10, "mcnemar")
    assert found.difference == pytest.approx(0.6)
    assert found.p == pytest.approx(1 / 64)
    assert found.low < 0.6 < found.high


def test_an_interval_ends_where_differences_end():
    """One of two items right against none: no end goes past a difference of 1."""
    first = outcomes([1.0, 1.0], "a") + outcomes([1.0, 0.0], "b")
    second = outcomes([0.0, 0.0], "a") + outcomes([0.0, 0.0], "b")
    layout = Layout(sections=("S",), section_of=lambda _: "S")
    one, other = paired(first, second, layout=layout), paired(second, first, layout=layout)
    for runs, way in ((one, 1), (other, -1)):
        for part in (runs.whole, *runs.subsets.values()):
            found = runs.part(part).difference(0, 1)
            assert -1 <= found.low <= found.difference <= found.high <= 1
            assert found.difference * way > 0


def test_the_other_way_round_is_the_same_difference_negated():
    """The second run less the first has the same p, and the interval mirrored."""
    runs = paired(outcomes([1.0] * 9 + [0.0]), outcomes([1.0] * 3 + [0.0] * 7))
    one, other = runs.part(runs.whole).difference(0, 1), runs.part(runs.whole).difference(1, 0)
    assert other.difference == pytest.approx(-one.difference)
    assert other.p == pytest.approx(one.p)


def test_sign_flips_where_credits_are_fractions():
    """Four differences of one half, all one way: 2 of the 16 sign patterns are as extreme."""
    runs = paired(outcomes([1.0, 1.0, 1.0, 1.0, 0.5]), outcomes([0.5, 0.5, 0.5, 0.5, 0.5]))
    found = runs.part(runs.whole).difference(0, 1)
    assert (found.test, found.p) == ("sign-flip", pytest.approx(2 / 16))
    assert found.difference == pytest.approx(0.4)


def test_official_weights_make_the_difference():
    """A section of one subset at weight 3 and another at weight 1: (3 x 0.5 + 1 x 1) / 4."""
    layout = Layout(sections=("S",), section_of=lambda _: "S", subset_weights={"a": 3.0, "b": 1.0})
    first = outcomes([1.0, 1.0], "a") + outcomes([1.0, 1.0], "b")
    second = outcomes([1.0, 0.0], "a") + outcomes([0.0, 0.0], "b")
    runs = paired(first, second, layout=layout)
    found = runs.part(runs.whole).difference(0, 1)
    assert found.difference == pytest.approx(0.625)
    assert found.test == "sign-flip"
    assert runs.part(runs.sections["S"]).difference(0, 1).difference == pytest.approx(0.625)
    assert runs.part(runs.subsets["a"]).difference(0, 1).difference == pytest.approx(0.5)
    assert runs.part(runs.subsets["b"]).difference(0, 1).test == "mcnemar"


def test_a_run_compared_with_its_equal_is_not_told_apart():
    """No item differs: the difference is 0, p is 1, and the interval still has a width."""
    runs = paired(outcomes([1.0, 0.0, 1.0]), outcomes([1.0, 0.0, 1.0]))
    found = runs.part(runs.whole).difference(0, 1)
    assert (found.difference, found.p) == (0.0, 1.0)
    assert found.low < 0 < found.high


def test_many_differences_one_way_get_a_p_below_what_was_drawn():
    """300 differences of unequal size all one way: Hoeffding's bound replaces 1 in 10,001 patterns."""
    first = outcomes([0.5 + 0.4 * (at % 7) / 7 for at in range(300)])
    runs = paired(first, outcomes([0.25] * 300))
    assert runs.part(runs.whole).difference(0, 1).p < 1e-20


def scores(*credits_, weights=(1.0,), strata=None, **options):
    """Runs by their credits, without outcomes and layouts."""
    stratum = None if strata is None else np.asarray(strata)
    return PairedScores(np.array(credits_, dtype=float), weights, strata=stratum, **options)


def reference_interval(credits_, weights, strata, clusters, *, seed, resamples):
    """The 95% interval of the first run less the second, one resample and one cluster at a time.

    Each stratum is drawn from its own generator; its clusters stand in ascending order of their sums and sizes.
    """
    drawn = [0.0] * resamples
    for stratum, weight in enumerate(weights):
        sums = {}
        for *row, own, cluster in zip(*credits_, strata, clusters, strict=True):
            if own == stratum:
                sums[cluster] = [
                    total + credit for total, credit in zip(sums.get(cluster, [0.0] * 3), [*row, 1.0], strict=True)
                ]
        units = sorted(sums.values())
        n = len(units)
        observed = sum(a - b for a, b, _ in units) / sum(rows for _, _, rows in units)
        picks = np.random.default_rng([seed, stratum]).integers(0, n, size=(resamples, n)).tolist()
        for at, pick in enumerate(picks):
            difference = sum(units[unit][0] - units[unit][1] for unit in pick) / sum(units[unit][2] for unit in pick)
            widened = observed + (difference - observed) * math.sqrt(n / (n - 1))
            drawn[at] += weight / sum(weights) * widened
    return np.quantile(drawn, [0.025, 0.975]).tolist()


@pytest.mark.parametrize("rows", [1, 3], ids=["items alone", "clusters"])
def test_intervals_are_those_of_the_slow_reference(rows):
    """Strata of 150 and 300 clusters at weights 1 and 2, the draws the same: the interval is equal to twelve digits."""
    rng = np.random.default_rng(5)
    cluster_of = np.repeat(np.arange(450), rng.integers(1, rows + 1, 450))
    strata = (cluster_of >= 150).astype(int)
    credits_ = rng.uniform(0.4, 0.6, (2, len(cluster_of)))

    tested = scores(*credits_, weights=(1.0, 2.0), strata=strata, clusters=cluster_of, seed=7, resamples=101)
    found = tested.difference(0, 1)

    expected = reference_interval(credits_, (1.0, 2.0), strata, cluster_of, seed=7, resamples=101)
    assert found.interval == "bootstrap"
    assert [found.low, found.high] == pytest.approx(expected, rel=1e-12)


def test_runs_are_resampled_together():
    """A third run changes the draws of the other two, and their interval only by noise."""
    credits_ = np.random.default_rng(4).choice([0.0, 0.5, 1.0], (3, 600), p=[0.3, 0.2, 0.5])
    strata = np.repeat([0, 1], [200, 400])
    together = scores(*credits_, weights=(3.0, 1.0), strata=strata)

    for first, second in ((0, 1), (0, 2), (1, 2)):
        found = together.difference(first, second)
        alone = scores(credits_[first], credits_[second], weights=(3.0, 1.0), strata=strata).difference(0, 1)
        assert found.difference == alone.difference
        assert (found.low, found.high) == pytest.approx((alone.low, alone.high), abs=0.1 * (alone.high - alone.low))


def test_few_items_have_newcombes_interval():
    """Of 299 the interval is by formula, of 300 by resampling; both say so."""
    found = [scores(*np.random.default_rng(1).integers(0, 2, (2, n))).difference(0, 1) for n in (299, 300)]

    assert [each.interval for each in found] == ["newcombe", "bootstrap"]


@given(st.lists(st.sampled_from([(0, 0), (0, 1), (1, 0), (1, 1), (0.5, 1), (0, 0.5)]), min_size=1, max_size=60))
@settings(deadline=None)
def test_no_interval_contradicts_its_p(pairs):
    """It leaves out 0 just where p is at most 0.05."""
    found = scores(*np.array(pairs, dtype=float).T, resamples=200).difference(0, 1)

    assert (found.low > 0 or found.high < 0) == (found.p <= 0.05)


def with_failures(credits_, failed):
    """Outcomes of which some stand in for a failure."""
    return [
        replace(each, credit=0.5, low=0.0, high=1.0, substituted=0.5) if at in failed else each
        for at, each in enumerate(outcomes(credits_))
    ]


@pytest.mark.parametrize("n", [100, 1_000], ids=["newcombe", "bootstrap"])
def test_what_stands_in_for_failures_has_the_variance_of_coins(n):
    """All else equal, a tenth of the items at 1/2 by failure widens the interval as a tenth of coins would."""
    rng = np.random.default_rng(2)
    first, second = rng.integers(0, 2, (2, n)).astype(float)
    failed = set(range(0, n, 10))
    halves = [0.5 if at in failed else each for at, each in enumerate(first)]
    (sure, open_) = (paired(one, outcomes(second)) for one in (outcomes(halves), with_failures(first.tolist(), failed)))
    wide, narrow = (runs.part(runs.whole).difference(0, 1) for runs in (open_, sure))
    error = clustered_standard_error(np.array(halves) - second)
    expected = math.sqrt(error**2 + len(failed) * 0.25 / n**2)

    assert wide.difference == pytest.approx(narrow.difference)
    assert wide.high - wide.low == pytest.approx(2 * 1.96 * expected, rel=0.05)
    assert (wide.p > narrow.p, wide.test) == (True, "sign-flip")


def test_the_interval_agrees_with_the_normal_one():
    """With many items of 0 and 1 the interval is close to 1.96 standard errors around the difference."""
    a, b = np.random.default_rng(1).integers(0, 2, (2, 2000))
    error = clustered_standard_error(a - b)

    found = scores(a, b).difference(0, 1)

    expected = [found.difference - 1.96 * error, found.difference + 1.96 * error]
    assert [found.low, found.high] == pytest.approx(expected, abs=0.1 * error)


@pytest.mark.parametrize("n", [400, 100_000], ids=["drawn", "normal limit"])
def test_the_interval_of_distinct_credits_agrees_with_the_normal_one(n):
    """Credits that are all different are drawn row by row, and very many of them from the normal limit."""
    difference = np.random.default_rng(2).random(n)

    found = scores(difference, np.zeros(n)).difference(0, 1)

    assert found.high - found.low == pytest.approx(2 * 1.96 * clustered_standard_error(difference), rel=0.05)


def test_copies_of_items_are_no_evidence():
    """Four copies of every item in one cluster say no more than one."""
    a, b = np.random.default_rng(3).integers(0, 2, (2, 300))
    once = scores(a, b).difference(0, 1)

    copied = scores(np.repeat(a, 4), np.repeat(b, 4), clusters=np.repeat(np.arange(300), 4)).difference(0, 1)

    assert copied.high - copied.low == pytest.approx(once.high - once.low, rel=0.05)


def test_uneven_clusters_have_the_clustered_error():
    """Clusters of different sizes give the interval of the ratio of sums to rows."""
    rng = np.random.default_rng(4)
    clusters = np.repeat(np.arange(300), rng.integers(1, 5, 300))
    difference = rng.integers(-1, 2, 300)[clusters] * 1.0

    found = scores(difference, np.zeros(len(difference)), clusters=clusters).difference(0, 1)

    error = clustered_standard_error(difference, clusters)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_sign_flips_turn_clusters_as_a_whole():
    """Three items copied ten times are still three items: p is 2 / 2^3."""
    found = scores(np.ones(30), np.zeros(30), clusters=np.repeat(np.arange(3), 10)).difference(0, 1)

    assert (found.test, found.p) == ("sign-flip", pytest.approx(0.25))


def test_intervals_hold_the_truth_in_small_strata():
    """Nominal 95% intervals hold the truth in 92 to 98.5 of 100 runs with only five items a subset."""
    rng = np.random.default_rng(5)
    strata = np.repeat(np.arange(20), 5)
    chances = rng.uniform(0.2, 0.9, 20)[strata]
    truth, held = -0.05, 0
    for seed in range(300):
        a, b = rng.random(100) < chances + truth, rng.random(100) < chances
        found = scores(a, b, weights=[1.0] * 20, strata=strata, resamples=400, seed=seed).difference(0, 1)
        held += found.low <= truth <= found.high

    assert 0.92 <= held / 300 <= 0.985


def test_strata_of_a_single_item_are_resampled_together():
    """Of 400 strata of one item the interval is that of their parts as one stratum: 1.96 errors of their mean."""
    a, b = np.random.default_rng(3).random((2, 400))
    weights = np.tile([0.9, 1.1], 200)
    found = scores(a, b, weights=weights, strata=range(400)).difference(0, 1)

    error = clustered_standard_error((a - b) * weights)
    assert found.interval == "bootstrap"
    assert [found.low, found.high] == pytest.approx(
        [found.difference - 1.96 * error, found.difference + 1.96 * error], abs=0.1 * error
    )


def test_strata_of_weight_0_and_rows_of_no_stratum_are_left_out():
    """One item of two differs in the stratum that counts: 0.5, of 2 items, with mid-p 1/2."""
    found = scores([1, 0, 1, 1], [0, 0, 0, 0], weights=(2.0, 0.0), strata=[0, 0, 1, -1]).difference(0, 1)

    assert (found.difference, found.n, found.p) == (0.5, 2, 0.5)


def test_equal_runs_leave_room_for_a_difference():
    """Three right items do not prove that runs are equal: the interval is Newcombe's of 0 in 3, p is 1.

    Wilson's interval of 3 in 3 reaches down to 3 / (3 + z^2), and the two are not correlated.
    """
    found = scores([1, 1, 1], [1, 1, 1]).difference(0, 1)

    assert (found.high, found.p) == (pytest.approx(1 - 3 / (3 + 1.959964**2)), 1.0)


@pytest.mark.parametrize(("n", "p"), [(5, 1 / 32), (1, 1 / 2)])
def test_a_uniform_difference_has_the_p_of_the_sign_test(n, p):
    """Five items that all favour one run give mid-p 1 / 2^5; one alone says nothing."""
    assert scores([1] * n, [0] * n).p(0, 1) == pytest.approx(p)


def test_ten_thousand_resamples_of_rewardbench_are_quick():
    """10,000 resamples of 2,985 items in 23 subsets take well under two seconds."""
    rng = np.random.default_rng(0)
    a, b, strata = rng.integers(0, 2, 2985), rng.integers(0, 2, 2985), rng.integers(0, 23, 2985)
    start = time.process_time()

    scores(a, b, weights=[1.0] * 23, strata=strata).difference(0, 1)

    assert time.process_time() - start < 2


@settings(deadline=None)
@given(PAIRS)
def test_the_interval_holds_the_difference_and_turns_with_the_runs(pairs):
    """The estimate is never outside its interval; the second run less the first is the same, negated."""
    a, b = np.array(pairs).T
    tested = scores(a, b, resamples=50)

    found, turned = tested.difference(0, 1), tested.difference(1, 0)

    assert found.low <= found.difference <= found.high
    assert (turned.difference, turned.p) == (-found.difference, found.p)
    assert [turned.low, turned.high] == pytest.approx([-found.high, -found.low])


def test_the_seed_decides_the_draws():
    """The same seed gives the same figures, another one other ones."""
    rows = [outcomes(run) for run in np.random.default_rng(6).random((2, 400))]

    def low(seed):
        runs = PairedRuns(rows, ITEMS, lambda item: item.id, seed=seed, resamples=500)
        return runs.part(runs.whole).difference(0, 1).low

    assert low(1) == low(1) != low(2)


def ties_outcomes(correct, incorrect, pairs=8):
    rows = []
    for number in range(pairs):
        for kind, count in (("ref", 1), ("tied", 3)):
            item = key(f"{kind}:{number}", "Ties", k=count + 2, num_correct=count)
            scores = (float(correct),) * count + (float(incorrect),) * 2
            credit = ties_credit(scores, count)
            rows.append(Outcome(item, credit, credit, credit, scores=(scores,)))
    return rows


def test_ties_are_compared_by_their_own_rule():
    """All pairs right with no spread score 1.01, all wrong -0.01; prompts of a pair are drawn together."""
    benchmark = get_benchmark("rewardbench-2")
    runs = PairedRuns([ties_outcomes(9, 1), ties_outcomes(1, 9)], benchmark.layout, benchmark.unit)
    found = runs.part(runs.subsets["Ties"]).difference(0, 1)
    assert found.difference == pytest.approx(1.02)
    assert (found.test, found.n) == ("bootstrap", 16)


def test_ties_of_equal_runs_are_not_told_apart():
    """The same scores in both runs are drawn alike in every resample: no difference, p 1."""
    benchmark = get_benchmark("rewardbench-2")
    runs = PairedRuns([ties_outcomes(9, 1), ties_outcomes(9, 1)], benchmark.layout, benchmark.unit)
    found = runs.part(runs.whole).difference(0, 1)
    assert (found.difference, found.p) == (0.0, 1.0)


def test_correlations_are_compared_over_the_same_items():
    """Ratings that follow people's grades against ratings that run the other way: 1 less -1."""
    layout = get_benchmark("feedback-bench").layout

    def graded(ratings):
        return [
            Outcome(key(str(at), k=1, human_score=float(at % 5)), None, None, None, scores=((float(rating),),))
            for at, rating in enumerate(ratings)
        ]

    runs = paired(graded([at % 5 for at in range(40)]), graded([5 - at % 5 for at in range(40)]), layout=layout)
    found = runs.part(runs.whole).difference(0, 1)
    assert found.difference == pytest.approx(2.0)
    assert found.test == "bootstrap"
    assert found.p < 0.001


def graded(ratings, labels):
    return [
        Outcome(key(str(at), k=1, human_score=float(label)), None, None, None, scores=((rating,),))
        for at, (rating, label) in enumerate(zip(ratings, labels, strict=True))
    ]


@pytest.mark.parametrize("n", [400, 30_000], ids=["drawn", "normal limit"])
def test_resampled_correlations_have_fishers_spread(n):
    """Of normal ratings the resamples spread by (1 - r^2) / sqrt(n); a rating that is missing is left out."""
    rng = np.random.default_rng(7)
    labels = rng.normal(3, 1, n)
    ratings = [None, *(0.8 * labels + 0.6 * rng.normal(0, 1, n))[1:].tolist()]

    (drawn,) = correlation_draws([graded(ratings, labels)], np.random.default_rng(8), 4_000)

    r = np.corrcoef(ratings[1:], labels[1:])[0, 1]
    assert drawn.mean() == pytest.approx(r, abs=0.01)
    assert drawn.std() == pytest.approx((1 - r**2) / math.sqrt(n), rel=0.1)


def test_the_smallest_difference_shrinks_with_the_items():
    """Four times the items halve what they could show, at the same share of discordant items."""
    small, large = (paired(outcomes([1.0, 0.0, 1.0, 0.0] * n), outcomes([0.0, 1.0, 1.0, 0.0] * n)) for n in (100, 400))
    found = [runs.part(runs.whole).difference(0, 1).smallest for runs in (small, large)]
    assert math.isclose(found[0] / found[1], 2, rel_tol=0.05)


def test_the_smallest_difference_by_hand():
    """From unbiased variances of strata of 4 and 2 items at shares 3/4 and 1/4: 2.8016 standard errors."""
    a, b = [0.5, 1.0, 0.25, 0.0, 1.0, 0.5], [0.25, 0.0, 0.25, 0.5, 0.0, 0.0]
    differences = [x - y for x, y in zip(a, b, strict=True)]
    variances = statistics.variance(differences[:4]) / 4, statistics.variance(differences[4:]) / 2

    found = scores(a, b, weights=(3.0, 1.0), strata=[0] * 4 + [1] * 2).difference(0, 1).smallest

    assert found == pytest.approx((1.959964 + 0.841621) * math.sqrt(9 / 16 * variances[0] + 1 / 16 * variances[1]))


def test_strata_of_one_item_are_as_one_stratum():
    """Six of equal shares: their variance is that of six items, unbiased."""
    a, b = [0.5, 1.0, 0.25, 0.0, 1.0, 0.5], [0.25, 0.0, 0.25, 0.5, 0.0, 0.0]
    apart = scores(a, b, weights=(1.0,) * 6, strata=list(range(6))).difference(0, 1).smallest

    assert apart == pytest.approx(scores(a, b).difference(0, 1).smallest)


def test_items_of_a_cluster_show_no_more_than_one():
    """Twelve items in threes that differ alike have the smallest difference of their four clusters."""
    one = np.array([[0.5, 1.0, 0.25, 0.0], [0.25, 0.0, 0.25, 0.5]])
    alone = PairedScores(one).difference(0, 1).smallest
    thrice = PairedScores(np.repeat(one, 3, axis=1), clusters=np.repeat(np.arange(4), 3)).difference(0, 1).smallest

    assert thrice == pytest.approx(alone)


def test_clusters_reach_over_strata():
    """Two strata of four items that differ alike, in the same clusters: the deviation is sqrt(2) as large."""
    differences = np.array([1.0, 1.0, 0.0, 0.0] * 2)
    credits_ = np.stack([differences, np.zeros(8)])
    strata = np.repeat([0, 1], 4)
    apart, over = (
        PairedScores(credits_, (1.0, 1.0), strata=strata, clusters=clusters).difference(0, 1)
        for clusters in (np.array([0, 1, 2, 3, 4, 5, 6, 6]), np.array([0, 1, 2, 3, 0, 1, 2, 3]))
    )
    assert over.high - over.low > 1.2 * (apart.high - apart.low)
