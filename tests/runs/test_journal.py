"""A run's judgements in parts: every line is read once, wherever a process died, and whoever reads them."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import sys
from contextlib import chdir
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from commands import judgebench, lasting_folder, pairs, read_json, read_jsonl, write_jsonl

from judgebench.errors import DataError
from judgebench.runs.folder import in_place_of
from judgebench.runs.journal import REPLACED, as_one_file, count_judgements, digest_of, lines_of, set_apart, write_lines
from judgebench.runs.judgements import read_judgements

if TYPE_CHECKING:
    from collections.abc import Callable

PART_BYTES = "judgebench.runs.journal.PART_BYTES"
FOLDER = Path("rewardbench/offline--longest/pairwise/both")
LINES = [b"%d\n" % number for number in range(7)]


def lines(folder: Path) -> list[bytes]:
    return [line for line, _ in lines_of(folder)]


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Seven lines, three a part: two compressed ones and the file that would grow."""
    monkeypatch.setattr(PART_BYTES, 6)
    write_lines(tmp_path, LINES)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_many_lines_are_written_in_parts(parts: Path) -> None:
    """Each of the size, compressed; one that stays below it is the one file that it was."""
    assert names(parts) == ["judgements-0001.jsonl.gz", "judgements-0002.jsonl.gz", "judgements.jsonl"]
    assert gzip.decompress((parts / "judgements-0002.jsonl.gz").read_bytes()) == b"3\n4\n5\n"
    assert (lines(parts), count_judgements(parts)) == (LINES, 7)


def test_parts_are_one_file_to_whoever_needs_one(parts: Path, tmp_path: Path) -> None:
    """With the bytes, and the digest, of the run that was never taken apart."""
    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "judgements.jsonl").write_bytes(b"".join(LINES))
    with as_one_file(parts) as file:
        assert file.read() == b"".join(LINES)
    assert digest_of(parts) == digest_of(whole)


def _uncompressed(folder: Path) -> None:
    """The process died before the second part was compressed."""
    part = folder / "judgements-0002.jsonl.gz"
    (folder / "judgements-0002.jsonl").write_bytes(gzip.decompress(part.read_bytes()))
    part.unlink()


def _both(folder: Path) -> None:
    """After it was, and before the other went."""
    (folder / "judgements-0002.jsonl").write_bytes(b"3\n4\n5\n")


def _half(folder: Path) -> None:
    """While it was: what came of that is under a name of its own."""
    _uncompressed(folder)
    (folder / ".judgements-0002.jsonl.gz.1.abcd.part").write_bytes(b"\x1f\x8b")


def _torn(folder: Path) -> None:
    """In the middle of a line."""
    with (folder / "judgements.jsonl").open("ab") as file:
        file.write(b'{"item')


@pytest.mark.parametrize("died", [_uncompressed, _both, _half, _torn])
def test_each_line_is_read_once_wherever_a_process_died(parts: Path, died: Callable[[Path], None]) -> None:
    """In its order."""
    died(parts)
    assert lines(parts) == LINES


def test_without_the_last_file_the_parts_are_all_there_is(parts: Path) -> None:
    """The process died after it had taken its name as a part, and before the next was begun."""
    (parts / "judgements.jsonl").unlink()
    assert lines(parts) == LINES[:6]


def test_a_file_that_becomes_a_part_while_it_is_read_is_read_once(parts: Path) -> None:
    """As by a report of a run that is going on."""
    reading = lines_of(parts)
    first = next(reading)
    (parts / "judgements.jsonl").rename(parts / "judgements-0003.jsonl")
    (parts / "judgements.jsonl").write_bytes(b"7\n")
    assert [first[0], *(line for line, _ in reading)] == LINES


def test_a_part_that_is_broken_is_named(parts: Path) -> None:
    """One line that says which, and what to do."""
    part = parts / "judgements-0001.jsonl.gz"
    part.write_bytes(part.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"judgements-0001\.jsonl\.gz: cannot be decompressed .*; copy the run again"):
        lines(parts)


@pytest.mark.parametrize("count", range(8))
def test_lines_that_a_refresh_has_replaced_are_set_apart(parts: Path, count: int) -> None:
    """The first ones, in however many parts they stand; the rest stays, and nothing is in both."""
    with set_apart(parts, count):
        assert lines(parts) == LINES
    assert (parts / REPLACED).read_bytes() == b"".join(LINES[:count])
    assert lines(parts) == LINES[count:]


# --- by the commands


def judged(out: str, *more: object) -> Any:
    where = ("--data", "pairs.jsonl", "--out", out, "--cache-dir", f"{out}-cache", "--orders", "both")
    return judgebench("run", "rewardbench", "-j", "offline/longest", *where, *more)


@cache
def _made() -> Path:
    folder = lasting_folder()
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        write_jsonl(Path("pairs.jsonl"), pairs(6))
        judged("one")
        patch.setattr(PART_BYTES, 2000)
        judged("several")
    return folder


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same run in one file and in parts."""
    shutil.copytree(_made(), ".", dirs_exist_ok=True)
    monkeypatch.setattr(PART_BYTES, 2000)


READERS: dict[str, Callable[[str], tuple[object, ...]]] = {
    "run again": lambda out: (
        *("run", "rewardbench", "-j", "offline/longest", "--data", "pairs.jsonl", "--out", out),
        *("--cache-dir", "no-cache", "--offline", "--orders", "both"),
    ),
    "report": lambda out: ("report", Path(out) / FOLDER),
    "show": lambda out: ("show", Path(out) / FOLDER, "0"),
    "rescore": lambda out: ("rescore", Path(out) / FOLDER, "--dry-run", "--json"),
    "export": lambda out: ("export", Path(out) / FOLDER, "--to", "rewardbench", "--out", f"{out}-exported"),
    "a bundle": lambda out: ("cache", "export", f"{out}.bundle", Path(out) / FOLDER, "--cache-dir", "no-cache"),
    "a copy": lambda out: ("report", shutil.copytree(Path(out) / FOLDER, Path(f"{out}-copy") / FOLDER)),
}


@pytest.mark.parametrize("reader", READERS)
def test_every_command_reads_parts_as_one_file(runs: None, reader: str) -> None:
    """What it prints is the same, but for the folder's name."""
    assert len([*(Path("several") / FOLDER).glob("judgements-*.jsonl.gz")]) >= 2
    one, several = (judgebench(*READERS[reader](out)) for out in ("one", "several"))
    assert (one.status, one.err) == (0, one.err), one.err
    assert [several.status, several.out.replace("several", "one"), several.err.replace("several", "one")] == [
        *(0, one.out, one.err)
    ]


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("step", [1, 3, 4, 6, 8, 10, 12])
def test_a_run_that_is_killed_at_any_step_goes_on(runs: None, step: int) -> None:
    """SIGKILL at each of the system's steps that make a part: no line is lost or there twice."""
    if not (child := os.fork()):
        signal.alarm(60)
        seen = 0

        def at_the_step(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal seen
            if event in {"os.rename", "os.remove", "open"} and "judgements" in str(arguments[0]):
                seen += event != "open" or arguments[1] != "r"
                if seen == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(at_the_step)
        judged("killed")
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    there = [(each.item, each.order) for each in read_judgements(Path("killed") / FOLDER)]
    assert len(there) == len(set(there))
    assert judged("killed").status == 0
    found = [(each.item, each.order, each.verdict) for each in read_judgements(Path("killed") / FOLDER)]
    expected = [(each.item, each.order, each.verdict) for each in read_judgements(Path("one") / FOLDER)]
    assert found[: len(there)] == expected[: len(there)]
    assert sorted(found) == sorted(expected)
    assert not [*(Path("killed") / FOLDER).glob("judgements-*.jsonl")]


def test_a_refresh_of_a_run_in_parts_replaces_all(runs: None) -> None:
    """The old lines are kept aside, and the run has as many as before."""
    assert judged("several", "--refresh").status == 0
    folder = Path("several") / FOLDER
    assert len(read_jsonl(folder / REPLACED)) == sum(1 for _ in read_judgements(folder)) == 12
    assert read_json(folder / "metrics.json")["judgements"] == 12


def test_a_run_written_over_one_in_parts_has_none_of_its_lines(runs: None) -> None:
    """A run that is made anew as a whole takes the parts of the earlier one with it, and leaves what else is there."""
    folder = Path("several") / FOLDER
    (folder / "notes.txt").write_text("mine")
    identity = read_json(folder / "manifest.json")["identity"]
    with in_place_of(folder, identity, "") as part:
        shutil.copy(folder / "manifest.json", part)
        write_lines(part, LINES)
    assert (lines(folder), (folder / "notes.txt").read_text()) == (LINES, "mine")
