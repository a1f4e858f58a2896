"""Which items are held out: drawn from the seed and the items' groups alone, before anything is asked."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from judgebench.items import ItemKey


def held_out(keys: Iterable[ItemKey], share: float, seed: int) -> frozenset[str]:
    """The ids of the items that are held out, about such a share of them.

    Items that belong together are on one side. A group's side depends on the seed, the share and its name alone: rows
    that come later move no other row to the other side, and a greater share keeps all that a smaller one holds out.

    Args:
        keys: The items.
        share: Above 0 and below 1.
        seed: From 0 on.
    """
    sides: dict[str, bool] = {}
    found = set()
    for key in keys:
        if key.unit not in sides:
            digest = hashlib.sha256(f"{seed}\0held-out\0{key.unit}".encode("utf-8", "surrogatepass")).digest()
            sides[key.unit] = (int.from_bytes(digest[:8], "big") + 0.5) / 2**64 < share
        if sides[key.unit]:
            found.add(key.id)
    return frozenset(found)
