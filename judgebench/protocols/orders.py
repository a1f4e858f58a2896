"""Which calls an item needs: a pure function of the item, the protocol and the readings there are.

The calls are plain values; how they are made is nobody's business here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from judgebench.items import Failure, Orders, Pairs, Reading
from judgebench.metrics.votes import still_to_ask

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from judgebench.metrics.votes import Join

__all__ = [
    "Call",
    "Orders",
    "Protocol",
    "calls_needed",
    "calls_open",
    "drawn_order",
    "in_order",
    "number_of_calls",
    "orders_of",
    "with_unasked",
]


class Call(NamedTuple):
    """One call: which completions of the item, in which slots, and the number of the repetition."""

    order: tuple[int, ...]
    sample: int


@dataclass(frozen=True, slots=True)
class Protocol:
    """How often and in which orders each question is put.

    Attributes:
        orders: `one` drawn from the seed and the item's id; `both` of a pair; `all`: each completion once in each slot.
        samples: Repetitions of each order.
        seed: Of the orders.
        repair: How many follow-up turns a reply that cannot be read may get.
        join: How the readings of a question become one before the benchmark's rule; `mean`: not at all.
        early_stop: Whether a question whose majority is settled is not asked again.
        soft: Whether the probability of each verdict is asked for.
        pairs: How a pairwise template finds the best of more than two; None where it shows pairs alone.
        each: Whether every criterion of an item has a call of its own, whose `order` is the criterion's number.
        recorded: Whether the calls are those that were made elsewhere, whatever their orders: none is needed.
    """

    orders: Orders = "one"
    samples: int = 1
    seed: int = 0
    repair: int = 0
    join: Join = "mean"
    early_stop: bool = False
    soft: bool = False
    pairs: Pairs | None = None
    recorded: bool = False
    each: bool = False

    @property
    def in_rounds(self) -> bool:
        """Whether what is asked next depends on what was said."""
        return self.early_stop or self.pairs == "knockout"

    def to_json(self) -> dict[str, object]:
        """The manifest's `protocol`, but for its name."""
        said = asdict(self)
        return {name: value for name, value in said.items() if value or name not in {"recorded", "each"}}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Protocol:
        """The protocol of a manifest, of this version or an earlier one."""
        return cls(**{each.name: cast("Any", data[each.name]) for each in fields(cls) if each.name in data})

    def identity(self) -> dict[str, object]:
        """What makes it another protocol than one of an earlier version, which had no such part."""
        parts = {"repair": self.repair, "early_stop": self.early_stop, "soft": self.soft, "pairs": self.pairs}
        joins = {} if self.join == "mean" else {"join": self.join}
        return {name: value for name, value in [*parts.items(), *joins.items()] if value}

    def names(self) -> list[str]:
        """What it is called beside its orders."""
        pairs = {"all": ["all-pairs"], "knockout": ["knockout"], None: []}[self.pairs]
        samples = [f"x{self.samples}"] if self.samples > 1 else []
        joins = [] if self.join == "mean" else [self.join]
        early, soft = ["early"] * self.early_stop, ["soft"] * (self.soft and not self.recorded)
        return [
            *(["each"] * self.each),
            *pairs,
            *samples,
            *soft,
            *joins,
            *early,
            *([f"repair{self.repair}"] if self.repair else []),
        ]


def drawn_order(seed: int, item: str, question: Sequence[int]) -> tuple[int, ...]:
    """A uniformly drawn order of the question's completions (Fisher-Yates on the bits of a SHA-256 digest).

    It depends on the seed, the item's id and the question alone: not on other items or the order of arrival.
    """
    text = f"{seed}\0{item}\0{','.join(map(str, question))}"
    bits = int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest(), "big")
    order = list(question)
    for last in range(len(order) - 1, 0, -1):
        bits, at = divmod(bits, last + 1)
        order[last], order[at] = order[at], order[last]
    return tuple(order)


def orders_of(protocol: Protocol, item: str, question: Sequence[int]) -> list[tuple[int, ...]]:
    """The orders in which one question is put.

    `both` and `all` are the cyclic shifts of the drawn order, a Latin square: each completion stands once in each
    slot. A question about a single completion has one order.
    """
    first = drawn_order(protocol.seed, item, question)
    shifts = 1 if protocol.orders == "one" else len(first)
    return [first[shift:] + first[:shift] for shift in range(shifts)]


def calls_needed(
    protocol: Protocol,
    item: str,
    questions: Sequence[Sequence[int]],
    done: Collection[Call] | Mapping[Call, Reading] = (),
) -> Iterator[Call]:
    """The calls an item still needs; with `early_stop`, those that it needs in any case.

    Args:
        protocol: Orders, samples and whether votes stop early.
        item: The item's id.
        questions: The completions each question shows, by index; ratings have one completion a question.
        done: Calls whose readings are there; with `early_stop`, the readings under their calls.
    """
    for calls, needed in _open(protocol, item, questions, done):
        yield from calls[:needed]


def calls_open(
    protocol: Protocol,
    item: str,
    questions: Sequence[Sequence[int]],
    done: Collection[Call] | Mapping[Call, Reading] = (),
) -> Iterator[Call]:
    """The calls an item needs at most: all that are not done, of the questions that are not settled."""
    for calls, needed in _open(protocol, item, questions, done):
        yield from calls if needed else ()


def _open(
    protocol: Protocol,
    item: str,
    questions: Sequence[Sequence[int]],
    done: Collection[Call] | Mapping[Call, Reading],
) -> Iterator[tuple[list[Call], int]]:
    """Of each question the calls that are not done, and how many of the first of them are needed in any case."""
    for question in () if protocol.recorded else questions:
        orders = orders_of(protocol, item, question)
        if not protocol.early_stop:
            left = [Call(order, sample) for order in orders for sample in range(protocol.samples)]
            if done:
                left = [call for call in left if call not in done]
            yield left, len(left)
            continue
        calls = [Call(order, sample) for sample in range(protocol.samples) for order in orders]
        left = [call for call in calls if call not in done]
        readings = [done[call] for call in calls if call in done] if isinstance(done, Mapping) else []
        yield left, still_to_ask(readings, len(calls))


def with_unasked(
    protocol: Protocol, item: str, questions: Sequence[Sequence[int]], done: Mapping[Call, Reading]
) -> list[Reading]:
    """The item's readings, and a failure of kind `not_asked` for each call that was not made.

    With `early_stop`, the calls that a settled question did not need are no failures.
    """
    missing = calls_open(protocol, item, questions, done)
    unasked = [Reading(call.order, call.sample, Failure("not_asked", "the run ended before")) for call in missing]
    return [*in_order(list(done.values())), *unasked]


def in_order(readings: Sequence[Reading]) -> Sequence[Reading]:
    """An item's readings by order and sample, however they arrived: sums over them are then equal to the last bit."""
    return sorted(readings, key=lambda reading: (reading.order, reading.sample)) if len(readings) > 1 else readings


def number_of_calls(protocol: Protocol, questions: Sequence[Sequence[int]]) -> int:
    """How many calls `calls_open` gives when none is done."""
    orders = len(questions) if protocol.orders == "one" else sum(map(len, questions))
    return orders * protocol.samples
