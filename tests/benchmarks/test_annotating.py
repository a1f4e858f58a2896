"""Labels of several people in rows: every way to write them, and what is wrong with some."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from making import item

from judgebench.api import get_benchmark
from judgebench.benchmarks.dataset import Selection, load_dataset
from judgebench.benchmarks.declared import declared
from judgebench.errors import DataError
from judgebench.items import Classes, item_from_json, item_to_json
from judgebench.sources.mapped import RowMap
from judgebench.sources.people import said_by_people

SAID = {"ann": "pass", "bob": "pass", "cat": "fail"}


def keys(rows, name="rows.jsonl", **options):
    """The items of rows in a file, by id."""
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_dataset(get_benchmark("custom"), name, Selection(rows=RowMap(**options))).keys


def single(at, **more):
    return {"id": f"q{at}", "prompt": f"Question {at}", "response": f"answer {at}", **more}


@pytest.mark.parametrize(
    "rows",
    [
        [single(at, label=SAID) for at in range(2)],
        [single(at, label=json.dumps(SAID)) for at in range(2)],
        [single(at, label=said, annotator=who) for who, said in SAID.items() for at in range(2)],
        [single(at, label=said, worker_id=who) for at in range(2) for who, said in SAID.items()],
    ],
    ids=["object", "text", "long", "long by item"],
)
def test_labels_by_person_are_read(rows):
    """An object, one as text, and a row for each annotator make the same items: the majority is the label."""
    found = keys(rows)
    assert [*found] == ["q0", "q1"]
    assert [(key.label, dict(key.annotations)) for key in found.values()] == [("pass", SAID)] * 2


def test_a_list_names_people_by_their_places():
    """A list is read by place; an empty place is nobody's label; a draw of classes is no label."""
    found = keys([single(0, label=["pass", None, "fail"]), single(1, label=["fail", "fail", "pass"])])
    assert [key.annotations for key in found.values()] == [
        (("1", "pass"), ("3", "fail")),
        (("1", "fail"), ("2", "fail"), ("3", "pass")),
    ]
    assert [key.label for key in found.values()] == [None, "fail"]


def test_a_pair_is_labelled_by_the_majority_and_ties_without_one():
    """Letters are those of the item, whose better answer comes first; `slots` has the row's."""
    pair = {"prompt": "Why?", "response_a": "one", "response_b": "two"}
    found = keys([{**pair, "id": "x", "label": ["B", "B", "A"]}, {**pair, "id": "y", "label": ["A", "B", "tie"]}])
    assert [(key.num_correct, key.label, key.slots) for key in found.values()] == [(1, None, "BA"), (0, "tie", "AB")]
    assert [dict(key.annotations) for key in found.values()] == [
        {"1": "A", "2": "A", "3": "B"},
        {"1": "A", "2": "B", "3": "tie"},
    ]


def test_grades_by_person_have_their_mean():
    """`human_score` of several people is their mean."""
    found = keys([single(at, human_score=[1, 2, 4.5]) for at in range(2)])
    assert [(key.human_score, key.annotations[2]) for key in found.values()] == [(2.5, ("3", 4.5))] * 2


def test_words_are_explained_for_each_person():
    """`--labels` says what each annotator's word means."""
    found = keys([single(at, label=[1, 1, 0]) for at in range(2)], labels={"1": "pass", "0": "fail"})
    assert [key.label for key in found.values()] == ["pass"] * 2


def test_several_columns_of_a_file_are_several_people():
    """A benchmark file's label of several columns has an annotator each, named as the column."""
    Path("rows.jsonl").write_text(
        "".join(json.dumps(single(at, a1="yes", a2="no", a3="yes")) + "\n" for at in range(2))
    )
    Path("mine.yaml").write_text(
        "name: mine\nsource: {files: [rows.jsonl]}\nitem: label\ncolumns: {id: id, prompt: prompt, response: response, "
        "label: [a1, a2, a3]}\nlabels: {'yes': pass, 'no': fail}\n"
    )
    found = load_dataset(declared(Path("mine.yaml")), None).keys
    assert [dict(key.annotations) for key in found.values()] == [{"a1": "pass", "a2": "fail", "a3": "pass"}] * 2


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [single(0, label="pass", annotator="ann")] * 2,
            "rows.jsonl line 2: annotator 'ann' labels this item (id) twice, the first time in rows.jsonl line 1",
        ),
        (
            [single(at, label="pass", annotator=who) for who in ("ann", "bob") for at in range(2)]
            + [single(0, label="fail", annotator="cat")],
            "rows.jsonl line 5: annotator 'cat' labels this item only, and agreement needs two items",
        ),
        (
            [single(0, label=SAID), single(1, label={"ann": "pass", "bob": "fail"})],
            "rows.jsonl line 1: annotator 'cat'",
        ),
        (
            [single(at, label="pass", annotator=who) for who in ("ann", " ") for at in range(2)],
            "rows.jsonl line 3: column 'annotator' is empty",
        ),
        (
            [single(0, label="pass", annotator="ann"), single(0, label="fail", annotator="bob", response="another")]
            + [single(1, label="pass", annotator=who) for who in ("ann", "bob")],
            "rows.jsonl line 2: id 'q0' has another response in rows.jsonl line 1",
        ),
        (
            [{"id": "x", "prompt": "p", "response_a": "a", "response_b": "b", "label": ["A", "worse"]}],
            "rows.jsonl line 1: label is 'worse', expected A, B or tie",
        ),
    ],
    ids=["twice", "one item", "one item in an object", "no name", "another answer", "no label"],
)
def test_mistakes_name_their_row(rows, said):
    """What is wrong with annotators stops before a call, with the file and the line."""
    with pytest.raises(DataError) as error:
        keys(rows)
    assert said in str(error.value)


def test_a_class_of_one_annotator_that_no_value_names():
    """An annotator's class is checked like a label, with the nearest name."""
    Path("rows.jsonl").write_text("".join(json.dumps(single(at, label=["pass", "fial"])) + "\n" for at in range(2)))
    dataset = load_dataset(get_benchmark("custom"), "rows.jsonl")
    with pytest.raises(DataError, match=r"line 1: label 'fial' is not one of .*did you mean fail\?"):
        dataset.held_against("label", Classes(("pass", "fail"), "pass"), "pass-fail")


def test_items_keep_what_people_said():
    """Items are written with labels by person, slots and attributes, and without these names where there are none."""
    plain = item()
    assert {"annotations", "slots", "attributes"}.isdisjoint(item_to_json(plain))
    full = replace(plain, annotations=(("ann", "A"), ("bob", "B")), attributes=(("depth", 2.0),), slots="BA")
    assert item_from_json(json.loads(json.dumps(item_to_json(full)))) == full


def test_a_cell_with_lists_in_it_is_no_persons_label():
    """Only plain values are people's labels."""
    assert said_by_people([["A"], ["B"]]) is None
    assert said_by_people("[[A]]") is None
    assert said_by_people("pass") is None
    assert said_by_people({"ann": "A", "bob": ""}) == {"ann": "A"}


def test_an_annotator_may_share_a_single_item_with_others():
    """Labels of items that no one else labels count too: of three and two labels, one in common, none is refused."""
    alone = [(0, {"ann": "pass"}), (1, {"ann": "fail"}), (2, {"ann": "fail", "bob": "fail"}), (3, {"bob": "pass"})]
    in_rows = [single(at, label=label, annotator=who) for at, said in alone for who, label in said.items()]
    for rows in ([single(at, label=said) for at, said in alone], in_rows):
        found = load_dataset(get_benchmark("custom"), rows).keys
        assert [key.annotations for key in found.values()] == [(), (), (("ann", "fail"), ("bob", "fail")), ()]
