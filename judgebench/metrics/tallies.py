"""Outcomes as a few kinds, each with its number: the same scores as of one outcome an item, from counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from judgebench.metrics.accuracy import credit_parts, mean_stratum
from judgebench.metrics.grades import grades_or_credits
from judgebench.metrics.intervals import MeanStratum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.items import Outcome
    from judgebench.metrics.accuracy import Layout
    from judgebench.metrics.intervals import View
    from judgebench.metrics.resampling import Ints


@dataclass(frozen=True, slots=True)
class OutcomeTally:
    """How often each of several outcomes occurs.

    Attributes:
        kinds: Outcomes that differ, each of some item.
        counts: How many items have each, shape (kinds,).
        of_item: The kind of each item, shape (items,).
        units: What each item belongs to, shape (items,); None: each to itself.
    """

    kinds: Sequence[Outcome]
    counts: Ints
    of_item: Ints
    units: Ints | None = None

    def layout(self, layout: Layout) -> Layout:
        """The layout under which each kind counts as often as it occurs, for `official_scores` of the `kinds`.

        Example:
            >>> from judgebench.items import ItemKey, Outcome
            >>> from judgebench.metrics.accuracy import Layout, official_scores
            >>> right, wrong = (Outcome(ItemKey("", "all", 2, 1, (0, 0)), x, x, x) for x in (1.0, 0.0))
            >>> some = OutcomeTally([right, wrong], np.array([3, 1]), np.array([0, 0, 1, 0]))
            >>> official_scores(some.kinds, some.layout(Layout())).score
            0.75
        """
        return replace(layout, stratum=partial(_stratum, self, {id(kind): at for at, kind in enumerate(self.kinds)}))


def is_mean(layout: Layout, subsets: Sequence[str]) -> bool:
    """Whether the score of these subsets is made of means of credits: what counts of outcomes are enough for."""
    by_own_rule = any(layout.strata.get(subset) is not None for subset in subsets)
    return not by_own_rule and layout.stratum in {mean_stratum, grades_or_credits}


def _stratum(
    tally: OutcomeTally, places: dict[int, int], outcomes: Sequence[Outcome], view: View = "credit"
) -> MeanStratum | None:
    """As `mean_stratum`, of kinds."""
    there = [outcome for outcome in outcomes if outcome.credit is not None and tally.counts[places[id(outcome)]]]
    if not there:
        return None
    at = np.array([places[id(outcome)] for outcome in there])
    credits_ = np.array([(o.credit or 0.0) - o.substituted if view == "bare" else getattr(o, view) for o in there])
    grouped = None
    if tally.units is not None:
        of_kind = np.full(len(tally.kinds), np.nan)
        of_kind[at] = credits_
        values = of_kind[tally.of_item]
        known = ~np.isnan(values)
        grouped = values[known], tally.units[known]
    if view == "credit" and any(outcome.failed for outcome in there):
        parts = [
            (value, chance * int(tally.counts[n]))
            for o, n in zip(there, at, strict=True)
            for value, chance in credit_parts(o)
        ]
        values, weights = (np.array(each, dtype=np.float64) for each in zip(*parts, strict=True))
        return MeanStratum(values, weights, grouped)
    return MeanStratum(credits_, tally.counts[at], grouped)
