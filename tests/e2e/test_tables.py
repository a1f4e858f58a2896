"""`--csv`, `--parquet`, `--markdown` and `--latex` of `report` and `leaderboard`, also with names that mean harm."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from commands import judgebench, pairs, write_jsonl
from finishedruns import judge_run, score_run
from markdown_it import MarkdownIt

import judgebench as jb
from judgebench._util.latex import latex_text
from judgebench._util.table import Column, Table, TableRow

HOSTILE = [
    '=HYPERLINK("http://x.test","y")',
    "@SUM(1)",
    "+1",
    "-1",
    "\t=1",
    r"\input{/etc/passwd} & b \\ %",
    "a | b <script>alert(1)</script> [x](javascript:alert(1)) **b** `c` &lt; ~~d~~ # $e$",
    "two\nlines\r\nand\u2028more \x1b[2J \u202e",
    r"^^M\write18{x} ~ {} -- --- `` '' \"",
]


def table_of(name: str, number: float = 1.0) -> Table:
    """A row of a name and a number, below heads of the same name, and with a note that is the name."""
    columns = [Column(name, names=True), Column("n", "number", form="g")]
    return Table(columns, [TableRow((name, number))], "t", [name])


def named(name: str) -> Path:
    """A score file's run of a model with this name."""
    data = write_jsonl(Path("rows.jsonl"), pairs(4))
    scores = write_jsonl(Path("scores.jsonl"), [{"id": n, "scores": [1.0, 0.5]} for n in range(4)])
    ended = judgebench("score", scores, "--benchmark", "rewardbench", "--data", data, "--name", name)
    assert ended.status == 0, ended.err
    return next(Path("runs").rglob("manifest.json")).parent


def files_of(command: str, *arguments: object) -> dict[str, Path]:
    forms = ("csv", "parquet", "markdown", "latex")
    options = [part for form in forms for part in (f"--{form}", f"made.{form}")]
    ended = judgebench(command, *arguments, *options)
    assert ended.status == 0, ended.err
    assert ended.err.splitlines()[-4:] == [f"wrote: made.{form}" for form in forms]
    return {form: Path(f"made.{form}") for form in forms}


def test_parquet_has_the_scores_of_the_csv():
    """Line by line, with numbers as numbers."""
    files = files_of("report", judge_run("offline/first"), score_run("rm", [1, 0, 1]))
    rows = list(csv.DictReader(files["csv"].read_text().splitlines()))
    table = pq.read_table(files["parquet"]).to_pylist()
    assert [{name: "" if value is None else str(value) for name, value in row.items()} for row in table] == rows
    assert {type(row["score"]) for row in table} == {float}
    assert {type(row["items"]) for row in table} == {int}


def test_the_leaderboard_has_all_four_forms():
    """A line, a row and a table a run."""
    judge_run("offline/first")
    score_run("rm", [1, 0, 1])
    files = files_of("leaderboard", "runs")
    table = pq.read_table(files["parquet"])
    assert sorted(table["judge"].to_pylist()) == ["offline/first", "rm"]
    assert str(table.schema.field("rank").type) == "int64"
    for form in ("csv", "markdown", "latex"):
        assert "offline/first" in files[form].read_text()


@pytest.mark.parametrize("name", HOSTILE)
def test_parquet_has_every_name_as_it_is(name):
    """And the other forms are written."""
    run = named(name)
    files = files_of("report", run)
    assert set(pq.read_table(files["parquet"])["judge"].to_pylist()) == {jb.Run.load(run).name.judge}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_cell_of_a_csv_is_a_formula(name):
    """Text that begins like one has an apostrophe before it, and is else as it was; a number stays one."""
    ((head, _), (cell, number)) = csv.reader(table_of(name, -0.5).to_csv().splitlines(keepends=True))
    assert head == cell
    assert cell.removeprefix("'") == name
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert number == "-0.5"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_in_markdown(name):
    """Rendered as GitHub does, it is one cell of plain text: no link, no HTML, no emphasis."""
    html = MarkdownIt("gfm-like", {"linkify": False}).render(table_of(name).to_markdown())
    cells = re.findall(r"<td[^>]*>(.*?)</td>", html, re.DOTALL)
    assert len(cells) == 2
    assert "<" not in cells[0]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_in_latex(name):
    """Every sign that LaTeX obeys is one of the known escapes; a row has its cells and its end, in one line."""
    safe = latex_text(name)
    left = re.sub(r"\\text[a-z]+\{\}|\\[{}$&#%_]|(?<=-)\{\}(?=-)", "", safe)
    assert re.findall(r"[\\{}$&#%_^~<>|`\"\n\r]", left) == []
    table = table_of(name).to_latex()
    (row,) = [line for line in table.splitlines() if line.endswith(r"& 1 \\")]
    assert row == f"    {safe} & 1 \\\\"
    assert [line for line in table.splitlines() if line.startswith("%")] == table.splitlines()[:2]


def test_latex_says_the_same():
    """Each escape prints the sign it stands for."""
    said = {r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\&": "&", r"\_": "_", r"\{": "{", "-{}-": "--"}
    assert [latex_text(sign) for sign in said.values()] == list(said)


def test_a_star_at_a_rows_start_is_no_option():
    r"""`\\*` and `\\[` mean something at a row's end."""
    table = Table([Column("a")], [TableRow((text,)) for text in ("x", "*", "[1cm]")]).to_latex()
    assert r"{}*" in table
    assert r"{}[1cm]" in table


def test_a_file_that_cannot_be_written_is_one_line():
    """Exit status 2, whatever the form; nothing half-written stays."""
    run = judge_run("offline/first")
    for form in ("csv", "parquet", "markdown", "latex"):
        ended = judgebench("report", run, f"--{form}", f"nowhere/made.{form}")
        assert (ended.status, ended.err.count("\n")) == (2, 1), form
        assert "cannot be written" in ended.err
    assert not Path("nowhere").exists()
