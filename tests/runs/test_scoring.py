"""Figures that are made anew from a run's folder are those that the run itself made."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import judgebench, read_json, write_jsonl

import judgebench as jb
from judgebench.runs.scoring import up_to_date


@pytest.fixture
def compared() -> Path:
    """A run that was compared with another until the difference was shown."""
    ended = judgebench(
        *("run", "rewardbench", "--data", "sample", "-j", "offline/longest", "-j", "offline/random"),
        *("--sequential", "--min-effect", "0.2"),
    )
    assert ended.status == 0, ended.err
    (path,) = Path("runs/rewardbench/offline--longest").rglob("metrics.json")
    assert read_json(path)["sequential"] is not None
    return path.parent


def test_reading_replies_again_keeps_what_came_of_the_comparison(compared: Path) -> None:
    """The items that were judged, the difference and its interval are a record of the run, not of its reading."""
    assert judgebench("rescore", compared).status == 0
    (again,) = compared.parent.glob("*-rescored-*/metrics.json")
    assert read_json(again)["sequential"] == read_json(compared / "metrics.json")["sequential"]


def test_recounting_keeps_what_came_of_the_comparison(compared: Path) -> None:
    """A run that lost its last judgement is counted anew."""
    run = jb.Run.load(compared)
    lines = (compared / "judgements.jsonl").read_text().splitlines(keepends=True)
    (compared / "judgements.jsonl").write_text("".join(lines[:-1]))
    finished = up_to_date(run)
    assert finished.metrics.judgements - finished.metrics.failures["not_asked"] == len(lines) - 1
    assert finished.metrics.sequential == run.metrics.sequential is not None


def test_reading_replies_again_says_what_the_benchmark_has_to_say() -> None:
    """Where a run was cut off before it had figures, and so no notes."""
    rows = write_jsonl(Path("rows.jsonl"), [{"prompt": "p", "response_a": "yes", "response_b": "no"}])
    assert judgebench("run", "custom", "--data", rows, "-j", "offline/longest").status == 0
    (path,) = Path("runs").rglob("metrics.json")
    path.unlink()
    assert judgebench("rescore", path.parent).status == 0
    (again,) = Path("runs").rglob("metrics.json")
    assert any(note.startswith("no item has a label") for note in read_json(again)["notes"])
