"""From what a user names or gives to the source of its rows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from glob import glob
from pathlib import Path, PurePath

from judgebench._util.plugins import class_of, plugin, plugin_names
from judgebench.errors import DataError
from judgebench.sources import hub
from judgebench.sources.files import FORMATS, FileSource, kind_of, reason_of, suffixes_of
from judgebench.sources.remote import RemoteSource, is_address
from judgebench.sources.source import Frame, FrameSource, ListSource, Source

GROUP = "judgebench.sources"
"""The entry points under which other packages bring sources; each names a callable of the text after the colon."""

_HUB_ID = re.compile(
    r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([^:]+))?(?::([A-Za-z0-9][\w.-]*(?:,[A-Za-z0-9][\w.-]*)*))?", re.ASCII
)


Data = str | Path | Source | Iterable[Mapping[str, object]] | Frame
"""What rows can be given as: a path, a hub id, `NAME:REST` for another package's source, a data frame, or rows."""


def source_of(data: Data, *, hub_split: str | None = None, config_name: str | None = None) -> Source:
    """The source that the rows are read from.

    Args:
        data: A source as it is; a path if there is one, or if it has a data file's suffix; an address that fsspec
            knows (`s3://bucket/rows.parquet`); a pattern of paths (`parts/*.parquet`); `NAME:REST`, where an installed
            package brings a source NAME; else the hub's `owner/name[@REVISION][:SPLIT,...]`; a frame of pandas, Polars
            or Arrow; a list or another iterable of dictionaries by column.
        hub_split: The split of a dataset that has splits, where `data` names none; None takes the only one, else
            `test`, else `train`.
        config_name: The configuration of a dataset that has several; None for the only one.

    Raises:
        DataError: There is no such source, or it holds no data files, or the hub cannot give it.
    """
    if isinstance(data, type):
        raise DataError(f"{data.__name__} is a class: pass an object of it: {data.__name__}(...)")
    if isinstance(data, Source):
        if problem := _problem(data):
            raise DataError(f"source {class_of(data)} cannot be used: {problem}")
        return data
    if isinstance(data, str | Path):
        return _named_source(str(data), hub_split, config_name)
    if isinstance(data, Frame):
        # A reader can be read only once, and rows are gone through more than once.
        return FrameSource(data.read_all() if hasattr(data, "read_all") else data)
    if isinstance(data, Mapping) or not isinstance(data, Iterable):
        raise DataError(f"data is {type(data).__name__}: give a path, a hub id, a data frame or a list of rows")
    return ListSource(list(data) if iter(data) is data else data)


def _named_source(spec: str, hub_split: str | None, config_name: str | None) -> Source:
    if is_address(spec):
        return RemoteSource(spec)
    path = Path(spec)
    try:
        path = path.expanduser()
        found = bool(spec.strip()) and path.stat() is not None
    except (FileNotFoundError, NotADirectoryError):
        found = False
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"cannot read {spec[:200]!r} ({reason_of(error)}): check the path") from error
    if found and config_name is not None:
        raise DataError(f"--config-name is for datasets of the hub, and {spec} is a file or folder: leave it out")
    if found:
        return _open_folder(spec, path, hub_split) if path.is_dir() else FileSource(spec, [path])
    plugged = _plugged(spec)
    if plugged is not None:
        return plugged
    if "*" in spec:
        return _open_pattern(spec, path)
    match = _HUB_ID.fullmatch(spec)
    if kind_of(path) is not None or match is None:
        raise _missing(spec, path)
    hub_id, revision, names = match.groups()
    splits: list[hub.Split] = []
    for name in names.split(",") if names else [hub_split]:
        commit = splits[0].revision if splits else revision
        splits.append(hub.load_hub(hub_id, split=name, revision=commit, config=config_name))
    return hub.DatasetSource(hub_id, hub_id, splits)


def source_of_files(name: str, paths: Sequence[Path]) -> Source:
    """The rows of several files, one after another.

    Raises:
        DataError: One is missing, or of no known format.
    """
    for path in paths:
        if not path.exists():
            raise _missing(str(path), path)
    return FileSource(name, paths)


def _plugged(spec: str) -> Source | None:
    """Another package's source, where the text before the first colon is the name of one."""
    if not _names_source(spec):
        return None
    name, _, rest = spec.partition(":")
    source: Source = plugin(GROUP, "source", name, _problem, rest)
    return source


def _names_source(spec: str) -> bool:
    name, colon, _ = spec.partition(":")
    return bool(colon) and "/" not in name and name in plugin_names(GROUP)


def names_data(spec: str) -> bool:
    """Whether a text is the name of a data file, there or not, or of an installed package's source."""
    return kind_of(PurePath(spec)) is not None or _names_source(spec)


def _problem(made: object) -> str:
    if not isinstance(made, Source):
        return "it does not return a judgebench.sources.source.Source"
    return "" if isinstance(getattr(made, "name", None), str) else "it has no name: set self.name to a text"


# --- from a path to its readers


def data_stem(path: PurePath) -> str:
    """A data file's name without the suffixes that say how it is read; any other dot is a part of the name."""
    suffixes = suffixes_of(path)
    return path.name[: len(path.name) - len(suffixes)]


def _open_folder(spec: str, folder: Path, split: str | None) -> Source:
    if hub.is_saved(folder):
        return hub.DatasetSource(spec, folder.name, [hub.load_saved(folder, split=split)])
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and kind_of(path))
        files = [path for path in files if kind_of(path) != ".txt"]  # which are notes as often as rows
        files = [path for path in files if path.is_file()]
        nested = not files and any(
            kind_of(path) for depth in (2, 3) for path in folder.glob("/".join(["[!.]*"] * depth))
        )
    except OSError as error:
        raise DataError(f"cannot read the folder {spec} ({reason_of(error)}): check its permissions") from error
    if nested:
        return hub.DatasetSource(spec, folder.name, [hub.load_folder(folder, split=split)])
    if not files:
        raise DataError(f"the folder {spec} contains no data files: use one with files that end in {FORMATS}")
    return FileSource(spec, files)


def _open_pattern(spec: str, pattern: Path) -> Source:
    """The files that fit a pattern, in the order of their names."""
    found = sorted(Path(each) for each in glob(str(pattern), recursive=True))  # noqa: PTH207 - Path's has no absolute ones
    files = [path for path in found if kind_of(path) is not None and path.is_file()]
    if not files:
        raise DataError(f"no data files fit the pattern {spec!r}: use one for files that end in {FORMATS}")
    return FileSource(spec, files)


def _missing(spec: str, path: Path) -> DataError:
    """The error for a path that is not there, with the data files that are."""
    if not path.parent.is_dir():
        mend = f"the folder {path.parent} does not exist either"
    else:
        try:
            names = sorted(near.name for near in path.parent.iterdir() if kind_of(near) or near.is_dir())
        except OSError:
            names = []
        near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
        files = [name for name in names if kind_of(PurePath(name))]
        if near:
            mend = f"did you mean {' or '.join(near)}?"
        elif files:
            mend = f"the folder has {', '.join(files[:5])}{' and more' if len(files) > 5 else ''}"
        else:
            mend = "its folder has no data files"
    hint = "" if kind_of(path) else "; a dataset of the Hugging Face hub is named owner/name[@REVISION][:SPLIT]"
    name, colon, _ = spec.partition(":")
    if colon and "/" not in name:
        hint += f"; no installed package has a source '{name}' ({GROUP}: {', '.join(plugin_names(GROUP)) or 'none'})"
    return DataError(f"file or folder not found: {spec!r}: {mend}{hint}".replace("?; ", "? "))
