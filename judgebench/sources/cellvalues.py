"""Values of cells as a condition compares them: dates as moments, decimals as numbers, NaN as no value."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any


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
