"""LLMBar (Zeng et al., arXiv 2310.07641), from the five subsets that RewardBench's rows hold of it."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks import base, rules
from judgebench.errors import ConfigError
from judgebench.items import Item
from judgebench.metrics.accuracy import Layout, part_scores

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from judgebench.items import ItemKey, Outcome, Reading
    from judgebench.sources.source import Row

SUBSETS = (
    "llmbar-natural",
    "llmbar-adver-neighbor",
    "llmbar-adver-GPTInst",
    "llmbar-adver-GPTOut",
    "llmbar-adver-manual",
)

OWN = "llmbar"
"""The subset of rows of LLMBar's own files, where their path does not say which they are of."""


class LLMBar(base.Benchmark):
    """Pairs, each judged in both orders; the score is the mean over both orders."""

    name = "llmbar"
    title = "LLMBar"
    source = "arXiv 2310.07641"
    hub_id = "allenai/reward-bench"
    hub_split = "filtered"
    columns = (
        "prompt",
        "chosen",
        "rejected",
        "subset",
        "id",
        "or LLMBar's own dataset.json: input, output_1, output_2, label",
    )
    rule = (
        "Both orders are judged: 1 for the better output, 0 for the other, for a tie or for no usable verdict; the "
        "score is the mean over both orders and all items, agreement the share of items with the same winner in both. "
        "Ratings: 1 if the better output is rated higher, 0.5 if equal or unreadable; a reward model 1 if strictly "
        "higher. Rows of RewardBench's other subsets are skipped."
    )
    layout = Layout(overall="items")
    templates = MappingProxyType({"pairwise": "pairwise", "rating": "rating-10"})
    official_orders = "both"

    def items(self, rows: Iterable[Row]) -> Iterator[Item]:
        """The items among RewardBench's rows.

        Raises:
            ConfigError: A row is malformed, or none belongs to LLMBar.
        """
        found = False
        for row in rows:
            if base.text_of(row, "subset") in {*SUBSETS, OWN}:
                found = True
                if (item := base.made(rows, row, self.item)) is not None:
                    yield item
        if not found:
            source = getattr(rows, "name", "the data")
            raise ConfigError(f"{source}: no row's subset is one of LLMBar's five ({', '.join(SUBSETS)})")

    def item(self, row: Row) -> Item:
        """One row as a pair."""
        return Item(
            id=base.text_of(row, "id"),
            subset=base.text_of(row, "subset"),
            conversation=base.conversation_of(row, "prompt"),
            completions=base.pair_of(row),
            num_correct=1,
            metadata=base.metadata_of(row, "prompt", "chosen", "rejected"),
        )

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """1 or 0, a tie or failure 0, the mean over orders and samples; equal or unreadable ratings 0.5.

        So the authors' script counts: no parsed winner equals no label, and of two equal ratings each order has its
        own winner.
        """
        if base.is_rating(readings):
            samples = rules.ratings_by_sample(item, readings)
            return rules.scores_outcome(item, samples, rules.above_or_half, neutral=0.5)
        return replace(rules.choices_outcome(item, readings, neutral=0.0), parts=self.over_orders(readings))

    def over_orders(self, readings: Sequence[Reading]) -> Mapping[str, float]:
        """`agrees`: 1 if all orders have the same winner, else 0; not there with one order, ratings or a failure."""
        agrees = None if base.is_rating(readings) else _agrees(readings)
        return {} if agrees is None else {"agrees": agrees}

    def scored(self, item: ItemKey, scores: tuple[float | None, ...]) -> Outcome:
        """1 if the better output scores strictly higher, else 0; a missing score counts 0."""
        return rules.scores_outcome(item, [scores], rules.strictly_above, neutral=0.0)

    def extra(self, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """`agreement`: of the items with a verdict in every order, the share with the same winner in all."""
        found = part_scores(outcomes, self.layout, lambda outcome: outcome.parts.get("agrees"))
        if found.score is None:
            return {}
        return {"agreement": found.score, "agreement_low": found.low, "agreement_high": found.high}

    def notes(self, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """Which of the five subsets are not there."""
        yield from super().notes(outcomes)
        yield from base.partial_note({self.title: SUBSETS}, outcomes)


def _agrees(readings: Sequence[Reading]) -> float | None:
    """1 if all readings have the same winner, else 0; None with one order only, or with a failure."""
    if any(reading.failed for reading in readings) or len({reading.order for reading in readings}) < 2:
        return None
    return float(len({reading.choice for reading in readings}) == 1)
