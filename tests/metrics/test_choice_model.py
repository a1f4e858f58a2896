"""The choice model, against statsmodels and judges that are made to have a bias or none."""

import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from making import key, reading
from scipy.optimize import minimize
from scipy.special import logsumexp
from statsmodels.api import Logit

from judgebench.items import Outcome
from judgebench.metrics.choice_model import Choices, collect_choices


class Pairs:
    """Pairs of two subsets, judged in one order by a judge with known coefficients; length in typical differences."""

    def __init__(self, n, seed, *, label=(1.5, 0.5), length=0.0, own=0.0, first=0.0):
        rng = np.random.default_rng(seed)
        self.group = np.arange(n) % 2
        self.side = rng.choice([-1, 1], n)
        self.mine = rng.choice([-1, 1], n)
        self.lengths = np.rint(np.exp(rng.normal(6, 0.5, (n, 2)))).astype(int)
        self.d = np.log1p(self.lengths[:, 0]) - np.log1p(self.lengths[:, 1])
        self.d /= math.sqrt(np.mean(self.d**2))
        eta = first + np.array(label)[self.group] * self.side + length * self.d + own * self.mine
        self.first = rng.random(n) < 1 / (1 + np.exp(-eta))

    def design(self):
        """The regression's columns: length, own, label of each subset, label x |length|, place."""
        labels = [self.side * (self.group == at) for at in (0, 1)]
        columns = [self.d, self.mine, *labels, self.side * np.abs(self.d), np.ones(len(self.d))]
        return np.stack(columns, axis=1).astype(float)

    def fit(self, *, copies=1, ridge=0.0, subsets=("s", "t"), num_correct=1, block=8192):
        choices = Choices()
        for at, chose in enumerate(self.first.tolist()):
            shown = (0, 1) if self.side[at] == 1 else (1, 0)
            by_index = self.lengths[at] if self.side[at] == 1 else self.lengths[at][::-1]
            item = key(str(at), subsets[at % len(subsets)], num_correct=num_correct, lengths=tuple(by_index.tolist()))
            mine = [self.mine[at] == self.side[at], self.mine[at] != self.side[at]]
            for _ in range(copies):
                choices.add(item, shown, (float(chose), float(not chose)), mine)
        return choices.fit(ridge=ridge, block=block)


def width(estimate):
    return (estimate.high - estimate.low) / 2 / 1.959964


def test_rows_are_read_in_blocks_of_any_size():
    """How many questions are read at once changes no figure, not even where an item's are in two blocks."""
    pairs = Pairs(60, 3, length=0.4, own=0.3)
    whole, parts = (pairs.fit(copies=2, ridge=0.1, block=block) for block in (8192, 7))

    for name in ("length", "own"):
        ours, theirs = (asdict(getattr(each, name)) for each in (whole, parts))
        assert ours == pytest.approx(theirs, abs=1e-6)


def test_pairs_agree_with_a_logistic_regression():
    """Without ridge length and family have statsmodels' maximum likelihood coefficients."""
    pairs = Pairs(800, 5, length=0.4, own=0.3)
    theirs = Logit(pairs.first.astype(float), pairs.design()).fit(disp=0).params
    ours = pairs.fit()

    assert [ours.length.estimate, ours.own.estimate] == pytest.approx(theirs[:2].tolist(), abs=1e-6)


def test_errors_agree_with_the_clustered_sandwich():
    """Where an item's rows are copies, the errors are statsmodels' cluster-robust ones, times G / (G - 1)."""
    pairs = Pairs(300, 6, length=0.4)
    groups = {"groups": np.repeat(np.arange(300), 3), "use_correction": False}
    outcome, design = np.repeat(pairs.first.astype(float), 3), np.repeat(pairs.design(), 3, axis=0)
    theirs = Logit(outcome, design).fit(disp=0, cov_type="cluster", cov_kwds=groups)
    ours = pairs.fit(copies=3)

    assert [width(ours.length), width(ours.own)] == pytest.approx(theirs.bse[:2] * math.sqrt(300 / 299), rel=1e-4)


def test_best_of_four_agrees_with_a_nested_logit():
    """The plain likelihood of the correct one against the mean of the others, and of a wrong one among three."""
    rng = np.random.default_rng(7)
    choices, first, among = Choices(), [], []
    sizes = np.rint(np.exp(rng.normal(6, 0.5, (200, 4)))).astype(int)
    logs = np.log1p(sizes)
    relative = logs - (logs.sum(axis=1, keepdims=True) - logs) / 3
    scale = math.sqrt(np.mean(relative**2))
    for at in range(200):
        order, own, slot = rng.permutation(4).tolist(), rng.random(4) < 0.4, int(rng.integers(4))
        item = key(str(at), "st"[at % 2], k=4, lengths=tuple(sizes[at].tolist()))
        choices.add(item, order, [float(each == slot) for each in range(4)], own.tolist())
        places = np.array([[order.index(index) == place for place in (1, 2, 3)] for index in range(4)], dtype=float)
        terms = np.column_stack([logs[at] / scale, own, own * (np.arange(4) > 0), places])
        best, rest = terms[0], terms[1:].mean(axis=0)
        rest[2] = 0
        labels = [at % 2 == 0, at % 2 == 1, abs(relative[at, 0]) / scale]
        first.append((np.concatenate([best - rest, labels]), order[slot] == 0))
        if order[slot]:
            among.append((np.column_stack([terms[1:], np.zeros((3, 3))]), order[slot] - 1))

    differences = np.array([x if right else -x for x, right in first], dtype=float)
    wrong, chosen = np.array([x for x, _ in among], dtype=float), [at for _, at in among]

    def loss(b):
        utility = wrong @ b
        return np.logaddexp(0, -(differences @ b)).sum() + (
            logsumexp(utility, axis=1).sum() - utility[np.arange(len(chosen)), chosen].sum()
        )

    found, ours = minimize(loss, np.zeros(9)).x, choices.fit(ridge=0.0)

    assert [ours.length.estimate, ours.own.estimate] == pytest.approx(found[:2].tolist(), abs=1e-4)


def test_ridge_changes_next_to_nothing_in_a_sizeable_sample():
    """In 2,000 pairs the penalty moves the coefficient by less than a thousandth."""
    pairs = Pairs(2000, 7, length=0.4)

    assert pairs.fit(ridge=0.1).length.estimate == pytest.approx(pairs.fit().length.estimate, abs=1e-3)


@pytest.mark.parametrize("n", [40, 400])
def test_judge_that_takes_the_longest_is_found(n):
    """Perfect separation by length gives a large, finite, certain coefficient."""
    pairs = Pairs(n, 11)
    pairs.first = pairs.d > 0
    found = pairs.fit(ridge=0.1).length

    assert (found.estimate > 2, found.p < 0.01, math.isfinite(found.high)) == (True, True, True)


def test_perfect_judge_is_not_accused():
    """A judge that is always right, whatever the length and author, shows no preference."""
    pairs = Pairs(400, 12)
    pairs.first = pairs.side > 0
    found = pairs.fit(ridge=0.1)

    assert (found.length.p > 0.05, found.own.p > 0.05) == (True, True)


def test_a_tie_is_half_a_choice_of_each():
    """A judge that always ties has no preference whatever."""
    choices = collect_choices(
        {str(at): [reading((0, 1), "tie")] for at in range(30)},
        {str(at): key(str(at), lengths=(10 + at, 20)) for at in range(30)},
    )

    assert choices.fit().length.estimate == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("subsets", "num_correct", "association"), [(("s", "t"), 1, False), (("s",), 1, True), (("s", "t"), 0, True)]
)
def test_a_bias_needs_labels_of_two_subsets(subsets, num_correct, association):
    """With one subset, or without labels, there is an association."""
    found = Pairs(100, 13, length=0.4).fit(ridge=0.1, subsets=subsets, num_correct=num_correct)

    assert (found.length.association, found.own.association) == (association, association)


def test_small_subsets_share_one_label_effect():
    """Fifty subsets of two items each are no more than one."""
    found = Pairs(100, 13).fit(ridge=0.1, subsets=[f"s{at}" for at in range(50)])

    assert found.length.association


def test_pairs_of_equal_length_say_nothing():
    """Neither do questions of three equally long completions, and no questions at all."""
    two = collect_choices({"7": [reading((0, 1), "A")]}, {"7": key(lengths=(5, 5))})
    three = collect_choices({"7": [reading((2, 0, 1), "A")]}, {"7": key(k=3, lengths=(7, 7, 7))})

    assert (two.fit(), three.fit(), Choices().fit()) == (None, None, None)


def test_scores_are_choices_in_each_pair():
    """Scores 3, 1, 1 and none: the pairs of the first three, the first over both others, which tie."""
    item = key(k=4, lengths=(10, 30, 20, 40))
    of_scores = collect_choices({}, {}, [Outcome(item, 1.0, 1.0, 1.0, scores=((3.0, 1.0, 1.0, None),))])
    by_hand = Choices()
    for shown, chosen in (((0, 1), (1, 0)), ((0, 2), (1, 0)), ((1, 2), (0.5, 0.5))):
        by_hand.add(item, shown, chosen, placed=False)

    assert of_scores.fit() == by_hand.fit()


def test_counts_are_of_questions_where_it_differs():
    """Of three items in both orders one has equal lengths, and one is by nobody's family alone."""
    keys = {name: key(name, lengths=(10, 10 if name == "b" else 20)) for name in "abc"}
    readings = {name: [reading((0, 1), "A"), reading((1, 0), "A")] for name in "abc"}
    found = collect_choices(readings, keys, own={"a": [True, False], "b": [True, True]}).fit()

    assert [(each.n, each.clusters) for each in (found.length, found.own)] == [(4, 2), (2, 1)]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_preference_turns_with_the_choice(seed):
    """A judge that chooses the other way has the opposite coefficient."""
    pairs = Pairs(30, seed, length=1.0)
    forth = pairs.fit(ridge=0.1).length.estimate
    pairs.first = ~pairs.first

    assert pairs.fit(ridge=0.1).length.estimate == pytest.approx(-forth, abs=1e-5)
