"""Work carried by this process: what the cache has is told, the rest is asked through the judges' clients."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from judgebench.client import eased
from judgebench.engine.cached import BREATHE_EVERY, cached_by, looked_up, tell_cached
from judgebench.engine.progress import Stop
from judgebench.errors import BudgetReached, ConfigError, FatalProviderError, JudgebenchError, VerdictFailure
from judgebench.items import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgebench.client import JudgeClient
    from judgebench.engine.base import Plan, Work

_SENT_TOGETHER = 8


class LocalEngine:
    """Carries work through the judges' clients, as many calls of each at a time as its pace allows.

    Args:
        clients: Those of the plan's judges, by the judges' names.
        stop: Ends it early.
    """

    def __init__(self, clients: Mapping[str, JudgeClient], stop: Stop | None = None) -> None:
        self._clients = clients
        self._cache = next(iter(clients.values()))
        self._stop = stop or Stop()
        self._broken: BaseException | None = None
        self._slots = {name: asyncio.Semaphore(client.pace.most) for name, client in clients.items()}
        self._begun = dict.fromkeys(clients, 0)

    async def run(self, plan: Plan) -> None:
        """See `Engine`."""
        while await self._pass(plan) and not self._stop.asked:
            pass

    async def _pass(self, plan: Plan) -> bool:
        """Carries what is open, and whether there was any; what is in flight comes in, whatever stops it."""
        tasks: set[asyncio.Task[None]] = set()
        given = False
        try:
            try:
                given = await self._begin_calls(plan, tasks)
            except JudgebenchError as error:
                plan.end(error)
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
        return given

    async def _begin_calls(self, plan: Plan, tasks: set[asyncio.Task[None]]) -> bool:
        """Begins the calls that are open, as many of each judge at a time as its pace allows at most.

        Args:
            plan: What opens them.
            tasks: The calls that are begun and have not ended.

        Returns:
            Whether any was open.
        """
        number = 0
        cached = {name: cached_by(client) for name, client in self._clients.items()}
        for number, (work, known) in enumerate(looked_up(plan.open(), self._cache.cached_many), 1):
            if number % BREATHE_EVERY == 0:
                await asyncio.sleep(0)
            if self._halted(plan):
                break
            client = self._clients[work.judge]
            calling = client.budget.reached is None
            # Before a call the client looks into the cache itself: once for each is enough.
            asked = work if calling and known is None else tell_cached(plan, work, known, cached[work.judge])
            if asked is None:
                continue
            if client.budget.reached is not None:
                plan.end(client.budget.reached, asked)
            else:
                await self._begin_call(plan, asked, tasks)
        return number > 0

    def _halted(self, plan: Plan) -> bool:
        """Whether nothing more is to be taken up; with the budget reached, what the cache has still is."""
        return self._stop.asked or plan.ended or self._broken is not None

    async def _begin_call(self, plan: Plan, work: Work, tasks: set[asyncio.Task[None]]) -> None:
        """Begins a call as soon as one of its judge's slots is free."""
        client, slots = self._clients[work.judge], self._slots[work.judge]
        await slots.acquire()
        if self._halted(plan):
            slots.release()
            return
        task = asyncio.create_task(self._call(plan, work, client))
        tasks.add(task)
        self._stop.calls[task] = client.on_the_wire

        def done(task: asyncio.Task[None]) -> None:
            slots.release()
            tasks.discard(task)
            self._stop.calls.pop(task, None)
            if not task.cancelled():
                self._broken = self._broken or task.exception()

        task.add_done_callback(done)
        self._begun[work.judge] += 1
        begun = self._begun[work.judge]
        if begun % _SENT_TOGETHER == 0 and begun <= client.pace.most and not client.pace.answered:
            await eased()

    async def _call(self, plan: Plan, work: Work, client: JudgeClient) -> None:
        """Makes a call, and the follow-up turns that its replies open."""
        turn: Work | None = work
        try:
            while turn is not None and not self._stop.asked:
                work = turn
                answer = await client.ask(work.request)
                plan.tell(work, answer.reply, cached=answer.shared, sent_as=client.sent_as)
                turn = tell_cached(plan, plan.following(work), None, cached_by(client))
        except VerdictFailure as failure:
            spent = client.wasted.pop(work.request.key, None)
            plan.tell(work, Failure(failure.kind, failure.detail), spent=spent)  # type: ignore[arg-type]
        except (FatalProviderError, BudgetReached, ConfigError) as error:
            plan.end(error, work)
            _tell_broken_off(plan, work, client, str(error))
        except asyncio.CancelledError:
            _tell_broken_off(plan, work, client, "the run was interrupted")
            raise


def _tell_broken_off(plan: Plan, work: Work, client: JudgeClient, why: str) -> None:
    """Tells of a call whose failure ended all, or that was stopped between its tries, where some were paid for."""
    spent = client.wasted.pop(work.request.key, None)
    if (ended := client.failed.pop(work.request.key, None)) is not None:
        plan.tell(work, Failure("provider", ended.detail), spent=spent)
    elif spent is not None:
        failure = Failure("provider", f"no usable reply, and the call was not retried: {why}")
        plan.tell(work, failure, spent=spent)
