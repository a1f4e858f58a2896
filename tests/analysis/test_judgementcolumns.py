"""Which paths are Parquet files of judgements, what their columns may hold, and what is said without DuckDB."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from commands import judgebench
from making import refusal

from judgebench.analysis.judgementcolumns import FLAG, ORDER, REAL, TEXT, WHOLE, fits, judgement_files


def test_without_duckdb_one_line_says_how_to_install_it(monkeypatch):
    """Exit status 2, and the pip command."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    Path("some.parquet").touch()
    ended = judgebench("leaderboard", "some.parquet")
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "pip install 'judgebench[large]'" in ended.err


def test_files_patterns_and_folders():
    """A dataset's folder stands for its judgements, any other for all but hidden files; folders of runs are none."""
    for name in (
        "made/judgements.parquet",
        "made/items.parquet",
        "parts/b.parquet",
        "parts/a.parquet",
        "runs/x.json",
        "parts/.a.parquet",
    ):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    parts = [Path("parts/a.parquet"), Path("parts/b.parquet")]
    assert judgement_files(["made"]) == [Path("made/judgements.parquet")]
    assert judgement_files(["parts"]) == judgement_files(["parts/*.parquet"]) == parts
    assert judgement_files(["parts/b.parquet", "parts"]) == parts[::-1]
    assert judgement_files(["runs"]) is None
    assert refusal(judgement_files, ["parts", "runs"]) == (
        "runs: not a Parquet file of judgements, as the others are: name one kind of them"
    )


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        ("VARCHAR", {TEXT}),
        ("ENUM('a', 'b')", {TEXT}),
        ("BIGINT", {TEXT, WHOLE, REAL}),
        ("DOUBLE", {REAL}),
        ("INTEGER[]", {ORDER}),
        ("VARCHAR[]", set()),
        ("BOOLEAN", {FLAG}),
        ('"NULL"', {TEXT, WHOLE, REAL, FLAG, ORDER}),
    ],
)
def test_types_of_columns(found, kinds):
    """Ids may be numbers; whole numbers are numbers; a column without values is of every kind."""
    assert {kind for kind in (TEXT, WHOLE, REAL, FLAG, ORDER) if fits(found, kind)} == kinds
