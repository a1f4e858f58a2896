"""What a second reading of the replies changed, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from judgebench._util.text import difference_text, one_line, score_text
from judgebench.reports.table import plain_table

if TYPE_CHECKING:
    from rich.console import Console

    from judgebench.analysis.rescore import Rescored


def print_rescored(console: Console, found: Rescored, *, shown: int | None = 20) -> None:
    """How many judgements changed and how, the score before and after, and the changes item by item.

    Args:
        console: Where to.
        found: What was found.
        shown: How many changes at most; None for all.
    """
    console.print(Text(f"{found.source} read by '{found.reader}'", style="bold"), soft_wrap=True)
    console.print(
        f"{len(found.changes)} of {found.judgements} judgements differ ({found.read} replies were read again)",
        soft_wrap=True,
    )
    console.print(_score_line(found), soft_wrap=True)
    if not found.changes:
        return
    console.print()
    kinds = plain_table("before", "after", "judgements")
    kinds.columns[1].justify = "left"
    for before, after, count in found.by_kind:
        kinds.add_row(before.replace("_", " "), after.replace("_", " "), str(count))
    console.print(kinds)
    console.print()
    table = plain_table("item", "subset", "order", "before", "after", "credit")
    table.columns[1].justify, table.columns[1].no_wrap, table.columns[1].overflow = "left", False, "fold"
    changes = found.changes[:shown]
    for change in changes:
        table.add_row(
            one_line(change.item),
            one_line(change.subset),
            _order(change.order, change.sample),
            change.before.replace("_", " "),
            change.after.replace("_", " "),
            f"{_credit(change.credit_before)} to {_credit(change.credit_after)}",
        )
    console.print(table)
    if len(changes) < len(found.changes):
        console.print(f"and {len(found.changes) - len(changes)} more; --all lists them")


def _score_line(found: Rescored) -> str:
    before, after = found.score_before, found.metrics.score
    if before is None or after is None:
        return "there is no score"
    measure = found.metrics.measure
    unit = "" if measure == "pearson" else " points"
    change = f"{difference_text(after - before, measure)}{unit}"
    return f"score {score_text(before, measure)} before, {score_text(after, measure)} after ({change})"


def _order(order: tuple[int, ...], sample: int) -> str:
    said = " ".join(map(str, order))
    return f"{said}, sample {sample}" if sample else said


def _credit(credit: float | None) -> str:
    return "none" if credit is None else f"{credit:.2f}".rstrip("0").rstrip(".")
