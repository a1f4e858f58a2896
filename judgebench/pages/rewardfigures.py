"""Figures of reward models: what they choose among N answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.text import percent
from judgebench.analysis.rewardfunctions import BEST_OF, best_of_n, best_of_table
from judgebench.pages.axes import linear, share_tick
from judgebench.pages.figures import Figure
from judgebench.pages.plots import Curve, joined, keys, points

if TYPE_CHECKING:
    from judgebench.pages.chapters import Subject


def best_of(subject: Subject) -> Figure:
    """The best-of-N curves of the reward models, over the labelled items that they share."""
    slug, title = f"{subject.slug}-best-of", "Best of N"
    lines = [line for line in subject.lines if line.is_scores]
    runs = [line.detail.finished for line in lines]
    shared = [
        item
        for item, key in (runs[0].keys.items() if runs else ())
        if key.labelled and all(item in run.keys and item in run.outcomes for run in runs)
    ]
    found = best_of_n(runs, shared) if runs else ()
    if not found:
        return Figure(slug, title, empty="no reward model here has scores of items of three answers or more")
    curves = [
        Curve(
            [(each.n, each.right[at], f"{line.title}, best of {each.n}: {percent(each.right[at])}") for each in found],
            line.number,
        )
        for at, line in enumerate(lines)
    ]
    possible = [(each.n, each.possible, f"possible, best of {each.n}: {percent(each.possible)}") for each in found]
    curves.append(Curve(possible, None, dashed=True))
    x = linear(found[0].n, found[-1].n, lambda value: f"{value:g}" if value == int(value) else "", "N")
    y = linear(0.0, 1.0, share_tick, "right", (0.0, 1.0))
    legend = keys([(line.number, line.title) for line in lines])
    return Figure(
        slug,
        title,
        f"{BEST_OF[0].upper()}{BEST_OF[1:]} (the dashed line).",
        best_of_table(found, [line.title for line in lines]),
        joined([legend, points([], x, y, title, curves=curves)]),
    )
