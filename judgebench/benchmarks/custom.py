"""Rows of one's own: pairs, best of k, people's labels and grades, or no label at all."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks import base, forms, rules
from judgebench.benchmarks.annotating import by_item
from judgebench.benchmarks.checklists import COLUMN, checklist_of
from judgebench.errors import ConfigError, DataError
from judgebench.items import NO_STEP, TIE, Item, Outcome
from judgebench.metrics.accuracy import Layout
from judgebench.metrics.grades import correlations, grade_notes, grades_or_credits
from judgebench.metrics.steps import step_figures, step_notes
from judgebench.verdicts import KINDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from judgebench.items import ItemKey, Mode, Reading, Turn
    from judgebench.sources.source import Row

SUBSET = "all"
"""The subset of rows that name none."""

PROMPT = "prompt:"
"""How the groups of rows begin that name none, and have their prompt in common."""

FEWEST_PROMPTS = 10
"""With fewer different prompts these are no groups: so few clusters tell next to nothing of their spread."""


class Custom(base.Benchmark):
    """Any rows: the score is the mean over items, or the correlation where the labels are grades."""

    name = "custom"
    title = "Custom"
    source = "rows of your own"
    hub_split: str | None = None
    columns: tuple[str, ...] = (
        "prompt",
        "chosen, rejected (or completions, num_correct; response_a, response_b, label; response, label or human_score)",
        "or steps, label",
        "and, where there are any, id, subset, group, reference, rubric, criteria",
    )
    rule = (
        "Pairs as in RewardBench: 1 for the chosen answer, 0 for the rejected one, 0.5 for a tie or no usable "
        "verdict; where people said tie, 1 for a tie and 0 for a choice. Of k completions as in RewardBench 2: 1/m "
        "with m at the top, 1/k with no usable verdict. A single answer's class: 1 for the label, 0 for another or no "
        "usable verdict; of its criteria, the share that are people's; its first wrong step: F1 as in ProcessBench. "
        "The score is the mean over all items; for grades (human_score) that a judge rates it is Pearson's "
        "correlation; rows without a label have verdicts and no score."
    )
    has_official_way = False
    own_rows = True
    layout = Layout(overall="pooled", stratum=grades_or_credits)
    templates: Mapping[Mode, str] = MappingProxyType(
        {
            "pairwise": "pairwise",
            "best_of_k": "four-way",
            "rating": "rating-10",
            "label": "pass-fail",
            "criteria": "criteria",
            "steps": "first-wrong-step",
        }
    )

    def items(self, rows: Iterable[Row]) -> Iterator[Item]:
        """The rows as items; one without an id has the number of its row."""
        for number, (_, row) in enumerate(by_item((row, row) for row in rows), 1):
            base.gone_to(rows, row)
            if (item := base.made(rows, row, self._item, str(row.number or number))) is not None:
                yield item

    def item(self, row: Row) -> Item:
        """One row, whose id must be there."""
        return self._item(row, None)

    def answer_order(self, row: Row, number: int) -> tuple[str, tuple[int, ...]] | None:
        """By the label, which names one of the answers."""
        order = forms.answer_order(row)
        return None if order is None else (_id_of(row, str(number)), order)

    def _item(self, row: Row, number: str | None) -> Item:
        return self._of_form(row, number, forms.form_of(row))

    def _of_form(self, row: Row, number: str | None, form: forms.Form) -> Item:
        identifier = _id_of(row, number)
        checklist = checklist_of(row) if len(form.completions) == 1 else ()
        hidden = (COLUMN,) if checklist else ()
        group = _given_text(row, "group")
        return Item(
            id=identifier,
            subset=SUBSET if forms.given(row, "subset") is None else base.text_of(row, "subset"),
            conversation=form.conversation,
            completions=form.completions,
            num_correct=form.num_correct,
            reference=_given_text(row, "reference"),
            rubric=_given_text(row, "rubric"),
            label=form.label,
            human_score=form.human_score,
            group=group,
            annotations=form.annotations,
            slots=form.slots,
            attributes=form.attributes,
            metadata=base.metadata_of(row, *forms.TEXTS, *forms.ANSWERS, *hidden, "reference", "rubric"),
            checklist=checklist,
            steps=form.steps,
        )

    def check(self, keys: Collection[ItemKey]) -> None:
        """Refuses grades beside labels."""
        graded = next((key for key in keys if key.graded and key.label is None), None)
        labelled = next((key for key in keys if (key.num_correct or key.label) and not key.graded), None)
        if graded is not None and labelled is not None:
            raise DataError(
                f"the rows mix grades (human_score, item '{graded.id}') and labels (item '{labelled.id}'), which have "
                "no common score: split the file"
            )

    def label_class(self, row: Row, item: Item) -> str | None:
        """The letter that the row's label is, where it has one."""
        if item.steps and item.label is not None:
            return "no wrong step" if item.key.gold == str(NO_STEP) else "a wrong step"
        k = len(item.completions)
        if k == 1 and item.label is not None:
            return item.label
        if any(each.label is not None for each in item.checklist):
            return COLUMN
        label = forms.letter_of(row, k) if item.num_correct and not item.label else None
        return label or super().label_class(row, item)

    def key(self, item: Item) -> ItemKey:
        """By its prompt, where no column says more and there is one: not in verdicts that were made elsewhere."""
        alone = item.group is not None or not item.conversation
        return item.key if alone else item.key_in(_same_prompt(item.conversation))

    def groups(self, keys: Collection[ItemKey]) -> Mapping[str, str | None]:
        """Rows with a prompt of their own are in no group; nor is any by its prompt, where prompts are few."""
        counts = Counter(key.group for key in keys if key.group is not None and key.group.startswith(PROMPT))
        few = len(counts) < FEWEST_PROMPTS
        alone = {group for group, count in counts.items() if few or count == 1}
        return {key.id: None for key in keys if key.group in alone}

    def default_template(self, keys: Collection[ItemKey]) -> str:
        """By the data: what every item fits."""
        sizes = {key.k for key in keys}
        if any(key.checklist for key in keys):
            return self.templates["criteria"]
        if any(key.steps for key in keys):
            return self.templates["steps"]
        if any(key.classed for key in keys):
            return self.templates["label"]
        if any(key.human_score is not None for key in keys):
            return "direct-assessment"
        if any(key.attributes for key in keys):
            return "attributes"
        if 1 in sizes:
            return self.templates["rating"]
        if sizes == {2}:
            return "pairwise-ties" if any(key.label == TIE for key in keys) else self.templates["pairwise"]
        return self.templates["best_of_k"]

    def questions(self, item: ItemKey, mode: Mode) -> list[tuple[int, ...]]:
        """The completions that each question shows; a single one can only be rated or labelled."""
        if item.k == 1 and KINDS[mode].ordered:
            own = "criteria, " if item.checklist else "steps, " if item.steps else ""
            modes = f"{own}rating or label"
            raise ConfigError(f"item '{item.id}' has one completion: take a template of mode {modes}")
        return super().questions(item, mode)

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """By the kind of label that the item has."""
        if not base.is_rating(readings):
            if item.label == TIE:
                return rules.tied_choices_outcome(item, readings)
            if not item.num_correct:
                return rules.unlabelled(item, source=rules.choice_source(readings))
            return rules.choices_outcome(item, readings, neutral=1 / item.k)
        if item.graded:
            return rules.judged_grade(item, readings)
        samples = rules.ratings_by_sample(item, readings)
        if item.k == 2 and item.num_correct:
            return rules.scores_outcome(item, samples, rules.above_or_half, neutral=0.5)
        return self._by_scores(item, samples, neutral=1 / item.k)

    def scored(self, item: ItemKey, scores: tuple[float | None, ...]) -> Outcome:
        """By the kind of label that the item has; a missing score counts 0."""
        if item.graded:
            return rules.scored_grade(item, scores)
        if item.k == 2 and item.num_correct:
            return rules.scores_outcome(item, [scores], rules.strictly_above, neutral=0.0)
        found = self._by_scores(item, [scores], neutral=0.0)
        return replace(found, low=0.0, high=1.0) if found.credit is None and None in scores else found

    def _by_scores(self, item: ItemKey, samples: Sequence[tuple[float | None, ...]], neutral: float) -> Outcome:
        if item.label == TIE and item.k > 1:
            return rules.tied_scores_outcome(item, samples, neutral)
        if not item.num_correct:
            return rules.unlabelled(item, scores=tuple(samples))
        return rules.scores_outcome(item, samples, rules.share_at_top, neutral)

    def extra(self, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """The three correlations, where the labels are grades; F1 and both accuracies, where they are wrong steps."""
        return correlations(outcomes) | step_figures(outcomes, self.layout)

    def notes(self, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """What is unlabelled, and what the correlation is of."""
        yield from super().notes(outcomes)
        yield from grade_notes(outcomes)
        yield from step_notes(outcomes)
        yield from group_notes([outcome.item for outcome in outcomes])
        yield from pair_notes([outcome.item for outcome in outcomes])


def group_notes(keys: Sequence[ItemKey]) -> Iterator[str]:
    """Which items belong together, where some do."""
    sizes = Counter(key.group for key in keys if key.group is not None)
    if len(sizes) == sum(sizes.values()):
        return
    by_prompt = all(group.startswith(PROMPT) for group in sizes)
    what = "prompts" if by_prompt else "groups"
    yield (
        f"{sum(sizes.values())} of {len(keys)} items share {len(sizes)} {what}: intervals and tests are clustered by "
        + ("prompt (a column 'group' names other groups)" if by_prompt else "group")
    )


def pair_notes(keys: Sequence[ItemKey]) -> Iterator[str]:
    """Where the preferences of a judge go to, where it has judged pairs without a label."""
    pairs = sum(key.k == 2 and not key.labelled for key in keys)
    if pairs:
        what = "1 pair has" if pairs == 1 else f"{pairs:,} pairs have"
        yield (
            f"{what} no label: judgebench filter ROWS -j JUDGE --out FILE --preferences FILE writes preference pairs "
            "from the cached replies (runs no longer have a preferences.jsonl)"
        )


def _id_of(row: Row, number: str | None) -> str:
    return number if number is not None and forms.given(row, "id") is None else base.text_of(row, "id")


def _given_text(row: Row, column: str) -> str | None:
    return None if forms.given(row, column) is None else base.text_of(row, column)


def _same_prompt(conversation: Sequence[Turn]) -> str:
    said = json.dumps([(turn.role, turn.text) for turn in conversation])
    return PROMPT + hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:12]
