"""Rows that are checked as they are read: which cannot be used and why, and what was understood of the others."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks.annotating import annotator_column
from judgebench.errors import DataError
from judgebench.items import ITEM_FIELDS, SOME_FIELDS
from judgebench.sources.columns import plain
from judgebench.sources.form import FormError
from judgebench.sources.known import KnownSource, likely_label
from judgebench.sources.mapped import ROLES, MappedSource

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from judgebench.items import Item
    from judgebench.sources.form import KnownForm
    from judgebench.sources.mapped import RowMap
    from judgebench.sources.source import Row, Source

SHOWN = 20
"""So many bad rows are named; of more their number."""

KEPT = 10_000
"""So many bad rows are kept at most."""

_HOPELESS = 1_000
"""Where so many rows come first and none can be used, the others are not read."""

_FIRST = 100
"""So many rows tell which column became what."""

_CLASSES = 20
"""With more grades than that a table has only their number."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used.

    Attributes:
        where: Its place, as messages name it.
        what: What is wrong with it, and what helps.
    """

    where: str
    what: str

    @property
    def line(self) -> int | None:
        """The number in its place: of a line or a row."""
        found = re.search(r"(\d+)$", self.where)
        return int(found[1]) if found else None

    def to_json(self) -> dict[str, object]:
        """`line`, `where` and `what`."""
        return {"line": self.line, "where": self.where, "what": self.what}


@dataclass
class Understood:
    """What was understood of rows.

    Attributes:
        form: What the rows are, in a word or two.
        counted: How their labels are counted, where the form is a known one.
        rows: How many were read.
        items: How many items they make.
        labels: How many items have each label: `A`, `B`, `tie`, `chosen`, or a grade.
        unlabelled: How many items have none.
        groups: How many groups of two items or more there are.
        used: What a column is -> its name in the rows.
        unused: The columns that are used for nothing; templates may see them.
        likely: Columns among these that look like labels, where no item has one.
        empty: How many rows have an empty answer, bad ones or not.
        duplicates: How many items repeat the prompt and answers of another.
        bad: The first rows that cannot be used.
        bad_count: How many these are in all.
        longest: The id of the longest item and the number of characters of its texts.
        notes: What else must be known of how they are read.
    """

    form: str = ""
    counted: str = ""
    rows: int = 0
    items: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    unlabelled: int = 0
    groups: int = 0
    used: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    likely: list[str] = field(default_factory=list)
    empty: int = 0
    duplicates: int = 0
    bad: list[BadRow] = field(default_factory=list)
    bad_count: int = 0
    longest: tuple[str, int] = ("", 0)
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """What `data show --json` prints."""
        return {
            "form": self.form,
            "counted": self.counted,
            "rows": self.rows,
            "items": self.items,
            "labels": dict(self.labels.most_common()),
            "unlabelled": self.unlabelled,
            "groups": self.groups,
            "columns": {"used": self.used, "unused": self.unused},
            "empty": self.empty,
            "duplicates": self.duplicates,
            "bad": [row.to_json() for row in self.bad],
            "bad_rows": self.bad_count,
            "likely_labels": self.likely,
            "longest": {"item": self.longest[0], "characters": self.longest[1]} if self.items else None,
            "notes": self.notes,
        }


class UnusableRowsError(DataError):
    """Rows that cannot be used.

    Attributes:
        understood: What was understood of them until then.
    """

    def __init__(self, message: str, understood: Understood) -> None:
        super().__init__(message)
        self.understood = understood


class CheckedRows:
    """The rows of a source as they stream; those that cannot be used are kept aside.

    Args:
        source: The rows.
        options: What becomes of bad ones.
        rows: The same rows, as they are gone through; a step may count them.
    """

    def __init__(self, source: Source, options: RowMap, rows: Iterable[Row]) -> None:
        self.name = source.name
        self._source, self._options, self._rows = source, options, rows
        self._texts: set[int] = set()
        self._columns: dict[str, None] = {}
        self.understood = Understood()
        self.row: Row | None = None

    @property
    def columns(self) -> list[str]:
        """The columns of all rows that were read."""
        return list(self._columns)

    @property
    def keeps_empty(self) -> bool:
        """Whether an empty answer is one."""
        return self._options.empty_answers == "keep"

    def __iter__(self) -> Iterator[Row]:
        """The rows that their readers could read.

        Raises:
            DataError: None of the first thousand rows can be used.
        """
        try:
            yield from self._usable()
        except DataError:
            self._explain()
            raise

    def _usable(self) -> Iterator[Row]:
        found = self.understood
        for row in self._rows:
            if found.bad_count == found.rows == _HOPELESS:
                raise self._error()
            found.rows += 1
            row.number, self.row = found.rows, row
            if row.problem is not None:
                self.refuse(row, row.problem)
                continue
            if not row.data.keys() <= self._columns.keys():
                self._columns.update(dict.fromkeys(map(str, row.data)))
            yield row

    @cached_property
    def _own_names(self) -> dict[str, str]:
        """What a column is called here -> its name in the user's file, where these differ."""
        known = self._source if isinstance(self._source, KnownSource) else None
        below = self._source if known is None else known.below
        named = dict(below.columns) if isinstance(below, MappedSource) else {}
        roles = {} if known is None or known.form is None else known.form.roles
        own = {role: named.get(column, column) for role, column in roles.items()}
        return {role: column for role, column in {**named, **own}.items() if role != column}

    def _in_own_words(self, what: str) -> str:
        """A message with the user's names of columns."""
        for role, own in self._own_names.items():
            what = re.sub(rf"(?<![\w\"])'{re.escape(role)}'", lambda _, own=own: f"'{own}'", what)  # type: ignore[misc]
            what = re.sub(rf"^{re.escape(role)}(?= is )", lambda _, own=own: own, what)  # type: ignore[misc]
        return what

    def _explain(self) -> None:
        """Says what was understood of rows whose labels cannot be."""
        known = self._source if isinstance(self._source, KnownSource) else None
        if known is not None and known.form is not None and known.form.unclear is not None:
            self.understood.rows = self.understood.unlabelled = sum(1 for _ in known.below.placed_rows())
            self._columns_used()
            raise UnusableRowsError(f"{self.name}: {known.form.unclear}", self.understood) from None

    def refuse(self, row: Row, what: str) -> None:
        """Keeps a row that cannot be used aside."""
        found = self.understood
        found.bad_count += 1
        if len(found.bad) < KEPT:
            found.bad.append(BadRow(row.where, self._in_own_words(what.removeprefix(f"{row.where}: "))))

    def add(self, item: Item, texts: str, label: str | None) -> None:
        """Counts an item.

        Args:
            item: The item.
            texts: All its texts.
            label: The class that its label is of, if it has one.
        """
        found = self.understood
        if label is None:
            found.unlabelled += 1
        else:
            found.labels[label] += 1
        seen = hash(texts)
        found.duplicates += seen in self._texts
        self._texts.add(seen)
        if len(texts) > found.longest[1]:
            found.longest = (item.id, len(texts))

    def check(self) -> None:
        """Ends the reading.

        Raises:
            DataError: Rows cannot be used, and were not to be left out; or there are no others.
        """
        found = self.understood
        if found.bad_count and (self._options.bad_rows == "stop" or not found.items):
            raise self._error()
        self._texts.clear()
        found.notes += self._source.notes()
        self._columns_used()
        if len(found.labels) > _CLASSES:
            found.labels = Counter({"graded": found.labels.total()})

    def _columns_used(self) -> None:
        """Says which column of the rows is what, those that are used for nothing, and the form."""
        found = self.understood
        known = self._source if isinstance(self._source, KnownSource) else None
        below = self._source if known is None else known.below
        named = below.columns if isinstance(below, MappedSource) else {}
        form = None if known is None else known.form
        first = [row.data for row in islice(below.placed_rows(), _FIRST) if row.problem is None]
        if form is None:
            roles = _ROLES | ITEM_FIELDS | SOME_FIELDS if {*self._columns} >= _ITEMS else _ROLES
            used = {column: column for column in self._columns if column in roles}
            found.unused = [column for column in self._columns if column not in used]
            found.form = _plain_form(self._columns, first)
        else:
            used, found.unused = _used_by(form, first)
            found.form, found.counted = form.name, "" if form.unclear else form.said
            label = form.label or ""
            if label in named and found.counted.startswith((f"{label} ", f"{label}: ")):
                found.counted = named[label] + found.counted.removeprefix(label)
        for role, column in (("id", "id"), ("annotator", annotator_column(dict.fromkeys(found.unused)))):
            if column in found.unused and role not in used:
                used[role] = column
                found.unused.remove(column)
        found.used = {role: named.get(own, own) for role, own in used.items()}
        if not found.labels:
            found.likely = [name for name in likely_label(found.unused, first) if name in found.unused]

    def _error(self) -> DataError:
        """All bad rows in one error: the first in its line, each of them in a line of its notes."""
        found = self.understood
        self._columns_used()
        first = found.bad[0]
        if found.bad_count == 1 == found.rows:
            return UnusableRowsError(f"{first.where}: {first.what}", found)
        if found.items == 0 and found.bad_count == found.rows:
            same = len({row.what for row in found.bad}) == 1
            which = "every row is so" if same else "no row can be used"
            error = UnusableRowsError(f"{first.where}: {first.what} ({which})", found)
            for line in () if same else bad_lines(found):
                error.add_note(line)
            return error
        count = f"{found.bad_count} of {found.rows} rows cannot be used"
        error = UnusableRowsError(f"{first.where}: {first.what} ({count}; --bad-rows skip leaves such rows out)", found)
        for line in [*bad_lines(found)][1:]:
            error.add_note(line)
        return error


def bad_lines(found: Understood) -> Iterator[str]:
    """A line for each of the first bad rows, and one for how many more there are."""
    for row in found.bad[:SHOWN]:
        yield f"  {row.where}: {row.what}"
    if found.bad_count > SHOWN:
        yield f"  and {found.bad_count - SHOWN} more"


def _plain_form(columns: Container[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """The form of rows in our own columns, in words; of lists of completions, by how many the first rows have."""
    if "chosen" in columns:
        return "preference pairs"
    if any(name in columns for name in ("response_a", "response_A", "answer_a", "answer_A")):
        return "pairs"
    if "completions" in columns:
        sizes = {len(found) for row in rows if isinstance(found := row.get("completions"), list)}
        if sizes == {1}:
            return "graded answers" if any(row.get("human_score") is not None for row in rows) else "answers"
        return "pairs" if sizes == {2} else "best of k"
    return "graded answers" if "human_score" in columns else "answers"


def _used_by(form: KnownForm, rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, str], list[str]]:
    """Of a known form: role -> the column whose cells became it, else the column by its own name; and the unused."""
    columns = list(dict.fromkeys(str(name) for row in rows for name in row))
    wanted = {plain(name) for name in (*form.needs, *form.uses, *([form.label] if form.label else []))}
    taken = [column for column in columns if plain(column) in wanted]
    made = []
    for row in rows:
        with suppress(FormError):
            made += [(row, each) for each in form.read(row)[:1]]
    used: dict[str, str] = {}
    for role in dict.fromkeys(role for _, each in made for role in each if role in _ROLES):
        same = [column for column in taken if all(row.get(column) == each.get(role) for row, each in made)]
        if same:
            used[role] = role if role in same else same[0]
    if form.label is not None and "label" not in used:
        used["label"] = next((column for column in taken if plain(column) == plain(form.label)), form.label)
    used |= {column: column for column in taken if column not in used.values()}
    return used, [column for column in columns if column not in taken]


def _is_role(column: str) -> bool:
    return column in _ROLES


_ROLES = frozenset({*ROLES, "completion", "response_A", "response_B", "answer_a", "answer_b", "answer_A", "answer_B"})


_ITEMS = {"conversation", "completions", "num_correct", "metadata"}
"""Columns that rows have which judgebench wrote, as those of a bundle: all of them are used."""


def empty_columns(row: Row) -> list[str]:
    """The columns of answers that hold an empty text, or a list with one."""
    return [str(column) for column, value in row.data.items() if _is_role(column) and _is_empty(value)]


def _is_empty(value: object) -> bool:
    if isinstance(value, list):
        return any(_is_empty(each) for each in value)
    if isinstance(value, dict):
        return "content" in value and _is_empty(value["content"])
    return isinstance(value, str) and not value.strip()


def has_empty_answer(item: Item) -> bool:
    """Whether a completion of the item has no text at all."""
    return any(not "".join(turn.text for turn in each.turns).strip() for each in item.completions)
