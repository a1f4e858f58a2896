"""The items of one run: rows checked once, chosen by subset and limit, and gone through as often as needed."""

from __future__ import annotations

import hashlib
import json
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench._util.steps import counted
from judgebench.benchmarks.rows import source_of
from judgebench.errors import ConfigError, DataError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.benchmarks.base import Benchmark
    from judgebench.benchmarks.rows import Data
    from judgebench.benchmarks.source import Row, Source
    from judgebench.items import Item, ItemKey

_ENCODE = json.JSONEncoder(sort_keys=True, default=str).encode

SAMPLE = "sample"
"""The name of the bundled sample, where a source is named."""
BUNDLED = f"{SAMPLE} (bundled)"
"""What a manifest says of it."""

KEPT_BYTES = 32_000_000
"""Items are kept in memory where all of a source together take at most so much; else they are read again each time."""

_OBJECTS_BYTES = 2_000
"""What the objects of an item take beside its texts, about."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of a benchmark's items a run takes.

    Attributes:
        subsets: Names of the subsets; empty for all.
        limit: At most so many items, spread evenly over the subsets; None for all.
        seed: Of the choice that a limit makes.
    """

    subsets: tuple[str, ...] = ()
    limit: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Dataset:
    """The items of a run; iterating gives them with their texts, and reads them again unless there are few.

    Attributes:
        keys: The chosen items by id, in the order of the data.
        hash: SHA-256 over the chosen items, texts included.
        total: How many items the source has.
        kept: The chosen items, where those of the source take at most `KEPT_BYTES`; else None.
        stamp: What tells that the source's file is still the one that was checked; None where it is no single file.
    """

    benchmark: Benchmark
    rows: Source
    source: str
    keys: dict[str, ItemKey]
    hash: str
    total: int
    kept: Sequence[Item] | None = field(default=None, repr=False, compare=False)
    stamp: tuple[int, int, int] | None = field(default=None, repr=False, compare=False)

    @property
    def origin(self) -> dict[str, str | None]:
        """What was read, for the manifest."""
        return {"source": self.source, "revision": self.rows.revision, "split": self.rows.split}

    def __iter__(self) -> Iterator[Item]:
        """The chosen items, one by one, from memory or from their source.

        Raises:
            ConfigError: The source's file has changed since it was checked.
        """
        if self.kept is not None:
            yield from self.kept
            return
        for item in self.benchmark.items(self.rows):
            if self.stamp != _stamp(self.rows.name):
                raise DataError(
                    f"{self.rows.name} changed during the run: restore it and rerun the command, or start a new run"
                )
            if item.id in self.keys:
                yield item


def _stamp(source: str) -> tuple[int, int, int] | None:
    """Which file it is, its size and when it was written; None for a folder and for the hub."""
    try:
        found = Path(source).expanduser().stat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def sample_path(benchmark: str) -> Path:
    """The bundled sample of a benchmark."""
    return Path(__file__).parent / "sample" / f"{benchmark}.jsonl"


def load_dataset(benchmark: Benchmark, data: Data | None, selection: Selection | None = None) -> Dataset:
    """Reads and checks every row of a benchmark, and chooses the run's items.

    Args:
        benchmark: Whose rows they are.
        data: See `judgebench.benchmarks.rows.source_of`; `sample` for the bundled rows; None for the benchmark's own.
        selection: Which items; all by default.

    Raises:
        ConfigError: A row is malformed, an id is duplicated, a subset is not there, or nothing is left.
    """
    bundled = isinstance(data, str) and data == SAMPLE
    if bundled and not Path(SAMPLE).exists():
        data = str(sample_path(benchmark.name))
    elif data is None or (isinstance(data, str) and not data):
        data = benchmark.hub_id
    if data is None:
        raise ConfigError(f"benchmark '{benchmark.name}' has no data of its own: add --data FILE")
    rows = source_of(data, hub_split=benchmark.hub_split)
    stamp = _stamp(rows.name)
    keys: dict[str, ItemKey] = {}
    digests = bytearray()  # of all items, one after another
    kept: list[Item] | None = []
    size = 0
    place = rows.name

    def followed() -> Iterator[Row]:
        nonlocal place
        for row in counted(rows, f"reading {rows.name}", unit="rows", total=rows.total):
            place = row.where
            yield row

    for item in benchmark.items(followed()):
        if item.id in keys:
            raise DataError(f"{place}: duplicate id '{item.id}'; every item needs a unique id")
        said = _said(item)
        keys[item.id] = item.key
        digests += hashlib.sha256(said).digest()
        size += len(said) + _OBJECTS_BYTES
        if kept is not None and size <= KEPT_BYTES:
            kept.append(item)
        else:
            kept = None
    selection = selection or Selection()
    chosen = _chosen(benchmark, list(keys.values()), selection)
    if not chosen:
        raise ConfigError(
            f"a limit of {selection.limit} leaves no item: take more (some go together, as Ties' pairs do)"
        )
    mine = keys if len(chosen) == len(keys) else {key.id: key for key in chosen}
    digest = hashlib.sha256()
    for at, identifier in enumerate(keys):
        if identifier in mine:
            digest.update(digests[at * digest.digest_size : (at + 1) * digest.digest_size])
    source = BUNDLED if bundled else rows.name
    few = None if kept is None else [item for item in kept if item.id in mine]
    return Dataset(benchmark, rows, source, mine, digest.hexdigest(), len(keys), few, stamp)


def _said(item: Item) -> bytes:
    """All an item holds, each text with its length before it."""
    said: list[str] = [item.id, item.subset, str(item.num_correct)]
    said += [str(value) for value in (item.reference, item.rubric, item.label, item.human_score, item.criteria)]
    for turns in (item.conversation, *(completion.turns for completion in item.completions)):
        said.append(str(len(turns)))
        for turn in turns:
            said += (turn.role, turn.content)
    said.append(_ENCODE(item.metadata))
    return "".join([f"{len(text)}:{text}" for text in said]).encode("utf-8", "surrogatepass")


def _chosen(benchmark: Benchmark, keys: Sequence[ItemKey], selection: Selection) -> list[ItemKey]:
    there = dict.fromkeys(key.subset for key in keys)
    for subset in selection.subsets:
        if subset not in there:
            raise unknown_name("subset", subset, there)
    wanted = [key for key in keys if not selection.subsets or key.subset in selection.subsets]
    if selection.limit is None:
        return wanted
    taken = _spread(benchmark, wanted, selection.limit, selection.seed)
    return [key for key in wanted if key.id in taken]


def _spread(benchmark: Benchmark, keys: Sequence[ItemKey], limit: int, seed: int) -> set[str]:
    """Ids of at most `limit` items, one unit from each subset in turn, in an order drawn from the seed and the ids."""
    units: dict[str, dict[str, list[str]]] = {}
    for key in keys:
        units.setdefault(key.subset, {}).setdefault(benchmark.unit(key), []).append(key.id)

    def rank(unit: tuple[str, list[str]]) -> bytes:
        return hashlib.sha256(f"{seed}\0{unit[0]}".encode("utf-8", "surrogatepass")).digest()

    # Neither the order of the rows nor a greater limit may change what a smaller one takes: a unit that does not fit
    # ends the choice, so the subsets with the largest units come last.
    subsets = sorted(units.items(), key=lambda entry: (max(map(len, entry[1].values())), rank((entry[0], []))))
    queues = [iter(sorted(among.items(), key=rank)) for _, among in subsets]
    taken: set[str] = set()
    while queues:
        for queue in list(queues):
            unit = next(queue, None)
            if unit is None:
                queues.remove(queue)
            elif len(taken) + len(unit[1]) > limit:
                return taken
            else:
                taken.update(unit[1])
    return taken
