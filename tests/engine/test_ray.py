"""A run on a real Ray of two workers: in a network namespace, by the command in CONTRIBUTING.md."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from commands import pairs, read_json, read_jsonl, without_progress, write_jsonl, write_judges
from loopback import LoopbackServer, Request

from judgebench.errors import ConfigError
from judgebench.judges import callable_judge

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.ray

KEY = "key-that-nobody-may-read-8c1f"
CALLS = 480
AT_ONCE = 32


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Ray's own folder, whose name is short enough for its sockets."""
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("RAY_TMPDIR", folder)
        monkeypatch.setenv("MY_KEY", KEY)
        yield Path(folder)


def begun(engine: str, *more: object) -> subprocess.Popen[str]:
    """A run of the rows in this folder, in a process of its own."""
    command = [sys.executable, "-m", "judgebench", "run", "rewardbench", "--data", "rows.jsonl", "-j", "mine"]
    return subprocess.Popen(
        [*command, "--engine", engine, "--out", engine, "--cache-dir", f"cache-{engine}", *map(str, more)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(running: subprocess.Popen[str]) -> tuple[int, str]:
    """Status and standard error, less where the judge is."""
    _, err = running.communicate(timeout=200)
    return running.returncode, "\n".join(line for line in without_progress(err) if "providers.yaml" not in line)


def metrics(engine: str) -> bytes:
    """The bytes of its run's metrics."""
    (path,) = Path(engine).rglob("metrics.json")
    return path.read_bytes()


def lines(engine: str) -> list[Any]:
    """Its judgements, without times and in one order."""
    (path,) = Path(engine).rglob("judgements.jsonl")
    kept = [{name: each[name] for name in each if name not in {"latency_s", "created"}} for each in read_jsonl(path)]
    return sorted(kept, key=lambda each: (each["item"], str(each.get("order")), each.get("turn", 0)))


def workers() -> list[int]:
    """The processes of Ray Data's workers."""
    return processes("ray::MapWorker")


def processes(name: str) -> list[int]:
    """Those of this network namespace whose program has the name in it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            program = (folder / "cmdline").read_bytes().partition(b"\0")[0].decode()
            apart = (folder / "ns" / "net").readlink() != Path("/proc/self/ns/net").readlink()
        except OSError:  # it has ended
            continue
        if name in program and not apart:
            found.append(int(folder.name))
    return found


def test_a_run_equals_that_of_the_local_engine(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In metrics to the byte and in every record but for times, follow-up turns included; no key is in Ray's logs.

    Ray Data's limit on a pipeline without progress, half an hour of its own, does not end it.
    """
    monkeypatch.setenv("RAY_DATA_EXECUTION_NO_PROGRESS_TIMEOUT_S", "1")

    def answer(request: Request) -> str:
        again = len(request.messages) > 2
        return "[[B]]" if again else ("[[A]]" if "3" in request.text else "Hard to say.")

    write_jsonl(Path("rows.jsonl"), pairs(60))
    with LoopbackServer(answer, latency=lambda request: 2.5 if request.number == 1 else 0.0) as server:
        write_judges(server.url, mine={"api_key_env": "MY_KEY"})
        for engine in ("ray", "local"):
            assert ended(begun(engine, "--orders", "both", "--repair", 1, "--quiet")) == (0, "")
        assert metrics("ray") == metrics("local")
        assert lines("ray") == lines("local")
        assert {each.headers["authorization"] for each in server.requests} == {f"Bearer {KEY}"}
    told = [path for path in temporary.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert told == []


def test_a_judge_that_cannot_be_sent_is_a_usage_error() -> None:
    """One line that names it; Ray would print a page."""
    from judgebench.engine.cluster.bundles import AskedJudge, Settings
    from judgebench.engine.cluster.pipeline import _check_sent

    lock = threading.Lock()

    def mine(_messages: object) -> str:
        with lock:
            return "[[A]]"

    settings = Settings("1", {"mine": AskedJudge(callable_judge(mine), 1)}, {}, 1)
    with pytest.raises(ConfigError, match=r"judge 'mine' cannot be sent to Ray workers .*lock.*: let its"):
        _check_sent(settings)


def test_a_worker_that_is_killed_costs_its_calls_in_flight(temporary: Path) -> None:
    """The run ends as if nothing had been, says so, and leaves no process behind."""
    write_jsonl(Path("rows.jsonl"), pairs(CALLS))
    with LoopbackServer(latency=0.3) as server:
        write_judges(server.url, mine={"limits": {"concurrency": AT_ONCE}})
        running = begun("ray")
        while server.in_flight <= AT_ONCE // 2 and running.poll() is None:  # one worker alone has so many at most
            time.sleep(0.02)
        os.kill(workers()[0], signal.SIGKILL)
        status, err = ended(running)
        assert (status, "1 Ray worker died and was started again" in err) == (0, True), err
        made = Counter(each.text for each in server.requests)
        assert len(made) == CALLS
        assert made.total() - CALLS <= AT_ONCE  # a worker's in flight, or with a reply on its way to the desk
        assert ended(begun("local", "--quiet")) == (0, "")
    assert metrics("ray") == metrics("local")
    until = time.monotonic() + 30
    while workers() and time.monotonic() < until:
        time.sleep(0.2)
    assert workers() == []


@pytest.mark.parametrize(
    ("killed", "line"),
    [
        ("raylet/raylet", "judgebench: ended early: its Ray was stopped or lost"),
        ("ray::Desk", "its actor Desk died"),
    ],
)
def test_a_lost_ray_costs_the_calls_in_flight(killed: str, line: str) -> None:
    """Status 1 with one line that says why; the same command makes the other calls alone."""
    write_jsonl(Path("rows.jsonl"), pairs(CALLS))
    with LoopbackServer(latency=0.3) as server:
        write_judges(server.url, mine={"limits": {"concurrency": AT_ONCE}})
        running = begun("ray", "--quiet")
        while server.count < CALLS // 3 and running.poll() is None:
            time.sleep(0.02)
        for process in processes(killed):
            os.kill(process, signal.SIGKILL)
        status, err = ended(running)
        assert (status, line in err) == (1, True), err
        assert ended(begun("ray", "--quiet")) == (0, "")
        assert CALLS <= server.count <= CALLS + 2 * AT_ONCE  # in flight, or with a reply on its way to the desk
    assert read_json(next(Path("ray").rglob("metrics.json")))["coverage"] == 1.0


def test_an_interrupt_keeps_what_is_paid_for(temporary: Path) -> None:
    """Status 130 with what was in flight; the same command asks for the rest alone."""
    write_jsonl(Path("rows.jsonl"), pairs(CALLS))
    with LoopbackServer(latency=0.05) as server:
        write_judges(server.url)
        running = begun("ray", "--quiet")
        while server.count < CALLS // 3 and running.poll() is None:
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        assert ended(running)[0] == 130
        assert server.count < CALLS
        assert ended(begun("ray", "--quiet")) == (0, "")
        assert server.count == CALLS
    assert read_json(next(Path("ray").rglob("metrics.json")))["coverage"] == 1.0


def test_the_budget_holds_over_both_workers(temporary: Path) -> None:
    """Never more is spent than it allows, and the run says why it ended."""
    write_jsonl(Path("rows.jsonl"), pairs(CALLS))
    with LoopbackServer(latency=0.01) as server:
        write_judges(server.url, mine={"price": {"input": 0, "output": 1_000_000}, "params": {"max_tokens": 2}})
        status, err = ended(begun("ray", "--quiet", "--budget", 200))
        assert (status, "the budget of $200" in err) == (1, True), err
        assert 2 * server.count <= 200 < 2 * (server.count + 2)


def test_filtered_rows_equal_those_of_the_local_engine() -> None:
    """The same rows with the same columns, in the same order."""
    import pyarrow.parquet as pq

    write_jsonl(Path("rows.jsonl"), pairs(60))
    with LoopbackServer(lambda request: "[[A]]" if "3" in request.text else "[[B]]") as server:
        write_judges(server.url)
        for engine in ("ray", "local"):
            command = [sys.executable, "-m", "judgebench", "filter", "rows.jsonl", "-j", "mine", "--quiet"]
            command += ["--keep", "judge_agrees", "--out", f"{engine}.parquet", "--engine", engine]
            subprocess.run([*command, "--cache-dir", f"cache-{engine}"], check=True, timeout=200, capture_output=True)
    kept = pq.read_table("local.parquet")
    assert 0 < kept.num_rows < 60
    assert pq.read_table("ray.parquet").equals(kept)
