"""`judgebench run --budget`: a hard stop, over the whole grid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import Ended, caches, judgebench, pairs, read_json, read_jsonl, write_jsonl, write_judges
from loopback import Fault, LoopbackServer, Reply, Request
from scripted import ScriptedModels

FOLDER = Path("runs/rewardbench/mine/pairwise/one")
PRICED = {"price": {"input": 0, "output": 1000}, "params": {"max_tokens": 100}}
"""A call costs 0.10 USD at most: 100 tokens at 1,000 USD a million."""


REPLY = Reply("[[A]]", usage={"prompt_tokens": 10, "completion_tokens": 50})
"""0.05 USD."""


@pytest.fixture
def models():
    with ScriptedModels(REPLY) as running:
        write_judges(running.url, mine=PRICED, other=PRICED)
        write_jsonl(Path("pairs.jsonl"), pairs(20))
        yield running


@pytest.fixture
def server():
    """The same over real sockets, for calls that fail and for several in flight."""
    with LoopbackServer(REPLY) as running:
        write_judges(running.url, mine=PRICED, other=PRICED)
        write_jsonl(Path("pairs.jsonl"), pairs(20))
        yield running


def run(*more: object, judges: tuple[str, ...] = ("mine",)) -> Ended:
    named = [word for name in judges for word in ("-j", name)]
    return judgebench("run", "rewardbench", *named, "--data", "pairs.jsonl", *more)


@pytest.mark.parametrize("concurrency", [1, 4, 32])
def test_the_budget_is_used_and_never_passed(server: LoopbackServer, concurrency: int) -> None:
    """Of 0.50, with 0.05 a call and 0.10 at most: nine calls, and the tenth could pass it, however many at once."""
    ended = run("--budget", 0.5, "--concurrency", concurrency)
    assert (ended.status, server.count) == (1, 9)


def test_a_run_that_its_budget_stopped_says_so(models: ScriptedModels) -> None:
    """What was not asked, what is spent, what the next call could cost, and that the command goes on."""
    lines = run("--budget", 0.5).err.splitlines()
    assert lines[-3:] == [
        f"stopped: {FOLDER} (11 calls were not made)",
        "stopped: the budget of $0.5 is reached: $0.4500 is spent, and the next call could cost $0.1000",
        "rerun the same command to resume",
    ]


def test_what_was_not_asked_is_no_score(models: ScriptedModels) -> None:
    """Nine judgements, eleven failures of kind `not_asked`, and bounds that leave room for them."""
    (metrics,) = run("--budget", 0.5, "--json").metrics
    assert (metrics["failures"], metrics["usage"]["calls"]) == ({"not_asked": 11}, 9)


def test_a_stopped_run_goes_on(models: ScriptedModels) -> None:
    """The same command, with enough, asks for the rest and nothing twice."""
    run("--budget", 0.5)
    assert (run("--budget", 5).status, models.count) == (0, 20)


def test_judges_share_one_budget(server: LoopbackServer) -> None:
    """Two judges, nine calls between them."""
    ended = run("--budget", 0.5, judges=("mine", "other"))
    assert (ended.status, server.count) == (1, 9)


def test_replies_in_the_cache_are_free(models: ScriptedModels) -> None:
    """With nothing to spend, a run from the cache is whole."""
    run()
    assert (run("--budget", 0, "--out", "again").status, models.count) == (0, 20)


def test_the_cache_is_still_read_once_the_budget_is_reached(models: ScriptedModels) -> None:
    """Replies that lie behind the first call that could not be made are taken as well."""
    run("--subset", "donotanswer")
    run("--budget", 0)
    assert sum("verdict" in line for line in read_jsonl(FOLDER / "judgements.jsonl")) == 10


def test_a_budget_too_small_for_one_call_leaves_nothing(models: ScriptedModels) -> None:
    """Exit 1 with one line; no call, no folder."""
    ended = run("--budget", 0.01)
    assert (ended.status, ended.out, ended.err.count("\n"), models.count) == (1, "", 1, 0)
    assert (Path("runs").exists(), caches()) == (False, [])


def test_a_judge_without_a_price_is_a_mistake(models: ScriptedModels) -> None:
    """Found before the first call, also where another judge has one."""
    write_judges(models.url, mine=PRICED, free={})
    ended = run("--budget", 5, judges=("mine", "free"))
    assert (ended.status, models.count, "judge 'free' has no known price" in ended.err) == (2, 0, True)


def test_a_judge_without_a_price_needs_none_for_the_cache(models: ScriptedModels) -> None:
    """Where all its replies are there already."""
    write_judges(models.url, free={})
    run(judges=("free",))
    assert run("--budget", 5, judges=("free",)).status == 0


def test_calls_whose_cost_is_unknown_count_at_their_highest(server: LoopbackServer) -> None:
    """A reply that broke off may have been charged: one such try takes the room of two replies."""
    server.faults = lambda request: Fault.half_body() if request.number == 1 else None
    run("--budget", 0.5, "--concurrency", 1)
    assert server.count == 1 + 7


def test_thinking_counted_beside_the_completion_is_spent(server: LoopbackServer) -> None:
    """1 token said and 49 thought are 50, at 0.05 USD a reply: nine calls as ever."""
    details = {"total_tokens": 60, "completion_tokens_details": {"reasoning_tokens": 49}}
    server.answer = Reply("[[A]]", usage={"prompt_tokens": 10, "completion_tokens": 1, **details})
    run("--budget", 0.5, "--concurrency", 1)
    assert server.count == 9


def test_a_schema_that_goes_out_is_held_too(server: LoopbackServer) -> None:
    """Where each byte that is sent is a token, at 0.001 USD, the budget is used and not passed."""
    priced = {"price": {"input": 1000, "output": 0}, "params": {"max_tokens": 100}, "structured_output": True}
    write_judges(server.url, mine=priced)

    def every_byte(request: Request) -> Reply:
        sent = sum(len(message["content"].encode()) + 16 for message in request.messages)
        sent += len(json.dumps(request.params["response_format"]))
        return Reply('{"reasoning": "", "verdict": "A"}', usage={"prompt_tokens": sent, "completion_tokens": 1})

    server.answer = every_byte
    run("--budget", 10.5, "--concurrency", 1, "-t", "pairwise-json")
    (path,) = Path("runs").rglob("metrics.json")
    assert 7 < read_json(path)["usage"]["spent_usd"] <= 10.5


def nothing_said(tokens: int) -> Fault:
    """An empty reply of so many tokens, which are paid for."""
    return Fault("empty", Reply("", usage={"prompt_tokens": 10, "completion_tokens": tokens}))


@pytest.fixture
def six(server: LoopbackServer) -> LoopbackServer:
    """With fewer items."""
    write_jsonl(Path("pairs.jsonl"), pairs(6))
    return server


def usage() -> dict[str, Any]:
    return read_json(FOLDER / "metrics.json")["usage"]


@pytest.mark.parametrize(("then", "further"), [(400, 1), (500, 10)])
def test_empty_tries_of_a_call_that_then_fails_are_paid_for(
    six: LoopbackServer, then: int, further: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five replies at 0.05 USD and a try of 80 tokens that said nothing at 0.08, before the call failed: 0.33."""
    monkeypatch.setattr("judgebench.client.calls.FIRST_WAIT_S", 0.001)
    tries = {2: nothing_said(80), **{number: Fault.status(then) for number in range(3, 3 + further)}}
    six.faults = lambda request: tries.get(request.number)
    run("--concurrency", 1)
    assert [usage()[name] for name in ("cost_usd", "spent_usd")] == pytest.approx([0.33, 0.33])
    assert usage()["completion_tokens"] == 5 * 50 + 80
    (failed,) = [line for line in read_jsonl(FOLDER / "judgements.jsonl") if "failure" in line]
    assert (failed["failure"]["kind"], failed["reply"], failed["cost_usd"]) == ("provider", None, pytest.approx(0.08))


def test_empty_tries_of_unknown_price_make_the_cost_unknown(six: LoopbackServer) -> None:
    """Nobody knows what the run cost where one of its tries says nothing of its tokens."""
    tries = {2: Fault("empty", Reply("", usage={"prompt_tokens": 0, "completion_tokens": 0})), 3: Fault.status(400)}
    six.faults = lambda request: tries.get(request.number)
    run("--concurrency", 1)
    assert (usage()["calls"], usage()["cost_usd"]) == (6, None)


@pytest.mark.parametrize("before", [0, 2])
def test_empty_tries_of_a_judge_that_then_stops_are_paid_for(six: LoopbackServer, before: int) -> None:
    """So many replies at 0.05 USD and 0.08 for a try that said nothing, before the 401; the same command asks again."""
    tries = {before + 1: nothing_said(80), before + 2: Fault.status(401)}
    six.faults = lambda request: tries.get(request.number)
    ended = run("--concurrency", 1)
    assert (ended.status, read_json(FOLDER / "manifest.json")["state"]) == (1, "stopped")
    assert (usage()["calls"], usage()["spent_usd"]) == (before + 1, pytest.approx(before * 0.05 + 0.08))
    assert (run().status, six.count, usage()["spent_usd"]) == (0, 6 + 2, pytest.approx(0.38))


def test_empty_tries_before_the_budget_is_reached_are_paid_for(server: LoopbackServer) -> None:
    """Of 0.17: 0.05 for a reply and 0.08 for a try that said nothing; the next could cost 0.10 and is not made."""
    server.faults = lambda request: nothing_said(80) if request.number == 2 else None
    run("--budget", 0.17, "--concurrency", 1)
    assert (server.count, usage()["spent_usd"]) == (2, pytest.approx(0.13))


def test_refused_calls_cost_nothing(server: LoopbackServer) -> None:
    """An outage that a retry mends leaves the budget as it was."""
    server.faults = lambda request: Fault.status(503) if request.number == 1 else None
    run("--budget", 0.5, "--concurrency", 1)
    assert server.count == 1 + 9


def test_the_manifest_says_that_the_run_was_stopped(models: ScriptedModels) -> None:
    """Its state is `stopped`."""
    run("--budget", 0.5)
    assert read_json(FOLDER / "manifest.json")["state"] == "stopped"


@pytest.mark.parametrize("wrong", ["-1", "much", "nan", "inf"])
def test_a_budget_that_is_no_sum_is_a_mistake(models: ScriptedModels, wrong: str) -> None:
    """One line, exit 2, no call."""
    ended = run("--budget", wrong)
    assert (ended.status, ended.err.count("\n"), models.count) == (2, 1, 0)
