"""`judgebench filter`: rows in any form, judged and written back with the judge's columns beside them."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
import math
import os
import signal
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import GOOD, Ended, by_quality, judgebench, read_jsonl, without_progress, write_jsonl, write_judges
from faults import Reply
from scripted import ScriptedModels, judge_of_rows
from virtualtime import in_no_time

import judgebench as jb
from judgebench.engine.filterapi import filter_planned, forecast_planned_filter
from judgebench.engine.filterplan import plan_filter
from judgebench.engine.loops import finished
from judgebench.engine.options import FilterOptions, PlanOptions, RunOptions
from judgebench.engine.progress import Silent, Stop
from judgebench.sources.source import Row, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faults import Request

COLUMNS = [
    *("judge_choice", "judge_agrees", "judge_consistent", "judge_probability", "judge_rating", "judge_label"),
    *("judge_failure", "judge_cost_usd"),
]


def pair(number: int, *, better: str = "chosen", **more: Any) -> dict[str, Any]:
    """A row whose answers tell `by_quality` which is better."""
    texts = {"chosen": f"{GOOD} {number}.", "rejected": f"A bad answer: number {number}."}
    if better == "rejected":
        texts = {"chosen": texts["rejected"], "rejected": texts["chosen"]}
    return {"uid": f"u{number}", "prompt": f"Question {number}?", **texts, **more}


def filtered(*options: object, rows: str = "rows.jsonl", out: str = "kept.jsonl", judge: str = "mine") -> Ended:
    return judgebench("filter", rows, "-j", judge, "--out", out, *options)


@pytest.fixture
def models() -> Iterator[ScriptedModels]:
    """A judge that is always right, over eight pairs of which two are labelled wrongly."""
    rows = [
        pair(n, better="rejected" if n in {2, 5} else "chosen", source="chat" if n % 2 else "code", margin=n / 10)
        for n in range(8)
    ]
    with judge_of_rows(by_quality, rows) as running:
        yield running


@pytest.mark.usefixtures("models")
def test_rows_come_back_with_the_judges_columns() -> None:
    """One's own columns are as they were, in order; the judge's come after them."""
    ended = filtered("--orders", "both")
    assert ended.status == 0, ended.err
    kept, rows = read_jsonl(Path("kept.jsonl")), read_jsonl(Path("rows.jsonl"))
    assert [list(row) for row in kept] == [[*row, *COLUMNS] for row in rows]
    assert [{name: row[name] for name in rows[0]} for row in kept] == rows
    assert [row["judge_choice"] for row in kept] == ["rejected" if n in {2, 5} else "chosen" for n in range(8)]
    assert [row["judge_agrees"] for row in kept] == [n not in {2, 5} for n in range(8)]
    said = {name: kept[0][name] for name in COLUMNS[2:]}
    assert said == {
        "judge_consistent": True,
        "judge_probability": 1.0,
        "judge_rating": None,
        "judge_label": None,
        "judge_failure": None,
        "judge_cost_usd": None,
    }


def test_a_condition_keeps_some_rows_and_another_costs_nothing(models: ScriptedModels) -> None:
    """What was judged stays beside the output: no call is made for another condition, and no reply is looked up."""
    assert filtered("--keep", "judge_agrees and source == 'chat'").status == 0
    assert [row["uid"] for row in read_jsonl(Path("kept.jsonl"))] == ["u1", "u3", "u7"]
    assert models.count == 8
    ended = filtered("--keep", "not judge_agrees", "--offline", "--cache-dir", "other-cache")
    assert ended.status == 0, ended.err
    assert [row["uid"] for row in read_jsonl(Path("kept.jsonl"))] == ["u2", "u5"]
    assert models.count == 8


@pytest.mark.usefixtures("models")
def test_what_was_dropped_is_counted_by_reason() -> None:
    """Each dropped row counts once, under the first part of the condition that is not true."""
    ended = filtered("--keep", "source == 'chat' and judge_agrees and margin > 0.2", "--json")
    found = json.loads(ended.out)
    assert (found["state"], found["rows"], found["kept"]) == ("done", 8, 2)
    assert found["dropped"] == {
        "source == 'chat' is not true": 4,
        "judge_agrees is not true": 1,
        "margin > 0.2 is not true": 1,
    }


MISTAKES = [
    (["--keep", "judge_agree"], "there is no column 'judge_agree': did you mean judge_agrees?"),
    (["--keep", "margn > 3"], "the columns are uid, prompt, chosen, rejected, source, margin, judge_choice"),
    (["--keep", "source in ('chat')"], "'chat' is one text, expected a list after 'in': write source == 'chat'"),
    (["--keep", "my column > 3"], "it may have columns (col('my column'))"),
    (["--keep", "margin > 'a'"], "margin is a number and 'a' is text"),
    (["--keep", "judge_rating > 7"], "judge_rating is null in every row: verdicts of template 'pairwise' are choices"),
    (["--keep", "judge_consistent"], "null in every row: each row gets one reply; add --orders both"),
    (["--keep", "judge_probability > 0.9"], "add --orders both or --samples, or --logprobs"),
    (["--out", "kept.txt"], "--out kept.txt: must end in .parquet, .jsonl, .csv"),
    (["--out", "rows.jsonl"], "--out and IN are the same file"),
    (["--html", "rows.jsonl"], "rows.jsonl: holds something else than a page, which would be lost"),
    (["--html", "kept.jsonl"], "--html kept.jsonl: is written already, with rows"),
    (["--html", "there/page.html"], "the folder there does not exist"),
    (["--out", "there/kept.jsonl"], "the folder there does not exist"),
    (["--out", "s3://bucket/kept.jsonl"], "--out s3://bucket/kept.jsonl: is no file of this machine"),
    (["-j", "offline/first"], "filter takes one judge"),
    (["-t", "pairwise", "-t", "pairwise-ties"], "filter takes one template"),
    (["--agreement", "0.9"], "8 rows have a label, and at least 29 are needed"),
    (["--people-labels", "x.csv"], "--people-labels needs --agreement"),
    (["--agreement", "0.5", "--keep", "judge_agrees"], "which only labelled rows have"),
    (["-t", "rating-10", "--preferences", "p.csv"], "--preferences p.csv: must end in .jsonl or .parquet"),
]


@pytest.mark.parametrize(("options", "said"), MISTAKES, ids=[" ".join(options) for options, _ in MISTAKES])
def test_mistakes_are_found_before_a_call(models: ScriptedModels, options: list[str], said: str) -> None:
    """They are one line and exit status 2, and nothing is written."""
    ended = filtered(*options)
    assert ended.status == 2
    assert said in ended.err
    assert len(without_progress(ended.err)) == 1
    assert models.count == 0
    assert not Path("kept.jsonl.parts").exists()


def test_what_is_read_is_not_written_over() -> None:
    """Neither as an address of this machine, nor in a folder that is read, nor labels; nothing of them is lost."""
    Path("in").mkdir()
    rows = write_jsonl(Path("in/rows.jsonl"), [pair(n) for n in range(40)])
    labels = write_jsonl(Path("labels.jsonl"), [{"id": f"u{n}", "label": "chosen"} for n in range(40)])
    before = rows.read_bytes(), labels.read_bytes()
    for given, out, options in (
        (rows.resolve().as_uri(), "in/rows.jsonl", ()),
        ("in", "in/kept.jsonl", ()),
        (str(rows), "kept.jsonl", ("--agreement", 0.9, "--people-labels", labels, "--preferences", labels)),
    ):
        ended = filtered(*options, rows=given, out=out, judge="offline/longest")
        said = "is in the folder in, which is read" if given == "in" else "are the same file"
        assert (ended.status, said in ended.err) == (2, True), ended.err
    assert (rows.read_bytes(), labels.read_bytes()) == before
    assert not Path("in/kept.jsonl").exists()


@pytest.mark.usefixtures("models")
def test_columns_that_are_there_already() -> None:
    """A second judge's columns stand beside the first's under a prefix of their own."""
    assert filtered(out="once.jsonl").status == 0
    ended = filtered(rows="once.jsonl", out="twice.jsonl", judge="offline/longest")
    assert ended.status == 2
    assert "once.jsonl already has the column 'judge_choice'" in ended.err
    keep = "judge_choice == longest_choice"
    options = ("--prefix", "longest_", "--keep", keep)
    assert filtered(*options, rows="once.jsonl", out="twice.jsonl", judge="offline/longest").status == 0
    twice = read_jsonl(Path("twice.jsonl"))
    assert [*twice[0]][-16::8] == ["judge_choice", "longest_choice"]
    assert {row["judge_choice"] == row["longest_choice"] for row in twice} == {True}


def test_a_mistake_in_a_row(models: ScriptedModels) -> None:
    """It stops all before the first call; `--bad-rows skip` leaves such rows out and lists them."""
    rows = read_jsonl(Path("rows.jsonl"))
    rows[3]["rejected"] = ""
    del rows[6]["chosen"]
    write_jsonl(Path("rows.jsonl"), rows)
    ended = filtered()
    assert ended.status == 2
    assert "rows.jsonl line 4: the answer in 'rejected' is empty" in ended.err
    assert "2 of 8 rows cannot be used; --bad-rows skip leaves such rows out" in ended.err
    assert models.count == 0
    ended = filtered("--bad-rows", "skip", "--json")
    assert [row["uid"] for row in read_jsonl(Path("kept.jsonl"))] == ["u0", "u1", "u2", "u4", "u5", "u7"]
    found = json.loads(ended.out)
    assert found["dropped"] == {"row cannot be used": 2}
    assert [each["where"] for each in found["bad"]] == ["rows.jsonl line 4", "rows.jsonl line 7"]


def test_types_of_parquet_are_kept() -> None:
    """Each of one's own columns has the type that it had, nested ones too, in the same order."""
    rows = 6
    table = pa.table(
        {
            "n": pa.array(range(rows), pa.int16()),
            "prompt": [f"Question {n}?" for n in range(rows)],
            "chosen": pa.array(["a longer answer"] * rows, pa.large_string()),
            "rejected": ["short"] * rows,
            "when": [dt.date(2026, 1, 1 + n) for n in range(rows)],
            "kind": pa.array(["x", "y"] * 3).dictionary_encode(),
            "meta": [{"tags": ["a"] * (n % 3), "score": None if n else 0.5} for n in range(rows)],
            "margin": pa.array([None, *range(1, rows)], pa.float32()),
        }
    )
    pq.write_table(table, "rows.parquet", row_group_size=2)
    ended = filtered(
        "--keep",
        "when > '2026-01-02' and meta.score is null",
        rows="rows.parquet",
        out="kept.parquet",
        judge="offline/longest",
    )
    assert ended.status == 0, ended.err
    kept = pq.read_table("kept.parquet")
    assert kept.column_names == [*table.column_names, *COLUMNS]
    assert kept.select(table.column_names).equals(pq.read_table("rows.parquet").slice(2))
    assert [str(kept.schema.field(name).type) for name in COLUMNS] == [
        *("string", "bool", "bool", "double", "double", "string", "string", "double")
    ]


def written(name: str, rows: list[dict[str, Any]]) -> str:
    """Rows in a file of the form that its name says."""
    path = Path(name)
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif ".csv" in name:
        with gzip.open(path, "wt") if name.endswith(".gz") else path.open("w") as file:
            table = csv.DictWriter(file, [*rows[0]])
            table.writeheader()
            table.writerows(rows)
    elif name.endswith(".json"):
        path.write_text(json.dumps({"data": rows}))
    elif name.endswith(".gz"):
        path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    else:
        write_jsonl(path, rows)
    return name


def read_back(name: str) -> list[dict[str, Any]]:
    if name.endswith(".parquet"):
        return pq.read_table(name).to_pylist()
    text = gzip.decompress(Path(name).read_bytes()).decode() if name.endswith(".gz") else Path(name).read_text()
    if ".csv" in name:
        return [*csv.DictReader(text.splitlines())]
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("out", ["kept.parquet", "kept.jsonl", "kept.jsonl.gz", "kept.csv", "kept.csv.gz"])
@pytest.mark.parametrize("name", ["rows.jsonl.gz", "rows.csv", "rows.csv.gz", "rows.json", "rows.parquet"])
def test_any_form_in_and_out(name: str, out: str) -> None:
    """Rows of every form are written in every form; a number in a cell of CSV is compared as one."""
    rows = [
        {"question": f"Q{n}?", "answer_a": "long " * (n + 1), "answer_b": "short answer", "winner": "A", "price": n}
        for n in range(4)
    ]
    ended = filtered("--keep", "price > 1 and judge_agrees", rows=written(name, rows), out=out, judge="offline/longest")
    assert ended.status == 0, ended.err
    kept = read_back(out)
    assert [(str(row["price"]), row["judge_choice"]) for row in kept] == [("2", "A"), ("3", "A")]
    assert [row["answer_a"] for row in kept] == ["long " * 3, "long " * 4]


def test_values_that_json_has_not() -> None:
    """NaN and infinity are null and bytes are Base64, so that strict readers take the file; CSV has an empty cell."""
    own = {"ratio": [math.nan], "deep": [{"list": [math.inf, 1.5]}], "raw": [b"\x00\xff"]}
    pq.write_table(pa.table({"prompt": ["Q"], "chosen": ["long answer"], "rejected": ["short"], **own}), "rows.parquet")
    for out in ("kept.jsonl", "kept.csv"):
        assert filtered(rows="rows.parquet", out=out, judge="offline/longest").status == 0
    (row,) = read_back("kept.jsonl")
    assert (row["ratio"], row["deep"], row["raw"]) == (None, {"list": [None, 1.5]}, "AP8=")
    (row,) = read_back("kept.csv")
    assert (row["ratio"], row["deep"], row["raw"]) == ("", '{"list": [null, 1.5]}', "AP8=")


def test_halves_of_surrogate_pairs() -> None:
    """Texts off the web have them; Parquet, which cannot hold them, has them written out, in the judged pairs too."""
    rows = [pair(n, group=f"\ud800 {n // 2}", deep={"list": ["\udfff", None]}) for n in range(2)]
    rows[0]["prompt"] = "Half \ud800?"
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ("--group-column", "group", "--preferences", "pairs.parquet")
    ended = filtered(*options, out="kept.parquet", judge="offline/longest")
    assert ended.status == 0, ended.err
    kept = pq.read_table("kept.parquet").to_pylist()
    assert (kept[0]["prompt"], kept[0]["deep"]) == (r"Half \ud800?", {"list": [r"\udfff", None]})
    assert pq.read_table("pairs.parquet")["prompt"].to_pylist() == [r"Half \ud800?", "Question 1?"]


def test_files_whose_columns_differ() -> None:
    """Parts of one set may differ in their columns, in their order and types: each has the type that takes all."""
    texts = {"prompt": ["Q1?", "Q2?"], "chosen": ["a long answer", "one"], "rejected": ["short", "a longer one"]}
    first = pa.table(
        {**texts, "n": pa.array([1, 2], pa.int8()), "note": pa.nulls(2), "same": pa.array([1, 2], pa.int8())}
    )
    others = {"n": pa.array([300, None], pa.int16()), "note": ["x", "y"], "same": pa.array([3, 4], pa.int8())}
    second = pa.table({**others, **dict(reversed(texts.items())), "late": [1.5, None]})
    Path("parts").mkdir()
    pq.write_table(first, "parts/1.parquet")
    pq.write_table(second, "parts/2.parquet")
    for rows in ("parts", "parts/*.parquet"):
        assert filtered(rows=rows, out="kept.parquet", judge="offline/longest").status == 0
        kept = pq.read_table("kept.parquet")
        assert [str(kept.schema.field(name).type) for name in ("n", "note", "same", "late")] == [
            *("int16", "string", "int8", "double")
        ]
        expected = first.to_pylist() + second.to_pylist()
        own = [*first.column_names, "late"]
        assert kept.select(own).to_pylist() == [{name: row.get(name) for name in own} for row in expected]
        assert kept["judge_choice"].to_pylist() == ["chosen", "rejected"] * 2
    ended = filtered(rows="parts/*.parquet", out="parts/kept.parquet", judge="offline/longest")
    assert (ended.status, "fits the pattern parts/*.parquet, which is read" in ended.err) == (2, True)


def test_files_whose_types_do_not_go_together() -> None:
    """Such rows are written as they are where the form has no types; for Parquet it is said before a call."""
    Path("parts").mkdir()
    for number, note in enumerate([True, "text"]):
        pq.write_table(pa.Table.from_pylist([pair(number, note=note)]), f"parts/{number}.parquet")
    ended = filtered(rows="parts", out="kept.parquet", judge="offline/longest")
    assert (ended.status, "holds values of several types" in ended.err) == (2, True)
    assert filtered(rows="parts", judge="offline/longest").status == 0
    assert [row["note"] for row in read_jsonl(Path("kept.jsonl"))] == [True, "text"]


def test_two_columns_of_one_name() -> None:
    """They cannot be told apart in a condition or in JSON, which is said before a call."""
    columns = [*(pa.array([text]) for text in pair(0).values()), pa.array([1]), pa.array([2])]
    pq.write_table(pa.Table.from_arrays(columns, [*pair(0), "x", "x"]), "rows.parquet")
    ended = filtered("--keep", "x == 1", rows="rows.parquet", judge="offline/longest")
    assert (ended.status, "rows.parquet has several columns 'x'" in ended.err) == (2, True)


def test_columns_of_several_types() -> None:
    """Parquet has no type for them, which is said before a call; JSON lines take them."""
    rows = [pair(0, note="text"), pair(1, note=3)]
    write_jsonl(Path("rows.jsonl"), rows)
    ended = filtered(out="kept.parquet", judge="offline/longest")
    assert (ended.status, "column 'note' holds values of several types" in ended.err) == (2, True)
    assert filtered(judge="offline/longest").status == 0


def test_fields_that_no_row_has() -> None:
    """A wrong name in an object is a mistake as one of a column is; a field that some rows have is none."""
    rows = [pair(0, meta={"lang": "en", "of": {"site": "x"}}), pair(1, meta=None), pair(2, meta={"late": 1})]
    write_jsonl(Path("rows.jsonl"), rows)
    for keep, said in (
        ("meta.lnag == 'en'", "meta has no field 'lnag' in any row: it has lang, late, of"),
        ("meta['of'].page == 'x'", "meta.of has no field 'page' in any row: it has site"),
    ):
        ended = filtered("--keep", keep, judge="offline/longest")
        assert (ended.status, said in ended.err) == (2, True), ended.err
    assert filtered("--keep", "meta.late == 1 or meta.of.site == 'x'", judge="offline/longest").status == 0
    assert [row["uid"] for row in read_jsonl(Path("kept.jsonl"))] == ["u0", "u2"]


def test_a_row_may_lack_a_column() -> None:
    """What is not there is empty: null in a condition, in Parquet and in CSV."""
    write_jsonl(Path("rows.jsonl"), [pair(0), pair(1, extra={"deep": [1, None]}), pair(2, late=1.5)])
    assert filtered(out="kept.parquet", judge="offline/longest").status == 0
    kept = pq.read_table("kept.parquet").to_pylist()
    assert [(row["extra"], row["late"]) for row in kept] == [(None, None), ({"deep": [1, None]}, None), (None, 1.5)]
    assert filtered("--keep", "late is null", out="kept.csv", judge="offline/longest").status == 0
    assert [(row["uid"], row["extra"]) for row in read_back("kept.csv")] == [("u0", ""), ("u1", '{"deep": [1, null]}')]


# --- what verdicts become


def judged(answer: Callable[[Request], Reply | str], rows: list[dict[str, Any]], *options: object) -> list[list[Any]]:
    """The judge's columns of rows, but for the cost."""
    with judge_of_rows(answer, rows):
        ended = filtered(*options)
    assert ended.status == 0, ended.err
    return [[row[name] for name in COLUMNS[:-1]] for row in read_jsonl(Path("kept.jsonl"))]


def lettered(label: str | None, **more: Any) -> dict[str, Any]:
    return {"prompt": "Q?", "response_a": "one", "response_b": "two", "label": label, **more}


def test_choices_are_letters_where_rows_have_no_chosen_answer() -> None:
    """`A` is the row's first answer, whichever is the better one by its label; agreement is with that label."""
    rows = [lettered(label) for label in ("A", "B", "tie", None)]
    found = judged(lambda request: "[[A]]" if "<answer_A>\none" in request.text else "[[B]]", rows, "--orders", "both")
    assert [row[:3] for row in found] == [["A", True, True], ["A", False, True], ["A", False, True], ["A", None, True]]


def test_orders_that_disagree_are_a_tie() -> None:
    """A judge that goes by the place is not consistent, and each answer is as probable."""
    found = judged(lambda _: "[[A]]", [lettered("tie"), lettered("A")], "--orders", "both", "-t", "pairwise-ties")
    assert found == [["tie", agrees, False, 0.5, None, None, None] for agrees in (True, False)]


def test_failures_have_their_kind() -> None:
    """Where no reply has a verdict all is null but the failure; where one has, the choice is its."""
    first = "<answer_A>\none"
    found = judged(lambda request: "[[A]]" if first in request.text else "Hm.", [lettered("A")], "--orders", "both")
    assert found == [["A", True, None, 0.75, None, None, "unreadable"]]
    with judge_of_rows(lambda _: "Hm.", [lettered("A", prompt="Another?"), lettered(None, prompt="Another?")]):
        ended = filtered(out="none.jsonl")
    assert ended.status == 1  # as of a run where nothing has a verdict
    assert [row["judge_failure"] for row in read_jsonl(Path("none.jsonl"))] == ["unreadable"] * 2


def test_ratings_classes_and_steps() -> None:
    """One answer's rating, class or first wrong step; agreement is with a class or step, and never with a grade."""
    answers = [{"prompt": "Q?", "response": f"Answer {n}.", "human_score": n} for n in (7, 3)]
    assert judged(lambda _: "[[7]]", answers, "-t", "rating-10") == [[None, None, None, None, 7.0, None, None]] * 2
    Path("kept.jsonl").unlink()
    classes = [{"prompt": "Q?", "response": f"Answer {n}.", "label": n} for n in ("pass", "fail")]
    found = judged(lambda _: "Verdict: PASS", classes, "-t", "pass-fail", "--samples", "2")
    assert found == [[None, agrees, True, 1.0, None, "pass", None] for agrees in (True, False)]


def test_pairs_that_are_rated() -> None:
    """The choice is the answer rated higher, and the rating is that answer's."""
    found = judged(lambda request: "[[8]]" if "two" in request.text else "[[3]]", [lettered("B")], "-t", "rating-10")
    assert found == [["B", True, None, None, 8.0, None, None]]


def test_ratings_that_disagree() -> None:
    """With several samples the mean rating decides, and they are consistent where each rates the same answer higher."""
    first, second = {"one": [5, 2], "two": [3, 3]}, {"one": [5, 6], "two": [3, 3]}

    def rated(request: Request) -> str:
        ratings = first if "Q1?" in request.text else second
        return f"[[{ratings['one' if 'one' in request.text else 'two'].pop()}]]"

    rows = [lettered(None, prompt=f"Q{n}?") for n in (1, 2)]
    found = judged(rated, rows, "-t", "rating-10", "--samples", "2", "--preferences", "pairs.jsonl")
    assert [(row[0], row[2], row[4]) for row in found] == [("A", False, 3.5), ("A", True, 5.5)]
    assert [row["prompt"] for row in read_jsonl(Path("pairs.jsonl"))] == ["Q2?"]


def test_best_of_several() -> None:
    """Of several rejected answers the choice says which."""
    row = {"prompt": "Q?", "chosen": ["one"], "rejected": ["two", "three", "four"]}
    assert judged(lambda request: f"[[{place_of(request, 'three')}]]", [row])[0][:2] == ["rejected[1]", False]


def place_of(request: Request, text: str) -> str:
    return next(letter for letter in "ABCD" if f"<answer_{letter}>\n{text}\n" in request.text)


def test_the_cost_of_a_row() -> None:
    """What its replies cost, those out of the cache at their price."""
    write_jsonl(Path("rows.jsonl"), [pair(0), pair(1)])
    usage = Reply("[[A]]", usage={"prompt_tokens": 1_000, "completion_tokens": 100})
    with ScriptedModels(lambda _: usage) as models:
        write_judges(models.url, mine={"price": {"input": 1, "output": 10}})
        for out in ("one.jsonl", "two.jsonl"):
            assert filtered("--orders", "both", out=out).status == 0
            assert [row["judge_cost_usd"] for row in read_jsonl(Path(out))] == [pytest.approx(0.004)] * 2
        assert models.count == 4


def test_a_dry_run_says_what_would_be_sent() -> None:
    """Net of what the cache and the parts have; nothing is written."""
    write_jsonl(Path("rows.jsonl"), [pair(0), pair(1)])
    filtered("--orders", "both", out="one.jsonl", judge="offline/longest")
    options = ("--orders", "both", "--dry-run", "--json")
    for more, out, expected in ((("--samples", "2"), "two.jsonl", (8, 0, 4)), ((), "one.jsonl", (4, 4, 0))):
        found = json.loads(filtered(*options, *more, out=out, judge="offline/longest").out)
        assert (found["judgements"], found["done"], found["calls"]) == expected
    assert not Path("two.jsonl.parts").exists()


# --- in chunks, broken off and gone on with


def chunked(out: str, *, stop_after: int | None = None, **more: Any) -> jb.Filtered:
    """Filters `rows.jsonl` in chunks of three rows; `stop_after` so many replies the user ends it."""
    options = {"judges": ("mine",), "data": "rows.jsonl", "orders": "both", **more}
    plan = plan_filter(PlanOptions(**options), FilterOptions(out=out, keep="judge_agrees"), chunk_rows=3)
    stop = Stop()

    class Watcher(Silent):
        left = -1 if stop_after is None else stop_after

        def judged(self, *_: object) -> None:
            self.left -= 1
            if self.left == 0:
                stop.ask()

    return finished(filter_planned(plan, RunOptions(concurrency=1), progress=Watcher(), stop=stop))


class Cells(dict[str, Any]):
    """A row that can be watched."""


class WatchedRows(Source):
    """Rows of which it is known how many are in memory when the last one is read; the first tell what all are."""

    name = "watched"

    def __init__(self) -> None:
        self.alive: list[int] = []

    def rows(self) -> Iterator[Row]:
        known = []
        for number in range(40):
            cells = Cells(pair(number))
            known.append(weakref.ref(cells))
            yield Row(f"row {number}", cells)
        self.alive.append(sum(each() is not None for each in known))


def test_memory_does_not_grow_with_the_rows() -> None:
    """While a chunk is read that before it is gone: in the check, the forecast and the judging."""
    rows = WatchedRows()
    asked = PlanOptions(judges=("offline/longest",), data=rows)
    plan = plan_filter(asked, FilterOptions(out="kept.jsonl"), chunk_rows=9)
    forecast_planned_filter(plan, RunOptions())
    finished(filter_planned(plan, RunOptions()))
    first, *chunked, written = rows.alive  # 300 rows tell what columns are, and 1,024 are written at a time
    assert (first, len(chunked), max(chunked) < 9, written) == (40, 3, True, 40)


@pytest.mark.parametrize("after", [1, 6, 7, 13])
def test_what_was_broken_off_goes_on(models: ScriptedModels, after: int) -> None:
    """Wherever it was ended, in a chunk or between two: nothing is asked twice, and the output is that of one go."""
    first = chunked("kept.jsonl", stop_after=after)
    assert (first.state, Path("kept.jsonl").exists()) == ("interrupted", False)
    assert first.judged == after // 6 * 3
    assert chunked("kept.jsonl").state == "done"
    assert models.count == 16
    assert chunked("whole.jsonl").kept == 6
    assert Path("kept.jsonl").read_bytes() == Path("whole.jsonl").read_bytes()
    assert not Path("kept.jsonl.parts/runs").exists()


def test_a_budget_is_of_all_chunks(models: ScriptedModels) -> None:
    """It ends the filter with status 1 and the same command goes on; what it paid for is not paid again."""
    reply = Reply("[[A]]", usage={"prompt_tokens": 0, "completion_tokens": 1_000})
    models.answer = lambda _: reply
    write_judges(models.url, mine={"price": {"input": 0, "output": 1}, "params": {"max_tokens": 1_000}})
    asked = PlanOptions(judges=("mine",), data="rows.jsonl")
    plan = plan_filter(asked, FilterOptions(out="kept.jsonl"), chunk_rows=3)
    found = finished(filter_planned(plan, RunOptions(concurrency=1, budget=0.0045)))
    assert (found.state, found.judged, models.count) == ("stopped", 3, 4)
    assert found.spent_usd == pytest.approx(0.004)
    assert finished(filter_planned(plan, RunOptions())).state == "done"
    assert models.count == 8


@pytest.mark.usefixtures("models")
def test_changed_rows_are_judged_again() -> None:
    """A part is of its rows, judge, template and orders: after a change what is as before is taken, the rest asked."""
    chunked("kept.jsonl")
    parts = {path.name for path in Path("kept.jsonl.parts").iterdir()}
    rows = read_jsonl(Path("rows.jsonl"))
    rows[7]["prompt"] = "Another question?"
    write_jsonl(Path("rows.jsonl"), rows)
    chunked("kept.jsonl")
    new = {path.name for path in Path("kept.jsonl.parts").iterdir()} - parts
    assert [name.partition("-")[0] for name in new] == ["000002"]
    chunked("kept.jsonl", seed=1)
    assert len([*Path("kept.jsonl.parts").iterdir()]) == len(parts) + 4


def test_batches_make_the_same_output(models: ScriptedModels) -> None:
    """Chunks are with the provider at the same time, each request goes out once, and rows come in their order."""
    chunked("live.jsonl")
    plan = plan_filter(
        PlanOptions(judges=("mine",), data="rows.jsonl", orders="both"),
        FilterOptions(out="kept.jsonl", keep="judge_agrees"),
        chunk_rows=3,
    )
    found, _ = in_no_time(filter_planned(plan, RunOptions(batch=True, cache_dir="of-batches")))
    assert (found.state, found.kept) == ("done", 6)
    assert Path("kept.jsonl").read_bytes() == Path("live.jsonl").read_bytes()
    assert [len(each.keys) for each in models.desk.batches.values()] == [6, 6, 4]
    assert len({*models.desk.submitted}) == 16


def test_a_killed_process(models: ScriptedModels) -> None:
    """After `kill -9` the same command goes on, and no reply that had come is paid for again."""
    pid = os.fork()
    if pid == 0:

        def slow(request: Request) -> str:
            time.sleep(0.002)
            with Path("asked").open("a") as file:
                file.write("x")
            return by_quality(request)

        models.answer = slow
        chunked("kept.jsonl")
        os._exit(0)
    deadline = time.monotonic() + 60
    while not (Path("asked").exists() and Path("asked").stat().st_size >= 8) and time.monotonic() < deadline:
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    before = Path("asked").stat().st_size
    assert not Path("kept.jsonl").exists()
    assert chunked("kept.jsonl").kept == 6
    assert models.count <= 16 - (before - 1)  # the one in flight may be lost


def test_calls_that_were_not_answered_are_asked_again(models: ScriptedModels) -> None:
    """A provider that gave no reply is a failure in the output; the same command asks once more for these alone."""
    assert filtered("--offline").status == 1
    assert {row["judge_failure"] for row in read_jsonl(Path("kept.jsonl"))} == {"not_cached"}
    assert filtered().status == 0
    assert (models.count, {row["judge_failure"] for row in read_jsonl(Path("kept.jsonl"))}) == (8, {None})


def test_a_trial_on_some_rows(models: ScriptedModels) -> None:
    """`--limit` draws rows by the seed, and writes them in the order of the file."""
    assert filtered("--limit", "3", out="a.jsonl").status == 0
    drawn = [row["uid"] for row in read_jsonl(Path("a.jsonl"))]
    assert len(drawn) == 3 == models.count
    assert drawn == sorted(drawn)
    filtered("--limit", "3", "--seed", "5", out="b.jsonl")
    assert [row["uid"] for row in read_jsonl(Path("b.jsonl"))] != drawn


def test_shards_make_the_whole(models: ScriptedModels) -> None:
    """Parts of the rows in order, on machines that share nothing: their outputs one after another are that of all."""
    assert "--shard needs -t" in filtered("--shard", "1/3").err
    assert filtered("-t", "pairwise", out="whole.jsonl").status == 0
    parts = [f"part-{number}.jsonl" for number in (1, 2, 3)]
    for number, out in enumerate(parts, 1):
        options = ("--shard", f"{number}/3", "-t", "pairwise", "--cache-dir", f"cache-{number}")
        assert filtered(*options, out=out).status == 0
    assert b"".join(Path(out).read_bytes() for out in parts) == Path("whole.jsonl").read_bytes()
    assert models.count == 16


# --- a threshold from labels


def labelled_rows(count: int, *, known: int) -> list[dict[str, Any]]:
    """Pairs of which the first `known` are labelled; every third is one that `wavering` cannot tell."""
    return [
        lettered("A" if n < known else None, id=f"r{n}", prompt=f"{'Hard' if n % 3 == 0 else 'Easy'} question {n}?")
        for n in range(count)
    ]


def wavering(request: Request) -> str:
    """Right on easy questions; goes by the place on hard ones."""
    return "[[A]]" if "Hard" in request.text or "<answer_A>\none" in request.text else "[[B]]"


def test_a_threshold_with_its_guarantee() -> None:
    """Rows that the judge is not sure of are dropped; what is kept agrees as often as asked, which labels show."""
    with judge_of_rows(wavering, labelled_rows(90, known=60)):
        ended = filtered("--orders", "both", "--agreement", "0.9", "--json")
    found = json.loads(ended.out)
    assert ended.status == 0
    assert found["kept"] == 60
    assert found["dropped"] == {"not sure enough (--agreement)": 30}
    agreement = found["agreement"]
    assert (agreement["guaranteed"], agreement["answered"], agreement["right"], agreement["by"]) == (
        *(True, 40, 40),
        "disagreement",
    )
    assert "at least 90% of the verdicts that are sure enough agree with people" in agreement["reason"]


def test_a_threshold_from_a_file_of_labels() -> None:
    """People's labels of some rows, by id; where none is shown, status 4 says how many labels it takes."""
    rows = labelled_rows(90, known=0)
    people = [{"id": f"r{n}", "label": "B" if n % 2 else "response_a"} for n in range(60)]
    with judge_of_rows(wavering, rows):
        write_jsonl(Path("people.jsonl"), people)
        options = ("--orders", "both", "--agreement", "0.9", "--people-labels", "people.jsonl")
        ended = filtered(*options)
        assert ended.status == 4
        assert "cannot say: no threshold is shown to reach 90% agreement" in ended.out
        assert "more labels will not help" in ended.out
        assert not Path("kept.jsonl").exists()
        write_jsonl(Path("people.jsonl"), [{**row, "label": "A"} for row in people])
        assert filtered(*options).status == 0
    assert len(read_jsonl(Path("kept.jsonl"))) == 60


def test_labels_of_nothing() -> None:
    """A label that is none, and ids that are of no row, are mistakes before a call."""
    with judge_of_rows(wavering, labelled_rows(40, known=0)) as models:
        options = ("--agreement", "0.9", "--people-labels", "people.jsonl")
        write_jsonl(Path("people.jsonl"), [{"id": f"r{n}", "label": "zebra"} for n in range(40)])
        assert "people's label 'zebra' must be A, B or tie" in filtered(*options).err
        write_jsonl(Path("people.jsonl"), [{"id": f"x{n}", "label": "A"} for n in range(40)])
        assert "no label is of a row of rows.jsonl" in filtered(*options).err
        write_jsonl(Path("people.jsonl"), [{"key": "r1", "label": "A"}])
        assert "people's labels need the columns id and label" in filtered(*options).err
        assert models.count == 0


# --- preferences


def preferences(rows: list[dict[str, Any]], *options: object) -> list[dict[str, Any]]:
    write_jsonl(Path("rows.jsonl"), rows)
    ended = filtered("--preferences", "pairs.jsonl", *options, judge="offline/longest")
    assert ended.status == 0, ended.err
    return read_jsonl(Path("pairs.jsonl"))


def turn(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


def test_preferences_are_as_the_rows_were() -> None:
    """TRL's forms: texts with a prompt, texts without, and turns with the prompt or after it."""
    texts = {"prompt": "Q?", "chosen": "short", "rejected": "a longer one"}
    assert preferences([texts]) == [{"prompt": "Q?", "chosen": "a longer one", "rejected": "short"}]
    asked = [turn("user", "Q?")]
    turns = {"prompt": asked, "chosen": [turn("assistant", "short")], "rejected": [turn("assistant", "a longer one")]}
    assert preferences([turns]) == [{"prompt": asked, "chosen": turns["rejected"], "rejected": turns["chosen"]}]
    whole = {name: [*asked, *turns[name]] for name in ("chosen", "rejected")}
    assert preferences([whole]) == [{"chosen": whole["rejected"], "rejected": whole["chosen"]}]
    assert preferences([{"prompt": "Q?", **whole}]) == [{"chosen": whole["rejected"], "rejected": whole["chosen"]}]
    mixed = {"prompt": "Q?", **{name: turns[name] for name in ("chosen", "rejected")}}
    assert preferences([mixed]) == [{"prompt": asked, "chosen": turns["rejected"], "rejected": turns["chosen"]}]
    letters = {"question": "Q?", "answer_1": "short", "answer_2": "a longer one"}
    assert preferences([letters]) == [{"prompt": "Q?", "chosen": "a longer one", "rejected": "short"}]


def test_preferences_have_one_form() -> None:
    """Rows of several forms become one that a trainer takes: turns if any is, with a prompt if any has one."""
    texts = {"prompt": "Q?", "chosen": "short", "rejected": "a longer one"}
    asked = [turn("user", "Q?")]
    turns = {"prompt": asked, "chosen": [turn("assistant", "short")], "rejected": [turn("assistant", "a longer one")]}
    whole = {"prompt": "Q?", **{name: [*asked, *turns[name]] for name in ("chosen", "rejected")}}
    equal = {"prompt": "Q?", "chosen": "alike", "rejected": "alike"}
    expected = {"prompt": asked, "chosen": turns["rejected"], "rejected": turns["chosen"]}
    for rows in ([texts, turns, whole, equal], [whole, texts], [turns, texts]):
        assert preferences(rows) == [expected] * min(len(rows), 3)
        assert filtered("--preferences", "pairs.parquet", judge="offline/longest").status == 0
        assert pq.read_table("pairs.parquet").to_pylist() == [expected] * min(len(rows), 3)


def test_preferences_are_of_kept_pairs_with_one_verdict() -> None:
    """Ties, verdicts that change with the order, and rows that were dropped are left out."""
    rows = [pair(n, source="x" if n == 3 else "y") for n in range(4)]
    with judge_of_rows(lambda request: "[[A]]" if "Question 1?" in request.text else by_quality(request), rows):
        ended = filtered("--orders", "both", "--keep", "source == 'y'", "--preferences", "pairs.parquet", "--json")
    assert json.loads(ended.out)["pairs"] == 2
    assert [row["prompt"] for row in pq.read_table("pairs.parquet").to_pylist()] == ["Question 0?", "Question 2?"]


# --- from Python


def test_from_python() -> None:
    """Rows in memory, a function as judge, and the result as an object and a page."""
    rows = [pair(n) for n in range(3)]
    found = jb.filter(rows, judge=lambda _: "[[A]]", out="kept.parquet", keep="judge_choice == 'chosen'", orders="both")
    assert (found.rows, found.kept, found.dropped) == (3, 0, {"judge_choice == 'chosen' is not true": 3})
    assert [row.number for row in found.sample] == [1, 2, 3]
    assert pq.read_table("kept.parquet").column_names == ["uid", "prompt", "chosen", "rejected", *COLUMNS]
    assert jb.filter_page(found, "page.html").exists()


def test_replies_are_those_of_a_run(models: ScriptedModels) -> None:
    """Rows are asked as `run` asks them, by their ids and with the same orders: what a run has paid for is cached."""
    rows = [{**row, "id": row["uid"]} for row in read_jsonl(Path("rows.jsonl"))]
    write_jsonl(Path("rows.jsonl"), rows)
    assert judgebench("run", "custom", "--data", "rows.jsonl", "-j", "mine").status == 0
    assert filtered().status == 0
    assert models.count == 8


def test_ids_that_are_there_twice() -> None:
    """They are no mistake, as in a set that was put together from several: each row has its own verdict."""
    write_jsonl(Path("rows.jsonl"), [{**pair(n), "id": n % 2} for n in range(4)])
    assert filtered(judge="offline/longest").status == 0
    assert [row["uid"] for row in read_jsonl(Path("kept.jsonl"))] == ["u0", "u1", "u2", "u3"]
