"""An item's own criteria in a row: a list of objects with an id, a text, a weight and maybe people's labels."""

from __future__ import annotations

import difflib
import math
from collections import Counter
from typing import TYPE_CHECKING

from judgebench.benchmarks import base
from judgebench.items import Criterion
from judgebench.sources.cells import decode_cell
from judgebench.sources.columns import plain
from judgebench.sources.source import id_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgebench.sources.source import Row

COLUMN = "criteria"

FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "criterion_id", "criteria_id"),
    "text": ("text", "criterion", "description", "requirement"),
    "weight": ("weight", "points"),
    "label": ("label", "labels"),
}
"""What each field of a criterion is called, in any spelling."""


def checklist_of(row: Row) -> tuple[Criterion, ...]:
    """The criteria in a row's column `criteria`; none where it has no such column, or plain text in it.

    Raises:
        DataError: The list is empty; a criterion has no id, no text, or an id of another's; or a weight is no number.
    """
    value = decode_cell(row.data.get(COLUMN))
    if isinstance(value, dict):
        value = [{"id": name, **(each if isinstance(each, dict) else {"text": each})} for name, each in value.items()]
    if not isinstance(value, list):
        return ()
    if not value:
        raise base.row_error(row, "criteria is an empty list: write [{id: c1, text: ..., weight: 1}]")
    found = tuple(_criterion(row, number, each) for number, each in enumerate(value, 1))
    ids = Counter(each.id.casefold() for each in found)
    twice = next((each.id for each in found if ids[each.id.casefold()] > 1), None)
    if twice is not None:
        raise base.row_error(row, f"criteria: duplicate id '{twice}'; every criterion of an item needs its own")
    if not any(each.weight > 0 for each in found):
        raise base.row_error(row, "criteria: no weight is above 0, so there is nothing to earn")
    return found


def _criterion(row: Row, number: int, value: object) -> Criterion:
    where = f"criteria: number {number}"
    if not isinstance(value, dict):
        raise base.row_error(row, f"{where} has no id: write {{id: c{number}, text: ..., weight: 1}}")
    own = {plain(str(name)): name for name in value}
    names = {field: next((own[plain(n)] for n in known if plain(n) in own), None) for field, known in FIELDS.items()}
    for field in ("id", "text"):
        name = names[field]
        said = None if name is None else value[name]
        if said is None or isinstance(said, bool | dict | list) or not str(said).strip():
            raise base.row_error(row, f"{where} has no {field}{_instead(field, own, names)}")
    label = names["label"]
    return Criterion(
        id=id_text(value[names["id"]]).strip(),
        text=str(value[names["text"]]),
        weight=_weight(row, where, 1.0 if names["weight"] is None else value[names["weight"]]),
        label=None if label is None else _label(row, where, value[label]),
    )


def _instead(field: str, own: Mapping[str, object], names: Mapping[str, object]) -> str:
    """Which fields there are, and which of them may be meant."""
    others = [str(name) for name in own.values() if name not in names.values()]
    near = difflib.get_close_matches(field, others, n=1, cutoff=0.5)
    found = ", ".join(map(str, own.values())) or "none"
    return f" (its fields: {found}){f': did you mean {field} for {near[0]}?' if near else ''}"


def _weight(row: Row, where: str, value: object) -> float:
    try:
        weight = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        weight = math.nan
    if not math.isfinite(weight):
        raise base.row_error(row, f"{where}: weight is {value!r:.40}, expected a number")
    return weight


def _label(row: Row, where: str, value: object) -> str | None:
    """What people said; of several the one that most did, and nothing where no one has the most."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        votes = Counter(label for each in value if (label := _label(row, where, each)) is not None).most_common(2)
        return None if not votes or (len(votes) == 2 and votes[0][1] == votes[1][1]) else votes[0][0]
    if value is None or (isinstance(value, float) and math.isnan(value)) or not str(value).strip():
        return None
    return str(value).lower() if isinstance(value, bool) else id_text(value).strip()
