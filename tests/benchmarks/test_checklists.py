"""An item's own criteria in a row: how they are read, and what is refused."""

from __future__ import annotations

import json

import pytest
from commands import write_jsonl

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import Selection, load_dataset
from judgebench.errors import DataError
from judgebench.items import Classes, item_from_json, item_to_json
from judgebench.sources.mapped import RowMap

CLASSES = Classes(("met", "unmet"), "met", shares=(1.0, 0.0))
TWO = [{"id": "a", "text": "One.", "weight": 2, "label": "met"}, {"id": "b", "text": "Two."}]


def item_of(criteria, tmp_path, **more):
    path = write_jsonl(tmp_path / "rows.jsonl", [{"prompt": "p", "response": "r", "criteria": criteria} | more])
    (item,) = load_dataset(get_benchmark("custom"), str(path))
    return item


@pytest.mark.parametrize(
    "criteria",
    [
        TWO,
        json.dumps(TWO),
        [{"Criterion ID": "a", "criterion": "One.", "points": 2.0, "label": "met"}, {"id": "b", "text": "Two."}],
        {"a": {"text": "One.", "weight": 2, "labels": ["met", "met", "unmet"]}, "b": "Two."},
        [TWO[0] | {"label": {"p1": "met", "p2": None}}, TWO[1] | {"label": ["met", "unmet"]}],
    ],
    ids=["list", "text", "names", "object", "people"],
)
def test_criteria_are_read_in_any_ordinary_form(criteria, tmp_path):
    """Weight 1 where none is said; of several labels what most said, and none where no one has the most."""
    said = [(each.id, each.text, each.weight, each.label) for each in item_of(criteria, tmp_path).checklist]
    assert said == [("a", "One.", 2.0, "met"), ("b", "Two.", 1.0, None)]


def test_people_s_labels_are_nothing_that_a_template_sees(tmp_path):
    """Neither as the item's data nor as its rubric."""
    item = item_of(TWO, tmp_path)
    assert "criteria" not in item.metadata
    assert item.rubric is None
    assert item_from_json(json.loads(json.dumps(item_to_json(item)))) == item


def test_a_text_is_no_list_of_criteria(tmp_path):
    """It is the rubric that it has always been."""
    item = item_of("Be brief.", tmp_path)
    assert (item.checklist, item.rubric) == ((), "Be brief.")


def test_criteria_of_pairs_are_their_rubric(tmp_path):
    """Only a single answer has verdicts on criteria."""
    row = {"prompt": "p", "chosen": "a", "rejected": "b", "criteria": ["brief", "kind"]}
    (item,) = load_dataset(get_benchmark("custom"), str(write_jsonl(tmp_path / "rows.jsonl", [row])))
    assert item.checklist == ()
    assert item.rubric.split() == ["brief", "kind"]


@pytest.mark.parametrize(
    ("criteria", "what"),
    [
        ([{"text": "One."}], "rows.jsonl line 1: criteria: number 1 has no id (its fields: text)"),
        (["One."], "line 1: criteria: number 1 has no id: write {id: c1, text: ..., weight: 1}"),
        ([{"idd": "a", "text": "One."}], "has no id (its fields: idd, text): did you mean id for idd?"),
        ([{"id": "a", "txt": "One."}], "has no text (its fields: id, txt): did you mean text for txt?"),
        ([{"id": " ", "text": "One."}], "number 1 has no id"),
        ([*TWO, {"id": "A", "text": "Three."}], "duplicate id 'a'"),
        ([{"id": "a", "text": "One.", "weight": "much"}], "number 1: weight is 'much', expected a number"),
        ([{"id": "a", "text": "One.", "weight": -1}], "no weight is above 0"),
        ([], "rows.jsonl line 1: criteria is an empty list"),
    ],
)
def test_criteria_that_cannot_be_used_are_refused(criteria, what, tmp_path):
    """With the file, the line and the nearest name."""
    with pytest.raises(DataError) as raised:
        item_of(criteria, tmp_path)
    assert what in str(raised.value)


def test_a_label_that_is_no_class_is_refused(tmp_path):
    """Before a call, with its line and the nearest class."""
    rows = [{"prompt": "p", "response": "r", "criteria": [TWO[0] | {"label": "mett"}]}]
    dataset = load_dataset(get_benchmark("custom"), str(write_jsonl(tmp_path / "rows.jsonl", rows)))
    with pytest.raises(DataError) as raised:
        dataset.held_against("criteria", CLASSES, "mine")
    said = "rows.jsonl line 1: criterion 'a' has the label 'mett', not one of the classes of template 'mine'"
    assert f"{said} (met, unmet): did you mean met? say it with --labels mett=met" in str(raised.value)


def test_other_words_for_labels_are_explained(tmp_path):
    """By `--labels`, for one person's label and for several people's."""
    criteria = [TWO[0] | {"label": "yes"}, TWO[1] | {"labels": ["No", "no", None]}]
    path = write_jsonl(tmp_path / "rows.jsonl", [{"prompt": "p", "response": "r", "criteria": criteria}])
    rows = Selection(rows=RowMap(labels={"yes": "met", "no": "unmet"}))
    (item,) = load_dataset(get_benchmark("custom"), str(path), rows)
    assert [each.label for each in item.checklist] == ["met", "unmet"]


@pytest.mark.parametrize(
    ("label", "share"), [("Met", 1.0), ("unmet", 0.0), ("1", 1.0), ("0.0", 0.0), ("true", 1.0), ("no", None)]
)
def test_a_label_is_a_class_or_its_share(label, share):
    """Truth values are 1 and 0; other words are not guessed."""
    assert CLASSES.share(label) == share
