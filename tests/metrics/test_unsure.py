"""How unsure a judge is of an item, by hand."""

from __future__ import annotations

import pytest
from making import key, reading

from judgebench.metrics.sureness import unsureness

PAIR = key()
AB, BA = (0, 1), (1, 0)


@pytest.mark.parametrize(
    ("said", "disagreement", "margin", "confidence"),
    [
        ([(AB, "A"), (BA, "B")], 0, 0, 0),
        ([(AB, "A"), (BA, "A")], 0.5, 1, 0.5),
        ([(AB, "tie"), (BA, "tie")], 0, 1, 0.5),
        ([(AB, "A"), (BA, "tie")], 0.5, 0.5, 0.25),
        ([(AB, "A"), (BA, "!empty")], 0.5, 0.5, 0.25),
        ([(AB, "!empty"), (BA, "!empty")], 1, 1, 0.5),
        ([], 1, 1, 1),
    ],
)
def test_pairs_by_hand(said, disagreement, margin, confidence):
    """Orders that agree, that do not, ties, failures, and nothing at all."""
    readings = [reading(order, value) for order, value in said]
    found = [unsureness(PAIR, readings, by) for by in ("disagreement", "margin", "confidence")]
    assert found == pytest.approx([disagreement, margin, confidence])


def test_the_margin_of_ratings_is_a_part_of_the_scale():
    """Means 8 and 5 on 1 to 10: 1 - 3 / 9; with a rating missing, 1."""
    readings = [reading((0,), 9), reading((0,), 7, 1), reading((1,), 5), reading((1,), 5, 1)]
    assert unsureness(PAIR, readings, "margin", (1, 10)) == pytest.approx(2 / 3)
    assert unsureness(PAIR, [readings[0], reading((1,), "!empty")], "margin", (1, 10)) == 1


def test_samples_of_ratings_agree_by_their_top():
    """Tops 0, 0, tie: a third differs."""
    ratings = [(9, 2), (8, 7), (5, 5)]
    readings = [reading((at,), value, n) for n, row in enumerate(ratings) for at, value in enumerate(row)]
    assert unsureness(PAIR, readings, "disagreement") == pytest.approx(1 / 3)


def test_several_questions_are_averaged():
    """Of two questions one is sure and one in two minds: a quarter."""
    said = [((0, 1), "A"), ((1, 0), "B"), ((0, 2), "A"), ((2, 0), "A")]
    assert unsureness(key(k=3), [reading(order, value) for order, value in said], "disagreement") == 0.25
