"""A judge beside several people: worked figures."""

from __future__ import annotations

import pytest
from making import key, reading

from judgebench.items import Failure, Outcome, Reading
from judgebench.metrics.annotators import annotator_figures, verdict_of


def figures(people, judge, **more):
    """Items i0, i1, ... by what each annotator says, beside the judge's verdicts; None is a failure."""
    outcomes, readings = [], {}
    for at, (labels, said) in enumerate(zip(people, judge, strict=True)):
        item = key(f"i{at}", k=1, num_correct=0, annotations=tuple(labels.items()), **more)
        outcomes.append(Outcome(item, None, None, None))
        readings[item.id] = [Reading((0,), 0, Failure("unreadable")) if said is None else reading((0,), said)]
    return annotator_figures(outcomes, readings, "mean")


FOUR = [
    {"ann": "pass", "bob": "pass", "cat": "pass"},
    {"ann": "pass", "bob": "pass", "cat": "fail"},
    {"ann": "fail", "bob": "fail", "cat": "fail"},
    {"ann": "fail", "bob": "pass", "cat": "fail"},
]


def test_leaving_one_out_is_worked_by_hand():
    """Each person against the majority of the others, and the judge against the same.

    Item 1: all three agree, and so does the judge: 1 and 1. Item 2: without ann, and without bob, the others are
    divided, so that pass is half right; without cat they say pass: people (1/2 + 1/2 + 0)/3, the judge (pass) (1/2 +
    1/2 + 1)/3. Item 3: people 1, the judge (no verdict) 0. Item 4: people (1/2 + 0 + 1/2)/3, the judge (pass) the same.
    Shares who say the same: people 1, 1/3, 1, 1/3; the judge 1, 2/3, 0, 1/3.
    """
    found = figures(FOUR, ["pass", "pass", None, "pass"])
    assert (found["people"], found["items"], found["labels"], found["values"]) == (3, 4, 12, "labels")
    assert found["leave_one_out"]["people"]["score"] == pytest.approx((1 + 1 / 3 + 1 + 1 / 3) / 4)
    assert found["leave_one_out"]["judge"]["score"] == pytest.approx((1 + 2 / 3 + 0 + 1 / 3) / 4)
    assert found["soft"]["people"]["score"] == pytest.approx(2 / 3)
    assert found["soft"]["judge"]["score"] == 0.5


def test_agreement_of_people_is_worked_by_hand():
    """Kappa of each two people, and Krippendorff's alpha of all, by hand.

    ann and bob: 3 of 4 alike, chance (2 * 3 + 2 * 1) / 16 = 1/2, kappa 1/2; ann and cat: 3 of 4, chance (2 * 1 + 2 *
    3) / 16 = 1/2, kappa 1/2; bob and cat: 2 of 4, chance (3 * 1 + 1 * 3) / 16 = 3/8, kappa 1/5.

    Alpha: 6 of 12 labels are pass. Of the 24 ordered pairs within items 8 differ, each weighs 1/2: observed 4 / 12;
    expected 2 * 6 * 6 / (12 * 11) = 6/11; alpha 1 - 11/18.
    """
    found = figures(FOUR, ["pass", "pass", None, "pass"])
    assert [(each["first"], each["second"], each["score"]) for each in found["kappa"]] == [
        ("ann", "bob", pytest.approx(0.5)),
        ("ann", "cat", pytest.approx(0.5)),
        ("bob", "cat", pytest.approx(0.2)),
    ]
    assert found["alpha"]["score"] == pytest.approx(1 - 11 / 18)
    assert (found["alpha"]["level"], found["alternative_annotator"]["winning_rate"]) == ("nominal", None)


def test_the_letters_of_a_pair_are_those_of_its_row():
    """Chance agreement is of the row's own letters: an item's correct answer comes first whichever it was.

    Both people say A, B, A, B; in the items these are all A. Their kappa is 1, and not without a value.
    """
    outcomes, readings = [], {}
    for at in range(4):
        slots = "BA" if at % 2 else "AB"
        item = key(f"i{at}", annotations=(("ann", "A"), ("bob", "A")), slots=slots)
        outcomes.append(Outcome(item, 1.0, 1.0, 1.0))
        readings[item.id] = [reading((1, 0), "B")]
    found = annotator_figures(outcomes, readings, "mean")
    assert [each["score"] for each in found["kappa"]] == [1.0]
    assert [each["score"] for each in found["judge_kappa"]] == [1.0, 1.0]


def test_grades_are_correlated_with_the_others_mean():
    """Two people: each one's grades beside the other's. They are 1, 2, 3 and 1, 3, 2: pooled r is 1/2.

    The judge says 2 g - 1 of the first's g, within 1 to 5 but beyond 1 to 3: no distance to people is known.
    """
    people = [{"ann": a, "bob": b} for a, b in ((1.0, 1.0), (2.0, 3.0), (3.0, 2.0))]
    found = figures(people, [1.0, 3.0, 5.0])
    assert found["values"] == "grades"
    assert found["leave_one_out"]["people"]["score"] == pytest.approx(0.5)
    assert (found["alpha"]["level"], found["kappa"], found["soft"]) == ("ordinal", None, None)
    assert found["alternative_annotator"] is None
    assert figures(people, [1.0, 3.0, 2.0])["alternative_annotator"] is not None


def test_items_of_one_annotator_have_no_figures():
    """With labels of one person only there is nothing to compare."""
    assert figures([{"ann": "pass"}], ["pass"]) is None


def test_samples_have_one_verdict():
    """Of several readings the majority counts, a draw of a pair is a tie, and of ratings the mean."""
    pair, single = (Outcome(item, None, None, None) for item in (key("a"), key("b", k=1, num_correct=0)))
    assert verdict_of(pair, [reading((0, 1), "A"), reading((1, 0), "B"), reading((0, 1), "B", 1)], "mean") == "A"
    assert verdict_of(pair, [reading((0, 1), "A"), reading((0, 1), "B", 1)], "mean") == "tie"
    assert verdict_of(single, [reading((0,), 3.0), reading((0,), 4.0, 1)], "mean") == 3.5
