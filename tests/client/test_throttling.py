"""What rate limits cost: runs against providers that refuse, in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING

from virtualtime import in_no_time

from judgebench.client import JudgeClient, Provider, ReplyCache, Request
from judgebench.errors import RateLimitedError
from judgebench.judges import Judge
from judgebench.verdicts import Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CALLS, IN_FLIGHT = 600, 40


class Refusing(Provider):
    """Answers after 0.25 to 0.45 s, or refuses after 0.02 s; `refuses(now, in flight)` says for how long."""

    def __init__(self, refuses: Callable[[float, int], float | None]) -> None:
        self.refuses, self.random = refuses, random.Random(0)
        self.inside = 0
        self.met: Counter[str] = Counter()
        self.sent: list[float] = []

    async def complete(self, request: Request) -> Reply:
        loop = asyncio.get_running_loop()
        self.sent.append(loop.time())
        wait = self.refuses(loop.time(), self.inside)
        self.met["good" if wait is None else "refused"] += 1
        if wait is not None:
            await asyncio.sleep(0.02)
            raise RateLimitedError("too many", retry_after=wait)
        self.inside += 1
        await asyncio.sleep(self.random.uniform(0.25, 0.45))
        self.inside -= 1
        return Reply(text="[[A]]", finish_reason="stop")


def judged(folder: Path, refuses: Callable[[float, int], float | None], calls: int = CALLS) -> tuple[Refusing, float]:
    """The provider after so many calls by one client, and the seconds that they took."""
    provider = Refusing(refuses)
    with ReplyCache(folder) as cache:
        client = JudgeClient(Judge(name="mine", model="hosted_vllm/mine"), cache, concurrency=IN_FLIGHT)
        vars(client)["_provider"] = provider
        requests = [Request(f"{at:064x}", [{"role": "user", "content": str(at)}]) for at in range(calls)]

        async def every() -> None:
            await asyncio.gather(*map(client.ask, requests))

        _, seconds = in_no_time(every())
    assert provider.met["good"] == calls
    return provider, seconds


def stray(share: float) -> Callable[[float, int], float | None]:
    """Refuses a share of the calls, whatever is in flight, for a second."""
    drawn = random.Random(1)
    return lambda _now, _inside: 1.0 if drawn.random() < share else None


def test_stray_refusals_cost_little(tmp_path: Path) -> None:
    """With 3% of calls refused for a second a run takes less than half as long again as without (it was 4.5 times)."""
    _, without = judged(tmp_path / "without", stray(0.0))
    _, refused = judged(tmp_path / "refused", stray(0.03))
    assert refused < 1.5 * without


def test_a_provider_that_takes_fewer_at_once_is_kept_busy_with_few_refusals(tmp_path: Path) -> None:
    """One that takes 9 of 40: 600 calls of 0.35 s by nines are 23 s; at most a fifth longer, and 1 of 5 is refused."""
    provider, seconds = judged(tmp_path, lambda _, inside: 1.0 if inside >= 9 else None)
    assert seconds < 1.2 * CALLS * 0.35 / 9
    assert provider.met["refused"] < CALLS / 5


def test_a_provider_that_is_closed_is_not_asked_before_it_opens(tmp_path: Path) -> None:
    """It refuses all calls of seconds 2 to 12 until the 12th: in these ten seconds it hears less than two per place."""
    provider, seconds = judged(tmp_path, lambda now, _: 12 - now if 2 <= now < 12 else None)
    assert sum(2.1 <= at < 12 for at in provider.sent) < 2 * IN_FLIGHT
    assert seconds < 20
