"""Everything a run or a command opens is closed at its end, however it ends: sockets, databases, files."""

from __future__ import annotations

import json
import signal
from collections import Counter
from contextlib import chdir
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from commands import by_quality, judgebench, lasting_folder, pairs, write_jsonl, write_judges
from loopback import Fault, LoopbackServer, Reply
from processes import Running

if TYPE_CHECKING:
    from loopback import Request

RUN = ("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "--concurrency", "8")
CACHED_RUN = "runs/rewardbench/mine/pairwise/one"

STRICT = """
import atexit, gc, json, os, sys, warnings
from judgebench.cli import main

def now_open():
    found = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            found[number] = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:  # the folder that was just read
            pass
    return found

def say_what_is_left():
    gc.unfreeze()
    gc.collect()
    for number, file in now_open().items():
        if first.get(number) != file and os.path.basename(file) != LOCKS:
            print("ResourceWarning: open at the end:", file, file=sys.stderr, flush=True)

LOCKS = f"judgebench-{os.getuid()}.lock"  # closing it would give back every lock of the process
first = now_open()
atexit.register(say_what_is_left)
warnings.simplefilter("error", ResourceWarning)
for name, arguments in json.loads(sys.argv[1]):
    sys.argv[1:], status = arguments, 0
    print("begins:", name, file=sys.stderr, flush=True)
    try:
        main()
    except SystemExit as ended:
        status = ended.code
    gc.collect()
    print("ended:", status, file=sys.stderr, flush=True)
print("begins: end", file=sys.stderr, flush=True)
sys.exit(status)
"""
"""Commands after each of which the garbage that it left is looked at, and all there is after the last one.

An open file or database among it says so; what is open at the very end, garbage or not, is listed.
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted in /proc")


COMMANDS: dict[str, tuple[str, ...]] = {
    "a live run": RUN,
    "a run that its budget ends": (*RUN, "-j", "dear", "--budget", "0.5", "--out", "dear"),
    "a run that is refused": (*RUN, "-j", "refused", "--out", "refused"),
    "a run from the cache": (*RUN, "--offline", "--out", "again"),
    "cache info": ("cache", "info"),
    "cache export of a run": ("cache", "export", "run.gz", CACHED_RUN),
    "cache export": ("cache", "export", "all.gz"),
    "cache import": ("cache", "import", "all.gz", "--cache-dir", "other"),
    "judges check": ("judges", "check", "mine"),
    "cache prune --dry-run": ("cache", "prune", "--older-than", "1", "--dry-run"),
    "cache prune": ("cache", "prune", "--all", "--yes"),
    "a cache that cannot be opened": ("cache", "info", "--cache-dir", "broken"),
    "end": (),
}
"""In the order in which they are run, each on what those before it left; `end` is that of the process."""
STATUS = {"a run that its budget ends": 1, "a run that is refused": 2, "a cache that cannot be opened": 2}


def strictly(*commands: tuple[str, tuple[str, ...]]) -> Running:
    """Begins commands in a process of their own, where what is left open is a ResourceWarning, and that an error."""
    return Running(json.dumps(commands), code=STRICT)


def left_open(said: str) -> list[str]:
    """The lines of standard error about what was left open."""
    return [line for line in said.splitlines() if "ResourceWarning" in line or "Exception ignored" in line]


@cache
def said_by_all() -> dict[str, str]:
    """Standard error of each command."""
    here = lasting_folder()
    dear = {"model": "openai/dear", "params": {"max_tokens": 10}, "price": {"input": 0, "output": 10_000}}

    def answer(request: Request) -> Reply:
        return Reply("[[A]]", usage={"completion_tokens": 10})

    def faults(request: Request) -> Fault | None:
        return Fault.status(401) if request.model == "refused" else None

    with LoopbackServer(answer, faults=faults) as server, chdir(here):
        write_judges(server.url, mine={}, dear=dear, refused={"model": "openai/refused"})
        write_jsonl(Path("pairs.jsonl"), pairs(24))
        Path("broken").mkdir()
        Path("broken/cache.db").write_bytes(b"this is no database at all" * 100)
        _, said = strictly(*[each for each in COMMANDS.items() if each[0] != "end"]).communicate()
        made = Counter(request.model for request in server.requests)
    assert (made["loopback"] >= 24, 0 < made["dear"] < 24) == (True, True)
    parts = [part.partition("\n") for part in said.split("begins: ")[1:]]
    return {name: text for name, _, text in parts}


def open_after(runs: int, fault: Fault | None = None) -> int:
    """How many files this process has open after so many runs, of 6 calls, all in flight at once.

    The server, whose ends of the connections are in this process too, has ended by then.
    """
    with LoopbackServer(by_quality, latency=0.05, faults=lambda _: fault) as server:
        write_judges(server.url)
        for _ in range(runs):
            judgebench(*RUN, "--refresh")
        assert server.max_in_flight > 4
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize(
    ("runs", "fault"), [(50, None), (3, Fault.status(400)), (3, Fault.status(401))], ids=["answered", "400", "401"]
)
def test_many_live_runs_leave_no_more_open_than_one(runs: int, fault: Fault | None) -> None:
    """In one process, whether they end well or are refused."""
    write_jsonl(Path("pairs.jsonl"), pairs(6))
    first = open_after(1, fault)
    assert open_after(runs, fault) <= first


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_leaves_nothing_open(name: str) -> None:
    """Python has nothing to say of it, however it ends: well, by its budget, refused, or with a mistake."""
    said = said_by_all()[name]
    assert left_open(said) == []
    assert name == "end" or f"ended: {STATUS.get(name, 0)}\n" in said, said


def test_an_interrupted_run_leaves_nothing_open() -> None:
    """Ctrl-C twice, with calls in flight."""
    write_jsonl(Path("pairs.jsonl"), pairs(24))
    with LoopbackServer("[[A]]", faults=lambda request: Fault.hang() if request.number > 4 else None) as server:
        write_judges(server.url)
        command = strictly(("interrupted", RUN))
        server.wait_count(12)
        command.send_signal(signal.SIGINT)
        assert command.stderr is not None
        next(line for line in command.stderr if line.startswith("finishing calls in flight"))
        command.send_signal(signal.SIGINT)
        _, said = command.communicate()
    assert (command.returncode, "ended: 130\n" in said, left_open(said)) == (130, True, [])
