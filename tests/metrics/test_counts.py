"""Figures from counts are those from one row an item: scores, tests of pairs of runs, and agreement of all pairs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from making import key

from judgebench.items import Outcome
from judgebench.metrics.accuracy import Layout, coin_variance, official_scores, point_score, score_bounds
from judgebench.metrics.agreement import cohen_kappa, percent_agreement
from judgebench.metrics.bias import first_position, slot_shares
from judgebench.metrics.comparisons import sign_flip_test
from judgebench.metrics.jointcounts import joint_counts, pairwise_agreement
from judgebench.metrics.paired import Credits, PairedScores
from judgebench.metrics.pairedcounts import CountedScores
from judgebench.metrics.tallies import OutcomeTally

LAYOUTS = {
    "pooled": Layout(overall="pooled"),
    "sections": Layout(sections=("one", "two"), section_of=lambda item: "one" if item.subset < "c" else "two"),
}
RNG = np.random.default_rng(5)
KINDS = [
    Outcome(key("", subset), credit, low, high, substituted)
    for subset in "abc"
    for credit, low, high, substituted in ((1, 1, 1, 0), (0, 0, 0, 0), (0.5, 0, 1, 0.5), (0.75, 0.5, 1, 0.25))
]


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("name", LAYOUTS)
def test_scores_of_counted_outcomes(name, grouped):
    """Scores, intervals, bounds and what stands in for failures, with and without groups."""
    layout, of_item = LAYOUTS[name], RNG.integers(0, len(KINDS), 60)
    units = RNG.integers(0, 20, 60) if grouped else None
    groups = [f"g{unit:02}" for unit in units] if grouped else [None] * 60
    every = [
        Outcome(key(str(at), kind.item.subset, group=groups[at]), kind.credit, kind.low, kind.high, kind.substituted)
        for at, kind in enumerate(KINDS[n] for n in of_item)
    ]
    there = np.unique(of_item)
    kinds = [KINDS[at] for at in there]
    tally = OutcomeTally(kinds, np.bincount(of_item)[there], np.searchsorted(there, of_item), units)
    expected, found = official_scores(every, layout), official_scores(kinds, tally.layout(layout))
    for one, other in ((found.sections, expected.sections), (found.subsets, expected.subsets)):
        assert {n: pytest.approx((e.score, e.n, e.low, e.high), abs=1e-9) for n, e in other.items()} == {
            n: (e.score, e.n, e.low, e.high) for n, e in one.items()
        }
    assert (found.score, found.low, found.high) == pytest.approx(
        (expected.score, expected.low, expected.high), abs=1e-9
    )
    bounds, counted = score_bounds(every, layout, expected), score_bounds(kinds, tally.layout(layout), found)
    assert (counted.low, counted.high) == pytest.approx((bounds.low, bounds.high), abs=1e-9)
    assert counted.interval.low == pytest.approx(bounds.interval.low, abs=1e-9)
    assert point_score(kinds, tally.layout(layout), "bare") == pytest.approx(point_score(every, layout, "bare"))


@pytest.mark.parametrize(("levels", "grouped"), [(2, False), (4, False), (4, True)])
def test_tests_of_counted_credits(levels, grouped):
    """The scores and p of every pair of runs; the spread of what is drawn is that of the resamples."""
    credits_, coins = (
        np.array([getter(kind) for kind in KINDS[:levels]]) for getter in (lambda k: k.credit, coin_variance)
    )
    got = RNG.integers(0, levels, (4, 200))
    strata, weights = RNG.integers(0, 3, 200), [0.5, 0.3, 0.2]
    clusters = RNG.integers(0, 50, 200) if grouped else None
    rows = PairedScores(Credits(credits_[got], coins[got]), weights, strata=strata, clusters=clusters)
    counted = CountedScores(got, credits_, coins, strata, weights, clusters=clusters)
    assert counted.scores == pytest.approx(rows.scores)
    assert counted.effective_n == pytest.approx(rows.effective_n)
    for pair in combinations(range(4), 2):
        assert counted.p(*pair) == pytest.approx(rows.p(*pair), abs=1e-9)
    assert counted.drawn.std(axis=1) == pytest.approx(rows.drawn.std(axis=1), rel=0.05)


def test_agreement_of_every_two_raters():
    """Share and kappa over the rows that both have, as for two raters by themselves; ratings may be missing."""
    codes = RNG.integers(-1, 3, (5, 130)).astype(np.int8)
    found = pairwise_agreement(codes, 3)
    for pair in combinations(range(5), 2):
        ratings = codes[list(pair)].T.astype(float)
        assert found.same[pair] == pytest.approx(percent_agreement(ratings).value)
        assert found.kappa[pair] == pytest.approx(cohen_kappa(ratings).value)
    assert np.isnan(pairwise_agreement(np.array([[0, -1], [-1, 0]]), 1).same[0, 1])


def test_joint_counts_of_more_rows_than_a_word_has_bits():
    """Each two raters' table sums to the rows that both have."""
    codes = np.stack([np.arange(129) % 2, np.arange(129) // 64])
    assert joint_counts(codes, 3)[0, :, 1, :].tolist() == [[32.0, 32.0, 1.0], [32.0, 32.0, 0.0], [0.0, 0.0, 0.0]]


def test_differences_may_be_counted():
    """A sign-flip test of each difference so many times is that of all of them, coins among them."""
    sizes, times = np.array([0.5, -0.5, 1.0, 0.3]), np.array([9, 4, 3, 5])
    coins, often = np.array([0.25, 0.2]), np.array([6, 2])
    expected = sign_flip_test(np.repeat(sizes, times), coins=np.repeat(coins, often))
    assert sign_flip_test(sizes, times=times, coins=coins, coin_times=often) == expected


def test_clusters_that_are_alike_may_be_counted():
    """Position bias from each kind of item once is that of all items."""
    chosen, slots = np.array([0, 0, 1, 0, 1]), np.array([2, 2, 2, 3, 3])
    clusters, times = np.array([0, 0, 1, 2, 2]), np.array([7, 7, 4, 5, 5])
    rows = [(at, copy) for at in range(5) for copy in range(times[at])]
    every = [np.array([each[at] for at, _ in rows]) for each in (chosen, slots)]
    units = [clusters[at] * 100 + copy for at, copy in rows]
    found, expected = (
        first_position(chosen, slots, clusters=clusters, times=times),
        first_position(*every, clusters=units),
    )
    for name in ("estimate", "low", "high", "p", "n", "clusters"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name))
    shares, all_shares = slot_shares(chosen, slots, clusters=clusters, times=times), slot_shares(*every, clusters=units)
    assert (*shares.shares, shares.p, shares.n) == pytest.approx((*all_shares.shares, all_shares.p, all_shares.n))
