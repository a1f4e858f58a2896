"""How many calls of a judge may be in flight: fewer when the provider says there are too many, then more again."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import Self

from judgebench.errors import ConfigError

_RISE, _PROBE, _LOSS = 0.5, 0.025, 0.5
"""What a good reply adds to the limit far below what is refused and near it, and what a refusal takes."""
_NEAR, _FORGET, _SOON = 0.75, 0.8, 4
_CLOSED = 3
_THROTTLED = 0.9
_STEPS_TO_THE_WIRE = 4
_LONGEST_PAUSE_S = 0.1

OTHERS = 128
"""Descriptors for everything that is no connection: the run's files, the cache, standard streams, look-ups of names."""

LONGEST_PAUSE_S = 600.0
"""A wait that a provider names is a rate limit's up to here, and waited for; a longer one may mean that quota
exhausted."""


class Pace:
    """A limit on calls in flight that adapts to refusals (429).

    Each refusal takes half a place, so that a flight that is refused as a whole halves the limit, and a stray one among
    many good replies costs next to nothing (proportional to their share, as in DCTCP, Alizadeh et al. 2010,
    doi:10.1145/1851275.1851192). Each good reply adds a half, up to three quarters of what was in flight when the
    provider last refused, and from there on a fortieth, and more the longer none is refused (as in CUBIC, Ha et al.
    2008, doi:10.1145/1400097.1400105): so the limit stays just below what is refused, and is soon back after a burst.

    Three refusals in a row with no good reply between them mean that the provider is closed for now: no call begins
    before the time that it asked to wait is over (`hold`).

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
        self._known = math.inf  # what is refused, as far as that has been seen
        self._round = 0
        self._in_a_row = 0
        self._calm = 0.0  # rounds of good replies since the last refusal
        self._closed_until = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def throttled(self) -> int | None:
        """The calls that may be in flight, where refusals keep them well below the judge's own limit; else None."""
        return int(self.limit) if self._known < math.inf and self.limit <= _THROTTLED * self.most else None

    def call(self) -> CallInFlight:
        """Holds a place for one call while the `async with` lasts; waits, without polling, until there is one."""
        return CallInFlight(self)

    async def begin(self) -> int:
        """Takes a place, and gives the number of the round that it is of."""
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
        return self._round

    def end(self, flight: CallInFlight) -> None:
        """Gives a place back, and learns from how its call ended."""
        self.in_flight -= 1
        self._learn(flight)
        self._wake()

    def hold(self, now: float) -> float:
        """For how many seconds no call begins.

        Args:
            now: By the clock of `CallInFlight.refused_until`.
        """
        return max(self._closed_until - now, 0.0) if self._in_a_row >= _CLOSED else 0.0

    def _learn(self, flight: CallInFlight) -> None:
        if flight.refused:
            if flight.round == self._round and not self._in_a_row:  # else it is of the same burst
                first = self._known == math.inf
                self._known = self.limit if first or self._is_near else max(self.limit, _FORGET * self._known)
                self._round += 1
            self.limit = max(1.0, self.limit - _LOSS)
            self.answered = True
            self._in_a_row += 1
            self._calm = 0.0
            self._closed_until = max(self._closed_until, flight.refused_until)
        elif flight.good:
            if not self.answered:
                self.limit = self.in_flight + 1.0
                self.answered = True
            self._in_a_row = 0
            self._calm += 1 / self.limit
            gain = min(_PROBE * (1 + (self._calm / _SOON) ** 2), _RISE) if self._is_near else _RISE
            self.limit = min(float(self.most), self.limit + gain)

    @property
    def _is_near(self) -> bool:
        """Whether the limit is near what was refused."""
        return self.limit >= _NEAR * self._known

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
        refused_until: When it may be asked again, by the clock of whoever makes the call; 0 where it did not say.
        round: Of the pace, when it began.
    """

    __slots__ = ("_pace", "good", "refused", "refused_until", "round")

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self.round = 0
        self.good = False
        self.refused = False
        self.refused_until = 0.0

    async def __aenter__(self) -> Self:
        self.round = await self._pace.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pace.end(self)


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

    def has_room(self, amount: float) -> bool:
        """Whether so much may pass without a wait."""
        return amount <= self.share and not self._turn.locked() and self._bucket.has_capacity(amount)

    async def wait(self, amount: float) -> None:
        """Waits until so much may pass, first come first served; what is more than the limit counts as the limit."""
        left = min(amount, self.most)
        async with self._turn:
            while left > 0:
                part = min(left, self.share)
                await self._bucket.acquire(part)
                left -= part
