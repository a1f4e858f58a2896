"""Whether the probabilities with which items were drawn to be labelled account for all items."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def left_out(drawn: Sequence[float], items: int, errors: float = 1.5) -> float:
    """The number of items that no labelled one stands for, as a share of those that one does.

    A labelled item stands for one over its probability. Where these add up to fewer items than there are, a kind that
    was hardly drawn may have no label (Horvitz and Thompson 1952, doi:10.1080/01621459.1952.10483446).

    Args:
        drawn: The probability of each labelled item, above 0; all of 1 say nothing.
        items: How many items there are, with a label or without.
        errors: So many standard errors of the sum are taken for chance.

    Returns:
        0 where the difference may be chance.

    Example:
        >>> left_out([0.1] * 10, 400), left_out([0.1] * 10, 110)
        (3.0, 0.0)
    """
    if not drawn or len(drawn) >= items or min(drawn) == 1:
        return 0.0
    stood = math.fsum(1 / each for each in drawn)
    error = math.sqrt(math.fsum((1 - each) / each**2 for each in drawn))
    return (items - stood) / stood if items - stood > errors * error else 0.0
