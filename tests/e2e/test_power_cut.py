"""A power cut in the middle of a run, simulated by cutting the last bytes off each file; then the same command."""

from __future__ import annotations

import shutil
import time
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from commands import Ended, by_quality, judgebench, pairs, read_json, read_jsonl, write_jsonl, write_judges
from scripted import ScriptedModels

if TYPE_CHECKING:
    from faults import Request

FOLDER = Path("runs/rewardbench/mine/pairwise/one")
ITEMS, ANSWERED = 14, 10
FILES = ("judgements.jsonl", "manifest.json", "template.jinja", "items.jsonl.gz")


def mine(*more: object) -> Ended:
    return judgebench("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "--cache-dir", "cache", *more)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory):
    """A folder as a run left it that was killed when ten of its calls were answered, and the models."""
    folder, copy = tmp_path_factory.mktemp("running"), tmp_path_factory.mktemp("killed") / "copy"

    def answer(request: Request) -> str:
        if request.number == ANSWERED + 1:
            give_up = time.monotonic() + 30
            while not (folder / FOLDER / "items.jsonl.gz").exists() and time.monotonic() < give_up:
                time.sleep(0.01)  # it is written beside the calls
            shutil.copytree(folder, copy)  # what is written by now, a kill leaves
        return by_quality(request)

    with ScriptedModels(answer) as models:
        with chdir(folder):
            write_judges(models.url)
            write_jsonl(Path("pairs.jsonl"), pairs(ITEMS))
            assert mine("--concurrency", 1).status == 0
        models.answer = by_quality
        yield copy, models


@pytest.fixture
def cut_off(killed: tuple[Path, ScriptedModels]) -> ScriptedModels:
    """A copy of it in the test's own folder, and the models."""
    folder, models = killed
    shutil.copytree(folder, Path(), dirs_exist_ok=True)
    assert len(read_jsonl(FOLDER / "judgements.jsonl")) == ANSWERED
    assert [*Path("cache").glob("cache.db-*")]
    return models


def cut(path: Path, size: int) -> None:
    """Takes the last bytes off a file, or all of it."""
    with path.open("rb+") as file:
        file.truncate(max(0, path.stat().st_size - size))


def check(models: ScriptedModels, most: int) -> None:
    """The run goes on to the end, with no more calls than these, and every file can be read."""
    before = models.count
    ended = mine()
    assert (ended.status, models.count - before <= most) == (0, True), (ended.err, models.count - before)
    metrics = read_json(FOLDER / "metrics.json")
    assert (metrics["score"], metrics["coverage"], read_json(FOLDER / "manifest.json")["state"]) == (1.0, 1.0, "done")
    assert len({line["item"] for line in read_jsonl(FOLDER / "judgements.jsonl")}) == ITEMS
    assert judgebench("show", FOLDER, "3").status == 0


@pytest.mark.parametrize("size", [1, 7, 150, 10**9])
@pytest.mark.parametrize("name", FILES)
def test_the_end_of_a_file_is_lost(cut_off: ScriptedModels, name: str, size: int) -> None:
    """Whichever file, however much: what is in the cache is not asked again."""
    cut(FOLDER / name, size)
    check(cut_off, ITEMS - ANSWERED)


@pytest.mark.parametrize("size", [1, 7, 150, 10**9])
def test_the_ends_of_all_files_are_lost(cut_off: ScriptedModels, size: int) -> None:
    """Of the whole folder."""
    for path in filter(Path.is_file, FOLDER.rglob("*")):
        cut(path, size)
    check(cut_off, ITEMS - ANSWERED)


@pytest.mark.parametrize("size", [1, 7, 150, 5000])
def test_the_cache_loses_its_last_bytes(cut_off: ScriptedModels, size: int) -> None:
    """The log of a transaction that was not ended: the replies are in the folder as well."""
    for path in Path("cache").glob("cache.db-*"):
        cut(path, size)
    check(cut_off, ITEMS - ANSWERED)


def test_the_folder_alone_suffices(cut_off: ScriptedModels) -> None:
    """Without any cache, what was answered is not asked again."""
    shutil.rmtree("cache")
    check(cut_off, ITEMS - ANSWERED)


def test_another_runs_folder_is_not_taken(cut_off: ScriptedModels) -> None:
    """Judgements beside a torn manifest that answer other questions are left alone: exit 2, and how to go on."""
    cut(FOLDER / "manifest.json", 10)
    write_jsonl(Path("pairs.jsonl"), [{**row, "prompt": "Another question?"} for row in pairs(ITEMS)])
    before = (FOLDER / "judgements.jsonl").read_bytes()
    ended = mine()
    assert (ended.status, ended.err.count("\n"), (FOLDER / "judgements.jsonl").read_bytes()) == (2, 1, before)
    assert "belong to another run; move the folder away to start over" in ended.err


@pytest.mark.parametrize("size", [1, 150, 10**9])
def test_a_long_reply_in_the_cache_is_torn(size: int) -> None:
    """Replies of 40 kB have files of their own: the one that was cut is asked for again, and nothing else."""
    with ScriptedModels(lambda request: "Step by step. " * 3000 + by_quality(request)) as models:
        write_judges(models.url, mine={"params": {"max_tokens": 100_000}})
        write_jsonl(Path("pairs.jsonl"), pairs(4))
        first = mine().status
        files = sorted(Path("cache").rglob("*.val"))
        cut(files[0], size)
        shutil.rmtree("runs")
        again = mine()
        found = read_json(FOLDER / "metrics.json")["score"]
        assert (len(files), first, again.status, models.count, found) == (4, 0, 0, 5, 1.0), again.err


def test_a_torn_reply_is_counted_and_left_out_of_a_bundle(tmp_path: Path) -> None:
    """`cache info` counts it; `cache export` says that it is missing, exit 1, and the bundle can be imported."""
    with ScriptedModels(lambda request: "Step by step. " * 3000 + by_quality(request)) as models:
        write_judges(models.url)
        write_jsonl(Path("pairs.jsonl"), pairs(4))
        mine()
    cut(next(Path("cache").rglob("*.val")), 150)
    info = judgebench("cache", "info", "--cache-dir", "cache")
    export = judgebench("cache", "export", tmp_path / "all.gz", "--cache-dir", "cache")
    taken = judgebench("cache", "import", tmp_path / "all.gz", "--cache-dir", "other")
    assert ("3 replies" in info.out, "1 damaged entry" in info.out) == (True, True)
    assert (export.status, "1 entry is damaged" in export.err) == (1, True)
    assert (taken.status, "3 replies: 3 new" in taken.out) == (0, True)
