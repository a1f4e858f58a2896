"""How a run is made again: its command, and everything in its manifest that a result depends on."""

from __future__ import annotations

import json
import shlex
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks.dataset import BUNDLED, SAMPLE
from judgebench.engine.options import PlanOptions
from judgebench.errors import ConfigError
from judgebench.metrics.votes import AGGREGATES
from judgebench.runs import IMPORTED, ITEMS, READING, TemplateEntry, folder_name
from judgebench.sources.source import IN_MEMORY
from judgebench.templates import TEMPLATE, TIES_TEMPLATE, load_template, shipped_templates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.protocols import Protocol, UntilShown
    from judgebench.runs import DerivedEntry, Finished, Manifest, OriginEntry, RescoredEntry, ScoresEntry

_AGGREGATE_OF: dict[str, str] = {join: name for name, join in AGGREGATES.items()}


@dataclass(frozen=True)
class Recipe:
    """What makes a run again.

    Attributes:
        command: On the command line, where the rows, the template and the judge are what they were; empty where no
            command makes the run.
        needed: What it needs besides; empty where that is nothing.
        facts: What it was, and its value.
        manifest: The whole of it, as text.
    """

    title: str
    command: str
    needed: str
    facts: Sequence[tuple[str, str]]
    manifest: str


def recipe(finished: Finished, title: str) -> Recipe:
    """What makes a run again, from its manifest alone."""
    manifest = finished.run.manifest
    made_by = "" if given_in_python(manifest) else command(manifest, finished.path)
    facts = tuple(_facts(manifest, finished))
    return Recipe(title, made_by, needed(manifest), facts, json.dumps(manifest.to_json(), indent=2))


def needed(manifest: Manifest) -> str:
    """What the command needs that the manifest does not know, or why there is none; empty where that is nothing."""
    judge = manifest.judge
    if given := given_in_python(manifest):
        return (
            f"No command makes this run: {' and '.join(given)} came from Python. Call jb.run or jb.score "
            "with the same; the hashes tell whether they are."
        )
    if "providers" in manifest.model_fields_set or judge.model in {None, judge.name}:
        return ""
    return (
        f"An earlier version of judgebench made this run, and did not note where the judge '{judge.name}' is "
        "defined: its preset is needed, in the providers.yaml that is read or by --providers FILE."
    )


def given_in_python(manifest: Manifest) -> list[str]:
    """What of a run was passed to a Python call and has no name on the command line."""
    scores = None if manifest.scores is None else manifest.scores.file
    return [
        what
        for what, given in (
            (f"the function '{manifest.judge.name}'", str(manifest.judge.model).startswith("python/")),
            ("its rows", manifest.data.source in IN_MEMORY),
            ("its scores", scores in IN_MEMORY),
        )
        if given
    ]


def command(manifest: Manifest, path: Path | None = None) -> str:
    """The command that makes a run of this manifest.

    Args:
        manifest: The run's.
        path: The run's folder, which keeps the templates that do not ship; None names every template.
    """
    return shlex.join(["judgebench", *_words(manifest, path)])


def run_words(manifest: Manifest, template: str | None = None) -> list[str]:
    """The words behind `judgebench` that make the run of a judge again, whatever read its replies afterwards.

    Args:
        manifest: The run's.
        template: What names its template; None for the template's own name.
    """
    return list(_run(manifest, None, template))


def _words(manifest: Manifest, path: Path | None) -> Iterator[str]:
    if manifest.rescored is not None:
        return _rescore(manifest.rescored, path)
    if manifest.jury is not None:
        return _jury(manifest, manifest.jury)
    if manifest.cascade is not None:
        return _cascade(manifest, manifest.cascade)
    if manifest.origin is not None:
        return _import(manifest, manifest.origin, path)
    return _run(manifest, path) if manifest.scores is None else _score(manifest, manifest.scores)


def _run(manifest: Manifest, path: Path | None, named: str | None = None) -> Iterator[str]:
    judges, template, until = [str(manifest.judge.name)], manifest.template, manifest.until_shown
    names = [named or _template(str(template.name), template.hash, None if path is None else path / TEMPLATE)]
    if until is not None:
        judges.append(until.judge)
        if until.template_hash != template.hash:
            kept = None if path is None else _others_template(until, path)
            names.append(_template(until.template, until.template_hash, kept))
    yield from ("run", str(manifest.benchmark))
    for name in dict.fromkeys(judges):
        yield from ("--judge", name)
    for name in dict.fromkeys(names):
        yield from ("--template", name)
    if path is not None and manifest.selection.part is not None:  # the part's items are in its folder
        yield from ("--data", str(path / ITEMS))
    else:
        yield from _items(manifest)
    yield from _protocol(manifest.protocol.protocol)
    yield from _seed(manifest)
    if manifest.altered is not None:
        yield from (f"--{manifest.altered.kind}", manifest.altered.name)
    if until is not None:
        yield "--sequential"
        given = {"min_effect": until.size, "alpha": until.alpha}
        yield from _unusual(given, {"min_effect": PlanOptions.min_effect, "alpha": PlanOptions.alpha})
    if manifest.providers:
        yield from ("--providers", manifest.providers)


def _template(name: str, digest: object, kept: Path | None) -> str:
    """The template's name where it ships as it was, else the file that a run's folder keeps of it, if there is one."""
    path = shipped_templates().get(name)  # the name is the manifest's, and no path
    ships = path is not None and load_template(path).hash == digest
    return name if ships or kept is None else str(kept)


def _others_template(until: UntilShown, path: Path) -> Path | None:
    """The file that the folder of the other run of a comparison keeps of its template."""
    folder = path.absolute().parents[2] / folder_name(until.judge) / folder_name(until.template)
    for found in sorted(folder.glob(f"*/{TEMPLATE}")):
        with suppress(ConfigError):
            if load_template(found).hash == until.template_hash:
                return found
    return None


def _score(manifest: Manifest, scores: ScoresEntry) -> Iterator[str]:
    yield from ("score", str(scores.file), "--benchmark", str(manifest.benchmark), "--name", str(scores.name))
    yield from _items(manifest)
    # Earlier versions did not note it, but without it a run has no failures.
    if manifest.state == "incomplete" if scores.allow_missing is None else scores.allow_missing:
        yield "--allow-missing"
    if scores.in_order:
        yield "--in-order"
    said = {"head": scores.head, "steps": scores.steps, "threshold": scores.threshold}
    yield from _unusual(said, dict.fromkeys(said))


def _import(manifest: Manifest, origin: OriginEntry, path: Path | None) -> Iterator[str]:
    yield from ("import", str(origin.file), "--judge", str(manifest.judge.name))
    if manifest.benchmark != "custom":
        yield from ("--benchmark", str(manifest.benchmark))
    if manifest.data.source != origin.file:
        yield from _items(manifest)
    if manifest.template.name != IMPORTED:
        yield from ("--template", _template(str(manifest.template.name), manifest.template.hash, _kept(path)))


def _kept(path: Path | None) -> Path | None:
    return None if path is None else path / TEMPLATE


def _jury(manifest: Manifest, jury: DerivedEntry) -> Iterator[str]:
    yield from ("jury", *_members(jury), "--name", str(manifest.judge.name))
    yield from _unusual({"weights": jury.weights}, {"weights": "equal"})
    if share := (jury.held_out or {}).get("share"):
        yield from ("--held-out", str(share))
    yield from _seed(manifest)


def _cascade(manifest: Manifest, cascade: DerivedEntry) -> Iterator[str]:
    yield from ("cascade", *_members(cascade), "--name", str(manifest.judge.name))
    yield from ("--threshold", str(cascade.threshold))
    yield from _unusual({"by": cascade.by}, {"by": "disagreement"})
    yield from _seed(manifest)


def _members(made: DerivedEntry) -> Iterator[str]:
    """The folders of the runs that it is made of."""
    return (str(each.path) for each in made.members)


def _rescore(rescored: RescoredEntry, path: Path | None) -> Iterator[str]:
    source, companion = str(rescored.source), rescored.companion or TemplateEntry()
    yield from ("rescore", source if path is None else str(path.parent / source))
    for file, name, digest in (
        (TEMPLATE, rescored.template, rescored.hash),
        (TIES_TEMPLATE, companion.name, companion.hash),
    ):
        if path is not None and (path / READING / file).is_file():
            yield from ("--template", _template(str(name), digest, path / READING / file))
    if rescored.joined is not None:
        yield from ("--aggregate", _AGGREGATE_OF[rescored.joined])


def _items(manifest: Manifest) -> Iterator[str]:
    """Which items: where they are from, and which of them."""
    data = manifest.data
    if data.source == BUNDLED:
        yield from ("--data", SAMPLE)
    elif data.source:
        revision = f"@{data.revision}" if data.revision else ""
        split = f":{data.split}" if data.split else ""
        yield from ("--data", f"{data.source}{revision}{split}")
    for subset in manifest.selection.subsets:
        yield from ("--subset", subset)
    selection = manifest.selection
    for option, pairs in (("--columns", selection.columns), ("--labels", selection.labels)):
        if pairs:
            yield from (option, ",".join(f"{_quoted(name)}={_quoted(own)}" for name, own in pairs.items()))
    for option in ("id_column", "group_column", "bad_rows", "empty_answers", "config_name"):
        if (value := getattr(selection, option)) is not None:
            yield from (f"--{option.replace('_', '-')}", value)
    if manifest.selection.limit is not None:
        yield from ("--limit", str(manifest.selection.limit))
    if manifest.selection.shard is not None:
        yield from ("--shard", manifest.selection.shard)


def _quoted(name: str) -> str:
    """A name in a list of pairs, which commas part."""
    return f'"{name}"' if "," in name else name


def _protocol(protocol: Protocol) -> Iterator[str]:
    yield from ("--orders", protocol.orders)
    given = {
        "samples": protocol.samples,
        "aggregate": _AGGREGATE_OF[protocol.join],
        "repair": protocol.repair,
        "pairs": protocol.pairs,
    }
    yield from _unusual(given, {"samples": 1, "aggregate": "mean", "repair": 0, "pairs": None})
    yield from (flag for on, flag in ((protocol.early_stop, "--early-stop"), (protocol.soft, "--logprobs")) if on)


def _seed(manifest: Manifest) -> Iterator[str]:
    if manifest.seed:
        yield from ("--seed", str(manifest.seed))


def _unusual(given: Mapping[str, Any], usual: Mapping[str, Any]) -> Iterator[str]:
    """The options that are not what they are unless given."""
    for name, default in usual.items():
        if given[name] != default:
            yield from (f"--{name.replace('_', '-')}", str(given[name]))


def _facts(manifest: Manifest, finished: Finished) -> Iterator[tuple[str, str]]:
    yield "folder", str(finished.path)
    yield "state", str(manifest.state)
    yield "started", str(manifest.started)
    yield "ended", str(manifest.ended)
    yield "seed", str(manifest.seed)
    if manifest.judge.model:
        yield "model", manifest.judge.model
        yield "model as served", ", ".join(manifest.served_models or ["not said"])
        yield "parameters", json.dumps(manifest.judge.params)
    for title, template in (("template", manifest.template), ("template for Ties", manifest.companion)):
        if template is not None and template.name is not None:
            yield title, f"{template.name}, SHA-256 {template.hash}"
    data, items = manifest.data, manifest.items
    yield "data", f"{data.source}{f', revision {data.revision}' if data.revision else ''}"
    yield "items", f"{items.count} of {items.of}, SHA-256 {items.hash}"
    for name, number in manifest.versions.items():
        yield f"version of {name}", number
