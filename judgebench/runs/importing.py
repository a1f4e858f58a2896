"""Runs of verdicts that were made elsewhere, written as any other."""

from __future__ import annotations

import hashlib
import math
import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import yaml

from judgebench._util.files import write_texts
from judgebench._util.steps import step
from judgebench.errors import ConfigError, DataError
from judgebench.protocols import Protocol, pairs as pairings
from judgebench.runs.folder import RunWriter, check_writable, in_place_of
from judgebench.runs.imported import Importer
from judgebench.runs.itemfile import share_items
from judgebench.runs.journal import write_lines
from judgebench.runs.manifest import IMPORTED, Name, folder_name, folder_of, make_manifest, now, protocol_folder
from judgebench.runs.scoring import Beside, score
from judgebench.runs.templatefiles import template_texts
from judgebench.runs.templates import described
from judgebench.sources.opening import data_stem
from judgebench.templates import parse_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.benchmarks.base import Benchmark
    from judgebench.benchmarks.dataset import Dataset
    from judgebench.items import Classes, Mode
    from judgebench.runs.imported import ImportedPart, ImportOptions
    from judgebench.sources.source import Source
    from judgebench.templates import Template

_TEMPLATE = """---
name: imported
mode: {mode}
description: Verdicts that were made elsewhere; how the question was put is not known.
{scale}verdict:
  pattern: '{pattern}'
  example: '{example}'
---
{{% block user %}}(asked elsewhere){{% endblock %}}
"""


def import_runs(
    source: Source, benchmark: Benchmark, dataset: Dataset | None, *, out: Path, options: ImportOptions
) -> list[Path]:
    """Makes a run of each judge's verdicts in a file.

    Args:
        source: The file's rows.
        benchmark: Whose items they are about.
        dataset: The items; None where the file's rows say all that is known of them.
        out: The folder above the runs' folders.
        options: How the file is read.

    Returns:
        The runs' folders, one for each judge or annotator that the file names, in the order in which it does.

    Raises:
        ConfigError: The form is not known, rows say no verdict, or ratings and choices are mixed.
    """
    started = now()
    check_writable(out / folder_name(benchmark.name), "--out")
    made = []
    with Importer(source, benchmark, dataset, options) as importer:
        importer.read()
        for annotator, part in importer.parts.items():
            name = _judge(importer, annotator, options.judge, source)
            made.append(_write(importer, part, name, annotator, out=out, started=started, options=options))
    return made


def _judge(importer: Importer, annotator: str | None, given: str | None, source: Source) -> str:
    if given is not None:
        return given if len(importer.parts) == 1 else f"{given} {annotator}"
    return annotator or data_stem(PurePath(source.name)) or source.name


def _write(
    importer: Importer,
    part: ImportedPart,
    judge: str,
    annotator: str | None,
    *,
    out: Path,
    started: str,
    options: ImportOptions,
) -> Path:
    benchmark, source = importer.benchmark, importer.source
    if len(part.modes) > 1:
        raise DataError(f"{source.name}: holds ratings and choices, or choices of 2 and of more: split it")
    (mode,) = part.modes
    template = options.template or _template(mode, part, importer)
    if template.mode != mode:
        raise ConfigError(f"template '{template.name}' has mode {template.mode}, the file's verdicts {mode}")
    if template.rule.reads_each:
        raise ConfigError(
            f"template '{template.name}' asks about each criterion, and recorded replies are one for each item: name "
            "one with verdict.of, whose replies are about all criteria"
        )
    kept = [item for item in importer.keys if item in part.readings]
    samples = 1 + max(reading.sample for among in part.readings.values() for reading in among)
    several = any(len({reading.order for reading in among}) > 1 for among in part.readings.values())
    protocol = Protocol("both" if several and template.kind.ordered else "one", samples, soft=part.soft, recorded=True)
    named = "-".join([template.kind.many or protocol.orders, *protocol.names()])
    digest = importer.hash_of(kept)
    part.spool.seek(0)
    file = source.hash() or hashlib.file_digest(part.spool, "sha256").hexdigest()  # type: ignore[arg-type]
    origin = {
        "kind": IMPORTED,
        "form": importer.form.name,
        "file": source.name,
        "hash": file,
        "annotator": annotator,
        "ordered": part.ordered,
        "texts": importer.has_texts,
    }
    identity = {
        **benchmark.identity(),
        "imported": {"file": file, "annotator": annotator, "judge": judge},
        "read_by": None if options.template is None else template.hash,
        "items": digest,
    }
    classes = template.rule.classes
    keys = {item: template.kind.held_against(importer.keys[item], classes) for item in kept}
    outcomes = [pairings.outcome(benchmark, protocol, keys[item], part.readings[item]) for item in kept]
    with step(f"scoring {benchmark.name} · {judge}"):
        beside = Beside(
            notes=list(_notes(importer, part, kept)),
            classes=classes,
            ordered=part.ordered,
            placed=part.ordered,
            models=importer.models(part.readings),
        )
        metrics = score(
            benchmark, Name(judge, template.name, named), protocol, outcomes, part.readings, part.usage, beside
        )
    parts = {
        "benchmark": benchmark.name,
        "benchmark_file": benchmark.declaration() or None,
        "judge": {"name": judge},
        "template": described(template),
        "companion": None,
        "protocol": {**protocol.to_json(), "name": named},
        "selection": importer.selection,
        "seed": 0,
        "data": importer.data,
        "items": {"count": len(kept), "of": len(importer.keys), "hash": digest},
        "origin": origin,
        "identity": identity,
    }
    plain = out / folder_name(benchmark.name) / folder_name(judge) / folder_name(template.name) / protocol_folder(named)
    folder = folder_of(plain, identity)
    with in_place_of(folder, identity, "choose another with --out") as part_folder:
        share_items(part_folder, digest, (item for item in importer.items if item.id in part.readings))
        write_texts(part_folder, template_texts(template))
        part.spool.seek(0)
        write_lines(part_folder, part.spool)
        RunWriter(part_folder).finish(make_manifest("done", started, parts), outcomes, metrics)
    return folder


def _notes(importer: Importer, part: ImportedPart, kept: Sequence[str]) -> Iterator[str]:
    yield f"imported from {importer.source.name} ({importer.form.name})"
    yield from importer.notes
    if not part.ordered:
        yield "the order in which answers were shown is not known, so nothing is said of position"
    if len(kept) < len(importer.keys):
        yield f"{len(importer.keys) - len(kept)} of {len(importer.keys)} items have no verdict and are left out"


def _template(mode: Mode, part: ImportedPart, importer: Importer) -> Template:
    """What stands in the place of a template, so that the run is read as any other."""
    scale, pattern, example = "", "^(tie|[A-Z])$", "A"
    if mode == "rating":
        low, high = (math.floor(part.ratings[0]), math.ceil(part.ratings[-1])) if part.ratings else (0, 1)
        scale = f"scale: [{low}, {max(high, low + 1)}]\n"
        pattern, example = r"^(-?\d+(?:\.\d+)?)$", str(low)
    if mode == "label" and importer.classes is not None:
        return _label_template(importer.classes, importer.source.name)
    if mode == "steps":
        pattern, example = r"^(-?\d+)$", "0"
    text = _TEMPLATE.format(mode=mode, scale=scale, pattern=pattern, example=example)
    return parse_template(text, importer.source.name, ())


def _label_template(classes: Classes, where: str) -> Template:
    """The same for classes."""
    head = {
        "name": "imported",
        "mode": "label",
        "description": "Verdicts that were made elsewhere; how the question was put is not known.",
        "positive": classes.positive,
        **({"abstain": classes.abstain} if classes.abstain else {}),
        "verdict": {
            "pattern": f"^({'|'.join(map(re.escape, classes.names))})$",
            "values": {name: name for name in classes.names},
            "example": classes.names[0],
        },
    }
    text = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=10_000)
    return parse_template(f"---\n{text}---\n{{% block user %}}(asked elsewhere){{% endblock %}}\n", where, ())
