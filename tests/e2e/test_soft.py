"""`--logprobs`: probabilities of verdicts from log-probabilities, kept, replayed, read again, held to labels."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from commands import GOOD, best_of_four, judgebench, pairs, read_json, read_jsonl, write_jsonl, write_judges
from loopback import LoopbackServer, Reply
from scripted import ScriptedModels

import judgebench as jb
from judgebench.runs.scoring import up_to_date

FOLDER = Path("runs/rewardbench/mine/pairwise/both-soft")
SHARES = {True: 0.9, False: 0.55}
"""The probability of the first slot, by whether the correct answer is there: a judge that prefers the first."""


def leaning(request):
    """Says how probable the first one is."""
    first = SHARES[request.text.index(GOOD) < request.text.index("A bad answer")]
    tokens = [("Well: ", {}), ("[[", {}), ("A", {"A": 0.8 * first, "B": 0.8 * (1 - first), "I": 0.2}), ("]]", {})]
    return Reply("Well: [[A]]", logprobs=tokens)


@pytest.fixture
def live():
    with LoopbackServer(leaning) as running:
        write_judges(running.url)
        write_jsonl(Path("pairs.jsonl"), pairs(6, ("alpacaeval-easy",)))
        yield running


@pytest.fixture
def server():
    """The same without sockets, where it is of no account how replies come."""
    with ScriptedModels(leaning) as running:
        write_judges(running.url)
        write_jsonl(Path("pairs.jsonl"), pairs(6, ("alpacaeval-easy",)))
        yield running


def mine(*more: object):
    return judgebench("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "--orders", "both", *more)


def soft(*more: object):
    return mine("--logprobs", "--json", *more)


def test_log_probabilities_are_asked_for(live: LoopbackServer) -> None:
    """With --logprobs alone."""
    mine()
    soft("--out", "other")
    asked = [(request.params.get("logprobs"), request.params.get("top_logprobs")) for request in live.requests]
    assert (asked[:12], asked[12:]) == ([(None, None)] * 12, [(True, 5)] * 12)


def test_as_many_as_the_judge_s_params_say(live: LoopbackServer) -> None:
    """20 for a scale of ten, say; the other params stay."""
    write_judges(live.url, mine={"params": {"temperature": 0.5, "top_logprobs": 20}})
    soft()
    params = live.requests[0].params
    assert (params["logprobs"], params["top_logprobs"], params["temperature"]) == (True, 20, 0.5)


def test_each_judgement_has_its_probabilities(live: LoopbackServer) -> None:
    """They sum to 1; the mass is what the two letters had of it, 0.8."""
    soft("--concurrency", 1)
    for line in read_jsonl(FOLDER / "judgements.jsonl"):
        first = SHARES[line["order"][0] == 0]
        assert line["verdict"] == "A"
        assert line["probabilities"] == pytest.approx({"A": first, "B": 1 - first}, abs=1e-5)
        assert line["mass"] == pytest.approx(0.8, abs=1e-5)


def test_the_figures_say_how_true_they_are(server: ScriptedModels) -> None:
    """0.9 and 0.45 are 0.675 for the correct one of each pair: Brier 0.325^2, the error 0.325 in its single bin."""
    (metrics,) = soft().metrics
    found = metrics["calibration"]
    assert (found["n"], found["by_tokens"], found["right"]) == (6, 6, 1.0)
    assert found["brier"] == pytest.approx(0.325**2, abs=1e-4)
    assert found["overconfidence"] == pytest.approx(-0.325, abs=1e-4)
    assert found["ece"] == pytest.approx(0.325, abs=1e-4)
    assert found["bins"][0]["low"] == pytest.approx(0.6)


def test_the_terminal_and_the_report_say_them(server: ScriptedModels) -> None:
    """With the error that 5% of calibrated judges exceed: 2 right of 6. Wilson of 6 right of 6 begins at 0.61."""
    said = (
        "calibration (6 verdicts): Brier score 0.106, ECE 0.325 (10 of equal width bins; calibrated: at "
        "most 0.342 in 95%), overconfidence not significant: -32.5 points (95% CI -32.5 to +6.5); accuracy 100.0%"
    )
    for ended in (mine("--logprobs"), judgebench("report", FOLDER)):
        assert said in " ".join(ended.out.split())


def test_mean_probabilities_undo_the_preference_for_the_first(server: ScriptedModels) -> None:
    """Half right by the verdicts, all right by the mean of both orders; no call is made for the other reading."""
    (verdicts,) = soft().metrics
    (joined,) = soft("--aggregate", "mean-prob").metrics
    assert (verdicts["score"], joined["score"], server.count) == (0.5, 1.0, 12)
    found = json.loads(judgebench("rescore", FOLDER, "--aggregate", "mean-prob", "--json").out)
    assert (found["score_before"], found["score"]) == (0.5, 1.0)
    assert found["metrics"]["calibration"] == verdicts["calibration"]


def test_a_replay_has_the_same_figures(server: ScriptedModels) -> None:
    """From the cache, from a bundle, from the run's own folder."""
    (first,) = soft().metrics
    (again,) = soft("--offline", "--out", "again").metrics
    judgebench("cache", "export", "replies.jsonl.gz", FOLDER)
    judgebench("cache", "import", "replies.jsonl.gz", "--cache-dir", "elsewhere")
    (third,) = soft("--offline", "--out", "third", "--cache-dir", "elsewhere").metrics
    for metrics in (first, again, third):
        del metrics["usage"]
        metrics["notes"] = [note for note in metrics["notes"] if "from a bundle that was imported" not in note]
    assert (first == again, first == third, server.count) == (True, True, 12)


def test_a_cut_run_is_recounted_with_them(server: ScriptedModels) -> None:
    """The last judgement is gone: its pair has one order left, 0.9 or 0.55 for the first."""
    soft("--concurrency", 1)
    path = FOLDER / "judgements.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    found = up_to_date(jb.Run.load(FOLDER)).metrics.extra["calibration"]
    assert (found["n"], found["by_tokens"]) == (6, 6)


def test_stored_tokens_are_read_by_another_rule(server: ScriptedModels) -> None:
    """The same tokens under a rule that turns the letters round."""
    soft()
    Path("other.jinja").write_text(
        "---\nname: other\nmode: pairwise\nverdict:\n  pattern: '\\[\\[([AB])\\]\\]'\n  values: {A: B, B: A}\n"
        "  example: '[[A]]'\n---\n{% block user %}{{ prompt }}{% for c in completions %}{{ c.label }}{{ c.text }}"
        "{% endfor %}{% endblock %}\n"
    )
    judgebench("rescore", FOLDER, "-t", "other.jinja")
    lines = read_jsonl(FOLDER.with_name("both-soft-rescored-other") / "judgements.jsonl")
    assert {round(line["probabilities"]["B"], 4) for line in lines} == {0.9, 0.55}


def test_where_none_come_votes_stand_in_and_it_is_said(server: ScriptedModels) -> None:
    """A server that ignores the wish: the first is named in both orders, so each has half of the votes."""
    server.answer = "[[A]]"
    (metrics,) = soft().metrics
    note = "probabilities (--logprobs): 12 of 12 verdicts came without log-probabilities: shares of the question's"
    assert any(said.startswith(note) for said in metrics["notes"])
    assert (metrics["calibration"]["probability"], metrics["calibration"]["by_tokens"]) == (0.5, 0)


def test_a_single_verdict_without_any_counts_as_certain(server: ScriptedModels) -> None:
    """One order, one sample: 0 or 1, which is said."""
    server.answer = "[[A]]"
    (metrics,) = soft("--orders", "one").metrics
    assert "each counts as certain" in " ".join(metrics["notes"])
    assert metrics["calibration"]["probability"] == 1.0


def test_a_model_that_takes_no_such_wish_is_asked_without_it(live: LoopbackServer) -> None:
    """As LiteLLM's table says; the run says that they were left out, and goes on."""
    write_judges(live.url, mine={"model": "openai/o3-mini"})
    ended = soft()
    assert ended.status == 0, ended.err
    assert "logprobs" not in live.requests[0].params
    assert "does not support" in " ".join(ended.metrics[0]["notes"])


def test_an_offline_judge_has_votes_alone(server: ScriptedModels) -> None:
    """It has no tokens; nothing breaks."""
    ended = judgebench("run", "rewardbench", "-j", "offline/longest", "--data", "pairs.jsonl", "--logprobs", "--json")
    assert ended.status == 0, ended.err
    assert ended.metrics[0]["calibration"]["by_tokens"] == 0


def test_ratings_become_expected_ratings(server: ScriptedModels) -> None:
    """6 for both by the verdict, and so half right; 6.4 against 5.6 by the mean over the scale."""

    def answer(request):
        good = GOOD in request.text
        known = {"6": 0.6, "7": 0.4} if good else {"6": 0.6, "5": 0.4}
        return Reply("[[6]]", logprobs=[("[[", {}), ("6", known), ("]]", {})])

    server.answer = answer
    options = ("--logprobs", "--json", "-t", "rating-10", "--orders", "one")
    (verdicts,) = mine(*options).metrics
    (expected,) = mine(*options, "--aggregate", "mean-prob").metrics
    assert (verdicts["score"], expected["score"]) == (0.5, 1.0)
    # Above in 0.64 of cases, equal in 0.36: 0.82.
    assert verdicts["calibration"]["probability"] == pytest.approx(0.82, abs=1e-4)
    assert read_json(Path("runs/rewardbench/mine/rating-10/ratings-soft/manifest.json"))["protocol"]["soft"] is True


def by_criteria(request):
    """Rates every criterion 3, and would have said 5 (of the good answer) or 1 as probably as not."""
    other = "5" if GOOD in request.text else "1"
    names = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
    rated = [token for name in names for token in ((f"{name}: ", {}), ("3", {"3": 0.5, other: 0.5}), ("\n", {}))]
    tokens = [("<ratings>\n", {}), *rated, ("</ratings>", {})]
    return Reply("".join(token for token, _ in tokens), logprobs=tokens)


def test_ratings_by_criteria_are_soft_too(server: ScriptedModels) -> None:
    """All are 3, so half right; the expected ratings are 4 and 2, so all right, and read again they are the same."""
    server.answer = by_criteria
    run = ("run", "rewardbench", "-j", "mine", "-t", "rating-criteria", "--data", "pairs.jsonl", "--logprobs", "--json")
    (plain,) = judgebench(*run).metrics
    (joined,) = judgebench(*run, "--aggregate", "mean-prob").metrics
    folder = Path("runs/rewardbench/mine/rating-criteria/ratings-soft")
    lines = read_jsonl(folder / "judgements.jsonl")

    assert (plain["score"], joined["score"], server.count) == (0.5, 1.0, 12)
    assert plain["calibration"]["by_tokens"] == 6
    assert not any("without log-probabilities" in note for note in plain["notes"])
    assert {(line["verdict"], line["expected"]["correctness"]) for line in lines} == {(3.0, 4.0), (3.0, 2.0)}
    found = json.loads(judgebench("rescore", folder, "--aggregate", "mean-prob", "--json").out)
    assert (found["score_before"], found["score"]) == (0.5, 1.0)


def test_a_ranking_s_first_place_is_soft(server: ScriptedModels) -> None:
    """The first slot is named, and the correct one is as probable as it can be without being named, in every order."""

    def ranks(request):
        right = next(
            letter for letter, text in re.findall(r"<answer_([A-Z])>\n(\w+ \w+)", request.text) if text in GOOD
        )
        known = {"A": 0.6, right: 0.4} if right != "A" else {"A": 1.0}
        return Reply("[[A > B > C > D]]", logprobs=[("[[", {}), ("A", known), (" > B > C > D]]", {})])

    server.answer = ranks
    write_jsonl(Path("four.jsonl"), best_of_four(5))
    run = (
        "run",
        "rewardbench-2",
        "-j",
        "mine",
        "-t",
        "ranking",
        "--data",
        "four.jsonl",
        "--orders",
        "all",
        "--logprobs",
    )
    (plain,) = judgebench(*run, "--json").metrics
    (joined,) = judgebench(*run, "--json", "--aggregate", "mean-prob").metrics

    assert (plain["score"], joined["score"], server.count) == (0.25, 1.0, 20)


def test_a_one_that_may_go_on_to_ten_is_left_out_and_said() -> None:
    """The judge says 9 at .6; at .36 it begins with a 1, which is 1 or 10: .6 of what it may say is known."""
    reply = Reply("[[9]]", logprobs=[("[[", {}), ("9", {"9": 0.6, "1": 0.36}), ("]]", {})])
    data = write_jsonl(Path("rows.jsonl"), pairs(2))
    with ScriptedModels(reply) as models:
        write_judges(models.url, mine={"model": "scripted/mine"})
        ended = judgebench("run", "rewardbench", "-j", "mine", "-t", "rating-10", "--data", data, "--logprobs")
    said = " ".join(ended.out.split())
    assert "note: the verdicts' log-probabilities add up to 60% on average; the rest is left out" in said
