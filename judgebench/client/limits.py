"""How many calls of a judge may be in flight: halved when the provider says there are too many, then grown again."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_RISE = 0.5
_STEPS_TO_THE_WIRE = 4
_LONGEST_PAUSE_S = 0.1

OTHERS = 128
"""Descriptors for everything that is no connection: the run's files, the cache, standard streams, look-ups of names."""

LONGEST_PAUSE_S = 600.0
"""A wait that a provider names is a rate limit's up to here, and waited for; a longer one may mean that quota
exhausted."""


class Pace:
    """A limit on calls in flight that adapts, additively up and multiplicatively down (Chiu and Jain 1989).

    A refusal (429) halves the limit, once for all calls that were in flight together; each good reply then adds a
    share of one, so that a whole round of good replies adds one call.

    With the first good reply the limit is what is in flight by then, and each good reply adds a half, until the judge's
    own limit or a refusal is reached. So the calls that fill up the rest are spread over the others, as replies will be
    then; begun all at once they would come back all at once, and while those are read little would be in flight (the
    row "calls in flight" of benchmarks/speed.py).

    Args:
        most: The judge's own limit, never passed.

    Attributes:
        answered: Whether a good reply, or a refusal, has come.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(most)
        self.in_flight = 0
        self.answered = False
        self._rising = True
        self._round = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def call(self) -> AsyncIterator[CallInFlight]:
        """Holds a place for one call; waits, without polling, until there is one."""
        while self.in_flight >= max(1, int(self.limit)):
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            try:
                await place
            except asyncio.CancelledError:
                if place.done() and not place.cancelled():
                    self._wake()
                raise
        self.in_flight += 1
        flight = CallInFlight(self._round)
        try:
            yield flight
        finally:
            self.in_flight -= 1
            self._learn(flight)
            self._wake()

    def _learn(self, flight: CallInFlight) -> None:
        if flight.refused and flight.round == self._round:
            self.limit = max(1.0, self.limit / 2)
            self._round += 1
            self.answered, self._rising = True, False
        elif flight.good:
            if not self.answered:
                self.limit = self.in_flight + 1.0
                self.answered = True
            self.limit = min(float(self.most), self.limit + (_RISE if self._rising else 1 / self.limit))
            self._rising = self._rising and self.limit < self.most

    def _wake(self) -> None:
        free = max(1, int(self.limit)) - self.in_flight
        while free > 0 and self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                free -= 1


class CallInFlight:
    """One call in flight; whoever makes it says how it ended.

    Attributes:
        good: It had a reply.
        refused: The provider said that there are too many.
    """

    __slots__ = ("good", "refused", "round")

    def __init__(self, number: int) -> None:
        self.round = number
        self.good = False
        self.refused = False


async def eased() -> None:
    """Returns when the calls begun so far are on their way, and the loop has had twice that time for other things.

    LiteLLM prepares each call in the loop's pool of threads. Begun all at once, a thousand calls would go out together
    when the last is prepared, and their replies would come together: while those are read, nothing would be in
    flight. Begun at a third of the speed that is possible, they are read and replaced one by one: the row "calls in
    flight" of benchmarks/speed.py is 0.94 so and 0.80 without.

    The first calls import LiteLLM and open connections, which takes seconds and says nothing of those that follow.
    """
    loop = asyncio.get_running_loop()
    before = loop.time()
    await loop.run_in_executor(None, int)
    for _ in range(_STEPS_TO_THE_WIRE):
        await asyncio.sleep(0)
    await asyncio.sleep(min(2 * (loop.time() - before), _LONGEST_PAUSE_S))


def make_room(connections: int) -> None:
    """Raises the soft limit of open files, where it is too low for so many connections at once.

    Args:
        connections: Calls that may be in flight at once, over all judges.

    Raises:
        ConfigError: The hard limit, which only the system's keeper can raise, is too low.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    needed = connections + OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise ConfigError(
            f"{connections} calls in flight need {needed} open files, the system allows {hard}: "
            f"give --concurrency {max(1, hard - OTHERS)} or less, or raise its hard limit (ulimit -Hn)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


class PerMinute:
    """At most so much in a minute, the first one too, spread over its seconds.

    AsyncLimiter is a leaky bucket: a full one passes at once, and what leaks from it beside that. A bucket of `most`
    would pass twice the limit in its first minute. This one holds a second's share and leaks the rest in a minute:
    in 60 s it passes `share`, and at `(most - share + 1) / 60` a second, by the minute's end, `most - share` more.

    Args:
        most: Requests or tokens per minute, at least 1.
    """

    def __init__(self, most: int) -> None:
        from aiolimiter import AsyncLimiter

        self.most = most
        self.share = max(1, most // 60)
        self._bucket = AsyncLimiter(self.share, 60 * self.share / (most - self.share + 1))
        self._turn = asyncio.Lock()

    async def wait(self, amount: float) -> None:
        """Waits until so much may pass, first come first served; what is more than the limit counts as the limit."""
        left = min(amount, self.most)
        async with self._turn:
            while left > 0:
                part = min(left, self.share)
                await self._bucket.acquire(part)
                left -= part
