"""Ratings by attribute as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgebench._util.table import Column, Table, TableRow
from judgebench._util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping


def attribute_table(found: Mapping[str, Any]) -> Table:
    """A row for each attribute: Pearson's r with its interval, the rank correlations and the accuracy.

    Args:
        found: `attributes` in `metrics.json`.
    """
    columns = [
        Column("attribute", names=True),
        Column("r", "coefficient", head="Pearson r"),
        Column("95% CI", "coefficient"),
        Column("rho", "coefficient", head="Spearman"),
        Column("tau", "coefficient", head="Kendall"),
        Column("accuracy", "share"),
        Column("items", "count"),
    ]
    rows = []
    for name, each in found.items():
        pearson, accuracy = each["correlations"]["pearson"], each["accuracy"]
        ends = None if pearson is None else (pearson["low"], pearson["high"])
        share = None if accuracy is None else accuracy["score"]
        values = (one_line(name), each["pearson"], ends, each["spearman"], each["kendall"], share, each["n"])
        rows.append(TableRow(values))
    missing = sum(each["unrated"] for each in found.values())
    total = sum(each["n"] for each in found.values())
    bounds = "; of the accuracies these count as wrong" if missing else ""
    return Table(columns, rows, notes=[f"{missing} of {total} grades have no rating{bounds}"] if missing else [])
