"""The rows of `filter`: read in chunks, checked once before the first call, and read again as they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.base import text_of
from judgebench.benchmarks.checking import KEPT, Understood, UnusableRowsError, bad_lines
from judgebench.benchmarks.dataset import Selection, load_dataset, opened
from judgebench.benchmarks.forms import given
from judgebench.benchmarks.golds import Golds
from judgebench.errors import DataError
from judgebench.items import TIE
from judgebench.sources.cellvalues import joined_kind, kind_of, note_fields
from judgebench.sources.known import KnownSource
from judgebench.sources.opening import source_of
from judgebench.sources.source import Row, Source, lists_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from judgebench.benchmarks.dataset import Dataset
    from judgebench.items import Item, ItemKey
    from judgebench.sources.cellvalues import Kind
    from judgebench.sources.mapped import RowMap
    from judgebench.sources.opening import Data

CHUNK_ROWS = 20_000
CHUNK_CHARACTERS = 2**25
"""A chunk has so many rows at most, or ends with the row that makes its texts so long."""

_TOLD = 200
"""So many items with different labels tell what classes and grades there are."""


class ListedRows(Source):
    """Rows that were read already, made anew each time they are gone through."""

    def __init__(self, name: str, rows: Sequence[Row]) -> None:
        self.name, self._rows = name, rows

    def rows(self) -> Iterator[Row]:
        """The rows."""
        for row in self._rows:
            yield Row(row.where, row.data, row.split, row.encoded, problem=row.problem, number=row.number)


class ChunkRows(KnownSource):
    """Some rows of a source, read as the whole of it is.

    Each is called as `run` would call it, so that both ask alike: by its id, else by its number in the whole. A second
    row with an id that another has gets its number beside it.

    Args:
        known: The whole.
        rows: Those of its lowest source.
        lists: The columns of the whole that hold lists.

    Attributes:
        numbers: By the ids of items, the numbers of their rows.
        lettered: Whether any row does not say itself which of its answers is the better one.
    """

    part = True

    def __init__(self, known: KnownSource, rows: Sequence[Row], lists: Container[str]) -> None:
        listed = known.over(ListedRows(known.name, rows))
        super().__init__(listed.below, known.benchmark, known.labels)
        self.form = known.form
        self._lists = lists
        self.numbers: dict[str, int] = {}
        self.lettered = False

    def rows(self) -> Iterator[Row]:
        """The rows in the benchmark's columns."""
        last = 0
        self.numbers = {}
        for row in super().rows():
            if row.number == last:
                raise DataError(f"{row.where}: one row makes several items, and filter needs one each: part the rows")
            last = row.number
            if row.problem is None:
                name = _id_of(row)
                while name in self.numbers:
                    name = f"{name} (row {row.number})"
                self.numbers[name] = row.number
                row.data = {**row.data, "id": name}
                self.lettered = self.lettered or not ("chosen" in row.data or "rejected" in row.data)
            yield row

    def every_row(self) -> Iterator[Row]:
        """Stream the rows, bad ones too; which columns hold lists, the whole says."""
        for row in self.placed_rows():
            row.lists = self._lists
            yield row


def _id_of(row: Row) -> str:
    """The id of a row as text; its number where it has none."""
    if given(row, "id") is not None:
        with suppress(DataError):  # no text
            return text_of(row, "id")
    return str(row.number)


@dataclass(frozen=True, slots=True)
class RowChunk:
    """Rows that are judged together: one run.

    Attributes:
        number: Of the chunk, the first being 0.
        rows: As their source has them, each with its number.
    """

    number: int
    rows: Sequence[Row]


@dataclass(frozen=True)
class ChunkItems:
    """A chunk as items.

    Attributes:
        dataset: None where no row can be used.
        bad: What is wrong with each row that cannot, by its number.
        numbers: By the ids of items, the numbers of their rows.
        lettered: Whether any row does not name its better answer, so that answers go by letters.
    """

    dataset: Dataset | None
    bad: Mapping[int, str]
    numbers: Mapping[str, int]
    understood: Understood
    lettered: bool = False

    @cached_property
    def orders(self) -> Mapping[str, Sequence[int]]:
        """Of each item whose answers its row does not name, which of the row's answers each of its own is."""
        return self.dataset.as_given() if self.dataset is not None and self.lettered else {}


class FilterRows:
    """The rows of a source, as it has them and as items.

    Args:
        data: What the user named.
        options: How rows are read.
        most: Rows of a chunk at most.

    Attributes:
        raw: The source.
        known: The same in the benchmark's columns.

    Raises:
        ConfigError: There is no such source, or a name in `options` means nothing.
    """

    def __init__(self, data: Data, options: RowMap, most: int = CHUNK_ROWS) -> None:
        self.options, self._most = options, most
        self.raw = source_of(data, config_name=options.config_name)
        known = opened(get_benchmark("custom"), self.raw, options)
        if not isinstance(known, KnownSource):
            raise DataError(f"{self.raw.name} holds the items of a run: give the rows that they were made of")
        self.known = known
        self._lists = lists_of(known)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.raw.name

    def count(self) -> int:
        """How many rows there are; reads them where the source does not say."""
        return sum(1 for _ in self.raw.every_row())

    def chunks(self, wanted: Container[int] | None = None) -> Iterator[RowChunk]:
        """The rows, chunk by chunk.

        Args:
            wanted: Numbers of those to take, the first row's being 1; None for all.
        """
        rows: list[Row] = []
        characters = number = 0
        for at, row in enumerate(self.raw.every_row(), 1):
            if isinstance(wanted, range) and at >= wanted.stop:
                break
            if wanted is not None and at not in wanted:
                continue
            row.number = at
            rows.append(row)
            characters += _characters(row.data)
            if len(rows) >= self._most or characters >= CHUNK_CHARACTERS:
                yield RowChunk(number, rows)
                rows, characters, number = [], 0, number + 1
        if rows:
            yield RowChunk(number, rows)

    def read(self, rows: Sequence[Row]) -> ChunkRows:
        """Some rows in the benchmark's columns."""
        return ChunkRows(self.known, rows, self._lists)

    def items(self, rows: Sequence[Row], seed: int) -> ChunkItems:
        """Some rows as items.

        Raises:
            ConfigError: A row makes several items, or labels cannot be read.
        """
        source = self.read(rows)
        reading = replace(self.options, bad_rows="skip")
        try:
            dataset = load_dataset(get_benchmark("custom"), source, Selection(seed=seed, rows=reading))
        except UnusableRowsError as error:
            if error.understood.items or error.understood.rows < len(rows):
                raise
            return ChunkItems(None, _bad(rows, set(), error.understood), source.numbers, error.understood)
        items = {source.numbers[item] for item in dataset.keys}
        bad = _bad(rows, items, dataset.understood)
        return ChunkItems(dataset, bad, source.numbers, dataset.understood, source.lettered)


def _bad(rows: Sequence[Row], items: Container[int], found: Understood) -> dict[int, str]:
    """What is wrong with each row that is no item, by its number."""
    what = {row.where: row.what for row in found.bad}
    return {row.number: what.get(row.where, "cannot be used") for row in rows if row.number not in items}


@dataclass(frozen=True, slots=True)
class SurveyedChunk:
    """What the survey keeps of a chunk.

    Attributes:
        hash: SHA-256 over its items; empty where it has none.
        items: How many these are.
    """

    number: int
    rows: int
    hash: str
    items: int


@dataclass
class Survey:
    """What all rows are, found in one pass before the first call.

    Attributes:
        rows: How many were taken.
        chunks: Of each chunk what tells it from another.
        understood: What the rows were taken for.
        keys: One item of each shape, without its texts; an item's shape is what templates and protocols depend on.
        shapes: How many items have the shape of each of `keys`.
        told: Items with different labels: what tells which classes and grades there are.
        golds: The first rows of each class and grade.
        labelled: How many items have a label that verdicts can agree with: a choice or a class.
        columns: The file's columns, in order, and what those that were asked for hold.
        numeric: Columns of text, of those that were asked for, whose every cell is a number.
        people: By row number, people's label out of a file of labels.
        fields: Of the columns that were asked for and their objects (`meta`, `meta.source`), the names of the fields.
    """

    rows: int = 0
    chunks: list[SurveyedChunk] = field(default_factory=list)
    understood: Understood = field(default_factory=Understood)
    keys: dict[tuple[object, ...], ItemKey] = field(default_factory=dict)
    shapes: Counter[tuple[object, ...]] = field(default_factory=Counter)
    told: list[Item] = field(default_factory=list)
    golds: Golds = field(default_factory=Golds)
    labelled: int = 0
    columns: dict[str, Kind] = field(default_factory=dict)
    numeric: set[str] = field(default_factory=set)
    people: dict[int, str] = field(default_factory=dict)
    fields: dict[str, set[str]] = field(default_factory=dict)

    @property
    def items(self) -> int:
        """How many items there are."""
        return self.shapes.total()

    def calls(self, count: Callable[[ItemKey], int]) -> int:
        """How many calls the items need, given how many an item does."""
        return sum(number * count(self.keys[shape]) for shape, number in self.shapes.items())


def survey(
    rows: FilterRows,
    *,
    seed: int = 0,
    wanted: Container[int] | None = None,
    columns: Container[str] = (),
    people: Mapping[str, str] | None = None,
    watch: Callable[[RowChunk, ChunkItems], None] | None = None,
) -> Survey:
    """Reads and checks every row.

    Args:
        rows: The rows.
        seed: Of the items' order.
        wanted: Numbers of the rows that are taken; None for all.
        columns: Columns of which it is to be known what they hold.
        people: People's labels by the row's id, of a file.
        watch: Is given each chunk, and its items.

    Raises:
        DataError: Rows cannot be used and were not to be left out, or none can.
    """
    found = Survey()
    labels: set[object] = set()
    for chunk in rows.chunks(wanted):
        _note_columns(found, chunk.rows, columns)
        made = rows.items(chunk.rows, seed)
        found.rows += len(chunk.rows)
        digest = "" if made.dataset is None else made.dataset.hash
        found.chunks.append(SurveyedChunk(chunk.number, len(chunk.rows), digest, len(chunk.rows) - len(made.bad)))
        _merge(found.understood, made.understood, first=chunk.number == 0)
        if made.dataset is not None:
            _note_items(found, made.dataset, labels)
        for own, number in made.numbers.items() if people else ():
            if (said := (people or {}).get(own)) is not None:
                found.people[number] = said
        if watch is not None:
            watch(chunk, made)
        del chunk, made  # else they are held while the next chunk is read
    _check(found, rows)
    return found


def _note_columns(found: Survey, rows: Sequence[Row], wanted: Container[str]) -> None:
    """Which columns there are, and what those that are wanted hold."""
    for row in rows:
        if not row.data.keys() <= found.columns.keys():
            for name in map(str, row.data):
                if name not in found.columns:
                    found.columns[name] = "nothing"
                    if row.encoded and name in wanted:
                        found.numeric.add(name)
        for name, value in row.data.items():
            if name not in wanted:
                continue
            kind = kind_of(value) if not row.encoded or value.strip() else "nothing"
            found.columns[name] = joined_kind(found.columns[name], kind)
            if kind == "object" and isinstance(value, Mapping):
                note_fields(found.fields, name, value)
            if kind == "text" and name in found.numeric and not _is_number(value):
                found.numeric.discard(name)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _merge(into: Understood, of: Understood, *, first: bool) -> None:
    """Adds what was understood of a chunk to what was of those before it."""
    if first:
        into.form, into.counted, into.used, into.unused = of.form, of.counted, of.used, of.unused
        into.likely, into.notes = of.likely, of.notes
    into.rows += of.rows
    into.items += of.items
    into.labels.update(of.labels)
    into.unlabelled += of.unlabelled
    into.empty += of.empty
    into.bad_count += of.bad_count
    into.bad += of.bad[: KEPT - len(into.bad)]
    if of.longest[1] > into.longest[1]:
        into.longest = of.longest


def _note_items(found: Survey, dataset: Dataset, labels: set[object]) -> None:
    found.golds.add(dataset.golds)
    for item in dataset if len(labels) < _TOLD and _from_rows(dataset) else ():
        label = (item.label, item.human_score)
        if label not in labels and len(labels) < _TOLD:
            labels.add(label)
            found.told.append(item)
    for key in dataset.keys.values():
        graded = key.human_score is not None
        tied = key.label == TIE
        said = (key.classed, graded, key.attributes != (), tied, key.num_correct, key.labelled)
        shape = (key.k, len(key.checklist), key.steps > 0, *said)
        found.shapes[shape] += 1
        found.keys.setdefault(shape, key)
        found.labelled += key.labelled and not key.graded and not key.checklist


def _from_rows(dataset: Dataset) -> bool:
    """Whether the items have classes or grades, which a template may take."""
    return any(key.k == 1 for key in dataset.keys.values())


def _check(found: Survey, rows: FilterRows) -> None:
    understood = found.understood
    if understood.bad_count and (rows.options.bad_rows == "stop" or not understood.items):
        first = understood.bad[0]
        skip = "; --bad-rows skip leaves such rows out" if understood.items else ""
        count = f"{understood.bad_count:,} of {understood.rows:,} rows cannot be used{skip}"
        error = UnusableRowsError(f"{first.where}: {first.what} ({count})", understood)
        for line in [*bad_lines(understood)][1:]:
            error.add_note(line)
        raise error
    get_benchmark("custom").check(found.keys.values())


def _characters(value: object) -> int:
    """About how many characters a cell has, or all cells of a row."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_characters, value.values()))
    return sum(map(_characters, value)) if isinstance(value, list | tuple) else 8
