"""PPE's rule of correctness: each right completion against each wrong one, and the curve of best of k."""

from __future__ import annotations

from math import comb
from statistics import fmean
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks import rules
from judgebench.benchmarks.base import is_rating
from judgebench.benchmarks.named_rules import Rule, figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.items import ItemKey, Mode, Outcome, Reading
    from judgebench.metrics.accuracy import Layout

    Scores = tuple[float | None, ...]


class RightAgainstWrong(Rule):
    """The share of (right, wrong) pairs in which the right completion is preferred."""

    name = "right_against_wrong"
    formula = (
        "Share of an item's (right, wrong) pairs, or of those that the column `pairs` names, in which the right answer "
        "is preferred; judge and ratings: 0.5 for a tie or no verdict; scores: strictly higher. auc: the same over all "
        "pairs, equal scores 0.5. best_of_k: share right when the top score of k answers drawn at random is taken, for "
        "k = 1, 2, ...; its maximum, end, and loss (mean distance from always taking a right one)."
    )
    source = "PPE, arXiv 2410.14872"
    items = ("best_of_k",)

    def problem(self, num_correct: int, k: int) -> str | None:
        """It needs a right completion and a wrong one."""
        return None if num_correct < k else f"has {k} completions, all of them correct; {self.name} needs a wrong one"

    def questions(self, item: ItemKey, mode: Mode) -> list[tuple[int, ...]] | None:
        """A rating of each completion, or each pair."""
        return pairs_of(item) if mode == "pairwise" else None

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """See the formula; the mean over orders and samples."""
        if is_rating(readings):
            samples = rules.ratings_by_sample(item, readings)
            return _by_scores(item, samples, tie=0.5)
        credits_ = [rules.choice_credit(reading, item, 0.5) for reading in readings]
        return rules.outcome_of(item, credits_, source=rules.choice_source(readings))

    def scored(self, item: ItemKey, scores: Scores) -> Outcome:
        """See the formula; a pair with a missing score counts 0."""
        return _by_scores(item, [scores], tie=0.0)

    def extra(self, outcomes: Sequence[Outcome], layout: Layout) -> dict[str, Any]:
        """`auc`, and the curve of best of k; nothing where verdicts are choices."""
        return figure("auc", outcomes, layout, "auc") | best_of_k(outcomes)


def pairs_of(item: ItemKey) -> list[tuple[int, ...]]:
    """The (right, wrong) pairs of an item, by index: those that its `criteria` name (`0>3 1>4`), else all."""
    named = [pair.split(">") for pair in (item.criteria or "").split() if ">" in pair]
    if named:
        return [(int(right), int(wrong)) for right, wrong in named]
    wrong = range(item.num_correct, item.k)
    return [(right, other) for right in range(item.num_correct) for other in wrong]


def _by_scores(item: ItemKey, samples: Sequence[Scores], tie: float) -> Outcome:
    asked = pairs_of(item)
    credits_ = [_pair(scores[right], scores[wrong], tie) for scores in samples for right, wrong in asked]
    every = [(scores[: item.num_correct], scores[item.num_correct :]) for scores in samples]
    areas = [_area(right, wrong) for right, wrong in every if None not in (*right, *wrong)]
    parts = {"auc": fmean(areas)} if areas else {}
    return rules.outcome_of(item, credits_, scores=tuple(samples), parts=parts, source={})


def _pair(right: float | None, wrong: float | None, tie: float) -> rules.Credit:
    if right is None or wrong is None:
        return rules.Credit(tie, 0.0, 1.0, substituted=tie)
    return rules.Credit.sure(tie if right == wrong else float(right > wrong))


def _area(right: Sequence[float | None], wrong: Sequence[float | None]) -> float:
    """The area under the ROC curve: the share of pairs with the right one higher, equal ones half."""
    return fmean(0.5 if r == w else float(r > w) for r in right for w in wrong)  # type: ignore[operator]


def best_of_k(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The curve: its values, maximum, end and loss; empty where no item has all scores."""
    rows = [
        (scores, outcome.item.num_correct)
        for outcome in outcomes
        if outcome.credit is not None
        for scores in outcome.scores
        if None not in scores
    ]
    if not rows:
        return {}
    most = max(len(scores) for scores, _ in rows)
    curve, lost = [], []
    for k in range(1, most + 1):
        there = [(scores, right) for scores, right in rows if len(scores) >= k]
        curve.append(fmean(_chosen_right(scores, right, k) for scores, right in there))  # type: ignore[arg-type]
        best = fmean(1 - comb(len(scores) - right, k) / comb(len(scores), k) for scores, right in there)
        lost.append(best - curve[-1])
    return {"best_of_k": {"curve": curve, "maximum": max(curve), "end": curve[-1], "loss": fmean(lost)}}


def _chosen_right(scores: Sequence[float], num_correct: int, k: int) -> float:
    """The chance that the top score of k completions drawn at random is a right one's; one of equal ones is drawn."""
    return sum(share * chance for share, chance in _tops(scores, num_correct, k))


def _tops(scores: Sequence[float], num_correct: int, k: int) -> Iterator[tuple[float, float]]:
    """Of each different score the share of right ones that have it, and the chance that it is the highest of k."""
    n, below = len(scores), 0
    for value in sorted(set(scores)):
        at = [index for index, score in enumerate(scores) if score == value]
        chance = (comb(below + len(at), k) - comb(below, k)) / comb(n, k)
        yield sum(index < num_correct for index in at) / len(at), chance
        below += len(at)
