"""Many runs and tests at once: corrected p, groups that are not significantly different, and the Pareto front."""

from __future__ import annotations

import string
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy.typing as npt

    from judgebench.metrics.intervals import Floats


def holm(p_values: npt.ArrayLike) -> Floats:
    """Holm's step-down adjustment (1979, jstor.org/stable/4615733), for the family-wise error.

    Args:
        p_values: Shape (n,); the adjusted ones come in the same order.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def benjamini_hochberg(p_values: npt.ArrayLike) -> Floats:
    """Benjamini and Hochberg's q (1995, doi:10.1111/j.2517-6161.1995.tb02031.x), for the false discovery rate.

    Args:
        p_values: Shape (n,); the q come in the same order.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.minimum.accumulate((p[order] * len(p) / np.arange(1, len(p) + 1))[::-1])[::-1]
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def groups_not_told_apart(
    names: Sequence[str], scores: npt.ArrayLike, p_values: npt.ArrayLike, *, alpha: float = 0.05
) -> dict[str, str]:
    """Letters, as in a compact letter display: two runs share one exactly where they are not significantly different.

    Insert and absorb (Piepho 2004, doi:10.1198/1061860043515): it holds for any pattern of differences.

    Args:
        names: Of the runs, each once.
        scores: Of the runs, higher is better, shape (n,); the best gets the first letter.
        p_values: Adjusted p of each pair, symmetric, shape (n, n); NaN counts as not significant.
        alpha: Pairs with p up to it are significantly different.

    Returns:
        Name to letters, the best run first.

    Raises:
        ValueError: Names occur twice, or shapes do not fit.
    """
    n = len(names)
    score, p = np.asarray(scores, dtype=np.float64), np.asarray(p_values, dtype=np.float64)
    if len(set(names)) != n or score.shape != (n,) or p.shape != (n, n):
        raise ValueError(f"{n} names, scores of shape {score.shape}, p of shape {p.shape}: expected n, (n,), (n, n)")
    ranked = np.argsort(-score, kind="stable")
    apart = p[np.ix_(ranked, ranked)] <= alpha
    columns = [frozenset(range(n))] if n else []
    for i, j in zip(*np.nonzero(np.triu(apart, 1)), strict=True):
        pair = {i, j}
        split = {part for column in columns for part in ([column - {i}, column - {j}] if pair <= column else [column])}
        columns = [column for column in split if not any(column < other for other in split)]
    columns.sort(key=sorted)
    return {
        names[at]: "".join(_letter(number) for number, column in enumerate(columns) if rank in column)
        for rank, at in enumerate(ranked)
    }


def rank_intervals(scores: Floats, drawn: Floats, n: float, *, confidence: float = 0.95) -> list[tuple[int, int]]:
    """Between which ranks each run is, 1 for the best, from resamples of all runs together.

    A run is below another where the other's score is above its own by more than chance explains: the largest of all
    studentized deviations of differences, of any two runs, at the confidence (Mogstad, Romano, Shaikh and Wilhelm 2024,
    doi:10.1093/restud/rdad006). So the intervals hold together, that of the run which came out best among them, and
    also where scores are equal or close, where the percentiles of resampled ranks do not.

    Args:
        scores: Of the runs, shape (runs,).
        drawn: Their scores in resamples of the same items, shape (runs, resamples).
        n: How many items of equal weight they are worth: no difference is surer than so many items make it.
        confidence: How often all intervals hold their ranks.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    sds, largest = np.zeros((len(scores), len(scores))), np.zeros(drawn.shape[1])
    for at in range(len(scores)):
        apart = drawn - drawn[at]
        sds[at] = np.maximum(apart.std(axis=1), z / (n + z * z))
        deviations = np.abs(apart - (scores - scores[at])[:, None]) / sds[at][:, None]
        largest = np.maximum(largest, deviations.max(axis=0))
    reach = max(float(np.quantile(largest, confidence)), z) * sds
    above = scores[None, :] - scores[:, None]
    better, worse = (above > reach).sum(axis=1), (above < -reach).sum(axis=1)
    return [(1 + up, len(scores) - down) for up, down in zip(better.tolist(), worse.tolist(), strict=True)]


def undominated(
    costs: npt.ArrayLike, scores: npt.ArrayLike, beaten: Collection[tuple[int, int]]
) -> npt.NDArray[np.bool_]:
    """Which runs are not shown to be dominated: no other costs no more and is significantly better.

    Args:
        costs: In any unit, lower is better, shape (n,); a run whose cost is NaN is never among them.
        scores: Shape (n,); nor is one whose score is NaN.
        beaten: Pairs of runs of which the first is significantly better than the second.
    """
    cost, score = np.asarray(costs, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    left: npt.NDArray[np.bool_] = ~np.isnan(cost) & ~np.isnan(score)
    for better, worse in beaten:
        left[worse] &= not cost[better] <= cost[worse]
    return left


def pareto_front(costs: npt.ArrayLike, scores: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which runs no other beats: none is as cheap and as good, and cheaper or better.

    Args:
        costs: In any unit, lower is better, shape (n,); a run whose cost is NaN is never on the front.
        scores: Higher is better, shape (n,).
    """
    cost, score = np.asarray(costs, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    as_good = (cost[None, :] <= cost[:, None]) & (score[None, :] >= score[:, None])
    better = (cost[None, :] < cost[:, None]) | (score[None, :] > score[:, None])
    front: npt.NDArray[np.bool_] = ~(as_good & better).any(axis=1) & ~np.isnan(cost) & ~np.isnan(score)
    return front


def _letter(number: int) -> str:
    letters = string.ascii_letters
    again, place = divmod(number, len(letters))
    return letters[place] + (str(again + 1) if again else "")
