"""constraints.txt: what the README's commands install is pinned, within the ranges that the package promises."""

from __future__ import annotations

import re
import tomllib

import pytest
from commands import REPOSITORY
from packaging.requirements import Requirement

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
PINS = [
    Requirement(line)
    for line in (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
RANGES = [
    Requirement(text)
    for texts in (PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values())
    for text in [*texts, *PROJECT["build-system"]["requires"]]
]


def plain(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_each_package_has_one_version_in_its_range(python: str) -> None:
    """For every Python that is claimed and the next, whatever the extra, and for what builds the package."""
    pins: dict[str, list[str]] = {}
    for pin in PINS:
        if pin.marker is None or pin.marker.evaluate({"python_version": python}):
            (exact,) = pin.specifier
            assert exact.operator == "=="
            pins.setdefault(plain(pin.name), []).append(exact.version)
    assert [name for name, versions in pins.items() if len(versions) > 1] == []
    outside = [str(each) for each in RANGES if not list(each.specifier.filter(pins.get(plain(each.name), [])))]
    assert outside == []


def test_the_lock_names_no_place_to_fetch_from() -> None:
    """Versions alone: whoever installs has an index of their own."""
    assert [pin.name for pin in PINS if pin.url] == []
    assert "//" not in (REPOSITORY / "constraints.txt").read_text(encoding="utf-8")


def test_the_readmes_commands_install_from_it() -> None:
    """Both."""
    lines = re.findall(r"^python3 -m venv .*$", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [line.count(" -c constraints.txt ") for line in lines] == [1, 1]
