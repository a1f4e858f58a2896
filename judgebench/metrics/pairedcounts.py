"""The engine of `judgebench.metrics.paired` for many runs over many items: from counts of what two runs got.

Scores, tests and their p are those of `PairedScores`; what is resampled is drawn from its joint normal limit.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from judgebench.metrics.comparisons import mcnemar_mid_p, sign_flip_test
from judgebench.metrics.intervals import RESAMPLES
from judgebench.metrics.resampling import codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.resampling import Ints

_NORMAL_LIMIT, _SURE = 20_000, 1e-10


class CountedScores:
    """The scores of several runs over the same items, each pair of which can be tested; as `PairedScores` has them.

    Args:
        kinds: What each run got on each item, as a number of a kind: shape (runs, n).
        credits_: The credit of each kind, shape (kinds,).
        coins: The variance of each by itself, as of a coin where it stands in for a failure, shape (kinds,).
        strata: The code of each item's stratum, from 0 up, shape (n,).
        weights: Of each stratum in the score, of any sum above 0; those of weight 0 are left out.
        clusters: What each item belongs to, shape (n,); None: each by itself.
        seed: Of the drawing.
        resamples: How many.
    """

    def __init__(
        self,
        kinds: npt.NDArray[np.integer],
        credits_: Floats,
        coins: Floats,
        strata: Ints,
        weights: Sequence[float],
        *,
        clusters: Ints | None = None,
        seed: int = 0,
    ) -> None:
        self._kinds, self._credits, self._coins, self._seed = kinds, credits_, coins, seed
        total = sum(weights)
        self._shares = {at: weight / total for at, weight in enumerate(weights) if weight > 0}
        self._rows = {at: np.flatnonzero(strata == at) for at in self._shares}
        self._n = {at: len(rows) for at, rows in self._rows.items()}
        code = None if clusters is None else codes(clusters, kinds.shape[1])
        self._clusters = None if code is None or code[1] == kinds.shape[1] else code[0]
        self._strata = strata
        # The number of items of each stratum and kind, of every run.
        size = len(credits_)
        self._counts = {
            at: np.stack([np.bincount(run[rows], minlength=size) for run in kinds]) for at, rows in self._rows.items()
        }
        self.scores: Floats = sum(
            (share * (self._counts[at] @ credits_) / self._n[at] for at, share in self._shares.items()),
            start=np.zeros(len(kinds)),
        )

    def p(self, first: int, second: int) -> float:
        """The p of a difference: McNemar's or the sign-flip test's, as `PairedScores` chooses."""
        if self._clusters is not None:
            return self._p_of_clusters(first, second)
        size = len(self._credits)
        pairs = self._kinds[first].astype(np.int64) * size + self._kinds[second]
        difference = (self._credits[:, None] - self._credits[None, :]).ravel()
        counts = {at: np.bincount(pairs[rows], minlength=size * size) for at, rows in self._rows.items()}
        if self._equal and self._right_or_wrong[first] and self._right_or_wrong[second]:
            both = sum(counts.values(), start=np.zeros(size * size, dtype=np.int64))
            return mcnemar_mid_p(int(both[difference > 0].sum()), int(both[difference < 0].sum()))
        parts = np.concatenate([difference * self._weight(at) for at in counts])
        return self._sign_flip(parts, np.concatenate(list(counts.values())), first, second)

    @property
    def effective_n(self) -> float:
        """How many units of equal weight the items would be worth."""
        units = {
            at: n if self._clusters is None else len(np.unique(self._clusters[self._rows[at]]))
            for at, n in self._n.items()
        }
        return 1 / sum(share**2 / units[at] for at, share in self._shares.items())

    @cached_property
    def drawn(self) -> Floats:
        """The score of every run in the same resamples, by their joint normal limit, shape (runs, resamples)."""
        parts = [self._parts(at) for at in self._shares if self._n[at] > 1]
        runs = len(self._kinds)
        covariances = sum((each @ each.T for each in parts), start=np.zeros((runs, runs)))
        own = [self._weight(at) ** 2 * (self._counts[at] @ self._coins) for at in self._shares]
        covariances += np.diag(sum(own, start=np.zeros(runs)))
        variances, axes = np.linalg.eigh(covariances)
        normal = np.random.default_rng(self._seed).standard_normal((RESAMPLES, runs))
        found: Floats = self.scores[:, None] + (normal * np.sqrt(np.maximum(variances, 0.0)) @ axes.T).T
        return found

    def _weight(self, at: int) -> float:
        """What each item of a stratum weighs in the score."""
        return self._shares[at] / self._n[at]

    @cached_property
    def _equal(self) -> bool:
        each = [self._weight(at) for at in self._shares]
        return bool(np.allclose(each, each[0], rtol=1e-9))

    @cached_property
    def _right_or_wrong(self) -> list[bool]:
        fractions = ~np.isin(self._credits, (0, 1))
        return [
            not any(self._counts[at][run][fractions].any() for at in self._shares) for run in range(len(self._kinds))
        ]

    def _parts(self, at: int) -> Floats:
        """What each unit of a stratum adds to every run's deviation from its score, shape (runs, units)."""
        credits_ = self._credits[self._kinds[:, self._rows[at]]]
        apart = credits_ - credits_.mean(axis=1)[:, None]
        count = self._n[at]
        if self._clusters is not None:
            code, count = codes(self._clusters[self._rows[at]], count)
            apart = np.stack([np.bincount(code, weights=run, minlength=count) for run in apart])
        found: Floats = apart * (self._weight(at) * math.sqrt(count / max(count - 1, 1)))
        return found

    @cached_property
    def _sums(self) -> Floats:
        """The weighted credits of each cluster, of every run, shape (runs, clusters)."""
        assert self._clusters is not None
        weights = np.zeros(self._kinds.shape[1])
        for at, rows in self._rows.items():
            weights[rows] = self._weight(at)
        return np.stack([np.bincount(self._clusters, weights=self._credits[run] * weights) for run in self._kinds])

    def _p_of_clusters(self, first: int, second: int) -> float:
        parts = self._sums[first] - self._sums[second]
        if len(parts) > _NORMAL_LIMIT:
            squares = float(parts @ parts) + sum(
                self._weight(at) ** 2 * float(self._counts[at][run] @ self._coins)
                for at in self._shares
                for run in (first, second)
            )
            return math.erfc(abs(float(parts.sum())) / math.sqrt(2 * squares)) if squares else 1.0
        return self._sign_flip(parts, np.ones(len(parts), dtype=np.int64), first, second)

    def _sign_flip(self, parts: Floats, times: Ints, first: int, second: int) -> float:
        coins = np.concatenate([np.sqrt(self._coins) * self._weight(at) for at in self._shares])
        of_coins = np.concatenate([self._counts[at][first] + self._counts[at][second] for at in self._shares])
        of_coins = np.where(coins > 0, of_coins, 0)
        norm = float(np.square(parts) @ times) + float(np.square(coins) @ of_coins)
        if norm == 0:
            return 1.0
        bound = 2 * math.exp(-(float(parts @ times) ** 2) / (2 * norm))  # Hoeffding's, never too small
        if bound < _SURE:
            return bound
        p = sign_flip_test(parts, times=times, coins=coins, coin_times=of_coins, resamples=RESAMPLES, seed=self._seed)
        return min(p, bound) if p <= 1 / RESAMPLES else p
