"""JSON that is too large to be held as a whole: ijson streams it, whatever its shape."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from judgebench.errors import DataError
from judgebench.sources.shapes import Cut, Shape, shape_of
from judgebench.sources.streams import CHUNK, text_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

FORM = "expected an object a line, or an array of objects"

_KEPT = 1000
"""So many parts of each list and object are looked at to tell a file's shape."""

_SHORT = 100
"""So many characters of the texts in them."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|-?\b(?:NaN|Infinity)\b', re.DOTALL)
_WORD = re.compile(r"-?\w*\Z")


def shape_in(path: Path, encoding: str) -> Shape:
    """The shape of a file's JSON, by a pass through it that holds no more than the beginning of each part.

    Raises:
        DataError: It is not valid JSON.
    """
    state = path.stat()
    return _shape(path, encoding, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=16)
def _shape(path: Path, encoding: str, size: int, changed: int) -> Shape:  # noqa: ARG001 - they make the file's version
    import ijson

    for lenient in (False, True):
        with text_stream(path, newline="\n", encoding=encoding) as text:
            events = iter(ijson.basic_parse(_bytes(text, lenient), multiple_values=True, buf_size=CHUNK))
            try:
                outline = _outline(events, *next(events))
                more = next(events, None) is not None
            except ijson.JSONError as error:
                if lenient:
                    raise _mistake(path.name, str(error)) from error
                continue
        break
    if isinstance(outline, list):
        return Shape("list")
    return Shape("rows") if more or not isinstance(outline, dict) else shape_of(outline)


def _outline(events: Iterator[tuple[str, Any]], event: str, value: Any, depth: int = 0) -> Any:
    """A value, of whose lists, objects and texts only the first parts are held."""
    if event == "start_map":
        made: dict[str, Any] = {}
        for ended, key in events:
            if ended == "end_map":
                break
            start = next(events)
            if len(made) < _KEPT:
                made[key] = _outline(events, *start, depth + 1)
            else:
                _skip(events, start[0])
        return made
    if event == "start_array":
        cut = Cut()
        for start in events:
            if start[0] == "end_array":
                break
            if cut.length < _KEPT:
                cut.append(_outline(events, *start, depth + 1))
            else:
                _skip(events, start[0])
            cut.length += 1
        return cut
    return value[:_SHORT] if isinstance(value, str) and depth > 1 else _plain(value)


def _skip(events: Iterator[tuple[str, Any]], event: str) -> None:
    """Goes past the rest of a value."""
    depth = int(event.startswith("start_"))
    while depth:
        event = next(events)[0]
        depth += event.startswith("start_") - event.startswith("end_")


def stream_values(path: Path, encoding: str, place: str, *, named: bool = False) -> Iterator[Any]:
    """The values at a place in a file's JSON, one by one.

    Args:
        path: The file.
        encoding: Its encoding.
        place: As ijson writes it: `item` in an array, `data.item`; empty for the outermost values.
        named: Whether the place is an object, whose names and values are wanted in pairs.

    Raises:
        DataError: It is not valid JSON.
    """
    import ijson

    read, done = ijson.kvitems if named else ijson.items, 0
    # ijson takes no NaN, and with floats no whole numbers over 64 bits: the rest of a file that has them is read anew.
    for lenient in (False, True):
        with text_stream(path, newline="\n", encoding=encoding) as text:
            values = read(_bytes(text, lenient), place, use_float=not lenient, multiple_values=True, buf_size=CHUNK)
            try:
                for value in islice(values, done, None):
                    done += 1
                    yield _plain(value) if lenient else value
            except ijson.JSONError as error:
                if lenient:
                    raise _mistake(path.name, str(error), done) from error
                continue
        return


def _mistake(name: str, said: str, done: int = 0) -> DataError:
    """The error for what ijson says: the reason, then the text before its place, with a mark below that."""
    reason, *rest = said.splitlines() or [""]
    before = rest[0][: rest[1].rindex("^")].strip() if len(rest) > 1 and "^" in rest[1] else ""
    place = f"{name} after row {done}" if done else name
    near = f" after {before[-40:]!r}" if before else ""
    return DataError(f"{place}: not valid JSON ({reason.strip().rstrip('.')}{near}): {FORM}")


def _plain(value: Any) -> Any:
    """The value with floats for ijson's decimals."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, dict) else value


def _bytes(text: TextIO, lenient: bool) -> _Bytes:
    return _WithoutNaN(text) if lenient else _Bytes(text)


class _Bytes:
    """A text as the UTF-8 that ijson reads."""

    def __init__(self, text: TextIO) -> None:
        self._text = text

    def read(self, size: int = -1) -> bytes:
        """The next part; empty at the end."""
        return self._text.read(size).encode()


class _WithoutNaN(_Bytes):
    """The same with null for NaN and infinities, which Python writes into JSON."""

    _rest = ""

    def read(self, size: int = -1) -> bytes:
        """The next part, up to the last string or word that it holds whole; empty at the end."""
        while size:
            chunk = self._text.read(max(size, len(self._rest)) if size > 0 else size)
            text = self._rest + chunk
            end = len(text) if not chunk else self._whole(text)
            self._rest = text[end:]
            if end or not chunk:
                return _TOKEN.sub(lambda match: match[0] if match[0].startswith('"') else "null", text[:end]).encode()
        return b""

    @staticmethod
    def _whole(text: str) -> int:
        """Up to where a text holds strings and words as a whole."""
        last = 0
        for match in _TOKEN.finditer(text):
            last = match.end()
        string = text.find('"', last)
        word = _WORD.search(text, last)
        return string if string >= 0 else word.start() if word else len(text)
