"""A benchmark file in the place of a benchmark's name or of rows, and the file that `data show --save` writes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgebench.sources.mapped import RowMap
    from judgebench.sources.opening import Data

SUFFIXES = (".yaml", ".yml")


def is_benchmark_file(data: object) -> bool:
    """Whether something names a benchmark file, there or not."""
    return isinstance(data, str | Path) and str(data).lower().endswith(SUFFIXES)


def rows_of(benchmark: str, data: Data | None) -> tuple[str, Data | None]:
    """The benchmark and the rows, where a benchmark file may stand in the place of either.

    Raises:
        ConfigError: A data file stands in the place of a benchmark, or a benchmark file is given to another benchmark.
    """
    if is_benchmark_file(data):
        if benchmark == "custom":
            return str(data), None
        raise ConfigError(f"--data {data} is a benchmark of its own: put it in the place of '{benchmark}'")
    if not is_benchmark_file(benchmark) and Path(benchmark).suffix and data is None and Path(benchmark).is_file():
        raise ConfigError(f"'{benchmark}' is a file, not a benchmark: use custom --data {shlex.quote(benchmark)}")
    return benchmark, data


def benchmark_yaml(name: str, source: Mapping[str, object], item: str, names: RowMap, head: str) -> str:
    """The text of a benchmark file.

    Args:
        name: What the rows are called.
        source: `files`, or `hub` with its revision, config and split.
        item: What a row is: `pair`, `best_of_k`, `rating`, `label`, `criteria` or `steps`.
        names: Its columns and labels.
        head: A comment above it all.
    """
    data: dict[str, object] = {"name": name, "source": dict(source), "item": item}
    if names.names:
        data["columns"] = dict(names.names)
    if names.labels:
        data["labels"] = dict(names.labels)
    return f"# {head}\n" + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=10_000)
