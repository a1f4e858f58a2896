"""Rules of answers in classes: accuracy, and the two scores that do not depend on how many answers each class has."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from judgebench.benchmarks import rules
from judgebench.benchmarks.named_rules import Rule
from judgebench.metrics.labelscore import SAID, macro_f1_stratum

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.items import ItemKey, Mode, Outcome, Reading
    from judgebench.metrics.accuracy import StratumOf

_FIGURES = (
    "Accuracy, balanced accuracy, macro-F1, precision, recall, specificity, kappa, Matthews' coefficient and the "
    "confusion table beside it. Scores: ROC AUC and average precision, no score."
)


class LabelAccuracy(Rule):
    """Answers in classes."""

    name = "label_accuracy"
    formula = f"1 if the judge's class is the answer's label, else 0; no verdict is wrong. {_FIGURES}"
    source = "the usual figures of a classifier; docs/metrics.md"
    items = ("label",)
    templates: ClassVar[Mapping[Mode, str]] = MappingProxyType({"label": "pass-fail"})

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """See the formula; the mean over samples."""
        return rules.label_outcome(item, readings)

    def scored(self, item: ItemKey, scores: tuple[float | None, ...]) -> Outcome:
        """Scores beside a grade; no credit, as a number is no class."""
        if item.human_score is not None:
            return rules.graded_outcome(item, [scores])
        return rules.unlabelled(item, scores=(scores,), source={})


class BalancedAccuracy(LabelAccuracy):
    """The mean of the classes' recalls."""

    name = "balanced_accuracy"
    formula = (
        "The plain mean over the labels' classes of the share whose class the judge says (recall); no verdict is "
        f"wrong. {_FIGURES}"
    )
    source = "LLM-AggreFact, arXiv 2404.10774; FaithBench, arXiv 2410.13210"

    def part_of(self, item: ItemKey) -> str:
        """The class of the item's label: classes count the same."""
        return item.label or ""


class MacroF1(LabelAccuracy):
    """The mean of the classes' F1."""

    name = "macro_f1"
    formula = (
        "The plain mean of F1 = 2 TP / (2 TP + FP + FN) over all classes that are a label or are said; no verdict is "
        f"a miss of the label's class. {_FIGURES}"
    )
    source = "the usual figure of a classifier; PaperBench JudgeEval, arXiv 2504.01848; FaithBench, arXiv 2410.13210"

    @property
    def stratum(self) -> StratumOf:
        """Macro-F1."""
        return macro_f1_stratum

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """The classes that were said, each with the share of readings that say it."""
        said = [reading.label for reading in readings]
        shares = {f"{SAID}{label}": fmean(each == label for each in said) for label in {*said} - {None}}
        return replace(rules.label_outcome(item, readings), parts=shares)
