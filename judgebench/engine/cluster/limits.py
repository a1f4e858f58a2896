"""The limits of a whole cluster in one place: workers lease calls from it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from judgebench.client import Bill, Budget, PerMinute
from judgebench.errors import BudgetReached

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.engine.cluster.bundles import Settings

MOST_IN_A_LEASE = 20
"""So many calls a worker asks for at a time: a lease for each would end at some 1,800 calls a second."""


class ClusterLimits:
    """Requests and tokens per minute and the budget, held over all workers; one actor has it.

    A lease is for calls that wait now: none is kept for later, so no worker has leave that another could use.

    Args:
        settings: Of the pipeline.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._workers: dict[str, int] = {}
        self._died = 0
        self._held: dict[str, list[float]] = {}
        self._budget = Budget(settings.budget)
        self._stopping, self._started = asyncio.Event(), asyncio.Event()
        self._per_minute = {
            (name, by_tokens): PerMinute(most)
            for name, asked in settings.judges.items()
            for by_tokens, most in ((False, asked.judge.limits.rpm), (True, asked.judge.limits.tpm))
            if most is not None
        }

    async def join(self, worker: str) -> tuple[Settings, int]:
        """What a worker has to know, and which of them it is; one that has died and is back keeps its place.

        What its calls held when it died counts as spent: nobody knows whether they were paid for.
        """
        self._died += worker in self._workers
        place = self._workers.setdefault(worker, len(self._workers) % self._settings.workers)
        for highest in self._held.pop(worker, []):
            self._budget.settle(Bill(highest))
        return self._settings, place

    async def lease(self, judge: str, amounts: Sequence[float], *, by_tokens: bool) -> int:
        """Waits until the first call may go out; how many of them may by then.

        Args:
            judge: Whose calls.
            amounts: Tokens of each call, or 1 for each.
            by_tokens: Whether its tokens per minute are meant, else its requests.
        """
        limit = self._per_minute[judge, by_tokens]
        await limit.wait(amounts[0])
        granted = 1
        for amount in amounts[1:]:
            if not limit.has_room(amount):
                break
            await limit.wait(amount)
            granted += 1
        return granted

    async def hold(self, worker: str, amounts: Sequence[float]) -> int | BudgetReached:
        """Sets the highest costs of calls aside, of the first at least; of how many, or that the budget is reached."""
        try:
            await self._budget.wait(amounts[0])
        except BudgetReached as reached:
            return reached
        granted = 1
        while granted < len(amounts) and self._budget.reached is None and self._budget.hold(amounts[granted]):
            granted += 1
        self._held.setdefault(worker, []).extend(amounts[:granted])
        return granted

    async def settle(self, worker: str, highest: float, cost: float | None) -> None:
        """What one of a worker's calls did cost, in USD; None where nobody knows."""
        held = self._held.get(worker, [])
        if highest in held:  # else it counts as spent already
            held.remove(highest)
            bill = Bill(highest)
            bill.cost = cost
            self._budget.settle(bill)

    async def died(self) -> int:
        """How often a worker died and came back."""
        return self._died

    async def start(self) -> None:
        """A worker's process is there."""
        self._started.set()

    async def started(self) -> None:
        """Returns when there is a worker."""
        await self._started.wait()

    async def stop(self) -> bool:
        """Lets all workers know that nothing more is to be begun; whether there is any."""
        self._stopping.set()
        return self._started.is_set()

    async def stopped(self) -> None:
        """Returns when nothing more is to be begun."""
        await self._stopping.wait()
