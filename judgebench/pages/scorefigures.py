"""Figures of scores: differences, parts, judges against reward models, cost, RM-Bench's matrix, Ties."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from judgebench._util.table import Column, Table, TableRow, ends_of
from judgebench._util.text import difference_text, dollars, p_text, score_range, score_text
from judgebench.analysis.equivalent import decisions, margin_lines, within_head
from judgebench.items import is_coefficient
from judgebench.metrics.ties import ties_item
from judgebench.pages.axes import decimal_tick, linear, of_money, points_tick, reach, share_tick
from judgebench.pages.figures import Figure, estimate_text, score_axis, sentences
from judgebench.pages.plots import Curve, Dot, Point, heat, intervals, joined, keys, points

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgebench._util.table import Columns
    from judgebench.pages.chapters import Line, Subject

STYLES = ("concise", "detailed, plain", "detailed, Markdown")
"""RM-Bench's styles, in the order of its matrix."""


def differences(subject: Subject) -> Figure:
    """Each two runs by paired tests, over the score and each section; the plot has the best against all others."""
    slug, title = f"{subject.slug}-differences", "Paired differences"
    found = subject.comparison
    if found is None or found.whole is None:
        return Figure(slug, title, empty="no two runs here have a score over the same items")
    names = [subject.lines[number].title for number in subject.compared]
    dots, stands = [], decisions(found, names)
    for each, p in zip(found.whole.pairs, found.whole.adjusted, strict=True):
        if each.first == 0:
            value, low, high = (difference_text(end, subject.measure) for end in (each.difference, each.low, each.high))
            text = f"{names[0]} minus {names[each.second]}: {value} ({low} to {high}), p {p_text(p)} (Holm)"
            if (stand := stands.get((each.first, each.second))) is not None:
                text += f", {within_head(found)}: {stand}"
            shown = f"{value} ({low} to {high})"
            dots.append(Dot(names[each.second], "", 0, text, each.difference, ends_of(each), shown=shown))
    start, end = reach([dot.value for dot in dots], [dot.ends or (dot.value, dot.value) for dot in dots])
    tick, unit = (decimal_tick, "") if is_coefficient(subject.measure) else (points_tick, " (pp)")
    axis = linear(min(start, 0.0), max(end, 0.0), tick, f"{names[0]} minus the run at the left{unit}")
    return Figure(
        slug,
        title,
        f"{names[0]} minus each other run over the same items, with 95% intervals; the table has all pairs, for the "
        "score and each section. p (Holm): corrected for all pairs of a kind. MDE: minimum detectable difference at "
        f"80% power. {sentences(margin_lines(found))}",
        found.table(names),
        intervals(dots, axis, f"{title}: {names[0]} minus each other run", zero=True),
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
    slug, title = f"{subject.slug}-{level}s", f"Scores by {level}"
    by_line = {
        line.title: dict(line.detail.metrics.sections if level == "section" else line.detail.metrics.subsets)
        for line in subject.lines
    }
    names = list(dict.fromkeys(name for among in by_line.values() for name in among))
    if level == "section":
        names = [name for name in subject.board.sections if name in names]
    elif all(line.detail.metrics.sections == line.detail.metrics.subsets for line in subject.lines):
        return Figure(slug, title, empty="the subsets are the sections")
    if len(names) < 2:
        return Figure(slug, title, empty=f"the items are of one {level}")
    rows = [
        (_dot(line, name, each.score, ends_of(each), each.n), each.n)
        for name in names
        for line in subject.lines
        if (each := by_line[line.title].get(name)) is not None
    ]
    dots, measure = [dot for dot, _ in rows], subject.measure
    overlap = (
        " Where two intervals overlap the runs may still differ: they judge the same items, and the paired tests above "
        "are sharper."
    )
    columns: Columns = {
        Column(level): lambda row: row[0].line,
        Column("run"): lambda row: row[0].series,
        Column("score", "score"): lambda row: row[0].value,
        Column("95% CI", "interval"): lambda row: row[0].ends,
        Column("items", "count"): lambda row: row[1],
    }
    return Figure(
        slug,
        title,
        f"With 95% intervals; an arrow marks one that goes on.{overlap if len(subject.lines) > 1 else ''}",
        Table.of(rows, columns, lambda _: {"unit": measure}),
        intervals(dots, score_axis(dots, measure), title),
    )


def _dot(line: Line, name: str, score: float, ends: tuple[float, float] | None, n: int) -> Dot:
    measure = line.place.measure
    interval = "" if ends is None else f" ({score_range(*ends, measure)})"
    text = f"{line.title}, {name}: {score_text(score, measure)}{interval}, {n} items"
    return Dot(name, line.title, line.number, text, score, ends, shown=estimate_text(score, ends, measure))


def kinds(subject: Subject) -> Figure:
    """Judges against reward models, and the baselines."""
    scored = [line for line in subject.lines if line.place.score is not None]
    there = {line.is_scores for line in scored}
    title, slug = "Judges against reward models", f"{subject.slug}-kinds"
    if there != {True, False}:
        adds = (
            "a reward model; judgebench score FILE adds one" if there == {False} else "a judge; judgebench run adds one"
        )
        return Figure(slug, title, empty=f"among these runs is not {adds}")
    measure, order = subject.measure, ("judge", "reward model", "baseline")
    rows = [(line.title, order[line.is_scores], line.place.score or 0.0, ends_of(line.place)) for line in scored]
    controls = next((line.detail.metrics.controls for line in scored if line.detail.metrics.controls is not None), None)
    reached = controls.baselines if controls is not None else {}
    rows += [(f"{name} answer", order[2], each.score, None) for name, each in reached.items()]
    rows.sort(key=lambda row: -row[2])
    dots = [
        Dot(name, kind, order.index(kind), f"{name}: {score_text(score, measure)}", score, ends)
        for name, kind, score, ends in rows
    ]
    dots = [replace(dot, shown=estimate_text(dot.value, dot.ends, measure)) for dot in dots]
    columns = [Column("run"), Column("kind"), Column("score", "score"), Column("95% CI", "interval")]
    return Figure(
        slug,
        title,
        "By the same rule over the same items. Baselines: the longest, shortest or first answer, or a coin flip.",
        Table(columns, [TableRow(row, measure) for row in rows]),
        intervals(dots, score_axis(dots, measure), title),
    )


def cost(subject: Subject) -> Figure:
    """Accuracy against cost, with the front that no run beats in both."""
    slug, title = f"{subject.slug}-cost", "Score against cost"
    priced = [line for line in subject.lines if line.place.cost_usd is not None and line.place.score is not None]
    if not any(line.place.cost_usd for line in priced):
        return Figure(slug, title, empty="no run here has a known price above 0")
    measure = subject.measure
    shown = [
        Point(
            line.place.cost_usd or 0.0,
            line.place.score or 0.0,
            line.number,
            f"{line.title}: {score_text(line.place.score or 0.0, measure)} for {dollars(line.place.cost_usd)}",
            line.title,
            ends_of(line.place),
        )
        for line in priced
    ]
    front = sorted((p.x, p.y, "") for line, p in zip(priced, shown, strict=True) if line.place.pareto)
    best = [each for at, each in enumerate(front) if all(each[1] > before[1] for before in front[:at])]
    columns: Columns = {
        Column("run"): lambda line: line.title,
        Column("cost in USD", "money"): lambda line: line.place.cost_usd,
        Column("USD per item", "money"): lambda line: line.detail.bill.per_item if line.detail.bill else None,
        Column("score", "score"): lambda line: line.place.score,
        Column("95% CI", "interval"): lambda line: ends_of(line.place),
        Column("not dominated", "mark"): lambda line: "yes" if line.place.pareto else "",
    }
    low, high = reach([p.y for p in shown], [p.error or (p.y, p.y) for p in shown])
    y = (
        linear(low, high, decimal_tick, "score", (-1.0, 1.0))
        if is_coefficient(measure)
        else linear(low, high, share_tick, "score", (0.0, 1.0))
    )
    return Figure(
        slug,
        title,
        "Cost of all replies, cached ones at their price; up and to the left is better. The dotted line is the Pareto "
        "front (score vs. cost).",
        Table.of(priced, columns, lambda _: {"unit": measure}),
        points(
            shown,
            of_money([p.x for p in shown]),
            y,
            title,
            curves=[Curve(best, None, dashed=True, steps=True)] if len(best) > 1 else [],
        ),
    )


def matrix(subject: Subject) -> Figure:
    """RM-Bench's nine comparisons of styles."""
    slug, title = f"{subject.slug}-matrix", "Right against wrong answers, by style"
    having = [line for line in subject.lines if line.detail.metrics.extra.get("matrix")]
    if not having:
        return Figure(slug, title, empty="only RM-Bench has answers in several styles")
    rows, grid = [], []
    for line in having:
        for style, shares in zip(STYLES, cast("Any", line.detail.metrics.extra["matrix"]), strict=True):
            rows += [(line.title, style, wrong, share) for wrong, share in zip(STYLES, shares, strict=True)]
            grid.append((f"{style} · {line.title}" if len(having) > 1 else style, shares))
    return Figure(
        slug,
        title,
        "Share of items whose right answer in the row's style beats the wrong one in the column's. Hard is above the "
        "diagonal: a plainer right answer against a more elaborate wrong one.",
        Table.rows_of(rows, Column("run"), Column("right answer"), Column("wrong answer"), Column("share", "share")),
        heat(grid, STYLES, 1, above="right answer \\ wrong answer"),
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
    colours = {line.title: line.number for line in subject.lines}
    shown = [
        Point(row[4], row[3], colours[row[0]], f"{row[0]}, {row[1]}: margin {row[3]:g}, spread {row[4]:g}")
        for row in rows
    ]
    most, margins = max(row[4] for row in rows), [row[3] for row in rows]
    x = linear(0.0, most, decimal_tick, "spread of the correct answers")
    y = linear(min(*margins, 0.0), max(*margins, most), decimal_tick, "margin")
    diagonal = Curve([(0.0, 0.0, ""), (most, most, "")], None, dashed=True)
    named = [(line.number, line.title) for line in subject.lines if line.title in {row[0] for row in rows}]
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
        joined([keys(named), points(shown, x, y, title, curves=[diagonal])]),
    )


def _tied(line: Line) -> Iterator[tuple[str, str, int, float, float, str]]:
    finished = line.detail.finished
    for outcome in finished.outcomes.values():
        if outcome.credit is not None and finished.benchmark.by_ties(outcome.item):
            for sample, scores in enumerate(outcome.scores):
                found = ties_item(scores, outcome.item.num_correct)
                accurate = "yes" if found.accurate else "no"
                yield line.title, outcome.item.id, sample, found.margin, found.spread, accurate
