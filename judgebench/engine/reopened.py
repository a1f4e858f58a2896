"""A run that has begun, taken up again from its folder alone: its items, its templates, its judge."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks.dataset import Selection, load_dataset
from judgebench.engine.merge import StoredSpec
from judgebench.engine.runplan import RunPlan, as_one_refresh
from judgebench.errors import ConfigError, DataError
from judgebench.judges import Judge, load_judges
from judgebench.runs import ITEMS, SHARD, Finished, Run, RunWriter, benchmark_of, open_batches, run_templates

if TYPE_CHECKING:
    from judgebench.benchmarks.dataset import Dataset
    from judgebench.runs import Manifest

_OF_THE_FOLDER = frozenset(
    {
        *("format", "state", "started", "ended", "versions", "refreshed_from", "refresh", "asked", "served_models"),
        *("left_out", "sent_as", "imported", "transport", "parts"),
    }
)
"""What a manifest says beyond what the run is."""


def reopened(folder: Path) -> RunPlan:
    """The plan of a run that its folder has begun.

    Raises:
        ConfigError: The folder has not all that the run is, or its judge is another now.
    """
    run = Run.load(folder)
    manifest = run.manifest
    stored = {name: value for name, value in manifest.to_json().items() if name not in _OF_THE_FOLDER}
    templates = run_templates(Finished(run))
    selection = Selection(tuple(manifest.selection.subsets), manifest.selection.limit, manifest.seed)
    dataset = _dataset(folder, manifest, selection)
    protocol = replace(manifest.protocol.protocol, seed=manifest.seed)
    said = manifest.providers
    spec = StoredSpec(
        dataset,
        _judge(manifest, soft=protocol.soft),
        templates.wording,
        templates.companion,
        protocol,
        selection,
        manifest.families,
        None if said is None else Path(said),
        manifest.altered,
        stored=stored,
    )
    plan = RunPlan(spec, folder, refresh=manifest.refreshed_from is not None)
    plan.recorder.folder = RunWriter(folder, has_items=True)
    if (folder / SHARD).exists():
        plan.recorder.texts[SHARD] = (folder / SHARD).read_text(encoding="utf-8")
    if plan.refresh:
        as_one_refresh([plan])
    return plan


def _dataset(folder: Path, manifest: Manifest, selection: Selection) -> Dataset:
    found = load_dataset(benchmark_of(manifest), str(folder / ITEMS))
    if found.hash != manifest.items.hash:
        raise DataError(f"{folder / ITEMS}: not the items of this run; {_rerun(folder)}")
    kind, keys = manifest.template.kind, found.keys
    if kind is not None and not kind.ordered:
        keys = {item: kind.held_against(key, manifest.template.label_classes) for item, key in keys.items()}
    count = manifest.items.count or len(keys)
    return replace(
        found,
        keys=keys,
        total=manifest.items.of or count,
        drawn_from=manifest.items.drawn_from or count,
        selection=selection,
    )


def _judge(manifest: Manifest, *, soft: bool) -> Judge:
    """The run's judge: the one of that name here, if it is still the same; else as the manifest has it."""
    said = dict(manifest.judge)
    fields = {name: value for name, value in said.items() if name in Judge.model_fields and value is not None}
    if said.get("params_defaulted"):
        fields.pop("params", None)
    stored = Judge.model_validate_json(json.dumps(fields)).model_copy(update={"soft": soft})
    file = manifest.providers
    try:
        known = load_judges(Path(file) if file is not None and Path(file).exists() else None)
        here = known.get(stored.name).model_copy(update={"soft": soft, "transport": stored.transport})
    except ConfigError:
        return stored
    return here if _same(here, stored) else stored


def _same(here: Judge, stored: Judge) -> bool:
    """Whether two judges are one: of all that a manifest says, but its limits and price."""
    aside = ("limits", "price", "timeout", "address_variable")
    return bool(_public(here, aside) == _public(stored, aside))


def _public(judge: Judge, aside: tuple[str, ...]) -> Any:
    return json.loads(json.dumps({name: value for name, value in judge.public().items() if name not in aside}))


def _rerun(folder: Path) -> str:
    count = sum(entry.requests for entry in open_batches(folder))
    more = f" ({count:,} requests are with the provider)" if count else ""
    return f"rerun the run's own command with --batch{more}"
