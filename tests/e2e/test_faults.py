"""Runs against a provider that fails in every way: they lose nothing, waste nothing, and score as on a quiet day."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from contextlib import chdir
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from commands import by_quality, judgebench, pairs, process, read_json, read_jsonl, write_jsonl, write_judges
from loopback import Fault, LoopbackServer, fatal_faults, lasting_faults, mendable_faults, share_of_calls
from scripted import ScriptedModels

from judgebench.client.cache.store import ReplyCache

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commands import Ended
    from loopback import Request

WAITS = {"429+retry-after, 0.1 s": Fault.status(429, retry_after=0.1), "429+date, 1 s": Fault.until(1)}
MENDABLE = {fault.name: fault for fault in mendable_faults()} | WAITS
FATAL = {fault.name: fault for fault in fatal_faults()}
KINDS = {fault.name: kind for kind, faults in lasting_faults().items() for fault in faults}
LASTING = [fault for faults in lasting_faults().values() for fault in faults]
HANG_TIMEOUT = 5.0
BY_SDK = {"model": "openai/o3"}
"""A model that takes no temperature; LiteLLM calls it by OpenAI's SDK, `hosted_vllm/` by a client of its own."""
WAYS: dict[str, dict[str, Any]] = {
    "mine": {"model": "hosted_vllm/loopback"},
    "sdk": BY_SDK,
    "plain": {"model": "hosted_vllm/plain", "transport": "direct"},
}
"""Every way that a call can take to a server of the OpenAI protocol."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    monkeypatch.setattr("judgebench.client.calls.FIRST_WAIT_S", 0.01)
    with LoopbackServer(answer) as running:
        yield running


def number_of(request: Request) -> int:
    """The item that a request is about."""
    found = re.search(r"Question (\d+)\?", request.text)
    assert found, request.text
    return int(found[1])


def answer(request: Request) -> str:
    """Of seven items one is judged wrongly, and of one the judge has nothing to say."""
    number = number_of(request) % 7
    right = by_quality(request)
    wrong = right.replace("[[A]]", "[[b]]").replace("[[B]]", "[[A]]").upper()
    return "Well, well." if number == 5 else wrong if number == 3 else right


def judged(out: str, *more: object, judges: tuple[str, ...] = ("mine",)) -> Ended:
    """A run over `pairs.jsonl` with a cache of its own."""
    named = [argument for judge in judges for argument in ("-j", judge)]
    where = ("--data", "pairs.jsonl", "--out", out, "--cache-dir", f"{out}-cache")
    return judgebench("run", "rewardbench", *named, *where, *more)


def folder(out: str, judge: str = "mine") -> Path:
    return Path(out) / "rewardbench" / judge / "pairwise/one"


def found_by(out: str, judge: str = "mine") -> dict[str, Any]:
    """Replies, verdicts, outcomes and figures of a run, without the tokens that it took."""
    lines = read_jsonl(folder(out, judge) / "judgements.jsonl")
    metrics = read_json(folder(out, judge) / "metrics.json")
    return {
        "judgements": {
            line["item"]: [line["order"], line.get("verdict"), line.get("failure"), line["reply"]] for line in lines
        },
        "outcomes": {line["item"]: line for line in read_jsonl(folder(out, judge) / "outcomes.jsonl")},
        "metrics": {name: value for name, value in metrics.items() if name not in {"usage", "judge"}},
    }


@cache
def faultless(count: int) -> dict[str, Any]:
    """What the same judge finds in so many pairs on a quiet day."""
    here = Path(f"quiet-{count}")
    here.mkdir()
    with ScriptedModels(answer) as quiet:
        write_judges(quiet.url, here)
        data = write_jsonl(here / "pairs.jsonl", pairs(count))
        where = ("--providers", here / "providers.yaml", "--out", here, "--cache-dir", here / "cache")
        judgebench("run", "rewardbench", "-j", "mine", "--data", data, *where)
    found = found_by(str(here))
    verdicts = [verdict for _, verdict, _, _ in found["judgements"].values()]
    assert {"A", "B", None} == set(verdicts)
    assert 0.5 < found["metrics"]["score"] < 0.9
    return found


# --- faults that a retry mends


ITEMS = len(MENDABLE)


@cache
def met_by_all() -> tuple[list[dict[str, Any]], Counter[str], int, str]:
    """What judges find whose every call meets a fault once; the faults that were met, the calls, what was said."""
    here = Path("faulty")
    here.mkdir()
    several = [*MENDABLE.values()]
    tries: Counter[bytes] = Counter()

    def fault_for(request: Request) -> Fault | None:
        tries[request.digest] += 1
        return several[number_of(request) % len(several)] if tries[request.digest] == 1 else None

    with pytest.MonkeyPatch.context() as patch, LoopbackServer(answer, faults=fault_for) as server:
        patch.setattr("judgebench.client.calls.FIRST_WAIT_S", 0.01)
        settings = {"timeout": HANG_TIMEOUT, "limits": {"concurrency": 64}}
        write_judges(server.url, here, **{name: way | settings for name, way in WAYS.items()})
        data = write_jsonl(here / "pairs.jsonl", pairs(ITEMS))
        where = ("--providers", here / "providers.yaml", "--out", here, "--cache-dir", here / "cache")
        named = [argument for name in WAYS for argument in ("-j", name)]
        ended = judgebench("run", "rewardbench", *named, "--data", data, *where)
        return [found_by(str(here), name) for name in WAYS], server.faults_met, server.count, ended.err


@pytest.mark.parametrize("name", MENDABLE)
def test_a_fault_that_a_retry_mends_changes_nothing(name: str) -> None:
    """An item's call meets it once, by every way; its reply, verdict and outcome are the same."""
    found, met, _, _ = met_by_all()
    number = str([*MENDABLE].index(name))
    assert met[MENDABLE[name].name] == len(WAYS) * sum(each.name == MENDABLE[name].name for each in MENDABLE.values())
    for kind in ("judgements", "outcomes"):
        assert [each[kind][number] for each in found] == [faultless(ITEMS)[kind][number]] * len(WAYS)


def test_all_faults_together_change_nothing() -> None:
    """Each call was made twice; scores and all figures but the tokens are those of a quiet day, by every way."""
    (mine, sdk, plain), met, calls, said = met_by_all()
    assert (met.total(), calls) == (3 * ITEMS, 6 * ITEMS)
    assert mine == plain == faultless(ITEMS)
    quiet = {name: value for name, value in faultless(ITEMS)["metrics"].items() if name != "notes"}
    assert {name: value for name, value in sdk["metrics"].items() if name != "notes"} == quiet
    assert "openai/o3 does not support temperature: left out" in sdk["metrics"]["notes"]
    assert said.count(f"{ITEMS} retries: ") == 3


def once_each(faults: dict[int, list[Fault]]):
    """The nth try of an item's call meets the nth of its faults."""
    tries: Counter[bytes] = Counter()

    def fault_for(request: Request) -> Fault | None:
        tries[request.digest] += 1
        return dict(enumerate(faults.get(number_of(request), ()), 1)).get(tries[request.digest])

    return fault_for


def test_further_tries_are_said_at_the_end(server: LoopbackServer) -> None:
    """How many, and what for, the most frequent first; of the judge that needed them."""
    write_judges(server.url, mine={}, other={"model": "openai/other"})
    write_jsonl(Path("pairs.jsonl"), pairs(4))
    outages = [Fault.status(status) for status in (500, 502, 503)]
    faults = once_each({0: outages, 1: [Fault.status(429), Fault.status(529)], 2: [Fault.empty()]})
    server.faults = lambda request: faults(request) if request.model == "loopback" else None
    lines = [line for line in judged("runs", judges=("mine", "other")).err.splitlines() if "retries" in line]
    assert lines == [
        "done: runs/rewardbench/mine/pairwise/one (6 retries: 3 server errors, 2 rate limits, 1 empty reply)"
    ]


def test_the_further_tries_are_of_the_one_command(server: LoopbackServer) -> None:
    """A cached run says nothing of those before it."""
    write_judges(server.url)
    write_jsonl(Path("pairs.jsonl"), pairs(4))
    server.faults = share_of_calls([Fault.status(500)], 1.0)
    assert "(4 retries: 4 server errors)" in judged("runs").err
    assert "retries" not in judged("runs").err


def test_shapes_that_are_wrong_leave_the_terminal_clean(server: LoopbackServer) -> None:
    """No warning of a library's reaches the user, by every way."""
    write_judges(server.url, **WAYS)
    write_jsonl(Path("pairs.jsonl"), pairs(1))
    server.faults = once_each({0: [Fault.shape("choices_string"), Fault.shape("content_number")]})
    named = [argument for name in WAYS for argument in ("-j", name)]
    ended = process("run", "rewardbench", *named, "--data", "pairs.jsonl", "--orders", "one")
    assert (ended.status, server.count, "arning" in ended.err) == (0, 9, False)


# --- faults that a retry cannot mend


@cache
def met_for_good() -> tuple[dict[str, Any], dict[str, Fault], list[int], list[Counter[int]]]:
    """What a judge finds of which each fault meets one item in four; those items, statuses, and calls.

    Statuses and calls (by the item) are those after the command, after the same one without faults, and after one that
    goes to another folder.
    """
    hit = {4 * at: fault for at, fault in enumerate(LASTING)}
    here = Path("lasting")
    here.mkdir()
    asked: Counter[int] = Counter()

    def fault_for(request: Request) -> Fault | None:
        asked[number_of(request)] += 1
        return hit.get(number_of(request))

    with LoopbackServer(answer, faults=fault_for) as server, chdir(here):
        write_judges(server.url)
        write_jsonl(Path("pairs.jsonl"), pairs(4 * len(LASTING)))
        statuses, calls = [], []
        for more in ((), (), ("--out", "elsewhere")):
            statuses.append(judged("runs", *more).status)
            calls.append(asked.copy())
        return found_by("runs"), {str(item): fault for item, fault in hit.items()}, statuses, calls


def test_what_a_retry_cannot_mend_fails_its_own_items_alone() -> None:
    """All kinds mixed: asked once each, recorded by kind; every other item is judged as on a quiet day."""
    found, hit, statuses, calls = met_for_good()
    quiet = faultless(4 * len(LASTING))
    assert {fault.name for fault in hit.values()} == set(KINDS)
    assert (statuses[0], calls[0]) == (0, Counter(range(4 * len(LASTING))))
    kinds = {item: failure["kind"] for item, (_, _, failure, _) in found["judgements"].items() if item in hit}
    assert kinds == {item: KINDS[fault.name] for item, fault in hit.items()}
    for lines in ("judgements", "outcomes"):
        there, then = ({item: line for item, line in each[lines].items() if item not in hit} for each in (found, quiet))
        assert there == then


def test_what_a_retry_cannot_mend_is_not_asked_again() -> None:
    """Neither in the run nor by the same command: it was answered, and paid for; it is in the cache."""
    _, _, statuses, calls = met_for_good()
    assert (statuses, calls[1], calls[2]) == ([0, 0, 0], calls[0], calls[0])


# --- faults that stop a judge


STOPPED = 6
"""The items that each judge was asked before it was refused; each asks 4 at a time of 10."""


@dataclass
class Refused:
    """A run of a judge for each fatal fault and one that meets none, and the same command once they are mended."""

    ended: Ended
    found: dict[str, dict[str, Any]]
    states: dict[str, str]
    kept: dict[str, list[tuple[str, str | None]]]
    met: Counter[str]
    mended: dict[str, dict[str, Any]]
    asked: Counter[str]


@cache
def refused() -> Refused:
    here = Path("refused")
    here.mkdir()
    good = {name: itertools.count(1) for name in FATAL}
    met: Counter[str] = Counter()

    def fault_for(request: Request) -> Fault | None:
        if mended or request.model not in FATAL or next(good[request.model]) <= STOPPED:
            return None
        met[request.model] += 1
        return FATAL[request.model]

    mended = False
    names = (*FATAL, "other")
    with LoopbackServer(answer, faults=fault_for) as server, chdir(here):
        write_judges(server.url, **{name: {"model": f"openai/{name}", "limits": {"concurrency": 4}} for name in names})
        write_jsonl(Path("pairs.jsonl"), pairs(10))
        ended = judged("runs", judges=names)
        found = {name: found_by("runs", name) for name in names}
        states = {name: read_json(folder("runs", name) / "manifest.json")["state"] for name in names}
        with ReplyCache(Path("runs-cache")) as replies:
            kept = {
                name: [(line["reply"], reply and reply.text) for line, reply in _with_replies(name, replies)]
                for name in names
            }
        mended = True
        judged("runs", judges=names)
        again = {name: found_by("runs", name) for name in names}
        asked = Counter(request.model for request in server.requests)
    return Refused(ended, found, states, kept, met, again, asked)


def _with_replies(judge: str, replies: ReplyCache) -> list[tuple[dict[str, Any], Any]]:
    """Each line of a run, with what the cache has of it."""
    lines = read_jsonl(folder("runs", judge) / "judgements.jsonl")
    return [(line, replies.get(line["key"])) for line in lines]


@pytest.mark.parametrize("name", FATAL)
def test_a_judge_that_is_refused_in_the_middle_keeps_all_that_it_gave(name: str) -> None:
    """It is said once; six replies stand in the run and in the cache, and at most the calls in flight were lost."""
    there = refused()
    said = [line for line in there.ended.err.splitlines() if line.startswith(f"stopped: judge '{name}'")]
    assert (there.ended.status, len(said), there.states[name]) == (1, 1, "stopped")
    assert [reply == cached for reply, cached in there.kept[name]] == [True] * STOPPED
    assert 1 <= there.met[name] <= 4


@pytest.mark.parametrize("name", FATAL)
def test_a_judge_that_was_refused_goes_on_once_mended(name: str) -> None:
    """The same command asks only what is missing."""
    there = refused()
    assert there.asked[name] == 10 + there.met[name]
    assert there.mended[name] == faultless(10)


def test_judges_that_are_refused_stop_alone() -> None:
    """The run of the one that was not is as on a quiet day, and stays so."""
    there = refused()
    assert there.asked["other"] == 10
    assert (there.found["other"], there.mended["other"]) == (faultless(10), faultless(10))


# --- too many at once


def test_calls_in_flight_follow_the_providers_limit(server: LoopbackServer) -> None:
    """It takes 4 at a time for the first 70, then any number: the calls in flight keep to about 4, then grow."""
    most, limited, total = 4, 70, 200
    write_judges(server.url, mine={"limits": {"concurrency": 16}})
    write_jsonl(Path("pairs.jsonl"), pairs(total))
    settled: list[int] = []
    later: list[int] = []
    taken = 0

    def faults(_: Request) -> Fault | None:
        nonlocal taken
        if taken >= limited:
            later.append(server.in_flight)
        elif taken >= 0.6 * limited:
            settled.append(server.in_flight)
        if taken < limited and server.in_flight > most:
            return Fault.status(429)
        taken += 1
        return None

    server.faults = faults
    server.latency = 0.1  # so long that a slow machine, too, can have many calls in flight
    judged("runs")
    assert found_by("runs") == faultless(total)
    assert server.count == total + server.faults_met.total()
    assert server.faults_met.total() > 0
    assert most / 2 < max(settled) < 2 * most
    assert max(later) > 2 * most


def test_a_slow_judge_does_not_hold_another_back(server: LoopbackServer) -> None:
    """The quick one has asked its last question before the slow one has asked half of its own."""
    write_judges(
        server.url,
        slow={"model": "openai/slow", "limits": {"concurrency": 1}},
        quick={"model": "openai/quick", "limits": {"concurrency": 1}},
    )
    write_jsonl(Path("pairs.jsonl"), pairs(6))
    server.latency = lambda request: 0.6 if request.model == "slow" else 0.0
    judged("runs", judges=("slow", "quick"))
    asked = [request.model for request in server.requests]
    assert (asked.count("slow"), asked.count("quick")) == (6, 6)
    assert asked[-3:] == ["slow"] * 3
