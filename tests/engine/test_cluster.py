"""Many machines on Ray: what the driver, the desk, the limits and a worker do, without Ray itself."""

from __future__ import annotations

import asyncio
import os
import pickle
import re
import socket
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from commands import judgebench, pairs, write_jsonl
from loopback import LoopbackServer

from judgebench._util.raycluster import LastWords, check_address, said_by_ray
from judgebench.client import ReplyCache, Request
from judgebench.client.testing import FAILURES, ScriptedJudge, on_fake_clock
from judgebench.engine.cluster.bundles import (
    AskedJudge,
    GroupedWaits,
    Returned,
    Settings,
    bundle_size,
    packed,
    workers_for,
)
from judgebench.engine.cluster.desk import MOST_DEATHS, Desk, Kept
from judgebench.engine.cluster.limits import ClusterLimits
from judgebench.engine.cluster.worker import Worker
from judgebench.errors import BudgetReached, ConfigError, FatalProviderError
from judgebench.judges import Judge, callable_judge
from judgebench.judges.catalog import Price
from judgebench.judges.judge import Limits
from judgebench.verdicts import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FREE = Judge(name="j", model="hosted_vllm/m", api_base="http://127.0.0.1:9/v1")


class Actor:
    """An object whose methods are called as those of a Ray actor are."""

    def __init__(self, whose: object) -> None:
        self._whose = whose

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._whose, name)

        class Method:
            remote = staticmethod(lambda *args, **named: asyncio.ensure_future(method(*args, **named)))

        return Method


def settings(judge: Judge = FREE, *, workers: int = 2, concurrency: int = 32, budget: float | None = None) -> Settings:
    """Of a pipeline with one judge."""
    from judgebench import __version__

    return Settings(__version__, {judge.name: AskedJudge(judge, concurrency)}, {}, workers, budget)


def requests(count: int) -> list[tuple[str, Request]]:
    """Calls of the judge `j`."""
    return [("j", Request(f"{number:064x}", [{"role": "user", "content": f"{number}"}])) for number in range(count)]


def in_a_worker(
    judge: Judge, bundles: Sequence[list[tuple[str, Request]]], cache: Path, budget: float | None = None
) -> list[Returned]:
    """What a worker makes of bundles, one after the other."""

    async def every() -> list[Returned]:
        limits = Actor(ClusterLimits(settings(judge, workers=1, budget=budget)))
        worker = Worker(Actor(Desk(str(cache), 8)), limits, "w")
        return [await worker.made(number, packed(calls)) for number, calls in enumerate(bundles)]

    return on_fake_clock(every())


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_the_shares_of_the_workers_are_the_judges_limit(workers: int) -> None:
    """Neither more nor less in flight over the whole cluster than on one machine."""
    for concurrency in (workers, 32, 33, 500):
        asked = settings(workers=workers, concurrency=concurrency)
        assert sum(asked.share("j", place) for place in range(workers)) == concurrency


@pytest.mark.parametrize(
    ("cpus", "concurrency", "workers", "size"),
    [
        (16, [32], 4, 8),
        (2, [32], 2, 16),
        (0.5, [32], 1, 32),
        (64, [1000, 4], 1, 64),
        (64, [1000], 64, 15),
        (2, [3], 1, 3),
    ],
)
def test_workers_and_bundles(cpus: float, concurrency: list[int], workers: int, size: int) -> None:
    """A worker a CPU with eight calls in flight at least, and bundles of as many calls as it has in flight."""
    assert (workers_for(cpus, concurrency), bundle_size(max(concurrency), workers)) == (workers, size)


def test_waits_are_put_together() -> None:
    """Whoever comes while a question is on its way goes with the next; each is granted once, in turn."""
    asked: list[list[int]] = []

    async def every() -> list[int]:
        done = []

        async def ask(numbers: list[int]) -> int:
            asked.append(numbers)
            await asyncio.sleep(1)
            return min(len(numbers), 3)

        grouped: GroupedWaits[int] = GroupedWaits(ask, 4)

        async def wait(number: int) -> None:
            await grouped.wait(number)
            done.append(number)

        await asyncio.gather(*map(wait, range(10)))
        return done

    assert on_fake_clock(every()) == list(range(10))
    assert asked == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9], [9]]


def test_replies_linger_so_that_more_go_together() -> None:
    """Whoever comes within the time goes in the same question; a full one waits for nobody."""
    asked: list[tuple[float, int]] = []

    async def every() -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()

        async def ask(numbers: list[int]) -> int:
            asked.append((round(loop.time() - start, 2), len(numbers)))
            return len(numbers)

        grouped: GroupedWaits[int] = GroupedWaits(ask, 4, linger_s=1.0)

        async def wait(number: int, at: float) -> None:
            await asyncio.sleep(at)
            await grouped.wait(number)

        await asyncio.gather(*(wait(number, at) for number, at in enumerate([0, 0.5, 0.9, 3, 3, 3, 3, 3])))

    on_fake_clock(every())
    assert asked == [(1.0, 3), (3.0, 4), (4.0, 1)]


def test_the_requests_per_minute_hold_over_all_workers() -> None:
    """200 a second over three workers: within 5% of the limit in the first minute, and never beyond it."""
    judge = FREE.model_copy(update={"limits": Limits(rpm=12_000)})

    async def every() -> list[float]:
        limits, loop = ClusterLimits(settings(judge, workers=3)), asyncio.get_running_loop()
        start, times = loop.time(), []

        async def worker() -> None:
            while loop.time() - start < 60:
                granted = await limits.lease("j", [1.0] * 20, by_tokens=False)
                times.extend([loop.time() - start] * granted)

        await asyncio.gather(*(worker() for _ in range(3)))
        return times

    assert 0.95 * 12_000 <= sum(time < 59.99 for time in on_fake_clock(every())) <= 12_000


def test_a_slow_limit_is_leased_call_by_call() -> None:
    """At one call a second none waits until twenty may go."""
    judge = FREE.model_copy(update={"limits": Limits(rpm=60)})

    async def first() -> int:
        return await ClusterLimits(settings(judge)).lease("j", [1.0] * 20, by_tokens=False)

    assert on_fake_clock(first()) == 1


def test_the_budget_holds_over_all_workers() -> None:
    """Ten calls of at most $1 for $4: four may begin, and the fifth once one was cheaper."""

    async def every() -> tuple[object, object, object]:
        limits = ClusterLimits(settings(budget=4.0))
        first = await limits.hold("a", [1.0] * 3), await limits.hold("b", [1.0] * 7)
        waiting = asyncio.create_task(limits.hold("b", [1.0]))
        await asyncio.sleep(1)
        early = waiting.done()
        await limits.settle("a", 1.0, 0.0)
        return first, early, await waiting

    assert on_fake_clock(every()) == ((3, 1), False, 1)


def test_what_a_dead_worker_held_counts_as_spent() -> None:
    """Nobody knows what its calls cost: the others go on with what is left, and no call waits for it for ever."""

    async def every() -> tuple[object, object, int]:
        limits = ClusterLimits(settings(budget=2.5))
        await limits.join("a")
        await limits.hold("a", [1.0, 1.0])
        _, place = await limits.join("a")
        return place, await limits.hold("b", [1.0]), await limits.died()

    place, reached, died = on_fake_clock(every())
    assert (place, died, isinstance(reached, BudgetReached)) == (0, 1, True)
    assert str(reached) == (
        "the budget of $2.5 is reached: $0.0000 is spent, up to $2.0000 more may have been charged for broken "
        "replies, and the next call could cost $1.0000"
    )


def test_the_desk_gives_every_bundle_whatever_order_it_came_in(tmp_path: Path) -> None:
    """Ray may turn two messages round; a bundle is given again until it is through, and nothing after the last."""

    async def every() -> list[bytes | None]:
        desk = Desk(str(tmp_path), 1)
        first = asyncio.create_task(desk.take(0))
        await desk.put(1, b"1")
        await asyncio.sleep(0)
        assert not first.done()
        await desk.put(0, b"0")
        given = [await first, await desk.take(1), await desk.take(1)]
        await desk.done(1)
        last = asyncio.create_task(desk.take(2))
        await desk.close(2)
        return [*given, await desk.take(0), await desk.take(1), await last]

    assert asyncio.run(every()) == [b"0", b"1", b"1", b"0", b"", None]


def test_a_bundle_that_is_made_again_pays_for_nothing_twice(tmp_path: Path) -> None:
    """A worker died over it: the replies that it had are in the driver's cache, and the other calls are made."""
    judge, calls = callable_judge(ScriptedJudge(["[[A]]"])).model_copy(update={"name": "j"}), requests(4)

    async def every() -> Returned:
        desk, limits = Desk(str(tmp_path), 8), Actor(ClusterLimits(settings(judge)))
        await desk.begin(0)
        for _, request in calls[:3]:
            await desk.keep([Kept(0, request.key, Reply(text="[[B]]"), None)])
        return await Worker(Actor(desk), limits, "w").made(0, packed(calls))

    returned = on_fake_clock(every())
    assert [each.reply and each.reply.text for each in returned.outcomes] == ["[[B]]"] * 3 + ["[[A]]"]
    with ReplyCache(tmp_path) as cache:
        assert cache.get(calls[3][1].key) is not None


def test_a_bundle_that_kills_its_workers_is_given_up(tmp_path: Path) -> None:
    """Else it would be paid for without end; one that is through counts no more."""

    async def every() -> None:
        desk = Desk(str(tmp_path), 8)
        for _ in range(MOST_DEATHS):
            await desk.begin(0)
            await desk.begin(1)
        await desk.done(1)
        await desk.begin(1)
        with pytest.raises(FatalProviderError, match="Ray workers died 5 times over the same calls"):
            await desk.begin(0)

    asyncio.run(every())


@pytest.mark.parametrize(
    ("raised", "kind", "line"),
    [
        (
            "No module named 'their_judge.code'",
            ConfigError,
            "a Ray worker has no their_judge: install it on all machines",
        ),
        (FatalProviderError("said by an actor"), FatalProviderError, "said by an actor"),
        ("odd", FatalProviderError, "a Ray worker cannot go on: RaysOwnError: odd"),
    ],
)
def test_what_an_actor_raises_comes_back_as_ours(raised: str | FatalProviderError, kind: type, line: str) -> None:
    """Ray wraps it in an exception of its own, which cannot be sent on."""

    class RaysOwnError(Exception):
        cause = raised if isinstance(raised, Exception) else None

    class Limits(ClusterLimits):
        async def join(self, worker: str) -> Any:
            error = RaysOwnError(str(raised))
            if error.cause is None:
                del RaysOwnError.cause
            raise error

    async def made() -> Returned:
        limits = Actor(Limits(settings()))
        return await Worker(Actor(Desk("none", 1)), limits, "w").made(0, packed(requests(1)))

    (outcome,) = pickle.loads(pickle.dumps(on_fake_clock(made()))).outcomes
    assert type(outcome.error) is kind
    assert str(outcome.error).startswith(line)


@pytest.mark.parametrize("lost", ["begin", "keep", "stopped"])
def test_an_actor_that_is_gone_ends_the_run_with_one_line(tmp_path: Path, lost: str) -> None:
    """Whether its worker was about to begin, had a reply for it, or did not need it; no other call is begun then."""
    judge = callable_judge(ScriptedJudge(["[[A]]"] * 6)).model_copy(update={"name": "j"})

    async def gone(*_: object) -> None:
        raise RuntimeError("The actor died.\n\tclass_name: Desk\n\tactor_id: 1\nmuch more")

    async def made() -> tuple[Returned, Returned]:
        desk, limits = Desk(str(tmp_path), 8), ClusterLimits(settings(judge, workers=1))
        setattr(limits if lost == "stopped" else desk, lost, gone)
        worker = Worker(Actor(desk), Actor(limits), "w")
        return await worker.made(0, packed(requests(3))), await worker.made(1, packed(requests(6)[3:]))

    first, second = on_fake_clock(made())
    line = "a Ray worker cannot go on: its actor Desk died"
    assert lost == "stopped" or {str(outcome.error) for outcome in first.outcomes} == {line}
    assert {str(outcome.error) for outcome in second.outcomes} == {line}


def test_the_commands_key_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not an older one that a worker's machine has."""
    monkeypatch.setenv("MY_KEY", "old")
    judge = callable_judge(ScriptedJudge(["[[A]]"])).model_copy(update={"name": "j"})

    async def made() -> None:
        of_all = replace(settings(judge, workers=1), variables={"MY_KEY": "the command's"})
        await Worker(Actor(Desk(str(tmp_path), 8)), Actor(ClusterLimits(of_all)), "w").made(0, packed(requests(1)))

    on_fake_clock(made())
    assert os.environ["MY_KEY"] == "the command's"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("The actor died unexpectedly.\n\tclass_name: ClusterLimits\n\tpid: 7\nExit", "its actor ClusterLimits died"),
        (
            "my.OddError: no such thing\n\n  File y\nray.exceptions.UserCodeException: UDF failed.\n\nTo retry, x.",
            "OddError: no such thing",
        ),
        ("first\nlast words", "RuntimeError: last words"),
        ("", "RuntimeError"),
    ],
)
def test_rays_messages_become_one_line(error: str, line: str) -> None:
    """Without its tracebacks and its advice."""
    assert said_by_ray(RuntimeError(error)) == line


@pytest.mark.parametrize("closed", [False, True])
def test_a_command_that_ray_ends_has_last_words(closed: bool) -> None:
    """Ray ends the process without a line where its cluster is lost; one that ends by itself says nothing more."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.dup2(writing, 2)
        words = LastWords("lost: 100% of it")
        if closed:
            words.close()
        os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as said:
        assert said.read() == ("" if closed else "lost: 100% of it\n")
    os.waitpid(child, 0)


@pytest.mark.parametrize(
    ("step", "of"),
    [
        ("provider", lambda outcome: outcome.failure == ("provider", "status 400: bad request")),
        ("fatal", lambda outcome: isinstance(outcome.error, FatalProviderError)),
    ],
)
def test_failures_come_back_as_they_were(tmp_path: Path, step: str, of: Callable[[Any], bool]) -> None:
    """With kind and words, over the way to the driver, which pickles them."""
    judge = callable_judge(ScriptedJudge([FAILURES[step]] * 3)).model_copy(update={"name": "j"})
    (returned,) = in_a_worker(judge, [requests(1)], tmp_path)
    (outcome,) = pickle.loads(pickle.dumps(returned)).outcomes
    assert of(outcome)


def test_a_worker_of_another_version_is_a_usage_error() -> None:
    """Its calls come back with one line that says what to do."""

    async def made() -> Returned:
        asked = Settings("0.0", {"j": AskedJudge(FREE, 1)}, {}, 1)
        return await Worker(Actor(Desk("none", 1)), Actor(ClusterLimits(asked)), "w").made(0, packed(requests(1)))

    (outcome,) = on_fake_clock(made()).outcomes
    assert "this command 0.0: install the same version on all machines of the cluster" in str(outcome.error)


def test_a_worker_without_the_judges_package_is_a_usage_error() -> None:
    """LiteLLM would be asked for a model that it does not know, or knows as another's."""
    judge = Judge(name="j", model="theirs/x")

    async def made() -> Returned:
        asked = replace(settings(), judges={"j": AskedJudge(judge, 1, plugged=True)})
        return await Worker(Actor(Desk("none", 1)), Actor(ClusterLimits(asked)), "w").made(0, packed(requests(1)))

    (outcome,) = on_fake_clock(made()).outcomes
    assert str(outcome.error).startswith(
        "judge 'j': a Ray worker lacks the package that brings its provider 'theirs': install"
    )
    assert isinstance(outcome.error, ConfigError)


def test_the_budget_ends_a_workers_calls(tmp_path: Path) -> None:
    """Of calls of exactly $1 each, as many as it suffices for are made; the others come back with why not."""
    price = Price(input=0, output=1_000_000)
    judge = callable_judge(ScriptedJudge([Reply(text="A", completion_tokens=1)] * 9)).model_copy(update={"name": "j"})
    judge = judge.model_copy(update={"price": price, "params": {"max_tokens": 1}})
    (returned,) = in_a_worker(judge, [requests(5)], tmp_path, budget=2.0)
    assert sum(outcome.reply is not None for outcome in returned.outcomes) == 2
    assert {type(outcome.error) for outcome in returned.outcomes if outcome.reply is None} == {BudgetReached}


def test_what_the_cache_has_needs_no_ray() -> None:
    """A run whose replies are all there starts no cluster."""
    write_jsonl(Path("rows.jsonl"), pairs(4))
    command = ("run", "rewardbench", "--data", "rows.jsonl", "-j", "offline/longest", "--quiet")
    judgebench(*command)
    ended = judgebench(*command, "--engine", "ray", "--out", "again")
    assert (ended.status, "4 calls, 4 from the cache" in ended.out or "0 calls" in ended.out) == (0, True), ended.out


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_without_the_extra_one_line_says_what_to_install() -> None:
    """Before any call, and before a model is loaded."""
    write_jsonl(Path("rows.jsonl"), pairs(2))
    for command in (
        ("run", "-j", "offline/longest", "--quiet"),
        ("reward", "model", "--benchmark", "rewardbench", "--data", "rows.jsonl"),
    ):
        ended = judgebench(*command, "--engine", "ray")
        assert (ended.status, ended.err) == (2, "judgebench: --engine ray needs Ray: pip install 'judgebench[ray]'\n")


def test_an_address_without_its_engine() -> None:
    """It would be left out unsaid."""
    ended = judgebench("run", "--ray-address", "auto")
    assert (ended.status, "--ray-address needs --engine ray" in ended.err) == (2, True)


def test_a_dead_address_is_one_line() -> None:
    """Within seconds, and before anything starts; so is that of another server."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with LoopbackServer() as server:
        for address, said in {
            f"127.0.0.1:{port}": "no Ray cluster answers there (Connection refused); start one with ray start --head",
            f"127.0.0.1:{server.port}": "no Ray cluster answers there (something else does); start one with",
            "ray://head:10001": "expected HOST:PORT, auto or local; start the command on a machine of the cluster",
            "head": "expected HOST:PORT",
            "head:65536": "expected HOST:PORT",
        }.items():
            with pytest.raises(ConfigError, match=f"^--ray-address .*{re.escape(said)}"):
                check_address(address)
