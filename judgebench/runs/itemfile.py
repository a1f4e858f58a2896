"""The items of a run as a file, `items.jsonl.gz`, which runs of the same items share."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import zlib
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from pydantic_core import to_json

from judgebench._util.beside import beside
from judgebench._util.files import whole_file
from judgebench._util.jsonl import loads
from judgebench._util.steps import counted
from judgebench.errors import DataError
from judgebench.items import item_from_json, item_to_json
from judgebench.runs.judgements import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from judgebench.items import Item

ITEMS = "items.jsonl.gz"

_LINES_A_CHUNK = 256


def shared_beside(folder: Path, digest: str, items: Iterable[Item], *, distrust: bool = False) -> Future[None]:
    """`share_items` while the caller goes on: with 100,000 items it takes seconds.

    All such work is of one thread, so that two runs of the same items write them once. Written before the calls
    instead, items move the row "start to the first call beyond imports, 100,000 items" of benchmarks/speed.py past its
    target.
    """
    return beside(partial(share_items, folder, digest, items, distrust=distrust))


def share_items(folder: Path, digest: str, items: Iterable[Item], *, distrust: bool = False, levels: int = 2) -> None:
    """Puts `items.jsonl.gz` into the folder, as a link to the one that runs of the same items share.

    The shared file stands in `.items` in the benchmark's folder; where links cannot be made, or that is a symbolic
    link, the folder gets a file of its own.

    Args:
        folder: The run's.
        digest: The hash of the items.
        items: With their texts.
        distrust: Whether a crash may have torn the file that is there.
        levels: How many folders stand between the run's and the benchmark's.
    """
    own = folder / ITEMS
    # The hash may come out of a stranger's manifest.
    name = digest[:32] if digest.isascii() and digest.isalnum() else hashlib.sha256(digest.encode()).hexdigest()[:32]
    shared = folder.parents[levels] / ".items" / f"{name}.jsonl.gz"
    if shared.parent.is_symlink():
        _write_items(own, items)
        return
    linked = own.exists() and shared.exists() and own.samefile(shared)
    if linked and not distrust:
        return
    if not _is_whole(shared):
        shared.parent.mkdir(parents=True, exist_ok=True)
        _write_items(shared, items)
    _link(shared, own)


def adopt_items(folder: Path, digest: str, *, levels: int = 2) -> None:
    """Makes the items of a run's folder those that runs of the same items share, where none are shared yet.

    Args:
        folder: The run's, whose `items.jsonl.gz` is known to be that of the hash.
        digest: The hash of the items.
        levels: As in `share_items`.
    """
    shared = folder.parents[levels] / ".items" / f"{digest[:32]}.jsonl.gz"
    if shared.parent.is_symlink() or shared.exists():
        return
    shared.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # without links, the file is written again
        shared.hardlink_to(folder / ITEMS)


def share_file(source: Path, target: Path) -> None:
    """Puts the items of one run's folder into another's, as a link where links can be made."""
    _link(source / ITEMS, target / ITEMS)


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:
        with whole_file(target) as part:
            shutil.copyfile(source, part)


def write_items(folder: Path, items: Iterable[Item]) -> None:
    """Writes `items.jsonl.gz` into a folder, as a file of its own."""
    _write_items(folder / ITEMS, items)


def _write_items(path: Path, items: Iterable[Item]) -> None:
    with whole_file(path) as part:
        _write_compressed(part, map(_line, items))


def _line(item: Item) -> bytes:
    """An item's line; its texts by Pydantic's writer: the row "cached run" of benchmarks/speed.py."""
    said = item_to_json(item)
    metadata = encode(said.pop("metadata"))
    try:
        texts = to_json(said)
        if not texts.isascii():  # looking takes no time, and escapes more than all else
            texts = to_json(said, ensure_ascii=True)
    except ValueError:  # lone surrogates, which are no UTF-8
        texts = encode(said).encode()
    return b'%s,"metadata":%s}\n' % (texts[:-1], metadata.encode())


def _write_compressed(path: Path, lines: Iterable[bytes]) -> None:
    """Writes a gzip file."""
    lines = iter(lines)
    with gzip.open(path, "wb", compresslevel=1) as file:
        while chunk := b"".join(islice(lines, _LINES_A_CHUNK)):
            file.write(chunk)


def _is_whole(path: Path) -> bool:
    """Whether a compressed file is there and can be read to its end."""
    try:
        if path.is_symlink() or path.stat().st_size == 0:  # an empty file, which gzip takes for whole
            return False
        with gzip.open(path) as file:
            while file.read(2**20):
                pass
    except (OSError, EOFError, zlib.error):
        return False
    return True


def read_items(folder: Path) -> Iterator[Item]:
    """The items of a run, from its own folder.

    Raises:
        ConfigError: They are not there, or a line is no item.
    """
    path = folder / ITEMS
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in counted(file, f"reading {path}", unit="items"):
                yield item_from_json(loads(line))
    except FileNotFoundError:
        raise DataError(f"{path}: file not found; copy the run's whole folder, following links (cp -rL)") from None
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error}); copy it again from the original run") from None
