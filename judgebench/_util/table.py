"""One typed table: columns that say what their values are, rows of plain values, and every form it is shown in.

Whatever is a result is `Tabular`: it gives its tables, and gets HTML, Markdown, LaTeX, CSV and a data frame of them.
The terminal's form is `judgebench.reports.table`.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from judgebench._util.html import html_table, paragraphs
from judgebench._util.latex import LATEX_NEEDS, latex_table
from judgebench._util.text import (
    coefficient,
    decimals,
    difference_text,
    dollars,
    effect_text,
    one_line,
    p_text,
    percent,
    score_text,
    thousands,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pandas as pd
    import pyarrow as pa

    from judgebench._util.text import Unit

T = TypeVar("T")

_Kind = Literal["text", "mark", "flag", "bar"]
_Numbers = Literal["count", "tokens", "number", "coefficient", "share", "score", "interval", "difference"]
Kind = _Kind | _Numbers | Literal["distance", "effect", "reach", "p", "money"]
"""What a column's values are; two ends of an interval are a pair of numbers, and text may stand in a number's place."""

Style = Literal["", "strong", "aside"]

_TEXT_KINDS = frozenset({"text", "mark"})
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula, and run it."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A value with a mark beside it: a star, say, or letters."""

    value: Value
    mark: str


if TYPE_CHECKING:
    Value = str | float | bool | tuple[float, float] | Marked | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: In files.
        head: What people read above it, where that is something else.
        form: Of its numbers, in the words of `format`; empty for the kind's own.
        names: Whether it says whose a row is: such columns come first, and come again where a table is broken in two.
        priority: Where a terminal has no room the columns of the highest one move into a table below; 0 stay.
        optional: Whether it is left out, then, rather than moved.
        width: In a terminal at least.
    """

    name: str
    kind: Kind = "text"
    head: str | None = None
    form: str = ""
    names: bool = False
    priority: int = 0
    optional: bool = False
    width: int = 0

    @property
    def title(self) -> str:
        """What people read above it."""
        return self.name if self.head is None else self.head

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.kind not in _TEXT_KINDS

    @property
    def left(self) -> bool:
        """Whether it stands to the left."""
        return self.names or self.kind == "text"

    def text(self, value: Value, unit: Unit | None) -> str:
        """A value as people read it; empty for None and for what is no number."""
        if isinstance(value, Marked):
            return f"{self.text(value.value, unit)} {value.mark}".strip()
        if isinstance(value, tuple):
            return " to ".join(self.text(end, unit) for end in value)
        if value is None or (isinstance(value, float) and math.isnan(value) and self.kind != "coefficient"):
            return ""
        if isinstance(value, str):
            return one_line(value)
        return format(value, self.form) if self.form else _TEXTS[self.kind](value, unit)


if TYPE_CHECKING:
    Columns = dict[Column, Callable[[Any], Value]]
    """Columns, each with what gives an item's value."""

_TEXTS: Mapping[str, Callable[[Any, Unit | None], str]] = {
    "count": lambda value, _: str(value),
    "tokens": lambda value, _: thousands(value),
    "number": lambda value, _: decimals(value),
    "coefficient": lambda value, _: coefficient(value),
    "share": lambda value, _: percent(value),
    "score": score_text,
    "interval": lambda value, unit: score_text(value, unit).rpartition(" ")[2],
    "difference": difference_text,
    "distance": lambda value, unit: "none" if value >= 1 else difference_text(value, unit).removeprefix("+"),
    "effect": effect_text,
    "reach": lambda value, unit: effect_text(value, unit).removeprefix("+").removesuffix("%"),
    "p": lambda value, _: p_text(value),
    "money": lambda value, _: dollars(value),
    "flag": lambda value, _: "yes" if value else "",
    "bar": lambda value, _: percent(value),
}


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: a value a column.

    Attributes:
        unit: What its scores, differences and effects are in; None where it has none.
        style: Whether it stands out (`strong`) or is beside the matter (`aside`).
        rule: Whether a line is drawn below it.
        indent: Whether it belongs to a row above it.
    """

    entries: tuple[Value, ...]
    unit: Unit | None = "share"
    style: Style = ""
    rule: bool = False
    indent: bool = False


class Alert(str):
    """A note that says that something is missing."""

    __slots__ = ()


class Tabular:
    """What has tables: as a notebook shows it, and as HTML, Markdown, LaTeX, CSV and a data frame."""

    __slots__ = ()

    def tables(self) -> Sequence[Table]:
        """All of it as people read it, table by table."""
        raise NotImplementedError

    def remarks(self) -> Sequence[str]:
        """What a reader must know of the whole, which a command says on standard error."""
        return ()

    def table(self) -> Table:
        """The one table that CSV and data frames are made of: the first, where nothing else is said."""
        return self.tables()[0]

    def to_html(self) -> str:
        """All tables with their notes; every text from outside is escaped."""
        return "".join(map(_html, self._all()))

    def to_markdown(self) -> str:
        """All tables with their notes below them."""
        return "\n".join(map(_markdown, self._all()))

    def to_latex(self) -> str:
        """All tables as floats with the rules of the package `booktabs`, their notes as comments."""
        tables = (latex_table(each.title, each.heads, each.cells, each.notes, left=each.left) for each in self._all())
        return LATEX_NEEDS + "\n".join(tables)

    def to_csv(self) -> str:
        """The values of `table()` as they are, with nothing for None.

        Text that begins like a formula (`=`, `+`, `-`, `@`, a tab or a carriage return) gets an apostrophe before it,
        as OWASP advises, so that no spreadsheet runs a name out of data; numbers are as they are.
        """
        columns, rows = self.table().records
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([_csv(column.name) for column in columns])
        writer.writerows([_csv(value) for value in line] for line in rows)
        return out.getvalue()

    def to_arrow(self) -> pa.Table:
        """The values of `table()` with the types of their columns, for Parquet."""
        import pyarrow as pa

        columns, rows = self.table().records
        types = {
            **dict.fromkeys(_TEXT_KINDS, pa.string()),
            "count": pa.int64(),
            "tokens": pa.int64(),
            "flag": pa.bool_(),
        }
        values = {
            column.name: pa.array([_storable(row[at]) for row in rows], types.get(column.kind, pa.float64()))
            for at, column in enumerate(columns)
        }
        return pa.table(values)

    def to_frame(self) -> pd.DataFrame:
        """The values of `table()` as a pandas data frame; whole numbers with gaps are `Int64`."""
        import pandas as pd
        import pyarrow as pa

        frame: pd.DataFrame = self.to_arrow().to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
        return frame

    def _all(self) -> Sequence[Table]:
        remarks = self.remarks()
        return [*self.tables(), *([Table((), notes=remarks)] if remarks else [])]

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        """All tables in Markdown."""
        return self.to_markdown()

    def __repr__(self) -> str:
        """The kind of result and the titles of its tables."""
        titles = list(dict.fromkeys(table.title for table in self.tables() if table.title))
        return f"<{type(self).__name__}: {'; '.join(titles) or 'empty'}>"


@dataclass(frozen=True)
class Table(Tabular):
    """Columns and rows.

    Attributes:
        title: Stands above it.
        notes: What a reader must know, a sentence each; a table without columns is its notes alone.
        about: Stands beside the title in a terminal.
        tight: Whether the notes stand right below it in a terminal.
    """

    columns: Sequence[Column]
    rows: Sequence[TableRow] = ()
    title: str = ""
    notes: Sequence[str] = ()
    about: str = ""
    tight: bool = False

    @classmethod
    def of(
        cls,
        items: Iterable[T],
        columns: Mapping[Column, Callable[[T], Value]],
        row: Callable[[T], Mapping[str, object]] | None = None,
        *,
        title: str = "",
        notes: Sequence[str] = (),
        about: str = "",
        tight: bool = False,
    ) -> Table:
        """A table with one row per item.

        Args:
            items: What the rows are of.
            columns: Each with what gives an item's value.
            row: What gives the other fields of an item's `TableRow`; None where there are none.
            title: As the table's field, like the following ones.
            notes: Sentences below it.
            about: What stands beside the title.
            tight: Whether columns stand close together.
        """
        rows = [
            TableRow(
                tuple(value(item) for value in columns.values()), **cast("dict[str, Any]", row(item) if row else {})
            )
            for item in items
        ]
        return cls(list(columns), rows, title=title, notes=notes, about=about, tight=tight)

    @classmethod
    def rows_of(cls, rows: Iterable[tuple[Value, ...]], *columns: Column) -> Table:
        """A table of rows that are tuples already."""
        return cls(columns, [TableRow(row) for row in rows])

    def tables(self) -> Sequence[Table]:
        """Itself."""
        return (self,)

    @property
    def shown(self) -> list[int]:
        """The columns that are text in a file: all but bars."""
        return [at for at, column in enumerate(self.columns) if column.kind != "bar"]

    @property
    def heads(self) -> list[str]:
        """What people read above the columns."""
        return [self.columns[at].title for at in self.shown]

    @property
    def cells(self) -> list[list[str]]:
        """The rows as people read them."""
        return [[self.columns[at].text(row.entries[at], row.unit) for at in self.shown] for row in self.rows]

    @property
    def left(self) -> list[bool]:
        """Of each column whether it stands to the left."""
        return [self.columns[at].left for at in self.shown]

    @property
    def records(self) -> tuple[list[Column], list[list[object]]]:
        """Columns and rows of plain values: an interval is two columns, `low` and `high`, and a mark is left out."""
        wide = {at for at in self.shown if any(isinstance(_bare(row.entries[at]), tuple) for row in self.rows)}
        columns: list[Column] = []
        for at in self.shown:
            own = self.columns[at]
            of = f"{own.name}, " if len(wide) > 1 else ""
            columns += [Column(f"{of}{end}", "number") for end in ("low", "high")] if at in wide else [own]
        rows = [[value for at in self.shown for value in self._values(at, row, wide=at in wide)] for row in self.rows]
        return columns, rows

    def _values(self, at: int, row: TableRow, *, wide: bool) -> tuple[Any, ...]:
        value = _bare(row.entries[at])
        if isinstance(value, tuple):
            return value
        if value is None or (self.columns[at].numeric and isinstance(value, str)):
            return (None, None) if wide else (None,)
        return (value,)


def ends_of(estimate: Any) -> tuple[float, float] | None:
    """The interval of whatever has `low` and `high`, where it has one."""
    return None if estimate.low is None or estimate.high is None else (estimate.low, estimate.high)


def _bare(value: Value) -> str | float | bool | tuple[float, float] | None:
    return _bare(value.value) if isinstance(value, Marked) else value


def _html(table: Table) -> str:
    shown = html_table(table.heads, table.cells, left=table.left, title=table.title) if table.columns else ""
    return shown + paragraphs(table.notes)


def _markdown(table: Table) -> str:
    head = f"## {table.title}\n\n" if table.title else ""
    notes = "".join(f"\n- {markdown_cell(note)}" for note in table.notes)
    if not table.columns:
        return f"{head}{notes.removeprefix(chr(10))}\n"
    rule = ["---" if left else "---:" for left in table.left]
    lines = (f"| {' | '.join(map(markdown_cell, cells))} |" for cells in (table.heads, *table.cells))
    first, *others = lines
    return "\n".join([f"{head}{first}", f"| {' | '.join(rule)} |", *others]) + (f"\n{notes}\n" if notes else "\n")


def markdown_cell(text: str) -> str:
    """Text that stays within its cell and is shown as it is."""
    safe = one_line(text).replace("\\", "\\\\")
    for mark in "|*_`<>[]&~#$!":
        safe = safe.replace(mark, f"\\{mark}")
    return safe


def _csv(value: Any) -> Any:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _storable(value: Any) -> Any:
    r"""A lone surrogate, which no file of UTF-8 can hold, is written out as in `\ud800`."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
