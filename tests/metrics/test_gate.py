"""The gate: intervals that hold with few labels, its decisions, and how many more labels decide."""

import math

import numpy as np
import pytest

from judgebench.metrics.gate import (
    GatedFigure,
    UnitSums,
    agreement_of,
    decide,
    gated_figure,
    kappa_of,
    labels_needed,
)

CELLS = np.eye(6)
"""Tables of two classes, flat: gold by said and no verdict."""


def of(rows, figure=agreement_of, weight=None, unit=None):
    """The figure of rows of a table, each item with its weight and its group."""
    rows = np.array(rows, dtype=float)
    n = len(rows)
    units = UnitSums.of(
        rows, np.ones(n) if weight is None else np.array(weight), np.arange(n) if unit is None else np.array(unit)
    )
    return gated_figure(units, figure, CELLS)


def right(count, n):
    """So many of n items right."""
    return [CELLS[0] if at < count else CELLS[1] for at in range(n)]


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [(8, 10, 0.4439, 0.9748), (20, 20, 0.8316, 1.0), (0, 12, 0.0, 0.2646), (54, 60, 0.7949, 0.9624)],
)
def test_a_share_of_independent_items_has_clopper_and_pearsons_interval(count, n, low, high):
    """The ends are those that tables of the exact binomial interval give."""
    found = of(right(count, n))
    assert (found.low, found.high) == (pytest.approx(low, abs=0.006), pytest.approx(high, abs=0.006))


def test_many_items_have_the_interval_of_as_many():
    """Of 4,500 right of 5,000, which are summed in blocks, the ends are the normal ones: 0.9 less and more 0.0083."""
    found = of(right(4500, 5000))
    assert (found.low, found.high) == (pytest.approx(0.8914, abs=0.0012), pytest.approx(0.9081, abs=0.0012))


def test_groups_count_as_one():
    """Items of a group that are all alike tell what one item does."""
    alone, together = of(right(8, 10)), of(np.repeat(right(8, 10), 5, axis=0), unit=np.arange(10).repeat(5))
    assert (together.low, together.high) == (pytest.approx(alone.low, abs=0.01), pytest.approx(alone.high, abs=0.01))


def test_weights_are_one_over_the_probability_of_drawing():
    """Ten items drawn with 0.1 that are right and ten drawn with 1 that are wrong are right in 10 of 11."""
    weight = np.array([10.0] * 10 + [1.0] * 10)
    found = of(right(10, 20), weight=weight)
    assert found.score == pytest.approx(10 / 11)
    assert of(right(10, 20), weight=weight / 7).low == pytest.approx(found.low)


def test_kappa_of_a_table():
    """Of 20 and 5 above 10 and 15, by hand: observed 0.7, by chance 0.5, kappa 0.4; no verdict is no class."""
    assert kappa_of(np.array([20.0, 5, 0, 10, 15, 0])) == pytest.approx(0.4)
    assert np.isnan(kappa_of(np.array([9.0, 0, 0, 0, 0, 0])))


@pytest.mark.parametrize(("low", "high", "said"), [(0.8, 0.95, "trusted"), (0.6, 0.79, "not_trusted"),
                                                    (0.7, 0.8, "cannot_say"), (0.7, 0.9, "cannot_say")])  # fmt: skip
def test_a_decision_needs_the_whole_interval_on_one_side(low, high, said):
    """Trusted from the need on, not trusted below it, else nothing is said."""
    assert decide(GatedFigure(0.75, low, high, 100, 0.03), 0.8) == said


def test_so_many_labels_decide_with_a_power_of_four_in_five():
    """At the number that is named the exact gate decides in 75 to 95% where the figure is the true value."""
    n = 40 + labels_needed(of(right(36, 40)), 0.8)

    def at_least(count, p):
        return sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(count, n + 1))

    fewest = next(count for count in range(n) if at_least(count, 0.8) <= 0.025)  # Clopper and Pearson's lower end
    assert 0.75 < at_least(fewest, 0.9) < 0.95


def test_no_number_of_labels_decides_at_the_need_itself():
    """Where the figure is the need there is no such number."""
    assert labels_needed(of(right(8, 10)), 0.8) is None


def test_a_judge_at_the_need_is_called_either_in_five_percent_at_most():
    """Kappa of 20 labels in groups of two, drawn unequally: decided at its true value in 3 of 24 runs at most."""
    rng = np.random.default_rng(4)
    cells = np.array([0.45, 0.05, 0, 0.1, 0.4, 0])
    truth, decided = float(kappa_of(cells)), 0
    for _ in range(24):
        kind = rng.choice(6, 10, p=cells).repeat(2)
        kind = np.where(rng.random(20) < 0.5, kind, rng.choice(6, 20, p=cells))
        weight = rng.choice([1.0, 3.0], 20)
        found = of(CELLS[kind], kappa_of, weight, np.arange(10).repeat(2))
        decided += found is not None and decide(found, truth) != "cannot_say"
    assert decided <= 3
