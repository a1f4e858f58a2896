"""A benchmark file checked before it is run: keys, rule, template, and what its rows become."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.base import is_declared
from judgebench.benchmarks.dataset import Selection, load_dataset
from judgebench.benchmarks.file import is_benchmark_file
from judgebench.errors import ConfigError
from judgebench.templates import load_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from judgebench.benchmarks.dataset import Dataset
    from judgebench.items import ItemKey
    from judgebench.sources.opening import Data


@dataclass(frozen=True)
class LintedBenchmark:
    """What a benchmark file comes to.

    Attributes:
        lines: What it is, as names and texts.
        notes: What is odd but no mistake, a sentence each.
    """

    lines: Sequence[tuple[str, str]]
    notes: Sequence[str]


def lint_benchmark(file: str | Path, *, data: Data | None = None) -> LintedBenchmark:
    """What a benchmark file comes to; no call is made, and nothing is loaded from the hub.

    Args:
        file: The benchmark file.
        data: Rows in the place of the file's own; None reads these where they are files.

    Raises:
        ConfigError: Something in it is wrong; the message names the line, or the row.
    """
    if not is_benchmark_file(file):
        raise ConfigError(f"{file}: a benchmark file ends in .yaml")
    benchmark = get_benchmark(str(file))
    assert is_declared(benchmark)
    for mode, name in benchmark.templates.items():
        template = load_template(name)
        if template.mode != mode:
            raise ConfigError(f"{file}: template '{name}' has mode {template.mode}, expected {mode}")
    spec = benchmark.spec
    lines = [
        ("name", benchmark.name),
        ("rule", f"{benchmark.scoring.name}, {spec.average} average, orders {benchmark.official_orders}"),
        ("templates", ", ".join(f"{name} ({mode})" for mode, name in benchmark.templates.items())),
    ]
    notes = []
    if spec.rule is None:
        notes.append(f"no rule: {benchmark.scoring.name} is taken, the usual one for item: {spec.item}")
    wanted = {"license": "say under which licence the data is", "reference": "say where data and rule are from"}
    notes += [f"no {key}: {why}" for key, why in wanted.items() if getattr(spec, key) is None]
    if data is None and spec.source.files is None:
        notes.append(f"the rows are not read ({benchmark.rows_are}): --data PATH checks them")
        return LintedBenchmark(lines, notes)
    dataset = load_dataset(benchmark, data, Selection())
    lines += list(_rows(dataset))
    return LintedBenchmark(lines, [*notes, *_odd(dataset)])


def _rows(dataset: Dataset) -> Iterator[tuple[str, str]]:
    keys = dataset.keys.values()
    yield "items", f"{len(keys):,} from {dataset.understood.rows:,} rows of {dataset.source}"
    if dataset.understood.labels:
        yield "labels", ", ".join(f"{name} {count:,}" for name, count in dataset.understood.labels.most_common())
    yield "subsets", _counted(key.subset for key in keys)
    sections = [section for key in keys if (section := dataset.benchmark.layout.section_of(key))]
    if sections:
        yield "sections", _counted(sections)
    yield "columns", ", ".join(f"{role}={own}" for role, own in dataset.understood.used.items())


def _counted(names: Iterator[str] | list[str]) -> str:
    counts = Counter(names)
    said = ", ".join(f"{name} {count:,}" for name, count in counts.most_common(12))
    return said if len(counts) <= 12 else f"{said} and {len(counts) - 12} more"


def _odd(dataset: Dataset) -> Iterator[str]:
    keys: list[ItemKey] = list(dataset.keys.values())
    unlabelled = sum(not key.labelled for key in keys)
    if unlabelled:
        yield f"{unlabelled:,} of {len(keys):,} items have no label and are not scored"
    layout = dataset.benchmark.layout
    there = {layout.section_of(key) for key in keys}
    empty = [name for name in layout.sections if name not in there]
    if empty:
        yield f"no items in the sections {', '.join(empty)}"
    yield from dataset.notes
    if dataset.understood.unused:
        yield f"columns not used: {', '.join(dataset.understood.unused)} (a template may show them as item.NAME)"
