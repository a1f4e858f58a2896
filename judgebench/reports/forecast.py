"""What a grid would send and cost, as a table."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from judgebench._util.text import dollars, thousands, visible
from judgebench.engine.forecast import ASSUMED_ANSWER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from judgebench.engine.forecast import Forecast


_UNTIL_SHOWN = "all of these only if the comparison is not settled before (--sequential)"


def print_forecasts(
    console: Console, forecasts: Sequence[Forecast], *, budget: float | None = None, until_shown: bool = False
) -> None:
    """Calls, tokens and cost of each run, and of all.

    Args:
        console: Where to.
        forecasts: One a run.
        budget: What may be spent, where that was said.
        until_shown: Whether the runs stop as soon as their difference is shown.
    """
    for name, among in groupby(forecasts, key=lambda each: each.benchmark):
        console.print(Text(f"{name}: what this would send; nothing was sent", style="bold"), soft_wrap=True)
        console.print(_table(list(among)))
        console.print()
    if until_shown and any(each.calls for each in forecasts):
        console.print(Padding(Text(_UNTIL_SHOWN), (0, 0, 0, 2)))
    for line in _notes(forecasts, budget):
        console.print(Padding(Text(line), (0, 0, 0, 2)))


def _table(forecasts: Sequence[Forecast]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("judge", overflow="fold")
    table.add_column("template", overflow="fold")
    for head in ("calls", "there", "tokens in", "out", "cost", "at most"):
        table.add_column(head, justify="right", no_wrap=True)
    for at, each in enumerate(forecasts, 1):
        last = at == len(forecasts)
        table.add_row(visible(each.judge), visible(each.template), *_figures([each]), end_section=last)
    if len(forecasts) > 1:
        table.add_row("all", "", *_figures(forecasts), style="bold")
    return table


def _figures(forecasts: Sequence[Forecast]) -> tuple[str, ...]:
    counts = (
        sum(each.calls for each in forecasts),
        sum(each.done + each.cached for each in forecasts),
        sum(each.prompt_tokens for each in forecasts),
        sum(each.completion_tokens for each in forecasts),
    )
    return (
        *(thousands(count) for count in counts),
        _sum([each.cost_usd for each in forecasts]),
        _sum([each.highest_usd for each in forecasts]),
    )


def _sum(costs: Sequence[float | None]) -> str:
    known = [cost for cost in costs if cost is not None]
    return dollars(sum(known)) if len(known) == len(costs) else "unknown"


def _notes(forecasts: Sequence[Forecast], budget: float | None) -> Iterator[str]:
    asked = [each for each in forecasts if each.calls]
    if not asked:
        yield "no call is needed: every reply is there"
        return
    yield "there: replies in the folder, in the cache, or asked for by another run of this grid"
    measured, assumed = [each for each in asked if each.replies], [each for each in asked if not each.replies]
    if measured:
        replies = sum(each.replies for each in measured)
        yield f"out, cost: answers as long as the {thousands(replies)} that are there, on the mean"
    if assumed and any(each.completion_tokens for each in assumed):
        names = "" if not measured else f" of {', '.join(dict.fromkeys(each.judge for each in assumed))}"
        yield f"out, cost: {ASSUMED_ANSWER} tokens an answer{names} are assumed, until a run with --limit 20 shows more"
    repair = max(each.repair for each in asked)
    aside = ", follow-up turns aside" if repair else ""
    if repair:
        turns = "1 more call" if repair == 1 else f"{repair} more calls"
        yield f"not counted: follow-up turns (--repair {repair}), at most {turns} for each reply that cannot be read"
    if any(each.highest_usd for each in asked):
        yield f"at most: every answer as long as the judge's max_tokens allow{aside}"
    if unpriced := list(dict.fromkeys(each.judge for each in asked if each.cost_usd is None)):
        yield f"no known price: {', '.join(unpriced)}; add price: {{input: ..., output: ...}} in providers.yaml"
    highest = [each.highest_usd for each in asked]
    if budget is not None and None not in highest:
        fits = sum(cost for cost in highest if cost is not None) <= budget
        said = f"suffices whatever the answers{aside}" if fits else "may end this before its end"
        yield f"the budget of ${budget:g} {said}"
