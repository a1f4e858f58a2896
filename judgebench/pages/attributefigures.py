"""Figures of ratings by attribute: the correlation of each run with the grades of each attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from judgebench._util.table import Column, Table
from judgebench.pages.axes import decimal_tick, linear
from judgebench.pages.figures import Figure, estimate_text
from judgebench.pages.plots import Dot, intervals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from judgebench.pages.chapters import Subject


def attribute_figures(subject: Subject) -> Iterator[Figure]:
    """One of the runs over items with grades by attribute; none where there are none."""
    runs = [
        (line, cast("Mapping[str, Any]", found))
        for line in subject.lines
        if (found := line.detail.metrics.extra.get("attributes"))
    ]
    if not runs:
        return
    rows, dots = [], []
    for name in dict.fromkeys(name for _, found in runs for name in found):
        for line, found in runs:
            each = found.get(name)
            pearson = None if each is None else each["correlations"]["pearson"]
            if each is None or pearson is None:
                continue
            value, ends = pearson["value"], (pearson["low"], pearson["high"])
            accuracy = None if each["accuracy"] is None else each["accuracy"]["score"]
            rows.append((line.title, name, value, ends, each["spearman"], each["kendall"], accuracy, each["n"]))
            text = f"{line.title}: {name} r {value:.3f} (95% CI {ends[0]:.3f} to {ends[1]:.3f})"
            dots.append(
                Dot(name, line.title, line.number, text, value, ends, None, estimate_text(value, ends, "pearson"))
            )
    if not rows:
        return
    title = "Attributes"
    lowest = min(0.0, *(row[3][0] for row in rows))
    yield Figure(
        f"{subject.slug}-attributes",
        title,
        "Pearson's r of the ratings and the graded labels of each attribute. Accuracy: the share of ratings that are "
        "the grade.",
        Table.rows_of(
            rows,
            Column("run"),
            Column("attribute"),
            Column("Pearson r", "coefficient"),
            Column("95% interval", "coefficient"),
            Column("Spearman", "coefficient"),
            Column("Kendall", "coefficient"),
            Column("accuracy", "share"),
            Column("items", "count"),
        ),
        intervals(dots, linear(lowest, 1.0, decimal_tick, "Pearson r", (-1.0, 1.0)), title),
    )
