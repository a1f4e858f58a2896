"""Runs as typed tables: pandas, Arrow, and text that no file of UTF-8 can hold."""

from __future__ import annotations

import json
from dataclasses import replace

import pyarrow as pa
import pytest
from commands import best_of_four, pairs, ties
from finishedruns import judge_run, score_run, written_run

import judgebench as jb
from judgebench.runs import frames


def failing_first() -> jb.Run:
    """A run whose first reply has no verdict, the second a tie, the others the first completion."""
    said = {"0": -1, "1": None}
    return jb.Run.load(written_run("mine", pairs(4, ("alpacaeval-easy",)), lambda key, _: said.get(key.id, 0)))


def test_judgements_have_a_row_a_reply():
    """Verdict, choice and failure of each; what a reply lacks is null."""
    frame = failing_first().to_pandas()
    assert list(frame["item"]) == ["0", "1", "2", "3"]
    assert list(frame["failure"].fillna("")) == ["unreadable", "", "", ""]
    assert frame["verdict"].isna().tolist() == [True, False, False, False]
    assert frame["verdict"][1] == "tie"
    assert frame["choice"].isna().tolist() == [True, True, False, False]
    assert frame["choice"].tolist()[2:] == [0, 0]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        *((name, "str") for name in ("item", "verdict", "failure", "reasoning")),
        *((name, "int64") for name in ("sample", "prompt_tokens")),
        *((name, "float64") for name in ("rating", "mass", "cost_usd")),
        ("choice", "Int64"),
        ("cached", "bool"),
    ],
)
def test_a_column_has_its_type_whatever_it_holds(column, kind):
    """Also where the first rows, or all, are null; in pandas 2, text is `object`."""
    found = str(failing_first().to_pandas()[column].dtype)
    assert found == kind or (kind == "str" and found in {"object", "string"})


def test_a_rating_stands_under_its_own_name():
    """A number is no verdict by a letter."""
    rows = [*ties(1), *best_of_four(1)]
    run = jb.Run.load(
        written_run("mine", rows, lambda _, call: 7 if len(call.order) == 1 else 0, benchmark="rewardbench-2")
    )
    frame = run.to_pandas()
    rated = frame[frame["order"].map(len) == 1]
    assert set(rated["rating"]) == {7.0}
    assert rated["verdict"].isna().all()
    assert frame[frame["order"].map(len) == 4]["verdict"].isin(["A", "B", "C", "D"]).all()


def test_outcomes_have_a_row_an_item():
    """Its credit, its bounds, and what it came from: a failure counts 0.5, and might be 0 or 1."""
    frame = failing_first().to_pandas("outcomes").set_index("item")
    assert frame["credit"].tolist() == [0.5, 0.5, 1.0, 1.0]
    assert frame.loc["0", ["low", "high"]].tolist() == [0.0, 1.0]
    assert frame.loc["2", ["low", "high"]].tolist() == [1.0, 1.0]
    assert frame.loc["0", "verdicts"] == ["unreadable"]


def test_outcomes_of_scores_have_a_list_a_sample():
    """One score a completion."""
    frame = jb.Run.load(score_run("rm", [1, 0])).to_pandas("outcomes")
    assert frame["scores"].tolist() == [[[1.0, 0.5]], [[0.0, 0.5]]]


def test_scores_have_a_row_a_score():
    """The whole, the sections and the subsets, with their intervals."""
    frame = failing_first().to_pandas("scores")
    assert frame[["level", "name", "score"]].values.tolist() == [
        ["score", "", 0.75],
        ["section", "Chat", 0.75],
        ["subset", "alpacaeval-easy", 0.75],
    ]
    assert frame["items"].tolist() == [4, 4, 4]


def test_several_runs_in_one_table():
    """The first columns say whose row it is; a run that is named twice is there once."""
    first, second = judge_run("offline/first"), score_run("rm", [1] * 4)
    frame = jb.to_pandas([first, second, jb.Run.load(first)], "outcomes")
    assert list(frame.columns[:4]) == ["benchmark", "judge", "template", "protocol"]
    assert frame.groupby(["judge", "template"]).size().to_dict() == {
        ("offline/first", "pairwise"): 8,
        ("rm", "scores"): 4,
    }
    assert len(jb.to_pandas(first)) == 8


def test_a_score_files_run_has_no_judgements():
    """The table is there, with its columns and no row."""
    frame = jb.Run.load(score_run("rm", [1] * 4)).to_pandas()
    assert len(frame) == 0
    assert "verdict" in frame.columns


def test_an_unknown_table_is_a_mistake_with_the_nearest_name():
    """Before anything is read."""
    with pytest.raises(jb.ConfigError, match="unknown table 'outcome': did you mean outcomes"):
        failing_first().to_pandas("outcome")


def test_a_run_without_outcomes_says_what_mends_it():
    """One that was cut off."""
    run = failing_first()
    (run.path / "outcomes.jsonl").unlink()
    with pytest.raises(
        jb.ConfigError, match=r"outcomes\.jsonl: file not found, the run was cut off; .*judgebench rescore"
    ):
        run.to_pandas("outcomes")


def test_lone_surrogates_are_written_out():
    """No file of UTF-8 could hold them; the other rows are as they are."""
    table = frames.arrow([{"name": "\ud800x"}, {"name": "ok"}], pa.schema([("name", pa.string())]))
    assert table.to_pydict() == {"name": ["\\ud800x", "ok"]}


def test_named_numbers_are_a_dictionary():
    """Parts of a verdict, say; lists stay lists."""
    table = frames.arrow(
        [{"parts": [{"name": "a", "value": 1.0}], "verdicts": ["A"]}, {"parts": None, "verdicts": []}],
        pa.schema([frames.schema_of("outcomes").field("parts"), frames.schema_of("outcomes").field("verdicts")]),
    )
    frame = frames.pandas_of(table)
    assert frame["parts"].tolist() == [{"a": 1.0}, None]
    assert frame["verdicts"].tolist() == [["A"], []]


def test_every_key_of_a_judgement_is_a_column():
    """What `judgements.jsonl` holds can be had in a table, but for the tokens behind probabilities."""
    run = judge_run("offline/first")
    line = json.loads((run / "judgements.jsonl").read_text().splitlines()[0])
    usage = line.pop("usage")
    assert {*line, *usage} <= {*jb.Run.load(run).to_pandas().columns}


def test_other_verdicts_of_a_reply_are_a_list_of_texts():
    """Letters as they are, ratings as numbers are written; null where the reply names no other."""
    run = jb.Run.load(judge_run("offline/first"))
    first = next(iter(run.judgements))
    several = [replace(first, also=also) for also in (None, ["B", "tie"], [7.5, 10.0])]
    rows = list(frames.judgement_rows(several))
    assert [row["also"] for row in rows] == [None, ["B", "tie"], ["7.5", "10"]]
    assert frames.schema_of("judgements").field("also").type == pa.list_(pa.string())
