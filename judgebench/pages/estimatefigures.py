"""What people would say of what was judged, where some items are labelled: corrected figures beside the judge's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from judgebench._util.table import Column, Table, ends_of
from judgebench.analysis.estimate import estimate_labelled, rated_models
from judgebench.analysis.estimated import METHOD_NAMES
from judgebench.errors import ConfigError
from judgebench.pages.axes import linear, reach, share_tick
from judgebench.pages.figures import Figure
from judgebench.pages.plots import Dot, intervals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench._util.table import Columns
    from judgebench.analysis.estimated import EstimateFound, MethodEstimate
    from judgebench.analysis.labelled import Labelled
    from judgebench.pages.chapters import Line, Subject

_MOST = 12
"""More models than so many have no figure of their own."""


def estimate_figures(subject: Subject) -> Iterator[Figure]:
    """The recommended estimate of each run beside the judge alone; none where no run is beside labels."""
    found = [(line, each) for line in subject.lines if line.detail.people for each in _found(line.detail.people)]
    if not found:
        return
    first, title = found[0][1], "What people would say"
    found = [(line, each) for line, each in found if each.target == first.target]
    shown = [
        (line, each, estimate)
        for line, each in found
        for estimate in (each.method("judge"), each.taken or each.method("labels"))
    ]
    dots = [_dot(line, each, estimate, len(subject.lines)) for line, each, estimate in shown]
    low, high = reach([dot.value for dot in dots], [dot.ends or (dot.value, dot.value) for dot in dots])
    mean = first.target == "mean"
    axis = linear(low, high, (lambda grade: f"{grade:g}") if mean else share_tick, _axis_title(first), first.scale)
    words = (
        f"{_axis_title(first).capitalize()} by the judge alone, which its errors bias, and as corrected by people's "
        f"labels of some items, with its {first.level} interval (PPI++ from 20 labels on, labels alone below)."
    )
    yield Figure(f"{subject.slug}-estimate", title, words, _table(shown, mean=mean), intervals(dots, axis, title))


def _found(people: Labelled) -> list[EstimateFound]:
    """What can be estimated of a run: a figure, or one for each of several models."""
    names = rated_models(people)
    if people.kind == "choices" and not 2 <= len(names) <= _MOST:
        return []
    try:
        found = [estimate_labelled(people, name) for name in (names if len(names) > 2 else [None])]
    except ConfigError:
        return []  # nothing judged is labelled, which the figures of agreement say already
    return [each for each in found if each.taken is not None]


def _axis_title(found: EstimateFound) -> str:
    if found.target == "win_rate":
        return "win rate"
    return "mean grade" if found.target == "mean" else found.noun


def _name(line: Line, found: EstimateFound) -> str:
    return f"{line.title}: {found.of}" if found.target == "win_rate" else line.title


def _dot(line: Line, found: EstimateFound, estimate: MethodEstimate, people: int) -> Dot:
    alone = estimate.method == "judge"
    who = METHOD_NAMES[estimate.method]
    ends = ends_of(estimate)
    said = found.said(estimate.value).removesuffix("%")
    if ends is not None:
        said += " ({}\u2013{})".format(*(found.said(end).removesuffix("%") for end in ends))
    number, series = (line.number, f"{line.title} alone") if alone else (people, "corrected")
    return Dot(_name(line, found), series, number, f"{who}: {said}", estimate.value or 0.0, ends, None, said)


def _table(shown: Sequence[tuple[Line, EstimateFound, MethodEstimate]], *, mean: bool) -> Table:
    kind: Literal["number", "share"] = "number" if mean else "share"
    form = ".2f" if mean else ""
    columns: Columns = {
        Column("run"): lambda each: each[0].title,
        Column("of"): lambda each: each[1].of or "",
        Column("method"): lambda each: METHOD_NAMES[each[2].method],
        Column("estimate", kind, form=form): lambda each: each[2].value,
        Column("interval", kind, form=form): lambda each: ends_of(each[2]),
        Column("labels", "count"): lambda each: each[1].labelled,
        Column("items", "tokens"): lambda each: each[1].labelled + each[1].unlabelled,
    }
    return Table.of(shown, columns)
