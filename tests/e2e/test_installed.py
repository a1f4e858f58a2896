"""The wheel, outside the clone: the commands work, and find the files that ship with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from functools import cache
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from commands import REPOSITORY, Ended, lasting_folder, pairs, process, read_json, write_jsonl

_BUILD = "import sys, hatchling.build; hatchling.build.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What installing the wheel makes: its files in a folder of their own."""
    built = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-c", _BUILD, str(built)], cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = built.glob("judgebench-*.whl")
    place = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(place)
    return place


SHOWN = {
    "templates list": "four-way",
    "templates show pairwise": "mode: pairwise",
    "templates render rating-10": "--- user",
    "judges list": "gpt-4.1-mini",
    "judges show offline/longest": "offline/longest",
    "benchmarks list": "rewardbench-2",
    "benchmarks show rewardbench-2": "Ties",
}
RUN = "run rewardbench -j offline/first --data pairs.jsonl"
SCORE = "score scores.jsonl --benchmark rewardbench --data pairs.jsonl --json"
PAGE = "report runs/rewardbench/scores/scores --html page.html"
COMMANDS = ("run --json", RUN, SCORE, PAGE, *SHOWN)
_EACH = """
import contextlib, io, json, sys
import judgebench
from judgebench.__main__ import main
ended = {}
for command in json.loads(sys.argv[1]):
    out, err, sys.argv[1:], status = io.StringIO(), io.StringIO(), command.split(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
    ended[command] = [status, out.getvalue(), err.getvalue()]
print(json.dumps([judgebench.__file__, ended]))
"""


@cache
def ran(site: Path) -> tuple[Path, str, dict[str, Ended]]:
    """The folder of all commands of the wheel, its file, and how each command ended.

    That of the clone stands behind it in the path.
    """
    here = lasting_folder()
    write_jsonl(here / "pairs.jsonl", pairs(4))
    write_jsonl(here / "scores.jsonl", [{"id": n, "scores": [1, 0]} for n in range(4)])
    env = os.environ | {"PYTHONPATH": str(site)}
    ended = process(json.dumps(COMMANDS), python=("-c", _EACH), cwd=here, env=env)
    assert ended.status == 0, ended.err
    file, every = json.loads(ended.out)
    return here, file, {command: Ended(*each) for command, each in every.items()}


def test_it_is_the_wheel_that_runs(site: Path) -> None:
    """And not the clone."""
    _, file, _ = ran(site)
    assert Path(file) == site / "judgebench" / "__init__.py"


def test_the_console_script_is_named(site: Path) -> None:
    """`judgebench` is the command's own entry."""
    (info,) = site.glob("judgebench-*.dist-info")
    (script,) = Distribution.at(info).entry_points.select(group="console_scripts")
    assert (script.name, script.value) == ("judgebench", "judgebench.__main__:main")


def test_it_says_that_it_is_typed(site: Path) -> None:
    """py.typed is in it."""
    assert (site / "judgebench" / "py.typed").exists()


def test_it_runs_as_a_module(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m judgebench`."""
    monkeypatch.setenv("PYTHONPATH", str(site))
    ended = process("--version", python=("-m", "judgebench"))
    assert (ended.status, ended.out.startswith("judgebench ")) == (0, True)


def test_the_main_job_runs(site: Path) -> None:
    """The sample, the templates and the judges are found."""
    _, _, ended = ran(site)
    assert ended["run --json"].status == 0


def test_a_file_of_ones_own_runs(site: Path) -> None:
    """With everything written where the command was given."""
    here, _, _ = ran(site)
    assert read_json(here / "runs/rewardbench/offline--first/pairwise/one/manifest.json")["state"] == "done"


def test_a_page_is_written(site: Path) -> None:
    """Its frame, its styles and its scripts are in the wheel."""
    here, _, ended = ran(site)
    assert (ended[PAGE].status, ended[PAGE].err) == (0, "wrote: page.html\n")
    assert "judgebench:ready" in (here / "page.html").read_text(encoding="utf-8")


def test_scores_are_scored(site: Path) -> None:
    """`judgebench score`."""
    _, _, ended = ran(site)
    (metrics,) = ended[SCORE].metrics
    assert metrics["score"] == 1.0


@pytest.mark.parametrize("command", SHOWN)
def test_what_ships_is_shown(site: Path, command: str) -> None:
    """Exit 0, the words expected, and nothing on standard error."""
    _, _, every = ran(site)
    ended = every[command]
    assert (ended.status, SHOWN[command] in ended.out, ended.err) == (0, True, "")
