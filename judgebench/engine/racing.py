"""Several runs of one judge side by side over the train items: what is significantly worse is dropped on the way."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, Literal

from judgebench.benchmarks.sampling import sampling_order
from judgebench.engine.lockstep import SideBySide
from judgebench.errors import ConfigError
from judgebench.items import Failure
from judgebench.metrics.accuracy import official_scores
from judgebench.metrics.race import Race
from judgebench.protocols import ItemOrder, blocks, drawn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from judgebench.engine.runplan import RunPlan
    from judgebench.engine.spec import RunSpec

Ending = Literal["settled", "all", "budget"]
"""`settled`: one wording is left. `all`: the items are used up. `budget`: it has no more for another block."""

_HEADROOM = 1.1
"""The look at the held-out items may cost so much more an item than the train items did."""


def race_order(spec: RunSpec) -> ItemOrder:
    """The items in the order of the race; none is tested on the way where the score is no mean over items."""
    keys = list(spec.dataset.keys.values())
    try:
        return drawn(keys, spec.benchmark.layout, spec.orders.seed)
    except ConfigError:  # a correlation, say
        every = tuple(chain.from_iterable(sampling_order(spec.benchmark, keys, spec.orders.seed)))
        return ItemOrder((), every, every)


class RacePlan(SideBySide):
    """The plan of a race (a `Plan`): the wordings that are left judge block after block until one is left.

    Args:
        runs: One of each wording, that in use first; their recorders keep what each item cost.
        budget: What all of it may cost, replies from the cache at their price, so that a command that is run again
            stops where it stopped; None for no limit.
        spent: What has been spent before, in USD.
        held_out: How many items the winner and the wording in use are still to judge.

    Attributes:
        race: The state of it.
        ending: Why it ended; None before.
    """

    def __init__(self, runs: Sequence[RunPlan], *, budget: float | None, spent: float, held_out: int) -> None:
        super().__init__(runs)
        self.order = race_order(runs[0].spec)
        self.race = Race(len(runs), max(1, len(self.order.tested)), testing=bool(self.order.tested))
        self.ending: Ending | None = None
        self.judged: list[list[str]] = [[] for _ in runs]
        self._budget, self._spent, self._held_out = budget, spent, held_out
        self._blocks = chain(blocks(self.order.tested), blocks(self.order.rest))
        self._tested = frozenset(self.order.tested)

    @property
    def winner(self) -> int:
        """The wording that is best on the items of the race; of equal ones the first."""
        live = self.race.live
        if self.race.testing and not (self.ending == "all" and self.order.rest):
            return self.race.leader
        scores = {arm: self.score(arm, self.judged[arm]) for arm in live}
        return max(live, key=lambda arm: (-math.inf if scores[arm] is None else scores[arm], -arm))

    def score(self, arm: int, items: Iterable[str]) -> float | None:
        """The official score of a wording over some of the items that it has judged."""
        outcomes = [self.runs[arm].recorder.outcome(item) for item in items]
        return official_scores(outcomes, self.runs[arm].spec.benchmark.layout, resamples=2).score if outcomes else None

    def gain(self, arm: int) -> float | None:
        """The score of a wording less that of the one in use, over the items that both have judged."""
        both = set(self.judged[0])
        common = [item for item in self.judged[arm] if item in both]
        scores = self.score(arm, common), self.score(0, common)
        return None if scores[0] is None or scores[1] is None else scores[0] - scores[1]

    @property
    def spent(self) -> float:
        """What the race has cost so far, replies from the cache at their price, and what was spent before."""
        return self._spent + sum(self._cost(arm) for arm in range(len(self.runs)))

    @property
    def look_cost(self) -> float:
        """What the winner and the wording in use will cost on the held-out items, about."""
        highest = max((self._cost_per_item(arm) for arm in {0, *self.race.live}), default=0.0)
        return 2 * highest * self._held_out * _HEADROOM

    def cost_per_1000(self, arm: int) -> float | None:
        """US dollars for 1,000 items, replies from the cache at their price; None where the price is not known."""
        known = self.judged[arm] and self.runs[arm].recorder.usage.cost_usd is not None
        return 1_000 * self._cost_per_item(arm) if known else None

    @property
    def uncached(self) -> int:
        """How many replies the cache lacks, of a race that makes no calls."""
        return sum(
            isinstance(reading.result, Failure) and reading.result.kind == "not_cached"
            for arm, run in enumerate(self.runs)
            for item in self.judged[arm]
            for reading in run.recorder.readings.of(item)
        )

    def _cost(self, arm: int) -> float:
        costs = self.runs[arm].recorder.costs or {}
        return sum(costs.get(item, 0.0) for item in self.judged[arm])

    def _cost_per_item(self, arm: int) -> float:
        return self._cost(arm) / max(1, len(self.judged[arm]))

    def _begin_block(self) -> None:
        if self._block:
            self._take(self._block)
        block = None if self.race.over else next(self._blocks, None)
        if self.race.over:
            self.ending = "settled"
        elif block is None:
            self.ending = "all"
        elif not self._has_budget_for(block):
            self.ending, block = "budget", None
        self._block = block
        for arm, run in enumerate(self.runs):
            run.limit_to(block or () if arm in self.race.live else ())

    def _take(self, block: Sequence[str]) -> None:
        for arm in self.race.live:
            self.judged[arm] += block
        if block[0] in self._tested:
            self.race.add({arm: [self._credit(arm, item) for item in block] for arm in self.race.live})

    def _credit(self, arm: int, item: str) -> float:
        credit = self.runs[arm].recorder.outcome(item).credit
        return math.nan if credit is None else credit

    def _has_budget_for(self, block: Sequence[str]) -> bool:
        """Whether the next block and the look at the held-out items can be paid for, as far as can be told."""
        if self._budget is None or not self.judged[0]:
            return True
        next_ = len(block) * sum(self._cost_per_item(arm) for arm in self.race.live)
        return self.spent + next_ + self.look_cost <= self._budget

    def _settle(self) -> None:
        """A wording that was dropped, or all where the race ended early, are runs over the items that they judged.

        Those that an earlier race judged are among them.
        """
        for run in self.runs if self.ending is not None else ():
            spec, readings = run.spec, run.recorder.readings
            whole = [item for item, key in spec.dataset.keys.items() if readings.count(item) >= spec.count(key)]
            if len(whole) < len(spec.dataset.keys):
                run.recorder.asked = frozenset(whole)
