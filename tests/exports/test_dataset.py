"""`judgebench export --to dataset`: a folder that `datasets.load_dataset` reads back, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from commands import files_below, judgebench, pairs
from datasets import List, Value, load_dataset
from finishedruns import judge_run, score_run, written_run


def failing_first(judge: str = "mine") -> Path:
    """A run whose first reply has no verdict; nothing in it has reasoning, a ranking or a rating."""
    return written_run(judge, pairs(4), lambda key, _: -1 if key.id == "0" else 0)


def exported(*runs: Path, more: tuple[object, ...] = ()) -> Path:
    ended = judgebench("export", *runs, "--to", "dataset", "--out", "made", *more)
    assert ended.status == 0, ended.err
    return Path("made")


def loaded(folder: Path, name: str | None = None) -> Any:
    return load_dataset(str(folder), name, split="train", cache_dir="hub-cache")


def test_the_folder_loads_as_judgements(monkeypatch):
    """A row a reply, of all runs, without the network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    rows = loaded(exported(failing_first("mine"), failing_first("other")))
    assert [(row["judge"], row["item"]) for row in rows] == [
        (judge, item) for judge in ("mine", "other") for item in "0123"
    ]
    assert (rows[0]["failure"], rows[0]["verdict"], rows[1]["choice"]) == ("unreadable", None, 0)


@pytest.mark.parametrize(
    ("column", "feature"),
    [
        ("verdict", Value("string")),
        ("failure", Value("string")),
        ("reasoning", Value("string")),
        ("rating", Value("float64")),
        ("choice", Value("int64")),
        ("mass", Value("float64")),
        ("order", List(Value("int64"))),
        ("probabilities", List({"name": Value("string"), "value": Value("float64")})),
        ("cached", Value("bool")),
    ],
)
def test_features_are_right_where_the_first_rows_are_null(column, feature):
    """Also where every row is."""
    assert loaded(exported(failing_first())).features[column] == feature


@pytest.mark.parametrize(("name", "count"), [("outcomes", 4), ("scores", 5), ("items", 4)])
def test_the_other_tables_are_configurations(name, count):
    """Outcomes; scores (the whole, two sections, two subsets); items if they are asked for."""
    assert len(loaded(exported(failing_first(), more=("--items",)), name)) == count


def test_items_go_along_only_if_asked_for():
    """Their texts are others'; the replies of two runs share one copy of them."""
    first, second = failing_first("mine"), failing_first("other")
    assert "items.parquet" not in files_below(exported(first))
    ended = judgebench("export", first, second, "--to", "dataset", "--out", "more", "--items")
    assert ended.status == 0, ended.err
    (row,) = [row for row in loaded(Path("more"), "items") if row["item"] == "1"]
    assert row["conversation"] == [{"role": "user", "content": "Question 1?"}]
    assert [turns[0]["content"] for turns in row["completions"]] == [
        "A good answer: number 1.",
        "A bad answer: number 1.",
    ]
    assert row["num_correct"] == 1


def test_a_score_files_run_alone_begins_with_its_outcomes():
    """It has no judgements, and no empty file of them."""
    folder = exported(score_run("rm", [1, 0, 1]))
    assert files_below(folder) == ["README.md", "outcomes.parquet", "scores.parquet"]
    assert [row["credit"] for row in loaded(folder)] == [1.0, 0.0, 1.0]


def test_the_card_names_the_runs():
    """With their scores, as Markdown that names out of data cannot break."""
    run = judge_run("offline/longest")
    card = (exported(run) / "README.md").read_text()
    assert "| rewardbench | offline/longest | offline/longest | pairwise | one |" in card


@pytest.mark.parametrize("what", ["holds files", "is a file"])
def test_a_folder_that_is_taken_is_refused(what):
    """Nothing of it is replaced."""
    run = failing_first()
    if what == "is a file":
        Path("made").write_text("mine")
    else:
        Path("made").mkdir()
        Path("made/README.md").write_text("mine")
    before = files_below(Path())
    ended = judgebench("export", run, "--to", "dataset", "--out", "made")
    assert (ended.status, ended.err) == (2, f"judgebench: made: {what} already; name a new folder with --out\n")
    assert files_below(Path()) == before


def test_a_lone_surrogate_is_written_out():
    """Parquet holds UTF-8; the row is kept."""
    run = failing_first()
    path = run / "judgements.jsonl"
    path.write_text(path.read_text().replace('"[[A]]"', '"\\ud800 [[A]]"'))
    assert "\\ud800 [[A]]" in loaded(exported(run))["reply"]
