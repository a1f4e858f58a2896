"""Figures of step verdicts: both accuracies with their intervals, and where verdicts on wrong steps point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from judgebench._util.table import Column, Table
from judgebench.metrics.steps import PLACES
from judgebench.pages.axes import linear, share_tick
from judgebench.pages.figures import Figure, estimate_text
from judgebench.pages.plots import Dot, heat, intervals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from judgebench.pages.chapters import Line, Subject

_WORDS = {"exact": "that step", "earlier": "an earlier one", "later": "a later one", "none": "no step"}
_FIGURES = {"f1": "F1", "error_accuracy": "with a wrong step", "correct_accuracy": "without one"}


def step_figures(subject: Subject) -> Iterator[Figure]:
    """Those of the runs with step verdicts; none where there are none."""
    runs = [(line, found) for line in subject.lines if (found := _steps(line)) is not None]
    if not runs:
        return
    if any("error_accuracy_low" in line.detail.metrics.extra for line, _ in runs):
        yield _accuracies(subject, [line for line, _ in runs])
    yield _placements(subject, runs)


def _steps(line: Line) -> Mapping[str, Any] | None:
    return cast("Mapping[str, Any] | None", line.detail.metrics.extra.get("steps"))


def _accuracies(subject: Subject, lines: list[Line]) -> Figure:
    rows, dots = [], []
    for name, said in _FIGURES.items():
        for line in lines:
            extra = cast("Mapping[str, Any]", line.detail.metrics.extra)
            value, low, high = (extra.get(f"{name}{end}") for end in ("", "_low", "_high"))
            if value is None or low is None or high is None:
                continue
            rows.append((line.title, said, value, (low, high)))
            shown = estimate_text(value, (low, high), "share")
            dots.append(Dot(said, line.title, line.number, f"{line.title}: {said}", value, (low, high), None, shown))
    title = "First wrong steps"
    return Figure(
        f"{subject.slug}-steps",
        title,
        "The share of items whose first wrong step is named, of those that have one, and of those without one that are "
        "said to have none; F1 is 2ab / (a + b) of the two, of each section by itself.",
        Table.rows_of(
            rows, Column("run"), Column("items"), Column("value", "share"), Column("95% interval", "interval")
        ),
        intervals(dots, linear(0.0, 1.0, share_tick, "share right", (0.0, 1.0)), title),
    )


def _placements(subject: Subject, runs: list[tuple[Line, Mapping[str, Any]]]) -> Figure:
    rows, shares = [], []
    for line, found in runs:
        counts = found["error"]
        rows += [(line.title, _WORDS.get(place, place), counts[place]) for place in PLACES]
        total = sum(counts.values())
        shares.append((line.title, [counts[place] / total if total else None for place in PLACES]))
    return Figure(
        f"{subject.slug}-step-places",
        "Where verdicts point",
        "Of the items with a wrong step, the share whose verdict names it, an earlier or a later one, or none.",
        Table.rows_of(rows, Column("run"), Column("verdict"), Column("items", "count")),
        heat(shares, [_WORDS.get(place, place) for place in PLACES], 1, above="run"),
    )
