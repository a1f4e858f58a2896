"""What a command can do, a call can: the functions behind `import judgebench as jb`."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks import BENCHMARKS, get_benchmark
from judgebench.benchmarks.dataset import SAMPLE, Selection, load_dataset, sample_path
from judgebench.benchmarks.rows import data_stem
from judgebench.client import ReplyCache
from judgebench.engine import grid as runner
from judgebench.engine.loops import finished
from judgebench.engine.plan import Grid, companion_of, fitting_templates, plan
from judgebench.errors import ConfigError, unknown_name
from judgebench.items import LABELS
from judgebench.protocols import Protocol, orders_of, questions
from judgebench.runs import DEFAULT_OUT, Run
from judgebench.templates import load_template
from judgebench.verdicts import structured_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.benchmarks.dataset import Dataset
    from judgebench.engine.forecast import Forecast
    from judgebench.engine.progress import Progress, Stop
    from judgebench.engine.recorder import RunResult
    from judgebench.items import ItemKey, Pairs
    from judgebench.judges import AnyJudge
    from judgebench.templates import Template


async def run_grid(
    grid: Grid,
    *,
    out: str | Path = DEFAULT_OUT,
    cache_dir: str | Path | None = None,
    offline: bool = False,
    refresh: bool = False,
    concurrency: int | None = None,
    budget: float | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> list[RunResult]:
    """Runs the cells of a grid; see `judgebench.engine.grid.run_cells`."""
    if budget is not None and not 0 <= budget < math.inf:
        raise ConfigError(f"budget is {budget!r}, expected US dollars from 0 on")
    if refresh and offline:
        raise ConfigError("--refresh asks again, and --offline makes no call: leave one of them out")
    with ReplyCache(None if cache_dir is None else Path(cache_dir)) as cache:
        return await runner.run_cells(
            grid.cells,
            cache,
            Path(out),
            offline=offline,
            refresh=refresh,
            concurrency=concurrency,
            budget=budget,
            progress=progress,
            stop=stop,
        )


def forecast_grid(
    grid: Grid, *, out: str | Path = DEFAULT_OUT, cache_dir: str | Path | None = None, refresh: bool = False
) -> list[Forecast]:
    """What a grid would send and cost; see `judgebench.engine.forecast.forecast`."""
    from judgebench.engine import forecast as forecasting

    with ReplyCache(None if cache_dir is None else Path(cache_dir)) as cache:
        return forecasting.forecast(grid.cells, cache, Path(out), refresh=refresh)


def forecast(
    benchmark: str,
    *,
    judges: Sequence[AnyJudge],
    templates: Sequence[str | Path] = (),
    out: str | Path = DEFAULT_OUT,
    cache_dir: str | Path | None = None,
    refresh: bool = False,
    **planning: Any,
) -> list[Forecast]:
    """What `grid` with the same arguments would send and cost: no call is made, nothing is written.

    Args:
        benchmark: Its name.
        judges: Presets, LiteLLM ids or offline baselines; no key is needed.
        templates: Names or files; none for the benchmark's default.
        out: The folder above the runs' folders.
        cache_dir: Where replies are kept; None for the user's cache folder.
        refresh: As if every reply were asked for again.
        **planning: Those of `plan`.

    Raises:
        ConfigError: A mistake that the run itself would end with.
    """
    planned = plan(benchmark, judges=judges, templates=templates, **planning)
    return forecast_grid(planned, out=out, cache_dir=cache_dir, refresh=refresh)


_RUNNING = frozenset({"out", "cache_dir", "offline", "refresh", "concurrency", "budget", "progress", "stop"})


async def agrid(
    benchmark: str, *, judges: Sequence[AnyJudge], templates: Sequence[str | Path] = (), **options: Any
) -> list[Run]:
    """Runs every judge with every template on one benchmark, in a coroutine; see `grid`."""
    running = {name: value for name, value in options.items() if name in _RUNNING}
    planning = {name: value for name, value in options.items() if name not in _RUNNING}
    planned = plan(benchmark, judges=judges, templates=templates, **planning)
    results = await run_grid(planned, **running)
    for said in (*planned.left_out, *(str(error) for result in results for error in result.refused)):
        warnings.warn(said, stacklevel=2)
    return [Run.load(result.folder) for result in results]


def grid(
    benchmark: str, *, judges: Sequence[AnyJudge], templates: Sequence[str | Path] = (), **options: Any
) -> list[Run]:
    """Runs every judge with every template on one benchmark.

    Args:
        benchmark: Its name.
        judges: Presets, LiteLLM ids or offline baselines; functions (see `judgebench.judges.callable_judge`).
        templates: Names or files; none for the benchmark's default.
        **options: Those of `plan` (`data`, `subsets`, `limit`, `seed`, `orders`, `samples`, `repair`, `join`,
                `early_stop`, `soft`, `pairs`, `controls`, `attacks`, `stop_when_shown`, `size`, `alpha`, `providers`)
            and of `run_grid` (`out`, `cache_dir`, `offline`, `refresh`, `concurrency`, `budget`).

    Raises:
        ConfigError: A mistake, found before the first call.
        FatalProviderError: A provider refused the first call.
    """
    return finished(agrid(benchmark, judges=judges, templates=templates, **options))


async def arun(benchmark: str, *, judge: AnyJudge, template: str | Path | None = None, **options: Any) -> Run:
    """One run, in a coroutine; see `grid` for the options."""
    runs = await agrid(benchmark, judges=[judge], templates=[] if template is None else [template], **options)
    return runs[0]


def run(benchmark: str, *, judge: AnyJudge, template: str | Path | None = None, **options: Any) -> Run:
    """One run: one benchmark x one judge x one template; see `grid` for the options and errors."""
    return finished(arun(benchmark, judge=judge, template=template, **options))


def score(
    file: str | Path,
    *,
    benchmark: str,
    data: str | None = None,
    subsets: Sequence[str] = (),
    out: str | Path = DEFAULT_OUT,
    name: str | None = None,
    allow_missing: bool = False,
) -> Run:
    """The same metrics from scores that a reward model, or anything else, already gave.

    Args:
        file: JSONL, CSV or Parquet with a row an item: `id` and `scores`, or `scores_chosen` and `scores_rejected`.
        benchmark: Whose items they are scores of.
        data: Where the items come from; None for the benchmark's own rows on the hub.
        subsets: Only these.
        out: The folder above the runs' folders.
        name: Whose scores they are; None for the file's name, without its suffix.
        allow_missing: Count scores that are missing or unusable as failures, instead of refusing the file.

    Raises:
        ConfigError: The scores do not fit the items.
    """
    from judgebench.runs import scores as scorefiles

    dataset = load_dataset(get_benchmark(benchmark), data, Selection(tuple(subsets)))
    path = scorefiles.score_run(
        str(file),
        dataset,
        name=name or data_stem(Path(file)) or str(file),
        out=Path(out),
        subsets=subsets,
        allow_missing=allow_missing,
    )
    return Run.load(path)


@dataclass(frozen=True)
class Rendered:
    """What a judge gets for one item.

    Attributes:
        template: The one that words it.
        order: The index of the completion shown in each slot.
        messages: Role and content of each message.
        schema: The JSON schema of the reply that goes out beside them, if one does.
        instead_of: The template that was asked for, where the benchmark rates this item with another.
    """

    template: str
    benchmark: str
    item: str
    order: tuple[int, ...]
    messages: list[dict[str, str]]
    schema: Mapping[str, Any] | None = None
    instead_of: str | None = None


def render(
    template: str | Path,
    *,
    benchmark: str | None = None,
    data: str | None = None,
    item: str | None = None,
    seed: int = 0,
    structured: bool = False,
    pairs: Pairs | None = None,
) -> Rendered:
    """The exact messages of a run's first call about one item.

    Args:
        template: A name or file.
        benchmark: Whose item; None for the first benchmark with a bundled sample that the template fits.
        data: Where the items come from; None for the bundled sample.
        item: The item's id; None for the first one that is worded with this template.
        seed: Of the order.
        structured: As for a judge that takes a JSON schema for its reply.
        pairs: As for a run that finds the best of more than two completions from pairs: `all`, or `knockout`.

    Raises:
        ConfigError: The template does not fit, there is no such item, or the template asks for no structured output.
    """
    loaded = load_template(template)
    if structured and not loaded.structured:
        raise ConfigError(f"template '{loaded.name}' asks for no structured output; verdict.json in its head does")
    chosen = get_benchmark(benchmark or _shown_with(loaded, pairs))
    fitting_templates(chosen, [loaded], pairs)
    dataset = load_dataset(chosen, data or SAMPLE)
    if item is not None and item not in dataset.keys:
        raise unknown_name("item", item, dataset.keys, mend=f"The data is {dataset.source}.")
    key = dataset.keys[item] if item is not None else _first_for(loaded, dataset)
    companion = companion_of(chosen, dataset, loaded) if chosen.by_ties(key) else None
    wording = companion or loaded
    protocol = Protocol(seed=seed, pairs=pairs)
    order = orders_of(protocol, key.id, questions(chosen, protocol, key, wording.mode)[0])[0]
    shown = next(each for each in dataset if each.id == key.id)
    return Rendered(
        template=wording.name,
        benchmark=chosen.name,
        item=key.id,
        order=order,
        messages=wording.render(shown, order, structured=structured and wording.structured),
        schema=structured_schema(wording.rule, LABELS[: len(order)]) if structured else None,
        instead_of=None if wording.name == loaded.name else loaded.name,
    )


def _shown_with(template: Template, pairs: Pairs | None) -> str:
    """The benchmark with a bundled sample on which a template is shown."""
    with_sample = [get_benchmark(name) for name in BENCHMARKS if sample_path(name).exists()]
    mode = "best_of_k" if pairs is not None else template.mode
    ways = [each for each in with_sample if each.ties_template == template.name]
    return (ways or [each for each in with_sample if mode in each.templates])[0].name


def _first_for(template: Template, dataset: Dataset) -> ItemKey:
    """The first item of the kind that a template is made for, else the first of all."""
    keys = list(dataset.keys.values())
    for_ties = template.name == dataset.benchmark.ties_template
    return next((key for key in keys if dataset.benchmark.by_ties(key) == for_ties), keys[0])
