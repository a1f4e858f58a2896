"""What a form of rows is: the columns it is known by, what its labels mean, and how a row is read."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from judgebench.sources.cells import decode_cell
from judgebench.sources.columns import Columns, plain
from judgebench.sources.labels import LETTERS, TIE, UNLABELLED, coded, read_label
from judgebench.sources.people import each_label

CustomRow = dict[str, object]
"""A row in the columns that benchmarks know."""

CANONICAL = frozenset(
    {
        "prompt",
        "chosen",
        "rejected",
        "completions",
        "response",
        "completion",
        "response_a",
        "response_b",
        "response_A",
        "response_B",
        "answer_a",
        "answer_b",
        "answer_A",
        "answer_B",
        "label",
        "num_correct",
        "human_score",
    }
)
"""Columns that say what is judged and which is better; a form leaves none of them standing that it has not made."""


_KEPT = frozenset(
    map(
        plain,
        (
            *("id", "model_a", "model_b", "question_id", "judge", "turn", "scenario", "post_id", "domain", "language"),
            *("category_path", "generator", "problem_id", "subject", "level", "correctness", "coherence"),
        ),
    )
)
"""Columns that a form may be known by, and that are neither texts nor labels: they go along."""


_NAMED = ("group", "subset")
"""Columns that count before what a form takes for them."""


class FormError(ValueError):
    """A row that contradicts its form; the message says what is wrong and the option that helps, without its place."""


class Cells:
    """A row's cells, by any spelling of a column's name."""

    def __init__(self, row: Mapping[str, object], meanings: Mapping[str, str] | None = None) -> None:
        """Args: the row, and what the user said that labels mean."""
        self.row, self._columns = row, tuple(row)
        self._own = own_names(self._columns)
        self._meanings = meanings or {}

    def own(self, name: str) -> str:
        """The column's name as the file has it."""
        return name if name in self.row else self._own.get(plain(name), name)

    def __contains__(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self.row or plain(name) in self._own

    def has(self, names: tuple[str, ...]) -> bool:
        """Whether there are all of these columns."""
        return _has(self._columns, names)

    def __call__(self, name: str) -> object:
        """The cell; None where it is empty or not there. Lists and objects that stand as text are decoded."""
        return decode_cell(self.raw(name))

    def first(self, names: tuple[str, ...]) -> object:
        """The cell of the first of these columns that is there; None where none is."""
        own = _first(self._columns, names)
        return None if own is None else self.row[own]

    def raw(self, name: str) -> object:
        """The cell as it stands."""
        return self.row.get(self.own(name))

    def meaning(self, name: str) -> str | None:
        """What the user said that the label in a cell means, or what it says itself where it is plain; else None."""
        value = self.raw(name)
        given = coded(value, self._meanings) if self._meanings else None
        if given is not None:
            return given
        return value if isinstance(value, str) and value in {"A", "B", TIE} else None

    def need(self, name: str) -> object:
        """The cell of a column that must hold something."""
        value = self.raw(name)
        if value is None:
            raise FormError(f"column '{self.own(name)}' is empty")
        return value

    def number(self, name: str) -> float | None:
        """The number in a cell; None where there is none.

        Raises:
            FormError: It holds something else.
        """
        value = self.raw(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        try:
            number = float("nan") if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise FormError(f"column '{self.own(name)}' is {value!r}, expected a number") from None
        return None if math.isnan(number) else number

    def grade(self, name: str) -> object:
        """The number in a cell, or that of each of several people; None where there is none.

        Raises:
            FormError: It holds something else.
        """
        own = self.own(name)
        return each_label(self.raw(name), lambda said: self.with_cell(own, said).number(own))

    def with_cell(self, name: str, value: object) -> Cells:
        """The same row with another value in a cell."""
        return self if self.raw(name) is value else Cells({**self.row, self.own(name): value}, self._meanings)

    def rest(self, used: tuple[str, ...]) -> CustomRow:
        """All other cells, which go along."""
        return {name: self.row[name] for name in _others(self._columns, used)}


@lru_cache(maxsize=256)
def own_names(columns: tuple[str, ...]) -> Mapping[str, str]:
    """The columns of a row by their plain names; rows of one file have the same ones, so these are made once."""
    return {plain(name): name for name in reversed(columns)}


@lru_cache(maxsize=256)
def _first(columns: tuple[str, ...], names: tuple[str, ...]) -> str | None:
    own = own_names(columns)
    return next((name if name in columns else own[plain(name)] for name in names if plain(name) in own), None)


@lru_cache(maxsize=256)
def _has(columns: tuple[str, ...], names: tuple[str, ...]) -> bool:
    return {plain(name) for name in names} <= own_names(columns).keys()


@lru_cache(maxsize=256)
def _others(columns: tuple[str, ...], used: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that a form leaves standing."""
    taken = {plain(name) for name in used} - _KEPT
    return tuple(name for name in columns if plain(name) not in taken and name not in CANONICAL)


Make = Callable[[Cells], CustomRow | list[CustomRow]]
Fits = Callable[[Sequence[Cells]], bool]


def _always(rows: Sequence[Cells]) -> bool:  # noqa: ARG001 - columns alone tell
    return True


@dataclass(frozen=True)
class KnownForm:
    """One form of rows.

    Attributes:
        name: What people call it: "Chatbot Arena".
        needs: The columns that it is known by, in any spelling.
        becomes: What a row becomes: `pair`, `best of k`, `grade`.
        said: How the labels are counted, in one line.
        make: From a row to the columns that the benchmark knows.
        label: The column that says which is better, if one does.
        labels: What stands in it -> `A`, `B` or `tie`; empty where words are read.
        uses: All columns that are read, beside `needs`.
        roles: What a column of the file is -> its name, where the names alone said so.
        benchmarks: Whose rows they become.
        others: By benchmark, what `make` is instead where its columns are others.
        fits: Whether the first rows are of this form, where the columns alone do not say so.
        places: A word in the path of the rows' file -> their subset, the empty one for all others; where there are
            some, a row without an id has its number.
        without: Columns that must not be there.
        unclear: Why its labels cannot be read, and what says how; None where they can.
    """

    name: str
    needs: tuple[str, ...]
    becomes: str
    said: str
    make: Make = field(repr=False)
    label: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    uses: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    benchmarks: tuple[str, ...] = ("custom",)
    others: Mapping[str, Make] = field(default_factory=dict, repr=False)
    fits: Fits = field(default=_always, repr=False)
    without: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    unclear: str | None = None

    def read(self, row: Mapping[str, object], meanings: Mapping[str, str] | None = None) -> list[CustomRow]:
        """The rows that one row becomes, in the columns that the benchmark knows; every other column goes along.

        Args:
            row: The row as the file has it.
            meanings: What stands in the label's column -> `A`, `B` or `tie`, where the user said so.

        Raises:
            FormError: The row contradicts the form.
        """
        return self.read_cells(Cells(row, meanings))

    def read_cells(self, cells: Cells) -> list[CustomRow]:
        """The same of cells that are there already."""
        made, row = self.make(cells), cells.row
        rest = cells.rest((*self.needs, *self.uses))
        named = {name: row[name] for name in _NAMED if row.get(name) not in (None, "")}
        return [rest | each | named for each in (made if isinstance(made, list) else [made])]

    def of_benchmark(self, name: str) -> KnownForm:
        """The form whose rows become that benchmark's."""
        return replace(self, make=self.others[name], others={}) if name in self.others else self

    def used(self, columns: Columns) -> dict[str, str]:
        """What each column is that is read -> its name in the file."""
        return dict(self.roles) or {name: own for name in (*self.needs, *self.uses) if (own := columns.find(name))}

    def matches(self, columns: Columns, rows: Sequence[Cells]) -> bool:
        """Whether a table with these columns and first rows is of this form."""
        absent = not any(columns.has(name) for name in self.without)
        return columns.has(*self.needs) and absent and self.fits(rows)


def label_in(
    cells: Cells,
    column: str,
    codes: Mapping[str, str] | None = None,
    *,
    models: Sequence[object] = (),
    texts: Sequence[object] = (),
    columns: Sequence[Sequence[str]] = (),
) -> str:
    """The label that a cell holds: `A`, `B`, `tie`, or empty; of more answers than two, a letter.

    Args:
        cells: The row.
        column: The label's column.
        codes: What stands there -> what it means; where left out, words for slots and ties.
        models: The models' names, one of which the label may be.
        texts: The answers themselves, one of which the label may repeat.
        columns: Names that the answers have in the file, any of which the label may be in any spelling.

    Raises:
        FormError: It is none of these; the message names `--labels`.
    """
    given = cells.meaning(column)
    if given is not None:
        return given
    value = cells.raw(column)
    said = read_label(value, max(2, len(texts)))
    if said == UNLABELLED:
        return UNLABELLED
    for names in columns:
        by_column = _only(plain(str(value)), [plain(name) for name in names])
        if by_column is not None and not (isinstance(said, str) and said != by_column):
            return by_column
    found = coded(value, codes) if codes else None
    if found is None and isinstance(said, str) and not (codes and said not in codes.values()):
        found = said
    by_name = _only(value, models)
    if by_name is not None and found not in {None, by_name}:
        raise FormError(
            f"{cells.own(column)} is {value!r}, a word for one answer and the other's model: {_mend(value)}"
        )
    found = found or by_name or _only(value, texts)
    if found is None:
        expected = ", ".join(codes) if codes else "A, B or tie, or words for them"
        known = {plain(name): name for names in columns for name in names}
        near = difflib.get_close_matches(plain(str(value)), known, n=1, cutoff=0.7)
        hint = f"did you mean {known[near[0]]}? " if near else ""
        raise FormError(f"{cells.own(column)} is {value!r}, expected {expected}: {hint}{_mend(value)}")
    return found


def _only(value: object, names: Sequence[object]) -> str | None:
    """The slot of the one name that a value is."""
    text = str(value).strip()
    same = [at for at, name in enumerate(names) if name is not None and str(name).strip() == text]
    return LETTERS[same[0]] if len(same) == 1 else None


def _mend(value: object) -> str:
    return f"say what it means with --labels {option(value)}=A (or B, or tie; nothing after the = for no label)"


def option(value: object) -> str:
    """A value as an option takes it: in quotes where a space or a comma is in it."""
    text = str(value)
    return text if len(text) <= 40 and not set(text) & set(' ,=()"') else f'"{text[:40]}"'
