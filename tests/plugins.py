"""Packages with entry points, laid down as an installer would."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "plugins"
"""The package of the docs with a source of rows and a scorer."""


def lay_package(site: Path, module: str, code: str, points: Mapping[str, Mapping[str, str]]) -> None:
    """Writes a module into a folder of packages, with its entry points by group and name."""
    lay_points(site, module, points)
    (site / f"{module}.py").write_text(code, encoding="utf-8")


def lay_points(site: Path, module: str, points: Mapping[str, Mapping[str, str]]) -> None:
    """Writes what says that a module is installed, and its entry points."""
    info = site / f"{module}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in names.items())
        for group, names in points.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups), encoding="utf-8")


def lay_example(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lays down the modules of the docs' example under the entry points of its pyproject.toml."""
    points = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    for path in EXAMPLE.glob("*.py"):
        own = {
            group: {name: value for name, value in names.items() if value.startswith(f"{path.stem}:")}
            for group, names in points.items()
        }
        lay_package(site, path.stem, path.read_text(encoding="utf-8"), own)
        monkeypatch.delitem(sys.modules, path.stem, raising=False)
    monkeypatch.syspath_prepend(str(site))
