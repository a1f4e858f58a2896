"""Work carried from the cache alone: `--offline`, and what a forecast knows."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING

from judgebench.engine.progress import Stop
from judgebench.errors import JudgebenchError
from judgebench.items import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from judgebench.client import JudgeClient, ReplyCache
    from judgebench.engine.base import Plan, Work
    from judgebench.engine.runplan import RunPlan
    from judgebench.verdicts import Reply

    CachedMany = Callable[[Sequence[str]], Mapping[str, Reply]]
    Cached = Callable[[Work], Reply | None]

BREATHE_EVERY = 64
_LOOKED_UP_CALLS, _LOOKED_UP_CHARACTERS = 256, 2**20


class CachedEngine:
    """Carries work from the cache alone; what that lacks is a failure of kind `not_cached`.

    Args:
        cache: Where replies are kept.
        stop: Ends it early.
        clients: Those of the plan's judges, by the judges' names: they know under what else a reply may be.
    """

    def __init__(
        self, cache: ReplyCache, stop: Stop | None = None, clients: Mapping[str, JudgeClient] | None = None
    ) -> None:
        self._cache = cache
        self._stop = stop or Stop()
        self._clients = clients or {}

    def _cached(self, work: Work) -> Reply | None:
        reply, client = self._cache.get(work.request.key), self._clients.get(work.judge)
        return client.ended(work.request) if reply is None and client is not None else reply

    async def run(self, plan: Plan) -> None:
        """See `Engine`."""
        try:
            for number, unknown in enumerate(tell_all_cached(plan, self._cache.get_many, self._cached), 1):
                if unknown is not None:
                    plan.tell(unknown, Failure("not_cached", "not cached, and --offline makes no calls"))
                if number % BREATHE_EVERY == 0:
                    await asyncio.sleep(0)
                if self._stop.asked or plan.ended:
                    return
        except JudgebenchError as error:
            plan.end(error)


def looked_up(works: Iterator[Work], cached_many: CachedMany) -> Iterator[tuple[Work, Reply | None]]:
    """Each call with the reply that the cache is known to have; many are looked up at once."""
    while batch := list(_up_to(works, _LOOKED_UP_CALLS, _LOOKED_UP_CHARACTERS)):
        known = cached_many([work.request.key for work in batch])
        for work in batch:
            yield work, known.get(work.request.key)


def _up_to(works: Iterator[Work], calls: int, characters: int) -> Iterator[Work]:
    """The next calls, until they are so many or have so much text."""
    for work in islice(works, calls):
        yield work
        characters -= sum([len(message["content"]) for message in work.request.messages])
        if characters <= 0:
            return


def tell_cached(plan: Plan, work: Work | None, reply: Reply | None, cached: Cached) -> Work | None:
    """Tells what the cache has; what is still to be asked, if anything: the call, or its follow-up turn."""
    while work is not None:
        reply = reply or cached(work)
        if reply is None:
            return work
        plan.tell(work, reply, cached=True)
        work, reply = plan.following(work), None
    return None


def tell_all_cached(plan: Plan, cached_many: CachedMany, cached: Cached) -> Iterator[Work | None]:
    """Tells a plan what the cache has; of each call that is opened, what is still to be asked, if anything."""
    given = True
    while given:
        given = False
        for work, reply in looked_up(plan.open(), cached_many):
            given = True
            yield tell_cached(plan, work, reply, cached)


def needed_at_most(plan: RunPlan, client: JudgeClient) -> Iterator[Work | None]:
    """Of each call that a dry plan asks at most, what the cache lacks, if anything.

    That stays untold: where votes stop early, or winners meet, all that may follow is needed at most.
    """
    yield from tell_all_cached(plan, client.cached_many, cached_by(client))
    for work, reply in looked_up(plan.open(at_most=True), client.cached_many):
        yield tell_cached(plan, work, reply, cached_by(client))


def cached_by(client: JudgeClient) -> Cached:
    """What a judge's client finds in the cache."""
    return lambda work: client.cached(work.request)
