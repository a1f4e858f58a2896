"""A judge's client on the driver: the calls are made by the pipeline's workers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from judgebench.client import JudgeClient
from judgebench.engine.cluster.bundles import BUNDLES_AT_A_TIME, BUNDLES_QUEUED
from judgebench.errors import BudgetReached, VerdictFailure

if TYPE_CHECKING:
    from judgebench.client import ReplyCache, Request
    from judgebench.engine.cluster.pipeline import Pipeline
    from judgebench.judges import Judge
    from judgebench.verdicts import Reply

_IN_HAND = BUNDLES_AT_A_TIME + BUNDLES_QUEUED
"""So many calls are with the pipeline for each that may be in flight: on the way, in bundles that are not through."""


class ClusterClient(JudgeClient):
    """A `JudgeClient` for `LocalEngine`; what the cache lacks goes to the pipeline.

    Args:
        judge: Whose calls.
        cache: Where replies are kept.
        pipeline: Makes the calls.
        concurrency: Calls in flight at once over all workers; None for the judge's own limit.
        shared: What all clients of a command share, as `JudgeClient` takes it.
    """

    def __init__(
        self, judge: Judge, cache: ReplyCache, pipeline: Pipeline, *, concurrency: int | None, **shared: Any
    ) -> None:
        in_flight = concurrency or judge.limits.concurrency
        super().__init__(judge, cache, concurrency=_IN_HAND * in_flight, **shared)
        self.pace.answered = True  # no connection is opened here
        self._pipeline = pipeline
        self._sent_as: str | None = None
        pipeline.add(judge, in_flight)

    @property
    def connections(self) -> int:
        """None of this process's."""
        return 0

    @property
    def sent_as(self) -> str | None:
        """The model as it went out, where that is not as the judge names it."""
        return self._sent_as

    def check(self) -> None:
        """Raises ConfigError where a call needs a key, a price, or a Ray cluster, that is not there."""
        super().check()
        self._pipeline.check()

    async def _kept(self, request: Request, second: str) -> Reply:  # noqa: ARG002 - a worker keeps it
        task = asyncio.current_task()
        assert task is not None
        self.on_the_wire.add(task)  # the workers are told of a stop, and say what came of the call
        outcome, sent_as, asked_again = await self._pipeline.made(self.judge.name, request)
        self._sent_as = sent_as or self._sent_as
        self.asked_again += asked_again
        if outcome.spent is not None:
            self.wasted[request.key] = outcome.spent
        if outcome.ended is not None:
            self.failed[request.key] = VerdictFailure(*outcome.ended)
        for took in (outcome.reply, outcome.spent):
            self.budget.spent += (took and took.cost_usd) or 0.0
        if outcome.reply is not None:
            return outcome.reply
        if outcome.failure is not None:
            raise VerdictFailure(*outcome.failure)
        if isinstance(outcome.error, BudgetReached):
            self.budget.reached = self.budget.reached or outcome.error
        if outcome.error is not None:
            raise outcome.error
        raise asyncio.CancelledError
