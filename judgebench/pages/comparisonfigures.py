"""Figures of comparing several runs: which can still be the best, and what moves their credits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.table import Column, Table, ends_of
from judgebench._util.text import difference_text
from judgebench.analysis.components import component_lines, components_table, named
from judgebench.analysis.equivalent import best_line
from judgebench.items import is_coefficient
from judgebench.pages.axes import decimal_tick, linear, points_tick, reach
from judgebench.pages.figures import Figure, sentences
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
        dots.append(Dot(name, "", 0, text, each.difference, ends_of(each), shown=shown))
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


def components(subject: Subject) -> Figure:
    """What items, wordings, orders and samples add to the variance of a judge's credits."""
    slug, title = f"{subject.slug}-components", "Variance components"
    found = subject.comparison
    if found is None or not found.components:
        why = "no judge here has several templates, orders or samples over items that two runs share"
        return Figure(slug, title, empty=why)
    names = [subject.lines[number].title for number in subject.compared]
    dots = []
    for each in found.components:
        number = subject.compared[each.runs[0]]
        series = named(each, found.components, names) if len(found.components) > 1 else ""
        for part in each.found.components:
            ends = (part.low**0.5, part.high**0.5)
            shown = f"{100 * part.sd:.1f} ({100 * ends[0]:.1f}\u2013{100 * ends[1]:.1f})"
            text = f"{each.judge}, {part.source}: sd {shown} points"
            dots.append(Dot(part.source, series, number, text, part.sd, ends, shown=shown))
    order = list(dict.fromkeys(dot.line for dot in dots))
    dots.sort(key=lambda dot: order.index(dot.line))
    _, end = reach([dot.value for dot in dots], [dot.ends or (dot.value, dot.value) for dot in dots])
    axis = linear(0.0, end, lambda sd: f"{100 * sd:g}", "standard deviation (points)", (0.0, 1.0))
    return Figure(
        slug,
        title,
        sentences(component_lines(found.components)),
        components_table(found.components, names),
        intervals(dots, axis, title),
    )
