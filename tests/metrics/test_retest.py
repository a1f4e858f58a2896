"""How far a judge repeats itself, worked by hand and put into simulated judges."""

import math

import numpy as np
import pytest
from making import reading

from judgebench.metrics.retest import noise_of, order_agreements, retest

ONE, OTHER = (0, 1), (1, 0)


def agreement(*readings):
    """Of one item: same order, different orders, all orders."""
    (found,) = order_agreements({"7": readings})
    return found.same_order, found.different_orders, found.all_orders


def test_one_verdict_in_each_of_two_orders():
    """The same completion or another; a tie is a choice of its own."""
    assert agreement(reading(ONE, "A"), reading(OTHER, "B")) == (None, 1.0, 1.0)
    assert agreement(reading(ONE, "A"), reading(OTHER, "tie")) == (None, 0.0, 0.0)


def test_samples_of_two_orders():
    """0, 0, 1 and 0, 1: pairs of one order agree in 1/3 and 0, of two orders in 2/3 x 1/2 + 1/3 x 1/2."""
    first = [reading(ONE, letter, at) for at, letter in enumerate("AAB")]
    second = [reading(OTHER, letter, at) for at, letter in enumerate("BA")]

    assert agreement(*first, *second) == pytest.approx((1 / 6, 1 / 2, 1 / 2))


def test_three_orders_agree_in_pairs_and_all_together():
    """Two of three name 0: one pair of three agrees, and all do not."""
    orders = [(0, 1, 2), (1, 2, 0), (2, 0, 1)]
    said = [reading(orders[0], "A"), reading(orders[1], "C"), reading(orders[2], "A")]

    assert agreement(*said) == (None, pytest.approx(1 / 3), 0.0)


def test_one_order_has_samples_alone():
    """There is no second order to agree with."""
    assert agreement(reading(ONE, "A"), reading(ONE, "A", 1)) == (1.0, None, None)


def test_without_samples_there_is_no_retest():
    """One verdict an order says nothing on repeats, and neither do ratings."""
    assert retest({"7": [reading(ONE, "A"), reading(OTHER, "A")]}, None) is None
    assert retest({"7": [reading((0,), 5.0), reading((0,), 4.0, 1)]}, None) is None


def test_components_by_hand():
    """Credits 1 1, 0 0, 1 0, 1 1 of one subset, worked out below.

    within = (0 + 0 + 1/2 + 0) / 4 = 1/8; means 1, 0, 1/2, 1 have a variance of 0.6875 / 3; less 1/16 leaves between.
    """
    found = noise_of([[1, 1], [0, 0], [1, 0], [1, 1]], ["s"] * 4, [1 / 4] * 4)
    between = 0.6875 / 3 - 1 / 16

    assert (found.within, found.between) == (0.125, pytest.approx(between))
    assert found.icc == pytest.approx(between / (between + 0.125))
    assert found.errors["3"] == pytest.approx(math.sqrt((between + 0.125 / 3) / 4))
    assert found.least_error == pytest.approx(math.sqrt(between / 4))
    assert found.reruns["1"] == pytest.approx(1.959964 * math.sqrt(2 * 0.125 / 4), rel=1e-6)


def test_items_of_a_group_are_one_for_the_errors():
    """Four items in two groups, all samples alike: deviations of +-1/2 are the same in a group, so products add up.

    The variance between is 1/3; squares (1/4)^2 x 4 x 1/3 = 1/12, and four ordered pairs of (1/8)^2 more.
    """
    found = noise_of([[1, 1], [1, 1], [0, 0], [0, 0]], ["s"] * 4, [1 / 4] * 4, ["a", "a", "b", "b"])

    assert found.errors["1"] == found.least_error == pytest.approx(math.sqrt(1 / 12 + 4 / 64))
    assert found.between == pytest.approx(1 / 3)


def test_subsets_that_differ_are_no_spread_between_items():
    """All of one subset right and all of another wrong, each time."""
    found = noise_of([[1, 1]] * 3 + [[0, 0]] * 3, ["s"] * 3 + ["t"] * 3, [1 / 6] * 6)

    assert (found.between, found.within, found.icc) == (0.0, 0.0, None)


@pytest.mark.parametrize("credits_", [[[1], [0]], [[1, 1]], []])
def test_nothing_to_repeat(credits_):
    """One sample, one item, none."""
    assert noise_of(credits_, ["s"] * len(credits_), [1.0] * len(credits_)) is None


def test_components_are_found():
    """Items right with Beta(1.6, 0.4): variance 0.16 / 3 between and 0.32 / 3 within, in the mean of 200 runs."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        right = rng.beta(1.6, 0.4, 100)
        found.append(noise_of(rng.random((100, 5)) < right[:, None], ["s"] * 100, [0.01] * 100))

    assert np.mean([each.between for each in found]) == pytest.approx(0.16 / 3, rel=0.1)
    assert np.mean([each.within for each in found]) == pytest.approx(0.32 / 3, rel=0.1)
