"""A disk that fills up while a run goes on, a real one of 1 MB: a clear end, nothing lost, then resumed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from commands import Ended, by_quality, judgebench, pairs, read_json, read_jsonl, write_jsonl, write_judges
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


@pytest.fixture
def server():
    with ScriptedModels(lambda request: f"{'because ' * (REPLY // 8)} {by_quality(request)}") as running:
        write_judges(running.url, mine={"model": "scripted/mine"})
        write_jsonl(Path("pairs.jsonl"), pairs(ITEMS))
        yield running


@pytest.fixture(params=["both", "the cache", "the run's folder"])
def places(request: pytest.FixtureRequest, small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where the replies and the run's folder go: one of them, or both, on the small disk."""
    monkeypatch.setattr("judgebench.client.cache.reserve.BYTES", 0)
    cache = (tmp_path if request.param == "the run's folder" else small_disk) / "cache"
    out = (tmp_path if request.param == "the cache" else small_disk) / "runs"
    return cache, out


def mine(places: tuple[Path, Path], *more: object) -> Ended:
    cache, out = places
    settings = ("-j", "mine", "--data", "pairs.jsonl", "--concurrency", 8, "--cache-dir", cache, "--out", out)
    return judgebench("run", "rewardbench", *settings, *more)


def kept(places: tuple[Path, Path]) -> int:
    """How many replies are in the cache or in the run's folder."""
    cache, out = places
    lines = {judgement.key for judgement in read_judgements(out / FOLDER) if judgement.reply}
    with ReplyStore(cache) as store:
        cached = set(store.keys())
    return len(lines | cached)


def test_a_full_disk_is_a_clear_end(server: ScriptedModels, places: tuple[Path, Path]) -> None:
    """It says which, and what to do; no traceback, and not every call was made."""
    ended = mine(places)
    assert (ended.status in {1, 2}, server.count < ITEMS, "Traceback" in ended.err) == (True, True, False)
    assert "disk is full; free some space, then rerun the command" in ended.err


def test_no_reply_is_lost(server: ScriptedModels, places: tuple[Path, Path], small_disk: Path) -> None:
    """Every call that was answered has its reply in the cache or in the folder."""
    mine(places)
    assert mounted(small_disk, 20_000, "remount")  # SQLite cannot even open a database on a full disk
    assert kept(places) == server.count


def test_the_run_goes_on_once_there_is_space(
    server: ScriptedModels, places: tuple[Path, Path], small_disk: Path
) -> None:
    """The same command asks for the rest and nothing twice; the figures are those of a run on a large disk."""
    mine(places)
    assert mounted(small_disk, 20_000, "remount")
    assert (mine(places).status, server.count) == (0, ITEMS)
    _, out = places
    judgebench("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "--out", "large", "--cache-dir", "fresh")
    small, large = (read_json(where / FOLDER / "metrics.json") for where in (out, Path("large")))
    assert (small["score"], small["subsets"]) == (large["score"], large["subsets"])


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
        return f"{'because ' * (REPLY // 8)} {by_quality(request)}"

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


def test_nothing_is_half_written(server: ScriptedModels, places: tuple[Path, Path]) -> None:
    """Each JSON file is whole, and no part of one is left."""
    mine(places)
    _, out = places
    for path in out.rglob("*.json"):
        read_json(path)
    assert list(out.rglob("*.part")) == []
