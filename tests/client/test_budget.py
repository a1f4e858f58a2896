"""The budget: what is held, what is spent, and the highest cost of a call."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from judgebench.client.budget import Budget, highest_cost, longest_answer
from judgebench.errors import BudgetReached, ConfigError
from judgebench.judges.judge import Judge
from judgebench.judges.presets import Price

JUDGE = Judge(name="j", model="hosted_vllm/x", price=Price(input=2, output=10), params={"max_tokens": 100})


def spend(budget, highest, cost=None):
    """One call of a judge whose every prompt byte costs 2 USD a million, settled at once."""

    async def one():
        async with budget.call(_dear(highest), []) as bill:
            if cost is not None:
                bill.cost = cost

    asyncio.run(one())


def _dear(highest):
    return Judge(name="j", model="x/y", price=Price(input=0, output=highest * 10_000), params={"max_tokens": 100})


def test_a_call_that_could_pass_the_limit_does_not_start():
    """With 0.10 to spend and 0.09 spent, a call that could cost 0.02 is refused."""
    budget = Budget(0.10)
    spend(budget, 0.09, cost=0.09)
    with pytest.raises(BudgetReached, match=r"\$0.1 is reached: \$0.0900 is spent, and the next"):
        spend(budget, 0.02)


def test_what_may_have_been_charged_is_said_apart():
    """Of 0.10, 0.03 are spent and 0.05 may be."""
    budget = Budget(0.10)
    spend(budget, 0.03, cost=0.03)
    spend(budget, 0.05)
    with pytest.raises(BudgetReached, match=r"\$0.0300 is spent, up to \$0.0500 more may have been charged"):
        spend(budget, 0.03)


def test_a_call_that_just_fits_starts():
    """With 0.10 to spend and 0.06 spent, a call that could cost 0.04 is made."""
    budget = Budget(0.10)
    spend(budget, 0.06)
    spend(budget, 0.04)
    assert budget.spent == pytest.approx(0.10)


def test_once_reached_no_call_starts_however_cheap():
    """A hard stop: the next call would fit, and is refused as well."""
    budget = Budget(0.10)
    with pytest.raises(BudgetReached):
        spend(budget, 0.2)
    with pytest.raises(BudgetReached):
        spend(budget, 0.01)


def test_what_a_call_did_not_use_is_free_again():
    """A call counts at its highest cost only while it is in flight."""
    budget = Budget(1.0)
    spend(budget, 0.9, cost=0.1)
    spend(budget, 0.9, cost=0.1)
    assert (budget.spent, budget.held) == (pytest.approx(0.2), 0.0)


def test_a_call_of_unknown_cost_counts_at_its_highest():
    """A call that broke off may have been charged in full."""
    budget = Budget(1.0)

    async def broken():
        async with budget.call(_dear(0.5), []):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(broken())
    assert budget.spent == pytest.approx(0.5)


@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.floats(0, 1), st.integers(0, 3)), min_size=1, max_size=30),
    st.floats(0.05, 5),
)
def test_whatever_the_calls_the_limit_is_never_passed(calls, limit):
    """What is spent and could still be spent in flight never passes the limit, and every call starts or is refused."""
    budget, seen = Budget(limit), []

    async def one(highest, share, yields):
        with suppress(BudgetReached):
            async with budget.call(_dear(highest), []) as bill:
                seen.append(budget.spent + budget.held)
                for _ in range(yields):
                    await asyncio.sleep(0)
                bill.cost = share * bill.highest

    async def every():
        await asyncio.wait_for(asyncio.gather(*(one(*call) for call in calls)), 10)

    asyncio.run(every())
    assert max(seen, default=0.0) <= limit + 1e-9


def test_a_call_waits_for_what_is_in_flight_to_show_its_cost():
    """Two calls of 0.6 at most do not fit into 1.0 together, and one after the other they do."""
    budget, ended = Budget(1.0), []

    async def one(name):
        async with budget.call(_dear(0.6), []) as bill:
            await asyncio.sleep(0)
            bill.cost = 0.1
            ended.append((name, round(budget.held, 9)))

    async def both():
        await asyncio.gather(one("first"), one("second"))

    asyncio.run(both())
    assert ended == [("first", 0.6), ("second", 0.6)]


def test_without_a_limit_only_the_sum_is_kept():
    """Without a limit nothing is refused, and a judge needs no price."""
    budget = Budget(None)

    async def one():
        async with budget.call(Judge(name="j", model="hosted_vllm/x"), []) as bill:
            bill.cost = 2.0

    asyncio.run(one())
    assert (budget.spent, budget.reached) == (2.0, None)


def test_highest_cost_by_hand():
    """10 bytes and 16 more for the role at 2 USD, and 100 tokens at 10 USD a million: 0.001052 USD."""
    assert highest_cost(JUDGE, [{"role": "user", "content": "0123456789"}]) == pytest.approx(0.001052)


@pytest.mark.parametrize(("reasoning", "dearest"), [(25.0, 25.0), (4.0, 10.0)])
def test_the_highest_cost_is_at_the_dearest_kind_of_token(reasoning, dearest):
    """All 100 tokens of an answer may be thinking; where that is cheaper than what is said, all may be said."""
    judge = JUDGE.model_copy(update={"price": Price(input=2, output=10, reasoning=reasoning)})
    assert highest_cost(judge, []) == pytest.approx(100 * dearest / 1_000_000)


def test_a_schema_that_goes_out_counts_its_bytes():
    """The 89 bytes of the form around `{}`, and 17 more of a schema of 19 bytes, at 2 USD a million each."""
    bare = highest_cost(JUDGE, [])
    assert highest_cost(JUDGE, [], {}) - bare == pytest.approx(89 * 2e-6)
    assert highest_cost(JUDGE, [], {"type": "integer"}) - bare == pytest.approx(106 * 2e-6)


def test_letters_beyond_ascii_count_their_bytes():
    """A letter of three bytes can be three tokens."""
    one = highest_cost(JUDGE, [{"role": "user", "content": "a"}])
    assert highest_cost(JUDGE, [{"role": "user", "content": "\u20ac"}]) - one == pytest.approx(2 * 2e-6)


def test_a_judge_without_a_price_is_a_mistake():
    """With a budget, an unknown price is a mistake that names the mend."""
    with pytest.raises(ConfigError, match="add price"):
        highest_cost(Judge(name="j", model="hosted_vllm/x"), [])


def test_a_judge_without_a_limit_on_answers_is_a_mistake():
    """With a budget, answers of unknown length are a mistake that names the mend."""
    judge = Judge(name="j", model="hosted_vllm/x", price=Price(input=1, output=1), params={})
    with pytest.raises(ConfigError, match="max_tokens"):
        highest_cost(judge, [])


def test_the_model_s_own_limit_stands_in_for_the_parameter():
    """Where params set no limit, the table's limit of the model counts."""
    assert (longest_answer(Judge(name="j", model="openai/gpt-4.1-mini", params={})) or 0) >= 1000
