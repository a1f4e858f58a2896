"""The judgements of a run on disk: `judgements.jsonl`, and of a large run the parts that it has grown out of.

A line is appended as its reply arrives. Once the file has `PART_BYTES` it takes the name `judgements-0001.jsonl`, and a
new one is begun; beside the run it is compressed to `judgements-0001.jsonl.gz`, and so on. A run that stays below that
has the one file. Whatever moment a process dies at, every line is in a file that is read, and in one only:

- taking the name is one step of the system's, and without a `judgements.jsonl` the parts are all there is;
- a compressed part is there whole or not at all, and beside it the uncompressed one is passed over.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import tempfile
import zlib
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from judgebench._util.files import whole_file
from judgebench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

JUDGEMENTS = "judgements.jsonl"
REPLACED = "judgements-replaced.jsonl"
"""Lines that a refresh has replaced: kept, since they were paid for, and read by nothing."""

PART_BYTES = 64 * 2**20
"""A file of so many bytes is finished: some 50,000 judgements."""

_PART = re.compile(r"judgements-(\d{4,})\.jsonl(\.gz)?")
_LEVEL = 3
"""How hard a part is compressed, of 9: harder takes a multiple of the time for a tenth of the space."""
_CHUNK = 2**20


def is_part(name: str) -> bool:
    """Whether a file of this name is a finished part of a run's judgements.

    Example:
        >>> is_part("judgements-0001.jsonl.gz"), is_part("judgements.jsonl")
        (True, False)
    """
    return _PART.fullmatch(name) is not None


def parts_of(folder: Path) -> dict[int, Path]:
    """The finished parts of a run by their numbers, the oldest first; the compressed file where there are two."""
    found: dict[int, Path] = {}
    if folder.is_dir():
        for path in sorted(folder.glob("judgements-*.jsonl*")):  # the compressed one comes last
            if match := _PART.fullmatch(path.name):
                found[int(match[1])] = path
    return dict(sorted(found.items()))


def part_path(folder: Path, number: int) -> Path:
    """Where a part is as long as it is not compressed."""
    return folder / f"judgements-{number:04d}.jsonl"


def compressed(part: Path) -> Path:
    """Where a part is once it is compressed."""
    return part.with_name(f"{part.name}.gz")


def compress(part: Path) -> None:
    """Puts a compressed part in the place of a part; on a full disk that stays as it is, and is read as well."""
    with suppress(OSError):
        if not compressed(part).exists():
            with (
                whole_file(compressed(part), lasting=True) as target,
                part.open("rb") as source,
                gzip.open(target, "wb", compresslevel=_LEVEL) as packed,
            ):
                shutil.copyfileobj(source, packed, _CHUNK)
        part.unlink()


@contextmanager
def _opened(folder: Path) -> Iterator[list[tuple[Path, BinaryIO]]]:
    """The files of a run's judgements, the oldest first, also of a run that is going on."""
    with ExitStack() as stack:
        live = folder / JUDGEMENTS
        last: BinaryIO | None = None
        with suppress(FileNotFoundError):
            last = stack.enter_context(live.open("rb"))
        inode = None if last is None else os.fstat(last.fileno()).st_ino
        files: list[tuple[Path, BinaryIO]] = []
        for path in parts_of(folder).values():
            file = stack.enter_context(_open_part(path))
            if path.suffix == ".gz" or inode is None or os.fstat(file.fileno()).st_ino != inode:
                files.append((path, file))
        # A part with the same inode took this file's name after it was opened.
        yield files if last is None else [*files, (live, last)]


def _open_part(path: Path) -> BinaryIO:
    if path.suffix != ".gz":
        with suppress(FileNotFoundError):  # it has just been compressed
            return path.open("rb")
        path = compressed(path)
    return gzip.open(path, "rb")  # type: ignore[return-value]


def lines_of(folder: Path) -> Iterator[tuple[bytes, str]]:
    """The lines of a run's judgements, the oldest first, and where each stands, for a message.

    A line without its end is the last of its file: a crash has torn it, and it is passed over.

    Raises:
        DataError: A part cannot be decompressed.
    """
    with _opened(folder) as files:
        for path, file in files:
            try:
                for number, line in enumerate(file, 1):
                    if line.endswith(b"\n"):
                        yield line, f"{path} line {number}"
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise DataError(
                    f"{path}: cannot be decompressed ({error}); copy the run again, or move the file away to ask again"
                ) from None


def count_judgements(folder: Path) -> int | None:
    """How many lines there are, found in a fiftieth of the time that parsing takes; None where they are not read."""
    try:
        with _opened(folder) as files:
            return sum(chunk.count(b"\n") for _, file in files for chunk in iter(partial(file.read, _CHUNK), b""))
    except (OSError, EOFError, zlib.error):
        return None


def digest_of(folder: Path) -> str:
    """The SHA-256 of a run's judgements as one file, in however many parts they stand."""
    digest = hashlib.sha256()
    with _opened(folder) as files:
        for _, file in files:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def as_one_file(folder: Path) -> Iterator[BinaryIO]:
    """A run's judgements as one file that can be read anywhere: its own, or a copy of all parts without a name.

    Raises:
        FileNotFoundError: It has none.
    """
    if not parts_of(folder):
        with (folder / JUDGEMENTS).open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as whole:
        whole.writelines(line for line, _ in lines_of(folder))
        whole.seek(0)
        yield whole


def write_lines(folder: Path, lines: Iterable[bytes]) -> None:
    """Writes the judgements of a run that makes no call of its own, in parts where they are many.

    Args:
        folder: The run's, with no judgements in it.
        lines: Each with its end.
    """
    number, source = 1, iter(lines)
    with whole_file(folder / JUDGEMENTS) as live:
        while True:
            with live.open("wb") as file:
                for line in source:
                    file.write(line)
                    if file.tell() >= PART_BYTES:
                        break
                else:
                    return
            live.replace(part_path(folder, number))
            live.touch()
            compress(part_path(folder, number))
            number += 1


@contextmanager
def set_apart(folder: Path, count: int) -> Iterator[None]:
    """Moves the first lines, which a refresh has replaced, to the file of such lines when the block ends well.

    What takes space is written before the block, so that a full disk is met while nothing has changed. Each file
    appears whole or not at all; cut off between two, lines stand in both.
    """
    older, left = folder / REPLACED, count
    whole: list[Path] = []
    with ExitStack() as kept, whole_file(older, lasting=True) as target:
        with target.open("wb") as apart, _opened(folder) as files:
            if older.exists():
                with older.open("rb") as before:
                    shutil.copyfileobj(before, apart, _CHUNK)
            for path, file in files:
                if left <= 0:
                    break
                left -= sum(1 for _ in map(apart.write, islice(file, left)))
                rest = next(file, b"")
                if rest or path.name == JUDGEMENTS:
                    _keep_rest(kept.enter_context(whole_file(path, lasting=True)), rest, file, path)
                else:
                    whole.append(path)
        yield
    for path in whole:
        path.unlink(missing_ok=True)


def _keep_rest(target: Path, first: bytes, rest: BinaryIO, path: Path) -> None:
    """Writes the lines of a file that stay, compressed where it is."""
    with gzip.open(target, "wb", compresslevel=_LEVEL) if path.suffix == ".gz" else target.open("wb") as file:
        file.write(first)
        shutil.copyfileobj(rest, file, _CHUNK)
