"""Runs that are made from finished ones with no call: who they are made of, and how they are written."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from judgebench._util.files import write_texts
from judgebench._util.steps import counted, step
from judgebench.errors import ConfigError
from judgebench.protocols import Protocol
from judgebench.runs.folder import RunWriter, check_writable, in_place_of
from judgebench.runs.itemfile import share_items
from judgebench.runs.journal import digest_of
from judgebench.runs.judgements import read_judgements, write_judgements
from judgebench.runs.manifest import Name, folder_name, folder_of, make_manifest, protocol_folder
from judgebench.runs.run import Run, list_runs, open_run, share_contents
from judgebench.runs.scoring import Beside, score, up_to_date, usage_of
from judgebench.runs.templatefiles import template_texts
from judgebench.runs.templates import run_templates

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from judgebench.items import Outcome, Reading
    from judgebench.metrics.summary import Usage
    from judgebench.runs.judgements import Judgement
    from judgebench.runs.run import Finished
    from judgebench.runs.templates import RunTemplates

MIXED = "mixed"
"""The template's name where the runs that it is made of have several."""


@dataclass(frozen=True)
class DerivedRun:
    """What a run made of others holds.

    Attributes:
        kind: `jury` or `cascade`; the manifest says under this name what it is made of.
        name: What stands in the place of the judge's name.
        protocol: The manifest's part on it: its name, and the orders and samples.
        said: The manifest's part on what it is made of, and how.
        judgements: One a question, order and sample.
        readings: By the item's id.
        usage: Of all replies that it rests on.
    """

    kind: str
    name: str
    protocol: dict[str, Any]
    said: dict[str, Any]
    judgements: Sequence[Judgement]
    readings: Mapping[str, Sequence[Reading]]
    outcomes: Sequence[Outcome]
    usage: Usage
    notes: Sequence[str]
    seed: int


def opened_members(
    runs: Run | str | Path | Sequence[Run | str | Path], what: str
) -> tuple[list[Finished], list[RunTemplates]]:
    """The judges' runs that another is to be made of, and their templates.

    Args:
        runs: Or their folders.
        what: Is made of them, as in a message.

    Raises:
        ConfigError: There are fewer than two, or they are not of the same benchmark, items, mode and scale.
    """
    among = list_runs(runs)
    reading = counted(among, "reading runs", unit="runs", total=len(among))
    opened = [up_to_date(run if isinstance(run, Run) else open_run(run)) for run in reading]
    paths = Counter(each.path.resolve() for each in opened)
    twice = next((each.path for each in opened if paths[each.path.resolve()] > 1), None)
    if twice is not None:
        raise ConfigError(f"{twice}: named twice; name different runs")
    if len(opened) < 2:
        raise ConfigError(f"{what} needs at least two runs")
    benchmarks = {each.run.manifest.benchmark: each.path for each in reversed(opened)}
    if len(benchmarks) > 1:
        said = ", ".join(f"{path} is {name}" for name, path in reversed(benchmarks.items()))
        raise ConfigError(f"the runs are of different benchmarks: {said}; {what} needs runs of one benchmark")
    for each in counted(opened, "reading judgements", unit="runs", total=len(opened)):
        if each.is_scores:
            raise ConfigError(f"{each.path}: made from a score file, without verdicts; {what} needs judges' runs")
        each.need_judgements()
        altered = each.run.manifest.altered
        if altered is not None:
            raise ConfigError(f"{each.path}: is a control ({altered.title}); {what} needs runs on unaltered items")
    templates = [run_templates(each) for each in opened]
    share_contents(opened)
    for each in opened[1:]:
        check_same_items(opened[0], each, what)
    check_alike(opened, templates, what)
    return opened, templates


def check_same_items(first: Finished, other: Finished, what: str) -> None:
    """Raises ConfigError where two runs do not judge the same items; `what` is made of them, as in a message."""
    if other.contents is first.contents:
        return
    common = [item for item in first.keys if item in other.keys]
    same = sum(first.contents.prints[item] == other.contents.prints[item] for item in common)
    if not same == len(first.keys) == len(other.keys):
        raise ConfigError(
            f"{first.path} has {len(first.keys)} items and {other.path} {len(other.keys)}, {same} of them the same; "
            f"{what} needs runs of the same items (same --data, --subset, --limit and --seed)"
        )


def check_alike(opened: Sequence[Finished], templates: Sequence[RunTemplates], what: str) -> None:
    """Finds out whether runs of the same items have one mode and one scale.

    Args:
        opened: The runs.
        templates: Theirs.
        what: Is to be made of them, as in a message.

    Raises:
        ConfigError: They have not.
    """
    first = templates[0].wording
    for each, own in zip(opened[1:], templates[1:], strict=True):
        if own.wording.mode != first.mode:
            raise ConfigError(
                f"{opened[0].path} has mode {first.mode} and {each.path} {own.wording.mode}; {what} needs runs "
                "of one mode"
            )
        if own.wording.rule.reads_each != first.rule.reads_each:
            raise ConfigError(
                f"{opened[0].path} and {each.path}: one asks about each criterion, the other about all at once; {what} "
                "needs runs of one way"
            )
        if own.reader.rule.classes != templates[0].reader.rule.classes:
            said = [", ".join(t.reader.rule.classes.names) for t in (templates[0], own) if t.reader.rule.classes]
            raise ConfigError(
                f"{opened[0].path} has the classes {said[0]} and {each.path} {said[1]}; {what} needs runs of the same "
                "classes, with the same positive one"
            )
    for number, (each, own) in enumerate(zip(opened, templates, strict=True)):
        for mine, other in ((own.reader, templates[0].reader), (own.companion_reader, templates[0].companion_reader)):
            if number and mine is not None and other is not None and mine.rule.scale != other.rule.scale:
                scales = [" to ".join(f"{end:g}" for end in t.rule.scale or ()) for t in (other, mine)]
                raise ConfigError(
                    f"{opened[0].path} rates from {scales[0]} and {each.path} from {scales[1]}; {what} needs runs of "
                    "one scale"
                )


def member(finished: Finished) -> dict[str, Any]:
    """A run that another is made of, for its manifest."""
    manifest = finished.run.manifest
    identity = json.dumps(manifest.identity, sort_keys=True)
    return {
        "judge": finished.name.judge,
        "template": finished.name.template,
        "protocol": finished.name.protocol,
        "path": str(finished.path),
        "identity": hashlib.sha256(identity.encode()).hexdigest(),
        "judgements": digest_of(finished.path),
        "model": manifest.judge.model,
        "served_models": list(manifest.served_models),
    }


def common_name(names: Iterable[str], other: str) -> str:
    """The one name that all have, else the other one."""
    every = {*names}
    return every.pop() if len(every) == 1 else other


def usage_over(finished: Finished, items: Collection[str]) -> Usage:
    """What a run's replies about some items took; nothing of it is called or paid for again."""
    usage = usage_of(judgement for judgement in read_judgements(finished.path) if judgement.item in items)
    usage.calls, usage.cached, usage.spent_usd = 0, usage.calls + usage.cached, 0.0
    return usage


def total_usage(usages: Iterable[Usage]) -> Usage:
    """The sum; its cost is not known where one is not."""
    first, *others = usages
    total = replace(first)
    for each in others:
        total.calls += each.calls
        total.cached += each.cached
        total.repairs += each.repairs
        total.prompt_tokens += each.prompt_tokens
        total.completion_tokens += each.completion_tokens
        total.reasoning_tokens += each.reasoning_tokens
        total.cached_prompt_tokens += each.cached_prompt_tokens
        unknown = total.cost_usd is None or each.cost_usd is None
        total.cost_usd = None if unknown else (total.cost_usd or 0.0) + (each.cost_usd or 0.0)
        unknown = total.may_have_cost_usd is None or each.may_have_cost_usd is None
        total.may_have_cost_usd = None if unknown else (total.may_have_cost_usd or 0) + (each.may_have_cost_usd or 0)
    return total


def write_made(
    made: DerivedRun, opened: Sequence[Finished], templates: Sequence[RunTemplates], out: Path, started: str
) -> Path:
    """Writes the folder of a run that is made of others, in the place of an earlier one of the same.

    Args:
        made: What it holds.
        opened: What it is made of.
        templates: Theirs.
        out: The folder above the runs' folders.
        started: When, as in a manifest.

    Returns:
        The folder.

    Raises:
        ConfigError: It cannot be written.
    """
    benchmark, kept = opened[0].benchmark, {outcome.item.id for outcome in made.outcomes}
    digest = _items_hash(opened[0], kept)
    identity = {**benchmark.identity(), "items": digest, made.kind: _own(made.said)}
    template = common_name((own.wording.name for own in templates), MIXED)
    alike = len({(own.wording.hash, _companion(own)) for own in templates}) == 1
    with step(f"scoring {made.kind} {made.name}"):
        name = Name(made.name, template, made.protocol["name"])
        protocol = replace(Protocol.from_json(made.protocol), seed=made.seed, soft=False)
        classes = opened[0].run.manifest.template.label_classes
        beside = Beside(notes=made.notes, ordered=made.kind != "jury", classes=classes)
        metrics = score(benchmark, name, protocol, made.outcomes, made.readings, made.usage, beside)
    first = opened[0].run.manifest
    parts = {
        "benchmark": benchmark.name,
        "benchmark_file": benchmark.declaration() or None,
        "judge": {"name": made.name},
        "template": {
            "name": template,
            "hash": templates[0].wording.hash if alike else None,
            "mode": templates[0].wording.mode,
            **({} if classes is None else {"classes": asdict(classes)}),
        },
        "companion": None,
        "protocol": made.protocol,
        "selection": first.selection,
        "seed": made.seed,
        "data": first.data,
        "items": {"count": len(kept), "of": first.items.of, "hash": digest},
        made.kind: made.said,
        "identity": identity,
        "served_models": sorted({name for each in opened for name in each.run.manifest.served_models}),
    }
    manifest = make_manifest("incomplete" if metrics.failures else "done", started, parts)
    plain = (
        out
        / folder_name(benchmark.name)
        / folder_name(made.name)
        / folder_name(template)
        / protocol_folder(made.protocol["name"])
    )
    folder = folder_of(plain, identity)
    check_writable(folder, "--out")
    with in_place_of(folder, identity, "choose another with --out") as part:
        share_items(part, digest, (item for item in opened[0].run.items if item.id in kept))
        if alike:
            write_texts(part, template_texts(templates[0].wording, templates[0].companion))
        asked = (each for each in made.judgements if each.failure is None or each.failure.kind != "not_asked")
        write_judgements(part, asked)  # as in any run, what was not asked is no line
        RunWriter(part).finish(manifest, made.outcomes, metrics)
    return folder


def _companion(templates: RunTemplates) -> str | None:
    return None if templates.companion is None else templates.companion.hash


def _own(said: Mapping[str, Any]) -> dict[str, Any]:
    """What makes two runs the same: not where the runs they are made of stand."""
    members = [{name: value for name, value in each.items() if name != "path"} for each in said["members"]]
    return {**said, "members": members}


def _items_hash(first: Finished, kept: Collection[str]) -> str:
    """The hash of the items: the one that they have where all are kept."""
    if len(kept) == len(first.keys):
        return str(first.run.manifest.items.hash)
    digest = hashlib.sha256()
    for item in first.keys:
        if item in kept:
            digest.update(first.contents.prints[item])
    return digest.hexdigest()
