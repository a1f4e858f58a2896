"""Where rows come from: the type that files, the hub, data frames, lists and other packages' sources share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from judgebench._util.plugins import blaming
from judgebench.errors import DataError
from judgebench.sources.cells import list_in

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from typing import Self

IN_MEMORY = ("list", "frame")
"""What rows are called that were given in Python, by a list or a data frame."""

_BATCH = 256

BATCH_ROWS = 1024
"""So many rows a batch of Arrow's has at most, where the source is free to choose."""


@dataclass(slots=True)
class Row:
    """One row as its source has it.

    Attributes:
        where: Its place, as messages name it: "pairs.jsonl line 12", "frame row 3".
        data: Its columns; cells of CSV files are always text.
        split: The split it comes from; for a file, its name up to the first dot.
        encoded: Whether a list stands as text in a cell, as CSV files have it.
        lists: The columns whose every text stands for a list; the row's source finds out when it is asked.
        problem: What is wrong with it, where it cannot be used; its columns then say nothing.
        number: Its number among all rows of a data set, the first being 1; 0 where nobody has counted.
        beside: What its file says of all rows: the scalars beside columns or a list of rows in one JSON object.
    """

    where: str
    data: dict[str, Any]
    split: str | None = None
    encoded: bool = False
    lists: Container[str] = field(default=(), compare=False)
    problem: str | None = None
    number: int = field(default=0, compare=False)
    beside: Mapping[str, Any] = field(default_factory=dict, compare=False)


class Source(ABC):
    """Rows with their places; benchmarks know rows from nothing else.

    Attributes:
        name: What messages and the manifest call it: the path as it was given, the hub id, `frame`.
        revision: The commit of a hub dataset; None elsewhere.
        split: The split, where the source has splits; several with commas between.
        part: Whether they are a part of the rows, of which what all rows together must be is not asked.
    """

    name: str
    revision: str | None = None
    split: str | None = None
    part: bool = False

    @abstractmethod
    def rows(self) -> Iterator[Row | Mapping[str, Any]]:
        """Read the rows one by one, from the first at each call; a row without a place is called by its number.

        Raises:
            DataError: The source cannot be read, or a row is malformed; the message names its place.
        """

    def count(self) -> int | None:
        """The number of rows; None where finding out takes as long as reading them."""
        return None

    def hash(self) -> str | None:
        """SHA-256 of the one file that the rows are read from; None where there is none."""
        return None

    def batches(self) -> Iterator[Any] | None:
        """The rows as record batches of Arrow, each column with the type that the source has; None where it has none.

        They are the rows of `rows`, in the same order.
        """
        return None

    def __iter__(self) -> Iterator[Row]:
        """Stream the rows.

        Raises:
            DataError: As `rows` does, or a row is bad, or there is none.
        """
        for row in self.every_row():
            if row.problem is not None:
                raise DataError(f"{row.where}: {row.problem}")
            yield row

    def every_row(self) -> Iterator[Row]:
        """Stream the rows, bad ones too.

        Raises:
            DataError: As `rows` does, or there is no row.
        """
        row = None
        lists = lists_of(self)
        for row in self.placed_rows():
            row.lists = lists
            yield row
        if row is None:
            raise DataError(f"{self.name} is empty: give a source with at least one row")

    def notes(self) -> Iterator[str]:
        """What a user must know of how the rows are read, a sentence each; known once they have been read."""
        yield from ()

    def total(self) -> int | None:
        """What `count` says.

        Raises:
            DataError: It raises something else.
        """
        with blaming(f"source '{self.name}'", self, "count", DataError):
            return self.count()

    def placed_rows(self) -> Iterator[Row]:
        """The rows of `rows`, each with a place; it begins with the source's name where another package has the source.

        Raises:
            DataError: As `rows` does, or `rows` raises something else, or gives what is no row.
        """
        ours = type(self).__module__.startswith("judgebench.")
        with blaming(f"source '{self.name}'", self, "rows", DataError):
            for number, row in enumerate(self.rows(), 1):
                if isinstance(row, Row):
                    if not ours and not row.where.startswith(self.name):
                        row.where = f"{self.name}: {row.where}"
                    yield row
                elif isinstance(row, Mapping):
                    yield Row(f"{self.name} row {number}", dict(row))
                else:
                    raise DataError(
                        f"{self.name} row {number}: is {type(row).__name__}, expected a dictionary of columns"
                    )


class SourceOver(Source):
    """Another source, its rows read otherwise: one row for each of its rows.

    Args:
        source: The rows.
    """

    def __init__(self, source: Source) -> None:
        self.name, self.revision, self.split = source.name, source.revision, source.split
        self._source = source

    def count(self) -> int | None:
        """As many as the other source has."""
        return self._source.count()

    def hash(self) -> str | None:
        """That of the other source."""
        return self._source.hash()

    def notes(self) -> Iterator[str]:
        """Those of the other source."""
        yield from self._source.notes()

    def over(self, source: Source) -> Self:
        """The same reading of other rows: whatever is known of the rows of this source holds for those.

        Args:
            source: The rows, as this source's lowest one has them.
        """
        other: Self = copy(self)
        other._source = self._source.over(source) if isinstance(self._source, SourceOver) else source
        return other


def lists_of(source: Source) -> Container[str]:
    """The columns of a source whose every text stands for a list."""
    return _Lists(source)


class _Lists:
    """The columns of a source that hold lists throughout, each looked up in the rows when it is first asked for."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known: dict[str, bool] = {}

    def __contains__(self, column: object) -> bool:
        name = str(column)
        if name not in self._known:
            self._known[name] = all(_fits(row, name) for row in self._source.placed_rows() if row.problem is None)
        return self._known[name]


def _fits(row: Row, column: str) -> bool:
    """Whether the row's value is none, or a list."""
    value = row.data.get(column)
    return not isinstance(value, str) or not value.strip() or list_in(value, texts=row.encoded) is not None


class ListSource(Source):
    """Rows in memory: dictionaries by column, or any iterable of them that can be gone through again."""

    def __init__(self, rows: Iterable[Mapping[str, object]], name: str = "list") -> None:
        self.name = name
        self._rows = rows

    def rows(self) -> Iterator[Row | Mapping[str, Any]]:
        """The rows as they were given."""
        yield from self._rows


@runtime_checkable
class Frame(Protocol):
    """A frame of pandas, Polars or Arrow: whatever speaks Arrow's stream interface."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The frame's columns as a capsule."""


class FrameSource(Source):
    """Rows of a data frame; its missing values are None, an index without a name is left out."""

    def __init__(self, frame: Frame, name: str = "frame") -> None:
        self.name = name
        self._frame = frame

    def batches(self) -> Iterator[Any]:
        """The frame's own."""
        import pyarrow as pa

        yield from pa.RecordBatchReader.from_stream(self._frame)

    def rows(self) -> Iterator[Row]:
        """The rows in batches, as plain Python values."""
        import pyarrow as pa

        number = 0
        try:
            for batch in pa.RecordBatchReader.from_stream(self._frame):
                for start in range(0, batch.num_rows, _BATCH):
                    for data in batch.slice(start, _BATCH).to_pylist():
                        number += 1
                        columns = {key: data[key] for key in data if not key.startswith("__index_level_")}
                        yield Row(f"{self.name} row {number}", columns)
        except pa.ArrowException as error:
            reason = " ".join(str(error).split())
            raise DataError(
                f"{self.name}: cannot be read ({reason}): give each column values of one type, or the rows as a list"
            ) from error


def id_text(value: object) -> str:
    """An id or a label as text; 12.0, as some tools write whole numbers, is 12."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)
