"""Labels of several people: a list or an object in a cell, several columns, or a row for each annotator."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from judgebench.items import most_said
from judgebench.sources.cells import decode_cell
from judgebench.sources.labels import EMPTY, TIE

ANNOTATORS = (
    *("annotator", "annotator_id", "worker_id", "rater_id", "worker", "rater", "labeler", "labeler_id"),
    *("labeller", "labeller_id"),
)
"""Names of the column that says whose label a row has."""


def said_by_people(cell: object) -> dict[str, object] | None:
    """What each of several people said; None where the cell holds one label.

    Args:
        cell: A list, whose people are known by their places from 1 on, or an object of labels by annotator; as text
            too. Empty labels are left out.

    Example:
        >>> said_by_people('["A", null, "tie"]')
        {'1': 'A', '3': 'tie'}
    """
    value = decode_cell(cell)
    if isinstance(value, list | tuple):
        value = {str(place): each for place, each in enumerate(value, 1)}
    if not isinstance(value, Mapping) or any(isinstance(each, list | tuple | Mapping) for each in value.values()):
        return None
    return {str(name): each for name, each in value.items() if not is_empty(each)}


def is_empty(value: object) -> bool:
    """Whether a cell holds no label."""
    return value is None or value != value or (isinstance(value, str) and value.strip().casefold() in EMPTY)  # noqa: PLR0124


def each_label(cell: object, read: Callable[[object], object]) -> object:
    """A cell's label as `read` reads it, or what each of several people said as it does, by annotator."""
    people = said_by_people(cell)
    return read(cell) if people is None else {name: read(each) for name, each in people.items()}


def majority(label: object) -> str:
    """One label of a pair: the majority of several people's, a tie where there is none."""
    people = said_by_people(label)
    if people is None:
        return str(label or "")
    return (most_said([str(each) for each in people.values()]) or TIE) if people else ""
