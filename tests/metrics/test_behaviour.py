"""Biases and sureness from readings, worked by hand."""

import pytest
from making import key, reading

from judgebench.items import Outcome
from judgebench.metrics.behaviour import behaviours, sureness


def found(readings, keys):
    return {each.name: each for each in behaviours(readings, keys)}


def test_a_judge_that_takes_the_first():
    """Both orders, always A: first share 1, never consistent, right when shown as A and wrong when shown as B."""
    readings = {str(at): [reading((0, 1), "A"), reading((1, 0), "A")] for at in range(10)}
    biases = found(readings, {item: key(item) for item in readings})
    assert biases["position bias (first slot)"].estimate.estimate == 1.0
    assert biases["position consistency"].estimate.estimate == 0.0
    assert biases["position consistency"].estimate.null == 0.5
    assert biases["accuracy: correct answer in slot A minus other slots"].estimate.estimate == 1.0


def test_one_order_has_no_consistency():
    """Without a second order there is nothing to be consistent with, and equal lengths show no preference."""
    readings = {str(at): [reading((0, 1) if at % 2 else (1, 0), "A")] for at in range(10)}
    names = set(found(readings, {item: key(item) for item in readings}))
    assert names == {"position bias (first slot)", "accuracy: correct answer in slot A minus other slots"}


def test_four_slots_are_each_set_against_the_others():
    """Right only where the correct one is shown as C: +1 there, and -1/3 for each other slot."""
    orders = [(0, 1, 2, 3), (1, 0, 2, 3), (1, 2, 0, 3), (1, 2, 3, 0)]
    readings = {str(at): [reading(order, "C") for order in orders] for at in range(5)}
    biases = found(readings, {item: key(item, k=4) for item in readings})
    by_slot = [biases[f"accuracy: correct answer in slot {s} minus other slots"].estimate.estimate for s in "ABCD"]
    assert by_slot == pytest.approx([-1 / 3, -1 / 3, 1.0, -1 / 3])


def test_ratings_show_no_bias_of_position():
    """A rating has no position and no choice."""
    assert behaviours({"7": [reading((0,), 5.0), reading((1,), 3.0)]}, {"7": key()}) == []


def rated(*scores, credit):
    return Outcome(key(), credit, credit, credit, scores=(scores,))


def test_the_surest_items_come_first():
    """Margins 8, 4, 2, 1, the first two right: 100% of the surest half, 50% of all."""
    outcomes = [rated(9, 1, credit=1), rated(6, 2, credit=1), rated(3, 5, credit=0), rated(4, 5, credit=0)]
    result = sureness(outcomes)
    assert dict(result.accuracy) == pytest.approx({0.25: 1.0, 0.5: 1.0, 0.75: 2 / 3, 1.0: 0.5})
    assert result.area == result.optimum == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)
    assert result.random == 0.5


def test_sureness_needs_every_score():
    """An item with a missing score, or with several correct completions, is left out."""
    several = Outcome(key(num_correct=2, k=3), 1.0, 1.0, 1.0, scores=((3.0, 3.0, 1.0),))
    assert sureness([rated(9, None, credit=1), several]) is None


def of_family(rows):
    """The preference for its own family over pairs: whether it wrote the right one, and whether that was chosen."""
    readings = {str(at): [reading((0, 1), "A" if right else "B")] for at, (_, right) in enumerate(rows)}
    own = {str(at): [mine, not mine] for at, (mine, _) in enumerate(rows)}
    biases = {each.name: each for each in behaviours(readings, {item: key(item) for item in readings}, own)}
    return biases["self-preference"].estimate


def test_a_family_that_is_often_right_is_no_preference():
    """Right on 80% of its own 50 pairs and on 80% of 10 others: 42 of 60 for its own, as 0.8 of 50 and 0.2 of 10."""
    found = of_family([(True, at % 5 > 0) for at in range(50)] + [(False, at % 5 > 0) for at in range(10)])

    assert (found.estimate, found.null, found.p) == (pytest.approx(42 / 60), pytest.approx(42 / 60), pytest.approx(1))


def test_preference_beyond_the_labels():
    """Always its own, which is right in half of 40 pairs: a share of 1 where its accuracy of 0.5 makes 0.5."""
    found = of_family([(True, True), (False, False)] * 20)

    assert (found.estimate, found.null, found.n) == (1.0, 0.5, 40)
    assert found.p < 0.001


def test_family_among_four():
    """Two of four by the family, the right one too, and half right: 0.5 + 0.5 of a third are expected, 3/4 found."""
    chosen = "AABC"  # own, own, own and wrong, and a stranger's
    readings = {str(at): [reading((0, 1, 2, 3), letter)] for at, letter in enumerate(chosen)}
    own = {item: [True, True, False, False] for item in readings}
    (found,) = [
        each.estimate
        for each in behaviours(readings, {i: key(i, k=4) for i in readings}, own)
        if "self-preference" in each.name
    ]

    assert (found.estimate, found.null) == (pytest.approx(0.75), pytest.approx(0.5 + 0.5 / 3))


def test_no_family_no_preference():
    """Where models are not known, where all are its own, and where none is."""
    readings = {"7": [reading((0, 1), "A")]}
    for own in (None, {}, {"7": [True, True]}, {"7": [False, False]}):
        assert not any("self-preference" in each.name for each in behaviours(readings, {"7": key()}, own))


def test_only_distinct_biases_are_tested():
    """Consistency and accuracy by position describe what the share of the first says already."""
    readings = {str(at): [reading((0, 1), "A"), reading((1, 0), "A")] for at in range(10)}
    tested = [
        each.name for each in behaviours(readings, {i: key(i, lengths=(10, 20)) for i in readings}) if each.tested
    ]

    assert tested == ["position bias (first slot)", "length bias (log-odds)"]
