"""What a part of a run says of the whole, `shard.json`: which of its items are here, and the plan of all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from judgebench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SHARD = "shard.json"
"""The file's name."""


@dataclass(frozen=True)
class ShardFile:
    """What `shard.json` holds.

    Attributes:
        parts: Which parts the folder has (`3/8`); several where a merge lacked the others.
        places: Where each of its items stands among those of the whole run, from 0 on, in the order of the items.
        notes: What is said of the rows as a whole.
        plan: The manifest's parts of the whole run that are known before it.
    """

    parts: tuple[str, ...]
    places: Sequence[int]
    notes: Sequence[str]
    plan: Mapping[str, Any]


def shard_text(shard: ShardFile) -> str:
    """The file's text."""
    said = {"parts": shard.parts, "notes": shard.notes, "plan": shard.plan, "places": shard.places}
    return json.dumps(said) + "\n"


def read_shard(folder: Path) -> ShardFile:
    """What a part's folder says of the whole.

    Raises:
        DataError: It does not, or the file is damaged.
    """
    path = folder / SHARD
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        places = [*map(int, said["places"])]
        return ShardFile(tuple(map(str, said["parts"])), places, [*map(str, said["notes"])], dict(said["plan"]))
    except FileNotFoundError:
        raise DataError(f"{path}: file not found; copy the whole folder of the part again") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: cannot be read ({error!r}); copy the folder of the part again") from None
