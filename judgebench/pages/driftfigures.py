"""Two runs of one judge over the same items on two dates: whether it changed."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from judgebench._util.table import Column, Table, ends_of
from judgebench.analysis.drift import drift_of, on_two_dates
from judgebench.pages.axes import linear, points_tick, reach
from judgebench.pages.figures import Figure
from judgebench.pages.plots import Dot, intervals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgebench.analysis.drifted import Drift
    from judgebench.metrics.drift import Shift
    from judgebench.pages.chapters import Line, Subject

_WORDS = {"drift": "drift", "no_drift": "no drift shown", "cannot_say": "cannot say"}


def drift_figures(subject: Subject) -> Iterator[Figure]:
    """Flips beyond noise and the change of score of each judge that has runs of two dates; none without such."""
    found = [(one, other, drift) for one, other in _pairs(subject) if (drift := _drift(one, other)) is not None]
    if not found:
        return
    rows, dots = [], []
    for one, other, drift in found:
        name = f"{drift.first.date} to {drift.second.date}"
        for what, change, p in (
            ("flips beyond noise", drift.flips.excess, drift.flips.p),
            (f"{drift.score}, same answers", None if drift.graded else drift.judge, drift.p),
        ):
            if change is not None:
                rows.append((one.title, other.title, what, change.value, ends_of(change), p, _WORDS[drift.decision]))
                dots.append(_dot(what, name, other.number, change))
    if not dots:
        return
    start, end = reach([dot.value for dot in dots], [dot.ends or (dot.value, dot.value) for dot in dots])
    title = "Drift of the judge"
    yield Figure(
        f"{subject.slug}-drift",
        title,
        " ".join(f"{drift.sentence()}." for _, _, drift in found)
        + " Flips beyond noise: verdicts that differ between the dates, less those that differ on one.",
        Table.rows_of(
            rows,
            Column("first run"),
            Column("second run"),
            Column("change of"),
            Column("change", "difference"),
            Column("95% CI", "difference"),
            Column("p", "p"),
            Column("decision"),
        ),
        intervals(dots, linear(min(start, 0.0), max(end, 0.0), points_tick, "change (pp)"), title, zero=True),
    )


def _pairs(subject: Subject) -> Iterator[tuple[Line, Line]]:
    """Runs of one judge, template and protocol, the earlier one first."""
    for pair in combinations(subject.lines, 2):
        one, other = sorted(pair, key=lambda line: line.detail.finished.run.manifest.started or "")
        if on_two_dates(one.detail.finished, other.detail.finished):
            yield one, other


def _drift(one: Line, other: Line) -> Drift | None:
    drift = drift_of(one.detail.finished, other.detail.finished)
    return drift if drift.items else None


def _dot(what: str, name: str, number: int, change: Shift) -> Dot:
    value, low, high = (f"{100 * each:+.1f}" for each in (change.value, change.low, change.high))
    shown = f"{value} ({low} to {high})"
    return Dot(
        what, name, number, f"{name}, {what}: {shown} points", change.value, (change.low, change.high), shown=shown
    )
