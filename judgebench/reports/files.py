"""Reports written to files: text, CSV and Parquet."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from judgebench._util.files import output_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pyarrow as pa

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula, and run it."""


def write_report(path: Path, text: str) -> None:
    """Writes a report, whole or not at all.

    Raises:
        ConfigError: The file cannot be written.
    """
    with output_file(path) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")


def csv_text(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV, with nothing for None.

    Text that begins like a formula (`=`, `+`, `-`, `@`, a tab or a carriage return) gets an apostrophe before it, as
    OWASP advises, so that no spreadsheet runs a name out of data; numbers are as they are.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(_cell, head))
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def write_parquet(path: Path, table: pa.Table) -> None:
    """Writes a table as a Parquet file, whole or not at all.

    Raises:
        ConfigError: The file cannot be written.
    """
    import pyarrow.parquet as pq

    with output_file(path) as part:
        pq.write_table(table, part, compression="zstd")
