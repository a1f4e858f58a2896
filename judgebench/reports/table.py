"""Tables for the terminal: as wide as it is, names broken last, and columns that find no room in a table below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table as Grid
from rich.text import Text

from judgebench._util.table import Alert, Marked
from judgebench._util.text import one_line
from judgebench.reports.styles import ASIDE, BAR, WARNING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

    from judgebench._util.table import Column, Table, TableRow, Value

_NAME = 24
"""Columns that a name gets at least before it is broken."""
_GAPS = (3, 2)
"""Columns between two, the second where that makes all fit."""
_BAR = 12
_STYLES = {"": "", "strong": "bold", "aside": ASIDE}


def print_tables(console: Console, tables: Iterable[Table]) -> None:
    """Each table with its title above it and its notes below; what does not fit beside the names has a table below."""
    for table in tables:
        if table.title:
            title = one_line(" · ".join(filter(None, (table.title, table.about))))
            lines = [title] if cell_len(title) <= console.width else [one_line(table.title), one_line(table.about)]
            for line in filter(None, lines):
                console.print(Text(line, style="bold"))
        for grid in _Layout(table, console.width).grids():
            console.print(grid)
            if not (table.tight and table.notes):
                console.print()
        for note in table.notes:
            style = WARNING if isinstance(note, Alert) else ""
            for line in _hanging(console, one_line(note)):
                console.print(Text(line, style=style), soft_wrap=True)
        if table.notes:
            console.print()


def _hanging(console: Console, note: str) -> Iterator[str]:
    """A note in lines, those after the first further in."""
    first = Text(note).wrap(console, max(console.width - 2, 1))[0].plain.rstrip()
    yield f"  {first}"
    if rest := note[len(first) :].lstrip():
        yield from (f"    {line.plain.rstrip()}" for line in Text(rest).wrap(console, max(console.width - 4, 1)))


class _Layout:
    """How a table stands in a terminal of some width."""

    def __init__(self, table: Table, width: int) -> None:
        self._columns, self._rows, self._width = table.columns, table.rows, width
        every = range(len(table.columns))
        marks = [max((len(_mark(row.entries[at])) for row in table.rows), default=0) for at in every]
        self._cells = [[_cell(self._columns[at], row, at, marks[at]) for at in every] for row in table.rows]
        self._wide = [max(self._columns[at].width, *map(cell_len, self._texts(at))) for at in every]
        self._least = [
            min(self._wide[at], _NAME) if self._columns[at].kind == "text" else self._wide[at] for at in every
        ]
        self._names = [at for at in every if self._columns[at].names]
        self._titles = self._text_columns(self._names)
        self._gap = next((gap for gap in _GAPS if self._total(self._least, every, gap) <= width), _GAPS[0])

    def grids(self) -> Iterator[Grid]:
        """The names with the columns behind them; those that find no room stand behind the names again, below."""
        for number, part in enumerate(self._parts() if self._rows else ()):
            yield self._grid(self._telling() if number else self._names, part)

    def _texts(self, at: int) -> list[str]:
        return [self._columns[at].title, *(line[at].plain for line in self._cells)]

    def _text_columns(self, columns: Sequence[int]) -> list[int]:
        return [at for at in columns if self._columns[at].kind == "text"]

    def _total(self, widths: Sequence[int], columns: Sequence[int], gap: int) -> int:
        return sum(widths[at] for at in columns) + gap * (len(columns) - 1)

    def _fits(self, columns: Sequence[int]) -> bool:
        """Whether there is room for columns behind the names, these below each other and broken where need be."""
        if self._total(self._wide, [*self._names, *columns], self._gap) <= self._width:
            return True
        names = [at for at in self._names if at not in self._titles[1:]]
        below = 2 + max((self._least[at] for at in self._titles[1:]), default=-2)
        wider = max(below - self._least[self._titles[0]], 0) if below else 0
        return self._total(self._least, [*names, *columns], self._gap) + wider <= self._width

    def _fits_below(self, columns: Sequence[int]) -> bool:
        """The same in a table below, which has only the names that tell the rows apart."""
        names = self._telling()
        if len(self._text_columns(names)) > 1:
            return self._fits(columns)
        return self._total(self._least, [*names, *columns], self._gap) <= self._width

    def _parts(self) -> Iterator[list[int]]:
        """The columns behind the names in as many tables as it takes: the first, and those that gave way to it."""
        first, below = [at for at in range(len(self._columns)) if at not in self._names], []
        if self._gap == _GAPS[0]:
            while not self._fits(first) and (most := max(self._columns[at].priority for at in first)):
                below += [at for at in first if self._columns[at].priority == most and not self._columns[at].optional]
                first = [at for at in first if self._columns[at].priority < most]
        fits = self._fits
        for group in (first, sorted(below)):
            part: list[int] = []
            for at in group:
                if part and not fits([*part, at]):
                    yield part
                    part, fits = [], self._fits_below
                part.append(at)
            if part:
                yield part
            fits = self._fits_below

    def _telling(self) -> list[int]:
        """The first of the names that tell the rows apart."""
        for count in range(1, len(self._titles)):
            if len({tuple(line[at].plain for at in self._titles[:count]) for line in self._cells}) == len(self._cells):
                return [at for at in self._names if at not in self._titles[count:]]
        return self._names

    def _grid(self, names: Sequence[int], others: Sequence[int]) -> Grid:
        """Names and columns; where the names do not fit beside each other, the others stand below the first."""
        beside = self._total(self._wide, [*names, *others], self._gap) <= self._width or self._gap != _GAPS[0]
        below = [] if beside else self._text_columns(names)[1:]
        shown = [at for at in (*names, *others) if at not in below]
        grid = Grid(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, self._gap - 2))
        for column in (self._columns[at] for at in shown):
            grid.add_column(
                column.title,
                justify="left" if column.left else "right",
                no_wrap=column.kind != "text",
                overflow="fold",
                min_width=column.width or None,
            )
        for row, line in zip(self._rows, self._cells, strict=True):
            cells = [line[at].copy() for at in shown]
            if below:
                cells[shown.index(self._titles[0])].append("".join(f"\n  {line[at].plain}" for at in below))
            grid.add_row(*cells, style=_STYLES[row.style], end_section=row.rule)
        return grid


def _mark(value: Value) -> str:
    return value.mark if isinstance(value, Marked) else ""


def _cell(column: Column, row: TableRow, at: int, mark: int) -> Text:
    """A cell; marks stand below each other, so that the values do."""
    value = row.entries[at]
    if column.kind == "bar":
        return _bar(value)
    indent = "  " if row.indent and not at else ""
    if isinstance(value, Marked) and mark:
        return Text(f"{indent}{column.text(value.value, row.unit)} {value.mark:<{mark}}")
    return Text(f"{indent}{column.text(value, row.unit)}")


def _bar(share: Value) -> Text:
    if not isinstance(share, float):
        return Text()
    full = round(max(share, 0.0) * _BAR)
    return Text("━" * full, style=BAR).append("─" * (_BAR - full), style="dim")
