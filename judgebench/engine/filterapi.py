"""`jb.filter`: rows of any size, judged and written back, from Python."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench.client import ReplyCache
from judgebench.engine.filter import forecast_filter, run_filter
from judgebench.engine.filterplan import plan_filter
from judgebench.engine.loops import blocking
from judgebench.engine.options import FilterOptions, PlanOptions, RunOptions, options_given
from judgebench.judges import destination_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgebench.engine.filtered import Filtered
    from judgebench.engine.filterplan import FilterPlan
    from judgebench.engine.forecast import Forecast
    from judgebench.engine.options import EngineName
    from judgebench.engine.progress import Progress, Stop
    from judgebench.items import Orders, Transport
    from judgebench.judges import AnyJudge
    from judgebench.metrics.votes import Aggregate
    from judgebench.sources.mapped import BadRows, EmptyAnswers
    from judgebench.sources.opening import Data


async def afilter(
    data: Data,
    *,
    judge: AnyJudge,
    out: str | Path,
    template: str | Path | None = None,
    keep: str | None = None,
    agreement: float | None = None,
    people_labels: str | Path | None = None,
    prefix: str = "judge_",
    preferences: str | Path | None = None,
    columns: Mapping[str, str] | str | None = None,
    labels: Mapping[str, str] | str | None = None,
    id_column: str | None = None,
    group_column: str | None = None,
    bad_rows: BadRows = "stop",
    empty_answers: EmptyAnswers = "refuse",
    config_name: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    shard: str | None = None,
    orders: Orders | None = None,
    samples: int = 1,
    aggregate: Aggregate = "mean",
    early_stop: bool = False,
    logprobs: bool = False,
    repair: int = 0,
    providers: str | Path | None = None,
    transport: Transport | None = None,
    budget: float | None = None,
    concurrency: int | None = None,
    offline: bool = False,
    cache_dir: str | Path | None = None,
    batch: bool = False,
    engine: EngineName = "local",
    ray_address: str | None = None,
) -> Filtered:
    """Judges rows of any size and writes them back with the judge's columns beside them.

    >>> import json, judgebench as jb
    >>> from pathlib import Path
    >>> rows = [{"prompt": "2 + 2?", "chosen": "It is four.", "rejected": "5", "uid": 7}]
    >>> found = jb.filter(rows, judge="offline/longest", out="kept.jsonl", keep="judge_agrees")
    >>> found.kept, json.loads(Path("kept.jsonl").read_text())["judge_choice"]
    (1, 'chosen')

    In a coroutine `await jb.afilter(...)`, else `jb.filter(...)`. What was judged stays in a folder beside `out`: the
    same call goes on where it stopped, and another condition takes no call. `jb.filter_page` writes a page of it.

    Returns:
        What was done: `state`, `kept`, `dropped`, `values`, `sample`, `test`.

    Raises:
        ConfigError: A usage error, found before the first call.
        FatalProviderError: No call worked.
        BudgetReached: The budget does not suffice for any call.
    """
    plan, running = planned_filter(
        locals() | {"judges": (judge,), "templates": () if template is None else (template,)}
    )
    for line in [] if running.offline else destination_lines(plan.judge, plan.spec.providers):
        warnings.warn(line, stacklevel=2)
    found = await filter_planned(plan, running)
    for note in found.notes:
        warnings.warn(note, stacklevel=2)
    return found


filter = blocking(afilter, "filter")  # noqa: A001 - as the command is called


def planned_filter(given: Mapping[str, Any]) -> tuple[FilterPlan, RunOptions]:
    """The plan of a filter, and how its calls are made, out of all options that were given."""
    asked, options = options_given(PlanOptions, given), options_given(FilterOptions, given)
    running = options_given(RunOptions, {name: value for name, value in given.items() if name != "out"})
    return plan_filter(asked, options), running


async def filter_planned(
    plan: FilterPlan, options: RunOptions, *, progress: Progress | None = None, stop: Stop | None = None
) -> Filtered:
    """Does what is planned; see `judgebench.engine.filter.run_filter`."""
    with ReplyCache(None if options.cache_dir is None else Path(options.cache_dir)) as cache:
        return await run_filter(plan, cache, options, progress=progress, stop=stop)


def forecast_planned_filter(plan: FilterPlan, options: RunOptions) -> Forecast:
    """What is planned would send and cost; see `judgebench.engine.filter.forecast_filter`."""
    with ReplyCache(None if options.cache_dir is None else Path(options.cache_dir)) as cache:
        return forecast_filter(plan, cache, options)
