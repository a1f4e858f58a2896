"""The scripts of docs/many-machines.md, run by bash with stand-ins for the machines."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs/many-machines.md").read_text(encoding="utf-8")
STAND_INS = {
    # Notes what it is asked, and leaves a part where the work is.
    "judgebench": 'echo "$*" >> "$HERE/calls"; case "$*" in *--shard*) mkdir -p parts/run;; esac',
    "ssh": 'cat; [ "$1" != -n ] || shift; mkdir -p "$HERE/$1/work"; cd "$HERE/$1"; shift; bash -c "$*"',
    # Makes the last folder of its target, and none above it.
    "rsync": '[ -d "$3" ] || mkdir "$3" && cp -r "$HERE/${2/://}." "$3"',
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """An empty folder, in which scripts are run, and beside it the stand-ins."""
    folder = tmp_path / "here"
    folder.mkdir()
    (tmp_path / "bin").mkdir()
    for name, text in STAND_INS.items():
        stand_in = tmp_path / "bin" / name
        stand_in.write_text(f"#!/bin/bash\n{text}\n")
        stand_in.chmod(0o755)
    return folder


def run(here: Path, script: str, **environment: str) -> list[str]:
    """The commands that a script gives to judgebench."""
    env = {"PATH": f"{here.parent / 'bin'}:{os.environ['PATH']}", "HERE": str(here), **environment}
    ended = subprocess.run(["bash", "-c", script], cwd=here, env=env, capture_output=True, check=False, timeout=20)
    assert (ended.returncode, ended.stderr) == (0, b"")
    return sorted((here / "calls").read_text().splitlines())


def script_with(word: str) -> str:
    (found,) = (block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if word in block)
    return found


def test_parts_on_machines_that_ssh_reaches(here: Path) -> None:
    """Each machine makes its part, in a fresh folder too, all are copied here, and a merge follows."""
    calls = run(here, script_with("ssh"))
    made = [f"run rewardbench-2 -j my-judge --shard {part}/3 --out parts --quiet" for part in (1, 2, 3)]
    assert calls == ["merge parts", *made]
    assert sorted(str(path.relative_to(here)) for path in here.glob("parts/*/*")) == [
        "parts/1/run",
        "parts/2/run",
        "parts/3/run",
    ]


def test_parts_as_the_tasks_of_a_job_array(here: Path) -> None:
    """Each task of the array makes the part of its number, also when some are submitted again."""
    script = script_with("#SBATCH")
    first, last = map(int, re.search(r"--array=(\d+)-(\d+)", script).groups())
    for task in (first, last):
        told = {"SLURM_ARRAY_TASK_ID": str(task), "SLURM_ARRAY_TASK_COUNT": "2", "USER": "ann", "TMPDIR": "/scratch"}
        calls = run(here, script, **told)
    assert [re.search(r"--shard (\S+).*--cache-dir (\S+)", call).groups() for call in calls] == [
        (f"{task}/{last}", "/scratch/judgebench-ann") for task in (first, last)
    ]
