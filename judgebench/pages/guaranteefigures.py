"""What can be left to each judge with a guaranteed agreement with people, where people have labelled items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.table import Column, Table
from judgebench._util.text import percent
from judgebench.analysis.guarantee import CONFIDENCE, coverage_curve
from judgebench.pages.axes import linear, share_tick
from judgebench.pages.figures import Figure
from judgebench.pages.plots import Curve, joined, keys, points

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgebench.pages.chapters import Subject


def guarantee_figures(subject: Subject) -> Iterator[Figure]:
    """The coverage of each judge by guaranteed agreement; none without labels that are choices or classes."""
    people = ((line, line.detail.people) for line in subject.lines)
    runs = [(line, found) for line, found in people if found is not None and found.kind != "grades"]
    if not runs:
        return
    rows, curves = [], []
    for line, found in runs:
        curve = coverage_curve(found)
        rows += [(line.title, agreement, share, len(found.labelled)) for agreement, share in curve]
        said = [(a, s, f"{line.title}: {percent(s)} answered at {percent(a)} agreement") for a, s in curve]
        curves.append(Curve(said, line.number))
    title = "Guaranteed agreement"
    targets = [row[1] for row in rows]
    x = linear(min(targets), max(targets), share_tick, "agreement with people", (0.0, 1.0))
    y = linear(0.0, 1.0, share_tick, "answered by the judge", (0.0, 1.0))
    names = [keys([(line.number, line.title) for line, _ in runs])] if len(runs) > 1 else []
    yield Figure(
        f"{subject.slug}-guarantee",
        title,
        f"The share of items that a judge may answer so that, with {100 * CONFIDENCE:g}% confidence, at least so many "
        "of its answers agree with people, each point by itself; people judge the rest. Thresholds of uncertainty are "
        "shown by fixed-sequence testing on the labelled items; judgebench cascade --agreement applies one.",
        Table.rows_of(
            rows,
            Column("run"),
            Column("guaranteed agreement", "share"),
            Column("answered", "share"),
            Column("labelled items", "count"),
        ),
        joined([*names, points([], x, y, title, curves=curves)]),
    )
