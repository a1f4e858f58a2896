"""Which runs are shown to be within a margin of the best one."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from simulating import runs

from judgebench.metrics.paired import PairedScores
from judgebench.metrics.selection import Standing, cheapest, standings


def credits_(*right: float, n: int = 400) -> np.ndarray:
    """Runs that have so large a share of the items right, each the first ones."""
    return np.array([np.arange(n) < share * n for share in right], dtype=float)


def test_a_run_that_is_far_worse_is_shown_to_be_beyond_the_margin() -> None:
    """0.60 against 0.90 on 400 items, of which 120 speak for one: no interval of that comes near 2 points."""
    good, bad = standings(PairedScores(credits_(0.9, 0.6)), 0.02)
    assert (good.within, good.beyond, bad.within, bad.beyond, bad.more) == (True, False, False, True, None)


def test_a_run_is_within_the_margin_where_the_whole_interval_of_its_difference_is() -> None:
    """Equal verdicts on n items: the interval is as wide as Wilson's at 0, z^2 / (n + z^2) = 0.0126 at 300."""
    same = PairedScores(credits_(0.8, 0.8, n=300))
    wide, narrow = standings(same, 0.02), standings(same, 0.01)
    assert ([each.within for each in wide], [each.within for each in narrow]) == ([True, True], [False, False])


def test_the_items_that_are_missing_are_counted_by_the_power_of_the_test() -> None:
    """(1.96 + 0.8416) standard errors must fit between the difference and the margin: 980 items, 680 more than 300."""
    same = PairedScores(credits_(0.8, 0.8, n=300))
    assert [each.more for each in standings(same, 0.01)] == [680, 680]


def test_more_runs_have_wider_intervals() -> None:
    """Bonferroni: z of 1 - 0.05 / 4 with five runs, so z^2 / (n + z^2) = 0.0204 instead of 0.0126, beyond 2 points."""
    same = standings(PairedScores(credits_(*[0.8] * 5, n=300)), 0.02)
    assert not any(each.within for each in same)
    assert same[1].high == pytest.approx((z := NormalDist().inv_cdf(1 - 0.05 / 8)) ** 2 / (300 + z * z))


def test_the_best_looking_run_is_not_taken_for_the_best() -> None:
    """It leads by one of 40 items: another may well be 2 points better than it."""
    found = standings(PairedScores(credits_(0.8, 0.775, n=40)), 0.02)
    assert (found[1].best, found[0].difference, found[0].within) == (0, 0.0, False)


def _standing(run: int, *, within: bool, score: float = 0.8) -> Standing:
    return Standing(run, 0, 100, score, 0.0, 0.0, 0.0, within, beyond=False, more=0)


@pytest.mark.parametrize(
    ("within", "costs", "limit", "picked"),
    [
        ((True, True, True), (3.0, 2.0, 1.0), None, 2),
        ((True, True, False), (3.0, 2.0, 1.0), None, 1),
        ((True, True, True), (3.0, 2.0, None), None, 1),
        ((True, True, False), (3.0, 2.0, 1.0), 1.5, None),
        ((False, False, False), (3.0, 2.0, 1.0), None, None),
        ((True, True, True), (2.0, 2.0, 2.0), None, 2),
    ],
)
def test_the_cheapest_of_those_within_the_margin_is_picked(within, costs, limit, picked) -> None:
    """Never one of unknown cost, or above the limit; of equally cheap ones the one with the highest score."""
    found = [_standing(run, within=each, score=0.8 + run / 100) for run, each in enumerate(within)]
    chosen = cheapest(found, costs, limit)
    assert (None if chosen is None else chosen.run) == picked


@pytest.mark.simulation
def test_a_pick_is_truly_within_the_margin_in_95_of_100() -> None:
    """Five judges, the four cheaper ones truly the margin worse: the worst case there is for a wrong pick."""
    rng, wrong, count = np.random.default_rng(0), 0, runs(1_000)
    for _ in range(count):
        hard = rng.normal(0, 1, 250)
        cuts = [NormalDist(0, 2**0.5).inv_cdf(right) for right in (0.85, 0.80, 0.80, 0.80, 0.80)]
        right = np.array([cut - hard + rng.normal(0, 1, 250) > 0 for cut in cuts], dtype=float)
        found = cheapest(standings(PairedScores(right), 0.05), [5.0, 4.0, 3.0, 2.0, 1.0])
        wrong += found is not None and found.run > 0
    assert wrong / count <= 0.05
