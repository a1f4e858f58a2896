"""The table of runs: judge and score first, the interval drawn in the cell, and what all share above it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from markupsafe import Markup

from judgebench._util.table import Column, Table, ends_of
from judgebench._util.text import score_text
from judgebench.analysis.board import figure_of
from judgebench.pages.figures import Figure, estimate_text
from judgebench.pages.plots import joined, tag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgebench._util.table import Columns, Value
    from judgebench.items import Measure
    from judgebench.pages.chapters import Line, Subject


@dataclass(frozen=True)
class _Shared:
    """A column that is named once above the table where all runs that have a value have the same."""

    column: Column
    said: str


_SHARED = (
    _Shared(Column("template"), "template {}"),
    _Shared(Column("items", "count"), "{} items"),
    _Shared(Column("coverage", "share"), "coverage {}"),
)


_COMPARED = (
    "group: same letter = not significantly different (paired tests, Holm-corrected). *: not dominated (no run "
    "that costs no more is significantly better). -: not ranked (other items, or coverage below 50%)."
)


def standing(subject: Subject) -> Figure:
    """The runs ranked, with what stands beside their scores."""
    columns = _columns(subject)
    return Figure(
        f"{subject.slug}-runs",
        "Runs",
        _COMPARED if len(subject.lines) > 1 else "",
        Table.of(subject.lines, columns, lambda line: {"unit": line.place.measure}),
        ranking=_ranking(subject, columns),
    )


def _columns(subject: Subject) -> Columns:
    """All columns, as they are in the CSV."""
    columns: Columns = {
        Column("judge"): _judge(subject),
        Column("score", "score"): lambda line: line.place.score,
        Column("95% CI", "interval"): lambda line: ends_of(line.place),
        Column("rank", "count"): lambda line: "-" if line.place.rank is None else line.place.rank,
        Column("group", "mark"): lambda line: line.place.group,
        Column("cost in USD", "money", head="cost"): _cost,
        Column("not dominated", "mark", head="*"): lambda line: "yes" if line.place.pareto else "",
        Column("template"): lambda line: (
            "" if line.is_scores and line.place.how == line.place.protocol else line.place.how
        ),
        Column("protocol"): lambda line: "" if line.is_scores else line.place.protocol,
        Column("items", "count"): lambda line: line.place.items,
        Column("coverage", "share"): lambda line: line.place.coverage,
    }
    for name in subject.board.sections:
        columns[Column(name, "score")] = partial(_of_place, "sections", name)
    for name in subject.board.figures:
        columns[Column(name, "number")] = partial(_of_place, "figures", name)
    return columns


def _judge(subject: Subject) -> Callable[[Line], str]:
    """What gives the name of a run: its judge's, or where two have the same beside it what tells all runs apart."""
    those = [(line.place.judge, line.place.wording, line.place.protocol) for line in subject.lines]
    return (lambda line: line.place.judge) if len(set(those)) == len(those) else (lambda line: line.title)


def _cost(line: Line) -> Value:
    return line.place.cost_usd if line.is_scores or line.place.cost_usd is not None else "unknown"


def _of_place(level: str, name: str, line: Line) -> float | None:
    return figure_of(level, name, line.place)


def _ranking(subject: Subject, columns: Columns) -> Markup:
    """The table as HTML: constant columns above it, empty ones left out."""
    lines = subject.lines
    texts = {
        column: [column.text(value(line), line.place.measure) for line in lines] for column, value in columns.items()
    }
    # The template's column says what is unusual or differs of the protocol.
    shared, hidden = [], {"95% CI", "not dominated", "protocol"}
    for each in _SHARED:
        there = {*texts[each.column]} - {""}
        if len(there) < 2 and len(lines) > 1:
            hidden.add(each.column.name)
            shared += [each.said.format(text) for text in there]
    if texts[_at(columns, "rank")] == [str(at + 1) for at in range(len(lines))]:
        hidden.add("rank")
    if texts[_at(columns, "not dominated")] == ["yes"] * len(lines) and len(lines) > 1:
        shared.append("all not dominated (*)")
    starred = "all not dominated (*)" not in shared
    shown = [column for column in columns if column.name not in hidden and any(texts[column])]
    heads = [tag("th", {"scope": "col", "class": _kind(column)}, column.title) for column in shown]
    reach = _reach(subject)
    rows = []
    for at, line in enumerate(lines):
        cells = []
        for column in shown:
            value = columns[column](line)
            text = texts[column][at]
            if column.name == "cost in USD" and line.place.pareto and starred:
                text += " *"
            sort = {"data_value": value if isinstance(value, int | float) else None}
            if column.name == "judge":
                cells.append(tag("th", {"scope": "row", "class": "judge"}, text))
            elif column.name == "score":
                cells.append(_score(line, reach, sort))
            else:
                cells.append(tag("td", {"class": _kind(column), **sort}, text))
        rows.append(tag("tr", {}, *cells))
    table = tag("table", {"class": "runs"}, tag("thead", {}, tag("tr", {}, *heads)), tag("tbody", {}, *rows))
    above = [tag("p", {"class": "shared"}, f"All runs: {' · '.join(shared)}")] if shared else []
    return joined([*above, tag("div", _REGION, table)])


_REGION = {"class": "scroll", "tabindex": 0, "role": "region", "aria_label": "Table: Runs"}


def _at(columns: Columns, name: str) -> Column:
    return next(column for column in columns if column.name == name)


def _kind(column: Column) -> str:
    return column.name if column.name in {"judge", "score"} else "number" if column.numeric else "text"


def _score(line: Line, reach: tuple[float, float], sort: dict[str, float | None]) -> Markup:
    """The score with its interval in words, and drawn."""
    place = line.place
    if place.score is None:
        return tag("td", {"class": "score"}, "no score")
    words = _parts(place.score, ends_of(place), place.measure)
    bar = [] if place.low is None or place.high is None else [_bar(place.score, (place.low, place.high), reach)]
    return tag("td", {"class": "score", **sort}, *words, *bar)


def _parts(score: float, ends: tuple[float, float] | None, measure: Measure | None) -> Sequence[Markup]:
    whole = estimate_text(score, ends, measure)
    number, _, interval = whole.partition(" ")
    shown = [tag("b", {"title": score_text(score, measure)}, number)]
    return [*shown, Markup(" "), tag("span", {}, interval)] if interval else shown


def _bar(score: float, ends: tuple[float, float], reach: tuple[float, float]) -> Markup:
    low, high = reach
    left, right, middle = (round(100 * (value - low) / (high - low), 2) for value in (*ends, score))
    inside = [
        tag("i", {"style": f"left:{left}%;width:{max(right - left, 0.5):.2f}%"}),
        tag("b", {"style": f"left:{middle}%"}),
    ]
    return tag("span", {"class": "reach", "aria_hidden": "true"}, *inside)


def _reach(subject: Subject) -> tuple[float, float]:
    """What the bars span."""
    places = [line.place for line in subject.lines]
    ends = [end for place in places for end in (place.low, place.high, place.score) if end is not None]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
