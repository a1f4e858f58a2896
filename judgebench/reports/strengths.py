"""Strengths of models as a table for a terminal of 80 columns and more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from judgebench._util.text import one_line, percent
from judgebench.reports.table import plain_table

if TYPE_CHECKING:
    from rich.console import Console

    from judgebench.analysis.strengths import StrengthsFound


def print_strengths(console: Console, found: StrengthsFound) -> None:
    """The models, the strongest first."""
    count = f"{found.comparisons:g} comparisons of {found.items} items"
    console.print(Text(one_line(f"{found.title} · {found.judge} · {count}"), style="bold"), soft_wrap=True)
    groups = len({each.group for each in found.models}) > 1
    table = plain_table("model", "strength", "95% interval", "Elo", "won", "of", *(["group"] if groups else []))
    for each in found.models:
        table.add_row(
            one_line(each.model),
            f"{each.strength:+.2f}",
            f"{each.low:+.2f} to {each.high:+.2f}",
            f"{round(each.elo):+d}",
            percent(each.wins),
            f"{each.games:g}",
            *([str(each.group + 1)] if groups else []),
        )
    console.print(table)
    console.print()
    legend = "strength: log-odds to beat a model of mean strength, by this judge's verdicts (Bradley and Terry); "
    legend += "intervals by a bootstrap of items"
    console.print(Padding(Text(legend), (0, 0, 0, 2), expand=False))
