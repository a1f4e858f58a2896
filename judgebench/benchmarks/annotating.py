"""Labels of several people on one item, out of one row or of a row for each annotator."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks import base
from judgebench.items import LABELS, TIE, most_said, reordered
from judgebench.sources.cells import decode_cell
from judgebench.sources.columns import plain
from judgebench.sources.form import own_names
from judgebench.sources.people import ANNOTATORS, said_by_people
from judgebench.sources.source import id_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from judgebench.items import Annotations
    from judgebench.sources.source import Row

SAID = ("label", "human_score")
"""Columns that hold what an annotator said."""

_TEXTS = ("prompt", "completions", "response", "response_a", "response_b", "chosen", "rejected")


def annotator_column(data: Mapping[str, Any]) -> str | None:
    """The column of a row that says whose label it has; None where there is none."""
    own = own_names(tuple(map(str, data)))
    return next((own[plain(name)] for name in ANNOTATORS if plain(name) in own), None)


def by_item(rows: Iterable[tuple[Row, Row]]) -> Iterator[tuple[Row, Row]]:
    """Rows of one annotator each put together by item: `label` and `human_score` then hold what each of them said.

    Items are told apart by id, or where rows have none by prompt and answers. Rows of other kinds pass as they are, and
    so do all where each item has a single annotator.

    Args:
        rows: Each as the file has it, and as it is read.

    Raises:
        DataError: A row names no annotator, an annotator labels an item twice, or one labels a single item.
    """
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    column = annotator_column(first[1].data)
    if column is None or isinstance(decode_cell(first[1].data[column]), list):  # a list names those of the row's labels
        yield first
        yield from rows
        return
    items: dict[object, list[tuple[Row, Row]]] = {}
    for own, read in (first, *rows):
        items.setdefault(_identity(read), []).append((own, read))
    every = [each for among in items.values() for each in among]
    # Published annotations of one judge name it in each row, and may hold a pair twice.
    alone = "id" not in first[1].data and len({str(read.data.get(column)) for _, read in every}) == 1
    if alone or len(items) == len(every) or not any(name in read.data for _, read in every for name in SAID):
        yield from every
        return
    _check_annotators([[read for _, read in among] for among in items.values()], column)
    for among in items.values():
        yield among[0][0], _together([read for _, read in among], column)


def _identity(row: Row) -> object:
    """What tells items apart: the id, or the texts."""
    identifier = row.data.get("id")
    if identifier is not None and str(identifier).strip():
        return id_text(identifier)
    return tuple([repr(row.data.get(name)) for name in _TEXTS])


def _annotator(row: Row, column: str) -> str:
    name = row.data.get(column)
    if name is None or name != name or not str(name).strip():  # noqa: PLR0124
        raise base.row_error(row, f"column '{column}' is empty: every row needs an annotator, or none has one")
    return id_text(name).strip()


def _check_annotators(items: Sequence[Sequence[Row]], column: str) -> None:
    labelled: dict[str, list[Row]] = {}
    for among in items:
        there: dict[str, Row] = {}
        for row in among:
            name = _annotator(row, column)
            if name in there:
                which = "id" if row.data.get("id") is not None else "prompt and answers"
                raise base.row_error(
                    row, f"annotator '{name}' labels this item ({which}) twice, the first time in {there[name].where}"
                )
            there[name] = row
            labelled.setdefault(name, []).append(row)
    for name, rows in labelled.items():
        if len(rows) == 1:
            raise base.row_error(rows[0], too_few(name))


def too_few(name: str) -> str:
    """That an annotator labels a single item, of which nothing can be said, and what helps."""
    return f"annotator '{name}' labels this item only, and agreement needs two items at least: leave the label out"


def _together(rows: Sequence[Row], column: str) -> Row:
    """One row of all annotators' rows of an item."""
    first = rows[0]
    for row in rows[1:]:
        other = next((name for name in _TEXTS if row.data.get(name) != first.data.get(name)), None)
        if other is not None:
            raise base.row_error(row, f"id '{first.data['id']}' has another {other} in {first.where}")
    data = {name: value for name, value in first.data.items() if name != column}
    for name in SAID:
        if any(name in row.data for row in rows):
            data[name] = {_annotator(row, column): row.data.get(name) for row in rows}
    return replace(first, data=data)


def labels_of(row: Row, column: str) -> dict[str, object] | None:
    """What each of several people said in a column; None where it holds one label, or none."""
    value = row.data.get(column)
    named = annotator_column(row.data)
    names = None if named is None else decode_cell(row.data[named])
    people = None if value is None else said_by_people(value)
    if people is None or not isinstance(names, list) or not all(place.isdigit() for place in people):
        return people
    own = [id_text(name) for name in names]
    if max(map(int, people), default=0) > len(own) or len(set(own)) < len(own):
        what = f"column '{named}' has {len(own)} names for the labels in '{column}'"
        raise base.row_error(row, f"{what}: each label needs one of its own, in the same order")
    return {own[int(place) - 1]: label for place, label in people.items()}


def letter_of_people(letters: Mapping[str, str], k: int) -> str | None:
    """The label of a pair, or of k completions: the majority of letters; of a pair a tie where there is none."""
    return most_said([*letters.values()]) or (TIE if k == 2 and letters else None)


def ordered(letters: Mapping[str, str], order: Sequence[int]) -> tuple[Annotations, str]:
    """What people said, with completions called by their places in an item, and the letters that these have in the row.

    Args:
        letters: By annotator the letter of a completion, in the row's order, or `tie`.
        order: The place in the row of each of the item's completions.
    """
    people = reordered(kept(letters), order)
    return people, "".join(LABELS[at] for at in order) if people else ""


def kept(said: Mapping[str, str | float]) -> Annotations:
    """What people said of an item, where at least two did."""
    return tuple(said.items()) if len(said) > 1 else ()


def mean_grade(grades: Mapping[str, float]) -> float | None:
    """The grade of an item: the mean of several people's."""
    return fmean(grades.values()) if grades else None
