"""Corrections of p, groups and the Pareto front."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

from judgebench.metrics.rankings import (
    benjamini_hochberg,
    groups_not_told_apart,
    holm,
    pareto_front,
    rank_intervals,
    undominated,
)

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def test_holm_by_hand():
    """The smallest p counts times the number of tests, the next times one fewer, never falling."""
    assert holm([0.02, 0.01, 0.04]).tolist() == pytest.approx([0.04, 0.03, 0.04])


@settings(deadline=None, max_examples=25)
@given(P_VALUES)
def test_holm_agrees_with_statsmodels(p):
    """Adjusted p are those of statsmodels."""
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


@settings(deadline=None)
@given(P_VALUES)
def test_benjamini_hochberg_agrees_with_scipy(p):
    """The q are those of scipy."""
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p))


def test_no_tests_need_no_correction():
    """An empty list stays empty."""
    assert holm([]).tolist() == benjamini_hochberg([]).tolist() == []


def test_letters_overlap_where_the_middle_is_like_both():
    """Best and last differ, the middle is like both: a, ab, b."""
    p = [[1, 0.5, 0.01], [0.5, 1, 0.5], [0.01, 0.5, 1]]

    assert groups_not_told_apart(["x", "y", "z"], [0.9, 0.8, 0.7], p) == {"x": "a", "y": "ab", "z": "b"}


def test_letters_go_by_score():
    """The best run comes first and has the first letter."""
    p = [[1, 0.001], [0.001, 1]]

    assert list(groups_not_told_apart(["low", "high"], [0.1, 0.9], p).items()) == [("high", "a"), ("low", "b")]


def test_runs_that_are_all_alike_share_a_letter():
    """Without a difference there is one group."""
    assert groups_not_told_apart(["x", "y"], [0.5, 0.4], np.ones((2, 2))) == {"x": "a", "y": "a"}


def test_unknown_p_is_not_told_apart():
    """A pair whose p is NaN stays together."""
    assert groups_not_told_apart(["x", "y"], [0.5, 0.4], np.full((2, 2), np.nan)) == {"x": "a", "y": "a"}


def test_many_groups_have_letters_of_their_own():
    """Sixty runs that all differ have sixty labels."""
    names = [f"run{number}" for number in range(60)]

    assert len(set(groups_not_told_apart(names, range(60), np.zeros((60, 60))).values())) == 60


def test_no_runs_have_no_letters():
    """Nothing in, nothing out."""
    assert groups_not_told_apart([], [], np.ones((0, 0))) == {}


def test_names_that_occur_twice_are_refused():
    """Letters are told by name."""
    with pytest.raises(ValueError, match="2 names"):
        groups_not_told_apart(["x", "x"], [1, 2], np.ones((2, 2)))


@settings(deadline=None)
@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.booleans(), min_size=21, max_size=21))))
def test_letters_are_shared_exactly_where_runs_are_alike(case):
    """For any pattern of differences, two runs have a letter in common if and only if they are not told apart."""
    n, flags = case
    p = np.ones((n, n))
    upper = np.triu_indices(n, 1)
    p[upper] = p.T[upper] = np.where(flags[: len(upper[0])], 0.01, 0.5)
    names = [str(number) for number in range(n)]

    letters = groups_not_told_apart(names, range(n), p)

    shared = [[bool(set(letters[x]) & set(letters[y])) for y in names] for x in names]
    assert shared == (p > 0.05).tolist()


def test_pareto_front_drops_what_is_beaten():
    """A run that costs more and scores less than another is off the front."""
    assert pareto_front([1, 2, 3, 3], [0.5, 0.4, 0.9, 0.8]).tolist() == [True, False, True, False]


def test_pareto_front_keeps_equals():
    """Two runs of the same cost and score do not beat each other."""
    assert pareto_front([1, 1], [0.5, 0.5]).tolist() == [True, True]


def test_unknown_cost_is_never_on_the_front():
    """A run whose cost is not known is not marked, and beats none."""
    assert pareto_front([np.nan, 2], [0.9, 0.5]).tolist() == [False, True]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=20))
def test_some_run_is_always_on_the_front(points):
    """The front is never empty, and holds a best score."""
    costs, scores = np.array(points).T

    assert scores[pareto_front(costs, scores)].max() == scores.max()


def test_ranks_by_hand():
    """Two runs a point apart with no spread of their own and one 80 points below: the first two may change places."""
    noise = np.random.default_rng(1).normal(0, 0.02, (3, 4_000))
    scores = np.array([0.9, 0.89, 0.1])

    assert rank_intervals(scores, scores[:, None] + noise, 400) == [(1, 2), (1, 2), (3, 3)]


def test_equal_runs_may_have_any_rank():
    """The same credits drawn together: no spread shows an order."""
    drawn = np.tile(np.random.default_rng(1).normal(0.8, 0.02, 1_000), (4, 1))

    assert rank_intervals(np.full(4, 0.8), drawn, 400) == [(1, 4)] * 4


def test_ranks_hold_the_truth():
    """Of 100 boards of five judges two points apart, 93 or more of all true ranks are within their interval."""
    rng, truth, n = np.random.default_rng(2), np.array([0.84, 0.82, 0.80, 0.78, 0.76]), 300
    held = []
    for _ in range(100):
        scores = rng.binomial(n, truth) / n
        drawn = rng.binomial(n, scores[:, None], (5, 300)) / n
        ends = rank_intervals(scores, drawn, n)
        held += [low <= rank <= high for rank, (low, high) in enumerate(ends, 1)]

    assert np.mean(held) >= 0.93


def test_a_run_is_dominated_only_where_that_is_shown():
    """The second costs no more and is significantly better than the third; the fourth has no cost."""
    found = undominated([1.0, 2.0, 2.0, math.nan], [0.5, 0.9, 0.6, 0.9], {(1, 2), (1, 0)})

    assert found.tolist() == [True, True, False, False]
