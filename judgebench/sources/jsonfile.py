"""Rows out of JSON: an object a line, an array, objects one after another, or one object that holds them all."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from judgebench._util.jsonl import loads
from judgebench.errors import DataError
from judgebench.sources.hugejson import FORM, shape_in, stream_values
from judgebench.sources.judgebenchfile import HEAD, is_judge_bench, judge_bench_rows
from judgebench.sources.shapes import Shape, rows_of, shape_of
from judgebench.sources.source import Row
from judgebench.sources.streams import encoding_of, text_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

WHOLE = 1 << 19
"""A text of more characters than this is streamed."""

_LINE_END = "\n"

_SPACE = re.compile(r"\s*")


def read_json(path: Path, split: str, *, whole: int = WHOLE) -> Iterator[Row]:
    """The rows, whatever the file's suffix, one at a time.

    Args:
        path: The file.
        split: What its rows have in the place of a split.
        whole: How many characters of it may be held, where it is not an object a line.

    Raises:
        DataError: The file is no JSON; a line that is none is a row with that problem.
    """
    encoding, name = encoding_of(path), path.name
    with text_stream(path, newline="\n", encoding=encoding) as file:
        text = file.read(whole + 1)
    start = _past_space(text, 0)
    mark, large = text[start : start + 1], len(text) > whole
    if large and mark == "{" and is_judge_bench(text[:HEAD]):  # of which none is larger than memory
        with text_stream(path, newline="\n", encoding=encoding) as file:
            text, large = file.read(), False
    if mark == "[" and not large:
        yield from _numbered(name, split, _array(name, text))
        return
    lines = mark not in {"{", "["} or (mark == "{" and _are_lines(text, start))
    objects = [] if lines or large else _objects(name, text)
    alone = objects and "\n" not in text[start:].rstrip()
    place = f"{name} line {text.count(_LINE_END, 0, start) + 1}" if alone else f"{name} row 1"
    del text
    if large and not lines:
        yield from _streamed(path, split, encoding, mark)
    elif len(objects) > 1:
        yield from _numbered(name, split, objects)
    elif objects:
        yield from _in_one(name, split, objects[0], place)
    else:
        yield from _lines(path, split, encoding)


def _are_lines(text: str, start: int) -> bool:
    """Whether each line of a text, of which the beginning is enough, is to hold an object."""
    end = text.find("\n", start)
    second = _past_space(text, end)
    if end < 0 or second == len(text):
        return False
    first = text[start:end].rstrip()
    try:
        return isinstance(loads(first.removesuffix(",")), dict)
    except (ValueError, RecursionError):
        return text[second] == "{" and not first.endswith(("{", "[", ":", ","))


def _array(name: str, text: str) -> Any:
    """The values of an array."""
    try:
        return loads(text)
    except (ValueError, RecursionError) as error:
        raise _mistake(name, text, error) from error


def _objects(name: str, text: str) -> list[Any]:
    """Objects one after another, whatever the lines; none where not even the first is one."""
    decode, found, at = json.JSONDecoder().raw_decode, list[Any](), _past_space(text, 0)
    while at < len(text):
        try:
            value, at = decode(text, at)
        except (ValueError, RecursionError) as error:
            if not found:
                return []
            raise _mistake(name, text, error) from error
        found.append(value)
        at = _past_space(text, at)
    return found


def _past_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _mistake(name: str, text: str, error: BaseException) -> DataError:
    at = error.pos if isinstance(error, json.JSONDecodeError) else _past_space(text, 0)
    line = 1 + text.count("\n", 0, at)
    return DataError(f"{name} line {line}: not valid JSON ({_reason(error, column=False)}): {FORM}")


def _in_one(name: str, split: str, data: dict[str, Any], place: str) -> Iterator[Row]:
    """The rows of a file's only object."""
    if (declared := judge_bench_rows(data, name)) is not None:
        yield from (Row(where, row, split) for where, row in declared)
        return
    shape = shape_of(data)
    if shape.kind == "row":
        yield Row(place, data, split)
        return

    def values(path: tuple[str, ...], named: bool) -> Iterator[Any]:
        inside: Any = data
        for key in path:
            inside = inside[key]
        return iter(inside.items() if named else inside)

    yield from _numbered(name, split, rows_of(shape, values), shape.beside)


def _streamed(path: Path, split: str, encoding: str, mark: str) -> Iterator[Row]:
    """The rows of a file that is too large to be held."""
    shape = Shape("rows") if mark == "[" else shape_in(path, encoding)
    if shape.kind in {"row", "rows"}:
        values_at = stream_values(path, encoding, "item" if mark == "[" else "")
        yield from _numbered(path.name, split, values_at)
        return

    def values(place: tuple[str, ...], named: bool) -> Iterator[Any]:
        return stream_values(path, encoding, ".".join((*place, *([] if named else ["item"]))), named=named)

    yield from _numbered(path.name, split, rows_of(shape, values), shape.beside)


def _lines(path: Path, split: str, encoding: str) -> Iterator[Row]:
    name, form = path.name, "each line must hold one JSON object"
    with text_stream(path, newline="\n", encoding=encoding) as file:
        for number, text in enumerate(file, 1):
            where = f"{name} line {number}"
            try:
                data = loads(text.rstrip().removesuffix(",") if text.endswith((",\n", ",\r\n")) else text)
            except (ValueError, RecursionError) as error:
                if text.strip():
                    yield Row(where, {}, split, problem=f"not valid JSON ({_reason(error)}): {form}")
                continue
            if isinstance(data, dict):
                yield Row(where, data, split)
            else:
                yield Row(where, {}, split, problem=f"a JSON {json_type(data)}, not an object: {form}")


def _numbered(name: str, split: str, values: Iterable[Any], beside: Mapping[str, Any] | None = None) -> Iterator[Row]:
    for number, data in enumerate(values, 1):
        where = f"{name} row {number}"
        if isinstance(data, dict):
            yield Row(where, data, split, beside=beside or {})
        else:
            yield Row(where, {}, split, problem=f"a JSON {json_type(data)}, not an object: {FORM}")


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
