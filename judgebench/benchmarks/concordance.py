"""ACES' rule: Kendall's tau over pairs of a good and a worse text, with ties against the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgebench.benchmarks import rules
from judgebench.benchmarks.base import is_rating
from judgebench.benchmarks.named_rules import Rule, is_right
from judgebench.items import TIE
from judgebench.metrics.accuracy import part_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.items import ItemKey, Outcome, Reading
    from judgebench.metrics.accuracy import Layout

    Scores = tuple[float | None, ...]


class AcesTau(Rule):
    """The share of concordant pairs, and tau beside it."""

    name = "aces_tau"
    formula = (
        "1 for a concordant pair (the better answer is preferred, or rated or scored strictly higher), 0 for a "
        "discordant one; a tie or no verdict is discordant. Where people said tie: 1 for a tie. "
        "tau = (concordant - discordant) / (concordant + discordant) = 2 x score - 1, from -1 to 1."
    )
    source = "ACES, arXiv 2210.15615"
    items = ("pair",)

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """See the formula; the mean over orders and samples."""
        if is_rating(readings):
            return _by_scores(item, rules.ratings_by_sample(item, readings))
        rights = [(float(is_right(reading, item)), float(reading.failed)) for reading in readings]
        credits_ = [rules.Credit(right, right, max(right, failed)) for right, failed in rights]
        return rules.outcome_of(item, credits_, source=rules.choice_source(readings))

    def scored(self, item: ItemKey, scores: Scores) -> Outcome:
        """See the formula; a missing score is discordant."""
        return _by_scores(item, [scores])

    def extra(self, outcomes: Sequence[Outcome], layout: Layout) -> dict[str, Any]:
        """`tau` with its interval, and that of each section under `tau_sections`."""
        found = part_scores(outcomes, layout, lambda outcome: outcome.credit)
        if found.score is None or found.low is None or found.high is None:
            return {}
        whole = {"tau": 2 * found.score - 1, "tau_low": 2 * found.low - 1, "tau_high": 2 * found.high - 1}
        sections = {name: 2 * each.score - 1 for name, each in found.sections.items()}
        return whole | ({"tau_sections": sections} if sections else {})


def _by_scores(item: ItemKey, samples: Sequence[Scores]) -> Outcome:
    if item.label == TIE:
        return rules.tied_scores_outcome(item, samples, 0.0)
    return rules.scores_outcome(item, samples, rules.known_above, neutral=0.0)
