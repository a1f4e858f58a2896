"""The named rules by name; a rule of a new kind has a module of its own and its line here."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from judgebench.benchmarks.agreement_rules import KappaOrSpearman
from judgebench.benchmarks.concordance import AcesTau
from judgebench.benchmarks.criteria_rules import CriteriaAccuracy
from judgebench.benchmarks.label_rules import BalancedAccuracy, LabelAccuracy, MacroF1
from judgebench.benchmarks.named_rules import (
    ConsistentAccuracy,
    GradeCorrelation,
    KAgainstOne,
    OrderAccuracy,
    OrderVotes,
    StrictPair,
)
from judgebench.benchmarks.people_rules import PairwiseF1
from judgebench.benchmarks.ranked_rules import BestBeatsEveryLoser, ReciprocalRank
from judgebench.benchmarks.right_against_wrong import RightAgainstWrong
from judgebench.benchmarks.step_rules import PrmScore, StepF1
from judgebench.benchmarks.three_way import ThreeWay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgebench.benchmarks.named_rules import Rule

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.name: rule
        for rule in (
            StrictPair(),
            OrderAccuracy(),
            OrderVotes(),
            ConsistentAccuracy(),
            ThreeWay(),
            AcesTau(),
            KAgainstOne(),
            BestBeatsEveryLoser(),
            ReciprocalRank(),
            RightAgainstWrong(),
            GradeCorrelation(),
            LabelAccuracy(),
            PairwiseF1(),
            BalancedAccuracy(),
            MacroF1(),
            KappaOrSpearman(),
            CriteriaAccuracy(),
            StepF1(),
            PrmScore(),
        )
    }
)
"""Name -> the rule."""

AVERAGES: Mapping[str, str] = MappingProxyType(
    {
        "micro": "mean over all items; one figure over all items, where the rule is no mean (correlation, F1)",
        "macro": "plain mean of the sections (of the subsets, where the file names no sections)",
        "weighted": "mean of the sections by their weights",
    }
)
"""How items make the score: the words of `average`, each with its formula. A section is the mean over its items, or of
its subsets by the weights that the file gives them."""


def rules_for(item: str) -> list[str]:
    """The names of the rules for a kind of item."""
    return [name for name, rule in RULES.items() if item in rule.items]
