"""JudgeBench (Tan et al., arXiv 2410.12784): pairs with an objectively right and a wrong answer, in two splits."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from judgebench.benchmarks import base, rules
from judgebench.items import Item
from judgebench.metrics.accuracy import Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.items import ItemKey, Outcome, Reading
    from judgebench.sources.source import Row

CATEGORIES = {
    "mmlu-pro": "knowledge",
    "livebench-reasoning": "reasoning",
    "livebench-math": "math",
    "livecodebench": "coding",
}
"""How a source begins -> its category."""

LABELS = {"A>B": ("response_A", "response_B"), "B>A": ("response_B", "response_A")}
"""Label -> the columns of the right and of the wrong answer."""


def category_of(source: str) -> str | None:
    """The category of a source; None for an unknown one."""
    return next((category for start, category in CATEGORIES.items() if source.startswith(start)), None)


class JudgeBench(base.Benchmark):
    """Pairs, each judged in both orders: right if more orders agree with the label than contradict it."""

    source = "arXiv 2410.12784"
    hub_id = "ScalerLab/JudgeBench"
    columns = ("pair_id", "source", "question", "response_A", "response_B", "label")
    rule = (
        "Both orders are judged: +1 for each that agrees with the label, -1 for each that says the opposite, 0 for a "
        "tie or no verdict; a pair is right if the sum is above 0. Ratings and reward models: right if the better "
        "answer is strictly higher. The score is the share of right pairs over all pairs, not a mean of categories."
    )
    layout = Layout(
        sections=tuple(CATEGORIES.values()), section_of=lambda item: category_of(item.subset), overall="items"
    )
    templates = MappingProxyType({"pairwise": "five-point", "rating": "rating-10"})
    official_orders = "both"
    joint_orders = True

    def item(self, row: Row) -> Item:
        """One row as a pair, the right answer first; the order in which a judge sees them is drawn from the seed."""
        source = base.text_of(row, "source")
        if category_of(source) is None:
            raise base.row_error(row, f"source '{source}' begins with none of {', '.join(CATEGORIES)}")
        label = base.text_of(row, "label").strip()
        if label not in LABELS:
            raise base.row_error(row, f"label is '{label}', expected A>B or B>A")
        return Item(
            id=base.text_of(row, "pair_id"),
            subset=source,
            conversation=base.conversation_of(row, "question"),
            completions=tuple(base.completion_of(row, column, base.value_of(row, column)) for column in LABELS[label]),
            num_correct=1,
            metadata=base.metadata_of(row, "question", "response_A", "response_B", "label"),
        )

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """The rule over the orders of each sample, the mean over samples; an unreadable rating makes a pair wrong."""
        if base.is_rating(readings):
            samples = rules.ratings_by_sample(item, readings)
            return rules.scores_outcome(item, samples, rules.known_above, neutral=0.0)
        by_sample: dict[int, list[Reading]] = {}
        for reading in readings:
            by_sample.setdefault(reading.sample, []).append(reading)
        credits_ = [_credit(orders) for orders in by_sample.values()]
        return rules.outcome_of(item, credits_, source=rules.choice_source(readings))

    def scored(self, item: ItemKey, scores: tuple[float | None, ...]) -> Outcome:
        """1 if the right answer scores strictly higher, else 0; a missing score counts 0."""
        return rules.scores_outcome(item, [scores], rules.known_above, neutral=0.0)


def _credit(orders: Sequence[Reading]) -> rules.Credit:
    """1 if the votes of all orders sum to more than 0; a failure is a vote of 0 (-1 and +1 in the bounds)."""
    failed = sum(reading.failed for reading in orders)
    votes = sum(1 if reading.choice == 0 else -1 for reading in orders if reading.choice is not None)
    return rules.Credit(float(votes > 0), float(votes - failed > 0), float(votes + failed > 0))


class JudgeBenchGpt(JudgeBench):
    """The 350 pairs of answers by GPT-4o."""

    name = "judgebench-gpt"
    title = "JudgeBench (GPT-4o pairs)"
    hub_split = "gpt"


class JudgeBenchClaude(JudgeBench):
    """The 270 pairs of answers by Claude 3.5 Sonnet."""

    name = "judgebench-claude"
    title = "JudgeBench (Claude pairs)"
    hub_split = "claude"
