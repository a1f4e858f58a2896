"""Judges without a bias are seldom flagged, and planted biases are found: a small form of benchmarks/biases.py."""

from __future__ import annotations

import runpy

import pytest
from commands import REPOSITORY
from simulating import runs

pytestmark = pytest.mark.simulation
TABLE = runpy.run_path(str(REPOSITORY / "benchmarks" / "biases.py"))
SHOWN = ("tempting", "ratings", "falls with")
FAIR = [
    judge
    for judge in TABLE["JUDGES"]
    if judge.length == judge.preference == 0 and (judge.items <= 100 or any(each in judge.name for each in SHOWN))
]
RUNS = max(20, runs(100))


@pytest.mark.parametrize("judge", FAIR, ids=lambda judge: f"{judge.name}, {judge.items} items")
def test_a_judge_without_a_bias_is_seldom_flagged(judge) -> None:
    """In 5 of 100 runs, up to three standard errors."""
    found = TABLE["simulate"](judge, RUNS)
    most = 0.05 + 3 * (0.05 * 0.95 / RUNS) ** 0.5

    assert {name: flagged for name, (_, flagged) in found.items() if flagged > most} == {}


@pytest.mark.parametrize(
    ("name", "figure", "planted"), [("length 0.6", "length", 0.6), ("preference 0.5", "self-preference", 0.5)]
)
def test_a_planted_bias_is_recovered(name: str, figure: str, planted: float) -> None:
    """Its mean is what was planted, up to a tenth."""
    (judge,) = [judge for judge in TABLE["JUDGES"] if judge.name == name]

    assert TABLE["simulate"](judge, RUNS)[figure][0] == pytest.approx(planted, abs=0.1)
