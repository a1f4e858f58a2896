"""Rows of a table in an SQLite database: `--data sqlite:FILE#TABLE`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench.errors import DataError
from judgebench.sources.source import Row, Source

if TYPE_CHECKING:
    from collections.abc import Iterator


class SqliteSource(Source):
    """One table; the place of a row is its number."""

    def __init__(self, rest: str) -> None:
        """Args: what stands after `sqlite:`; the table is called `pairs` where none is named."""
        self.name = f"sqlite:{rest}"
        path, _, table = rest.partition("#")
        self._path, self._table = Path(path), table or "pairs"
        if not self._path.is_file():
            raise DataError(f"{self.name}: file not found: {path}: check the path")

    def rows(self) -> Iterator[Row]:
        """The rows one by one, from the first at each call."""
        with closing(sqlite3.connect(self._path)) as database:
            table = self._table.replace('"', '""')
            try:
                cursor = database.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - the name is quoted
                columns = [description[0] for description in cursor.description]
                for number, values in enumerate(cursor, 1):
                    yield Row(f"{self._table} row {number}", dict(zip(columns, values, strict=True)))
            except sqlite3.Error as error:
                raise DataError(f"{self.name}: cannot be read ({error}): check the file and the table") from error
