"""Composes a grid: every cell checked before the first call, judges side by side."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from judgebench.client import Budget, CallsInFlight, JudgeClient, make_room
from judgebench.engine.batchgrid import batch_clients, batch_engines, check_batch, in_batches_already
from judgebench.engine.cached import CachedEngine, cached_by, tell_all_cached
from judgebench.engine.local import LocalEngine
from judgebench.engine.progress import Stop
from judgebench.engine.runplan import RunPlan, as_one_refresh, check_apart
from judgebench.errors import BudgetReached, ConfigError, FatalProviderError, JudgebenchError
from judgebench.runs import check_writable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from judgebench.client import ReplyCache
    from judgebench.engine.base import Engine
    from judgebench.engine.cluster.pipeline import Pipeline
    from judgebench.engine.lockstep import Lockstep
    from judgebench.engine.options import RunOptions
    from judgebench.engine.progress import Progress
    from judgebench.engine.recorder import RunResult
    from judgebench.engine.spec import RunSpec
    from judgebench.judges import Judge

T = TypeVar("T")


class GridResult(list[T]):
    """What became of a grid: its runs, as a list in the order of templates and judges.

    Attributes:
        errors: What stopped the other runs, of which nothing was gained.
        left_out: Combinations that do not fit the benchmark, a sentence each.
        not_begun: Runs that were still to come when the user ended the grid.
    """

    def __init__(
        self,
        results: Iterable[T],
        errors: Iterable[JudgebenchError] = (),
        left_out: Iterable[str] = (),
        not_begun: Iterable[RunSpec] = (),
    ) -> None:
        super().__init__(results)
        self.not_begun = tuple(not_begun)
        self.errors, self.left_out = tuple(errors), tuple(left_out)

    @property
    def results(self) -> list[T]:
        """The runs, as a plain list."""
        return list(self)


async def run_cells(
    cells: Sequence[RunSpec],
    cache: ReplyCache,
    options: RunOptions,
    *,
    progress: Progress | None = None,
    stop: Stop | None = None,
    budget: Budget | None = None,
    pipeline: Pipeline | None = None,
) -> GridResult[RunResult]:
    """Runs a grid: judges side by side, the cells of one judge after another.

    Every cell is checked before the first call. Two cells that are compared until the difference is shown go on side by
    side. A judge that its provider refuses stops alone.

    Args:
        cells: What to run.
        cache: Where replies are kept; shared by all.
        options: How they are run. Offline, what the cache lacks is a failure of kind `not_cached`; the concurrency is
            of each judge, the budget of all together.
        progress: Watches.
        stop: Lets the caller end the run early.
        budget: What several grids may spend together; None for a budget of its own.
        pipeline: What carries the calls of several grids (`pipeline_for`); None for one of its own, where one is asked.

    Raises:
        ConfigError: A mistake was found before anything was sent, or the system has no room for so many calls.
        FatalProviderError: A provider refused the first call, and nothing was gained from any judge.
        BudgetReached: The budget does not suffice for any call.
    """
    offline, refresh = options.offline, options.refresh
    flights = CallsInFlight(remember=refresh)
    budget = Budget(options.budget) if budget is None else budget
    shared: dict[str, Any] = {"refresh": refresh, "concurrency": options.concurrency, "budget": budget}
    stop = stop or Stop()
    own = pipeline_for(options, cache, stop) if pipeline is None else None
    pipeline = pipeline or own
    clients = {cell.judge.name: _client(cell.judge, cache, pipeline, flights=flights, **shared) for cell in cells}
    in_flight = sum(client.connections for client in clients.values())
    cache.reserve.calls = in_flight
    out = Path(options.out)
    if options.batch:
        check_batch(cells)
    plans = [RunPlan(cell, out, refresh=refresh, progress=progress) for cell in cells]
    if offline:
        for plan in plans:
            plan.recorder.bundles = cache.folder
    check_apart(plans)
    if refresh:
        as_one_refresh(plans)

    def engine_of(clients: Mapping[str, JudgeClient]) -> Engine:
        return CachedEngine(cache, stop, clients) if offline else LocalEngine(clients, stop)

    batched = batch_clients(plans, cache, flights, budget) if options.batch else {}

    compared = cells[0].until_shown is not None
    async with AsyncExitStack() as held:
        for client in (*clients.values(), *batched.values()):
            held.push_async_callback(client.aclose)
        if own is not None:
            held.push_async_callback(own.aclose)
        for plan in plans:
            held.enter_context(plan)
        for group in () if offline else [plans] if compared else [[plan] for plan in plans]:
            asked = [batched.get(id(plan)) or clients[plan.spec.judge.name] for plan in group]
            obstacles = [_obstacle(client, in_flight) for client in asked]
            obstacles += [in_batches_already(plan) for plan in group if id(plan) not in batched]
            obstacle = next(filter(None, obstacles), None)
            if obstacle is not None and _needs_calls(group, asked[0], out):
                raise obstacle
        for plan in plans:
            plan.announce()
        if progress is not None:
            for name, client in clients.items():
                progress.paced(name, client.pace)
        if not compared:
            by_judge = {name: [plan for plan in plans if plan.spec.judge.name == name] for name in clients}
            live = {name: [plan for plan in by_judge[name] if id(plan) not in batched] for name in clients}
            results, errors, not_begun = await _side_by_side(
                [
                    *((engine_of({name: clients[name]}), clients[name], live[name]) for name in clients),
                    *batch_engines(plans, batched, stop),
                ],
                stop,
            )
        else:
            not_begun = []
            results, errors = await _in_lockstep(plans, engine_of(clients), clients)
    if errors and not results:
        raise errors[0]
    recorded = {id(result.error) for result in results}
    others = {id(error): error for error in errors if id(error) not in recorded}
    order = {id(cell): at for at, cell in enumerate(cells)}
    ended = sorted(results, key=lambda result: order[id(result.cell)])
    return GridResult(ended, others.values(), not_begun=[plan.spec for plan in not_begun])


def pipeline_for(options: RunOptions, cache: ReplyCache, stop: Stop) -> Pipeline | None:
    """The pipeline that carries the calls, whose `aclose` ends it; None where this process makes them.

    Args:
        options: How runs are made.
        cache: Where replies are kept.
        stop: Ends it early.
    """
    if options.engine == "local":
        return None
    from judgebench.engine.cluster.pipeline import Pipeline

    return Pipeline(options.ray_address, cache, options.budget, stop)


def _client(judge: Judge, cache: ReplyCache, pipeline: Pipeline | None, **shared: Any) -> JudgeClient:
    """A judge's client, whose calls this process or a pipeline makes."""
    if pipeline is None:
        return JudgeClient(judge, cache, **shared)
    from judgebench.engine.cluster.client import ClusterClient

    return ClusterClient(judge, cache, pipeline, **shared)


def _obstacle(client: JudgeClient, in_flight: int) -> ConfigError | None:
    """What stands in the way of any call; a run that needs none is none the worse for it."""
    try:
        client.check()
        check_writable(client.cache.folder, "--cache-dir")
        make_room(in_flight)
    except ConfigError as error:
        return error
    return None


def _needs_calls(plans: Sequence[RunPlan], client: JudgeClient, out: Path) -> bool:
    """Whether a run, or two that are compared, cannot do with what their folders and the cache have."""
    dry = [RunPlan(plan.spec, out, refresh=plan.refresh, dry=True) for plan in plans]
    for plan in dry:
        plan.look()
    whole = dry[0] if len(dry) == 1 else _both(*dry)
    return any(tell_all_cached(whole, client.cached_many, cached_by(client)))


def _both(first: RunPlan, second: RunPlan) -> Lockstep:
    from judgebench.engine.lockstep import Lockstep

    return Lockstep(first, second)


async def _side_by_side(
    judges: Sequence[tuple[Engine, JudgeClient, Sequence[RunPlan]]], stop: Stop
) -> tuple[list[RunResult], list[JudgebenchError], list[RunPlan]]:
    """Runs the cells of each judge one after another, the judges at the same time.

    Returns:
        Results, what stopped a cell, and the cells that the user's stop left.
    """
    results: list[RunResult] = []
    errors: list[JudgebenchError] = []
    not_begun: list[RunPlan] = []

    async def one_judge(engine: Engine, client: JudgeClient, plans: Sequence[RunPlan]) -> None:
        for plan in plans:
            if stop.asked and results:
                not_begun.append(plan)
                continue
            try:
                results.append(await run_plan(plan, engine, client))
            except (ConfigError, FatalProviderError, BudgetReached) as error:
                errors.append(error)

    await asyncio.gather(*(one_judge(*judge) for judge in judges))
    return results, errors, not_begun


async def run_plan(plan: RunPlan, engine: Engine, client: JudgeClient) -> RunResult:
    """Runs one plan, unless its folder has all of it already."""
    with watched(plan, client):
        if (before := plan.as_before()) is not None:
            return before
        await engine.run(plan)
    return plan.finish()


async def _in_lockstep(
    plans: Sequence[RunPlan], engine: Engine, clients: Mapping[str, JudgeClient]
) -> tuple[list[RunResult], list[JudgebenchError]]:
    """Runs two cells block by block until their comparison is settled; results, and what stopped one."""
    first, second = plans
    of_first, of_second = (clients[plan.spec.judge.name] for plan in plans)
    with watched(first, of_first), watched(second, None if of_second is of_first else of_second):
        both = _both(first, second)
        await engine.run(both)
    return both.finish()


@contextmanager
def watched(plan: RunPlan, client: JudgeClient | None) -> Iterator[None]:
    """Around all calls: tells what watches, counts retries, and writes what there is of a cancelled run."""
    before = None if client is None else client.asked_again.copy()  # for other cells
    plan.show_start()
    try:
        yield
    except asyncio.CancelledError:
        if plan.recorder.folder.begun:
            plan.finish()
        raise
    finally:
        if client is not None and before is not None:
            plan.asked_again += client.asked_again - before
        plan.show_end()
