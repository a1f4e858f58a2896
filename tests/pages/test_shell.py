"""The frame of pages: their policy, their packed data, and files that appear whole or not at all."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
import re
from pathlib import Path

import pytest

from judgebench._util.table import Column, Table
from judgebench.errors import ConfigError
from judgebench.pages import shell
from judgebench.pages.figures import Figure
from judgebench.pages.shell import Page, encoded, packed, write_page


def page(**changes) -> Page:
    """A page of the frame alone."""
    made = {"template": "shell.html", "title": "A title", "context": {}, "scripts": ("core.js",)}
    return Page(**(made | changes))


def written(**changes) -> str:
    write_page(Path("page.html"), page(**changes))
    return Path("page.html").read_text(encoding="utf-8")


def unpacked(text: str, name: str):
    """The block of that name, as a browser reads it."""
    found = re.search(f'<script type="text/plain" id="data-{name}">(.*?)</script>', text, re.DOTALL)
    assert found, name
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def test_data_comes_back_as_it_was_put_in():
    """Markup, quotes, other scripts, lone surrogates and a null byte included."""
    value = {"</script>": ["<!--", "'\"", "漢字 🔥", "\ud800", "\x00"], "n": 0.1}
    assert unpacked(written(blocks=[("own", encoded(value))]), "own") == value


def test_the_same_content_makes_the_same_file():
    """No time is in it."""
    assert written(blocks=[("own", b"1")]) == written(blocks=[("own", b"1")])


def test_the_policy_allows_the_scripts_by_hash_and_nothing_else():
    """Every script that runs has its hash there; there is no connection and no eval."""
    text = written()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1].replace("&#39;", "'")
    sources = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in sources}
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert set(rules["script-src"].split()) == hashes
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules


def test_none_of_our_scripts_ends_its_own_element():
    """`</script` in a source would."""
    for path in shell.ASSETS.glob("*.js"):
        assert "</script" not in path.read_text(encoding="utf-8").lower(), path.name


def test_a_title_is_text():
    """Markup and what reorders text are written out."""
    text = written(title="<img src=x onerror=alert(1)>\u202e")
    assert "<img" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;\\u202e" in text


def test_blocks_are_taken_one_after_another():
    """A page needs no more memory than its largest block: the next is made when the last one is written."""
    there = []

    def blocks():
        for number in range(3):
            (part,) = Path().glob(".page.html.*.part")
            there.append(part.read_text(encoding="utf-8").count('id="data-b'))
            yield f"b{number}", random.Random(number).randbytes(100_000)

    written(blocks=blocks())
    assert there == [0, 1, 2]


@pytest.mark.parametrize(("place", "said"), [("missing/page.html", "cannot be written"), (".", "is a folder")])
def test_where_no_file_can_be_written(place, said):
    """One line that says so."""
    with pytest.raises(ConfigError, match=said):
        write_page(Path(place), page())


def test_a_page_that_cannot_be_finished_leaves_the_old_one():
    """And nothing else behind."""
    Path("page.html").write_text("<html>old")

    def blocks():
        yield "own", b"1"
        raise ConfigError("broken")

    with pytest.raises(ConfigError, match="broken"):
        write_page(Path("page.html"), page(blocks=blocks()))
    assert [path.name for path in Path().iterdir()] == ["page.html"]
    assert Path("page.html").read_text() == "<html>old"


@pytest.mark.parametrize("there", [b'{"prompt": "Q"}\n', b"PAR1\x00", b"a,b\n<html>"])
def test_what_is_no_page_is_not_replaced(there):
    """A file of rows that is named by mistake is left as it is; an empty file is none."""
    Path("rows").write_bytes(there)
    with pytest.raises(ConfigError, match="rows: holds something else than a page"):
        write_page(Path("rows"), page())
    assert Path("rows").read_bytes() == there
    Path("empty").touch()
    assert write_page(Path("empty"), page()) > 0


def test_a_link_is_written_through():
    """The file that it points to is replaced, and the link stays."""
    Path("real.html").write_text("<!DOCTYPE html>old")
    Path("page.html").symlink_to("real.html")
    write_page(Path("page.html"), page())
    assert Path("page.html").is_symlink()
    assert "A title" in Path("real.html").read_text()


def test_packed_is_gzip_in_base64():
    """Of the best level, without a name or a time."""
    assert gzip.decompress(base64.b64decode(packed(b"abc" * 100))) == b"abc" * 100


def test_what_is_no_number_is_null_in_a_figure():
    """JSON has neither."""
    rows = [("a", float("nan")), ("b", float("inf")), ("c", 0.5)]
    figure = Figure("f", "F", table=Table.rows_of(rows, Column("run"), Column("score", "number")))
    assert figure.to_json()["rows"] == [["a", None], ["b", None], ["c", 0.5]]
