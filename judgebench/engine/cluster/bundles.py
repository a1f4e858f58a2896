"""What goes to a worker and what comes back: calls in bundles, as plain data that can be pickled."""

from __future__ import annotations

import asyncio
import pickle
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from judgebench.errors import ConfigError
from judgebench.judges import is_plugged

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from judgebench.client import Request
    from judgebench.errors import JudgebenchError
    from judgebench.judges import Judge
    from judgebench.verdicts import Reply

T = TypeVar("T")

MOST_IN_A_BUNDLE = 64
"""More calls in one would come back no sooner than the slowest of them; fewer cost more of Ray's time a call."""
BUNDLES_AT_A_TIME = 4
"""So many bundles a worker has in hand, each with as many calls as it may have in flight: a bundle is through with the
slowest of its calls, and of the others there are enough by then."""
BUNDLES_QUEUED = 2
"""So many more are with it already: Ray Data gives new ones ten times a second."""
FEWEST_CALLS = 8
"""A worker with fewer calls in flight than that is not worth its start."""


@dataclass(frozen=True, slots=True)
class AskedJudge:
    """One judge of a pipeline.

    Attributes:
        concurrency: Its calls in flight at most, over all workers.
        plugged: Whether another package brings its provider, where the command runs.
    """

    judge: Judge
    concurrency: int
    plugged: bool = False

    def check(self) -> None:
        """Finds out, on a worker, whether its calls go the way that the command means.

        Raises:
            ConfigError: The package that brings the provider is on one of the two machines alone.
        """
        if self.plugged != is_plugged(self.judge.provider):
            lacking = "a Ray worker" if self.plugged else "this machine"
            raise ConfigError(
                f"judge '{self.judge.name}': {lacking} lacks the package that "
                f"brings its provider '{self.judge.provider}': install the same packages on all machines of the cluster"
            )


@dataclass(frozen=True, slots=True)
class Settings:
    """What a worker has to know before its first call.

    Attributes:
        version: The driver's judgebench.
        judges: By name.
        variables: The environment variables that hold the judges' keys, which a worker's machine may lack.
        workers: How many there are.
        budget: What all may spend, in USD; None for no limit.
    """

    version: str
    judges: Mapping[str, AskedJudge]
    variables: Mapping[str, str] = field(repr=False)
    workers: int
    budget: float | None = None

    def share(self, judge: str, worker: int) -> int:
        """A worker's calls in flight at most; all workers together have the judge's own limit."""
        each, rest = divmod(self.judges[judge].concurrency, self.workers)
        return max(1, each + (worker < rest))


@dataclass(slots=True)
class CallOutcome:
    """What became of one call; one of the first four is set.

    Attributes:
        reply: What came back.
        failure: Kind and detail, where it has no usable reply.
        error: Why no further call of the judge can be made.
        stopped: Whether it was not made, or given up, because the user ended the run.
        spent: Beside a failure or an error: what its tries were paid for.
        ended: Kind and detail of the failure that ended all calls, where it was this one's.
    """

    reply: Reply | None = None
    failure: tuple[str, str] | None = None
    error: JudgebenchError | None = None
    stopped: bool = False
    spent: Reply | None = None
    ended: tuple[str, str] | None = None


@dataclass(slots=True)
class Returned:
    """A bundle that is through.

    Attributes:
        worker: Who made its calls.
        outcomes: In the order of the calls.
        sent_as: The models as they went out, by judge, where that is not as the judge names them.
        asked_again: Tries beyond the first, by judge and what they were for, since the worker last said so.
    """

    worker: str
    outcomes: list[CallOutcome]
    sent_as: dict[str, str]
    asked_again: dict[str, Counter[str]]


def workers_for(cpus: float, concurrency: Sequence[int]) -> int:
    """How many workers: one a CPU, and no more than there are calls in flight to share out.

    >>> workers_for(16, [64, 32])
    4

    Args:
        cpus: Those that are free in the cluster.
        concurrency: The calls in flight of each judge.
    """
    return max(1, min(int(cpus), min(concurrency) // FEWEST_CALLS))


def bundle_size(concurrency: int, workers: int) -> int:
    """How many calls go in one bundle: what a worker has in flight, since each bundle costs some 10 ms of Ray's CPU."""
    return max(1, min(MOST_IN_A_BUNDLE, concurrency // workers))


def packed(calls: Sequence[tuple[str, Request]]) -> bytes:
    """Judges' names and requests as bytes."""
    return pickle.dumps(list(calls), protocol=pickle.HIGHEST_PROTOCOL)


def unpacked(bundle: bytes) -> list[tuple[str, Request]]:
    """What was packed, by this command on another machine."""
    calls: list[tuple[str, Request]] = pickle.loads(bundle)  # noqa: S301 - the driver's own bytes
    return calls


class GroupedWaits(Generic[T]):
    """Single waits put together: while one question is on its way, those who come meanwhile go with the next.

    Args:
        ask: Takes what is waited for, and says for how many of the first, at least one, the wait is over; what it
            raises is raised for all that wait.
        most: So many go in one question.
        linger_s: So long a question that has room waits for more: each costs a message to another process.
    """

    def __init__(self, ask: Callable[[list[T]], Awaitable[int]], most: int, linger_s: float = 0.0) -> None:
        self._ask, self._most, self._linger_s = ask, most, linger_s
        self._waiting: deque[tuple[T, asyncio.Future[None]]] = deque()
        self._asking: asyncio.Task[None] | None = None

    async def wait(self, what: T) -> None:
        """Returns when it is granted."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((what, place))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_on())
        await place

    async def _ask_on(self) -> None:
        while self._waiting:
            if self._linger_s and len(self._waiting) < self._most:
                await asyncio.sleep(self._linger_s)
            group = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            group = [each for each in group if not each[1].done()]  # the others wait no longer
            if not group:
                continue
            try:
                granted = await self._ask([what for what, _ in group])
            except Exception as error:  # noqa: BLE001 - whoever waits raises it
                for _, place in [*group, *self._waiting]:
                    if not place.done():
                        place.set_exception(error)
                self._waiting.clear()
                return
            for _, place in group[:granted]:
                if not place.done():
                    place.set_result(None)
            self._waiting.extendleft(reversed(group[granted:]))
