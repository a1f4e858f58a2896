"""Votes made into one: by hand, and with simulated voters of known accuracy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from judgebench.metrics.votes import log_odds_weight, majority, mean_rating, pooled_shares, shares


@pytest.mark.parametrize(
    ("votes", "choice", "drawn"),
    [
        ([(0, 1), (0, 1), (1, 1)], 0, False),
        ([(0, 1), (1, 1)], None, True),
        ([(None, 1), (None, 1), (0, 1)], None, False),
        ([(0, 1), (None, 1), (1, 1)], None, True),
        ([(0, 1), (1, 1), (1, 1), (2, 3)], 2, False),
        ([(0, 0.1), (0, 0.2), (1, 0.3)], None, True),
        ([(0, 0), (1, 1)], 1, False),
    ],
)
def test_the_most_votes_win_and_a_draw_is_a_tie(votes, choice, drawn):
    """Votes for a tie count as votes; a draw of any kind is a tie, whatever rounding says; no weight is no vote."""
    pooled = majority(votes)
    assert (pooled.choice, pooled.drawn) == (choice, drawn)


def test_no_vote_is_no_verdict():
    """Nobody's votes, or votes without weight, come to nothing."""
    with pytest.raises(ValueError, match="no vote"):
        majority([(0, 0.0)])


def test_ratings_are_averaged_by_weight():
    """(8 x 3 + 4 x 1) / 4 is 7; without any weight the mean is plain."""
    assert mean_rating([(8, 3), (4, 1)]) == 7
    assert mean_rating([(8, 0), (4, 0)]) == 6


def test_weighted_means_that_are_equal_are_equal():
    """(0.1 x 3 + 0.2 x 6) / 0.3 and (0.1 x 7 + 0.2 x 4) / 0.3 are 5, whatever the last digit of the sums."""
    assert mean_rating([(3, 0.1), (6, 0.2)]) == mean_rating([(7, 0.1), (4, 0.2)]) == 5


def test_weights_are_log_odds_beyond_a_guess():
    """8 of 8 right, smoothed to 9 of 10: ln 9 for a pair, and ln 27 for one of four; below chance 0."""
    assert log_odds_weight(8, 8, 1 / 2) == pytest.approx(math.log(9))
    assert log_odds_weight(8, 8, 1 / 4) == pytest.approx(math.log(27))
    assert log_odds_weight(2, 8, 1 / 2) == 0


def test_a_sure_member_beats_two_that_contradict_themselves():
    """One that says 1 twice has a whole vote, one that says 0 and then 1 half a vote for each: 0.5 to 1.5."""
    assert pooled_shares([shares([1, 1]), shares([0, 1])]).choice == 1
    assert pooled_shares([shares([0, 0]), shares([1, None]), shares([1, None])]).drawn


def right_share(accuracies, weights, items, seed):
    """How often a simulated jury of independent voters on pairs is right; draws count half."""
    rng = np.random.default_rng(seed)
    wrong = (rng.random((items, len(accuracies))) >= accuracies).astype(int)
    found = [majority(zip(row, weights, strict=True)).choice for row in wrong.tolist()]
    return float(np.mean([0.5 if choice is None else choice == 0 for choice in found]))


def condorcet(n, p):
    """The chance that most of n independent voters, each right with chance p, are right; n is odd."""
    return sum(math.comb(n, right) * p**right * (1 - p) ** (n - right) for right in range(n // 2 + 1, n + 1))


@pytest.mark.parametrize(("n", "p"), [(3, 0.6), (3, 0.75), (5, 0.6), (5, 0.75)])
def test_a_jury_of_independent_judges_reaches_condorcet_s_accuracy(n, p):
    """Within four standard errors of 20,000 items."""
    found, expected = right_share([p] * n, [1] * n, 20_000, seed=n), condorcet(n, p)
    assert abs(found - expected) < 4 * math.sqrt(expected * (1 - expected) / 20_000)


def test_weights_by_accuracy_beat_equal_ones_where_one_is_much_better():
    """With 0.95, 0.6 and 0.6 the good one decides (ln 19 > 2 ln 1.5): 0.95, where the plain majority has 0.816."""
    accuracies = [0.95, 0.6, 0.6]
    learnt = [log_odds_weight(1000 * p, 1000, 1 / 2) for p in accuracies]
    plain = 0.6 * 0.6 + 2 * 0.6 * 0.4 * 0.95
    assert right_share(accuracies, learnt, 20_000, seed=1) == pytest.approx(0.95, abs=4 * 0.0016)
    assert right_share(accuracies, [1, 1, 1], 20_000, seed=1) == pytest.approx(plain, abs=4 * 0.0028)
