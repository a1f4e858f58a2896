"""`judgebench run --repair N`: a reply that cannot be read is asked for again, counted apart and never silent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from commands import (
    Ended,
    apart,
    by_quality,
    judgebench,
    pairs,
    read_json,
    read_jsonl,
    take_over,
    write_jsonl,
    write_judges,
)
from loopback import Fault, LoopbackServer, Reply
from scripted import ScriptedModels

from judgebench.runs.run import Run
from judgebench.runs.scoring import up_to_date

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN = Path("runs/rewardbench/mine/pairwise/one")
FOLDER = Path("runs/rewardbench/mine/pairwise/one-repair1")


def mumbling(times: int = 1, numbers: tuple[int, ...] = (3, 7)):
    """Answers by quality, but mumbles first about some items: so often, then it is asked in so many further turns."""

    def answer(request):
        turns = sum(message["role"] == "user" for message in request.messages)
        first = next(message["content"] for message in request.messages if message["role"] == "user")
        if turns <= times and any(f"Question {number}?" in first for number in numbers):
            return Reply("Well, hm.", usage={"prompt_tokens": 10, "completion_tokens": 5})
        if turns > 1:
            return Reply("[[A]]", usage={"prompt_tokens": 20, "completion_tokens": 1})
        return by_quality(request)

    return answer


@pytest.fixture
def server():
    with ScriptedModels(mumbling()) as running:
        write_judges(running.url)
        write_jsonl(Path("pairs.jsonl"), pairs(20))
        yield running


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ScriptedModels, Path]]:
    """A judge that may be asked once more, and a folder with a run of it whose two replies were asked for again."""
    folder = tmp_path_factory.mktemp("made")
    with ScriptedModels(mumbling()) as running:
        with apart(folder):
            write_judges(running.url)
            write_jsonl(Path("pairs.jsonl"), pairs(20))
            mine()
        yield running, folder


@pytest.fixture
def done(made: tuple[ScriptedModels, Path]) -> ScriptedModels:
    """Its folder and its cache are the test's own."""
    server, folder = made
    del server.requests[22:]
    take_over(folder)
    return server


def mine(*more: object, repair: int = 1) -> Ended:
    return judgebench("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "--repair", repair, *more)


def test_without_it_an_unreadable_reply_is_a_failure(server: ScriptedModels) -> None:
    """And costs no further call."""
    assert (mine(repair=0).status, server.count) == (0, 20)


def test_a_follow_up_turn_gets_the_verdict(server: ScriptedModels) -> None:
    """One more call for each of the two, and every judgement has a verdict."""
    ended = mine()
    assert (ended.status, server.count, read_json(FOLDER / "metrics.json")["coverage"]) == (0, 22, 1.0)


def test_it_is_counted_apart(server: ScriptedModels) -> None:
    """Two of the 22 calls are follow-up turns."""
    (metrics,) = mine("--json").metrics
    assert (metrics["usage"]["calls"], metrics["usage"]["repairs"], metrics["judgements"]) == (22, 2, 20)


def test_it_is_said(server: ScriptedModels) -> None:
    """Beside the score."""
    said = " ".join(mine().out.split())
    assert "note: 2 replies could not be parsed and had follow-up turns (--repair 1): 2 then had a verdict" in said


def test_both_replies_are_kept(done: ScriptedModels) -> None:
    """A line each: the first with its failure, then the one that counts."""
    lines = [line for line in read_jsonl(FOLDER / "judgements.jsonl") if line["item"] == "3"]
    assert [(line["reply"], line.get("turn", 0), "failure" in line) for line in lines] == [
        ("Well, hm.", 0, True),
        ("[[A]]", 1, False),
    ]


def test_the_follow_up_is_a_turn_of_the_same_talk(server: ScriptedModels) -> None:
    """Question, reply, and a short request that names every verdict."""
    mine("--concurrency", 1)
    messages = next(r.messages for r in server.requests if len([m for m in r.messages if m["role"] == "user"]) == 2)
    assert [message["role"] for message in messages][-3:] == ["user", "assistant", "user"]
    assert messages[-2]["content"] == "Well, hm."
    assert messages[-1]["content"].endswith("[[A]] or [[B]]")


def test_a_reply_that_stays_unreadable_is_a_failure(server: ScriptedModels) -> None:
    """After so many turns, and it says so."""
    server.answer = mumbling(times=9, numbers=(3,))
    ended = mine(repair=2)
    assert (ended.status, server.count) == (0, 22)
    said = " ".join(ended.out.split())
    assert "1 reply could not be parsed and had follow-up turns (--repair 2): 0 then had a verdict" in said


def test_runs_with_and_without_it_are_never_mixed(server: ScriptedModels) -> None:
    """Each has its folder; the first replies come from the cache."""
    mine(repair=0)
    mine()
    failures = [read_json(folder / "metrics.json")["failures"] for folder in (PLAIN, FOLDER)]
    assert (failures, server.count) == ([{"unreadable": 2}, {}], 22)


def test_a_replay_makes_no_call(done: ScriptedModels) -> None:
    """Follow-up turns are in the cache as any reply is; the figures are the same."""
    first = mine("--json").metrics[0]
    again = mine("--json", "--offline", "--out", "again").metrics[0]
    assert done.count == 22
    for metrics in (first, again):
        del metrics["usage"]
    assert first == again


def test_the_same_command_asks_nothing_again(server: ScriptedModels) -> None:
    """And counts nothing twice."""
    first = mine("--json").metrics
    assert (mine("--json").metrics, server.count) == (first, 22)


def test_a_run_stopped_before_the_follow_up_goes_on(done: ScriptedModels) -> None:
    """The first reply is in the folder, and is neither paid for nor counted again."""
    path = FOLDER / "judgements.jsonl"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if '"turn"' not in line))
    (metrics,) = mine("--json").metrics
    lines = [line["item"] for line in read_jsonl(path)]
    assert (done.count, len(lines), metrics["coverage"], metrics["usage"]["cached"]) == (22, 22, 1.0, 2)


def test_a_run_stopped_before_the_follow_up_goes_on_without_the_cache(done: ScriptedModels) -> None:
    """What the folder has is not paid for again: only the two follow-up turns are."""
    path = FOLDER / "judgements.jsonl"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if '"turn"' not in line))
    (metrics,) = mine("--json", "--cache-dir", "another").metrics
    assert (done.count, len(read_jsonl(path)), metrics["coverage"]) == (24, 22, 1.0)


def test_a_follow_up_that_the_provider_fails_is_asked_again(server: ScriptedModels) -> None:
    """By the same command; the first reply is not."""
    with LoopbackServer(server.answer) as live:
        write_judges(live.url)
        live.faults = lambda request: Fault.status(400) if len(request.messages) > 2 else None
        first = mine("--concurrency", 1)
        live.faults = None
        before = live.count
        assert (first.status, mine().status, live.count - before) == (0, 0, 2)


def test_offline_a_missing_follow_up_is_not_cached(server: ScriptedModels) -> None:
    """It is a failure of that kind, asked for once the run is online."""
    mine(repair=0)
    (metrics,) = mine("--offline", "--json").metrics
    assert metrics["failures"] == {"not_cached": 2}


def test_structured_output_and_refusals_are_left_alone(server: ScriptedModels) -> None:
    """A refusal is what the judge says."""
    server.answer = Reply("I'm sorry, but I can't compare these.")
    mine()
    assert server.count == 20


def test_a_bundle_has_the_follow_up_turns(done: ScriptedModels) -> None:
    """Whoever imports it reproduces the run with no call."""
    judgebench("cache", "export", "bundle.jsonl.gz", FOLDER)
    judgebench("cache", "import", "bundle.jsonl.gz", "--cache-dir", "fresh")
    assert mine("--offline", "--cache-dir", "fresh", "--out", "again").status == 0


def test_rescoring_counts_every_turn(server: ScriptedModels) -> None:
    """20 replies and 2 follow-up turns, their tokens and cost, as the run itself does; so does rescoring once more."""
    write_judges(server.url, mine={"price": {"input": 1, "output": 10}})
    mine()
    usage = read_json(FOLDER / "metrics.json")["usage"]
    folder = FOLDER
    for _ in range(2):
        rescored = json.loads(judgebench("rescore", folder, "--json").out)
        folder = Path(rescored["path"])
        assert rescored["metrics"]["usage"] == {**usage, "calls": 0, "cached": 22, "spent_usd": 0.0}


def test_rescoring_keeps_every_turn(done: ScriptedModels) -> None:
    """The lines before the last stay as they were."""
    judgebench("rescore", FOLDER)
    (path,) = (path for path in Path("runs").rglob("judgements.jsonl") if path.parent != FOLDER)
    lines = [(line["reply"], line.get("turn", 0)) for line in read_jsonl(path) if line["item"] == "3"]
    assert lines == [("Well, hm.", 0), ("[[A]]", 1)]


def test_a_report_of_a_killed_run_counts_every_turn(done: ScriptedModels) -> None:
    """Where the figures are counted anew, those of turns that were followed are in them."""
    whole = read_json(FOLDER / "metrics.json")
    stale = {**whole, "judgements": 12, "usage": {**whole["usage"], "prompt_tokens": 0, "repairs": 0}}
    (FOLDER / "metrics.json").write_text(json.dumps(stale))
    found = up_to_date(Run.load(FOLDER)).metrics.usage
    assert (found.repairs, found.prompt_tokens) == (2, whole["usage"]["prompt_tokens"])


@pytest.mark.parametrize("wrong", ["-1", "6", "often"])
def test_a_wrong_number_is_a_mistake(server: ScriptedModels, wrong: str) -> None:
    """One line, exit 2, no call."""
    ended = mine(repair=wrong)
    assert (ended.status, ended.err.count("\n"), server.count) == (2, 1, 0)
