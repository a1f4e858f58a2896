"""Intervals: Wilson's against statsmodels, the bootstrap against a plain one, both by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from simulating import runs
from statsmodels.stats.proportion import proportion_confint

from judgebench.benchmarks.rewardbench import RewardBench
from judgebench.items import ItemKey, Outcome
from judgebench.metrics.accuracy import official_scores
from judgebench.metrics.intervals import MeanStratum, group_effect, weighted_interval, wilson


@given(
    st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.9, 0.95, 0.99])
)
def test_wilsons_interval_is_statsmodels(counts, confidence):
    """Over counts and confidences the ends agree to twelve digits."""
    right, n = counts
    found = wilson(right / n, n, confidence)

    assert (found.low, found.high) == pytest.approx(
        proportion_confint(right, n, alpha=1 - confidence, method="wilson"), abs=1e-12
    )


@given(st.floats(0, 1), st.floats(0.5, 10_000))
def test_wilsons_interval_holds_the_mean(mean, n):
    """For any mean and effective number."""
    found = wilson(mean, n)

    assert 0 <= found.low <= mean <= found.high <= 1


def plain_bootstrap(groups, weights, size, rng):
    """Scores of resamples with the draws of `MeanStratum`, one item at a time, deviations widened by sqrt(n / (n - 1)).

    Few distinct credits are drawn as counts, many as indices of the items in ascending order.
    """
    scores = [0.0] * size
    for group, weight in zip(groups, weights, strict=True):
        mean, n, kinds = sum(group) / len(group), len(group), sorted(set(group))
        if len(kinds) <= 32:
            counts = rng.multinomial(n, [group.count(kind) / n for kind in kinds], size=size).tolist()
            drawn = [[kind for kind, count in zip(kinds, row, strict=True) for _ in range(count)] for row in counts]
        else:
            drawn = [[sorted(group)[at] for at in row] for row in rng.integers(0, n, (size, n)).tolist()]
        for at, items in enumerate(drawn):
            scores[at] += weight * (mean + (sum(items) / n - mean) * math.sqrt(n / (n - 1)))
    return sorted(scores)


@pytest.mark.parametrize(
    "groups",
    [
        [[1.0] * 5 + [0.0] * 3, [1.0] * 2 + [0.5] * 2 + [0.0] * 3],
        [[1.0] * 4 + [0.0] * 3, [n / 40 for n in range(41)]],
    ],
    ids=["counts", "indices"],
)
def test_the_interval_of_a_weighted_mean_is_a_plain_bootstraps(groups):
    """With the same draws the ends are those of a slow loop over every item, to twelve digits."""
    weights = [0.4, 0.6]
    strata = [MeanStratum(group) for group in groups]
    rng = np.random.default_rng(1)
    draws = sum(w * s.draws(rng, 401) for w, s in zip(weights, strata, strict=True))
    value = sum(w * s.value for w, s in zip(weights, strata, strict=True))
    found = weighted_interval(value, strata, weights, draws)

    expected = plain_bootstrap(groups, weights, 401, np.random.default_rng(1))
    assert (found.low, found.high) == pytest.approx((expected[10], expected[390]), rel=1e-12)


def test_large_groups_are_drawn_from_the_normal_limit():
    """30,000 different credits: the spread of the means is sigma over the root of n - 1."""
    values = np.random.default_rng(0).random(30_000)
    drawn = MeanStratum(values).draws(np.random.default_rng(1), 20_000)

    assert float(drawn.std()) == pytest.approx(float(values.std()) / math.sqrt(29_999), rel=0.03)


def test_a_group_where_all_is_right_has_wilsons_interval():
    """Resampling shows nothing there: two such groups have the interval of their effective number, 1 / sum(w^2 / n)."""
    strata = [MeanStratum([1.0] * 20), MeanStratum([1.0] * 80)]
    expected = wilson(1.0, 1 / (0.5**2 / 20 + 0.5**2 / 80))
    found = weighted_interval(1.0, strata, [0.5, 0.5], np.ones(100))

    assert (found.low, found.high) == (expected.low, 1.0)


@pytest.mark.simulation
@pytest.mark.parametrize(("chances", "sizes"), [((0.7,), (100,)), ((0.9, 0.6, 0.75), (160, 240, 80))])
def test_intervals_hold_the_truth_as_often_as_they_say(chances, sizes):
    """Of 3000 simulated runs 93% to 97.5% have the true weighted mean between the ends."""
    rng = np.random.default_rng(7)
    weights = [1 / len(chances)] * len(chances)
    truth = sum(w * p for w, p in zip(weights, chances, strict=True))
    held = 0
    for _ in range(runs(3_000)):
        strata = [MeanStratum((rng.random(n) < p).astype(float)) for p, n in zip(chances, sizes, strict=True)]
        draws = sum(w * s.draws(rng, 1000) for w, s in zip(weights, strata, strict=True))
        found = weighted_interval(
            sum(w * s.value for w, s in zip(weights, strata, strict=True)), strata, weights, draws
        )
        held += found.low <= truth <= found.high

    slack = 0.013 if runs(3_000) < 3_000 else 0.0  # a standard error of a tenth of the runs
    assert 0.93 - slack <= held / runs(3_000) <= 0.975 + slack


@given(st.lists(st.sampled_from([0.0, 0.25, 1 / 3, 1.0]), min_size=1), st.randoms(use_true_random=False))
def test_a_groups_mean_is_the_same_in_any_order(credits_, chance):
    """To the last bit."""
    assert MeanStratum(credits_).value == MeanStratum(chance.sample(credits_, len(credits_))).value


@pytest.mark.simulation
@pytest.mark.parametrize("items", [24, 46])
def test_the_score_s_interval_holds_the_truth_with_few_items(items):
    """With one or two items a subset, the interval holds the true score in at least 90% of 1,000 simulated runs."""
    layout = RewardBench.layout
    subsets = list(layout.subset_weights)
    sizes = {subset: items // 23 + (at < items % 23) for at, subset in enumerate(subsets)}
    rng, hits = np.random.default_rng(7), 0
    for _ in range(runs(1_000)):
        outcomes = [
            Outcome(ItemKey(f"{subset}{number}", subset, 2, 1, (3, 3)), credit=credit, low=credit, high=credit)
            for subset, size in sizes.items()
            for number, credit in enumerate((rng.random(size) < 0.75).astype(float).tolist())
        ]
        scores = official_scores(outcomes, layout, resamples=500)
        hits += scores.low <= 0.75 <= scores.high
    assert hits >= 0.9 * runs(1_000)


# --- items that belong together


def stratum(*items):
    """A group of items, each a credit and its unit."""
    credits_, units = zip(*items, strict=True)
    return MeanStratum(credits_, grouped=(np.array(credits_), units))


def test_units_that_are_alike_count_less():
    """Two units of two like items: 3 by their sums, leaning on 2 by two units, so 7/3; four items are worth 12/7."""
    assert stratum((1.0, "a"), (1.0, "a"), (0.0, "b"), (0.0, "b")).effective_n == pytest.approx(12 / 7)


def test_units_of_one_item_change_nothing():
    """The interval is that of as many independent items."""
    alone = stratum((1.0, "a"), (1.0, "b"), (0.0, "c"))
    assert alone.interval() == MeanStratum([1.0, 1.0, 0.0]).interval()


def test_items_that_are_all_right_count_as_many_as_their_units():
    """Nothing tells whether they are alike: six in two units of three are worth two."""
    assert stratum(*((1.0, unit) for unit in "aaabbb")).effective_n == pytest.approx(2.0)


def test_units_whose_items_cancel_out_tell_the_same():
    """Each of two units has one right and one wrong: 1 by their sums, known from both, leaning on 2: 5/3, so 12/5."""
    for right in (1.0, 0.3):
        cancelled = stratum((right, "a"), (0.0, "a"), (right, "b"), (0.0, "b"))
        assert cancelled.effective_n == pytest.approx(12 / 5)


def test_units_reach_over_groups():
    """A is right in both groups and b wrong in both: as if one group of two units had them."""
    halves = [stratum((1.0, "a"), (0.0, "b")), stratum((1.0, "a"), (0.0, "b"))]
    assert group_effect(halves, [0.5, 0.5]) == pytest.approx(7 / 3)
    assert group_effect(halves[:1], [1.0]) == 1.0


@pytest.mark.simulation
@pytest.mark.parametrize("size", [3, 10])
def test_the_interval_of_clustered_items_holds_the_truth(size):
    """300 items, intra-class correlation .5: 95% or about; as independent ones it would be 86% and 59%."""
    rng = np.random.default_rng(size)
    units = [f"{at // size}" for at in range(300)]
    held = 0
    for _ in range(300):
        chances = np.repeat(rng.beta(0.8, 0.2, 300 // size), size)
        credits_ = (rng.random(len(chances)) < chances).astype(float)
        interval = MeanStratum(credits_, grouped=(credits_, units[: len(credits_)])).interval()
        held += interval.low <= 0.8 <= interval.high
    assert held / 300 >= 0.92
