"""People's labels of some rows, beside the rows: what the threshold of `--agreement` is fitted on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.errors import ConfigError, DataError
from judgebench.items import LABELS, TIE, most_said
from judgebench.sources.columns import LABELS as LABEL_COLUMNS, Columns
from judgebench.sources.labels import label_key, read_label
from judgebench.sources.opening import source_of
from judgebench.sources.source import id_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from judgebench.engine.spec import RunSpec


def read_people(file: str | Path) -> dict[str, str]:
    """People's labels by the id of the row; of several people's the most frequent one, `tie` where there is none.

    Raises:
        DataError: The file cannot be read, lacks a column, or a row has no id.
    """
    source = source_of(file)
    said: dict[str, list[str]] = {}
    for row in source:
        columns = Columns.of(row.data)
        identifier, label = columns.find("id", "uid", "item"), columns.find("label", *LABEL_COLUMNS)
        if identifier is None or label is None:
            found = ", ".join(map(str, row.data))
            raise DataError(f"{row.where}: people's labels need the columns id and label; found {found}")
        value = row.data[label]
        if value is None or not str(value).strip():
            continue
        if row.data[identifier] in (None, ""):
            raise DataError(f"{row.where}: column '{identifier}' is empty: every label needs the id of its row")
        said.setdefault(id_text(row.data[identifier]).strip(), []).append(id_text(value).strip())
    if not said:
        raise DataError(f"{source.name}: no row has a label")
    return {identifier: most_said(labels) or TIE for identifier, labels in said.items()}


def row_labels(people: Mapping[int, str], spec: RunSpec, meanings: Mapping[str, str]) -> dict[int, str]:
    """People's labels in the terms of the rows: `chosen`, `rejected`, a letter, `tie`, or a class.

    Args:
        people: As the file has them, by row number.
        spec: The run: its template says what verdicts are.
        meanings: What the user said that labels mean.

    Raises:
        ConfigError: One says nothing of the kind.
    """
    known = {label_key(value): meaning for value, meaning in meanings.items()}
    classes = spec.template.rule.classes
    ordered = spec.template.kind.ordered or spec.template.mode == "rating"
    named = not spec.dataset.as_given()
    found = {}
    for number, label in people.items():
        said = known.get(label_key(label), label)
        if not ordered:
            own = said if classes is None else classes.find(said)
            if own is None:
                assert classes is not None
                raise ConfigError(
                    f"people's label '{label}' is no class of template '{spec.template.name}': "
                    f"{', '.join(classes.names)}"
                )
        elif said.casefold() in {"chosen", "rejected", TIE}:
            own = said.casefold()
        else:
            read = read_label(said)
            own = read if isinstance(read, str) and (read == TIE or read in {*LABELS}) and not named else None
        expected = "chosen, rejected or tie" if named else "A, B or tie, in the order of the row's answers"
        if own is None or (ordered and not named and own in {"chosen", "rejected"}):
            raise ConfigError(f"people's label '{label}' must be {expected}; say what it means with --labels VALUE=...")
        found[number] = own
    return found
