"""The rows of a file of verdicts under the names that its forms know, and how the rows of its items are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from judgebench.sources.columns import plain
from judgebench.sources.inspectlog import InspectLog, is_inspect_log
from judgebench.sources.mapped import MappedSource, RowMap, label_of, names_slot
from judgebench.sources.opening import source_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgebench.sources.opening import Data
    from judgebench.sources.source import Source


def verdict_source(
    file: Data, columns: Mapping[str, str], labels: Mapping[str, str], id_column: str | None, *, with_data: bool
) -> tuple[Source, RowMap]:
    """A file of verdicts, and how the rows of its items are read.

    Args:
        file: A path, a hub id, a frame or rows; or an eval log of Inspect.
        columns: Columns by name: those that the file has are its own, the others those of the items' rows.
        labels: What words mean, in both.
        id_column: The column of the ids, in both.
        with_data: Whether the items have rows of their own.

    Raises:
        DataError: There is no such file, or neither has a column of that name.
    """
    is_log = isinstance(file, str | Path) and is_inspect_log(Path(file))
    source: Source = InspectLog(str(file), Path(str(file))) if is_log else source_of(file)
    named = dict(columns) if id_column is None else {"id": id_column, **columns}
    first = next((row for row in source.placed_rows() if row.problem is None), None)
    has = set() if first is None else {plain(name) for name in first.data}
    own = {name: column for name, column in named.items() if plain(column) in has or not with_data}
    own |= {name: column for name, column in columns.items() if name not in own and name in _VERDICTS}
    items = {name: column for name, column in columns.items() if name not in own}
    meanings = {word: meaning for word, meaning in labels.items() if names_slot(label_of(meaning))} or dict(labels)
    # What was judged elsewhere was judged as it is.
    rows = RowMap(columns=items, labels=meanings, id_column=id_column, empty_answers="keep")
    return MappedSource(source, own) if own else source, rows


_VERDICTS = frozenset({"verdict", "order", "reply", "annotator", "probability", "rating", "sample"})
"""What only files of verdicts have."""
