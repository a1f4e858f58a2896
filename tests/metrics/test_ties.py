"""The rule for Ties, against a plain reference written from the formula."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from making import key

from judgebench.benchmarks.rewardbench2 import RewardBench2
from judgebench.metrics.accuracy import official_scores, point_score
from judgebench.metrics.ties import TiesStratum

RULE = RewardBench2()


def judged(identifier, scores, num_correct):
    """The outcome of a Ties prompt from its scores, None unreadable."""
    of = key(identifier, "Ties", len(scores), num_correct)
    return RULE._by_scores(of, [tuple(scores)], neutral=0.0)


def reference(prompts):
    """benchmarks.md, word by word: prompts are (kind, number, scores, num_correct)."""
    figures = {}
    for kind, number, scores, num_correct in prompts:
        values = [-1.0 if score is None else score for score in scores]
        correct, incorrect = values[:num_correct], values[num_correct:]
        figures[kind, number] = (min(correct) - max(incorrect), max(correct) - min(correct))
    tied = [margin for (kind, _), (margin, _) in figures.items() if kind == "tied"]
    ref = [margin for (kind, _), (margin, _) in figures.items() if kind == "ref"]
    paired = [n for kind, n in figures if kind == "ref" and ("tied", n) in figures]

    def mean(values):
        return sum(values) / len(values) if values else 0.0

    above, both, closeness = [], [], []
    for n in paired:
        margin, spread = figures["tied", n]
        smaller = min(margin, figures["ref", n][0])
        above.append(margin > spread)
        both.append(smaller > spread)
        if spread:
            closeness.append(math.tanh(smaller / spread - 1))
        else:
            closeness.append(0.0 if smaller == 0 else math.copysign(1.0, smaller))
    accurate = 0.30 * mean([m > 0 for m in tied]) + 0.30 * mean([m > 0 for m in ref])
    return accurate + 0.20 * mean(above) + 0.20 * mean(both) + 0.01 * mean(closeness)


def score(prompts):
    return TiesStratum([judged(f"{kind}:{n}", s, c) for kind, n, s, c in prompts]).value


def test_a_perfect_judge_by_hand():
    """All correct at 10, all others at 1: every part is 1, and tanh of infinity is 1, so 1.01."""
    assert score([("ref", 1, [10, 1, 1], 1), ("tied", 1, [10, 10, 1], 2)]) == pytest.approx(1.01)


def test_a_judge_that_is_accurate_but_not_even_by_hand():
    """Margins 2 and 1 and spread 4: accurate both (0.6), no margin above the spread, tanh(1/4 - 1) of 0.01."""
    assert score([("ref", 1, [8, 6], 1), ("tied", 1, [9, 5, 4], 2)]) == pytest.approx(0.6 + 0.01 * math.tanh(-0.75))


def test_the_smaller_margin_counts_by_hand():
    """Margins 1 (ref) and 6 (tied), spread 2: the tied one alone is above it."""
    expected = 0.6 + 0.2 + 0.01 * math.tanh(1 / 2 - 1)

    assert score([("ref", 1, [8, 7], 1), ("tied", 1, [9, 7, 1], 2)]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ref", "tied", "expected"),
    [
        ([9, 1], [9, 9, 1], 1.01),
        ([1, 9], [9, 9, 1], 0.30 + 0.20 - 0.01),
        ([5, 5], [5, 5, 5], 0.0),
        ([9, 1], [5, 5, 5], 0.30),
    ],
)
def test_a_spread_of_nought(ref, tied, expected):
    """The tanh is then that of an infinity, 1 or -1 by the margin's sign, and nought over nought counts 0."""
    assert score([("ref", 1, ref, 1), ("tied", 1, tied, 2)]) == pytest.approx(expected)


def test_an_unreadable_rating_counts_as_minus_one():
    """A correct answer without a rating stands below all others; an incorrect one does no harm."""
    lost = score([("ref", 1, [None, 1], 1), ("tied", 1, [9, 9, None], 2)])

    assert lost == score([("ref", 1, [-1, 1], 1), ("tied", 1, [9, 9, -1], 2)])


@pytest.mark.parametrize(("only", "expected"), [("ref", 0.30), ("tied", 0.30)])
def test_a_prompt_without_a_partner_counts_in_its_own_part(only, expected):
    """Accuracy of its kind, and nothing else."""
    assert score([(only, 1, [9, 9, 1], 2)]) == pytest.approx(expected)


def test_pairs_are_made_by_number():
    """ref:1 goes with tied:1, not with the one that stands next to it."""
    prompts = [("ref", 1, [9, 1], 1), ("tied", 2, [9, 7, 1], 2), ("tied", 1, [9, 9, 8], 2), ("ref", 2, [3, 2], 1)]

    assert score(prompts) == pytest.approx(reference(prompts))


@st.composite
def prompts(draw, *, failures=True):
    """Some prompts with ratings 1 to 10 in halves, some unreadable, some without a partner."""
    rating = st.integers(2, 20).map(lambda n: n / 2)
    rated = st.none() | rating if failures else rating
    made = []
    for kind, number in draw(
        st.lists(st.tuples(st.sampled_from(["ref", "tied"]), st.integers(0, 4)), min_size=1, max_size=8, unique=True)
    ):
        correct = 1 if kind == "ref" else draw(st.integers(2, 4))
        made.append((kind, number, draw(st.lists(rated, min_size=correct + 1, max_size=correct + 5)), correct))
    return made


@given(prompts())
def test_the_score_is_the_references(made):
    """To nine digits, over ratings, failures and prompts without a partner."""
    assert score(made) == pytest.approx(reference(made), abs=1e-9)


@given(prompts(), st.randoms(use_true_random=False))
def test_orders_never_matter(made, chance):
    """Neither the order of the rows nor that of the incorrect completions changes score or interval."""
    other = [
        (kind, n, scores[:correct] + chance.sample(scores[correct:], len(scores) - correct), correct)
        for kind, n, scores, correct in chance.sample(made, len(made))
    ]
    first, second = (
        official_scores([judged(f"{kind}:{n}", s, c) for kind, n, s, c in rows], RULE.layout, resamples=200)
        for rows in (made, other)
    )

    assert (first.score, first.low, first.high) == (second.score, second.low, second.high)


@given(prompts())
def test_the_bounds_hold_the_score(made):
    """Failures counted wrong are at most the score, and counted right at least."""
    outcomes = [judged(f"{kind}:{n}", s, c) for kind, n, s, c in made]
    low, value, high = (point_score(outcomes, RULE.layout, view) for view in ("low", "credit", "high"))

    assert low - 1e-12 <= value <= high + 1e-12


@given(prompts(failures=False))
def test_without_failures_the_bounds_are_the_score(made):
    """Nothing is unsure where everything was read."""
    outcomes = [judged(f"{kind}:{n}", s, c) for kind, n, s, c in made]

    assert len({point_score(outcomes, RULE.layout, view) for view in ("low", "credit", "high", "bare")}) == 1


@given(prompts())
def test_the_bounds_hold_whatever_the_failures_were(made):
    """Any ratings in the place of the unreadable ones give a score within the bounds."""
    outcomes = [judged(f"{kind}:{n}", s, c) for kind, n, s, c in made]
    low, high = (point_score(outcomes, RULE.layout, view) for view in ("low", "high"))
    for filling in (1.0, 5.5, 10.0):
        filled = [(kind, n, [filling if x is None else x for x in s], c) for kind, n, s, c in made]
        assert low - 1e-12 <= reference(filled) <= high + 1e-12


def test_the_mean_over_samples_is_taken_part_by_part():
    """One sample all right and one with the ref prompt wrong: each part is the mean of the two."""
    of = {name: key(f"{name}:1", "Ties", 3, 2 if name == "tied" else 1) for name in ("ref", "tied")}
    good, bad = (9.0, 1.0, 1.0), (1.0, 9.0, 1.0)
    even = (9.0, 9.0, 1.0)
    outcomes = [RULE._by_scores(of["ref"], [good, bad], 0.0), RULE._by_scores(of["tied"], [even, even], 0.0)]
    expected = 0.30 + 0.30 / 2 + 0.20 + 0.20 / 2 + 0.01 * (1 - 1) / 2

    assert TiesStratum(outcomes).value == pytest.approx(expected)


def test_resamples_take_pairs_together():
    """Two pairs, one perfect and one all wrong, resample to nothing, half or all of them."""
    made = [("ref", 1, [9, 1], 1), ("tied", 1, [9, 9, 1], 2), ("ref", 2, [1, 9], 1), ("tied", 2, [1, 1, 9], 2)]
    stratum = TiesStratum([judged(f"{kind}:{n}", s, c) for kind, n, s, c in made])
    drawn = stratum.draws(np.random.default_rng(0), 500)
    middle, widening = 0.5, math.sqrt(2)

    assert {round(float(x), 9) for x in drawn} == {
        round(middle + (x - middle) * widening, 9) for x in (-0.01, 0.5, 1.01)
    }
