"""Finds the Pythons of this machine: those on PATH, and those that pyenv keeps beside it.

`python .ci/pythons.py` prints the newest, for `.ci/run`; `.ci/lock.py` takes one of each version that the package
claims.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

_ASKED = "import sys; print(*sys.version_info[:2], sys.version_info.releaselevel)"


def _candidates() -> list[Path]:
    """Every `python3.N` that may be one: a name on PATH can be a shim of pyenv's that fails."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [Path(folder) for folder in os.get_exec_path()] + sorted(pyenv.glob("versions/*/bin"))
    return [
        path
        for folder in folders
        for path in sorted(folder.glob("python3.*"))
        if re.fullmatch(r"3\.\d+", path.name[6:])
    ]


def _version(path: Path) -> tuple[int, int] | None:
    """Its version, asked of itself; None of one that doesn't run, that has no `venv`, or that isn't released yet."""
    try:
        answer = subprocess.run(
            [path, "-c", f"import ensurepip, venv; {_ASKED}"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    major, minor, level = answer.stdout.split()
    return (int(major), int(minor)) if level == "final" else None


def installed_pythons() -> dict[tuple[int, int], Path]:
    """One Python of each version that is there, the first found, the oldest version first."""
    pythons: dict[tuple[int, int], Path] = {}
    for path in _candidates():
        if (version := _version(path)) is not None:
            pythons.setdefault(version, path)
    return dict(sorted(pythons.items()))


if __name__ == "__main__":
    print(list(installed_pythons().values())[-1])
