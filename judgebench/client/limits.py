"""How many calls of a judge may be in flight: halved when the provider says there are too many, then grown again."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_RISE = 0.5


class Pace:
    """A limit on calls in flight that adapts, additively up and multiplicatively down (Chiu and Jain 1989).

    A refusal (429) halves the limit, once for all calls that were in flight together; each good reply then adds a
    share of one, so that a whole round of good replies adds one call.

    With the first good reply the limit is what is in flight by then, and each good reply adds a half, until the judge's
    own limit or a refusal is reached. So the calls that fill up the rest are spread over the others, as replies will be
    then; begun all at once they would come back all at once, and while those are read little would be in flight.

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
    async def call(self) -> AsyncIterator[Flight]:
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
        flight = Flight(self._round)
        try:
            yield flight
        finally:
            self.in_flight -= 1
            self._learn(flight)
            self._wake()

    def _learn(self, flight: Flight) -> None:
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


class Flight:
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
