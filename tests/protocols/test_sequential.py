"""Which items a comparison until the difference is shown judges when, and what it may be made over."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from simulating import runs

from judgebench.benchmarks import get_benchmark
from judgebench.errors import ConfigError
from judgebench.items import ItemKey
from judgebench.metrics.accuracy import Layout
from judgebench.metrics.sequential import log_wealth
from judgebench.protocols.sequential import blocks, drawn, item_weights

ALPHA = 0.05


def keys(count: int, subset: str = "all", start: int = 0, num_correct: int = 1, **more: object) -> list[ItemKey]:
    return [ItemKey(f"{subset}-{start + at}", subset, 2, num_correct, (1, 1), **more) for at in range(count)]


ITEMS = Layout(overall="items")
TWO = Layout(sections=("few", "many"), section_of=lambda item: item.subset)


def test_items_of_equal_weight_come_in_a_drawn_order() -> None:
    """Each once; another seed, another order; the order of the rows has no part in it."""
    every = keys(300)
    first, again, other = drawn(every, ITEMS, 0), drawn(every[::-1], ITEMS, 0), drawn(every, ITEMS, 1)

    assert first == again
    assert first.rest == ()
    assert sorted(first.tested) == sorted(key.id for key in every)
    assert first.tested != other.tested
    assert list(first.tested) != [key.id for key in every]


def test_an_order_of_more_items_keeps_that_of_fewer() -> None:
    """An item's place depends on its id, so that a larger limit goes on from a smaller one's order."""
    few, many = drawn(keys(100), ITEMS, 0).tested, drawn(keys(200), ITEMS, 0).tested
    there = {*few}

    assert tuple(item for item in many if item in there) == few


def test_items_are_drawn_by_their_weight_in_the_score() -> None:
    """Two sections weigh the same, so that each gives half of the items, until the smaller one has none left."""
    every = keys(100, "few") + keys(900, "many")
    tested, seen = drawn(every, TWO, 0).tested, Counter()
    for item in tested:
        seen[item.split("-")[0]] += 1

    assert seen["few"] == 100
    assert abs(seen["many"] - 100) < 4 * math.sqrt(200) / 2
    assert len({*tested}) == len(tested)
    assert sorted(drawn(every, TWO, 0).weighted) == sorted(key.id for key in every)


def test_one_item_of_a_group_is_drawn_with_the_weight_of_all() -> None:
    """50 groups of three and 50 items by themselves: three draws of four are a group, and the rest comes last."""
    every = [key for at in range(50) for key in keys(3, "grouped", 3 * at, group=f"group {at}")] + keys(50, "alone")
    group = {key.id: key.unit for key in every}
    found = drawn(every, ITEMS, 0)
    grouped = [item for item in found.tested if item.startswith("grouped")]

    assert len({group[item] for item in grouped}) == len(grouped) == 50
    assert len(found.tested) - 50 == pytest.approx(50 / 3, abs=4 * math.sqrt(50 * 4) / 3)
    assert sorted(found.tested + found.rest) == sorted(group)


def test_items_that_weigh_nothing_come_last() -> None:
    """Those without a label; they are judged only where nothing was settled."""
    found = drawn(keys(20) + keys(5, start=20, num_correct=0), ITEMS, 0)

    assert len(found.tested) == 20
    assert sorted(found.rest) == [f"all-{at}" for at in range(20, 25)]


@pytest.mark.simulation
@pytest.mark.parametrize("by_weight", [True, False])
def test_the_score_that_is_tested_is_the_weighted_one(by_weight: bool) -> None:
    """Equal scores, by sections of which each judge is better in one: alarms in at most alpha of the runs.

    In a plain drawn order, where the larger section gives more items, the same check fails.
    """
    every = keys(60, "few") + keys(240, "many")
    better = {"few": [0.35, 0.05, 0.6], "many": [0.05, 0.35, 0.6]}
    rng, alarms, goal = np.random.default_rng(0), 0, math.log(2 / ALPHA)
    number = runs(1000)
    for seed in range(number):
        order = drawn(every, TWO if by_weight else ITEMS, seed).tested
        chances = rng.random(len(order))
        ends = np.array([np.cumsum(better[item.split("-")[0]]) for item in order])
        difference = np.where(chances < ends[:, 0], 1.0, np.where(chances < ends[:, 1], -1.0, 0.0))
        wealth = [log_wealth(sign * difference, 0.0, alpha=ALPHA, planned=len(order)) for sign in (1, -1)]
        alarms += any((each >= goal).any() for each in wealth)

    assert (alarms <= ALPHA * number) == by_weight, alarms


@pytest.mark.parametrize(
    ("layout", "subset", "weight"), [(ITEMS, "few", 1 / 40), (TWO, "few", 1 / 20), (TWO, "many", 1 / 60)]
)
def test_what_an_item_weighs(layout: Layout, subset: str, weight: float) -> None:
    """10 items of one section and 30 of another: alike, or a half of the score shared by each section."""
    assert item_weights(keys(10, "few") + keys(30, "many"), layout)[f"{subset}-0"] == pytest.approx(weight)


def test_ties_are_no_mean_over_items() -> None:
    """The message names the subsets to keep, as a shell takes them."""
    benchmark = get_benchmark("rewardbench-2")
    every = [ItemKey("ref:1", "Ties", 4, 1, (1,) * 4), *keys(3, "Math"), *keys(3, "Precise IF")]

    with pytest.raises(ConfigError, match="of Ties is not one: name the others: --subset Math --subset 'Precise IF'"):
        item_weights(every, benchmark.layout)


@pytest.mark.parametrize("name", ["feedback-bench", "custom"])
def test_correlations_are_no_mean_over_items(name: str) -> None:
    """Graded labels make one."""
    graded = [ItemKey(str(at), "all", 1, 0, (1,), human_score=float(at)) for at in range(9)]

    with pytest.raises(ConfigError, match="is a correlation"):
        item_weights(graded, get_benchmark(name).layout)


def test_without_labels_there_is_no_score_to_compare() -> None:
    """Said in one line."""
    with pytest.raises(ConfigError, match="no item has a label"):
        item_weights(keys(9, num_correct=0), ITEMS)


def test_looks_come_after_32_items_or_an_eighth_more() -> None:
    """All items in their order, the last block as long as it is."""
    items = [str(at) for at in range(1000)]
    found = list(blocks(items))
    sizes = [len(block) for block in found]

    assert [item for block in found for item in block] == items
    assert sizes[:9] == [32] * 9
    assert sizes[9:-1] == [36, 40, 45, 51, 57, 64, 72, 81, 91, 103]
    assert list(blocks(items[:5])) == [items[:5]]
