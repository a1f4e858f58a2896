"""What cells hold, and their values as a condition compares them: dates as moments, decimals as numbers, no NaN."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

Kind = Literal["text", "number", "boolean", "date", "list", "object", "nothing", "mixed"]
"""What a column holds: `nothing` where every cell is empty, `mixed` where cells are of several kinds."""

MOST_FIELDS = 1000
"""Objects with more fields are taken for tables of names, of which any may be asked for."""


def kind_of(value: object) -> Kind:
    """What a cell holds.

    Example:
        >>> kind_of(3), kind_of("3"), kind_of(None)
        ('number', 'text', 'nothing')
    """
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return "nothing"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | Decimal):
        return "number"
    if isinstance(value, list | tuple):
        return "list"
    if isinstance(value, date):
        return "date"
    return "text" if isinstance(value, str | time) else "object"


def joined_kind(one: Kind, other: Kind) -> Kind:
    """What a column holds some of whose cells are of one kind and some of another."""
    if "nothing" in {one, other}:
        return other if one == "nothing" else one
    return one if one == other else "mixed"


def note_fields(fields: dict[str, set[str]], path: str, value: Mapping[str, Any]) -> None:
    """Takes in which fields an object has, and the objects in it.

    Example:
        >>> fields = {}
        >>> note_fields(fields, "meta", {"from": {"site": "web"}})
        >>> fields
        {'meta': {'from'}, 'meta.from': {'site'}}
    """
    known = fields.setdefault(path, set())
    if len(known) < MOST_FIELDS:
        known.update(map(str, value))
    for name, each in value.items():
        if isinstance(each, Mapping):
            note_fields(fields, f"{path}.{name}", each)


def plain(value: Any) -> Any:
    """A cell, or a part of one, as it is compared: NaN is no value, and a time of day is text."""
    if value != value:  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, time) else value


def equal(one: Any, other: Any) -> bool:
    """Whether two values are the same: dates as moments."""
    left, right = alike(one, other)
    return left is not None and bool(left == right)


def alike(one: Any, other: Any) -> tuple[Any, Any]:
    """Two values as they are compared: where one is a date, so is the other, in the same zone if it names none."""
    if isinstance(one, date) or isinstance(other, date):
        one = _moment(one, other)
        other = _moment(other, one)
    return one, other


def _moment(value: Any, beside: Any) -> Any:
    """A date, or text that says one, as a moment; None where the text says none."""
    if isinstance(value, str):
        value = date_of(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - it takes the other's zone
    if isinstance(value, datetime) and value.tzinfo is None and isinstance(beside, datetime):
        value = value.replace(tzinfo=beside.tzinfo)
    return value


@lru_cache(maxsize=10_000)
def date_of(text: str) -> datetime | None:
    """The date that a text says."""
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None
