"""Columns and labels by name, and rows that cannot be used."""

import pytest

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import Selection, load_dataset
from judgebench.errors import ConfigError, DataError
from judgebench.sources.mapped import RowMap, pairs_in

CUSTOM = get_benchmark("custom")


def pair(number, **changed):
    return {"id": str(number), "prompt": f"Why {number}?", "chosen": "because", "rejected": "no", **changed}


def load(rows, **options):
    return load_dataset(CUSTOM, rows, Selection(rows=RowMap(**options)))


def mistake(rows, **options):
    """The message of the mistake, and the lines below it."""
    with pytest.raises(ConfigError) as caught:
        load(rows, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value), getattr(caught.value, "__notes__", [])


@pytest.mark.parametrize(
    ("text", "last", "pairs"),
    [
        ("prompt=question,label=winner", False, {"prompt": "question", "label": "winner"}),
        (' prompt = User question , label="a, b"', False, {"prompt": "User question", "label": "a, b"}),
        ("prompt=a=b", False, {"prompt": "a=b"}),
        ('model_a=A,"tie (bothbad)"=tie', True, {"model_a": "A", "tie (bothbad)": "tie"}),
        ("A>=B=A, unsure=,", True, {"A>=B": "A", "unsure": ""}),
        ('"x, y"=A', True, {"x, y": "A"}),
    ],
)
def test_pairs_are_read_from_text(text, last, pairs):
    """Commas part pairs, quotes keep them; a column is all after the first `=`, a label all before the last."""
    assert pairs_in(text, "--option", last=last) == pairs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prompt", "--columns: 'prompt' is no pair: write NAME=COLUMN,..., as in prompt=question"),
        ("prompt=", "'prompt=' is no pair"),
        ("=question", "'=question' is no pair"),
        ("prompt=a,,label=b", "'' is no pair"),
        ("prompt=a,prompt=b", "'prompt' is given twice"),
    ],
)
def test_what_is_no_pair_is_said(text, message):
    """With the form that is expected."""
    with pytest.raises(ConfigError) as caught:
        pairs_in(text, "--columns")
    assert message in str(caught.value)


def test_columns_are_found_whatever_their_case_and_spaces():
    """`Response A` is found as response_a; the rows' own spelling wins where two are alike."""
    rows = [{"User Question": "q", "Response A": "x", "response-b": "y", "Winner ": "B", "note": 1}]
    named = {"prompt": "user question", "response_a": "response_a", "response_b": "responseB", "label": "winner"}
    (item,) = load(rows, columns=named)
    assert [each.text for each in item.completions] == ["y", "x"]
    assert item.metadata["note"] == 1
    twice = [{"prompt": "p", "a b": "x", "a_b": "y", "chosen": "c", "rejected": "r"}]
    assert load(twice, columns={"reference": "a_b"}).keys
    assert "'A B' may be a b or a_b" in mistake(twice, columns={"reference": "A B"})[0]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"prompt": "promt_text"}, "did you mean 'prompt text'? found prompt text, chosen, rejected"),
        ({"prompt text": "prompt"}, "--columns is NAME=COLUMN, so write prompt=prompt text"),
        ({"promt": "prompt text"}, "--columns promt=prompt text: did you mean prompt=prompt text? The names are id, "),
    ],
)
def test_a_slip_in_a_columns_name_names_the_right_one(columns, message):
    """Of the rows' column, of the benchmark's name, or of the two exchanged."""
    assert message in mistake([{"prompt text": "p", "chosen": "c", "rejected": "r"}], columns=columns)[0]


@pytest.mark.parametrize("own", ["winner", "label", "verdict of ours"])
def test_labels_mean_what_is_said(own):
    """Whatever column holds them; an empty meaning is no label, numbers are the text that they are."""
    rows = [{"prompt": f"p{n}", "response_a": "x", "response_b": "y", own: said} for n, said in enumerate((0, 1, 2, 9))]
    columns = {} if own != "verdict of ours" else {"label": own}
    items = list(load(rows, columns=columns, labels={"0": "A", "1": "b", "2": "TIE", "9": ""}))
    assert [(item.completions[0].text, item.num_correct, item.label) for item in items] == [
        ("x", 1, None),
        ("y", 1, None),
        ("x", 0, "tie"),
        ("x", 0, None),
    ]


def test_a_label_that_means_nothing_is_a_mistake():
    """Of rows with two answers the name of a class names neither."""
    with pytest.raises(ConfigError, match="--labels 1=first: 'first' is no label: write A, B or tie"):
        load([{"prompt": "p", "response_a": "x", "response_b": "y", "label": 1}], labels={"1": "first"})
    with pytest.raises(ConfigError, match="--columns id=x and --id-column y: give one"):
        RowMap(columns={"id": "x"}, id_column="y")


def test_ids_and_groups_are_taken_from_their_columns():
    """Also of a file that has a column `id` of another meaning."""
    rows = [pair(n, uid=f"u{n}", team=f"t{n // 2}") for n in range(4)]
    dataset = load(rows, id_column="uid", group_column="team")
    assert {key.id: key.group for key in dataset.keys.values()} == {"u0": "t0", "u1": "t0", "u2": "t1", "u3": "t1"}
    assert dataset.understood.groups == 2


def test_all_bad_rows_are_named_at_once():
    """The first in the message, each in a line below, after 20 their number; with what is wrong."""
    rows = [pair(n, rejected=None if n % 2 else "no") for n in range(50)]
    rows[4]["id"] = "2"
    message, lines = mistake(rows)
    assert message == (
        "list row 2: column 'rejected' is empty (26 of 50 rows cannot be used; --bad-rows skip leaves such rows out)"
    )
    assert len(lines) == 20
    assert lines[1] == "  list row 5: duplicate id '2'; every item needs a unique id"
    assert lines[19] == "  and 6 more"


def test_rows_that_are_all_bad_have_no_way_to_be_skipped():
    """One reason for all is said once, and the rest of a long file is not read."""
    read = []

    def rows():
        for number in range(5000):
            read.append(number)
            yield {"prompt": "p", "this": "x", "that": "y"}

    class Rows:
        def __iter__(self):
            return rows()

    for bad_rows in ("stop", "skip"):
        message, lines = mistake(Rows(), bad_rows=bad_rows)
        assert "every row is so" in message
        assert "--columns response_a=this,response_b=that" in message
        assert lines == []
    assert len(read) < 5000


def test_skipped_rows_are_listed():
    """The others are judged under the ids that they have with the bad rows among them; the manifest lists each."""
    rows = [{key: value for key, value in pair(n).items() if key != "id"} for n in range(4)]
    rows[1]["chosen"] = float("nan")
    dataset = load(rows, bad_rows="skip")
    assert list(dataset.keys) == ["1", "3", "4"]
    assert dataset.origin["skipped"] == [{"line": 2, "where": "list row 2", "what": "column 'chosen' is empty"}]
    assert next(iter(dataset.notes)).startswith("1 of 4 rows left out (--bad-rows skip): list row 2: column 'chosen'")
    assert dataset.selection.to_json()["bad_rows"] == "skip"


@pytest.mark.parametrize("empty", ["", "  \n", [{"role": "assistant", "content": ""}], ["x", ""]])
def test_an_empty_answer_is_one_only_where_that_is_said(empty):
    """Else the row is bad, and the option is named; of published benchmarks the rows are what they are."""
    rows = [pair(1), pair(2, rejected=empty)]
    message, _ = mistake(rows)
    assert "list row 2: the answer in 'rejected' is empty; --empty-answers keep takes it as an answer" in message
    assert len(load(rows, empty_answers="keep").keys) == 2
    assert load(rows, empty_answers="keep").understood.empty == 1
    assert list(load(rows, bad_rows="skip").keys) == ["1"]
    if isinstance(empty, str):
        official = [{**row, "subset": "alpacaeval-easy"} for row in rows]
        assert len(load_dataset(get_benchmark("rewardbench"), official).keys) == 2


def test_rows_of_published_benchmarks_are_named_too():
    """Every benchmark names all its bad rows."""
    rows = [{**pair(n), "subset": "nope" if n else "hep-go"} for n in range(3)]
    with pytest.raises(ConfigError, match=r"list row 2: .*2 of 3 rows cannot be used"):
        load_dataset(get_benchmark("rewardbench"), rows)


def test_unknown_columns_are_answered_with_the_likeliest_ones():
    """A known prompt, the one column that ends in a word for an answer, and the label's, each in its role."""
    rows = [{"Ticket ID": "T-1", "Question": "q", "Bot answer": "a", "Human verdict": "PASS"}]
    with pytest.raises(DataError, match='prompt=Question,response="Bot answer",label="Human verdict"'):
        load_dataset(get_benchmark("custom"), rows, Selection())
