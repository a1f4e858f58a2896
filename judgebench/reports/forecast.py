"""The cost estimate of a grid, as a table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from judgebench._util.table import Column, Table
from judgebench._util.text import duration, thousands, usd
from judgebench.engine.forecast import DISCORDANCE, time_of
from judgebench.reports.table import print_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from judgebench._util.table import Columns
    from judgebench.engine.forecast import Forecast


_UNTIL_SHOWN = "upper bound: --sequential may stop earlier"


def print_forecasts(
    console: Console,
    forecasts: Sequence[Forecast],
    *,
    budget: float | None = None,
    until_shown: bool = False,
    missing: Sequence[str] = (),
    more: Sequence[str] = (),
) -> None:
    """Calls, tokens and cost of each run, and of all.

    Args:
        console: Where to.
        forecasts: One a run.
        budget: What may be spent, where that was said.
        until_shown: Whether the runs stop as soon as their difference is shown.
        missing: Benchmarks that are no part of it.
        more: What else is said, first.
    """
    names = list(dict.fromkeys(each.benchmark for each in forecasts))
    title = f"{names[0] if len(names) == 1 else f'{len(names)} benchmarks'}: cost estimate (dry run)"
    print_tables(console, [replace(_table(forecasts, several=len(names) > 1), title=title)])
    settled = [_UNTIL_SHOWN] if until_shown and any(each.calls for each in forecasts) else []
    settled += [f"not included: {', '.join(missing)}"] if missing else []
    print_tables(console, [Table((), notes=[*more, *settled, *_notes(forecasts, budget)])])


def _table(forecasts: Sequence[Forecast], *, several: bool) -> Table:
    columns: Columns = {
        **({Column("benchmark", names=True): _benchmark} if several else {}),
        Column("judge", names=True): lambda group: group[0].judge if len(group) == 1 else "all",
        Column("template", names=True): lambda group: group[0].template if len(group) == 1 else "",
        Column("calls", "tokens"): lambda group: sum(each.calls for each in group),
        Column("cached", "tokens"): lambda group: sum(each.done + each.cached for each in group),
        Column("input tokens", "tokens"): lambda group: sum(each.prompt_tokens for each in group),
        Column("output tokens", "tokens"): lambda group: sum(each.completion_tokens for each in group),
        Column("cost", "money"): lambda group: _sum([each.cost_usd for each in group]),
        Column("maximum", "money"): lambda group: _sum([each.highest_usd for each in group]),
    }
    groups = [[each] for each in forecasts] + ([list(forecasts)] if len(forecasts) > 1 else [])
    return Table.of(
        groups,
        columns,
        lambda group: {"rule": group is groups[len(forecasts) - 1], "style": "" if len(group) == 1 else "strong"},
    )


def _benchmark(group: Sequence[Forecast]) -> str:
    return group[0].benchmark if len(group) == 1 else "all"


def _time(asked: Sequence[Forecast]) -> Iterator[str]:
    """How long it takes, and what that is taken from."""
    if not (seconds := time_of(asked)):
        return
    slowest = max(asked, key=lambda each: time_of([other for other in asked if other.judge == each.judge]))
    timed = sum(each.timed for each in asked if each.judge == slowest.judge)
    taken = f"the mean of {thousands(timed)} cached replies" if timed else "assumed; measure with --limit 20"
    names = list(dict.fromkeys(each.judge for each in asked))
    side = f", {slowest.judge} takes longest" if len(names) > 1 else ""
    per = f"{slowest.in_flight} calls in flight, {slowest.latency_s:.1f} s per reply: {taken}"
    yield f"time: about {duration(seconds)} without rate limits{side} ({per})"


def _sum(costs: Sequence[float | None]) -> float | str:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else "unknown"


def _power(each: Forecast) -> str | None:
    """What difference a run's items show; None where they show none."""
    if each.detectable_difference is None:
        return None
    size, grouped = each.detectable_difference, each.detectable_if_grouped
    two = "two runs" if each.compared <= 2 else f"any two of {each.compared} runs, Holm-corrected"
    more = "" if grouped is None else f"; {_points(grouped)} if items of a group are judged alike"
    items = f"{each.benchmark}: {each.labelled:,} labelled items"
    if size >= 1:
        return f"{items} are too few to detect any difference at 80% power ({two})"
    return (
        f"{items} detect differences of {_points(size)} points or more at 80% power ({two}, discordance "
        f"{max(DISCORDANCE, size):.0%} assumed{more})"
    )


def _points(size: float) -> str:
    return "none" if size >= 1 else f"{100 * size:.1f}"


def _notes(forecasts: Sequence[Forecast], budget: float | None) -> Iterator[str]:
    yield from dict.fromkeys(filter(None, map(_power, forecasts)))
    asked = [each for each in forecasts if each.calls]
    if not asked:
        yield "no calls needed: every reply is cached"
        return
    yield "cached: replies in the folder or the cache, or requested by another run of this grid"
    measured, assumed = [each for each in asked if each.replies], [each for each in asked if not each.replies]
    if own := [each for each in measured if not each.of_model]:
        replies = sum(each.replies for each in own)
        yield f"output tokens, cost: from the mean length of {thousands(replies)} cached replies"
    if others := {each.judge: each.replies for each in measured if each.of_model}:
        count, names = thousands(sum(others.values())), ", ".join(others)
        yield (
            f"output tokens, cost ({names}): from the mean length of {count} cached replies of the same model to "
            "other prompts"
        )
    if assumed and any(each.completion_tokens for each in assumed):
        names = "" if not measured else f" ({', '.join(dict.fromkeys(each.judge for each in assumed))})"
        lengths = " or ".join(f"{length:,}" for length in dict.fromkeys(each.assumed for each in assumed))
        yield (
            f"output tokens, cost: assuming {lengths} tokens per reply{names}, thinking models need many more; "
            "measure with --limit 20"
        )
    yield from _time(asked)
    if batched := list(dict.fromkeys(each.judge for each in asked if each.batch)):
        names = f" ({', '.join(batched)})" if len(batched) < len({each.judge for each in asked}) else ""
        yield f"batch price{names}; time: up to 24 hours for each round of batches, mostly far less"
    repair = max(each.repair for each in asked)
    aside = ", without follow-up turns" if repair else ""
    if repair:
        turns = "1 more call" if repair == 1 else f"{repair} more calls"
        yield f"not included: follow-up turns (--repair {repair}), up to {turns} per reply that could not be parsed"
    if any(each.highest_usd and each.completion_tokens for each in asked):
        yield f"maximum: every reply as long as the judge's max_tokens{aside}"
    if unpriced := list(dict.fromkeys(each.judge for each in asked if each.cost_usd is None)):
        yield f"no known price: {', '.join(unpriced)}; add price: {{input: ..., output: ...}} in providers.yaml"
    highest = [each.highest_usd for each in asked]
    if budget is not None and None not in highest:
        fits = sum(cost for cost in highest if cost is not None) <= budget
        said = f"is enough even at the maximum{aside}" if fits else "may stop the run early"
        yield f"the budget of {usd(budget)} {said}"
