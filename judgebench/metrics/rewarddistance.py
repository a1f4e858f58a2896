"""How alike two reward functions are, whatever their zero and their scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.metrics.intervals import Floats

    Rewards = Sequence[Sequence[float]]
    """For each prompt one reward a completion."""


@dataclass(frozen=True, slots=True)
class RewardDistance:
    """Two reward functions over the same completions.

    Attributes:
        distance: Mean over prompts, from 0 to 1: the rewards of a prompt's completions are centred and divided by their
            norm, and half the length of the difference counts. 0: equal up to a shift and a scale above 0 of each
            prompt; 1: opposite.
        r2: Squared Pearson correlation of the rewards, centred per prompt; None where one of them is constant.
        spearman: Spearman's rank correlation of the same.
        prompts: How many prompts.
        completions: How many completions.
    """

    distance: float
    r2: float | None
    spearman: float | None
    prompts: int
    completions: int


def reward_distance(first: Rewards, second: Rewards) -> RewardDistance | None:
    """Compares two reward functions; None without a prompt of two completions.

    The distance is that of STARC metrics (arXiv 2309.15257) for a choice among a prompt's completions: a canonical form
    that no shift per prompt changes, a norm, and the distance of what is normalised. A prompt whose rewards are all
    equal is at 1/2 from any other.

    Example:
        >>> reward_distance([[1, 2, 4]], [[10, 20, 40]]).distance
        0.0
        >>> round(reward_distance([[1, 2, 4]], [[-1, -2, -4]]).distance, 12)
        1.0
    """
    pairs = [(_centred(one), _centred(other)) for one, other in zip(first, second, strict=True) if len(one) > 1]
    if not pairs:
        return None
    distances = [float(np.linalg.norm(_unit(one) - _unit(other))) / 2 for one, other in pairs]
    x, y = (np.concatenate([each[at] for each in pairs]) for at in (0, 1))
    r = _correlation(x, y)
    return RewardDistance(
        float(np.mean(distances)),
        None if r is None else r**2,
        _correlation(_ranks(x), _ranks(y)),
        len(pairs),
        len(x),
    )


def _centred(rewards: Sequence[float]) -> Floats:
    values: Floats = np.asarray(rewards, dtype=float)
    centred: Floats = values - values.mean()
    # What rounding leaves of equal rewards is no difference.
    centred[np.abs(centred) <= 1e-12 * max(1.0, float(np.abs(values).max()))] = 0.0
    return centred


def _unit(centred: Floats) -> Floats:
    norm = float(np.linalg.norm(centred))
    unit: Floats = centred / norm if norm else centred
    return unit


def _correlation(x: Floats, y: Floats) -> float | None:
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def _ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = (last - (counts - 1) / 2)[places]
    return ranks
