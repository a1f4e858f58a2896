"""A disk that fills up while a run goes on, a real one of 1 MB: a clear end, nothing lost, then resumed."""

from __future__ import annotations

import os
import subprocess
from contextlib import chdir
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from commands import (
    Ended,
    by_quality,
    judgebench,
    lasting_folder,
    pairs,
    read_json,
    read_jsonl,
    write_jsonl,
    write_judges,
)
from scripted import ScriptedModels

from judgebench.client.cache.maintenance import ReplyStore
from judgebench.runs.judgements import read_judgements

if TYPE_CHECKING:
    from faults import Request

FOLDER = Path("rewardbench/mine/pairwise/one")
ITEMS, REPLY = 250, 4000


def mounted(folder: Path, kilobytes: int, *more: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={kilobytes}k", *more]), "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 1 MB, of which half are the cache's reserve for 8 calls in flight."""
    folder = tmp_path / "small"
    folder.mkdir()
    try:
        there = mounted(folder, 1000)
    except FileNotFoundError:
        there = False
    if not there:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


PLACES = ("both", "the cache", "the run's folder")
"""Where the replies and the run's folder go: one of them, or both, on the small disk."""


@dataclass
class Filled:
    """A run until its disk was full, and the same command with more space.

    Attributes:
        ended: What it printed.
        asked: The calls until then.
        kept: The replies that were in the cache or in the run's folder.
        half: Files of JSON that could not be read, and parts of files.
        again: The exit status of the same command.
        asked_in_all: The calls of both.
        score: And the subsets', at last.
    """

    ended: Ended
    asked: int
    kept: int
    half: list[str]
    again: int
    asked_in_all: int
    score: list[Any]


def answer(request: Request) -> str:
    return f"{'because ' * (REPLY // 8)} {by_quality(request)}"


def mine(*more: object) -> Ended:
    settings = ("-j", "mine", "--data", "pairs.jsonl", "--concurrency", 8)
    return judgebench("run", "rewardbench", *settings, *more)


def kept(cache: Path, out: Path) -> int:
    lines = {judgement.key for judgement in read_judgements(out / FOLDER) if judgement.reply}
    with ReplyStore(cache) as store:
        return len(lines | set(store.keys()))


def half_written(out: Path) -> list[str]:
    parts = [str(path) for path in out.rglob("*.part")]
    for path in out.rglob("*.json"):
        try:
            read_json(path)
        except ValueError:
            parts.append(str(path))
    return parts


def score(out: Path) -> list[Any]:
    metrics = read_json(out / FOLDER / "metrics.json")
    return [metrics["score"], metrics["subsets"]]


@cache
def on_a_large_disk() -> list[Any]:
    """The score and the subsets of the run where there is space."""
    with chdir(lasting_folder()), ScriptedModels(answer) as server:
        write_judges(server.url, mine={"model": "scripted/mine"})
        write_jsonl(Path("pairs.jsonl"), pairs(ITEMS))
        mine("--cache-dir", "cache")
        return score(Path("runs"))


_filled: dict[str, Filled] = {}


@pytest.fixture(params=PLACES)
def filled(request: pytest.FixtureRequest, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> Filled:
    place = request.param
    if place not in _filled:
        monkeypatch.setattr("judgebench.client.cache.reserve.BYTES", 0)
        cache = (Path.cwd() if place == "the run's folder" else small_disk) / "cache"
        out = (Path.cwd() if place == "the cache" else small_disk) / "runs"
        where = ("--cache-dir", cache, "--out", out)
        with ScriptedModels(answer) as server:
            write_judges(server.url, mine={"model": "scripted/mine"})
            write_jsonl(Path("pairs.jsonl"), pairs(ITEMS))
            ended, asked, half = mine(*where), server.count, half_written(out)
            assert mounted(small_disk, 20_000, "remount")  # SQLite cannot even open a database on a full disk
            there = kept(cache, out)
            again = mine(*where).status
            _filled[place] = Filled(ended, asked, there, half, again, server.count, score(out))
    return _filled[place]


def test_a_full_disk_is_a_clear_end(filled: Filled) -> None:
    """It says which, and what to do; no traceback, and not every call was made."""
    ended = filled.ended
    assert (ended.status in {1, 2}, filled.asked < ITEMS, "Traceback" in ended.err) == (True, True, False)
    assert "disk is full; free some space, then rerun the command" in ended.err


def test_no_reply_is_lost(filled: Filled) -> None:
    """Every call that was answered has its reply in the cache or in the folder."""
    assert filled.kept == filled.asked


def test_the_run_goes_on_once_there_is_space(filled: Filled) -> None:
    """The same command asks for the rest and nothing twice; the figures are those of a run on a large disk."""
    assert (filled.again, filled.asked_in_all) == (0, ITEMS)
    assert filled.score == on_a_large_disk()


def test_nothing_is_half_written(filled: Filled) -> None:
    """Each JSON file is whole, and no part of one is left."""
    assert filled.half == []


def test_a_disk_that_fills_up_at_a_refreshs_end_costs_no_further_call(small_disk: Path) -> None:
    """No room to set the replaced lines apart: the refresh has not ended, and the same command asks nothing again."""
    count, ballast = 20, small_disk / "ballast"
    asked = 0

    def fill(request: Request) -> str:
        nonlocal asked
        asked += 1
        if asked == 2 * count:  # the last one of the refresh: its line still fits, copies of all lines do not
            space = os.statvfs(small_disk)
            ballast.write_bytes(bytes(space.f_bavail * space.f_frsize - 60_000))
        return answer(request)

    with ScriptedModels(fill) as server:
        write_judges(server.url, mine={"model": "scripted/mine"})
        write_jsonl(Path("pairs.jsonl"), pairs(count))
        given = ("run", "custom", "-j", "mine", "--data", "pairs.jsonl", "--concurrency", 1, "--out", small_disk)
        folder = small_disk / "custom/mine/pairwise/one"
        assert judgebench(*given).status == 0
        ended = judgebench(*given, "--refresh")
        assert (ended.status, "the disk is full" in ended.err) == (2, True)
        assert list(folder.glob(".*.part")) == []
        ballast.unlink()
        assert (judgebench(*given, "--refresh").status, server.count) == (0, 2 * count)
    lines = [len(read_jsonl(folder / name)) for name in ("judgements.jsonl", "judgements-replaced.jsonl")]
    assert lines == [count, count]
    assert read_json(folder / "metrics.json")["usage"]["calls"] == count
