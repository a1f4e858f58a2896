"""Pages of HTML or XML that come where a message was expected, as what a person reads on them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PAGE = re.compile(r"<(?:!doctype\s+html|\?xml|html|head|body|title)\b", re.IGNORECASE)
_BLOCK = re.compile(r"</(?:h[1-6]|p|div|center|pre|ul|ol|table|section|main|form)\s*>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:h[1-6]|p|div|span|center|pre|code|a|b|i|u|em|strong|small|font|ul|ol|li|br|table|form|section|main)"
    r"(?:\s[^<>]{0,500})?/?>",
    re.IGNORECASE,
)
_READ = 100_000
"""Characters of a page that are looked at."""
_UNSEEN = frozenset({"script", "style", "svg", "template", "select"})
_INLINE = frozenset({"a", "b", "code", "em", "font", "i", "small", "span", "strong", "u"})


def is_page(text: str) -> bool:
    """Whether a page of HTML or XML is in the text."""
    return _PAGE.search(text, 0, _READ) is not None


def without_markup(text: str, longest: int = 150) -> str:
    """The text; of a page in it the title, and what else it shows, in one line.

    Args:
        text: Of any kind; without a page, the tags of paragraphs and what is in them are left out.
        longest: Characters of what a page shows.

    Example:
        >>> page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1><p>nginx</p></body>"
        >>> without_markup(page)
        'HTML page: 502 Bad Gateway, nginx'
        >>> without_markup("a < b <p>Not found</p>")
        'a < b Not found'
    """
    start = _PAGE.search(text, 0, _READ)
    if start is None:
        return " ".join(_TAG.sub(" ", text).split()) if _BLOCK.search(text) else text
    kind = "XML" if start[0].startswith("<?") else "HTML"
    shown = ", ".join(_new(_read(text[start.start() : _READ]))) or "no text"
    shown = shown if len(shown) <= longest else f"{shown[: longest - 3]}..."
    before = text[: start.start()].lstrip("\ufeff")
    return f"{before}{kind} page: {shown}"


def _read(markup: str) -> list[str]:
    page = _Page()
    page.feed(markup)
    page.close()
    return [line for part in page.parts if (line := " ".join(part.split()))]


def _new(parts: Iterable[str]) -> Iterator[str]:
    """The parts that say something which those before them do not."""
    said = ""
    for part in parts:
        line = part.strip(" .,:;|")
        if line and line.lower() not in said:
            said += f"{line.lower()}\n"
            yield line


class _Page(HTMLParser):
    """The texts of a page.

    Attributes:
        parts: The title, and each block's text.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts = ["", ""]
        self._unseen = 0
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - html.parser's name
        self._unseen += tag in _UNSEEN
        self._in_title = tag == "title" and not self._unseen
        self._end_block(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - html.parser's name
        self._end_block(tag)

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        self._in_title = self._in_title and tag != "title"
        self._end_block(tag)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            at = 0 if self._in_title else -1
            self.parts[at] = f"{self.parts[at]} {data}"

    def _end_block(self, tag: str) -> None:
        if tag not in _INLINE and self.parts[-1].strip():
            self.parts.append("")
