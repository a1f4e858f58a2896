"""What was edited in a template between two runs of it, as a diff of the files that the runs' folders keep."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from judgebench.templates import TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.pages.chapters import Line

_CONTEXT = 2


@dataclass(frozen=True)
class Edit:
    """A template in two versions.

    Attributes:
        title: Which runs have which.
        lines: Of the diff, each with its kind: `same`, `added` or `removed`; a gap is `gap`.
    """

    title: str
    lines: Sequence[tuple[str, str]]


def edits_of(lines: Sequence[Line]) -> list[Edit]:
    """Each template that the runs have in more than one version: the oldest of them against each later one."""
    versions: dict[str, dict[str, Line]] = {}
    for line in sorted(lines, key=lambda line: str(line.detail.finished.run.manifest.started)):
        template = line.detail.finished.run.manifest.template
        if template.name is not None and template.hash is not None:
            versions.setdefault(template.name, {}).setdefault(template.hash, line)
    found = []
    for name, among in versions.items():
        first, *later = among.values()
        diffs = ((line, list(_diff(_text(first), _text(line)))) for line in later)
        found += [Edit(f"{name}: {first.title} → {line.title}", shown) for line, shown in diffs if shown]
    return found


def _text(line: Line) -> list[str]:
    try:
        return (line.detail.finished.path / TEMPLATE).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []  # runs of earlier versions did not keep it


def _diff(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[str, str]]:
    if not before or not after:
        return
    for line in list(difflib.unified_diff(before, after, lineterm="", n=_CONTEXT))[2:]:
        kind = {"+": "added", "-": "removed", "@": "gap"}.get(line[:1], "same")
        yield kind, "⋯" if kind == "gap" else line
