"""Best of N: how often the completion that a reward model likes best of N random ones is right."""

from __future__ import annotations

from math import comb
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def best_of(scores: Sequence[float], right: Sequence[bool], n: int) -> float:
    """The chance that the best-scored of `n` completions, drawn from an item's without replacement, is right.

    Exact: of the completions by score, one is the best of the draw if it is in it and none above it is. Equal scores
    share the choice.

    Args:
        scores: One a completion.
        right: Whether each is right.
        n: From 1 to their number.

    Example:
        >>> best_of([3, 2, 1], [False, True, False], 2)
        0.3333333333333333
    """
    k = len(scores)
    total, above, chance = comb(k, n), 0, 0.0
    for score in sorted({*scores}, reverse=True):
        group = [correct for each, correct in zip(scores, right, strict=True) if each == score]
        drawn = comb(k - above, n) - comb(k - above - len(group), n)
        chance += drawn / total * fmean(group)
        above += len(group)
    return chance


def any_right(right: Sequence[bool], n: int) -> float:
    """The chance that at least one of `n` drawn completions is right: what no choice can do better than.

    Example:
        >>> any_right([True, False, False, False], 2)
        0.5
    """
    k = len(right)
    return 1 - comb(k - sum(right), n) / comb(k, n)


def sizes_up_to(most: int) -> list[int]:
    """Where the curve is shown: every N of few, else the powers of two and the last.

    Example:
        >>> sizes_up_to(4), sizes_up_to(10)
        ([1, 2, 3, 4], [1, 2, 4, 8, 10])
    """
    if most <= 5:
        return list(range(1, most + 1))
    powers = [1 << at for at in range(most.bit_length())]
    return [*powers, *([] if powers[-1] == most else [most])]
