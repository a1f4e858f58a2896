"""Rows out of files: JSON, JSON lines, CSV, Parquet."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from judgebench._util.jsonl import loads
from judgebench.benchmarks import hub
from judgebench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO, TextIO

FORMATS = ".jsonl, .json, .csv, .tsv (each also with .gz) or .parquet"

_BATCH = 256

_CHUNK = 1 << 20

_LARGEST_CELL = 2**31 - 1  # what a C long holds everywhere

_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Row:
    """One row as its source has it.

    Attributes:
        where: Its place, as messages name it: "pairs.jsonl line 12".
        data: Its columns; cells of CSV files are always text.
        split: The split it comes from; for a file, its name up to the first dot.
        encoded: Whether a list stands as text in a cell, as CSV files have it.
    """

    where: str
    data: dict[str, Any]
    split: str | None = None
    encoded: bool = False


def _kind(path: PurePath) -> str | None:
    """The suffix that says how a file is read, without `.gz`; None where it is no data file."""
    name = path.name.lower()
    suffix = PurePath(name.removesuffix(".gz")).suffix
    return suffix if suffix in _READERS and not (suffix == ".parquet" and name.endswith(".gz")) else None


def _reader(path: Path) -> Callable[[], Iterator[Row]]:
    kind = _kind(path)
    if kind is None or not path.is_file():
        raise DataError(f"cannot tell how to read {path}: give a file that ends in {FORMATS}, or a folder of them")
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


def _read_json_lines(path: Path, *, form: str = "each line holds one JSON object") -> Iterator[Row]:
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
    form = "the file holds one array of objects, or one object a line"
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
        raise DataError(f"{where}: the header has the column '{twice[0]}' twice: give each column a name of its own")
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
