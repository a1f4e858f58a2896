"""Resampled means and distinct rows, against numpy and the normal theory."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from judgebench.metrics.resampling import distinct_rows, resampled_means


@given(arrays(np.float64, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.sampled_from([-1.0, 0.0, 0.5])))
def test_distinct_rows_are_those_of_numpy(rows):
    """The same rows in the same order, each as often."""
    kinds, counts = np.unique(rows, axis=0, return_counts=True)

    found = distinct_rows(rows)

    assert np.array_equal(found[0], kinds)
    assert found[1].tolist() == counts.tolist()


def test_distinct_rows_of_many_columns_are_told_apart():
    """30 columns of 8 values make more combinations than a whole number holds."""
    rows = np.random.default_rng(1).integers(0, 8, (200, 30)).astype(float)
    twice = np.concatenate([rows, rows])

    kinds, counts = distinct_rows(twice)

    assert np.array_equal(kinds, np.unique(twice, axis=0))
    assert set(counts.tolist()) == {2}


@pytest.mark.parametrize("n", [50, 2_000, 30_000], ids=["rows drawn", "counts drawn", "normal limit"])
def test_means_spread_as_the_columns_do_together(n):
    """Variances and covariance of the means are those of the columns, divided by the number of rows."""
    rng = np.random.default_rng(2)
    x = rng.integers(0, 3, n) / 2 if n == 2_000 else rng.random(n)
    values = np.stack([x, x + rng.integers(0, 2, n)], axis=1)

    means = resampled_means(values, 10_000, np.random.default_rng(3))

    assert means.shape == (10_000, 2)
    assert means.mean(axis=0) == pytest.approx(values.mean(axis=0), abs=5 * values.std() / np.sqrt(n * 10_000))
    assert np.cov(means.T) == pytest.approx(np.cov(values.T, bias=True) / n, rel=0.08)


def test_equal_columns_have_equal_means():
    """The same rows are drawn for all columns: two equal ones never differ."""
    x = np.random.default_rng(4).random(30_000)

    means = resampled_means(np.stack([x, x], axis=1), 100, np.random.default_rng(5))

    assert np.ptp(means[:, 0] - means[:, 1]) < 1e-12
