"""One cell being run: items stream in, calls go out, judgements are kept as they arrive."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from judgebench._util.steps import step
from judgebench.client import eased, make_room
from judgebench.engine.progress import Silent, Stop
from judgebench.engine.questions import CachedCall, PendingCall, Questions, up_to
from judgebench.engine.recorder import Recorder
from judgebench.errors import BudgetReached, ConfigError, FatalProviderError, JudgebenchError, VerdictFailure
from judgebench.items import Failure, Reading, Verdict
from judgebench.runs import Manifest, check_writable, is_torn, read_manifest
from judgebench.verdicts import Reply, read

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from judgebench.client import JudgeClient, Request
    from judgebench.engine.progress import Progress
    from judgebench.engine.recorder import RunResult
    from judgebench.engine.spec import RunSpec

_BREATHE_EVERY = 64
_SENT_TOGETHER = 8
_LOOKED_UP_CALLS, _LOOKED_UP_CHARACTERS = 256, 2**20


def check_apart(runs: Sequence[LocalRun]) -> None:
    """Finds runs of one grid whose names make the same folder.

    Raises:
        ConfigError: There are two; run one after the other, the second finds the name taken and gets its hash.
    """
    first: dict[Path, LocalRun] = {}
    for run in runs:
        other = first.setdefault(run.gathered.folder.path, run)
        if other is not run:
            names = [f"'{each.cell.judge.name} · {each.cell.template.name}'" for each in (other, run)]
            raise ConfigError(
                f"{run.gathered.folder.path}: {names[0]} and {names[1]} both go there by their names; give each a "
                "command of its own, and the second run's folder is named by its hash"
            )


def as_one_refresh(runs: Sequence[LocalRun]) -> None:
    """Takes the refresh of several runs as one: one that was cut off goes on, and what it has done is done."""
    states = [run.refreshed() for run in runs]
    cut_off = next((which for which, ended in states if which is not None and not ended), None)
    this = cut_off or datetime.now(UTC).isoformat(timespec="microseconds")
    for run, (which, ended) in zip(runs, states, strict=True):
        run.refresh = not (ended and which == this)
        run.gathered.refresh = this


class LocalRun:
    """One cell being run.

    Attributes:
        gathered: What its folder and its replies have given so far.
    """

    def __init__(
        self,
        cell: RunSpec,
        client: JudgeClient,
        out: Path,
        *,
        offline: bool = False,
        refresh: bool = False,
        progress: Progress | None = None,
        stop: Stop | None = None,
    ) -> None:
        self.cell = cell
        self.client = client
        self.offline = offline
        self.refresh = refresh
        self.progress = progress or Silent()
        self.stop = stop or Stop()
        self.gathered = Recorder(cell, out)
        self._questions = Questions(cell, client.keys)
        self._made = 0
        self._asked_again: Counter[str] = Counter()
        self._error: JudgebenchError | None = None
        self._broken: BaseException | None = None

    def check(self, in_flight: int = 0) -> None:
        """Finds the user's mistakes before anything is written or sent, and takes the folder for this run.

        Args:
            in_flight: How many calls the whole grid may have in flight at once.

        Raises:
            ConfigError: One was found.
        """
        folder = self.gathered.folder
        check_writable(folder.path, "--out", self.gathered.texts)
        self._questions.check()
        folder.hold()
        self.gathered.resume(self._questions, refresh=self.refresh)
        if self.cell.until_shown is None:
            self.check_calls(in_flight)

    def check_calls(self, in_flight: int = 0) -> None:
        """Finds what stands in the way of calls, where any is needed.

        Args:
            in_flight: How many calls the whole grid may have in flight at once.

        Raises:
            ConfigError: Something does.
        """
        problem = None if self.offline else self._why_no_call(in_flight)
        if problem is not None and any(needed.reply is None for needed in self.needed()):
            raise problem

    def refreshed(self) -> tuple[str | None, bool]:
        """Which refresh the folder had last, if any, and whether it has ended."""
        path = self.gathered.folder.path
        manifest = (None if is_torn(path) else read_manifest(path)) or Manifest()
        return manifest.refresh, manifest.refreshed_from is None

    def look(self) -> None:
        """Finds mistakes in the questions, and what the folder has already; nothing is written, nothing is taken.

        Raises:
            ConfigError: One was found.
        """
        self._questions.check()
        self.gathered.resume(self._questions, refresh=self.refresh)

    def close(self) -> None:
        """Lets go of the folder."""
        self.gathered.folder.close()

    def needed(self, items: Collection[str] | None = None) -> Iterator[CachedCall]:
        """What the folder does not have, each with the reply that the cache has.

        Where that cannot be read and a follow-up turn is allowed, the follow-up turn stands in its place. Where votes
        stop early, these are the calls that are needed at most.

        Args:
            items: Only about these; None for all.
        """
        for first, known in self._rounds(items) if self.cell.orders.in_rounds else self._looked_up(items):
            answer = known or self._there(first.request)
            asked, reply = self._last_turn(first, answer)
            in_folder = self.gathered.waiting(first.request.key) is not None
            yield CachedCall(asked.request, reply, None if in_folder else answer)

    def _rounds(self, items: Collection[str] | None) -> Iterator[tuple[PendingCall, Reply | None]]:
        """What is to be asked where votes stop early: round by round as far as the cache has it, then all the rest."""
        for item in self.cell.dataset:
            if items is not None and item.id not in items:
                continue
            key = self.cell.dataset.keys[item.id]
            readings = dict(self.gathered.readings[item.id])
            while calls := list(self.cell.calls(key, readings)):
                firsts = [PendingCall(key, call, self._questions.request(item, call)) for call in calls]
                answers = [self._there(first.request) for first in firsts]
                turns = [self._last_turn(first, answer) for first, answer in zip(firsts, answers, strict=True)]
                if any(reply is None for _, reply in turns):
                    for call in self.cell.calls_open(key, readings):
                        yield PendingCall(key, call, self._questions.request(item, call)), None
                    break
                for asked, reply in turns:
                    assert reply is not None
                    result = read(reply, self.cell.template_for(key).rule, len(asked.call.order))
                    readings[asked.call] = Reading(asked.call.order, asked.call.sample, result)
                yield from zip(firsts, answers, strict=True)

    def _last_turn(self, asked: PendingCall, reply: Reply | None) -> tuple[PendingCall, Reply | None]:
        """The call or its last follow-up turn as far as the cache has them, and the reply that it has to that."""
        while reply is not None and (following := self._questions.next_turn(asked, reply)) is not None:
            asked, reply = following, self._there(following.request)
        return asked, reply

    def _there(self, request: Request) -> Reply | None:
        """The reply that is there already: in the folder, where its follow-up turn is missing, else in the cache."""
        return self.gathered.waiting(request.key) or self.client.cached(request.key)

    def _why_no_call(self, in_flight: int) -> ConfigError | None:
        """What stands in the way of any call; a run that needs none is none the worse for it."""
        try:
            self.client.check()
            check_writable(self.client.cache.folder, "--cache-dir")
            make_room(in_flight)
        except ConfigError as error:
            return error
        return None

    def announce(self) -> None:
        """Tells what watches how much there is to do, and what is there already."""
        self._tell(lambda: self.progress.planned(self.cell, self.total, self.gathered.readings.total))

    @cached_property
    def total(self) -> int:
        """How many judgements there are to be, at most."""
        return sum(self.cell.count(key) for key in self.cell.dataset.keys.values())

    async def run(self) -> RunResult:
        """Makes the calls that are needed and writes the folder.

        Raises:
            ConfigError, FatalProviderError, BudgetReached: Before anything was gained; nothing is written then.
        """
        with self.running() as total:
            if not self.refresh and (before := self.gathered.as_before(total)) is not None:
                return before
            await self.judge()
        return self.finish(total)

    @contextmanager
    def running(self) -> Iterator[int]:
        """Around all calls: tells what watches, and writes as much as there is of a run that is cancelled.

        Yields:
            How many calls the protocol asks for.
        """
        total = self.total
        self._tell(lambda: self.progress.started(self.cell, total, self.gathered.readings.total))
        try:
            yield total
        except asyncio.CancelledError:
            if self.gathered.folder.begun:
                self._finish(total)
            raise
        finally:
            self._tell(lambda: self.progress.ended(self.cell))

    def finish(self, total: int) -> RunResult:
        """Writes the folder.

        Args:
            total: How many calls the protocol asks for.

        Raises:
            ConfigError, FatalProviderError, BudgetReached: Before anything was gained; nothing is written then.
        """
        if self._error is not None and not self.gathered.folder.begun:
            raise self._error
        return self._finish(total)

    def _finish(self, total: int) -> RunResult:
        with step(f"scoring {self.cell.benchmark.name} · {self.cell.judge.name}"):
            return self.gathered.finish(total, self._error, self._made, self._asked_again)

    def _tell(self, say: Callable[[], None]) -> None:
        """Tells what watches; a terminal that has been closed is no reason to lose a reply."""
        try:
            say()
        except (OSError, ValueError):
            self.progress = Silent()

    async def judge(self, items: Collection[str] | None = None) -> None:
        """Makes the calls that are needed; where votes stop early, round by round until every question is settled.

        Args:
            items: Only about these; None for all.
        """
        there, before = -1, self.client.asked_again.copy()  # for other cells
        try:
            while not self.halted() and self._error is None and there < (now := self.gathered.readings.total):
                there = now
                await self._judge_round(items)
                if not self.cell.orders.in_rounds:
                    return
        finally:
            self._asked_again += self.client.asked_again - before

    async def _judge_round(self, items: Collection[str] | None) -> None:
        """Takes what the cache has, and calls for the rest; what is in flight comes in, whatever stops the round."""
        tasks: set[asyncio.Task[None]] = set()
        try:
            try:
                await self._begin_calls(tasks, items)
            except JudgebenchError as error:
                self._error = self._error or error
            except Exception as error:  # noqa: BLE001 - raised again below
                self._broken = self._broken or error
            while tasks:
                await asyncio.wait(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._broken is not None:
            raise self._broken

    async def _begin_calls(self, tasks: set[asyncio.Task[None]], items: Collection[str] | None) -> None:
        """Begins the calls that are needed, as many at a time as the judge's pace allows at most.

        Args:
            tasks: The calls that are begun and have not ended.
            items: Only about these; None for all.
        """
        slots = asyncio.Semaphore(self.client.pace.most)
        begun = 0

        def done(task: asyncio.Task[None]) -> None:
            slots.release()
            tasks.discard(task)
            self.stop.calls.pop(task, None)
            if not task.cancelled():
                self._broken = self._broken or task.exception()

        for number, (needed, known) in enumerate(self._looked_up(items), 1):
            if number % _BREATHE_EVERY == 0:
                await asyncio.sleep(0)
            if self.halted():
                return
            calling = not self.offline and self.client.budget.reached is None
            # Before a call the client looks into the cache itself: once for each is enough.
            asked = needed if calling and known is None else self._from_cache(needed, known)
            if asked is None:
                continue
            if self.offline:
                self._failed(asked, "not_cached", "not in the cache, and --offline makes no call")
            elif self.client.budget.reached is not None:
                self._error = self.client.budget.reached
            else:
                await slots.acquire()
                if self.halted():
                    return
                task = asyncio.create_task(self._call(asked))
                tasks.add(task)
                self.stop.calls[task] = self.client.on_the_wire
                task.add_done_callback(done)
                begun += 1
                if begun % _SENT_TOGETHER == 0 and begun <= self.client.pace.most and not self.client.pace.answered:
                    await eased()

    @property
    def error(self) -> JudgebenchError | None:
        """What stopped it, if anything."""
        return self._error

    def end(self, error: JudgebenchError) -> None:
        """Begins no further call; what is in flight comes in."""
        self._error = self._error or error

    def halted(self) -> bool:
        """Whether nothing more is to be taken up; with the budget reached, what the cache has still is."""
        stopped = self._error is not None and not isinstance(self._error, BudgetReached)
        return self.stop.asked or stopped or self._broken is not None

    def _needed(self, items: Collection[str] | None) -> Iterator[PendingCall]:
        """What is to be asked next; the items are read again only where something is."""
        cell, keys, readings = self.cell, self.cell.dataset.keys, self.gathered.readings
        open_ = {item for item in (keys if items is None else items) if readings.count(item) < cell.count(keys[item])}
        if not open_:
            return
        if cell.orders.in_rounds:
            open_ = {
                item for item in open_ if next(cell.calls(keys[item], self.gathered.readings[item]), None) is not None
            }
        for item in cell.dataset if open_ else ():
            if item.id in open_:
                key = keys[item.id]
                for call in list(cell.calls(key, self.gathered.readings[item.id])):
                    yield PendingCall(key, call, self._questions.request(item, call))

    def _looked_up(self, items: Collection[str] | None) -> Iterator[tuple[PendingCall, Reply | None]]:
        """What is to be asked, each with the reply that the cache is known to have; many are looked up at once."""
        needed = self._needed(items)
        while batch := list(up_to(needed, _LOOKED_UP_CALLS, _LOOKED_UP_CHARACTERS)):
            known = self.client.cached_many([asked.request.key for asked in batch])
            for asked in batch:
                key = asked.request.key
                yield asked, self.gathered.waiting(key) or known.get(key)

    def _from_cache(self, asked: PendingCall, known: Reply | None = None) -> PendingCall | None:
        """Takes what the cache has; what is still to be asked, if anything: the call, or its follow-up turn."""
        reply = known or self._there(asked.request)
        while reply is not None:
            following = self._judged(asked, reply, cached=True)
            if following is None:
                return None
            asked = following
            reply = self._there(asked.request)
        return asked

    async def _call(self, asked: PendingCall) -> None:
        try:
            following: PendingCall | None = asked
            while following is not None and not self.stop.asked:
                asked = following
                answer = await self.client.ask(asked.request)
                self._made += not answer.shared
                following = self._judged(asked, answer.reply, cached=answer.shared)
                following = following and self._from_cache(following)
        except VerdictFailure as failure:
            self._made += 1
            self._failed(asked, failure.kind, failure.detail)
        except (FatalProviderError, BudgetReached) as error:
            self._error = self._error or error
            self._broken_off(asked, str(error))
        except ConfigError as error:
            self._error = self._error or error
        except asyncio.CancelledError:
            self._broken_off(asked, "the run was interrupted")
            raise

    def _broken_off(self, asked: PendingCall, why: str) -> None:
        """Records a call that was stopped between its tries, where some of them were paid for."""
        if asked.request.key in self.client.wasted:
            self._made += 1
            self._failed(asked, "provider", f"the reply was empty, and no further try was made: {why}")

    def _judged(self, asked: PendingCall, reply: Reply, *, cached: bool) -> PendingCall | None:
        """Records what a reply says; the follow-up turn that it needs, if one is allowed and can help."""
        rule = self.cell.template_for(asked.item).rule
        self.gathered.left_out.update(reply.left_out)
        self.gathered.sent_as = self.client.sent_as or self.gathered.sent_as
        result = read(reply, rule, len(asked.call.order))
        following = self._questions.next_turn(asked, reply, result)
        self._record(asked, reply, result, cached=cached, last=following is None)
        return following

    def _failed(self, asked: PendingCall, kind: str, detail: str) -> None:
        reply = self.client.wasted.pop(asked.request.key, None) or Reply()
        self._record(asked, reply, Failure(kind, detail), cached=False)  # type: ignore[arg-type]

    def _record(
        self, asked: PendingCall, reply: Reply, result: Verdict | Failure, *, cached: bool, last: bool = True
    ) -> None:
        judgement = self.gathered.record(asked, reply, result, cached=cached, last=last)
        if last:
            self._tell(lambda: self.progress.judged(self.cell, judgement))
