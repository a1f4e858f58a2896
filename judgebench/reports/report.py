"""A report of runs as tables for a terminal of 80 columns and more, and its scores as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.text import Text

from judgebench._util.text import dollars, one_line, p_text, percent
from judgebench.analysis.board import Leaderboard
from judgebench.reports.files import csv_text
from judgebench.reports.leaderboard import print_leaderboard
from judgebench.reports.run import print_run
from judgebench.reports.table import plain_table
from judgebench.runs import IDENTITY, arrow, identity, schema_of, score_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from rich.console import Console
    from rich.table import Table

    from judgebench.analysis.report import Bias, CostSummary, Detail, Report
    from judgebench.metrics.behaviour import Sureness


def print_report(console: Console, found: Report) -> None:
    """The runs of each benchmark side by side, where there are several, and then each in full."""
    several = tuple(board for board in found.boards if len(board.places) > 1)
    print_leaderboard(console, Leaderboard(several))
    for detail in found.details:
        print_run(console, detail.metrics, detail.finished.benchmark.title)
        if detail.biases:
            console.print(_biases(detail.biases))
            console.print()
        for line in _lines(detail):
            console.print(Padding(Text(one_line(line)), (0, 0, 0, 2), expand=False))
        console.print()


def _biases(biases: Sequence[Bias]) -> Table:
    table = plain_table("bias", "found", "95% interval", "without", "p", "q", "shows", first_width=16)
    for bias in biases:
        each = bias.behaviour.estimate
        odds = bias.behaviour.unit == "log-odds"
        scale, digits = (1.0, 2) if odds else (100.0, 1)
        sign = "" if bias.behaviour.unit == "share" else "+"
        table.add_row(
            bias.behaviour.name,
            f"{scale * each.estimate:{sign}.{digits}f}{'' if odds else '%'}",
            f"{scale * each.low:.{digits}f} to {scale * each.high:.{digits}f}",
            f"{scale * each.null:.{digits}f}{'' if odds else '%'}",
            p_text(each.p),
            "" if bias.q is None else p_text(bias.q),
            f"{scale * each.smallest_effect:.{digits}f}",
            style="bold" if bias.q is not None and bias.q <= 0.05 else "",
        )
    return table


def _lines(detail: Detail) -> Iterator[str]:
    if detail.biases:
        yield (
            "q: p corrected for all biases of this report (Benjamini and Hochberg); rows without one describe, and are "
            "no biases of their own. shows: the smallest distance from "
            "'without' that so many items show in 4 of 5 tries; a smaller bias could not have been seen"
        )
        if any(bias.behaviour.unit == "log-odds" for bias in detail.biases):
            yield "the longer one: in log-odds, beyond what the labels justify, for a typical difference in length"
        if any("own family" in bias.behaviour.name for bias in detail.biases):
            yield (
                f"its own family ({detail.family}): where it wrote some of the answers and not all; without: what a "
                "judge as often right makes of the labels, whoever wrote the answers"
            )
    if detail.sureness is not None:
        yield _sureness(detail.sureness)
    if detail.votes is not None:
        yield (
            f"share of verdicts as probability, {detail.votes.n} items: Brier score {detail.votes.brier:.3f}, "
            f"calibration error {detail.votes.ece:.3f} (10 bins of equal width)"
        )
    if detail.bill is not None:
        yield from _bill(detail.bill)


def _sureness(found: Sureness) -> str:
    steps = ", ".join(f"{percent(accuracy)} of the surest {share:.0%}" for share, accuracy in found.accuracy)
    return f"by how far the best score is above the next, {found.n} items: right {steps}; area {found.area:.3f} (AURC)"


def _bill(bill: CostSummary) -> Iterator[str]:
    if bill.per_item is not None:
        line = f"cost: {dollars(bill.per_item)} an item"
        if bill.per_point is not None:
            line += f", {dollars(bill.per_point)} a percentage point of the score"
        yield line
    else:
        yield "cost: unknown"
    if bill.latency is not None:
        half, most, nearly = bill.latency
        yield f"latency: half of the replies within {half:.2f} s, 90% within {most:.2f} s, 99% within {nearly:.2f} s"


def scores_csv(found: Report) -> str:
    """A line a score: of the whole, each section and each subset of each run; fractions as they are."""
    rows = list(_score_rows(found))
    head = [*IDENTITY, *(name for name in rows[0] if name not in IDENTITY)]
    return csv_text(head, ([row[name] for name in head] for row in rows))


def scores_table(found: Report) -> pa.Table:
    """The same as an Arrow table, for Parquet."""
    return arrow(_score_rows(found), schema_of("scores"))


def _score_rows(found: Report) -> Iterator[dict[str, Any]]:
    for detail in found.details:
        whose = identity(detail.metrics.benchmark, detail.finished.name)
        yield from ({**whose, **row} for row in score_rows(detail.metrics))
