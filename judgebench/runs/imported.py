"""Verdicts that were made elsewhere, read from a file of any form and joined to the items that they are about."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from judgebench._util.steps import counted
from judgebench.benchmarks.custom import SUBSET
from judgebench.benchmarks.dataset import Selection
from judgebench.benchmarks.store import ItemStore
from judgebench.errors import ConfigError, DataError, unknown_name
from judgebench.items import (
    LABELS,
    TIE,
    Failure,
    Item,
    Reading,
    Soft,
    StepIndex,
    Verdict,
    item_to_json,
)
from judgebench.metrics.summary import Usage
from judgebench.runs.judgements import Judgement, ReplyUsage, encode, fields_of
from judgebench.runs.verdictcells import RATING, VerdictCells
from judgebench.runs.verdictclasses import classes_of
from judgebench.runs.verdictforms import BARE, form_of, read_steps, verdict_column
from judgebench.runs.verdictitems import item_of, soft_of
from judgebench.runs.verdictjoin import ItemJoin, NumberedRows
from judgebench.runs.verdictwords import UnknownWordError, Word, is_none, rating_of, text_of
from judgebench.sources.form import option
from judgebench.verdicts import Reply, read

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import IO, Self

    from judgebench.benchmarks.base import Benchmark
    from judgebench.benchmarks.dataset import Dataset
    from judgebench.items import Classes, ItemKey, Mode
    from judgebench.runs.verdictcells import Judged, VerdictForm
    from judgebench.sources.source import Row, Source
    from judgebench.templates import Template

SHOWN = 20
"""So many bad rows are named."""

_NO_USAGE = ReplyUsage(0, 0, 0, 0)
_MANY_WORDS = 1000


@dataclass(frozen=True)
class ImportOptions:
    """How a file of verdicts becomes runs.

    Attributes:
        judge: Whose verdicts they are, where the file does not say.
        template: Whose rule reads the replies; None: the file has the verdicts.
        words: What words in the file's columns of verdicts and labels mean.
        subsets: Only rows of these subsets; empty for all.
    """

    judge: str | None = None
    template: Template | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    subsets: tuple[str, ...] = ()


@dataclass
class ImportedPart:
    """The judgements of one judge.

    Attributes:
        spool: Their lines, in a file without a name.
        readings: By the item's id.
        ordered: Whether it is known in which order answers were shown.
        soft: Whether any has probabilities.
        modes: What they are, and how many.
        ratings: The lowest and the highest; none where there are no ratings.
        usage: What they took.
    """

    spool: IO[bytes]
    readings: dict[str, list[Reading]] = field(default_factory=dict)
    ordered: bool = True
    soft: bool = False
    modes: Counter[Mode] = field(default_factory=Counter)
    ratings: tuple[float, ...] = ()
    usage: Usage = field(default_factory=lambda: Usage(cost_usd=None, spent_usd=0.0))


class Importer:
    """Reads a file of verdicts.

    Args:
        source: Its rows.
        benchmark: Whose items they are about.
        dataset: The items; None where they are made of the file's rows.
        options: See there.
    """

    def __init__(self, source: Source, benchmark: Benchmark, dataset: Dataset | None, options: ImportOptions) -> None:
        self.source, self.benchmark, self._dataset, self._options = source, benchmark, dataset, options
        self.keys: dict[str, ItemKey] = {} if dataset is None else dataset.keys
        self.parts: dict[str | None, ImportedPart] = {}
        self.notes: list[str] = []
        self.form: VerdictForm = BARE
        self.classes: Classes | None = None
        self._own: dict[str, tuple[int, ...]] = {} if dataset is None else dataset.as_given()
        self._join = None if dataset is None else ItemJoin(dataset, source.name)
        self._numbers = NumberedRows()
        self._subsets: dict[str, None] = {}
        self._prints: dict[str, bytes] = {}
        self._places: dict[str, str] = {}
        self._store = ItemStore()
        self._bad: list[str] = []
        self._bad_count = 0
        self._known: dict[Reading, Reading] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Itself; the files that it makes are gone at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def items(self) -> Iterator[Item]:
        """The items with their texts."""
        if self._dataset is not None:
            yield from self._dataset
        else:
            for number in range(len(self.keys)):
                yield self._store[number]

    @property
    def has_texts(self) -> bool:
        """Whether anything of the items but their ids is known."""
        return self._dataset is not None or any(any(key.lengths) for key in self.keys.values())

    def models(self, items: Collection[str]) -> dict[str, tuple[str | None, ...]]:
        """Of some of the items whose each completion is, where that is known of any."""
        found = ((item.id, self.benchmark.models(item)) for item in self.items if item.id in items)
        return {identifier: models for identifier, models in found if models is not None}

    @property
    def data(self) -> Mapping[str, object]:
        """Where the items are from, for the manifest."""
        return {"source": self.source.name} if self._dataset is None else self._dataset.origin

    @property
    def selection(self) -> Mapping[str, object]:
        """Which of them there are, for the manifest."""
        return (Selection() if self._dataset is None else self._dataset.selection).to_json()

    def hash_of(self, items: Sequence[str]) -> str:
        """A hash over the items with these ids."""
        if self._dataset is not None and len(items) == len(self.keys):
            return self._dataset.hash
        digest = hashlib.sha256(b"" if self._dataset is None else self._dataset.hash.encode())
        for identifier in items:
            digest.update(self._prints.get(identifier) or encode(identifier).encode())
        return digest.hexdigest()

    def read(self) -> None:
        """Reads all rows.

        Raises:
            DataError: The form is not known, or rows say no verdict; the first of them are named.
        """
        first = next(iter(self.source))
        form = form_of([*first.beside, *first.data])
        if form is None:
            raise DataError(
                f"{self.source.name}: no column of verdicts, ratings or replies; found "
                f"{', '.join(first.data)}: name it with --columns verdict=COLUMN"
            )
        self.form = form
        in_steps = self._options.template is None and any(key.steps for key in self.keys.values())
        words = {text_of(word): meaning for word, meaning in self._options.words.items()}
        bare = form is BARE and not in_steps and self._options.template is None
        column = verdict_column([*first.data])
        if bare and column is None:
            mend = "name the template that the judge was asked with, as in --template pairwise, and its rule reads them"
            raise DataError(f"{self.source.name}: has replies and no verdicts: {mend}")
        if bare and column not in {None, *RATING}:
            self.classes = classes_of(self.source, self.benchmark, self._dataset, words)
        k, rated = (1, False) if in_steps or self.classes is not None else self._survey(form, first)
        rows = counted(self.source, f"reading {self.source.name}", unit="rows", total=self.source.total)
        for number, row in enumerate(rows, 1):
            cells = VerdictCells.of(row, number, words, k)
            cells.rated, cells.classes = rated, self.classes
            try:
                for judged in read_steps(cells) if in_steps else form.read(cells):
                    self._take(judged, row, number)
            except (UnknownWordError, ConfigError) as error:
                self._refuse(row, str(error))
        if self._bad_count:
            raise self._error(number)
        for subset in self._options.subsets if self._join is None else ():
            if subset not in self._subsets:
                raise unknown_name("subset", subset, self._subsets)
        if self._join is not None:
            self._join.check()
            self.notes += self._join.notes
        self.notes += self._unlabelled_classes()
        among = Counter(item for part in self.parts.values() for item in part.readings)
        if form.pooled and len(self.parts) > 1 and max(among.values()) == 1:
            self._pool()

    def _pool(self) -> None:
        """Makes one part of those of annotators who have no item in common."""
        names = {str(name or self.source.name): len(part.readings) for name, part in self.parts.items()}
        shown = ", ".join(f"{name} {count}" for name, count in names.items())
        self.notes.append(f"verdicts of several annotators, who judged no item in common: {shown}")
        whole, *others = self.parts.values()
        for part in others:
            part.spool.seek(0)
            shutil.copyfileobj(part.spool, whole.spool)
            whole.readings |= part.readings
            whole.ordered, whole.soft = whole.ordered and part.ordered, whole.soft or part.soft
            whole.modes += part.modes
            if part.usage.cost_usd is not None:
                whole.usage.cost_usd = (whole.usage.cost_usd or 0.0) + part.usage.cost_usd
        self.parts = {" + ".join(names): whole}

    def _unlabelled_classes(self) -> Iterator[str]:
        """Which classes are said and are no item's label, in a file that says itself which classes there are."""
        if self.classes is None:
            return
        readings = chain.from_iterable(among for part in self.parts.values() for among in part.readings.values())
        golds = {self.classes.gold(key) for key in self.keys.values()}
        said = {reading.label for reading in readings if reading.label is not None}
        if any(golds) and (others := sorted(said - golds)):
            word = option(others[0])
            yield f"no item's label is {', '.join(others)}: where another class is meant, --labels {word}=CLASS"

    def _survey(self, form: VerdictForm, first: Row) -> tuple[int, bool]:
        """How many answers the verdicts of a bare file tell apart, and whether they are ratings."""
        column = verdict_column([*first.data])
        if form.numbers or column is None:
            return 2, False
        found: set[str] = set()
        for row in self.source.placed_rows():
            value = VerdictCells.of(row, 0).data.get(column)
            if not is_none(value) and isinstance(value, str | int | float):
                found.add(text_of(value))
            if len(found) > _MANY_WORDS:
                break
        known = {text_of(word) for word in self._options.words}
        numbers = {rating_of(each) for each in found - known}
        if None not in numbers and numbers and not numbers <= {0.0, 1.0, 2.0}:
            return 2, True
        if numbers and numbers <= {0.0, 1.0}:
            if numbers == {1.0} and column not in {"rating", "score"}:
                return 2, False
            if column in {"rating", "score", "judge_score", "judge_rating", "grade"}:
                return 2, True
            raise DataError(
                f"{self.source.name}: {column} holds 0 and 1, which may mean either answer: say which with "
                "--labels 0=A,1=B; of one answer's class, --labels 0=fail,1=pass"
            )
        if numbers and None not in numbers:
            tie = ", 0 a tie" if 0.0 in numbers else ""
            self.notes.append(f"{column}: 1 is taken for the first answer, 2 for the second{tie}")
        letters = {each for each in found if len(each) == 1 and each.isalpha()}
        k = next(at for at in range(len(letters) + 1) if chr(ord("a") + at) not in letters)
        if k > 2:
            self.notes.append(f"{column} names {k} answers, A to {LABELS[k - 1]}")
        return max(2, k), False

    def _refuse(self, row: Row, what: str) -> None:
        self._bad_count += 1
        if len(self._bad) < SHOWN:
            self._bad.append(f"{row.where}: {what}")

    def _error(self, rows: int) -> DataError:
        """All bad rows in one error: the first in its line, each of them in a line of its notes."""
        if self._bad_count == 1:
            return DataError(self._bad[0])
        error = DataError(f"{self._bad[0]} ({self._bad_count} of {rows} rows cannot be used)")
        for line in self._bad:
            error.add_note(line)
        if self._bad_count > SHOWN:
            error.add_note(f"and {self._bad_count - SHOWN} more")
        return error

    def _take(self, judged: Judged, row: Row, number: int) -> None:
        key = self._item(judged, row, number)
        if key is None:
            return
        own = self._own.get(key.id)
        place = None if self._join is None else self._join.places(key.id, judged)
        named = place is not None or own is not None or self._dataset is None
        place = place or {answer: index for index, answer in enumerate(own or range(key.k))}
        order = self._order(judged, key, place, named=named)
        result = self._result(judged, key, order, place)
        if judged.reply is None and self._options.template is not None:
            raise UnknownWordError("has no reply that the template's rule could read")
        part = self._part(judged.annotator)
        reading = Reading(order, judged.sample or 0, result)
        among = part.readings.setdefault(key.id, [])
        if any((each.order, each.sample) == (reading.order, reading.sample) for each in among):
            raise UnknownWordError(
                f"duplicate id '{key.id}': several verdicts of an item have a column 'order', 'sample' or "
                "'annotator' that tells them apart"
            )
        among.append(self._known.setdefault(reading, reading))
        self._note(part, judged, reading, key.id)
        part.spool.write(self._line(judged, key, reading))

    def _note(self, part: ImportedPart, judged: Judged, reading: Reading, item: str) -> None:
        rated = len(reading.order) == 1
        mode: Mode = "rating" if rated else "pairwise" if len(reading.order) == 2 else "best_of_k"
        template = self._options.template
        if self.classes is not None:
            mode = "label"
        elif rated and template is not None:
            mode = template.mode
        elif rated and self.keys[item].steps:
            mode = "steps"
        part.modes[mode] += 1
        part.ordered = part.ordered and (judged.order is not None or rated)
        if isinstance(reading.result, Verdict):
            part.soft = part.soft or reading.result.soft is not None
            if isinstance(reading.result.value, float):
                both = (*part.ratings, reading.result.value)
                part.ratings = min(both), max(both)
        if judged.cost_usd is not None:
            part.usage.cost_usd = (part.usage.cost_usd or 0.0) + judged.cost_usd

    def _part(self, annotator: str | None) -> ImportedPart:
        if annotator not in self.parts:
            self.parts[annotator] = ImportedPart(self._open.enter_context(tempfile.TemporaryFile()))  # noqa: SIM115 - it is one
        return self.parts[annotator]

    def _order(self, judged: Judged, key: ItemKey, place: Mapping[int, int], *, named: bool) -> tuple[int, ...]:
        """The completion in each slot."""
        if isinstance(judged.said, float | StepIndex | str) or (self._rates(judged) and judged.said is None):
            if judged.rated not in place:
                raise UnknownWordError(f"completion is {judged.rated}, and the item has {key.k}")
            return (place[judged.rated],)
        if judged.order is None:
            slots = isinstance(judged.said, Word) and judged.said.slot and judged.said.index is not None
            if slots and not named:
                raise UnknownWordError(
                    "says a slot, and the data says which answer is chosen: add a column 'order', or say chosen or "
                    "rejected"
                )
            return tuple(place[at] for at in range(key.k))
        if len(judged.order) != key.k:
            raise UnknownWordError(f"order shows {len(judged.order)} answers, and the item has {key.k}")
        return tuple(place[at] for at in judged.order)

    def _rates(self, judged: Judged) -> bool:
        template = self._options.template
        return not template.kind.ordered if template is not None else judged.k == 1

    def _result(
        self, judged: Judged, key: ItemKey, order: tuple[int, ...], place: Mapping[int, int]
    ) -> Verdict | Failure:
        if self._options.template is not None:
            rule = self._options.template.rule_for(key, order)
            return read(Reply(text=judged.reply, finish_reason="stop"), rule, len(order))
        if judged.said is None:
            return Failure("unreadable", f"no verdict in {self.source.name}")
        if isinstance(judged.said, float | StepIndex):
            return Verdict(judged.said)
        if isinstance(judged.said, str):
            return Verdict(judged.said, soft=Soft(judged.by_class, 1.0) if judged.by_class else None)
        if judged.said.index is None:
            value = TIE
        elif judged.said.slot:
            value = LABELS[judged.said.index]
        else:
            value = LABELS[order.index(place[judged.said.index])]
        if value != TIE and LABELS.index(value) >= key.k:
            raise UnknownWordError(f"verdict is {value}, and the item has {key.k} answers")
        return Verdict(value, soft=soft_of(judged, order, place))

    def _item(self, judged: Judged, row: Row, number: int) -> ItemKey | None:
        """The item of a judgement, made of it where there is no data; None where its subset was not asked for."""
        if self._join is not None:
            found = self._join.find(judged)
            return None if found is None else self.keys[found]
        self._subsets[judged.subset or SUBSET] = None
        if self._options.subsets and (judged.subset or SUBSET) not in self._options.subsets:
            return None
        if judged.id is None:
            judged.id = self._numbers.id_of(judged, number)
        item, own = item_of(judged)
        key = self.keys.get(item.id) or self.keys.get(item.id.removesuffix(".0"))
        mark = hashlib.sha256(json.dumps(item_to_json(item), sort_keys=True).encode()).digest()
        if key is not None:
            if self._prints[key.id] != mark:
                raise UnknownWordError(f"id '{judged.id}' has another label, text or model in {self._places[key.id]}")
            return key
        self.keys[item.id] = made = self.benchmark.key(item)
        self._own[item.id], self._prints[item.id], self._places[item.id] = own, mark, row.where
        self._store.add(item, 2000 + sum(made.lengths))
        return made

    def _line(self, judged: Judged, key: ItemKey, reading: Reading) -> bytes:
        made = Judgement(
            item=key.id,
            subset=key.subset,
            order=reading.order,
            sample=reading.sample,
            **fields_of(reading.result),
            reply=judged.reply,
            finish_reason=None if judged.reply is None else "stop",
            served_model=None,
            usage=_NO_USAGE,
            cost_usd=judged.cost_usd,
            latency_s=judged.latency_s,
            cached=True,
            key="",
        )
        return made.to_line()
