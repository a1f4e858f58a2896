"""What every page has: its frame, its look, a content security policy, and data that is packed inside it.

Another page is made of the same parts:

1. `assets/NAME.html` extends `shell.html` and fills its blocks `views` (links for the head) and `content`. Everything
   in `context` is escaped by Jinja; figures and tables come by the macros of `figures.html`.
2. `assets/NAME.js` begins with what `core.js` offers as `judgebench`: `unpack(name)` for a block of data, `el` to make
   elements (text never becomes HTML), `visible` for text from outside, `download`, `csv`, `ready`.
3. `write_page(path, Page(template="NAME.html", scripts=("core.js", "figures.js", "NAME.js"), blocks=..., ...))`.

A block is a name and bytes (JSON by `encoded`, mostly), gzipped and in base64 in the file; blocks are taken from an
iterable one after another, so that a page needs no more memory than its largest. The policy allows the page's own
scripts by their hashes, and no connection at all.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench._util.files import output_file
from judgebench._util.text import visible
from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jinja2 import Environment

ASSETS = Path(__file__).parent / "assets"
STYLES = "page.css"

_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Page:
    """A page to be written.

    Attributes:
        template: Its Jinja template among the assets.
        title: Of the window and of the page's head.
        context: What the template is rendered with.
        scripts: Files among the assets, in the order in which they run.
        blocks: Name and content of each block of data, taken once.
    """

    template: str
    title: str
    context: Mapping[str, Any]
    scripts: tuple[str, ...]
    blocks: Iterable[tuple[str, bytes]] = ()


def encoded(value: Any) -> bytes:
    """A value as compact JSON in UTF-8; a lone surrogate, which UTF-8 cannot hold, as JSON's escape.

    Raises:
        ValueError: A number is infinite or none.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=str)
    return text.encode("utf-8", "backslashreplace")


def packed(content: bytes) -> str:
    """Content as it stands in a page: gzipped, the same bytes for the same content, and in base64."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode("ascii")


def check_page(path: Path) -> None:
    """Finds out whether a page can be written there: what is no page, such as a file of rows, is not replaced.

    Raises:
        ConfigError: It cannot.
    """
    if not path.parent.is_dir():
        where = f"the folder {path.parent} does not exist"
        raise ConfigError(f"{path}: cannot be written: {where}; make it, or name another file")
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; name a file in it")
    if path.is_file():
        with path.open("rb") as file:
            begin = file.read(1000).lstrip().lower()
        if begin and not begin.startswith((b"<!doctype html", b"<html")):
            raise ConfigError(f"{path}: holds something else than a page, which would be lost; name another file")


def write_page(path: Path, page: Page) -> int:
    """Writes a page, whole or not at all; one that is there is replaced.

    Returns:
        The number of bytes.

    Raises:
        ConfigError: The file cannot be written, or one that is there is no page.
    """
    check_page(path)
    with output_file(path) as part, part.open("w", encoding="utf-8", newline="\n", errors="backslashreplace") as file:
        file.writelines(_texts(page))
    return path.stat().st_size


def _texts(page: Page) -> Iterator[str]:
    scripts = [_asset(name) for name in page.scripts]
    hashes = " ".join(f"'sha256-{_digest(source)}'" for source in scripts)
    yield from (
        _environment()
        .get_template(page.template)
        .generate(
            **page.context,
            title=page.title,
            policy=_POLICY.format(scripts=hashes or "'none'"),
            styles=_asset(STYLES),
            scripts=scripts,
            blocks=((name, packed(content)) for name, content in page.blocks),
            version=version("judgebench"),
        )
    )


def _environment() -> Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )


def _harmless(value: Any) -> Any:
    """What a template prints, with characters that could hide or reorder others written out."""
    return "" if value is None else visible(value) if type(value) is str else value


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _digest(source: str) -> str:
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode("ascii")
