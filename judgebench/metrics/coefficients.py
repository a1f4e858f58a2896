"""Scores that are Cohen's kappa of classes, or Spearman's rho of grades: JUDGE-BENCH's."""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from judgebench.metrics.agreement import cohen_kappa
from judgebench.metrics.intervals import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgebench.items import Measure, Outcome
    from judgebench.metrics.intervals import Floats, View

SAID = "said."
"""How the parts of an outcome begin that are the shares of its readings that say a class."""

_BLOCK = 4_000_000


class CoefficientStratum:
    """A group of items whose score is a coefficient.

    Resamples draw the same items for all runs that are given a generator in the same state.

    Args:
        measure: What the coefficient is.
        estimate: Its value and interval.
        columns: Of each item what the coefficient is made of, by its means over items, shape (n, columns).
        of_means: From means, shape (draws, columns), to the coefficient, shape (draws,).
    """

    lowest = -1.0
    constant = False

    def __init__(
        self,
        measure: Measure,
        estimate: tuple[float, float, float],
        columns: Floats,
        of_means: Callable[[Floats], Floats],
    ) -> None:
        self.measure: Measure = measure
        self.value, self._low, self._high = estimate
        self.n = len(columns)
        self.effective_n = float(self.n)
        self._columns, self._of_means = columns, of_means

    def interval(self) -> Interval:
        """That of the coefficient."""
        return Interval(self._low, self._high)

    def draws(self, rng: np.random.Generator, size: int) -> Floats:
        """The coefficient in `size` bootstrap resamples of the items; its value where a resample has none."""
        made = []
        at_once = max(1, _BLOCK // self.n)
        for start in range(0, size, at_once):
            counts = rng.multinomial(self.n, np.full(self.n, 1 / self.n), size=min(at_once, size - start))
            made.append(self._of_means(counts @ self._columns / self.n))
        drawn: Floats = np.concatenate(made)
        return np.where(np.isnan(drawn), self.value, drawn)


def kappa_or_spearman(outcomes: Sequence[Outcome], view: View = "credit") -> CoefficientStratum | None:
    """Cohen's kappa where items have classes, Spearman's rho where they have grades; None where neither has a value.

    Items without a verdict are left out, and there are no bounds: no verdict is right or wrong for every coefficient.
    """
    if view in {"low", "high"} and any(outcome.failed for outcome in outcomes):
        return None
    return _kappa(outcomes) if any(outcome.item.label is not None for outcome in outcomes) else _spearman(outcomes)


def _kappa(outcomes: Sequence[Outcome]) -> CoefficientStratum | None:
    said = [{name.removeprefix(SAID): v for name, v in o.parts.items() if name.startswith(SAID)} for o in outcomes]
    known = [(o, each) for o, each in zip(outcomes, said, strict=True) if o.item.label is not None and each]
    if not known:
        return None
    names = sorted({str(o.item.label) for o, _ in known} | {name for _, each in known for name in each})
    number = {name: at for at, name in enumerate(names)}
    table = np.zeros((len(known), len(names), len(names)))
    for row, (outcome, each) in enumerate(known):
        for name, share in each.items():
            table[row, number[str(outcome.item.label)], number[name]] = share
    columns = (table / table.sum(axis=(1, 2), keepdims=True)).reshape(len(known), -1)

    def of_means(means: Floats) -> Floats:
        t = means.reshape(-1, len(names), len(names))
        chance = (t.sum(axis=1) * t.sum(axis=2)).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Floats = (np.trace(t, axis1=1, axis2=2) - chance) / (1 - chance)
        return np.where(chance < 1 - 1e-12, found, np.nan)

    value = float(of_means(columns.mean(axis=0)[None])[0])
    if math.isnan(value):
        return None
    pairs = [[number[str(o.item.label)], number[max(each, key=each.__getitem__)]] for o, each in known]
    found = cohen_kappa(pairs, clusters=[o.item.unit for o, _ in known])
    low, high = (end if not math.isnan(end) else whole for end, whole in ((found.low, -1.0), (found.high, 1.0)))
    return CoefficientStratum("kappa", (value, min(low, value), max(high, value)), columns, of_means)


def _spearman(outcomes: Sequence[Outcome]) -> CoefficientStratum | None:
    from scipy.stats import rankdata

    from judgebench.metrics.calibration import spearman

    rows = []
    for outcome in outcomes:
        ratings = [sample[0] for sample in outcome.scores if sample[0] is not None]
        if ratings and outcome.item.human_score is not None:
            rows.append((fmean(ratings), outcome.item.human_score, outcome.item.unit))
    found = spearman(*zip(*[row[:2] for row in rows], strict=True), clusters=[row[2] for row in rows]) if rows else None
    if found is None:
        return None
    x, y = (rankdata([row[at] for row in rows]) - (len(rows) + 1) / 2 for at in (0, 1))

    def of_means(means: Floats) -> Floats:
        x, y, xx, yy, xy = means.T
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Floats = (xy - x * y) / np.sqrt((xx - x * x) * (yy - y * y))
        return found

    columns = np.stack([x, y, x * x, y * y, x * y], axis=1)
    return CoefficientStratum("spearman", (found.value, found.low, found.high), columns, of_means)
