"""How many rows data files have, where that can be told without reading them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.steps import count_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


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
