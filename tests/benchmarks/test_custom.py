"""Rows of one's own: every form they come in, every label, the rule, and what unlabelled rows give."""

import csv
import json
from dataclasses import replace
from hashlib import sha256
from statistics import fmean

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import judgebench
from hypothesis import given, strategies as st
from scoring import bounds, chose, failed, items_of, mistake_in, pair_key, rated, run_offline, write_rows

import judgebench as jb
from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import Selection, _measured, _said, _texts, load_dataset
from judgebench.errors import ConfigError, DataError
from judgebench.items import ItemKey, Turn
from judgebench.metrics.accuracy import official_scores, point_score
from judgebench.sources.mapped import RowMap
from judgebench.sources.opening import source_of

NAME = "custom"
BENCHMARK = get_benchmark(NAME)
LONG, SHORT = "a long answer", "short"


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def item(**row):
    """The only item of one row."""
    return items_of(NAME, [row])[0]


def texts(found):
    return [completion.text for completion in found.completions]


def asked(found):
    """The prompt's turns as role and content."""
    return [(turn.role, turn.content) for turn in found.conversation]


def write_csv(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


# --- forms


def test_a_pair_of_strings():
    """Chosen stands before rejected, and the row has one correct completion, its number as id and the subset all."""
    found = item(prompt="p", chosen="c", rejected="r", source="web")
    assert (asked(found), texts(found), found.num_correct) == ([("user", "p")], ["c", "r"], 1)
    assert (found.id, found.subset, found.metadata) == ("1", "all", {"source": "web"})


def test_optional_columns_are_taken():
    """id, subset, reference and rubric become the item's, and empty ones are as good as none."""
    found = item(prompt="p", chosen="c", rejected="r", id=7, subset="s", reference="ref", rubric="rub")
    assert (found.id, found.subset, found.reference, found.rubric) == ("7", "s", "ref", "rub")
    empty = item(prompt="p", chosen="c", rejected="r", id="", subset=" ", reference="", rubric=None)
    assert (empty.id, empty.subset, empty.reference, empty.rubric) == ("1", "all", None, None)


def test_labels_are_not_shown_to_a_template():
    """What would give the answer away is no part of what a template sees as the item."""
    assert item(prompt="p", response_a="x", response_b="y", label="A", note="n").metadata == {"note": "n"}
    assert item(prompt="p", response="x", human_score=3, note="n").metadata == {"note": "n"}


def test_lists_make_best_of_k():
    """With several chosen or rejected entries all of them are completions, the chosen ones first."""
    found = item(prompt="p", chosen=["c1", "c2"], rejected=["r1", "r2", "r3"])
    assert (texts(found), found.num_correct) == (["c1", "c2", "r1", "r2", "r3"], 2)
    assert texts(item(prompt="p", chosen=["c"], rejected=["r"])) == ["c", "r"]


def test_the_rows_of_rewardbench_2_are_taken():
    """Lists with `num_correct` beside them, as a number or as CSV writes it, where it is the length of `chosen`."""
    row = {"prompt": "p", "chosen": ["c1", "c2"], "rejected": ["r"], "num_incorrect": 1, "total_completions": 3}
    for number in (2, 2.0, "2", "", None):
        found = item(**row, num_correct=number)
        assert (texts(found), found.num_correct) == (["c1", "c2", "r"], 2)
        assert found.metadata == {"num_incorrect": 1, "total_completions": 3}


@pytest.mark.parametrize("prompt", ["q", [user("q")], None])
def test_conversations_that_repeat_the_prompt_are_parted(prompt):
    """The prompt's turns are taken off the completions, whether the prompt has a column or not."""
    row = {"chosen": [user("q"), assistant("c")], "rejected": [user("q"), assistant("r")]}
    found = items_of(NAME, [row if prompt is None else {"prompt": prompt, **row}])[0]
    assert (asked(found), texts(found)) == ([("user", "q")], ["c", "r"])


def test_all_turns_in_common_are_the_prompt():
    """Of conversations without a prompt, every turn that both share is the prompt, up to the answers."""
    before = [user("q"), assistant("a"), user("q2")]
    found = item(chosen=[*before, assistant("c")], rejected=[*before, assistant("r")])
    assert (asked(found), texts(found)) == (
        [("user", "q"), ("assistant", "a"), ("user", "q2")],
        ["c", "r"],
    )


def test_a_turn_that_only_one_side_has_belongs_to_its_completion():
    """Where conversations part early, or repeat each other, the rest of each from an answer on is its completion."""
    found = item(
        chosen=[user("q"), assistant("a"), user("x"), assistant("c")],
        rejected=[user("q"), assistant("a"), user("y"), assistant("r")],
    )
    assert asked(found) == [("user", "q")]
    assert found.completions[0].turns == (Turn("assistant", "a"), Turn("user", "x"), Turn("assistant", "c"))
    same = item(chosen=[user("q"), assistant("c")], rejected=[user("q"), assistant("c")])
    assert (asked(same), texts(same)) == ([("user", "q")], ["c", "c"])


def test_a_system_turn_before_the_prompt_is_kept():
    """A conversation may have a system turn before the prompt's own turn."""
    before = [{"role": "system", "content": "s"}, user("q")]
    found = item(prompt="q", chosen=[*before, assistant("c")], rejected=[*before, assistant("r")])
    assert asked(found) == [("system", "s"), ("user", "q")]


def test_answers_as_turns_need_no_parting():
    """Completions that begin with the assistant's turn go with the prompt as they are; so do lists of conversations."""
    found = item(prompt=[user("q")], chosen=[assistant("c")], rejected=[assistant("r")])
    assert (asked(found), texts(found)) == ([("user", "q")], ["c", "r"])
    several = item(chosen=[[user("q"), assistant("c")]], rejected=[[user("q"), assistant(r)] for r in "rs"])
    assert (asked(several), texts(several)) == ([("user", "q")], ["c", "r", "s"])


@pytest.mark.parametrize(
    ("label", "shown", "num_correct", "tie"),
    [
        ("A", ["x", "y"], 1, None),
        ("b", ["y", "x"], 1, None),
        ("A>B", ["x", "y"], 1, None),
        ("A>>B", ["x", "y"], 1, None),
        ("[[B>A]]", ["y", "x"], 1, None),
        ("a < b", ["y", "x"], 1, None),
        ("response_b", ["y", "x"], 1, None),
        ("model_a", ["x", "y"], 1, None),
        ("tie", ["x", "y"], 0, "tie"),
        ("TIE", ["x", "y"], 0, "tie"),
        ("A=B", ["x", "y"], 0, "tie"),
        ("", ["x", "y"], 0, None),
        (None, ["x", "y"], 0, None),
    ],
)
@pytest.mark.parametrize(
    "columns", [("response_a", "response_b"), ("response_A", "response_B"), ("answer_a", "answer_b")]
)
def test_every_label_of_two_columns(columns, label, shown, num_correct, tie):
    """A label names the better of two columns, or a tie; without one the row has no label."""
    found = item(prompt="p", label=label, **dict(zip(columns, ["x", "y"], strict=True)))
    assert (texts(found), found.num_correct, found.label) == (shown, num_correct, tie)
    assert found.key.labelled == (num_correct > 0 or tie is not None)


def test_completions_with_num_correct_or_a_letter():
    """num_correct counts from the first completion on; a letter names the one; 0 and neither are no label."""
    assert item(prompt="p", completions=["x", "y", "z"], num_correct=2).num_correct == 2
    found = item(prompt="p", completions=["x", "y", "z"], label="C")
    assert (texts(found), found.num_correct) == (["z", "x", "y"], 1)
    assert item(prompt="p", completions=["x", "y"], num_correct=0).num_correct == 0
    assert not item(prompt="p", completions=["x", "y"]).key.labelled


@pytest.mark.parametrize("column", ["response", "completion", "completions"])
def test_a_single_completion_may_have_a_grade(column):
    """human_score grades a single completion, as a number or its text; not-a-number is none."""
    text = ["x"] if column == "completions" else "x"
    for score, expected in ((3, 3.0), ("4.5", 4.5), (float("nan"), None), ("", None)):
        found = items_of(NAME, [{"prompt": "p", column: text, "human_score": score}])[0]
        assert (texts(found), found.human_score) == (["x"], expected)


def items_in(path, rows):
    """The items of rows as a CSV file, or as JSON Lines."""
    spec = write_csv(path, rows) if path.suffix == ".csv" else write_rows(path, rows)
    return list(BENCHMARK.items(source_of(spec)))


TALK = json.dumps([user("q"), assistant("c")])
OTHER = json.dumps([user("q"), assistant("r")])


def test_a_csv_column_of_lists_is_read_as_lists(tmp_path):
    """Where every cell of a column is a JSON list of texts or turns, each is that list; a blank cell is no text."""
    rows = [
        {"prompt": json.dumps([user("q")]), "chosen": '["c"]', "rejected": '["r", "s"]'},
        {"prompt": json.dumps([user("q"), assistant("a"), user("b")]), "chosen": "['d']", "rejected": " "},
    ]
    first, second = items_in(tmp_path / "p.csv", rows)
    assert (asked(first), texts(first)) == ([("user", "q")], ["c", "r", "s"])
    assert (asked(second), texts(second)) == ([("user", "q"), ("assistant", "a"), ("user", "b")], ["d", " "])


def test_a_csv_column_of_conversations_is_read_as_conversations(tmp_path):
    """Whole conversations as JSON in both columns are parted into the prompt and the answers."""
    (found,) = items_in(tmp_path / "p.csv", [{"chosen": TALK, "rejected": OTHER}])
    assert (asked(found), texts(found)) == ([("user", "q")], ["c", "r"])


@pytest.mark.parametrize("plain", ["two colours: red, blue", "[1, 2]", "[not a list"])
@pytest.mark.parametrize("at", [0, 1])
def test_an_answer_in_csv_that_is_a_json_list_stays_one_answer(tmp_path, plain, at):
    """Where any other cell of the column is a text, a list in a cell is an answer in JSON."""
    rows = [{"prompt": "Name two colours", "chosen": '["red", "blue"]', "rejected": '["red"]'}] * 2
    rows[at] = rows[at] | {"chosen": plain, "rejected": plain}
    found = items_in(tmp_path / "p.csv", rows)[1 - at]
    assert (texts(found), found.num_correct) == (['["red", "blue"]', '["red"]'], 1)


@pytest.mark.parametrize("name", ["p.jsonl", "p.csv"])
def test_an_answer_that_is_a_chat_in_json_stays_one_answer(tmp_path, name):
    """Whoever asks for the format of a chat gets one as the answer: it is no conversation, whoever speaks in it."""
    rows = [
        {"prompt": "Show me the format", "chosen": text, "rejected": "no"}
        for text in (json.dumps([user("hi")]), json.dumps([assistant("hi")]), "plain")
    ]
    found = items_in(tmp_path / name, rows)
    assert [texts(each) for each in found] == [[row["chosen"], "no"] for row in rows]


def test_a_json_lines_column_of_conversations_in_json_is_read_as_conversations(tmp_path):
    """Where every text of the column is a conversation, as some tools write them, each is read as one."""
    found = items_in(tmp_path / "p.jsonl", [{"chosen": TALK, "rejected": OTHER}, {"chosen": OTHER, "rejected": TALK}])
    assert [(asked(each), texts(each)) for each in found] == [
        ([("user", "q")], ["c", "r"]),
        ([("user", "q")], ["r", "c"]),
    ]


def test_texts_that_look_like_lists_stay_texts_outside_csv(tmp_path):
    """Only CSV has no lists of its own: elsewhere an answer that is a list in words is one answer."""
    (found,) = items_in(tmp_path / "p.jsonl", [{"prompt": "p", "chosen": '["a", "b"]', "rejected": '["c"]'}])
    assert texts(found) == ['["a", "b"]', '["c"]']


def test_an_entry_of_a_list_that_is_a_chat_in_json_is_a_text(tmp_path):
    """A completion in a list of several is what it says, also where it is a chat in JSON."""
    (found,) = items_in(tmp_path / "p.jsonl", [{"prompt": "p", "chosen": [TALK], "rejected": ["r", OTHER]}])
    assert texts(found) == [TALK, "r", OTHER]


def test_a_column_is_looked_at_in_the_whole_source(tmp_path):
    """The files of a folder are one source: a text in the last of them makes the column one of texts."""
    (tmp_path / "parts").mkdir()
    write_rows(tmp_path / "parts" / "a.jsonl", [{"prompt": "p", "chosen": TALK, "rejected": "r"}])
    write_rows(tmp_path / "parts" / "b.jsonl", [{"prompt": "p", "chosen": "c", "rejected": "r"}])
    assert texts(next(BENCHMARK.items(source_of(str(tmp_path / "parts"))))) == [TALK, "r"]


def test_parquet_reads_as_json_lines_do(tmp_path):
    """The same rows give the same items from Parquet and from JSON Lines."""
    rows = [
        {"prompt": "p", "chosen": ["c"], "rejected": ["r", "s"], "subset": "x"},
        {"prompt": "q", "chosen": ["d"], "rejected": ["t"], "subset": "y"},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    lines = write_rows(tmp_path / "rows.jsonl", rows)
    of_parquet = list(BENCHMARK.items(source_of(str(tmp_path / "rows.parquet"))))
    assert of_parquet == list(BENCHMARK.items(source_of(lines)))


# --- mistakes


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"prompt": "p", "text": "x"}, "has none of: chosen and rejected;"),
        ({"prompt": "p", "chosen": "c"}, "has no column 'rejected'"),
        ({"chosen": "c", "rejected": "r"}, "has no column 'prompt'"),
        ({"prompt": "p", "chosen": [], "rejected": "r"}, "column 'chosen' is an empty list"),
        ({"prompt": "p", "chosen": {"a": 3}, "rejected": "r"}, "column 'chosen' is dict"),
        ({"prompt": "p", "chosen": "c", "rejected": "r", "label": "A"}, "has the column 'label' too"),
        (
            {"prompt": "p", "chosen": ["c"], "rejected": ["r"], "num_correct": 2},
            "num_correct is 2, but chosen holds 1: make",
        ),
        ({"prompt": "p", "chosen": ["c"], "rejected": ["r"], "num_correct": 0}, "num_correct is 0, but chosen holds 1"),
        ({"prompt": "p", "response_a": "x", "response_b": "y", "label": "C"}, "label is 'C', expected A, B, tie"),
        ({"prompt": "p", "response_a": "x", "response_b": "y", "label": 1}, "label is 1, expected"),
        ({"prompt": "p", "response_a": "x", "response_b": "y", "num_correct": 1}, "has the column 'num_correct' too"),
        ({"prompt": "p", "response_a": ["x", "z"], "response_b": "y"}, "hold 3 completions"),
        ({"prompt": "p", "completions": ["x", "y", "z"], "label": "tie"}, "expected a letter from A to C"),
        ({"prompt": "p", "completions": ["x", "y"], "num_correct": 2}, "num_correct is 2 for 2 completions"),
        ({"prompt": "p", "completions": ["x", "y"], "num_correct": "one"}, "expected a number"),
        ({"prompt": "p", "completions": ["x", "y"], "num_correct": 1, "label": "A"}, "label and num_correct"),
        ({"prompt": "p", "completions": ["x", "y"], "human_score": 1}, "human_score grades a single completion"),
        ({"prompt": "p", "response": "x", "human_score": "good"}, "column 'human_score' is 'good'"),
        ({"prompt": "p", "response": "x", "human_score": True}, "column 'human_score' is True"),
        ({"prompt": "p", "response": "x", "num_correct": 1}, "a single completion has no rival"),
        ({"prompt": "p", "response": "x", "label": [["A"]]}, "column 'label' is list, expected the name of a class"),
        (
            {"prompt": "z", "chosen": [user("q"), assistant("c")], "rejected": [user("q"), assistant("r")]},
            "do not begin",
        ),
        (
            {"chosen": [user("q"), assistant("c")], "rejected": [user("z"), assistant("r")]},
            "no turns before the answer",
        ),
        ({"prompt": "q", "chosen": [user("q"), assistant("c")], "rejected": "r"}, "some are whole conversations"),
    ],
)
def test_a_malformed_row_names_its_line(tmp_path, row, said):
    """What is wrong with a row is one line with the file, the line, what was found and what was expected."""
    good = {"prompt": "p", "chosen": "c", "rejected": "r"}
    message = mistake_in(NAME, write_rows(tmp_path / "rows.jsonl", [good, row]))
    assert message.startswith("rows.jsonl line 2: ")
    assert said in message
    assert "\n" not in message


def test_grades_and_labels_do_not_mix():
    """A file with grades and with labels is refused, since they make no common score."""
    rows = [{"prompt": "p", "response": "x", "human_score": 1}, {"prompt": "p", "chosen": "c", "rejected": "r"}]
    with pytest.raises(ConfigError, match=r"mix grades \(human_score, item '1'\) and labels \(item '2'\)"):
        load_dataset(BENCHMARK, rows)


def test_duplicate_ids_are_refused(tmp_path):
    """An id that stands twice is a mistake, also where one of the two is the number of the row."""
    rows = [{"prompt": "p", "chosen": "c", "rejected": "r", "id": name} for name in ("2", None)]
    with pytest.raises(ConfigError, match="duplicate id '2'"):
        run_offline(NAME, tmp_path, write_rows(tmp_path / "rows.jsonl", rows))


# --- the rule

TIED = ItemKey("t", "s", k=2, num_correct=0, lengths=(1, 1), label="tie")
OPEN = ItemKey("u", "s", k=2, num_correct=0, lengths=(1, 1))
FOUR = ItemKey("f", "s", k=4, num_correct=1, lengths=(1, 1, 1, 1))
SEVERAL = ItemKey("v", "s", k=3, num_correct=2, lengths=(1, 1, 1))


@pytest.mark.parametrize(
    ("key", "readings", "credit", "low", "high"),
    [
        (pair_key(), [chose(0)], 1, 1, 1),
        (pair_key(), [chose(1)], 0, 0, 0),
        (pair_key(), [chose(None)], 0.5, 0.5, 0.5),
        (pair_key(), [failed()], 0.5, 0, 1),
        (pair_key(), [chose(0), chose(1, (1, 0))], 0.5, 0.5, 0.5),
        (TIED, [chose(None)], 1, 1, 1),
        (TIED, [chose(0)], 0, 0, 0),
        (TIED, [failed()], 0.5, 0, 1),
        (TIED, [chose(None), chose(1, (1, 0))], 0.5, 0.5, 0.5),
        (pair_key(), rated([7, 3]), 1, 1, 1),
        (pair_key(), rated([3, 3]), 0.5, 0.5, 0.5),
        (pair_key(), rated([3, None]), 0.5, 0, 1),
        (TIED, rated([3, 3]), 1, 1, 1),
        (TIED, rated([3, 4]), 0, 0, 0),
        (TIED, rated([3, None]), 0.5, 0, 1),
        (FOUR, [failed((0, 1, 2, 3))], 0.25, 0, 1),
        (FOUR, rated([9, 9, 3, 1]), 0.5, 0.5, 0.5),
        (FOUR, rated([9, None, 3, 1]), 1, 0, 1),
        (FOUR, rated([None] * 4), 0.25, 0, 1),
        (SEVERAL, rated([5, 9, 9]), 0.5, 0.5, 0.5),
    ],
)
def test_the_credit_of_readings(key, readings, credit, low, high):
    """Pairs by RewardBench's rule, k by RewardBench 2's, a tie of people right when the judge says tie."""
    outcome = BENCHMARK.judged(key, readings)
    assert (outcome.credit, outcome.low, outcome.high) == pytest.approx((credit, low, high), abs=1e-12)


@pytest.mark.parametrize(
    ("key", "scores", "credit"),
    [
        (pair_key(), (1.0, 0.5), 1),
        (pair_key(), (1.0, 1.0), 0),
        (pair_key(), (None, None), 0),
        (FOUR, (2.0, 2.0, 1.0, 0.0), 0.5),
        (TIED, (2.0, 2.0), 1),
        (TIED, (2.0, 1.0), 0),
        (TIED, (2.0, None), 0),
        (OPEN, (2.0, 1.0), None),
    ],
)
def test_the_credit_of_scores(key, scores, credit):
    """A reward model's equal scores are wrong in a pair, shared among k, right for a tie; a missing one counts 0."""
    assert BENCHMARK.scored(key, scores).credit == credit


def test_the_score_is_the_mean_over_items_with_subsets_beside():
    """Subsets of unequal size weigh by their items, and unlabelled items have no part in it."""
    keys = [pair_key(str(at), "big" if at < 3 else "small") for at in range(4)]
    outcomes = [BENCHMARK.judged(key, [chose(winner)]) for key, winner in zip(keys, (0, 0, 1, 1), strict=True)]
    outcomes.append(BENCHMARK.judged(OPEN, [chose(0)]))
    found = official_scores(outcomes, BENCHMARK.layout)
    assert found.score == pytest.approx(0.5, abs=1e-12)
    assert {name: (each.score, each.n) for name, each in found.subsets.items()} == {
        "big": (pytest.approx(2 / 3), 3),
        "small": (0, 1),
    }
    assert list(BENCHMARK.notes(outcomes))[:-1] == ["1 of 5 items have no label and are not scored"]


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, None, "failed"]), st.booleans()), min_size=1, max_size=12), st.randoms()
)
def test_bounds_hold_the_score_and_order_never_matters(results, random):
    """Whatever the verdicts, the bounds contain the score, which is the mean credit in any order of rows."""
    outcomes = [
        BENCHMARK.judged(TIED if tied else pair_key(str(at)), [failed() if result == "failed" else chose(result)])
        for at, (result, tied) in enumerate(results)
    ]
    low, score, high = bounds(outcomes, NAME)
    assert low <= score <= high
    assert score == pytest.approx(fmean(outcome.credit for outcome in outcomes), abs=1e-12)
    shuffled = random.sample(outcomes, len(outcomes))
    assert point_score(shuffled, BENCHMARK.layout) == pytest.approx(score, abs=1e-12)


@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=6).flatmap(
        lambda scores: st.tuples(st.just(scores), st.integers(1, len(scores) - 1), st.permutations(range(len(scores))))
    )
)
def test_order_among_the_incorrect_never_matters_and_a_higher_correct_score_never_hurts(case):
    """Shuffling incorrect completions leaves the credit, and raising every correct score never lowers it."""
    scores, num_correct, order = case
    key = ItemKey("1", "s", k=len(scores), num_correct=num_correct, lengths=(1,) * len(scores))
    correct, incorrect = scores[:num_correct], [scores[at] for at in order if at >= num_correct]

    def credit(above):
        return BENCHMARK.scored(
            key, tuple(float(score) for score in [*(c + above for c in correct), *incorrect])
        ).credit

    assert credit(0) == BENCHMARK.scored(key, tuple(map(float, scores))).credit
    assert credit(1) >= credit(0)


# --- templates by the data


@pytest.mark.parametrize(
    ("rows", "template"),
    [
        ([{"prompt": "p", "chosen": "c", "rejected": "r"}], "pairwise"),
        (
            [{"prompt": "p", "response_a": "x", "response_b": "y", "label": name} for name in ("A", "tie")],
            "pairwise-ties",
        ),
        (
            [{"prompt": "p", "chosen": "c", "rejected": ["r", "s"]}, {"prompt": "p", "chosen": "c", "rejected": "r"}],
            "four-way",
        ),
        ([{"prompt": "p", "response": "x", "human_score": 3}], "direct-assessment"),
        ([{"prompt": "p", "response": "x"}], "rating-10"),
    ],
)
def test_the_default_template_fits_the_data(tmp_path, rows, template):
    """Without a template named, the run takes the one that all its items fit."""
    run = run_offline(NAME, tmp_path, write_rows(tmp_path / "rows.jsonl", rows))
    assert run.metrics.template == template
    assert run.metrics.coverage == 1


def test_a_template_that_no_item_fits_is_a_mistake(tmp_path):
    """A single completion cannot be compared, and three are no pair: said before any call."""
    single = write_rows(tmp_path / "single.jsonl", [{"prompt": "p", "response": "x"}])
    with pytest.raises(ConfigError, match="take a template of mode rating or label"):
        run_offline(NAME, tmp_path, single, template="four-way")
    three = write_rows(tmp_path / "three.jsonl", [{"prompt": "p", "chosen": "c", "rejected": ["r", "s"]}])
    with pytest.raises(ConfigError, match="3 completions, a pairwise template shows 2"):
        run_offline(NAME, tmp_path, three, template="pairwise")
    assert not (tmp_path / "runs").exists()


# --- from end to end


def test_without_labels_there_are_verdicts_but_no_score(tmp_path):
    """Unlabelled pairs: score null, verdicts and consistency there, and a note on where preference pairs come from."""
    rows = [
        {"prompt": "p", "response_a": SHORT, "response_b": LONG, "id": "one"},
        {"prompt": [user("q"), assistant("a"), user("b")], "response_a": LONG, "response_b": SHORT, "id": "two"},
        {"prompt": "p", "response_a": "same", "response_b": "same", "id": "three"},
    ]
    run = run_offline(NAME, tmp_path, write_rows(tmp_path / "rows.jsonl", rows), orders="both")
    metrics = json.loads((run.path / "metrics.json").read_text(encoding="utf-8"))
    assert (metrics["score"], metrics["bounds"], metrics["subsets"]) == (None, None, {})
    assert (metrics["judgements"], metrics["coverage"]) == (6, 1)
    assert metrics["consistency"] == pytest.approx(2 / 3)
    assert any("no item has a label" in note for note in metrics["notes"])
    assert any(note.startswith("3 pairs have no label: judgebench filter ROWS") for note in metrics["notes"])
    assert not (run.path / "preferences.jsonl").exists()


def test_three_hundred_pairs_and_four_wordings(tmp_path):
    """Own pairs as CSV with four templates give four runs over the same items, and one table on the command line."""
    rows = [
        {
            "prompt": f"question {at}, with a comma",
            "chosen": f"{LONG} {at}" if at % 3 else SHORT,
            "rejected": f"medium {at}",
            "subset": "ab"[at % 2],
        }
        for at in range(300)
    ]
    data = write_csv(tmp_path / "pairs.csv", rows)
    wording = (
        "---\nname: NAME\nmode: pairwise\nverdict: {pattern: '<([AB])>', example: 'so: <A>'}\n---\n"
        "{% block user %}NAME {{ prompt }}{% for c in completions %} {{ c.label }}: {{ c.text }}{% endfor %}"
        "{% endblock %}"
    )
    files = []
    for name in ("a", "b", "c", "d"):
        (tmp_path / f"{name}.jinja").write_text(wording.replace("NAME", name), encoding="utf-8")
        files += ["-t", tmp_path / f"{name}.jinja"]
    ended = judgebench(
        "run",
        NAME,
        "--data",
        data,
        "-j",
        "offline/longest",
        *files,
        "--orders",
        "both",
        "--json",
        "--out",
        tmp_path / "runs",
        "--cache-dir",
        tmp_path / "cache",
    )
    assert ended.status == 0, ended.err
    assert [metrics["template"] for metrics in ended.metrics] == ["a", "b", "c", "d"]
    for metrics in ended.metrics:
        assert (metrics["items"], metrics["judgements"], metrics["consistency"]) == (300, 600, 1)
        assert metrics["score"] == pytest.approx(2 / 3, abs=1e-12)
        assert {name: each["n"] for name, each in metrics["subsets"].items()} == {"a": 150, "b": 150}


def test_scores_of_a_reward_model(tmp_path):
    """Scores in the order of the completions, the correct ones first, go by the same rule, ties included."""
    rows = [
        {"id": "a", "prompt": "p", "response_a": "x", "response_b": "y", "label": "B"},
        {"id": "b", "prompt": "p", "response_a": "x", "response_b": "y", "label": "tie"},
        {"id": "c", "prompt": "p", "completions": ["x", "y", "z"], "num_correct": 1},
    ]
    scores = [{"id": "a", "scores": [2, 1]}, {"id": "b", "scores": [1, 1]}, {"id": "c", "scores": [3, 3, 1]}]
    run = jb.score(
        write_rows(tmp_path / "scores.jsonl", scores),
        benchmark=NAME,
        data=write_rows(tmp_path / "rows.jsonl", rows),
        out=tmp_path / "runs",
    )
    assert run.metrics.score == pytest.approx((1 + 1 + 0.5) / 3, abs=1e-12)


# --- rows that belong together


def grouped(rows, **options):
    chosen = Selection(rows=RowMap(**options))
    return {key.id: key.group for key in load_dataset(BENCHMARK, rows, chosen).keys.values()}


def numbered(number, prompt, **more):
    return {"id": str(number), "prompt": prompt, "chosen": "a", "rejected": "b", **more}


def test_a_column_names_the_groups():
    """`group` does by itself; another column where it is named; an empty cell is no group."""
    rows = [numbered(n, f"Why {n}?", group="x" if n < 2 else None, author=f"a{n % 2}") for n in range(3)]
    assert grouped(rows) == {"0": "x", "1": "x", "2": None}
    assert grouped(rows, group_column="author") == {"0": "a0", "1": "a1", "2": "a0"}


def test_rows_with_an_equal_prompt_are_a_group():
    """Prompts that occur once make none."""
    groups = grouped([numbered(n, f"Why {min(n, 10)}?") for n in range(12)])
    assert groups["10"] == groups["11"] is not None
    assert {group for item, group in groups.items() if int(item) < 10} == {None}


def test_a_few_prompts_make_no_groups():
    """A constant prompt says nothing of what belongs together: nine prompts of two rows are left alone."""
    assert set(grouped([numbered(n, f"Why {n % 9}?") for n in range(18)]).values()) == {None}
    assert set(grouped([numbered(n, f"Why {n % 10}?") for n in range(20)]).values()) != {None}


def test_the_hash_does_not_depend_on_groups():
    """So that runs of earlier versions go on."""
    rows = [numbered(n, f"Why {n // 2}?") for n in range(20)]
    dataset = load_dataset(BENCHMARK, rows)
    assert any(item.group for item in dataset)
    alone = [_said(replace(each, group=None), _measured(_texts(each))) for each in dataset]
    texts_alone = b"".join(sha256(each.encode()).digest() for each in alone)
    assert dataset.hash == sha256(texts_alone).hexdigest()


def test_other_benchmarks_have_groups_of_their_own():
    """A column for them is refused."""
    with pytest.raises(ConfigError, match="--group-column is for rows of your own"):
        load_dataset(get_benchmark("rewardbench"), "sample", Selection(rows=RowMap(group_column="subset")))


def test_a_missing_score_of_a_labelled_answer_is_a_failure(tmp_path):
    """One of three without a score is a coverage of two thirds."""
    rows = [
        {"id": n, "prompt": f"q{n}", "response": "a", "label": said} for n, said in enumerate(("pass", "fail", "pass"))
    ]
    data = write_rows(tmp_path / "rows.jsonl", rows)
    scores = write_rows(tmp_path / "scores.jsonl", [{"id": 0, "score": 0.9}, {"id": 1, "score": 0.1}])
    found = judgebench("score", scores, "--benchmark", "custom", "--data", data, "--allow-missing", "--json")
    (metrics,) = json.loads(found.out)
    assert metrics["coverage"] == pytest.approx(2 / 3)
    assert metrics["failures"] == {"missing": 1}


def test_a_table_without_names_is_told_to_have_some(tmp_path):
    """Its first row is not taken for the names of columns in the advice."""
    (tmp_path / "bare.csv").write_text("1,What is 2+2?,It is 4.,It is 5.,A\n2,And 3+3?,It is 7.,It is 6.,B\n")

    with pytest.raises(
        DataError, match=r"the first line looks like a row .*put a line of names above it, such as id,prompt"
    ):
        load_dataset(get_benchmark("custom"), str(tmp_path / "bare.csv"))
