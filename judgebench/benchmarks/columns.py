"""What a benchmark file says of a column: a name, names to choose from, a path into a cell, or a text made of cells."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from judgebench.errors import DataError
from judgebench.sources.cells import decode_cell
from judgebench.sources.columns import plain
from judgebench.sources.source import id_text

_FIELD = re.compile(r"\{([^{}]*)\}")
_LITERAL = re.compile(r"""(['"])(.*)\1""")


_CATCHES = " ~ "


class NotTextError(ValueError):
    """A cell that a text is made of is none; the message names the column."""


MISSING = object()
"""What a column gives that a row does not have."""


@dataclass(frozen=True)
class ColumnSpec:
    r"""One expression of a benchmark file.

    `question`: the column. `chosen.answer`: the field of that name in its object, or in each object of its list.
    `question | prompt`: the first of these that the row has. `'none'`: this text. `response_*`: a list of all columns
    whose names are like that, 2 before 10. `id ~ (.+)-\d+`: what the group of this regular expression catches in the
    column's text. `{instruction}\n\n{input}`: a text of cells; an empty one at an end leaves
    no space.

    Attributes:
        text: As it stands in the file.
    """

    text: str

    @property
    def short(self) -> str:
        """What it is called among several: the last part of its path."""
        return self.text.partition("|")[0].strip().rpartition(".")[2]

    def cell(self, data: Mapping[str, object]) -> object:
        """What it gives for a row; `MISSING` where the row has no such column."""
        if "{" not in self.text:
            return _first(self.text, data)
        parts: list[str] = []
        at = 0
        for field in _FIELD.finditer(self.text):
            value = _first(field[1], data)
            if value is MISSING:
                return MISSING
            if not isinstance(value, str | int | float | None):
                raise NotTextError(f"column '{field[1]}' is {type(value).__name__}, expected text")
            parts += [self.text[at : field.start()], "" if value is None else id_text(value)]
            at = field.end()
        first, last = bool(parts[1]), bool(parts[-1] or self.text[at:])
        text = "".join([*parts, self.text[at:]])
        text = text if first else text.lstrip()
        return text if last else text.rstrip()

    def own(self, data: Mapping[str, object]) -> set[str]:
        """The row's columns that it is made of."""
        asked = _FIELD.findall(self.text) if "{" in self.text else [self.text]
        found: set[str] = set()
        for text in asked:
            for name in map(_column, _names(text)):
                if "*" in name:
                    found.update(_like(name, data))
                elif (own := _own(name, data)) is not None:
                    found.add(own[0])
                    break
        return found

    def wanted(self) -> list[str]:
        """The names that it asks for, less the texts."""
        asked = _FIELD.findall(self.text) if "{" in self.text else [self.text]
        return [_column(name) for text in asked for name in _names(text) if not _LITERAL.fullmatch(name)]

    def missing(self, where: str, role: str, data: Mapping[str, object]) -> DataError:
        """The error for a row that does not have it, with the nearest column that the row has."""
        names = [name for name in self.wanted() if _own(name, data) is None]
        by_plain = {plain(str(column)): str(column) for column in data}
        near = [by_plain[m] for n in names for m in difflib.get_close_matches(plain(n), by_plain, n=1, cutoff=0.6)]
        hint = f"did you mean '{near[0]}'? " if near else ""
        found = ", ".join(map(str, data)) or "none"
        which = " or ".join(f"'{name}'" for name in names)
        return DataError(f"{where}: has no column {which} to take as '{role}': {hint}found {found}")


def _first(text: str, data: Mapping[str, object]) -> object:
    """The cell of the first of the names that the row has."""
    for name in _names(text):
        literal = _LITERAL.fullmatch(name)
        if literal:
            return literal[2]
        column, pattern = _column(name), name.partition(_CATCHES)[2].strip()
        if "*" in column:
            own = _like(column, data)
            if own:
                return [data[column] for column in own if data[column] is not None]
            continue
        found = _own(column, data)
        if found is not None and (value := _field(data[found[0]], found[1])) is not MISSING:
            if not pattern:
                return value
            if (
                match := re.search(pattern, id_text(value) if isinstance(value, str | int | float) else "")
            ) is not None:
                return match[1]
    return MISSING


def _column(name: str) -> str:
    """The column of a name, without the regular expression that catches a part of it."""
    return name.partition(_CATCHES)[0].strip()


def _own(name: str, data: Mapping[str, object]) -> tuple[str, tuple[str, ...]] | None:
    """The row's column of that name, in any spelling, and the fields below it; None where there is none."""
    if name in data:
        return name, ()
    spelled = _spelled(tuple(data))
    if plain(name) in spelled:
        return spelled[plain(name)], ()
    column, *fields = name.split(".")
    column = column if column in data else spelled.get(plain(column), "")
    return (column, tuple(fields)) if column and fields else None


def _field(value: object, fields: tuple[str, ...]) -> object:
    """What stands under a path in an object, or in each object of a list."""
    for at, field in enumerate(fields):
        value = decode_cell(value)
        if isinstance(value, list | tuple):
            below = [_field(each, fields[at:]) for each in value]
            return MISSING if MISSING in below else below
        if not isinstance(value, Mapping) or field not in value:
            return MISSING
        value = value[field]
    return value


@lru_cache(maxsize=64)
def _spelled(columns: tuple[str, ...]) -> dict[str, str]:
    """The columns by what their names are compared by; of two that are alike, neither."""
    found: dict[str, list[str]] = {}
    for column in columns:
        found.setdefault(plain(str(column)), []).append(column)
    return {name: own[0] for name, own in found.items() if len(own) == 1}


def _like(pattern: str, data: Mapping[str, object]) -> list[str]:
    """The columns whose names fit a pattern, 2 before 10."""
    found = [column for column in data if fnmatchcase(str(column), pattern)]
    return sorted(found, key=lambda name: [(len(part), part) for part in re.split(r"(?<=\D)(?=\d)", name)])


@lru_cache(maxsize=256)
def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split("|"))
