"""What takes another's place is there whole or not at all, whatever happens meanwhile, and no link is followed."""

from __future__ import annotations

import errno
import os
import resource
import signal
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from making import outcome
from processes import Running

from judgebench._util.files import open_in_place, open_to_append, whole_file, whole_folder, write_json, writing
from judgebench.benchmarks import get_benchmark
from judgebench.errors import ConfigError
from judgebench.metrics.summary import Metrics, Usage
from judgebench.protocols import Protocol
from judgebench.reports.files import write_report
from judgebench.runs.folder import RunWriter, in_place_of
from judgebench.runs.manifest import Manifest, Name, read_manifest
from judgebench.runs.scoring import Beside, score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def test_what_is_cut_off_leaves_the_earlier_file(tmp_path: Path) -> None:
    """And nothing beside it."""
    path = tmp_path / "report.md"
    path.write_text("earlier")

    def cut_off() -> None:
        with whole_file(path) as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_off()
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("report.md", "earlier")]


def test_a_pipe_stays_one(tmp_path: Path) -> None:
    """Its reader gets the text."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_report(pipe, "whole")
    reader.join(10)
    assert (read, pipe.is_fifo()) == (["whole"], True)


def test_a_link_stays_one(tmp_path: Path) -> None:
    """What it leads to is written anew."""
    link, target = tmp_path / "link.md", tmp_path / "target.md"
    target.write_text("earlier")
    link.symlink_to(target)
    write_report(link, "new")
    assert (link.is_symlink(), target.read_text()) == (True, "new")


@pytest.mark.parametrize("place", ["file/report.md", "missing/report.md", "folder"])
def test_what_cannot_be_written_is_one_line(tmp_path: Path, place: str) -> None:
    """Below a file, in a folder that is not there, and a folder itself."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match="name "):
        write_report(tmp_path / place, "text")


# --- the moment of writing


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def metrics(note: str) -> Metrics:
    custom, ends = get_benchmark("custom"), [outcome("s", 1.0)]
    return score(custom, Name("mine", None, "scores"), Protocol(), ends, {}, Usage(), Beside(notes=[note]))


def finish(folder: Path, *, outcomes: int = 1, note: str = "", manifest: str = "") -> None:
    """Ends a run with so many outcomes, and with texts of such lengths in its figures and its manifest."""
    ends = [outcome("s", 1.0, str(number)) for number in range(outcomes)]
    RunWriter(folder).finish(Manifest.model_validate({"note": manifest}), ends, metrics(note))


def held(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(errors="replace") for path in folder.iterdir()}


TESTS = Path(__file__).parent.parent
LARGE = "x" * 50_000
TOO_LARGE = [
    ("outcomes.jsonl", {"outcomes": 1000}),
    ("metrics.json", {"note": LARGE}),
    ("manifest.json", {"manifest": LARGE}),
]


@pytest.mark.parametrize(("name", "large"), TOO_LARGE)
def test_a_runs_end_that_finds_no_space_leaves_each_file_whole(tmp_path: Path, name: str, large: dict) -> None:
    """The file for which there is no room is the earlier one, and nothing of the new one is left."""
    finish(tmp_path)
    before = held(tmp_path)
    with small_files(20_000), pytest.raises(ConfigError, match=r"cannot be written \(File too large\)"):
        finish(tmp_path, **large)
    assert held(tmp_path).keys() == before.keys()
    assert held(tmp_path)[name] == before[name]


KILLED = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from _util.test_files import TOO_LARGE, finish
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
finish(Path(sys.argv[1]), **dict(TOO_LARGE)[sys.argv[2]])
"""


@pytest.mark.parametrize("name", [name for name, _ in TOO_LARGE])
def test_a_process_that_dies_at_a_runs_end_leaves_each_file_whole(tmp_path: Path, name: str) -> None:
    """The system ends it in the midst of writing that file, which is then the earlier one."""
    finish(tmp_path)
    before = held(tmp_path)
    with Running(tmp_path, name, TESTS, code=KILLED) as running:
        assert running.wait() == -signal.SIGXFSZ
    after = held(tmp_path)
    assert (after[name], sum(each.endswith(".part") for each in after)) == (before[name], 1)


def test_a_link_in_a_files_place_is_replaced(tmp_path: Path) -> None:
    """What it led to is as it was."""
    (tmp_path / "target").write_text("earlier")
    (tmp_path / "link.json").symlink_to(tmp_path / "target")
    write_json(tmp_path / "link.json", {})
    assert ((tmp_path / "link.json").is_symlink(), (tmp_path / "target").read_text()) == (False, "earlier")


@pytest.mark.parametrize("act", [open_to_append, open_in_place])
def test_a_link_is_not_opened(tmp_path: Path, act: Callable[[Path], object]) -> None:
    """Neither to add lines to what it leads to nor to change it."""
    (tmp_path / "target").write_text("earlier")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic links"):
        act(tmp_path / "link")
    assert (tmp_path / "target").read_text() == "earlier"


def test_names_as_long_as_they_may_be(tmp_path: Path) -> None:
    """The temporary name is no longer than the system takes."""
    path = tmp_path / ("x" * 250 + ".json")
    write_json(path, {})
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    """Each has a temporary file of its own; who ends last is read."""
    path = tmp_path / "file"
    with whole_file(path) as first, whole_file(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert (path.read_text(), [each.name for each in tmp_path.iterdir()]) == ("first", ["file"])


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    """Cut off, the earlier one is as it was; else it is gone but for what was never ours."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "ours").write_text("earlier")
    (folder / "notes").write_text("a note")

    def fill(text: str, *, fails: bool) -> None:
        with whole_folder(folder, {"ours", "gone"}.__contains__) as part:
            (part / "new").write_text(text)
            if fails:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill("half", fails=True)
    assert held(folder) == {"ours": "earlier", "notes": "a note"}
    fill("whole", fails=False)
    assert held(folder) == {"new": "whole", "notes": "a note"}
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_a_run_that_was_quicker_is_not_replaced(tmp_path: Path) -> None:
    """It has appeared in the folder since this one looked, and is another: one line, and it stays."""
    folder = tmp_path / "scores"

    def write(identity: dict[str, str], *meanwhile: dict[str, str]) -> None:
        with in_place_of(folder, identity, "choose another") as part:
            write_json(part / "manifest.json", {"identity": identity})
            for each in meanwhile:
                write(each)

    with pytest.raises(ConfigError, match="another run has just written it"):
        write({"file": "mine"}, {"file": "another"})
    assert [each.name for each in tmp_path.iterdir()] == ["scores"]
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.identity == {"file": "another"}


def test_what_a_dead_process_left_is_cleared(tmp_path: Path) -> None:
    """When the run goes on, which nobody else then writes."""
    (tmp_path / "custom/mine/own/one").mkdir(parents=True)
    (tmp_path / "custom/mine/own/one/.metrics.json.7.part").write_text("{")
    folder = RunWriter(tmp_path / "custom/mine/own/one")
    folder.begin(Manifest.model_validate({"state": "running", "items": {"hash": "x"}}), {}, [])
    folder.close()
    assert sorted(held(folder.path)) == ["items.jsonl.gz", "judgements.jsonl", "manifest.json"]


def test_a_full_disk_is_said_as_such(tmp_path: Path) -> None:
    """With what mends it, whatever is written."""
    with pytest.raises(ConfigError, match="the disk is full; free some space"), writing(tmp_path, "never said"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
