"""A benchmark of one's own: sums, each with one right result and several wrong ones."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from judgebench.benchmarks import base, rules
from judgebench.items import Item, Turn
from judgebench.metrics.accuracy import Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.items import ItemKey, Outcome, Reading
    from judgebench.sources.source import Row

LEVELS = ("easy", "hard")


class Toy(base.Benchmark):
    """Which of the results is right; the score is the mean of two sections, easy sums and hard ones."""

    name = "toy"
    title = "Toy sums"
    source = "an example"
    hub_id = str(Path(__file__).with_name("rows.jsonl"))  # or the id of a dataset on the hub
    hub_split = None
    columns = ("id", "sum", "right", "wrong", "level")
    rule = "1 for the right result, 0 for a wrong one, 1/k for no usable verdict; the mean of easy and hard."
    layout = Layout(sections=LEVELS, section_of=lambda item: item.subset)
    templates = MappingProxyType({"best_of_k": "four-way", "rating": "rating-10"})

    def item(self, row: Row) -> Item:
        """One row: the right result first, then the wrong ones."""
        wrong, level = base.list_of(row, "wrong"), base.text_of(row, "level")
        if level not in LEVELS:
            raise base.row_error(row, f"level '{level}' is not one of {', '.join(LEVELS)}")
        return Item(
            id=base.text_of(row, "id"),
            subset=level,
            conversation=(Turn("user", f"What is {base.text_of(row, 'sum')}?"),),
            completions=(
                base.completion_of(row, "right", base.text_of(row, "right")),
                *(base.completion_of(row, "wrong", str(result)) for result in wrong),
            ),
            num_correct=1,
        )

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """What a judge's verdicts are worth: `rules` has what most benchmarks need."""
        if base.is_rating(readings):
            samples = rules.ratings_by_sample(item, readings)
            return rules.scores_outcome(item, samples, rules.share_at_top, neutral=1 / item.k)
        return rules.choices_outcome(item, readings, neutral=1 / item.k)

    def scored(self, item: ItemKey, scores: tuple[float | None, ...]) -> Outcome:
        """What a reward model's scores are worth."""
        return rules.scores_outcome(item, [scores], rules.share_at_top, neutral=0.0)
