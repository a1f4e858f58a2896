"""Figures of scores: runs ranked, differences, parts, judges against reward models, cost, RM-Bench's matrix, Ties."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from judgebench._util.table import Column, Table, TableRow, ends_of
from judgebench._util.text import difference_text, dollars, p_text, score_range, score_text
from judgebench.analysis.board import figure_of
from judgebench.metrics.ties import ties_item
from judgebench.pages.figures import (
    TIGHT,
    Dot,
    Figure,
    columns_above,
    heatmap,
    interval_plot,
    names_below,
    scatter,
    shares,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgebench._util.table import Columns
    from judgebench.pages.chapters import Line, Subject

STYLES = ("concise", "detailed, plain", "detailed, Markdown")
"""RM-Bench's styles, in the order of its matrix."""


def standing(subject: Subject) -> Figure:
    """The runs ranked, with what stands beside their scores."""
    columns: Columns = {
        Column("judge"): lambda line: line.place.judge,
        Column("template"): lambda line: line.place.wording,
        Column("protocol"): lambda line: line.place.protocol,
        Column("rank", "count"): lambda line: "-" if line.place.rank is None else line.place.rank,
        Column("score", "score"): lambda line: line.place.score,
        Column("95% interval", "interval"): lambda line: ends_of(line.place),
        Column("group", "mark"): lambda line: line.place.group,
        Column("cost in USD", "money"): lambda line: (
            line.place.cost_usd if line.is_scores or line.place.cost_usd is not None else "unknown"
        ),
        Column("front", "mark"): lambda line: "yes" if line.place.pareto else "",
        Column("items", "count"): lambda line: line.place.items,
        Column("with a verdict", "share"): lambda line: line.place.coverage,
    }
    for name in subject.board.sections:
        columns[Column(name, "score")] = partial(_of_place, "sections", name)
    for name in subject.board.figures:
        columns[Column(name, "number")] = partial(_of_place, "figures", name)
    return Figure(
        f"{subject.slug}-runs",
        "The runs",
        "Runs that share a letter under 'group' cannot be told apart (paired tests, Holm's correction). 'front': no "
        "run here that costs no more is significantly better. A run without a rank is over other items, or has "
        "verdicts for less than half of its judgements.",
        Table.of(subject.lines, columns, lambda line: {"unit": line.place.measure}),
    )


def _of_place(level: str, name: str, line: Line) -> float | None:
    return figure_of(level, name, line.place)


def differences(subject: Subject) -> Figure:
    """Each two runs by paired tests, over the score and each section; the plot has the best against all others."""
    slug, title = f"{subject.slug}-differences", "Differences, paired"
    found = subject.comparison
    if found is None or found.whole is None:
        return Figure(slug, title, empty="no two runs here have a score over the same items")
    names = [subject.lines[number].title for number in subject.compared]
    dots = []
    for each, p in zip(found.whole.pairs, found.whole.adjusted, strict=True):
        if each.first == 0:
            value, low, high = (difference_text(end, subject.measure) for end in (each.difference, each.low, each.high))
            text = f"{names[0]} less {names[each.second]}: {value} ({low} to {high}), p {p_text(p)} (Holm)"
            dots.append(Dot(f"less {names[each.second]}", "", 0, text, each.difference, ends_of(each)))
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": -0.5, "y1": len(dots) - 0.5}
    unit = {} if subject.measure == "pearson" else {"tickformat": "+.0%"}
    traces, layout = interval_plot(dots, {"title": {"text": "difference"}, **unit}, row=30, shapes=[zero])
    return Figure(
        slug,
        title,
        f"By how much {names[0]} is above each other run over the same items, with 95% intervals; the table has every "
        "two runs, for the score and each section. 'p (Holm)' is corrected for all pairs of a kind; MDE is the "
        "smallest difference that is detected with 80% power.",
        found.table(names),
        traces,
        layout,
    )


def failure_effects(subject: Subject) -> Figure:
    """What failures do to the differences."""
    slug, title = f"{subject.slug}-failure-effects", "Differences and failures"
    found = subject.comparison
    if found is None or not found.failures:
        return Figure(slug, title, empty="no two runs here were compared of which one has failures")
    return Figure(
        slug,
        title,
        "Each two runs of which one has failures: the difference over the n items that both answered, and its bounds, "
        "with each failure counted as bad, and as good, as can be for the first. Where a row is bold the conclusion "
        "depends on the failures.",
        found.failures_table([subject.lines[number].title for number in subject.compared]),
    )


def parts(subject: Subject, level: str) -> Figure:
    """Scores with intervals of each section or each subset."""
    by_line = {
        line.title: dict(line.detail.metrics.sections if level == "section" else line.detail.metrics.subsets)
        for line in subject.lines
    }
    names = list(dict.fromkeys(name for among in by_line.values() for name in among))
    if level == "section":
        names = ["score", *(name for name in subject.board.sections if name in names)]
    rows: list[tuple[Dot, int]] = []
    for line in subject.lines:
        if level == "section" and line.place.score is not None:
            n = sum(each.n for each in line.detail.metrics.subsets.values())
            rows.append((_dot(line, "score", line.place.score, ends_of(line.place), n), n))
        those = [(name, by_line[line.title][name]) for name in names if name in by_line[line.title]]
        rows += [(_dot(line, name, each.score, ends_of(each), each.n), each.n) for name, each in those]
    measure, count = subject.measure, len(subject.lines)
    dots = sorted((dot for dot, _ in rows), key=lambda dot: (names.index(dot.line), dot.run))
    traces, layout = interval_plot(dots, shares(measure, "score"), row=max(28, 12 * count))
    what = "The score and each section" if level == "section" else "Each subset"
    overlap = (
        " Where two intervals overlap the runs may still differ: they judge the same items, and the paired tests above "
        "are sharper."
    )
    columns: Columns = {
        Column("run"): lambda row: row[0].series,
        Column(level): lambda row: row[0].line,
        Column("score", "score"): lambda row: row[0].value,
        Column("95% interval", "interval"): lambda row: row[0].ends,
        Column("items", "count"): lambda row: row[1],
    }
    return Figure(
        f"{subject.slug}-{level}s",
        f"Scores by {level}",
        f"{what}, with 95% intervals.{overlap if count > 1 else ''}",
        Table.of(rows, columns, lambda _: {"unit": measure}),
        traces,
        layout,
    )


def _dot(line: Line, name: str, score: float, ends: tuple[float, float] | None, n: int) -> Dot:
    measure = line.place.measure
    interval = "" if ends is None else f" ({score_range(*ends, measure)})"
    text = f"{line.title}, {name}: {score_text(score, measure)}{interval}, {n} items"
    return Dot(name, line.title, line.number, text, score, ends)


def kinds(subject: Subject) -> Figure:
    """Judges against reward models, and what is reached without judging."""
    scored = [line for line in subject.lines if line.place.score is not None]
    there = {line.is_scores for line in scored}
    title, slug = "Judges against reward models", f"{subject.slug}-kinds"
    if there != {True, False}:
        adds = (
            "a reward model; judgebench score FILE adds one" if there == {False} else "a judge; judgebench run adds one"
        )
        return Figure(slug, title, empty=f"among these runs is not {adds}")
    measure, order = subject.measure, ("judge", "reward model", "without judging")
    rows = [(line.title, order[line.is_scores], line.place.score or 0.0, ends_of(line.place)) for line in scored]
    controls = next((line.detail.metrics.controls for line in scored if line.detail.metrics.controls is not None), None)
    reached = controls.baselines if controls is not None else {}
    rows += [(f"{name} answer", order[2], each.score, None) for name, each in reached.items()]
    rows.sort(key=lambda row: -row[2])
    dots = [Dot(r, kind, order.index(kind), f"{r}: {score_text(s, measure)}", s, ends) for r, kind, s, ends in rows]
    traces, layout = interval_plot(dots, shares(measure, "score"), row=27, spread=False)
    columns = [Column("run"), Column("kind"), Column("score", "score"), Column("95% interval", "interval")]
    return Figure(
        slug,
        title,
        "All by the same rule over the benchmark's items; without judging: always the longest, shortest or first "
        "answer, or one at random.",
        Table(columns, [TableRow(row, measure) for row in rows]),
        traces,
        layout,
    )


def cost(subject: Subject) -> Figure:
    """Accuracy against cost, with the front that no run beats in both."""
    slug, title = f"{subject.slug}-cost", "Score against cost"
    priced = [line for line in subject.lines if line.place.cost_usd is not None and line.place.score is not None]
    if not any(line.place.cost_usd for line in priced):
        return Figure(slug, title, empty="no run here has a known price above 0")
    measure = subject.measure
    points = [(line, line.place.cost_usd or 0.0, line.place.score or 0.0) for line in priced]
    traces = [
        scatter(
            line.title,
            line.number,
            [price],
            [score],
            [f"{line.title}: {score_text(score, measure)} for {dollars(price)}"],
            error_y=_error(line, score),
        )
        for line, price, score in points
    ]
    front = sorted((price, score) for line, price, score in points if line.place.pareto)
    if len(front) > 1:
        x, y = zip(*front, strict=True)
        dotted = {"mode": "lines", "shade": "soft", "line": {"dash": "dot", "width": 1.4, "shape": "hv"}}
        traces.append({"type": "scatter", "x": x, "y": y, "name": "front", "hoverinfo": "skip", **dotted})
    columns: Columns = {
        Column("run"): lambda line: line.title,
        Column("cost in USD", "money"): lambda line: line.place.cost_usd,
        Column("USD an item", "money"): lambda line: line.detail.bill.per_item if line.detail.bill else None,
        Column("score", "score"): lambda line: line.place.score,
        Column("95% interval", "interval"): lambda line: ends_of(line.place),
        Column("front", "mark"): lambda line: "yes" if line.place.pareto else "",
    }
    free = any(price == 0 for _, price, _ in points)
    return Figure(
        slug,
        title,
        "Cost of all replies, those from the cache at their price; up and to the left is better. On the dotted front "
        "no run is both as cheap and as good.",
        Table.of(priced, columns, lambda _: {"unit": measure}),
        traces,
        {
            "xaxis": {"title": {"text": "US dollars"}, "type": "linear" if free else "log", "tickprefix": "$"},
            "yaxis": shares(measure, "score"),
            "height": 420,
        },
    )


def _error(line: Line, score: float) -> dict[str, Any]:
    ends = ends_of(line.place)
    if ends is None:
        return {"type": "data", "array": [0]}
    low, high = ends
    return {"type": "data", "symmetric": False, "array": [high - score], "arrayminus": [score - low]}


def matrix(subject: Subject) -> Figure:
    """RM-Bench's nine comparisons of styles."""
    slug, title = f"{subject.slug}-matrix", "Right against wrong answers, by style"
    having = [line for line in subject.lines if line.detail.metrics.extra.get("matrix")]
    if not having:
        return Figure(slug, title, empty="only RM-Bench has answers in several styles")
    rows, z, names = [], [], []
    for line in having:
        for style, shares_ in zip(STYLES, cast("Any", line.detail.metrics.extra["matrix"]), strict=True):
            rows += [(line.title, style, wrong, share) for wrong, share in zip(STYLES, shares_, strict=True)]
            names.append(f"{style} · {line.title}" if len(having) > 1 else style)
            z.append(shares_)
    axis, height = names_below(names, row=36)
    return Figure(
        slug,
        title,
        "Share of items whose right answer in the row's style beats the wrong one in the column's. Hard is above the "
        "diagonal: a plainer right answer against a more elaborate wrong one.",
        Table.rows_of(rows, Column("run"), Column("right answer"), Column("wrong answer"), Column("share", "share")),
        [heatmap(z, len(STYLES), 1)],
        {"xaxis": columns_above(STYLES, "wrong answer"), "yaxis": axis, "height": height, "margin": TIGHT},
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
        if own := [row for row in rows if row[0] == line.title]:
            text = [f"{row[0]}, {row[1]}: margin {row[3]:g}, spread {row[4]:g}" for row in own]
            x, y = [row[4] for row in own], [row[3] for row in own]
            traces.append(scatter(line.title, line.number, x, y, text, opacity=0.75))
    most = max(row[4] for row in rows)
    return Figure(
        slug,
        title,
        "Margin: the lowest correct score less the highest incorrect one; above 0 every correct answer is above "
        "every incorrect one. Spread: how far the correct ones are apart. Above the dotted line the margin is larger, "
        "as it should be.",
        Table.rows_of(
            rows,
            *(Column("run"), Column("prompt"), Column("sample", "count")),
            *(Column("margin", "number", form="g"), Column("spread", "number", form="g"), Column("accurate")),
        ),
        traces,
        {
            "xaxis": {"title": {"text": "spread of the correct answers"}},
            "yaxis": {"title": {"text": "margin"}},
            "shapes": [{"type": "line", "x0": 0, "y0": 0, "x1": most, "y1": most}],
            "height": 420,
        },
    )


def _tied(line: Line) -> Iterator[tuple[str, str, int, float, float, str]]:
    finished = line.detail.finished
    for outcome in finished.outcomes.values():
        if outcome.credit is not None and finished.benchmark.by_ties(outcome.item):
            for sample, scores in enumerate(outcome.scores):
                found = ties_item(scores, outcome.item.num_correct)
                accurate = "yes" if found.accurate else "no"
                yield line.title, outcome.item.id, sample, found.margin, found.spread, accurate
