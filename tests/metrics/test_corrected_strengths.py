"""Bradley and Terry's strengths, corrected by labels of some pairs."""

import math

import numpy as np
import pytest

from benchmarks.trust.estimate import strengths_hold
from judgebench.metrics.corrected import LabelledSample
from judgebench.metrics.corrected_strengths import corrected_strengths


def two_models(judged, labels):
    """Pairs of the models 0 and 1, in this order."""
    sample = LabelledSample(judged, labels)
    zeros = np.zeros(len(judged), dtype=np.int64)
    return corrected_strengths(sample, zeros, zeros + 1, models=2)


def test_of_two_models_it_is_the_log_odds_of_the_labels():
    """Where the judge tells nothing, half the log-odds of the labels: 30 wins of 40 make log(3) / 2."""
    found = two_models([0.5] * 200, [1.0] * 30 + [0.0] * 10 + [math.nan] * 160)
    assert found.power == 0
    assert found.values == pytest.approx([math.log(3) / 2, -math.log(3) / 2])
    assert found.labels.tolist() == [40, 40]


def test_a_judge_without_errors_counts_in_full():
    """Where verdicts are the labels, strengths are close to those of all verdicts: 300 wins of 400 make log(3) / 2."""
    judged = np.tile([1.0, 1.0, 1.0, 0.0], 100)
    found = two_models(judged, np.where(np.arange(400) < 60, judged, math.nan))
    assert found.power == pytest.approx(1.0)
    assert found.values[0] == pytest.approx(math.log(3) / 2)


def test_labels_that_all_say_one_thing_have_a_finite_strength():
    """Forty wins of forty have no greatest likelihood: half a win and half a loss are added."""
    found = two_models([0.5] * 100, [1.0] * 40 + [math.nan] * 60)
    assert found.penalised
    assert 1 < found.values[0] < 10


def test_intervals_hold():
    """Of four models' intervals with 100 labels and a judge that is right in 75%, at least 93% hold, less chance."""
    assert strengths_hold(25, pairs=400, seed=3) >= 0.93 - 2 * math.sqrt(0.93 * 0.07 / 100)
