"""Rows out of JSON: an object a line, an array, objects one after another, or one object that holds them all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from judgebench._util.jsonl import loads
from judgebench.errors import DataError
from judgebench.sources.columns import plain
from judgebench.sources.source import Row
from judgebench.sources.streams import CHUNK, encoding_of, text_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

FORM = "expected an object a line, or an array of objects"

WRAPPERS = ("data", "rows", "items", "examples", "instances", "samples", "records", "results", "test", "train")
"""Where the rows stand in one object with other things beside them, the likeliest first."""

_ROW = frozenset(
    map(
        plain,
        ("id", "prompt", "chosen", "rejected", "completions", "response_a", "response", "label", "scores", "question"),
    )
)
_TURN = {"role", "content"}


def read_json(path: Path, split: str) -> Iterator[Row]:
    """The rows, whatever the file's suffix.

    Raises:
        DataError: The file is no JSON; a line that is none is a row with that problem.
    """
    encoding = encoding_of(path)
    with text_stream(path, newline="\n", encoding=encoding) as file:
        text = JsonText(path.name, file)
        mark = text.peek()
        if mark == "[":
            yield from _numbered(path.name, split, text.array())
            return
        alone = _first_line(path, encoding) if mark == "{" else ()
        if mark == "{" and not alone:
            first = text.first_object()
            if first is not None:
                yield from _after_another(path.name, split, first, text)
                return
    if alone and len(alone) == 1:
        yield from _whole(path.name, split, alone[0][1], where=f"{path.name} line {alone[0][0]}")
        return
    yield from _lines(path, split, encoding)


def _first_line(path: Path, encoding: str) -> list[tuple[int, Any]]:
    """The numbers and objects of the first two lines that hold text, where the first is an object; else none."""
    found: list[tuple[int, Any]] = []
    with text_stream(path, newline="\n", encoding=encoding) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                found.append((number, loads(line)))
            except (ValueError, RecursionError):
                found.append((number, None))
            if found[0][1] is None or not isinstance(found[0][1], dict):
                return []
            if len(found) == 2:
                break
    return found


def _lines(path: Path, split: str, encoding: str) -> Iterator[Row]:
    name, form = path.name, "each line must hold one JSON object"
    with text_stream(path, newline="\n", encoding=encoding) as file:
        for number, text in enumerate(file, 1):
            where = f"{name} line {number}"
            try:
                data = loads(text)
            except (ValueError, RecursionError) as error:
                if text.strip():
                    yield Row(where, {}, split, problem=f"not valid JSON ({_reason(error)}): {form}")
                continue
            if isinstance(data, dict):
                yield Row(where, data, split)
            else:
                yield Row(where, {}, split, problem=f"a JSON {json_type(data)}, not an object: {form}")


def _numbered(name: str, split: str, values: Iterator[Any]) -> Iterator[Row]:
    for number, data in enumerate(values, 1):
        where = f"{name} row {number}"
        if isinstance(data, dict):
            yield Row(where, data, split)
        else:
            yield Row(where, {}, split, problem=f"a JSON {json_type(data)}, not an object: {FORM}")


def _after_another(name: str, split: str, first: dict[str, Any], text: JsonText) -> Iterator[Row]:
    """Objects over several lines; a single one may hold all rows."""
    if not text.peek():
        yield from _whole(name, split, first, where=f"{name} row 1")
        return

    def values() -> Iterator[Any]:
        yield first
        while text.peek():
            yield text.value()

    yield from _numbered(name, split, values())


def _whole(name: str, split: str, data: dict[str, Any], *, where: str) -> Iterator[Row]:
    """The rows of a file's only object."""
    rows = rows_in(data)
    if rows is None:
        yield Row(where, data, split)
        return
    beside = {key: value for key, value in data.items() if isinstance(value, str | int | float)}
    for row in _numbered(name, split, iter(rows)):
        row.beside = beside
        yield row


def rows_in(data: dict[str, Any]) -> list[Any] | None:
    """The rows that one object holds: in a list, in columns, or by id; None where it is a row itself.

    Example:
        >>> rows_in({"prompt": ["p", "q"], "chosen": ["a", "b"]})
        [{'prompt': 'p', 'chosen': 'a'}, {'prompt': 'q', 'chosen': 'b'}]
    """
    columns, table = data.get("columns"), data.get("data")
    if isinstance(columns, list) and isinstance(table, list) and all(isinstance(row, list) for row in table):
        return [dict(zip(map(str, columns), row, strict=False)) for row in table]
    lists = {key: value for key, value in data.items() if isinstance(value, list)}
    if not _ROW & {plain(key) for key, value in data.items() if not isinstance(value, list | dict)}:
        held = [key for key, value in lists.items() if value and all(map(_is_row, value))]
        named = [key for key in WRAPPERS if key in held]
        inner = next((data[key] for key in WRAPPERS if isinstance(data.get(key), dict)), None)
        if not lists and inner is not None and any(isinstance(inner.get(key), list) for key in WRAPPERS):
            return rows_in(inner)
        if named or len(held) == 1:
            return list(lists[(named or held)[0]])
        if by_column := _by_column(lists):
            return by_column
    objects = {key: value for key, value in data.items() if isinstance(value, dict)}
    if len(objects) == len(data) and data:
        keys = {tuple(value) for value in objects.values()}
        if all(key.isdigit() for each in keys for key in each) and len(keys) == 1 and next(iter(keys)):
            return _by_column({column: list(cells.values()) for column, cells in objects.items()})
        if all(map(_is_row, objects.values())) and len(objects) > 1:
            return [{"id": key, **value} for key, value in objects.items()]
    return None


def _by_column(lists: dict[str, list[Any]]) -> list[Any] | None:
    """The rows of columns of one length; values beside them that are no lists are of the whole file."""
    lengths = {len(values) for values in lists.values()}
    turns = all(isinstance(value, dict) and value.keys() >= _TURN for values in lists.values() for value in values)
    if len(lengths) != 1 or not next(iter(lengths)) or turns:
        return None
    return [dict(zip(lists, cells, strict=True)) for cells in zip(*lists.values(), strict=True)]


def _is_row(value: object) -> bool:
    return isinstance(value, dict) and not value.keys() >= _TURN


class JsonText:
    """A window that moves over the text of JSON, so that one value is held at a time."""

    def __init__(self, name: str, file: TextIO) -> None:
        """Args: the file's name, as messages give it, and its text."""
        self._name, self._file = name, file
        self._text, self._at, self._line = "", 0, 1
        self._decode = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._text):
                if not self._text[self._at].isspace():
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def array(self) -> Iterator[Any]:
        """The values of the array that starts here."""
        first = True
        while self._take("[" if first else ",]") != "]":
            if first and self.peek() == "]":
                self._at += 1
                break
            first = False
            yield self.value()
        if self.peek():
            raise self._mistake("text after the end of the array", self._at)

    def first_object(self) -> dict[str, Any] | None:
        """The object that starts here; None where it is none that ends."""
        try:
            value = self.value()
        except DataError:
            return None
        return value if isinstance(value, dict) else None

    def value(self) -> Any:
        """The value that starts here.

        Raises:
            DataError: There is none.
        """
        self.peek()
        while True:
            try:
                value, self._at = self._decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if not self._more():
                    place = error.pos if isinstance(error, json.JSONDecodeError) else self._at
                    raise self._mistake(_reason(error, column=False), place) from error
            else:
                return value

    def _take(self, expected: str) -> str:
        mark = self.peek()
        if not mark or mark not in expected:
            raise self._mistake(f"expecting {' or '.join(repr(mark) for mark in expected)}", self._at)
        self._at += 1
        return mark

    def _more(self) -> bool:
        """Drop what was read, and at least double what is left, so that a long object is not tried too often."""
        self._line += self._text.count("\n", 0, self._at)
        rest = self._text[self._at :]
        chunk = self._file.read(max(CHUNK, len(rest)))
        self._text, self._at = rest + chunk, 0
        return bool(chunk)

    def _mistake(self, reason: str, place: int) -> DataError:
        line = self._line + self._text.count("\n", 0, place)
        return DataError(f"{self._name} line {line}: not valid JSON ({reason}): {FORM}")


def _reason(error: BaseException, *, column: bool = True) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} in column {error.colno}" if column else error.msg
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return " ".join(str(error).split())[:200]


def json_type(value: object) -> str:
    """What JSON calls the type of a value."""
    names = {list: "array", dict: "object", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")
