"""What tells two forms with the same columns apart: what stands in their cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from judgebench.sources.known_read import common, float_of
from judgebench.sources.labels import TIE
from judgebench.sources.turns import is_transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgebench.sources.form import Cells

MOST = 0.8
"""So many of the first rows have to be of a form that the columns alone do not tell."""


def most(column: str, check: Callable[[object], bool]) -> Callable[[Sequence[Cells]], bool]:
    """Whether a column's cells pass a check in nearly all rows that have one: the others are bad rows of the form."""

    def fits(rows: Sequence[Cells]) -> bool:
        values = [value for cells in rows if (value := cells(column)) not in (None, "")]
        return bool(values) and sum(check(value) for value in values) >= MOST * len(values)

    return fits


def both(*checks: Callable[[Sequence[Cells]], bool]) -> Callable[[Sequence[Cells]], bool]:
    """All of several checks."""
    return lambda rows: all(check(rows) for check in checks)


def objects_with(*names: str) -> Callable[[object], bool]:
    """Whether a cell is a list of objects that have these keys."""

    def check(value: object) -> bool:
        return isinstance(value, list) and all(isinstance(each, Mapping) and {*names} <= each.keys() for each in value)

    return check


def numbers_in(column: str, low: float, high: float) -> Callable[[Sequence[Cells]], bool]:
    """Whether a column holds numbers of a range, at least in most rows: another code is another form."""

    def fits(rows: Sequence[Cells]) -> bool:
        numbers = [float_of(value) for cells in rows if (value := cells.raw(column)) not in (None, "", "A", "B", TIE)]
        inside = [number for number in numbers if number is not None and low <= number <= high]
        return not numbers or 2 * len(inside) > len(numbers)

    return fits


def is_alpaca(rows: Sequence[Cells]) -> bool:
    """Preferences from 1 to 2, or 0 for a tie: 0 and 1 alone are another code."""
    numbers = {float_of(cells.raw("preference")) for cells in rows} - {None}
    return numbers_in("preference", 0, 2)(rows) and not (
        0 in numbers and not any(number > 1 for number in numbers if number)
    )


def is_implicit(rows: Sequence[Cells]) -> bool:
    """Whether the two texts of nearly all rows begin with a word in common, and are no transcripts."""
    pairs = [(cells.raw("chosen"), cells.raw("rejected")) for cells in rows]
    texts = [(first, second) for first, second in pairs if isinstance(first, str) and isinstance(second, str)]
    alike = [pair for pair in texts if common(*pair).strip()]
    return (
        bool(texts)
        and len(alike) >= MOST * len(texts)
        and not any(is_transcript(text) for pair in texts for text in pair)
    )


def several_languages(rows: Sequence[Cells]) -> bool:
    """Whether the column `language` holds more than one."""
    return len({str(cells.raw("language")) for cells in rows}) > 1
