"""Selective judging: below which uncertainty a judge's verdicts are shown to agree with people often enough.

Thresholds are tested in an order that no label has a part in, from the most certain items on: fixed-sequence testing
with exact binomial bounds, as cascaded selective evaluation does (arXiv 2407.18370). A threshold that is shown is only
ever one that agrees less than it should with a chance of 1 - confidence. Where labels are many the sequence begins at
two or three places, between which that chance is divided; what one has left when it is shown goes to the next (the
fallback procedure, Wiens 2003, doi:10.1002/pst.64). Where items belong together, or were drawn with unequal
probabilities, the bound is that of betting on the sums of the units (Waudby-Smith and Ramdas, arXiv 2010.09686).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from judgebench.metrics.resampling import codes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.resampling import Ints

STEPS = 40
"""At most so many thresholds are tested: more would end the sequence earlier by chance."""

_STARTS = ((4, 1), (12, 2), (math.inf, 3))
"""Below so many times the fewest labels that can show anything, the sequence begins at so many places."""

_BETS = np.linspace(0.05, 0.95, 19)
_MOST_LABELS = 100_000
_POWER = 0.8


@dataclass(frozen=True, slots=True)
class SelectiveTest:
    """What is answered of the labelled items, and what is shown of it.

    Attributes:
        shown: Whether there is such a threshold.
        threshold: Items whose uncertainty is this or higher are not answered; None: all with a verdict are.
        answered: How many labelled items are.
        right: How many of them agree with people.
        agreement: The share that does; weighted where the items are; None where none is answered.
        low: The lower bound of the agreement at this threshold alone; None where none is answered.
        labels: How many labelled items there were to test with.
        units: Of how many groups these are.
        fewest: How many labelled items can show anything at all, if all of them are right.
        enough: About how many would be enough if verdicts agree as often as they do here; None where something is
            shown, or no number is enough.
        best: The highest agreement seen at a threshold with so many items; None where there are fewer.
        best_share: Of the labelled items, what share that threshold answers.
    """

    shown: bool
    threshold: float | None
    answered: int
    right: int
    agreement: float | None
    low: float | None
    labels: int
    units: int
    fewest: int
    enough: int | None = None
    best: float | None = None
    best_share: float | None = None

    def answers(self, uncertainty: float) -> bool:
        """Whether an item of this uncertainty is answered; infinity stands for one without a verdict."""
        if not self.shown or math.isinf(uncertainty):
            return False
        return self.threshold is None or uncertainty < self.threshold


def fewest_labels(agreement: float, error: float) -> int:
    """How many right answers in a row show an agreement: the least n with agreement ** n <= error.

    Example:
        >>> fewest_labels(0.9, 0.05), fewest_labels(0.8, 0.05)
        (29, 14)
    """
    return math.ceil(math.log(error) / math.log(agreement) - 1e-9)


def select(
    uncertainty: npt.ArrayLike,
    right: npt.ArrayLike,
    *,
    agreement: float,
    confidence: float = 0.95,
    units: Sequence[str] | None = None,
    weights: npt.ArrayLike | None = None,
) -> SelectiveTest:
    """The highest threshold of uncertainty below which verdicts are shown to agree with people at least so often.

    Over repeated draws of labelled items from a population, the agreement of what the threshold answers in that
    population is at least `agreement` in at least the share `confidence` of draws; or nothing is shown.

    Args:
        uncertainty: Of each labelled item, shape (n,); infinity where the judge has no verdict.
        right: Whether the verdict agrees with people, shape (n,), 0 or 1.
        agreement: What is asked for, between 0 and 1.
        confidence: How sure it is to be, between 0 and 1.
        units: What each item belongs to, shape (n,); None: each is by itself.
        weights: How many items of the population each stands for, 1 over the probability that it was drawn with,
            shape (n,); None: as many.

    Example:
        >>> found = select([0.1] * 40 + [0.4] * 60, [1] * 40 + [1, 0] * 30, agreement=0.9)
        >>> found.threshold, found.answered, found.fewest
        (0.4, 40, 29)
    """
    table = _Levels(uncertainty, right, agreement, units, weights)
    error, n = 1 - confidence, table.count
    starts = next(number for most, number in _STARTS if n < most * fewest_labels(agreement, error))
    last = table.last_shown(error, starts)
    return table.selection(last, error)


def select_in_turn(
    uncertainties: Sequence[npt.ArrayLike],
    rights: Sequence[npt.ArrayLike],
    *,
    agreement: float,
    confidence: float = 0.95,
    units: Sequence[str] | None = None,
    weights: npt.ArrayLike | None = None,
) -> list[SelectiveTest]:
    """The thresholds of several judges of which each is asked about what those before it do not answer.

    Each judge's threshold is shown with the chance of error divided by their number, over the items that reach it; so
    all that is answered, by whichever judge, agrees as often as asked with the whole confidence.

    Args:
        uncertainties: Of each judge, as for `select`.
        rights: Of each judge.
        agreement: As for `select`, like the rest.
        confidence: Of all judges together.
        units: What each item belongs to.
        weights: Of each item.
    """
    left = np.ones(np.shape(rights[0]), dtype=bool)
    each = 1 - (1 - confidence) / len(rights)
    weight = None if weights is None else np.asarray(weights, dtype=np.float64)
    found: list[SelectiveTest] = []
    for uncertainty, right in zip(uncertainties, rights, strict=True):
        unsure = np.asarray(uncertainty, dtype=np.float64)
        selection = select(
            unsure[left],
            np.asarray(right)[left],
            agreement=agreement,
            confidence=each,
            units=None if units is None else [unit for unit, is_left in zip(units, left, strict=True) if is_left],
            weights=None if weight is None else weight[left],
        )
        found.append(selection)
        if selection.shown:
            left &= ~(
                np.isfinite(unsure) & (unsure < (math.inf if selection.threshold is None else selection.threshold))
            )
    return found


class _Levels:
    """Labelled items by their uncertainty, and what each threshold would answer.

    Attributes:
        levels: The different uncertainties, the lowest first; those without a verdict have none.
        count: How many units there are.
        counts: Of how many units items at most so uncertain are, shape (levels,).
        sizes: How many items that is, shape (levels,).
        rights: How many of these agree, shape (levels,).
        most: The largest weight of a unit, which sizes the bets.
        exact: Whether each item is a unit and counts the same, so that the binomial distribution is exact.
    """

    def __init__(
        self,
        uncertainty: npt.ArrayLike,
        right: npt.ArrayLike,
        agreement: float,
        units: Sequence[str] | None,
        weights: npt.ArrayLike | None,
    ) -> None:
        unsure, agrees = np.asarray(uncertainty, dtype=np.float64), np.asarray(right, dtype=np.float64)
        self.labels, self.agreement = len(agrees), agreement
        weight = np.ones(self.labels) if weights is None else np.asarray(weights, dtype=np.float64)
        self.unit, self.count = codes(units, self.labels)
        self.levels, self.place = np.unique(unsure, return_inverse=True)
        self.levels = self.levels[np.isfinite(self.levels)]
        self.right, self.weight = agrees, weight
        ends = len(self.levels)
        known = self.place < ends
        self.sizes = np.cumsum(np.bincount(self.place[known], minlength=ends))
        self.rights = np.cumsum(np.bincount(self.place[known], weights=agrees[known], minlength=ends))
        self.most = float(np.bincount(self.unit, weight, self.count).max(initial=1e-300))
        self.exact = self.count == self.labels and not (weight != weight[:1]).any()
        first = np.full(self.count, ends)
        np.minimum.at(first, self.unit, self.place)
        self.counts = np.cumsum(np.bincount(first, minlength=ends + 1)[:ends])

    def p(self, level: int, agreement: float) -> float:
        """The p-value of the hypothesis that items at most so uncertain agree less often than that."""
        if self.exact:
            from scipy.special import bdtr

            size = int(self.sizes[level])
            return float(bdtr(size - round(self.rights[level]), size, 1 - agreement))
        return _betting_p(*self._sums(level), self.most, agreement)

    def _sums(self, level: int) -> tuple[Floats, Floats]:
        """Of each unit with an item answered, the weight of those that agree and of all."""
        taken = self.place <= level
        total = np.bincount(self.unit[taken], self.weight[taken], self.count).astype(np.float64)
        agree = np.bincount(self.unit[taken], (self.weight * self.right)[taken], self.count).astype(np.float64)
        return agree[total > 0], total[total > 0]

    def last_shown(self, error: float, starts: int) -> int | None:
        """The last level of the sequence that is shown; None where none is."""
        fewest, n = self.fewest(error / starts), self.count
        if not len(self.levels) or self.counts[-1] < fewest:
            return None
        chances = dict.fromkeys(self._levels_at(np.linspace(fewest, self.counts[-1], STEPS)), 0.0)
        for start in self._levels_at(np.geomspace(fewest, max(n / 2, fewest), starts)):
            chances[start] = chances.get(start, 0.0) + error / starts
        last, left = None, 0.0
        for level in sorted(chances):
            left += chances[level]
            if left > 0 and self.p(level, self.agreement) <= left:
                last = level
            else:
                left = 0.0
        return last

    def fewest(self, error: float) -> int:
        """How many units can show the agreement if all of them agree."""
        if self.exact:
            return fewest_labels(self.agreement, error)
        gains = np.log1p(_BETS * (1 - self.agreement) / self.agreement)
        n = fewest_labels(self.agreement, error)
        while np.exp(n * gains).mean() < 1 / error:
            n += 1
        return n

    def _levels_at(self, ranks: Floats) -> Iterator[int]:
        """The first level with so many units each; the last where there are fewer."""
        places = np.searchsorted(self.counts, np.round(ranks))
        yield from np.minimum(places, len(self.levels) - 1).tolist()

    def selection(self, last: int | None, error: float) -> SelectiveTest:
        """What is answered up to a level, or what would be needed to answer something."""
        fewest = self.fewest(error)
        if last is None:
            return self._nothing(fewest, error)
        agree, total = self._sums(last)
        return SelectiveTest(
            shown=True,
            threshold=float(self.levels[last + 1]) if last + 1 < len(self.levels) else None,
            answered=int(self.sizes[last]),
            right=round(self.rights[last]),
            agreement=float(agree.sum() / total.sum()),
            low=self._low(last, error),
            labels=self.labels,
            units=self.count,
            fewest=fewest,
        )

    def _low(self, level: int, error: float) -> float:
        """The highest agreement that is shown at a level by itself: with the binomial, Clopper and Pearson's bound."""
        low, high = 0.0, 1.0
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (middle, high) if self.p(level, middle) <= error else (low, middle)
        return low

    def _nothing(self, fewest: int, error: float) -> SelectiveTest:
        """Nothing is shown: the best agreement at a level with enough items, and how many labels would show one."""
        found = SelectiveTest(False, None, 0, 0, None, None, self.labels, self.count, fewest)
        places = np.flatnonzero(self.counts >= fewest_labels(self.agreement, error))
        if not len(places):
            return found
        places = places[np.unique(np.linspace(0, len(places) - 1, STEPS).round().astype(int))]
        shares = {}
        for level in places.tolist():
            agree, total = self._sums(level)
            shares[level] = float(agree.sum() / total.sum())
        best = max(shares, key=lambda level: (round(shares[level], 9), level))
        needed = [
            math.ceil(size * self.labels / self.counts[level])
            for level, share in shares.items()
            if (size := labels_to_show(share, self.agreement, error / 2)) is not None
        ]
        return replace(
            found,
            enough=max(min(needed), self.labels + 1) if needed else None,
            best=shares[best],
            best_share=float(self.sizes[best] / self.labels),
        )


def _betting_p(agree: Floats, total: Floats, most: float, agreement: float) -> float:
    """One over the wealth that bets on the agreement being higher than this have earned, the mean over their sizes.

    With Z the weight that disagrees less (1 - agreement) of the weight of a unit, the product of 1 - bet x Z is at most
    1 in expectation under the hypothesis, whatever the units' sizes up to the largest; by Markov's inequality 1 over it
    is a p-value.
    """
    if not len(total):
        return 1.0
    sums = (total - agree) - (1 - agreement) * total
    wealth = np.log1p(-np.outer(_BETS, sums) / (max(agreement, 1e-9) * most)).sum(axis=1)
    top = float(wealth.max())
    return min(1.0, math.exp(-top) / float(np.exp(wealth - top).mean())) if top > 0 else 1.0


def labels_to_show(share: float, agreement: float, error: float) -> int | None:
    """About how many labelled items show an agreement in four of five tries where verdicts agree with this share.

    Returns:
        None where the share is no higher, or more than 100,000 would be needed.

    Example:
        >>> labels_to_show(1.0, 0.9, 0.05), labels_to_show(0.85, 0.9, 0.05)
        (29, None)
    """
    if share <= agreement:
        return None
    from scipy.special import bdtr

    sizes, allowed = _allowed_faults(agreement, error)
    enough = bdtr(allowed, sizes, 1 - share) >= _POWER
    return int(sizes[np.argmax(enough)]) if enough.any() else None


@cache
def _allowed_faults(agreement: float, error: float) -> tuple[Ints, Ints]:
    """Some numbers of labelled items, and how many of so many may be wrong."""
    from scipy.special import bdtr

    sizes = np.unique(np.geomspace(fewest_labels(agreement, error), _MOST_LABELS, 200).round().astype(np.int64))
    low, high = np.zeros_like(sizes), sizes.copy()  # the first number of faults that are too many
    while (low < high).any():
        middle = (low + high) // 2
        few = bdtr(middle, sizes, 1 - agreement) <= error
        low, high = np.where(few, middle + 1, low), np.where(few, high, middle)
    return sizes[low > 0], low[low > 0] - 1
