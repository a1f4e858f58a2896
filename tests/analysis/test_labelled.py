"""People's labels beside a run's verdicts: from the items, or from a file of rows."""

import json
from contextlib import chdir
from functools import cache
from pathlib import Path

import pytest
from commands import lasting_folder

import judgebench as jb
from judgebench.analysis.labelled import labelled
from judgebench.errors import ConfigError, DataError


def imported(rows, **options):
    """The first run that verdicts make, in a folder of its own."""
    here = lasting_folder()
    with chdir(here):
        return jb.import_verdicts(rows, judge="mine", out=str(here / "runs"), **options)[0]


@cache
def choices():
    """Twelve pairs of two models with people's labels; the judge names A throughout and has no verdict on the last."""
    rows = [
        {"id": f"q{n}", "verdict": "A", "label": "AB"[n % 2], "model_a": "ant", "model_b": "bee"} for n in range(11)
    ]
    return imported([*rows, {"id": "q11", "verdict": "error", "label": "A", "model_a": "ant", "model_b": "bee"}])


@cache
def classes():
    """Six answers in the classes of pass-fail."""
    said = ["pass", "fail"] * 3
    return imported([{"id": f"a{n}", "verdict": each, "label": each} for n, each in enumerate(said)])


@cache
def ratings():
    """Six answers that were rated 1 to 6 and graded as much."""
    return imported([{"id": f"r{n}", "rating": n + 1, "human_score": n + 1} for n in range(6)])


def of(found, item):
    """The labels of an item."""
    return dict(next(each for each in found.labelled if each.key.id == item).labels)


def test_items_that_carry_labels_need_no_file():
    """Without a file the labels are the items' own, the better completion being A in the order of the item."""
    found = labelled(choices())
    assert (found.kind, found.file, found.annotators) == ("choices", None, ("",))
    assert {item.label for item in found.labelled} == {"A"}
    assert [item.verdict for item in found.items] == ["A", "B"] * 5 + ["A", None]


def test_a_missing_verdict_is_told_by_its_failure():
    """An item without a verdict has the failure's kind in its place, and a share of 1 for no verdict."""
    last = labelled(choices()).items[-1]
    assert (last.failure, last.shares, last.was_asked) == ("unreadable", ((None, 1.0),), True)


def test_slots_say_which_letter_a_completion_has_in_its_row():
    """The row's letters are kept beside labels that are told in the order of the item."""
    assert [item.slots for item in labelled(choices()).items[:2]] == ["AB", "BA"]


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (["A", "B"], "BA"),  # q1's row has its better answer second, so A is the item's second one
        (["model_a", "model_b"], "BA"),
        (["response 1", "Response 2"], "BA"),
        ([1, 2], "BA"),
        (["ant", "bee"], "BA"),
        (["chosen", "rejected"], "AB"),
        (["[[A]]", "tie"], ["B", "tie"]),
        (["x", "y"], "BA"),
    ],
)
def test_a_choice_is_told_in_the_words_that_data_understands(said, means):
    """Letters, names of answers, numbers, models, chosen and rejected, and words that the user explains."""
    rows = [{"id": "q1", "label": said[0], "annotator": "u"}, {"id": "q1", "label": said[1], "annotator": "v"}]
    found = labelled(choices(), rows, meanings={"x": "A", "y": "B"})
    assert of(found, "q1") == {"u": means[0], "v": means[1]}


def test_the_rows_own_models_say_which_answer_is_first():
    """A row that names its models the other way round means these by A and B."""
    rows = [{"id": "q0", "label": "A", "model_a": "bee", "model_b": "ant"}]
    assert of(labelled(choices(), rows), "q0") == {"": "B"}


def test_classes_are_found_in_any_spelling_and_by_grades():
    """A class is one whatever its case, and 1 and 0 are the plainly good and bad one."""
    rows = [{"id": "a0", "label": "PASS"}, {"id": "a1", "label": 1}, {"id": "a2", "label": "0"}]
    found = labelled(classes(), rows)
    assert [of(found, f"a{n}")[""] for n in range(3)] == ["pass", "pass", "fail"]


def test_grades_are_numbers_beside_ratings():
    """Labels of a run of ratings are numbers, and the mean of several people's is the item's one label."""
    found = labelled(ratings(), [{"id": "r0", "label": {"u": 2, "v": "3.5"}}])
    assert (found.kind, found.labelled[0].verdict, found.labelled[0].label) == ("grades", 1.0, 2.75)


def test_a_row_may_hold_the_labels_of_several_people():
    """A list counts annotators by their places; empty labels are left out."""
    found = labelled(choices(), [{"id": "q0", "label": ["A", None, "B"]}])
    assert of(found, "q0") == {"1": "A", "3": "B"}


def test_pandalms_own_columns_are_three_annotators():
    """A file in a form that `--data` knows is read by its form."""
    row = {"idx": "q0", "instruction": "i", "response1": "x", "response2": "y"}
    rows = [
        {**row, "annotator1": 1, "annotator2": 2, "annotator3": 0},
        {**row, "idx": "q2", "annotator1": 1, "annotator2": 1, "annotator3": 2},
    ]
    assert of(labelled(choices(), rows), "q0") == {"annotator1": "A", "annotator2": "B", "annotator3": "tie"}


def test_columns_can_be_named():
    """--columns says which columns are the id and the label."""
    rows = [{"key": "q0", "vote": "B", "label": "A"}]
    assert of(labelled(choices(), rows, columns={"id": "key", "label": "vote"}), "q0") == {"": "B"}


def test_probabilities_of_drawing_are_kept():
    """Each item has the probability with which it was drawn, and the run says that some are stated."""
    found = labelled(choices(), [{"id": "q0", "label": "A", "probability": 0.25}])
    assert (found.drawn, found.labelled[0].probability, found.items[1].probability) == (True, 0.25, 1.0)


def test_every_form_of_file_is_read(tmp_path):
    """CSV, JSON and JSONL hold the same labels."""
    rows = [{"id": "q0", "label": "A", "annotator": "u"}, {"id": "q1", "label": "B", "annotator": "u"}]
    (tmp_path / "l.csv").write_text("id,label,annotator\n" + "".join(f"{','.join(r.values())}\n" for r in rows))
    (tmp_path / "l.json").write_text(json.dumps(rows))
    (tmp_path / "l.jsonl").write_text("\n".join(map(json.dumps, rows)))
    every = [labelled(choices(), tmp_path / f"l.{form}").items for form in ("csv", "json", "jsonl")]
    assert every[0] == every[1] == every[2] == labelled(choices(), rows).items


BAD = {
    "unknown id": (choices, [{"id": "q0", "label": "A"}, {"id": "q99", "label": "A"}], "unknown item 'q99'"),
    "other items": (choices, [{"id": "x1", "label": "A"}], "labels of other items: none of its 1 ids"),
    "no label": (choices, [{"id": "q0", "label": ""}], "no row has a label"),
    "no column": (choices, [{"id": "q0", "text": "A"}], "has no column 'label' (found id, text)"),
    "no id": (choices, [{"id": "q0", "label": "A"}, {"id": "", "label": "A"}], "column 'id' is empty"),
    "twice": (choices, [{"id": "q0", "label": "A"}] * 2, "item 'q0' is labelled twice, first in"),
    "twice by one": (choices, [{"id": "q0", "label": "A", "annotator": "u"}] * 2, "labels item 'q0' twice"),
    "nobody": (choices, [{"id": "q0", "label": "A", "annotator": None}], "column 'annotator' is empty"),
    "no answer": (choices, [{"id": "q0", "label": "C"}], "is no answer: expected A, B, tie, 1 to 2, chosen"),
    "0 and 1": (choices, [{"id": "q0", "label": 0}, {"id": "q1", "label": 1}], "can be counted in two ways"),
    "class": (classes, [{"id": "a0", "label": "fial"}], "did you mean fail? --label-map fial=fail"),
    "grade": (ratings, [{"id": "r0", "label": "good"}], "is no grade: the run's verdicts are ratings"),
    "never drawn": (choices, [{"id": "q0", "label": "A", "probability": 0}], "probability is 0"),
    "weight": (choices, [{"id": "q0", "label": "A", "probability": 4}], "must be above 0 and at most 1"),
    "some drawn": (choices, [{"id": "q0", "label": "A", "probability": ""}], "in every row or in none"),
    "drawn twice": (
        choices,
        [{"id": "q0", "label": "A", "annotator": each, "probability": p} for each, p in (("u", 0.5), ("v", 0.25))],
        "was drawn with probability 0.25 here and 0.5 in",
    ),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_labels_that_cannot_be_used_are_refused_with_their_row(bad):
    """A label that says nothing is one line with its place and what helps, never a figure."""
    run, rows, said = BAD[bad]
    with pytest.raises(DataError if bad != "no label" else ConfigError) as error:
        labelled(run(), rows)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_role_that_labels_do_not_have_is_refused():
    """--columns names the four columns of labels."""
    with pytest.raises(ConfigError, match="labels have the columns id, label, annotator, probability"):
        labelled(choices(), [{"id": "q0", "label": "A"}], columns={"prompt": "x"})


def test_both_orders_count_in_shares(tmp_path):
    """A judge that flips with the order has half of its verdicts for each completion, and a tie as its one verdict."""
    rows = [{"id": str(n), "prompt": f"p{n}", "response_a": "x", "response_b": "yy", "label": "B"} for n in range(4)]
    with chdir(tmp_path):
        run = jb.run("custom", judge="offline/first", data=rows, orders="both", out=str(Path("runs").absolute()))
    (first, *_) = labelled(run).items
    assert (dict(first.shares), first.verdict) == ({"A": 0.5, "B": 0.5}, "tie")


@pytest.mark.parametrize(("text", "said"), [('{"id": 1, "label": ', "line 1"), ("", "is empty")])
def test_a_broken_file_is_named_with_its_line(tmp_path, text, said):
    """A file that cannot be read says where, and not which column it lacks."""
    (tmp_path / "l.jsonl").write_text(text)
    with pytest.raises(DataError, match=said):
        labelled(choices(), tmp_path / "l.jsonl")


def test_options_of_a_file_need_the_file():
    """Columns and words without a file of labels are a usage error, not passed over."""
    with pytest.raises(ConfigError, match="name one with --labels"):
        labelled(choices(), columns={"label": "vote"})


@cache
def numbered():
    """Twelve answers with the ids 0 to 11, pass and fail in turn."""
    return imported([{"id": n, "verdict": "pass", "label": ("pass", "fail")[n % 2]} for n in range(12)])


FORMS = {
    "ids of a column with gaps": [{"id": f"{n}.0", "label": "pass"} for n in (3, 11)],
    "ids with zeros": [{"id": f"{n:03d}", "label": "PASS"} for n in (3, 11)],
    "truth": [{"id": n, "label": "TRUE"} for n in (3, 11)],
    "by id": {"3": "pass", "11": "pass"},
}


@pytest.mark.parametrize("form", FORMS)
def test_labels_are_read_however_tables_write_them(form):
    """Ids and classes that a spreadsheet or a program wrote in another way are those of the run."""
    found = labelled(numbered(), FORMS[form])
    assert [(item.key.id, item.label) for item in found.labelled] == [("3", "pass"), ("11", "pass")]


PEOPLE = {
    "columns": [{"id": 3, "annotator1": "pass", "annotator2": "fail"}],
    "by annotator": {"annotator1": {"3": "pass"}, "annotator2": {"3": "fail"}},
    "by item": {"3": {"annotator1": "pass", "annotator2": "fail"}},
}


@pytest.mark.parametrize("form", PEOPLE)
def test_several_people_are_read_in_each_form(form, tmp_path):
    """Labels of several people may stand in columns, or in a JSON object by annotator or by item."""
    path = tmp_path / "people.json"
    path.write_text(json.dumps(PEOPLE[form]), encoding="utf-8")
    for given in (PEOPLE[form], path):
        assert of(labelled(numbered(), given), "3") == {"annotator1": "pass", "annotator2": "fail"}


def test_two_ids_that_are_one_number_are_not_guessed():
    """Where the run itself has 7 and 07, another spelling is an unknown id."""
    run = imported(
        [{"id": each, "verdict": "pass", "label": each_label} for each, each_label in (("7", "pass"), ("07", "fail"))]
    )
    with pytest.raises(DataError, match=r"'7\.0'"):
        labelled(run, [{"id": "7.0", "label": "pass"}])


def test_models_are_named_in_any_case():
    """A model's name in other case is its answer, where no label is meant by it."""
    assert of(labelled(choices(), [{"id": "q0", "label": "BEE"}]), "q0") == {"": "B"}


def test_grades_may_have_a_decimal_comma():
    """Tables with semicolons write 3,5; a thousands separator is no grade."""
    assert of(labelled(ratings(), [{"id": "r0", "label": "3,5"}]), "r0") == {"": 3.5}
    with pytest.raises(DataError, match="no grade"):
        labelled(ratings(), [{"id": "r0", "label": "1,234"}])


def test_probabilities_that_leave_items_out_are_noted():
    """Two labels drawn with 1/2 stand for 4 of 12 items (standard error 2), which is said; with 1/6 for all."""
    rows = [{"id": n, "label": "pass"} for n in (3, 11)]
    short = labelled(numbered(), [{**row, "probability": 0.5} for row in rows])
    assert any("stand for about 4 of the run's 12" in note for note in short.notes)
    assert not labelled(numbered(), [{**row, "probability": 1 / 6} for row in rows]).notes
