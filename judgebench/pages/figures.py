"""A figure of a page: what it shows, how it is read, its table, and the plot that is drawn from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench._util.table import Table
    from judgebench.items import Measure

TIGHT = {"l": 10, "r": 14, "t": 10, "b": 10}
"""Margins where nothing stands below the plot."""


@dataclass(frozen=True)
class Figure:
    """One figure, which stands in the page as a plot, as a table and as data to download.

    Attributes:
        id: Its anchor, and the name of its data: letters, digits and dashes.
        words: How it is read, in a sentence or two.
        table: Its data; none where there is nothing to show.
        traces: Of plotly.js; a trace's `run` and `shade` name a colour of the page's, which `figures.js` puts in. None
            where the figure is a table alone.
        layout: Of plotly.js, over what all figures share.
        empty: Why there is nothing to show, and what would make it; then it has no rows.
    """

    id: str
    title: str
    words: str = ""
    table: Table | None = None
    traces: Sequence[Mapping[str, Any]] | None = None
    layout: Mapping[str, Any] | None = None
    empty: str = ""

    def to_json(self) -> dict[str, Any]:
        """What the page's scripts need."""
        columns, rows = ([], []) if self.table is None else self.table.records
        return {
            "id": self.id,
            "columns": [column.name for column in columns],
            "rows": plain(rows),
            "traces": plain(self.traces),
            "layout": plain(self.layout or {}),
        }


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
    """

    line: str
    series: str
    run: int
    text: str
    value: float
    ends: tuple[float, float] | None
    null: float | None = None


def interval_plot(
    dots: Sequence[Dot], xaxis: Mapping[str, Any], *, row: float, spread: bool = True, **layout: Any
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Dots with intervals, line by line: the traces and the layout.

    Args:
        dots: From the top.
        xaxis: What the values are.
        row: Pixels of a line.
        spread: Whether the series of a line stand below each other.
        **layout: What else it has.
    """
    lines = {name: at for at, name in enumerate(dict.fromkeys(dot.line for dot in dots))}
    series = list(dict.fromkeys((dot.series, dot.run) for dot in dots))
    step = min(0.72 / (len(series) - 1), 0.24) if spread and len(series) > 1 else 0.0
    traces = []
    for at, (name, run) in enumerate(series):
        own = [dot for dot in dots if (dot.series, dot.run) == (name, run)]
        y = [lines[dot.line] + (at - (len(series) - 1) / 2) * step for dot in own]
        traces.append(_dotted(own, y) | {"showlegend": len(series) > 1})
        if any(dot.null is not None for dot in own):
            mark = {"symbol": "line-ns-open", "size": 15, "line": {"width": 2}}
            legend = {"name": "without bias, by chance", "legendgroup": "null", "showlegend": at == 0}
            hidden = {"type": "scatter", "mode": "markers", "hoverinfo": "skip", "shade": "soft", "marker": mark}
            traces.append(hidden | legend | {"x": [dot.null for dot in own], "y": y})
    axis, height = names_below(list(lines), row=row)
    return traces, {"xaxis": xaxis, "yaxis": axis, "height": height, **layout}


def _dotted(dots: Sequence[Dot], y: Sequence[float]) -> dict[str, Any]:
    ends = [(dot.value, *(dot.ends or (dot.value, dot.value))) for dot in dots]
    error = {
        "type": "data",
        "symmetric": False,
        "array": [high - value for value, _, high in ends],
        "arrayminus": [value - low for value, low, _ in ends],
    }
    trace = scatter(dots[0].series, dots[0].run, [dot.value for dot in dots], y, [dot.text for dot in dots])
    return {**trace, "error_x": error}


def scatter(
    name: str, run: int, x: Sequence[float], y: Sequence[float], text: Sequence[str], **more: Any
) -> dict[str, Any]:
    """A trace of dots, or with `mode` of lines, each with what is said of it."""
    trace = {"type": "scatter", "mode": "markers", "name": name, "run": run, "x": list(x), "y": list(y)}
    return {**trace, "text": list(text), "hovertemplate": "%{text}<extra></extra>", **more}


def heatmap(z: Sequence[Sequence[float | None]], columns: int, digits: int) -> dict[str, Any]:
    """A trace of shares in rows and columns, written with so many digits."""
    return {
        "type": "heatmap",
        "z": z,
        "x": list(range(columns)),
        "y": list(range(len(z))),
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "hoverongaps": False,
        "texttemplate": f"%{{z:.{digits}%}}",
        "hovertemplate": "%{z:.1%}<extra></extra>",
    }


def columns_above(names: Sequence[str], title: str = "") -> dict[str, Any]:
    """The x axis of a heatmap, with a name above each column."""
    axis = {"tickvals": list(range(len(names))), "ticktext": list(names), "side": "top", "showgrid": False}
    return {"title": {"text": title}, **axis} if title else axis


def shares(measure: Measure | None, title: str, **more: Any) -> dict[str, Any]:
    """An axis of scores."""
    return {"title": {"text": title}, "tickformat": ".2f" if measure == "pearson" else ".0%", **more}


def names_below(names: Sequence[str], *, row: float, extra: int = 90) -> tuple[dict[str, Any], int]:
    """A y axis with a name at 0, 1, 2 ... downward, and the height in pixels of a plot with so many rows.

    Args:
        names: From the top.
        row: Pixels of each.
        extra: Of what stands around them.
    """
    axis = {
        "tickvals": list(range(len(names))),
        "ticktext": list(names),
        "range": [len(names) - 0.5, -0.5],
        "zeroline": False,
        "showgrid": False,
        "fixedrange": True,
    }
    return axis, round(len(names) * row) + extra


def plain(value: Any) -> Any:
    """A value for JSON: what is no number, or infinite, becomes null."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
