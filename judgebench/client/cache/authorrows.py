"""The hashes of the rows that imported bundles are of, so that a reader's other rows are said as such."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from judgebench._util.files import write_json, writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from judgebench.client.cache.header import Header

OTHER_ROWS = "your rows are not the author's"
"""How a note begins on rows that are not those of an imported bundle."""

_FOLDER = "bundles"
_NAMED = 3


def keep_author_rows(cache: Path, header: Header, digest: str) -> None:
    """Keeps the hashes of a bundle's rows beside the cache's replies.

    Args:
        cache: The cache's folder.
        header: The bundle's.
        digest: Its SHA-256.

    Raises:
        ConfigError: They cannot be written.
    """
    sets = {run.rows: run.benchmark for run in header.runs if run.rows in header.rows}
    said = [
        {"benchmark": benchmark, "prints": header.rows[rows].prints}
        for rows, benchmark in sorted(sets.items())
        if header.rows[rows].prints
    ]
    if said:
        folder = cache / _FOLDER
        with writing(folder, "choose another with --cache-dir"):
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / f"{digest[:16]}.json", said)


def other_rows_note(cache: Path, benchmark: str, prints: Mapping[str, str]) -> str | None:
    """How a run's rows differ from those of the bundle that has most of them; None where none differ or none is alike.

    Args:
        cache: The cache's folder.
        benchmark: The run's.
        prints: The hash of each of its items, by their ids.
    """
    best, most = None, 0
    for kept in _kept(cache, benchmark):
        same = sum(prints.get(item) == mark for item, mark in kept.items())
        if 2 * same >= min(len(kept), len(prints)) and same > most:
            best, most = kept, same
    if best is None:
        return None
    differ = [item for item, mark in prints.items() if item in best and best[item] != mark]
    lack, more = [item for item in best if item not in prints], [item for item in prints if item not in best]
    said = []
    if differ:
        said.append(f"{len(differ)} of {len(prints)} differ ({_named(differ)})")
    if lack and len(prints) >= len(best):
        said.append(f"{len(lack)} of the author's are missing ({_named(lack)})")
    if more:
        said.append(f"{len(more)} are not among the author's ({_named(more)})")
    return f"{OTHER_ROWS}: {'; '.join(said)}" if said else None


def _kept(cache: Path, benchmark: str) -> Iterator[Mapping[str, str]]:
    for path in sorted((cache / _FOLDER).glob("*.json")):
        try:
            every: Any = json.loads(path.read_text(encoding="utf-8"))
            yield from (each["prints"] for each in every if each["benchmark"] == benchmark)
        except (OSError, ValueError, KeyError, TypeError):
            continue


def _named(items: list[str]) -> str:
    return ", ".join([*map(repr, items[:_NAMED]), *(["..."] if len(items) > _NAMED else [])])
