"""Rules of one correct completion against the others: it beats them all, or its rank among them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from judgebench.benchmarks import rules
from judgebench.benchmarks.base import is_rating
from judgebench.benchmarks.named_rules import Rule
from judgebench.metrics.accuracy import part_scores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.items import ItemKey, Mode, Outcome, Reading
    from judgebench.metrics.accuracy import Layout

    Scores = tuple[float | None, ...]

RANK = "reciprocal_rank"
BOUNDS = ("_low", "_high")

LOWEST_RATING = 1.0
"""What RewardMATH's script takes for a rating that it cannot read."""


@dataclass(frozen=True, slots=True)
class CorrectRank:
    """The correct completion's rank: 1 + how many incorrect ones stand as high or higher.

    Attributes:
        worst: With every failure counted wrong.
        best: With every failure counted right.
    """

    value: int
    worst: int
    best: int

    @property
    def accuracy(self) -> rules.Credit:
        """1 for the first rank, else 0."""
        value, low, high = (float(rank == 1) for rank in (self.value, self.worst, self.best))
        return rules.Credit(value, low, high, substituted=value - low)


class _OneCorrect(Rule):
    """One correct completion, which a pairwise judge is asked against each of the others."""

    templates: ClassVar[Mapping[Mode, str]] = MappingProxyType({"pairwise": "pairwise", "rating": "rating-10"})

    def problem(self, num_correct: int, k: int) -> str | None:
        """It needs exactly one that is correct, and another."""
        if num_correct == 1 and k > 1:
            return None
        return f"has {num_correct} correct and {k - num_correct} incorrect completions; {self.name} needs 1 correct one"

    def questions(self, item: ItemKey, mode: Mode) -> list[tuple[int, ...]] | None:
        """The correct one against each of the others."""
        return [(0, other) for other in range(1, item.k)] if mode == "pairwise" else None


class ReciprocalRank(_OneCorrect):
    """RewardMATH's rule."""

    name = "reciprocal_rank"
    formula = (
        "Right if the correct answer scores strictly higher than all others; mrr: mean of 1/rank, rank = 1 + how many "
        "score as high or higher. Pairwise judge: the correct one against each other, rank = 1 + how many it does not "
        "win against (ties and failures too). An unreadable rating counts as the lowest."
    )
    source = "RewardMATH, arXiv 2410.01729"
    items = ("best_of_k", "pair")

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """The mean over samples; of pairs also over the correct one's places, where each was asked in both."""
        if is_rating(readings):
            samples = rules.ratings_by_sample(item, readings)
            return _ranked(item, [rated_rank(scores) for scores in samples], scores=samples)
        ranks = [pairwise_rank(unit) for unit in by_place(readings)]
        return _ranked(item, ranks, source=rules.choice_source(readings))

    def scored(self, item: ItemKey, scores: Scores) -> Outcome:
        """Right if strictly on top; with a missing score the item is wrong and its rank the last possible."""
        rank = rated_rank(scores)
        return _ranked(item, [replace(rank, value=rank.worst)], scores=(scores,))

    def bounds_of_parts(self, ways: Sequence[Outcome]) -> Mapping[str, float]:
        """The lowest and the highest reciprocal rank."""
        ranks = [way.parts.get(f"{RANK}{bound}", way.parts[RANK]) for way in ways if way.parts for bound in BOUNDS]
        return {} if len(set(ranks)) < 2 else {f"{RANK}{BOUNDS[0]}": min(ranks), f"{RANK}{BOUNDS[1]}": max(ranks)}

    def extra(self, outcomes: Sequence[Outcome], layout: Layout) -> dict[str, Any]:
        """`mrr`, its interval (`mrr_low`, `mrr_high`), and in `mrr_bounds` all failures counted wrong and right."""
        views = {"mrr": "", "low": "_low", "high": "_high"}
        found = {
            name: part_scores(outcomes, layout, partial(_reciprocal, bound=bound)) for name, bound in views.items()
        }
        mrr = found.pop("mrr")
        if mrr.score is None:
            return {}
        bounds = {name: each.score for name, each in found.items()}
        return {"mrr": mrr.score, "mrr_low": mrr.low, "mrr_high": mrr.high, "mrr_bounds": bounds}


class BestBeatsEveryLoser(_OneCorrect):
    """RMB's rule."""

    name = "best_beats_every_loser"
    formula = (
        "Right if the best answer beats every loser; a tie or no verdict is wrong. Of a pair (one loser) a judge's tie "
        "or missing verdict is 0.5. Ratings and scores: strictly higher than every loser. A judge may also be asked "
        "for the best of k."
    )
    source = "RMB, arXiv 2410.09893; best of N as in RM-R1's evaluation"
    items = ("best_of_k", "pair")
    templates: ClassVar[Mapping[Mode, str]] = MappingProxyType(
        {"pairwise": "pairwise", "rating": "rating-10", "best_of_k": "four-way"}
    )

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """The mean over samples, and over the best one's places where each was asked in both."""
        if is_rating(readings):
            samples = rules.ratings_by_sample(item, readings)
            rule, neutral = (rules.above_or_half, 0.5) if item.k == 2 else (rules.known_above, 0.0)
            return rules.scores_outcome(item, samples, rule, neutral)
        if item.k == 2:
            return rules.choices_outcome(item, readings, neutral=0.5)
        chosen = len(readings[0].order) > 2
        units = [[reading] for reading in readings] if chosen else by_place(readings)
        return rules.outcome_of(item, [_beats(unit) for unit in units], source=rules.choice_source(readings))

    def scored(self, item: ItemKey, scores: Scores) -> Outcome:
        """Strictly higher than every loser; a missing score counts 0."""
        return rules.scores_outcome(item, [scores], rules.known_above, neutral=0.0)


def _beats(readings: Sequence[Reading]) -> rules.Credit:
    """1 if the best one (index 0) is chosen in all readings; a failure is wrong, and right in the upper bound."""
    right = float(all(reading.choice == 0 for reading in readings))
    high = float(all(reading.failed or reading.choice == 0 for reading in readings))
    return rules.Credit(right, right, high)


def _reciprocal(outcome: Outcome, bound: str) -> float | None:
    """The reciprocal rank, or a bound of it where that is another."""
    return outcome.parts.get(f"{RANK}{bound}", outcome.parts.get(RANK))


def rated_rank(scores: Sequence[float | None]) -> CorrectRank:
    """The rank by a judge's ratings, the correct completion's first; None is a failure.

    A failure counts as a rating of 1, as in the authors' script; on a scale that begins elsewhere, as the lowest
    rating that was read, where that is lower.
    """
    lowest = min([LOWEST_RATING, *(score for score in scores if score is not None)])
    correct, *incorrect = scores
    rank = 1 + sum(
        (lowest if other is None else other) >= (lowest if correct is None else correct) for other in incorrect
    )
    if correct is None:
        return CorrectRank(rank, worst=len(scores), best=1)
    return CorrectRank(
        rank,
        worst=1 + sum(other is None or other >= correct for other in incorrect),
        best=1 + sum(other is not None and other >= correct for other in incorrect),
    )


def pairwise_rank(readings: Sequence[Reading]) -> CorrectRank:
    """The rank from one verdict on each pair: 1 + how many pairs the correct completion (index 0) did not win."""
    lost = 1 + sum(reading.choice != 0 for reading in readings)
    return CorrectRank(lost, worst=lost, best=lost - sum(reading.failed for reading in readings))


def by_place(readings: Sequence[Reading]) -> list[list[Reading]]:
    """The readings that make one credit each: those of one sample, and of one place of the correct completion.

    Where each pair was put in one drawn order, all pairs of a sample make one credit.
    """
    several = len({reading.order for reading in readings}) > len({frozenset(reading.order) for reading in readings})
    units: dict[tuple[int, int], list[Reading]] = {}
    for reading in readings:
        place = reading.order.index(0) if several else 0
        units.setdefault((reading.sample, place), []).append(reading)
    return list(units.values())


def _ranked(item: ItemKey, ranks: Sequence[CorrectRank], **more: Any) -> Outcome:
    value, low, high = (
        fmean(1 / rank for rank in among)
        for among in (
            [rank.value for rank in ranks],
            [rank.worst for rank in ranks],
            [rank.best for rank in ranks],
        )
    )
    parts = {RANK: value} | ({f"{RANK}_low": low, f"{RANK}_high": high} if low != high else {})
    return rules.outcome_of(item, [rank.accuracy for rank in ranks], parts=parts, **more)
