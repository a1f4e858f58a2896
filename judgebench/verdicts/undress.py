"""Text without its typography, with the place of each character in the text as it was. Pure."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from judgebench.verdicts.rule import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WIDE = [*range(0xFF01, 0xFF5F), 0x3000, 0xA0, 0x2007, 0x202F, *range(0x1D400, 0x1D800), *range(0x24B6, 0x24EA)]
_INVISIBLE = "[\u00ad\u034f\u061c\u115f\u1160\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
_SIGNS = re.compile(
    rf"{_INVISIBLE}|&(?:#\d{{1,7}}|#x[0-9a-fA-F]{{1,6}}|lt|gt|amp|quot|apos|nbsp|lbrack|rbrack|lsqb|rsqb);"
    r"|\\(?=[\[\](){}<>*_=|#.+!~:/-])|[\u27e6\u301a\u27e7\u301b\u226a\u226b]"
)
_DOUBLE = {"\u27e6": "[[", "\u301a": "[[", "\u27e7": "]]", "\u301b": "]]", "\u226b": ">>", "\u226a": "<<"}
_EMPHASIS = re.compile(
    r"\*+|`+|~~|(?<![^\W_])_+(?=\S)|(?<=\S)_+(?![^\W_])|</?(?:b|strong|i|em|u|code|mark|span|br) ?/?>", re.IGNORECASE
)
_SPACES = re.compile(r"(?<=[\[({])[\s\"']+|[\s\"']+(?=[\])}])|(?<=[^\S\n])[^\S\n]+")


@cache
def _alike() -> dict[int, str]:
    """Characters that stand for a plain one: full-width and mathematical ones, quotes and brackets."""
    return {
        **{code: folded for code in _WIDE if len(folded := unicodedata.normalize("NFKC", chr(code))) == 1},
        **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u2033\u00ab\u00bb\u300c\u300d"), '"'),
        **dict.fromkeys(map(ord, "\u2018\u2019\u201a\u2032"), "'"),
        **dict.fromkeys(map(ord, "\u3010\u3014\u27e6\u301a"), "["),
        **dict.fromkeys(map(ord, "\u3011\u3015\u27e7\u301b"), "]"),
        **dict.fromkeys(map(ord, "\u2236\ufe55"), ":"),
    }


class _Cut(NamedTuple):
    """What stands from `start` up to `end` in a text, and `old_start` up to `old_end` in the one it was made from."""

    start: int
    end: int
    old_start: int
    old_end: int


class PlainText(NamedTuple):
    """A text, and the parts that are others in the text that it was made from: of each step a list, in their order."""

    text: str
    steps: tuple[list[_Cut], ...] = ()

    def back(self, span: Span) -> Span:
        """Where a part of this text stands in the other."""
        if span.start >= span.end:
            return Span(0, 0)
        first, last = span.start, span.end - 1
        for cuts in reversed(self.steps):
            first, last = _before(cuts, first).start, _before(cuts, last).end - 1
        return Span(first, last + 1)


def _before(cuts: list[_Cut], at: int) -> Span:
    """Where a character stood before a step: by itself, or all that it is in the place of."""
    number = bisect_right(cuts, at, key=lambda cut: cut.start)
    if number == 0:
        return Span(at, at + 1)
    cut = cuts[number - 1]
    if at < cut.end:
        return Span(cut.old_start, cut.old_end)
    old = at - cut.end + cut.old_end
    return Span(old, old + 1)


def undress(text: str) -> Iterator[PlainText]:
    """A text with ever less typography.

    First without invisible characters, entities and escapes of brackets, and with plain characters for full-width and
    curly ones; then without bold, italics and code; then without spaces and quotes just inside brackets.
    """
    plain = _replace(PlainText(text), _SIGNS, _plain_sign)
    plain = plain._replace(text=plain.text.translate(_alike()))
    yield plain
    plain = _replace(plain, _EMPHASIS, lambda _: "")
    yield plain
    for _ in range(2):  # spaces between brackets have bracket after bracket once the inner ones are gone
        plain = _replace(plain, _SPACES, lambda _: "")
    yield plain


def _plain_sign(sign: str) -> str:
    if not sign.startswith("&"):
        return _DOUBLE.get(sign, "")
    from html import unescape

    return unescape(sign)


def _replace(plain: PlainText, pattern: re.Pattern[str], new: Callable[[str], str]) -> PlainText:
    """The text with other characters for each match."""
    text: list[str] = []
    cuts: list[_Cut] = []
    at = length = 0
    for match in pattern.finditer(plain.text):
        kept, put = plain.text[at : match.start()], new(match.group())
        start = length + len(kept)
        length = start + len(put)
        cuts.append(_Cut(start, length, *match.span()))
        text += [kept, put]
        at = match.end()
    return PlainText("".join([*text, plain.text[at:]]), (*plain.steps, cuts)) if cuts else plain
