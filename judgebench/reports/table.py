"""Plain tables for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

_ENDLESS = 10_000


def plain_table(*columns: str, first_width: int | None = None) -> Table:
    """A table in the common style: the first column is text, the others are numbers."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for number, column in enumerate(columns):
        if number:
            table.add_column(column, justify="right", no_wrap=True)
        else:
            table.add_column(column, overflow="fold", min_width=first_width)
    return table


def numbered_table(*columns: str) -> Table:
    """The same with a column of numbers before the first one."""
    table = plain_table("", *columns)
    table.columns[0].no_wrap = True
    table.columns[1].justify, table.columns[1].no_wrap, table.columns[1].overflow = "left", False, "fold"
    return table


def natural_width(console: Console, table: Table) -> int:
    """How wide a table is where nothing in it is broken."""
    return console.measure(table, options=console.options.update(max_width=_ENDLESS)).maximum
