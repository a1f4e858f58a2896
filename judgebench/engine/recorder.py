"""What a run has gathered from its folder and from new replies, and what is made of it at the end."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from judgebench.client import other_rows_note
from judgebench.engine.spec import run_folder
from judgebench.errors import ConfigError
from judgebench.items import Failure, Reading, Verdict, item_print
from judgebench.judges import is_direct
from judgebench.metrics.summary import Usage
from judgebench.protocols import Call, in_order, pairs as pairings, with_unasked
from judgebench.runs import (
    MANIFEST,
    SHARD,
    Beside,
    Judgement,
    Name,
    RunWriter,
    add_usage,
    flips_between,
    is_torn,
    latest,
    make_manifest,
    now,
    read_judgements,
    read_manifest,
    read_results,
    score,
    shard_text,
    template_texts,
)
from judgebench.templates import can_be_mended

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.engine.base import Work
    from judgebench.engine.questions import Questions
    from judgebench.engine.spec import RunSpec
    from judgebench.errors import JudgebenchError
    from judgebench.items import ItemKey, Outcome
    from judgebench.metrics.controls import Flips
    from judgebench.metrics.sequential import Sequential
    from judgebench.metrics.summary import Metrics
    from judgebench.runs import Manifest, PartEntry
    from judgebench.verdicts import Reply


@dataclass
class RunResult:
    """What became of one cell.

    Attributes:
        state: `done`, `incomplete` (something has no verdict), `interrupted` or `stopped` (the provider refuses, or
            the budget is reached).
        error: Why it stopped.
        made: Calls made now.
        unjudged: Item and failure of each judgement without a verdict.
        asked_again: Tries beyond the first of each call made now, counted under what they were for.
        stored: What the replies took that the folder had already.
    """

    cell: RunSpec
    folder: Path
    state: str
    metrics: Metrics
    made: int
    error: JudgebenchError | None = None
    unjudged: list[tuple[str, Failure]] = field(default_factory=list)
    asked_again: Counter[str] = field(default_factory=Counter)
    stored: Usage = field(default_factory=Usage)


@dataclass(slots=True)
class Lengths:
    """How many tokens answers have, and how long they take, of those of which that is known."""

    count: int = 0
    tokens: int = 0
    timed: int = 0
    seconds: float = 0.0

    def add(self, tokens: int, seconds: float | None = None) -> None:
        """Takes in one more answer."""
        if tokens:
            self.count += 1
            self.tokens += tokens
        if seconds:
            self.timed += 1
            self.seconds += seconds


class Recorder:
    """What a run has gathered, in its folder and in memory.

    Attributes:
        folder: The run's folder.
        texts: The templates by their paths in it.
        usage: What all replies took that count, those of earlier times included.
        answers: How many tokens answers have, those of earlier times and replaced ones included, follow-up turns aside.
        readings: What the calls say, each by its last turn.
        left_out: Parameters that the model does not take.
        sent_as: The model as it was sent, where that is not as the judge names it.
        transport: `direct` where calls were made by plain HTTP.
        notes: What is said beside the score.
        sequential: What came of the comparison that the run is one side of, as far as it went.
        refresh: Which refresh it is a part of, or was at last.
        asked: Ids of the items that were to be judged, where a comparison was settled before all were; else None.
        costs: What the replies about each item took in USD, by its id, where that is wanted; else None.
        lacks_items: Whether some of the plan's items are not here, since parts of the run are missing.
    """

    def __init__(self, cell: RunSpec, out: Path, *, dry: bool = False) -> None:
        self.cell = cell
        self._dry = dry
        self.texts = template_texts(cell.template, cell.companion)
        if cell.whole is not None:
            self.texts[SHARD] = shard_text(cell.shard_file())
        path, moved = run_folder(out, cell)
        self.folder = RunWriter(path)
        self.notes: list[str] = [] if cell.alteration is None else [cell.alteration.note]
        if moved:
            self.notes.append(moved)
        self.usage = Usage()
        self._stored = Usage()  # what of it was for replies that the folder had
        self.answers = Lengths()
        self.readings = KeptReadings(cell.dataset.keys)
        self.left_out: set[str] = set()
        self._imported: Counter[str] = Counter()
        self.sent_as: str | None = None
        self.transport: str | None = None
        self.sequential: Sequential | None = None
        self.asked: frozenset[str] | None = None
        self.costs: dict[str, float] | None = None
        self.lacks_items = False
        self._parts: Sequence[PartEntry] = ()  # the parts that it was merged from
        self.bundles: Path | None = None  # the cache whose imported bundles tell of which rows they are
        self._out = out
        self._repaired = [0, 0]  # calls that got follow-up turns: without a verdict after them, and with one
        self._served: set[str] = set()
        self._started = now()
        self._waiting: dict[str, Reply] = {}  # replies by their keys that are here, and whose follow-up turn is not
        self.refresh: str | None = None
        # The first time that the folder's run was made with this text, and the file's name then.
        self._edited, self._file = cell.template.edited, cell.template.file
        self._refreshed_from: int | None = None  # how many lines of judgements are older than this refresh

    def resume(self, questions: Questions, *, refresh: bool, ended: bool = False) -> None:
        """Takes over what the folder has already; with `refresh`, what of it has been refreshed.

        Args:
            questions: What is asked.
            refresh: Whether all is asked again.
            ended: Whether failures that a run asks again count as they are, since nothing is asked.

        Raises:
            ConfigError: The folder's last refresh has not ended, and this is none; or its judgements answer other
                questions.
        """
        torn = is_torn(self.folder.path)
        if torn:
            self._check_whose(questions)
        manifest = None if torn else read_manifest(self.folder.path)
        refreshed_from = None if manifest is None else manifest.refreshed_from
        if refreshed_from is not None and not refresh:
            raise ConfigError(
                f"{self.folder.path}: its last --refresh is incomplete, so it mixes old and new replies; rerun the "
                "command with --refresh to resume"
            )
        if manifest is not None and not refresh:
            self.refresh = manifest.refresh
            self._started = manifest.started or self._started
            self._edited, self._file = manifest.template.edited, manifest.template.file
            self.left_out.update(manifest.left_out)
            self._imported.update(manifest.imported)
            self.sent_as = manifest.sent_as
            self.transport = manifest.transport
            self._parts = manifest.parts
        lines = 0
        waiting: dict[tuple[str, Call], dict[str, Reply]] = {}
        for number, judgement in enumerate(read_judgements(self.folder.path)):
            lines = number + 1
            if judgement.item not in self.readings:
                continue
            if refresh and (refreshed_from is None or number < refreshed_from):
                self._count_answer(judgement)
                continue
            self.count(judgement)
            call = Call(judgement.order, judgement.sample)
            if judgement.is_asked_again and not ended:
                self.readings.drop(judgement.item, call)
            elif judgement.turn < self.cell.orders.repair and can_be_mended(judgement.reading.result):
                waiting.setdefault((judgement.item, call), {})[judgement.key] = judgement.answer
            else:
                waiting.pop((judgement.item, call), None)
                self.readings.put(judgement.item, judgement.reading)
                self._repaired[judgement.failure is None] += judgement.turn > 0
        for replies in waiting.values():
            self._waiting |= replies
        self._stored = replace(self.usage)
        if refresh:
            self._refreshed_from = lines if refreshed_from is None else refreshed_from

    def _check_whose(self, questions: Questions) -> None:
        """Finds out by their keys whether the judgements of a folder without a manifest answer this run's questions.

        Raises:
            ConfigError: They do not.
        """
        keys = {judgement.key for judgement in read_judgements(self.folder.path) if not judgement.turn}
        if questions.of_others(keys):
            raise ConfigError(
                f"{self.folder.path / MANIFEST}: cannot be read, and its judgements belong to another run; "
                "move the folder away to start over"
            )

    def waiting(self, key: str) -> Reply | None:
        """The reply that the folder has under this key, where its follow-up turn is still to be asked."""
        return self._waiting.get(key)

    def count(self, judgement: Judgement) -> None:
        """Counts what a reply took."""
        add_usage(self.usage, judgement)
        self._count_answer(judgement)
        if self.costs is not None:
            self.costs[judgement.item] = self.costs.get(judgement.item, 0.0) + (judgement.cost_usd or 0.0)
        if judgement.served_model is not None:
            self._served.add(judgement.served_model)

    def _count_answer(self, judgement: Judgement) -> None:
        if not judgement.turn:
            self.answers.add(judgement.usage.completion_tokens, judgement.latency_s)

    def record(
        self, work: Work, reply: Reply, result: Verdict | Failure, *, cached: bool, last: bool = True
    ) -> Judgement:
        """Keeps a reply; the `last` one of its call is what the call says."""
        judgement = Judgement.of(work.item, work.call, work.request.key, reply, result, cached=cached, turn=work.turn)
        self.left_out.update(reply.left_out)
        asked = not cached and not (isinstance(result, Failure) and result.kind == "not_cached")
        if asked and is_direct(self.cell.judge):
            self.transport = "direct"
        self.begin()
        if not (cached and judgement.key in self._waiting):
            if reply.imported is not None:
                self._imported[reply.imported] += 1
            if not self._dry:
                self.folder.append(judgement)
            self.count(judgement)
        if last:
            self._repaired[isinstance(result, Verdict)] += work.turn > 0
            self.readings.put(work.item.id, Reading(work.call.order, work.call.sample, result))
        return judgement

    def begin(self) -> None:
        """Makes the folder, where it is not there yet, with all that says what is asked."""
        if self.folder.begun or self._dry:
            return
        self.folder.begin(self._manifest("running"), self.texts, self.cell.dataset)

    @property
    def keys(self) -> dict[str, ItemKey]:
        """The items that were to be judged."""
        every = self.cell.dataset.keys
        return every if self.asked is None else {item: key for item, key in every.items() if item in self.asked}

    @property
    def total(self) -> int:
        """How many calls the protocol asks for about these items, at most."""
        return sum(self.cell.count(key) for key in self.keys.values())

    def lacking(self) -> set[str]:
        """The items of which not everything is asked that is to be asked."""
        return {item for item, key in self.keys.items() if self.readings.count(item) < len(self._whole(key))}

    def outcome(self, item: str) -> Outcome:
        """What the readings that are there make of an item."""
        key = self.cell.dataset.keys[item]
        return pairings.outcome(self.cell.benchmark, self.cell.orders, key, self._whole(key))

    def finish(self, total: int, error: JudgebenchError | None, made: int, asked_again: Counter[str]) -> RunResult:
        """Makes the outcomes and figures and writes them into the folder.

        Args:
            total: How many calls the protocol asks for.
            error: What stopped the run, if anything.
            made: Calls made now.
            asked_again: Tries beyond the first of each, counted under what they were for.
        """
        cell, keys = self.cell, self.keys
        asked = sum(map(self.readings.count, keys))
        if asked == total:
            readings = {item: in_order(self.readings.of(item)) for item in keys}
        else:
            readings = {item: self._whole(key) for item, key in keys.items()}
        outcomes = [pairings.outcome(cell.benchmark, cell.orders, key, readings[item]) for item, key in keys.items()]
        failed = [(i, r.result) for i, among in readings.items() for r in among if isinstance(r.result, Failure)]
        state = "done" if not failed else "incomplete"
        if self.lacks_items or asked < sum(map(len, readings.values())):
            state = "stopped" if error else "interrupted"
        beside = Beside(
            notes=[*self._other_rows(failed), *self._notes(), *cell.notes(readings, total)],
            altered=cell.alteration,
            attack=self._flips(readings),
            sequential=self.sequential,
            drawn_from=cell.dataset.drawn_from if self.asked is None else len(keys),
            classes=cell.template.rule.classes,
        )
        name = Name(cell.judge.name, cell.template.name, cell.protocol)
        metrics = score(cell.benchmark, name, cell.orders, outcomes, readings, self.usage, beside)
        self.begin()
        replaced = 0 if self._refreshing(state) else self._refreshed_from or 0
        self.folder.finish(self._manifest(state), outcomes, metrics, replaced=replaced)
        return RunResult(cell, self.folder.path, state, metrics, made, error, failed, asked_again, self._stored)

    def _other_rows(self, failed: Sequence[tuple[str, Failure]]) -> Iterator[str]:
        """That replies are missing since the rows are not those of an imported bundle."""
        if self.bundles is not None and any(failure.kind == "not_cached" for _, failure in failed):
            prints = {item.id: item_print(item) for item in self.cell.dataset}
            note = other_rows_note(self.bundles, self.cell.benchmark.name, prints)
            yield from () if note is None else (note,)

    def _notes(self) -> list[str]:
        """What is said of the run's replies."""
        notes = [*self.notes, *self.cell.dataset.notes]
        if self.cell.selection.shard is not None:
            notes.append(f"part {self.cell.selection.shard} of the run (--shard): judgebench merge joins the parts")
        if self.asked is not None:
            stopped = "the race of tune" if self.cell.until_shown is None else "--sequential"
            notes.append(
                f"{len(self.asked)} of {len(self.cell.dataset.keys)} items were judged ({stopped} stopped): "
                "fixed-sample intervals and p-values are too optimistic"
            )
        if len(self._served) > 1:
            notes.append(f"replies came from more than one model: {', '.join(sorted(self._served))}")
        if asked_again := sum(self._repaired):
            replies = "1 reply" if asked_again == 1 else f"{asked_again} replies"
            notes.append(
                f"{replies} could not be parsed and had follow-up turns (--repair {self.cell.orders.repair}): "
                f"{self._repaired[1]} then had a verdict"
            )
        for origin, count in self._imported.items():
            digest, _, day = origin.partition(" ")
            replies = "1 reply" if count == 1 else f"{count:,} replies"
            notes.append(f"{replies} from a bundle that was imported on {day} (SHA-256 {digest[:12]})")
        if self.left_out:
            notes.append(f"{self.cell.judge.model} does not support {', '.join(sorted(self.left_out))}: left out")
        return notes

    def _flips(self, readings: Mapping[str, Sequence[Reading]]) -> Flips | None:
        """How often an attack changed verdicts against the run over the items as they are, where that is there."""
        cell = self.cell
        if cell.alteration is None or cell.alteration.kind != "attack":
            return None
        before = latest(read_judgements(run_folder(self._out, cell.unaltered)[0])).values()
        keys, classes = cell.dataset.keys, cell.template.rule.classes
        return flips_between(before, readings, cell.alteration.name, keys, cell.orders.seed, classes)

    def _whole(self, key: ItemKey) -> Sequence[Reading]:
        """The item's readings, with a failure for each call that was not made."""
        if self.readings.count(key.id) < self.cell.count(key):
            there = self.readings[key.id]
            return with_unasked(self.cell.orders, key.id, self.cell.questions(key, there), there)
        return in_order(self.readings.of(key.id))

    def _refreshing(self, state: str) -> bool:
        """Whether a refresh has begun and, in this state, has not ended."""
        return self._refreshed_from is not None and state not in {"done", "incomplete"}

    def _manifest(self, state: str) -> Manifest:
        once = {
            "refreshed_from": self._refreshed_from if self._refreshing(state) else None,
            "refresh": self.refresh,
            "asked": None if self.asked is None else len(self.asked),
            "sent_as": self.sent_as,
            "transport": self.transport,
            "imported": dict(self._imported) or None,
            "parts": self._parts or None,
        }
        described = self.cell.described()
        if self._edited is not None:
            described["template"]["edited"] = self._edited
        described["template"].pop("file", None)
        if self._file is not None:
            described["template"]["file"] = self._file
        parts = {
            **described,
            **{name: value for name, value in once.items() if value is not None},
            "served_models": sorted(self._served),
            "left_out": sorted(self.left_out),
        }
        return make_manifest(state, self._started, parts)

    def as_before(self, total: int) -> RunResult | None:
        """The result of a run whose folder has all of it already; None where anything is to be done or written."""
        keys = self.keys
        if sum(map(self.readings.count, keys)) < total:
            return None
        folder = self.folder.path
        then = read_manifest(folder)
        if then is None or _timeless(then) != _timeless(self._manifest("done")):
            return None
        metrics = read_results(folder, len(keys))
        readings = {key: self.readings.of(key) for key in keys}
        if metrics is None or metrics.attack != self._flips(readings) or metrics.sequential != self.sequential:
            return None
        return RunResult(self.cell, folder, "done", metrics, made=0, stored=metrics.usage)


def _timeless(manifest: Manifest) -> Any:
    """The manifest as JSON has it, without the run's times."""
    said = json.loads(json.dumps(manifest.model_copy(update={"started": None, "ended": None}).to_json()))
    said["template"].pop("edited", None)
    return said


class KeptReadings:
    """The readings of each item of a run.

    Of 100,000 pairs in one order there are a handful of different readings, so equal ones are kept once: the row
    "memory an item beyond the base" of benchmarks/speed.py.
    """

    def __init__(self, items: Iterable[str]) -> None:
        self._readings: dict[str, tuple[Reading, ...]] = dict.fromkeys(items, ())
        self._alone: dict[Reading, tuple[Reading]] = {}  # each different reading, as all that an item has

    def __contains__(self, item: object) -> bool:
        return item in self._readings

    def __getitem__(self, item: str) -> Mapping[Call, Reading]:
        """The item's readings by their calls, as a mapping of its own."""
        return {Call(each.order, each.sample): each for each in self._readings[item]}

    def of(self, item: str) -> tuple[Reading, ...]:
        """The item's readings, in the order in which they came."""
        return self._readings[item]

    def count(self, item: str) -> int:
        """How many readings an item has."""
        return len(self._readings[item])

    @property
    def total(self) -> int:
        """How many readings there are."""
        return sum(map(len, self._readings.values()))

    def put(self, item: str, reading: Reading) -> None:
        """Keeps a reading, in the place of an earlier one of the same call."""
        alone = self._alone.setdefault(reading, (reading,))
        there = self._readings[item]
        for at, each in enumerate(there):
            if each.sample == reading.sample and each.order == reading.order:
                self._readings[item] = (*there[:at], *alone, *there[at + 1 :]) if len(there) > 1 else alone
                return
        self._readings[item] = (*there, *alone) if there else alone

    def drop(self, item: str, call: Call) -> None:
        """Forgets the reading of a call, if there is one."""
        self._readings[item] = tuple(
            r for r in self._readings[item] if (r.order, r.sample) != (call.order, call.sample)
        )
