"""Reports appear whole or not at all, and what is no plain file is written to as it is."""

from __future__ import annotations

import os
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from judgebench.errors import ConfigError
from judgebench.files import whole_file
from judgebench.reports.files import write_report

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_cut_off_leaves_the_earlier_file(tmp_path: Path) -> None:
    """And nothing beside it."""
    path = tmp_path / "report.md"
    path.write_text("earlier")

    def cut_off() -> None:
        with whole_file(path) as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_off()
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("report.md", "earlier")]


def test_a_pipe_stays_one(tmp_path: Path) -> None:
    """Its reader gets the text."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_report(pipe, "whole")
    reader.join(10)
    assert (read, pipe.is_fifo()) == (["whole"], True)


def test_a_link_stays_one(tmp_path: Path) -> None:
    """What it leads to is written anew."""
    link, target = tmp_path / "link.md", tmp_path / "target.md"
    target.write_text("earlier")
    link.symlink_to(target)
    write_report(link, "new")
    assert (link.is_symlink(), target.read_text()) == (True, "new")


@pytest.mark.parametrize("place", ["file/report.md", "missing/report.md", "folder"])
def test_what_cannot_be_written_is_one_line(tmp_path: Path, place: str) -> None:
    """Below a file, in a folder that is not there, and a folder itself."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match="name "):
        write_report(tmp_path / place, "text")
