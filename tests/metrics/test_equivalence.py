"""Two runs at a margin by two one-sided tests, and which of several runs can still be the best."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from judgebench.metrics.equivalence import Equivalence, contenders, equivalences, holm_of_pairs
from judgebench.metrics.paired import PairedScores


def two_runs(n: int, only_first: int, only_second: int, both: int) -> PairedScores:
    """Runs that are right on so many items alone, and on so many together."""
    credits_ = np.zeros((2, n))
    credits_[0, : both + only_first] = 1
    credits_[1, :both] = credits_[1, both + only_first : both + only_first + only_second] = 1
    return PairedScores(credits_)


@pytest.mark.parametrize("n", [100, 1000])
def test_one_sided_p_is_half_the_level_of_the_interval_that_ends_at_the_margin(n):
    """Few items have Newcombe's interval, many a bootstrap: p of both is what makes it end at the margin."""
    part = two_runs(n, n // 10, n // 20, n // 2)
    worse, better = part.one_sided(0, 1, 0.02)
    ends = part.interval(0, 1, confidence=1 - 2 * worse)
    assert ends.low == pytest.approx(-0.02, abs=0.001)
    other = part.interval(0, 1, confidence=1 - 2 * (1 - better))  # the estimate is beyond the margin on this side
    assert better > 0.5
    assert other.low == pytest.approx(0.02, abs=0.001)


def test_one_sided_p_is_the_normal_one_of_many_items():
    """(difference + margin) / se of 10,000 items with 600 and 500 discordant ones, by hand: d .01, se .0033."""
    part = two_runs(10_000, 600, 500, 8_000)
    se = math.sqrt((0.11 - 0.01**2) / 9_999)
    worse, better = part.one_sided(0, 1, 0.015)
    normal = NormalDist()
    assert worse == pytest.approx(normal.cdf(-0.025 / se), abs=1e-4)
    assert better == pytest.approx(normal.cdf(-0.005 / se), abs=0.01)


def test_swapping_two_runs_swaps_their_one_sided_p():
    """Neither run is favoured by its place."""
    one, other = two_runs(200, 20, 10, 120), two_runs(200, 10, 20, 120)
    assert one.one_sided(0, 1, 0.05) == pytest.approx(other.one_sided(0, 1, 0.05)[::-1], abs=1e-6)


def test_runs_that_never_differ_need_enough_items_to_be_equivalent():
    """Equal verdicts on 20 items do not show equivalence within 2 points, on 2,000 they do."""
    decided = [equivalences(two_runs(n, 0, 0, n // 2), [(0, 1)], 0.02)[0].decision for n in (20, 2_000)]
    assert decided == ["open", "equivalent"]


@pytest.mark.parametrize(
    ("adjusted", "decision", "runs"),
    [
        ((0.05, 0.05), "equivalent", (0, 1)),
        ((0.04, 0.2), "non-inferior", (0,)),
        ((0.2, 0.04), "non-inferior", (1,)),
        ((0.06, 0.06), "open", ()),
    ],
)
def test_the_word_says_how_many_of_two_runs_are_shown_not_to_be_worse(adjusted, decision, runs):
    """Both: equivalent; one: non-inferior; none: open."""
    pair = Equivalence(0, 1, *adjusted, *adjusted)
    assert (pair.decision, pair.not_worse) == (decision, runs)


def test_a_pair_counts_once_in_the_correction_until_both_its_hypotheses_are_rejected():
    """Three pairs, worked by hand: the factor is the number of pairs that are left, and p never falls."""
    found = holm_of_pairs([(0.001, 0.002), (0.01, 0.9), (0.02, 0.03)])
    # 0.001 x 3, 0.002 x 3; the first pair is done: 0.01 x 2, 0.02 x 2, 0.03 x 2; the third is done: 0.9 x 1
    expected = [(0.003, 0.006), (0.02, 0.9), (0.04, 0.06)]
    assert [pytest.approx(each) for each in expected] == found


def slow_contenders(scores, drawn):
    """Hsu's intervals run by run, by plain loops over the resamples."""
    runs, resamples = drawn.shape
    reach = {}
    for control in range(runs):
        sd = {j: np.std([drawn[j, r] - drawn[control, r] for r in range(resamples)]) for j in range(runs)}
        largest = sorted(
            max(
                (drawn[j, r] - drawn[control, r] - scores[j] + scores[control]) / sd[j]
                for j in range(runs)
                if j != control
            )
            for r in range(resamples)
        )
        critical = max(float(np.quantile(largest, 0.95)), NormalDist().inv_cdf(0.95))
        reach |= {(control, j): critical * sd[j] for j in range(runs) if j != control}
    high = [max(0.0, min(scores[i] - scores[j] + reach[i, j] for j in range(runs) if j != i)) for i in range(runs)]
    low = [
        min([0.0, *(scores[i] - scores[j] - reach[j, i] for j in range(runs) if j != i and high[j] > 0)])
        for i in range(runs)
    ]
    return low, high


def test_intervals_against_the_best_are_those_of_plain_loops():
    """Four correlated runs: the same ends as a slow reference, and who can be the best follows from the upper ones."""
    rng = np.random.default_rng(1)
    scores = np.array([0.70, 0.71, 0.66, 0.60])
    drawn = scores[:, None] + 0.02 * (rng.normal(size=(4, 300)) + rng.normal(size=300))
    low, high = slow_contenders(scores, drawn)
    found = contenders(scores, drawn, 1e9)
    assert [each.low for each in found] == pytest.approx(low)
    assert [each.high for each in found] == pytest.approx(high)
    assert [each.can_be_best for each in found] == [True, True, True, False]


@pytest.mark.parametrize(("runs", "critical"), [(2, 1.645), (3, 1.92), (5, 2.16)])
def test_the_critical_value_is_dunnetts(runs, critical):
    """Equal independent runs: Dunnett's one-sided 5% points for correlation 1/2 (his table of 1955, normal limit)."""
    drawn = np.random.default_rng(0).normal(size=(runs, 100_000))
    assert contenders(np.zeros(runs), drawn, 1e12)[0].high == pytest.approx(critical * math.sqrt(2), rel=0.01)


def test_the_critical_value_of_few_items_is_students():
    """Two runs of 10 items: 1.833, the one-sided 5% point of Student's t with 9 degrees, and half an item more."""
    drawn = np.random.default_rng(0).normal(size=(2, 100_000))
    assert contenders(np.zeros(2), drawn, 10.0)[0].high == pytest.approx(1.833 * math.sqrt(2) + 0.05, rel=0.01)


def test_a_clear_winner_is_the_only_one_that_can_be_the_best():
    """Its interval begins at 0: nobody is shown or can be above it."""
    drawn = np.array([[0.9], [0.5], [0.4]]) + 0.01 * np.random.default_rng(2).normal(size=(3, 1000))
    found = contenders(np.array([0.9, 0.5, 0.4]), drawn, 1e9)
    assert [each.can_be_best for each in found] == [True, False, False]
    assert (found[0].low, found[1].high) == (0.0, 0.0)


def test_few_items_do_not_settle_the_best_where_resamples_show_no_spread():
    """Three runs of two items whose resamples are all the same: any of them can be the best."""
    drawn = np.repeat([[0.5], [0.5], [0.0]], 100, axis=1)
    assert all(each.can_be_best for each in contenders(drawn[:, 0], drawn, 2.0))
