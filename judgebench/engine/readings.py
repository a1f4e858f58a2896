"""What a run keeps of each item's replies while it goes on: readings, in a few bytes an item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.protocols.orders import Call

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from judgebench.items import Reading


class KeptReadings:
    """The readings of each item of a run.

    Of 100,000 pairs in one order there are a handful of different readings, so equal ones are kept once.
    """

    def __init__(self, items: Iterable[str]) -> None:
        self._readings: dict[str, tuple[Reading, ...]] = dict.fromkeys(items, ())
        self._alone: dict[Reading, tuple[Reading]] = {}  # each different reading, as all that an item has

    def __contains__(self, item: object) -> bool:
        return item in self._readings

    def __getitem__(self, item: str) -> Mapping[Call, Reading]:
        """The item's readings by their calls, as a mapping of its own."""
        return {Call(each.order, each.sample): each for each in self._readings[item]}

    def of(self, item: str) -> tuple[Reading, ...]:
        """The item's readings, in the order in which they came."""
        return self._readings[item]

    def count(self, item: str) -> int:
        """How many readings an item has."""
        return len(self._readings[item])

    @property
    def total(self) -> int:
        """How many readings there are."""
        return sum(map(len, self._readings.values()))

    def put(self, item: str, reading: Reading) -> None:
        """Keeps a reading, in the place of an earlier one of the same call."""
        alone = self._alone.setdefault(reading, (reading,))
        there = self._readings[item]
        for at, each in enumerate(there):
            if each.sample == reading.sample and each.order == reading.order:
                self._readings[item] = (*there[:at], *alone, *there[at + 1 :]) if len(there) > 1 else alone
                return
        self._readings[item] = (*there, *alone) if there else alone

    def drop(self, item: str, call: Call) -> None:
        """Forgets the reading of a call, if there is one."""
        self._readings[item] = tuple(
            r for r in self._readings[item] if (r.order, r.sample) != (call.order, call.sample)
        )
