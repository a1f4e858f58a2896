"""The rules that a benchmark file may name: pure functions from readings or scores to an item's credit.

Those of pairs, of one correct answer among k and of grades; `judgebench.benchmarks.registry` has them all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from judgebench.benchmarks import rules
from judgebench.benchmarks.base import is_rating
from judgebench.items import TIE
from judgebench.metrics.accuracy import mean_stratum, part_scores
from judgebench.metrics.grades import correlations, grade_notes, grades_or_credits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.items import ItemKey, Mode, Orders, Outcome, Reading
    from judgebench.metrics.accuracy import Layout, StratumOf

    Scores = tuple[float | None, ...]

_PAIRS: Mapping[Mode, str] = MappingProxyType({"pairwise": "pairwise", "rating": "rating-10"})
_BEST_OF_K: Mapping[Mode, str] = MappingProxyType({"best_of_k": "four-way", "rating": "rating-10"})
_GRADES: Mapping[Mode, str] = MappingProxyType({"rating": "direct-assessment"})


class Rule(ABC):
    """A named rule. Each method is a pure function of its arguments; the order of items never matters.

    Attributes:
        name: As in a benchmark file.
        formula: What an item's credit is, in a line or two.
        source: Whose rule it is.
        items: The kinds of item that it is for.
        templates: The default template of each mode in which it can ask; the first mode is its own.
        orders: In which orders it asks, where the file does not say.
        joint: Whether the orders of a question make one credit together.
        by_people: Whether it counts what each of several people said, and needs no label that they share.
        apart: Whether sections are different questions, so that people's labels of all together say nothing.
        by_slot: Whether it tells the first answer of a row from the second, which `ItemKey.criteria` then holds.
    """

    name: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    items: ClassVar[tuple[str, ...]]
    templates: ClassVar[Mapping[Mode, str]] = _PAIRS
    orders: ClassVar[Orders] = "one"
    joint: ClassVar[bool] = False
    apart: ClassVar[bool] = False
    by_slot: ClassVar[bool] = False
    by_people: ClassVar[bool] = False

    @property
    def stratum(self) -> StratumOf:
        """How a group of outcomes becomes a score; a mean of credits unless the rule is another."""
        return mean_stratum

    @property
    def is_mean(self) -> bool:
        """Whether a score is a mean of credits, weighted or not."""
        return self.stratum is mean_stratum

    def part_of(self, item: ItemKey) -> str:  # noqa: ARG002 - for those whose parts count the same
        """The part of its section that an item belongs to; see `Layout.part_of`."""
        return ""

    def problem(self, num_correct: int, k: int) -> str | None:  # noqa: ARG002 - for those that need a certain label
        """Why an item of k completions, so many of them correct, cannot be scored; None where it can."""
        return None

    def questions(self, item: ItemKey, mode: Mode) -> list[tuple[int, ...]] | None:  # noqa: ARG002 - for those that ask otherwise
        """The completions that each question shows; None for the usual ones of the mode."""
        return None

    @abstractmethod
    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """The outcome of an item with a label."""

    @abstractmethod
    def scored(self, item: ItemKey, scores: Scores) -> Outcome:
        """The outcome of an item with a label, from one score a completion; None where it is missing."""

    def over_orders(self, item: ItemKey, readings: Sequence[Reading]) -> Mapping[str, float]:  # noqa: ARG002
        """Parts of the outcome that compare the orders of an item."""
        return {}

    def bounds_of_parts(self, ways: Sequence[Outcome]) -> Mapping[str, float]:  # noqa: ARG002
        """See `Benchmark.bounds_of_parts`."""
        return {}

    def extra(self, outcomes: Sequence[Outcome], layout: Layout) -> dict[str, Any]:  # noqa: ARG002
        """Further figures of the rule for `metrics.json`."""
        return {}

    def notes(self, outcomes: Sequence[Outcome]) -> Iterator[str]:  # noqa: ARG002
        """What a reader of the rule's score must know."""
        yield from ()


def is_right(reading: Reading, item: ItemKey) -> bool:
    """Whether a reading has a verdict that is the item's label: a correct completion, or a tie where people said so."""
    if reading.failed:
        return False
    if item.label == TIE:
        return reading.choice is None
    return reading.choice is not None and reading.choice < item.num_correct


def by_sample(readings: Sequence[Reading]) -> list[list[Reading]]:
    """The readings of each sample."""
    samples: dict[int, list[Reading]] = {}
    for reading in readings:
        samples.setdefault(reading.sample, []).append(reading)
    return list(samples.values())


class StrictPair(Rule):
    """RewardBench's rule for a pair."""

    name = "strict_pair"
    formula = (
        "Judge: 1 for the chosen answer, 0 for the rejected one, 0.5 for a tie or no verdict. Where people said tie: 1 "
        "for a tie, 0 for a choice. Ratings: 1 if higher, 0.5 if equal. Scores: 1 if strictly higher, else 0."
    )
    source = "RewardBench, arXiv 2403.13787"
    items = ("pair",)

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """See the formula."""
        if is_rating(readings):
            samples = rules.ratings_by_sample(item, readings)
            if item.label == TIE:
                return rules.tied_scores_outcome(item, samples, 0.5)
            return rules.scores_outcome(item, samples, rules.above_or_half, neutral=0.5)
        if item.label == TIE:
            return rules.tied_choices_outcome(item, readings)
        return rules.choices_outcome(item, readings, neutral=0.5)

    def scored(self, item: ItemKey, scores: Scores) -> Outcome:
        """See the formula; a missing score counts 0."""
        if item.label == TIE:
            return rules.tied_scores_outcome(item, [scores], 0.0)
        return rules.scores_outcome(item, [scores], rules.known_above, neutral=0.0)


class OrderAccuracy(Rule):
    """LLMBar's rule: accuracy over both orders."""

    name = "order_accuracy"
    formula = (
        "Both orders; 1 for the better answer, 0 for the other, a tie or no verdict; an item's credit is the mean over "
        "its orders. agreement: share of items with the same winner in both. Ratings: 1 if higher, 0.5 if equal or "
        "unreadable. Scores: 1 if strictly higher, else 0."
    )
    source = "LLMBar, arXiv 2310.07641; CodeJudgeBench, arXiv 2507.10535"
    items = ("pair",)
    orders = "both"

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """See the formula."""
        if is_rating(readings):
            samples = rules.ratings_by_sample(item, readings)
            if item.label == TIE:
                return rules.tied_scores_outcome(item, samples, 0.5)
            return rules.scores_outcome(item, samples, rules.above_or_half, neutral=0.5)
        if item.label == TIE:
            credits_ = [_all_right([reading], item) for reading in readings]
            made = rules.outcome_of(item, credits_, source=rules.choice_source(readings))
        else:
            made = rules.choices_outcome(item, readings, neutral=0.0)
        return replace(made, parts=self.over_orders(item, readings))

    def over_orders(self, item: ItemKey, readings: Sequence[Reading]) -> Mapping[str, float]:  # noqa: ARG002
        """`agrees`: 1 if all orders have the same winner, else 0; not there with one order, ratings or a failure."""
        agrees = None if is_rating(readings) else _agrees(readings)
        return {} if agrees is None else {"agrees": agrees}

    def scored(self, item: ItemKey, scores: Scores) -> Outcome:
        """See the formula; a missing score counts 0."""
        if item.label == TIE:
            return rules.tied_scores_outcome(item, [scores], 0.0)
        return rules.scores_outcome(item, [scores], rules.strictly_above, neutral=0.0)

    def extra(self, outcomes: Sequence[Outcome], layout: Layout) -> dict[str, Any]:
        """`agreement`: of the items with a verdict in every order, the share with the same winner in all."""
        return figure("agreement", outcomes, layout, "agrees")


class OverOrders(Rule):
    """A rule whose credit comes from both orders of a pair at once."""

    items = ("pair",)
    orders = "both"
    joint = True

    @abstractmethod
    def credit(self, item: ItemKey, orders: Sequence[Reading]) -> rules.Credit:
        """The credit of one sample, from its verdict in each order."""

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """The rule over the orders of each sample, the mean over samples."""
        if is_rating(readings):
            return _strictly(item, rules.ratings_by_sample(item, readings))
        credits_ = [self.credit(item, orders) for orders in by_sample(readings)]
        parts = self.over_orders(item, readings)
        return rules.outcome_of(item, credits_, source=rules.choice_source(readings), parts=parts)

    def scored(self, item: ItemKey, scores: Scores) -> Outcome:
        """Right if strictly higher; a missing score counts 0."""
        return _strictly(item, [scores])


class OrderVotes(OverOrders):
    """JudgeBench's rule: the orders vote."""

    name = "order_votes"
    formula = (
        "Both orders; +1 for each that agrees with the label, -1 for each that says the opposite, 0 for a tie or no "
        "verdict; right if the sum is above 0. Ratings and scores: right if strictly higher."
    )
    source = "JudgeBench, arXiv 2410.12784"

    def credit(self, item: ItemKey, orders: Sequence[Reading]) -> rules.Credit:
        """The sum of the votes."""
        return _voted(orders, item)


class ConsistentAccuracy(OverOrders):
    """Right in every order."""

    name = "consistent_accuracy"
    formula = (
        "Both orders; right if the verdict is the label in each, so a tie or no verdict in one is wrong. "
        "accuracy_first, accuracy_last: with the better answer shown first, and last. Ratings and scores: right if "
        "strictly higher."
    )
    source = "ContextualJudgeBench, arXiv 2503.15620; ReasoningJudgeBench, arXiv 2505.13346"

    def credit(self, item: ItemKey, orders: Sequence[Reading]) -> rules.Credit:
        """Right in each order."""
        return _all_right(orders, item)

    def over_orders(self, item: ItemKey, readings: Sequence[Reading]) -> Mapping[str, float]:
        """`first` and `last`: the share right with the better answer shown there."""
        if is_rating(readings) or item.label == TIE:
            return {}
        parts: dict[str, float] = {}
        for name, place in (("first", 0), ("last", -1)):
            shown = [is_right(reading, item) for reading in readings if reading.order[place] == 0]
            if shown:
                parts[name] = sum(shown) / len(shown)
        return parts

    def extra(self, outcomes: Sequence[Outcome], layout: Layout) -> dict[str, Any]:
        """`accuracy_first` and `accuracy_last`, each with its interval."""
        return figure("accuracy_first", outcomes, layout, "first") | figure("accuracy_last", outcomes, layout, "last")


class KAgainstOne(Rule):
    """RewardBench 2's rule for k completions."""

    name = "k_against_one"
    formula = (
        "Judge: 1 for a correct answer of k, 0 for another, 1/k for no verdict. Ratings and scores: with m answers at "
        "the top, the share of them that are correct (1/m with one correct answer)."
    )
    source = "RewardBench 2, arXiv 2506.01937"
    items = ("best_of_k", "pair")
    templates = _BEST_OF_K

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """See the formula; an unreadable rating stands below all others."""
        if is_rating(readings):
            return _at_top(item, rules.ratings_by_sample(item, readings), 1 / item.k)
        return rules.choices_outcome(item, readings, neutral=1 / item.k)

    def scored(self, item: ItemKey, scores: Scores) -> Outcome:
        """See the formula; an item with a missing score counts 0."""
        return _at_top(item, [scores if None not in scores else (None,) * item.k], 0.0)


class GradeCorrelation(Rule):
    """Grades beside ratings."""

    name = "correlation"
    formula = (
        "Pearson's r of the ratings (of several samples, their mean) and the grades; Spearman's rho and Kendall's "
        "tau-b beside it. Answers without a rating are left out; scores take the ratings' place. Of grades by "
        "attribute: the mean of the attributes' r."
    )
    source = "Prometheus 2, arXiv 2405.01535"
    items = ("rating",)
    templates = _GRADES

    @property
    def stratum(self) -> StratumOf:
        """The correlation."""
        return grades_or_credits

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """The ratings beside the grade; no credit."""
        return rules.judged_grade(item, readings)

    def scored(self, item: ItemKey, scores: Scores) -> Outcome:
        """The score beside the grade; no credit."""
        return rules.scored_grade(item, scores)

    def extra(self, outcomes: Sequence[Outcome], layout: Layout) -> dict[str, Any]:  # noqa: ARG002
        """The three correlations."""
        return correlations(outcomes)

    def notes(self, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """What the correlation is of."""
        yield from grade_notes(outcomes)


def _at_top(item: ItemKey, samples: Sequence[Scores], neutral: float) -> Outcome:
    return rules.scores_outcome(item, samples, rules.share_at_top, neutral)


def _strictly(item: ItemKey, samples: Sequence[Scores]) -> Outcome:
    if item.label == TIE:
        return rules.tied_scores_outcome(item, samples, 0.0)
    return rules.scores_outcome(item, samples, rules.known_above, neutral=0.0)


def _voted(orders: Sequence[Reading], item: ItemKey) -> rules.Credit:
    """1 if the votes of all orders sum to more than 0; a failure is a vote of 0 (-1 and +1 in the bounds)."""
    failed = sum(reading.failed for reading in orders)
    if item.label == TIE:
        votes = sum((1 if reading.choice is None else -1) for reading in orders if not reading.failed)
    else:
        votes = sum(1 if reading.choice == 0 else -1 for reading in orders if reading.choice is not None)
    return rules.Credit(float(votes > 0), float(votes - failed > 0), float(votes + failed > 0))


def _all_right(orders: Sequence[Reading], item: ItemKey) -> rules.Credit:
    """1 if the verdict is the label in each order; a failure is wrong, and right in the upper bound."""
    right = float(all(is_right(reading, item) for reading in orders))
    high = float(all(reading.failed or is_right(reading, item) for reading in orders))
    return rules.Credit(right, right, high)


def _agrees(readings: Sequence[Reading]) -> float | None:
    """1 if all readings have the same winner, else 0; None with one order only, or with a failure."""
    if any(reading.failed for reading in readings) or len({reading.order for reading in readings}) < 2:
        return None
    return float(len({reading.choice for reading in readings}) == 1)


def figure(name: str, outcomes: Sequence[Outcome], layout: Layout, part: str) -> dict[str, Any]:
    """The mean of a part of the outcomes, with its interval; nothing where no item has it."""
    found = part_scores(outcomes, layout, lambda outcome: outcome.parts.get(part))
    if found.score is None:
        return {}
    return {name: found.score, f"{name}_low": found.low, f"{name}_high": found.high}
