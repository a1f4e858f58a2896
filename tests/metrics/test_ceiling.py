"""A judge and people against the same references."""

import numpy as np
import pytest

from judgebench.metrics.ceiling import concordance_of, grade_rows, label_rows, pearson_of
from judgebench.metrics.gate import agreement_of, kappa_of


def everything(rows):
    """Weights, units and choice of all items."""
    n = len(rows.judge)
    return np.ones(n), np.arange(n), np.ones(n, dtype=bool)


def test_each_person_is_left_out_in_turn():
    """Of labels 0, 0, 1 and a judge that says 0: by hand the judge agrees by 2/3 and a person by 1/3."""
    rows = label_rows([[[0, 0, 1]]], [[{0: 1.0}]], 2)
    assert agreement_of(rows.judge[0]) == pytest.approx(2 / 3)
    assert agreement_of(rows.people[0]) == pytest.approx(1 / 3)


def test_one_persons_label_tells_of_the_judge_alone():
    """An item with one label is the judge's, and no part of what people reach."""
    rows = label_rows([[[0]], [[1, 1]]], [[{0: 1.0}], [{0: 0.5, 2: 0.5}]], 2)
    assert [*rows.several] == [False, True]
    weight, unit, chosen = everything(rows)
    assert rows.of_people("agreement", weight, unit, chosen).n == 1
    assert rows.of_judge("agreement", weight, unit, chosen).score == pytest.approx(0.5)


def test_no_verdict_agrees_with_nobody():
    """The share of replies without a verdict is a column of its own."""
    assert agreement_of(label_rows([[[0]]], [[{2: 1.0}]], 2).judge[0]) == 0


def test_letters_that_nobody_knows_count_in_every_way():
    """Ten pairs whose better answer is called A, told both ways, have the kappa of labels that are even."""
    labels, judge = [[[0], [1]]] * 10, [[{0: 1.0}, {1: 1.0}]] * 8 + [[{1: 1.0}, {0: 1.0}]] * 2
    assert kappa_of(label_rows(labels, judge, 2).judge.sum(axis=0)) == pytest.approx(0.6)


def test_the_difference_is_of_the_same_items():
    """The judge less people, over the items that two people labelled."""
    rows = label_rows([[[0, 0]]] * 6 + [[[0, 1]]] * 2 + [[[0]]] * 9, [[{0: 1.0}]] * 17, 2)
    assert rows.of_difference("agreement", *everything(rows)).score == pytest.approx(7 / 8 - 6 / 8)


def test_grades_are_held_against_the_mean_of_the_others():
    """Pearson's r is numpy's over each person and the mean of the others."""
    grades, judge = [[1.0, 2.0], [2.0, 4.0], [5.0, 4.0], [3.0, 3.0]], [1.0, 2.0, 5.0, 4.0]
    rows = grade_rows(grades, judge)
    said = np.repeat(judge, 2)
    others = [b for a in grades for b in (a[1], a[0])]
    assert pearson_of(rows.judge.sum(axis=0)) == pytest.approx(np.corrcoef(said, others)[0, 1])
    own = [a for pair in grades for a in pair]
    assert pearson_of(rows.people.sum(axis=0)) == pytest.approx(np.corrcoef(own, others)[0, 1])


def test_weighted_kappa_of_grades_is_the_quadratic_one():
    """By hand over all pairs: one less the mean square apart over what chance gives."""
    x, y = np.array([1.0, 2, 3, 5, 4]), np.array([1.0, 3, 3, 4, 5])
    sums = grade_rows([[each] for each in y], [*x]).judge.sum(axis=0)
    by_chance = ((x[:, None] - y[None, :]) ** 2).mean()
    assert concordance_of(sums) == pytest.approx(1 - ((x - y) ** 2).mean() / by_chance)


def test_a_missing_rating_tells_nothing():
    """It counts with the judge's mean, and so lowers r."""
    grades = [[float(at)] for at in range(1, 9)]
    full = pearson_of(grade_rows(grades, [float(at) for at in range(1, 9)]).judge.sum(axis=0))
    some = pearson_of(grade_rows(grades, [None if at > 6 else float(at) for at in range(1, 9)]).judge.sum(axis=0))
    assert some < 0.7 < full
