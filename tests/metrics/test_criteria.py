"""Verdicts on items' own criteria beside people's: figures by hand, against a slow reference, and their order."""

from __future__ import annotations

import random
from statistics import fmean

import pytest
from making import key

from judgebench.benchmarks.rules import criteria_outcome
from judgebench.items import Classes, Criterion, Failure, Reading, Soft, Verdict, weighted_score
from judgebench.metrics.accuracy import Layout
from judgebench.metrics.criteria import criteria_figures, weighted_figures
from judgebench.metrics.sureness import forecasts, unsureness
from judgebench.metrics.votes import join_criteria

CLASSES = Classes(("met", "unmet"), "met", shares=(1.0, 0.0))


def item_of(name, golds, weights=None):
    """An item whose criteria c0, c1, ... have these gold shares (None: nobody said)."""
    weights = weights or [1.0] * len(golds)
    checklist = tuple(
        Criterion(f"c{at}", "", weight, None if gold is None else str(gold), gold)
        for at, (gold, weight) in enumerate(zip(golds, weights, strict=True))
    )
    return key(name, k=1, num_correct=0, checklist=checklist)


def said(*shares, sample=0):
    """A reply about all criteria; a failure with none."""
    if not shares:
        return Reading((0,), sample, Failure("unreadable"))
    return Reading((0,), sample, Verdict(0.0, parts=tuple((f"c{at}", share) for at, share in enumerate(shares))))


def test_an_item_s_credit_is_the_share_that_people_say_too():
    """2 of 3 labelled ones; the fourth nobody labelled. Weights 4, 1, 1, -2: met are the first and the last, 2 of 6."""
    made = criteria_outcome(item_of("a", [1.0, 0.0, 1.0, None], [4, 1, 1, -2]), [said(1.0, 0.0, 0.0, 1.0)])
    assert made.credit == pytest.approx(2 / 3)
    assert made.scores == ((pytest.approx(2 / 6),),)


def test_what_has_no_verdict_is_wrong_and_bounded():
    """Of two samples one failed: 1/2 of 1 and 0, and at best 1."""
    made = criteria_outcome(item_of("a", [1.0, 0.0]), [said(1.0, 0.0), said(sample=1)])
    assert (made.credit, made.low, made.high) == (0.5, 0.5, 1.0)


def test_calls_for_each_criterion_make_one_credit():
    """Each has its part; that of the second is missing, so it is wrong and there is no weighted score."""
    calls = [Reading((0,), 0, Verdict(1.0, parts=(("c0", 1.0),))), Reading((1,), 0, Failure("refused"))]
    made = criteria_outcome(item_of("a", [1.0, 1.0]), calls)
    assert (made.credit, made.high, made.scores) == (0.5, 1.0, ((None,),))


@pytest.mark.parametrize(
    ("rule", "parts"),
    [("majority", {"c0": 1.0, "c1": 0.0}), ("agree", {"c1": 0.0})],
)
def test_samples_decide_each_criterion_by_itself(rule, parts):
    """Met by 2 of 3 and unmet by all; where not all say the same, nothing is unanimous."""
    samples = [said(1.0, 0.0), said(1.0, 0.0, sample=1), said(0.0, 0.0, sample=2)]
    (joined,) = join_criteria(samples, rule)
    assert dict(joined.result.parts) == parts


def test_samples_that_decide_nothing_are_ambiguous():
    """1 against 1, of the only criterion."""
    (joined,) = join_criteria([said(1.0), said(0.0, sample=1)], "majority")
    assert joined.result.kind == "ambiguous"


def slow(items):
    """For each criterion, and over all, accuracy, recall and specificity by counting."""
    found = {}
    for name in [None, *sorted({each.id for item, _ in items for each in item.checklist})]:
        rows = [
            (each.gold, dict(r.result.parts)[each.id])
            for item, r in items
            for each in item.checklist
            if name in {None, each.id}
        ]
        found[name] = {
            "accuracy": fmean(gold == share for gold, share in rows),
            "recall": fmean(share == 1 for gold, share in rows if gold == 1),
            "specificity": fmean(share == 0 for gold, share in rows if gold == 0),
        }
    return found


def test_figures_are_those_of_counting_in_any_order():
    """Over all criteria and of each; the order of the items changes nothing."""
    rng = random.Random(3)
    items = []
    for at in range(60):
        golds = [float(rng.random() < 0.5) for _ in range(3)]
        items.append((item_of(f"i{at}", golds), said(*[g if rng.random() < 0.8 else 1 - g for g in golds])))
    expected = slow(items)
    for order in (items, items[::-1]):
        outcomes = [criteria_outcome(item, [reading]) for item, reading in order]
        whole, each = criteria_figures(outcomes, {item.id: [reading] for item, reading in order}, CLASSES, "mean")
        for name, figures in expected.items():
            made = whole if name is None else each[name]
            assert {figure: made[figure]["score"] for figure in figures} == pytest.approx(figures)
        assert whole["n"] == 180


def test_intervals_are_clustered_by_item():
    """Ten items whose five verdicts are all right or all wrong tell no more than ten verdicts do."""
    items = [(item_of(f"i{at}", [1.0] * 5), said(*[float(at % 2)] * 5)) for at in range(10)]
    single = [(item_of(f"i{at}", [1.0]), said(float(at % 2))) for at in range(10)]
    widths = []
    for some in (items, single):
        outcomes = [criteria_outcome(item, [reading]) for item, reading in some]
        whole, _ = criteria_figures(outcomes, {item.id: [reading] for item, reading in some}, CLASSES, "mean")
        widths.append(whole["accuracy"]["high"] - whole["accuracy"]["low"])
    assert widths[0] >= 0.95 * widths[1]


def test_the_mean_weighted_score_stands_beside_people_s():
    """4/6 and 1 by the judge; by people 1 for the first, whose labels are all there."""
    first, second = item_of("a", [1.0, 1.0], [4, 2]), item_of("b", [1.0, None], [1, 1])
    outcomes = [criteria_outcome(first, [said(1.0, 0.0)]), criteria_outcome(second, [said(1.0, 1.0)])]
    found = weighted_figures(outcomes, Layout())
    assert (found["score"], found["n"]) == (pytest.approx(5 / 6), 2)
    assert (found["people"], found["people_n"]) == (1.0, 1)


def test_meeting_more_never_lowers_a_weighted_score_and_faults_never_raise_it():
    """Over random weights: a positive criterion that is met, or a negative one that is not, is at least as good."""
    rng = random.Random(5)
    for _ in range(200):
        weights = [rng.choice([-3.0, -1.0, 1.0, 2.0, 5.0]) for _ in range(4)] + [1.0]
        checklist = tuple(Criterion(f"c{at}", "", weight) for at, weight in enumerate(weights))
        met = {each.id: float(rng.random() < 0.5) for each in checklist}
        at = rng.randrange(5)
        better = met | {f"c{at}": float(weights[at] > 0)}
        assert 0 <= weighted_score(met, checklist) <= weighted_score(better, checklist) <= 1


def test_each_criterion_is_a_forecast():
    """By a reply about all: met with .9 and right, met with .6 and wrong; a criterion without a label is none."""
    soft = Soft((("1", 1.0),), 1.0, (("c0", 0.9), ("c1", 0.6)))
    reading = Reading((0,), 0, Verdict(1.0, parts=(("c0", 1.0), ("c1", 1.0), ("c2", 1.0)), soft=soft))
    found = list(forecasts([reading], item_of("a", [1.0, 0.0, None])))
    assert [(each.probability, each.right, each.by_tokens) for each in found] == [(0.9, 1.0, True), (0.6, 0.0, True)]


def test_probabilities_decide_a_criterion_and_rank_the_verdicts():
    """Met with .9 and unmet with .4 of met make .65: met; over both items the positive class ranks first: AUC 1."""
    one = [
        Reading((0,), at, Verdict(share, parts=(("c0", share),), soft=Soft((("1", p), ("0", 1 - p)), 1.0)))
        for at, (share, p) in enumerate([(1.0, 0.9), (0.0, 0.4)])
    ]
    (joined,) = join_criteria(one, "probability")
    assert joined.result.parts == (("c0", 1.0),)
    other = Reading((0,), 0, Verdict(0.0, parts=(("c0", 0.0),), soft=Soft((("1", 0.2), ("0", 0.8)), 1.0)))
    readings = {"a": one, "b": [other]}
    outcomes = [criteria_outcome(item_of(name, [gold]), readings[name]) for name, gold in (("a", 1.0), ("b", 0.0))]
    whole, _ = criteria_figures(outcomes, readings, CLASSES, "mean")
    assert whole["roc_auc"]["score"] == 1.0


def test_an_item_is_as_unsure_as_its_criteria_are_on_average():
    """Samples disagree on one of two criteria: half of 1 - 1/2."""
    readings = [said(1.0, 1.0), said(1.0, 0.0, sample=1)]
    assert unsureness(item_of("a", [1.0, 1.0]), readings, "disagreement") == pytest.approx(0.25)
