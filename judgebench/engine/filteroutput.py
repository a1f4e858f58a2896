"""The files that `filter` writes: Parquet, JSON lines or CSV by the name's end, row group by row group."""

from __future__ import annotations

import base64
import csv
import glob
import gzip
import io
import json
import math
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, Self

from judgebench._util.files import output_file
from judgebench._util.text import encodable
from judgebench.engine.filterparts import verdict_schema
from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.engine.filterparts import JudgedRows
    from judgebench.engine.filterrows import FilterRows

ENDS = (".parquet", ".jsonl", ".csv", ".jsonl.gz", ".csv.gz")
"""What an output's name may end with."""

_GROUP_ROWS, _GROUP_BYTES = 20_000, 2**26
"""A row group of Parquet has so many rows at most, or ends once its values take so much."""


def check_name(path: Path, option: str) -> str:
    """The end of an output's name that says how it is written.

    Raises:
        ConfigError: It is none that can be written.
    """
    name = path.name.lower()
    for end in sorted(ENDS, key=len, reverse=True):
        if name.endswith(end) and len(name) > len(end):
            return end
    raise ConfigError(f"{option} {path}: must end in {', '.join(ENDS)}")


class RowsOut(Protocol):
    """Takes rows one lot after another."""

    def write(self, rows: JudgedRows) -> None:
        """Writes rows with the judge's columns beside them."""


class RowsSchema:
    """What the columns of some rows are.

    Attributes:
        arrow: Arrow's schema of the rows, where their source has one, or where the output needs it.
    """

    def __init__(self, arrow: Any = None, *, inferred: bool = False) -> None:
        self.arrow = arrow
        self._inferred = inferred
        self._names: dict[str, None] = {} if arrow is None else dict.fromkeys(arrow.names)

    @classmethod
    def of(cls, rows: FilterRows, out: Path) -> RowsSchema:
        """That of a source, as far as it is known before the rows are read.

        Raises:
            ConfigError: Two columns have the same name.
        """
        batches = rows.raw.batches()
        first = None if batches is None else next(batches, None)
        twice = [] if first is None else [name for name, count in Counter(first.schema.names).items() if count > 1]
        if twice:
            raise ConfigError(f"{rows.name} has several columns '{twice[0]}': give each a name of its own")
        return cls(inferred=out.name.endswith(".parquet")) if first is None else cls(own_schema(first.schema))

    @property
    def columns(self) -> list[str]:
        """Their names, in order, of the rows so far."""
        return list(self._names)

    def note(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Takes in further rows.

        Raises:
            ConfigError: Parquet has no type for what a column holds.
        """
        if self.arrow is not None and not self._inferred:
            return
        for row in rows:
            if not row.keys() <= self._names.keys():
                self._names |= dict.fromkeys(map(str, row))
        if not self._inferred:
            return
        import pyarrow as pa

        for name in self._names:
            if encodable(name) != name:
                raise ConfigError(f"column {name!a} has a name that Parquet cannot hold: write --out NAME.jsonl")
        fields = [pa.field(name, _type_of(name, [row.get(name) for row in rows])) for name in self._names]
        if self.arrow is None:
            self.arrow = pa.schema(fields)
            return
        try:
            self.arrow = pa.unify_schemas([self.arrow, pa.schema(fields)], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise _mixed(f"a column ({' '.join(str(error).split())[:120]})") from None


def _type_of(name: str, values: Sequence[Any]) -> Any:
    import pyarrow as pa

    try:
        try:
            found = pa.array(values).type
        except UnicodeEncodeError:
            found = pa.array(encodable(values)).type
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        raise _mixed(f"column '{name}'") from None
    if _has_empty_struct(found):
        raise _mixed(f"column '{name}'")
    return found


def _has_empty_struct(found: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_struct(found) and not found.num_fields:
        return True
    return any(_has_empty_struct(found.field(at).type) for at in range(found.num_fields))


def _mixed(what: str) -> ConfigError:
    return ConfigError(
        f"{what} holds values of several types, or objects without fields, which Parquet has no type for: "
        "write --out NAME.jsonl"
    )


def arrow_rows(rows: Sequence[Mapping[str, Any]], schema: Any = None) -> Any:
    """Rows as an Arrow batch; texts that UTF-8 cannot hold are written out."""
    import pyarrow as pa

    try:
        return pa.RecordBatch.from_pylist([dict(row) for row in rows], schema=schema)
    except UnicodeEncodeError:
        return pa.RecordBatch.from_pylist([*map(encodable, rows)], schema=schema)


@contextmanager
def rows_out(path: Path, schema: RowsSchema, names: Mapping[str, str]) -> Iterator[RowsOut]:
    """Where to write rows; the file appears whole when the block ends well.

    Args:
        path: The file; its name's end says how it is written.
        schema: Of the user's own columns.
        names: Fields of `RowVerdict` -> the columns that they become.

    Raises:
        ConfigError: It cannot be written.
    """
    end = check_name(path, "--out")
    for left in path.parent.glob(f".{glob.escape(path.name[:40])}.*.part"):  # of a process that was killed
        left.unlink()
    with output_file(path) as part:
        if end == ".parquet":
            with _ParquetOut(part, schema.arrow, names) as out:
                yield out
            return
        with _text(part, packed=end.endswith(".gz")) as file:
            yield _JsonOut(file, names) if end.startswith(".jsonl") else _CsvOut(file, schema.columns, names)


@contextmanager
def _text(path: Path, *, packed: bool) -> Iterator[io.TextIOWrapper]:
    with path.open("wb") as raw:
        if not packed:
            with io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", newline="") as file:
                yield file
            return
        with (
            gzip.GzipFile("", "wb", 6, raw, mtime=0) as squeezed,
            io.TextIOWrapper(squeezed, encoding="utf-8", errors="backslashreplace", newline="") as file,
        ):
            yield file


def judge_columns(rows: JudgedRows, names: Mapping[str, str]) -> dict[str, Sequence[Any]]:
    """The judge's columns of rows, as Python values under their names."""
    return {name: rows.verdicts[field].to_pylist() for field, name in names.items()}


def whole_rows(rows: JudgedRows, names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Rows as dictionaries with the judge's columns last."""
    own = rows.rows if rows.batch is None else rows.batch.to_pylist()
    columns = judge_columns(rows, names)
    for row, said in zip(own, zip(*columns.values(), strict=True), strict=True):
        yield {**row, **dict(zip(columns, said, strict=True))}


class _JsonOut:
    def __init__(self, file: io.TextIOWrapper, names: Mapping[str, str]) -> None:
        self._file, self._names = file, names

    def write(self, rows: JudgedRows) -> None:
        self._file.writelines(_json(row) + "\n" for row in whole_rows(rows, self._names))


class _CsvOut:
    """A table in text; lists and objects stand in their cells as JSON."""

    def __init__(self, file: io.TextIOWrapper, columns: Sequence[str], names: Mapping[str, str]) -> None:
        self._names = names
        self._writer = csv.DictWriter(file, [*columns, *names.values()], lineterminator="\n")
        self._writer.writeheader()

    def write(self, rows: JudgedRows) -> None:
        self._writer.writerows(
            {name: _cell(value) for name, value in row.items()} for row in whole_rows(rows, self._names)
        )


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple | dict):
        return _json(value)
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, bytes):
        return _said(value)
    return ("true" if value else "false") if isinstance(value, bool) else value


def _json(value: Any) -> str:
    """A value as JSON that any reader takes: numbers that JSON has not are null, bytes are Base64."""
    try:
        return json.dumps(value, ensure_ascii=False, default=_said, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=_said, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _said(value: Any) -> str:
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else str(value)


class _ParquetOut:
    """Parquet, the user's columns with their own types, in their own order."""

    def __init__(self, path: Path, schema: Any, names: Mapping[str, str]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._own, self._names = schema, names
        self._schema = schema
        for field, name in names.items():
            self._schema = self._schema.append(pa.field(name, verdict_schema().field(field).type))
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._held: list[Any] = []
        self._rows = self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            self._writer.close()

    def write(self, rows: JudgedRows) -> None:
        import pyarrow as pa

        own = rows.batch
        if own is None:
            own = arrow_rows(rows.rows, self._own)
        columns = [*pa.Table.from_batches([own]).columns, *(rows.verdicts[field] for field in self._names)]
        table = pa.Table.from_arrays(columns, schema=self._schema)
        self._held.append(table)
        self._rows += table.num_rows
        self._bytes += table.nbytes
        if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            self._writer.write_table(pa.concat_tables(self._held), row_group_size=self._rows)
        self._held, self._rows, self._bytes = [], 0, 0
        pa.default_memory_pool().release_unused()  # what it keeps for later grows from group to group


def own_schema(batch_schema: Any) -> Any:
    """A source's Arrow schema as its output has it: what `datasets` noted of the columns says nothing of ours."""
    metadata = {name: value for name, value in (batch_schema.metadata or {}).items() if name != b"huggingface"}
    return batch_schema.with_metadata(metadata or None)
