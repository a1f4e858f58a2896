"""`judgebench export --to rewardbench`: the files that its scripts write, and its leaderboard reads.

What is expected is from github.com/allenai/reward-bench: `scripts/run_rm.py`, `run_generative.py`, `run_v2.py` and
`analysis/utils.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import best_of_four, files_below, judgebench, pairs, read_json, ties, write_jsonl
from finishedruns import judge_run, score_run, written_run

SUBSETS = ("alpacaeval-easy", "donotanswer")


def exported(*arguments: object) -> str:
    ended = judgebench("export", *arguments, "--to", "rewardbench", "--out", "made")
    assert ended.status == 0, ended.err
    return ended.err


def test_a_judge_has_a_figure_a_subset():
    """Beside model, model_type and chat_template; two folders deep, where the leaderboard looks."""
    run = written_run("gpt-x", pairs(4, SUBSETS), lambda key, _: 0 if key.id in {"0", "1", "2"} else 1)
    exported(run)
    assert files_below(Path("made"))[-1] == "reward-bench-results/eval-set/openai/gpt-x.json"
    assert read_json(Path("made/reward-bench-results/eval-set/openai/gpt-x.json")) == {
        "model": "openai/gpt-x",
        "model_type": "Generative RM",
        "chat_template": None,
        "alpacaeval-easy": 1.0,
        "donotanswer": 0.5,
    }


def test_keys_are_sorted_and_indented_by_four():
    """As `save_to_hub` writes them."""
    exported(written_run("gpt-x", pairs(2, SUBSETS), lambda *_: 0))
    text = Path("made/reward-bench-results/eval-set/openai/gpt-x.json").read_text()
    assert text == json.dumps(json.loads(text), indent=4, sort_keys=True) + "\n"


def test_the_scores_have_a_list_a_column():
    """Each row's id (a number, as in the data), subset, result and texts."""
    exported(written_run("gpt-x", pairs(2, SUBSETS), lambda key, _: None if key.id == "0" else 0))
    scores = read_json(Path("made/reward-bench-results/eval-set-scores/openai/gpt-x.json"))
    assert (scores["id"], scores["subset"], scores["results"]) == ([0, 1], list(SUBSETS), [0.5, 1.0])
    assert scores["text_rejected"][0] == [
        {"role": "user", "content": "Question 0?"},
        {"role": "assistant", "content": "A bad answer: number 0."},
    ]
    assert "scores_chosen" not in scores


def test_a_reward_model_has_its_scores():
    """Of the chosen and of the rejected answer."""
    exported(score_run("rm", [1, 0]), "--model", "me/rm-1.0", "--model-type", "Custom Classifier")
    made = read_json(Path("made/reward-bench-results/eval-set-scores/me/rm-1.0.json"))
    assert (made["model"], made["model_type"]) == ("me/rm-1.0", "Custom Classifier")
    assert (made["scores_chosen"], made["scores_rejected"], made["results"]) == ([1.0, 0.0], [0.5, 0.5], [1.0, 0.0])


def test_rewardbench_2_has_its_domains():
    """Ties has one figure for all its pairs, and so no result an item."""
    rows = [*best_of_four(2, "Math"), *ties(1)]
    right = lambda key, call: 0 if len(call.order) > 1 else 9 if call.order[0] < key.num_correct else 1  # noqa: E731
    exported(written_run("gpt-x", rows, right, benchmark="rewardbench-2"))
    figures = read_json(Path("made/reward-bench-2-results/eval-set/openai/gpt-x.json"))
    # All but the last part of the rule is 1, and so is the tanh of an infinite margin over spread: 1.01.
    assert (figures["Math"], figures["Ties"]) == (1.0, pytest.approx(1.01))
    scores = read_json(Path("made/reward-bench-2-results/eval-set-scores/openai/gpt-x.json"))
    assert scores["results"] == [1.0, 1.0, None, None]
    assert scores["num_correct"] == [1, 1, 1, 3]
    assert scores["scores"][2] == [9.0, 1.0, 1.0, 1.0]


def test_prior_sets_go_to_files_of_their_own():
    """As the scripts' `--pref_sets` does."""
    rows = [*pairs(1, ("donotanswer",)), pairs(2, ("shp",))[1]]
    exported(written_run("gpt-x", rows, lambda *_: 0))
    below = Path("made/reward-bench-results")
    assert read_json(below / "pref-sets/openai/gpt-x.json")["shp"] == 1.0
    assert "shp" not in read_json(below / "eval-set/openai/gpt-x.json")
    assert read_json(below / "pref-sets-scores/openai/gpt-x.json")["subset"] == ["shp"]


def test_what_keeps_it_from_the_leaderboard_is_said():
    """Subsets without items, rows that are not the benchmark's."""
    said = exported(judge_run("offline/first"))
    assert "22 of 23 subsets have no items" in said
    assert "has rows of judged-rows.jsonl, not of allenai/reward-bench" in said


def test_a_limit_is_said():
    """So many of so many items."""
    data = write_jsonl(Path("rows.jsonl"), pairs(8))
    judgebench("run", "rewardbench", "-j", "offline/first", "--data", data, "--limit", 3)
    (run,) = (path.parent for path in Path("runs").rglob("manifest.json"))
    assert "has 3 of 8 items" in exported(run)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--model", "rm"), "--model is 'rm', expected ORGANISATION/MODEL"),
        (("--model", "../../x/rm"), "expected ORGANISATION/MODEL"),
        (("--model", "../rm"), "expected ORGANISATION/MODEL"),
        (("--model-type", "Seq Classifier"), "did you mean Seq. Classifier or"),
        (("--items",), "--items is for dataset, not for rewardbench: leave it out"),
        (("--organization", "me"), "--organization is for every-eval-ever, not for rewardbench: leave it out"),
    ],
)
def test_a_mistake_is_one_line(options, said):
    """Exit status 2, and nothing is written."""
    ended = judgebench("export", score_run("rm", [1]), "--to", "rewardbench", "--out", "made", *options)
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert said in ended.err
    assert not Path("made").exists()


def test_two_runs_of_one_model_are_not_one_file():
    """Neither replaces the other."""
    runs = [judge_run("offline/first"), judge_run("offline/first", 8, "--orders", "both")]
    ended = judgebench("export", *runs, "--to", "rewardbench", "--out", "made")
    assert (ended.status, Path("made").exists()) == (2, False)
    assert "are both results of offline/first: export them one by one" in ended.err


def test_another_benchmark_has_no_such_format():
    """It says for which ones there is."""
    data = write_jsonl(Path("own.jsonl"), pairs(2))
    judgebench("run", "custom", "-j", "offline/first", "--data", data)
    run = next(Path("runs").rglob("manifest.json")).parent
    ended = judgebench("export", run, "--to", "rewardbench", "--out", "made")
    assert ended.status == 2
    assert "is of custom; RewardBench's format is for rewardbench and rewardbench-2" in ended.err


def test_a_run_that_is_not_finished_is_refused():
    """The official figures are over all items."""
    run = judge_run("offline/first")
    lines = (run / "judgements.jsonl").read_text().splitlines(keepends=True)
    (run / "judgements.jsonl").write_text("".join(lines[:5]))
    ended = judgebench("export", run, "--to", "rewardbench", "--out", "made")
    assert ended.status == 2
    assert "3 of 8 items are not judged" in ended.err
