"""Runs over altered items beside the run over the items as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from judgebench._util.text import difference_text, one_line, p_text, score_head, score_text
from judgebench.reports.run import flips_line
from judgebench.reports.table import plain_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from judgebench.analysis.controls import Held
    from judgebench.metrics.summary import Metrics


def print_controls(console: Console, plain: Metrics, found: Sequence[Held], title: str) -> None:
    """A line a run: its score, its difference from the run over the items as they are, and how many verdicts flipped.

    Args:
        console: Where to.
        plain: Of the run over the items as they are.
        found: The others.
        title: The benchmark's title.
    """
    console.print(
        Text(one_line(f"{title} · {plain.judge} · {plain.template}: with items altered"), style="bold"), soft_wrap=True
    )
    unit = "diff. in r" if plain.measure == "pearson" else "points"
    table = plain_table("", score_head([plain.measure]), unit, "95% interval", "p (Holm)", first_width=20)
    if plain.score is not None:
        table.add_row("as they are", score_text(plain.score, plain.measure), "", "", "")
    for each in found:
        score = "" if each.metrics.score is None else score_text(each.metrics.score, each.metrics.measure)
        one, p = each.difference, each.adjusted
        if one is None or p is None:
            table.add_row(str(each.metrics.altered), score, "", "", "")
            continue
        ends = [difference_text(end, plain.measure) for end in (one.low, one.high)]
        table.add_row(
            str(each.metrics.altered),
            score,
            difference_text(one.difference, plain.measure),
            " to ".join(ends),
            p_text(p),
        )
    console.print(table)
    for each in found:
        if each.metrics.attack is not None:
            console.print(Padding(Text(flips_line(each.metrics.attack)), (0, 0, 0, 2)))
    console.print()
