"""`--aggregate`, `--early-stop`: verdicts joined over orders and samples, in runs, rescored, and read back."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from commands import GOOD, by_quality, judgebench, pairs, read_json, read_jsonl, write_jsonl, write_judges
from scripted import ScriptedModels

import judgebench as jb
from judgebench.runs.scoring import up_to_date

BOTH = Path("runs/rewardbench/mine/pairwise/both")
AGREE = Path("runs/rewardbench/mine/pairwise/both-agree")


class Noisy:
    """Right about every question, but wrong at these tries (from 1) of each."""

    def __init__(self, *wrong: int) -> None:
        self.wrong = wrong
        self.tries: Counter[str] = Counter()

    def __call__(self, request):
        self.tries[request.text] += 1
        right = by_quality(request)
        if self.tries[request.text] not in self.wrong:
            return right
        return right.translate(str.maketrans("AB", "BA")) if "[[A]]" in right or "[[B]]" in right else right


@pytest.fixture
def server():
    with ScriptedModels("[[A]]") as running:
        write_judges(running.url)
        write_jsonl(Path("pairs.jsonl"), pairs(6, ("alpacaeval-easy",)))
        yield running


def mine(*more: object):
    return judgebench("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "--json", "--concurrency", 1, *more)


def without_usage(metrics):
    return {name: value for name, value in metrics.items() if name != "usage"}


def test_a_judge_that_always_names_the_first_has_only_ties(server: ScriptedModels) -> None:
    """Six ties give the score 0.5, and the note says that they were all drawn."""
    (metrics,) = mine("--orders", "both", "--aggregate", "unanimous").metrics
    assert (metrics["score"], metrics["consistency"], metrics["position_bias"]["first_share"]) == (0.5, 0.0, 1.0)
    unofficial, rule = metrics["notes"][:2]
    assert unofficial.endswith("(one order, one sample): the score is the aggregated verdict's credit (both-agree)")
    assert rule.endswith("(all of them, else a tie): 6 of 6 questions are ties")
    assert [line["verdicts"] for line in read_jsonl(AGREE / "outcomes.jsonl")] == [["tie"]] * 6


def test_the_rule_is_in_the_manifest_and_in_the_run_s_identity(server: ScriptedModels) -> None:
    """So that runs by different rules are never mixed; without one, the identity is what it always was."""
    mine("--orders", "both", "--aggregate", "unanimous")
    mine("--orders", "both")
    joined, plain = (read_json(folder / "manifest.json") for folder in (AGREE, BOTH))
    assert (joined["protocol"]["join"], joined["identity"]["join"]) == ("agree", "agree")
    assert (plain["protocol"]["join"], "join" in plain["identity"]) == ("mean", False)
    assert server.count == 12


def test_votes_mend_what_single_verdicts_get_wrong(server: ScriptedModels) -> None:
    """Wrong at the second of three tries: 2/3 by the mean, all right by votes."""
    server.answer = Noisy(2)
    (mean,) = mine("--samples", 3).metrics
    (votes,) = mine("--samples", 3, "--aggregate", "majority").metrics
    assert (mean["score"], votes["score"], server.count) == (pytest.approx(2 / 3), 1.0, 18)


@pytest.mark.parametrize(("params", "samples", "said"), [({}, 3, True), ({"temperature": 1}, 3, False), ({}, 1, False)])
def test_samples_at_temperature_0_are_said_to_be_alike(server: ScriptedModels, params, samples, said) -> None:
    """The default of a judge without params is 0; with another, or a single sample, there is nothing to say."""
    write_judges(server.url, mine={"params": params} if params else {})
    (metrics,) = mine("--samples", samples).metrics
    assert any("at temperature 0, where most judges give the same reply" in note for note in metrics["notes"]) == said


def test_samples_are_not_asked_that_could_change_nothing(server: ScriptedModels) -> None:
    """Five votes: three that agree are enough; with the second wrong, four are."""
    server.answer = by_quality
    options = ("--samples", 5, "--aggregate", "majority", "--early-stop")
    (metrics,) = mine(*options).metrics
    assert (server.count, metrics["judgements"], metrics["failures"], metrics["score"]) == (18, 18, {}, 1.0)
    assert "votes stopped early: 12 of 30 calls saved, as no majority could have changed" in metrics["notes"]
    assert read_json(Path("runs/rewardbench/mine/pairwise/one-x5-majority-early/manifest.json"))["state"] == "done"


def test_a_vote_against_takes_another_round(server: ScriptedModels) -> None:
    """The second try is wrong: two to one leaves two, so a fourth is asked."""
    server.answer = Noisy(2)
    (metrics,) = mine("--samples", 5, "--aggregate", "majority", "--early-stop").metrics
    assert (server.count, metrics["score"]) == (24, 1.0)


def test_the_same_command_and_a_replay_ask_nothing_more(server: ScriptedModels) -> None:
    """Though calls of the protocol were never made."""
    server.answer = Noisy(2)
    options = ("--samples", 5, "--aggregate", "majority", "--early-stop")
    first = mine(*options).metrics
    assert mine(*options).metrics == first
    again = mine(*options, "--offline", "--out", "again")
    assert (again.status, server.count) == (0, 24)
    assert without_usage(again.metrics[0]) == without_usage(first[0])


def test_a_cached_early_stop_needs_no_key(server: ScriptedModels, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was never asked is not needed now either."""
    server.answer = by_quality
    write_judges(server.url, mine={"api_key_env": "SOME_KEY"})
    monkeypatch.setenv("SOME_KEY", "abc")
    options = ("--samples", 5, "--aggregate", "majority", "--early-stop")
    mine(*options)
    monkeypatch.delenv("SOME_KEY")
    assert mine(*options, "--out", "again").status == 0


def test_a_dry_run_counts_what_may_be_asked_at_most(server: ScriptedModels) -> None:
    """All 30 before, none after: what is left could change nothing."""
    server.answer = by_quality
    options = ("--samples", 5, "--aggregate", "majority", "--early-stop")
    before = json.loads(mine(*options, "--dry-run").out)[0]["calls"]
    mine(*options)
    assert (before, json.loads(mine(*options, "--dry-run", "--out", "again").out)[0]["calls"]) == (30, 0)


def test_the_figures_of_a_run_are_recounted_by_its_rule(server: ScriptedModels) -> None:
    """With one judgement cut off, the pair has one order left, which decides it."""
    mine("--orders", "both", "--aggregate", "unanimous")
    path = AGREE / "judgements.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    metrics = up_to_date(jb.Run.load(AGREE)).metrics
    assert metrics.score in {5 * 0.5 / 6, (5 * 0.5 + 1) / 6}
    assert "5 of 6 questions are ties; 1 with some replies" in " ".join(metrics.notes)


def test_stored_replies_are_joined_by_another_rule(server: ScriptedModels) -> None:
    """No call; the new run says so, is told apart, and reads as one that was made so."""
    server.answer = Noisy(2)
    mine("--samples", 3)
    (made,) = mine("--samples", 3, "--aggregate", "majority").metrics
    run = Path("runs/rewardbench/mine/pairwise/one-x3")
    ended = judgebench("rescore", run, "--aggregate", "majority", "--json")
    found = json.loads(ended.out)
    assert (found["changed"], found["score_before"], found["score"]) == (0, pytest.approx(2 / 3), 1.0)
    new = run.with_name("one-x3-rescored-pairwise-majority")
    assert read_json(new / "manifest.json")["protocol"]["join"] == "majority"
    metrics = read_json(new / "metrics.json")
    assert any(note.startswith("verdicts of a question are aggregated by majority") for note in metrics["notes"])
    assert not any("mean of the official credit" in note for note in metrics["notes"])
    assert metrics["sections"] == made["sections"]
    assert judgebench("compare", run, new).status == 0


def test_a_vote_that_stopped_early_cannot_be_read_by_another_rule(server: ScriptedModels) -> None:
    """What was not asked would be missing."""
    server.answer = by_quality
    mine("--samples", 3, "--aggregate", "majority", "--early-stop")
    ended = judgebench("rescore", "runs/rewardbench/mine/pairwise/one-x3-majority-early", "--aggregate", "mean")
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "can only be aggregated by majority; run it without --early-stop" in ended.err


def test_early_stop_is_for_votes(server: ScriptedModels) -> None:
    """One line, and no call."""
    ended = mine("--samples", 3, "--early-stop")
    assert (ended.status, server.count) == (2, 0)
    assert "needs --aggregate majority" in ended.err


def test_a_failure_has_no_vote_but_a_place_in_the_bounds(server: ScriptedModels) -> None:
    """Of two orders one is unreadable about the first pair: right, or with a wrong verdict there a tie."""

    def answer(request):
        mumbles = "Question 0?" in request.text and request.text.index(GOOD) < request.text.index("A bad answer")
        return "Hm." if mumbles else by_quality(request)

    server.answer = answer
    ended = mine("--orders", "both", "--aggregate", "unanimous")
    (metrics,) = ended.metrics
    assert (ended.status, metrics["failures"], metrics["score"]) == (0, {"unreadable": 1}, 1.0)
    assert (metrics["bounds"]["low"], metrics["bounds"]["high"]) == (pytest.approx(5.5 / 6), 1.0)


def test_python_takes_the_same_words(server: ScriptedModels) -> None:
    """`aggregate` of `run` and of `rescore`; another word is a mistake."""
    run = jb.run("rewardbench", judge="mine", data="pairs.jsonl", orders="both", aggregate="unanimous")
    assert run.metrics.score == 0.5
    assert jb.rescore(run, aggregate="mean", dry_run=True).score_before == 0.5
    with pytest.raises(jb.ConfigError, match="aggregate is 'best': must be one of mean, unanimous, majority, "):
        jb.run("rewardbench", judge="mine", data="pairs.jsonl", aggregate="best")


@pytest.mark.parametrize("former", [("--join", "agree"), ("--join=agree",)])
def test_the_former_name_is_taken_with_a_note(former: tuple[str, ...]) -> None:
    """For one version more; the folder keeps the rule's old word, and --quiet says nothing."""
    command = ("run", "rewardbench", "--data", "sample", "--limit", 4, "-j", "offline/longest", *former)
    ended, quiet = judgebench(*command), judgebench(*command, "--quiet")
    assert "note: --join is now --aggregate; the old name will go\n" in ended.err
    assert (ended.status, quiet.status, quiet.err) == (0, 0, "")
    assert Path("runs/rewardbench/offline--longest/pairwise/one-agree-limit4/metrics.json").exists()
