"""The alternative-annotator test, beside a slow reference and worked numbers."""

from __future__ import annotations

import math
import random
from statistics import fmean

import pytest

from judgebench.metrics.alternative import alternative_test, benjamini_yekutieli, one_sided_p


def _reference(people, judge, *, grades, epsilon):
    """The paper's procedure step by step: score functions, indicators, scipy's t-test, and BY by ranks."""
    from scipy.stats import ttest_1samp

    def score(said, others):
        if grades:
            return -math.sqrt(fmean([(said - other) ** 2 for other in others]))
        return fmean([float(said == other) for other in others])

    tested, advantages, p_values = [], [], []
    for left_out, own in people.items():
        judges, owns = [], []
        for item, label in own.items():
            others = [labels[item] for name, labels in people.items() if name != left_out and item in labels]
            if others and item in judge:
                with_judge, with_own = score(judge[item], others), score(label, others)
                judges.append(int(with_judge >= with_own))
                owns.append(int(with_own >= with_judge))
        if len(judges) < 30:
            continue
        tested.append(left_out)
        advantages.append(fmean(judges))
        differences = [mine - its for mine, its in zip(owns, judges, strict=True)]
        p_values.append(ttest_1samp(differences, epsilon, alternative="less").pvalue)
    m = len(tested)
    harmonic = sum(1 / rank for rank in range(1, m + 1))
    order = sorted(range(m), key=lambda at: p_values[at])
    last = max((rank for rank, at in enumerate(order, 1) if p_values[at] <= rank / m * 0.05 / harmonic), default=0)
    return tested, last / m, fmean(advantages), p_values


def _drawn(rng, labels, people, items):
    truth = {str(n): rng.choice(labels) for n in range(items)}
    said = {
        f"p{who}": {
            item: label if rng.random() < 0.6 + 0.08 * who else rng.choice(labels)
            for item, label in truth.items()
            if rng.random() < 0.85
        }
        for who in range(people)
    }
    judge = {item: label if rng.random() < 0.75 else rng.choice(labels) for item, label in truth.items()}
    return said, {item: label for item, label in judge.items() if rng.random() < 0.95}


@pytest.mark.parametrize("grades", [False, True])
def test_the_test_is_the_papers(grades):
    """Winning rate, advantage probability and p-values are those of the procedure written out step by step."""
    rng = random.Random(7 + grades)
    labels = [1, 2, 3, 4, 5] if grades else ["a", "b", "c"]
    for epsilon in (0.1, 0.2):
        people, judge = _drawn(rng, labels, people=4, items=60)
        tested, winning, advantage, p_values = _reference(people, judge, grades=grades, epsilon=epsilon)
        found = alternative_test(people, judge, grades=grades, epsilon=epsilon)
        assert list(found.annotators) == tested
        assert found.winning_rate == winning
        assert found.advantage_probability == pytest.approx(advantage, abs=1e-12)
        assert [each.p for each in found.annotators.values()] == pytest.approx(p_values, abs=1e-12)


def test_worked_by_hand():
    """Two people who agree on 30 of 40 items, and a judge that says what the first does.

    Against the first person the judge is equal everywhere: differences 0, p = 0. Against the second it is too: both say
    of the first either the same or something else, but the judge is always right of the first's. There the second wins
    30 of 40, the judge all 40: mean difference -.25.
    """
    ann = {str(n): "a" for n in range(40)}
    bob = {str(n): "a" if n < 30 else "b" for n in range(40)}
    found = alternative_test({"ann": ann, "bob": bob}, ann)
    first, second = found.annotators.values()
    assert (first.judge_wins, first.annotator_wins, first.p) == (1.0, 1.0, 0.0)
    assert (second.judge_wins, second.annotator_wins) == (1.0, 0.75)
    assert (found.winning_rate, found.advantage_probability, found.passes) == (1.0, 1.0, True)


def test_fewer_than_thirty_items_are_not_tested():
    """An annotator with fewer than 30 items is left out and counted; with nobody left nothing is known."""
    ann = {str(n): "a" for n in range(40)}
    bob = {str(n): "a" for n in range(29)}
    found = alternative_test({"ann": ann, "bob": bob}, ann)
    assert found.annotators == {}
    assert found.too_few == {"ann": 29, "bob": 29}  # the items that both labelled
    assert (found.winning_rate, found.advantage_probability, found.passes) == (None, None, None)


def test_items_without_a_verdict_are_left_out_and_counted():
    """A judge's failure is no label: the item is left out and counted."""
    ann = {str(n): "a" for n in range(40)}
    found = alternative_test({"ann": ann, "bob": dict(ann)}, dict.fromkeys(list(ann)[:35], "a"))
    assert found.without_verdict == 5
    assert [each.items for each in found.annotators.values()] == [35, 35]


def test_benjamini_yekutieli_by_hand():
    """With three p-values the steps are .05 / (11/6) times 1/3, 2/3 and 1: .00909, .01818 and .02727."""
    assert benjamini_yekutieli([0.027, 0.009, 0.018]) == [True, True, True]
    assert benjamini_yekutieli([0.028, 0.009, 0.019]) == [False, True, False]
    assert benjamini_yekutieli([0.010, 0.5, 0.019]) == [False, False, False]
    assert benjamini_yekutieli([]) == []


def test_p_by_hand():
    """Three differences -1, 0, 0 against 0: mean -1/3, standard error 1/3, t = -1 with two degrees of freedom.

    Student's distribution with two degrees has P(T < t) = 1/2 + t / (2 sqrt(2 + t^2)).
    """
    assert one_sided_p([-1, 0, 0], 0.0) == pytest.approx(0.5 - 1 / (2 * math.sqrt(3)), abs=1e-12)
    assert one_sided_p([0, 0, 0], 0.1) == 0.0
    assert one_sided_p([1, 1, 1], 0.1) == 1.0
