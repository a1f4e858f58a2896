"""Labels as people write them."""

import pytest
from hypothesis import given, strategies as st

from judgebench.sources.labels import TIE, UNLABELLED, coded, numbering, read_label

FIRST = (
    *(
        "A",
        "a",
        "[[A]]",
        "(a)",
        "'A'",
        "A.",
        "Response A",
        "response_a",
        "response-a",
        "responseA",
        "Answer A",
        "answer_a",
    ),
    *(
        "Output (a)",
        "model_a",
        "Model A",
        "Assistant A",
        "assistant_a",
        "completion_a",
        "candidate A",
        "option a",
        "version A",
    ),
    *("first", "First", "the first", "first answer", "the first response", "left", "Left", "left answer", "one"),
    *(
        "A is better",
        "A wins",
        "Response A is much better",
        "a_is_better",
        "model_a won",
        "A preferred",
    ),
    *(
        "prefer A",
        "I strongly prefer response A",
        "Response A is better than Response B",
    ),
    *("A>B", "A > B", "A>>B", "[[A>>B]]", "[[A>B]]", "B<A", "B<<A", "model_a > model_b", "first > second"),
)
TIED = (
    *(
        "tie",
        "Tie",
        "TIE",
        "tied",
        "draw",
        "equal",
        "same",
        "both",
        "neither",
        "even",
        "tie (bothbad)",
        "Tie (both good)",
    ),
    *(
        "both good",
        "both_bad",
        "bothbad",
        "both-good",
        "no preference",
        "about the same",
        "equally good",
        "A=B",
        "[[A=B]]",
    ),
    *("A==B", "B = A", "[[C]]", "tie (inconsistent)", "bad", "[tie]"),
)
NONE = (None, "", " ", "nan", "NaN", "None", "null", "N/A", "-", float("nan"))
UNKNOWN = (
    "Ax",
    "gpt-4",
    "maybe",
    "answer",
    "response",
    "C",
    "model_c",
    "A>C",
    "A or B",
    "A and B",
    "0.5",
    1.5,
    "A B",
    "better",
    [1],
    "because A",
)


@pytest.mark.parametrize(
    ("values", "label"),
    [(FIRST, "A"), (TIED, TIE), (NONE, UNLABELLED), (UNKNOWN, None)],
    ids=["A", "tie", "none", "unknown"],
)
def test_words_for_labels(values, label):
    """Slots, comparisons and ties go by many words; what is none of them is never guessed."""
    assert {str(value): read_label(value) for value in values} == dict.fromkeys(map(str, values), label)


def test_words_for_the_second_answer():
    """They are those for the first one, with the other slot."""
    words = ("B", "response_b", "Output (b)", "second", "Right", "two", "B is better", "B>A", "A<B", "[[B>>A]]")
    assert [read_label(word) for word in words] == ["B"] * len(words)


@given(
    st.sampled_from([*FIRST, *TIED]), st.sampled_from([str.upper, str.lower, str.title]), st.text(" \t\n", max_size=3)
)
def test_case_and_space_do_not_count(word, case, space):
    """A label means the same in any case, with space around it."""
    assert read_label(f"{space}{case(word)}{space}") == read_label(word)


def test_a_slot_of_more_answers():
    """Letters up to the last answer, and no ties."""
    assert [read_label(text, 4) for text in ("D", "response_c", "third", "tie", "E", "A>B")] == [
        "D",
        "C",
        "C",
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("codes", "slots", "meaning"),
    [
        ({1, 2}, 2, {0: TIE, 1: "A", 2: "B"}),
        ({0, 1, 2}, 2, {0: TIE, 1: "A", 2: "B"}),
        ({0, 1}, 2, None),
        ({1}, 2, None),
        ({2}, 2, None),
        ({0, 2}, 2, None),
        ({1, 2, 3}, 2, None),
        ({-1, 0, 1}, 2, None),
        ({1, 4}, 4, {1: "A", 2: "B", 3: "C", 4: "D"}),
        ({1, 2, 3}, 4, None),
        ({0, 3}, 4, None),
        ({0, 4}, 4, None),
    ],
)
def test_numbers_count_the_answers_where_they_can_only_do_that(codes, slots, meaning):
    """1 and 2 of a pair, 1 to k of k; anything that could be counted from 0, or mean something else, is not read."""
    assert numbering(codes, slots) == meaning


def test_codes_are_compared_as_they_are_written():
    """Whether a file has 2, 2.0 or "2", and in any case; a sign counts."""
    assert [
        coded(value, {"2": "B", "-1": "A", "Won": "A"}) for value in (2, 2.0, "2", "2.0", " 2 ", -1, "-1", "won", 1)
    ] == (["B"] * 5 + ["A"] * 3 + [None])
