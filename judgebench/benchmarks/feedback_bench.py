"""Direct assessment in the columns of Feedback-Bench (Kim et al., Prometheus 2, arXiv 2405.01535)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks import base, forms, rules
from judgebench.items import Completion, Item, Turn
from judgebench.metrics.accuracy import Layout
from judgebench.metrics.grades import correlation_stratum, correlations, grade_notes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from judgebench.items import ItemKey, Outcome, Reading
    from judgebench.sources.source import Row

SCALE = range(1, 6)
SUBSET = "Feedback-Bench"

_DESCRIPTIONS = tuple(f"orig_score{score}_description" for score in SCALE)
_TEXTS = ("orig_instruction", "orig_response", "orig_reference_answer", "orig_criteria", *_DESCRIPTIONS)
_ANSWERS = ("instruction", "input", "output", "messages", "orig_feedback", "orig_score")


class FeedbackBench(base.Benchmark):
    """One answer an item, rated from 1 to 5 by a rubric; the score is Pearson's correlation with the grades."""

    name = "feedback-bench"
    title = "Feedback-Bench"
    source = "arXiv 2405.01535"
    hub_id = "prometheus-eval/Feedback-Bench"
    hub_split = None
    columns = (*_TEXTS, "orig_score")
    rule = (
        "Each answer is rated from 1 to 5 by its rubric. The score is Pearson's correlation of the ratings (with "
        "several samples, their mean) with the grades; Spearman's and Kendall's are also given. Answers without a "
        "usable rating are left out, and coverage says how many; a reward model's scores take the ratings' place."
    )
    layout = Layout(overall="pooled", stratum=correlation_stratum)
    templates = MappingProxyType({"rating": "direct-assessment"})

    def items(self, rows: Iterable[Row]) -> Iterator[Item]:
        """The rows as items; one without an id has the number of its row."""
        for number, row in enumerate(rows, 1):
            if (item := base.made(rows, row, self._item, str(row.number or number))) is not None:
                yield item

    def item(self, row: Row) -> Item:
        """One row, whose id must be there."""
        return self._item(row, None)

    def _item(self, row: Row, number: str | None) -> Item:
        score = forms.number_of(row, "orig_score")
        if score is None or score not in SCALE:
            raise base.row_error(row, f"orig_score is {row.data.get('orig_score')!r}, expected a number from 1 to 5")
        descriptions = [f"{score}: {base.text_of(row, f'orig_score{score}_description')}" for score in SCALE]
        reference = forms.given(row, "orig_reference_answer")
        return Item(
            id=number if number is not None and forms.given(row, "id") is None else base.text_of(row, "id"),
            subset=SUBSET if forms.given(row, "subset") is None else base.text_of(row, "subset"),
            conversation=(Turn("user", base.text_of(row, "orig_instruction")),),
            completions=(Completion((Turn("assistant", base.text_of(row, "orig_response")),)),),
            num_correct=0,
            reference=None if reference is None else base.text_of(row, "orig_reference_answer"),
            rubric="\n".join([base.text_of(row, "orig_criteria"), *descriptions]),
            human_score=score,
            metadata=base.metadata_of(row, *_TEXTS, *_ANSWERS),
        )

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """The ratings beside the grade; no credit."""
        return rules.graded_outcome(item, rules.ratings_by_sample(item, readings))

    def scored(self, item: ItemKey, scores: tuple[float | None, ...]) -> Outcome:
        """The score beside the grade; no credit."""
        return rules.graded_outcome(item, [scores])

    def extra(self, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """The three correlations."""
        return correlations(outcomes)

    def notes(self, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """What the correlation is of."""
        yield from grade_notes(outcomes)
