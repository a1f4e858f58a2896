"""`jb.tune`: a better wording for one's own labelled items, from Python."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench.client import ReplyCache
from judgebench.engine.loops import blocking
from judgebench.engine.options import PlanOptions, RunOptions, TuneOptions, options_given
from judgebench.engine.tune import run_tune
from judgebench.engine.tuneforecast import TuneForecast, forecast_tune
from judgebench.engine.tuneplan import plan_tune
from judgebench.judges import destination_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.engine.options import AnyWriter
    from judgebench.engine.progress import Progress, Stop
    from judgebench.engine.tuneplan import TunePlan
    from judgebench.items import Orders, Pairs, Transport
    from judgebench.judges import AnyJudge
    from judgebench.metrics.votes import Aggregate
    from judgebench.runs import Tuned
    from judgebench.sources.mapped import BadRows, EmptyAnswers
    from judgebench.sources.opening import Data


async def atune(
    benchmark: str = "custom",
    *,
    judge: AnyJudge,
    templates: Sequence[str | Path] = (),
    data: Data | None = None,
    subsets: Sequence[str] = (),
    columns: Mapping[str, str] | str | None = None,
    labels: Mapping[str, str] | str | None = None,
    id_column: str | None = None,
    group_column: str | None = None,
    bad_rows: BadRows = "stop",
    empty_answers: EmptyAnswers = "refuse",
    config_name: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    orders: Orders | None = None,
    samples: int = 1,
    aggregate: Aggregate = "mean",
    early_stop: bool = False,
    logprobs: bool = False,
    pairs: Pairs | None = None,
    repair: int = 0,
    providers: str | Path | None = None,
    transport: Transport | None = None,
    writer: AnyWriter | None = None,
    edits: str | Path | None = None,
    held_out: float = 0.5,
    budget: float | None = None,
    concurrency: int | None = None,
    offline: bool = False,
    refresh: bool = False,
    cache_dir: str | Path | None = None,
    out: str | Path = "runs",
) -> Tuned:
    """A better wording for one's own labelled items: a race on a part of them, and one look at the rest.

    >>> import judgebench as jb
    >>> rows = [{"prompt": f"{n} + 1?", "chosen": f"{n + 1}", "rejected": f"It is {n}."} for n in range(80)]
    >>> def judge(messages):
    ...     careful = "Length by itself is no merit" in messages[0]["content"]
    ...     wrong_first = "It is" in messages[1]["content"].split("</answer_A>")[0]
    ...     return "[[B]]" if careful and wrong_first else "[[A]]"
    >>> found = jb.tune(data=rows, judge=judge, templates=["mt-bench-pairwise", "pairwise"])
    >>> found.look.winner, found.look.score
    ('pairwise', 1.0)

    In a coroutine `await jb.atune(...)`, else `jb.tune(...)`. The template in use comes first in `templates`;
    `writer`, a model's name or a function (see `jb.Writer`), gives further candidates. All calls are cached, so that
    the same call again costs nothing and gives the same.

    Returns:
        What was found: `found`, `sentence`, `look`, `candidates`, `template`.

    Raises:
        ConfigError: A usage error, found before the first call.
        FatalProviderError: No call worked.
        BudgetReached: The budget does not suffice for any call.
    """
    planned, tuning, running = tune_options(locals() | {"judges": (judge,)})
    plan = plan_tune(benchmark, planned, tuning)
    for line in [] if running.offline else destination_lines(plan.baseline.judge, plan.baseline.providers):
        warnings.warn(line, stacklevel=2)
    found = await tune_planned(plan, running)
    for note in found.notes:
        warnings.warn(note, stacklevel=2)
    return found


tune = blocking(atune, "tune")


def tune_options(given: Mapping[str, Any]) -> tuple[PlanOptions, TuneOptions, RunOptions]:
    """The options of `tune` out of all that were given."""
    return options_given(PlanOptions, given), options_given(TuneOptions, given), options_given(RunOptions, given)


async def tune_planned(
    plan: TunePlan, options: RunOptions, *, progress: Progress | None = None, stop: Stop | None = None
) -> Tuned:
    """Does what is planned; see `judgebench.engine.tune.run_tune`."""
    with ReplyCache(None if options.cache_dir is None else Path(options.cache_dir)) as cache:
        return await run_tune(plan, cache, options, progress=progress, stop=stop)


def forecast_planned(plan: TunePlan, options: RunOptions) -> TuneForecast:
    """What is planned would send and cost; see `judgebench.engine.tuneforecast.forecast_tune`."""
    with ReplyCache(None if options.cache_dir is None else Path(options.cache_dir)) as cache:
        return forecast_tune(plan, cache, options)
