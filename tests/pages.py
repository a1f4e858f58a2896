"""Pages of the documentation: their commands, run as they stand, and the output that they show."""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from typing import TYPE_CHECKING

import processes
from commands import REPOSITORY, without_progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

DOCS = REPOSITORY / "docs"
SERVER = "http://127.0.0.1:8000/v1"
"""Where the pages have a server of the reader's own."""
_BLOCK = re.compile(r"^```sh\n(?P<commands>.*?)^```\n(?:\n```text\n(?P<shown>.*?)^```\n)?", re.DOTALL | re.MULTILINE)
_CLONE = (
    "judgebench",
    "prompt_templates",
    "docs/examples",
    "providers.yaml",
    "pyproject.toml",
    "constraints.txt",
    "README.md",
    "LICENSE",
)


@dataclass(frozen=True)
class Step:
    """A block of commands, and what the page shows as their output (`...` stands for anything)."""

    commands: str
    shown: str | None


@dataclass(frozen=True)
class Done:
    """What a step's commands printed, on both streams, and the exit status of the last that failed."""

    step: Step
    printed: str
    status: int

    @property
    def trouble(self) -> str:
        """Why a reader would stop here: a command that fails, or output other than the page's; empty for neither."""
        if self.status:
            return f"exit status {self.status}: {self.step.commands}{self.printed}"
        checker, flags = doctest.OutputChecker(), doctest.ELLIPSIS
        want, got = f"{(self.step.shown or '...').strip()}\n", f"{self.printed.strip()}\n"
        if checker.check_output(want, got, flags):
            return ""
        return self.step.commands + checker.output_difference(doctest.Example("", want), got, flags)


def sections(page: Path) -> dict[str, str]:
    """What stands below each heading of the second level."""
    parts = page.read_text(encoding="utf-8").split("\n## ")[1:]
    return {part.partition("\n")[0]: part for part in parts}


def steps(text: str) -> list[Step]:
    """The blocks of `sh` of a page or a part of one, in order, each with the block of `text` that follows at once."""
    return [Step(found["commands"], found["shown"]) for found in _BLOCK.finditer(text)]


def clone(folder: Path) -> Path:
    """What a clone of the repository holds, as far as installing it needs."""
    skip = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    for name in _CLONE:
        source, target = REPOSITORY / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=skip)
        else:
            shutil.copy2(source, target)
    return folder


_PYTHON = """#!/bin/sh
[ "$1 $2" = "-m venv" ] || exec "PYTHON" "$@"
"PYTHON" -m venv --without-pip "$3" || exit
cat > "$3/bin/pip" <<END
#!$PWD/$3/bin/python
from pip._internal.cli.main import main
raise SystemExit(main())
END
chmod +x "$3/bin/pip"
"""


def installable(folder: Path) -> dict[str, str]:
    """Variables under which a fresh environment has what this one has, so that `pip install .` needs no network.

    Its pip is this one's too: to set up another takes Python seconds.
    """
    python = folder / "python3"
    python.write_text(_PYTHON.replace("PYTHON", sys.executable), encoding="utf-8")
    python.chmod(0o755)
    return {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": sysconfig.get_path("purelib"),
        **dict.fromkeys(
            ("PIP_NO_INDEX", "PIP_NO_DEPS", "PIP_IGNORE_INSTALLED", "PIP_DISABLE_PIP_VERSION_CHECK", "PIP_NO_COMPILE"),
            "1",
        ),
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's word for "without isolation"
    }


def installed(folder: Path) -> dict[str, str]:
    """Variables under which `judgebench` and `python3` are those of an environment with the clone.

    `judgebench` is forked from a process that has imported the libraries.
    """
    for name, arguments in (("judgebench", f' -IS "{processes.__file__}" ask {processes.way()}'), ("python3", "")):
        command = folder / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}"{arguments} "$@"\n', encoding="utf-8")
        command.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}


def run(blocks: Sequence[Step], folder: Path, variables: Mapping[str, str], server: str) -> list[Done]:
    """Runs the blocks one after the other in one shell, as a reader would; it goes on after a block that fails.

    OpenAI, and the server of the reader's own, stand at the address `server`.
    """
    script = "".join(f"failed=0\n{_sent(step, server)}\nprintf '\\0%s\\0' $failed\n" for step in blocks)
    ended = subprocess.run(
        ["bash", "-c", f"exec 2>&1\ntrap 'failed=$?' ERR\n{script.replace(SERVER, server)}"],
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", **variables},
        capture_output=True,
        timeout=560,
        check=True,
        pass_fds=[processes.way()],
    )
    parts = ended.stdout.decode().replace(server, SERVER).split("\0")
    lines = [[line for line in without_progress(part) if not line.endswith(_SAID)] for part in parts[::2]]
    printed = ["".join(f"{line}\n" for line in part) for part in lines]
    return [Done(step, printed[n], int(parts[2 * n + 1])) for n, step in enumerate(blocks)]


_VARIABLE = "OPENAI_API_BASE"
_SAID = f", from {_VARIABLE}"


def _sent(step: Step, server: str) -> str:
    """The step's commands; what asks OpenAI asks the server instead, and what shows a judge shows it as it is."""
    before = f"unset {_VARIABLE}" if "judges show" in step.commands else f"export {_VARIABLE}={server}"
    return f"{before}\n{step.commands}"
