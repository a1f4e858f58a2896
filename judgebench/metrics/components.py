"""Variance components: how much items, wordings, orders and samples move a credit, and wordings the score.

Credits are crossed and balanced: every item is judged with every template, in every order, in every sample. Orders are
within an item, since which of two is the first is arbitrary, and all that there are. Mean squares are set equal to what
they are on average (ANOVA, Searle, Casella and McCulloch 1992, doi:10.1002/9780470316856, chapter 4), so that a
component is unbiased also where it is 0; an estimate below 0 is shown as 0, and said to be below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from judgebench.metrics.intervals import CONFIDENCE
from judgebench.metrics.resampling import codes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from judgebench.metrics.intervals import Floats

_LARGEST = 0.25
"""The largest variance of a score from 0 to 1."""

WORDINGS = "wordings"
ITEMS, ITEM_WORDINGS, ORDERS, ORDER_WORDINGS = "items", "items x wordings", "orders", "orders x wordings"
SAMPLES, RESIDUAL = "samples", "residual"
_FURTHEST = {ITEMS: 1.0, ITEM_WORDINGS: 0.5, ORDERS: 0.25, ORDER_WORDINGS: 0.25, SAMPLES: 0.5, RESIDUAL: 0.5}
"""The most that one item can say of each variance."""


@dataclass(frozen=True, slots=True)
class Component:
    """What one source adds to the variance.

    Attributes:
        source: `items`, `wordings`, `orders`, `samples`, two of them together, or `residual`: what cannot be separated.
        variance: Of a credit of one reply, or for wordings of the score; unbiased, and so below 0 at times.
        low: The lower end of its 95% interval, at least 0.
        high: The upper end.
        share: Of the variance of one credit; None for wordings.
    """

    source: str
    variance: float
    low: float
    high: float
    share: float | None = None

    @property
    def sd(self) -> float:
        """The standard deviation; 0 where the estimate of the variance is below 0."""
        return math.sqrt(max(self.variance, 0.0))

    @property
    def truncated(self) -> bool:
        """Whether the estimate is below 0, and counts as 0."""
        return self.variance < 0


@dataclass(frozen=True, slots=True)
class Components:
    """The variance components of one judge's runs.

    Attributes:
        items: How many have a credit from every reply.
        wordings: How many templates.
        orders: In how many orders each item was judged.
        samples: Of each order.
        components: Of each source that can be separated, wordings first.
        icc: The share of the variance of one credit that is between items (consistency: without wordings' own effect,
            McGraw and Wong 1996, doi:10.1037/1082-989X.1.1.30); None where nothing varies.
        icc_low: The lower end of its 95% interval.
        icc_high: The upper end.
    """

    items: int
    wordings: int
    orders: int
    samples: int
    components: tuple[Component, ...]
    icc: float | None
    icc_low: float | None
    icc_high: float | None

    def of(self, source: str) -> Component | None:
        """The component of one source; None where it cannot be separated."""
        return next((each for each in self.components if each.source == source), None)


def variance_components(
    credits_: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    subsets: npt.ArrayLike | None = None,
    units: npt.ArrayLike | None = None,
) -> Components | None:
    """Splits the variance of credits.

    Items vary around the mean of their subset. Intervals of variances of single credits are from the spread over
    independent units (items, or groups of them), so that they need no normal credits; that of wordings is Tukey's and
    Williams' (1962, doi:10.1093/biomet/49.1-2.278), which takes wordings to differ normally.

    Args:
        credits_: Of every template, item, order and sample, from 0 to 1, shape (templates, items, orders, samples).
        weights: Of each item in the score, shape (items,); None: all the same.
        subsets: Of each item, shape (items,); None: one.
        units: What each item belongs to, shape (items,); None: itself.

    Returns:
        None where each item has a single credit, or no subset has two items.
    """
    y = np.asarray(credits_, dtype=np.float64)
    wordings, n, orders, samples = y.shape
    subset = np.zeros(n, dtype=np.int64) if subsets is None else codes(subsets, n)[0]
    sizes = np.bincount(subset, minlength=1).astype(np.int64)[subset]
    if wordings * orders * samples == 1 or not (sizes > 1).any():
        return None
    # The only item of its subset says nothing on how far items are apart.
    kept = sizes > 1
    y, subset, sizes = y[:, kept], subset[kept], sizes[kept]
    unit, count = codes(np.asarray(units)[kept] if units is not None else None, int(kept.sum()))
    weight = np.ones(len(kept)) if weights is None else np.asarray(weights, dtype=np.float64)
    weight = weight[kept] / weight[kept].sum()
    by_wording, deviations = y.mean(axis=(2, 3)), _Deviations(subset, sizes)
    parts = dict(_parts(y, deviations))
    spread = {source: _unit_means(values, unit, count) for source, values in parts.items()}
    total = sum(max(float(values.mean()), 0.0) for values in parts.values())
    found = [
        Component(
            source, *_ends(float(values.mean()), spread[source], _FURTHEST[source]), _share(float(values.mean()), total)
        )
        for source, values in parts.items()
    ]
    if wordings > 1:
        found.insert(0, _of_wordings(by_wording, weight, deviations, unit, count))
    return Components(n, wordings, orders, samples, tuple(found), *_icc(parts, spread, total))


@dataclass(frozen=True)
class _Deviations:
    """What stands off the mean of a subset, scaled so that its squares are unbiased."""

    subset: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]

    def of(self, values: Floats) -> Floats:
        means = np.bincount(self.subset, weights=values) / np.maximum(np.bincount(self.subset), 1)
        deviations: Floats = (values - means[self.subset]) * np.sqrt(self.sizes / (self.sizes - 1))
        return deviations


def _parts(y: Floats, deviations: _Deviations) -> Iterator[tuple[str, Floats]]:
    """Of each source what every item says of its variance, shape (items,): their mean is the estimate."""
    wordings, n, orders, samples = y.shape
    cell = y.mean(axis=3)
    of_wording, of_order, item = cell.mean(axis=2), cell.mean(axis=0), cell.mean(axis=(0, 2))
    within = y.var(axis=3, ddof=1).mean(axis=(0, 2)) if samples > 1 else np.zeros(n)
    several = wordings > 1 and orders > 1
    noise = base = within / samples
    if several:
        apart = cell - of_wording[:, :, None] - of_order[None] + item[:, None]
        base = np.square(apart).sum(axis=(0, 2)) / ((wordings - 1) * (orders - 1))
        noise = noise if samples > 1 else base
    interaction, between_orders = np.zeros(n), np.zeros(n)
    if wordings > 1:
        squares = [np.square(deviations.of(each - item)) for each in of_wording]
        interaction = np.sum(squares, axis=0) / (wordings - 1)
    if orders > 1:
        between_orders = of_order.var(axis=1, ddof=1)
    separable = samples > 1 or several
    off = interaction / wordings if wordings > 1 else (noise if separable else between_orders) / orders
    yield ITEMS, np.square(deviations.of(item)) - off
    if wordings > 1 and separable:
        yield ITEM_WORDINGS, interaction - noise / orders
    # All orders there are were asked, so that a mean over them has none of their variance: it is of a population of so
    # many, and of one reply (orders - 1) / orders of what so many drawn ones would have.
    of_one = (orders - 1) / orders
    if orders > 1 and separable:
        yield ORDERS, of_one * (between_orders - base / wordings)
    if several and samples > 1:
        yield ORDER_WORDINGS, of_one * (base - noise)
    if samples > 1:
        yield SAMPLES, within
    else:
        yield RESIDUAL, base if several else interaction if wordings > 1 else between_orders


def _unit_means(values: Floats, unit: npt.NDArray[np.int64], count: int) -> Floats:
    """What each independent unit adds to the deviation of the mean, shape (units,)."""
    sums: Floats = np.bincount(unit, weights=values - values.mean(), minlength=count) / len(values)
    return sums * math.sqrt(count / max(count - 1, 1))


def _ends(variance: float, apart: Floats, most: float) -> tuple[float, float, float]:
    """The variance with its interval.

    Student's, from what each unit adds to the deviation of the mean and two units more, one with the most that a unit
    can say and one with nothing: so what few units show, or none, has a width (Agresti and Caffo 2000,
    doi:10.1080/00031305.2000.10474560).
    """
    n = len(apart)
    centre = (n * variance + most) / (n + 2)
    more = [(most - variance) / (n + 2), -variance / (n + 2)]
    reach = _reach(np.concatenate([apart * n / (n + 2), more]))
    return variance, max(min(variance, centre - reach), 0.0), max(min(centre + reach, _LARGEST), variance, 0.0)


def _reach(apart: Floats) -> float:
    """Half the interval of a mean, from what each unit adds to its deviation; Student's t with units - 1 degrees."""
    from scipy.special import stdtrit

    return float(stdtrit(max(len(apart) - 1, 1), 0.5 + CONFIDENCE / 2)) * math.sqrt(float(apart @ apart))


def _share(variance: float, total: float) -> float | None:
    return max(variance, 0.0) / total if total > 0 else None


def _of_wordings(
    credits_: Floats, weights: Floats, deviations: _Deviations, unit: npt.NDArray[np.int64], count: int
) -> Component:
    """How far wordings move the score, beyond what the choice of items explains."""
    from scipy.special import chdtri

    wordings = len(credits_)
    scores = credits_ @ weights
    apart = [deviations.of(each - credits_.mean(axis=0)) * weights for each in credits_]
    sums = [np.bincount(unit, weights=each, minlength=count) for each in apart]
    noise = sum(float(each @ each) for each in sums) / (wordings - 1)
    observed = float(scores.var(ddof=1))
    low, high = (
        observed * (wordings - 1) / float(chdtri(wordings - 1, tail)) - noise
        for tail in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
    )
    return Component(WORDINGS, observed - noise, *(min(max(end, 0.0), _LARGEST) for end in (low, high)))


def _icc(
    parts: dict[str, Floats], spread: dict[str, Floats], total: float
) -> tuple[float | None, float | None, float | None]:
    """The share of the items' component with its interval by the delta method."""
    if total <= 0:
        return None, None, None
    icc = max(float(parts[ITEMS].mean()), 0.0) / total
    apart = (spread[ITEMS] - icc * sum(spread.values(), start=np.zeros(1))) / total
    # Two units more, as for the variances: one apart from all others, and one whose own replies are.
    n, within = len(apart), max(most for source, most in _FURTHEST.items() if source in parts and source != ITEMS)
    more = [(1 - icc) * _FURTHEST[ITEMS] / total / (n + 2), -icc * within / total / (n + 2)]
    reach = _reach(np.concatenate([apart * n / (n + 2), more]))
    return icc, max(icc - reach, 0.0), min(icc + reach, 1.0)
