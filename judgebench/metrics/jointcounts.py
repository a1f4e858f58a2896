"""How often each two of many raters say what on the same rows: counted in bits, for all pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.resampling import Ints

_BITS = 64
_ALL = 1e-12
"""A chance so near to 1 leaves nothing beyond it."""


class PairwiseAgreement(NamedTuple):
    """Of each two raters, shape (raters, raters); NaN where they have no row in common, or kappa has no value.

    Attributes:
        same: The share of rows on which both say the same.
        kappa: Cohen's.
        rows: How many rows both have.
    """

    same: Floats
    kappa: Floats
    rows: Ints


def joint_counts(codes: npt.NDArray[np.integer], categories: int) -> Floats:
    """How often each two raters say each two categories, shape (raters, categories, raters, categories).

    Args:
        codes: What each rater says on each row, from 0 up, below 0 where it says nothing: shape (raters, rows).
        categories: How many there are.

    Example:
        >>> joint_counts(np.array([[0, 1, 1], [0, 1, -1]]), 2)[0, :, 1, :].tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    raters, rows = codes.shape
    packed = np.zeros((raters, categories, -(-rows // _BITS)), dtype=np.uint64)
    for name in range(categories):
        found = np.packbits(codes == name, axis=1)
        packed.view(np.uint8)[:, name, : found.shape[1]] = found
    said = packed.reshape(raters * categories, -1)
    counts = np.zeros((len(said), len(said)))
    for at in range(len(said)):
        both = np.bitwise_count(said[at] & said[at:]).sum(axis=1, dtype=np.int64)
        counts[at, at:] = counts[at:, at] = both
    return counts.reshape(raters, categories, raters, categories)


def pairwise_agreement(codes: npt.NDArray[np.integer], categories: int) -> PairwiseAgreement:
    """Raw agreement and Cohen's kappa of each two raters, over the rows that both have.

    Args:
        codes: As in `joint_counts`.
        categories: How many there are.
    """
    raters, counts = len(codes), joint_counts(codes, categories)
    same, chance = (np.zeros((raters, raters)) for _ in range(2))
    rows = counts.sum(axis=(1, 3))
    for name in range(categories):
        same += counts[:, name, :, name]
        chance += counts[:, name].sum(axis=2) * counts[:, :, :, name].sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        same, chance = same / rows, chance / rows**2
        kappa = np.where(1 - chance > _ALL, (same - chance) / (1 - chance), np.nan)
    return PairwiseAgreement(same, kappa, rows.astype(np.int64))
