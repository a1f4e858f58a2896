"""Isotonic regression by pooling adjacent violators (Barlow and others 1972)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


def isotonic(x: npt.ArrayLike, y: npt.ArrayLike, weights: npt.ArrayLike) -> Callable[[Floats], Floats]:
    """The non-decreasing function of x that is closest to y by weighted squares.

    Args:
        x: Shape (n,), at least one.
        y: Likewise.
        weights: Above 0, likewise.

    Returns:
        The function; between two values of x it is a straight line, beyond them it is level.

    Example:
        >>> isotonic([1, 2, 3], [0.0, 1.0, 0.5], [1, 1, 1])(np.array([0.0, 1.5, 3.0])).tolist()
        [0.0, 0.375, 0.75]
    """
    places, at = np.unique(np.asarray(x, dtype=np.float64), return_inverse=True)
    given = np.asarray(weights, dtype=np.float64)
    counts = np.bincount(at, weights=given)
    means = np.bincount(at, weights=given * np.asarray(y, dtype=np.float64)) / counts
    blocks: list[tuple[float, float, int]] = []
    for mean, count in zip(means.tolist(), counts.tolist(), strict=True):
        blocks.append((mean, count, 1))
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (one, first, wide), (other, second, more) = blocks[-2:]
            blocks[-2:] = [((one * first + other * second) / (first + second), first + second, wide + more)]
    levels = np.repeat([mean for mean, _, _ in blocks], [wide for _, _, wide in blocks])
    return lambda at_x: np.interp(at_x, places, levels)
