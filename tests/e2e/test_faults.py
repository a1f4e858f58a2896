"""Runs against a provider that fails in every way: they lose nothing, waste nothing, and score as on a quiet day."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from commands import by_quality, judgebench, pairs, process, read_json, read_jsonl, write_jsonl, write_judges
from loopback import Fault, LoopbackServer, fatal_faults, lasting_faults, mendable_faults, share_of_calls

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
"""A model that takes no temperature: its calls go by OpenAI's SDK, those of other models by LiteLLM's own client."""


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
    with LoopbackServer(answer) as quiet:
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


ITEMS = 2 * len(MENDABLE)


@cache
def met_by_all() -> tuple[dict[str, Any], dict[str, Any], Counter[str], int, str]:
    """What two judges find whose every call meets a fault once; the faults that were met, the calls, what was said."""
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
        write_judges(server.url, here, mine=settings, sdk=BY_SDK | settings)
        data = write_jsonl(here / "pairs.jsonl", pairs(ITEMS))
        where = ("--providers", here / "providers.yaml", "--out", here, "--cache-dir", here / "cache")
        ended = judgebench("run", "rewardbench", "-j", "mine", "-j", "sdk", "--data", data, *where)
        return found_by(str(here)), found_by(str(here), "sdk"), server.faults_met, server.count, ended.err


@pytest.mark.parametrize("name", MENDABLE)
def test_a_fault_that_a_retry_mends_changes_nothing(name: str) -> None:
    """Every call of two items meets it once, by either way; their replies, verdicts and outcomes are the same."""
    mine, sdk, met, _, _ = met_by_all()
    numbers = [str(number) for number, each in enumerate([*MENDABLE] * 2) if each == name]
    assert met[MENDABLE[name].name] == 4 * sum(each.name == MENDABLE[name].name for each in MENDABLE.values())
    for kind in ("judgements", "outcomes"):
        quiet = [faultless(ITEMS)[kind][number] for number in numbers]
        assert [[found[kind][number] for number in numbers] for found in (mine, sdk)] == [quiet, quiet]


def test_all_faults_together_change_nothing() -> None:
    """Each call was made twice; scores and all figures but the tokens are those of a quiet day, by either way."""
    mine, sdk, met, calls, said = met_by_all()
    assert (met.total(), calls) == (2 * ITEMS, 4 * ITEMS)
    assert mine == faultless(ITEMS)
    quiet = {name: value for name, value in faultless(ITEMS)["metrics"].items() if name != "notes"}
    assert {name: value for name, value in sdk["metrics"].items() if name != "notes"} == quiet
    assert "openai/o3 does not support temperature: left out" in sdk["metrics"]["notes"]
    assert said.count(f"{ITEMS} retries: ") == 2


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
    """No warning of a library's reaches the user, by either way."""
    write_judges(server.url, mine={}, sdk=BY_SDK)
    write_jsonl(Path("pairs.jsonl"), pairs(1))
    server.faults = once_each({0: [Fault.shape("choices_string"), Fault.shape("content_number")]})
    ended = process("run", "rewardbench", "-j", "mine", "-j", "sdk", "--data", "pairs.jsonl", "--orders", "one")
    assert (ended.status, server.count, "arning" in ended.err) == (0, 6, False)


# --- faults that a retry cannot mend


def test_what_a_retry_cannot_mend_fails_its_own_items_alone(server: LoopbackServer) -> None:
    """All kinds mixed: asked once each, recorded by kind; every other item is judged as on a quiet day."""
    write_judges(server.url)
    write_jsonl(Path("pairs.jsonl"), pairs(60))
    hit = {str(number): LASTING[number % len(LASTING)] for number in range(0, 60, 4)}
    assert {fault.name for fault in hit.values()} <= set(KINDS)
    server.faults = lambda request: hit.get(str(number_of(request)))
    ended = judged("runs")
    found, quiet = found_by("runs"), faultless(60)
    assert (ended.status, server.count) == (0, 60)
    kinds = {item: failure["kind"] for item, (_, _, failure, _) in found["judgements"].items() if item in hit}
    assert kinds == {item: KINDS[fault.name] for item, fault in hit.items()}
    for lines in ("judgements", "outcomes"):
        there, then = ({item: line for item, line in each[lines].items() if item not in hit} for each in (found, quiet))
        assert there == then


@pytest.mark.parametrize("fault", LASTING, ids=lambda fault: fault.name)
def test_what_a_retry_cannot_mend_is_not_asked_again(server: LoopbackServer, fault: Fault) -> None:
    """Neither in the run nor by the same command: it was answered, and paid for; it is in the cache."""
    write_judges(server.url)
    write_jsonl(Path("pairs.jsonl"), pairs(3))
    server.faults = lambda request: fault if number_of(request) == 1 else None
    judged("runs")
    server.faults = None
    assert (judged("runs").status, judged("runs", "--out", "elsewhere").status, server.count) == (0, 0, 3)


# --- faults that stop a judge


def only_the_first(count: int, model: str, fault: Fault):
    """The fault for every call of a model after so many good ones."""
    good = itertools.count(1)
    return lambda request: fault if request.model == model and next(good) > count else None


@pytest.mark.parametrize("name", FATAL)
def test_a_judge_that_is_refused_in_the_middle_stops_alone_and_goes_on_once_mended(
    server: LoopbackServer, name: str
) -> None:
    """All that it gave is kept, the other run is as on a quiet day; the same command asks only what is missing."""
    write_judges(server.url, mine={"model": "openai/a", "limits": {"concurrency": 4}}, other={"model": "openai/b"})
    write_jsonl(Path("pairs.jsonl"), pairs(30))
    server.faults = only_the_first(12, "a", FATAL[name])
    ended = judged("runs", judges=("mine", "other"))
    assert (ended.status, found_by("runs", "other")) == (1, faultless(30))
    assert len([line for line in ended.err.splitlines() if line.startswith("stopped: judge 'mine'")]) == 1
    assert read_json(folder("runs") / "manifest.json")["state"] == "stopped"
    lines = read_jsonl(folder("runs") / "judgements.jsonl")
    with ReplyCache(Path("runs-cache")) as cache:
        kept = [cache.get(line["key"]) for line in lines]
    assert [reply and reply.text for reply in kept] == [line["reply"] for line in lines]
    assert len(lines) == 12
    met = server.faults_met.total()
    assert met <= 4
    server.faults = None
    judged("runs", judges=("mine", "other"))
    asked = [request.model for request in server.requests]
    assert (asked.count("a"), asked.count("b")) == (30 + met, 30)
    assert (found_by("runs"), found_by("runs", "other")) == (faultless(30), faultless(30))


# --- too many at once


def test_calls_in_flight_follow_the_providers_limit(server: LoopbackServer) -> None:
    """It takes 8 at a time for the first 200, then any number: the calls in flight keep to about 8, then grow."""
    most, limited, total = 8, 200, 500
    write_judges(server.url, mine={"limits": {"concurrency": 64}})
    write_jsonl(Path("pairs.jsonl"), pairs(total))
    settled: list[int] = []
    later: list[int] = []
    taken = 0

    def faults(_: Request) -> Fault | None:
        nonlocal taken
        if taken >= limited:
            later.append(server.in_flight)
        elif taken >= limited / 2:
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
