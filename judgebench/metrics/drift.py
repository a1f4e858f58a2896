"""Did a judge change between two dates: verdicts that differ beyond its own noise, and what that does to a score.

Two replies to one question on two dates are compared with two replies on one date. Without a change all replies to a
question are draws from one distribution, whichever run they are of, so that a permutation of the runs within each
question is as likely as the one that is there: the test is exact, whatever the noise.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from judgebench.metrics.intervals import CONFIDENCE
from judgebench.metrics.resampling import codes

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    import numpy.typing as npt

    from judgebench.metrics.intervals import Floats

    Said = Hashable
    Question = tuple[Sequence[Said], Sequence[Said]]
    """What the replies to one question say on the first date and on the second."""

DRAWS = 9_999
_EXACT = 12
_MOST_ARRANGEMENTS = 1_000


@dataclass(frozen=True, slots=True)
class FlipTest:
    """Verdicts that differ between two dates, beside those that differ on one.

    Attributes:
        questions: How many have replies on both dates.
        flips: The share of pairs of replies on two dates that differ (of ratings their mean distance as a part of the
            scale), the mean over questions.
        repeated: How many questions have several replies on one of the dates.
        between: As `flips`, over these; None where there are none.
        noise: The same of two replies on one date.
        excess: between - noise, which is 0 on average without a change, with its 95% interval.
        p: The chance that runs without a change differ by so much more; None where no question has several replies.
    """

    questions: int
    flips: float
    repeated: int
    between: float | None
    noise: float | None
    excess: Shift | None
    p: float | None


def flip_test(
    questions: Sequence[Question], scale: float | None = None, units: Sequence[str] | None = None, seed: int = 0
) -> FlipTest:
    """Whether verdicts differ between two dates by more than they do on one.

    Args:
        questions: Those with a reply on both dates at least.
        scale: Of ratings, how far the two ends are apart; None: verdicts are the same or not.
        units: What each question belongs to; None: itself.
        seed: Of the permutations.

    Example:
        >>> still = [(("A", "A"), ("A", "A"))] * 20
        >>> flip_test(still).p, flip_test([*still, *[(("A", "A"), ("B", "B"))] * 5]).p < 0.05
        (1.0, True)
    """
    counted = Counter((tuple(first), tuple(second)) for first, second in questions)
    total = sum(counted.values())
    if not total:
        return FlipTest(0, 0.0, 0, None, None, None, None)
    flips = math.fsum(count * _between(*each, scale) for each, count in counted.items()) / total
    repeated = {each: count for each, count in counted.items() if max(map(len, each)) > 1}
    number = sum(repeated.values())
    if not number:
        return FlipTest(total, flips, 0, None, None, None, None)
    apart = {each: _between(*each, scale) for each in repeated}
    between = math.fsum(count * apart[each] for each, count in repeated.items()) / number
    noise = math.fsum(count * _within(*each, scale) for each, count in repeated.items()) / number
    names = [str(at) for at in range(total)] if units is None else units
    rows = [
        (apart[each] - _within(*each, scale), name)
        for (first, second), name in zip(questions, names, strict=True)
        if (each := (tuple(first), tuple(second))) in repeated
    ]
    excess = mean_change([value for value, _ in rows], [name for _, name in rows])
    rng, drawn = np.random.default_rng(seed), np.zeros(DRAWS)
    for each, count in repeated.items():
        values, chances = _arrangements(*each, scale)
        if len(values) == 1:
            drawn += count * values[0]
        else:
            drawn += rng.multinomial(count, chances, size=DRAWS) @ values
    observed = (between - noise) * number
    p = (1 + int((drawn >= observed - 1e-9 * number).sum())) / (DRAWS + 1)
    return FlipTest(total, flips, number, between, noise, excess, p)


def _distance(one: Said, other: Said, scale: float | None) -> float:
    """0 to 1; a reply without a verdict is as far from any rating as can be."""
    if scale is not None and isinstance(one, float) and isinstance(other, float):
        return min(abs(one - other) / scale, 1.0)
    return float(one != other)


def _between(first: Sequence[Said], second: Sequence[Said], scale: float | None) -> float:
    return math.fsum(_distance(a, b, scale) for a in first for b in second) / (len(first) * len(second))


def _within(first: Sequence[Said], second: Sequence[Said], scale: float | None) -> float:
    """The mean over the dates with several replies."""
    found = []
    for said in (first, second):
        pairs = list(combinations(said, 2))
        if pairs:
            found.append(math.fsum(_distance(a, b, scale) for a, b in pairs) / len(pairs))
    return math.fsum(found) / len(found)


def _arrangements(first: Sequence[Said], second: Sequence[Said], scale: float | None) -> tuple[Floats, Floats]:
    """What between less within can be if it is open which replies are of which date, and the chance of each value."""
    every, size = [*first, *second], len(first)
    if len({*every}) == 1:
        return np.zeros(1), np.ones(1)
    if math.comb(len(every), size) <= _MOST_ARRANGEMENTS:
        places: Sequence[tuple[int, ...]] = list(combinations(range(len(every)), size))
    else:
        rng = np.random.default_rng(len(every))
        places = [tuple(rng.permutation(len(every))[:size].tolist()) for _ in range(_MOST_ARRANGEMENTS)]
    values: Counter[float] = Counter()
    for chosen in places:
        one, other = [every[at] for at in chosen], [every[at] for at in range(len(every)) if at not in chosen]
        values[round(_between(one, other, scale) - _within(one, other, scale), 12)] += 1
    return np.array([*values]), np.array([*values.values()]) / len(places)


def shift_p(differences: npt.ArrayLike, units: Sequence[str] | None = None, seed: int = 0) -> float:
    """The two-sided p-value of a mean difference between two dates, by turning the signs of whole units.

    Without a change the two dates could be exchanged in each unit; up to 12 units that differ all ways of doing so are
    counted, of more some are drawn.

    Args:
        differences: Of each item, second less first, shape (n,).
        units: What each item belongs to; None: itself.
        seed: Of the draws.

    Example:
        >>> shift_p([1, 1, 1, 1, 0, 0])
        0.125
    """
    each = np.asarray(differences, dtype=np.float64)
    unit, count = codes(units, len(each))
    sums = np.abs(np.bincount(unit, each, count))
    observed = abs(float(each.sum()))
    sums = sums[sums > 1e-12]
    if not len(sums):
        return 1.0
    tolerance = 1e-9 * float(sums.sum())
    if len(sums) <= _EXACT:
        signs = 1 - 2 * ((np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums))) & 1)
        return float((np.abs(signs @ sums) >= observed - tolerance).mean())
    rng, drawn = np.random.default_rng(seed), np.zeros(DRAWS)
    for value, number in zip(*np.unique(np.round(sums, 9), return_counts=True), strict=True):
        drawn += value * (2 * rng.binomial(number, 0.5, DRAWS) - number)
    return (1 + int((np.abs(drawn) >= observed - tolerance).sum())) / (DRAWS + 1)


@dataclass(frozen=True, slots=True)
class Shift:
    """A change of a mean between two dates, with its interval."""

    value: float
    low: float
    high: float


def mean_change(differences: npt.ArrayLike, units: Sequence[str] | None = None, step: float = 1.0) -> Shift:
    """The mean difference of items judged on two dates, with a 95% interval for items of the kind.

    Student's, from the sums of units, with one unit more that differs by a step and one by as much less, so that few
    changes have a width (Bonett and Price 2012, doi:10.3102/1076998611411915).

    Args:
        differences: Of each item, second less first, shape (n,).
        units: What each item belongs to; None: itself.
        step: By how much one item may differ: 1 of shares, less of grades.
    """
    each = np.asarray(differences, dtype=np.float64)
    unit, count = codes(units, len(each))
    sums, sizes = np.bincount(unit, each, count), np.bincount(unit, minlength=count).astype(np.float64)
    return _change(float(each.mean()), [*sums, step, -step], [*sizes, 1.0, 1.0])


def score_change(
    first: npt.ArrayLike, second: npt.ArrayLike, units: tuple[Sequence[str], Sequence[str]], *, shares: bool
) -> Shift:
    """The difference of two means, each over its own items, with a 95% interval; units in both count as paired.

    Args:
        first: Of each item on the first date, shape (n,).
        second: On the second date, shape (m,).
        units: What the items of each belong to.
        shares: Whether values are from 0 to 1: then two items more, a 0 and a 1, stand on either side, so that means
            near the ends have a width (Agresti and Caffo 2000, doi:10.1080/00031305.2000.10474560).
    """
    sides = [np.asarray(side, dtype=np.float64) for side in (first, second)]
    value = float(sides[1].mean() - sides[0].mean())
    more = [0.0, 1.0] if shares else []
    wide = [np.concatenate([side, more]) for side in sides]
    names = [[*own, *(f"\0{at}{end}" for end in more)] for at, own in enumerate(units)]
    parts = [sign * (side - side.mean()) / len(side) for sign, side in zip((-1, 1), wide, strict=True)]
    sums = Counter[str]()
    for own, part in zip(names, parts, strict=True):
        for name, each in zip(own, part.tolist(), strict=True):
            sums[name] += each
    centre = float(wide[1].mean() - wide[0].mean())
    units_in = len(sums)
    half = _t(units_in - 1) * math.sqrt(math.fsum(each * each for each in sums.values()) * units_in / (units_in - 1))
    return Shift(value, min(value, centre - half), max(value, centre + half))


def _change(value: float, sums: Sequence[float], sizes: Sequence[float]) -> Shift:
    total, of, n = np.array(sums), float(sum(sizes)), len(sums)
    centre = float(total.sum()) / of
    error = math.sqrt(float(np.square(total - centre * np.array(sizes)).sum()) * n / (n - 1)) / of
    half = _t(n - 1) * error
    return Shift(value, min(value, centre - half), max(value, centre + half))


def _t(freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(max(freedom, 1), 0.5 + CONFIDENCE / 2))


def rest_of(total: Shift, part: Shift) -> Shift:
    """What of a change is left without an independent part of it; the part and the rest add up to the total.

    The distances of the ends are combined as squares (Zou and Donner 2008, doi:10.1002/sim.3095).

    Example:
        >>> rest_of(Shift(5.0, 2.0, 8.0), Shift(3.0, -1.0, 7.0))
        Shift(value=2.0, low=-3.0, high=7.0)
    """
    value = total.value - part.value
    down = math.hypot(total.value - total.low, part.high - part.value)
    up = math.hypot(total.high - total.value, part.value - part.low)
    return Shift(value, value - down, value + up)
