"""What `filter` keeps beside its output: the judge's columns of each chunk, and the runs that still go on."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from judgebench._util.files import whole_file, writing
from judgebench.engine.filterverdicts import RowVerdict
from judgebench.sources.source import BATCH_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.engine.filterrows import FilterRows, SurveyedChunk
    from judgebench.engine.spec import RunSpec

VERSION = 1
"""Of the parts' form: those of another are made anew."""


class Parts:
    """The folder beside an output.

    Args:
        folder: It.
        spec: The run over any of the chunks: what makes parts those of this judge, template and protocol.
    """

    def __init__(self, folder: Path, spec: RunSpec) -> None:
        self.folder = folder
        self._identity = spec.identity()

    def _name(self, chunk: SurveyedChunk) -> str:
        said = {"version": VERSION, **self._identity, "items": chunk.hash, "rows": chunk.rows}
        text = json.dumps(said, sort_keys=True, default=str)
        return f"{chunk.number:06}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def path(self, chunk: SurveyedChunk) -> Path:
        """The file of a chunk's part."""
        return self.folder / f"{self._name(chunk)}.parquet"

    def runs(self, chunk: SurveyedChunk) -> Path:
        """The folder above the chunk's run, which is there while anything of it is still to be asked."""
        return self.folder / "runs" / self._name(chunk)

    def done(self, chunk: SurveyedChunk) -> bool:
        """Whether all of a chunk is judged, and nothing is to be asked again."""
        return self.path(chunk).exists() and not self.runs(chunk).exists()

    def write(self, chunk: SurveyedChunk, verdicts: Sequence[RowVerdict], *, settled: bool) -> None:
        """Writes a part, whole or not at all; of a settled one the run's folder goes, for the cache has its replies.

        Raises:
            StorageError: It cannot be written.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = list(zip(*verdicts, strict=True))
        table = pa.Table.from_arrays(
            [pa.array(column, field.type) for column, field in zip(columns, verdict_schema(), strict=True)],
            schema=verdict_schema(),
        )
        with writing(self.folder, "choose another --out"):
            self.folder.mkdir(parents=True, exist_ok=True)
            with whole_file(self.path(chunk)) as part:
                pq.write_table(table, part, compression="zstd")
            if settled and self.runs(chunk).exists():
                shutil.rmtree(self.runs(chunk))
                with suppress(OSError):  # runs of other chunks are there
                    self.runs(chunk).parent.rmdir()

    def tables(self, chunks: Sequence[SurveyedChunk]) -> Iterator[Any]:
        """The parts, as Arrow tables with the fields of `RowVerdict`, chunk by chunk."""
        import pyarrow.parquet as pq

        for chunk in chunks:
            yield pq.read_table(self.path(chunk), memory_map=False)


def verdict_schema() -> Any:
    """Arrow's schema of the fields of `RowVerdict`."""
    import pyarrow as pa

    types: Mapping[str, Any] = {
        "row": pa.int64(),
        **dict.fromkeys(("bad", "choice", "label", "failure", "unit"), pa.string()),
        **dict.fromkeys(("agrees", "consistent", "labelled"), pa.bool_()),
        **dict.fromkeys(("probability", "rating", "cost_usd", "uncertainty"), pa.float64()),
    }
    return pa.schema([(name, types[name]) for name in RowVerdict._fields])


@dataclass(frozen=True, slots=True)
class JudgedRows:
    """Some rows as their source has them, and what the judge says of each.

    Attributes:
        verdicts: An Arrow table with the fields of `RowVerdict`.
        batch: The rows as a record batch, where the source has types; else None.
        rows: The rows as dictionaries, where it has none.
        encoded: Whether lists stand as text in their cells, as in CSV.
    """

    verdicts: Any
    batch: Any = None
    rows: Sequence[Mapping[str, Any]] = ()
    encoded: bool = False

    def __len__(self) -> int:
        return int(self.verdicts.num_rows)

    def column(self, name: str) -> Sequence[Any]:
        """A column of the user's, as Python values."""
        if self.batch is None:
            return [row.get(name) for row in self.rows]
        values: Sequence[Any] = self.batch.column(name).to_pylist()
        return values

    def row(self, at: int) -> Mapping[str, Any]:
        """One row."""
        found: Mapping[str, Any] = self.rows[at] if self.batch is None else self.batch.slice(at, 1).to_pylist()[0]
        return found

    def take(self, places: Sequence[int]) -> JudgedRows:
        """Some of the rows, in order."""
        if len(places) == len(self):
            return self
        import pyarrow as pa

        indices = pa.array(places, pa.int64())
        verdicts = self.verdicts.take(indices)
        if self.batch is None:
            return JudgedRows(verdicts, rows=[self.rows[at] for at in places], encoded=self.encoded)
        return JudgedRows(verdicts, self.batch.take(indices))


def judged_rows(rows: FilterRows, tables: Iterator[Any]) -> Iterator[JudgedRows]:
    """The rows that were judged, in the order of their source, some hundreds at a time.

    Args:
        rows: The source.
        tables: The parts, see `Parts.tables`.
    """
    verdicts = _Verdicts(tables)
    first = 1
    batches = rows.raw.batches()
    if batches is not None:
        for batch in batches:
            for found in verdicts.of(first, batch.num_rows):
                places = found["row"].to_numpy() - first
                yield JudgedRows(found, _part_of(batch, places))
            first += batch.num_rows
        return
    held: list[Mapping[str, Any]] = []
    encoded = False
    for row in rows.raw.every_row():
        held.append(row.data)
        encoded = row.encoded
        if len(held) == BATCH_ROWS:
            yield from _of_rows(verdicts, first, held, encoded=encoded)
            first, held = first + len(held), []
    yield from _of_rows(verdicts, first, held, encoded=encoded)


def _of_rows(
    verdicts: _Verdicts, first: int, held: Sequence[Mapping[str, Any]], *, encoded: bool
) -> Iterator[JudgedRows]:
    for found in verdicts.of(first, len(held)):
        yield JudgedRows(found, rows=[held[number - first] for number in found["row"].to_pylist()], encoded=encoded)


def _part_of(batch: Any, places: Any) -> Any:
    import pyarrow as pa

    if len(places) == batch.num_rows:
        return batch
    if len(places) and places[-1] - places[0] + 1 == len(places):
        return batch.slice(int(places[0]), len(places))
    return batch.take(pa.array(places))


class _Verdicts:
    """The tables of all parts, one after another, by the numbers of rows."""

    def __init__(self, tables: Iterator[Any]) -> None:
        self._tables = tables
        self._table: Any = None
        self._numbers: Any = None
        self._next()

    def _next(self) -> None:
        self._table = next(self._tables, None)
        self._numbers = None if self._table is None else self._table["row"].to_numpy()

    def of(self, first: int, count: int) -> Iterator[Any]:
        """Those of so many rows from a number on; by how many tables they are of."""
        import numpy as np

        while self._table is not None:
            low, high = np.searchsorted(self._numbers, [first, first + count])
            if high > low:
                yield self._table.slice(low, high - low)
            if high < len(self._numbers):
                return
            self._next()
