"""How far a judge repeats itself: agreement of its verdicts, and what more samples of each item buy."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgebench.items import Verdict
from judgebench.metrics.intervals import CONFIDENCE
from judgebench.metrics.resampling import codes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from judgebench.items import Reading
    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.votes import Choice

SAMPLES = (1, 3, 5)


class OrderAgreement(NamedTuple):
    """How often two verdicts on one question name the same completion; a tie is a choice of its own.

    Attributes:
        item: The question's item.
        same_order: Of two samples of one order; None where no order has two verdicts.
        different_orders: Of two orders; None where one was asked.
        all_orders: Of all orders, of one sample of each; None where one was asked.
    """

    item: str
    same_order: float | None
    different_orders: float | None
    all_orders: float | None


@dataclass(frozen=True, slots=True)
class Noise:
    """How much of a score's doubt is the judge's own noise, from repeated samples.

    Attributes:
        samples: Of each item.
        items: With a credit in every sample.
        between: Variance of the items' true credits within their subset.
        within: Variance of the credit of one sample of an item.
        icc: between / (between + within); None where neither varies.
        errors: The score's standard error, by the number of samples.
        least_error: The same with any number of samples.
        reruns: Within how much of the score 95% of reruns over the same items are, by the number of samples.
    """

    samples: int
    items: int
    between: float
    within: float
    icc: float | None
    errors: Mapping[str, float]
    least_error: float
    reruns: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Retest:
    """What repeated samples say of a judge.

    Attributes:
        same_order: Share of pairs of samples of one order that name the same completion, mean over items.
        different_orders: The same of pairs of different orders; both None for ratings.
        noise: Of the score; None where it is no mean of credits.
    """

    same_order: float | None
    different_orders: float | None
    noise: Noise | None


def order_agreements(readings: Mapping[str, Sequence[Reading]]) -> Iterator[OrderAgreement]:
    """The agreement of verdicts on each question; failures are left out.

    Args:
        readings: By the item's id.
    """
    for item, among in readings.items():
        if len(among) < 2:
            continue
        questions: dict[tuple[int, ...], dict[tuple[int, ...], list[Choice]]] = {}
        for each in among:
            if isinstance(each.result, Verdict) and each.rating is None:
                orders = questions.setdefault(tuple(sorted(each.order)), {})
                orders.setdefault(each.order, []).append(each.named)
        for orders in questions.values():
            yield _agreement(item, list(orders.values()))


def _agreement(item: str, orders: Sequence[list[Choice]]) -> OrderAgreement:
    """Of the verdicts on one question, by order."""
    if len(orders) == 2 and len(orders[0]) == len(orders[1]) == 1:  # nearly all there are
        alike = float(orders[0] == orders[1])
        return OrderAgreement(item, None, alike, alike)
    counted = [Counter(choices) for choices in orders]
    repeated = [counts for counts in counted if counts.total() > 1]
    same = [sum(n * (n - 1) for n in c.values()) / (c.total() * (c.total() - 1)) for c in repeated]
    shares = [{choice: n / counts.total() for choice, n in counts.items()} for counts in counted]
    choices = {choice for counts in counted for choice in counts}
    pairs = [
        sum(one.get(choice, 0) * other.get(choice, 0) for choice in choices)
        for at, one in enumerate(shares)
        for other in shares[:at]
    ]
    together = sum(math.prod(share.get(choice, 0) for share in shares) for choice in choices)
    return OrderAgreement(
        item, fmean(same) if same else None, fmean(pairs) if pairs else None, together if pairs else None
    )


def retest(readings: Mapping[str, Sequence[Reading]], noise: Noise | None) -> Retest | None:
    """What repeated samples say; None where there are none.

    Args:
        readings: By the item's id.
        noise: Of the score.
    """
    every = [each for each in order_agreements(readings) if each.same_order is not None]
    if not every and noise is None:
        return None
    same = [each.same_order for each in every if each.same_order is not None]
    other = [each.different_orders for each in every if each.different_orders is not None]
    return Retest(fmean(same) if same else None, fmean(other) if other else None, noise)


def noise_of(
    credits_: npt.ArrayLike, subsets: npt.ArrayLike, weights: npt.ArrayLike, units: npt.ArrayLike | None = None
) -> Noise | None:
    """Variance components of a score that is a weighted mean of items (one-way random effects within subsets).

    within = mean variance of an item's samples; between = variance of the items' means within their subset, less
    within / samples, at least 0; standard error with k samples = sqrt(sum of squared weights x (between + within / k)),
    to which the products of weighted deviations of items of one unit are added, where their sum is above 0.
    Two runs with k samples of the same items differ by a standard deviation of sqrt(2 sum of squared weights x
    within / k).

    Args:
        credits_: Of each item and sample, shape (items, samples).
        subsets: Of each item, shape (items,).
        weights: Of each item in the score, shape (items,), of sum 1.
        units: What each item belongs to, shape (items,); None: itself.

    Returns:
        None with fewer than two samples, or no subset of two items.
    """
    credit, weight = np.asarray(credits_, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if credit.ndim < 2 or credit.shape[1] < 2:
        return None
    n, samples = credit.shape
    _, code = np.unique(np.asarray(subsets), return_inverse=True)
    freedom = n - int(code.max()) - 1
    if freedom < 1:
        return None
    within = float(credit.var(axis=1, ddof=1).mean())
    means: Floats = credit.mean(axis=1)
    deviations = means - (np.bincount(code, weights=means) / np.bincount(code))[code]
    between = max(float(deviations @ deviations) / freedom - within / samples, 0.0)
    squares, z = float(weight @ weight), NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    sums = np.bincount(codes(units, n)[0], weights=weight * deviations)
    items = squares * between + max(float(sums @ sums) - float(np.square(weight * deviations).sum()), 0.0)
    return Noise(
        samples=samples,
        items=n,
        between=between,
        within=within,
        icc=between / (between + within) if between + within else None,
        errors={str(k): math.sqrt(items + squares * within / k) for k in SAMPLES},
        least_error=math.sqrt(items),
        reruns={str(k): z * math.sqrt(2 * squares * within / k) for k in SAMPLES},
    )
