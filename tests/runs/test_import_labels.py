"""Bare label verdicts that were made elsewhere: `id, verdict, label[, annotator, probability]`."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import judgebench
from scoring import write_rows

import judgebench as jb
from judgebench.errors import ConfigError

ROWS = [
    {"id": 1, "verdict": "pass", "label": "pass", "probability": 0.9},
    {"id": 2, "verdict": "PASS", "label": "fail", "probability": 0.6},
    {"id": 3, "verdict": "fail", "label": "fail", "probability": 0.8},
    {"id": 4, "verdict": None, "label": "fail"},
]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_label_verdicts_are_a_label_run():
    """Right 2 of 4; the missing one is wrong; by P(fail) .1, .4 and .8 both failed answers rank above the other."""
    (run,) = jb.import_verdicts(ROWS, judge="j")
    labels = run.metrics.extra["labels"]
    assert (run.metrics.score, run.metrics.coverage, run.manifest.template.mode) == (0.5, 0.75, "label")
    assert labels["confusion"] == {
        "pass": {"pass": 1, "fail": 0, "no verdict": 0},
        "fail": {"pass": 1, "fail": 1, "no verdict": 1},
    }
    assert (labels["positive"], labels["recall"]["score"]) == ("fail", pytest.approx(1 / 3))
    assert labels["roc_auc"]["score"] == 1.0
    read_again = jb.Run.load(run.path)
    assert [judgement.verdict for judgement in read_again.judgements] == ["pass", "pass", "fail", None]


def test_each_annotator_is_a_run_and_compares():
    """Two annotators over the same items; their labels are the same."""
    rows = [{**row, "annotator": name} for name in ("a", "b") for row in ROWS[:3]]
    runs = jb.import_verdicts(rows)
    assert [run.metrics.judge for run in runs] == ["a", "b"]
    assert jb.compare(*runs).whole.pairs[0].difference == 0


def test_classes_of_the_file_may_be_any_words():
    """Words that are neither answers nor ties; one that is no label is noted with the option that maps it."""
    rows = [("1", "incorrect", "correct"), ("2", "not_attempted", "correct"), ("3", "Correct", "correct")]
    rows.append(("4", "incorrect", "incorrect"))
    (run,) = jb.import_verdicts([dict(zip(("id", "verdict", "label"), row, strict=True)) for row in rows], judge="j")
    labels = run.metrics.extra["labels"]
    assert labels["classes"] == ["correct", "incorrect", "not_attempted"]
    assert (run.metrics.score, labels["confusion"]["correct"]["not_attempted"]) == (0.5, 1)
    assert any("no item's label is not_attempted" in note for note in run.metrics.notes)


def test_numbers_are_classes_where_the_user_says_so():
    """0 and 1 with --labels; people's 0 and 1 stand in human_score."""
    rows = [
        {"id": at, "verdict": said, "human_score": gold} for at, (said, gold) in enumerate(((1, 1), (0, 1), (1, 0)))
    ]
    write_rows(Path("v.jsonl"), rows)
    refused = judgebench("import", "v.jsonl", "--judge", "j")
    assert (refused.status, "--labels 0=fail,1=pass" in refused.err) == (2, True)
    ended = judgebench("import", "v.jsonl", "--judge", "j", "--labels", "0=fail,1=pass", "--json")
    (metrics,) = ended.metrics
    assert metrics["labels"]["confusion"] == {"pass": {"pass": 1, "fail": 1}, "fail": {"pass": 1, "fail": 0}}


def test_items_from_data_have_the_classes_of_the_benchmarks_template():
    """Joined by id to answers with a class; the benchmark's rule is the score: recalls 1 and 0 make 1/2."""
    data = [{"dataset": "a", "doc": "D", "claim": f"c{at}", "label": gold} for at, gold in enumerate((1, 1, 0))]
    verdicts = [{"id": at, "verdict": "faithful"} for at in (1, 2, 3)]
    (run,) = jb.import_verdicts(
        verdicts, judge="j", benchmark="llm-aggrefact", data=write_rows(Path("rows.jsonl"), data)
    )
    assert (run.metrics.score, run.metrics.extra["labels"]["classes"]) == (0.5, ["faithful", "unfaithful"])


def test_choices_stay_choices():
    """Letters, ties, sides and model names are answers, with or without labels in the file."""
    for words in (("A", "B"), ("left", "right"), ("model_a", "tie"), ("chosen", "rejected")):
        rows = [{"id": at, "verdict": word, "label": "A"} for at, word in enumerate(words)]
        try:
            (run,) = jb.import_verdicts(rows, judge="j", out=f"runs-{words[0]}")
        except ConfigError as error:
            assert "expected A, B" in str(error)  # noqa: PT017 - either way it is no label run
        else:
            assert run.manifest.template.mode == "pairwise"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": 5, "verdict": "pass", "label": "pass", "probability": 0.3}, "name the column probability_pass"),
        ({"id": 5, "verdict": "pass", "label": "pass", "probability": 1.5}, "probability is 1.5, expected 0 to 1"),
        ({"id": 1, "verdict": "pass", "label": "fail"}, "id '1' has another label"),
        ({"id": 1, "verdict": "fail", "label": "pass"}, "duplicate id '1'"),
    ],
)
def test_rows_that_cannot_be_used_are_named(row, message):
    """The row and what is wrong."""
    with pytest.raises(ConfigError, match=message):
        jb.import_verdicts([*ROWS, row], judge="j")


WORDS = [("pass", "fail"), ("toxic", "safe"), ("positive", "negative", "neutral"), ("good", "bad"), ("pass",)]


@pytest.mark.parametrize("words", WORDS, ids=str)
def test_classes_need_no_label(words):
    """Verdicts that are words for classes are a label run though no row has a label: people's may come later."""
    rows = [{"id": n, "verdict": words[n % len(words)]} for n in range(12)]
    (run,) = jb.import_verdicts(rows, judge="j")
    assert [judgement.verdict for judgement in run.judgements] == [row["verdict"] for row in rows]
    assert run.manifest.template.mode == "label"


def test_remarks_are_no_classes():
    """Words that hardly come again are no classes, so each row is named as one without a verdict."""
    with pytest.raises(ConfigError, match="expected A, B, tie"):
        jb.import_verdicts([{"id": n, "verdict": f"fine {n}"} for n in range(12)], judge="j")
