"""Judges rows chunk by chunk, each an ordinary run, and writes them back with the judge's columns beside them."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from judgebench._util.steps import counted, step
from judgebench.client import Budget
from judgebench.engine.filtered import Distribution, Filtered, SubsetCount, ValueCount
from judgebench.engine.filteroutput import rows_out
from judgebench.engine.filterparts import JudgedRows, Parts, judged_rows
from judgebench.engine.filterplan import CONFIDENCE
from judgebench.engine.filterpreferences import preferences_out
from judgebench.engine.filtersample import shown_rows
from judgebench.engine.filtertally import Decider, Reservoir, Tally
from judgebench.engine.forecast import Forecast, forecast
from judgebench.engine.grid import pipeline_for, run_cells
from judgebench.engine.progress import Stop
from judgebench.errors import BudgetReached, ConfigError, FatalProviderError
from judgebench.metrics.selection_guarantee import select
from judgebench.runs import read_judgements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.client import ReplyCache
    from judgebench.engine.cluster.pipeline import Pipeline
    from judgebench.engine.filtered import ShownRow, State
    from judgebench.engine.filterplan import FilterPlan
    from judgebench.engine.filterrows import RowChunk, SurveyedChunk
    from judgebench.engine.options import RunOptions
    from judgebench.engine.progress import Progress, Throttle
    from judgebench.engine.spec import RunSpec
    from judgebench.errors import JudgebenchError
    from judgebench.metrics.selection_guarantee import SelectiveTest
    from judgebench.runs import Judgement

_MOST_LABELLED = 100_000
"""A threshold is fitted on so many labelled rows at most, drawn from all."""

_MOST_BAD = 1_000

_BATCHED = 8
"""So many chunks are with a provider's batch interface at once, since each may take hours."""


async def run_filter(
    plan: FilterPlan,
    cache: ReplyCache,
    options: RunOptions,
    *,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Filtered:
    """Judges what is not judged yet, and writes the output.

    Args:
        plan: See `judgebench.engine.filterplan.plan_filter`.
        cache: Where replies are kept.
        options: How calls are made; `out` is not looked at.
        progress: Watches, as if all chunks were one run.
        stop: Lets the caller end it early.

    Raises:
        ConfigError: A mistake was found before anything was sent, or a file cannot be written.
        FatalProviderError: A provider refused the first call, and nothing was gained.
        BudgetReached: The budget does not suffice for any call.
    """
    parts = Parts(plan.folder, plan.spec)
    budget, stop = Budget(options.budget), stop or Stop()
    pipeline = pipeline_for(options, cache, stop)
    try:
        state, error = await _judge(plan, parts, cache, options, (budget, progress, stop, pipeline))
    finally:
        if pipeline is not None:
            await pipeline.aclose()
    if state == "done":
        found = await write_filtered(plan, parts, cache)
    else:
        done = [chunk for chunk in plan.found.chunks if parts.path(chunk).exists()]
        found = replace(_bare(plan, state), judged=sum(chunk.rows for chunk in done), error=error)
    return replace(found, spent_usd=budget.spent)


async def _judge(
    plan: FilterPlan,
    parts: Parts,
    cache: ReplyCache,
    options: RunOptions,
    watched: tuple[Budget, Progress | None, Stop, Pipeline | None],
) -> tuple[State, JudgebenchError | None]:
    """Judges the chunks that are not judged yet, one after another."""
    budget, progress, stop, pipeline = watched
    todo = {chunk.number: chunk for chunk in plan.found.chunks if not parts.done(chunk)}
    begun = len(todo) < len(plan.found.chunks)
    watcher = None if progress is None or not todo else _AsOne(plan, progress, [*todo.values()])
    at_once = _BATCHED if options.batch else 1
    group: list[RowChunk] = []
    for chunk in plan.rows.chunks(plan.wanted) if todo else ():
        group += [chunk] if chunk.number in todo else []
        if len(group) < at_once and chunk.number < max(todo):
            continue
        judged = (
            _judge_chunk(plan, parts, cache, options, each, (todo[each.number], budget, watcher, stop, pipeline))
            for each in group
        )
        ended = await asyncio.gather(*judged, return_exceptions=True)
        begun = begun or any(not isinstance(each, BaseException) for each in ended)
        for found in ended:
            if isinstance(found, BudgetReached | FatalProviderError) and begun:
                return "stopped", found
            if isinstance(found, BaseException):
                raise found
            if found[0] != "done":
                return found
        begun, group = True, []
        if stop.asked and chunk.number < max(todo):
            return "interrupted", None
        if chunk.number == max(todo):
            break
        del chunk  # else it is held while the next is read
    if watcher is not None:
        watcher.end()
    return "done", None


async def _judge_chunk(
    plan: FilterPlan,
    parts: Parts,
    cache: ReplyCache,
    options: RunOptions,
    chunk: RowChunk,
    about: tuple[SurveyedChunk, Budget, Progress | None, Stop, Pipeline | None],
) -> tuple[State, JudgebenchError | None]:
    """Judges one chunk, an ordinary run, and writes its part."""
    surveyed, budget, watcher, stop, pipeline = about
    made = plan.rows.items(chunk.rows, plan.asked.seed)
    if (made.dataset.hash if made.dataset else "") != surveyed.hash:
        raise ConfigError(f"{plan.rows.name} changed while it was read: rerun the command")
    if made.dataset is None:
        parts.write(surveyed, plan.reader.verdicts(None, made, ())[0], settled=True)
        return "done", None
    spec = plan.run_over(made.dataset)
    running = replace(options, out=parts.runs(surveyed))
    (result,) = await run_cells([spec], cache, running, progress=watcher, stop=stop, budget=budget, pipeline=pipeline)
    if result.state in {"interrupted", "stopped"}:
        return ("stopped" if result.state == "stopped" else "interrupted"), result.error
    with step("reading verdicts"):
        verdicts, settled = plan.reader.verdicts(spec, made, read_judgements(result.folder))
        parts.write(surveyed, verdicts, settled=settled)
    return "done", None


class _AsOne:
    """Shows the runs of all chunks as one."""

    def __init__(self, plan: FilterPlan, progress: Progress, todo: Sequence[SurveyedChunk]) -> None:
        self._progress, self._spec = progress, plan.spec
        total = plan.calls
        left = sum(chunk.items for chunk in todo)
        self._total, self._done = total, round(total * (1 - left / max(1, plan.found.items)))
        self._begun = False

    def paced(self, judge: str, pace: Throttle) -> None:
        """See `Progress`."""
        self._progress.paced(judge, pace)

    def planned(self, cell: RunSpec, total: int, done: int) -> None:  # noqa: ARG002
        """See `Progress`."""
        if not self._begun:
            self._begun = True
            self._progress.planned(self._spec, self._total, self._done + done)
            self._progress.started(self._spec, self._total, self._done + done)

    def started(self, cell: RunSpec, total: int, done: int) -> None:
        """See `Progress`."""

    def judged(self, cell: RunSpec, judgement: Judgement) -> None:  # noqa: ARG002
        """See `Progress`."""
        self._progress.judged(self._spec, judgement)

    def ended(self, cell: RunSpec) -> None:
        """See `Progress`."""

    def end(self) -> None:
        """All chunks are through."""
        if self._begun:
            self._progress.ended(self._spec)


def _bare(plan: FilterPlan, state: State) -> Filtered:
    """What is known before the output is written."""
    understood = plan.found.understood
    return Filtered(
        state=state,
        out=plan.out,
        parts=plan.folder,
        judge=plan.judge.name,
        template=plan.template.title,
        protocol=plan.protocol,
        rows=plan.found.rows,
        judged=plan.found.rows,
        keep=plan.options.keep,
        agreement=plan.options.agreement,
        sign=plan.reader.sign,
        bad=tuple((row.where, row.what) for row in understood.bad[:_MOST_BAD]),
        notes=plan.notes,
    )


async def write_filtered(plan: FilterPlan, parts: Parts, cache: ReplyCache) -> Filtered:
    """Writes the output of rows that are all judged.

    Args:
        plan: What is kept, and where it is written.
        parts: What was judged.
        cache: Where the replies of the rows to look at are.
    """
    bare = _bare(plan, "done")
    test = None if plan.options.agreement is None else _threshold(plan, parts)
    if test is not None and not test.shown:
        return replace(bare, state="cannot_say", test=test)
    decider = Decider(plan.keep, test, plan.names)
    tally = Tally(_bounds(plan))
    dropped, kept = Reservoir(plan.asked.seed), Reservoir(plan.asked.seed)
    files = plan.options.preferences
    with (
        rows_out(plan.out, plan.schema, plan.names) as out,
        preferences_out(plan.rows, files) as preferences,
    ):
        found = judged_rows(plan.rows, parts.tables(plan.found.chunks))
        total = plan.rows.raw.total()
        for rows in _by_rows(found, f"writing {plan.out}", total):
            reasons = decider.reasons(rows)
            tally.add(rows, reasons, plan.subset)
            for at, reason in enumerate(reasons):
                (kept if reason is None else dropped).add(rows, at, reason or "", plan.names)
            taken = rows.take([at for at, reason in enumerate(reasons) if reason is None])
            if len(taken):
                out.write(taken)
                preferences.write(taken)
    sample: Sequence[ShownRow] = await shown_rows(plan, (dropped if dropped.drawn else kept).drawn, cache)
    return replace(
        bare,
        kept=tally.kept,
        dropped=dict(tally.dropped.most_common()),
        values=tuple(_values(plan, tally)),
        subsets=tuple(SubsetCount(name, *counts) for name, counts in sorted(tally.subsets.items())),
        distributions=tuple(
            Distribution(plan.names[name], *tally.bounds[name], tuple(bins[0]), tuple(bins[1]))
            for name, bins in tally.numbers.items()
            if any(bins[0]) or any(bins[1])
        ),
        preferences=preferences.path,
        pairs=preferences.count,
        cost_usd=tally.cost_usd,
        test=test,
        sample=tuple(sample),
    )


def _by_rows(found: Iterator[JudgedRows], what: str, total: int | None) -> Iterator[JudgedRows]:
    """The rows, as a step that counts them."""
    with step(what, unit="rows", total=total) as mine:
        for rows in found:
            yield rows
            mine.done += len(rows)


def _bounds(plan: FilterPlan) -> dict[str, tuple[float, float]]:
    """The columns of numbers whose distribution is shown, and from where to where it reaches."""
    columns = plan.reader.columns
    found = {"probability": (0.0, 1.0)} if "probability" in columns else {}
    scale = (0.0, 1.0) if plan.reader.asked == "criteria" else plan.reader.scale
    return {**found, **({"rating": scale} if "rating" in columns and scale is not None else {})}


def _values(plan: FilterPlan, tally: Tally) -> Iterator[ValueCount]:
    columns = plan.reader.columns - (set() if plan.found.labelled else {"agrees"})
    order = list(plan.names)
    known = sorted(tally.said.items(), key=lambda each: (order.index(each[0][0]), -each[1][0]))
    for (name, value), (rows, kept) in known:
        if name in columns and not (name == "failure" and value == "null"):
            yield ValueCount(plan.names[name], value, rows, kept)


def _threshold(plan: FilterPlan, parts: Parts) -> SelectiveTest:
    """The threshold of uncertainty that the labelled rows show, of those that the condition keeps."""
    drawn = random.Random(plan.asked.seed)
    seen = 0
    labelled: list[tuple[float, bool, str]] = []
    tables = parts.tables(plan.found.chunks)
    found = (JudgedRows(table) for table in tables) if plan.keep is None else judged_rows(plan.rows, tables)
    decider = Decider(plan.keep, None, plan.names)
    for rows in counted(found, "fitting the threshold", unit="batches"):
        unmet = decider.unmet(rows)
        for at, each in enumerate(_labelled(plan, rows)):
            if each is None or unmet[at] is not None:
                continue
            seen += 1
            place = len(labelled) if len(labelled) < _MOST_LABELLED else drawn.randrange(seen)
            if place < _MOST_LABELLED:
                labelled[place : place + 1] = [each]
    if not labelled:
        raise ConfigError("--agreement: --keep leaves no labelled row to fit the threshold on; leave one out")
    units = [unit for _, _, unit in labelled]
    return select(
        np.array([unsure for unsure, _, _ in labelled]),
        np.array([right for _, right, _ in labelled], dtype=np.float64),
        agreement=plan.options.agreement or 0.0,
        confidence=CONFIDENCE,
        units=units if len({*units}) < len(units) else None,
    )


def _labelled(plan: FilterPlan, rows: JudgedRows) -> Iterator[tuple[float, bool, str] | None]:
    """Of each row with a label how unsure the judge is, whether it agrees with people, and what the row belongs to."""
    names = ("row", "uncertainty", "choice", "label", "agrees", "labelled", "unit")
    for number, unsure, choice, label, agrees, known, unit in zip(
        *(rows.verdicts[name].to_pylist() for name in names), strict=True
    ):
        if plan.people:
            said = plan.people.get(number)
            right = None if said is None else said == (label if choice is None else choice)
        else:
            right = agrees is True if known else None
        yield (
            None
            if right is None
            else ((np.inf if unsure is None else unsure), right and unsure is not None, unit or f"row {number}")
        )


def forecast_filter(plan: FilterPlan, cache: ReplyCache, options: RunOptions) -> Forecast:
    """What the filter would send and cost: no call is made, nothing is written.

    Args:
        plan: What is to be done.
        cache: Where replies are kept; only read.
        options: How calls are made.
    """
    parts = Parts(plan.folder, plan.spec)
    todo = {chunk.number: chunk for chunk in plan.found.chunks if not parts.done(chunk)}
    whole: Forecast | None = None
    for chunk in plan.rows.chunks(plan.wanted) if todo else ():
        dataset = plan.rows.items(chunk.rows, plan.asked.seed).dataset if chunk.number in todo else None
        if dataset is not None:
            place = parts.runs(todo[chunk.number])
            (found,) = forecast(
                [plan.run_over(dataset)], cache, place, concurrency=options.concurrency, batch=options.batch
            )
            whole = found if whole is None else _sum(whole, found)
        del chunk, dataset
    total = plan.calls
    if whole is None:
        (empty,) = forecast([plan.spec], cache, plan.folder, concurrency=options.concurrency)
        whole = replace(
            empty, calls=0, cached=0, prompt_tokens=0, completion_tokens=0, cost_usd=0.0, highest_usd=0.0, seconds=0.0
        )
    return replace(
        whole,
        benchmark=plan.rows.name,
        judgements=total,
        done=total - whole.calls - whole.cached,
        labelled=0,
        detectable_difference=None,
        detectable_if_grouped=None,
    )


def _sum(one: Forecast, other: Forecast) -> Forecast:
    """Two chunks' forecasts in one."""
    return replace(
        one,
        cached=one.cached + other.cached,
        calls=one.calls + other.calls,
        prompt_tokens=one.prompt_tokens + other.prompt_tokens,
        completion_tokens=one.completion_tokens + other.completion_tokens,
        seconds=one.seconds + other.seconds,
        cost_usd=_both(one.cost_usd, other.cost_usd),
        highest_usd=_both(one.highest_usd, other.highest_usd),
    )


def _both(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
