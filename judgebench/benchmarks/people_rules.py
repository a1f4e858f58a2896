"""The rules for labels of several people, each of which counts for itself."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks import rules
from judgebench.benchmarks.named_rules import Rule
from judgebench.metrics.pairwise import balanced_f1_stratum, class_figures, pairs_of, people_figures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.items import ItemKey, Outcome, Reading
    from judgebench.metrics.accuracy import Layout, StratumOf


class PairwiseF1(Rule):
    """HealthBench's meta-evaluation."""

    name = "pairwise_f1"
    formula = (
        "Each pair of a verdict and one person's label is a row; precision, recall and F1 of each class over all rows; "
        "the score, and that of each section, is the mean of the two classes' F1. No verdict is wrong. people: what "
        "each person reaches against the others, the ceiling. An item's credit is the share of people who agree."
    )
    source = "HealthBench, arXiv 2505.08775"
    items = ("label",)
    templates = MappingProxyType({"label": "criterion"})
    by_people = True

    @property
    def stratum(self) -> StratumOf:
        """The mean F1."""
        return balanced_f1_stratum

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """See the formula; each of several samples counts as its part."""
        labels = [str(said) for _, said in item.annotations] or ([] if item.label is None else [item.label])
        source = rules.choice_source(readings)
        if not labels:
            return rules.unlabelled(item, source=source)
        credits_ = [
            rules.Credit(0.0, 0.0, 1.0)
            if reading.failed
            else rules.Credit.sure(labels.count(str(reading.label)) / len(labels))
            for reading in readings
        ]
        parts = pairs_of(labels, [reading.label for reading in readings])
        return rules.outcome_of(item, credits_, source=source, parts=parts)

    def scored(self, item: ItemKey, scores: tuple[float | None, ...]) -> Outcome:
        """No credit: a number is no class."""
        return rules.unlabelled(item, scores=(scores,))

    def extra(self, outcomes: Sequence[Outcome], layout: Layout) -> dict[str, Any]:
        """`pairwise`: precision, recall and F1 of each class; `people`: the people's own F1, in all and by section."""
        found = class_figures(outcomes)
        if found is None:
            return {}
        sections: dict[str, list[Outcome]] = {}
        for outcome in outcomes:
            if (section := layout.section_of(outcome.item)) is not None:
                sections.setdefault(section, []).append(outcome)
        people = people_figures(outcome.item.annotations for outcome in outcomes)
        by_section = {
            name: people_figures(outcome.item.annotations for outcome in among)
            for name, among in sorted(sections.items())
        }
        return {"pairwise": found, "people": None if people is None else {**people, "sections": by_section}}

    def notes(self, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """What people reach, and that the score has no bounds."""
        people, found = people_figures(outcome.item.annotations for outcome in outcomes), class_figures(outcomes)
        if people is not None:
            of = f"{people['people']} {'person' if people['people'] == 1 else 'people'}"
            mean = f"{100 * people['score']:.1f}%"
            yield f"people against each other, the ceiling: mean F1 {mean} ({of}, weighted by pairs)"
        if found is not None and found["f1"] is None:
            lacking = [name for name, each in found["classes"].items() if each["f1"] is None]
            why = f"of {' and '.join(lacking)} there are no verdicts or no labels" if lacking else "there is one class"
            yield f"no score: {why}, so its F1 is not known"
        failed = sum(outcome.failed for outcome in outcomes)
        if failed:
            yield f"{failed} of {len(outcomes)} items have a failure, which counts as wrong; the score has no bounds"
