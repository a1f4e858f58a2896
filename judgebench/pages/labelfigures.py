"""Figures of label verdicts: what is measured, by criterion too, the confusion table, and what thresholds give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from judgebench._util.table import Column, Table
from judgebench._util.text import percent
from judgebench.metrics.labels import FIGURES
from judgebench.pages.axes import decimal_tick, linear, share_tick
from judgebench.pages.figures import Figure, estimate_text
from judgebench.pages.plots import Curve, Dot, heat, intervals, joined, keys, points

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from judgebench.pages.chapters import Line, Subject


def label_figures(subject: Subject) -> Iterator[Figure]:
    """Those of the runs with label verdicts; none where there are none."""
    runs = [(line, found) for line in subject.lines if (found := _labels(line)) is not None]
    if not runs:
        return
    if any(found["accuracy"] is not None for _, found in runs):
        yield _figures(subject, runs)
    each = [(line, criteria) for line, _ in runs if (criteria := _extra(line, "criteria"))]
    if each:
        yield _criteria(subject, each)
    yield _confusion(subject, runs)
    ranked = [(line, found) for line, found in runs if "thresholds" in found]
    if ranked:
        yield _thresholds(subject, ranked)


def _labels(line: Line) -> Mapping[str, Any] | None:
    return _extra(line, "labels")


def _extra(line: Line, name: str) -> Mapping[str, Any] | None:
    return cast("Mapping[str, Any] | None", line.detail.metrics.extra.get(name))


def _figures(subject: Subject, runs: list[tuple[Line, Mapping[str, Any]]]) -> Figure:
    slug, title = f"{subject.slug}-labels", "Label verdicts"
    positive = runs[0][1]["positive"]
    rows, dots = [], []
    for name in (*FIGURES, "answered", "selective_accuracy", "roc_auc", "average_precision"):
        for line, found in runs:
            each = found.get(name)
            if each is None:
                continue
            ends, said = (each["low"], each["high"]), name.replace("_", " ")
            rows.append((line.title, said, each["score"], ends))
            text = f"{line.title}: {said} {each['score']:.3f} (95% CI {ends[0]:.3f} to {ends[1]:.3f})"
            value = estimate_text(each["score"], ends, "pearson")
            dots.append(Dot(said, line.title, line.number, text, each["score"], ends, None, value))
    lowest = min(0.0, *(row[3][0] for row in rows))
    return Figure(
        slug,
        title,
        f"Precision, recall and specificity are of the class '{positive}'. kappa and mcc (Matthews' coefficient) are 0 "
        "for verdicts that have nothing to do with the labels. docs/metrics.md has every formula.",
        Table.rows_of(
            rows, Column("run"), Column("figure"), Column("value", "coefficient"), Column("95% interval", "coefficient")
        ),
        intervals(dots, linear(lowest, 1.0, decimal_tick, "value", (-1.0, 1.0)), title),
    )


_MOST_CRITERIA = 25


def _criteria(subject: Subject, runs: list[tuple[Line, Mapping[str, Any]]]) -> Figure:
    """The agreement with people on each criterion, those with the lowest first."""
    known = {
        name: min(found[name]["accuracy"]["score"] for _, found in runs if name in found and found[name]["accuracy"])
        for _, every in runs
        for name, figures in every.items()
        if figures["accuracy"]
    }
    names = sorted(known, key=lambda name: (known[name], name))
    rows, dots = [], []
    for name in names:
        for line, found in runs:
            figures = found.get(name)
            if figures is None or figures["accuracy"] is None:
                continue
            each, kappa = figures["accuracy"], figures["kappa"]
            ends = (each["low"], each["high"])
            rows.append(
                (line.title, name, each["score"], ends, None if kappa is None else kappa["score"], figures["n"])
            )
            if name in names[:_MOST_CRITERIA]:
                value = estimate_text(each["score"], ends, "share")
                text = f"{line.title}: {name} {percent(each['score'])} of {figures['n']:g} items"
                dots.append(Dot(name, line.title, line.number, text, each["score"], ends, None, value))
    shown = f"The {_MOST_CRITERIA} with the lowest are drawn. " if len(names) > _MOST_CRITERIA else ""
    columns = [
        *(Column("run"), Column("criterion"), Column("agreement", "share"), Column("95% interval", "interval")),
        *(Column("kappa", "coefficient"), Column("items", "count")),
    ]
    return Figure(
        f"{subject.slug}-criteria",
        "Criteria",
        f"How often the verdict on each criterion is people's, over the items that have it. {shown}Intervals are "
        "clustered by item.",
        Table.rows_of(rows, *columns),
        intervals(dots, linear(0.0, 1.0, share_tick, "agreement", (0.0, 1.0)), "Criteria"),
    )


def _confusion(subject: Subject, runs: list[tuple[Line, Mapping[str, Any]]]) -> Figure:
    rows = [
        (line.title, gold, said, count)
        for line, found in runs
        for gold, row in found["confusion"].items()
        for said, count in row.items()
    ]
    heads = list(dict.fromkeys(row[2] for row in rows))
    shares = []
    for line, found in runs:
        for gold, row in found["confusion"].items():
            total = sum(row.values())
            name = gold if len(runs) == 1 else f"{line.title}: {gold}"
            shares.append((name, [row[said] / total if total and said in row else None for said in heads]))
    return Figure(
        f"{subject.slug}-confusion",
        "Confusion",
        "Of the items of each class (rows) the share that was judged to be of each (columns). The chip Wrong in the "
        "list of items has the disagreements one by one.",
        Table.rows_of(rows, Column("run"), Column("label"), Column("verdict"), Column("items", "count")),
        heat(shares, heads, 1, above="label"),
    )


def _thresholds(subject: Subject, runs: list[tuple[Line, Mapping[str, Any]]]) -> Figure:
    slug, title = f"{subject.slug}-thresholds", "Thresholds"
    names = ("threshold", "precision", "recall", "specificity", "accuracy")
    rows, curves = [], []
    for line, found in runs:
        placed = []
        for each in found["thresholds"]:
            rows.append((line.title, *(each[name] for name in names)))
            text = f"{line.title}: from {each['threshold']:.3f} on: recall {percent(each['recall'])}"
            placed.append((each["recall"], each["precision"], f"{text}, precision {percent(each['precision'])}"))
        curves.append(Curve(placed, line.number))
    x, y = (linear(0.0, 1.0, share_tick, words, (0.0, 1.0)) for words in ("recall", "precision"))
    return Figure(
        slug,
        title,
        f"What counting an item as '{runs[0][1]['positive']}' from a probability on would give: precision against "
        "recall, from the highest probability (left) to the lowest.",
        Table.rows_of(rows, Column("run"), *(Column(name, "share") for name in names)),
        joined([keys([(line.number, line.title) for line, _ in runs]), points([], x, y, title, curves=curves)]),
    )
