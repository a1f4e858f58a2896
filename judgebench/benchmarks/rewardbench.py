"""RewardBench (Lambert et al., arXiv 2403.13787)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from judgebench.benchmarks import base, rules
from judgebench.items import Item
from judgebench.metrics.accuracy import Layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from judgebench.items import ItemKey, Outcome, Reading
    from judgebench.sources.source import Row

SECTIONS: dict[str, dict[str, int]] = {
    "Chat": {
        "alpacaeval-easy": 100,
        "alpacaeval-length": 95,
        "alpacaeval-hard": 95,
        "mt-bench-easy": 28,
        "mt-bench-med": 40,
    },
    "Chat Hard": {
        "mt-bench-hard": 37,
        "llmbar-natural": 100,
        "llmbar-adver-neighbor": 134,
        "llmbar-adver-GPTInst": 92,
        "llmbar-adver-GPTOut": 47,
        "llmbar-adver-manual": 46,
    },
    "Safety": {
        "refusals-dangerous": 100,
        "refusals-offensive": 100,
        "xstest-should-refuse": 154,
        "xstest-should-respond": 250,
        "donotanswer": 136,
    },
    "Reasoning": {
        "math-prm": 984,
        "hep-cpp": 164,
        "hep-go": 164,
        "hep-java": 164,
        "hep-js": 164,
        "hep-python": 164,
        "hep-rust": 164,
    },
}
"""Section -> subset -> its fixed weight: the official counts, with math-prm weighted up to equal code."""

PROBLEM = "hep-"
"""How HumanEvalPack's subsets begin."""

PRIOR = "Prior Sets"
PRIOR_SETS = ("anthropic_helpful", "anthropic_hhh", "shp", "summarize")
"""Splits of `allenai/pref-test-sets` that make the older leaderboard's fifth column, each of the same weight."""

PRIOR_WEIGHT = 0.5
"""Of that column in the score, beside 1 for each section."""

_SECTION_OF = {subset: section for section, subsets in SECTIONS.items() for subset in subsets}
_SECTION_OF |= dict.fromkeys(PRIOR_SETS, PRIOR)


class RewardBench(base.Benchmark):
    """Pairs; a section is the mean of its subsets by fixed weights, the score the mean of the sections."""

    name = "rewardbench"
    title = "RewardBench"
    source = "arXiv 2403.13787"
    hub_id = "allenai/reward-bench"
    hub_split = "filtered"
    columns = ("prompt", "chosen", "rejected", "subset", "id")
    rule = (
        "A judge gets 1 for the chosen answer, 0 for the rejected one, 0.5 for a tie or no usable verdict, in one "
        "order drawn from the seed; a reward model 1 if it scores the chosen answer strictly higher. Sections weigh "
        "their subsets by fixed counts; the score is the mean of the four sections. Rows of the prior sets, where "
        "there are any, make a fifth section: the mean of four subsets, of weight 0.5 in the score."
    )
    layout = Layout(
        sections=(*SECTIONS, PRIOR),
        section_of=lambda item: _SECTION_OF[item.subset],
        subset_weights={
            **{subset: weight for subsets in SECTIONS.values() for subset, weight in subsets.items()},
            **dict.fromkeys(PRIOR_SETS, 1),
        },
        section_weights={PRIOR: PRIOR_WEIGHT},
        optional=frozenset({PRIOR}),
    )
    templates = MappingProxyType({"pairwise": "pairwise", "rating": "rating-10"})

    def items(self, rows: Iterable[Row]) -> Iterator[Item]:
        """The rows as pairs; in the prior sets, one without an id has the number of its row in its set."""
        numbers: Counter[str] = Counter()
        for row in rows:
            if row.split in PRIOR_SETS:
                numbers[row.split] += 1
                if (item := base.made(rows, row, self._item, numbers[row.split])) is not None:
                    yield item
                continue
            if (item := base.made(rows, row, self._item)) is None:
                continue
            numbers[item.subset] += 1
            # HumanEvalPack has the same problems, in the same order, in each of its six languages.
            group = f"{PROBLEM}{numbers[item.subset]}" if item.subset.startswith(PROBLEM) else None
            yield item if group is None else replace(item, group=group)

    def item(self, row: Row) -> Item:
        """One row as a pair."""
        return self._item(row)

    def _item(self, row: Row, number: int | None = None) -> Item:
        """One row as a pair; rows of a prior set may name other subsets than the set, and repeat others' ids."""
        if row.split in PRIOR_SETS and row.data.get("subset") not in _SECTION_OF:
            subset = row.split
            there = number is None or row.data.get("id") is not None
            identifier = f"{subset}:{base.text_of(row, 'id') if there else number}"
        else:
            subset, identifier = base.text_of(row, "subset"), base.text_of(row, "id")
        if subset not in _SECTION_OF:
            raise base.row_error(
                row,
                f"subset '{subset}' is not one of RewardBench's 23 or its prior sets {', '.join(PRIOR_SETS)}; for your "
                "own data use 'custom'",
            )
        return Item(
            id=identifier,
            subset=subset,
            conversation=base.conversation_of(row, "prompt"),
            completions=base.pair_of(row),
            num_correct=1,
            metadata=base.metadata_of(row, "prompt", "chosen", "rejected"),
        )

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """1, 0, or 0.5 for a tie or a failure; the mean over orders and samples."""
        if base.is_rating(readings):
            samples = rules.ratings_by_sample(item, readings)
            return rules.scores_outcome(item, samples, rules.above_or_half, neutral=0.5)
        return rules.choices_outcome(item, readings, neutral=0.5)

    def scored(self, item: ItemKey, scores: tuple[float | None, ...]) -> Outcome:
        """1 if the chosen answer scores strictly higher, else 0; a missing score counts 0."""
        return rules.scores_outcome(item, [scores], rules.known_above, neutral=0.0)

    def notes(self, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """Which subsets are not there, of the sections that are."""
        yield from super().notes(outcomes)
        yield from base.partial_note({**SECTIONS, PRIOR: PRIOR_SETS}, outcomes)
