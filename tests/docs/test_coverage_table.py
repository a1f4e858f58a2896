"""The table of simulated coverage: the page has what the command kept, and each scenario can be simulated."""

from __future__ import annotations

import importlib.util
import json
import sys

import pytest
from commands import REPOSITORY

PATH = REPOSITORY / "benchmarks" / "coverage.py"
SPEC = importlib.util.spec_from_file_location("simulated_coverage", PATH)
assert SPEC is not None
assert SPEC.loader is not None
coverage = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = coverage
SPEC.loader.exec_module(coverage)


def test_the_page_has_the_table_of_what_was_simulated() -> None:
    """Each scenario with each of its sizes, and no other."""
    kept = json.loads(coverage.KEPT.read_text(encoding="utf-8"))
    table = coverage.DOCS.read_text(encoding="utf-8").split(coverage.BEGIN)[1].split(coverage.END)[0]
    assert table == coverage.table_of(kept)
    assert {name: [int(n) for n in shares] for name, shares in kept.items()} == {
        each.name: list(each.sizes) for each in coverage.SCENARIOS
    }


@pytest.mark.simulation
def test_each_scenario_can_be_simulated() -> None:
    """Twice, at its smallest size: a share of two runs."""
    quick = [each for each in coverage.SCENARIOS if not each.name.startswith(("overconfidence", "Brier", "Pearson"))]
    assert {coverage.simulate(each, each.sizes[0], 2) for each in quick} <= {0.0, 0.5, 1.0}
