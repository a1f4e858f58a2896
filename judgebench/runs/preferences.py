"""What a judge says of unlabelled pairs, as rows of a preference dataset: `preferences.jsonl` in a run's folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from judgebench._util.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.items import Item, ItemKey, Reading, Turn

PREFERENCES = "preferences.jsonl"
"""The file's name."""


def is_open(key: ItemKey) -> bool:
    """Whether the item is a pair of which nobody has said which completion is better."""
    return key.k == 2 and not key.labelled


def preferred(readings: Sequence[Reading]) -> int | None:
    """The completion of a pair that every verdict names, or that is rated higher in every sample.

    None where there is a tie or a failure, or where verdicts disagree.
    """
    if any(reading.failed for reading in readings):
        return None
    found: set[int | None] = set()
    by_sample: dict[int, dict[int, float]] = {}
    for reading in readings:
        if reading.rating is None:
            found.add(reading.choice)
        else:
            by_sample.setdefault(reading.sample, {})[reading.order[0]] = reading.rating
    for ratings in by_sample.values():
        first, second = ratings.get(0), ratings.get(1)
        found.add(None if first is None or second is None or first == second else int(second > first))
    return found.pop() if len(found) == 1 else None


def preferences(items: Iterable[Item], readings: Mapping[str, Sequence[Reading]]) -> Iterator[dict[str, Any]]:
    """Rows with `prompt`, `chosen` and `rejected` for the unlabelled pairs on which all verdicts agree."""
    for item in items:
        chosen = preferred(readings.get(item.id, ())) if is_open(item.key) else None
        if chosen is not None:
            yield {
                "id": item.id,
                "subset": item.subset,
                "prompt": _said(item.conversation, "user"),
                "chosen": _said(item.completions[chosen].turns, "assistant"),
                "rejected": _said(item.completions[1 - chosen].turns, "assistant"),
            }


def _said(turns: Sequence[Turn], role: str) -> str | list[dict[str, str]]:
    """A single turn of the usual role as its text, others as a list."""
    if len(turns) == 1 and turns[0].role == role:
        return turns[0].text
    return [turn.message for turn in turns]


def write_preferences(
    folder: Path, items: Iterable[Item], keys: Iterable[ItemKey], readings: Mapping[str, Sequence[Reading]]
) -> int | None:
    """Writes the file where there are unlabelled pairs, whole or not at all.

    Args:
        folder: The run's.
        items: With their texts; only read where they are needed.
        keys: The same items without.
        readings: By the item's id.

    Returns:
        How many rows it has; None where there is no unlabelled pair and so no file.
    """
    if not any(map(is_open, keys)):
        return None
    count = 0

    def lines() -> Iterator[str]:
        nonlocal count
        for row in preferences(items, readings):
            count += 1
            yield json.dumps(row, ensure_ascii=False) + "\n"

    write_text(folder / PREFERENCES, lines())
    return count
