"""Everything a run or a command opens is closed at its end, however it ends: sockets, databases, files."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from commands import by_quality, judgebench, pairs, write_jsonl, write_judges
from loopback import Fault, LoopbackServer, Reply
from processes import Running

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = ("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "--concurrency", "8")
CACHED_RUN = "runs/rewardbench/mine/pairwise/one"

STRICT = """
import gc, sys, warnings
from judgebench.cli import main
warnings.simplefilter("error", ResourceWarning)
try:
    main()
finally:
    gc.unfreeze()
    gc.collect()
"""
"""A command after which all garbage is looked at: an open file or database among it says so."""

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted in /proc")


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer("[[A]]") as running:
        write_judges(running.url)
        write_jsonl(Path("pairs.jsonl"), pairs(24))
        yield running


def strictly(*arguments: object) -> Running:
    """Begins a command in a process of its own, where what is left open is a ResourceWarning, and that an error."""
    return Running(*arguments, code=STRICT)


def left_open(command: Running, status: int = 0) -> list[str]:
    """The lines of standard error about what a command left open, once it has ended with the status."""
    _, err = command.communicate()
    assert command.returncode == status, err
    return [line for line in err.splitlines() if "ResourceWarning" in line or "Exception ignored" in line]


def open_after(runs: int, fault: Fault | None = None) -> int:
    """How many files this process has open after so many runs, of 12 calls, many in flight at once.

    The server, whose ends of the connections are in this process too, has ended by then.
    """
    with LoopbackServer(by_quality, latency=0.05, faults=lambda _: fault) as server:
        write_judges(server.url)
        for _ in range(runs):
            judgebench(*RUN, "--refresh", "--concurrency", "12")
        assert server.max_in_flight > 4
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize(
    ("runs", "fault"), [(50, None), (4, Fault.status(400)), (4, Fault.status(401))], ids=["answered", "400", "401"]
)
def test_many_live_runs_leave_no_more_open_than_one(runs: int, fault: Fault | None) -> None:
    """In one process, whether they end well or are refused."""
    write_jsonl(Path("pairs.jsonl"), pairs(12))
    first = open_after(1, fault)
    assert open_after(runs, fault) <= first


@pytest.mark.parametrize(
    "command",
    [
        RUN,
        (*RUN, "--offline"),
        ("cache", "info"),
        ("cache", "prune", "--older-than", "1", "--dry-run"),
        ("cache", "prune", "--all", "--yes"),
        ("cache", "export", "run.gz", CACHED_RUN),
        ("cache", "export", "all.gz"),
        ("cache", "import", "replies.gz", "--cache-dir", "other"),
        ("judges", "check", "mine"),
    ],
    ids=" ".join,
)
def test_a_command_leaves_nothing_open(server: LoopbackServer, command: tuple[str, ...]) -> None:
    """Python has nothing to say of it, on an empty cache (a live run) or on one that a run has filled."""
    if command != RUN:
        judgebench(*RUN)
        judgebench("cache", "export", "replies.gz")
    assert left_open(strictly(*command)) == []


def test_a_live_run_that_the_budget_ends_leaves_nothing_open(server: LoopbackServer) -> None:
    """Some calls were made, and the rest were not."""
    dear = {"model": "openai/loopback", "params": {"max_tokens": 10}, "price": {"input": 0, "output": 10_000}}
    write_judges(server.url, mine=dear)
    server.answer = Reply("[[A]]", usage={"completion_tokens": 10})
    command = strictly(*RUN, "--budget", "0.5")
    assert left_open(command, status=1) == []
    assert 0 < server.count < 24


def test_a_refused_run_leaves_nothing_open(server: LoopbackServer) -> None:
    """The key is wrong."""
    server.faults = lambda _: Fault.status(401)
    assert left_open(strictly(*RUN), status=2) == []


def test_an_interrupted_run_leaves_nothing_open(server: LoopbackServer) -> None:
    """Ctrl-C twice, with calls in flight."""
    server.faults = lambda request: Fault.hang() if request.number > 4 else None
    command = strictly(*RUN)
    server.wait_count(12)
    command.send_signal(signal.SIGINT)
    assert command.stderr is not None
    next(line for line in command.stderr if line.startswith("finishing calls in flight"))
    command.send_signal(signal.SIGINT)
    assert left_open(command, status=130) == []


def test_a_cache_that_cannot_be_opened_is_not_left_open() -> None:
    """A file that is no database."""
    Path("broken").mkdir()
    Path("broken/cache.db").write_bytes(b"this is no database at all" * 100)
    assert left_open(strictly("cache", "info", "--cache-dir", "broken"), status=2) == []
