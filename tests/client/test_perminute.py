"""Requests and tokens per minute, on a clock that does not wait."""

from __future__ import annotations

import asyncio

import pytest

from judgebench.client.limits import PerMinute
from judgebench.client.testing import on_fake_clock


def passed(most: int, amounts: list[float]) -> list[float]:
    """When each of the amounts passed, in seconds from the start."""

    async def every() -> list[float]:
        loop, limit = asyncio.get_running_loop(), PerMinute(most)
        start = loop.time()

        async def one(amount: float) -> float:
            await limit.wait(amount)
            return loop.time() - start

        return await asyncio.gather(*map(one, amounts))

    return on_fake_clock(every())


@pytest.mark.parametrize("most", [1, 2, 7, 59, 60, 61, 119, 120, 600, 3000])
def test_the_first_minute_passes_the_limit_and_no_more(most: int) -> None:
    """Of twice the limit; and nearly all of it, so that none is wasted."""
    times = passed(most, [1.0] * (2 * most))
    in_time = sum(time < 59.99 for time in times)
    assert most * 0.97 - 1 <= in_time <= most


def test_tokens_of_large_calls_pass_one_call_after_the_other() -> None:
    """Calls of 3000 tokens at 6000 a minute: one each half minute, in the order in which they came."""
    times = passed(6000, [3000.0] * 4)
    assert times == pytest.approx([29.5, 60.0, 90.5, 121.0], abs=1.0)


def test_a_call_larger_than_the_limit_waits_a_minute() -> None:
    """As long as the whole of a limit, and no longer."""
    assert passed(60, [1000.0]) == pytest.approx([59.0], abs=0.5)
