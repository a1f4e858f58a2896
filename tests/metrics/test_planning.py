"""How many items and labels are needed: by hand, by plain enumeration, and the other way round."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from benchmarks.trust import plan
from judgebench.metrics.comparisons import minimal_detectable_difference
from judgebench.metrics.planning import (
    ReplyNoise,
    corrected_level,
    items_for_difference,
    label_correlation,
    labels_for_width,
    noise_of_guess,
)


def test_items_by_connors_formula_by_hand():
    """((1.95996 sqrt(.2) + .84162 sqrt(.1975)) / .05)^2 = 625.5."""
    assert items_for_difference(0.05, discordant=0.2) == 626


def test_items_of_several_replies_by_hand():
    """The same formula, and .5 / .05 items more for a sign-flip test of credits in halves: 625.5 + 10."""
    assert items_for_difference(0.05, square=0.2, step=0.5) == 636


def enumerated_power(n, difference, discordant):
    """McNemar's mid-p over every count of wins and losses, by plain loops."""
    win, lose = (discordant + difference) / 2, (discordant - difference) / 2
    power = 0.0
    for b in range(n + 1):
        for c in range(n - b + 1):
            few, both = min(b, c), b + c
            tail = sum(math.comb(both, k) for k in range(few + 1)) / 2**both
            p = min(1.0, 2 * tail - math.comb(both, few) / 2**both)
            if p <= 0.05:
                ways = math.factorial(n) // (math.factorial(b) * math.factorial(c) * math.factorial(n - both))
                power += ways * win**b * lose**c * (1 - discordant) ** (n - both)
    return power


@pytest.mark.parametrize(("difference", "discordant"), [(0.3, 0.4), (0.3, 0.3)])
def test_few_items_are_those_of_exact_power(difference, discordant):
    """Summed over all outcomes, the items have 80% power and one fewer has not."""
    items = items_for_difference(difference, discordant=discordant)
    powers = [enumerated_power(n, difference, discordant) for n in (items - 1, items)]
    assert powers[0] < 0.8 <= powers[1]


def test_items_and_the_detectable_difference_are_each_others_inverse():
    """So many items detect the difference that they were planned for, within rounding."""
    for size, discordant in itertools.product((0.02, 0.05, 0.1), (0.1, 0.2, 0.4)):
        items = items_for_difference(size, discordant=discordant, alpha=0.01)
        assert minimal_detectable_difference(items, discordant=discordant, alpha=0.01) == pytest.approx(size, rel=0.02)


def test_a_difference_needs_as_many_discordant_items():
    """Runs that differ on 4% of items are not 5 points apart."""
    with pytest.raises(ValueError, match=r"a difference of 0\.05"):
        items_for_difference(0.05, discordant=0.04)


@pytest.mark.parametrize(("runs", "level"), [(2, 0.05), (3, 0.05 / 3), (5, 0.005)])
def test_the_level_is_holms_first_step_over_all_pairs(runs, level):
    """K runs have K (K - 1) / 2 pairs."""
    assert corrected_level(runs) == pytest.approx(level)


def test_labels_for_a_width_by_hand():
    """201 in 402 have an exact interval of 10 points; 209 / (1 - .49 x 10,000 / 10,209) is 401.9, too."""
    assert labels_for_width(0.1, 0.5) == 402
    assert labels_for_width(0.1, 0.5, correlation=0.7, judged=10_000) == 209
    assert labels_for_width(0.1, 0.5, correlation=0.7, judged=0) == 402
    assert labels_for_width(0.1, 0.5, correlation=0.0, judged=10_000) == 402


def test_labels_are_the_fewest_whose_exact_interval_is_so_narrow():
    """By the binomial's own tails, found by halving: half of 402 is 10 points wide, half of 400 is wider."""

    def low(hits, n):
        below, above = 0.0, hits / n
        for _ in range(40):
            chance = (below + above) / 2
            tail = sum(math.comb(n, k) * chance**k * (1 - chance) ** (n - k) for k in range(hits, n + 1))
            below, above = (chance, above) if tail < 0.025 else (below, chance)
        return below

    widths = [1 - 2 * low(n // 2, n) for n in (400, 402)]  # the interval of a half is symmetric
    assert widths[1] <= 0.1 < widths[0]


def test_a_judge_that_is_always_right_makes_a_label_worth_all_its_verdicts():
    """With correlation 1, n labels and N verdicts are worth n + N labels."""
    assert labels_for_width(0.1, 0.5, correlation=1.0, judged=300) == 402 - 300


def test_the_correlation_is_that_of_the_table():
    """Of 1,000 items, 300 positive, a judge that is right on 90% of either class: the correlation of both columns."""
    label = np.array([1] * 300 + [0] * 700)
    judge = np.array([1] * 270 + [0] * 30 + [0] * 630 + [1] * 70)
    assert label_correlation(0.9, 0.3) == pytest.approx(np.corrcoef(label, judge)[0, 1])
    assert label_correlation(0.9, 1.0) == 0


def test_orders_and_samples_save_the_variance_that_they_average_out():
    """An item with credit chances .9 and .5 in its two orders, worked as variances of means of drawn replies."""
    chances = np.array([0.9, 0.5])
    sample = float((chances * (1 - chances)).mean())
    noise = ReplyNoise(sample, float(chances.var(ddof=1)) + sample)
    one = float(chances.mean() * (1 - chances.mean()))  # one reply in a drawn order is a coin of their mean
    assert noise.saved(1, 1) == 0
    assert noise.saved(2, 1) == pytest.approx(one - sample / 2)
    assert noise.saved(2, 3) == pytest.approx(one - sample / 6)
    assert noise.saved(1, 3) == pytest.approx(sample * 2 / 3)


def test_what_is_not_known_of_noise_is_not_made_up():
    """Without repeated samples nothing is said of more samples, and the same of orders."""
    assert ReplyNoise(None, 0.1).saved(1, 3) is None
    assert ReplyNoise(0.1, None).saved(2, 1) is None
    assert noise_of_guess(None, 0.8) == ReplyNoise(None, pytest.approx(0.1))


@pytest.mark.parametrize(
    ("simulated", "asked", "low", "high"),
    [
        (plan.power, {"difference": 0.1, "discordant": 0.3}, 0.70, 0.90),
        (plan.power_of_samples, {"orders": 2, "samples": 3}, 0.70, 0.90),
        (plan.claims, {"n": 100, "margin": 0.05}, 0.0, 0.12),
        (plan.keeps_best, {"n": 60, "compared": 4, "ahead": 0.0}, 0.88, 1.0),
        (
            plan.components_hold,
            {"source": "wordings", "wordings": 3, "items": 40, "orders": 2, "samples": 2},
            0.87,
            1.0,
        ),
    ],
)
def test_what_is_promised_holds_in_a_hundred_runs(simulated, asked, low, high):
    """Power of 80%, margin errors of at most 5%, the best kept and components held in 95%, by 100 runs each."""
    assert low <= simulated(100, **asked) <= high
