"""Figures of how judges behave: position bias, all biases, calibration, sureness, failures, agreement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgebench._util.text import coefficient, p_text, percent
from judgebench.pages.figures import Figure
from judgebench.pages.scorefigures import TIGHT, dots, names_below

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.analysis.report import Bias
    from judgebench.pages.chapters import Line, Subject

_POSITION = ("the one shown first is chosen", "same verdict in all orders")


def position(subject: Subject) -> Figure:
    """How often the answer shown first is chosen, and how often the verdict outlives a change of the order."""
    slug, title = f"{subject.slug}-position", "Position bias"
    rows = [
        (line.title, bias.behaviour.name, *_estimate(bias))
        for line in subject.lines
        for bias in line.detail.biases
        if bias.behaviour.name in _POSITION
    ]
    if not rows:
        return Figure(slug, title, empty="no run here chose between answers shown in an order")
    lines = [line for line in subject.lines if any(row[0] == line.title for row in rows)]
    traces = []
    for at, name in enumerate(_POSITION):
        own = {row[0]: row for row in rows if row[1] == name}
        places = [y + 0.16 * (2 * at - 1) for y, line in enumerate(lines) if line.title in own]
        found = [own[line.title] for line in lines if line.title in own]
        if not found:
            continue
        said = [
            f"{r[0]}: {name}: {percent(r[2])} ({percent(r[3])} to {percent(r[4])}); {percent(r[5])} without"
            for r in found
        ]
        traces.append(dots(places, [row[2:5] for row in found], said, run=at, name=name))
        symbol = {"symbol": "line-ns-open", "size": 15, "line": {"width": 2}}
        hidden = {"shade": "soft", "name": "without bias, by chance", "showlegend": at == 0, "marker": symbol}
        nulls = {"type": "scatter", "mode": "markers", "hoverinfo": "skip"}
        traces.append({**nulls, "x": [row[5] for row in found], "y": places, "legendgroup": "null", **hidden})
    axis, height = names_below([line.title for line in lines], row=44)
    return Figure(
        slug,
        title,
        "A judge without a position bias chooses the first answer as often as the upright mark says, and gives the "
        "same verdict in "
        "all orders, which is asked with --orders both.",
        ("run", "what", "share", "low", "high", "without bias", "p"),
        rows,
        [[r[0], r[1], *map(percent, r[2:6]), p_text(r[6])] for r in rows],
        traces,
        {
            "xaxis": {"title": {"text": "share"}, "tickformat": ".0%", "range": [-0.02, 1.02]},
            "yaxis": axis,
            "height": height,
        },
    )


def _estimate(bias: Bias) -> tuple[float, float, float, float, float]:
    each = bias.behaviour.estimate
    return each.estimate, each.low, each.high, each.null, each.p


def biases(subject: Subject) -> Figure:
    """Every bias that the readings can show, each with what could have been seen."""
    slug, title = f"{subject.slug}-biases", "Every bias"
    rows: list[tuple[Any, ...]] = []
    shown: list[tuple[str, ...]] = []
    for line in subject.lines:
        for bias in line.detail.biases:
            each = bias.behaviour
            rows.append((line.title, each.name, each.unit, *_estimate(bias), bias.q, each.estimate.smallest_effect))
            scale, end, digits = (1.0, "", 2) if each.unit == "log-odds" else (100.0, "%", 1)
            said = [f"{scale * number:.{digits}f}{end}" for number in rows[-1][3:7]]
            q = "" if bias.q is None else p_text(bias.q)
            seen = f"{scale * each.estimate.smallest_effect:.{digits}f}{end}"
            shown.append((line.title, each.name, each.unit, *said, p_text(rows[-1][7]), q, seen))
    if not rows:
        return Figure(slug, title, empty="no run here has verdicts that could show one")
    return Figure(
        slug,
        title,
        "q: p corrected for all biases of this page (Benjamini and Hochberg); rows without one only describe. "
        "'shows': the smallest distance from 'without' that so many items show in 4 of 5 tries.",
        ("run", "bias", "unit", "found", "low", "high", "without", "p", "q", "shows"),
        rows,
        shown,
    )


def calibration(subject: Subject) -> Figure:
    """Probabilities, and shares of verdicts, against how often they are right."""
    slug, title = f"{subject.slug}-calibration", "Calibration"
    rows: list[tuple[Any, ...]] = []
    traces: list[dict[str, Any]] = []
    for line in subject.lines:
        for what, bins in _bins(line):
            own = [(line.title, what, *each) for each in bins]
            rows += own
            said = [f"{r[0]}: {percent(r[5])} sure, {percent(r[6])} right, {r[4]} of them ({what})" for r in own]
            dash = {"dash": "solid" if what == "probabilities" else "dash"}
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "run": line.number,
                    "name": f"{line.title}, {what}",
                    "x": [row[5] for row in own],
                    "y": [row[6] for row in own],
                    "line": dash,
                    "text": said,
                    "hovertemplate": "%{text}<extra></extra>",
                }
            )
    if not rows:
        return Figure(
            slug,
            title,
            empty="no run here has probabilities (--soft) or several verdicts an item (--orders both, --samples)",
        )
    diagonal = {"type": "line", "x0": 0, "y0": 0, "x1": 1, "y1": 1}
    return Figure(
        slug,
        title,
        "How sure a judge is (the probability of its verdict, or the share of an item's verdicts that agree), and "
        "how often it is "
        "then right. On the dotted line it is as sure as it should be; below it, too sure.",
        ("run", "of", "above", "up to", "n", "sure", "right"),
        rows,
        [[r[0], r[1], percent(r[2]), percent(r[3]), str(r[4]), percent(r[5]), percent(r[6])] for r in rows],
        traces,
        {
            "xaxis": {"title": {"text": "how sure"}, "tickformat": ".0%", "range": [-0.02, 1.02]},
            "yaxis": {"title": {"text": "how often right"}, "tickformat": ".0%", "range": [-0.02, 1.02]},
            "shapes": [diagonal],
            "height": 420,
        },
    )


def _bins(line: Line) -> Iterator[tuple[str, list[tuple[float, float, int, float, float]]]]:
    names = ("low", "high", "n", "confidence", "accuracy")
    found = line.detail.metrics.extra.get("calibration")
    if found:
        yield "probabilities", [tuple(each[name] for name in names) for each in found["bins"]]
    votes = line.detail.votes
    if votes is not None:
        yield "shares of verdicts", [tuple(getattr(each, name) for name in names) for each in votes.bins]


def surest(subject: Subject) -> Figure:
    """How often the surest verdicts are right, and the rest."""
    slug, title = f"{subject.slug}-surest", "The surest first"
    rows: list[tuple[Any, ...]] = []
    traces = []
    for line in subject.lines:
        own = [(line.title, what, share, right) for what, steps in _steps(line) for share, right in steps]
        rows += own
        if own:
            said = [f"{row[0]}: {percent(row[3])} of the surest {row[2]:.0%} ({row[1]})" for row in own]
            trace = {"type": "scatter", "mode": "lines+markers", "run": line.number, "name": line.title, "text": said}
            traces.append(
                {
                    **trace,
                    "x": [row[2] for row in own],
                    "y": [row[3] for row in own],
                    "hovertemplate": "%{text}<extra></extra>",
                }
            )
    if not rows:
        return Figure(slug, title, empty="no run here has ratings, scores or probabilities, which say how sure it is")
    return Figure(
        slug,
        title,
        "Right among the surest quarter, half, three quarters, and all: where the line falls, being sure means "
        "something.",
        ("run", "sure by", "share taken", "right"),
        rows,
        [[r[0], r[1], f"{r[2]:.0%}", percent(r[3])] for r in rows],
        traces,
        {
            "xaxis": {"title": {"text": "share of items taken, the surest first"}, "tickformat": ".0%"},
            "yaxis": {"title": {"text": "right among them"}, "tickformat": ".0%"},
            "height": 400,
        },
    )


def _steps(line: Line) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    found = line.detail.metrics.extra.get("calibration")
    if found:
        yield "probabilities", [(each["coverage"], 1 - each["risk"]) for each in found["risk_coverage"]]
    elif line.detail.sureness is not None:
        yield "distance of the best two scores", list(line.detail.sureness.accuracy)


def failures(subject: Subject) -> Figure:
    """What has no verdict, by kind."""
    slug, title = f"{subject.slug}-failures", "Failures by kind"
    rows = [
        (line.title, kind.replace("_", " "), count, count / line.detail.metrics.judgements)
        for line in subject.lines
        for kind, count in line.detail.metrics.failures.items()
    ]
    if not rows:
        return Figure(slug, title, empty="every judgement of every run here has a verdict")
    lines = [line for line in subject.lines if line.detail.metrics.failures]
    traces = []
    for at, kind in enumerate(dict.fromkeys(row[1] for row in rows)):
        own = {row[0]: row for row in rows if row[1] == kind}
        there = [y for y, line in enumerate(lines) if line.title in own]
        found = [own[lines[y].title] for y in there]
        bar = {"type": "bar", "orientation": "h", "name": kind, "run": at, "y": there, "x": [row[3] for row in found]}
        said = [f"{row[0]}: {row[2]} {kind}, {percent(row[3])}" for row in found]
        traces.append({**bar, "text": said, "textposition": "none", "hovertemplate": "%{text}<extra></extra>"})
    axis, height = names_below([line.title for line in lines], row=34)
    return Figure(
        slug,
        title,
        "Share of judgements without a verdict; a failure is never counted as a verdict. docs/runs.md says what each "
        "kind is.",
        ("run", "kind", "count", "share"),
        rows,
        [[r[0], r[1], str(r[2]), percent(r[3])] for r in rows],
        traces,
        {
            "barmode": "stack",
            "xaxis": {"title": {"text": "share"}, "tickformat": ".1%"},
            "yaxis": axis,
            "height": height,
        },
    )


def agreement(subject: Subject) -> Figure:
    """How far each two runs say the same."""
    slug, title = f"{subject.slug}-agreement", "Agreement"
    found = subject.comparison
    if found is None or not found.agreement:
        return Figure(slug, title, empty="no two runs here are over the same items")
    by_number = {line.number: line for line in subject.lines}
    lines = [by_number[number] for number in subject.compared]
    rows: list[tuple[Any, ...]] = [
        (
            lines[e.first].title,
            lines[e.second].title,
            e.of,
            *(v for a in (e.same, e.kappa, e.ac1) for v in (a.value, a.low, a.high)),
        )
        for e in found.agreement
    ]
    return Figure(
        slug,
        title,
        f"Share of {_agreed_on(subject)} on which two runs choose the same answer. kappa and "
        f"AC1 take away what chance gives: 0 is chance, 1 full agreement.{_all_of_them(subject)}",
        ("run", "other run", "of", "same", "low", "high", "kappa", "low", "high", "AC1", "low", "high"),
        rows,
        [[*r[:3], *(_coefficient(each, share=at < 3) for at, each in enumerate(r[3:]))] for r in rows],
        [_agreeing(subject, lines)],
        {
            "xaxis": {
                "tickvals": list(range(len(lines))),
                "ticktext": [str(line.number + 1) for line in lines],
                "side": "top",
                "showgrid": False,
            },
            "yaxis": names_below([f"{line.number + 1} {line.title}" for line in lines], row=0)[0],
            "height": 60 + 42 * len(lines),
            "margin": TIGHT,
        },
    )


def _agreeing(subject: Subject, lines: Sequence[Line]) -> dict[str, Any]:
    assert subject.comparison is not None
    z: list[list[float | None]] = [[None] * len(lines) for _ in lines]
    for each in subject.comparison.agreement:
        z[each.first][each.second] = z[each.second][each.first] = each.same.value
    return {
        "type": "heatmap",
        "z": z,
        "x": list(range(len(lines))),
        "y": list(range(len(lines))),
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "hoverongaps": False,
        "texttemplate": "%{z:.0%}",
        "hovertemplate": "%{z:.1%}<extra></extra>",
    }


def _agreed_on(subject: Subject) -> str:
    of = {each.of for each in subject.comparison.agreement} if subject.comparison is not None else set()
    questions = "questions about items (each pair that both runs judge)"
    return questions if of == {"questions"} else "items" if of == {"choices"} else f"items, or of {questions},"


def _all_of_them(subject: Subject) -> str:
    found = subject.comparison
    if found is None or found.fleiss is None or found.krippendorff is None:
        return ""
    all_ = (
        f"Fleiss' kappa {coefficient(found.fleiss.value)}, Krippendorff's alpha {coefficient(found.krippendorff.value)}"
    )
    return f" All {len(found.runs)} together: {all_}."


def _coefficient(value: float, *, share: bool) -> str:
    if value != value:  # noqa: PLR0124 - not-a-number
        return ""
    return percent(value) if share else f"{round(value, 2) + 0:.2f}"
