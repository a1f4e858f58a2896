"""The documentation site: it builds in strict mode, hangs together, and loads nothing from outside."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from commands import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.docs

LOADS = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "object": "data",
}
BUILD = (sys.executable, "-m", "mkdocs", "build", "--strict")


class Page(HTMLParser):
    """What a page loads, where it links to, and the names of its places."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.loads: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.places.add(found.get("id", ""))
        if tag in LOADS and LOADS[tag] in found and found.get("rel") not in {"canonical", "next", "prev"}:
            self.loads.append(found[LOADS[tag]])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    """Every page of the site, as the one command builds it."""
    folder = tmp_path_factory.mktemp("site").resolve()
    ended = subprocess.run(
        [*BUILD, "--site-dir", str(folder)],
        cwd=REPOSITORY,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return {path: Page(path) for path in folder.rglob("*.html")}


def outside(address: str) -> bool:
    """Whether an address is another host's."""
    return bool(urlsplit(address).netloc)


def test_every_page_of_the_docs_is_there(site: dict[Path, Page]) -> None:
    """One for each Markdown file."""
    written = {path.stem for path in REPOSITORY.glob("docs/**/*.md")} - {"README"}
    assert written - {path.stem for path in site} == set()


def test_nothing_is_loaded_from_outside(site: dict[Path, Page]) -> None:
    """No script, style, font or picture of another host."""
    assert [(page.path.name, load) for page in site.values() for load in page.loads if outside(load)] == []


def test_styles_load_nothing_from_outside(site: dict[Path, Page]) -> None:
    """No font that is fetched."""
    (home,) = (path.parent for path in site if path.name == "404.html")
    assert [path.name for path in home.rglob("*.css") if "url(http" in path.read_text(encoding="utf-8")] == []


def test_every_link_of_the_site_leads_somewhere(site: dict[Path, Page]) -> None:
    """To a file, and to a place on its page."""
    broken = []
    for page in site.values():
        for link in page.links:
            parts = urlsplit(link)
            if outside(link) or parts.scheme or parts.path.startswith("/"):
                continue
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
            there = target in site and (not parts.fragment or unquote(parts.fragment) in site[target].places)
            if not (there or (target.is_file() and not parts.fragment)):
                broken.append((page.path.name, link))
    assert broken == []
