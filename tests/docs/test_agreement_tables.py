"""The tables of `benchmarks/agreement.py` in docs/metrics.md: every row stands there, and the command still runs."""

from __future__ import annotations

import importlib.util
from itertools import product
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def command():
    spec = importlib.util.spec_from_file_location("agreement_tables", REPOSITORY / "benchmarks" / "agreement.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_row_stands_in_the_docs(command):
    """Of both tables, by name and size."""
    docs = (REPOSITORY / "docs" / "metrics.md").read_text()
    rows = [*product(command.PAIRS, command.SIZES), *product(command.JUDGES, command.QUESTIONS)]
    assert [row for row in rows if f"| {row[0]} | {row[1]} |" not in docs] == []


def test_the_coefficients_of_a_table_by_hand(command):
    """Half of the choices each, agreement 0.7: kappa and AC1 are both 0.4."""
    assert command.coefficients(command.two_by_two(0.5, 0.4)) == pytest.approx((0.7, 0.4, 0.4))


def test_its_small_form_runs(command):
    """Two pairs of judges of twenty items, and two judges."""
    rng = np.random.default_rng(0)
    shares = command.held(*command.PAIRS["90%, kappa .6"], 20, 2, rng)
    assert set(shares) <= {0.0, 0.5, 1.0}
    own, reference, above = command.errors("right 80%, p about .95", 1_000, 2, rng)
    assert (own > reference, above) == (True, 1.0)
