"""Rows out of files: JSON, JSON lines, CSV, Parquet."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zlib
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from judgebench._util.jsonl import loads
from judgebench._util.steps import count_lines
from judgebench.errors import DataError
from judgebench.sources import hub
from judgebench.sources.source import Row, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO, TextIO

FORMATS = ".jsonl, .json, .csv, .tsv (each also with .gz) or .parquet"

_BATCH = 256

_CHUNK = 1 << 20

_LARGEST_CELL = 2**31 - 1  # what a C long holds everywhere

_BOM = b"\xef\xbb\xbf"


class FileSource(Source):
    """The rows of one file, or of several one after another."""

    def __init__(self, name: str, paths: Sequence[Path]) -> None:
        """Raises DataError where a file is of no known format."""
        self.name = name
        self._paths = paths
        self._readers = [_reader(path) for path in paths]

    def rows(self) -> Iterator[Row]:
        """The rows as the files stream."""
        for read in self._readers:
            yield from read()

    def count(self) -> int | None:
        """How many rows files of Parquet and JSONL have, blank lines too; None where one is of another kind."""
        total = 0
        for path in self._paths:
            count = _count(path)
            if count is None:
                return None
            total += count
        return total

    def hash(self) -> str | None:
        """SHA-256 of the file's bytes; None for several files."""
        if len(self._paths) != 1:
            return None
        with self._paths[0].open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def _kind(path: PurePath) -> str | None:
    """The suffix that says how a file is read, without `.gz`; None where it is no data file."""
    name = path.name.lower()
    suffix = PurePath(name.removesuffix(".gz")).suffix
    return suffix if suffix in _READERS and not (suffix == ".parquet" and name.endswith(".gz")) else None


def _reader(path: Path) -> Callable[[], Iterator[Row]]:
    kind = _kind(path)
    if kind is None or not path.is_file():
        raise DataError(f"{path}: unknown file format: use a file that ends in {FORMATS}, or a folder of them")
    return partial(_guarded, path, _READERS[kind])


def _split_of(path: PurePath) -> str:
    """What a file's rows have in the place of a split: its name up to the first dot."""
    return path.name.partition(".")[0]


@contextmanager
def _stream(path: Path) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked where it is gzipped."""
    if path.name.lower().endswith(".gz"):
        # GzipFile's own lines are slow: it asks for each of them in Python.
        with gzip.open(path, "rb") as packed, io.BufferedReader(packed, _CHUNK) as file:
            yield file
    else:
        with path.open("rb") as file:
            yield file


def _guarded(path: Path, read: Callable[[Path], Iterator[Row]]) -> Iterator[Row]:
    """The rows of a file, with what the system says about it in our words."""
    try:
        yield from read(path)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot read {path} ({_reason(error)}): check its permissions, or make it again") from error


def _reason(error: BaseException) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else hub.brief(error)


def _text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines with their ends."""
    with _stream(path) as file:
        for number, line in enumerate(file, 1):
            try:
                text = (line.removeprefix(_BOM) if number == 1 else line).decode()
            except UnicodeDecodeError as error:
                found = f"byte 0x{line[error.start]:02x} in column {error.start + 1}"
                raise DataError(f"{path.name} line {number}: not UTF-8 ({found}): save the file as UTF-8") from error
            yield number, text


def _count(path: Path) -> int | None:
    """How many rows a file has, where that is quickly known and it can be read."""
    if path.name.lower().endswith(".jsonl"):
        return count_lines(path)
    if not path.name.lower().endswith(".parquet"):
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException):
        return None


def _read_json_lines(path: Path, *, form: str = "each line must hold one JSON object") -> Iterator[Row]:
    name, split = path.name, _split_of(path)
    for number, text in _text_lines(path):
        try:
            data = loads(text)
        except (ValueError, RecursionError) as error:
            if not text.strip():
                continue
            raise DataError(f"{name} line {number}: not valid JSON ({_json_reason(error)}): {form}") from error
        if not isinstance(data, dict):
            raise DataError(f"{name} line {number}: a JSON {_json_type(data)}, not an object: {form}")
        yield Row(f"{name} line {number}", data, split)


def _read_json(path: Path) -> Iterator[Row]:
    """An array of objects; or JSON Lines, which are often named so."""
    form = "the file must hold one array of objects, or one object per line"
    try:
        with _stream(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig") as file:
            text = _JsonText(path, file, form)
            if text.peek() == "[":
                yield from text.objects()
                return
    except UnicodeDecodeError:
        for _ in _text_lines(path):
            pass  # raises the error that names the line
    yield from _read_json_lines(path, form=form)


class _JsonText:
    """A window that moves over the text of a JSON array, so that one object is held at a time."""

    def __init__(self, path: Path, file: TextIO, form: str) -> None:
        self._name, self._split, self._file, self._form = path.name, _split_of(path), file, form
        self._text, self._at, self._line = "", 0, 1
        self._decode = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._text):
                if not self._text[self._at].isspace():
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def objects(self) -> Iterator[Row]:
        """The objects of the array that starts here."""
        number = 0
        while self._take("[" if number == 0 else ",]") != "]":
            number += 1
            if self.peek() == "]" and number == 1:
                self._at += 1
                break
            data = self._value()
            if not isinstance(data, dict):
                raise DataError(f"{self._name} row {number}: a JSON {_json_type(data)}, not an object: {self._form}")
            yield Row(f"{self._name} row {number}", data, self._split)
        if self.peek():
            raise self._mistake("text after the end of the array", self._at)

    def _take(self, expected: str) -> str:
        mark = self.peek()
        if not mark or mark not in expected:
            raise self._mistake(f"expecting {' or '.join(repr(mark) for mark in expected)}", self._at)
        self._at += 1
        return mark

    def _value(self) -> Any:
        while True:
            try:
                value, self._at = self._decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if not self._more():
                    place = error.pos if isinstance(error, json.JSONDecodeError) else self._at
                    raise self._mistake(_json_reason(error, column=False), place) from error
            else:
                return value

    def _more(self) -> bool:
        """Drop what was read, and at least double what is left, so that a long object is not tried too often."""
        self._line += self._text.count("\n", 0, self._at)
        rest = self._text[self._at :]
        chunk = self._file.read(max(_CHUNK, len(rest)))
        self._text, self._at = rest + chunk, 0
        return bool(chunk)

    def _mistake(self, reason: str, place: int) -> DataError:
        line = self._line + self._text.count("\n", 0, place)
        return DataError(f"{self._name} line {line}: not valid JSON ({reason}): {self._form}")


def _json_reason(error: BaseException, *, column: bool = True) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} in column {error.colno}" if column else error.msg
    return "nested too deeply" if isinstance(error, RecursionError) else hub.brief(error)


def _json_type(value: Any) -> str:
    names = {list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def _read_csv(path: Path, *, delimiter: str = ",") -> Iterator[Row]:
    # The limit is one for the process; raising it does no harm to others.
    csv.field_size_limit(max(csv.field_size_limit(), _LARGEST_CELL))
    reader = csv.reader((text for _, text in _text_lines(path)), delimiter=delimiter, strict=True)
    name, split = path.name, _split_of(path)
    header: list[str] = []
    line = 1
    try:
        for cells in reader:
            if not cells:
                pass  # a blank line
            elif not header:
                header = _header(f"{name} line {line}", cells)
            elif len(cells) == len(header):
                yield Row(f"{name} line {line}", dict(zip(header, cells, strict=True)), split, encoded=True)
            else:
                raise DataError(
                    f"{name} line {line}: {len(cells)} cells where the header has {len(header)}: put cells that hold "
                    "delimiters, quotes or line ends in double quotes"
                )
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{name} line {line}: not valid CSV ({error}): put cells that hold delimiters, quotes or line ends in "
            "double quotes, and double the quotes inside"
        ) from error


def _header(where: str, cells: list[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    twice = sorted({cell for cell in header if header.count(cell) > 1})
    if twice:
        raise DataError(f"{where}: the header has the column '{twice[0]}' twice: give each column a unique name")
    return header


def _read_parquet(path: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    name, split = path.name, _split_of(path)
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                for data in batch.to_pylist():
                    number += 1
                    yield Row(f"{name} row {number}", data, split)
    except pa.ArrowException as error:
        raise DataError(f"cannot read {path} as Parquet ({hub.brief(error)}): make the file again") from error


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".jsonl": _read_json_lines,
    ".json": _read_json,
    ".csv": _read_csv,
    ".tsv": partial(_read_csv, delimiter="\t"),
    ".parquet": _read_parquet,
}
