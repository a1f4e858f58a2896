"""Files and folders that are there whole or not at all. Everything that takes another's place is written here.

The policy, the same for all:

- It is written under a temporary name of this process's own beside its place, and then takes its name. Whoever looks,
  and whoever comes after a crash or a full disk, finds the earlier one as it was, or the new one.
- No link is followed: the temporary file is made new, and taking a name replaces a link, never what it leads to. Only
  where the user names a file (`output_file`) does a link of the user's own lead to what is written.
- `lasting` content, which was paid for and is nowhere else (replies), is on the disk (fsync) before it takes its name:
  a power cut leaves the earlier file or the new one. Anything else can be made anew with no call, and is not waited
  for: a power cut may leave it cut off or empty, which every reader of it finds out. The folder itself is never waited
  for, so that a power cut may also undo the last step.
- Where it cannot be written, `writing` says so in one line: which file or folder, why, and what mends it.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from judgebench.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors that say that a disk, or a quota, is full."""

NO_LINK = getattr(os, "O_NOFOLLOW", 0)
"""Opens no link. Windows has no such flag; there a link is found by `check_no_links` alone."""


@contextmanager
def writing(path: Path, mend: str) -> Iterator[None]:
    """Turns what the system says when something cannot be written into one line.

    Args:
        path: The file or folder that the line names.
        mend: What the user can do, as the end of a sentence.

    Raises:
        StorageError: It cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise unwritable(path, error, mend) from None


def unwritable(path: Path, error: OSError, mend: str) -> StorageError:
    """The error for what cannot be written, as in `writing`."""
    if error.errno in FULL:
        return StorageError(f"{path}: the disk is full; free some space, then rerun the command")
    return StorageError(f"{path}: cannot be written ({error.strerror or error}); {mend}")


def _beside(path: Path) -> Path:
    """A name of this process's own in the same folder; short enough whatever the name is."""
    return path.with_name(f".{path.name[:40]}.{os.getpid()}.{secrets.token_hex(4)}.part")


@contextmanager
def whole_file(path: Path, *, lasting: bool = False) -> Iterator[Path]:
    """Where to write a file, which takes its name when the block ends well; else an earlier one stays as it was.

    Args:
        path: The file; its folder is there.
        lasting: Whether it is on the disk before it takes its name.

    Raises:
        OSError: It cannot be written.
    """
    part = _beside(path)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | NO_LINK, 0o666))
    try:
        yield part
        if lasting:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def output_file(path: Path, *, mend: str = "name another file", lasting: bool = False) -> Iterator[Path]:
    """`whole_file` for a file that the user names: a link stays one, and a device or a pipe is written to as it is.

    Raises:
        ConfigError: It cannot be written, or is a folder.
    """
    with writing(path, mend):
        target = path.resolve()
        if target.is_dir():
            raise ConfigError(f"{path}: is a folder; name a file in it")
        if target.exists() and not target.is_file():
            yield target
            return
        with whole_file(target, lasting=lasting) as part:
            yield part


def write_text(path: Path, text: str | Iterable[str], *, lasting: bool = False) -> None:
    """Writes text, or the pieces of one, whole or not at all; halves of surrogate pairs are written as escapes.

    Raises:
        OSError: It cannot be written.
    """
    with (
        whole_file(path, lasting=lasting) as part,
        part.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file,
    ):
        file.writelines([text] if isinstance(text, str) else text)


def json_text(data: Any) -> str:
    """An indented JSON file's text."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def write_json(path: Path, data: Any) -> None:
    """Writes an indented JSON file, whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    write_text(path, json_text(data))


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Writes files by their paths within a folder, each whole or not at all.

    Raises:
        OSError: One cannot be written.
    """
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)


def open_to_append(path: Path) -> BinaryIO:
    """A file to whose end bytes are added, made where it is not there; it is no link.

    Raises:
        OSError: It cannot be opened, or is a link.
    """
    return open(path, "ab", opener=_opened)


def open_in_place(path: Path) -> Any:
    """A file whose bytes are read and changed where they stand; it is no link.

    Raises:
        OSError: It cannot be opened, or is a link.
    """
    return open(path, "rb+", opener=_opened)


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | NO_LINK, 0o666)


@contextmanager
def whole_folder(folder: Path, is_own: Callable[[str], bool] | None = None) -> Iterator[Path]:
    """A folder to be filled, which takes its name when the block ends well; else an earlier one stays as it was.

    A folder cannot take another's place in one step: where the process dies between the two, the earlier one is there
    under its temporary name alone, which begins with a dot.

    Args:
        folder: What it becomes; need not be there yet.
        is_own: Whether what an earlier one has is ours, by its name: only that goes with it, and anything else in it
            stays; None for all that is in it.

    Raises:
        OSError: It cannot be written.
    """
    part, before = _beside(folder), _beside(folder)
    try:
        part.mkdir(parents=True)
        yield part
        if folder.is_symlink():
            raise OSError(errno.ELOOP, "it is a symbolic link")
        if folder.exists():
            folder.rename(before)
        part.rename(folder)
        if is_own is not None and before.exists():
            for path in before.iterdir():
                if not is_own(path.name) and not (folder / path.name).exists():
                    path.rename(folder / path.name)
    finally:
        if before.exists() and not folder.exists():
            before.rename(folder)
        for path in (part, before):
            shutil.rmtree(path, ignore_errors=True)


def check_no_links(folder: Path) -> None:
    """Refuses a folder with anything in it but files and folders, at any depth; one that is not there has nothing.

    The folder itself, and those above it, may be links: the user named them, while what is in it may be a stranger's.

    Raises:
        ConfigError: There is a symbolic link, or something that is no file, such as a pipe.
    """
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be read ({error.strerror})") from None
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            check_no_links(folder / entry.name)
        elif not entry.is_file(follow_symlinks=False):
            what = "a symbolic link" if entry.is_symlink() else "not a file"
            raise ConfigError(
                f"{folder / entry.name}: is {what}, but a run folder must contain regular files only; copy the "
                "file itself (cp -rL), or remove it"
            )
