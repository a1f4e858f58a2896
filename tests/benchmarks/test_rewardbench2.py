"""RewardBench 2: its rows, and the credit of best of four by choice, ratings and scores."""

import json

import pytest
from hypothesis import given, strategies as st
from making import key, outcome, reading

from judgebench.benchmarks.rewardbench2 import RewardBench2
from judgebench.errors import ConfigError
from judgebench.sources.source import Row

RULE = RewardBench2()
FOUR = key("7", "Math", 4)
ROW = {
    "id": "7",
    "prompt": "Why?",
    "chosen": ["good"],
    "rejected": ["bad", "worse", "worst"],
    "num_correct": 1,
    "num_incorrect": 3,
    "total_completions": 4,
    "models": ["a", "b", "c", "d"],
    "subset": "Math",
    "additional_metadata": None,
}


def item(**changes):
    return RULE.item(Row("rows.csv line 2", ROW | changes))


def credit(outcome):
    return outcome.credit, outcome.low, outcome.high


def rated(ratings, key_=FOUR):
    return RULE.judged(key_, [reading((at,), said) for at, said in enumerate(ratings)])


def test_the_chosen_answers_come_first():
    """All completions in order, the first of them correct."""
    of = item()

    assert [completion.text for completion in of.completions] == ["good", "bad", "worse", "worst"]
    assert of.num_correct == 1


@pytest.mark.parametrize("cell", ['["bad", "it\'s"]', "['bad', \"it's\"]"])
def test_a_cell_of_text_may_hold_a_list(cell):
    """JSON, or a list as Python and pandas print it."""
    assert [completion.text for completion in item(rejected=cell).completions[1:]] == ["bad", "it's"]


def test_cells_of_text_give_the_same_item():
    """A row of a CSV file, all its cells text, has the same texts, id and labels."""
    cells = {name: value if isinstance(value, str) else json.dumps(value) for name, value in ROW.items()}
    of, plain = RULE.item(Row("x", cells)), item()

    assert (of.id, of.conversation, of.completions, of.key) == (
        plain.id,
        plain.conversation,
        plain.completions,
        plain.key,
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"subset": "Maths"}, "subset 'Maths' is not one of Factuality, Precise IF, Math"),
        ({"chosen": "good"}, "column 'chosen' is not a list with at least one entry"),
        ({"chosen": []}, "column 'chosen' is not a list with at least one entry"),
        ({"rejected": None}, "column 'rejected' is empty"),
        ({"num_correct": 2}, "num_correct is 2, but chosen has 1 entries"),
        ({"subset": "Ties"}, "id '7' in Ties, expected ref:N or tied:N"),
        ({"subset": "Ties", "id": "ref:x"}, "expected ref:N or tied:N"),
        ({"subset": "Ties", "id": "ref:01"}, "expected ref:N or tied:N"),
        ({"chosen": [5]}, "column 'chosen' is int, expected text"),
    ],
)
def test_a_malformed_row_names_its_place(changes, said):
    """File, line and what was expected."""
    with pytest.raises(ConfigError) as caught:
        item(**changes)

    assert str(caught.value).startswith("rows.csv line 2: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("order", "said", "expected"),
    [
        ((0, 1, 2, 3), "A", (1, 1, 1)),
        ((3, 2, 1, 0), "D", (1, 1, 1)),
        ((3, 2, 1, 0), "A", (0, 0, 0)),
        ((0, 1, 2, 3), "!unreadable", (0.25, 0, 1)),
    ],
)
def test_a_four_way_choice(order, said, expected):
    """1 for the correct one, 0 for another, a quarter with no verdict."""
    assert credit(RULE.judged(FOUR, [reading(order, said)])) == expected


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        ((9.0, 5.0, 5.0, 5.0), (1, 1, 1)),
        ((9.0, 9.0, 5.0, 5.0), (1 / 2, 1 / 2, 1 / 2)),
        ((9.0, 9.0, 9.0, 5.0), (1 / 3, 1 / 3, 1 / 3)),
        ((9.0, 9.0, 9.0, 9.0), (1 / 4, 1 / 4, 1 / 4)),
        ((5.0, 9.0, 9.0, 5.0), (0, 0, 0)),
        (("!empty", 1.0, 1.0, 1.0), (0, 0, 1)),
        ((1.0, "!empty", 1.0, "!empty"), (1 / 2, 0, 1 / 2)),
        ((1.0, "!empty", "!empty", "!empty"), (1, 0, 1)),
        (("!empty", "!empty", "!empty", "!empty"), (1 / 4, 0, 1)),
    ],
)
def test_ratings_share_the_credit_at_the_top(ratings, expected):
    """1/m with m at the top; an unreadable one stands below all, and with none readable it is a quarter."""
    assert credit(rated(ratings)) == pytest.approx(expected)


@given(st.lists(st.sampled_from([1.0, 2.0, 3.0, "!empty"]), min_size=4, max_size=4), st.permutations([1, 2, 3]))
def test_the_order_of_incorrect_completions_never_matters(ratings, places):
    """The credit and its bounds are the same."""
    assert credit(rated(ratings)) == credit(rated([ratings[0], *(ratings[at] for at in places)]))


@given(st.lists(st.sampled_from([1.0, 2.0, 3.0, "!empty"]), min_size=4, max_size=4))
def test_a_higher_rating_of_the_correct_one_never_lowers_the_credit(ratings):
    """The top of the scale is at least as good as what was said."""
    assert rated([3.0, *ratings[1:]]).credit >= rated(ratings).credit


@pytest.mark.parametrize(
    ("scores", "expected"), [((0.2, 0.1, 0.0, -5.0), 1), ((1.0, 1.0, 0.0, 0.0), 0.5), ((0.0, 1.0, 0.0, 0.0), 0)]
)
def test_scores_follow_the_rule_of_ratings(scores, expected):
    """A reward model's scores share the credit at the top too."""
    assert RULE.scored(FOUR, scores).credit == expected


@pytest.mark.parametrize("scores", [(None, None, None, None), (1.0, None, 0.0, 0.0), (None, 1.0, 0.0, 0.0)])
def test_a_missing_score_counts_nought(scores):
    """No credit where a score is not there."""
    assert RULE.scored(FOUR, scores).credit == 0


def test_ties_are_judged_by_ratings():
    """Whatever the template's mode, and no other domain is."""
    assert [RULE.by_ties(key("x", subset)) for subset in RULE.layout.sections] == [False] * 5 + [True]


def test_both_prompts_of_a_pair_are_one_unit():
    """They are kept together where a limit takes some items only."""
    assert RULE.unit(key("ref:3", "Ties")) == RULE.unit(key("tied:3", "Ties")) != RULE.unit(key("ref:4", "Ties"))


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (["ref:1", "tied:1"], []),
        (["ref:1", "tied:1", "ref:2"], ["1 of 3 prompts of Ties have no partner: ref:2; parts of the rule that "]),
        (["ref:1", "tied:2"], ["2 of 2 prompts of Ties have no partner: ref:1, tied:2; parts of the rule without "]),
        (["tied:1"], ["1 of 1 prompts of Ties have no partner: tied:1; parts of the rule without data, 0.71 of 1.01 "]),
    ],
)
def test_prompts_of_ties_without_a_partner_are_said(ids, said):
    """How many there are, which, and what becomes of the parts that need both."""
    notes = list(RULE.notes([outcome("Ties", 1.0, each) for each in ids]))

    assert [note[: len(start)] for note, start in zip(notes, said, strict=True)] == said


@pytest.mark.parametrize(("ids", "weight"), [(["ref:1", "tied:2"], "0.41"), (["ref:1", "ref:2"], "0.71")])
def test_the_weight_that_counts_nothing_in_ties(ids, weight):
    """0.20 + 0.20 + 0.01 need both prompts, and 0.30 the kind that is not there."""
    (note,) = RULE.notes([outcome("Ties", 1.0, each) for each in ids])

    assert f"{weight} of 1.01 in weight, count 0" in note
