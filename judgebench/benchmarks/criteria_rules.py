"""The rules for answers that have criteria of their own."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from judgebench.benchmarks import rules
from judgebench.benchmarks.named_rules import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.items import ItemKey, Outcome, Reading


class CriteriaAccuracy(Rule):
    """Criteria beside people's labels."""

    name = "criteria_accuracy"
    formula = (
        "The share of an item's labelled criteria on which the judge's verdict is people's; no verdict is wrong. "
        "weighted_score beside it: weights of what is met over the positive weights, from 0 to 1; and the figures of "
        "labels over all criteria and for each."
    )
    source = "weighted score: HealthBench, arXiv 2505.08775"
    items = ("criteria",)
    templates = MappingProxyType({"criteria": "criteria"})

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """See the formula; the mean over samples."""
        return rules.criteria_outcome(item, readings)

    def scored(self, item: ItemKey, scores: tuple[float | None, ...]) -> Outcome:
        """Scores beside a grade of the whole answer; no credit, as a number says nothing of a criterion."""
        return rules.graded_outcome(item, [scores]) if item.human_score is not None else rules.unlabelled(item)
