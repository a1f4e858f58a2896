"""Bradley-Terry strengths: against a plain reference, by hand, and the coverage of their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import beta
from simulating import holds, runs

from judgebench.metrics.bradley_terry import strengths

TRUE = np.array([1.0, 0.3, -0.3, -1.0])


def plain(winners, losers, weights, models):
    """Hunter's MM iteration (2004, doi:10.1214/aos/1079120141), loop by loop."""
    skill = [1.0] * models
    for _ in range(5000):
        new = []
        for i in range(models):
            won = sum(w for a, w in zip(winners, weights, strict=True) if a == i)
            met = sum(
                w / (skill[a] + skill[b]) for a, b, w in zip(winners, losers, weights, strict=True) if i in {a, b}
            )
            new.append(won / met)
        total = math.exp(sum(map(math.log, new)) / models)
        skill = [each / total for each in new]
    return [math.log(each) for each in skill]


def played(rng, items, games=1):
    """Winners, losers and items of games between models drawn at random, with the true strengths."""
    first = rng.integers(0, 4, items * games)
    second = (first + rng.integers(1, 4, items * games)) % 4
    beats = rng.random(items * games) < 1 / (1 + np.exp(TRUE[second] - TRUE[first]))
    return np.where(beats, first, second), np.where(beats, second, first), np.repeat(np.arange(items), games)


def test_two_models_by_hand():
    """3 wins to 1: log-odds ln 3, half of it on each side of the mean."""
    found = strengths([0, 0, 0, 1], [1, 1, 1, 0], models=2, resamples=10)
    assert found.values == pytest.approx([math.log(3) / 2, -math.log(3) / 2])
    assert (found.games.tolist(), found.wins.tolist(), found.penalised) == ([4, 4], [3, 1], False)


def test_a_tie_is_half_a_win_for_each():
    """Two wins and two ties: 3 to 1."""
    found = strengths([0, 0, 0, 1, 0, 1], [1, 1, 1, 0, 1, 0], [1, 1, 0.5, 0.5, 0.5, 0.5], models=2, resamples=10)
    assert found.values[0] == pytest.approx(math.log(3) / 2)


def test_the_strengths_are_those_of_a_plain_reference():
    """Forty games of four models, with weights: Hunter's iteration comes to the same."""
    rng = np.random.default_rng(3)
    winners, losers, _ = played(rng, 40)
    weights = rng.choice([0.5, 1.0], 40)
    found = strengths(winners, losers, weights, models=4, resamples=10)
    assert not found.penalised
    assert found.values == pytest.approx(plain(winners.tolist(), losers.tolist(), weights.tolist(), 4), abs=1e-6)


def test_a_model_that_never_lost_has_a_finite_strength():
    """0 beat 1 twice: with half a win and half a loss more each, its slope 2 (1 - c) - tanh(s / 2) / 2 is 0."""
    found = strengths([0, 0], [1, 1], models=2, resamples=10)
    s = found.values[0]
    assert found.penalised
    assert 2 * (1 - 1 / (1 + math.exp(-2 * s))) == pytest.approx(math.tanh(s / 2) / 2)


def test_models_that_never_met_are_groups():
    """0 and 1 met, 2 and 3 met: two groups, and no strength without help."""
    found = strengths([0, 1, 2, 3], [1, 0, 3, 2], models=4, resamples=10)
    assert (found.groups.tolist(), found.penalised, found.separated) == ([0, 0, 1, 1], True, False)


def test_within_a_group_one_may_always_win():
    """0 beat 1 twice, 2 and 3 beat each other."""
    found = strengths([0, 0, 2, 3], [1, 1, 3, 2], models=4, resamples=10)
    assert (found.groups.tolist(), found.penalised, found.separated) == ([0, 0, 1, 1], True, True)


@pytest.mark.simulation
def test_the_intervals_hold_the_true_strengths_as_often_as_they_say():
    """Over 1,000 simulated tournaments of 200 games, between 93% and 97% of the four models' intervals."""
    rng = np.random.default_rng(1)
    held = []
    for number in range(runs(1_000)):
        winners, losers, items = played(rng, 200)
        found = strengths(winners, losers, clusters=items, models=4, resamples=200, seed=number)
        held.append(np.mean((found.low <= TRUE) & (found.high >= TRUE)))
    assert holds(float(np.mean(held)), len(held))


def test_items_that_repeat_themselves_say_no_more():
    """Each game told four times: the intervals by items are as wide as without, and half as wide by rows."""
    winners, losers, items = played(np.random.default_rng(2), 300)
    once = strengths(winners, losers, clusters=items, models=4)
    told = [np.repeat(each, 4) for each in (winners, losers, items)]
    again = strengths(*told[:2], clusters=told[2], models=4)
    by_rows = strengths(*told[:2], models=4)
    assert again.high - again.low == pytest.approx(once.high - once.low, rel=1e-6)
    assert by_rows.high - by_rows.low == pytest.approx((once.high - once.low) / 2, rel=0.15)


def test_a_model_that_always_won_is_not_known_exactly():
    """20 of 20: the lower end is at the share below which Beta(20.5, 0.5) has 2.5%, half its log-odds each."""
    found = strengths([0] * 20, [1] * 20, models=2)
    low = beta.ppf(0.025, 20.5, 0.5)
    assert found.low[0] == pytest.approx(math.log(low / (1 - low)) / 2, abs=0.1)
    assert found.high[0] > 3
    assert (found.low[1], found.high[1]) == (pytest.approx(-found.high[0]), pytest.approx(-found.low[0]))


def test_orders_of_one_item_do_not_make_it_surer():
    """The same 20 items asked twice: the lower end stays."""
    once = strengths([0] * 20, [1] * 20, models=2)
    twice = strengths([0] * 40, [1] * 40, clusters=[*range(20), *range(20)], models=2)
    assert twice.low[0] == pytest.approx(once.low[0], abs=0.1)


@pytest.mark.simulation
def test_the_interval_of_a_model_that_seldom_loses_holds_the_truth():
    """It wins 0.97 of 20 games, and in half of the runs all: at least 93 of 100 intervals hold half the log-odds."""
    truth, random = math.log(0.97 / 0.03) / 2, np.random.default_rng(3)
    held = 0
    for _ in range(runs(1_000)):
        lost = (random.random(20) >= 0.97).astype(int)
        found = strengths(lost, 1 - lost, models=2, resamples=200)
        held += found.low[0] <= truth <= found.high[0]
    assert held >= 0.93 * runs(1_000)
