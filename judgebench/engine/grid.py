"""Composes a grid: every cell checked before the first call, judges side by side."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from itertools import chain
from typing import TYPE_CHECKING, Any

from judgebench.client import Budget, CallsInFlight, JudgeClient
from judgebench.engine.local import LocalRun, as_one_refresh, check_apart
from judgebench.errors import BudgetReached, ConfigError, FatalProviderError, JudgebenchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from judgebench.client import ReplyCache
    from judgebench.engine.progress import Progress, Stop
    from judgebench.engine.recorder import RunResult
    from judgebench.engine.spec import RunSpec


async def run_cells(
    cells: Sequence[RunSpec],
    cache: ReplyCache,
    out: Path,
    *,
    offline: bool = False,
    refresh: bool = False,
    concurrency: int | None = None,
    budget: float | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> list[RunResult]:
    """Runs a grid: judges side by side, the cells of one judge after another.

    Every cell is checked before the first call. Two cells that are compared until the difference is shown go on side by
    side. A judge that its provider refuses stops alone.

    Args:
        cells: What to run.
        cache: Where replies are kept; shared by all.
        out: The folder above the runs' folders.
        offline: Make no call; what the cache lacks is a failure of kind `not_cached`.
        refresh: Ask again, whatever the cache has.
        concurrency: Calls in flight at once for each judge; None for the judge's own limit.
        budget: What all calls together may cost, in USD; None for no limit.
        progress: Watches.
        stop: Lets the caller end the run early.

    Raises:
        ConfigError: A mistake was found before anything was sent, or the system has no room for so many calls.
        FatalProviderError: A provider refused the first call, and nothing was gained from any judge.
        BudgetReached: The budget does not suffice for any call.
    """
    purse, flights = Budget(budget), CallsInFlight(remember=refresh)
    shared: dict[str, Any] = {"refresh": refresh, "concurrency": concurrency, "budget": purse, "flights": flights}
    clients = {cell.judge.name: JudgeClient(cell.judge, cache, **shared) for cell in cells}
    in_flight = sum(client.pace.most for client in clients.values() if not client.judge.offline)
    cache.reserve.calls = in_flight
    watched: dict[str, Any] = {"offline": offline, "refresh": refresh, "progress": progress, "stop": stop}
    by_judge = {
        name: [LocalRun(cell, client, out, **watched) for cell in cells if cell.judge.name == name]
        for name, client in clients.items()
    }
    runs = list(chain.from_iterable(by_judge.values()))
    check_apart(runs)
    if refresh:
        as_one_refresh(runs)
    async with AsyncExitStack() as held:
        for client in clients.values():
            held.push_async_callback(client.aclose)
        for run in runs:
            held.callback(run.close)
        for run in runs:
            run.check(in_flight)
        for run in runs:
            run.announce()
        if cells[0].until_shown is None:
            results, errors = await _side_by_side(by_judge.values())
        else:
            from judgebench.engine.lockstep import Lockstep

            first, second = runs
            results, errors = await Lockstep(first, second, in_flight).run()
    if errors and not results:
        raise errors[0]
    said = {id(result.error) for result in results}
    results[0].refused.extend(
        error for error in {id(error): error for error in errors if id(error) not in said}.values()
    )
    order = {id(cell): at for at, cell in enumerate(cells)}
    return sorted(results, key=lambda result: order[id(result.cell)])


async def _side_by_side(judges: Iterable[Sequence[LocalRun]]) -> tuple[list[RunResult], list[JudgebenchError]]:
    """Runs the cells of each judge one after another, the judges at the same time; results, and what stopped a cell."""
    results: list[RunResult] = []
    errors: list[JudgebenchError] = []

    async def one_judge(runs: Sequence[LocalRun]) -> None:
        for run in runs:
            if run.stop.asked and results:
                return
            try:
                results.append(await run.run())
            except (ConfigError, FatalProviderError, BudgetReached) as error:
                errors.append(error)

    await asyncio.gather(*(one_judge(runs) for runs in judges))
    return results, errors
