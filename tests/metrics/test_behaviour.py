"""Biases and sureness from readings, worked by hand."""

import math

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
    assert (biases["position consistency"].estimate.null, biases["position consistency"].estimate.p) == (None, None)
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


def test_of_four_slots_all_are_tested_together():
    """Always C: the first slot only describes, and the share furthest from a quarter is that of C."""
    readings = {str(at): [reading((0, 1, 2, 3), "C")] for at in range(20)}
    biases = found(readings, {item: key(item, k=4) for item in readings})
    every = biases["position bias (all slots; furthest: C)"]
    assert (every.estimate.estimate, every.estimate.null, every.tested) == (1.0, 0.25, True)
    assert every.estimate.p < 1e-6
    assert not biases["position bias (first slot)"].tested


def test_samples_set_two_orders_beside_one():
    """Three samples in each order, two of three for 0: two samples of one order agree in 1/3, of two orders in 5/9."""
    readings = {
        str(at): [reading((0, 1), said, n) for n, said in enumerate("AAB")]
        + [reading((1, 0), said, n) for n, said in enumerate("BBA")]
        for at in range(10)
    }
    effect = found(readings, {item: key(item) for item in readings})["agreement: two orders minus one order"]
    assert (effect.estimate.estimate, effect.tested) == (pytest.approx(5 / 9 - 1 / 3), False)


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
    """The preference for its own family over pairs of two subsets: whether it wrote the right one, and was right."""
    readings = {str(at): [reading((0, 1), "A" if right else "B")] for at, (_, right) in enumerate(rows)}
    own = {str(at): [mine, not mine] for at, (mine, _) in enumerate(rows)}
    keys = {item: key(item, "st"[int(item) % 2]) for item in readings}
    return {each.name: each for each in behaviours(readings, keys, own)}["self-preference (log-odds)"].estimate


def test_a_family_that_is_often_right_is_no_preference():
    """Right on 80% of its own 50 pairs and on 80% of 20 others."""
    found = of_family([(True, at % 10 > 1) for at in range(50)] + [(False, at % 10 > 1) for at in range(20)])

    assert found.estimate == pytest.approx(0, abs=0.05)
    assert found.p > 0.8


def test_preference_beyond_the_labels():
    """Right on 3 of 4 pairs where its family was right and on 1 of 4 where it was wrong: log 3 of odds."""
    rows = [(mine, (at % 4 > 0) == mine) for at in range(200) for mine in (True, True, False, False)]
    found = of_family(rows)

    assert (found.estimate, found.null, found.n) == (pytest.approx(math.log(3), abs=0.01), 0, 800)
    assert found.p < 0.001


def test_no_family_no_preference():
    """Where models are not known, where all are its own, and where none is."""
    readings = {"7": [reading((0, 1), "A")]}
    for own in (None, {}, {"7": [True, True]}, {"7": [False, False]}):
        assert not any("self-preference" in each.name for each in behaviours(readings, {"7": key()}, own))


def test_only_distinct_biases_are_tested():
    """Consistency and accuracy by position describe what the share of the first says already."""
    readings = {str(at): [reading((0, 1), "A"), reading((1, 0), "A")] for at in range(20)}
    keys = {i: key(i, "st"[int(i) % 2], lengths=(10, 20)) for i in readings}
    tested = [each.name for each in behaviours(readings, keys) if each.tested]

    assert tested == ["position bias (first slot)", "length bias (log-odds)"]


def test_an_association_is_not_tested():
    """Of one subset what goes with length is no bias: it has no q, and is never bold."""
    readings = {str(at): [reading((0, 1), "A")] for at in range(30)}
    (length,) = [
        each for each in behaviours(readings, {i: key(i, lengths=(10, 20)) for i in readings}) if "length" in each.name
    ]

    assert (length.name, length.tested) == ("length association (log-odds)", False)
