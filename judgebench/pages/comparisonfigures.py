"""Figures of comparing several runs: which can still be the best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.table import Column, Table, ends_of
from judgebench._util.text import difference_text
from judgebench.analysis.equivalent import best_line
from judgebench.items import is_coefficient
from judgebench.pages.axes import decimal_tick, linear, points_tick, reach
from judgebench.pages.figures import Figure
from judgebench.pages.plots import Dot, intervals

if TYPE_CHECKING:
    from judgebench._util.table import Columns
    from judgebench.pages.chapters import Subject


def best(subject: Subject) -> Figure:
    """Each run against the best of the others."""
    slug, title = f"{subject.slug}-best", "Best against the rest"
    found = subject.comparison
    if found is None or not found.contenders:
        return Figure(slug, title, empty="fewer than three runs here have a score over the same items")
    measure = subject.measure
    ranked = sorted(found.contenders, key=lambda each: -each.difference)
    lines = {each.run: subject.lines[subject.compared[each.run]] for each in ranked}
    dots = []
    for each in ranked:
        value, low, high = (difference_text(end, measure) for end in (each.difference, each.low, each.high))
        shown, name = f"{value} ({low} to {high})", lines[each.run].title
        text = f"{name} minus the best of the others: {shown}"
        dots.append(Dot(name, "", lines[each.run].number, text, each.difference, ends_of(each), shown=shown))
    start, end = reach([dot.value for dot in dots], [dot.ends or (dot.value, dot.value) for dot in dots])
    tick, unit = (decimal_tick, "") if is_coefficient(measure) else (points_tick, " (pp)")
    axis = linear(min(start, 0.0), max(end, 0.0), tick, f"score minus the best of the others{unit}")
    kept = [lines[each.run].title for each in ranked if each.can_be_best]
    columns: Columns = {
        Column("run"): lambda each: lines[each.run].title,
        Column("difference", "difference"): lambda each: each.difference,
        Column("95% CI", "difference"): ends_of,
        Column("can be the best", "flag"): lambda each: each.can_be_best,
    }
    return Figure(
        slug,
        title,
        f"{best_line(kept, len(ranked))}. Each run minus the best of the others over the same items, with simultaneous "
        "95% intervals: a run whose interval ends at 0 or below is not the best.",
        Table.of(ranked, columns, lambda _: {"unit": measure}),
        intervals(dots, axis, title, zero=True),
    )
