"""A judge and people against the same references: each person is left out in turn, and compared with the others.

What people reach among themselves that way is the ceiling of a judge. Items labelled by one person tell of the judge
alone. Each item becomes a row of sums for `judgebench.metrics.gate`, so that figures, their differences and their
intervals are all made of the same rows.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from judgebench.metrics.gate import UnitSums, agreement_of, gated_figure, kappa_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from judgebench.metrics.gate import Figure, GatedFigure
    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.resampling import Ints

    Bools = NDArray[np.bool_]
    Shares = Mapping[int, float]

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class ReferenceRows:
    """What each item tells of the judge and of people.

    Attributes:
        judge: Sums of the judge beside the references, shape (items, columns).
        people: The same of people; zeros where one alone labelled an item.
        several: Whether two people or more labelled the item, shape (items,).
        figures: By name, from such sums to a figure.
        extremes: What the judge's row can be at its worst or best, of weight 1.
        both_extremes: The same of the judge's row and the people's, one behind the other.
        unseen: The weight of items that no labelled one stands for, as a share of the labelled ones' weight.
    """

    judge: Floats
    people: Floats
    several: Bools
    figures: Mapping[str, Figure]
    extremes: Floats
    both_extremes: Floats
    unseen: float = 0.0

    def of_judge(self, name: str, weight: Floats, unit: Ints, chosen: Bools) -> GatedFigure | None:
        """The judge against the references, over some of the items."""
        return self._gated(self.judge, self.figures[name], self.extremes, (weight, unit, chosen))

    def of_people(self, name: str, weight: Floats, unit: Ints, chosen: Bools) -> GatedFigure | None:
        """People against each other: the ceiling, over those that two or more labelled."""
        extremes = self.both_extremes[:, self.judge.shape[1] :]
        return self._gated(self.people, self.figures[name], extremes, (weight, unit, chosen & self.several))

    def of_difference(self, name: str, weight: Floats, unit: Ints, chosen: Bools) -> GatedFigure | None:
        """The judge less people, over the items that two or more labelled."""
        figure, width = self.figures[name], self.judge.shape[1]
        both = np.concatenate([self.judge, self.people], axis=1)

        def less(sums: Floats) -> Floats:
            return figure(sums[..., :width]) - figure(sums[..., width:])

        return self._gated(both, less, self.both_extremes, (weight, unit, chosen & self.several))

    def _gated(
        self, rows: Floats, figure: Figure, extremes: Floats, over: tuple[Floats, Ints, Bools]
    ) -> GatedFigure | None:
        weight, unit, chosen = over
        if not chosen.any():
            return None
        return gated_figure(
            UnitSums.of(rows[chosen], weight[chosen], unit[chosen]), figure, extremes, unseen=self.unseen
        )


def label_rows(labels: Sequence[Sequence[Sequence[int]]], judge: Sequence[Sequence[Shares]], k: int) -> ReferenceRows:
    """Rows of labels: choices or classes.

    An item may be told in several ways that count alike, as where nobody knows which answer of a pair is the first:
    its row is their mean.

    Args:
        labels: Of each item, in each way to tell it, the codes that people gave it.
        judge: The same of the judge: the share of its verdicts for each code, `k` for those without one.
        k: How many codes there are.
    """
    known: dict[tuple[object, ...], tuple[Floats, Floats]] = {}
    rows = []
    for ways, verdicts in zip(labels, judge, strict=True):
        each = []
        for codes, shares in zip(ways, verdicts, strict=True):
            pattern = (*codes, *sorted(shares.items()))
            if pattern not in known:
                known[pattern] = _of_labels(codes, shares, k)
            each.append(known[pattern])
        rows.append((sum(row for row, _ in each) / len(each), sum(row for _, row in each) / len(each)))
    cells = np.eye(k * (k + 1))
    one = [cell for at, cell in enumerate(cells) if at % (k + 1) < k]  # people always say something
    both = [np.concatenate([a, b]) for a, b in product(cells, one)] if k <= _FEW else _opposed(k)
    return ReferenceRows(
        np.array([row for row, _ in rows]),
        np.array([row for _, row in rows]),
        np.array([len(ways[0]) > 1 for ways in labels]),
        {"agreement": agreement_of, "kappa": kappa_of},
        cells,
        np.array(both),
    )


_FEW = 6
"""With more classes only one that is right meets one that is wrong, not every cell every other."""


def _opposed(k: int) -> list[Floats]:
    cells = np.eye(k * (k + 1))
    right = [cells[at * (k + 1) + at] for at in range(k)]
    wrong = [cells[at * (k + 1) + (at + 1) % k] for at in range(k)]
    return [np.concatenate(pair) for pair in (*product(right, wrong), *product(wrong, right))]


def _of_labels(codes: Sequence[int], shares: Shares, k: int) -> tuple[Floats, Floats]:
    judge, people = np.zeros((k, k + 1)), np.zeros((k, k + 1))
    said = np.array([shares.get(code, 0.0) for code in range(k + 1)])
    for code in codes if len(codes) > 1 else ():
        others = Counter(codes) - Counter([code])
        most = [each for each, count in others.items() if count == max(others.values())]
        for each in most:
            judge[each] += said / (len(codes) * len(most))
            people[each, code] += 1 / (len(codes) * len(most))
    if len(codes) == 1:
        judge[codes[0]] = said
    return judge.reshape(-1), people.reshape(-1)


def grade_rows(grades: Sequence[Sequence[float]], judge: Sequence[float | None]) -> ReferenceRows:
    """Rows of grades, against the mean of the others' grades.

    Args:
        grades: Of each item, what people gave it.
        judge: Its rating; an item without one counts with the judge's mean, which tells nothing.
    """
    known = [rating for rating in judge if rating is not None]
    mean = math.fsum(known) / len(known) if known else 0.0
    ratings = [mean if rating is None else rating for rating in judge]
    rows = [_of_grades(own, rating) for own, rating in zip(grades, ratings, strict=True)]
    every = [grade for own in grades for grade in own]
    ends = (min(every), max(every))
    corners = [_moments(x, y) for x in (min(ratings), max(ratings)) for y in ends]
    both = [
        np.concatenate([_moments(x, y), _moments(own, y)])
        for x in (min(ratings), max(ratings))
        for own in ends
        for y in ends
    ]
    return ReferenceRows(
        np.array([row for row, _ in rows]),
        np.array([row for _, row in rows]),
        np.array([len(own) > 1 for own in grades]),
        {"pearson": pearson_of, "kappa": concordance_of},
        np.array(corners),
        np.array(both),
    )


def _of_grades(grades: Sequence[float], rating: float) -> tuple[Floats, Floats]:
    if len(grades) == 1:
        return _moments(rating, grades[0]), np.zeros(6)
    total = math.fsum(grades)
    others = [(total - grade) / (len(grades) - 1) for grade in grades]
    judge: Floats = np.mean([_moments(rating, other) for other in others], axis=0)
    people: Floats = np.mean([_moments(own, other) for own, other in zip(grades, others, strict=True)], axis=0)
    return judge, people


def _moments(x: float, y: float) -> Floats:
    return np.array([1.0, x, y, x * x, y * y, x * y])


def _central(sums: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    mean: Floats = np.moveaxis(sums / sums[..., :1], -1, 0)
    apart: Floats = mean[1] - mean[2]
    squares: Floats = mean[3:5] - np.square(mean[1:3])
    both: Floats = mean[5] - np.multiply(mean[1], mean[2])
    return apart, squares[0], squares[1], both


def pearson_of(sums: Floats) -> Floats:
    """Pearson's r of sums of 1, x, y, xx, yy and xy."""
    _, first, second, both = _central(sums)
    spread = first * second
    return np.where(spread > _ROUNDING, both / np.sqrt(np.maximum(spread, _ROUNDING)), np.nan)


def concordance_of(sums: Floats) -> Floats:
    """The quadratically weighted kappa of such sums, which is Lin's concordance (1989, doi:10.2307/2532051)."""
    apart, first, second, both = _central(sums)
    expected = first + second + apart**2
    return np.where(expected > _ROUNDING, 2 * both / np.maximum(expected, _ROUNDING), np.nan)
