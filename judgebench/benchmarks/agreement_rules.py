"""JUDGE-BENCH's rule: agreement with people by the kind of what they said."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from judgebench.benchmarks import rules
from judgebench.benchmarks.named_rules import Rule
from judgebench.metrics.coefficients import SAID, kappa_or_spearman

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.items import ItemKey, Mode, Outcome, Reading
    from judgebench.metrics.accuracy import Layout, StratumOf


class KappaOrSpearman(Rule):
    """Cohen's kappa of classes, Spearman's rho of grades."""

    name = "kappa_or_spearman"
    formula = (
        "Of classes Cohen's kappa of the judge's class and people's majority, of grades Spearman's rho of the rating "
        "(of several samples, their mean) and people's mean. Items without a verdict are left out; valid: the share of "
        "those with one."
    )
    source = "JUDGE-BENCH, arXiv 2406.18403"
    items = ("label", "rating")
    apart = True
    templates: ClassVar[Mapping[Mode, str]] = MappingProxyType({"label": "pass-fail", "rating": "direct-assessment"})

    @property
    def stratum(self) -> StratumOf:
        """The coefficient."""
        return kappa_or_spearman

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """Which classes were said, beside whether they are the label; or the rating beside the grade."""
        if item.label is None:
            return rules.judged_grade(item, readings)
        said = Counter(reading.label for reading in readings if reading.label is not None)
        shares = {SAID + name: count / len(readings) for name, count in said.items()}
        return replace(rules.label_outcome(item, readings), parts=shares)

    def scored(self, item: ItemKey, scores: tuple[float | None, ...]) -> Outcome:
        """The score beside the grade; no credit."""
        return rules.scored_grade(item, scores) if item.human_score is not None else rules.unlabelled(item)

    def extra(self, outcomes: Sequence[Outcome], layout: Layout) -> dict[str, Any]:  # noqa: ARG002
        """`valid`: the share of items with a verdict."""
        asked = [outcome for outcome in outcomes if outcome.item.labelled]
        valid = sum(bool(outcome.parts) or any(None not in sample for sample in outcome.scores) for outcome in asked)
        return {"valid": valid / len(asked)} if asked else {}

    def notes(self, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """What the score is."""
        if any(outcome.item.label is not None for outcome in outcomes):
            yield "the score is Cohen's kappa of the judge and the annotators' majority, from -1 to 1"
        elif any(outcome.item.human_score is not None for outcome in outcomes):
            yield "the score is Spearman's rho of ratings and the annotators' mean, from -1 to 1"
