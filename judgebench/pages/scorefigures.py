"""Figures of scores: the runs ranked, their parts, judges against reward models, cost, RM-Bench's matrix, Ties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgebench._util.text import decimals, dollars, percent, score_range, score_text
from judgebench.metrics.ties import ties_item
from judgebench.pages.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.items import Measure
    from judgebench.metrics.intervals import Estimate
    from judgebench.pages.chapters import Line, Subject

TIGHT = {"l": 10, "r": 14, "t": 10, "b": 10}
"""Margins where nothing stands below the plot."""

STYLES = ("concise", "detailed, plain", "detailed, Markdown")
"""RM-Bench's styles, in the order of its matrix."""


def dots(
    lines: Sequence[float],
    values: Sequence[tuple[float, float | None, float | None] | None],
    names: Sequence[str],
    **more: Any,
) -> dict[str, Any]:
    """A trace of dots with intervals, one under another.

    Args:
        lines: Where each stands, as a number of the y axis that grows downward.
        values: Value, low and high of each; None where there is none.
        names: What is said of each beside its values.
        **more: Of the trace.
    """
    there = [(y, value, name) for y, value, name in zip(lines, values, names, strict=True) if value is not None]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [value[0] for _, value, _ in there],
        "y": [y for y, _, _ in there],
        "text": [name for _, _, name in there],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [0 if high is None else high - value for _, (value, _, high), _ in there],
            "arrayminus": [0 if low is None else value - low for _, (value, low, _), _ in there],
        },
        "hovertemplate": "%{text}<extra></extra>",
        **more,
    }


def shares(measure: Measure | None, title: str, **more: Any) -> dict[str, Any]:
    """An axis of scores."""
    if measure == "pearson":
        return {"title": {"text": title}, "tickformat": ".2f", **more}
    return {"title": {"text": title}, "tickformat": ".0%", **more}


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


def standing(subject: Subject) -> Figure:
    """The runs ranked, with what stands beside their scores."""
    board = subject.board
    columns = ["judge", "template", "protocol", "rank", "score", "low", "high", "group", "cost in USD", "front"]
    columns += ["items", "with a verdict", *board.sections, *board.figures]
    rows: list[tuple[Any, ...]] = []
    shown = []
    for line in subject.lines:
        place = line.place
        figures = [place.figures.get(name) for name in board.figures]
        sections = [place.sections.get(name) for name in board.sections]
        first = (place.judge, place.wording, place.protocol, place.rank)
        front = "yes" if place.pareto else ""
        whole = (place.score, place.low, place.high)
        rows.append(
            (*first, *whole, place.group, place.cost_usd, front, place.items, place.coverage, *sections, *figures)
        )
        unknown = "" if line.is_scores else "unknown"
        money = unknown if place.cost_usd is None else dollars(place.cost_usd)
        scores, parts_ = (
            ["" if s is None else score_text(s, place.measure) for s in among] for among in (whole, sections)
        )
        said = ["-" if place.rank is None else str(place.rank), *scores, place.group, money, front]
        said += [str(place.items), percent(place.coverage or 0.0), *parts_]
        shown.append([*first[:3], *said, *("" if each is None else decimals(each) for each in figures)])
    return Figure(
        f"{subject.slug}-runs",
        "The runs",
        "Runs that share a letter under 'group' cannot be told apart (paired tests, Holm's correction). 'front': no "
        "other run here is as cheap and as good, and cheaper or better. A run without a rank is over other items.",
        columns,
        rows,
        shown,
    )


def parts(subject: Subject, level: str) -> Figure:
    """Scores with intervals of each section or each subset."""
    found: list[tuple[Line, Mapping[str, Estimate]]] = [
        (line, line.detail.metrics.sections if level == "section" else line.detail.metrics.subsets)
        for line in subject.lines
    ]
    names = list(dict.fromkeys(name for _, among in found for name in among))
    if level == "section":
        names = [name for name in subject.board.sections if name in names]
    rows: list[tuple[Any, ...]] = []
    if level == "section":
        rows = [(line.title, "score", *_whole(line)) for line in subject.lines if line.place.score is not None]
        names = ["score", *names]
    rows += [
        (line.title, name, among[name].score, among[name].low, among[name].high, among[name].n)
        for line, among in found
        for name in names
        if name in among
    ]
    measure, count = subject.measure, len(subject.lines)
    traces = []
    for at, line in enumerate(subject.lines):
        own = [row for row in rows if row[0] == line.title]
        shift = 0.0 if count == 1 else (at - (count - 1) / 2) * min(0.72 / (count - 1), 0.24)
        places = [names.index(row[1]) + shift for row in own]
        said = [_said(row, measure) for row in own]
        values = [(row[2], row[3], row[4]) for row in own]
        traces.append(dots(places, values, said, run=line.number, name=line.title, showlegend=count > 1))
    axis, height = names_below(names, row=max(28, 12 * count))
    what = "The score and each section" if level == "section" else "Each subset"
    return Figure(
        f"{subject.slug}-{level}s",
        f"Scores by {level}",
        f"{what}, with 95% intervals. Where two intervals overlap the runs may still differ: they judge the same "
        f"items, and the "
        "paired tests above are sharper."
        if count > 1
        else f"{what}, with 95% intervals.",
        ("run", level, "score", "low", "high", "items"),
        rows,
        [[r[0], r[1], *("" if v is None else score_text(v, measure) for v in r[2:5]), str(r[5])] for r in rows],
        traces,
        {"xaxis": shares(measure, "score"), "yaxis": axis, "height": height},
    )


def _whole(line: Line) -> tuple[float | None, float | None, float | None, int]:
    n = sum(each.n for each in line.detail.metrics.subsets.values())
    return line.place.score, line.place.low, line.place.high, n


def _said(row: Sequence[Any], measure: Measure | None) -> str:
    interval = "" if row[3] is None or row[4] is None else f" ({score_range(row[3], row[4], measure)})"
    return f"{row[0]}, {row[1]}: {score_text(row[2], measure)}{interval}, {row[5]} items"


def kinds(subject: Subject) -> Figure:
    """Judges against reward models, and what is reached without judging."""
    scored = [line for line in subject.lines if line.place.score is not None]
    there = {line.is_scores for line in scored}
    title, slug = "Judges against reward models", f"{subject.slug}-kinds"
    if there != {True, False}:
        what = (
            "a reward model; judgebench score FILE adds one" if there == {False} else "a judge; judgebench run adds one"
        )
        return Figure(slug, title, empty=f"among these runs is not {what}")
    rows: list[tuple[Any, ...]] = [
        (line.title, "reward model" if line.is_scores else "judge", line.place.score, line.place.low, line.place.high)
        for line in scored
    ]
    controls = next((line.detail.metrics.controls for line in scored if line.detail.metrics.controls is not None), None)
    for name, each in (controls.baselines if controls is not None else {}).items():
        rows.append((f"{name} answer", "without judging", each.score, None, None))
    rows.sort(key=lambda row: -row[2])
    measure = subject.measure
    traces = []
    for at, kind in enumerate(("judge", "reward model", "without judging")):
        own = [place for place, row in enumerate(rows) if row[1] == kind]
        said = [f"{rows[p][0]}: {score_text(rows[p][2], measure)}" for p in own]
        traces.append(dots(own, [rows[p][2:5] for p in own], said, run=at, name=kind))
    axis, height = names_below([row[0] for row in rows], row=27)
    return Figure(
        slug,
        title,
        "All by the same rule over the benchmark's items; without judging: always the longest, shortest or first "
        "answer, or one "
        "at random.",
        ("run", "kind", "score", "low", "high"),
        rows,
        [[r[0], r[1], *("" if v is None else score_text(v, measure) for v in r[2:5])] for r in rows],
        traces,
        {"xaxis": shares(measure, "score"), "yaxis": axis, "height": height},
    )


def cost(subject: Subject) -> Figure:
    """Accuracy against cost, with the front that no run beats in both."""
    slug, title = f"{subject.slug}-cost", "Score against cost"
    priced = [line for line in subject.lines if line.place.cost_usd is not None and line.place.score is not None]
    if not any(line.place.cost_usd for line in priced):
        return Figure(slug, title, empty="no run here has a known price above 0")
    measure = subject.measure
    rows: list[tuple[Any, ...]] = []
    for line in priced:
        place, bill = line.place, line.detail.bill
        each = None if bill is None else bill.per_item
        rows.append(
            (line.title, place.cost_usd, each, place.score, place.low, place.high, "yes" if place.pareto else "")
        )
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": row[0],
            "run": line.number,
            "x": [row[1]],
            "y": [row[3]],
            "error_y": _error(row),
            "text": [f"{row[0]}: {score_text(row[3], measure)} for {dollars(row[1])}"],
            "hovertemplate": "%{text}<extra></extra>",
        }
        for line, row in zip(priced, rows, strict=True)
    ]
    front = sorted(row[1:4:2] for row in rows if row[6])
    if len(front) > 1:
        dotted = {"dash": "dot", "width": 1.4, "shape": "hv"}
        x, y = zip(*front, strict=True)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": x,
                "y": y,
                "shade": "soft",
                "name": "front",
                "line": dotted,
                "hoverinfo": "skip",
            }
        )
    free = any(row[1] == 0 for row in rows)
    return Figure(
        slug,
        title,
        "Cost of all replies, those from the cache at their price; up and to the left is better. On the dotted front "
        "no run is "
        "both as cheap and as good.",
        ("run", "cost in USD", "USD an item", "score", "low", "high", "front"),
        rows,
        [
            [
                r[0],
                dollars(r[1]),
                "" if r[2] is None else dollars(r[2]),
                *("" if v is None else score_text(v, measure) for v in r[3:6]),
                r[6],
            ]
            for r in rows
        ],
        traces,
        {
            "xaxis": {"title": {"text": "US dollars"}, "type": "linear" if free else "log", "tickprefix": "$"},
            "yaxis": shares(measure, "score"),
            "height": 420,
        },
    )


def _error(row: Sequence[Any]) -> dict[str, Any]:
    if row[4] is None or row[5] is None:
        return {"type": "data", "array": [0]}
    return {"type": "data", "symmetric": False, "array": [row[5] - row[3]], "arrayminus": [row[3] - row[4]]}


def matrix(subject: Subject) -> Figure:
    """RM-Bench's nine comparisons of styles."""
    slug, title = f"{subject.slug}-matrix", "Right against wrong answers, by style"
    having = [line for line in subject.lines if line.detail.metrics.extra.get("matrix")]
    if not having:
        return Figure(slug, title, empty="only RM-Bench has answers in several styles")
    rows, z, names = [], [], []
    for line in having:
        for style, shares_ in zip(STYLES, line.detail.metrics.extra["matrix"], strict=True):
            rows += [(line.title, style, wrong, share) for wrong, share in zip(STYLES, shares_, strict=True)]
            names.append(f"{style} · {line.title}" if len(having) > 1 else style)
            z.append(shares_)
    axis, height = names_below(names, row=36)
    trace = {
        "type": "heatmap",
        "z": z,
        "x": [0, 1, 2],
        "y": list(range(len(names))),
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "texttemplate": "%{z:.1%}",
        "hovertemplate": "%{z:.1%}<extra></extra>",
    }
    return Figure(
        slug,
        title,
        "Share of items whose right answer in the row's style beats the wrong one in the column's. Hard is above the "
        "diagonal: a "
        "plainer right answer against a more elaborate wrong one.",
        ("run", "right answer", "wrong answer", "share"),
        rows,
        [[r[0], r[1], r[2], percent(r[3])] for r in rows],
        [trace],
        {
            "xaxis": {
                "title": {"text": "wrong answer"},
                "tickvals": [0, 1, 2],
                "ticktext": STYLES,
                "side": "top",
                "showgrid": False,
            },
            "yaxis": axis,
            "height": height,
            "margin": TIGHT,
        },
    )


def ties(subject: Subject) -> Figure:
    """RewardBench 2's Ties: how far correct and incorrect answers are apart, and the correct ones from each other."""
    slug, title = f"{subject.slug}-ties", "Ties: margin and spread"
    rows = [row for line in subject.lines for row in _tied(line)]
    if not rows:
        return Figure(
            slug,
            title,
            empty="only RewardBench 2's Ties have several correct answers, and no run here has ratings of them",
        )
    traces = []
    for line in subject.lines:
        own = [row for row in rows if row[0] == line.title]
        trace = {
            "type": "scatter",
            "mode": "markers",
            "name": line.title,
            "run": line.number,
            "x": [row[4] for row in own],
            "y": [row[3] for row in own],
            "text": [f"{row[0]}, {row[1]}: margin {row[3]:g}, spread {row[4]:g}" for row in own],
            "hovertemplate": "%{text}<extra></extra>",
            "opacity": 0.75,
        }
        traces += [trace] if own else []
    most = max(row[4] for row in rows)
    diagonal = {"type": "line", "x0": 0, "y0": 0, "x1": most, "y1": most}
    return Figure(
        slug,
        title,
        "Margin: the lowest correct score less the highest incorrect one; above 0 every correct answer is above "
        "every incorrect "
        "one. Spread: how far the correct ones are apart. Above the dotted line the margin is larger, as it should be.",
        ("run", "prompt", "sample", "margin", "spread", "accurate"),
        rows,
        [[r[0], r[1], str(r[2]), f"{r[3]:g}", f"{r[4]:g}", r[5]] for r in rows],
        traces,
        {
            "xaxis": {"title": {"text": "spread of the correct answers"}},
            "yaxis": {"title": {"text": "margin"}},
            "shapes": [diagonal],
            "height": 420,
        },
    )


def _tied(line: Line) -> Iterator[tuple[Any, ...]]:
    finished = line.detail.finished
    for outcome in finished.outcomes.values():
        if outcome.credit is not None and finished.benchmark.by_ties(outcome.item):
            for sample, scores in enumerate(outcome.scores):
                found = ties_item(scores, outcome.item.num_correct)
                accurate = "yes" if found.accurate else "no"
                yield line.title, outcome.item.id, sample, found.margin, found.spread, accurate
