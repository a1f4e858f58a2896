"""Rows out of files: JSON in every dress, tables in text, Parquet, Arrow, workbooks."""

from __future__ import annotations

import hashlib
import zlib
from functools import partial
from itertools import chain
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from judgebench._util.steps import count_lines
from judgebench.errors import DataError
from judgebench.sources import hub, jsonfile, tables
from judgebench.sources.source import BATCH_ROWS, Row, Source
from judgebench.sources.streams import PACKED, WINDOWS, byte_stream, encoding_of, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FORMATS = ".jsonl, .json, .csv, .tsv, .txt (each also with .gz or .zst), .parquet, .arrow, .feather or .xlsx"


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

    def batches(self) -> Iterator[Any] | None:
        """Where all files are Parquet or Arrow, and their columns' types go together."""
        kinds = [kind_of(path) for path in self._paths]
        if not {*kinds} <= {".parquet", ".arrow", ".feather"}:
            return None
        every = [
            tables.parquet_batches(path, BATCH_ROWS) if kind == ".parquet" else tables.arrow_batches(path)
            for path, kind in zip(self._paths, kinds, strict=True)
        ]
        if len(every) == 1:
            return every[0]
        found = (
            tables.arrow_schema(path, parquet=kind == ".parquet") for path, kind in zip(self._paths, kinds, strict=True)
        )
        schemas = [schema for schema in found if schema is not None]
        whole = tables.joined_schema(schemas) if schemas else None
        return None if whole is None else tables.in_schema(chain.from_iterable(every), whole)

    def hash(self) -> str | None:
        """SHA-256 of the file's bytes; None for several files."""
        if len(self._paths) != 1:
            return None
        with self._paths[0].open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def notes(self) -> Iterator[str]:
        """Which files are in Windows' encoding."""
        for path in self._paths:
            if kind_of(path) in _TEXTS and encoding_of(path) == WINDOWS:
                yield f"{path.name} is not UTF-8 and was read as {WINDOWS}: save it as UTF-8 if characters are wrong"


def kind_of(path: PurePath) -> str | None:
    """The suffix that says how a file is read, without that of packing; None where it is no data file."""
    name = path.name.lower()
    suffix = PurePath(unpacked(name)).suffix
    return suffix if suffix in _READERS and not (suffix in _WHOLE and name.endswith(PACKED)) else None


def suffixes_of(path: PurePath) -> str:
    """The end of a data file's name that says how it is read: `.jsonl.gz`; empty where it is none."""
    kind = kind_of(path)
    return "" if kind is None else path.name[len(unpacked(path.name)) - len(kind) :]


def _reader(path: Path) -> Callable[[], Iterator[Row]]:
    kind = kind_of(path)
    if kind is None or not path.is_file():
        mend = " (save the sheet as .xlsx or .csv)" if path.suffix.lower() in {".xls", ".numbers", ".ods"} else ""
        raise DataError(f"{path}: unknown file format{mend}: use a file that ends in {FORMATS}, or a folder of them")
    return partial(_guarded, path, _READERS[kind])


def _split_of(path: PurePath) -> str:
    """What a file's rows have in the place of a split: its name up to the first dot."""
    return path.name.partition(".")[0]


def _guarded(path: Path, read: Callable[[Path, str], Iterator[Row]]) -> Iterator[Row]:
    """The rows of a file, with what the system says about it in our words."""
    try:
        yield from read(path, _split_of(path))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot read {path} ({reason_of(error)}): check its permissions, or make it again") from error


def reason_of(error: BaseException) -> str:
    """What the system says of a file, in a line."""
    return error.strerror if isinstance(error, OSError) and error.strerror else hub.brief(error)


def _count(path: Path) -> int | None:
    """How many rows a file has, where that is quickly known and it can be read."""
    if path.name.lower().endswith((".jsonl", ".ndjson")):
        return count_lines(path)
    if not path.name.lower().endswith(".parquet"):
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException):
        return None


def _is_table(path: Path) -> bool:
    """Whether a text is a table, and not JSON under another name."""
    with byte_stream(path) as file:
        return file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in {b"{", b"["}


def _read_text(path: Path, split: str, *, usual: str = ",") -> Iterator[Row]:
    """A table, or JSON under a table's name."""
    if _is_table(path):
        yield from tables.read_csv(path, split, usual=usual)
    else:
        yield from jsonfile.read_json(path, split)


_USUAL = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": "\t"}
_TEXTS = frozenset({".jsonl", ".ndjson", ".json", *_USUAL})
_WHOLE = frozenset({".parquet", ".xlsx", ".xlsm"})

_READERS: dict[str, Callable[[Path, str], Iterator[Row]]] = {
    ".jsonl": jsonfile.read_json,
    ".ndjson": jsonfile.read_json,
    ".json": jsonfile.read_json,
    **{suffix: partial(_read_text, usual=usual) for suffix, usual in _USUAL.items()},
    ".parquet": tables.read_parquet,
    ".arrow": tables.read_arrow,
    ".feather": tables.read_arrow,
    ".xlsx": tables.read_workbook,
    ".xlsm": tables.read_workbook,
}
