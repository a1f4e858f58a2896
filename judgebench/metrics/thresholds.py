"""Probabilities of the positive class beside gold classes: ROC AUC, average precision, and what thresholds give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from judgebench.metrics.blocks import CountedFigure, block_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgebench.metrics.blocks import UnitBlocks
    from judgebench.metrics.intervals import Floats

    Bools = NDArray[np.bool_]

_LEVELS = 512
_POINTS = 51


def ranking_figures(probability: Floats, positive: Bools, weight: Floats, blocks: UnitBlocks) -> dict[str, Any]:
    """`roc_auc`, `average_precision`, `probabilities` (of how many items) and `thresholds`, for `metrics.json`.

    Args:
        probability: Of the positive class; not-a-number where none is known, shape (n,).
        positive: Whether the gold class is the positive one, shape (n,).
        weight: What part of an item a row stands for, shape (n,).
        blocks: Of the rows.

    Returns:
        Empty where no probability is known, or one side has no item.
    """
    known = ~np.isnan(probability)
    if not known.any():
        return {}
    positive, weight, block = positive[known], weight[known], blocks.of_row[known]
    levels, place = np.unique(probability[known], return_inverse=True)
    counts: Floats = np.stack(
        [np.bincount(place, weights=weight * side, minlength=len(levels)) for side in (~positive, positive)]
    )
    both = counts.sum(axis=1)
    if not both.all():
        return {}
    if len(levels) > _LEVELS:  # blocks are told apart by as many levels of as many rows each
        edges = np.searchsorted(np.cumsum(counts.sum(axis=0)), np.linspace(0, both.sum(), _LEVELS + 1)[1:-1])
        rough = np.searchsorted(edges, np.arange(len(levels)), side="right")
    else:
        rough = np.arange(len(levels))
    place, size = rough[place], int(rough[-1]) + 1
    cells = block * size + place
    parts = [
        np.bincount(cells, weights=weight * side, minlength=blocks.count * size).reshape(blocks.count, size)
        for side in (~positive, positive)
    ]
    whole: Floats = np.stack([part.sum(axis=0) for part in parts])
    without: Floats = np.stack([total - part for total, part in zip(whole, parts, strict=True)], axis=1)
    found: dict[str, Any] = {}
    for name, figure in (("roc_auc", _roc_auc), ("average_precision", _average_precision)):
        with np.errstate(divide="ignore", invalid="ignore"):
            value, off = float(figure(counts)), float(figure(whole))
            part = CountedFigure(figure, float(both.sum()), float(both.min()))
            found[name] = block_interval(value, figure(without) - off + value, part, blocks, signed=False)
    return {**found, "probabilities": round(float(both.sum()), 6), "thresholds": _thresholds(levels, counts)}


def _roc_auc(counts: Floats) -> Floats:
    """The chance that a positive item has a higher level than a negative one, of counts of shape (..., 2, levels)."""
    negative, positive = counts[..., 0, :], counts[..., 1, :]
    below = np.cumsum(negative, axis=-1) - negative / 2
    return (positive * below).sum(axis=-1) / (positive.sum(axis=-1) * negative.sum(axis=-1))  # type: ignore[no-any-return]


def _average_precision(counts: Floats) -> Floats:
    """The mean precision at the levels of the positive items, of counts of shape (..., 2, levels)."""
    above = np.cumsum(counts[..., ::-1], axis=-1)
    precision = above[..., 1, :] / np.maximum(above.sum(axis=-2), 1e-300)
    positive = counts[..., 1, ::-1]
    return (positive * precision).sum(axis=-1) / positive.sum(axis=-1)  # type: ignore[no-any-return]


def _thresholds(levels: Floats, counts: Floats) -> list[dict[str, float]]:
    """What counting as positive from a probability on gives, at most at 51 of them, from the highest down."""
    above = np.cumsum(counts[:, ::-1], axis=1)
    both, descending = counts.sum(axis=1), levels[::-1]
    places = np.unique(np.round(np.linspace(0, len(levels) - 1, min(len(levels), _POINTS))).astype(np.int64))
    return [
        {
            "threshold": float(descending[at]),
            "precision": float(above[1, at] / above[:, at].sum()),
            "recall": float(above[1, at] / both[1]),
            "specificity": float(1 - above[0, at] / both[0]),
            "accuracy": float((above[1, at] + both[0] - above[0, at]) / both.sum()),
        }
        for at in places.tolist()
    ]
