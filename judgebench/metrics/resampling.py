"""Bootstrap draws as counts, shared by the metrics that resample: only how often each kind of row is drawn matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

_BLOCK = 2_000_000
_CHEAP_KINDS = 8
_NORMAL_LIMIT = 20_000
_DENSE = 4


def codes(labels: npt.ArrayLike | None, n: int) -> tuple[Ints, int]:
    """Labels as codes 0, 1, ... and how many there are; without labels every row is its own.

    Args:
        labels: One a row, shape (n,): numbers (quick) or text.
        n: The number of rows.

    Raises:
        ValueError: The number of labels is not `n`.
    """
    if labels is None:
        return np.arange(n, dtype=np.int64), n
    given = np.asarray(labels)
    if given.shape != (n,):
        raise ValueError(f"labels of shape {given.shape} for {n} rows: expected one a row")
    if n and np.issubdtype(given.dtype, np.integer) and given.min() >= 0 and given.max() < _DENSE * n:
        there = np.zeros(int(given.max()) + 1, dtype=np.int64)  # the same without a sort
        there[given] = 1
        places = np.cumsum(there)
        return places[given] - 1, int(places[-1])
    distinct, inverse = np.unique(given, return_inverse=True)
    return inverse.astype(np.int64, copy=False).reshape(n), len(distinct)


def distinct_rows(rows: Floats) -> tuple[Floats, Ints]:
    """The distinct rows in ascending order, and how often each occurs: `np.unique` by rows, several times as quick.

    Args:
        rows: Shape (n, columns).
    """
    code, combinations = np.zeros(len(rows), dtype=np.int64), 1
    for column in rows.T:
        levels, inverse = np.unique(column, return_inverse=True)
        if combinations * len(levels) >= 2**62:
            code = np.unique(code, return_inverse=True)[1].astype(np.int64)
            combinations = len(rows)
        code = code * len(levels) + inverse
        combinations *= len(levels)
    _, first, counts = np.unique(code, return_index=True, return_counts=True)
    return rows[first], counts.astype(np.int64)


def resampled_counts(multiplicity: Ints, resamples: int, rng: np.random.Generator) -> Iterator[Ints]:
    """How often each kind of row is drawn in bootstrap resamples of as many rows as there are.

    Where kinds are few the counts are drawn as such (multinomial), else rows are drawn and counted: the distribution
    is the same, and so is the memory, which is bounded.

    Args:
        multiplicity: The number of rows of each kind, shape (kinds,).
        resamples: How many resamples in all.
        rng: The source of randomness.

    Yields:
        Blocks of shape (some, kinds), which together hold `resamples` rows.
    """
    n, kinds = int(multiplicity.sum()), len(multiplicity)
    few = kinds * _CHEAP_KINDS <= n
    kind_of_row = np.repeat(np.arange(kinds), multiplicity)
    at_once = max(1, _BLOCK // (kinds if few else n))
    for start in range(0, resamples, at_once):
        size = min(at_once, resamples - start)
        if few:
            yield rng.multinomial(n, multiplicity / n, size=size)
        else:
            drawn = kind_of_row[rng.integers(0, n, size=(size, n))]
            drawn += np.arange(size)[:, None] * kinds
            yield np.bincount(drawn.ravel(), minlength=size * kinds).reshape(size, kinds)


def resampled_means(values: Floats, resamples: int, rng: np.random.Generator) -> Floats:
    """Means of columns in bootstrap resamples of rows, the same rows for all columns.

    Past 20,000 distinct rows the means are drawn from their joint normal limit, from which the bootstrap no longer
    differs visibly.

    Args:
        values: Shape (n, columns).
        resamples: How many.
        rng: The source of randomness.

    Returns:
        Shape (resamples, columns).
    """
    n = len(values)
    kinds, multiplicity = distinct_rows(values)
    if len(kinds) <= _NORMAL_LIMIT:
        return np.concatenate([counts @ kinds / n for counts in resampled_counts(multiplicity, resamples, rng)])
    mean = values.mean(axis=0)
    deviations = (values - mean) / n
    variances, axes = np.linalg.eigh(deviations.T @ deviations)
    drawn: Floats = mean + rng.standard_normal((resamples, len(mean))) * np.sqrt(np.maximum(variances, 0.0)) @ axes.T
    return drawn
