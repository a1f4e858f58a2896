"""The verdict's field in an object of JSON: as the standard has it, and as models write it. Pure.

What models write may have words around it, comments, a comma too many, other quotes or none, line breaks and unknown
escapes in its texts, or stand within another object or text. It is read only where each part has an end.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from judgebench.items import Failure
from judgebench.verdicts.marks import VerdictMatch, moved
from judgebench.verdicts.rule import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_FENCE = "```"
_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_LOOSE_SPACE = re.compile(r"(?:\s|(?://|#)[^\n]*|/\*.*?\*/)*", re.DOTALL)
_BARE = re.compile(r"[^\s,:{}\[\]\"'`\u201c\u201d\u2018\u2019]+")
_QUOTES = {'"': '"', "'": "'", "`": "`", "\u201c": '\u201d\u201c"', "\u2018": "\u2019\u2018'"}
_AFTER_TEXT = re.compile(r"\s*(?:[,:}\]]|//|#|/\*|\Z)")
_CONSTANTS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_IN_QUOTES = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_DEEPEST, _MOST = 32, 64
"""So deep an object may be nested, and so many begins of one are tried in an answer."""


class BrokenObjectError(ValueError):
    """What stands there is no object, however loosely it is read."""


class Node(NamedTuple):
    """A value and its place, a text's without its quotes; of an object also its fields, of a list the objects in it."""

    value: Any
    span: Span
    end: int
    fields: tuple[tuple[str, Span, Node], ...] = ()


def find_field(answer: str, field: str) -> VerdictMatch | Failure:
    """The field of the last fenced object, or of the answer that is one."""
    block = _object_span(answer)
    text = answer[block.start : block.end]
    try:
        parsed = json.loads(text)
        if not isinstance(parsed, dict):
            return Failure("unreadable", "the reply's JSON is not an object")
        places = [(marked, span) for name, marked, span in object_fields(text) if name == field]
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "cannot be decoded"
        return Failure("unreadable", f"not a JSON object: {reason}")
    if not places:
        return Failure("unreadable", f"{field}: Field required")
    marked, span = places[-1]  # of a duplicate name, JSON readers take the last
    match = VerdictMatch(parsed[field], span.moved(block.start), marked.moved(block.start), in_object=True)
    every = [each for each in field_matches(answer, field) if each.span != match.span]
    twice = [each.value for each in every if block.start <= each.span.start < block.end]
    if any(value != match.value for value in twice):
        return Failure("ambiguous", f"{field}: says {', '.join(map(str, [*twice, match.value]))}")
    others = [each.value for each in every]
    return match._replace(others=tuple(others))


def field_matches(answer: str, field: str) -> list[VerdictMatch]:
    """The field in each object of an answer, read as loosely as models write; of nested ones the outermost."""
    if field.casefold() not in answer.casefold():
        return []
    found: list[VerdictMatch] = []
    for node in loose_objects(answer):
        found += _matches_in(node, field, answer, 0)
    return found


def loose_objects(answer: str) -> list[Node]:
    """The objects of an answer, one after the other; of an answer that is one text of JSON, those of the text."""
    found: list[Node] = []
    at, tries = answer.find("{"), 0
    while at >= 0 and tries < _MOST:
        tries += 1
        try:
            node = _read_value(answer, at, 0)
        except (BrokenObjectError, IndexError):
            at = answer.find("{", at + 1)
            continue
        found.append(node)
        at = answer.find("{", node.end)
    return found


def _matches_in(node: Node, field: str, answer: str, depth: int) -> Iterator[VerdictMatch]:
    """The field in an object, else in those within it; a text that is an object is looked into."""
    own = [(marked, part) for name, marked, part in node.fields if _is_name(name, field)]
    if own:
        for marked, part in own:
            yield VerdictMatch(part.value, part.span, marked, in_object=True)
        return
    for name, _, part in node.fields:
        if part.fields:
            yield from _matches_in(part, field, answer, depth)
        elif isinstance(part.value, str) and part.value.lstrip().startswith("{") and depth < 3 and name != "reasoning":
            yield from in_text(answer, part.span, field, depth + 1)


def in_text(answer: str, span: Span, field: str, depth: int = 1) -> Iterator[VerdictMatch]:
    """The field of an object that stands in a text of JSON, its quotes escaped."""
    text, places = _unescaped(answer[span.start : span.end])
    for node in loose_objects(text):
        for match in _matches_in(node, field, text, depth):
            back = [
                Span(places[part.start], places[part.end - 1] + 1) if part.end > part.start else Span(0, 0)
                for part in (match.span, match.marked)
            ]
            yield moved(match._replace(span=back[0], marked=back[1]), span.start)


def _unescaped(text: str) -> tuple[str, list[int]]:
    """A text of JSON without the escapes of its first level, and the place of each character."""
    found, places = [], []
    at = 0
    while at < len(text):
        places.append(at)
        if text[at] == "\\" and at + 1 < len(text):
            found.append(_ESCAPES.get(text[at + 1], text[at + 1]))
            at += 2
        else:
            found.append(text[at])
            at += 1
    return "".join(found), places


def _is_name(name: str, field: str) -> bool:
    return name.strip().casefold() == field.casefold()


def _skip(text: str, at: int) -> int:
    return _LOOSE_SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing as well


def _read_value(text: str, at: int, depth: int) -> Node:
    """The value that begins at a place.

    Raises:
        BrokenObjectError: There is none that has an end.
        IndexError: The text ends within it.
    """
    if depth > _DEEPEST:
        raise BrokenObjectError
    if text[at] == "{":
        return _read_object(text, at, depth)
    if text[at] == "[":
        return _read_list(text, at, depth)
    if text[at] in _QUOTES:
        return _read_text(text, at)
    match = _BARE.match(text, at)
    if match is None:
        raise BrokenObjectError
    return Node(_bare_value(match.group()), Span(*match.span()), match.end())


def _bare_value(text: str) -> Any:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    try:
        return int(text) if text.lstrip("-").isdecimal() and len(text) < 20 else float(text.replace("_", "?"))
    except ValueError:
        return text


def _read_object(text: str, at: int, depth: int) -> Node:
    start, at = at, _skip(text, at + 1)
    fields: list[tuple[str, Span, Node]] = []
    while text[at] != "}":
        name = _read_text(text, at) if text[at] in _QUOTES else _read_value(text, at, depth + 1)
        if name.fields or not isinstance(name.value, str):
            raise BrokenObjectError
        colon = _skip(text, name.end)
        if text[colon] != ":":
            raise BrokenObjectError
        part = _read_value(text, _skip(text, colon + 1), depth + 1)
        fields.append((name.value, Span(at, part.end), part))
        at = _next_part(text, part.end, "}")
    held = {name: part.value for name, _, part in fields}
    return Node(held, Span(start, at + 1), at + 1, tuple(fields))


def _read_list(text: str, at: int, depth: int) -> Node:
    start, at = at, _skip(text, at + 1)
    parts = []
    while text[at] != "]":
        parts.append(_read_value(text, at, depth + 1))
        at = _next_part(text, parts[-1].end, "]")
    held = tuple(("", part.span, part) for part in parts if part.fields)
    return Node([part.value for part in parts], Span(start, at + 1), at + 1, held)


def _next_part(text: str, at: int, end: str) -> int:
    """Where the next part begins, or the end stands, behind a comma or none."""
    at = _skip(text, at)
    if text[at] == ",":
        return _skip(text, at + 1)
    if text[at] != end:
        raise BrokenObjectError
    return at


def _read_text(text: str, at: int) -> Node:
    """A text in quotes; a quote within it is one behind which none of what may follow a text stands."""
    ends = _QUOTES[text[at]]
    start, at = at + 1, at + 1
    while not (text[at] in ends and _AFTER_TEXT.match(text, at + 1)):
        at += 2 if text[at] == "\\" else 1
    inside = text[start:at]
    return Node(_unescaped(inside)[0] if "\\" in inside else inside, Span(start, at), at + 1)


def object_fields(text: str) -> Iterator[tuple[str, Span, Span]]:
    """The fields of an object, those inside its values left out.

    Args:
        text: JSON that decodes to an object.

    Yields:
        The field's name; where it stands with its name; where its value stands, a text without its quotes.
    """
    at = _after_space(text, text.index("{") + 1)
    while text[at] != "}":
        name, end = _DECODER.raw_decode(text, at)
        colon = _after_space(text, end)
        start = _after_space(text, colon + 1)
        value, end = _DECODER.raw_decode(text, start)
        quote = 1 if isinstance(value, str) else 0
        yield name, Span(at, end), Span(start + quote, end - quote)
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing as well


def is_in_open_object(answer: str, place: Span) -> bool:
    """Whether a place is in an object that never ends, so that more could have followed: `{"rating": 1`."""
    before = _IN_QUOTES.sub("", answer[: place.start])
    return before.count("{") > before.count("}") and "}" not in answer[place.end :]


def is_object(answer: str) -> bool:
    """Whether an answer is one JSON object, in a fence or without, and nothing else."""
    text = answer.strip()
    if text.startswith("```") and text.endswith("```") and text.count("```") == 2:
        block = _object_span(text)
        text = text[block.start : block.end]
    if not text.startswith("{"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _object_span(answer: str) -> Span:
    """The last fenced object of an answer that has one, else all of it; without the white space around."""
    last, at = _without_space(answer, Span(0, len(answer))), 0
    for number, part in enumerate(answer.split(_FENCE)):
        if number % 2:
            start = at + len("json") if part.startswith("json") else at
            block = _without_space(answer, Span(start, at + len(part)))
            if answer.startswith("{", block.start, block.end):
                last = block
        at += len(part) + len(_FENCE)
    return last


def _without_space(text: str, span: Span) -> Span:
    inside = text[span.start : span.end]
    start = span.end - len(inside.lstrip())
    return Span(start, start + len(inside.strip()))
