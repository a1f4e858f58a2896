"""The items' file, which is written while a run goes on."""

from __future__ import annotations

import errno
import multiprocessing
import os
import threading
from typing import TYPE_CHECKING

import pytest

from judgebench.errors import ConfigError
from judgebench.items import Completion, Item, Turn
from judgebench.runs.folder import RunWriter
from judgebench.runs.itemfile import ITEMS, read_items, shared_beside
from judgebench.runs.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNNING = Manifest.model_validate({"state": "running", "items": {"hash": "x" * 64}})


def item(number: int) -> Item:
    answers = tuple(Completion((Turn("assistant", text),)) for text in ("yes", "no"))
    return Item(str(number), "s", (Turn("user", "Is it so?"),), answers, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RunWriter]:
    made = RunWriter(tmp_path / "custom/mine/pairwise/one")
    yield made
    made.close()


def test_a_run_goes_on_while_its_items_are_written(folder: RunWriter) -> None:
    """`begin` returns before the first item is there, and `close` when the last one is written."""
    may_go_on = threading.Event()

    def held_up() -> Iterator[Item]:
        assert may_go_on.wait(30)
        yield from map(item, range(3))

    folder.begin(RUNNING, {}, held_up())
    before = (folder.path / ITEMS).exists()
    may_go_on.set()
    folder.close()

    assert (before, list(read_items(folder.path))) == (False, [item(0), item(1), item(2)])


def test_items_that_cannot_be_written_end_the_run(folder: RunWriter) -> None:
    """What the thread met is the run's own error, one line with the mend."""

    def broken() -> Iterator[Item]:
        yield item(0)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder.begin(RUNNING, {}, broken())
    with pytest.raises(ConfigError, match="the disk is full; free some space"):
        folder.finish(RUNNING, [], None)  # type: ignore[arg-type]


def test_a_process_that_is_forked_writes_items_of_its_own(tmp_path: Path) -> None:
    """After a run a fork has no thread of its parent's, and does not wait for one."""

    def written(name: str) -> list[Item]:
        folder = tmp_path / name
        folder.mkdir()
        shared_beside(folder, "0" * 64, map(item, range(2))).result(20)
        return list(read_items(folder))

    assert written("parent") == [item(0), item(1)]
    child = multiprocessing.get_context("fork").Process(target=written, args=("child",))
    child.start()
    child.join(30)

    assert child.exitcode == 0
    assert list(read_items(tmp_path / "child")) == [item(0), item(1)]
