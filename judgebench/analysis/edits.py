"""Templates that were edited between runs: what changed in the text, and which verdicts changed with it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from judgebench.analysis.flips import run_flips
from judgebench.errors import ConfigError
from judgebench.runs import run_labels, run_templates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.runs import Finished
    from judgebench.templates import Template

Kind = Literal["added", "removed", "same", "place"]

_AROUND, _MOST_LINES, _MOST_JUDGES, _MOST_ITEMS = 2, 300, 8, 8
_KINDS: dict[str, Kind] = {"+": "added", "-": "removed", "@": "place"}


@dataclass(frozen=True, slots=True)
class Edit:
    """One text of a template against the one before it.

    Attributes:
        before: What tables call the earlier text.
        after: What they call the later one.
        lines: The changed lines with two around them: whether a line was added or removed, and its text.
        flips: What changed with it, a sentence a judge.
    """

    before: str
    after: str
    lines: tuple[tuple[Kind, str], ...]
    flips: tuple[str, ...]


def wording_edits(runs: Sequence[Finished]) -> list[Edit]:
    """The edits of templates between runs of one table, each text against the one before.

    Args:
        runs: All of the table; those without a template are left out.

    Raises:
        ConfigError: A run's templates or judgements cannot be read.
    """
    labels = run_labels([each.run for each in runs])
    named: dict[str, dict[str, list[int]]] = {}
    for at, each in enumerate(runs):
        manifest = each.run.manifest
        if not each.is_scores and each.made_of is None and manifest.rescored is None:
            texts = named.setdefault(str(manifest.template.name), {})
            texts.setdefault(str(manifest.template.hash), []).append(at)
    found = []
    for texts in named.values():
        versions = sorted(texts.values(), key=lambda among: min(_when(runs[at]) for at in among))
        for before, after in pairwise(versions):
            old, new = (run_templates(runs[among[0]]).wording for among in (before, after))
            flips = tuple(_flips([runs[at] for at in before], [runs[at] for at in after]))
            names = labels[before[0]].wording, labels[after[0]].wording
            found.append(Edit(*names, tuple(_diff(old, new)), flips))
    return found


def _when(run: Finished) -> tuple[str, str]:
    manifest = run.run.manifest
    return str(manifest.template.edited or manifest.started or ""), str(manifest.started or "")


def _diff(old: Template, new: Template) -> Iterator[tuple[Kind, str]]:
    """The lines of the template and of what it includes that changed."""
    files = {"": (old.source, new.source)}
    files |= {name: (old.files.get(name, ""), new.files.get(name, "")) for name in sorted({*old.files, *new.files})}
    lines: list[tuple[Kind, str]] = []
    for name, (before, after) in files.items():
        changed = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=_AROUND))[2:]
        if changed and name:
            lines.append(("place", name))
        lines += [(_KINDS.get(line[:1], "same"), line if line.startswith("@@") else line[1:]) for line in changed]
    yield from lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        yield "place", f"and {len(lines) - _MOST_LINES} more lines"


def _flips(before: Sequence[Finished], after: Sequence[Finished]) -> Iterator[str]:
    """Of each judge that was asked about the same items with both texts, how many verdicts changed."""
    pairs = [(old, new) for new in after for old in before if _asked_alike(old, new)]
    for old, new in pairs[:_MOST_JUDGES]:
        try:
            found = run_flips(old, new)
        except ConfigError as error:
            yield str(error)
            continue
        credits_ = [flip.credit for flip in found.flips if flip.credit is not None]
        up, down = sum(to > was for was, to in credits_), sum(to < was for was, to in credits_)
        said = f"{new.name.judge}: {len(found.flips)} of {found.of} items change their verdict"
        if credits_:
            said += f", {up} for the better and {down} for the worse"
        items = [flip.item for flip in found.flips[:_MOST_ITEMS]]
        more = "" if len(found.flips) <= _MOST_ITEMS else f" and {len(found.flips) - _MOST_ITEMS} more"
        yield f"{said} (items {', '.join(items)}{more})" if items else said
    if len(pairs) > _MOST_JUDGES:
        yield f"and {len(pairs) - _MOST_JUDGES} more judges"


def _asked_alike(old: Finished, new: Finished) -> bool:
    one, other = old.run.manifest, new.run.manifest
    return (one.judge.name, one.protocol.protocol, one.items.hash, one.altered) == (
        other.judge.name,
        other.protocol.protocol,
        other.items.hash,
        other.altered,
    )
