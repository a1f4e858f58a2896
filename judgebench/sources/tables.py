"""Rows out of tables: CSV with any delimiter, Parquet, Arrow and workbooks."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from judgebench.errors import DataError
from judgebench.sources.columns import says_role
from judgebench.sources.source import Row
from judgebench.sources.streams import CHUNK, byte_stream, text_stream

if TYPE_CHECKING:
    import _csv
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
"""What may stand between two cells, and what it is called."""

_HINT = re.compile(r"sep=([,;\t|])\s*$")
"""The first line by which Excel is told the delimiter."""

_ESCAPED = re.compile(r'(?<!\\)((?:\\\\)*)\\"')
_ABOVE = 3
"""So many lines may stand above a header."""

_BATCH = 256
_LARGEST_CELL = 2**31 - 1  # what a C long holds everywhere
_TRIED = 50


def read_csv(path: Path, split: str, *, usual: str = ",") -> Iterator[Row]:
    """The rows of a table in text; the delimiter is the one that parts the header, and most rows as it does.

    Args:
        path: The file.
        split: What its rows have in the place of a split.
        usual: The delimiter by the file's suffix.

    Raises:
        DataError: The quotes do not match; a row of another length is one with that problem.
    """
    # The limit is one for the process; raising it does no harm to others.
    csv.field_size_limit(max(csv.field_size_limit(), _LARGEST_CELL))
    dialect = dialect_of(path, usual)
    name, line = path.name, 1 + dialect.above
    header: list[str] = []
    with text_stream(path, newline="") as file:
        for _ in range(dialect.above):
            file.readline()
        reader = _reader(file, dialect)
        try:
            for cells in reader:
                where = f"{name} line {line}"
                if not any(cells):
                    pass  # a blank line, or one of delimiters alone, as spreadsheets leave at the end
                elif not header:
                    header = [] if _is_title(cells) else _header(where, cells)
                elif not any(cells[len(header) :]) and not any(header[len(cells) :]):
                    yield Row(where, dict(zip(header, cells, strict=False)), split, encoded=True)
                else:
                    problem = (
                        f"{len(cells)} cells where the header has {len(header)}: put cells that hold delimiters, "
                        f"quotes or line ends in double quotes (the delimiter is {DELIMITERS[dialect.delimiter]})"
                    )
                    yield Row(where, {}, split, encoded=True, problem=problem)
                line = reader.line_num + 1 + dialect.above
        except csv.Error as error:
            raise DataError(
                f"{name} line {line}: not valid CSV ({error}): put cells that hold delimiters, quotes or line ends in "
                "double quotes, and double the quotes inside"
            ) from error


Quotes = Literal["doubled", "after spaces", "escaped", "none"]


@dataclass(frozen=True)
class Dialect:
    """How a table in text is written.

    Attributes:
        delimiter: What stands between two cells.
        quotes: How quotes in cells are: `doubled`, as the standard has it; `after spaces`, with blanks before quoted
            cells; `escaped`, by a backslash, as Spark and MySQL write them; `none`, where a quote is as any character.
        above: So many lines stand above the header.
    """

    delimiter: str
    quotes: Quotes = "doubled"
    above: int = 0


def dialect_of(path: Path, usual: str) -> Dialect:
    """How a table is written; its delimiter is the usual one where that parts the header, else what parts most rows."""
    with text_stream(path, newline="") as file:
        sample = file.read(CHUNK)
    hint = _HINT.match(sample.partition("\n")[0])
    if hint is not None:
        return Dialect(hint[1], above=1)
    delimiters = list(dict.fromkeys((usual, *DELIMITERS)))
    for above in range(_ABOVE):
        lines = sample.splitlines(keepends=True)[above:]
        found = {each: _widths(lines, Dialect(each)) for each in delimiters}
        best = max(found, key=lambda each: (*_share(found[each]), each == usual))
        share, width = _share(found[best])
        if width > 1 and (not above or share == 1.0):
            return Dialect(best, _quotes(lines, best), above)
    return Dialect(usual)


def _share(widths: Sequence[int]) -> tuple[float, int]:
    """How many of the rows are as long as the header, and how long that is; no row counts where it has one cell."""
    header, *rows = widths or [1]
    share = sum(width == header for width in rows) / len(rows) if rows else 1.0
    return (round(share, 1) if header > 1 else 0.0, header)


def _quotes(lines: Sequence[str], delimiter: str) -> Quotes:
    """The first way of quoting in which all of the first rows have as many cells; the standard's where none does."""
    ways: dict[Quotes, str] = {"doubled": "", "after spaces": f'{delimiter} "', "escaped": '\\"'}
    ways |= {"none": '"'} if delimiter == "\t" else {}
    text = "".join(lines)
    for quotes, sign in ways.items():
        if sign in text and len({*_widths(lines, Dialect(delimiter, quotes), whole=True)}) == 1:
            return quotes
    return "doubled"


def _reader(lines: Iterable[str], dialect: Dialect) -> _csv.Reader:
    if dialect.quotes == "escaped":
        lines = (_ESCAPED.sub(r'\1""', line) for line in lines)
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        strict=True,
        skipinitialspace=dialect.quotes == "after spaces",
        quoting=csv.QUOTE_NONE if dialect.quotes == "none" else csv.QUOTE_MINIMAL,
    )


def _widths(lines: Sequence[str], dialect: Dialect, *, whole: bool = False) -> list[int]:
    """How many cells the first rows have; as far as they can be read, and with `whole` a 0 where they cannot."""
    widths: list[int] = []
    try:
        rows = islice(_reader(lines, dialect), _TRIED)
        widths.extend(len(cells) for cells in rows if any(cells))
    except csv.Error:  # a cell that the sample cuts off, or another delimiter's quotes
        if whole:
            widths.append(0)
    return widths


def _is_title(cells: Sequence[object]) -> bool:
    """Whether a row of several cells has one that is filled: what people write above a table."""
    return len(cells) > 1 and sum(cell not in (None, "") for cell in cells) == 1


def _header(where: str, cells: Sequence[str]) -> list[str]:
    """The names of the columns; of two with one name that is none of a label, say, the second gets a number."""
    header: list[str] = []
    for cell in map(str.strip, cells):
        if cell in header and says_role(cell):
            raise DataError(f"{where}: the header has the column '{cell}' twice: give each column a unique name")
        header.append(f"{cell} ({header.count(cell) + 1})" if cell in header and cell else cell)
    return header


def read_parquet(path: Path, split: str) -> Iterator[Row]:
    """The rows of a Parquet file, in batches."""
    yield from _batches(path, split, parquet_batches(path, _BATCH))


def parquet_batches(path: Path, size: int) -> Iterator[Any]:
    """The record batches of a Parquet file, of at most `size` rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=size, use_threads=False)  # threads keep memory of their own
    except pa.ArrowException as error:
        raise _broken(path, "Parquet", error) from error


def read_arrow(path: Path, split: str) -> Iterator[Row]:
    """The rows of an Arrow file, as Feather and `datasets` write them: with a footer, or as a stream."""
    yield from _batches(path, split, arrow_batches(path))


def arrow_batches(path: Path) -> Iterator[Any]:
    """The record batches of an Arrow file."""
    import pyarrow as pa

    try:
        with byte_stream(path) as file:
            start = file.peek(6)[:6] if hasattr(file, "peek") else b""
            if start == b"ARROW1" and not path.name.lower().endswith((".gz", ".zst")):
                with pa.memory_map(str(path)) as mapped:
                    opened = pa.ipc.open_file(mapped)
                    yield from (opened.get_batch(at) for at in range(opened.num_record_batches))
            elif start == b"ARROW1":
                opened = pa.ipc.open_file(pa.BufferReader(file.read()))
                yield from (opened.get_batch(at) for at in range(opened.num_record_batches))
            else:
                yield from pa.ipc.open_stream(file)
    except pa.ArrowException as error:
        raise _broken(path, "Arrow", error) from error


def arrow_schema(path: Path, *, parquet: bool) -> Any:
    """Arrow's schema of a Parquet or Arrow file; None of an Arrow file without batches."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not parquet:
        first = next(arrow_batches(path), None)
        return None if first is None else first.schema
    try:
        return pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise _broken(path, "Parquet", error) from error


def joined_schema(schemas: Sequence[Any]) -> Any:
    """One schema for tables whose columns differ in order, in their types, or in which of them are there.

    A column has the type that takes the values of all (`int32` and `int64`: `int64`); None where there is none.
    """
    import pyarrow as pa

    try:
        whole = pa.unify_schemas(schemas, promote_options="permissive")
        for schema in schemas:
            for field in schema:
                pa.array([], field.type).cast(whole.field(field.name).type)
    except (pa.ArrowException, KeyError):  # KeyError: a name that is there twice
        return schemas[0] if all(schema.equals(schemas[0]) for schema in schemas) else None
    return whole


def in_schema(batches: Iterable[Any], whole: Any) -> Iterator[Any]:
    """Record batches in the schema that `joined_schema` found; what a batch lacks is null.

    Raises:
        DataError: A value does not go into the joined type.
    """
    import pyarrow as pa

    for batch in batches:
        if batch.schema.equals(whole):
            yield batch
            continue
        columns = []
        for field in whole:
            at = batch.schema.get_field_index(field.name)
            try:
                columns.append(pa.nulls(batch.num_rows, field.type) if at < 0 else batch.column(at).cast(field.type))
            except pa.ArrowException as error:
                reason = " ".join(str(error).split())[:200]
                raise DataError(f"column '{field.name}': {reason}: give it one type in all files") from error
        yield pa.RecordBatch.from_arrays(columns, schema=whole)


def _batches(path: Path, split: str, batches: Any) -> Iterator[Row]:
    number = 0
    for batch in batches:
        for start in range(0, batch.num_rows, _BATCH):
            for data in batch.slice(start, _BATCH).to_pylist():
                number += 1
                columns = {key: data[key] for key in data if not key.startswith("__index_level_")}
                yield Row(f"{path.name} row {number}", columns, split)


def _broken(path: Path, what: str, error: BaseException) -> DataError:
    reason = " ".join(str(error).split())[:200]
    return DataError(f"cannot read {path} as {what} ({reason}): make the file again")


def read_workbook(path: Path, split: str) -> Iterator[Row]:
    """The rows of a workbook's first sheet that holds any, as Excel and others save them.

    Raises:
        DataError: The library that reads workbooks is not installed, or cannot read this one.
    """
    sheet, rows = _sheet(path)
    header: list[str] = []
    for number, given in enumerate(rows, 1):
        cells = [_plain(cell) for cell in given]
        where = f"{path.name} row {number}"
        if all(cell is None for cell in cells):
            continue
        if not header:
            header = [] if _is_title(cells) else _header(where, ["" if cell is None else str(cell) for cell in cells])
            continue
        data = {name: cell for name, cell in zip(header, cells, strict=False) if name}
        yield Row(where, data, split or sheet, encoded=True)


def _sheet(path: Path) -> tuple[str, list[list[Any]]]:
    try:
        import python_calamine as calamine
    except ImportError as error:
        raise DataError(
            f"{path.name}: workbooks need one more library: pip install 'judgebench[xlsx]', or save the sheet as CSV"
        ) from error
    try:
        with byte_stream(path) as file:
            book = calamine.CalamineWorkbook.from_filelike(file)
            for name in book.sheet_names:
                rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                if len(rows) > 1:
                    return name, rows
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise _broken(path, "a workbook", error) from error
    raise DataError(f"{path.name}: no sheet holds a table: put the columns' names in the first row")


def _plain(cell: Any) -> Any:
    """A cell as other tables have it: nothing where it is empty, whole numbers without a point, dates as text."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return cell if isinstance(cell, str | int | float | bool) else str(cell)
