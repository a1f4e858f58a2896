"""Where a benchmark's rows come from: files, folders of files, and datasets of the Hugging Face hub.

`Rows` streams from its source each time it is iterated, so no more than a batch is held in memory. Mistakes in a file
are found as its rows are read, and name the file and the line.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
import warnings
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from judgebench._util.steps import count_lines
from judgebench.benchmarks import hub
from judgebench.benchmarks.files import FORMATS, Row, _kind, _reader, _reason
from judgebench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from judgebench.items import Data

_HUB_ID = re.compile(
    r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([^:]+))?(?::([A-Za-z0-9][\w.-]*(?:,[A-Za-z0-9][\w.-]*)*))?", re.ASCII
)


@dataclass(frozen=True)
class Rows:
    """The rows of one source; each iteration reads the source again.

    Attributes:
        source: The path as it was given, or the hub id.
        read: Starts reading.
        revision: The commit of a hub dataset; None for files.
        split: The split, where the source has splits; several with commas between.
        count: Finds out how many rows there are; None where that takes as long as reading them.
    """

    source: str
    read: Callable[[], Iterator[Row]]
    revision: str | None = None
    split: str | None = None
    count: Callable[[], int | None] = lambda: None

    def __iter__(self) -> Iterator[Row]:
        """Stream the rows.

        Raises:
            DataError: The source cannot be read, a row is malformed, or there is none.
        """
        row = None
        for row in self.read():
            yield row
        if row is None:
            raise DataError(f"{self.source} is empty: give a source with at least one row")


def open_rows(spec: Data, *, hub_split: str | None = None) -> Rows:
    """Rows from `PATH|HUB-ID[@REVISION][:SPLIT,...]`, a path if it exists or has a data file's suffix, or from memory.

    Args:
        spec: A file, a folder of files or of a saved dataset, or `owner/name` with an optional `@REVISION` and
            optional `:SPLIT`, or several with commas between; or a data frame, or rows.
        hub_split: The split of a dataset that has splits, where the spec names none; None takes the only one, else
            `test`, else `train`.

    Raises:
        DataError: There is no such source, or it holds no data files, or the hub cannot give it.
    """
    if not isinstance(spec, str | Path):
        return _in_memory(spec)
    spec, path = str(spec), Path(spec)
    try:
        path = path.expanduser()
        found = bool(spec.strip()) and path.stat() is not None
    except (FileNotFoundError, NotADirectoryError):
        found = False
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"cannot read {spec[:200]!r} ({_reason(error)}): check the path") from error
    if found:
        return (
            _open_folder(spec, path, hub_split)
            if path.is_dir()
            else Rows(spec, _reader(path), count=lambda: count_rows([path]))
        )
    match = _HUB_ID.fullmatch(spec)
    if _kind(path) is not None or match is None:
        raise _missing(spec, path)
    hub_id, revision, splits = match.groups()
    tables: list[hub.Table] = []
    for split in splits.split(",") if splits else [hub_split]:
        tables.append(hub.load_hub(hub_id, split=split, revision=tables[0].revision if tables else revision))
    return _of_tables(hub_id, hub_id, tables)


def _in_memory(data: Any) -> Rows:
    """The rows of a data frame, or of an iterable, which is gone through once."""
    if hasattr(data, "to_dict") and hasattr(data, "notna"):  # pandas: what is missing there is a NaN
        data = data.astype(object).where(data.notna(), None).to_dict("records")
    elif hasattr(data, "to_dicts"):  # polars
        data = data.to_dicts()
    if not isinstance(data, Iterable):
        raise DataError(f"data is {data!r}: give a path, a hub id, a data frame or rows")
    rows = []
    for number, row in enumerate(data, 1):
        if not isinstance(row, Mapping):
            raise DataError(f"row {number} is a {type(row).__name__}: give each row as a mapping of columns")
        rows.append(Row(f"row {number}", {str(name): _plain_cell(value) for name, value in row.items()}))
    return Rows(f"{len(rows)} rows in memory", lambda: map(copy, rows), count=lambda: len(rows))


def _plain_cell(value: Any) -> Any:
    """A cell as JSON would give it: NumPy's numbers and arrays are Python's."""
    return value.tolist() if hasattr(value, "tolist") else value


def decode_cell(value: Any) -> Any:
    """What a text cell stands for where a list or an object is meant: JSON, or a list as Python (and pandas) prints it.

    Anything else comes back as it is, so a text that only starts with a bracket stays a text.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text.startswith(("[", "{")):
        return value
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _printed(text) or value


def as_list(value: Any) -> list[Any]:
    """A column that is declared as a list: a list, a cell that holds one, or a single value; None is no value."""
    value = decode_cell(value)
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _printed(text: str) -> list[Any] | dict[str, Any] | None:
    """The list or dict whose `repr` the text is; a print of a numpy array, say, would be read as something else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parser's, on backslashes in what is no Python
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, list | dict) and repr(value) == text else None


# --- from a path to its readers


def data_stem(path: PurePath) -> str:
    """A data file's name without the suffixes that say how it is read; any other dot is a part of the name."""
    kind = _kind(path)
    if kind is None:
        return path.name
    length = len(kind) + (len(".gz") if path.name.lower().endswith(".gz") else 0)
    return path.name[:-length]


def _open_folder(spec: str, folder: Path, split: str | None) -> Rows:
    if hub.is_saved(folder):
        return _of_tables(spec, folder.name, [hub.load_saved(folder, split=split)])
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and _kind(path))
        readers = [_reader(path) for path in files if path.is_file()]
        nested = not readers and any(
            _kind(path) for depth in (2, 3) for path in folder.glob("/".join(["[!.]*"] * depth))
        )
    except OSError as error:
        raise DataError(f"cannot read the folder {spec} ({_reason(error)}): check its permissions") from error
    if nested:
        return _of_tables(spec, folder.name, [hub.load_folder(folder, split=split)])
    if not readers:
        raise DataError(f"the folder {spec} holds no data file: give one with files that end in {FORMATS}")
    return Rows(spec, lambda: (row for read in readers for row in read()), count=lambda: count_rows(files))


def _of_tables(source: str, name: str, tables: Sequence[hub.Table]) -> Rows:
    def read() -> Iterator[Row]:
        for table in tables:
            place = f"{name} split {table.split} row" if table.split else f"{name} row"
            for number, data in enumerate(table, 1):
                yield Row(f"{place} {number}", data, table.split)

    splits = ",".join(table.split for table in tables if table.split)
    count = sum(len(table.dataset) for table in tables)
    return Rows(source, read, revision=tables[0].revision, split=splits or None, count=lambda: count)


def _missing(spec: str, path: Path) -> DataError:
    """The error for a path that is not there, with the data files that are."""
    if not path.parent.is_dir():
        mend = f"the folder {path.parent} does not exist either"
    else:
        try:
            names = sorted(near.name for near in path.parent.iterdir() if _kind(near) or near.is_dir())
        except OSError:
            names = []
        near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
        files = [name for name in names if _kind(PurePath(name))]
        if near:
            mend = f"did you mean {' or '.join(near)}?"
        elif files:
            mend = f"the folder has {', '.join(files[:5])}{' and more' if len(files) > 5 else ''}"
        else:
            mend = "its folder has no data files"
    hint = "" if _kind(path) else "; a dataset of the Hugging Face hub is named owner/name[@REVISION][:SPLIT]"
    return DataError(f"no such file or folder: {spec!r}: {mend}{hint}")


# --- the formats


def count_rows(files: Sequence[Path]) -> int | None:
    """How many rows files of Parquet and JSONL have; None where one is of another kind, or cannot be read.

    Blank lines count too.
    """
    counts = [_count(path) for path in files]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _count(path: Path) -> int | None:
    if path.name.lower().endswith(".jsonl"):
        return count_lines(path)
    if not path.name.lower().endswith(".parquet"):
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException):
        return None
