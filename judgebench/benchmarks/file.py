"""A benchmark file: rows of one's own with the names of their columns and labels, in YAML."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from judgebench._util.yaml import YamlFile
from judgebench.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgebench.sources.mapped import RowMap
    from judgebench.sources.opening import Data

SUFFIXES = (".yaml", ".yml")

_READ = ("name", "source", "license", "reference", "item", "columns", "labels")
_NOT_YET = ("sections", "rule", "average", "orders", "template")
_SOURCE = ("files", "hub", "revision", "config", "split")


@dataclass(frozen=True)
class BenchmarkFile:
    """What a benchmark file says of its rows.

    Attributes:
        path: The file's own.
        name: What the rows are called.
        data: Where they are: one path, several, or a hub id with its revision and split.
        config: The configuration of a hub dataset.
        columns: Name that a benchmark knows -> the rows' own.
        labels: What stands in the label's column -> what it means.
    """

    path: Path
    name: str
    data: str | tuple[Path, ...]
    config: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def under(self, options: RowMap) -> RowMap:
        """How its rows are read where options on the command line stand above it."""
        return replace(
            options,
            columns={**self.columns, **options.columns},
            labels={**self.labels, **options.labels},
            config_name=options.config_name or self.config,
        )


def is_benchmark_file(data: object) -> bool:
    """Whether something names a benchmark file, there or not."""
    return isinstance(data, str | Path) and str(data).lower().endswith(SUFFIXES)


def rows_of(benchmark: str, data: Data | None) -> tuple[str, Data | None]:
    """The benchmark and the rows, where a benchmark file may stand in the place of a benchmark's name.

    Raises:
        ConfigError: Rows are given twice.
    """
    if not is_benchmark_file(benchmark):
        if Path(benchmark).suffix and data is None and Path(benchmark).is_file():
            raise ConfigError(f"'{benchmark}' is a file, not a benchmark: use custom --data {shlex.quote(benchmark)}")
        return benchmark, data
    if data is not None:
        raise ConfigError(f"{benchmark} names its rows itself: leave --data out")
    return "custom", benchmark


def read_benchmark_file(path: Path) -> BenchmarkFile:
    """Reads a benchmark file; paths in it start in its folder.

    Raises:
        ConfigError: It cannot be read, or a key or value in it means nothing; the message names the line.
    """
    file = YamlFile(path)
    data = file.data
    if not isinstance(data, dict) or "source" not in data:
        raise ConfigError(
            f"{path}: no benchmark file: it needs source: {{files: [rows.csv]}} or source: {{hub: owner/name}}"
        )
    for key in data:
        if key in _NOT_YET:
            raise file.mistake([key], "is not supported yet: leave it out, or give the option of that name to run")
        if key not in _READ:
            raise ConfigError(f"{path}, line {file.line([key])}: {unknown_name('key', str(key), [*_READ, *_NOT_YET])}")
    source = data["source"]
    if not isinstance(source, dict) or bool(source.get("files")) == bool(source.get("hub")):
        raise file.mistake(["source"], "must name either files: [rows.csv] or hub: owner/name")
    for key in source:
        if key not in _SOURCE:
            raise file.mistake(["source", key], f"is no part of a source: {', '.join(_SOURCE)}")
    maps = {key: _names(file, key) for key in ("columns", "labels")}
    config = source.get("config")
    return BenchmarkFile(
        path=path,
        name=str(data.get("name") or path.stem),
        data=_data(file, source),
        config=None if config is None else str(config),
        columns=maps["columns"],
        labels=maps["labels"],
    )


def _data(file: YamlFile, source: Mapping[str, Any]) -> str | tuple[Path, ...]:
    if source.get("hub"):
        revision, split = source.get("revision"), source.get("split")
        return f"{source['hub']}{f'@{revision}' if revision else ''}{f':{split}' if split else ''}"
    files = source["files"] if isinstance(source["files"], list) else [source["files"]]
    if not all(isinstance(each, str) for each in files):
        raise file.mistake(["source", "files"], "must be a list of paths")
    return tuple(file.path.parent / each for each in files)


def _names(file: YamlFile, key: str) -> dict[str, str]:
    given = file.data.get(key) or {}
    if not isinstance(given, dict) or any(isinstance(value, dict | list) for value in given.values()):
        raise file.mistake([key], "must be names and values, such as {prompt: question}")
    if key == "columns":
        return {str(name): str(own) for name, own in given.items() if own is not None}
    return {str(value): "" if meaning is None else str(meaning) for value, meaning in given.items()}


def benchmark_yaml(name: str, source: Mapping[str, object], item: str, names: RowMap, head: str) -> str:
    """The text of a benchmark file.

    Args:
        name: What the rows are called.
        source: `files`, or `hub` with its revision, config and split.
        item: What a row is: `pair`, `best_of_k`, `rating` or `label`.
        names: Its columns and labels.
        head: A comment above it all.
    """
    data: dict[str, object] = {"name": name, "source": dict(source), "item": item}
    if names.names:
        data["columns"] = dict(names.names)
    if names.labels:
        data["labels"] = dict(names.labels)
    return f"# {head}\n" + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=10_000)
