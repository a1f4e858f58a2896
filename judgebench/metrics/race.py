"""A race of several wordings over the same items: what is significantly worse than the leader is dropped on the way.

Each look compares the leader with the others by the anytime-valid test of `judgebench.metrics.sequential`, at a level
that all pairs share (Bonferroni). So the wording that is truly best is dropped with a chance of alpha at most, however
often one looks. Whatever the race says, its winner was chosen by these items: what it gains is measured on others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from judgebench.metrics.sequential import log_wealth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.metrics.intervals import Floats

ALPHA = 0.05
"""The chance that the best of all is dropped."""


@dataclass
class Race:
    """The state of a race.

    >>> race = Race(arms=2, planned=64)
    >>> race.add({0: [0.0] * 64, 1: [1.0] * 64})
    >>> race.live, race.dropped, race.leader
    ([1], {0: 64}, 1)

    Attributes:
        arms: How many wordings there are; the first is the one in use.
        planned: How many items there are to be at most, fixed beforehand.
        testing: Whether wordings may be dropped; not where the score is no mean over items.
        live: The wordings that go on, by number.
        dropped: After how many items each of the others was dropped.
        credits: Of each wording, its credit on each item that it was asked about, in the order of the items;
            not-a-number where it has none.
    """

    arms: int
    planned: int
    testing: bool = True
    live: list[int] = field(default_factory=list)
    dropped: dict[int, int] = field(default_factory=dict)
    credits: list[list[float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.live = list(range(self.arms))
        self.credits = [[] for _ in range(self.arms)]

    @property
    def over(self) -> bool:
        """Whether one wording alone is left."""
        return len(self.live) == 1

    def add(self, credits_: Mapping[int, Sequence[float]]) -> None:
        """Takes in one more block of items, and drops what is significantly worse than the leader.

        Args:
            credits_: Of each live wording one credit an item of the block, from 0 to 1; not-a-number where unknown.
        """
        for arm in self.live:
            self.credits[arm] += [float(credit) for credit in credits_[arm]]
        if not self.testing:
            return
        leader, goal = self.leader, math.log(2 / self._alpha)
        for arm in [each for each in self.live if each != leader]:
            gained = self._difference(leader, arm)
            known = np.where(np.isnan(gained), -1.0, gained)
            if log_wealth(known, 0.0, alpha=self._alpha, planned=self.planned)[-1] >= goal:
                self.live.remove(arm)
                self.dropped[arm] = len(self.credits[arm])

    @property
    def leader(self) -> int:
        """The live wording with the highest mean credit; of equal ones the first."""
        means = {arm: _mean(self.credits[arm]) for arm in self.live}
        return max(self.live, key=lambda arm: (means[arm], -arm))

    def gain(self, arm: int) -> float:
        """The mean credit of a wording less the first one's, over the items that both were asked about."""
        return _mean(self._difference(arm, 0))

    def _difference(self, first: int, second: int) -> Floats:
        n = min(len(self.credits[first]), len(self.credits[second]))
        difference: Floats = np.asarray(self.credits[first][:n]) - np.asarray(self.credits[second][:n])
        return difference

    @property
    def _alpha(self) -> float:
        return ALPHA / max(1, self.arms * (self.arms - 1) // 2)


def _mean(values: Sequence[float] | Floats) -> float:
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else 0.0
