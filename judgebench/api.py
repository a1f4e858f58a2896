"""What a command can do, a call can: the functions behind `import judgebench as jb`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import threading
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from judgebench import runner
from judgebench.benchmarks import BENCHMARKS, get_benchmark
from judgebench.benchmarks.dataset import SAMPLE, Selection, load_dataset, sample_path
from judgebench.client.cache import ReplyCache
from judgebench.client.lite import close_clients
from judgebench.errors import ConfigError, unknown_name
from judgebench.itemfiles import read_items
from judgebench.items import LABELS
from judgebench.judgements import latest, read_judgements
from judgebench.metrics.summary import Metrics
from judgebench.planning import Grid, plan
from judgebench.protocols import Protocol, orders_of
from judgebench.quickjson import loads
from judgebench.runs import MADE, METRICS, OUTCOMES, read_manifest
from judgebench.templates import load_template, structured_schema

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping, Sequence

    import pandas as pd

    from judgebench.forecasting import Forecast
    from judgebench.frames import Table
    from judgebench.gathered import CellResult
    from judgebench.items import Item
    from judgebench.judgements import Judgement
    from judgebench.runnames import Name
    from judgebench.watching import Progress, Stop

DEFAULT_OUT = "runs"
_LOOK_S = 0.2

T = TypeVar("T")


class Run:
    """A finished or begun run, read from its folder.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def load(cls, path: str | Path) -> Run:
        """The run in a folder.

        Raises:
            ConfigError: The folder holds no run.
        """
        folder = Path(path)
        if read_manifest(folder) is None:
            raise ConfigError(f"{folder}: holds no run (no manifest.json); name the folder of one run")
        return cls(folder)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What was run: versions, seed, protocol, hashes, data source, judge settings, state."""
        return read_manifest(self.path) or {}

    @cached_property
    def metrics(self) -> Metrics:
        """The figures in `metrics.json`.

        Raises:
            ConfigError: They are not there, or of another version.
        """
        path = self.path / METRICS
        try:
            return Metrics.from_json(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise ConfigError(f"{path}: is not there: the run was cut off; {self.mend}") from None
        except KeyError as error:
            raise ConfigError(
                f"{path}: was written by an older version of judgebench: it has no field '{error.args[0]}'; {self.mend}"
            ) from None
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ConfigError(f"{path}: is of another version, or damaged ({error!r}); {self.mend}") from None

    @property
    def made_of(self) -> str | None:
        """`jury` or `cascade` where the run is made of other runs, which its manifest names; else None."""
        return next((kind for kind in MADE if kind in self.manifest), None)

    @property
    def mend(self) -> str:
        """What makes outcomes and figures anew, in words."""
        if "scores" in self.manifest:
            return "score the file again with judgebench score"
        if self.made_of is not None:
            return f"give judgebench {self.made_of} with the runs that it is made of again"
        return f"give its command again, or read its replies again: judgebench rescore {self.path}"

    @property
    def judgements(self) -> Iterator[Judgement]:
        """The judgement that counts for each item, order and sample; none for a score file's run."""
        return iter(latest(read_judgements(self.path)).values())

    @property
    def outcomes(self) -> Iterator[dict[str, Any]]:
        """The lines of `outcomes.jsonl`.

        Raises:
            ConfigError: There is no such file, or a line is none.
        """
        path = self.path / OUTCOMES
        try:
            with path.open(encoding="utf-8") as file:
                for line in file:
                    yield loads(line)
        except FileNotFoundError:
            raise ConfigError(f"{path}: is not there: the run was cut off; {self.mend}") from None
        except ValueError as error:
            raise ConfigError(f"{path}: is damaged ({error}); {self.mend}") from None

    @property
    def items(self) -> Iterator[Item]:
        """The items, with their texts."""
        return read_items(self.path)

    def to_pandas(self, table: Table = "judgements") -> pd.DataFrame:
        """The run as a pandas table; `judgebench.to_pandas` makes one of several runs.

        Args:
            table: `judgements` (a row a reply), `outcomes` (a row an item) or `scores` (a row a score: of the whole,
                of each section and subset).

        Raises:
            ConfigError: There is no such table, or the run has no such file.
        """
        from judgebench import frames

        return frames.pandas_of(frames.arrow(self.rows(table), frames.schema_of(table, whose=False)))

    def rows(self, table: Table = "judgements") -> Iterator[dict[str, Any]]:
        """The rows of that table, one by one.

        Raises:
            ConfigError: There is no such table, or the run has no such file.
        """
        from judgebench import frames

        chosen = frames.check_table(table)
        if chosen == "judgements":
            return frames.judgement_rows(self.judgements)
        return frames.score_rows(self.metrics) if chosen == "scores" else frames.outcome_rows(self.outcomes)

    @property
    def name(self) -> Name:
        """What tables call it: judge, template and protocol."""
        from judgebench.runnames import name_of

        return name_of(self.manifest)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        from judgebench import notebooks

        try:
            metrics = self.metrics
        except ConfigError as error:
            return notebooks.paragraphs([repr(self), str(error)])
        name = str(self.manifest["benchmark"])
        return notebooks.run_html(get_benchmark(name).title if name in BENCHMARKS else name, self.name, metrics)


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
) -> list[CellResult]:
    """Runs the cells of a grid; see `judgebench.runner.run_cells`."""
    if budget is not None and not 0 <= budget < math.inf:
        raise ConfigError(f"budget is {budget!r}, expected US dollars from 0 on")
    if refresh and offline:
        raise ConfigError("--refresh asks again, and --offline makes no call: leave one of them out")
    cache = ReplyCache(None if cache_dir is None else Path(cache_dir))
    try:
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
    finally:
        cache.close()


def forecast_grid(
    grid: Grid, *, out: str | Path = DEFAULT_OUT, cache_dir: str | Path | None = None, refresh: bool = False
) -> list[Forecast]:
    """What a grid would send and cost; see `judgebench.forecasting.forecast`."""
    from judgebench import forecasting

    cache = ReplyCache(None if cache_dir is None else Path(cache_dir))
    try:
        return forecasting.forecast(grid.cells, cache, Path(out), refresh=refresh)
    finally:
        cache.close()


def forecast(
    benchmark: str,
    *,
    judges: Sequence[str],
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
    benchmark: str, *, judges: Sequence[str], templates: Sequence[str | Path] = (), **options: Any
) -> list[Run]:
    """Runs every judge with every template on one benchmark, in a coroutine; see `grid`."""
    running = {name: value for name, value in options.items() if name in _RUNNING}
    planning = {name: value for name, value in options.items() if name not in _RUNNING}
    planned = plan(benchmark, judges=judges, templates=templates, **planning)
    results = await run_grid(planned, **running)
    for said in (*planned.left_out, *(str(error) for result in results for error in result.refused)):
        warnings.warn(said, stacklevel=2)
    return [Run.load(result.folder) for result in results]


def grid(benchmark: str, *, judges: Sequence[str], templates: Sequence[str | Path] = (), **options: Any) -> list[Run]:
    """Runs every judge with every template on one benchmark.

    Args:
        benchmark: Its name.
        judges: Presets, LiteLLM ids or offline baselines.
        templates: Names or files; none for the benchmark's default.
        **options: Those of `plan` (`data`, `subsets`, `limit`, `seed`, `orders`, `samples`, `repair`, `join`,
                `early_stop`, `soft`, `pairs`, `controls`, `attacks`, `stop_when_shown`, `size`, `alpha`, `providers`)
            and of `run_grid` (`out`, `cache_dir`, `offline`, `refresh`, `concurrency`, `budget`).

    Raises:
        ConfigError: A mistake, found before the first call.
        FatalProviderError: A provider refused the first call.
    """
    return finished(agrid(benchmark, judges=judges, templates=templates, **options))


async def arun(benchmark: str, *, judge: str, template: str | Path | None = None, **options: Any) -> Run:
    """One run, in a coroutine; see `grid` for the options."""
    runs = await agrid(benchmark, judges=[judge], templates=[] if template is None else [template], **options)
    return runs[0]


def run(benchmark: str, *, judge: str, template: str | Path | None = None, **options: Any) -> Run:
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
        name: Whose scores they are; None for the file's name.
        allow_missing: Count scores that are missing or unusable as failures, instead of refusing the file.

    Raises:
        ConfigError: The scores do not fit the items.
    """
    from judgebench import scorefiles

    dataset = load_dataset(get_benchmark(benchmark), data, Selection(tuple(subsets)))
    named = name or Path(file).name.split(".")[0]
    return Run.load(scorefiles.score_run(str(file), dataset, name=named, out=Path(out), allow_missing=allow_missing))


@dataclass(frozen=True)
class Rendered:
    """What a judge gets for one item.

    Attributes:
        order: The index of the completion shown in each slot.
        messages: Role and content of each message.
        schema: The JSON schema of the reply that goes out beside them, if one does.
    """

    template: str
    benchmark: str
    item: str
    order: tuple[int, ...]
    messages: list[dict[str, str]]
    schema: Mapping[str, Any] | None = None


def render(
    template: str | Path,
    *,
    benchmark: str | None = None,
    data: str | None = None,
    item: str | None = None,
    seed: int = 0,
    structured: bool = False,
) -> Rendered:
    """The exact messages for one item, in its first order.

    Args:
        template: A name or file.
        benchmark: Whose item; None for the first benchmark with a bundled sample that the template fits.
        data: Where the items come from; None for the bundled sample.
        item: The item's id; None for the first one that fits.
        seed: Of the order.
        structured: As for a judge that takes a JSON schema for its reply.

    Raises:
        ConfigError: Nothing fits, there is no such item, or the template asks for no structured output.
    """
    from judgebench.benchmarks.rewardbench2 import RewardBench2

    loaded = load_template(template)
    if structured and not loaded.structured:
        raise ConfigError(f"template '{loaded.name}' asks for no structured output; verdict.json in its head does")
    rates_ties = loaded.name == RewardBench2.ties_template
    if benchmark is None:
        fits = [
            name for name in BENCHMARKS if sample_path(name).exists() and loaded.mode in get_benchmark(name).templates
        ]
        benchmark = RewardBench2.name if rates_ties else next(iter(fits))
    chosen = get_benchmark(benchmark)
    dataset = load_dataset(chosen, data or SAMPLE)
    if item is not None and item not in dataset.keys:
        raise unknown_name("item", item, dataset.keys, mend=f"The data is {dataset.source}.")
    for each in dataset:
        if each.id == item or (item is None and chosen.by_ties(each.key) == rates_ties):
            question = chosen.questions(each.key, loaded.mode)[0]
            order = orders_of(Protocol(seed=seed), each.id, question)[0]
            messages = loaded.render(each, order, structured=structured)
            schema = structured_schema(loaded.rule, LABELS[: len(order)]) if structured else None
            return Rendered(loaded.name, chosen.name, each.id, order, messages, schema)
    raise ConfigError(f"{dataset.source} has no item that template '{loaded.name}' fits")


def finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end in a loop of its own: where one is running (a notebook), in a thread beside it."""

    async def alone() -> T:
        try:
            return await coroutine
        finally:
            await close_clients()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(alone())
    return _beside(alone())


def _beside(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine in a thread of its own and waits for it; an interrupt is passed on to it."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(coroutine)
    ended = threading.Event()  # a thread that is joined when an interrupt comes is taken for dead by Python 3.11
    running = threading.Thread(target=_to_the_end, args=(loop, task, ended), name="judgebench")
    try:
        running.start()
        while not ended.wait(_LOOK_S):  # some systems cannot interrupt a wait without an end
            pass
    except KeyboardInterrupt:  # a notebook's stop button
        with contextlib.suppress(RuntimeError):  # it has just ended
            loop.call_soon_threadsafe(task.cancel)
        ended.wait()
        raise
    finally:
        running.join()
    return task.result()


def _to_the_end(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any], ended: threading.Event) -> None:
    try:
        with asyncio.Runner(loop_factory=lambda: loop) as alone:
            alone.run(_waited(task))
    finally:
        ended.set()


async def _waited(task: asyncio.Task[Any]) -> None:
    await asyncio.wait([task])
