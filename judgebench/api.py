"""What a command can do, a call can: the functions behind `import judgebench as jb`."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from judgebench.benchmarks import BENCHMARKS, get_benchmark
from judgebench.benchmarks.dataset import SAMPLE, Selection, load_dataset, sample_path
from judgebench.benchmarks.examples import EXAMPLES
from judgebench.benchmarks.file import rows_of
from judgebench.benchmarks.suites import check_single
from judgebench.client import ReplyCache
from judgebench.engine import grid as runner
from judgebench.engine.grid import GridResult
from judgebench.engine.loops import blocking, threaded
from judgebench.engine.options import PlanOptions, RowOptions, RunOptions, options_given
from judgebench.engine.plan import companion_of, fitting_templates
from judgebench.engine.suite import plan_benchmarks
from judgebench.errors import ConfigError, FatalProviderError, unknown_name
from judgebench.items import LABELS
from judgebench.judges import destination_lines
from judgebench.protocols import Protocol, orders_of, questions
from judgebench.runs import DEFAULT_OUT, Run
from judgebench.sources.opening import data_stem, source_of
from judgebench.templates import load_template
from judgebench.verdicts import structured_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.benchmarks.dataset import Dataset
    from judgebench.engine.forecast import Forecast
    from judgebench.engine.options import EngineName
    from judgebench.engine.plan import Grid
    from judgebench.engine.progress import Progress, Stop
    from judgebench.engine.recorder import RunResult
    from judgebench.items import Attack, Control, ItemKey, Orders, Pairs, Transport
    from judgebench.judges import AnyJudge
    from judgebench.metrics.votes import Aggregate
    from judgebench.rewards.scorer import Scorer
    from judgebench.rewards.settings import Dtype
    from judgebench.runs import Steps
    from judgebench.sources.mapped import BadRows, EmptyAnswers
    from judgebench.sources.opening import Data
    from judgebench.templates import Template


async def run_grid(
    grid: Grid, options: RunOptions, *, progress: Progress | None = None, stop: Stop | None = None
) -> GridResult[RunResult]:
    """Runs the cells of a grid; see `judgebench.engine.grid.run_cells`."""
    with ReplyCache(None if options.cache_dir is None else Path(options.cache_dir)) as cache:
        return await runner.run_cells(grid.cells, cache, options, progress=progress, stop=stop)


def forecast_grid(grid: Grid, options: RunOptions) -> list[Forecast]:
    """What a grid would send and cost; see `judgebench.engine.forecast.forecast`."""
    from judgebench.engine import forecast as forecasting

    with ReplyCache(None if options.cache_dir is None else Path(options.cache_dir)) as cache:
        return forecasting.forecast(
            grid.cells,
            cache,
            Path(options.out),
            refresh=options.refresh,
            concurrency=options.concurrency,
            batch=options.batch,
        )


# The parameters of the functions below are those of `PlanOptions` and `RunOptions`, written out for editors and type
# checkers; `tests/test_api.py` holds them to their definition.


def forecast(
    benchmark: str,
    *,
    judges: Sequence[AnyJudge],
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
    shard: str | None = None,
    orders: Orders | None = None,
    samples: int = 1,
    aggregate: Aggregate = "mean",
    early_stop: bool = False,
    logprobs: bool = False,
    pairs: Pairs | None = None,
    repair: int = 0,
    controls: Control | Sequence[Control] = (),
    attacks: Attack | Sequence[Attack] = (),
    sequential: bool = False,
    min_effect: float = 0.05,
    alpha: float = 0.05,
    providers: str | Path | None = None,
    transport: Transport | None = None,
    refresh: bool = False,
    batch: bool = False,
    cache_dir: str | Path | None = None,
    out: str | Path = "runs",
) -> list[Forecast]:
    """What `grid` with the same options would send and cost: no call is made, nothing is written.

    >>> import judgebench as jb
    >>> jb.forecast("rewardbench", judges="offline/longest", data="sample")[0].judgements
    54

    No key is needed. In a coroutine `await jb.aforecast(...)`. An unknown option is a TypeError that names the nearest
    one.

    Raises:
        ConfigError: A usage error that the run itself would end with.
    """
    planned, running = _options(locals())
    return forecast_grid(plan_benchmarks(benchmark, planned), running)


async def agrid(
    benchmark: str,
    *,
    judges: Sequence[AnyJudge],
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
    shard: str | None = None,
    orders: Orders | None = None,
    samples: int = 1,
    aggregate: Aggregate = "mean",
    early_stop: bool = False,
    logprobs: bool = False,
    pairs: Pairs | None = None,
    repair: int = 0,
    controls: Control | Sequence[Control] = (),
    attacks: Attack | Sequence[Attack] = (),
    sequential: bool = False,
    min_effect: float = 0.05,
    alpha: float = 0.05,
    providers: str | Path | None = None,
    transport: Transport | None = None,
    budget: float | None = None,
    concurrency: int | None = None,
    offline: bool = False,
    refresh: bool = False,
    batch: bool = False,
    cache_dir: str | Path | None = None,
    engine: EngineName = "local",
    ray_address: str | None = None,
    out: str | Path = "runs",
) -> GridResult[Run]:
    """Runs every judge with every template on one benchmark, or on each of `seven` (see `judgebench.seven`).

    >>> import judgebench as jb
    >>> runs = jb.grid("rewardbench", judges=["offline/longest", "offline/first"], data="sample", limit=10)
    >>> [run.metrics.judge for run in runs], runs.errors
    (['offline/longest', 'offline/first'], ())

    In a coroutine `await jb.agrid(...)`, else `jb.grid(...)`. One text where several are meant counts as a list of one.
    An unknown option is a TypeError that names the nearest one.

    Returns:
        The runs, as a list; its `errors` say what stopped other runs, its `left_out` which combinations do not fit the
        benchmark. Each of these is a warning too.

    Raises:
        ConfigError: A usage error, found before the first call.
        FatalProviderError: No call of any judge worked, and nothing was gained.
        BudgetReached: The budget does not suffice for any call.
    """
    result = await _run_grid(benchmark, *_options(locals()))
    return GridResult([Run.load(each.folder) for each in result], result.errors, result.left_out)


async def arun(
    benchmark: str,
    *,
    judge: AnyJudge,
    template: str | Path | None = None,
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
    shard: str | None = None,
    orders: Orders | None = None,
    samples: int = 1,
    aggregate: Aggregate = "mean",
    early_stop: bool = False,
    logprobs: bool = False,
    pairs: Pairs | None = None,
    repair: int = 0,
    controls: Control | Sequence[Control] = (),
    attacks: Attack | Sequence[Attack] = (),
    providers: str | Path | None = None,
    transport: Transport | None = None,
    budget: float | None = None,
    concurrency: int | None = None,
    offline: bool = False,
    refresh: bool = False,
    batch: bool = False,
    cache_dir: str | Path | None = None,
    engine: EngineName = "local",
    ray_address: str | None = None,
    out: str | Path = "runs",
) -> Run:
    """One run: one benchmark x one judge x one template.

    >>> import judgebench as jb
    >>> rows = [{"prompt": "2 + 2?", "chosen": "It is four.", "rejected": "Five."}]
    >>> jb.run("custom", judge="offline/longest", data=rows).metrics.score
    1.0

    In a coroutine `await jb.arun(...)`, else `jb.run(...)`. `jb.grid(..., sequential=True)` makes two runs that stop
    when their difference is significant. An unknown option is a TypeError that names the nearest one.

    Returns:
        The run; with `controls` or `attacks`, its `controls` are the runs over the altered items, by name (`blind`,
        `attack-padding`).

    Raises:
        ConfigError: A usage error, found before the first call.
        FatalProviderError: No call worked. Where a judge stops later, that is a warning, and the run has what came.
        BudgetReached: The budget does not suffice for any call.
    """
    check_single(benchmark, f"jb.grid('{benchmark}', judges=[...])")
    result = await _run_grid(benchmark, *_options(locals() | {"judges": judge, "templates": template or ()}))
    plain = [each for each in result if each.cell.alteration is None]
    if not plain:
        raise next(error for error in (*result.errors, *(each.error for each in result)) if error is not None)
    made = Run.load(plain[0].folder)
    made.controls = {each.cell.alteration.title: Run.load(each.folder) for each in result if each.cell.alteration}
    return made


grid = blocking(agrid, "grid")
run = blocking(arun, "run")
aforecast = threaded(forecast, "aforecast")


def _options(given: Mapping[str, Any]) -> tuple[PlanOptions, RunOptions]:
    return options_given(PlanOptions, given), options_given(RunOptions, given)


async def _run_grid(benchmark: str, planned: PlanOptions, running: RunOptions) -> GridResult[RunResult]:
    """Plans and runs a grid, and warns of what was left out and of what stopped; raises it where no verdict came."""
    made = plan_benchmarks(benchmark, planned)
    if not running.offline:
        _warn_of_addresses(made)
    result = await run_grid(made, running)
    stopped = [each.error for each in result if each.error is not None]
    if all(isinstance(each.error, FatalProviderError) and not each.metrics.coverage for each in result) and stopped:
        raise stopped[0]
    for message in dict.fromkeys((*made.left_out, *map(str, (*result.errors, *stopped)))):
        warnings.warn(message, stacklevel=2)
    return GridResult(result, result.errors, made.left_out)


def _warn_of_addresses(grid: Grid) -> None:
    """Warns of judges that the environment, or a file that nobody named, sends elsewhere."""
    for judge, file in {cell.judge.name: (cell.judge, cell.providers) for cell in grid.cells}.values():
        for line in destination_lines(judge, file):
            warnings.warn(line, stacklevel=3)


def score(
    scores: Data | Scorer,
    *,
    benchmark: str,
    data: Data | None = None,
    subsets: Sequence[str] = (),
    out: str | Path = DEFAULT_OUT,
    name: str | None = None,
    allow_missing: bool = False,
    in_order: bool = False,
    head: str | int | None = None,
    steps: Steps | None = None,
    threshold: float | None = None,
    columns: Mapping[str, str] | str | None = None,
    labels: Mapping[str, str] | str | None = None,
    id_column: str | None = None,
    group_column: str | None = None,
    bad_rows: BadRows = "stop",
    empty_answers: EmptyAnswers = "refuse",
    config_name: str | None = None,
) -> Run:
    """The same metrics from scores that a reward model, or anything else, already gave.

    >>> import judgebench as jb
    >>> from pathlib import Path
    >>> rows = [{"id": "a", "prompt": "2 + 2?", "chosen": "It is four.", "rejected": "Five."}]
    >>> _ = Path("scores.jsonl").write_text('{"id": "a", "scores": [0.9, 0.2]}')
    >>> jb.score("scores.jsonl", benchmark="custom", data=rows).metrics.score
    1.0

    In a coroutine `await jb.ascore(...)`.

    Args:
        scores: A scorer or its name; or one row per item, `id` and `scores` (or `scores_chosen` and `scores_rejected`,
            or `score_a` and `score_b`), in a file, a data frame or a list; without ids in the order of the data.
        benchmark: Whose items they are scores of.
        data: Where the items come from; None for the benchmark's own rows on the hub.
        subsets: Only these.
        out: The folder above the runs' folders.
        name: Whose scores they are; None for the scorer's name, or the file's without its suffix.
        allow_missing: Count scores that are missing or unusable as failures, instead of refusing the file.
        in_order: Take the rows in the order of the data, whatever their ids.
        head: Which of several scores of a completion: its name or its index.
        steps: How the scores of a completion's steps become one: `min`, `max`, `prod`, `mean`, `geometric-mean`,
            `mean-logit`, `mean-odds` or `last`.
        threshold: Of items in steps: a step with a score below it is wrong.
        columns: The items' columns by name, as in `jb.run`: `{"prompt": "question"}`.
        labels: What the items' labels mean: `{"model_a": "A"}`.
        id_column: The column of the items' ids.
        group_column: The column that names items that belong together, of rows of your own.
        bad_rows: `skip` leaves out, and lists, rows of the data that cannot be used.
        empty_answers: `keep` takes an empty answer as one.
        config_name: The configuration of a hub dataset.

    Raises:
        ConfigError: The scores do not fit the items.
    """
    from judgebench.rewards.scorer import ScoredDataset, find_scorer
    from judgebench.runs import scores as scorefiles

    check_single(benchmark, f"jb.score_{benchmark}(FOLDER)")
    scorer = find_scorer(scores)
    chosen = (subsets,) if isinstance(subsets, str) else tuple(subsets)
    reading = RowOptions(
        columns=columns,
        labels=labels,
        id_column=id_column,
        group_column=group_column,
        bad_rows=bad_rows,
        empty_answers=empty_answers,
        config_name=config_name,
    )
    benchmark, data = rows_of(benchmark, data)
    dataset = load_dataset(get_benchmark(benchmark), data, Selection(chosen, rows=reading.rows))
    source = source_of(cast("Data", scores)) if scorer is None else ScoredDataset(scorer, dataset)
    path = scorefiles.score_run(
        source,
        dataset,
        name=name or data_stem(Path(source.name)) or source.name,
        out=Path(out),
        options=scorefiles.ScoreOptions(allow_missing, in_order, head, steps, threshold),
    )
    return Run.load(path)


ascore = threaded(score, "ascore")


def reward(
    model: str | Path,
    *,
    benchmark: str,
    data: Data | None = None,
    subsets: Sequence[str] = (),
    out: str | Path = DEFAULT_OUT,
    name: str | None = None,
    allow_missing: bool = False,
    revision: str | None = None,
    device: str | None = None,
    dtype: Dtype | None = None,
    batch_tokens: int | None = None,
    max_length: int | None = None,
    head: str | int | None = None,
    chat_template: str | Path | None = None,
    text_pair: bool = False,
    trust_remote_code: bool = False,
    reference: str | Path | None = None,
    reference_free: bool = False,
    beta: float = 0.1,
    length_normalized: bool = False,
    step_separator: str | None = None,
    step_turns: bool = False,
    step_tokens: str | None = None,
    steps: Steps | None = None,
    threshold: float | None = None,
    engine: EngineName = "local",
    ray_address: str | None = None,
    columns: Mapping[str, str] | str | None = None,
    labels: Mapping[str, str] | str | None = None,
    id_column: str | None = None,
    group_column: str | None = None,
    bad_rows: BadRows = "stop",
    empty_answers: EmptyAnswers = "refuse",
    config_name: str | None = None,
) -> Run:
    """Runs a reward model here and scores it by the benchmark's rule (needs the extra `reward`).

    Its scores go to `OUT/score-files/BENCHMARK/NAME.jsonl`, item by item; the same call goes on where a killed one was.
    In a coroutine `await jb.areward(...)`. Example: `jb.reward("my-dpo", benchmark="rewardbench", reference="my-sft")`.

    Args:
        model: A folder that `save_pretrained` wrote, a GGUF file, or an id on the hub.
        benchmark: Whose items are scored.
        data: Where the items come from; None for the benchmark's own rows on the hub.
        subsets: Only these.
        out: The folder above the runs' folders.
        name: The model's name in tables; None for the folder's name, or the id.
        allow_missing: Count scores that are no finite numbers as failures.
        revision: Branch, tag or commit of a hub model; None for its main branch.
        device: `cpu`, `cuda`, `cuda:1`, `mps`; None for the first accelerator, else the CPU.
        dtype: None for the checkpoint's own on an accelerator, and float32 on the CPU.
        batch_tokens: Most tokens in a batch, padding included; None for 16,384 on an accelerator, 2,048 on the CPU.
        max_length: Tokens of a conversation; what is longer loses its beginning. None for the model's own limit.
        head: Which of several outputs: a name, an index, or weights (`helpfulness=0.7,verbosity=-0.3`).
        chat_template: A Jinja file that takes the place of the tokenizer's chat template.
        text_pair: Give the tokenizer prompt and answer as two texts, without a chat template.
        trust_remote_code: Run the code that comes with the checkpoint.
        reference: The reference model of a DPO policy.
        reference_free: Score a DPO policy by its own log-probability.
        beta: The factor of implicit rewards.
        length_normalized: Divide a completion's log-probability by its number of tokens.
        step_separator: Of a process reward model: the text after each step, at whose end the score is read.
        step_turns: Of one that is a language model: each step is a user turn, which the assistant answers.
        step_tokens: Its tokens for a right and a wrong step (`+,-`).
        steps: How the scores of a completion's steps become one, as in `jb.score`.
        threshold: Of items in steps: a step with a score below it is wrong.
        engine: `ray` runs the model on each GPU, or else each CPU core, of a Ray cluster (extra `ray`).
        ray_address: Its address, with `ray`; None for `RAY_ADDRESS`, else one that is started on this machine.
        columns: The items' columns by name, as in `jb.run`: `{"prompt": "question"}`.
        labels: What the items' labels mean: `{"model_a": "A"}`.
        id_column: The column of the items' ids.
        group_column: The column that names items that belong together, of rows of your own.
        bad_rows: `skip` leaves out, and lists, rows of the data that cannot be used.
        empty_answers: `keep` takes an empty answer as one.
        config_name: The configuration of a hub dataset.

    Raises:
        ConfigError: The model cannot be run, or does not fit the items.
    """
    given = dict(locals())
    from judgebench.analysis.reward import reward_run
    from judgebench.rewards.settings import RewardSettings

    settings = RewardSettings(**{each.name: given[each.name] for each in fields(RewardSettings)})
    return reward_run(
        model,
        benchmark=benchmark,
        data=data,
        subsets=subsets,
        out=out,
        name=name,
        settings=settings,
        rows=options_given(RowOptions, given).rows,
    )


areward = threaded(reward, "areward")


def import_verdicts(
    file: Data,
    *,
    judge: str | None = None,
    benchmark: str = "custom",
    data: Data | None = None,
    template: str | Path | None = None,
    subsets: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    id_column: str | None = None,
    out: str | Path = DEFAULT_OUT,
) -> list[Run]:
    """Runs of verdicts that were made elsewhere, which everything that reads runs takes like any other.

    >>> import judgebench as jb
    >>> rows = [{"id": "a", "verdict": "A", "label": "A"}, {"id": "b", "verdict": "A", "label": "B"}]
    >>> jb.import_verdicts(rows, judge="my-judge")[0].metrics.score
    0.5

    In a coroutine `await jb.aimport_verdicts(...)`.

    Args:
        file: Rows with `id` and `verdict` (and, where there are any, `order`, `probability`, `model_a`, `model_b`,
            `label`, `annotator`, `rating`, `reply`), or a file of AlpacaEval's annotations, MT-Bench's judgements,
            RewardBench's results, PandaLM's, or an eval log of Inspect.
        judge: Whose verdicts they are; None for whom the file names, else the file's name.
        benchmark: Whose items they are about.
        data: The items, joined by id, where the file has none by prompt and answers, without those in their order;
            None for what the file itself says of them, with `custom`.
        template: Whose rule reads the recorded replies.
        subsets: Only these; empty for all.
        columns: Columns by name, of the file or, where it has none of that name, of `data`: `{"verdict": "pick"}`.
        labels: What words mean, in the file and in the labels of `data`: `{"left": "A"}`.
        id_column: The column of the items' ids, in the file and in `data`.
        out: The folder above the runs' folders.

    Returns:
        A run for each judge or annotator that the file names.

    Raises:
        ConfigError: The form is not known, or rows say no verdict; the first of them are named.
    """
    from judgebench.runs import ImportOptions, import_runs, verdict_source

    benchmark, data = rows_of(benchmark, data)
    chosen = get_benchmark(benchmark)
    alone = chosen.own_rows and not chosen.declaration()
    source, rows = verdict_source(file, columns or {}, labels or {}, id_column, with_data=data is not None)
    wanted = tuple(subsets)
    dataset = None if data is None and alone else load_dataset(chosen, data, Selection(wanted, rows=rows))
    read_by = None if template is None else load_template(template)
    if dataset is not None and read_by is not None:
        dataset = dataset.held_against(read_by.mode, read_by.rule.classes, read_by.name)
    options = ImportOptions(judge, read_by, labels or {}, wanted)
    return [Run.load(path) for path in import_runs(source, chosen, dataset, out=Path(out), options=options)]


aimport_verdicts = threaded(import_verdicts, "aimport_verdicts")


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
    reading: RowOptions | None = None,
) -> Rendered:
    """The exact messages of a run's first call about one item.

    Args:
        template: A name or file.
        benchmark: Whose item; None for `custom` where there is data, else for the first benchmark with a bundled sample
            that the template fits.
        data: Where the items come from; None for the bundled sample, or for a made-up item where no sample has one of
            the template's kind.
        item: The item's id; None for the first one that is worded with this template.
        seed: Of the order.
        structured: As for a judge that takes a JSON schema for its reply.
        pairs: As for a run that finds the best of more than two completions from pairs: `all`, or `knockout`.
        reading: The columns and labels of the data by name.

    Raises:
        ConfigError: The template does not fit, there is no such item, or the template asks for no structured output.
    """
    loaded = load_template(template)
    if structured and not loaded.structured:
        raise ConfigError(f"template '{loaded.name}' has no structured output; add verdict.json to its front matter")
    own = "custom" if data is not None and data != SAMPLE else None
    example = EXAMPLES.get(loaded.mode) if benchmark is None and own is None and pairs is None else None
    given: Data | None = data if example is None else [example]
    own = own if example is None else "custom"
    name, rows = rows_of(benchmark or own or _shown_with(loaded, pairs), given)
    chosen = get_benchmark(name)
    fitting_templates(chosen, [loaded], pairs)
    dataset = load_dataset(chosen, rows or SAMPLE, Selection(rows=(reading or RowOptions()).rows))
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
        schema=structured_schema(wording.rule_for(shown, order), LABELS[: len(order)]) if structured else None,
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
