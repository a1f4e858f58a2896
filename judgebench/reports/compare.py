"""A comparison of runs as tables for a terminal of 80 columns and more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from judgebench._util.text import difference_text, one_line, p_text, score_head, score_range, score_text
from judgebench.analysis.agreement import coefficient
from judgebench.reports.table import natural_width, numbered_table, plain_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console
    from rich.table import Table

    from judgebench.analysis.agreement import RunsAgreement
    from judgebench.analysis.compare import Comparison, Part
    from judgebench.items import Measure
    from judgebench.metrics.paired import Difference

_NAME_WIDTH = 24
_RUN_WIDTH = 10
_WIDE = 90
_ALIKE = ("alike", "kappa", "AC1")
_TESTS = {
    "mcnemar": "McNemar's exact test",
    "sign-flip": "the sign-flip test",
    "bootstrap": "the paired bootstrap",
}


def _unit(measure: Measure | None) -> str:
    """The head of a column of differences."""
    return "diff. in r" if measure == "pearson" else "points"


def print_comparison(console: Console, found: Comparison, *, subsets: bool = False) -> None:
    """The runs, the differences of their scores, the sections (and subsets), and what to make of it."""
    count = f"{found.items} items"
    if any(found.left_out):
        count += " that all runs have"
    console.print(Text(f"{found.title} · {len(found.runs)} runs · {count}", style="bold"), soft_wrap=True)
    console.print(_runs(found))
    console.print()
    tables = [] if found.whole is None else [_pairs(found, alike=True)]
    if tables and natural_width(console, tables[0]) > console.width:
        tables = [_pairs(found, alike=False), *([_agreements(found)] if found.agreement else [])]
    for table in tables:
        console.print(table)
        console.print()
    for title, parts in (("section", found.sections), ("subset", found.subsets if subsets else ())):
        if len(parts) > 1:
            _print_parts(console, title, parts, found.measure)
            console.print()
    for line in _legend(found, subsets=subsets):
        console.print(Padding(Text(line), (0, 0, 0, 2), expand=False))


def _runs(found: Comparison) -> Table:
    table = numbered_table("run", score_head([found.measure]), "95% interval", "group")
    for number, run in enumerate(found.runs, 1):
        score = "none" if run.score is None else score_text(run.score, found.measure)
        interval = "" if run.low is None or run.high is None else score_range(run.low, run.high, found.measure)
        table.add_row(str(number), one_line(run.title), score, interval, run.group)
    return table


def _pairs(found: Comparison, *, alike: bool) -> Table:
    """Each pair of runs; with `alike`, how far they say the same beside it."""
    whole = found.whole
    assert whole is not None
    holm = ["p (Holm)"] if len(whole.pairs) > 1 else []
    beside = _ALIKE if found.agreement and alike else ()
    table = plain_table("runs", _unit(found.measure), "95% interval", "p", *holm, "could show", *beside)
    table.columns[0].no_wrap = True
    agreement = {(each.first, each.second): each for each in found.agreement}
    for each, adjusted in zip(whole.pairs, whole.adjusted, strict=True):
        said = agreement.get((each.first, each.second))
        table.add_row(
            f"{each.first + 1} - {each.second + 1}",
            difference_text(each.difference, found.measure),
            _interval(each, found.measure),
            p_text(each.p),
            *([p_text(adjusted)] if holm else []),
            _smallest(each, found.measure),
            *(_alike(said) if beside else []),
            style="bold" if adjusted <= 0.05 else "",
        )
    return table


def _agreements(found: Comparison) -> Table:
    table = plain_table("runs", *_ALIKE)
    for each in found.agreement:
        table.add_row(f"{each.first + 1} - {each.second + 1}", *_alike(each))
    return table


def _alike(said: RunsAgreement | None) -> tuple[str, str, str]:
    if said is None:
        return "", "", ""
    return f"{100 * said.same.value:.0f}%", coefficient(said.kappa), coefficient(said.ac1)


def _interval(each: Difference, measure: Measure | None) -> str:
    return f"{difference_text(each.low, measure)} to {difference_text(each.high, measure)}"


def _smallest(each: Difference, measure: Measure | None) -> str:
    return "none" if each.smallest >= 1 else difference_text(each.smallest, measure).removeprefix("+")


def _print_parts(console: Console, title: str, parts: Sequence[Part], measure: Measure | None) -> None:
    """Two runs: each part with its difference; more: the score of each, with its letters, as many as fit."""
    if len(parts[0].scores) == 2:
        console.print(_two_runs(title, parts, measure, counts=console.width >= _WIDE))
        return
    width = _RUN_WIDTH + (2 if measure == "pearson" else 0)
    fit = max((console.width - _NAME_WIDTH - 8) // width, 1)
    count = len(parts[0].scores)
    for start in range(0, count, fit):
        if start:
            console.print()
        shown = range(start, min(start + fit, count))
        table = plain_table(title, "items", *(f"{at + 1}    " for at in shown), first_width=min(_NAME_WIDTH, 20))
        for part in parts:
            widest = max(len(group) for group in part.groups)
            cells = [f"{score_text(part.scores[at].score, measure)} {part.groups[at]:<{widest}}" for at in shown]
            table.add_row(one_line(part.name), str(part.scores[0].n), *cells)
        console.print(table)


def _two_runs(title: str, parts: Sequence[Part], measure: Measure | None, *, counts: bool) -> Table:
    holm = "p (Holm)" if len(parts) > 1 else "p"
    unit, items = _unit(measure), ["items"] if counts else []
    table = plain_table(title, *items, "1", "2", unit, "95% interval", holm, first_width=12)
    for part in parts:
        (each,), (adjusted,) = part.pairs, part.adjusted
        table.add_row(
            one_line(part.name),
            *([str(each.n)] if counts else []),
            score_text(each.first_score, measure),
            score_text(each.second_score, measure),
            difference_text(each.difference, measure),
            _interval(each, measure),
            p_text(adjusted),
            style="bold" if adjusted <= 0.05 else "",
        )
    return table


def _legend(found: Comparison, *, subsets: bool) -> Iterator[str]:
    if found.whole is not None:
        yield _verdict(found)
        tests = list(dict.fromkeys(each.test for each in found.whole.pairs))
        corrected = f", corrected for {len(found.whole.pairs)} pairs" if len(found.whole.pairs) > 1 else ""
        yield f"p of the score is from {' and '.join(_TESTS[test] for test in tests)}{corrected}"
        unit = "Pearson's r" if found.measure == "pearson" else "points"
        yield (
            f"could show: the smallest true difference in {unit} that these items would show in 4 of 5 tries"
            f"{', at the corrected level' if corrected else ''}"
        )
    of = {each.of for each in found.agreement}
    if of == {"choices"}:
        yield "alike: the same choice of both runs; kappa: Cohen's, AC1: Gwet's, both beyond chance"
    elif of:
        items = "" if of == {"questions"} else "each item, or where an item has several questions of "
        yield (
            f"alike: the same choice of both runs in {items}each question that both answer, pair by pair; kappa: "
            "Cohen's, AC1: Gwet's, both beyond chance"
        )
    if found.fleiss is not None and found.krippendorff is not None:
        alpha = coefficient(found.krippendorff)
        yield f"all runs together: Fleiss' kappa {coefficient(found.fleiss)}, Krippendorff's alpha {alpha}"
    parts = (*found.sections, *(found.subsets if subsets else ()))
    if len(found.runs) == 2 and len(parts) > 1:
        yield "intervals of sections and subsets are each for itself, uncorrected; their p is corrected for all rows"
    if found.subsets and len(found.subsets) > 1 and not subsets:
        yield f"--subsets shows the {len(found.subsets)} subsets"


def _verdict(found: Comparison) -> str:
    assert found.whole is not None
    apart = sum(p <= 0.05 for p in found.whole.adjusted)
    if len(found.runs) == 2:
        return (
            "the runs are told apart" if apart else "the runs cannot be told apart: that is not to say they are alike"
        )
    return (
        f"{apart} of {len(found.whole.pairs)} pairs are told apart; runs that share a letter (group) cannot be, which "
        "is not to say that they are alike"
    )
