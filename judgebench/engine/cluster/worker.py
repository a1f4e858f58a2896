"""A worker of the pipeline: takes bundles of calls and makes many at once."""

from __future__ import annotations

import asyncio
import os
import pickle
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from judgebench._util.raycluster import check_version, not_installed, said_by_ray
from judgebench.client import Bill, Budget, JudgeClient, PerMinute, make_room
from judgebench.engine.cluster.bundles import MOST_IN_A_BUNDLE, CallOutcome, GroupedWaits, Returned, unpacked
from judgebench.engine.cluster.desk import Kept
from judgebench.engine.cluster.limits import MOST_IN_A_LEASE
from judgebench.engine.progress import Stop
from judgebench.errors import BudgetReached, ConfigError, FatalProviderError, JudgebenchError, VerdictFailure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.client import ReplyCache, Request
    from judgebench.engine.cluster.bundles import AskedJudge, Settings
    from judgebench.verdicts import Reply

_LINGER_S = 0.02
"""So long a reply waits for others that go to the desk with it; its call is over, and keeps no other back."""


class Worker:
    """Makes calls for the driver; Ray Data gives each actor one, and several bundles at a time.

    Args:
        desk: The actor of the `Desk`.
        limits: That of the `ClusterLimits`.
        name: Its own; None for the actor's id, which it keeps when it is started again.
    """

    def __init__(self, desk: Any, limits: Any, name: str | None = None) -> None:
        if name is None:
            import ray

            name = str(ray.get_runtime_context().get_actor_id())
            limits.start.remote()
        self._name = name
        self._desk, self._limits = desk, limits
        self._joined: asyncio.Future[dict[str, WorkerClient]] | None = None
        self._stop = Stop()
        self._watch: asyncio.Task[None] | None = None
        self._lost: JudgebenchError | None = None

    async def __call__(self, batch: Any) -> Any:
        """A bundle's calls, made.

        Args:
            batch: An Arrow table of one row: `number` and `bundle`.

        Returns:
            One of one row: `number` and `returned`.
        """
        import pyarrow as pa

        number, bundle = batch["number"][0].as_py(), batch["bundle"][0].as_py()
        returned = await self.made(number, bundle) if bundle else None
        return pa.table({"number": [number], "returned": pa.array([pickle.dumps(returned)], pa.large_binary())})

    async def made(self, number: int, bundle: bytes) -> Returned:
        """What became of a bundle's calls."""
        calls = unpacked(bundle)
        try:
            clients = await self._clients()
            known: dict[str, Reply] = await self._desk.begin.remote(number)
        except Exception as error:  # noqa: BLE001 - the driver says what it was
            return Returned(self._name, [CallOutcome(error=self._given_up(error))] * len(calls), {}, {})
        outcomes = await asyncio.gather(*(self._call(clients[name], request, number, known) for name, request in calls))
        sent_as = {name: client.sent_as for name, client in clients.items() if client.sent_as is not None}
        asked_again = {name: client.asked_again for name, client in clients.items() if client.asked_again}
        for name in asked_again:
            clients[name].asked_again = Counter()
        return Returned(self._name, outcomes, sent_as, asked_again)

    def _given_up(self, error: Exception) -> JudgebenchError:
        """What the driver is told where no call can be made: the desk or the limits are gone, or the judge's code."""
        self._stop.ask()
        error = getattr(error, "cause", error)  # of an actor, in Ray's own exception
        if not isinstance(error, JudgebenchError):
            error = not_installed(error) or FatalProviderError(f"a Ray worker cannot go on: {said_by_ray(error)}")
        self._lost = self._lost or error
        return error

    def _not_made(self) -> CallOutcome:
        """That a call was not begun, or was given up, and why."""
        return CallOutcome(error=self._lost, stopped=self._lost is None)

    async def _clients(self) -> dict[str, WorkerClient]:
        """Those of all judges, once this worker has joined the others."""
        if self._joined is None:
            self._joined = asyncio.ensure_future(self._join())
        return await asyncio.shield(self._joined)

    async def _join(self) -> dict[str, WorkerClient]:
        settings, place = cast("tuple[Settings, int]", await self._limits.join.remote(self._name))
        check_version(settings.version)
        for asked in settings.judges.values():
            asked.check()
        os.environ.update(settings.variables)  # its machine may have an older key
        shares = {name: settings.share(name, place) for name in settings.judges}
        make_room(sum(shares.values()))
        self._watch = asyncio.create_task(self._until_stopped())
        shelf = Shelf(self._desk)
        budget = LeasedBudget(settings.budget, self._limits, self._name)
        return {
            name: WorkerClient(asked, shelf, shares[name], budget, self._limits)
            for name, asked in settings.judges.items()
        }

    async def _until_stopped(self) -> None:
        try:
            await self._limits.stopped.remote()
        except Exception as error:  # noqa: BLE001 - the limits are gone, or the command and all its actors
            self._given_up(error)
        self._stop.ask()

    async def _call(self, client: WorkerClient, request: Request, number: int, known: dict[str, Reply]) -> CallOutcome:
        if (reply := known.get(request.key)) is not None:
            return CallOutcome(reply)
        if self._stop.asked:
            return self._not_made()
        task = asyncio.current_task()
        assert task is not None
        self._stop.calls[task] = client.on_the_wire
        client.numbers[request.key] = number
        try:
            outcome = CallOutcome((await client.ask(request)).reply)
        except VerdictFailure as failure:
            outcome = CallOutcome(failure=(failure.kind, failure.detail))
        except (FatalProviderError, BudgetReached, ConfigError) as error:
            outcome = CallOutcome(error=error)
        except asyncio.CancelledError:  # by the stop
            outcome = self._not_made()
        except Exception as error:  # noqa: BLE001 - the driver says what it was
            self._stop.calls.pop(task, None)  # this one is through
            outcome = CallOutcome(error=self._given_up(error))
        finally:
            self._stop.calls.pop(task, None)
            client.numbers.pop(request.key, None)
        outcome.spent = client.wasted.pop(request.key, None)
        if (ended := client.failed.pop(request.key, None)) is not None:
            outcome.ended = ended.kind, ended.detail
        return outcome


class WorkerClient(JudgeClient):
    """A judge's client on a worker: replies go to the driver's cache, limits are leased.

    Attributes:
        numbers: The bundles of the calls that are being made, by their keys.
    """

    def __init__(self, asked: AskedJudge, shelf: Shelf, concurrency: int, budget: Budget, limits: Any) -> None:
        super().__init__(asked.judge, cast("ReplyCache", shelf), concurrency=concurrency, budget=budget)
        self.numbers: dict[str, int] = {}
        self._shelf, self._leases = shelf, limits

    def _per_minute(self, most: int, by_tokens: bool) -> PerMinute:
        return Leased(most, partial(self._leases.lease.remote, self.judge.name, by_tokens=by_tokens))

    async def _kept(self, request: Request, second: str) -> Reply:
        reply = await super()._kept(request, second)
        await self._shelf.send(self.numbers[request.key], request.key)
        return reply


class Shelf:
    """What stands for the cache on a worker, whose disk nothing is written to: replies on their way to the desk.

    The driver has looked into the cache before it gave a call out.

    Attributes:
        out_of_space: What the desk said of the disk, once that was full.
    """

    def __init__(self, desk: Any) -> None:
        self.out_of_space: ConfigError | None = None
        self._desk = desk
        self._replies: dict[str, tuple[Reply, str | None]] = {}
        self._sending: GroupedWaits[Kept] = GroupedWaits(self._sent, MOST_IN_A_BUNDLE, _LINGER_S)

    def lacks(self, key: str, tag: str) -> bool:  # noqa: ARG002 - see the class
        """Always."""
        return True

    def take(self, key: str) -> bool:  # noqa: ARG002
        """Always: the driver has taken the call for all its workers."""
        return True

    def give_back(self, key: str) -> None:
        """The driver's to do."""

    async def keep(self, key: str, reply: Reply, tag: str | None = None) -> None:
        """Takes a reply that is to be sent."""
        self._replies[key] = reply, tag

    async def send(self, number: int, key: str) -> None:
        """Returns when a reply that was put here is in the driver's cache.

        Raises:
            ConfigError: It cannot be.
        """
        await self._sending.wait(Kept(number, key, *self._replies.pop(key)))

    async def _sent(self, replies: list[Kept]) -> int:
        error = await self._desk.keep.remote(replies)
        self.out_of_space = self.out_of_space or error
        return len(replies)


class Leased(PerMinute):
    """A limit that all workers share."""

    def __init__(self, most: int, lease: Any) -> None:
        super().__init__(most)
        self._asking: GroupedWaits[float] = GroupedWaits(lambda amounts: self._leased(lease, amounts), MOST_IN_A_LEASE)

    async def _leased(self, lease: Any, amounts: Sequence[float]) -> int:
        granted: int = await lease(amounts)
        return granted

    async def wait(self, amount: float) -> None:
        """Waits until so much may pass."""
        await self._asking.wait(amount)


class LeasedBudget(Budget):
    """A budget that all workers share."""

    def __init__(self, usd: float | None, limits: Any, worker: str) -> None:
        super().__init__(usd)
        self._limits, self._worker = limits, worker
        self._asking: GroupedWaits[float] = GroupedWaits(self._leased, MOST_IN_A_LEASE)

    async def _leased(self, amounts: Sequence[float]) -> int:
        granted: int | BudgetReached = await self._limits.hold.remote(self._worker, amounts)
        if isinstance(granted, BudgetReached):
            self.reached = granted
            raise granted
        return granted

    async def wait(self, highest: float) -> None:
        """Waits until a call's highest cost can be set aside, over all workers.

        Raises:
            BudgetReached: It could pass the limit.
        """
        if self.reached is not None:
            raise self.reached
        await self._asking.wait(highest)

    def settle(self, bill: Bill) -> None:
        """Says what a call did cost."""
        if self.usd is not None:
            self._limits.settle.remote(self._worker, bill.highest, bill.cost)
