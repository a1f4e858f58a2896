"""The command line run in this process or in one of its own, and what to run it on."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
import yaml
from processes import Running

from judgebench.cli import main
from judgebench.cli.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults import Request

REPOSITORY = Path(__file__).parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
FRESH = ("-m", "judgebench")
"""What starts a Python of its own for a command."""
GOOD, BAD = "A good answer: number", "A bad answer: number"


@dataclass
class Ended:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """What `--json` printed."""
        assert self.out, self.err
        return json.loads(self.out)


def judgebench(*arguments: object) -> Ended:
    """Runs a command in this process.

    Raises:
        KeyboardInterrupt: A signal that ends the tests (Ctrl-C, `timeout`) came while the command handled signals: it
            has stopped early, and what a test would say of it is wrong.
    """
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["judgebench", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    if status == EXIT_INTERRUPTED:
        raise KeyboardInterrupt
    return Ended(status if isinstance(status, int) else 0, out.getvalue(), err.getvalue())


def process(*arguments: object, python: tuple[str, ...] = (), **settings: Any) -> Ended:
    """Runs a command in a process of its own, or with `python` or settings in a Python that starts afresh for it."""
    if not (python or settings):
        running = Running(*arguments)
        out, err = running.communicate()
        return Ended(running.wait(), out, err)
    ended = subprocess.run(
        [sys.executable, *(python or FRESH), *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        **settings,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def without_progress(err: str) -> list[str]:
    """The lines of standard error less those that a slow machine's run says every 10 seconds."""
    return [line for line in err.splitlines() if not line.startswith("progress: ")]


@contextlib.contextmanager
def apart(folder: Path, home: Path | None = None) -> Iterator[Path]:
    """A current folder, a home and a cache of one's own, and no key: for a fixture of a module what `isolated` is.

    Args:
        folder: The current one.
        home: Where the home is; below the folder unless given.
    """
    home = home or folder / "home"
    home.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.endswith(("_API_KEY", "_API_BASE", "_BASE_URL"))]:
            patch.delenv(name)
        for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(home / name.lower()))
        patch.setenv("HOME", str(home))
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        patch.setenv("JUDGEBENCH_CACHE_DIR", str(home / "cache"))
        patch.chdir(folder)
        yield folder


def take_over(folder: Path) -> None:
    """Copies what was made `apart` into the test's own folder, and its cache into the test's own."""
    shutil.copytree(folder, ".", dirs_exist_ok=True, ignore=lambda place, _: ["home"] if Path(place) == folder else [])
    shutil.copytree(folder / "home/cache", os.environ["JUDGEBENCH_CACHE_DIR"])


def files_below(folder: Path) -> list[str]:
    """Every file and folder below one."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def lasting_folder() -> Path:
    """A folder beside the current one, for what several tests read: it is there until the last test."""
    return Path(tempfile.mkdtemp(dir=Path.cwd().parent))


def caches() -> list[str]:
    """What the cache's folder holds."""
    return files_below(Path(os.environ["JUDGEBENCH_CACHE_DIR"]))


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def write_judges(url: str, folder: Path | None = None, **judges: dict[str, Any]) -> Path:
    """A providers.yaml of judges at a server, found where it is written; one named `mine` unless others are given."""
    provider = "scripted" if "/scripted/" in url else "openai"
    entries = {
        name: {"model": f"{provider}/loopback", "api_base": url, **settings}
        for name, settings in (judges or {"mine": {}}).items()
    }
    path = (folder or Path()) / "providers.yaml"
    path.write_text(yaml.safe_dump({"judges": entries}), encoding="utf-8")
    return path


def pairs(count: int, subsets: tuple[str, ...] = ("alpacaeval-easy", "donotanswer")) -> list[dict[str, Any]]:
    """RewardBench rows, the subsets in turn."""
    return [
        {
            "id": number,
            "prompt": f"Question {number}?",
            "chosen": f"{GOOD} {number}.",
            "rejected": f"{BAD} {number}.",
            "subset": subsets[number % len(subsets)],
        }
        for number in range(count)
    ]


def best_of_four(count: int, subset: str = "Factuality") -> list[dict[str, Any]]:
    """RewardBench 2 rows of one domain."""
    return [
        {
            "id": f"{subset}-{number}",
            "prompt": f"Question {number}?",
            "chosen": [f"{GOOD} {number}."],
            "rejected": [f"{BAD} {number}, {letter}." for letter in "xyz"],
            "subset": subset,
        }
        for number in range(count)
    ]


def ties(number: int) -> list[dict[str, Any]]:
    """A pair of Ties rows: one with a single right answer, one with three."""
    return [
        {
            "id": f"{kind}:{number}",
            "prompt": f"Name {kind} {number}.",
            "chosen": [f"{GOOD} {number}{letter}." for letter in letters],
            "rejected": [f"{BAD} {number}{letter}." for letter in "xyz"],
            "subset": "Ties",
        }
        for kind, letters in (("ref", "a"), ("tied", "abc"))
    ]


def by_quality(request: Request) -> str:
    """The reply of a judge that is always right, whatever it is asked: a letter, or a rating."""
    shown = re.findall(r"<answer_([A-Z])>\n(\w+ \w+)", request.text)
    if not shown:
        return "[[9]]" if GOOD in request.text else "[[2]]"
    return next(f"The best is clear. [[{letter}]]" for letter, words in shown if words in GOOD)
