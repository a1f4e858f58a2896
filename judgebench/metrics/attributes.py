"""Ratings by attribute beside graded labels by attribute: a correlation and an accuracy for each."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from judgebench.items import Verdict, class_key
from judgebench.metrics.intervals import CONFIDENCE, MeanStratum
from judgebench.metrics.resampling import codes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from judgebench.items import ItemKey, Outcome, Reading
    from judgebench.metrics.calibration import Correlation
    from judgebench.metrics.intervals import Floats

PART = "attributes."
"""How the parts of an outcome begin that are ratings of attributes."""

_MOST = 1 - 1e-15
_TINY = 1e-18
_FEWEST_UNITS = 4


def parts_of_readings(item: ItemKey, readings: Iterable[Reading]) -> dict[str, float]:
    """The mean rating of each attribute, by the name of the outcome's part; of those that nobody rated none.

    A verdict of a single number rates each attribute so.

    Args:
        item: With its grades.
        readings: All of it.
    """
    rated: dict[str, list[float]] = {}
    for reading in readings:
        if reading.rating is None or not isinstance(reading.result, Verdict):
            continue
        parts = {class_key(name): rating for name, rating in reading.result.parts}
        for name, _ in item.attributes:
            rating = parts.get(class_key(name)) if parts else reading.rating
            if rating is not None:
                rated.setdefault(name, []).append(rating)
    return {PART + name: math.fsum(ratings) / len(ratings) for name, ratings in rated.items()}


def parts_of_scores(item: ItemKey, scores: Mapping[str, float] | float | None) -> dict[str, float]:
    """The same of a score for each attribute, or of one score for all."""
    if scores is None:
        return {}
    if not isinstance(scores, dict):
        return {PART + name: float(scores) for name, _ in item.attributes}  # type: ignore[arg-type]
    return {PART + name: scores[name] for name, _ in item.attributes if name in scores}


def names_of(outcomes: Iterable[Outcome]) -> list[str]:
    """The attributes of all items, in the order in which the rows first name them."""
    return list(dict.fromkeys(name for outcome in outcomes for name, _ in outcome.item.attributes))


def attribute_figures(outcomes: Sequence[Outcome], *, judged: bool) -> dict[str, Any]:
    """The object under `attributes` in `metrics.json`: name -> its figures.

    Each has `pearson`, `spearman`, `kendall`, their intervals under `correlations`, `n` (grades), `unrated` (those
    without a rating), and `accuracy`: the share whose rating, rounded where the grades are whole, is the grade; one
    without a rating is wrong, and its `bounds` count these wrong, and right.

    Args:
        outcomes: One an item.
        judged: Whether ratings are a judge's; scores have an accuracy only where they lie within the grades.
    """
    return {name: _figures(name, outcomes, judged=judged) for name in names_of(outcomes)}


def _figures(name: str, outcomes: Sequence[Outcome], *, judged: bool) -> dict[str, Any]:
    from judgebench.metrics.calibration import kendall, pearson, spearman

    rows = list(_rows(name, outcomes))
    rated = [(rating, grade, unit) for rating, grade, unit in rows if rating is not None]
    found: dict[str, Correlation | None] = dict.fromkeys(("pearson", "spearman", "kendall"))
    if rated:
        x, y, units = zip(*rated, strict=True)
        found = {
            "pearson": pearson(x, y, clusters=units),
            "spearman": spearman(x, y, clusters=units),
            "kendall": kendall(x, y, clusters=units),
        }
    return {
        **{coefficient: None if each is None else each.value for coefficient, each in found.items()},
        "correlations": {coefficient: None if each is None else asdict(each) for coefficient, each in found.items()},
        "n": len(rows),
        "unrated": len(rows) - len(rated),
        **_accuracy(rows, judged=judged),
    }


def _rows(name: str, outcomes: Iterable[Outcome]) -> Iterator[tuple[float | None, float, str]]:
    """Rating, grade and unit of each item with a grade of that name."""
    for outcome in outcomes:
        grade = dict(outcome.item.attributes).get(name)
        if grade is not None:
            yield outcome.parts.get(PART + name), grade, outcome.item.unit


def _accuracy(rows: Sequence[tuple[float | None, float, str]], *, judged: bool) -> dict[str, Any]:
    nothing = {"accuracy": None, "bounds": None}
    ratings = [rating for rating, *_ in rows if rating is not None]
    grades = [grade for _, grade, _ in rows]
    if not ratings or (not judged and not all(min(grades) - 0.5 <= each <= max(grades) + 0.5 for each in ratings)):
        return nothing
    whole = all(grade.is_integer() for grade in grades)
    right = np.array([float(rating is not None and _says(rating, whole=whole) == grade) for rating, grade, _ in rows])
    units = [unit for *_, unit in rows]
    stratum = MeanStratum(right, grouped=(right, units) if len(set(units)) < len(units) else None)
    interval = stratum.interval()
    unrated = (len(rows) - len(ratings)) / len(rows)
    return {
        "accuracy": {"score": stratum.value, "low": interval.low, "high": interval.high},
        "bounds": {"low": stratum.value, "high": stratum.value + unrated},
    }


def _says(rating: float, *, whole: bool) -> float:
    """A rating on the grades' scale: of whole ones the nearest, a half up."""
    return math.floor(rating + 0.5) if whole else rating


def mean_correlation(outcomes: Sequence[Outcome]) -> Correlation | None:
    """The mean over attributes of Pearson's r, with the error of the jackknife over units on the scale of Fisher's z.

    Attributes whose ratings or grades do not vary are left out.

    Returns:
        None where none is left.
    """
    from judgebench.metrics.calibration import Correlation

    ratings, grades = _columns(outcomes, names_of(outcomes))
    unit, count = codes([outcome.item.unit for outcome in outcomes], len(outcomes))
    sums = np.zeros((count, *ratings.shape[1:], 6))
    np.add.at(sums, unit, _moments(ratings, grades))
    total = sums.sum(axis=0)
    known = ~np.isnan(_r(total))
    if not known.any():
        return None
    value = float(_r(total)[known].mean())
    without = _r(total - sums)[:, known]
    others = np.where(np.isnan(without), value, without).mean(axis=1)
    rated = int((~np.isnan(ratings) & ~np.isnan(grades)).any(axis=1).sum())
    if count < _FEWEST_UNITS:
        return Correlation(value, -1.0, 1.0, rated)
    error = math.sqrt((count - 1) / count * float(((others - others.mean()) ** 2).sum()))
    from scipy.special import stdtrit

    half = float(stdtrit(count - 2, 0.5 + CONFIDENCE / 2)) * error / max(1 - value**2, 1e-9)
    centre = math.atanh(min(max(value, -_MOST), _MOST))
    return Correlation(value, min(math.tanh(centre - half), value), max(math.tanh(centre + half), value), rated)


def _columns(outcomes: Sequence[Outcome], names: Sequence[str]) -> tuple[Floats, Floats]:
    """Ratings and grades less their means, shape (items, attributes); not-a-number where there is none."""
    ratings = np.array([[o.parts.get(PART + name, math.nan) for name in names] for o in outcomes])
    given = [dict(o.item.attributes) for o in outcomes]
    grades = np.array([[each.get(name, math.nan) for name in names] for each in given])
    return _centred(ratings), _centred(grades)


def _centred(values: Floats) -> Floats:
    there = ~np.isnan(values)
    means = np.where(there, values, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    found: Floats = values - means
    return found


def _moments(ratings: Floats, grades: Floats) -> Floats:
    """What Pearson's r is made of, of each item and attribute, shape (items, attributes, 6)."""
    there = ~np.isnan(ratings) & ~np.isnan(grades)
    x, y = np.where(there, ratings, 0.0), np.where(there, grades, 0.0)
    return np.stack([there.astype(np.float64), x, y, x * x, y * y, x * y], axis=-1)


def _r(moments: Floats) -> Floats:
    """Pearson's r from sums or means of moments; not-a-number where a side does not vary."""
    there, x, y, xx, yy, xy = np.moveaxis(moments, -1, 0)
    n = np.maximum(there, _TINY)
    x, y = x / n, y / n
    spread_x, spread_y = xx / n - x * x, yy / n - y * y
    with np.errstate(divide="ignore", invalid="ignore"):
        r: Floats = (xy / n - x * y) / np.sqrt(spread_x * spread_y)
    least = 1e-12
    return np.where((spread_x > least) & (spread_y > least), r, np.nan)


def attribute_moments(run: Sequence[Outcome], names: Sequence[str]) -> Floats:
    """Of each item what the mean correlation of a run is made of, shape (items, 6 times attributes)."""
    return _moments(*_columns(run, names)).reshape(len(run), -1)


def mean_of_moments(means: Floats) -> Floats:
    """The mean correlation from means of moments, shape (resamples, 6 times attributes); 0 where none is known."""
    r = _r(means.reshape(len(means), -1, 6))
    known = ~np.isnan(r)
    found: Floats = np.where(known, r, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return found
