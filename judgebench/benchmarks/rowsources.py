"""Where the rows of a benchmark file come from: datasets of the hub, its files, or what the user gives instead."""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks.columns import ColumnSpec
from judgebench.errors import ConfigError, DataError
from judgebench.sources import hub
from judgebench.sources.files import FileSource, kind_of
from judgebench.sources.opening import source_of, source_of_files
from judgebench.sources.source import Row, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.benchmarks.spec import BenchmarkSpec
    from judgebench.sources.opening import Data

PLACES = ("dataset", "config", "split", "file")
"""What a column may name of where a row is from, where the rows have no column of that name."""

_SHARD = re.compile(r"-\d{5}-of-\d{5}$")


class PlacedSource(Source):
    """Sources one after another, whose rows also say where they are from.

    Args:
        name: What they are called together.
        parts: Each source with what its rows get as further columns.
        asked: The further columns that anybody asks for.
    """

    def __init__(self, name: str, parts: Sequence[tuple[dict[str, str], Source]], asked: set[str]) -> None:
        self.name = name
        self._parts, self._asked = parts, asked
        first = parts[0][1]
        self.revision = first.revision
        self.split = ",".join(dict.fromkeys(source.split for _, source in parts if source.split)) or None

    def rows(self) -> Iterator[Row]:
        """The rows, part by part."""
        for places, source in self._parts:
            for row in source.placed_rows():
                where = {"split": _SHARD.sub("", row.split or ""), **places}
                row.data |= {name: where[name] for name in self._asked if name not in row.data and where.get(name)}
                yield row

    def count(self) -> int | None:
        """The number of rows of all parts; None where one does not know."""
        counts = [source.count() for _, source in self._parts]
        return None if None in counts else sum(count for count in counts if count is not None)

    def hash(self) -> str | None:
        """SHA-256 of the one file that the rows are from."""
        return self._parts[0][1].hash() if len(self._parts) == 1 else None

    def notes(self) -> Iterator[str]:
        """Those of all parts."""
        for _, source in self._parts:
            yield from source.notes()


def rows_from(spec: BenchmarkSpec, folder: Path | None, data: Data | None, config_name: str | None) -> Source:
    """The rows of a benchmark file.

    Args:
        spec: The file.
        folder: Where its paths start; None where it has none.
        data: What the user gives in the place of its own rows; None for these.
        config_name: A configuration of a hub dataset in the place of the file's.

    Raises:
        ConfigError: There are none, or they cannot be had; the message says how to fetch them by hand.
    """
    asked = _asked(spec)
    if data is not None:
        return _given(spec, data, config_name, asked)
    source = spec.source
    if source.files is not None:
        paths = [(folder or Path()) / path for path in source.files]
        return _of_files(str(paths[0]), paths, spec, asked)
    if source.hub is None:
        raise ConfigError(f"benchmark '{spec.name}' is not on the hub: {by_hand(spec)}")
    try:
        return PlacedSource(", ".join(source.hub), list(_from_hub(spec, config_name)), asked)
    except DataError as error:
        raise DataError(f"{error}; by hand: {by_hand(spec)}") from error


def by_hand(spec: BenchmarkSpec) -> str:
    """How the rows are had without the hub, and given to a command."""
    if spec.fetch:
        return spec.fetch
    if spec.source.hub:
        ids = " and ".join(f"hf download {each} --repo-type dataset --local-dir rows" for each in spec.source.hub[:1])
        more = f" (and the others: {', '.join(spec.source.hub[1:])})" if len(spec.source.hub) > 1 else ""
        return f"{ids}{more}, then --data rows"
    return f"fetch {spec.source.url}, then --data FILE or FOLDER" if spec.source.url else "add --data FILE"


def _asked(spec: BenchmarkSpec) -> set[str]:
    """Which of `PLACES` the file asks for."""
    names = {name for role in spec.columns for each in spec.expressions(role) for name in each.wanted()}
    names |= {*spec.only, *(ColumnSpec(spec.sections).wanted() if isinstance(spec.sections, str) else ())}
    return names & {*PLACES}


def _from_hub(spec: BenchmarkSpec, config_name: str | None) -> Iterator[tuple[dict[str, str], Source]]:
    source = spec.source
    every = source.split == ("all",) or (source.split is None and "split" in _asked(spec))
    for hub_id in source.hub or ():
        for config in [config_name] if config_name is not None else source.config or (None,):
            if every:
                splits = hub.load_splits(hub_id, revision=source.revision, config=config)
            else:
                names: Sequence[str | None] = source.split or (None,)
                splits = [hub.load_hub(hub_id, split=n, revision=source.revision, config=config) for n in names]
            places = {"dataset": hub_id.rpartition("/")[2], **({"config": config} if config else {})}
            yield places, hub.DatasetSource(hub_id, hub_id, splits)


def _given(spec: BenchmarkSpec, data: Data, config_name: str | None, asked: set[str]) -> Source:
    path = Path(data).expanduser() if isinstance(data, str | Path) else None
    if path is not None and path.is_dir() and not hub.is_saved(path):
        found = sorted(each for each in path.rglob("*") if each.is_file() and kind_of(each) not in {None, ".txt"})
        found = [each for each in found if not any(part.startswith(".") for part in each.relative_to(path).parts)]
        if not found:
            raise DataError(f"the folder {data} contains no data files")
        of_split = [each for each in found if _SHARD.sub("", each.name.partition(".")[0]) in (spec.source.split or ())]
        return _of_files(str(data), of_split or found, spec, asked, below=path)
    if asked and path is not None and path.is_file() and kind_of(path) is not None:
        return _of_files(str(data), [path], spec, asked)
    split = spec.source.split
    rows = source_of(data, hub_split=split[0] if split and split[0] != "all" else None, config_name=config_name)
    return PlacedSource(rows.name, [({}, rows)], asked) if asked else rows


def _of_files(
    name: str, paths: Sequence[Path], spec: BenchmarkSpec, asked: set[str], below: Path | None = None
) -> Source:
    if not asked:
        return source_of_files(name, paths) if below is None else FileSource(name, paths)
    for path in paths:
        source_of_files(name, [path])  # says what is not there
    return PlacedSource(name, [(_places(path, spec, below), FileSource(str(path), [path])) for path in paths], asked)


def _places(path: Path, spec: BenchmarkSpec, below: Path | None) -> dict[str, str]:
    """What a file's path says of its rows: the dataset and configuration that a folder, or the file, is named after."""
    relative = path.relative_to(below) if below is not None else PurePath(path.name)
    parts = [*relative.parts[:-1], relative.name.partition(".")[0]]
    plain = [_SHARD.sub("", part) for part in parts]
    found: dict[str, Any] = {"file": "/".join(plain)}
    datasets = [each.rpartition("/")[2] for each in spec.source.hub or ()]
    for place, names in (("dataset", datasets), ("config", spec.source.config or ())):
        named = [name for name in names if name in plain]
        found |= {place: named[0]} if named else {}
    if len(datasets) == 1:
        found.setdefault("dataset", datasets[0])
    return found
