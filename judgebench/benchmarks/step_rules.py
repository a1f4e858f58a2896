"""The rules of items in steps: ProcessBench's F1 of the first wrong step, and PRMBench's score of every step."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks import rules
from judgebench.benchmarks.named_rules import Rule
from judgebench.items import NO_STEP, Outcome
from judgebench.metrics.steps import (
    COUNTS,
    FIRST_WRONG,
    prm_figures,
    prm_stratum,
    step_counts,
    step_f1_stratum,
    step_figures,
    step_notes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.items import ItemKey, Mode, Reading
    from judgebench.metrics.accuracy import Layout, StratumOf

    Scores = tuple[float | None, ...]

_STEPS: Mapping[Mode, str] = MappingProxyType({"steps": "first-wrong-step"})
_REDUNDANT = frozenset({"redundency", "redundancy", "circular"})


class StepRule(Rule):
    """A rule of items in steps."""

    items = ("steps",)
    templates = _STEPS

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """What readings that name no step say: nothing."""
        return rules.unlabelled(item, source=rules.choice_source(readings))

    def judged_steps(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """See the formula."""
        return rules.step_outcome(item, readings)

    def scored(self, item: ItemKey, scores: Scores) -> Outcome:
        """One score of all steps says nothing of any."""
        return rules.unlabelled(item, scores=(scores,))

    def scored_steps(self, item: ItemKey, scores: Scores, threshold: float) -> Outcome:
        """See the formula."""
        return rules.scored_step_outcome(item, scores, threshold)

    def takes_redundancy(self, item: ItemKey) -> bool:  # noqa: ARG002 - for those that have another label of some items
        """Whether an item's steps are wrong where a score file says that they are redundant."""
        return False


class StepF1(StepRule):
    """ProcessBench's rule."""

    name = "step_f1"
    formula = (
        "a: share right of the items with a wrong step, b: of those without one; F1 = 2ab/(a+b) of a group of items. "
        "Right is the first wrong step, or -1; of several samples the mode counts; no verdict is wrong. Step scores: "
        "the first below --threshold."
    )
    source = "ProcessBench, arXiv 2412.06559"

    @property
    def stratum(self) -> StratumOf:
        """F1."""
        return step_f1_stratum

    def extra(self, outcomes: Sequence[Outcome], layout: Layout) -> dict[str, Any]:
        """`f1`, `error_accuracy` and `correct_accuracy`."""
        return step_figures(outcomes, layout)

    def notes(self, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """Whether there are items of both kinds."""
        yield from step_notes(outcomes)


class PrmScore(StepRule):
    """PRMBench's rule."""

    name = "prm_score"
    formula = (
        "Over all steps of a group of items: half the F1 of right steps and half that of wrong ones; the former alone "
        "where no step is wrong. Step scores: wrong at --threshold or below; redundancy labels, where a file has "
        "them, count inverted for the classes redundency and circular. A judge's verdict: the named step is wrong, "
        "the others right. Items without a verdict are left out."
    )
    source = "PRMBench, arXiv 2501.03124"

    @property
    def stratum(self) -> StratumOf:
        """The score."""
        return prm_stratum

    def takes_redundancy(self, item: ItemKey) -> bool:
        """Whether the item's class is one of redundant steps."""
        return item.subset in _REDUNDANT

    def judged_steps(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """The mean counts over samples."""
        source = rules.choice_source(readings)
        said = [int(reading.label) for reading in readings if reading.label is not None]
        if not said:
            return Outcome(item, None, 0.0, 1.0, source=source)
        return _counted(item, [{each} - {NO_STEP} for each in said], missing=len(said) < len(readings), source=source)

    def scored_steps(self, item: ItemKey, scores: Scores, threshold: float) -> Outcome:
        """See the formula."""
        known = [score for score in scores if score is not None]
        if len(known) < len(scores) or not scores:
            return Outcome(item, None, 0.0, 1.0, scores=(tuple(scores),))
        wrong = {at for at, score in enumerate(known) if score <= threshold}
        made = _counted(item, [wrong], scores=(tuple(scores),))
        return replace(made, parts={**made.parts, FIRST_WRONG: float(min(wrong, default=NO_STEP))})

    def extra(self, outcomes: Sequence[Outcome], layout: Layout) -> dict[str, Any]:  # noqa: ARG002
        """`f1` of right steps, `negative_f1` of wrong ones, and the share of either that is called what it is."""
        return prm_figures(outcomes)

    def notes(self, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """How many items are left out."""
        without = sum(step_counts(outcome) is None and outcome.item.label is not None for outcome in outcomes)
        if without:
            yield f"{without} of {len(outcomes)} items have no verdict and are left out of the score, as in the paper"


def _counted(item: ItemKey, said: Sequence[set[int]], *, missing: bool = False, **more: Any) -> Outcome:
    """The counts of an item's steps, the mean over what was said to be wrong, with the share of steps as its credit."""
    gold, steps = item.wrong_steps, range(item.steps)
    rows = []
    for wrong in said:
        cells = [(at in wrong, at in gold) for at in steps]
        rows.append(tuple(cells.count(cell) for cell in ((False, False), (False, True), (True, True), (True, False))))
    parts = {name: fmean(column) for name, column in zip(COUNTS, zip(*rows, strict=True), strict=True)}
    credit = (parts["tp"] + parts["tn"]) / item.steps
    low, high = (0.0, 1.0) if missing else (credit, credit)
    return Outcome(item, credit, low, high, parts=parts, **more)
