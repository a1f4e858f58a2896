"""Scores that are correlations, wherever a score is shown: r with three decimals, and no per cent."""

from __future__ import annotations

import csv
import json
import re
import shutil
from contextlib import chdir
from functools import cache
from pathlib import Path

import pytest
from commands import judgebench, lasting_folder, write_jsonl

import judgebench as jb

GRADES = [1, 2, 3, 4, 5, 6]
RATINGS = {"good": [1, 2, 3, 4, 6, 5], "poor": [4, 6, 5, 1, 3, 2]}
"""Pearson's r is 33/35 and -23/35: both sides have the sum of squares 35/2."""

GOOD, POOR = Path("runs/custom/good/scores"), Path("runs/custom/poor/scores")


@cache
def graded_once():
    """The folder of two score files over six graded answers of two subsets, and their runs."""
    here = lasting_folder()
    rows = [
        {"id": at, "prompt": "p", "response": "x" * 4**at, "human_score": grade, "subset": "ab"[at % 2]}
        for at, grade in enumerate(GRADES)
    ]
    with chdir(here):
        write_jsonl(Path("graded.jsonl"), rows)
        for name, ratings in RATINGS.items():
            write_jsonl(Path(f"{name}.jsonl"), [{"id": at, "scores": rating} for at, rating in enumerate(ratings)])
            scored(name, "graded.jsonl")
    return here


@pytest.fixture(autouse=True)
def graded(isolated):
    """A copy of them in the current folder."""
    shutil.copytree(graded_once(), ".", dirs_exist_ok=True)


def scored(name, data):
    ended = judgebench("score", f"{name}.jsonl", "--benchmark", "custom", "--data", data)
    assert ended.status == 0, ended.err
    return ended.out


def shown(*arguments):
    """The words that a command prints, which has no score in per cent."""
    ended = judgebench(*arguments)
    assert ended.status == 0, ended.err
    return " ".join(ended.out.split())


def test_a_run_says_what_its_score_is():
    """In the head, the score, the interval and the subsets; in metrics.json the number, and what it is."""
    words = " ".join(scored("good", "graded.jsonl").split())
    assert "Pearson r 95% CI items" in words
    metrics = json.loads((GOOD / "metrics.json").read_text())
    assert (metrics["measure"], metrics["score"]) == ("pearson", pytest.approx(33 / 35, abs=1e-12))
    assert f"score r 0.943 {metrics['low']:.3f} to {metrics['high']:.3f} 6" in words
    assert re.search(r"b r 0\.\d\d\d ", words)
    assert "%" not in words.replace("95% CI", "").replace("coverage 100.0%", "")


def test_a_grid_of_judges():
    """One table with r for each, one of lengths below it, and the pick."""
    judges = [word for name in ("longest", "shortest", "random") for word in ("-j", f"offline/{name}")]
    words = shown("run", "custom", "--data", "graded.jsonl", *judges)
    assert "Pearson r" in words
    assert re.findall(r"r -?\d\.\d\d\d", words)[:4] == ["r 0.971", "r -0.894", "r -0.971", "r 0.787"]
    assert "Overall: offline/longest (r 0.971" in words


def test_a_comparison_is_in_r():
    """Scores, differences, their intervals, and what could be shown: 33/35 less -23/35 is 8/5."""
    words = shown("compare", GOOD, POOR, "--subsets")
    assert "run Pearson r 95% CI" in words
    assert "r 0.943" in words
    assert "r -0.657" in words
    assert "diff (r)" in words
    assert re.search(r"1 - 2 \+1\.600 [+-]\d\.\d\d\d to \+\d\.\d\d\d", words)
    assert "MDE: minimum detectable effect (80% power" in words
    assert "points" not in words
    assert "%" not in words.replace("95% CI", "").replace("80% power", "")
    assert json.loads(judgebench("compare", GOOD, POOR, "--json").out)["measure"] == "pearson"


def test_a_leaderboard():
    """In the terminal and as Markdown with the head that says it, without the same figure again; CSV has numbers."""
    words = shown("leaderboard", "runs", "--markdown", "board.md", "--csv", "board.csv")
    assert "judge template Pearson r 95% CI" in words
    assert "1 good scores r 0.943" in words
    markdown = Path("board.md").read_text()
    assert "| judge | template | Pearson r | 95% CI | spearman | kendall |" in markdown
    assert "| 2 | poor | scores | r -0.657 |" in markdown
    first, second = csv.DictReader(Path("board.csv").read_text().splitlines())
    assert [float(row["score"]) for row in (first, second)] == pytest.approx([33 / 35, -23 / 35], abs=1e-12)
    assert (first["measure"], first["pearson"]) == ("pearson", first["score"])


def test_a_leaderboard_of_grades_and_labels():
    """Runs of one benchmark over both kinds of rows: each score says what it is."""
    write_jsonl(Path("pairs.jsonl"), [{"id": at, "prompt": "p", "chosen": "c", "rejected": "r"} for at in range(4)])
    write_jsonl(Path("pair.jsonl"), [{"id": at, "scores": [1, 0]} for at in range(4)])
    scored("pair", "pairs.jsonl")
    words = shown("leaderboard", "runs", "--csv", "board.csv")
    assert "judge template score 95% CI" in words
    assert "- pair scores, pairs.jsonl 100.0%" in words
    assert "1 good scores, graded.jsonl r 0.943" in words
    measures = {row["judge"]: row["measure"] for row in csv.DictReader(Path("board.csv").read_text().splitlines())}
    assert measures == {"pair": "share", "good": "pearson", "poor": "pearson"}


def test_a_report():
    """As in the run's own table; there is no price of a percentage point."""
    words = shown("report", GOOD, POOR, "--csv", "scores.csv")
    assert words.count("Pearson r") == 3
    rows = list(csv.DictReader(Path("scores.csv").read_text().splitlines()))
    assert {row["measure"] for row in rows} == {"pearson"}
    assert float(rows[0]["score"]) == pytest.approx(33 / 35, abs=1e-12)
    judged = jb.run("custom", judge="offline/longest", data="graded.jsonl")
    assert jb.report([judged]).details[0].bill.per_point is None


def test_a_second_reading():
    """The score before and after, and the difference, in r."""
    run = jb.run("custom", judge="offline/random", data="graded.jsonl")
    said = f"score r {run.metrics.score:.3f} before, r {run.metrics.score:.3f} after (+0.000)"
    assert said in shown("rescore", run.path, "--dry-run")


@pytest.mark.parametrize("columns", [80, 200])
def test_the_tables_fit_the_terminal(columns, monkeypatch):
    """No line is wider than the terminal, and the names of judges and templates stand whole."""
    monkeypatch.setenv("COLUMNS", str(columns))
    judge = jb.run("custom", judge="offline/longest", data="graded.jsonl")
    for command in (["leaderboard", "runs"], ["report", GOOD, judge.path], ["compare", GOOD, POOR, judge.path]):
        ended = judgebench(*command)
        assert max(map(len, ended.out.splitlines())) <= columns
        assert "offline/longest" in ended.out
    tables, _, _ = judgebench("leaderboard", "runs").out.partition("\n  note:")
    assert len(tables.splitlines()) < 24


def test_metrics_without_the_field_are_read():
    """Those of a version that did not say what the score is: a correlation where the correlations stand beside it."""
    metrics = json.loads((GOOD / "metrics.json").read_text())
    del metrics["measure"]
    (GOOD / "metrics.json").write_text(json.dumps(metrics))
    assert jb.Run.load(GOOD).metrics.measure == "pearson"


def test_a_failed_rating_makes_no_other_items():
    """Runs without a rating of one answer each are over the same six: ranked and compared, r over what each rated.

    Grades 2 to 6 beside the ratings 2, 3, 4, 6, 5 have r 9/10; grades 1 to 5 beside 4, 6, 5, 1, 3 have products of sum
    -7 and squares of 10 and 14.8.
    """
    shutil.rmtree("runs")
    for name, lacking in (("good", 0), ("poor", 5)):
        scores = [{"id": at, "scores": [None if at == lacking else r]} for at, r in enumerate(RATINGS[name])]
        write_jsonl(Path(f"{name}.jsonl"), scores)
        judgebench("score", f"{name}.jsonl", "--benchmark", "custom", "--data", "graded.jsonl", "--allow-missing")
    ended = judgebench("compare", GOOD, POOR, "--json")
    assert ended.status == 0, ended.err
    found = json.loads(ended.out)
    assert (found["items"], found["left_out"]) == (6, [0, 0])
    (pair,) = found["whole"]["pairs"]
    assert (pair["first_score"], pair["second_score"]) == pytest.approx((9 / 10, -7 / 148**0.5))
    assert "unrated items of 6 (good: 1, poor: 1)" in " ".join(found["notes"])
    words = shown("leaderboard", "runs")
    assert "1 good" in words
    assert "2 poor" in words
