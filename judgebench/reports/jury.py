"""A jury beside its members, as tables for a terminal of 80 columns and more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.padding import Padding
from rich.text import Text

from judgebench._util.text import (
    difference_text,
    dollars,
    one_line,
    p_text,
    percent,
    score_head,
    score_range,
    score_text,
)
from judgebench.analysis.agreement import coefficient
from judgebench.reports.table import numbered_table, plain_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console
    from rich.table import Table

    from judgebench.analysis.jury import Jury
    from judgebench.metrics.paired import Difference


_NAME = 20
"""Columns that a name gets at least before it is broken."""


def print_jury(console: Console, found: Jury) -> None:
    """The members against the jury, how far they agree, and what the figures rest on."""
    title = f"{found.title} · {found.name} of {len(found.members)} · {found.items} items"
    console.print(Text(one_line(title), style="bold"), soft_wrap=True)
    for table in _members(console, found):
        console.print(table)
        console.print()
    if found.agreement:
        console.print(_agreement(found))
        console.print()
    for line in _legend(found):
        console.print(Padding(Text(line), (0, 0, 0, 2), expand=False))


def _members(console: Console, found: Jury) -> Iterator[Table]:
    """The members and, below them, the jury; what does not fit beside the score has a table of its own."""
    names = [*(one_line(each.title) for each in found.members), one_line(found.name)]
    columns = _columns(found)
    room = console.width - min(max(map(cell_len, names)), _NAME)
    while columns:
        taken = len(columns)
        while taken > 1 and sum(_wide(*column) for column in list(columns.items())[:taken]) + len("9   ") > room:
            taken -= 1
        table = numbered_table("run", *list(columns)[:taken])
        for at, name in enumerate(names):
            member = found.members[at] if at < len(found.members) else None
            if member is None:
                table.add_section()
            told_apart = member is not None and member.p is not None and member.p <= 0.05
            cells = [cells[at] for cells in list(columns.values())[:taken]]
            table.add_row("" if member is None else str(at + 1), name, *cells, style="bold" * told_apart)
        yield table
        columns = dict(list(columns.items())[taken:])


def _wide(head: str, cells: Sequence[str]) -> int:
    return max(map(cell_len, (head, *cells))) + len("   ")


def _columns(found: Jury) -> dict[str, list[str]]:
    """The heads, each with the cells of the members and of the jury."""
    columns: dict[str, list[str]] = {}
    if found.score is not None:
        scores = [_score(each.score, each.low, each.high, found) for each in found.members]
        scores.append(_score(found.score, found.low, found.high, found))
        columns[score_head([found.measure])] = [score for score, _ in scores]
        columns["95% interval"] = [interval for _, interval in scores]
        known = [None if each.difference is None or each.p is None else each for each in found.members]
        columns["jury less it"] = [
            "" if each is None or each.difference is None else _against(each.difference, found) for each in known
        ] + [""]
        columns["p (Holm)"] = ["" if each is None or each.p is None else p_text(each.p) for each in known] + [""]
    if found.weights == "accuracy":
        columns["weight"] = ["" if each.weight is None else f"{each.weight:.2f}" for each in found.members] + [""]
    columns["cost"] = [*(_cost(each.cost_usd) for each in found.members), _cost(found.cost_usd)]
    return columns


def _score(score: float | None, low: float | None, high: float | None, found: Jury) -> list[str]:
    if score is None or low is None or high is None:
        return ["none", ""]
    return [score_text(score, found.measure), score_range(low, high, found.measure)]


def _against(difference: Difference, found: Jury) -> str:
    return difference_text(difference.difference, found.measure)


def _cost(cost: float | None) -> str:
    return "unknown" if cost is None else dollars(cost)


def _agreement(found: Jury) -> Table:
    table = plain_table("members", "alike", "kappa", "AC1")
    for each in found.agreement:
        same = f"{100 * each.same.value:.0f}%"
        table.add_row(f"{each.first + 1} - {each.second + 1}", same, coefficient(each.kappa), coefficient(each.ac1))
    return table


def _legend(found: Jury) -> Iterator[str]:
    yield found.rule
    if found.score is not None:
        yield "jury less it: in percentage points of the same items; p: paired, corrected for the members"
    if found.krippendorff is not None:
        yield f"all members together: Krippendorff's alpha {coefficient(found.krippendorff)}"
        yield "kappa: Cohen's, AC1: Gwet's; members that err alike gain little from one another"
    if accuracies := [percent(each.accuracy) for each in found.members if each.accuracy is not None]:
        yield f"on the items that were held out the members' votes are right in {', '.join(accuracies)}"
