"""Calls in flight: the limit, and how it adapts."""

import asyncio

import pytest

from judgebench.client.limits import Pace


def fly(pace, *, good=False, refused=False):
    async def one():
        async with pace.call() as flight:
            flight.good, flight.refused = good, refused

    asyncio.run(one())


def test_no_more_calls_than_the_limit_are_in_flight():
    """Of many calls that want to start, only as many as the limit allows are in flight at once, and all get through."""
    pace, seen, done = Pace(3), [], []

    async def one():
        async with pace.call():
            seen.append(pace.in_flight)
            await asyncio.sleep(0)
            done.append(1)

    async def many():
        await asyncio.gather(*(one() for _ in range(20)))

    asyncio.run(many())
    assert (max(seen), len(done), pace.in_flight) == (3, 20, 0)


def test_a_stray_refusal_takes_half_a_place():
    """A single 429 among many calls says little about how many are too many."""
    pace = Pace(8)
    fly(pace, refused=True)
    assert pace.limit == 7.5


def test_a_flight_that_is_refused_as_a_whole_halves_the_limit():
    """Eight calls that were in flight together leave four."""
    pace = Pace(8)

    async def one(barrier):
        async with pace.call() as flight:
            await barrier.wait()
            flight.refused = True

    async def many():
        barrier = asyncio.Barrier(8)
        await asyncio.gather(*(one(barrier) for _ in range(8)))

    asyncio.run(many())
    assert (pace.limit, pace.throttled) == (4, 4)


def test_the_limit_never_falls_below_one():
    """However often the provider refuses, one call may be in flight."""
    pace = Pace(4)
    for _ in range(10):
        fly(pace, refused=True)
    assert pace.limit == 1


def test_good_replies_raise_the_limit_again():
    """Soon up to three quarters of what was refused, a half each; from there on slowly, to the judge's own limit."""
    pace = Pace(40)
    for _ in range(60):
        fly(pace, refused=True)
    assert pace.limit == 10
    pace._known = 40.0
    for _ in range(40):
        fly(pace, good=True)
    assert pace.limit == 30
    for _ in range(400):
        fly(pace, good=True)
    assert (pace.limit, pace.throttled) == (pytest.approx(40), None)


def test_calls_are_held_only_after_refusals_in_a_row():
    """Until the latest time that the provider asked to wait; a good reply opens it again."""
    pace = Pace(8)

    async def refused(until):
        async with pace.call() as flight:
            flight.refused, flight.refused_until = True, until

    for until in (10.0, 30.0):
        asyncio.run(refused(until))
    assert pace.hold(5.0) == 0
    asyncio.run(refused(20.0))
    assert (pace.hold(5.0), pace.hold(31.0)) == (25.0, 0.0)
    fly(pace, good=True)
    assert pace.hold(5.0) == 0


def test_calls_that_fill_up_the_limit_are_spread_over_the_others():
    """The first reply finds 4 in flight, and each one then opens half a place more, until all are open."""
    pace, limits = Pace(8), []

    async def one(end):
        async with pace.call() as flight:
            await end.wait()
            flight.good = True

    async def many():
        ends = [asyncio.Event() for _ in range(4)]
        calls = [asyncio.create_task(one(end)) for end in ends]
        await asyncio.sleep(0)
        for end, call in zip(ends, calls, strict=True):
            end.set()
            await call
            limits.append(pace.limit)

    asyncio.run(many())
    for _ in range(6):
        fly(pace, good=True)
        limits.append(pace.limit)
    assert limits == [4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8, 8]


def test_a_first_reply_after_a_refusal_leaves_the_limit():
    """What the provider has refused says more than what happens to be in flight."""
    pace = Pace(8)
    fly(pace, refused=True)
    fly(pace, good=True)
    assert pace.limit == pytest.approx(7.525, abs=0.001)


def test_other_failures_leave_the_limit():
    """A call that failed for another reason says nothing about the pace."""
    pace = Pace(8)
    fly(pace)
    assert pace.limit == 8


def test_a_waiter_that_is_cancelled_leaves_its_place_to_the_next():
    """A cancelled waiter neither takes a place nor blocks those behind it."""
    pace, got = Pace(1), []

    async def one(name, release):
        async with pace.call():
            got.append(name)
            await release.wait()

    async def main():
        release = asyncio.Event()
        first = asyncio.create_task(one("first", release))
        await asyncio.sleep(0)
        second = asyncio.create_task(one("second", release))
        third = asyncio.create_task(one("third", release))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        release.set()
        await asyncio.gather(first, third)

    asyncio.run(main())
    assert got == ["first", "third"]
