"""`judgebench run --pairs`: the best of k from a pairwise template."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import (
    BAD,
    GOOD,
    best_of_four,
    by_quality,
    judgebench,
    pairs,
    read_json,
    read_jsonl,
    ties,
    write_jsonl,
    write_judges,
)
from finishedruns import written_run
from scripted import ScriptedModels

FOLDERS = {"all": "one-all-pairs", "knockout": "one-knockout"}


def better(request):
    """The reply of a judge that always finds the good answer, and takes the first of two bad ones."""
    return by_quality(request) if GOOD in request.text or "<answer_" not in request.text else "[[A]]"


def asked(way, *options, answer=better, rows=None):
    """A run with --pairs: how it ended, and how many calls reached the server."""
    data = write_jsonl(Path("rows.jsonl"), rows or best_of_four(5))
    with ScriptedModels(answer) as server:
        write_judges(server.url, mine={"price": {"input": 1, "output": 1}})
        ended = judgebench("run", "rewardbench-2", "-j", "mine", "--pairs", way, "--data", data, "--json", *options)
        return ended, len(server.requests)


@pytest.mark.parametrize(("way", "matches"), [("all", 6), ("knockout", 3)])
def test_a_judge_that_is_always_right_finds_the_best(way, matches):
    """Each of five items of four: six matches or three, and 100%; it is said that this is not the official way."""
    ended, calls = asked(way)
    assert (ended.status, calls) == (0, 5 * matches)
    (metrics,) = ended.metrics
    assert (metrics["score"], metrics["template"], metrics["judgements"]) == (1.0, "pairwise", 5 * matches)
    assert any("not the official way" in note for note in metrics["notes"])
    folder = Path("runs/rewardbench-2/mine/pairwise") / FOLDERS[way]
    assert read_json(folder / "manifest.json")["protocol"]["pairs"] == way


def test_ties_are_still_rated():
    """RewardBench 2's Ties have no best: they get ratings, the others pairs."""
    ended, _ = asked("knockout", rows=[*best_of_four(2), *ties(1)])
    assert ended.status == 0, ended.err
    lines = read_jsonl(Path("runs/rewardbench-2/mine/pairwise/one-knockout/judgements.jsonl"))
    assert {len(line["order"]) for line in lines if line["subset"] == "Ties"} == {1}
    assert {len(line["order"]) for line in lines if line["subset"] == "Factuality"} == {2}


@pytest.mark.parametrize("way", ["all", "knockout"])
def test_the_same_again_makes_no_call(way):
    """Once from the run's folder, once into another from the cache, offline: no call and the same figures."""
    first = asked(way)[0].metrics[0]
    again, calls = asked(way)
    assert (again.metrics[0]["score"], calls) == (first["score"], 0)
    replayed, calls = asked(way, "--out", "elsewhere", "--offline")
    (metrics,) = replayed.metrics
    assert (metrics["score"], metrics["usage"]["cached"], calls) == (first["score"], first["judgements"], 0)


@pytest.mark.parametrize(("way", "matches"), [("all", 6), ("knockout", 3)])
def test_a_dry_run_counts_every_round(way, matches):
    """Before anything is there all matches are counted, and afterwards none."""
    ended, calls = asked(way, "--dry-run")
    assert (ended.metrics[0]["calls"], ended.metrics[0]["judgements"], calls) == (5 * matches, 5 * matches, 0)
    asked(way)
    assert asked(way, "--dry-run", "--out", "elsewhere")[0].metrics[0]["calls"] == 0


def test_a_knockout_goes_on_where_it_was_cut_off():
    """The last two judgements are cut off: they alone are asked again, from the cache, and the score is the same."""
    asked("knockout")
    folder = Path("runs/rewardbench-2/mine/pairwise/one-knockout")
    lines = (folder / "judgements.jsonl").read_text().splitlines(keepends=True)
    (folder / "judgements.jsonl").write_text("".join(lines[:-2]))
    ended, calls = asked("knockout")
    assert (ended.metrics[0]["score"], ended.metrics[0]["judgements"], calls) == (1.0, 15, 0)


def test_rescore_and_recounting_follow_the_bracket():
    """By the same rule nothing changes; a file that was cut counts what is there, with the rest not asked."""
    asked("knockout")
    folder = Path("runs/rewardbench-2/mine/pairwise/one-knockout")
    ended = judgebench("rescore", folder, "--dry-run", "--json")
    assert (ended.metrics["score_before"], ended.metrics["score"], ended.metrics["changed"]) == (1.0, 1.0, 0)
    lines = (folder / "judgements.jsonl").read_text().splitlines(keepends=True)
    (folder / "judgements.jsonl").write_text(lines[0])
    ended = judgebench("report", folder)
    assert ended.status == 0, ended.err
    assert "(1/10 verdicts parsed" in ended.out


def test_show_compare_and_jury_read_them():
    """All pairs and a knockout are compared; a jury takes all pairs, and says that it takes no knockout."""
    asked("all")
    asked("knockout")
    folder = Path("runs/rewardbench-2/mine/pairwise")
    assert "call 6" in judgebench("show", folder / "one-all-pairs", "Factuality-1").out
    assert judgebench("compare", folder / "one-all-pairs", folder / "one-knockout").status == 0
    Path("providers.yaml").unlink()
    runs = [
        written_run(
            name, best_of_four(4), lambda _, call, at=at: sorted(call.order)[at], benchmark="rewardbench-2", pairs=way
        )
        for name, at, way in (("a", 0, "all"), ("b", 1, "all"), ("c", 0, "all"), ("d", 0, "knockout"))
    ]
    ended = judgebench("jury", *runs[:3], "--json")
    assert (ended.metrics["score"], ended.status) == (1.0, 0), ended.err
    ended = judgebench("jury", *runs)
    assert (ended.status, "no --pairs knockout" in ended.err) == (2, True)


def test_own_rows_of_any_size():
    """Custom rows of three and of two completions under one option: three matches and one."""
    answers = [f"{GOOD} 1", f"{BAD} 1", f"{BAD} 2"]
    rows = [{"prompt": "Q", "completions": answers[:k], "num_correct": 1} for k in (3, 2)]
    data = write_jsonl(Path("own.jsonl"), rows)
    with ScriptedModels(better) as server:
        write_judges(server.url)
        ended = judgebench("run", "custom", "-j", "mine", "--pairs", "all", "--data", data, "--json")
    assert (ended.metrics[0]["score"], ended.metrics[0]["judgements"]) == (1.0, 4)


def test_what_does_not_fit_is_a_mistake_or_left_out():
    """A benchmark without a best, a template of another mode, and items of more than two without --pairs."""
    data = write_jsonl(Path("rows.jsonl"), best_of_four(2))
    two = write_jsonl(Path("pairs.jsonl"), pairs(2))
    offline = ("-j", "offline/first")
    for command, said in (
        (("rewardbench", *offline, "--data", two, "--pairs", "all"), "needs best-of-k items"),
        (("rewardbench-2", *offline, "--data", data, "--pairs", "all", "-t", "four-way"), "is not pairwise"),
        (("custom", *offline, "--data", data, "-t", "pairwise"), "--pairs all finds the best of more"),
    ):
        ended = judgebench("run", *command)
        assert (ended.status, said in ended.err) == (2, True), ended.err
    ended = judgebench(
        "run", "rewardbench-2", *offline, "--data", data, "--pairs", "all", "-t", "four-way", "-t", "pairwise"
    )
    assert (ended.status, "left out: template 'four-way'" in ended.err) == (0, True)
