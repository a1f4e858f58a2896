"""The tables of `benchmarks/decisions.py`, which docs/comparing.md shows."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.simulation
def test_the_page_has_the_tables_that_the_command_makes():
    """The same titles, heads and first cells, in a small form of two experiments a row."""
    made = runpy.run_path(str(ROOT / "benchmarks" / "decisions.py"))["tables"](2)
    page = (ROOT / "docs" / "comparing.md").read_text(encoding="utf-8")

    for line in made.splitlines():
        assert line.split("|")[:2] in [each.split("|")[:2] for each in page.splitlines()]
