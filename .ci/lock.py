"""Writes constraints.txt: the version of each package that the ranges in pyproject.toml give today.

`python .ci/lock.py` asks the pip of a fresh environment of each Python that the package claims (some minutes). A
version that differs between them gets a marker; the newest Python's also counts for those that come after it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pythons import installed_pythons

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "constraints.txt"
HEAD = """\
# The exact versions that the README's commands install, for every extra, on Linux.
# Written by `python .ci/lock.py` from the ranges in pyproject.toml.
"""
_CLASSIFIER = "Programming Language :: Python :: "
_ITSELF = "judgebench"


def claimed_versions() -> list[tuple[int, int]]:
    """The Pythons of pyproject's classifiers, the oldest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = [text.removeprefix(_CLASSIFIER) for text in project["classifiers"] if text.startswith(_CLASSIFIER)]
    return sorted((int(major), int(minor)) for major, minor in (version.split(".") for version in found))


def extras() -> list[str]:
    """The names of pyproject's extras."""
    return sorted(
        tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    )


def resolved(python: Path) -> dict[str, str]:
    """The version of each package, by its name, that a fresh environment of this Python would get."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        subprocess.run([python, "-m", "venv", f"{folder}/venv"], check=True)
        subprocess.run(
            [
                f"{folder}/venv/bin/pip",
                "install",
                "-q",
                "--dry-run",
                "--report",
                report,
                f"{ROOT}[{','.join(extras())}]",
            ],
            check=True,
        )
        packages = [item["metadata"] for item in json.loads(report.read_text(encoding="utf-8"))["install"]]
    # A local version, such as PyTorch's +cpu, is of one index; the pin takes any build of the version.
    versions = {item["name"].lower().replace("_", "-"): item["version"].partition("+")[0] for item in packages}
    return {name: version for name, version in versions.items() if name != _ITSELF}


def constraint_lines(pins: dict[tuple[int, int], dict[str, str]]) -> list[str]:
    """A line for each package, or for each of its versions where the Pythons differ, by name."""
    lines = []
    for name in sorted({name for pin in pins.values() for name in pin}):
        versions = {python: pin[name] for python, pin in pins.items() if name in pin}
        if len(set(versions.values())) == 1:
            lines.append(f"{name}=={next(iter(versions.values()))}")
            continue
        for (major, minor), version in versions.items():
            sign = ">=" if (major, minor) == max(pins) else "=="
            lines.append(f'{name}=={version} ; python_version {sign} "{major}.{minor}"')
    return lines


def main() -> None:
    """Writes the file, or says which Python is missing."""
    pythons = installed_pythons()
    claimed = claimed_versions()
    if missing := [f"{major}.{minor}" for major, minor in claimed if (major, minor) not in pythons]:
        sys.exit(f"no Python {', '.join(missing)} here: put it on PATH (or have pyenv install it), and try again")
    with ThreadPoolExecutor(2) as pool:
        pins = dict(zip(claimed, pool.map(resolved, [pythons[version] for version in claimed]), strict=True))
    LOCK.write_text(HEAD + "\n".join(constraint_lines(pins)) + "\n", encoding="utf-8")
    print(f"wrote: {LOCK}")


if __name__ == "__main__":
    main()
