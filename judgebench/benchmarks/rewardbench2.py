"""RewardBench 2 (Malik et al., arXiv 2506.01937)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from judgebench.benchmarks import base, rules
from judgebench.items import Item
from judgebench.metrics import ties
from judgebench.metrics.accuracy import Layout
from judgebench.sources.source import id_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.items import ItemKey, Outcome, Reading
    from judgebench.sources.source import Row

TIES = "Ties"
DOMAINS = ("Factuality", "Precise IF", "Math", "Safety", "Focus", TIES)


class RewardBench2(base.Benchmark):
    """Best of four in five domains, and ratings of many completions in Ties; the score is the mean of the six."""

    name = "rewardbench-2"
    title = "RewardBench 2"
    source = "arXiv 2506.01937"
    hub_id = "allenai/reward-bench-2"
    hub_split = "test"
    columns = ("id", "prompt", "chosen", "rejected", "num_correct", "subset")
    rule = (
        "A four-way judge gets 1 for the correct answer, 0 for another, 1/k for no usable verdict. Ratings and reward "
        "models: with m answers at the top score, 1/m if the correct one is among them; an unreadable rating counts "
        "-1, and 1/k if none is readable. Ties is always rated, and scored by its own rule over pairs of prompts. The "
        "score is the mean of the six domains."
    )
    layout = Layout(sections=DOMAINS, section_of=lambda item: item.subset, strata={TIES: ties.ties_stratum})
    templates = MappingProxyType({"best_of_k": "four-way", "rating": "rating-10"})
    ties_template = "rating-ties"

    def item(self, row: Row) -> Item:
        """One row: the chosen answers first, then the rejected ones."""
        subset = base.text_of(row, "subset")
        if subset not in DOMAINS:
            raise base.row_error(
                row, f"subset '{subset}' is not one of {', '.join(DOMAINS)}; for your own data use 'custom'"
            )
        identifier = base.text_of(row, "id")
        if subset == TIES and not ties.ID.fullmatch(identifier):
            raise base.row_error(row, f"id '{identifier}' in Ties, expected ref:N or tied:N with a number N")
        chosen, rejected = base.list_of(row, "chosen"), base.list_of(row, "rejected")
        said = row.data.get("num_correct")
        if said is not None and id_text(said) != str(len(chosen)):
            raise base.row_error(row, f"num_correct is {said}, but chosen has {len(chosen)} entries")
        return Item(
            id=identifier,
            subset=subset,
            conversation=base.conversation_of(row, "prompt"),
            completions=(
                *(base.completion_of(row, "chosen", text) for text in chosen),
                *(base.completion_of(row, "rejected", text) for text in rejected),
            ),
            num_correct=len(chosen),
            metadata=base.metadata_of(row, "prompt", "chosen", "rejected"),
        )

    def by_ties(self, item: ItemKey) -> bool:
        """Ties is always rated."""
        return item.subset == TIES

    def unit(self, item: ItemKey) -> str:
        """Both prompts of a Ties pair are kept together."""
        return f"{TIES}:{item.id.split(':')[1]}" if item.subset == TIES else item.id

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """By choice or by ratings; Ties always by ratings."""
        if base.is_rating(readings):
            return self._by_scores(item, rules.ratings_by_sample(item, readings), neutral=1 / item.k)
        return rules.choices_outcome(item, readings, neutral=1 / item.k)

    def scored(self, item: ItemKey, scores: tuple[float | None, ...]) -> Outcome:
        """The rule for ratings; an item with a missing score counts 0."""
        known = scores if None not in scores else (None,) * item.k
        return self._by_scores(item, [known], neutral=0.0)

    def _by_scores(self, item: ItemKey, samples: Sequence[tuple[float | None, ...]], neutral: float) -> Outcome:
        if item.subset == TIES:
            return rules.scores_outcome(item, samples, ties.ties_credit, neutral=0.0)
        return rules.scores_outcome(item, samples, rules.share_at_top, neutral)

    def notes(self, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """Which prompts of Ties have no partner."""
        yield from super().notes(outcomes)
        yield from _without_partner([o.item.id for o in outcomes if o.item.subset == TIES and o.credit is not None])


def _without_partner(ids: Sequence[str]) -> Iterator[str]:
    kinds = {kind: {each.partition(":")[2] for each in ids if each.startswith(kind)} for kind in ("ref", "tied")}
    pairs = kinds["ref"] & kinds["tied"]
    alone = [each for each in ids if each.partition(":")[2] not in pairs]
    if not alone:
        return
    said = f"{len(alone)} of {len(ids)} prompts of Ties have no partner: {base.named(alone)}"
    if pairs:
        yield f"{said}; parts of the rule that need both use the complete pairs only"
    else:
        weight = 0.41 if all(kinds.values()) else 0.71
        yield f"{said}; parts of the rule without data, {weight} of 1.01 in weight, count 0"
