"""Reward functions: distances that no shift and scale per prompt moves, and the best of N answers by enumeration."""

from itertools import combinations
from math import isclose

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from judgebench.metrics.bestofn import any_right, best_of, sizes_up_to
from judgebench.metrics.rewarddistance import reward_distance

REWARDS = st.lists(st.lists(st.integers(-20, 20), min_size=2, max_size=5), min_size=1, max_size=6)


@given(REWARDS, st.floats(0.1, 10), st.floats(-50, 50))
def test_a_shift_and_a_scale_per_prompt_are_no_distance(rewards, scale, shift):
    """And each prompt may have its own."""
    moved = [[scale * (at + 1) * value + shift * at for value in each] for at, each in enumerate(rewards)]
    assert reward_distance(rewards, moved).distance == pytest.approx(0, abs=1e-9)


@given(REWARDS)
def test_the_opposite_is_at_one(rewards):
    """Where rewards differ at all; prompts whose rewards are equal have no opposite."""
    differing = [each for each in rewards if len({*each}) > 1]
    found = reward_distance(rewards, [[-value for value in each] for each in rewards])
    assert found.distance == pytest.approx(len(differing) / len(rewards), abs=1e-9)
    assert found.r2 is None if not differing else found.r2 == pytest.approx(1)


def test_figures_worked_by_hand():
    """Two prompts: (1, 3) against (0, 4) is equal, (0, 0, 3) against (3, 0, 0) has unit vectors at 120 degrees."""
    found = reward_distance([[1, 3], [0, 0, 3]], [[0, 4], [3, 0, 0]])
    assert found.distance == pytest.approx((0 + np.sqrt(3) / 2) / 2)
    x, y = [-1, 1, -1, -1, 2], [-2, 2, 2, -1, -1]
    assert found.r2 == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)
    assert found.spearman == pytest.approx(stats.spearmanr(x, y).statistic)
    assert (found.prompts, found.completions) == (2, 5)


def test_without_two_completions_there_is_nothing_to_compare():
    """Single completions have no differences."""
    assert reward_distance([[1.0], [2.0]], [[3.0], [5.0]]) is None


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=6), st.data())
def test_the_best_of_n_is_the_mean_over_every_draw(answers, data):
    """Each set of N answers counts the same; equal scores share the choice."""
    n = data.draw(st.integers(1, len(answers)))
    scores, right = [score for score, _ in answers], [correct for _, correct in answers]
    draws = []
    for draw in combinations(answers, n):
        top = max(score for score, _ in draw)
        choice = [correct for score, correct in draw if score == top]
        draws.append(sum(choice) / len(choice))
    assert isclose(best_of(scores, right, n), sum(draws) / len(draws), abs_tol=1e-12)
    exact = [any(correct for _, correct in draw) for draw in combinations(answers, n)]
    assert isclose(any_right(right, n), sum(exact) / len(exact), abs_tol=1e-12)


def test_where_the_curve_is_shown():
    """Every N of few; powers of two, and the last."""
    assert [sizes_up_to(most) for most in (3, 8, 9)] == [[1, 2, 3], [1, 2, 4, 8], [1, 2, 4, 8, 9]]
