"""A hard stop on what the calls of one command may cost, over all judges and cells."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Self

from judgebench._util.text import usd
from judgebench.client.providers.base import form_of
from judgebench.errors import BudgetReached, ConfigError
from judgebench.judges import listed_output_limit, price_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.judges import Judge


_ROUNDING = 1e-12


class Budget:
    """What may still be spent, counting each call in flight at its highest cost.

    A call that could pass the limit waits until what is in flight has shown its true cost; where nothing is in flight
    any more, the budget is reached, and from then on no call starts, however cheap.

    Args:
        usd: The limit in US dollars; None for none.

    Attributes:
        spent: What the calls so far have cost, in USD; those of unknown cost at their highest.
        unsure: The part of it that those of unknown cost are.
        held: The highest cost of what is in flight.
        reached: Set once the budget is reached.
    """

    def __init__(self, usd: float | None = None) -> None:
        self.usd = usd
        self.spent = 0.0
        self.unsure = 0.0
        self.held = 0.0
        self.reached: BudgetReached | None = None
        self._waiting: list[asyncio.Future[None]] = []

    def check(self, judge: Judge) -> None:
        """Finds out whether the judge's calls have a highest cost; without a limit, none is needed.

        Raises:
            ConfigError: They have not.
        """
        if self.usd is not None:
            highest_cost(judge, [])

    def call(
        self, judge: Judge, messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any] | None = None
    ) -> Bill:
        """Sets one call's highest cost aside while the `async with` lasts; whoever makes it says what it really cost.

        Args:
            judge: Whose call.
            messages: What is asked.
            schema: The JSON schema, or the typed questions, that go out beside the messages, if any.

        Raises:
            ConfigError: There is a limit, and the call has no highest cost.
            BudgetReached: The call could pass the limit; as the `async with` begins.
        """
        return Bill(0.0 if self.usd is None else highest_cost(judge, messages, schema), self)

    def settle(self, bill: Bill) -> None:
        """Takes back what was set aside for a call, and counts what it really cost."""
        self.held = max(0.0, self.held - bill.highest)
        if bill.cost is None:
            self.unsure += bill.highest
        self.spent += bill.highest if bill.cost is None else bill.cost
        waiting, self._waiting = self._waiting, []
        for place in waiting:
            if not place.done():
                place.set_result(None)

    def hold(self, highest: float, *, made: bool = False) -> bool:
        """Sets a call's highest cost aside, without waiting; whether it may be made.

        Args:
            highest: What it can cost at most, in USD.
            made: Whether it has been made already.

        Raises:
            BudgetReached: It could pass the limit, and nothing is in flight that may turn out cheaper.
        """
        passes = self.usd is not None and self.spent + self.held + highest > self.usd + _ROUNDING
        if not made and (passes or self.reached is not None):
            if self.reached is None and self.held <= _ROUNDING:
                self.reached = self._at_its_end(highest)
            if self.reached is not None:
                raise self.reached
            return False
        self.held += highest
        return True

    async def wait(self, highest: float) -> None:
        """Sets a call's highest cost aside, as soon as it may be made.

        Raises:
            BudgetReached: It may not.
        """
        while not self.hold(highest):
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            await place

    def _at_its_end(self, highest: float) -> BudgetReached:
        may = f", up to ${self.unsure:.4f} more may have been charged for broken replies" if self.unsure else ""
        return BudgetReached(
            f"the budget of {usd(self.usd or 0.0)} is reached: ${self.spent - self.unsure:.4f} is spent{may}, and the "
            f"next call could cost ${highest:.4f}"
        )


class Bill:
    """What one call costs.

    Attributes:
        highest: The most it can cost, in USD.
        cost: What it did cost; None until that is known.
    """

    __slots__ = ("_budget", "cost", "highest")

    def __init__(self, highest: float, budget: Budget | None = None) -> None:
        self._budget = budget
        self.highest = highest
        self.cost: float | None = None

    async def __aenter__(self) -> Self:
        if self._budget is not None and self._budget.usd is not None:
            await self._budget.wait(self.highest)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._budget is not None:
            self._budget.settle(self)


def longest_answer(judge: Judge) -> int | None:
    """The most tokens an answer of the judge can have: its own parameter, else the model's limit; None: unknown.

    A decision model writes none.
    """
    if judge.decides:
        return 0
    params, _ = judge.params_asked()
    for name in ("max_completion_tokens", "max_tokens"):
        if isinstance(limit := params.get(name), int):
            return limit
    return listed_output_limit(judge.known_as)


def highest_cost(judge: Judge, messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any] | None = None) -> float:
    """The most that one call can cost, in USD.

    A prompt has at most as many tokens as bytes (every token of a byte-level vocabulary holds at least one), and a few
    more a message for the roles; a schema or questions that go out may be part of it.

    Raises:
        ConfigError: The judge's price, or the length of its answers, is not known.
    """
    price = price_of(judge)
    if price is None:
        place = "providers.yaml" if judge.function is None else "callable_judge"
        raise ConfigError(
            f"judge '{judge.name}' has no known price, required by --budget: add price: {{input: ..., output: ...}} in "
            f"{place} (USD per million tokens)"
        )
    answer = longest_answer(judge)
    if answer is None:
        if price.output > 0:
            raise ConfigError(
                f"judge '{judge.name}' has no limit on reply length, required by --budget: "
                "add params: {max_tokens: ...} in providers.yaml"
            )
        answer = 0
    prompt = sum(len(message["content"].encode("utf-8", "surrogatepass")) + 16 for message in messages)
    prompt += 0 if schema is None else len(json.dumps(form_of(schema)))
    highest = max(price.output, price.reasoning or 0.0)
    return (prompt * max(price.input, price.cached_input or 0.0) + answer * highest) / 1_000_000
