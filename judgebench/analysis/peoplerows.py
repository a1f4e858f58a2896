"""The rows of a file of people's labels: whose item, what was said, by whom, and how likely it was to be asked."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench.errors import ConfigError, DataError
from judgebench.sources.columns import plain
from judgebench.sources.known import FIRST_ROWS, KnownSource
from judgebench.sources.labels import decimal
from judgebench.sources.mapped import MappedSource
from judgebench.sources.opening import source_of
from judgebench.sources.people import ANNOTATORS, is_empty, said_by_people
from judgebench.sources.source import SourceOver, id_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

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


_SHOWN = 12
"""So many columns are named where none will do."""


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


def read_people(
    labels: Data, columns: Mapping[str, str], meanings: Mapping[str, str], ids: Collection[str] = ()
) -> tuple[str, list[PeopleRow]]:
    """The labels of a file, those of several people in one row apart; empty ones are left out.

    Args:
        labels: A path, a hub id, a frame or rows.
        columns: Columns by name: `id`, `label`, `annotator`, `probability`.
        meanings: What stands in a label -> what it means.
        ids: Of the items, by which an object of labels is told from one of annotators.

    Returns:
        What messages call the file, and its labels.

    Raises:
        ConfigError: There is no such file or column, a row has no id, or a probability is none.
    """
    for name in columns:
        if name not in COLUMNS:
            raise ConfigError(f"--columns {name}={columns[name]}: labels have the columns {', '.join(COLUMNS)}")
    told = None if columns else _by_key(labels, ids)
    rows = source_of(labels if told is None else told)
    name = "labels" if rows.name in {"list", "frame"} else rows.name
    if told is not None and isinstance(labels, str | Path):
        name = Path(labels).name
    next(iter(rows))  # which says what is wrong with the first row, or that there is none
    own = _columns(rows, columns)
    if "label" not in own:
        known = KnownSource(rows, labels=meanings)
        if "label" in (formed := _columns(known, columns)):
            rows, own = known, formed
    if "label" not in own:
        rows = _Beside(rows)
        own = _columns(rows, columns)
    for needed in ("id", "label"):
        if needed not in own:
            found = ", ".join(islice(_first(rows), _SHOWN)) or "none"
            raise DataError(f"{name}: has no column '{needed}' (found {found}); name it with --columns {needed}=COLUMN")
    mapped = MappedSource(rows, own, meanings)
    return name, [each for row in mapped for each in _rows(row, own)]


class _Beside(SourceOver):
    """Rows with the columns of several people (`annotator1`, `annotator2`; `rater_1_score`) as one label of each."""

    def rows(self) -> Iterator[Row]:
        """The rows, with `label` where there are two such columns or more."""
        people: list[str] = []
        for row in self._source.placed_rows():
            if row.problem is None:
                people = people or [name for name in row.data if _PERSON.fullmatch(str(name).strip().casefold())]
                if len(people) > 1:
                    row.data = {**row.data, "label": {name: row.data.get(name) for name in people}}
            yield row


_PERSON = re.compile(
    r"(?:(?:human|expert|gold)[ _-]?)?(?:annotator|annotation|rater|worker|labell?er|human|expert|person|label|vote|"
    r"preference|rating|grade|score)[ _-]?\d{1,2}(?:[ _-]?(?:label|vote|preference|choice|rating|grade|score))?"
)


def _by_key(labels: Data, ids: Collection[str]) -> list[dict[str, object]] | None:
    """The labels of an object `{id: label}`, `{annotator: {id: label}}` or `{id: {annotator: label}}`; else None."""
    said = _object(labels)
    if not said or {plain(str(name)) for name in said} & {plain(name) for name in (*COLUMNS["id"], *COLUMNS["label"])}:
        return None
    by_item = any(id_text(name) in ids for name in said)
    inner = [each for each in said.values() if isinstance(each, Mapping)]
    if not inner:
        return [{"id": name, "label": label} for name, label in said.items()] if by_item else None
    names = {plain(str(name)) for each in inner for name in each}
    if len(inner) < len(said) or names & {plain(name) for name in COLUMNS["label"]}:
        return None
    if by_item:
        return [{"id": item, "label": each} for item, each in said.items()]
    return [
        {"id": item, "label": label, "annotator": who}
        for who, each in said.items()
        if isinstance(each, Mapping)
        for item, label in each.items()
        if not isinstance(label, list | Mapping)
    ]


def _object(labels: Data) -> Mapping[str, object] | None:
    """An object, or what a JSON file holds if that is one."""
    if isinstance(labels, str | Path) and str(labels).endswith(".json") and Path(labels).is_file():
        try:
            labels = json.loads(Path(labels).read_bytes())
        except ValueError:  # which reading it as rows says, with its place
            return None
    return labels if isinstance(labels, Mapping) else None


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
        number = math.nan if isinstance(said, bool) or is_empty(said) else float(decimal(str(said)))
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
