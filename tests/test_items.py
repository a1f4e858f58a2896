"""Items, readings and outcomes."""

import json

import pytest
from hypothesis import given, strategies as st
from making import item, key, reading

from judgebench.items import (
    ASKED_AGAIN,
    FAILURE_KINDS,
    Completion,
    Item,
    Outcome,
    Reading,
    Turn,
    Verdict,
    item_from_json,
    item_to_json,
)

TURNS = st.lists(st.builds(Turn, st.sampled_from(["user", "assistant"]), st.text()), min_size=1).map(tuple)
ITEMS = st.builds(
    Item,
    id=st.text(),
    subset=st.text(),
    conversation=TURNS,
    completions=st.lists(st.builds(Completion, TURNS), min_size=1).map(tuple),
    num_correct=st.integers(0, 3),
    reference=st.none() | st.text(),
    rubric=st.none() | st.text(),
    label=st.none() | st.just("tie"),
    human_score=st.none() | st.floats(1, 5),
    criteria=st.none() | st.text(),
    metadata=st.dictionaries(st.text(), st.none() | st.text() | st.integers()),
)


@given(ITEMS)
def test_an_item_goes_through_json(of):
    """What is written to items.jsonl.gz reads back as the same item."""
    assert item_from_json(json.loads(json.dumps(item_to_json(of)))) == of


def test_failure_kinds_are_the_contracts():
    """The kinds are those that scripts rely on."""
    assert set(FAILURE_KINDS) == {
        *("unreadable", "ambiguous", "refused", "truncated", "empty", "context", "filtered", "provider"),
        *("not_cached", "not_asked", "missing"),
    }


def test_only_failures_without_a_reply_are_asked_again():
    """A reply that was paid for is not asked for again."""
    assert {"provider", "not_cached", "not_asked"} == ASKED_AGAIN


def test_a_key_has_no_texts_but_their_lengths():
    """Lengths are those of all turns of a completion."""
    long = Completion((Turn("assistant", "abc"), Turn("user", "d"), Turn("assistant", "ef")))
    of = Item("7", "s", (Turn("user", "x"),), (Completion((Turn("assistant", "ab"),)), long), 1, criteria="c")

    assert of.key == key(lengths=(2, 6), criteria="c")


@pytest.mark.parametrize(
    ("order", "value", "choice"), [((0, 1), "A", 0), ((1, 0), "A", 1), ((2, 0, 3, 1), "C", 3), ((0, 1), "tie", None)]
)
def test_a_choice_is_the_completion_in_the_slot(order, value, choice):
    """A letter is read through the order shown; a tie is no choice."""
    assert reading(order, value).choice == choice


def test_a_failure_is_neither_choice_nor_rating():
    """A failed reading has no value at all."""
    failed = reading((0, 1), "!refused")

    assert (failed.choice, failed.rating, failed.failed) == (None, None, True)


@pytest.mark.parametrize("value", [7, 7.0])
def test_a_rating_is_a_number(value):
    """A whole number is a rating like any other."""
    assert Reading((0,), 0, Verdict(value)).rating == 7.0


def test_a_letter_is_no_rating():
    """A choice has no rating."""
    assert reading((0, 1), "A").rating is None


@pytest.mark.parametrize(
    ("low", "high", "substituted", "failed"), [(1, 1, 0, False), (0, 1, 0, True), (0, 0, 0, False), (1, 1, 0.5, True)]
)
def test_an_outcome_knows_whether_a_failure_had_a_say(low, high, substituted, failed):
    """Bounds that differ, or a part that stands in, come from a failure."""
    assert Outcome(key(), 1, low, high, substituted).failed is failed


@pytest.mark.parametrize(
    ("more", "labelled"),
    [({"num_correct": 1}, True), ({"num_correct": 0}, False), ({"num_correct": 0, "label": "tie"}, True)],
)
def test_an_item_is_labelled_by_a_correct_completion_or_a_label(more, labelled):
    """Without either there are verdicts, but no credit."""
    assert item(**more).key.labelled is labelled
