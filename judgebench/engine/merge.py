"""The parts of a run, made on machines that share nothing, as one run equal to that made in one piece."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench._util.files import write_json
from judgebench._util.steps import step
from judgebench.benchmarks.checking import Understood
from judgebench.benchmarks.dataset import Selection, load_dataset
from judgebench.client import KeyMaker, make_room
from judgebench.engine.parts import check_parts, find_parts
from judgebench.engine.questions import Questions
from judgebench.engine.recorder import Recorder
from judgebench.engine.spec import RunSpec, free_folder
from judgebench.errors import DataError
from judgebench.judges import Judge
from judgebench.runs import (
    DEFAULT_OUT,
    ITEMS,
    MANIFEST,
    SHARD,
    Finished,
    PartEntry,
    Run,
    RunWriter,
    ShardFile,
    adopt_items,
    benchmark_of,
    check_writable,
    folder_name,
    in_place_of,
    make_manifest,
    protocol_folder,
    read_items,
    read_judgements,
    read_manifest,
    read_shard,
    run_templates,
    shard_text,
    write_items,
    write_judgements,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from judgebench.benchmarks.dataset import Dataset
    from judgebench.engine.parts import RunInParts, RunPart
    from judgebench.items import Item
    from judgebench.runs import Judgement, Manifest

_MEND = "choose another with --out"
_LISTED_PARTS = 10


def merge(
    folders: str | Path | Sequence[str | Path], *, out: str | Path = DEFAULT_OUT, allow_missing: bool = False
) -> list[Run]:
    """Joins the parts of runs (`--shard I/N`) into runs equal to those made in one piece.

    >>> import judgebench as jb
    >>> for part in ("1/2", "2/2"):
    ...     _ = jb.run("rewardbench", judge="offline/longest", data="sample", shard=part, out="parts")
    >>> [run.metrics.items for run in jb.merge("parts", out="runs")]
    [54]

    Args:
        folders: The parts' folders, or those above them.
        out: The folder above the merged runs' folders.
        allow_missing: Merge runs of which parts are missing or have not ended, too; they can be resumed.

    Returns:
        The merged runs, one per plan.

    Raises:
        ConfigError: Parts are missing, are of different plans, or cannot be read; nothing is written then.
    """
    runs = find_parts([folders] if isinstance(folders, str | Path) else [*folders])
    check_parts(runs, allow_missing=allow_missing)
    # A run over altered items looks at the one over the items as they are.
    runs.sort(key=lambda run: run.plan.altered is not None)
    return [Run.load(_merged(run, Path(out), allow_missing=allow_missing)) for run in runs]


@dataclass(frozen=True)
class StoredSpec(RunSpec):
    """What a run is, as its folder says.

    Attributes:
        stored: The manifest's parts that are known before the run.
    """

    stored: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def described(self) -> dict[str, Any]:
        """See `RunSpec`; the items are those that are here."""
        dataset = self.dataset
        own = {"count": len(dataset.keys), "hash": dataset.hash}
        return {**deepcopy(dict(self.stored)), "items": {**self.stored["items"], **own}}

    def identity(self) -> dict[str, Any]:
        """See `RunSpec`."""
        altered = () if self.alteration is not None else ("altered", "altered_by")
        return {name: value for name, value in self.stored["identity"].items() if name not in altered}


@dataclass(frozen=True)
class _Source:
    """A folder that has some of the run's items, with their judgements."""

    path: Path
    places: Sequence[int]

    def items(self) -> Iterator[tuple[int, Item]]:
        """Its items, each with its place in the run."""
        try:
            yield from zip(self.places, read_items(self.path), strict=True)
        except ValueError:
            raise DataError(f"{self.path}: {ITEMS} and {SHARD} are of different items; copy the folder again") from None


def _merged(run: RunInParts, out: Path, *, allow_missing: bool) -> Path:
    """Writes the merged run, in the place of what was merged of it before, and gives its folder."""
    stored = run.first.said.plan
    path, _ = free_folder(_plain(run.plan, out), stored["identity"], lambda: stored)
    check_writable(path, "--out")
    make_room(len(run.parts))
    with step(f"merging {run.title}"), _held(path), in_place_of(path, stored["identity"], _MEND) as folder:
        before = read_manifest(path)
        sources = [_Source(part.path, part.said.places) for part in run.parts.values()]
        if before is not None:
            sources.insert(0, _existing(path, before, run))
        write_items(folder, _items(sources))
        write_judgements(folder, _judgements(sources) if before is None else _united(sources))
        spec = _spec(run, folder)
        whole = len(spec.dataset.keys) == run.plan.items.count
        if whole:
            if spec.dataset.hash != run.plan.items.hash:
                raise DataError(f"{run.title}: the items of the parts are not those of the plan; copy the parts again")
            adopt_items(folder, spec.dataset.hash)
        manifest = make_manifest("running", _started(run, before), {**spec.described(), **_gathered(run, before)})
        write_json(folder / MANIFEST, manifest.to_json())
        recorder = Recorder(spec, out)
        if not whole:
            places = sorted({place for source in sources for place in source.places})
            named = tuple(f"{number}/{run.of}" for number in run.parts)
            recorder.texts[SHARD] = shard_text(ShardFile(named, places, run.first.said.notes, stored))
            recorder.lacks_items = True
            recorder.notes.append(_lacks(run, spec))
        _finish(recorder, folder, () if allow_missing else run.parts.values())
    return path


def _plain(plan: Manifest, out: Path) -> Path:
    names = (str(plan.benchmark), str(plan.judge.name), str(plan.template.name))
    return out.joinpath(*map(folder_name, names)) / protocol_folder(str(plan.protocol.name))


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Keeps other runs out of a folder while it is merged into."""
    writer = RunWriter(path)
    writer.hold()
    try:
        yield
    finally:
        writer.close()


def _existing(path: Path, manifest: Manifest, run: RunInParts) -> _Source:
    """What is in the merged run's folder already: what was merged before, and what was judged there since."""
    if manifest.items.hash == run.plan.items.hash:
        return _Source(path, range(manifest.items.count or 0))
    return _Source(path, read_shard(path).places)


def _items(sources: Sequence[_Source]) -> Iterator[Item]:
    """All items in the order of the whole run, each once."""
    last = -1
    for place, item in heapq.merge(*(source.items() for source in sources), key=lambda each: each[0]):
        if place != last:
            yield item
        last = place


def _judgements(sources: Sequence[_Source]) -> Iterator[Judgement]:
    """All judgements, one part after another."""
    return chain.from_iterable(read_judgements(source.path) for source in sources)


def _united(sources: Sequence[_Source]) -> Iterator[Judgement]:
    """Those of the merged folder, and from the parts what it lacks: what was merged before is not taken again."""
    merged, *parts = sources
    settled: set[tuple[str, tuple[int, ...], int]] = set()
    failed: set[bytes] = set()
    for judgement in read_judgements(merged.path):
        if judgement.is_asked_again:
            failed.add(judgement.to_line())
        else:
            settled.add((judgement.item, judgement.order, judgement.sample))
        yield judgement
    for judgement in _judgements(parts):
        question = (judgement.item, judgement.order, judgement.sample)
        if question not in settled and not (judgement.is_asked_again and judgement.to_line() in failed):
            yield judgement


def _spec(run: RunInParts, folder: Path) -> StoredSpec:
    """What the merged run is, over the items that are in its folder."""
    plan, first = run.plan, Finished(Run(run.first.path))
    templates = run_templates(first)
    selection = Selection(tuple(plan.selection.subsets), plan.selection.limit, plan.seed)
    return StoredSpec(
        _dataset(run, folder, selection),
        _judge(plan),
        templates.wording,
        templates.companion,
        replace(plan.protocol.protocol, seed=plan.seed),
        selection,
        plan.families,
        None if plan.providers is None else Path(plan.providers),
        plan.altered,
        stored=run.first.said.plan,
    )


def _dataset(run: RunInParts, folder: Path, selection: Selection) -> Dataset:
    plan = run.plan
    found = load_dataset(benchmark_of(plan), str(folder / ITEMS))
    kind = plan.template.kind
    keys = found.keys
    if kind is not None and not kind.ordered:
        keys = {item: kind.held_against(key, plan.template.label_classes) for item, key in keys.items()}
    return replace(
        found,
        keys=keys,
        total=plan.items.of or len(keys),
        drawn_from=plan.items.drawn_from or plan.items.count or len(keys),
        ungrouped=0,  # what is said of the rows as a whole stands in the parts
        selection=selection,
        understood=Understood(notes=[*run.first.said.notes]),
    )


def _judge(plan: Manifest) -> Judge:
    """The judge as far as a run that makes no call needs it."""
    said = plan.judge
    api = "decisions" if (said.model_extra or {}).get("api") == "decisions" else "chat"
    text = json.dumps({"name": said.name, "model": said.model, "params": dict(said.params), "api": api})
    return Judge.model_validate_json(text)


def _started(run: RunInParts, before: Manifest | None) -> str | None:
    every = [part.manifest.started for part in run.parts.values()] + ([] if before is None else [before.started])
    return min(filter(None, every), default=None)


def _gathered(run: RunInParts, before: Manifest | None) -> dict[str, Any]:
    """What the manifests of the parts say of their replies and of themselves."""
    every = [part.manifest for part in run.parts.values()]
    imported = sum((Counter(dict(each.imported)) for each in every), Counter[str]())
    parts = {} if before is None else {str(each.part): each for each in before.parts}
    for number in sorted(run.parts):
        manifest = run.parts[number].manifest
        name = f"{number}/{run.of}"
        parts[name] = PartEntry(
            part=name,
            items=manifest.items.count,
            state=manifest.state,
            started=manifest.started,
            ended=manifest.ended,
        )
    every += [] if before is None else [before]
    gathered = {
        "left_out": sorted({name for each in every for name in each.left_out}),
        "imported": dict(imported | Counter(dict(before.imported) if before is not None else {})) or None,
        "sent_as": next(filter(None, (each.sent_as for each in every)), None),
    }
    return {**{name: value for name, value in gathered.items() if value}, "parts": [*parts.values()]}


def _lacks(run: RunInParts, spec: RunSpec) -> str:
    numbers = ", ".join(map(str, run.open[:_LISTED_PARTS])) + (" and more" if len(run.open) > _LISTED_PARTS else "")
    there = f"{len(spec.dataset.keys):,} of {run.plan.items.count or 0:,} items"
    return f"merged from {there}: of {run.of} parts {numbers} are missing or have not ended"


def _finish(recorder: Recorder, folder: Path, whole: Iterable[RunPart]) -> None:
    """Makes outcomes and figures of the judgements in a folder, as the run itself does at its end.

    Args:
        recorder: Of the merged run.
        folder: Where it is written.
        whole: The parts that have to have all their judgements.

    Raises:
        DataError: One has not, such as a folder that was copied half.
    """
    recorder.folder = RunWriter(folder)
    recorder.folder.hold()
    try:
        spec = recorder.cell
        recorder.resume(Questions(spec, KeyMaker(spec.judge)), refresh=False, ended=True)
        lacking = recorder.lacking()
        for part in whole if lacking else ():
            if count := sum(item.id in lacking for item in read_items(part.path)):
                of = part.manifest.items.count or 0
                lost = f"judgements of {count:,} of its {of:,} items are missing, though it has ended"
                raise DataError(f"{part.path}: {lost}; copy the folder again, or give --allow-missing")
        recorder.finish(recorder.total, None, 0, Counter())
    finally:
        recorder.folder.close()
