"""Several runs as one table: for pandas, and for Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.errors import ConfigError
from judgebench.runs import Run, frames, list_runs, open_run, run_labels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from judgebench.runs import TableName


def to_pandas(runs: Run | str | Path | Sequence[Run | str | Path], table: TableName = "judgements") -> pd.DataFrame:
    """Runs as one pandas table, whose first columns say of which run a row is.

    They are benchmark, judge, template, protocol, and `run`, which tells it from the others of the table.

    >>> import judgebench as jb
    >>> run = jb.run("rewardbench", judge="offline/longest", data="sample")
    >>> len(jb.to_pandas(run, "outcomes"))
    54

    Args:
        runs: A run or several, or their folders.
        table: `judgements` (one row per reply), `outcomes` (one row per item) or `scores` (one row per score: of the
            whole, of each section and subset).

    Raises:
        ConfigError: A folder is no run, or lacks what the table is made from; or there is no such table.
    """
    every = opened(runs)
    labels = run_labels(every)
    tables = [arrow_of(run, table, label.title) for run, label in zip(every, labels, strict=True)]
    return frames.pandas_of(frames.concatenated(tables))


def opened(runs: Run | str | Path | Sequence[Run | str | Path]) -> list[Run]:
    """Runs, each once.

    Raises:
        ConfigError: A folder is no run, or there is none at all.
    """
    found: dict[Path, Run] = {}
    for each in list_runs(runs):
        run = each if isinstance(each, Run) else open_run(each)
        found.setdefault(run.path.resolve(), run)
    if not found:
        raise ConfigError("no run named: name one or more run folders")
    return list(found.values())


def arrow_of(run: Run, table: str, title: str) -> pa.Table:
    """One run's rows, with the columns that say whose they are, `title` among them; `items` has their texts."""
    benchmark = str(run.manifest.benchmark)
    schema = frames.schema_of(table)
    if table == "items":
        return frames.arrow(frames.item_rows(benchmark, run.items), schema)
    whose = frames.identity(benchmark, run.name, title)
    return frames.arrow(({**whose, **row} for row in run.rows(frames.check_table(table))), schema)
