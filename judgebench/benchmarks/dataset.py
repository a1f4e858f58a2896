"""The items of one run: rows checked once, chosen by subset and limit, and gone through as often as needed."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench._util.steps import counted
from judgebench.benchmarks.base import is_declared
from judgebench.benchmarks.checking import SHOWN, CheckedRows, Understood, empty_columns, has_empty_answer
from judgebench.benchmarks.golds import Golds
from judgebench.benchmarks.sampling import Shard, sampling_order, shard_of, take
from judgebench.benchmarks.store import ItemStore
from judgebench.errors import ConfigError, DataError, unknown_name
from judgebench.items import ITEM_FIELDS, SOME_FIELDS, item_from_json, item_to_json
from judgebench.sources.form import CANONICAL
from judgebench.sources.known import KnownSource
from judgebench.sources.mapped import MappedSource, RowMap, check_roles
from judgebench.sources.nested import NestedSource, is_nested
from judgebench.sources.opening import source_of
from judgebench.verdicts import KINDS

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from judgebench.benchmarks.base import Benchmark
    from judgebench.items import Classes, Item, ItemKey, Mode
    from judgebench.sources.opening import Data
    from judgebench.sources.source import Row, Source

_JUDGED = CANONICAL - {"prompt", "label"}
_ENCODE = json.JSONEncoder(sort_keys=True, default=str).encode

SAMPLE = "sample"
"""The name of the bundled sample, where a source is named."""
BUNDLED = f"{SAMPLE} (bundled)"
"""What a manifest says of it."""

_ITEM_FILES = ("items.jsonl", "items.jsonl.gz")

BUNDLE = "bundle.json"
"""Beside the rows of a bundle: `drawn_from` has, by a file's name, how many items its own are a sample of."""

TOO_FEW = (
    "items share a prompt with others, but there are fewer than 10 prompts: intervals and tests treat the items as "
    "independent and may be too narrow (a column 'group' makes groups of them)"
)

_FIRST = 20
"""So many rows tell whether columns stand in objects."""

_OBJECTS_BYTES = 2_000
"""What the objects of an item take beside its texts, about."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of a benchmark's items a run takes.

    Attributes:
        subsets: Names of the subsets; empty for all.
        limit: At most so many items, whose score estimates that of all: see `sampling_order`; None for all.
        seed: Of the order in which items are taken and asked.
        rows: How the rows are read: their columns and labels by name, and what becomes of bad ones.
        part: The part of them that `tune` has drawn: `train` or `held-out`; None for all.
        held_out: The share that is held out, where there are parts.
        shard: Which part of them, where a run is made in parts; None for all.
    """

    subsets: tuple[str, ...] = ()
    limit: int | None = None
    seed: int = 0
    rows: RowMap = field(default_factory=RowMap)
    part: str | None = None
    held_out: float | None = None
    shard: Shard | None = None

    def to_json(self) -> dict[str, Any]:
        """The manifest's part; the seed has a place of its own."""
        part: dict[str, Any] = {} if self.part is None else {"part": self.part, "held_out": self.held_out}
        part |= {} if self.shard is None else {"shard": str(self.shard)}
        return {"subsets": list(self.subsets), "limit": self.limit, **part, **self.rows.to_json()}


@dataclass(frozen=True)
class Dataset:
    """The items of a run, as they were when they were checked; iterating gives them with their texts.

    Attributes:
        keys: The chosen items by id, in the order of the data.
        hash: SHA-256 over the chosen items, texts included.
        total: How many items the source has.
        drawn_from: How many items a limit chose from; those of the chosen subsets.
        ungrouped: How many items of the source share a prompt with others but are in no group, prompts being few.
        selection: Which they are; its seed gives the order in which they are asked.
        items: The chosen items, in the order of `keys`.
        understood: What the rows were taken for.
        golds: What the rows of single completions say of their class or grade.
    """

    benchmark: Benchmark
    rows: Source
    source: str
    keys: dict[str, ItemKey] = field(repr=False)
    hash: str
    total: int
    drawn_from: int
    ungrouped: int
    selection: Selection
    items: ItemStore = field(repr=False, compare=False)
    understood: Understood = field(repr=False, compare=False)
    golds: Golds = field(repr=False, compare=False)

    @property
    def notes(self) -> Iterator[str]:
        """What a reader must know of the items, a sentence each."""
        if self.understood.bad_count:
            first = "; ".join(f"{row.where}: {row.what}" for row in self.understood.bad[:SHOWN])
            more = f"; and {self.understood.bad_count - SHOWN} more" if self.understood.bad_count > SHOWN else ""
            count = f"{self.understood.bad_count} of {self.understood.rows} rows"
            yield f"{count} left out (--bad-rows skip): {first}{more}"
        yield from self.understood.notes
        if self.ungrouped:
            yield f"{self.ungrouped} {TOO_FEW}"

    @property
    def origin(self) -> dict[str, Any]:
        """What was read, for the manifest."""
        skipped = [row.to_json() for row in self.understood.bad]
        named = {"source": self.source, "revision": self.rows.revision, "split": self.rows.split}
        return {**named, "skipped": skipped} if skipped else named

    def __iter__(self) -> Iterator[Item]:
        """The chosen items, one by one."""
        for number, key in enumerate(self.keys.values()):
            yield _grouped(self.items[number], key)

    def held_against(self, mode: Mode, classes: Classes | None, template: str) -> Dataset:
        """The same items with the gold labels that verdicts of a template are held against.

        Args:
            mode: The template's.
            classes: Those of its rule; None where its verdicts are none.
            template: Its name, for messages.

        Raises:
            DataError: A row's class is none of these, or its grade stands for none.
        """
        kind = KINDS[mode]
        if kind.ordered:
            return self
        if classes is not None:
            self.golds.check(classes, template)
            positive = self.benchmark.positive
            if positive is not None and classes.find(positive) is None:
                raise unknown_name(f"class of positive in {self.benchmark.name}", positive, classes.names)
        return replace(self, keys={item: kind.held_against(key, classes) for item, key in self.keys.items()})

    def only(self, wanted: Container[str], part: str, held_out: float) -> Dataset:
        """The items whose ids are `wanted`, as a part of these.

        Args:
            wanted: Their ids.
            part: What the part is called: `train` or `held-out`.
            held_out: The share of the items that is held out.
        """
        return self._part(wanted, replace(self.selection, part=part, held_out=held_out))

    def shard(self, shard: Shard) -> Dataset:
        """One part of the items, of a run that is made in parts: see `shard_of`.

        Raises:
            ConfigError: There are fewer items than parts.
        """
        wanted = shard_of(self.benchmark, self.keys.values(), self.selection.seed, shard)
        return self._part(wanted, replace(self.selection, shard=shard))

    def _part(self, wanted: Container[str], selection: Selection) -> Dataset:
        numbers = [number for number, item in enumerate(self.keys) if item in wanted]
        digest = hashlib.sha256()
        for number in numbers:
            digest.update(_digest(self.items[number]))
        return replace(
            self,
            keys={item: key for item, key in self.keys.items() if item in wanted},
            hash=digest.hexdigest(),
            selection=selection,
            items=self.items.only(numbers),
        )

    def in_drawn_order(self, wanted: Container[str]) -> Iterator[Item]:
        """The chosen items whose ids are `wanted`, in the order of `sampling_order`: any part of them is a sample."""
        numbers = {item: number for number, item in enumerate(self.keys)}
        order = array("q", [numbers[item] for item in self._order if item in wanted])
        del numbers
        for number in order:
            item = self.items[number]
            yield _grouped(item, self.keys[item.id])

    def as_given(self) -> dict[str, tuple[int, ...]]:
        """Of each chosen item, which of the answers in its row (0 the first) each of its completions is.

        Items are left out whose rows say which answer is chosen, and so name no first one.
        """
        if _are_items(self.rows):
            return {}
        bad = {row.where for row in self.understood.bad}
        rows = ((number, row) for number, row in enumerate(self.rows.every_row(), 1) if row.where not in bad)
        found = (self.benchmark.answer_order(row, number) for number, row in rows)
        return {each[0]: each[1] for each in found if each is not None and each[0] in self.keys}

    @cached_property
    def _order(self) -> list[str]:
        units = sampling_order(self.benchmark, list(self.keys.values()), self.selection.seed)
        return [item for ids in units for item in ids]


def sample_path(benchmark: str) -> Path:
    """The bundled sample of a benchmark."""
    return Path(__file__).parent / "sample" / f"{benchmark}.jsonl"


def load_dataset(benchmark: Benchmark, data: Data | None, selection: Selection | None = None) -> Dataset:
    """Reads and checks every row of a benchmark, and chooses the run's items.

    Args:
        benchmark: Whose rows they are.
        data: See `judgebench.sources.opening.source_of`; `sample` for the bundled rows; None for the benchmark's own.
        selection: Which items; all by default.

    Raises:
        ConfigError: A row is malformed, an id is duplicated, a subset is not there, or nothing is left.
    """
    selection = selection or Selection()
    own = is_declared(benchmark)
    if is_declared(benchmark):
        benchmark = benchmark.under(selection.rows)
    bundled = isinstance(data, str) and data == SAMPLE
    if bundled and not Path(SAMPLE).exists():
        sample = sample_path(benchmark.name)
        bundled = sample.exists() or not own
        data = str(sample) if bundled else None
    elif data is None or (isinstance(data, str) and not data):
        data = None if own else benchmark.hub_id
    if data is None and not own:
        raise ConfigError(f"benchmark '{benchmark.name}' has no data of its own: add --data FILE")
    rows = opened(benchmark, data, selection.rows)
    given = _are_items(rows)
    steps = counted(rows.every_row(), f"reading {rows.name}", unit="rows", total=rows.total)
    checked = CheckedRows(rows, selection.rows, steps)
    keys: dict[str, ItemKey] = {}
    digests = bytearray()  # of all items, one after another
    items = ItemStore()
    golds = Golds()
    for item in map(_item_of, checked) if given else benchmark.items(checked):
        row = checked.row
        if (
            row is not None
            and (problem := _problem(item, row, keys, checked, any_text=given or not benchmark.own_rows)) is not None
        ):
            checked.refuse(row, problem)
            continue
        texts = _measured(_texts(item))
        said = _said(item, texts).encode("utf-8", "surrogatepass")
        keys[item.id] = benchmark.key(item)
        if row is not None and len(item.completions) == 1 and not item.steps:
            golds.note(item, row)
        if row is not None:
            golds.note_people(item, row)
        if benchmark.own_rows and row is not None:
            checked.add(item, texts, benchmark.label_class(row, item))
        digests += hashlib.sha256(said).digest()
        items.add(item, len(said) + _OBJECTS_BYTES)
    checked.understood.items = len(keys)
    if not any(key.k == 1 for key in keys.values()):
        selection.rows.check_slots()
    checked.check()
    if benchmark.own_rows and not rows.part:
        golds.check_people()
    if (used := benchmark.columns_used(checked.columns)) is not None:
        checked.understood.used, checked.understood.unused = used
        checked.understood.form = getattr(benchmark, "form", None) or checked.understood.form
    if not rows.part:
        benchmark.check(keys.values())
    ungrouped = put_in_groups(benchmark, keys)
    sizes = Counter(key.group for key in keys.values() if key.group is not None)
    checked.understood.groups = sum(size > 1 for size in sizes.values())
    wanted = _wanted(list(keys.values()), selection.subsets)
    chosen = wanted if selection.limit is None else _limited(benchmark, wanted, selection.limit, selection.seed)
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
    items.keep(number for number, item in enumerate(keys) if item in mine)
    return Dataset(
        benchmark,
        rows,
        source,
        mine,
        digest.hexdigest(),
        total=len(keys),
        drawn_from=max(len(wanted), _drawn_from(rows.name) if given and selection.limit is not None else 0),
        ungrouped=ungrouped,
        selection=selection,
        items=items,
        understood=checked.understood,
        golds=golds,
    )


def opened(benchmark: Benchmark, data: Data | None, options: RowMap) -> Source:
    """The rows of a benchmark under the names that it knows; those of a `KnownSource` are so already.

    Raises:
        ConfigError: There is no such source, or a name in `options` means nothing.
    """
    if isinstance(data, KnownSource):
        return data
    name = benchmark.name
    if is_declared(benchmark):
        rows = benchmark.opened(data, options)
        if benchmark.spec.named:
            return rows if _are_items(rows) else KnownSource(rows, name)
        name, options = "custom", benchmark.row_map
    else:
        assert data is not None
        rows = source_of(data, hub_split=benchmark.hub_split, config_name=options.config_name)
    if options.group_column is not None and not benchmark.own_rows:
        raise ConfigError(f"--group-column is for rows of your own (custom), not for {benchmark.name}: leave it out")
    if benchmark.own_rows:
        check_roles(options.columns)
    if _are_items(rows):
        return _named(rows, options)
    known = KnownSource(_named(rows, options), name, options.labels)
    return _flat(known, rows, options) if name == "custom" or benchmark.own_rows else known


def _named(rows: Source, options: RowMap) -> Source:
    return MappedSource(rows, options.names, options.labels) if options.names or options.labels else rows


def _flat(known: KnownSource, rows: Source, options: RowMap) -> KnownSource:
    """The same rows with the fields of their objects as columns, where only these are of a form."""
    first = [row.data for row in islice(rows.placed_rows(), _FIRST) if row.problem is None]
    if not is_nested(first):
        return known
    with suppress(DataError):  # a column that is named may be a field
        form = known.form
        own = any(name in _JUDGED for row in first for name in row)
        if (form is None and own) or (form is not None and form.label is not None):
            return known
    flat = KnownSource(_named(NestedSource(rows), options), known.benchmark, options.labels)
    with suppress(DataError):
        form, fields = known.form, flat.form
        if fields is None or (form is not None and fields.label is None):
            return known
    return flat


def _problem(item: Item, row: Row, keys: Container[str], checked: CheckedRows, *, any_text: bool) -> str | None:
    """Why an item cannot be taken; None where it can."""
    if item.id in keys:
        return f"duplicate id '{item.id}'; every item needs a unique id"
    if any_text or not has_empty_answer(item):
        return None
    checked.understood.empty += 1
    if checked.keeps_empty:
        return None
    columns = " and ".join(f"'{column}'" for column in empty_columns(row))
    return f"the answer in {columns or 'the row'} is empty; --empty-answers keep takes it as an answer"


def _are_items(rows: Source) -> bool:
    """Whether a file holds items as a run's folder keeps them, with their labels and groups read already."""
    if not rows.name.endswith(_ITEM_FILES):
        return False
    first = next(rows.every_row(), None)
    return first is not None and {*first.data} - SOME_FIELDS == ITEM_FIELDS


def _drawn_from(file: str) -> int:
    """How many items the author of a bundle drew those of a file from; 0 where the file is of no bundle."""
    path = Path(file).expanduser()
    try:
        said = json.loads(path.with_name(BUNDLE).read_text(encoding="utf-8"))["drawn_from"][path.name]
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    return said if isinstance(said, int) else 0


def _item_of(row: Row) -> Item:
    try:
        return item_from_json(row.data)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{row.where}: not a valid item ({error!r}); copy the file again") from None


def put_in_groups(benchmark: Benchmark, keys: dict[str, ItemKey]) -> int:
    """Puts the items in the groups that only all of them tell; how many are then in none although they share one."""
    told = benchmark.groups(keys.values())
    sizes = Counter(keys[item].group for item, group in told.items() if group is None)
    for item, group in told.items():
        if keys[item].group != group:
            keys[item] = replace(keys[item], group=group)
    return sum(size for size in sizes.values() if size > 1)


def _grouped(item: Item, key: ItemKey) -> Item:
    return item if item.group == key.group else replace(item, group=key.group)


def _said(item: Item, texts: str) -> str:
    """All that an item holds, its texts as `_measured` has them."""
    others = (item.reference, item.rubric, item.label, item.human_score, item.criteria)
    some = [_ENCODE(each) for each in (item.annotations, item.slots, item.attributes) if each]  # others' hashes stay
    some += [_ENCODE(item_to_json(item)["checklist"])] if item.checklist else []
    head = _measured((item.id, item.subset, str(item.num_correct)))
    head += _NONE if others == _NO_OTHERS else _measured([str(each) for each in others])
    return head + texts + _measured((*item.steps, _ENCODE(item.metadata), *some))


_NO_OTHERS = (None,) * 5
_NONE = "4:None" * 5


def _digest(item: Item) -> bytes:
    """What an item adds to the hash of the items."""
    return hashlib.sha256(_said(item, _measured(_texts(item))).encode("utf-8", "surrogatepass")).digest()


def _texts(item: Item) -> list[str]:
    """The turns of an item, and before each series of them how many there are."""
    texts: list[str] = []
    for turns in (item.conversation, *[completion.turns for completion in item.completions]):
        texts.append(str(len(turns)))
        for turn in turns:
            texts += (turn.role, turn.text)
    return texts


def _measured(texts: Sequence[str]) -> str:
    """The texts in one, each with its length before it."""
    return "".join([f"{len(text)}:{text}" for text in texts])


def _wanted(keys: Sequence[ItemKey], subsets: Sequence[str]) -> Sequence[ItemKey]:
    there = dict.fromkeys(key.subset for key in keys)
    for subset in subsets:
        if subset not in there:
            raise unknown_name("subset", subset, there)
    return [key for key in keys if not subsets or key.subset in subsets]


def _limited(benchmark: Benchmark, wanted: Sequence[ItemKey], limit: int, seed: int) -> Sequence[ItemKey]:
    taken = take(sampling_order(benchmark, wanted, seed), limit)
    return [key for key in wanted if key.id in taken]
