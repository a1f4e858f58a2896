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
from judgebench.runs import READING, folder_name
from judgebench.templates import TEMPLATE, TIES_TEMPLATE, load_template, shipped_templates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.runs import Finished

_AGGREGATE_OF = {join: name for name, join in AGGREGATES.items()}


@dataclass(frozen=True)
class Recipe:
    """What makes a run again.

    Attributes:
        command: On the command line, where the rows, the template and the judge are what they were.
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
    made_by = command(manifest, finished.path)
    facts = tuple(_facts(manifest, finished))
    return Recipe(title, made_by, needed(manifest), facts, json.dumps(manifest, indent=2))


def needed(manifest: Mapping[str, Any]) -> str:
    """What the command needs that the manifest does not know, a sentence; empty where that is nothing."""
    judge = manifest.get("judge") or {}
    if "providers" in manifest or judge.get("model") in {None, judge.get("name")}:
        return ""
    return (
        f"An earlier version of judgebench made this run, and did not note where the judge '{judge.get('name')}' is "
        "defined: its preset is needed, in the providers.yaml that is read or by --providers FILE."
    )


def command(manifest: Mapping[str, Any], path: Path | None = None) -> str:
    """The command that makes a run of this manifest.

    Args:
        manifest: The run's.
        path: The run's folder, which keeps the templates that do not ship; None names every template.
    """
    return " ".join(map(shlex.quote, ["judgebench", *_words(manifest, path)]))


def _words(manifest: Mapping[str, Any], path: Path | None) -> Iterator[str]:
    if "rescored" in manifest:
        return _rescore(manifest["rescored"], path)
    if "jury" in manifest:
        return _jury(manifest)
    if "cascade" in manifest:
        return _cascade(manifest)
    return _score(manifest) if "scores" in manifest else _run(manifest, path)


def _run(manifest: Mapping[str, Any], path: Path | None) -> Iterator[str]:
    judge = str((manifest.get("judge") or {}).get("name"))
    template, until = manifest.get("template") or {}, manifest.get("until_shown") or {}
    kept = None if path is None else path / TEMPLATE
    names = [_template(str(template.get("name")), template.get("hash"), kept)]
    if until.get("template_hash") not in {None, template.get("hash")}:
        kept = None if path is None else _others_template(until, path)
        names.append(_template(until["template"], until["template_hash"], kept))
    yield from ("run", str(manifest.get("benchmark")))
    for name in dict.fromkeys([judge, until.get("judge", judge)]):
        yield from ("--judge", name)
    for name in dict.fromkeys(names):
        yield from ("--template", name)
    yield from _items(manifest)
    yield from _protocol(manifest.get("protocol") or {})
    yield from _seed(manifest)
    altered = manifest.get("altered") or {}
    if altered:
        yield from (f"--{altered.get('kind')}", str(altered.get("name")))
    if until:
        yield "--sequential"
        yield from _unusual(
            {"min_effect": until.get("size", PlanOptions.min_effect), **until},
            {"min_effect": PlanOptions.min_effect, "alpha": PlanOptions.alpha},
        )
    if manifest.get("providers"):
        yield from ("--providers", str(manifest["providers"]))


def _template(name: str, digest: object, kept: Path | None) -> str:
    """The template's name where it ships as it was, else the file that a run's folder keeps of it, if there is one."""
    path = shipped_templates().get(name)  # the name is the manifest's, and no path
    ships = path is not None and load_template(path).hash == digest
    return name if ships or kept is None else str(kept)


def _others_template(until: Mapping[str, Any], path: Path) -> Path | None:
    """The file that the folder of the other run of a comparison keeps of its template."""
    folder = path.absolute().parents[2] / folder_name(until["judge"]) / folder_name(until["template"])
    for found in sorted(folder.glob(f"*/{TEMPLATE}")):
        with suppress(ConfigError):
            if load_template(found).hash == until["template_hash"]:
                return found
    return None


def _score(manifest: Mapping[str, Any]) -> Iterator[str]:
    scores = manifest["scores"]
    yield from ("score", str(scores.get("file")), "--benchmark", str(manifest.get("benchmark")))
    yield from ("--name", str(scores.get("name")))
    yield from _items(manifest)
    # Earlier versions did not note it, but without it a run has no failures.
    if scores.get("allow_missing", manifest.get("state") == "incomplete"):
        yield "--allow-missing"


def _jury(manifest: Mapping[str, Any]) -> Iterator[str]:
    said = manifest["jury"]
    yield from ("jury", *_members(said), "--name", str((manifest.get("judge") or {}).get("name")))
    yield from _unusual(said, {"weights": "equal"})
    share = (said.get("held_out") or {}).get("share")
    if share:
        yield from ("--held-out", str(share))
    yield from _seed(manifest)


def _cascade(manifest: Mapping[str, Any]) -> Iterator[str]:
    said = manifest["cascade"]
    yield from ("cascade", *_members(said), "--name", str((manifest.get("judge") or {}).get("name")))
    yield from ("--threshold", str(said.get("threshold")))
    yield from _unusual(said, {"by": "disagreement"})
    yield from _seed(manifest)


def _members(made: Mapping[str, Any]) -> Iterator[str]:
    """The folders of the runs that it is made of."""
    return (str(each.get("path")) for each in made.get("members") or ())


def _rescore(said: Mapping[str, Any], path: Path | None) -> Iterator[str]:
    source = str(said.get("from"))
    yield from ("rescore", source if path is None else str(path.parent / source))
    companion = said.get("companion") or {}
    for file, name, digest in (
        (TEMPLATE, said.get("template"), said.get("hash")),
        (TIES_TEMPLATE, companion.get("name"), companion.get("hash")),
    ):
        if path is not None and (path / READING / file).is_file():
            yield from ("--template", _template(str(name), digest, path / READING / file))
    if "joined" in said:
        yield from ("--aggregate", _AGGREGATE_OF[said["joined"]])


def _items(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Which items: where they are from, and which of them."""
    data, selection = manifest.get("data") or {}, manifest.get("selection") or {}
    if data.get("source") == BUNDLED:
        yield from ("--data", SAMPLE)
    elif data.get("source"):
        revision = f"@{data['revision']}" if data.get("revision") else ""
        split = f":{data['split']}" if data.get("split") else ""
        yield from ("--data", f"{data['source']}{revision}{split}")
    for subset in selection.get("subsets") or ():
        yield from ("--subset", str(subset))
    if selection.get("limit") is not None:
        yield from ("--limit", str(selection["limit"]))


def _protocol(protocol: Mapping[str, Any]) -> Iterator[str]:
    if protocol.get("orders"):
        yield from ("--orders", str(protocol["orders"]))
    given = {**protocol, "aggregate": _AGGREGATE_OF[protocol.get("join", "mean")]}
    yield from _unusual(given, {"samples": 1, "aggregate": "mean", "repair": 0, "pairs": None})
    yield from (flag for name, flag in (("early_stop", "--early-stop"), ("soft", "--logprobs")) if protocol.get(name))


def _seed(manifest: Mapping[str, Any]) -> Iterator[str]:
    if manifest.get("seed"):
        yield from ("--seed", str(manifest["seed"]))


def _unusual(said: Mapping[str, Any], usual: Mapping[str, Any]) -> Iterator[str]:
    """The options that are not what they are unless given."""
    for name, default in usual.items():
        if said.get(name, default) != default:
            yield from (f"--{name.replace('_', '-')}", str(said[name]))


def _facts(manifest: Mapping[str, Any], finished: Finished) -> Iterator[tuple[str, str]]:
    yield "folder", str(finished.path)
    yield "state", str(manifest.get("state"))
    yield "started", str(manifest.get("started"))
    yield "ended", str(manifest.get("ended"))
    yield "seed", str(manifest.get("seed"))
    judge = manifest.get("judge") or {}
    if judge.get("model"):
        yield "model", str(judge["model"])
        yield "model as served", ", ".join(map(str, manifest.get("served_models") or ["not said"]))
        yield "parameters", json.dumps(judge.get("params", {}))
    template = manifest.get("template") or {}
    if template:
        yield "template", f"{template.get('name')}, SHA-256 {template.get('hash')}"
    companion = manifest.get("companion") or {}
    if companion:
        yield "template for Ties", f"{companion.get('name')}, SHA-256 {companion.get('hash')}"
    data, items = manifest.get("data") or {}, manifest.get("items") or {}
    yield "data", f"{data.get('source')}{', revision ' + str(data['revision']) if data.get('revision') else ''}"
    yield "items", f"{items.get('count')} of {items.get('of')}, SHA-256 {items.get('hash')}"
    for name, said in (manifest.get("versions") or {}).items():
        yield f"version of {name}", str(said)
