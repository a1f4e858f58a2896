"""Plots as SVG, made here: positions across are shares of the width, so a plot fits a phone, a screen and paper.

Colours are classes (`c0` to `c7`), which the page's style gives a value in light, in dark and on paper. All texts are
escaped, and what could hide or turn words in them is written out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from judgebench._util.text import one_line
from judgebench.pages.axes import Axis, apart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COLOURS = 8
_BELOW = 40
"""Pixels of the ticks and the title below a plot."""
_NAME, _MOST_NAME = 6.9, 36
"""Pixels of a character beside a plot, and how many characters a name has at most."""
_LEFTWARD, _RIGHTWARD = "M-1 0L7-4V4Z", "M1 0L-7-4V4Z"
_SHAPES = (
    "M5 0A5 5 0 1 1-5 0A5 5 0 1 1 5 0Z",
    "M-4.5-4.5H4.5V4.5H-4.5Z",
    "M0-6L6 0L0 6L-6 0Z",
    "M0-6L5.5 4.5H-5.5Z",
    "M-1.8-5.5H1.8V-1.8H5.5V1.8H1.8V5.5H-1.8V1.8H-5.5V-1.8H-1.8Z",
    "M0 6L5.5-4.5H-5.5Z",
    "M0-6.5L1.9-2H6.5L2.8 1L4.2 5.8L0 3L-4.2 5.8L-2.8 1L-6.5-2H-1.9Z",
    "M-3-5.2H3L6 0L3 5.2H-3L-6 0Z",
)


@dataclass(frozen=True, slots=True)
class Dot:
    """A value with its interval in a plot of such.

    Attributes:
        line: The name of the line that it stands on.
        series: What it belongs to; dots of several series on one line stand below each other.
        run: The number of the series' colour.
        text: What is said of it.
        value: Where it stands.
        ends: Of its interval.
        null: Where it would stand if there were nothing to find.
        shown: What is written beside it.
    """

    line: str
    series: str
    run: int
    text: str
    value: float
    ends: tuple[float, float] | None
    null: float | None = None
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A point in a plot of two axes; `label` is written beside it, and `error` is its interval upward.

    Attributes:
        run: The number of its colour.
        text: What is said of it.
    """

    x: float
    y: float
    run: int
    text: str
    label: str = ""
    error: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """Points that are joined; `steps` goes across before it goes up, and `dashed` is drawn so.

    Attributes:
        run: The number of its colour; None for a plain one without marks.
    """

    points: Sequence[tuple[float, float, str]]
    run: int | None
    dashed: bool = False
    steps: bool = False


def tag(name: str, attributes: Mapping[str, object], *children: object) -> Markup:
    """An element; a text is escaped, attributes that are None are left out, and `_` in a name stands for `-`."""
    said = "".join(
        f' {key.replace("_", "-")}="{escape(one_line(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(escape(child if isinstance(child, Markup) else one_line(str(child))) for child in children)
    return Markup(f"<{name}{said}>{inside}</{name}>")  # noqa: S704 - every part of it is escaped above


def joined(parts: Iterable[Markup]) -> Markup:
    """Elements one after another."""
    return Markup("").join(parts)


def keys(names: Sequence[tuple[int | None, str]], kind: str = "keys") -> Markup:
    """What colours and signs stand for, above a plot; a number of None is the mark of a null."""
    shown = []
    for run, name in names:
        upright = tag("line", {"x1": 0, "x2": 0, "y1": -6, "y2": 6})
        inside = upright if run is None else tag("path", {"d": _shape(run)})
        sign = tag("g", {"transform": "translate(8 8)", "class": _colour(run)}, inside)
        picture = tag("svg", {"class": "sign", "width": 16, "height": 16, "aria_hidden": "true"}, sign)
        shown.append(tag("li", {}, picture, name))
    return tag("ul", {"class": kind}, *shown)


def intervals(dots: Sequence[Dot], axis: Axis, label: str, *, zero: bool = False, null: str = "") -> Markup:
    """Dots with intervals, line by line; what reaches beyond the axis ends in an arrow.

    Args:
        dots: From the top.
        axis: Of the values.
        label: What the whole is, for those who do not see it.
        zero: Whether a line marks zero.
        null: What the upright marks stand for, if there are any.
    """
    lines = {name: at for at, name in enumerate(dict.fromkeys(dot.line for dot in dots))}
    series = list(dict.fromkeys((dot.series, dot.run) for dot in dots))
    step, pad = 17, 16
    own = {name: [dot for dot in dots if dot.line == name] for name in lines}
    most = max(map(len, own.values()))
    row = pad + step * most + 4
    height = len(lines) * row
    marks: list[Markup] = []
    for name, at in lines.items():
        first = at * row + pad + step * (most - len(own[name]) + 1) / 2
        marks += [_dot(dot, first + step * below, axis) for below, dot in enumerate(own[name])]
        marks.append(_line("rule", 0, 1, (at + 1) * row, (at + 1) * row))
        middle = at * row + pad + step * most / 2 + 4
        up = {"style": f"--up:{at * row + 12 - middle:.0f}px"}
        marks.append(tag("text", {"class": "name", "dx": -12, "y": f"{middle:.0f}", **up}, _cut(name), _title(name)))
    plain = [_line("zero", axis.at(0.0), axis.at(0.0), 0, height)] if zero else []
    shown = max((len(dot.shown) for dot in dots), default=0)
    gutter, right = _gutter(list(lines)), 12 + round(6.6 * shown)
    inside = joined([_across(axis, height), *plain, *marks])
    legend: list[tuple[int | None, str]] = [(run, name) for name, run in series] if len(series) > 1 else []
    legend += [(None, null)] if null and any(dot.null is not None for dot in dots) else []
    above = [keys(legend)] if legend else []
    return joined([*above, _chart(label, height + _BELOW, inside, gutter, right)])


def points(
    shown: Sequence[Point], x: Axis, y: Axis, label: str, *, curves: Sequence[Curve] = (), height: int = 320
) -> Markup:
    """Points of two axes, each with its label beside it, over curves.

    Args:
        shown: The points.
        x: The axis across.
        y: The axis upward.
        label: What the whole is, for those who do not see it.
        curves: Drawn below the points.
        height: Of the plot alone, in pixels.
    """
    up = _Up(y, height)
    inside = [_across(x, height), _upward(y, height), *(part for each in curves for part in _curve(each, x, up))]
    places = _labels(shown, x, up)
    for number, (each, place) in enumerate(zip(shown, places, strict=True), 1):
        at, level = _percent(x.at(each.x)), up(each.y)
        if each.error is not None:
            low, high = (up(min(max(end, y.low), y.high)) for end in each.error)
            inside.append(_line(f"error {_colour(each.run)}", x.at(each.x), x.at(each.x), low, high))
        if place is not None:
            left, moved = place
            ends = {"text_anchor": "end" if left else "start", "x": at, "dx": -10 if left else 10, "y": moved + 4}
            inside.append(tag("text", {"class": "label", **ends}, _cut(each.label)))
        inside.append(_mark(each.run, x.at(each.x), level, each.text))
        if each.label and len(shown) > 1:
            inside.append(tag("text", {"class": "nth", "x": at, "dx": 8, "y": level - 6}, number))
    names = [(each.run, f"{number} {each.label}") for number, each in enumerate(shown, 1) if each.label]
    key = [keys(names, "keys narrow")] if len(names) > 1 else []
    return joined([*key, _chart(label, height + _BELOW, joined(inside), 62, 16, named=False)])


def bars(rows: Sequence[tuple[str, Sequence[tuple[int, float, str]]]], axis: Axis, label: str) -> Markup:
    """Bars of parts one after another, a row each.

    Args:
        rows: The name of each, and the colour, length and text of each part.
        axis: Of the lengths, from 0.
        label: What the whole is, for those who do not see it.
    """
    row, inside, names = 40, [], []
    height = row * len(rows)
    for at, (name, parts) in enumerate(rows):
        start = 0.0
        for colour, length, text in parts:
            width = {"x": _percent(axis.at(start)), "width": _percent(axis.at(start + length) - axis.at(start))}
            place = {"class": _colour(colour), **width, "y": at * row + 17, "height": 16}
            inside.append(tag("rect", place, _title(text)))
            start += length
        up = {"style": f"--up:{-(25 - 8):.0f}px"}
        names.append(tag("text", {"class": "name", "dx": -12, "y": at * row + 29, **up}, _cut(name), _title(name)))
    gutter = _gutter([name for name, _ in rows])
    return _chart(label, height + _BELOW, joined([_across(axis, height), *names, *inside]), gutter, 16)


def heat(
    rows: Sequence[tuple[str, Sequence[float | None]]], heads: Sequence[str], digits: int, *, above: str = ""
) -> Markup:
    """Shares in rows and columns as a table whose grounds are the darker the larger the share is.

    Args:
        rows: The name and the shares of each.
        heads: Above the columns.
        digits: How many decimals.
        above: What the columns are.
    """
    known = [value for _, values in rows for value in values if value is not None]
    low, high = min(known), max(known)
    lines = []
    for name, values in rows:
        cells = []
        for value in values:
            if value is None:
                cells.append(tag("td", {"class": "none"}, ""))
                continue
            share = 8 + 40 * (value - low) / (high - low) if high > low else 28
            cells.append(tag("td", {"style": f"--heat:{share:.0f}%"}, f"{100 * value:.{digits}f}%"))
        lines.append(tag("tr", {}, tag("th", {"scope": "row"}, name), *cells))
    top = tag("tr", {}, tag("th", {"scope": "col"}, above), *(tag("th", {"scope": "col"}, head) for head in heads))
    return tag("table", {"class": "heat"}, tag("thead", {}, top), tag("tbody", {}, *lines))


@dataclass(frozen=True, slots=True)
class _Up:
    axis: Axis
    height: int

    def __call__(self, value: float) -> float:
        return round((1 - self.axis.at(value)) * self.height, 1)


def _line(kind: str, start: float, end: float, top: float, bottom: float) -> Markup:
    """A line from a share of the width to another, and from a pixel to another."""
    ends = {"x1": _percent(start), "x2": _percent(end), "y1": round(top, 1), "y2": round(bottom, 1)}
    return tag("line", {"class": kind, **ends})


def _percent(share: float) -> str:
    return f"{round(100 * share, 2):g}%"


def _colour(run: int | None) -> str:
    return "null" if run is None else f"c{run % COLOURS}"


def _shape(run: int) -> str:
    # From the ninth run on, colours come again with other shapes.
    return _SHAPES[(run + run // COLOURS) % len(_SHAPES)]


def _mark(run: int, x: float, y: float, text: str, shape: str = "") -> Markup:
    place = {"class": f"mark {_colour(run)}", "x": _percent(x), "y": round(y, 1), "overflow": "visible"}
    return tag("svg", place, tag("path", {"d": shape or _shape(run)}), _title(text))


def _title(text: str) -> Markup:
    return tag("title", {}, text)


def _cut(text: str) -> str:
    """Without its middle where it is long: names often differ only at their ends."""
    end = (_MOST_NAME - 1) // 2
    return text if len(text) <= _MOST_NAME else f"{text[: _MOST_NAME - 1 - end]}…{text[-end:]}"


def _gutter(names: Sequence[str]) -> int:
    return 20 + round(_NAME * max(len(_cut(name)) for name in names))


def _chart(label: str, height: float, inside: Markup, left: int, right: int, *, named: bool = True) -> Markup:
    """A plot with so many pixels at its left and right; across, positions are shares of the width between these."""
    place = {
        "class": "chart named" if named else "chart",
        "style": f"--left:{left}px;--right:{right}px",
        "height": round(height),
        "role": "img",
        "aria_label": label,
    }
    return tag("svg", place, inside)


def _across(axis: Axis, height: float) -> Markup:
    """Grid, ticks and title of the axis below."""
    parts = []
    for at, (value, text) in enumerate(axis.ticks):
        share = axis.at(value)
        odd = " odd" if at % 2 else ""
        parts.append(_line("grid", share, share, 0, height))
        parts.append(tag("text", {"class": f"tick{odd}", "x": _percent(share), "y": height + 16}, text))
    parts.append(tag("text", {"class": "title", "x": "50%", "y": height + 34}, axis.title))
    return joined(parts)


def _upward(axis: Axis, height: int) -> Markup:
    """The same of the axis at the left."""
    up, parts = _Up(axis, height), []
    for value, text in axis.ticks:
        level = up(value)
        parts.append(_line("grid", 0, 1, level, level))
        parts.append(tag("text", {"class": "tick side", "x": 0, "dx": -8, "y": level + 4}, text))
    turned = {"class": "title", "x": 0, "y": 0, "transform": f"translate(-50 {height / 2}) rotate(-90)"}
    return joined([*parts, tag("text", turned, axis.title)])


def _dot(dot: Dot, y: float, axis: Axis) -> Markup:
    parts, colour = [], _colour(dot.run)
    ends = dot.ends or (dot.value, dot.value)
    low, middle, high = axis.at(ends[0]), axis.at(dot.value), axis.at(ends[1])
    if high > low:
        parts.append(_line(f"error {colour}", max(low, 0.0), min(high, 1.0), y, y))
    if low < 0:
        parts.append(_mark(dot.run, 0.0, y, dot.text, _LEFTWARD))
    if high > 1:
        parts.append(_mark(dot.run, 1.0, y, dot.text, _RIGHTWARD))
    if dot.null is not None:
        parts.append(_line("null", axis.at(dot.null), axis.at(dot.null), y - 7, y + 7))
    if 0 <= middle <= 1:
        parts.append(_mark(dot.run, middle, y, dot.text))
    if dot.shown:
        parts.append(tag("text", {"class": "value", "x": "100%", "dx": 10, "y": round(y + 4, 1)}, dot.shown))
    return tag("g", {}, *parts)


def _curve(curve: Curve, x: Axis, up: _Up) -> list[Markup]:
    kind = f"curve {_colour(curve.run)}{' dashed' if curve.dashed else ''}"
    places = [(x.at(across), up(upward)) for across, upward, _ in curve.points]
    corners = places[:1]
    for place in places[1:]:
        corners += [(place[0], corners[-1][1]), place] if curve.steps else [place]
    parts = [_line(kind, a, c, b, d) for (a, b), (c, d) in pairwise(corners)]
    if curve.run is not None:
        for place, (_, _, text) in zip(places, curve.points, strict=True):
            parts.append(_mark(curve.run, *place, text))
    return parts


def _labels(shown: Sequence[Point], x: Axis, up: _Up) -> list[tuple[bool, float] | None]:
    """Where each point's label stands: whether to its left, and at which pixel; those of one side are kept apart."""
    places: list[tuple[bool, float] | None] = [None] * len(shown)
    for left in (False, True):
        side = [at for at, each in enumerate(shown) if each.label and (x.at(each.x) > 0.55) == left]
        for at, level in zip(side, apart([up(shown[n].y) for n in side], 14), strict=True):
            places[at] = (left, level)
    return places
