"""The seven benchmarks that reward-model papers report: one command, one table, what is missing said."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from statistics import fmean

import pytest
from commands import judgebench, pairs, write_judges
from hypothesis import given, strategies as st
from scoring import DATA, write_rows
from scripted import ScriptedModels

import judgebench as jb
from judgebench.benchmarks.suites import SEVEN
from judgebench.errors import ConfigError
from judgebench.metrics.intervals import Estimate, mean_estimate


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def lay_rows(*without: str) -> None:
    """A folder `rows` with some rows of each of the seven."""
    folder = Path("rows")
    math_rows, rmb = folder / "ppe-correctness" / "PPE-MATH-Best-of-K", folder / "rmb" / "Pairwise_set"
    for each in (math_rows, rmb):
        each.mkdir(parents=True)
    write_rows(folder / "rewardbench.jsonl", pairs(2))
    one = {"id": "f", "prompt": "p", "chosen": ["right"], "rejected": ["no", "nay", "not"], "subset": "Factuality"}
    write_rows(folder / "rewardbench-2.jsonl", [one | {"num_correct": 1, "num_incorrect": 3, "total_completions": 4}])
    for winner, row in (("model_a", 1), ("model_b", 2)):
        said = {"question_id": row, "prompt": "p", "response_1": "long text", "response_2": "short", "winner": winner}
        with (folder / "ppe-preference.jsonl").open("a") as file:
            file.write(json.dumps(said) + "\n")
    said = {"question_id": 1, "prompt": "p", "scores": [True, False], "response_1": "long", "response_2": "b"}
    write_rows(math_rows / "test.jsonl", [said])
    pair = {"pair_uid": "1", "conversation_input": [{"role": "user", "content": "Hi?"}]}
    pair |= {"chosen": {"answer": "long answer"}, "reject": {"answer": "short"}}
    (rmb / "x.json").write_text(json.dumps([pair | {"category_path": "Pairwise_set/Helpfulness/Chat"}]))
    shutil.copy(DATA / "rm-bench.jsonl", folder / "rm-bench.jsonl")
    shutil.copy(DATA / "judgebench.jsonl", folder / "judgebench-gpt.jsonl")
    for name in without:
        (folder / f"{name}.jsonl").unlink()


def test_a_scorer_has_one_table_of_all_seven():
    """Seven runs' metrics and a row whose score is the plain mean of its sections, with a 95% interval for each."""
    lay_rows()
    ended = judgebench("score", "length", "--benchmark", "seven", "--data", "rows", "--json")
    *runs, row = [each for each in ended.metrics if not each.get("published")]
    assert [each["benchmark"] for each in runs] == [*SEVEN.benchmarks]
    assert {name: each["score"] for name, each in row["sections"].items()} == {
        each["benchmark"]: each["score"] for each in runs
    }
    assert row["sections"]["ppe-preference"]["score"] == 0.5  # the longer answer won one of two
    assert row["score"] == pytest.approx(fmean(each["score"] for each in runs))
    assert row["low"] < row["score"] < row["high"]
    assert all(each["low"] <= each["score"] <= each["high"] for each in row["sections"].values())
    assert (row["missing"], row["judge"]) == ([], "length")


def test_published_rows_stand_beside_with_their_source():
    """ArmoRM's seven figures of Skywork's table and their mean, 471.7 / 7; GPT-4o has five."""
    lay_rows()
    ended = judgebench("score", "length", "--benchmark", "seven", "--data", "rows", "--json")
    rows = {each["judge"]: each for each in ended.metrics if each.get("published")}
    armo = next(row for name, row in rows.items() if name.startswith("ArmoRM"))
    figures = [each["score"] for each in armo["sections"].values()]
    assert figures == [0.904, 0.665, 0.606, 0.606, 0.646, 0.693, 0.597]
    assert (armo["score"], armo["low"]) == (pytest.approx(4.717 / 7), None)
    assert rows["GPT-4o"]["missing"] == ["ppe-correctness", "rm-bench"]
    assert "Skywork-Reward-V2" in armo["source"]


def test_a_score_file_that_is_missing_is_named():
    """Of two files the mean is (1/2 + 1) / 2, marked 2/7; the others are missing by name, with the nearest file."""
    lay_rows()
    Path("scores").mkdir()
    write_rows(
        Path("scores/ppe-preference.jsonl"), [{"id": at, "scores": [2, 1] if at == 1 else [1, 2]} for at in (1, 2)]
    )
    write_rows(Path("scores/ppe-correctness.jsonl"), [{"id": "PPE-MATH-Best-of-K:1", "scores": [2, 1]}])
    write_rows(Path("scores/rmbench.jsonl"), [{"id": "1", "scores": [2, 1]}])
    ended = judgebench("score", "scores", "--benchmark", "seven", "--data", "rows")
    said = " ".join(ended.out.split())
    assert (ended.status, "75.0% (2/7)" in said) == (0, True)
    assert "missing: RewardBench: no rewardbench.jsonl in scores missing: RewardBench 2" in said
    assert "RM-Bench: no rm-bench.jsonl in scores: is rmbench.jsonl meant? Rename it" in said
    assert "not used, as no benchmark of 'seven' is named so: rmbench.jsonl" in ended.err


def test_a_judge_runs_all_seven_and_the_rerun_makes_no_call():
    """Seven runs below `runs`; the same command again takes every judgement from there."""
    lay_rows("rm-bench")
    with ScriptedModels(lambda asked: "[[A>B]]" if "[[A>>B]]" in asked.text else "[[A]]") as models:
        write_judges(models.url)
        first = judgebench("run", "seven", "-j", "mine", "--data", "rows", "--json")
        asked = models.count
        again = judgebench("run", "seven", "-j", "mine", "--data", "rows", "--json")
    *runs, row = [each for each in first.metrics if not each.get("published")]
    assert (len(runs), row["missing"], row["judge"]) == (6, ["rm-bench"], "mine")
    assert 0 < asked == models.count
    assert [each for each in again.metrics if not each.get("published")][-1] == row


def test_data_that_cannot_be_loaded_says_how_to_fetch_it():
    """RMB is on no hub: the command that fetches it, and where it goes, in the table and before the first call."""
    lay_rows()
    shutil.rmtree("rows/rmb")
    ended = judgebench("run", "seven", "-j", "offline/longest", "--data", "rows")
    said = " ".join(ended.out.split())
    assert "missing: RMB: git clone https://github.com/Zhou-Zoey/RMB-Reward-Model-Benchmark" in said
    assert "or put it at FOLDER/rmb, with --data FOLDER" in said
    assert "left out: RMB: benchmark 'rmb' is not on the hub" in " ".join(ended.err.split())
    assert "(6/7): the mean of 6" not in said
    assert ended.status == 0


def test_a_dry_run_has_one_price():
    """One table with a line a benchmark and their sum; what is left out is said."""
    ended = judgebench("run", "seven", "-j", "offline/longest", "--data", "sample", "--dry-run")
    said = " ".join(ended.out.split())
    assert ended.out.count("cost estimate") == 1
    assert "not included: ppe-preference, ppe-correctness, rmb, rm-bench, judgebench-gpt" in said
    parts = json.loads(
        judgebench("run", "seven", "-j", "offline/longest", "--data", "sample", "--dry-run", "--json").out
    )
    assert f"all {sum(each['calls'] for each in parts)} 0" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "seven", "-j", "offline/longest", "--data", "nowhere"), "nowhere: not found; 'seven' takes a folder"),
        (("run", "seven", "-j", "offline/longest", "--data", "empty"), "empty: has nothing of 'seven'"),
        (("run", "seven", "-j", "offline/longest", "--data", "twice"), "rmb and rmb.jsonl are both of rmb: keep one"),
        (("run", "seven", "-j", "offline/longest", "--subset", "Chat"), "--subset is for one benchmark"),
        (("run", "seven", "-j", "offline/longst", "--data", "twice"), "did you mean offline/longest"),
        (
            ("run", "seven", "-j", "offline/longest", "-t", "pairwis"),
            "unknown template 'pairwis': did you mean pairwise",
        ),
        (("run", "sevn", "-j", "offline/longest"), "unknown benchmark 'sevn': did you mean seven?"),
        (("score", "empty", "--benchmark", "seven"), "empty: has nothing of 'seven'"),
        (("score", "length", "--benchmark", "seven", "--subset", "Chat"), "--subset is for one benchmark"),
        (("data", "show", "x.jsonl", "--benchmark", "seven"), "'seven' is several benchmarks"),
    ],
)
def test_mistakes_are_said_before_a_call(arguments, message):
    """One line, exit status 2."""
    for folder in ("empty", "twice/rmb"):
        Path(folder).mkdir(parents=True)
    Path("twice/rmb.jsonl").write_text("{}")
    ended = judgebench(*arguments)
    assert (ended.status, message in ended.err, ended.out) == (2, True, ""), ended.err


def test_a_malformed_file_of_ones_own_stops_it():
    """A row that cannot be read is a mistake with its line, not a benchmark that is missing."""
    lay_rows()
    Path("rows/ppe-preference.jsonl").write_text('{"question_id": 1}\n')
    ended = judgebench("run", "seven", "-j", "offline/longest", "--data", "rows")
    assert (ended.status, "ppe-preference.jsonl line 1" in ended.err) == (2, True), ended.err


def test_python_has_the_same():
    """`jb.grid` runs them, `jb.score_seven` scores them, `jb.seven` makes the table of either, or of a folder."""
    lay_rows("rm-bench")
    with pytest.warns(UserWarning, match="RM-Bench"):
        runs = jb.grid("seven", judges="offline/longest", data="rows")
    found = jb.score_seven("length", data="rows")
    assert [*found.missing] == ["rm-bench"]
    table = jb.seven("runs", published=False)
    assert {(row.judge, row.how == "scores", len(row.scores)) for row in table.rows} == {
        ("offline/longest", False, 6),
        ("length", True, 6),
    }
    again = jb.seven([*runs, *found.runs], published=False)
    assert {row.judge: row.mean for row in again.rows} == {row.judge: row.mean for row in table.rows}
    with pytest.raises(ConfigError, match=r"'seven' is several benchmarks .* use jb.grid\('seven', judges="):
        jb.run("seven", judge="offline/longest")
    with pytest.raises(ConfigError, match=r"use jb\.score_seven"):
        jb.score("scores", benchmark="seven")
    with pytest.raises(ConfigError, match="no run of the seven"):
        jb.seven("rows")
    board = judgebench("leaderboard", "runs", "--benchmark", "seven", "--published", "--csv", "seven.csv")
    assert (board.status, "offline/longest" in board.out, "ArmoRM" in board.out) == (0, True, True)
    assert Path("seven.csv").read_text().startswith("judge,from,mean,low,high,rewardbench,rewardbench-2")
    assert "--sort is for the boards" in judgebench("leaderboard", "runs", "--benchmark", "seven", "--sort", "cost").err


def test_two_templates_of_a_judge_have_two_rows():
    """One run a benchmark in each row, however many runs a judge has."""
    lay_rows()
    judgebench(
        "run", "seven", "-j", "offline/longest", "-t", "pairwise", "-t", "rating-10", "--data", "rows", "--limit", 1
    )
    rows = jb.seven("runs", published=False).rows
    assert sorted(row.how for row in rows) == ["pairwise", "rating-10"]
    assert all(row.judge == "offline/longest" for row in rows)


ENDS = st.tuples(*[st.floats(0, 1)] * 3).map(sorted)


@given(st.lists(ENDS, min_size=1, max_size=7))
def test_the_interval_of_a_mean_combines_the_distances_as_squares(ends):
    """By the plain formula; the more benchmarks, the narrower, and a benchmark that is sure adds nothing."""
    found = mean_estimate([Estimate(score, 1, low, high) for low, score, high in ends])
    count = len(ends)
    mean = sum(score for _, score, _ in ends) / count
    assert found.score == pytest.approx(mean)
    assert found.low == pytest.approx(mean - math.sqrt(sum((score - low) ** 2 for low, score, _ in ends)) / count)
    assert found.high == pytest.approx(mean + math.sqrt(sum((high - score) ** 2 for *_, score, high in ends)) / count)
