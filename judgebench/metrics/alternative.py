"""The alternative-annotator test: whether a judge may stand in for one of several people (arXiv 2501.10970).

Each annotator is left out in turn. On an item the judge wins where its verdict is at least as close to the others'
labels as the annotator's is, and the annotator where theirs is; both do where they are equally close. Over the
annotator's items a one-sided t-test asks whether the share that the annotator wins is less than the judge's plus
epsilon, which stands for what a person costs. With the p-values of all annotators by Benjamini and Yekutieli (2001),
the share of annotators that the judge beats is its winning rate, and the judge passes from one half on.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

EPSILONS = {"experts": 0.2, "skilled annotators": 0.15, "crowd workers": 0.1}
"""What the paper takes for people of each kind."""

FEWEST_ITEMS = 30
"""With fewer items of an annotator the t-test does not hold, and the annotator is left out."""

FDR = 0.05
"""The false discovery rate, over all annotators."""

PASSES = 0.5
"""The winning rate from which on a judge passes."""

_EQUAL = 1e-9

Label = TypeVar("Label", bound=Hashable)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One annotator against the judge.

    Attributes:
        items: Items that the annotator and at least one other person labelled, with a verdict of the judge's.
        judge_wins: Share of them on which the judge is at least as close to the others as the annotator is.
        annotator_wins: Share on which the annotator is at least as close as the judge.
        p: That the annotator wins by epsilon more, one-sided.
        beaten: Whether the judge beats the annotator, with the p-values of all of them together.
    """

    items: int
    judge_wins: float
    annotator_wins: float
    p: float
    beaten: bool


@dataclass(frozen=True, slots=True)
class AlternativeTest:
    """What comes of the test.

    Attributes:
        epsilon: By how much an annotator must be better.
        winning_rate: Share of annotators that the judge beats; None where none has items enough.
        advantage_probability: Mean of `judge_wins` over annotators: how often the judge is as good as one drawn at
            random; likewise.
        annotators: Each one that was tested.
        too_few: How many items each of the others has.
        without_verdict: Items of two people or more on which the judge has no verdict; they are left out.
    """

    epsilon: float
    winning_rate: float | None
    advantage_probability: float | None
    annotators: Mapping[str, LeftOut]
    too_few: Mapping[str, int]
    without_verdict: int

    @property
    def passes(self) -> bool | None:
        """Whether the judge may stand in for the annotators; None where nobody could be tested."""
        return None if self.winning_rate is None else self.winning_rate >= PASSES


def alternative_test(
    people: Mapping[str, Mapping[str, Label]],
    judge: Mapping[str, Label],
    *,
    grades: bool = False,
    epsilon: float = 0.2,
    fewest: int = FEWEST_ITEMS,
) -> AlternativeTest:
    """The test for one judge.

    Args:
        people: By annotator, their labels by item.
        judge: Its verdict on each item that has one.
        grades: Whether labels are numbers, and closeness the negative root of the mean squared difference; else it is
            the share of the others who say the same.
        epsilon: By how much an annotator must be better: 0.2 for experts, 0.15 skilled, 0.1 crowd.
        fewest: Items that an annotator must have.

    Example:
        >>> people = {"ann": {str(n): "a" for n in range(40)}, "bob": {str(n): "a" for n in range(40)}}
        >>> alternative_test(people, people["ann"]).winning_rate
        1.0
    """
    (found,) = alternative_tests(people, judge, grades=grades, epsilons=[epsilon], fewest=fewest)
    return found


def alternative_tests(
    people: Mapping[str, Mapping[str, Label]],
    judge: Mapping[str, Label],
    *,
    grades: bool = False,
    epsilons: Sequence[float],
    fewest: int = FEWEST_ITEMS,
) -> list[AlternativeTest]:
    """`alternative_test` at each of several values of epsilon; the labels are gone through once."""
    by_item: dict[str, dict[str, Label]] = {}
    for annotator, labels in people.items():
        for item, label in labels.items():
            by_item.setdefault(item, {})[annotator] = label
    several = {item: labels for item, labels in by_item.items() if len(labels) > 1}
    wins: dict[str, list[tuple[bool, bool]]] = {annotator: [] for annotator in people}
    known: dict[tuple[object, ...], list[tuple[bool, bool]]] = {}  # few items are unlike
    for item, labels in several.items():
        if item not in judge:
            continue
        pattern = (*labels.values(), judge[item])
        if pattern not in known:
            known[pattern] = _of_item([*labels.values()], judge[item], grades=grades)
        for annotator, won in zip(labels, known[pattern], strict=True):
            wins[annotator].append(won)
    lacking = sum(item not in judge for item in several)
    return [_at(wins, epsilon, fewest, lacking) for epsilon in epsilons]


def _at(
    wins: Mapping[str, Sequence[tuple[bool, bool]]], epsilon: float, fewest: int, without_verdict: int
) -> AlternativeTest:
    tested = {annotator: each for annotator, each in wins.items() if len(each) >= fewest}
    p_values = [one_sided_p([own - judges for judges, own in each], epsilon) for each in tested.values()]
    beaten = benjamini_yekutieli(p_values, FDR)
    found = {
        annotator: LeftOut(
            items=len(each),
            judge_wins=sum(judges for judges, _ in each) / len(each),
            annotator_wins=sum(own for _, own in each) / len(each),
            p=p,
            beaten=won,
        )
        for (annotator, each), p, won in zip(tested.items(), p_values, beaten, strict=True)
    }
    n = len(found)
    return AlternativeTest(
        epsilon=epsilon,
        winning_rate=sum(beaten) / n if n else None,
        advantage_probability=math.fsum(each.judge_wins for each in found.values()) / n if n else None,
        annotators=found,
        too_few={annotator: len(each) for annotator, each in wins.items() if annotator not in tested},
        without_verdict=without_verdict,
    )


def _of_item(labels: Sequence[Label], verdict: Label, *, grades: bool) -> list[tuple[bool, bool]]:
    """Of each annotator whether the judge is at least as close to the others, and whether the annotator is."""
    found = []
    if grades:
        values: list[float] = [float(label) for label in labels]  # type: ignore[arg-type]
        total, squares, said = math.fsum(values), math.fsum(v * v for v in values), float(verdict)  # type: ignore[arg-type]
        for own in values:
            n, rest, rest_squares = len(values) - 1, total - own, squares - own * own
            far, own_far = (n * x * x - 2 * x * rest + rest_squares for x in (said, own))
            equal = abs(far - own_far) <= _EQUAL * max(1.0, abs(far))
            found.append((equal or far < own_far, equal or own_far < far))
        return found
    counts = Counter(labels)
    for label in labels:
        with_own, with_judge = counts[label] - 1, counts[verdict] - (label == verdict)
        found.append((with_judge >= with_own, with_own >= with_judge))
    return found


def one_sided_p(differences: Sequence[int], epsilon: float) -> float:
    """The p-value of Student's t-test that the mean is below epsilon.

    Args:
        differences: -1, 0 or 1 an item.
        epsilon: What the mean is compared with.

    Returns:
        0 or 1 where all differences are the same (1 at epsilon itself).
    """
    n = len(differences)
    mean = sum(differences) / n
    variance = math.fsum((each - mean) ** 2 for each in differences) / (n - 1) if n > 1 else 0.0
    if len(set(differences)) < 2:
        return 0.0 if mean < epsilon else 1.0
    from scipy.special import stdtr

    return float(stdtr(n - 1, (mean - epsilon) / math.sqrt(variance / n)))


def benjamini_yekutieli(p_values: Sequence[float], rate: float = FDR) -> list[bool]:
    """Which hypotheses are rejected at a false discovery rate, whatever their dependence (doi:10.1214/aos/1013699998).

    Example:
        >>> benjamini_yekutieli([0.001, 0.2, 0.02])
        [True, False, False]
    """
    m = len(p_values)
    harmonic = math.fsum(1 / rank for rank in range(1, m + 1))
    ranked = sorted(p_values)
    allowed = [p for rank, p in enumerate(ranked, 1) if p <= rank / m * rate / harmonic]
    return [bool(allowed) and p <= allowed[-1] for p in p_values]
