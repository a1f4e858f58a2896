"""The bytes and texts of a file: unpacked, and decoded from what its first bytes, or all of them, show."""

from __future__ import annotations

import codecs
import gzip
import io
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING

from judgebench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO, TextIO

CHUNK = 1 << 18
"""So many bytes or characters are read at a time."""

PACKED = (".gz", ".zst")
"""Suffixes of files that are unpacked as they are read."""

WINDOWS = "cp1252"

LINE_END = b"\n"

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def unpacked(name: str) -> str:
    """A file's name without the suffix that says how it is packed."""
    return name[: -len(PurePath(name).suffix)] if name.lower().endswith(PACKED) else name


@contextmanager
def byte_stream(path: Path) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked where it is packed."""
    name = path.name.lower()
    if name.endswith(".gz"):
        # GzipFile's own lines are slow: it asks for each of them in Python.
        with gzip.open(path, "rb") as packed, io.BufferedReader(packed, CHUNK) as file:
            yield file
    elif name.endswith(".zst"):
        import pyarrow as pa

        with (
            pa.OSFile(str(path)) as whole,
            pa.CompressedInputStream(whole, "zstd") as packed,
            io.BufferedReader(packed, CHUNK) as file,
        ):
            yield file
    else:
        with path.open("rb") as file:
            yield file


@contextmanager
def text_stream(path: Path, *, newline: str, encoding: str | None = None) -> Iterator[TextIO]:
    """The file's text.

    Args:
        path: The file.
        newline: What ends a line, as `open` takes it; ends stay as they are.
        encoding: What `encoding_of` has said of it; None: that is asked, which goes through the whole file.

    Raises:
        DataError: It is in no encoding that shows.
    """
    encoding = encoding or encoding_of(path)
    with byte_stream(path) as file, io.TextIOWrapper(file, encoding=encoding, newline=newline) as text:
        yield text


def encoding_of(path: Path) -> str:
    """The file's encoding: by its mark, else UTF-8, else, where no character of several bytes is, Windows' cp1252.

    Raises:
        DataError: The file is none of these; the message names the line.
    """
    with byte_stream(path) as file:
        start = file.read(4)
        marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
        if marked is not None:
            return marked
        return _scanned(path, start, file)


def _scanned(path: Path, start: bytes, file: BinaryIO) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    windows: str | None = "utf-8"  # until a byte says otherwise
    wide = False
    passed = 0
    chunk = start + file.read(CHUNK)
    while chunk:
        if 0 in chunk and 4 * chunk.count(0) > len(chunk):
            raise DataError(
                f"{path.name}: is full of zero bytes, as UTF-16 without its mark does: save the file as UTF-8"
            )
        try:
            wide = wide or not decoder.decode(chunk).isascii()
        except UnicodeDecodeError as error:
            before, at = error.object[: error.start], error.object[error.start]
            column = error.start - before.rfind(b"\n")
            place = f"{path.name} line {_line_at(path, passed) + before.count(LINE_END)}"
            mistake = DataError(f"{place}: not UTF-8 (byte 0x{at:02x} in column {column}): save the file as UTF-8")
            if wide or not before.isascii():
                raise mistake from None
            windows = _windows(error.object[error.start :], file)
            if windows is None:
                raise mistake from None
            return windows
        passed += len(chunk)
        chunk = file.read(CHUNK)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise DataError(
            f"{path.name} line {_line_at(path, passed)}: not UTF-8 (it is cut off): save the file as UTF-8"
        ) from None
    return "utf-8"


def _line_at(path: Path, offset: int) -> int:
    """The number of the line in which a byte of the unpacked file stands."""
    with byte_stream(path) as file:
        return 1 + sum(file.read(min(CHUNK, offset - at)).count(LINE_END) for at in range(0, offset, CHUNK))


def _windows(rest: bytes, file: BinaryIO) -> str | None:
    """cp1252 where the rest of a file can be that, and holds no character of UTF-8 with several bytes."""
    while rest:
        for undefined in (0x81, 0x8D, 0x8F, 0x90, 0x9D, 0x00, 0xFF):
            if undefined in rest:
                return None
        rest = file.read(CHUNK)
    return WINDOWS
