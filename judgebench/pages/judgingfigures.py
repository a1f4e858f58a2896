"""Figures of how judges behave: position bias, all biases, calibration, sureness, failures, agreement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from judgebench._util.table import Column, Table, ends_of
from judgebench._util.text import coefficient, percent
from judgebench.analysis.report import bias_row
from judgebench.pages.axes import linear, share_tick
from judgebench.pages.figures import Figure, estimate_text
from judgebench.pages.plots import Curve, Dot, bars, heat, intervals, joined, keys, points
from judgebench.runs import aurc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from markupsafe import Markup

    from judgebench._util.table import Columns
    from judgebench.pages.chapters import Line, Subject

_SHARES = linear(0.0, 1.0, share_tick, "share", (0.0, 1.0))
_POSITION = ("position bias (first slot)", "position consistency")


def position(subject: Subject) -> Figure:
    """How often the answer shown first is chosen, and how often the verdict outlives a change of the order."""
    slug, title = f"{subject.slug}-position", "Position bias"
    rows = [(line, bias) for line in subject.lines for bias in line.detail.biases if bias.behaviour.name in _POSITION]
    if not rows:
        return Figure(slug, title, empty="no run here chose between answers shown in an order")
    dots = []
    for line, bias in rows:
        name, each = bias.behaviour.name, bias.behaviour.estimate
        interval = f"({percent(each.low)} to {percent(each.high)})"
        interval += "" if each.null is None else f"; {percent(each.null)} without"
        text = f"{line.title}: {name}: {percent(each.estimate)} {interval}"
        shown = estimate_text(each.estimate, ends_of(each), "share")
        dot = Dot(line.title, name, _POSITION.index(name), text, each.estimate, ends_of(each), each.null, shown)
        dots.append(dot)
    columns: Columns = {
        Column("run"): lambda row: row[0].title,
        Column("what"): lambda row: row[1].behaviour.name,
        Column("share", "share"): lambda row: row[1].behaviour.estimate.estimate,
        Column("95% interval", "share"): lambda row: ends_of(row[1].behaviour.estimate),
        Column("without bias", "share"): lambda row: row[1].behaviour.estimate.null,
        Column("p", "p"): lambda row: row[1].behaviour.estimate.p,
    }
    return Figure(
        slug,
        title,
        "A judge without position bias chooses the first answer as often as the upright mark says, and gives the same "
        "verdict in all orders (--orders both).",
        Table.of(rows, columns),
        intervals(dots, _SHARES, title, null="unbiased"),
    )


def biases(subject: Subject) -> Figure:
    """Every bias that the readings can show, each with what could have been seen."""
    slug, title = f"{subject.slug}-biases", "Every bias"
    rows = [(line, bias) for line in subject.lines for bias in line.detail.biases]
    if not rows:
        return Figure(slug, title, empty="no run here has verdicts that could show one")
    columns: Columns = {
        Column("run"): lambda row: row[0].title,
        Column("bias"): lambda row: row[1].behaviour.name,
        Column("found", "effect"): lambda row: row[1].behaviour.estimate.estimate,
        Column("95% interval", "effect"): lambda row: ends_of(row[1].behaviour.estimate),
        Column("without", "effect"): lambda row: row[1].behaviour.estimate.null,
        Column("p", "p"): lambda row: row[1].behaviour.estimate.p,
        Column("q", "p"): lambda row: row[1].q,
        Column("MDE", "reach"): lambda row: row[1].behaviour.estimate.smallest_effect,
    }
    return Figure(
        slug,
        title,
        "q: p corrected for all biases of this page (Benjamini and Hochberg); rows without one only describe, bold "
        "ones are significant. MDE: smallest distance from 'without' that is detected with 80% power.",
        Table.of(rows, columns, lambda row: bias_row(row[1])),
    )


def calibration(subject: Subject) -> Figure:
    """Probabilities, and shares of verdicts, against how often they are right."""
    slug, title = f"{subject.slug}-calibration", "Calibration"
    rows: list[tuple[Any, ...]] = []
    curves = [Curve([(0.0, 0.0, ""), (1.0, 1.0, "")], None, dashed=True)]
    for line in subject.lines:
        for what, bins in _bins(line):
            own = [(line.title, what, *each) for each in bins]
            rows += own
            said = [f"{r[0]}: {percent(r[5])} sure, {percent(r[6])} right, {r[4]} of them ({what})" for r in own]
            placed = [(r[5], r[6], text) for r, text in zip(own, said, strict=True)]
            curves.append(Curve(placed, line.number, dashed=what != "probabilities"))
    if not rows:
        return Figure(
            slug,
            title,
            empty="no run here has probabilities (--logprobs) or five verdicts a question (--samples)",
        )
    x, y = (linear(0.0, 1.0, share_tick, words, (0.0, 1.0)) for words in ("confidence", "accuracy"))
    return Figure(
        slug,
        title,
        "How sure a judge is (the probability of its verdict, or the share of a question's verdicts that agree, from "
        "five verdicts on), and how often it is then right. On the dotted line it is as sure as it should be; below "
        f"it, too sure. {_errors(subject)}",
        Table.rows_of(
            rows,
            *(Column("run"), Column("of"), Column("above", "share"), Column("up to", "share"), Column("n", "count")),
            *(Column("sure", "share"), Column("right", "share")),
        ),
        joined([_keys(subject, rows), points([], x, y, title, curves=curves)]),
    )


def _keys(subject: Subject, rows: Iterable[tuple[Any, ...]]) -> Markup:
    there = {row[0] for row in rows}
    return keys([(line.number, line.title) for line in subject.lines if line.title in there])


def _bins(line: Line) -> Iterator[tuple[str, list[tuple[float, float, int, float, float]]]]:
    names = ("low", "high", "n", "confidence", "accuracy")
    for what, found in _calibrations(line):
        yield what, [tuple(each[name] for name in names) for each in found["bins"]]


def _errors(subject: Subject) -> str:
    """The calibration error of each run, beside the one that chance makes."""
    said = []
    for line in subject.lines:
        for what, found in _calibrations(line):
            chance = found.get("ece_calibrated")
            below = "" if chance is None else f", at most {chance:.3f} in 95% of calibrated judges"
            said.append(f"{line.title} ({what}) {found['ece']:.3f}{below}")
    return f"Expected calibration error: {'; '.join(said)}."


def _calibration(line: Line) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", line.detail.metrics.extra.get("calibration", {}))


def _calibrations(line: Line) -> Iterator[tuple[str, Mapping[str, Any]]]:
    both = {"probabilities": _calibration(line), "shares of verdicts": cast("Mapping[str, Any]", line.detail.votes)}
    yield from ((what, found) for what, found in both.items() if found and found["bins"])


def surest(subject: Subject) -> Figure:
    """How often the surest verdicts are right, and the rest."""
    slug, title = f"{subject.slug}-surest", "The surest first"
    rows: list[tuple[Any, ...]] = []
    curves = []
    for line in subject.lines:
        own = [(line.title, what, share, right) for what, steps in _steps(line) for share, right in steps]
        rows += own
        if own:
            said = [f"{row[0]}: {percent(row[3])} of the surest {row[2]:.0%} ({row[1]})" for row in own]
            placed = [(row[2], row[3], text) for row, text in zip(own, said, strict=True)]
            curves.append(Curve(placed, line.number))
    if not rows:
        return Figure(slug, title, empty="no run here has ratings, scores or probabilities, which say how sure it is")
    lowest, highest = min(row[3] for row in rows), max(row[3] for row in rows)
    x = linear(0.0, 1.0, share_tick, "coverage (most confident items first)", (0.0, 1.0))
    y = linear(lowest, highest, share_tick, "accuracy", (0.0, 1.0))
    return Figure(
        slug,
        title,
        "Right among the surest quarter, half, three quarters, and all: where the line falls, being sure means "
        f"something. {_areas(subject)}",
        Table.rows_of(
            rows, Column("run"), Column("sure by"), Column("share taken", "share", form=".0%"), Column("right", "share")
        ),
        joined([_keys(subject, rows), points([], x, y, title, curves=curves)]),
    )


def _steps(line: Line) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    found = _calibration(line)
    if found:
        yield "probabilities", [(each["coverage"], 1 - each["risk"]) for each in found["risk_coverage"]]
    elif line.detail.sureness is not None:
        yield "distance of the best two scores", list(line.detail.sureness.accuracy)


def _areas(subject: Subject) -> str:
    """The area under each run's risk-coverage curve, beside that of a random order and of the best one."""
    said = []
    for line in subject.lines:
        found, own = _calibration(line), line.detail.sureness
        if found:
            area = aurc_text(found["aurc"], found.get("aurc_random"), found.get("aurc_optimum"))
        elif own is not None:
            area = aurc_text(own.area, own.random, own.optimum)
        else:
            continue
        said.append(f"{line.title} {area}")
    return f"Area under the risk-coverage curve: {'; '.join(said)}."


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
    colours = {kind: at for at, kind in enumerate(dict.fromkeys(row[1] for row in rows))}
    parts = [
        (
            line.title,
            [
                (colours[kind], share, f"{line.title}: {count} {kind}, {percent(share)}")
                for name, kind, count, share in rows
                if name == line.title
            ],
        )
        for line in lines
    ]
    most = max(sum(share for _, share, _ in among) for _, among in parts)
    legend = keys([(at, kind) for kind, at in colours.items()])
    return Figure(
        slug,
        title,
        "Share of judgements without a verdict; a failure is never counted as a verdict. docs/runs.md says what each "
        "kind is.",
        Table.rows_of(rows, Column("run"), Column("kind"), Column("count", "count"), Column("share", "share")),
        joined([legend, bars(parts, linear(0.0, most, share_tick, "share of judgements", (0.0, 1.0)), title)]),
    )


def agreement(subject: Subject) -> Figure:
    """How far each two runs say the same."""
    slug, title = f"{subject.slug}-agreement", "Agreement"
    found = subject.comparison
    if found is None or not found.agreement:
        return Figure(slug, title, empty="no two runs here are over the same items")
    by_number = {line.number: line for line in subject.lines}
    lines = [by_number[number] for number in subject.compared]
    columns: Columns = {
        Column("run"): lambda pair: lines[pair.first].title,
        Column("other run"): lambda pair: lines[pair.second].title,
        Column("of"): lambda pair: pair.of,
        Column("same", "share"): lambda pair: pair.same.value,
        Column("same, interval", "share", head="95% interval"): lambda pair: ends_of(pair.same),
        Column("kappa", "coefficient"): lambda pair: pair.kappa.value,
        Column("kappa, interval", "coefficient", head="95% interval"): lambda pair: ends_of(pair.kappa),
        Column("errors in common", "coefficient"): lambda pair: pair.errors_in_common.value,
        Column("errors in common, interval", "coefficient", head="95% interval"): lambda pair: ends_of(
            pair.errors_in_common
        ),
        Column("AC1", "coefficient"): lambda pair: pair.ac1.value,
        Column("AC1, interval", "coefficient", head="95% interval"): lambda pair: ends_of(pair.ac1),
    }
    z: list[list[float | None]] = [[None] * len(lines) for _ in lines]
    for each in found.agreement:
        z[each.first][each.second] = z[each.second][each.first] = each.same.value
    heads = [str(line.number + 1) for line in lines]
    return Figure(
        slug,
        title,
        f"Share of {_agreed_on(subject)} on which two runs choose the same answer. kappa (Cohen) is over the letters "
        "named, errors in common (Cohen's kappa too) and AC1 (Gwet) over the answers that they stand for: 0 is chance, "
        f"1 full agreement.{_all_of_them(subject)}",
        Table.of(found.agreement, columns),
        heat([(f"{line.number + 1} {line.title}", row) for line, row in zip(lines, z, strict=True)], heads, 0),
    )


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
    return f" All {len(found.runs)} together, over answers: {all_}."
