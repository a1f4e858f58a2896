"""Parquet files of judgements: their figures are those of the runs' folders, and what is wrong with one is said."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import best_of_four, judgebench, pairs
from finishedruns import written_run
from making import refusal

import judgebench as jb
from judgebench.analysis.agreement import agreement_of
from judgebench.analysis.fileboard import FEW_CREDITS, file_runs
from judgebench.runs import Finished

pytestmark = pytest.mark.large

SAME = (
    *("score", "low", "high", "sections", "subsets", "section_subsets", "missing", "items", "judgements", "coverage"),
    *("failures", "bounds", "substituted", "consistency", "consistency_n", "position_bias", "slots", "measure"),
)
PLACED = (
    *("judge", "rank", "score", "low", "high", "sections", "items", "coverage", "cost_usd", "group", "pareto"),
    *("rank_low", "rank_high", "can_be_best", "best_low", "best_high", "consistency", "section_groups"),
)


def assert_close(found, expected, where=""):
    """Equal, numbers to 1e-9."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for name, value in expected.items():
            assert_close(found[name], value, f"{where}.{name}")
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected), where
        for at, (one, other) in enumerate(zip(found, expected, strict=True)):
            assert_close(one, other, f"{where}[{at}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, abs=1e-9), where
    else:
        assert found == expected, where


def random_runs(kind, seed):
    """Runs of judges that are right, wrong, tied and silent at random: pairs in groups or not, or best of four."""
    drawn = random.Random(seed)
    count, samples = drawn.randint(5, 30), drawn.choice([1, 3])
    planning, benchmark, k = {"samples": samples}, "rewardbench", 2
    if kind == "sections":
        rows = pairs(count, ("alpacaeval-easy", "llmbar-natural", "donotanswer", "math-prm", "hep-cpp"))
        planning["orders"] = drawn.choice(["one", "both"])
    elif kind == "four":
        rows = [{**row, "id": f"{at}"} for at, row in enumerate(best_of_four(count) + best_of_four(count, "Math"))]
        benchmark, k, planning["orders"] = "rewardbench-2", 4, drawn.choice(["one", "all"])
    else:
        rows, benchmark = pairs(count), "custom"
        planning |= {"orders": drawn.choice(["one", "both"]), "templates": ["pairwise-ties"]}
        for row in rows:
            if kind == "groups":
                row["group"] = f"g{drawn.randint(0, count // 2)}"
            if drawn.random() < 0.3:
                del row["chosen"], row["rejected"]
                row |= {"response_a": "one", "response_b": "two", "label": drawn.choice(["tie", "A", "B"])}
    fails = drawn.choice([0, 0.1, 0.5])

    def judge(skill):
        def says(_, __):
            if drawn.random() < fails:
                return -1
            if drawn.random() < 0.1 and benchmark == "custom":
                return None
            return 0 if drawn.random() < skill else drawn.randrange(k)

        return says

    return [written_run(f"judge{at}", rows, judge(drawn.random()), benchmark=benchmark, **planning) for at in range(3)]


def exported(runs, *more):
    """The file of their judgements."""
    ended = judgebench("export", *runs, "--to", "dataset", "--out", "made", *more)
    assert ended.status == 0, ended.err
    return Path("made/judgements.parquet")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["sections", "four", "ties", "groups"])
def test_figures_are_those_of_the_folders(kind, seed):
    """Scores, intervals, bounds, biases, ranks, letters and agreement, whatever fails, is tied or is asked again."""
    runs = random_runs(kind, seed)
    (found,) = file_runs([exported(runs)]).runs
    for path, figures in zip(runs, found.figures, strict=True):
        expected = jb.Run.load(path).metrics.to_json()
        assert_close({n: figures.metrics.to_json()[n] for n in SAME}, {n: expected[n] for n in SAME}, str(path))
        assert_close(
            replace(figures.metrics.usage, may_have_cost_usd=0.0),
            jb.Run.load(path).metrics.usage.__class__(**expected["usage"]),
            str(path),
        )
    (board,), (folders,) = jb.leaderboard("made").boards, jb.leaderboard("runs").boards
    for one, other in zip(board.places, folders.places, strict=True):
        assert_close({n: getattr(one, n) for n in PLACED}, {n: getattr(other, n) for n in PLACED}, other.judge)
    opened = [Finished(jb.Run.load(path)) for path in runs]
    for pair in agreement_of(opened, list(opened[0].keys)).pairs:
        at = pair.first, pair.second
        for table, name, expected in (
            (found.choices.same, "same", pair.same),
            (found.choices.kappa, "errors in common", pair.errors_in_common),
            (found.letters.kappa, "kappa", pair.kappa),
        ):
            assert table[at] == pytest.approx(expected.value, abs=1e-9, nan_ok=True), name


def label_run(judge, right, **more):
    """Rows of classes, as made elsewhere."""
    return [
        {"judge": judge, "item": f"i{at}", "label": "pass", "verdict": "pass" if yes else "fail", **more}
        for at, yes in enumerate(right)
    ]


def write(rows, name="judgements.parquet", schema=None):
    """A file of rows."""
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), name)
    return Path(name)


def test_rows_from_elsewhere_need_few_columns():
    """Judge, item, label and verdict are enough; Wilson's interval of 3 right of 4 is 30.1% to 95.4%."""
    (board,) = jb.leaderboard(write(label_run("a", [1, 1, 1, 0]) + label_run("b", [1, 0, 0, 0]))).boards
    assert [(place.judge, place.score) for place in board.places] == [("a", 0.75), ("b", 0.25)]
    assert (board.places[0].low, board.places[0].high) == pytest.approx((0.300642, 0.954413), abs=1e-6)


def test_a_first_slot_that_is_always_named_is_a_position_bias():
    """Both orders of four pairs, A each time: first share 1, no item consistent, half the credit."""
    rows = [
        {"judge": "a", "item": at, "order": order, "verdict": "A", "failure": None}
        for at in range(4)
        for order in ([0, 1], [1, 0])
    ]
    (found,) = file_runs([write(rows)]).runs
    metrics = found.figures[0].metrics
    assert (metrics.score, metrics.consistency, metrics.position_bias.estimate) == (0.5, 0.0, 1.0)


def test_calls_that_an_early_end_left_out_are_failures():
    """A run that stopped has a row for each call that was not made, so that bounds and coverage count it."""
    path = written_run("mine", pairs(6), lambda *_: 0)
    lines = (path / "judgements.jsonl").read_bytes().splitlines(keepends=True)
    (path / "judgements.jsonl").write_bytes(b"".join(lines[:4]))
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | {"state": "interrupted"}))
    (found,) = file_runs([exported([path])]).runs
    metrics = found.figures[0].metrics
    assert (metrics.coverage, metrics.failures, metrics.score) == (pytest.approx(4 / 6), {"not_asked": 2}, 1.0)


def test_the_last_reply_to_a_question_counts():
    """A judgement that was asked again stands once in the file, as the last line has it."""
    path = written_run("mine", pairs(4), lambda *_: 0)
    lines = (path / "judgements.jsonl").read_bytes().splitlines(keepends=True)
    with (path / "judgements.jsonl").open("ab") as file:
        file.write(lines[1].replace(b'"cost_usd":0.001', b'"cost_usd":5.0'))
    costs = pq.read_table(exported([path])).column("cost_usd").to_pylist()
    assert sorted(costs) == [0.001, 0.001, 0.001, 5.0]


def test_files_of_different_columns_stand_together():
    """What one of several files lacks counts as usual; a folder stands for the files in it."""
    Path("parts").mkdir()
    write(label_run("a", [1, 1, 0, 0]), "parts/[1].parquet")
    write(label_run("b", [1, 1, 1, 1], subset="all", cost_usd=0.5), "parts/2.parquet")
    for named in ("parts", "parts/*.parquet"):
        (board,) = jb.leaderboard(named).boards
        assert [(place.judge, place.score, place.cost_usd) for place in board.places] == [
            ("b", 1.0, 2.0),
            ("a", 0.5, None),
        ]


def test_a_benchmark_that_needs_its_folders_is_left_out():
    """The others of the file are ranked, and the reason is said."""
    ties = label_run("a", [1, 0], benchmark="rewardbench-2", subset="Ties")
    ended = judgebench("leaderboard", write(label_run("a", [1, 0], benchmark="custom", subset="all") + ties))
    assert (ended.status, "Custom" in ended.out) == (0, True)
    assert "left out: judgements.parquet: the score of rewardbench-2 is not a mean" in " ".join(ended.err.split())


def test_runs_over_other_items_are_not_ranked():
    """As on the board of folders."""
    (board,) = jb.leaderboard(write(label_run("a", [1, 1]) + label_run("b", [1, 0]) + label_run("c", [1, 0, 1]))).boards
    assert [(place.judge, place.rank) for place in board.places] == [("a", 1), ("b", 2), ("c", None)]


PAIR = {"judge": "a", "item": "x", "order": [0, 1], "verdict": "A", "failure": None}
MISTAKES = {
    "no column 'judge'": [{"item": "x", "verdict": "A"}],
    "column 'order' has the type VARCHAR, expected lists of whole numbers": [PAIR | {"order": "01"}],
    "column 'verdict' has the type DOUBLE, expected text": [PAIR | {"verdict": 0.5}],
    "expected a verdict or a failure, found neither": [PAIR | {"verdict": None}, PAIR | {"item": "y"}],
    "expected a verdict or a failure, found both": [PAIR | {"failure": "empty"}],
    "verdict is 'C', expected a slot of 2 (A, B) or tie": [PAIR | {"verdict": "C"}],
    "failure is 'sad', expected one of": [PAIR | {"verdict": None, "failure": "sad"}],
    "a row without a judge": [PAIR, PAIR | {"judge": None}],
    "a row without an item": [PAIR, PAIR | {"item": None}],
    "have the item, order and sample of another": [PAIR, PAIR],
    "differ in subset or label": [PAIR | {"subset": "one"}, PAIR | {"order": [1, 0], "subset": "other"}],
    "is in several groups": [PAIR | {"group": "g"}, PAIR | {"judge": "b", "group": "h"}],
    "order is [-1, 0]": [PAIR | {"order": [-1, 0]}],
    "sample is -1": [PAIR | {"sample": -1}],
    "aggregate is 'most', expected one of": [PAIR | {"aggregate": "most"}],
    "num_correct is 3, expected 0 to 2": [PAIR | {"num_correct": 3}],
    "num_correct is -1, expected 0 to 2": [PAIR | {"num_correct": -1}],
    "label is 'B', expected tie or null for 2 completions": [PAIR | {"label": "B"}],
    "label is 'tie', expected null for 3 completions": [PAIR | {"label": "tie", "order": [0, 1, 2]}],
    "seed is -3, expected 0 or more": [PAIR | {"seed": -3}],
    "ratings, whose rule is by item": [PAIR | {"verdict": None, "rating": 7.0}],
    "shows some of an item's completions": [PAIR | {"order": [0, 3]}],
    "finds the best of several completions from pairs": [PAIR | {"pairs": "all"}],
    "aggregates probabilities": [PAIR | {"aggregate": "probability"}],
    "has verdicts on steps": [PAIR | {"mode": "steps"}],
    "the score of rewardbench-2 is not a mean of credits": [PAIR | {"benchmark": "rewardbench-2", "subset": "Ties"}],
}


@pytest.mark.parametrize("said", MISTAKES)
def test_a_mistake_is_one_line(said):
    """It names the file; what needs more than counts names the command for folders."""
    schema = None
    rows = MISTAKES[said]
    if said.startswith("expected a verdict or a failure, found neither"):
        schema = pa.schema(
            {
                "judge": pa.string(),
                "item": pa.string(),
                "order": pa.list_(pa.int64()),
                "verdict": pa.string(),
                "failure": pa.string(),
            }
        )
    line = refusal(jb.leaderboard, write(rows, schema=schema))
    assert line.startswith("judgements.parquet: ")
    assert said in line


def test_a_file_that_is_none_is_one_line():
    """Broken, missing, empty, or among runs' folders; the command ends with status 2."""
    Path("broken.parquet").write_bytes(b"PAR1 and then nothing")
    write([], "empty.parquet", pa.schema({"judge": pa.string(), "item": pa.string(), "verdict": pa.string()}))
    Path("runs").mkdir()
    for name, said in (("broken", "not a valid Parquet file"), ("missing", "file not found"), ("empty", "no rows")):
        for command in ("leaderboard", "report"):
            ended = judgebench(command, f"{name}.parquet")
            assert (ended.status, ended.err.count("\n")) == (2, 1), ended.err
            assert said in ended.err
    ended = judgebench("leaderboard", "empty.parquet", "runs")
    assert (ended.status, "name one kind" in ended.err) == (2, True)


def test_large_files_are_compared_by_counts(monkeypatch):
    """Where credits are many, the tests are the same and the intervals of ranks come from the normal limit."""
    runs = random_runs("ties", 7)
    few = jb.leaderboard(exported(runs)).boards[0]
    monkeypatch.setattr("judgebench.analysis.fileboard.FEW_CREDITS", 0)
    many = jb.leaderboard("made").boards[0]
    assert FEW_CREDITS > 0
    assert [(p.judge, p.group) for p in many.places] == [(p.judge, p.group) for p in few.places]


def test_the_report_has_every_score_and_the_agreement():
    """A line a score in CSV; in the terminal the ranking, position bias, agreement and subsets."""
    path = exported(random_runs("sections", 1))
    ended = judgebench("report", path, "--csv", "scores.csv")
    assert ended.status == 0, ended.err
    assert all(said in ended.out for said in ("first slot", "agreement", "nearest", "alpacaeval-easy"))
    metrics = jb.Run.load(
        "runs/rewardbench/judge0/pairwise/" + next(Path("runs/rewardbench/judge0/pairwise").iterdir()).name
    ).metrics
    lines = Path("scores.csv").read_text().splitlines()
    assert sum(",judge0," in line for line in lines) == 1 + len(metrics.sections) + len(metrics.subsets)
    table = jb.file_report(path).agreement()
    assert len(table.rows) == math.comb(3, 2)


@pytest.mark.parametrize("kind", ["four", "ties"])
def test_a_comparison_has_each_two_runs(kind):
    """With the differences, p-values and agreement that the folders' comparison has."""
    runs = random_runs(kind, 4)
    folders, ended = jb.compare(runs), judgebench("compare", exported(runs), "--json")
    assert ended.status == 0, ended.err
    (found,) = json.loads(ended.out)
    names = [each["run"] for each in found["runs"]]
    pairs_found = {frozenset((names[each["first"]], names[each["second"]])): each for each in found["pairs"]}
    alike = {(each.first, each.second): each for each in folders.agreement}
    judges = [run.name.judge for run in folders.runs]
    for each, p in zip(folders.whole.pairs, folders.whole.adjusted, strict=True):
        pair = pairs_found.pop(frozenset((judges[each.first], judges[each.second])))
        same = alike[each.first, each.second]
        assert_close(
            (abs(pair["difference"]), pair["p"], pair["agreement"], pair["errors_in_common"]),
            (abs(each.difference), p, same.same.value, same.errors_in_common.value),
        )
    assert not pairs_found
    groups = {run.name.judge: run.group for run in folders.runs}
    assert {each["run"]: each["group"] for each in found["runs"]} == groups


def test_of_many_runs_the_best_ones_pairs_are_shown():
    """The others on request; a file of one run, and what only folders can give, is one line."""
    rows = [row for at in range(6) for row in label_run(f"judge{at}", [at > n for n in range(6)], benchmark="custom")]
    write(rows + label_run("judge0", [1, 0], benchmark="llmbar"))
    few, every = (judgebench("compare", "judgements.parquet", *more).out for more in ([], ["--all"]))
    assert ("1 - 6" in few, "5 - 6" in few, "10 more: --all" in few) == (True, False, True)
    assert ("5 - 6" in every, "more: --all" in every) == (True, False)
    assert "left out: LLMBar: one run" in judgebench("compare", "judgements.parquet").err
    ended = judgebench("compare", "judgements.parquet", "--margin", "2")
    assert (ended.status, "--margin is for runs' folders" in ended.err) == (2, True)
    write(label_run("alone", [1, 0]))
    ended = judgebench("compare", "judgements.parquet")
    assert (ended.status, ended.err.count("\n"), "no two runs" in ended.err) == (2, 1, True)


def test_a_command_for_folders_says_which_ones_read_a_file():
    """One line."""
    write(label_run("a", [1, 0]))
    for name in ("judgements.parquet", "."):
        ended = judgebench("show", name)
        assert (ended.status, ended.err.count("\n")) == (2, 1)
        assert "Parquet files of judgements are for judgebench leaderboard, report and compare" in ended.err


def test_the_page_has_a_sample_of_items():
    """With the texts of the items where the export has them, and nothing loaded from anywhere."""
    path = exported(random_runs("sections", 2), "--items")
    ended = judgebench("leaderboard", path, "--html", "board.html")
    assert ended.status == 0, ended.err
    page = Path("board.html").read_text()
    assert "sampled items" in page
    assert "Question 1?" in page
    assert not Path("board-runs").exists()
