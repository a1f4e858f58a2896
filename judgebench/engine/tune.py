"""A better wording for one's own labelled items: a race on the train items, and one look at the held-out ones."""

from __future__ import annotations

import asyncio
import math
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench._util.files import write_texts
from judgebench._util.text import usd
from judgebench.client import Budget, CallsInFlight, JudgeClient, make_room
from judgebench.engine.cached import CachedEngine
from judgebench.engine.candidates import Wording, asked_already, written_candidate
from judgebench.engine.failures import train_failures
from judgebench.engine.grid import run_plan, watched
from judgebench.engine.local import LocalEngine
from judgebench.engine.progress import Stop
from judgebench.engine.racing import RacePlan, race_order
from judgebench.engine.runplan import RunPlan, as_one_refresh, check_apart
from judgebench.engine.tuneresult import compared, found_files, raced, spent_on
from judgebench.engine.writing import writing_request, written_by_model
from judgebench.errors import BudgetReached, ConfigError, FatalProviderError
from judgebench.judges import Judge
from judgebench.protocols import blocks
from judgebench.runs import (
    TUNED,
    TUNED_RECORD,
    HeldOutLook,
    PastLook,
    Tuned,
    TunedCandidate,
    check_writable,
    folder_name,
    keep_look,
    now,
    short_hash,
    write_tuned,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from judgebench.client import ReplyCache
    from judgebench.engine.base import Engine
    from judgebench.engine.options import RunOptions
    from judgebench.engine.progress import Progress
    from judgebench.engine.spec import RunSpec
    from judgebench.engine.tuneplan import TunePlan
    from judgebench.engine.writing import TemplateEdit, TrainFailure, Writer
    from judgebench.items import Measure
    from judgebench.runs import State

_FIRST_BLOCKS = 2
"""The failures that writers see are among the items of so many blocks."""


def tuned_folder(spec: RunSpec, out: str | Path) -> Path:
    """Where what `tune` finds is kept: beside the folders of the judge's templates."""
    judge = Path(out) / folder_name(spec.benchmark.name) / folder_name(spec.judge.name)
    return judge / TUNED / folder_name(spec.template.name)


async def run_tune(
    plan: TunePlan,
    cache: ReplyCache,
    options: RunOptions,
    *,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Tuned:
    """Races the wordings on the train items, looks once at the held-out ones, and writes what was found.

    Args:
        plan: What is to be done.
        cache: Where replies are kept.
        options: How the calls are made. The budget is that of all of it, replies from the cache at their price.
        progress: Watches.
        stop: Lets the caller end it early.

    Raises:
        ConfigError: A mistake was found before anything was sent.
        FatalProviderError: The provider refuses, and nothing was gained.
        BudgetReached: The budget does not suffice for any call.
    """
    tuning = _Tuning(plan, cache, options, progress, stop or Stop())
    async with AsyncExitStack() as held:
        for client in tuning.clients:
            held.push_async_callback(client.aclose)
        tuning.check()
        return await tuning.run(held.enter_context(ExitStack()))


@dataclass
class _Tuning:
    """One command's work.

    Attributes:
        spent: What writers cost, in USD, replies from the cache at their price.
        left_out: Written candidates that did not race.
    """

    plan: TunePlan
    cache: ReplyCache
    options: RunOptions
    progress: Progress | None
    stop: Stop
    spent: float = 0.0
    left_out: list[TunedCandidate] = field(default_factory=list)

    def __post_init__(self) -> None:
        options, writer = self.options, self.plan.writer
        shared: dict[str, Any] = {
            "refresh": options.refresh,
            "concurrency": options.concurrency,
            "budget": Budget(options.budget),
            "flights": CallsInFlight(remember=options.refresh),
        }
        self.client = JudgeClient(self.plan.baseline.judge, self.cache, **shared)
        self.writing = JudgeClient(writer, self.cache, **shared) if isinstance(writer, Judge) else None
        self.clients = [self.client, *([] if self.writing is None else [self.writing])]
        self.engine: Engine = LocalEngine({self.client.judge.name: self.client}, self.stop)
        if options.offline:
            self.engine = CachedEngine(self.cache, self.stop, {self.client.judge.name: self.client})
        self.folder = tuned_folder(self.plan.baseline, options.out)
        self.notes = list(self.plan.notes)
        if self.plan.unlabelled:
            self.notes.append(f"{self.plan.unlabelled:,} items have no label and no part in this")

    def check(self) -> None:
        """Finds what stands in the way of calls; where all was done before, no key is needed.

        Raises:
            ConfigError: Something does.
        """
        for client in self.clients:
            client.budget.check(client.judge)
        if self.options.offline:
            return
        in_flight = sum(client.pace.most for client in self.clients if not client.judge.offline)
        self.cache.reserve.calls = in_flight
        make_room(in_flight)
        check_writable(self.cache.folder, "--cache-dir")
        if not self.folder.exists():
            for client in self.clients:
                client.check()

    async def run(self, held: ExitStack) -> Tuned:
        first = self._begin(self.plan.baseline, held)
        self._announce([first])
        keep_look(self.folder.parent, self._past_race())
        written: list[Wording] = []
        if self.plan.edits:
            written, early = await self._written(first)
            if early is not None:
                return early
        every = [*self.plan.candidates, *written]
        plans = [first, *(self._begin(each.spec, held) for each in every[1:])]
        check_apart(plans)
        if self.options.refresh:
            as_one_refresh(plans)
        self._announce(plans[1:])
        if len(plans) == 1:
            _finish_alone(first)
            return self._kept(self._found(every, None, "done", "no candidate is left to race"))
        race = RacePlan(plans, budget=self.options.budget, spent=self.spent, held_out=len(self.plan.held.keys))
        with self._watched(plans):
            await self.engine.run(race)
        results, errors = race.finish()
        if errors and not results:
            raise errors[0]
        if race.ending is None:
            return self._kept(self._early(every, race, [*errors, *(each.error for each in results)]))
        if lacking := race.uncached:
            return self._kept(self._found(every, race, "stopped", _uncached(lacking)))
        if not race.winner:
            reason = f"no candidate scores above {every[0].template.name} on the train items; held-out items unseen"
            return self._kept(self._found(every, race, "done", reason))
        if self.options.budget is not None and race.spent + race.look_cost > self.options.budget:
            reason = (
                f"the race took ${race.spent:.4f}, and the look at the held-out items takes about "
                f"${race.look_cost:.4f}: raise --budget {usd(self.options.budget)} to "
                f"{usd(math.ceil(1e4 * (race.spent + race.look_cost)) / 1e4)}"
            )
            return self._kept(self._found(every, race, "stopped", reason))
        return self._kept(await self._look(every, race, held))

    def _begin(self, spec: RunSpec, held: ExitStack) -> RunPlan:
        plan = RunPlan(spec, Path(self.options.out), refresh=self.options.refresh, progress=self.progress)
        plan.recorder.costs = {}
        if self.options.offline:
            plan.recorder.bundles = self.cache.folder
        return held.enter_context(plan)

    def _announce(self, plans: Iterable[RunPlan]) -> None:
        for plan in plans:
            plan.announce()
        if self.progress is not None:
            self.progress.paced(self.client.judge.name, self.client.pace)

    def _watched(self, plans: Sequence[RunPlan]) -> ExitStack:
        """All runs are watched; retries are counted once, with the first."""
        stack = ExitStack()
        for at, plan in enumerate(plans):
            stack.enter_context(watched(plan, None if at else self.client))
        return stack

    async def _written(self, first: RunPlan) -> tuple[list[Wording], Tuned | None]:
        """Candidates written by what the wording in use gets wrong; or what is to be said where that ended early."""
        order = race_order(self.plan.baseline)
        items = [*chain.from_iterable(islice(blocks(order.tested or order.rest), _FIRST_BLOCKS))]
        first.limit_to(items)
        with self._watched([first]):
            await self.engine.run(first)
        if first.error is not None or self.stop.asked:
            if first.recorder.folder.begun:
                first.finish()
            if first.error is not None and not isinstance(first.error, BudgetReached):
                raise first.error
            return [], self._kept(self._early([self.plan.candidates[0]], None, [first.error]))
        failures = train_failures(first, items)
        made: list[Wording] = []
        try:
            for edit, texts in await self._texts(failures):
                for number, text in enumerate(texts):
                    self._add(edit, text, number, made)
        except BudgetReached as error:
            _finish_alone(first)
            return [], self._kept(self._early([self.plan.candidates[0]], None, [error]))
        return made, None

    async def _texts(self, failures: Sequence[TrainFailure]) -> list[tuple[TemplateEdit, list[str]]]:
        """The texts that are written for each edit."""
        used, writer = self.plan.baseline.template, self.plan.writer
        if self.writing is None:
            assert callable(writer)
            return [(edit, await _called(writer, used.source, edit, failures)) for edit in self.plan.edits]
        client = self.writing
        requests = [writing_request(client, used, edit, failures) for edit in self.plan.edits]
        every = await asyncio.gather(
            *(written_by_model(client, request, offline=self.options.offline) for request in requests)
        )
        for edit, (_, cost, why) in zip(self.plan.edits, every, strict=True):
            self.spent += cost
            if why:
                self._leave_out(f"{used.name}-{edit.name}", edit, why)
        return [(edit, texts) for edit, (texts, _, _) in zip(self.plan.edits, every, strict=True)]

    def _add(self, edit: TemplateEdit, text: str, number: int, made: list[Wording]) -> None:
        """Makes a candidate of a text; one that breaks the format, or asks what another asks, is left out and said."""
        name = f"{self.plan.baseline.template.name}-{edit.name}{f'-{number + 1}' if number else ''}"
        taken = [each.spec for each in (*self.plan.candidates, *made)]
        while any(spec.template.name == name for spec in taken):
            name += "-written"
        try:
            spec = written_candidate(
                text,
                self.plan.baseline,
                name,
                self.folder / "candidates",
                self.client.keys,
                own_head=self.writing is None,
            )
            same = asked_already(taken, spec)
        except ConfigError as error:
            self._leave_out(name, edit, error.what or str(error))
            return
        if same is not None:
            self._leave_out(name, edit, f"asks the same as {same.template.name}")
        else:
            made.append(Wording(spec, "written", edit.name))

    def _leave_out(self, name: str, edit: TemplateEdit, why: str) -> None:
        self.left_out.append(TunedCandidate(name, "written", edit.name, why=why))
        self.notes.append(f"candidate {name} left out: {why}")

    def _early(self, every: Sequence[Wording], race: RacePlan | None, errors: Sequence[Exception | None]) -> Tuned:
        """What is to be said where it ended before the look."""
        error = next(
            (each for each in errors if isinstance(each, BudgetReached | FatalProviderError | ConfigError)), None
        )
        if error is None:
            return self._found(every, race, "interrupted", "rerun the same command to resume")
        return self._found(every, race, "stopped", f"{error}; rerun the same command to resume")

    async def _look(self, every: Sequence[Wording], race: RacePlan, held: ExitStack) -> Tuned:
        """The one comparison on the held-out items."""
        best, used = every[race.winner], every[0]
        specs = [self.plan.on_held_out(each.spec) for each in (best, used)]
        before = keep_look(self.folder.parent, self._past_look(specs))
        plans = [self._begin(spec, held) for spec in specs]
        check_apart(plans)
        if self.options.refresh:
            as_one_refresh(plans)
        self._announce(plans)
        for plan in plans:
            try:
                result = await run_plan(plan, self.engine, self.client)
            except (BudgetReached, FatalProviderError, ConfigError) as error:
                return self._early(every, race, [error])
            if result.error is not None or result.state in {"stopped", "interrupted"}:
                return self._early(every, race, [result.error])
            if lacking := sum(failure.kind == "not_cached" for _, failure in result.unjudged):
                return self._found(every, race, "stopped", _uncached(lacking))
        look, measure = compared(plans, before)
        if before:
            times = "once" if before == 1 else f"{before} times"
            self.notes.append(
                f"held-out items were seen before ({times}): the interval no longer holds at 95%; confirm on new "
                "labelled items"
            )
        found = self._found(every, race, "done", "" if look.low > 0 else "which may be chance", look, measure)
        if look.low <= 0:
            return found
        texts = found_files(best.template, used.template)
        write_texts(self.folder, texts)
        changes = texts[f"{best.template.name}.diff"]
        template, diff = (str(self.folder / f"{best.template.name}.{suffix}") for suffix in ("jinja", "diff"))
        return replace(found, template=template, diff=diff, changes=changes)

    def _past_look(self, specs: Sequence[RunSpec]) -> PastLook:
        key = short_hash({"runs": [spec.identity() for spec in specs]})
        return PastLook(key, now(), specs[0].template.name, specs[1].template.name, self.plan.texts_of(self.plan.held))

    def _past_race(self) -> PastLook:
        """A race, after which its train items are no longer items that nothing has seen."""
        texts = self.plan.texts_of(self.plan.baseline.dataset)
        return PastLook(short_hash({"train": texts}), now(), "", self.plan.baseline.template.name, texts, part="train")

    def _found(
        self,
        every: Sequence[Wording],
        race: RacePlan | None,
        state: State,
        reason: str,
        look: HeldOutLook | None = None,
        measure: Measure = "share",
    ) -> Tuned:
        spec = self.plan.baseline
        budget = self.options.budget
        if race is not None and race.ending == "budget" and budget is not None and state == "done":
            self.notes.append(
                f"the race ended after {len(race.judged[race.race.leader]):,} train items, so that the budget of "
                f"{usd(budget)} reaches for the held-out items"
            )
        return Tuned(
            benchmark=spec.benchmark.name,
            judge=spec.judge.name,
            state=state,
            reason=reason,
            measure=measure,
            seed=spec.orders.seed,
            held_out=self.plan.held.selection.held_out or 0.0,
            train_items=len(spec.dataset.keys),
            held_out_items=len(self.plan.held.keys),
            unlabelled=self.plan.unlabelled,
            candidates=(*raced(every, race), *self.left_out),
            look=look,
            spent_usd=spent_on(race, look),
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def _kept(self, tuned: Tuned) -> Tuned:
        """Keeps what was found; one that ended early takes no other's place."""
        if tuned.state == "done" or not (self.folder / TUNED_RECORD).exists():
            write_tuned(self.folder, tuned)
        return tuned


def _finish_alone(plan: RunPlan) -> None:
    """Writes the run of the wording in use where nothing races: over the items that it judged."""
    judged = frozenset(item for item in plan.spec.dataset.keys if plan.recorder.readings.count(item))
    plan.recorder.asked = judged if len(judged) < len(plan.spec.dataset.keys) else None
    if plan.recorder.folder.begun or plan.as_before() is None:
        plan.finish()


def _uncached(lacking: int) -> str:
    replies = "1 reply is" if lacking == 1 else f"{lacking:,} replies are"
    return f"{replies} not cached, and --offline makes no calls: leave it out"


async def _called(writer: Writer, template: str, edit: TemplateEdit, failures: Sequence[TrainFailure]) -> list[str]:
    """What a function writes, in a thread of its own, so that calls in flight go on."""

    def texts() -> list[str]:
        found = writer(template, edit, failures)
        given = [found] if isinstance(found, str) else list(found)
        if strange := next((each for each in given if not isinstance(each, str)), None):
            raise ConfigError(
                f"the writer gave {type(strange).__name__} for '{edit.name}': expected texts of templates"
            )
        return given

    return await asyncio.to_thread(texts)
