"""Variance components of crossed credits: unbiased also at 0, with intervals that hold."""

from __future__ import annotations

import numpy as np
import pytest

from judgebench.metrics.components import variance_components


def credits_of(*templates):
    """Credits by template and item, of one order and one sample."""
    return np.array(templates, dtype=float)[:, :, None, None]


def variances(found):
    return {each.source: each.variance for each in found.components}


def test_two_wordings_by_hand():
    """Four items, worked by hand: residual 1/3, items 1/6 - (1/3)/2 = 0, wordings 0 - (1/3)/4."""
    found = variance_components(credits_of([1, 1, 0, 0], [1, 0, 1, 0]))
    expected = {"wordings": -1 / 12, "items": 0, "residual": 1 / 3}
    assert variances(found) == pytest.approx(expected)
    assert found.of("wordings").truncated
    assert found.of("wordings").sd == 0
    assert found.icc == pytest.approx(0)


def test_three_samples_are_one_way_analysis_of_variance():
    """Items (1, 1, 1), (1, 1, 0), (0, 0, 0): within 1/9, between var(1, 2/3, 0) - (1/9)/3 = 7/27 - 1/27."""
    found = variance_components(np.array([[1, 1, 1], [1, 1, 0], [0, 0, 0]], dtype=float).reshape(1, 3, 1, 3))
    assert variances(found) == pytest.approx({"items": 6 / 27, "samples": 1 / 9})
    assert found.icc == pytest.approx(2 / 3)


def by_pairs(y):
    """The components as mean products of pairs of replies, by plain loops: another way than sums of squares."""
    wordings, n, orders, samples = y.shape
    by_wording = y.mean(axis=(2, 3))
    pairs = [(s, t) for s in range(wordings) for t in range(wordings) if s != t]
    items = np.mean([np.cov(by_wording[s], by_wording[t])[0, 1] for s, t in pairs])
    noise = np.mean(
        [
            (y[t, i, o, r] - y[t, i, o, s]) ** 2 / 2
            for t in range(wordings)
            for i in range(n)
            for o in range(orders)
            for r in range(samples)
            for s in range(r)
        ]
    )
    own = np.mean([by_wording[t].var(ddof=1) for t in range(wordings)])
    cell = y.mean(axis=3)
    apart = [  # products of what the two orders of an item differ by, under two wordings
        (cell[s, i, 0] - cell[s, i, 1]) * (cell[t, i, 0] - cell[t, i, 1]) / 4 for s, t in pairs for i in range(n)
    ]
    return {
        "items": items,
        "items x wordings": own - items - noise / (orders * samples),
        "orders": np.mean(apart),
        "samples": noise,
    }


def test_crossed_components_are_those_of_pairs_of_replies():
    """Three wordings, 20 items, both orders, two samples of any credits: a slow reference gives the same."""
    y = np.random.default_rng(3).integers(0, 3, size=(3, 20, 2, 2)) / 2
    found = variances(variance_components(y))
    assert {name: found[name] for name in ("items", "items x wordings", "orders", "samples")} == pytest.approx(
        by_pairs(y)
    )


def test_wordings_are_the_spread_of_weighted_scores_less_the_noise_of_items():
    """Two subsets of weights 3 and 1: the scores' variance less the variance of weighted differences, worked here."""
    y = np.random.default_rng(4).integers(0, 2, size=(2, 40, 1, 1)).astype(float)
    subset = np.repeat([0, 1], 20)
    weight = np.where(subset == 0, 3, 1) / 80
    scores = y[:, :, 0, 0] @ weight
    half = (y[0, :, 0, 0] - y[1, :, 0, 0]) / 2  # each wording off the item's mean, with either sign
    noise = sum((weight[subset == s][0] ** 2) * 20 * 2 * half[subset == s].var(ddof=1) for s in (0, 1))
    found = variance_components(y, weight, subset).of("wordings")
    assert found.variance == pytest.approx(scores.var(ddof=1) - noise)


def test_groups_widen_the_intervals_and_move_no_estimate():
    """Every item four times in a group of its own: the interval is that of a quarter of the items."""
    y = np.random.default_rng(5).integers(0, 2, size=(1, 30, 1, 3)).astype(float)
    four = np.repeat(y, 4, axis=1)
    apart, grouped = variance_components(four), variance_components(four, units=np.repeat(np.arange(30), 4))
    assert variances(apart) == pytest.approx(variances(grouped))
    alone, every, among = (found.of("samples") for found in (variance_components(y), apart, grouped))
    assert (among.low, among.high) == pytest.approx((alone.low, alone.high))
    assert every.high - every.low < 0.6 * (among.high - among.low)


@pytest.mark.parametrize(("items", "noisy"), [(12, 0.05), (30, 0.4)])
def test_what_few_items_show_has_an_interval_that_holds(items, noisy):
    """60 judges, right but on a few items, where they are right in 60%: components and ICC are within in 93%."""
    rng, held = np.random.default_rng(items), {"items": 0, "samples": 0, "icc": 0}
    between, within = 0.16 * noisy * (1 - noisy), 0.24 * noisy
    truth = {"items": between, "samples": within, "icc": between / (between + within)}
    for _ in range(60):
        right = np.where(rng.random(items) < noisy, 0.6, 1.0)
        found = variance_components((rng.random((1, items, 2, 2)) < right[None, :, None, None]).astype(float))
        ends = {source: (found.of(source).low, found.of(source).high) for source in ("items", "samples")}
        ends["icc"] = (0.0, 1.0) if found.icc is None else (found.icc_low, found.icc_high)
        for source, (low, high) in ends.items():
            held[source] += low <= truth[source] <= high
    assert min(held.values()) >= 56


def test_no_component_of_one_credit_is_beyond_what_it_can_be():
    """Three items: the interval of a variance of credits from 0 to 1 ends at a quarter."""
    y = np.array([[1, 1], [1, 0], [0, 0]], dtype=float).reshape(1, 3, 1, 2)
    assert {each.high for each in variance_components(y).components} == {0.25}


@pytest.mark.parametrize("shape", [(1, 5, 1, 1), (2, 1, 1, 1), (3, 0, 2, 2)])
def test_without_a_second_reply_or_item_there_are_no_components(shape):
    """One credit an item, one item, or none: None, not a figure that pretends."""
    assert variance_components(np.ones(shape)) is None


def test_what_never_varies_has_no_icc():
    """A judge that is right everywhere: all components are 0, and no share of nothing is given."""
    found = variance_components(np.ones((2, 10, 2, 2)))
    assert set(variances(found).values()) == {0.0}
    assert (found.icc, found.of("samples").share) == (None, None)


def test_the_only_item_of_a_subset_is_left_out():
    """It says nothing on how far items are apart: the figures are those without it."""
    y = np.random.default_rng(6).integers(0, 2, size=(2, 11, 1, 2)).astype(float)
    with_it = variance_components(y, subsets=[0] * 10 + [1])
    assert variances(with_it) == pytest.approx(variances(variance_components(y[:, :10])))


def test_components_are_unbiased_where_they_are_0():
    """400 simulated judges whose replies are coins: the mean of every component but the samples' is 0."""
    rng = np.random.default_rng(7)
    every = [variances(variance_components(rng.integers(0, 2, size=(3, 20, 2, 2)).astype(float))) for _ in range(400)]
    for source in every[0]:
        values = np.array([each[source] for each in every])
        expected = 0.25 if source == "samples" else 0.0
        assert abs(values.mean() - expected) < 3.5 * values.std() / 20, source
