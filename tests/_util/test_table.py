"""One typed table in every form: what people read, and the values in files and frames."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

import pytest
from rich.console import Console

from judgebench._util.table import Alert, Column, Marked, Table, TableRow, Tabular
from judgebench.reports.table import print_tables

COLUMNS = [
    Column("judge", names=True),
    Column("score", "score"),
    Column("95% CI", "interval"),
    Column("cost", "money"),
    Column("items", "count"),
]
ROWS = [
    TableRow(("one", 0.761, (0.72, 0.799), Marked(0.5, "*"), 40)),
    TableRow(("other", 0.512, (0.404, 0.612), "unknown", None), "pearson"),
]
TABLE = Table(COLUMNS, ROWS, "Runs", ["a note"])


def printed(table: Table, width: int) -> list[str]:
    """What a terminal of that width shows, line by line."""
    console = Console(file=io.StringIO(), width=width)
    print_tables(console, [table])
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("column", "value", "unit", "text"),
    [
        (Column("a"), "two\nlines", None, "two lines"),
        (Column("a", "count"), 12, None, "12"),
        (Column("a", "tokens"), 21666, None, "21,666"),
        (Column("a", "number"), -0.0001, None, "0.000"),
        (Column("a", "coefficient"), float("nan"), None, "none"),
        (Column("a", "share"), 0.761, None, "76.1%"),
        (Column("a", "share", form=".0%"), 0.761, None, "76%"),
        (Column("a", "score"), 0.5, "pearson", "r 0.500"),
        (Column("a", "interval"), (0.25, 0.5), "pearson", "0.250 to 0.500"),
        (Column("a", "difference"), (-0.25, 0.5), "share", "-25.0 to +50.0"),
        (Column("a", "distance"), 1.0, "share", "none"),
        (Column("a", "effect"), 0.5, "log-odds", "+0.50"),
        (Column("a", "effect"), 0.031, "difference", "+3.1%"),
        (Column("a", "p"), 0.0001, None, "<0.001"),
        (Column("a", "money"), 0.0123, None, "$0.012"),
        (Column("a", "money"), "unknown", None, "unknown"),
        (Column("a", "score"), None, "share", ""),
        (Column("a", "score"), float("nan"), "share", ""),
    ],
)
def test_a_kind_says_how_a_value_is_written(column, value, unit, text):
    """For people."""
    assert column.text(value, unit) == text


def test_markdown_is_what_people_read():
    """Text to the left, numbers to the right; the notes below."""
    assert TABLE.to_markdown() == (
        "## Runs\n\n"
        "| judge | score | 95% CI | cost | items |\n"
        "| --- | ---: | ---: | ---: | ---: |\n"
        "| one | 76.1% | 72.0% to 79.9% | \\$0.500 \\* | 40 |\n"
        "| other | r 0.512 | 0.404 to 0.612 | unknown |  |\n"
        "\n- a note\n"
    )


def test_csv_has_the_values():
    """An interval is two columns; a mark, and text in a number's place, is none."""
    assert list(csv.reader(TABLE.to_csv().splitlines())) == [
        ["judge", "score", "low", "high", "cost", "items"],
        ["one", "0.761", "0.72", "0.799", "0.5", "40"],
        ["other", "0.512", "0.404", "0.612", "", ""],
    ]


def test_a_frame_has_their_types():
    """Whole numbers with gaps stay whole."""
    frame = TABLE.to_frame()
    assert frame["items"].dtype == "Int64"
    assert frame["cost"].isna().tolist() == [False, True]
    assert frame["high"].tolist() == [0.799, 0.612]


def test_bars_are_for_the_terminal_alone():
    """A file has the number that they draw in another column."""
    table = Table([Column("a", names=True), Column("bar", "bar", head="")], [TableRow(("x", 0.5))])
    assert printed(table, 80)[2] == "x   ━━━━━━──────"
    assert table.to_csv() == "a\nx\n"


def test_columns_without_room_go_below_by_priority():
    """The highest first, all of one together; the names come again, as far as they tell the rows apart."""
    columns = [
        *(Column("judge", names=True), Column("template", names=True)),
        *(Column("first", "count", priority=2), Column("second", "count", priority=1), Column("third", "count")),
        Column("fourth", "count", priority=2),
    ]
    rows = [TableRow((judge, "pairwise", 1, 2, 3, 4)) for judge in ("one", "other")]
    lines = printed(Table(columns, rows), 32)
    assert [line.split() for line in lines if "judge" in line] == [
        ["judge", "second", "third"],
        ["judge", "first", "fourth"],
    ]
    assert max(map(len, lines)) <= 32


def test_an_optional_column_without_room_is_left_out():
    """It has no table of its own."""
    columns = [Column("judge", names=True), Column("items", "count", priority=1, optional=True), Column("n", "count")]
    lines = printed(Table(columns, [TableRow(("a" * 20, 1, 2))]), 26)
    assert [line.split() for line in lines if "judge" in line] == [["judge", "n"]]


def test_columns_stand_closer_where_that_makes_all_fit():
    """With two blanks between them in place of three."""
    columns = [Column("judge", names=True), Column("score", "count"), Column("items", "count")]
    row = [TableRow(("one", 1, 2))]
    assert printed(Table(columns, row), 21)[0] == "judge   score   items"
    assert printed(Table(columns, row), 19)[0] == "judge  score  items"


class Result(Tabular):
    """Two tables and a remark."""

    def tables(self):
        return [TABLE, Table([Column("more")], [TableRow(("text",))])]

    def remarks(self):
        return ["mind <this>"]


def test_a_result_shows_all_its_tables_and_remarks():
    """And its data are those of the first."""
    html = Result().to_html()
    assert (html.count("<table>"), html.count("<p>")) == (2, 2)
    assert "mind &lt;this&gt;" in html
    assert "mind \\<this\\>" in Result().to_markdown()
    assert "% mind <this>" in Result().to_latex()
    assert Result().to_csv() == TABLE.to_csv()


def test_a_result_is_printed_as_its_tables():
    """In Markdown; in a list of results it is its kind and what its tables are of."""

    @dataclass(frozen=True, repr=False)
    class Pair(Tabular):
        first: Table
        second: Table

        def tables(self):
            return [self.first, self.second]

    pair = Pair(Table((), notes=["n"], title="One"), Table((), notes=["m"]))

    assert str(pair) == pair.to_markdown()
    assert repr([pair]) == "[<Pair: One>]"


def test_an_alert_stands_out():
    """In a terminal with colours."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="256")
    print_tables(console, [Table((), notes=["plain", Alert("missing")])])
    plain, missing = console.file.getvalue().splitlines()[:2]
    assert "\x1b[" not in plain
    assert "\x1b[38;5;166m" in missing
