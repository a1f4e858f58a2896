"""Ratings beside the graded labels of people: direct assessment, whose score is a correlation and no mean."""

from __future__ import annotations

import math
from dataclasses import asdict
from statistics import NormalDist, fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from judgebench.metrics.accuracy import mean_stratum
from judgebench.metrics.attributes import attribute_moments, mean_correlation, mean_of_moments, names_of
from judgebench.metrics.intervals import CONFIDENCE, Interval
from judgebench.metrics.resampling import resampled_means
from judgebench.metrics.steps import step_f1_stratum

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.items import Measure, Outcome
    from judgebench.metrics.calibration import Correlation
    from judgebench.metrics.intervals import Floats, Stratum, View

_TINY = 1e-18
_MOST = 1 - 1e-15
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


class CorrelationStratum:
    """A group of graded items, whose score is Pearson's r of ratings and labels.

    Resamples are drawn from the normal limit of Fisher's z with the error of its interval.
    """

    measure: Measure = "pearson"
    lowest = -1.0
    constant = False

    def __init__(self, found: Correlation) -> None:
        self.value = found.value
        self.n = found.n
        self.effective_n = float(found.n)
        self._interval = Interval(found.low, found.high)

    def interval(self) -> Interval:
        """See `judgebench.metrics.calibration.pearson`."""
        return self._interval

    def draws(self, rng: np.random.Generator, size: int) -> Floats:
        """Correlations of `size` resamples, shape (size,)."""
        ends = np.arctanh(np.clip([self.value, self._interval.low, self._interval.high], -_MOST, _MOST))
        drawn: Floats = np.tanh(rng.normal(ends[0], (ends[2] - ends[1]) / (2 * _Z), size))
        return drawn


def correlation_stratum(outcomes: Sequence[Outcome], view: View = "credit") -> CorrelationStratum | None:
    """The items with a rating and a graded label, as one group; of grades by attribute alone, the mean correlation.

    Items without a rating are left out; no rating could be put in their place that is wrong, or right, for every
    correlation.

    Returns:
        None where ratings or labels do not vary, and for the bounds where any rating is not there.
    """
    from judgebench.metrics.calibration import pearson

    if view in {"low", "high"} and any(outcome.failed for outcome in outcomes):
        return None
    if _by_attributes(outcomes):
        mean = mean_correlation(outcomes)
        return None if mean is None else CorrelationStratum(mean)
    ratings, labels, units = _rated(outcomes)
    found = pearson(ratings, labels, clusters=units) if ratings else None
    return None if found is None else CorrelationStratum(found)


def correlation_draws(runs: Sequence[Sequence[Outcome]], rng: np.random.Generator, resamples: int) -> list[Floats]:
    """Pearson's r of each run's ratings and the graded labels, in resamples of the same items for all runs.

    Args:
        runs: Outcomes of the same items in the same order.
        rng: The source of randomness.
        resamples: How many.

    Returns:
        For each run an array of shape (resamples,); 0 where a side does not vary in a resample.
    """
    if _by_attributes(runs[0]):
        names = names_of(runs[0])
        stacked = resampled_means(np.hstack([attribute_moments(run, names) for run in runs]), resamples, rng)
        return [mean_of_moments(each) for each in np.hsplit(stacked, len(runs))]
    labels = _centred([outcome.item.human_score for outcome in runs[0]])
    columns = []
    for run in runs:
        ratings = _centred([mean_rating(outcome) for outcome in run])
        there = ~np.isnan(ratings) & ~np.isnan(labels)
        x, y = np.where(there, ratings, 0.0), np.where(there, labels, 0.0)
        columns += [there.astype(np.float64), x, y, x * x, y * y, x * y]
    means = resampled_means(np.stack(columns, axis=1), resamples, rng)
    return [_r(*means[:, at : at + 6].T) for at in range(0, 6 * len(runs), 6)]


def _centred(values: Sequence[float | None]) -> Floats:
    """The values less their mean, which leaves a correlation as it is; not-a-number where there is none."""
    given = np.array([math.nan if value is None else value for value in values])
    centred: Floats = given - (np.nanmean(given) if not np.isnan(given).all() else 0.0)
    return centred


def _r(there: Floats, x: Floats, y: Floats, xx: Floats, yy: Floats, xy: Floats) -> Floats:
    """Pearson's r from means over all items, of which the share `there` counts."""
    n = np.maximum(there, _TINY)
    x, y = x / n, y / n
    spread = (xx / n - x * x) * (yy / n - y * y)
    r: Floats = np.where(spread > _TINY, (xy / n - x * y) / np.sqrt(np.maximum(spread, _TINY)), 0.0)
    return r


def grades_or_credits(outcomes: Sequence[Outcome], view: View = "credit") -> Stratum | None:
    """The correlation where labels are grades, F1 where they are first wrong steps, else the mean of the credits."""
    if any(outcome.item.steps and outcome.item.label is not None for outcome in outcomes):
        return step_f1_stratum(outcomes, view)
    if any(outcome.item.graded for outcome in outcomes):
        return correlation_stratum(outcomes, view)
    return mean_stratum(outcomes, view)


def _by_attributes(outcomes: Sequence[Outcome]) -> bool:
    """Whether grades are by attribute alone; a grade of the whole answer counts before them."""
    some = any(outcome.item.attributes for outcome in outcomes)
    return some and all(outcome.item.human_score is None for outcome in outcomes)


def mean_rating(outcome: Outcome) -> float | None:
    """The mean rating of an item with a single completion, over the samples that have one."""
    ratings = [scores[0] for scores in outcome.scores if scores[0] is not None]
    return fmean(ratings) if ratings else None


def unrated(outcomes: Sequence[Outcome]) -> int:
    """How many items with a graded label have no rating."""
    return sum(outcome.item.graded and mean_rating(outcome) is None for outcome in outcomes)


def correlations(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Pearson's r, Spearman's rho and Kendall's tau-b for `metrics.json`, and under `correlations` their intervals.

    Empty where no item has a graded label; None in place of a figure where ratings or labels do not vary.
    """
    if all(outcome.item.human_score is None for outcome in outcomes):
        return {}
    from judgebench.metrics.calibration import kendall, pearson, spearman

    ratings, labels, units = _rated(outcomes)
    found: dict[str, Correlation | None] = {"pearson": None, "spearman": None, "kendall": None}
    if ratings:
        found["pearson"] = pearson(ratings, labels, clusters=units)
        found |= {
            "spearman": spearman(ratings, labels, clusters=units),
            "kendall": kendall(ratings, labels, clusters=units),
        }
    values = {name: None if each is None else each.value for name, each in found.items()}
    return {**values, "correlations": {name: None if each is None else asdict(each) for name, each in found.items()}}


def grade_notes(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What a reader of correlations must know, a sentence each."""
    graded = [outcome for outcome in outcomes if outcome.item.graded]
    if not graded:
        return
    by_attributes = _by_attributes(graded)
    mean = "the mean over attributes of " if by_attributes else ""
    yield f"the score is {mean}Pearson's correlation of ratings and graded labels, from -1 to 1"
    without = unrated(graded)
    if without:
        yield f"{without} of {len(graded)} items have no rating; they are left out, and there are no bounds"
    if by_attributes:
        if mean_correlation(graded) is None:
            yield "no score: of no attribute do both ratings and grades vary"
        return
    ratings, labels, _ = _rated(graded)
    if len(set(ratings)) < 2 or len(set(labels)) < 2:
        side = "ratings" if len(set(ratings)) < 2 else "graded labels"
        yield f"no score: the {side} do not vary, and a correlation needs at least two values"


def _rated(outcomes: Sequence[Outcome]) -> tuple[list[float], list[float], list[str]]:
    """Mean ratings and labels of the items that have both, and what each belongs to."""
    rows = [
        (rating, outcome.item.human_score, outcome.item.unit)
        for outcome in outcomes
        if outcome.item.human_score is not None and (rating := mean_rating(outcome)) is not None
    ]
    return [rating for rating, *_ in rows], [label for _, label, _ in rows], [unit for *_, unit in rows]
