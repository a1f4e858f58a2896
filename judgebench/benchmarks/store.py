"""Items that were read, by their number: in memory while they are few, else in a temporary file."""

from __future__ import annotations

import heapq
import pickle
import tempfile
import weakref
from array import array
from contextlib import contextmanager
from dataclasses import fields
from operator import attrgetter
from threading import Lock
from typing import TYPE_CHECKING

from judgebench.errors import DataError, StorageError
from judgebench.items import Completion, Item, Turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import BinaryIO

KEPT_BYTES = 32_000_000
"""Items are kept in memory where all of a source together take at most so much; else in a file without a name."""


_LARGEST = 2**32 - 1


class ItemStore:
    """Items in the order in which they were added; any thread may read them once all are there.

    The file is gone with the store, or with the process.
    """

    def __init__(self) -> None:
        self._kept: list[Item] = []
        self._sizes = array("I")
        self._size = 0
        self._starts = array("q")
        self._end = 0
        self._file: BinaryIO | None = None
        self._lock = Lock()
        self._whole: ItemStore | None = None  # whose file it is, which is closed with that

    @property
    def in_memory(self) -> bool:
        """Whether all items are in memory."""
        return self._file is None

    def add(self, item: Item, size: int) -> None:
        """Adds an item that takes about so many bytes in memory.

        Raises:
            StorageError: The temporary folder has no room for it.
            DataError: It holds what cannot be written.
        """
        self._size += size
        self._sizes.append(min(size, _LARGEST))
        if self._file is None and self._size <= KEPT_BYTES:
            self._kept.append(item)
            return
        with _said():
            for each in (*self._kept, item):
                self._write(each)
        self._kept = []

    def _write(self, item: Item) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the store
            weakref.finalize(self, self._file.close)
        try:
            data = _pickled(item)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise DataError(f"item '{item.id}': its columns hold what is no plain value ({error})") from error
        self._starts.append(self._end)
        self._end += self._file.write(data)

    def __getitem__(self, number: int) -> Item:
        """The item that was added as this one, from 0 on."""
        if self._file is None:
            return self._kept[number]
        with self._lock:
            self._file.seek(self._starts[number])
            return _unpickled(self._file)

    def largest_first(self, most: int | None = None) -> list[int]:
        """The numbers of the items, from that which takes most room on.

        Args:
            most: So many at most; None: all.
        """
        numbers = range(len(self._sizes))
        return heapq.nlargest(len(numbers) if most is None else most, numbers, key=self._sizes.__getitem__)

    def keep(self, numbers: Iterable[int]) -> None:
        """Leaves only these items, which are 0, 1, ... from then on.

        Raises:
            StorageError: As in `add`.
        """
        numbers = list(numbers)
        self._sizes = array("I", [self._sizes[number] for number in numbers])
        if self._file is None:
            self._kept = [self._kept[number] for number in numbers]
        else:
            self._starts = array("q", [self._starts[number] for number in numbers])
            with _said():
                self._file.flush()

    def only(self, numbers: Sequence[int]) -> ItemStore:
        """A store of these items alone, which are 0, 1, ... in it; one in a file shares it."""
        part = ItemStore()
        part._size, part._end, part._file, part._lock = self._size, self._end, self._file, self._lock
        part._whole = self
        part._sizes = array("I", [self._sizes[number] for number in numbers])
        if self._file is None:
            part._kept = [self._kept[number] for number in numbers]
        else:
            self._file.flush()
            part._starts = array("q", [self._starts[number] for number in numbers])
        return part


_OTHERS = [each.name for each in fields(Item) if each.name not in {"conversation", "completions"}]
_VALUES = attrgetter(*_OTHERS)


def _pickled(item: Item) -> bytes:
    """The item as plain values, which takes a quarter of the time that its objects take."""
    turns = (item.conversation, *[completion.turns for completion in item.completions])
    plain = [[(turn.role, turn.content) for turn in each] for each in turns], _VALUES(item)
    return pickle.dumps(plain, pickle.HIGHEST_PROTOCOL)


def _unpickled(file: BinaryIO) -> Item:
    plain, (item, subset, *others) = pickle.load(file)  # noqa: S301 - nobody else could write it
    conversation, *completions = [tuple([Turn(*turn) for turn in each]) for each in plain]
    return Item(item, subset, conversation, tuple(map(Completion, completions)), *others)


@contextmanager
def _said() -> Iterator[None]:
    """What the system says about the temporary folder, in our words."""
    try:
        yield
    except OSError as error:
        where, reason = tempfile.gettempdir(), error.strerror or str(error)
        raise StorageError(
            f"{where}: no room for the items while they are judged ({reason}): free some space, or set TMPDIR to "
            "another folder"
        ) from error
