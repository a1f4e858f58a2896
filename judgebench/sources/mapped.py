"""Rows under other names: which column is what, what a label means, and which rows are taken."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from judgebench.errors import ConfigError, DataError
from judgebench.sources.cells import decode_cell
from judgebench.sources.columns import plain
from judgebench.sources.labels import label_key
from judgebench.sources.people import each_label
from judgebench.sources.source import Row, Source, SourceOver

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BadRows = Literal["stop", "skip"]
EmptyAnswers = Literal["refuse", "keep"]

ROLES = (
    *("id", "prompt", "chosen", "rejected", "completions", "num_correct", "response_a", "response_b", "label"),
    *("response", "human_score", "criteria", "steps", "subset", "group", "reference", "rubric", "annotator"),
    "attributes",
)
"""What a column can be, in rows of one's own."""

NO_LABEL = frozenset({"", "none", "null", "unlabelled"})
"""What `--labels` takes for a value that is no label."""

_PAIR = re.compile(r'\s*((?:"[^"]*"|[^",])*)')


@dataclass(frozen=True)
class RowMap:
    """How rows are read: their columns and labels by name, and what becomes of rows that cannot be used.

    Attributes:
        columns: Name that a benchmark knows -> the rows' own: `{"prompt": "question", "label": "winner"}`.
        labels: What stands in the label's column, as text -> `A`, `B`, another letter, `tie`, the class of a single
            answer, or nothing for no label.
        id_column: The column of the id; None: `id`, where there is one.
        group_column: The column that names rows that belong together; None: `group`, where there is one.
        bad_rows: Whether rows that cannot be used stop the run, or are left out and listed.
        empty_answers: Whether a row with an empty answer cannot be used, or the empty text is judged.
        config_name: The configuration of a hub dataset.

    Raises:
        ConfigError: A column is named twice.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    id_column: str | None = None
    group_column: str | None = None
    bad_rows: BadRows = "stop"
    empty_answers: EmptyAnswers = "refuse"
    config_name: str | None = None

    def __post_init__(self) -> None:
        for name, own in (("id", self.id_column), ("group", self.group_column)):
            if own is not None and self.columns.get(name, own) != own:
                raise ConfigError(f"--columns {name}={self.columns[name]} and --{name}-column {own}: give one of them")
        object.__setattr__(self, "labels", {value: label_of(meaning) for value, meaning in self.labels.items()})

    def check_slots(self) -> None:
        """Whether all labels name an answer: of rows that have several.

        Raises:
            ConfigError: One is the name of a class.
        """
        for value, meaning in self.labels.items():
            if not names_slot(meaning):
                raise ConfigError(
                    f"--labels {value}={meaning}: '{meaning}' is no label: write A, B or tie, or nothing for no label"
                )

    @property
    def names(self) -> dict[str, str]:
        """All columns that are named: the benchmark's name -> the rows' own."""
        named = {"id": self.id_column, "group": self.group_column}
        return {**self.columns, **{name: own for name, own in named.items() if own is not None}}

    def to_json(self) -> dict[str, object]:
        """The manifest's part: what is not as it is by itself."""
        given = {
            "columns": dict(self.columns),
            "labels": dict(self.labels),
            "id_column": self.id_column,
            "group_column": self.group_column,
            "bad_rows": None if self.bad_rows == "stop" else self.bad_rows,
            "empty_answers": None if self.empty_answers == "refuse" else self.empty_answers,
            "config_name": self.config_name,
        }
        return {name: value for name, value in given.items() if value}


def pairs_in(text: str, option: str, *, last: bool = False) -> dict[str, str]:
    """The pairs of an option such as `--columns prompt=question,label=winner`; names with commas stand in quotes.

    Args:
        text: What was given.
        option: The option, as messages name it.
        last: Whether the last `=` of a pair parts it, as in labels, which hold some themselves.

    Raises:
        ConfigError: A part is no pair, or a name is a duplicate.
    """
    found: dict[str, str] = {}
    at = 0
    while at <= len(text):
        match = _PAIR.match(text, at)
        part = match[1] if match else ""
        at = (match.end() if match else at) + 1
        if not part.strip() and at > len(text):
            break
        name, mark, own = part.rpartition("=") if last else part.partition("=")
        name, own = name.strip().strip('"').strip(), own.strip().strip('"').strip()
        if not mark or not name or (not own and not last):
            form = "VALUE=LABEL,..., as in model_a=A,draw=tie" if last else "NAME=COLUMN,..., as in prompt=question"
            raise ConfigError(f"{option}: '{part.strip()}' is no pair: write {form}")
        if found.get(name, own) != own:
            raise ConfigError(f"{option}: '{name}' is given twice: keep one")
        found[name] = own
    return found


class MappedSource(SourceOver):
    """Another source with its columns and labels renamed.

    Args:
        source: The rows.
        columns: Name that a benchmark knows -> the rows' own: `{"prompt": "question", "label": "winner"}`.
        labels: What stands in the column `label`, as text -> what it means: `{"model_a": "A", "1": "A"}`.
    """

    def __init__(
        self, source: Source, columns: Mapping[str, str] | None = None, labels: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(source)
        self._columns = dict(columns or {})
        self._labels = {label_key(value): label_of(meaning) for value, meaning in (labels or {}).items()}
        self._own: dict[str, str] = {}

    @property
    def columns(self) -> Mapping[str, str]:
        """The columns that were named, as the rows spell them; known once a row has been read."""
        return self._own or self._columns

    def rows(self) -> Iterator[Row]:
        """The rows with the columns that were asked for, and all others beside them."""
        checked = False
        for row in self._source.placed_rows():
            if row.problem is None:
                if not checked:  # a slip in a name must not pass for a file without labels
                    self._own = self._own or {name: found_column(row, name, own) for name, own in self._columns.items()}
                    taken, checked = {*self._own, *self._own.values()}, True
                    slots = {"response_a": "A", "response_b": "B"}  # a label may repeat the columns' own names
                    words = {label_key(self._own[name]): slot for name, slot in slots.items() if name in self._own}
                    self._labels = words | self._labels
                data = {column: value for column, value in row.data.items() if column not in taken}
                data |= {name: row.data[own] for name, own in self._own.items() if own in row.data}
                if self._labels and data.get("label") is not None:
                    data["label"] = each_label(data["label"], lambda said: self._labels.get(label_key(said), said))
                if self._labels and "criteria" in data:
                    data["criteria"] = _with_labels(data["criteria"], self._labels)
                row.data = data
            yield row


def _with_labels(criteria: object, labels: Mapping[str, str]) -> object:
    """A list of criteria, each with its label as the user says what it means; anything else as it is."""
    value = decode_cell(criteria)
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        return criteria
    return [
        {
            name: each_label(part, lambda said: labels.get(label_key(said), said))
            if plain(str(name)) in {"label", "labels"} and part is not None
            else part
            for name, part in each.items()
        }
        for each in value
    ]


def label_of(meaning: str) -> str:
    """The label that a text stands for: a letter, `tie`, empty for none, else the name of a class as it is."""
    text = str(meaning).strip()
    if text.casefold() in NO_LABEL:
        return ""
    if text.casefold() == "tie":
        return "tie"
    return text.upper() if len(text) == 1 and text.isascii() and text.isalpha() else text


def names_slot(label: str) -> bool:
    """Whether what `label_of` gives is a letter, `tie` or no label, and not the name of a class."""
    return len(label) <= 1 or label == "tie"


def found_column(row: Row, name: str, own: str) -> str:
    """The column of that name, whatever its case and spaces.

    Raises:
        DataError: There is none, or two.
    """
    if own in row.data:
        return own
    field = plain(own.rpartition(".")[2])  # `inputs.question`, whose object was made columns of
    alike = [column for column in row.data if plain(column) in {plain(own), field}]
    if len(alike) == 1:
        return alike[0]
    existing = ", ".join(map(str, row.data)) or "none"
    if alike:
        raise DataError(f"{row.where}: '{own}' may be {' or '.join(alike)}: write the column's name as the file does")
    if any(plain(column) == plain(name) for column in row.data) and plain(own) in map(plain, ROLES):
        raise DataError(f"{row.where}: has no column '{own}': --columns is NAME=COLUMN, so write {own}={name}")
    near = difflib.get_close_matches(plain(own), {plain(column): column for column in row.data}, n=1, cutoff=0.6)
    hint = next((f"did you mean '{column}'? " for column in row.data if near and plain(column) == near[0]), "")
    raise DataError(f"{row.where}: has no column '{own}' to take as '{name}': {hint}found {existing}")


def check_roles(columns: Mapping[str, str]) -> None:
    """Finds slips in the names that rows of one's own are to have.

    Raises:
        ConfigError: A name is none, but much like one.
    """
    for name, own in columns.items():
        near = difflib.get_close_matches(plain(name), {plain(role): role for role in ROLES}, n=1, cutoff=0.8)
        role = next((role for role in ROLES if near and plain(role) == near[0]), None)
        if role is not None and role != name:
            raise ConfigError(f"--columns {name}={own}: did you mean {role}={own}? The names are {', '.join(ROLES)}")
