"""Whether the intervals of `estimate` hold people's share: few labels, poor judges, groups, unequal draws."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.trust.row import Row
from judgebench.metrics.corrected import METHODS, LabelledSample, corrected, recommended
from judgebench.metrics.corrected_strengths import corrected_strengths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ITEMS = 500


def truth_and_verdicts(
    rng: np.random.Generator, rate: float, right: float, cluster: int, *, both: bool
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """People's labels of all items, the judge's figures, and the group of each item.

    Items of a group share their rate (a beta distribution, intra-class correlation .5); with `both` orders the judge's
    figure is the mean of two independent verdicts.
    """
    groups = np.repeat(np.arange(ITEMS // cluster), cluster)
    rates = np.full(ITEMS, rate) if cluster == 1 else np.repeat(rng.beta(rate, 1 - rate, ITEMS // cluster), cluster)
    labels = (rng.random(ITEMS) < rates).astype(float)
    orders = [np.where(rng.random(ITEMS) < right, labels, 1 - labels) for _ in range(2 if both else 1)]
    return labels, np.mean(orders, axis=0), groups


def holds(
    runs: int,
    *,
    rate: float = 0.5,
    right: float = 0.8,
    labels: int = 20,
    cluster: int = 1,
    unequal: bool = False,
    both: bool = False,
    seed: int = 0,
) -> dict[str, float]:
    """The share of runs whose interval holds the rate or is not given, by method, and of the recommended one.

    With `unequal` draws items that the judge calls positive are four times as likely to be labelled.
    """
    rng = np.random.default_rng(seed)
    missed: Counter[str] = Counter()
    for _ in range(runs):
        truth, judged, groups = truth_and_verdicts(rng, rate, right, cluster, both=both)
        probabilities = None
        if unequal:
            probabilities = np.where(judged > 0.5, 4.0, 1.0)
            probabilities = np.minimum(probabilities * labels / probabilities.sum(), 1.0)
            has = rng.random(ITEMS) < probabilities
        else:
            has = np.isin(groups, rng.choice(ITEMS // cluster, labels // cluster, replace=False))
        if not has.any():
            continue
        sample = LabelledSample(judged, np.where(has, truth, np.nan), probabilities, groups)
        found = corrected(sample)
        for name in METHODS:
            low, high = found[name].low, found[name].high
            if low is not None and high is not None and not low <= rate <= high:
                missed[name] += 1
                missed["recommended"] += name == recommended(found)
    return {name: 1 - missed[name] / runs for name in (*METHODS, "recommended")}


TRUE = np.array([1.0, 0.3, -0.3, -1.0])


def strengths_hold(runs: int, *, right: float = 0.75, labels: int = 100, pairs: int = 1000, seed: int = 0) -> float:
    """The share of intervals of four models' strengths that hold the true ones."""
    rng, held = np.random.default_rng(seed), 0
    for _ in range(runs):
        first = rng.integers(0, 4, pairs)
        second = (first + rng.integers(1, 4, pairs)) % 4
        won = (rng.random(pairs) < 1 / (1 + np.exp(TRUE[second] - TRUE[first]))).astype(float)
        judged = np.where(rng.random(pairs) < right, won, 1 - won)
        sample = LabelledSample(judged, np.where(np.arange(pairs) < labels, won, np.nan))
        found = corrected_strengths(sample, first, second, models=4)
        held += int(((found.low <= TRUE) & (found.high >= TRUE) | np.isnan(found.values)).sum())
    return held / (4 * runs)


def _row(name: str, runs: int = 1000, **options: Any) -> Row:
    def worst(runs: int) -> float:
        return min(holds(runs, **options).values())

    # Two standard errors of a share of .93 over as many runs.
    return Row(name, "at least 93%", partial(worst), low=0.93 - 2 * (0.93 * 0.07 / runs) ** 0.5, runs=runs)


ROWS = (
    _row("20 labels, judge right in 80%"),
    _row("20 labels, judge right in 95%", right=0.95),
    _row("20 labels, judge right in 50%", right=0.5),
    _row("20 labels, rate 5%, judge right in 80%", rate=0.05),
    _row("20 labels, rate 95%, judge right in 95%", rate=0.95, right=0.95),
    _row("20 labels, rate 2%, judge right in 80%", rate=0.02),
    _row("50 labels, rate 20%, judge right in 10%", rate=0.2, right=0.1, labels=50),
    _row("30 labels, rate 20%, both orders averaged", rate=0.2, both=True, labels=30),
    _row("60 labels, rate 5%", rate=0.05, labels=60),
    _row("60 labels in groups of 4, correlated", rate=0.4, cluster=4, labels=60),
    _row("100 labels in groups of 4, judge right in 95%", rate=0.2, right=0.95, cluster=4, labels=100),
    _row("40 labels, positive verdicts drawn four times as often", unequal=True, labels=40),
    _row("40 labels, drawn so, rate 5%", rate=0.05, unequal=True, labels=40),
    _row("200 labels, judge right in 90%", right=0.9, labels=200),
    Row("strengths of 4 models, 100 labels, judge right in 75%", "at least 93%", strengths_hold, low=0.92, runs=400),
    Row(
        "strengths, 60 labels, 95%", "at least 93%", partial(strengths_hold, right=0.95, labels=60), low=0.92, runs=400
    ),
)
