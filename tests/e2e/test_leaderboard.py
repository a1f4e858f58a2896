"""`judgebench leaderboard`: runs and score files below a folder, ranked."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from contextlib import chdir
from functools import cache
from pathlib import Path

import pytest
from commands import judgebench, lasting_folder, pairs, write_jsonl
from finishedruns import judge_run, sample_runs, score_run, written_run
from scoring import shared

import judgebench as jb
from judgebench.analysis.published import published_figures


def boards(*arguments):
    ended = judgebench("leaderboard", "runs", *arguments, "--json")
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


def test_judges_and_reward_models_in_one_table():
    """Ranked by score, equal scores share a rank, letters where nothing tells runs apart."""
    rows = pairs(12, ("alpacaeval-easy",))
    for name, right in [("best", [1] * 12), ("same", [1] * 12), ("worst", [0] * 12)]:
        score_run(name, right, rows)
    judge_run("offline/shortest", 12)
    (board,) = boards()
    assert [(p["rank"], p["judge"]) for p in board["places"]][:2] == [(1, "best"), (1, "same")]
    groups = {place["judge"]: place["group"] for place in board["places"]}
    assert groups["best"] == groups["same"] != groups["worst"]
    assert board["items"] == 12


def test_only_judges_are_on_the_front_of_cost_and_score():
    """A reward model's price is not known; of two free judges the better one is on the front."""
    score_run("rm", [1] * 8)
    judge_run("offline/longest")
    judge_run("offline/shortest")
    (board,) = boards()
    front = {place["judge"] for place in board["places"] if place["pareto"]}
    assert "rm" not in front
    assert front


def test_runs_over_other_items_are_marked_and_not_ranked():
    """The largest set of runs over the same items is ranked; a better score over fewer items stands below it."""
    score_run("first", [1] * 4 + [0] * 4)
    score_run("second", [0] * 8)
    score_run("other", [1] * 5)
    (board,) = boards()
    assert [(p["rank"], p["judge"], p["other_items"]) for p in board["places"]] == [
        (1, "first", False),
        (2, "second", False),
        (None, "other", True),
    ]
    assert [bool(place["group"]) for place in board["places"]] == [True, True, False]
    assert "2 of 3 runs have the same 8 items and are ranked; 1 run has other items" in board["notes"][0]
    shown = " ".join(judgebench("leaderboard", "runs").out.split())
    assert "- other 100.0%" in shown
    assert "scores, other-rows.jsonl" in shown
    assert "-: other items, not ranked: other" in shown


def test_a_limited_run_is_not_ranked_against_a_whole_one():
    """Of two runs that are not over the same items the one with more is ranked."""
    judge_run("offline/first", 8)
    judge_run("offline/longest", 8, "--limit", "4")
    assert {(p["judge"], p["rank"]) for p in boards()[0]["places"]} == {("offline/first", 1), ("offline/longest", None)}


def test_a_pattern_over_runs_finds_those_of_scores_too():
    """Their folders are one level less deep, so that it finds the files in them: each run counts once."""
    judge_run("offline/first", 8)
    score_run("rm", [1] * 8, pairs(8, ("alpacaeval-easy",)))
    found = sorted(map(str, Path("runs").glob("rewardbench/*/*/*")))
    assert len(found) > 2
    for command in (("compare",), ("report",), ("export", "--to", "dataset", "--out", "exported")):
        ended = judgebench(command[0], *found, *command[1:])
        assert ended.status == 0, ended.err
    assert "RewardBench · 2 runs" in judgebench("compare", *found).out


def test_controls_stand_in_a_report_unranked():
    """A run over altered items is no rival: no rank, no letter, no star."""
    judge_run("offline/longest", 8, "--control", "blind")
    judge_run("offline/random", 8)
    (board,) = jb.report([str(path) for path in Path("runs").glob("rewardbench/*/*/*")]).boards
    (blind,) = (place for place in board.places if place.protocol == "one-blind")
    assert (blind.rank, blind.group, blind.pareto) == (None, "", False)
    assert {place.rank for place in board.places} == {1, 2, None}
    assert "1 run over altered items (a control) is not ranked" in board.notes


def test_what_is_reached_without_judging_stands_below():
    """Once where it is the same for all; else beside which runs: one order of eight shows other answers first."""
    judge_run("offline/longest", 8)
    judge_run("offline/random", 8)
    assert judgebench("leaderboard", "runs").out.count("baselines: longest ") == 1
    judge_run("offline/first", 8, "--orders", "both")
    said = " ".join(judgebench("leaderboard", "runs").out.split())
    assert said.count("baselines of ") == 2
    assert "first 50.0%, random 50.0%" in said


def test_two_runs_over_as_many_other_items_are_not_ranked():
    """Which of them should be is nobody's choice."""
    for name, start in (("one", 0), ("other", 4)):
        score_run(name, [1] * 4, pairs(8, ("alpacaeval-easy",))[start : start + 4])
    (board,) = boards()
    assert [place["rank"] for place in board["places"]] == [None, None]
    assert board["items"] is None
    assert "not ranked: no two runs" in board["notes"][0]


def test_judgements_that_came_after_the_figures_count():
    """A run killed while it went on: its metrics.json is of 3 judgements, and all 8 count, as `rescore` has it."""
    judge_run("offline/first")
    run = judge_run("offline/longest", 8)
    whole = json.loads((run / "metrics.json").read_text())
    lines = (run / "judgements.jsonl").read_text().splitlines(keepends=True)
    (run / "judgements.jsonl").write_text("".join(lines[:3]))
    assert judgebench("rescore", run).status == 0
    partial = run.with_name("one-rescored-pairwise")
    for name in ("metrics.json", "outcomes.jsonl"):
        (run / name).write_text((partial / name).read_text())
    shutil.rmtree(partial)
    (run / "judgements.jsonl").write_text("".join(lines))
    ended = judgebench("leaderboard", "runs", "--json")
    (place,) = (place for place in json.loads(ended.out)[0]["places"] if place["judge"] == "offline/longest")
    assert (place["score"], place["low"], place["high"]) == (whole["score"], whole["low"], whole["high"])
    assert place["rank"] is not None
    (note,) = json.loads(ended.out)[0]["notes"]
    assert note.startswith(f"{run}: metrics.json covers 3 judgements and judgements.jsonl has 8: all 8 are used")


def test_a_run_whose_judgements_were_cut_counts_what_is_left():
    """The score is the one that `rescore` starts from, over fewer items, so that the run is not ranked."""
    judge_run("offline/first")
    judge_run("offline/random")
    run = judge_run("offline/longest", 8)
    text = (run / "judgements.jsonl").read_text()
    (run / "judgements.jsonl").write_text("".join(text.splitlines(keepends=True)[:5]) + '{"item": "6", "sub')
    before = json.loads(judgebench("rescore", run, "--dry-run", "--json").out)
    (board,) = boards()
    (place,) = (place for place in board["places"] if place["judge"] == "offline/longest")
    assert (place["score"], place["coverage"], place["rank"]) == (before["score_before"], 5 / 8, None)
    assert any("covers 8 judgements and judgements.jsonl has 5: all 5 are used" in note for note in board["notes"])
    ended = judgebench("compare", run, "runs/rewardbench/offline--first/pairwise/one")
    assert ended.status == 2
    assert "different items: 5 in common" in ended.err


def test_published_figures_stand_beside_unranked():
    """The published row has its source and no rank, and is marked as not measured again."""
    score_run("rm", [1] * 8)
    ended = judgebench("leaderboard", "runs", "--published")
    assert "oasst-rm-2.1-pythia-1.4b" in " ".join(ended.out.split())
    assert "published, not reproduced" in " ".join(ended.out.split())
    (board,) = boards("--published")
    rows = {place["judge"]: place for place in board["places"] if place["published"]}
    row = rows["oasst-rm-2.1-pythia-1.4b"]
    assert (row["rank"], row["score"], row["sections"]["Chat"]) == (None, 0.6901, 0.8855)
    assert (rows["GPT-4o"]["score"], "Skywork" in rows["GPT-4o"]["source"]) == (0.867, True)


def test_published_scores_are_those_of_their_sections():
    """RewardBench 2's is the mean of the six domains; RewardBench's adds the prior sets (.6533) at weight 0.5."""
    by_name = {row.benchmark: row for row in published_figures()}
    two = by_name["rewardbench-2"]
    assert sum(two.sections.values()) / 6 == pytest.approx(two.score, abs=5e-4)
    one = by_name["rewardbench"]
    assert (sum(one.sections.values()) + 0.5 * 0.6533) / 4.5 == pytest.approx(one.score, abs=5e-5)
    assert all(row.source and row.date for row in published_figures())


def test_sorting():
    """By name, by cost, by a section; an unknown key names the nearest."""
    score_run("b", [1] * 8)
    score_run("a", [0] * 8)
    assert [place["judge"] for place in boards("--sort", "judge")[0]["places"]] == ["a", "b"]
    assert [place["judge"] for place in boards("--sort", "Chat")[0]["places"]] == ["b", "a"]
    ended = judgebench("leaderboard", "runs", "--sort", "scor")
    assert ended.status == 2
    assert "did you mean score" in ended.err


def test_csv_and_markdown_are_written():
    """A line a run, with its sections; what would break a Markdown table is escaped."""
    score_run("with|bar", [1] * 8)
    ended = judgebench("leaderboard", "runs", "--csv", "board.csv", "--markdown", "board.md")
    assert ended.status == 0, ended.err
    (row,) = csv.DictReader(Path("board.csv").read_text().splitlines())
    assert (row["judge"], row["score"], row["Chat"], row["template"]) == ("with|bar", "1.0", "1.0", "scores")
    assert "| 1 | with\\|bar | scores | 100.0% |" in Path("board.md").read_text()
    assert judgebench("leaderboard", "runs", "--csv", "no/where.csv").status == 2


def test_a_run_that_cannot_be_read_is_named_and_left_out():
    """Not fatal: the reason goes to standard error, the others are ranked."""
    broken = score_run("broken", [1] * 8)
    score_run("good", [1] * 8)
    (broken / "metrics.json").write_text('["score"]')
    ended = judgebench("leaderboard", "runs", "--json")
    assert ended.status == 0
    assert [place["judge"] for place in json.loads(ended.out)[0]["places"]] == ["good"]
    assert f"left out: {broken / 'metrics.json'}: from another version" in ended.err


DAMAGES = pytest.mark.parametrize("damage", [b"\xff\xfe\n", b"[1]\n", b"null\n"], ids=["bytes", "list", "null"])


@cache
def two_runs() -> Path:
    """The folder of a judge's run and of scores over as many items."""
    here = lasting_folder()
    with chdir(here):
        judge_run("offline/first")
        score_run("good", [1] * 8)
    return here


@pytest.mark.parametrize("name", ["judgements.jsonl", "outcomes.jsonl", "metrics.json", "manifest.json"])
@DAMAGES
def test_a_damaged_file_of_a_run_is_named(name, damage):
    """Whatever it holds, in one line with the file's name; the others are ranked."""
    shutil.copytree(two_runs(), ".", dirs_exist_ok=True)
    damaged = Path("runs/rewardbench/offline--first/pairwise/one")
    (damaged / name).write_bytes(damage)
    ended = judgebench("leaderboard", "runs", "--json")
    assert ended.status == 0
    assert [place["judge"] for place in json.loads(ended.out)[0]["places"]] == ["good"]
    (said,) = [line for line in ended.err.splitlines() if line.startswith("left out: ")]
    assert str(damaged / name) in said


@DAMAGES
def test_damaged_items_are_named(damage):
    """With nothing to read them from in their place."""
    damaged = judge_run("offline/first")
    (damaged / "items.jsonl.gz").write_bytes(gzip.compress(damage))
    ended = judgebench("report", damaged)
    assert ended.status == 2
    assert f"{damaged / 'items.jsonl.gz'}: cannot be read" in ended.err


def test_a_run_without_its_items_is_left_out_and_no_other():
    """Runs of the same items share them; the one whose file is gone is not the one that they are read from."""
    rows = pairs(8, ("alpacaeval-easy",))
    for name in ("a", "b", "c"):
        score_run(name, [1] * 8, rows)
    for name, file in (("a", "items.jsonl.gz"), ("c", "outcomes.jsonl")):
        (Path("runs/rewardbench") / name / "scores" / file).unlink()
    ended = judgebench("leaderboard", "runs", "--json")
    assert [(place["judge"], place["rank"]) for place in json.loads(ended.out)[0]["places"]] == [("b", 1)]
    assert ended.err.count("left out: ") == 2


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (["consistency_n"], "consistency_n"),
        (["usage", "spent_usd"], "usage.spent_usd"),
        (["subsets", "alpacaeval-easy", "low"], "subsets.alpacaeval-easy.low"),
        (["bounds", "high"], "bounds.high"),
    ],
)
def test_a_run_of_an_older_version_is_named_with_the_field_it_lacks(path, field):
    """One line with the file, the field and the mend, which makes it readable."""
    run = judge_run("offline/longest")
    metrics = json.loads((run / "metrics.json").read_text())
    *above, last = path
    within = metrics
    for name in above:
        within = within[name]
    del within[last]
    (run / "metrics.json").write_text(json.dumps(metrics))
    ended = judgebench("report", run)
    said = f"written by an older version of judgebench, without the field '{field}'; rerun its command, or"
    assert ended.status == 2
    assert ended.err.startswith(f"judgebench: {run / 'metrics.json'}: {said} judgebench rescore")
    assert ended.err.count("\n") == 1
    judge_run("offline/longest")
    assert judgebench("report", run).status == 0


def test_nothing_to_rank_is_a_mistake():
    """An empty folder, a folder that is not there, and a benchmark without a run: exit 2."""
    Path("empty").mkdir()
    ended = judgebench("leaderboard", "empty")
    assert ended.status == 2
    assert "no runs found" in ended.err
    assert "folder not found" in judgebench("leaderboard", "nowhere").err
    score_run("rm", [1] * 8)
    assert (
        "none of its 1 runs is of rewardbench-2"
        in judgebench("leaderboard", "runs", "--benchmark", "rewardbench-2").err
    )


def test_the_table_fits_the_terminal(monkeypatch):
    """No line is wider than the terminal, be it narrow or wide."""
    monkeypatch.chdir(sample_runs())
    for columns in (80, 200):
        monkeypatch.setenv("COLUMNS", str(columns))
        ended = judgebench("leaderboard", "runs", "--published")
        assert max(map(len, ended.out.splitlines())) <= columns
        assert "Precise IF" in ended.out


def test_five_of_rewardmath_s_eight():
    """Their score files rank as their known counts of 483 do, with the known reciprocal ranks.

    Counts of one apart share a letter; those 70 apart do not.
    """
    folder = shared("rewardmath")
    known = [
        ("internlm2", 180, 0.5517),
        ("gpt4", 108, 0.4457),
        ("skywork_llama3", 107, 0.4469),
        ("beaver", 35, 0.2659),
        ("oasst-rm", 34, 0.2703),
    ]
    for name, _, _ in known:
        file = folder / "scores" / f"{name}.jsonl"
        ended = judgebench("score", file, "--benchmark", "rewardmath", "--data", folder / "items.jsonl")
        assert ended.status == 0, ended.err
    (board,) = boards()
    right = [
        (place["judge"], round(place["score"] * 483), round(place["figures"]["mrr"], 4)) for place in board["places"]
    ]
    assert right == known
    assert [place["group"] for place in board["places"]] == ["a", "b", "b", "c", "c"]


def test_an_empty_run_is_named_and_left_out():
    """Without judgements its figures are another run's."""
    empty = judge_run("offline/first")
    judge_run("offline/longest")
    (empty / "judgements.jsonl").write_text("")
    ended = judgebench("leaderboard", "runs", "--json")
    assert [place["judge"] for place in json.loads(ended.out)[0]["places"]] == ["offline/longest"]
    assert f"left out: {empty}: empty run" in ended.err


def test_a_long_name_stands_on_one_line(monkeypatch):
    """On 80 columns a name of 27 characters is not broken."""
    monkeypatch.setenv("COLUMNS", "80")
    score_run("oasst-rm-2.1-pythia-1.4b-ab", [1] * 8)
    judge_run("offline/longest")
    assert "oasst-rm-2.1-pythia-1.4b-ab" in judgebench("leaderboard", "runs").out


def test_sections_below_a_grid_name_the_template(monkeypatch):
    """On a narrow terminal they stand in a table of their own, where one judge has a row for each template."""
    monkeypatch.setenv("COLUMNS", "80")
    write_jsonl(Path("grid.jsonl"), pairs(6))
    options = ("-t", "pairwise", "-t", "pairwise-ties", "--data", "grid.jsonl", "--quiet")
    out = judgebench("run", "rewardbench", "-j", "offline/longest", *options).out
    head = next(line for line in out.splitlines() if line.split() == ["judge", "template", "Chat", "Safety"])
    rows = out.splitlines()[out.splitlines().index(head) + 2 :][:2]

    assert sorted(row.split()[2] for row in rows) == ["pairwise", "pairwise-ties"]


def test_nothing_is_cut_off_at_80_columns(monkeypatch):
    """With every column that there can be, the last ones are whole."""
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in (("--limit", "12"), ("--orders", "both")):
        judgebench("run", "rewardbench", "--data", "sample", "-j", "offline/longest", "-j", "offline/first", *arguments)
    lines = judgebench("leaderboard", "runs").out.splitlines()
    heads = [line.split() for line in lines if line.strip().startswith("judge ")]
    assert {"items", "cost", "group", "consistency", "Safety"} <= {word for head in heads for word in head}
    assert max(map(len, lines)) <= 80
    assert sum("$0.00" in line for line in lines) == 4


def test_from_five_runs_on_the_best_is_said_to_be_too_high():
    """Four runs have no such note; of five with the same score the best may have any rank."""
    rows = pairs(40, ("alpacaeval-easy",))
    for at in range(4):
        score_run(f"rm{at}", [(item + at) % 5 != 0 for item in range(40)], rows)
    assert "winner's curse" not in str(boards()[0]["notes"])
    score_run("rm4", [(item + 4) % 5 != 0 for item in range(40)], rows)
    (board,) = boards()
    assert "the best of 5 scores is too high on average (winner's curse)" in board["notes"][0]
    assert [(place["rank_low"], place["rank_high"]) for place in board["places"]] == [(1, 5)] * 5
    shown = " ".join(judgebench("leaderboard", "runs").out.split())
    assert "rank CI" in shown
    assert "95% CIs of sections: judgebench report" in shown


def test_letters_are_those_of_the_section_that_it_is_sorted_by():
    """In Chat the runs are equal, in Safety one is right on all and the other on none."""
    rows = pairs(40, ("alpacaeval-easy", "donotanswer"))
    safe = [row["subset"] == "donotanswer" for row in rows]
    score_run("both", [1] * 40, rows)
    score_run("chat", [not each for each in safe], rows)
    groups = {by: [place["group"] for place in boards("--sort", by)[0]["places"]] for by in ("score", "Chat", "Safety")}
    assert groups == {"score": ["a", "b"], "Chat": ["a", "a"], "Safety": ["a", "b"]}
    shown = " ".join(judgebench("leaderboard", "runs", "--sort", "Chat").out.split())
    assert "group (Chat)" in shown
    assert "same letter: no significant difference" in shown


def test_the_star_is_for_all_that_are_not_shown_to_be_dominated():
    """Of four judges at one price two are equal and one is a point below; the last one is significantly worse."""
    rows = pairs(100, ("alpacaeval-easy",))
    for name, wrong in (("one", 10), ("other", 10), ("close", 11), ("far", 60)):
        written_run(name, rows, lambda key, _, wrong=wrong: int(int(key.id) < wrong))
    starred = {place["judge"]: place["pareto"] for place in boards()[0]["places"]}
    assert starred == {"one": True, "other": True, "close": True, "far": False}


def test_a_run_with_few_verdicts_is_not_ranked():
    """40% of the judgements have one: the official score stays, without rank, letter and star."""
    rows = pairs(20, ("alpacaeval-easy",))
    written_run("talks", rows, lambda *_: 0)
    written_run("errs", rows, lambda key, _: int(int(key.id) < 10))
    written_run("silent", rows, lambda key, _: 0 if int(key.id) < 8 else -1)
    (board,) = boards()
    (place,) = (place for place in board["places"] if place["judge"] == "silent")
    assert (place["score"], place["coverage"], place["low_coverage"]) == (0.7, 0.4, True)
    assert (place["rank"], place["group"], place["pareto"], place["other_items"]) == (None, "", False, False)
    assert sorted(each["rank"] for each in board["places"] if each["rank"]) == [1, 2]
    assert "-: coverage below 50%, not ranked: silent" in " ".join(judgebench("leaderboard", "runs").out.split())


def test_a_board_says_what_failures_do_to_the_first_place():
    """The best against each other run, over the items that both answered, and with each failure bad or good."""
    rows = pairs(100, ("alpacaeval-easy",))
    written_run("frail", rows, lambda key, _: -1 if int(key.id) < 20 else 0)
    written_run("steady", rows, lambda key, _: int(int(key.id) % 10 == 9))
    (board,) = boards()
    (effect,) = board["failures"]
    assert (effect["items"], abs(effect["answered"]["difference"])) == (80, pytest.approx(0.1))
    assert any("depends on their failures" in note for note in board["notes"])
    assert "failures" in judgebench("leaderboard", "runs").out


def test_a_board_of_samples_says_so() -> None:
    """Of both runs over 10 of 40 items, once."""
    data = write_jsonl(Path("rows.jsonl"), pairs(40))
    judges = ("-j", "offline/longest", "-j", "offline/first")
    ended = judgebench("run", "rewardbench", *judges, "--data", data, "--limit", 10)
    assert "note: a sample of 10 of 40 items: 2 scores estimate what all items would give" in " ".join(
        ended.out.split()
    )


def test_a_board_says_which_runs_can_still_be_the_best():
    """Of three runs two are a single item apart, the third is far below."""
    rows = pairs(100, ("alpacaeval-easy",))
    for name, wrong in (("one", 10), ("close", 11), ("far", 60)):
        written_run(name, rows, lambda key, _, wrong=wrong: int(int(key.id) < wrong))
    places = {place["judge"]: place for place in boards()[0]["places"]}
    assert {name: place["can_be_best"] for name, place in places.items()} == {"one": True, "close": True, "far": False}
    assert places["one"]["best_low"] <= 0 <= places["one"]["best_high"]
    assert "one, close can still be the best of 3 runs" in " ".join(judgebench("leaderboard", "runs").out.split())
