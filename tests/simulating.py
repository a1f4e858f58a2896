"""How many runs a simulation has: a tenth of them in the suite, all where it is asked for by `-m simulation`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

whole = False
"""Set before tests are collected."""
_PART = 10


def runs(number: int) -> int:
    """Of a simulation that has so many when it is whole."""
    return number if whole else number // _PART


def holds(held: Sequence[object] | float, of: int = 0) -> bool:
    """Whether 95 of 100 intervals hold the truth, up to 2.9 standard errors: 2 of 100 where there are a thousand.

    Args:
        held: Whether each does, or the share of them that do.
        of: How many there are, where `held` is their share.
    """
    share, number = (held, of) if isinstance(held, float) else (sum(map(bool, held)) / len(held), len(held))
    return abs(share - 0.95) <= 0.02 * math.sqrt(1_000 / number)
