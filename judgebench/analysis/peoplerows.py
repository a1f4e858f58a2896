"""The rows of a file of people's labels: whose item, what was said, by whom, and how likely it was to be asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from judgebench.errors import ConfigError, DataError
from judgebench.sources.columns import plain
from judgebench.sources.known import FIRST_ROWS, KnownSource
from judgebench.sources.mapped import MappedSource
from judgebench.sources.opening import source_of
from judgebench.sources.people import ANNOTATORS, is_empty, said_by_people
from judgebench.sources.source import id_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from judgebench.sources.opening import Data
    from judgebench.sources.source import Row, Source

COLUMNS = {
    "id": ("id", "item", "item_id", "question_id", "prompt_id", "example_id", "sample_id", "uid", "idx"),
    "label": (
        *("label", "gold", "gold_label", "human_label", "human_winner", "human_choice", "human_preference"),
        *("human_score", "human_rating", "gold_score", "winner", "preferred", "preference", "grade", "target"),
    ),
    "annotator": ANNOTATORS,
    "probability": ("probability", "sampling_probability", "inclusion_probability"),
}
"""What a column can be -> its usual names."""


@dataclass(frozen=True, slots=True)
class PeopleRow:
    """One label of one person.

    Attributes:
        where: Its place, as messages name it.
        id: Of the item.
        label: As the file has it.
        annotator: Who said so; empty where nobody is named.
        probability: With which the item was drawn to be labelled.
        drawn: Whether the file says that.
        models: Of a pair, whose the row's first and second answer are, where it says so.
    """

    where: str
    id: str
    label: object
    annotator: str
    probability: float
    drawn: bool
    models: tuple[str, ...] = ()


def read_people(labels: Data, columns: Mapping[str, str], meanings: Mapping[str, str]) -> tuple[str, list[PeopleRow]]:
    """The labels of a file, those of several people in one row apart; empty ones are left out.

    Args:
        labels: A path, a hub id, a frame or rows.
        columns: Columns by name: `id`, `label`, `annotator`, `probability`.
        meanings: What stands in a label -> what it means.

    Returns:
        What messages call the file, and its labels.

    Raises:
        ConfigError: There is no such file or column, a row has no id, or a probability is none.
    """
    for name in columns:
        if name not in COLUMNS:
            raise ConfigError(f"--columns {name}={columns[name]}: labels have the columns {', '.join(COLUMNS)}")
    rows = source_of(labels)
    name = "labels" if rows.name in {"list", "frame"} else rows.name
    next(iter(rows))  # which says what is wrong with the first row, or that there is none
    own = _columns(rows, columns)
    if "label" not in own:
        known = KnownSource(rows, labels=meanings)
        if "label" in (formed := _columns(known, columns)):
            rows, own = known, formed
    for needed in ("id", "label"):
        if needed not in own:
            found = ", ".join(_first(rows)) or "none"
            raise DataError(f"{name}: has no column '{needed}' (found {found}); name it with --columns {needed}=COLUMN")
    mapped = MappedSource(rows, own, meanings)
    return name, [each for row in mapped for each in _rows(row, own)]


def _first(rows: Source) -> dict[str, None]:
    """The columns of the first rows."""
    some = [row.data for row in islice(rows.placed_rows(), FIRST_ROWS) if row.problem is None]
    return {str(name): None for data in some for name in data}


def _columns(rows: Source, columns: Mapping[str, str]) -> dict[str, str]:
    """The file's own name of each column that it has."""
    there: dict[str, str] = {}
    for name in _first(rows):
        there.setdefault(plain(name), name)
    found = dict(columns)
    for role, names in COLUMNS.items():
        own = next((there[plain(name)] for name in names if plain(name) in there), None)
        if role not in found and own is not None:
            found[role] = own
    return found


def _rows(row: Row, own: Mapping[str, str]) -> Iterator[PeopleRow]:
    """The labels of a row."""
    identifier, label = row.data.get("id"), row.data.get("label")
    if is_empty(label):
        return
    if is_empty(identifier):
        raise DataError(f"{row.where}: column '{own['id']}' is empty: every label needs the id of its item")
    people, annotator = said_by_people(label), ""
    if people is None and "annotator" in own:
        said = row.data.get("annotator")
        if is_empty(said):
            raise DataError(
                f"{row.where}: column '{own['annotator']}' is empty: every row needs an annotator, or none has one"
            )
        annotator = id_text(said).strip()
    probability = _probability(row, own)
    models = tuple(str(row.data[each]) for each in ("model_a", "model_b") if row.data.get(each) is not None)
    for who, each in ({annotator: label} if people is None else people).items():
        yield PeopleRow(
            where=row.where,
            id=id_text(identifier).strip(),
            label=each,
            annotator=who,
            probability=1.0 if probability is None else probability,
            drawn=probability is not None,
            models=models if len(models) == 2 else (),
        )


def _probability(row: Row, own: Mapping[str, str]) -> float | None:
    """With which the row's item was drawn; None where the file has no such column."""
    if "probability" not in own:
        return None
    said, column = row.data.get("probability"), own["probability"]
    try:
        number = math.nan if isinstance(said, bool) or is_empty(said) else float(str(said))
    except ValueError:
        number = math.nan
    if number == 0:
        raise DataError(
            f"{row.where}: {column} is 0: an item that could not be drawn has no label; give the probability with "
            "which it was drawn, above 0 and at most 1"
        )
    if not 0 < number <= 1:
        raise DataError(
            f"{row.where}: {column} is {said!r:.40}: must be above 0 and at most 1, in every row or in none "
            "(the probability with which the item was drawn to be labelled, and no weight)"
        )
    return number
