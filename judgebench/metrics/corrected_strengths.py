"""Strengths of models as people would give them: Bradley and Terry's, from a judge's verdicts and labels of some pairs.

PPI++ (arXiv 2311.01453) on the equations of Bradley and Terry's likelihood: the labels' own, and as much of the
judge's on all pairs, less on the labelled ones, as makes the strengths' variance smallest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from judgebench.metrics.corrected import LEAST_LABELS

if TYPE_CHECKING:
    from judgebench.metrics.corrected import Flags, Floats, LabelledSample
    from judgebench.metrics.resampling import Ints

_STEPS = 60
_LONGEST = 2.0
_CLOSE = 1e-9
_FAR = 12.0
_HALF_GAMES = 0.5


@dataclass(frozen=True, slots=True)
class CorrectedStrengths:
    """Strengths of mean 0, as log-odds, with intervals by clusters.

    Attributes:
        values: Shape (models,); NaN where a model has too few labels.
        low: The intervals' lower ends, likewise.
        high: Their upper ends.
        labels: In how many labelled pairs each model is.
        power: How much the judge counts, from 0 to 1.
        penalised: Whether labels are so one-sided that each model has half a win and half a loss more.
    """

    values: Floats
    low: Floats
    high: Floats
    labels: Ints
    power: float
    penalised: bool


class _Pairs:
    """Pairs of models, of which some are labelled."""

    def __init__(self, sample: LabelledSample, first: Ints, second: Ints, models: int) -> None:
        self.sample, self.models = sample, models
        self.sides: Floats = np.zeros((len(first), models))
        self.sides[np.arange(len(first)), first] += 1.0
        self.sides[np.arange(len(first)), second] -= 1.0
        self.every: Flags = np.ones(len(first), dtype=bool)

    def fitted(self, power: float, *, penalised: bool) -> Floats:
        """The strengths that solve the equations, by Newton's method."""
        sample, sides = self.sample, self.sides
        own, all_shares = sides[sample.has], 1 / len(sides)
        told = own.T @ (sample.share * (sample.y - power * sample.f)) + power * all_shares * (sides.T @ sample.judged)
        weights = np.full(len(sides), power * all_shares)
        weights[sample.has] += (1 - power) * sample.share
        more = _HALF_GAMES / sample.n if penalised else 0.0
        found = np.zeros(self.models)
        for _ in range(_STEPS):
            chance, average = _logistic(sides @ found), _logistic(found)
            slope = told - sides.T @ (weights * chance) + more * (1 - 2 * average)
            bend = self.bend(weights * chance * (1 - chance)) + np.diag(2 * more * average * (1 - average))
            step = np.clip(np.linalg.solve(bend, slope), -_LONGEST, _LONGEST)
            found = found + step
            if float(np.abs(step).max()) < _CLOSE or float(np.abs(found).max()) > 2 * _FAR:
                break
        centred: Floats = found - found.mean()
        return centred

    def bend(self, weights: Floats) -> Floats:
        """The likelihood's second derivative, with the mean held."""
        bend: Floats = self.sides.T @ (weights[:, None] * self.sides)
        return bend + 1 / self.models + 1e-12 * np.eye(self.models)

    def errors(self, strengths: Floats) -> tuple[Floats, Floats]:
        """What each cluster adds to the strengths' error by labels, and by the judge's figures; (clusters, models)."""
        chance = _logistic(self.sides @ strengths)
        weights = np.zeros(len(chance))
        weights[self.sample.has] = self.sample.share
        back = np.linalg.inv(self.bend(weights * chance * (1 - chance) + 1e-3 / len(chance)))
        missing = self.sides * (self.sample.judged - chance)[:, None]
        own = self.sides[self.sample.has] * (self.sample.y - chance[self.sample.has])[:, None]
        labels = self._parts(own, self.sample.has)
        judge = self._parts(missing[self.sample.has], self.sample.has) - self._parts(missing, self.every)
        return labels @ back, judge @ back

    def _parts(self, values: Floats, over: Flags) -> Floats:
        return np.stack([self.sample.parts(column, over) for column in values.T], axis=1)


def corrected_strengths(
    sample: LabelledSample, first: Ints, second: Ints, *, models: int, confidence: float = 0.95
) -> CorrectedStrengths:
    """Strengths by PPI++, with intervals from the variance of what each cluster tells.

    Args:
        sample: Of each pair what the judge gives to its first model (1, 0, or a half), and people's label.
        first: The first model of each pair, 0 to models - 1.
        second: The second one.
        models: How many there are.
        confidence: Of the intervals.
    """
    from scipy.special import stdtrit

    pairs = _Pairs(sample, first, second, models)
    power, penalised = 0.5, False
    for _ in range(3):
        found = pairs.fitted(power, penalised=penalised)
        if not penalised and float(np.abs(found).max()) > _FAR:
            penalised = True
            found = pairs.fitted(power, penalised=True)
        labels, judge = pairs.errors(found)
        bulk = float((judge**2).sum())
        telling = bulk > _CLOSE * float((labels**2).sum())
        power = min(max(float((labels * judge).sum()) / bulk, 0.0), 1.0) if telling else 0.0
    found = pairs.fitted(power, penalised=penalised)
    labels, judge = pairs.errors(found)
    error = np.sqrt(((labels - power * judge) ** 2).sum(axis=0))
    freedom = max(sample.independent - models, 1.0)
    half = float(stdtrit(freedom, 0.5 + confidence / 2)) * error * sample.independent / freedom
    games = np.bincount(first[sample.has], minlength=models) + np.bincount(second[sample.has], minlength=models)
    known = games >= LEAST_LABELS
    values, low, high = (np.where(known, each, np.nan) for each in (found, found - half, found + half))
    return CorrectedStrengths(values, low, high, games, power, penalised)


def _logistic(values: Floats) -> Floats:
    chance: Floats = 1 / (1 + np.exp(-np.clip(values, -50, 50)))
    return chance
