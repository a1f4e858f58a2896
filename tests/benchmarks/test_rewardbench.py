"""RewardBench: its rows, and the credit of a pair."""

import json

import pytest
from making import key, outcome, reading

from judgebench.benchmarks.dataset import load_dataset
from judgebench.benchmarks.rewardbench import SECTIONS, RewardBench
from judgebench.errors import ConfigError
from judgebench.items import Completion, Turn
from judgebench.sources.opening import source_of
from judgebench.sources.source import ListSource

RULE = RewardBench()
PAIR = key("7", "donotanswer")
ROW = {
    "prompt": "Why?",
    "chosen": "Because.",
    "chosen_model": "a",
    "rejected": "No.",
    "rejected_model": "b",
    "subset": "donotanswer",
    "id": 30,
}
TALK = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]


def item(**changes):
    return next(RULE.items(ListSource([ROW | changes])))


def mistake(tmp_path, *rows):
    """The message that reading these rows from a file ends in."""
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(ConfigError) as caught:
        list(RULE.items(source_of(str(path))))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_row_of_strings_is_a_pair():
    """The prompt is the user's, the chosen answer comes first, and it is the correct one."""
    of = item()

    assert of.conversation == (Turn("user", "Why?"),)
    assert of.completions == (Completion((Turn("assistant", "Because."),)), Completion((Turn("assistant", "No."),)))
    assert (of.id, of.subset, of.num_correct) == ("30", "donotanswer", 1)


def test_the_other_columns_are_the_items_metadata():
    """All but the texts, the id as text."""
    assert item().metadata == {"chosen_model": "a", "rejected_model": "b", "subset": "donotanswer", "id": "30"}


@pytest.mark.parametrize("prompt", [TALK, json.dumps(TALK), ["a", "b", "c"]])
def test_a_prompt_of_several_turns_is_a_conversation(prompt):
    """Roles and contents, the same as JSON in a cell, or texts that take turns."""
    assert item(prompt=prompt).conversation == (Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c"))


@pytest.mark.parametrize("chosen", [["x", "y", "z"], [{"role": "assistant", "content": "x"}, *TALK[:2]]])
def test_a_completion_of_several_turns_starts_with_the_assistant(chosen):
    """A continuation's turns are the assistant's and the user's in turn."""
    assert [turn.role for turn in item(chosen=chosen).completions[0].turns] == ["assistant", "user", "assistant"]


@pytest.mark.parametrize("text", ["[{", "[{'a': 1}]", '["a", "b"]', '[{"role": "user"}]', "[1, 2]", "{}"])
def test_a_text_that_only_looks_like_turns_is_a_text(text):
    """What a user wrote is not taken apart."""
    assert item(prompt=text).conversation == (Turn("user", text),)


@pytest.mark.parametrize(("identifier", "expected"), [(12, "12"), (12.0, "12"), ("012", "012"), ("a/b", "a/b")])
def test_ids_are_text(identifier, expected):
    """Whole numbers are written without a point, and text stays as it is."""
    assert item(id=identifier).id == expected


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prompt": None}, "column 'prompt' is empty"),
        ({"prompt": 5}, "column 'prompt' is int, expected text or a list of turns"),
        ({"prompt": []}, "column 'prompt' is list, expected text or a list of turns"),
        ({"prompt": [{"role": "user"}]}, "column 'prompt', turn 1: expected text, or role and content as text"),
        (
            {"prompt": [*TALK, {"role": "narrator", "content": "d"}]},
            "column 'prompt', turn 4: role 'narrator', expected",
        ),
        ({"chosen": ["a", 5]}, "column 'chosen', turn 2: expected text"),
        ({"subset": "donotansw"}, "subset 'donotansw' is not one of RewardBench's 23"),
        ({"subset": " "}, "column 'subset' is empty"),
        ({"id": ""}, "column 'id' is empty"),
        ({"id": None}, "column 'id' is empty"),
        ({"id": True}, "column 'id' is bool, expected text"),
    ],
)
def test_a_malformed_row_names_its_file_and_line(tmp_path, changes, said):
    """The second line is at fault, and the message says so and what was expected."""
    message = mistake(tmp_path, ROW, ROW | {"id": 31} | changes)

    assert message.startswith("pairs.jsonl line 2: ")
    assert said in message


def test_a_missing_column_names_those_that_are_there(tmp_path):
    """The mend is seen at once."""
    row = {name: value for name, value in ROW.items() if name != "rejected"}

    assert "has no column 'rejected'; found prompt, chosen, " in mistake(tmp_path, row)


@pytest.mark.parametrize(
    ("order", "said", "credit"),
    [
        ((0, 1), "A", (1, 1, 1, 0)),
        ((1, 0), "A", (0, 0, 0, 0)),
        ((0, 1), "tie", (0.5, 0.5, 0.5, 0)),
        ((1, 0), "!refused", (0.5, 0, 1, 0.5)),
    ],
)
def test_a_judges_choice_by_the_official_rule(order, said, credit):
    """1 for chosen, 0 for rejected, 0.5 for a tie or no verdict, which may be wrong or right."""
    outcome = RULE.judged(PAIR, [reading(order, said)])

    assert (outcome.credit, outcome.low, outcome.high, outcome.substituted) == credit


def test_further_orders_and_samples_are_averaged():
    """Right, wrong, tie and failed are a half."""
    said = [((0, 1), "A"), ((1, 0), "A"), ((0, 1), "tie"), ((1, 0), "!empty")]
    outcome = RULE.judged(PAIR, [reading(order, value, at) for at, (order, value) in enumerate(said)])

    assert (outcome.credit, outcome.low, outcome.high) == (0.5, 0.375, 0.625)


@pytest.mark.parametrize(
    ("ratings", "credit"),
    [
        ((8.0, 3.0), (1, 1, 1)),
        ((3.0, 8.0), (0, 0, 0)),
        ((5.0, 5.0), (0.5, 0.5, 0.5)),
        ((5.0, "!empty"), (0.5, 0, 1)),
        (("!empty", "!empty"), (0.5, 0, 1)),
    ],
)
def test_a_judges_ratings(ratings, credit):
    """The higher one is the choice; equal ones are a tie."""
    outcome = RULE.judged(PAIR, [reading((at,), said) for at, said in enumerate(ratings)])

    assert (outcome.credit, outcome.low, outcome.high) == credit


@pytest.mark.parametrize(("scores", "credit"), [((2.0, 1.0), 1), ((1.0, 2.0), 0), ((1.0, 1.0), 0), ((-1.0, -2.0), 1)])
def test_a_reward_model_must_score_chosen_strictly_higher(scores, credit):
    """Equal is 0."""
    assert RULE.scored(PAIR, scores).credit == credit


@pytest.mark.parametrize("scores", [(None, None), (1.0, None), (None, 1.0)])
def test_a_missing_score_counts_nought(scores):
    """Whichever of the two is missing, there is no credit, and it might have been right."""
    outcome = RULE.scored(PAIR, scores)

    assert (outcome.credit, outcome.low, outcome.high) == (0, 0, 1)


def notes_on(*subsets):
    """The notes for one item of each subset."""
    return list(RULE.notes([outcome(subset, 1.0, subset) for subset in subsets]))


def test_a_section_over_some_of_its_subsets_is_said():
    """Reasoning without its six languages of code: five are named; Chat, wholly missing, is said elsewhere."""
    safety = list(SECTIONS["Safety"])

    (note,) = notes_on("math-prm", *safety)

    lacking = "hep-cpp, hep-go, hep-java, hep-js, hep-python and 1 more"
    assert note == f"6 of 7 subsets of Reasoning have no items: {lacking}; scores are over the rest"
    assert notes_on(*safety) == []


def test_several_sections_share_one_note():
    """One subset of Safety and two of the prior sets are not there."""
    there = [*list(SECTIONS["Safety"])[1:], "shp", "summarize"]

    (note,) = notes_on(*there)

    lacking = "refusals-dangerous, anthropic_helpful, anthropic_hhh"
    assert note == f"3 of 9 subsets of Safety and Prior Sets have no items: {lacking}; scores are over the rest"


def test_a_problem_of_humanevalpack_is_one_group_over_its_languages():
    """By its position in each subset, wherever the others' rows stand; rows of other subsets are in none."""
    subsets = ("hep-go", "hep-go", "donotanswer", "hep-rust", "hep-rust")
    rows = [{"id": str(n), "prompt": "?", "chosen": "a", "rejected": "b", "subset": s} for n, s in enumerate(subsets)]
    groups = [key.group for key in load_dataset(RULE, rows).keys.values()]
    assert groups == ["hep-1", "hep-2", None, "hep-1", "hep-2"]
