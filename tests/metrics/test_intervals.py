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
from judgebench.metrics.intervals import MeanStratum, weighted_interval, wilson


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

    assert 0.93 <= held / runs(3_000) <= 0.975


@given(st.lists(st.sampled_from([0.0, 0.25, 1 / 3, 1.0]), min_size=1), st.randoms(use_true_random=False))
def test_a_groups_mean_is_the_same_in_any_order(credits_, chance):
    """To the last bit."""
    assert MeanStratum(credits_).value == MeanStratum(chance.sample(credits_, len(credits_))).value


@pytest.mark.parametrize("items", [24, 46])
def test_the_score_s_interval_holds_the_truth_with_few_items(items):
    """With one or two items a subset, the interval holds the true score in at least 90% of 200 simulated runs."""
    layout = RewardBench.layout
    subsets = list(layout.subset_weights)
    sizes = {subset: items // 23 + (at < items % 23) for at, subset in enumerate(subsets)}
    rng, hits = np.random.default_rng(7), 0
    for _ in range(200):
        outcomes = [
            Outcome(ItemKey(f"{subset}{number}", subset, 2, 1, (3, 3)), credit=credit, low=credit, high=credit)
            for subset, size in sizes.items()
            for number, credit in enumerate((rng.random(size) < 0.75).astype(float).tolist())
        ]
        scores = official_scores(outcomes, layout, resamples=500)
        hits += scores.low <= 0.75 <= scores.high
    assert hits >= 180
