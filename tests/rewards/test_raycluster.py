"""A reward model on a real Ray: in a network namespace, by the command in CONTRIBUTING.md, where PyTorch is, too."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from commands import write_jsonl
from tinymodels import WORDS, tiny

import judgebench as jb

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.ray


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """PyTorch, and for Ray a folder whose name is short enough for its sockets."""
    pytest.importorskip("torch")
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("RAY_TMPDIR", folder)
        yield


def rows(count: int) -> list[dict[str, str]]:
    """Pairs of answers of many lengths."""

    def text(seed: int) -> str:
        return " ".join(WORDS[(seed * 31 + at * 7) % len(WORDS)] for at in range(1 + seed % 40))

    return [
        {"id": f"item-{at}", "prompt": text(at), "chosen": text(3 * at + 1), "rejected": text(5 * at + 2)}
        for at in range(count)
    ]


def slow() -> None:
    """A model and rows that two cores have some ten seconds to do with."""
    write_jsonl(Path("rows.jsonl"), rows(200))
    tiny(Path("model"), hidden_size=256, intermediate_size=512, num_hidden_layers=8)


def actors(doing: str = "") -> list[int]:
    """The processes that have a model."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        if name.startswith(f"ray::ModelActor{doing}".encode()):
            found.append(int(folder.name))
    return found


def until_some_are_scored(running: subprocess.Popen[str], out: str) -> None:
    """Until there are rows in its score file."""
    while running.poll() is None and not any((Path(out) / "score-files").glob("custom/*.jsonl")):
        time.sleep(0.02)


def one_that_reads(running: subprocess.Popen[str]) -> int:
    """The process of an actor that is reading a part."""
    while running.poll() is None:
        if reading := actors(".read"):
            return reading[0]
        time.sleep(0.01)
    raise AssertionError("the command ended before an actor was seen reading")


def begun(engine: str, out: str) -> subprocess.Popen[str]:
    """The model's run of the rows in this folder, in a process of its own."""
    command = [sys.executable, "-m", "judgebench", "reward", "model", "--benchmark", "custom", "--data", "rows.jsonl"]
    return subprocess.Popen(
        [*command, "--batch-tokens", "256", "--engine", engine, "--out", out],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def score_file(out: str) -> Path:
    """The only one there."""
    (path,) = (Path(out) / "score-files" / "custom").glob("*.jsonl")
    return path


def lines(out: str) -> dict[str, list[float]]:
    """Its scores by item."""
    found = [json.loads(line) for line in score_file(out).read_text().splitlines()]
    assert len({each["id"] for each in found}) == len(found)
    return {each["id"]: each["scores"] for each in found}


def identity(out: str) -> Any:
    """What makes a score file that of another model."""
    return json.loads(score_file(out).with_suffix(".json").read_text())


def test_scores_equal_those_of_one_process() -> None:
    """To 1e-5, in a score file of the same identity, and so do the figures; either engine goes on where one was."""
    write_jsonl(Path("rows.jsonl"), rows(60))
    tiny(Path("model"))
    for engine in ("ray", "local"):
        with begun(engine, engine) as running:
            _, err = running.communicate(timeout=200)
        assert running.returncode == 0, err
    ray, local = lines("ray"), lines("local")
    assert ray.keys() == local.keys()
    for name, scores in local.items():
        assert ray[name] == pytest.approx(scores, abs=1e-5)
    assert identity("ray") == identity("local")
    whole = score_file("ray").read_text().splitlines(keepends=True)
    score_file("ray").write_text("".join(whole[:20]))
    again = jb.reward("model", benchmark="custom", data="rows.jsonl", batch_tokens=256, out="ray")
    assert lines("ray").keys() == local.keys()
    assert again.metrics.score == jb.Run.load(next(Path("local/custom").rglob("manifest.json")).parent).metrics.score


def test_an_actor_that_is_killed_reads_again() -> None:
    """Every item is scored once, as one process scores it; the command says so and leaves no process behind."""
    slow()
    with begun("ray", "ray") as running:
        until_some_are_scored(running, "ray")
        os.kill(one_that_reads(running), signal.SIGKILL)
        _, err = running.communicate(timeout=200)
    assert (running.returncode, "1 Ray worker died: what it was reading was read again" in err) == (0, True), err
    jb.reward("model", benchmark="custom", data="rows.jsonl", batch_tokens=256, out="local")
    ray, local = lines("ray"), lines("local")
    assert ray.keys() == local.keys()
    for name, scores in local.items():
        assert ray[name] == pytest.approx(scores, abs=1e-4)  # eight layers in other batches
    until = time.monotonic() + 30
    while actors() and time.monotonic() < until:
        time.sleep(0.2)
    assert actors() == []


def test_a_command_that_is_killed_goes_on() -> None:
    """After kill -9 the same command scores what is missing, and keeps what is there as it is."""
    slow()
    with begun("ray", "ray") as running:
        until_some_are_scored(running, "ray")
        running.kill()
        running.communicate()
    there = score_file("ray").read_text()
    assert 0 < there.count("\n") < 200
    with begun("ray", "ray") as running:
        _, err = running.communicate(timeout=200)
    assert running.returncode == 0, err
    assert score_file("ray").read_text().startswith(there[: there.rindex("\n") + 1])
    assert len(lines("ray")) == 200


def test_conversations_that_end_every_actor_are_one_line() -> None:
    """As where memory runs out: what was scored stays, and the command says how to go on."""
    slow()
    with begun("ray", "ray") as running:
        while running.poll() is None:
            for process in actors(".read"):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.05)
        _, err = running.communicate(timeout=200)
    assert running.returncode == 2
    (said,) = (line for line in err.splitlines() if not line.startswith("progress: "))
    assert said == (
        "judgebench: 3 Ray workers died over the same 8 conversations: perhaps out of memory: lower --batch-tokens or "
        "--max-length, then rerun the same command to resume"
    )
