"""Where a benchmark's rows come from: files, folders of files, and datasets of the Hugging Face hub.

`Rows` streams from its source each time it is iterated, so no more than a batch is held in memory. Mistakes in a file
are found as its rows are read, and name the file and the line.
"""

from __future__ import annotations

import ast
import csv
import difflib
import gzip
import io
import json
import re
import warnings
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from judgebench._util.jsonl import loads
from judgebench.benchmarks import hub
from judgebench.benchmarks.rowcounts import count_rows
from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO, TextIO

FORMATS = ".jsonl, .json, .csv, .tsv (each also with .gz) or .parquet"

_HUB_ID = re.compile(
    r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([^:]+))?(?::([A-Za-z0-9][\w.-]*(?:,[A-Za-z0-9][\w.-]*)*))?", re.ASCII
)
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


@dataclass(frozen=True)
class Rows:
    """The rows of one source; each iteration reads the source again.

    Attributes:
        source: The path as it was given, or the hub id.
        read: Starts reading.
        revision: The commit of a hub dataset; None for files.
        split: The split, where the source has splits; several with commas between.
        count: Finds out how many rows there are; None where that takes as long as reading them.
    """

    source: str
    read: Callable[[], Iterator[Row]]
    revision: str | None = None
    split: str | None = None
    count: Callable[[], int | None] = lambda: None

    def __iter__(self) -> Iterator[Row]:
        """Stream the rows.

        Raises:
            ConfigError: The source cannot be read, a row is malformed, or there is none.
        """
        row = None
        for row in self.read():
            yield row
        if row is None:
            raise ConfigError(f"{self.source} is empty: give a source with at least one row")


def open_rows(spec: str, *, hub_split: str | None = None) -> Rows:
    """Rows from `PATH|HUB-ID[@REVISION][:SPLIT,...]`: a path if it exists or has a data file's suffix.

    Args:
        spec: A file, a folder of files or of a saved dataset, or `owner/name` with an optional `@REVISION` and
            optional `:SPLIT`, or several with commas between.
        hub_split: The split of a dataset that has splits, where the spec names none; None takes the only one, else
            `test`, else `train`.

    Raises:
        ConfigError: There is no such source, or it holds no data files, or the hub cannot give it.
    """
    path = Path(spec)
    try:
        path = path.expanduser()
        found = bool(spec.strip()) and path.stat() is not None
    except (FileNotFoundError, NotADirectoryError):
        found = False
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(f"cannot read {spec[:200]!r} ({_reason(error)}): check the path") from error
    if found:
        return (
            _open_folder(spec, path, hub_split)
            if path.is_dir()
            else Rows(spec, _reader(path), count=lambda: count_rows([path]))
        )
    match = _HUB_ID.fullmatch(spec)
    if _kind(path) is not None or match is None:
        raise _missing(spec, path)
    hub_id, revision, splits = match.groups()
    tables: list[hub.Table] = []
    for split in splits.split(",") if splits else [hub_split]:
        tables.append(hub.load_hub(hub_id, split=split, revision=tables[0].revision if tables else revision))
    return _of_tables(hub_id, hub_id, tables)


def decode_cell(value: Any) -> Any:
    """What a text cell stands for where a list or an object is meant: JSON, or a list as Python (and pandas) prints it.

    Anything else comes back as it is, so a text that only starts with a bracket stays a text.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text.startswith(("[", "{")):
        return value
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _printed(text) or value


def as_list(value: Any) -> list[Any]:
    """A column that is declared as a list: a list, a cell that holds one, or a single value; None is no value."""
    value = decode_cell(value)
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _printed(text: str) -> list[Any] | dict[str, Any] | None:
    """The list or dict whose `repr` the text is; a print of a numpy array, say, would be read as something else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parser's, on backslashes in what is no Python
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, list | dict) and repr(value) == text else None


# --- from a path to its readers


def _kind(path: PurePath) -> str | None:
    """The suffix that says how a file is read, without `.gz`; None where it is no data file."""
    name = path.name.lower()
    suffix = PurePath(name.removesuffix(".gz")).suffix
    return suffix if suffix in _READERS and not (suffix == ".parquet" and name.endswith(".gz")) else None


def data_stem(path: PurePath) -> str:
    """A data file's name without the suffixes that say how it is read; any other dot is a part of the name."""
    kind = _kind(path)
    if kind is None:
        return path.name
    length = len(kind) + (len(".gz") if path.name.lower().endswith(".gz") else 0)
    return path.name[:-length]


def _reader(path: Path) -> Callable[[], Iterator[Row]]:
    kind = _kind(path)
    if kind is None or not path.is_file():
        raise ConfigError(f"cannot tell how to read {path}: give a file that ends in {FORMATS}, or a folder of them")
    return partial(_guarded, path, _READERS[kind])


def _open_folder(spec: str, folder: Path, split: str | None) -> Rows:
    if hub.is_saved(folder):
        return _of_tables(spec, folder.name, [hub.load_saved(folder, split=split)])
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and _kind(path))
        readers = [_reader(path) for path in files if path.is_file()]
        nested = not readers and any(
            _kind(path) for depth in (2, 3) for path in folder.glob("/".join(["[!.]*"] * depth))
        )
    except OSError as error:
        raise ConfigError(f"cannot read the folder {spec} ({_reason(error)}): check its permissions") from error
    if nested:
        return _of_tables(spec, folder.name, [hub.load_folder(folder, split=split)])
    if not readers:
        raise ConfigError(f"the folder {spec} holds no data file: give one with files that end in {FORMATS}")
    return Rows(spec, lambda: (row for read in readers for row in read()), count=lambda: count_rows(files))


def _of_tables(source: str, name: str, tables: Sequence[hub.Table]) -> Rows:
    def read() -> Iterator[Row]:
        for table in tables:
            place = f"{name} split {table.split} row" if table.split else f"{name} row"
            for number, data in enumerate(table, 1):
                yield Row(f"{place} {number}", data, table.split)

    splits = ",".join(table.split for table in tables if table.split)
    count = sum(len(table.dataset) for table in tables)
    return Rows(source, read, revision=tables[0].revision, split=splits or None, count=lambda: count)


def _missing(spec: str, path: Path) -> ConfigError:
    """The error for a path that is not there, with the data files that are."""
    if not path.parent.is_dir():
        mend = f"the folder {path.parent} does not exist either"
    else:
        try:
            names = sorted(near.name for near in path.parent.iterdir() if _kind(near) or near.is_dir())
        except OSError:
            names = []
        near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
        files = [name for name in names if _kind(PurePath(name))]
        if near:
            mend = f"did you mean {' or '.join(near)}?"
        elif files:
            mend = f"the folder has {', '.join(files[:5])}{' and more' if len(files) > 5 else ''}"
        else:
            mend = "its folder has no data files"
    hint = "" if _kind(path) else "; a dataset of the Hugging Face hub is named owner/name[@REVISION][:SPLIT]"
    return ConfigError(f"no such file or folder: {spec!r}: {mend}{hint}")


def _split_of(path: PurePath) -> str:
    """What a file's rows have in the place of a split: its name up to the first dot."""
    return path.name.partition(".")[0]


# --- the formats


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
        raise ConfigError(f"cannot read {path} ({_reason(error)}): check its permissions, or make it again") from error


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
                raise ConfigError(f"{path.name} line {number}: not UTF-8 ({found}): save the file as UTF-8") from error
            yield number, text


def _read_json_lines(path: Path, *, form: str = "each line holds one JSON object") -> Iterator[Row]:
    name, split = path.name, _split_of(path)
    for number, text in _text_lines(path):
        try:
            data = loads(text)
        except (ValueError, RecursionError) as error:
            if not text.strip():
                continue
            raise ConfigError(f"{name} line {number}: not valid JSON ({_json_reason(error)}): {form}") from error
        if not isinstance(data, dict):
            raise ConfigError(f"{name} line {number}: a JSON {_json_type(data)}, not an object: {form}")
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
                raise ConfigError(f"{self._name} row {number}: a JSON {_json_type(data)}, not an object: {self._form}")
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

    def _mistake(self, reason: str, place: int) -> ConfigError:
        line = self._line + self._text.count("\n", 0, place)
        return ConfigError(f"{self._name} line {line}: not valid JSON ({reason}): {self._form}")


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
                raise ConfigError(
                    f"{name} line {line}: {len(cells)} cells where the header has {len(header)}: put cells that hold "
                    "delimiters, quotes or line ends in double quotes"
                )
            line = reader.line_num + 1
    except csv.Error as error:
        raise ConfigError(
            f"{name} line {line}: not valid CSV ({error}): put cells that hold delimiters, quotes or line ends in "
            "double quotes, and double the quotes inside"
        ) from error


def _header(where: str, cells: list[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    twice = sorted({cell for cell in header if header.count(cell) > 1})
    if twice:
        raise ConfigError(f"{where}: the header has the column '{twice[0]}' twice: give each column a name of its own")
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
        raise ConfigError(f"cannot read {path} as Parquet ({hub.brief(error)}): make the file again") from error


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".jsonl": _read_json_lines,
    ".json": _read_json,
    ".csv": _read_csv,
    ".tsv": partial(_read_csv, delimiter="\t"),
    ".parquet": _read_parquet,
}
