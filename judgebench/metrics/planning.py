"""How many items show a difference, how many labels an interval of a width needs, and what orders and samples buy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from judgebench.metrics.comparisons import mcnemar_power, minimal_detectable_difference
from judgebench.metrics.intervals import CONFIDENCE, POWER
from judgebench.metrics.paired import ALPHA

if TYPE_CHECKING:
    from collections.abc import Callable

_FEW_DISCORDANT = 50
_MOST = 1 << 40


def corrected_level(runs: int) -> float:
    """The level of a single test of two runs out of several, at Holm's first step.

    Args:
        runs: How many are compared, each with each; at least two.

    Example:
        >>> corrected_level(2), round(corrected_level(4), 5)
        (0.05, 0.00833)
    """
    return ALPHA / (runs * (runs - 1) // 2)


def items_for_difference(
    difference: float,
    *,
    discordant: float | None = None,
    square: float | None = None,
    step: float = 0.0,
    alpha: float = ALPHA,
) -> int:
    """The fewest items on which a paired test finds a true difference of two runs with a chance of 80%.

    From the share of discordant items: by the exact power of McNemar's test with mid-p, and where more than 50 items
    are discordant by Connor's formula (1987, doi:10.2307/2531961). From the mean square of the items' differences by
    the same formula and, since the sign-flip test is exact and has no mid-p, step / difference items more.

    Args:
        difference: The true one, above 0, up to 1.
        discordant: Share of items on which the runs differ, at least the difference.
        square: Mean square of the items' differences in credit, in its place, at least the difference's own.
        step: What credits are multiples of: 1 / replies to an item.
        alpha: The test's level, after any correction.

    Raises:
        ValueError: Not exactly one of `discordant` and `square` is given, or it is less than the difference needs.

    Example:
        >>> items_for_difference(0.05, discordant=0.2), items_for_difference(0.05, square=0.2, step=0.5)
        (626, 636)
    """
    if (discordant is None) == (square is None):
        raise ValueError("give either the share of discordant items or the mean square of the differences")
    share = (discordant if square is None else square) or 0.0
    if share < (difference if square is None else difference**2):
        raise ValueError(f"a difference of {difference} needs items that differ by more")
    z_alpha, z_power = NormalDist().inv_cdf(1 - alpha / 2), NormalDist().inv_cdf(POWER)
    spread = math.sqrt(max(share - difference**2, 0.0))
    n = ((z_alpha * math.sqrt(share) + z_power * spread) / difference) ** 2
    if square is not None or n * share > _FEW_DISCORDANT:
        return max(math.ceil(n + step / difference), 2)
    return _first(lambda items: mcnemar_power(items, difference, share, alpha=alpha) >= POWER)


def _first(enough: Callable[[int], bool]) -> int:
    """The fewest that are enough, where more are enough too."""
    high = 2
    while not enough(high) and high < _MOST:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def detected_difference(items: float, variance: float, *, binary: bool = False, alpha: float = ALPHA) -> float:
    """The smallest true difference that so many items show with a chance of 80%; see `minimal_detectable_difference`.

    Args:
        items: Independent ones, above 0.
        variance: Mean square of the items' differences: the share of discordant items where credits are 0 or 1.
        binary: Whether they are.
        alpha: The test's level, after any correction.
    """
    if binary:
        return minimal_detectable_difference(items, discordant=variance, alpha=alpha)
    return minimal_detectable_difference(items, sd=math.sqrt(variance), alpha=alpha)


def labels_for_width(
    width: float, rate: float, *, correlation: float = 0.0, judged: float | None = None, confidence: float = CONFIDENCE
) -> int:
    """The fewest labels for an interval of a rate that is so wide: labels alone, or with a judge's verdicts.

    With a judge (PPI++, arXiv 2311.01453, at its best weight) n labels are worth n / (1 - correlation^2 N / (N + n)),
    N being the items that only the judge has judged. The width is Clopper and Pearson's of so many.

    Args:
        width: From the lower end to the upper, above 0 and below 1.
        rate: The true one, from 0 to 1.
        correlation: Of the judge's verdict with the label.
        judged: N; None: as many as one likes.
        confidence: The share of intervals that hold the truth.

    Example:
        >>> labels_for_width(0.1, 0.5), labels_for_width(0.1, 0.5, correlation=0.7, judged=10_000)
        (402, 209)
    """
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2

    def enough(labels: int) -> bool:
        kept = 1.0 if judged is None else judged / (judged + labels)
        n = labels / max(1 - correlation**2 * kept, 1e-9)
        hits = rate * n
        low = float(betaincinv(hits, n - hits + 1, tail)) if hits > 0 else 0.0
        high = float(betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
        return high - low <= width

    return _first(enough)


def label_correlation(agreement: float, rate: float) -> float:
    """The correlation of a judge's verdict with the label, where it errs as often on either class.

    Args:
        agreement: How often both are the same.
        rate: Of the labels' positive class.

    Returns:
        0 where all labels are of one class.

    Example:
        >>> round(label_correlation(0.85, 0.5), 3), round(label_correlation(0.85, 0.2), 3)
        (0.7, 0.617)
    """
    called = rate * agreement + (1 - rate) * (1 - agreement)
    spread = called * (1 - called)
    return (2 * agreement - 1) * math.sqrt(rate * (1 - rate) / spread) if spread > 0 else 0.0


@dataclass(frozen=True, slots=True)
class ReplyNoise:
    """How much of the variance of one reply's credit its sample and its order make.

    Attributes:
        sample: Variance between samples of one order; None where it is not known.
        order: Variance between the orders of an item, one sample of each (so with the samples' own); None: not known.
    """

    sample: float | None = None
    order: float | None = None

    def left(self, orders: int, samples: int, most: int) -> float:
        """What noise is in a mean over orders and samples; what is not known counts as none.

        Args:
            orders: How many, at least 1.
            samples: Of each order, at least 1.
            most: How many orders there are.

        Example:
            >>> round(ReplyNoise(sample=0.1, order=0.2).left(2, 5, 2), 3)
            0.01
        """
        known = ReplyNoise(self.sample or 0.0, self.order or 0.0)
        return max((known.saved(most, math.inf) or 0.0) - (known.saved(orders, samples) or 0.0), 0.0)

    def saved(self, orders: int, samples: float) -> float | None:
        """By how much a mean over orders and samples varies less than one reply; None where that is not known.

        (1 - 1/b) order + (1 - 1/k) sample / b with b orders, which are all there are, and k samples of each.

        Args:
            orders: How many, at least 1.
            samples: Of each order, at least 1; may be infinite.

        Example:
            >>> ReplyNoise(sample=0.1).saved(1, 5), ReplyNoise(sample=0.1).saved(2, 1)
            (0.08000000000000002, None)
        """
        known = (orders == 1 or self.order is not None) and (samples == 1 or self.sample is not None)
        if not known:
            return None
        return (1 - 1 / orders) * (self.order or 0.0) + (1 - 1 / samples) * (self.sample or 0.0) / orders


def noise_of_guess(retest: float | None, consistency: float | None) -> ReplyNoise:
    """The noise of verdicts that are right or wrong.

    Two of which a share differs have half of that share as their variance.

    Args:
        retest: How often two samples of one order are the same; None where that is not known.
        consistency: How often the verdicts of two orders are the same; None likewise.

    Example:
        >>> noise_of_guess(0.9, None).sample
        0.04999999999999999
    """
    return ReplyNoise(
        None if retest is None else (1 - retest) / 2, None if consistency is None else (1 - consistency) / 2
    )
