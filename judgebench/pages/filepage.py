"""What the page of Parquet files of judgements has below its boards: biases, agreement and a sample of items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from judgebench.analysis.filereport import more_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench._util.table import Table
    from judgebench.analysis.fileboard import FileRuns
    from judgebench.analysis.judgementcolumns import SampledItem
    from judgebench.items import ItemKey

_HALF = 0.5


@dataclass(frozen=True, slots=True)
class SampleRow:
    """An item of a page's sample.

    Attributes:
        item: With its texts, where they are known.
        num_correct: How many of its completions, from the first on, are correct.
        mean: The mean credit over the runs that have one; None where none has.
        wrong: The runs with less than half of the credit.
        failed: The runs without any verdict on it.
    """

    item: SampledItem
    subset: str
    num_correct: int
    mean: float | None
    runs: int
    wrong: tuple[str, ...]
    failed: tuple[str, ...]


def sampled_items(runs: FileRuns) -> list[SampleRow]:
    """The sample of items, the hardest first."""
    numbers = np.array([each.number for each in runs.sample], dtype=np.int64)
    credits_ = np.full((len(runs.figures), len(numbers)), np.nan)
    silent = np.zeros(credits_.shape, dtype=bool)
    there = np.zeros(credits_.shape, dtype=bool)
    of_kind = np.array([np.nan if kind.credit is None else kind.credit for kind in runs.patterns.kinds])
    keys: list[ItemKey | None] = [None] * len(numbers)
    for row, each in enumerate(runs.figures):
        at = np.minimum(np.searchsorted(each.items, numbers), len(each.items) - 1)
        there[row] = each.items[at] == numbers
        credits_[row] = np.where(there[row], of_kind[each.kinds[at]], np.nan)
        silent[row] = there[row] & (each.choices[at] < 0)
        for column in np.flatnonzero(there[row]).tolist():
            keys[column] = keys[column] or runs.patterns.kinds[each.kinds[at[column]]].item
    rows = []
    for column, (item, key) in enumerate(zip(runs.sample, keys, strict=True)):
        got = credits_[:, column]
        known = ~np.isnan(got)
        rows.append(
            SampleRow(
                item,
                "" if key is None else key.subset,
                0 if key is None else key.num_correct,
                float(got[known].mean()) if known.any() else None,
                int(there[:, column].sum()),
                tuple(runs.titles[at] for at in np.flatnonzero(known & (got < _HALF) & ~silent[:, column])),
                tuple(runs.titles[at] for at in np.flatnonzero(silent[:, column])),
            )
        )
    return sorted(rows, key=lambda row: (row.mean is None, row.mean or 0.0, row.item.id))


def beside_boards(runs: Sequence[FileRuns]) -> dict[str, tuple[list[Table], list[SampleRow]]]:
    """What stands below each board, by benchmark: biases, agreement and subsets, and a sample of items."""
    return {each.benchmark.name: (more_tables(each), sampled_items(each)) for each in runs}
