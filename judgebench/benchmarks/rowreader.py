"""Rows of a benchmark file: the cells that its columns name, under the names that benchmarks know."""

from __future__ import annotations

import difflib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from judgebench.benchmarks import base
from judgebench.benchmarks.columns import MISSING, ColumnSpec, NotTextError
from judgebench.sources.cells import decode_cell
from judgebench.sources.labels import label_key
from judgebench.sources.mapped import label_of
from judgebench.sources.people import each_label
from judgebench.sources.source import Row, id_text
from judgebench.sources.turns import is_tagged, tagged

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from judgebench.benchmarks.spec import BenchmarkSpec

_SOMETIMES = frozenset({"reference", "rubric", "context", "group", "human_score", "num_correct", "pairs", "attributes"})
"""Roles that rows after the first may lack."""

_LISTS = ("chosen", "rejected", "completions")

_BY_NAME = frozenset({"label", "human_score", "attributes"})
"""Roles whose several columns are each an annotator's, or an attribute's."""

_TRUE = frozenset({"1", "true", "yes", "correct", "right", "chosen"})
_FALSE = frozenset({"0", "false", "no", "incorrect", "wrong", "rejected"})


class RowReader:
    """Reads the rows of one file.

    Args:
        spec: The file.
    """

    def __init__(self, spec: BenchmarkSpec) -> None:
        self._spec = spec
        self._roles = {role: spec.expressions(role) for role, said in spec.columns.items() if said is not None}
        self._labels = {label_key(value): _meaning(meaning) for value, meaning in spec.labels.items()}
        self._only = [(ColumnSpec(column), values) for column, values in spec.only.items()]
        self._keep = frozenset(spec.keep)
        self._known: dict[tuple[str, ...], tuple[frozenset[str], frozenset[str]]] = {}
        self._first = True

    def wanted(self, row: Row) -> bool:
        """Whether the file takes the row.

        Raises:
            DataError: It has no such column.
        """
        for column, values in self._only:
            cell = column.cell(row.data)
            if cell is MISSING:
                raise column.missing(row.where, "only", row.data)
            text = id_text(cell) if cell is not None else ""
            if not any(label_key(text) == label_key(value) or fnmatchcase(text, value) for value in values):
                return False
        return True

    def read(self, row: Row) -> Row:
        """The row with each role under its name, and the columns that no role took.

        Raises:
            DataError: A column is missing, or a label means nothing.
        """
        data = row.data
        taken, _ = self._names_of(data)
        read = {column: value for column, value in data.items() if column not in taken}
        for role, columns in self._roles.items():
            every = {column: self._cell(column, role, row) for column in columns}
            cells = {column: cell for column, cell in every.items() if cell is not MISSING}
            if cells:
                worst = role == "label" and self._spec.severity
                read[role] = self._worst([*cells.values()], row) if worst else self._of(role, cells)
        self._first = False
        self._correct(read, row)
        if (context := read.pop("context", None)) is not None and isinstance(read.get("prompt"), str):
            read["prompt"] = f"{context}\n\n{read['prompt']}"
        lists = _Lists(row.lists, {role: columns[0].text for role, columns in self._roles.items() if len(columns) == 1})
        return Row(row.where, read, row.split, row.encoded, lists, number=row.number)

    def hidden(self, data: Mapping[str, object]) -> frozenset[str]:
        """Names of a row as it is read that a template does not see.

        The roles of columns that the file keeps, or that no column stands for, and what the file hides.

        Args:
            data: The row as it stands.
        """
        return self._names_of(data)[1]

    def _names_of(self, data: Mapping[str, object]) -> tuple[frozenset[str], frozenset[str]]:
        """The columns that roles take away, and what is hidden; the same for all rows with these columns."""
        names = tuple(map(str, data))
        if names not in self._known:
            own = {role: {each for one in columns for each in one.own(data)} for role, columns in self._roles.items()}
            kept = {role for role, among in own.items() if role not in among and (among & self._keep or not among)}
            taken = frozenset({each for among in own.values() for each in among} - self._keep)
            if "chosen" in self._roles:  # which is better is said already, whatever a column of that name may be
                taken |= {name for name in ("label", "human_score") if name not in self._roles}
            self._known[names] = taken, frozenset({*kept, *self._spec.hidden, "pairs", "correct"})
        return self._known[names]

    def _cell(self, column: ColumnSpec, role: str, row: Row) -> object:
        try:
            cell = column.cell(row.data)
        except NotTextError as error:
            raise base.row_error(row, str(error)) from None
        if cell is MISSING and (self._first or role not in _SOMETIMES or "{" in column.text):
            raise column.missing(row.where, role, row.data)
        return cell

    def _of(self, role: str, named: Mapping[ColumnSpec, object]) -> object:
        """What a role is, from the cells of its columns."""
        cells = [*named.values()]
        if role == "label" and self._spec.item == "steps":  # a list is of one person's wrong steps
            cells = [
                cell if isinstance(cell, list | tuple) else self._labels.get(label_key(cell), cell) for cell in cells
            ]
        elif role == "label":
            cells = [each_label(cell, lambda said: self._labels.get(label_key(said), said)) for cell in cells]
        if role in _BY_NAME and len(self._roles[role]) > 1:
            return {column.short: cell for column, cell in zip(named, cells, strict=True)}
        if role == "prompt" and len(cells) == 1 and isinstance(cells[0], str) and is_tagged(cells[0]):
            return tagged(cells[0])
        if role == "attributes" and not isinstance(decode_cell(cells[0]), dict):
            return {next(iter(named)).short: cells[0]}
        if len(cells) == 1:
            return cells[0]
        if role in _LISTS:
            return [cell for cell in cells if cell is not None]
        if role == "correct":
            return list(cells)
        return "\n\n".join(id_text(cell) for cell in cells if cell not in (None, ""))

    def _worst(self, cells: Sequence[object], row: Row) -> str:
        """Of all labels in some cells, lists among them, the one that is the worst; without any, the mildest."""
        severity = self._spec.severity
        found = 0
        for said in _flat(cells):
            name = self._labels.get(label_key(said), str(said))
            if name not in severity:
                raise base.row_error(row, f"label is {said!r:.60}, none of {', '.join(severity)}: say it under labels")
            found = max(found, severity.index(name))
        return severity[found]

    def _correct(self, read: dict[str, object], row: Row) -> None:
        """Parts completions into chosen and rejected ones, where a column says of each whether it is correct."""
        if "correct" not in read or "completions" not in read:
            return
        flags, completions = decode_cell(read.pop("correct")), decode_cell(read["completions"])
        if not isinstance(flags, list) or not isinstance(completions, list) or len(flags) != len(completions):
            raise base.row_error(row, "correct must have one entry for each of the completions")
        right = [at for at, flag in enumerate(flags) if is_correct(flag, row)]
        order = [*right, *(at for at in range(len(flags)) if at not in right)]
        pairs = decode_cell(read.pop("pairs", None))
        if not 0 < len(right) < len(flags):
            return
        read["chosen"] = [completions[at] for at in right]
        read["rejected"] = [completions[at] for at in order[len(right) :]]
        del read["completions"]
        if pairs:
            read["pairs"] = _pairs(pairs, order, len(right), row)


def _flat(cells: Sequence[object]) -> Iterator[object]:
    """The cells, and what is in those that are lists, however deep; empty ones are left out."""
    for cell in map(decode_cell, cells):
        if isinstance(cell, list | tuple):
            yield from _flat(cell)
        elif cell is not None and cell != "":
            yield cell


def is_correct(flag: object, row: Row) -> bool:
    """Whether a cell says that a completion is correct.

    Raises:
        DataError: It says neither.
    """
    text = label_key(flag)
    if text not in _TRUE | _FALSE:
        raise base.row_error(row, f"correct is {flag!r}, expected true or false, or 1 or 0")
    return text in _TRUE


def _pairs(pairs: object, order: Sequence[int], right: int, row: Row) -> str:
    """The pairs of a right and a wrong completion, by their places among the item's: `0>3 1>4`."""
    place = {at: to for to, at in enumerate(order)}
    try:
        named = [sorted(place[int(at)] for at in pair) for pair in pairs]  # type: ignore[attr-defined]
        both = [(first, second) for first, second in named]
    except (TypeError, ValueError, KeyError):
        raise base.row_error(row, f"pairs is {pairs!r:.60}, expected pairs of indexes of completions, from 0") from None
    if any(not first < right <= second for first, second in both):
        raise base.row_error(row, "pairs must each name a correct completion and a wrong one")
    return " ".join(f"{first}>{second}" for first, second in both)


def _meaning(meaning: str | None) -> str:
    """A label as benchmarks know it; empty for none."""
    return label_of(meaning or "")


class _Lists:
    """The columns that hold lists throughout, by the names of their roles."""

    def __init__(self, own: Container[str], names: Mapping[str, str]) -> None:
        self._own, self._names = own, names

    def __contains__(self, column: object) -> bool:
        return self._names.get(str(column), str(column)) in self._own


def unknown_subset(subset: str, sections: Mapping[str, Sequence[str]]) -> str:
    """That a row's subset is in no section, with the nearest subset that is."""
    known = [name for names in sections.values() for name in names]
    near = difflib.get_close_matches(subset, known, n=1)
    hint = f": did you mean {near[0]}?" if near else f", which have {base.named(known)}"
    return f"subset '{subset}' is in none of the sections {', '.join(sections)}{hint}"
