"""Ratings by attribute beside grades by attribute: worked figures, and a slow reference."""

from __future__ import annotations

import random
from statistics import correlation, fmean

import numpy as np
import pytest
from making import key

from judgebench.items import Failure, Outcome, Reading, Verdict
from judgebench.metrics.attributes import PART, attribute_figures, mean_correlation, parts_of_readings
from judgebench.metrics.grades import correlation_draws, correlation_stratum
from judgebench.metrics.votes import join


def outcomes(ratings, grades, **more):
    """Items with grades by attribute beside ratings by attribute; None is no rating."""
    made = []
    for at, (rated, graded) in enumerate(zip(ratings, grades, strict=True)):
        item = key(f"i{at}", k=1, num_correct=0, attributes=tuple(graded.items()), **more)
        parts = {PART + name: float(rating) for name, rating in (rated or {}).items()}
        scores = ((None if rated is None else fmean(rated.values()),),)
        made.append(Outcome(item, None, None, None, scores=scores, parts=parts))
    return made


GRADES = [{"depth": d, "tone": t} for d, t in ((1.0, 2.0), (2.0, 2.0), (3.0, 4.0), (4.0, 0.0))]


def test_each_attribute_has_its_figures():
    """Correlations and accuracy by hand.

    depth is rated 1, 3, 2, 4: r = 0.8, and 2 of 4 are the grade. tone is rated 2, 2, 4 and not at all: r = 1, and 3 of
    4 are the grade; the fourth might have been.
    """
    rated = [{"depth": 1, "tone": 2}, {"depth": 3, "tone": 2}, {"depth": 2, "tone": 4}, {"depth": 4}]
    found = attribute_figures(outcomes(rated, GRADES), judged=True)
    assert found["depth"]["pearson"] == pytest.approx(0.8)
    assert found["depth"]["kendall"] == pytest.approx((5 - 1) / 6)
    assert (found["depth"]["accuracy"]["score"], found["depth"]["unrated"], found["depth"]["n"]) == (0.5, 0, 4)
    assert found["tone"]["pearson"] == pytest.approx(1.0)
    assert (found["tone"]["accuracy"]["score"], found["tone"]["bounds"]) == (0.75, {"low": 0.75, "high": 1.0})


def test_scores_on_another_scale_have_no_accuracy():
    """A reward model's scores that lie outside the grades say nothing of equality; within them the nearest counts."""
    assert attribute_figures(outcomes([{"depth": 9}] * 4, GRADES), judged=False)["depth"]["accuracy"] is None
    near = [{"depth": d} for d in (1.2, 1.6, 2.4, 4.4)]
    assert attribute_figures(outcomes(near, GRADES), judged=False)["depth"]["accuracy"]["score"] == 0.75


def test_the_score_is_the_mean_correlation_whatever_the_order():
    """The mean over attributes of Pearson's r, each over the items that have the rating, in any order of the items."""
    rng = random.Random(3)
    grades = [{name: float(rng.randint(0, 4)) for name in ("a", "b", "c")} for _ in range(40)]
    rated = [{name: grade + rng.choice((-1, 0, 2)) for name, grade in each.items()} for each in grades]
    rated[7] = None
    made = outcomes(rated, grades)
    by_hand = fmean(
        correlation(*zip(*[(r[name], g[name]) for r, g in zip(rated, grades, strict=True) if r], strict=True))
        for name in ("a", "b", "c")
    )
    found = mean_correlation(made)
    assert found.value == pytest.approx(by_hand, abs=1e-12)
    assert found.low < found.value < found.high
    assert found.n == 39
    assert mean_correlation(made[::-1]).value == pytest.approx(found.value, abs=1e-12)
    assert correlation_stratum(made).value == found.value


def test_a_better_rating_never_lowers_the_score():
    """With ratings that are the grades the mean correlation is 1, and each one spoiled lowers it."""
    grades = [{"a": float(n % 5), "b": float(n % 3)} for n in range(15)]
    assert mean_correlation(outcomes(grades, grades)).value == pytest.approx(1.0)
    spoiled = [*grades[:-1], {"a": 0.0, "b": 2.0 - grades[-1]["b"]}]
    assert mean_correlation(outcomes(spoiled, grades)).value < 1


def test_what_does_not_vary_is_left_out():
    """An attribute that is always graded alike has no correlation; with no other there is no score."""
    grades = [{"a": float(n % 5), "b": 1.0} for n in range(10)]
    rated = [{"a": n % 5, "b": n % 2} for n in range(10)]
    assert mean_correlation(outcomes(rated, grades)).value == pytest.approx(1.0)
    assert mean_correlation(outcomes(rated, [{"b": 1.0}] * 10)) is None


def test_runs_are_resampled_together():
    """Draws of a run and of the same run again are the same: their difference has no spread."""
    grades = [{"a": float(n % 5), "b": float(n % 3)} for n in range(30)]
    rated = [{"a": (n * 7) % 5, "b": (n * 2) % 3} for n in range(30)]
    run = outcomes(rated, grades)
    first, second = correlation_draws([run, run], np.random.default_rng(0), 200)
    assert np.array_equal(first, second)
    assert abs(first.mean() - mean_correlation(run).value) < 0.1


def test_ratings_of_samples_are_averaged_and_one_number_rates_all():
    """Samples have their mean by attribute, failures none; a verdict of one number rates every attribute."""
    item = key("x", k=1, num_correct=0, attributes=(("Depth", 3.0), ("tone", 1.0)))
    verdicts = [
        Verdict(3.0, parts=(("depth", 2.0), ("tone", 4.0))),
        Verdict(2.0, parts=(("depth", 4.0), ("tone", 0.0))),
    ]
    readings = [Reading((0,), at, each) for at, each in enumerate((*verdicts, Failure("unreadable")))]
    assert parts_of_readings(item, readings) == {"attributes.Depth": 3.0, "attributes.tone": 2.0}
    assert parts_of_readings(item, join(readings, "majority")) == {"attributes.Depth": 3.0, "attributes.tone": 2.0}
    assert parts_of_readings(item, [Reading((0,), 0, Verdict(7.0))]) == {
        "attributes.Depth": 7.0,
        "attributes.tone": 7.0,
    }
