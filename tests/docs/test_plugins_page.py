"""The page on sources and scorers shows the files that the tests install, and its Python runs."""

import re
import tomllib

import pytest
from commands import REPOSITORY
from plugins import EXAMPLE

PAGE = (REPOSITORY / "docs" / "plugins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", ["sqlite_source.py", "overlap_scorer.py"])
def test_the_page_shows_the_file(name):
    """As it stands, and short enough to read."""
    text = (EXAMPLE / name).read_text(encoding="utf-8")
    assert ("python", text) in BLOCKS
    assert len(text.splitlines()) < 60


def test_the_page_shows_the_entry_points():
    """Those of the example's pyproject.toml."""
    shown = tomllib.loads("".join(text for kind, text in BLOCKS if kind == "toml"))["project"]["entry-points"]
    assert shown == tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]["entry-points"]


def test_the_rows_in_memory_of_the_page_are_run(tmp_path, monkeypatch):
    """The first block, in an empty folder: `fire` is right, and longer than `ice`."""
    monkeypatch.chdir(tmp_path)
    code = next(text for kind, text in BLOCKS if kind == "python")
    names = {}
    exec(code, names)
    assert names["run"].metrics.score == 1
