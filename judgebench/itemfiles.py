"""The items of a run as a file, `items.jsonl.gz`, which runs of the same items share."""

from __future__ import annotations

import gzip
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

from judgebench.errors import ConfigError
from judgebench.items import item_from_json, item_to_json
from judgebench.judgements import encode
from judgebench.quickjson import loads
from judgebench.steps import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from judgebench.items import Item

ITEMS = "items.jsonl.gz"

_LINES_A_CHUNK = 256
_BESIDE = ThreadPoolExecutor(1)  # a single thread, so that two runs of the same items write them once


def shared_beside(folder: Path, digest: str, items: Iterable[Item], *, distrust: bool = False) -> Future[None]:
    """`share_items` while the caller goes on: with 100,000 items it takes seconds."""
    return _BESIDE.submit(share_items, folder, digest, items, distrust=distrust)


def share_items(folder: Path, digest: str, items: Iterable[Item], *, distrust: bool = False) -> None:
    """Puts `items.jsonl.gz` into the folder, as a link to the one that runs of the same items share.

    The shared file stands in `.items` in the benchmark's folder (the second above a score file's run, the third above
    a judge's); where links cannot be made, the folder gets a file of its own.

    Args:
        folder: The run's.
        digest: The hash of the items.
        items: With their texts.
        distrust: Whether a crash may have torn the file that is there.
    """
    own = folder / ITEMS
    shared = folder.parents[1 if folder.name == "scores" else 2] / ".items" / f"{digest[:32]}.jsonl.gz"
    linked = own.exists() and shared.exists() and own.samefile(shared)
    if linked and not distrust:
        return
    if not _is_whole(shared):
        shared.parent.mkdir(parents=True, exist_ok=True)
        part = shared.with_name(f"{shared.name}.{os.getpid()}.part")
        _write_compressed(part, (encode(item_to_json(item)) + "\n" for item in items))
        part.replace(shared)
    own.unlink(missing_ok=True)
    try:
        own.hardlink_to(shared)
    except OSError:
        own.write_bytes(shared.read_bytes())


def _write_compressed(path: Path, lines: Iterable[str]) -> None:
    """Writes a gzip file; a thread compresses one chunk while the next is made."""
    lines = iter(lines)
    with gzip.open(path, "wb", compresslevel=1) as file, ThreadPoolExecutor(1) as compressing:
        written: Future[int] | None = None
        while chunk := "".join(islice(lines, _LINES_A_CHUNK)).encode():
            if written is not None:
                written.result()
            written = compressing.submit(file.write, chunk)
        if written is not None:
            written.result()


def _is_whole(path: Path) -> bool:
    """Whether a compressed file is there and can be read to its end."""
    try:
        if path.stat().st_size == 0:  # which gzip takes for an empty file
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
        raise ConfigError(
            f"{path}: is not there; copy the run's whole folder, with the file that a link in it leads to (cp -rL)"
        ) from None
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); copy it again from where the run was made") from None
