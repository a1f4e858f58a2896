"""The order in which items are taken and asked: any part of it is a sample of all."""

from collections import Counter
from statistics import fmean

import pytest

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import Selection, load_dataset
from judgebench.benchmarks.sampling import sampling_order, take
from judgebench.items import ItemKey, Outcome
from judgebench.metrics.accuracy import official_scores

CUSTOM, GPT, RM_BENCH = (get_benchmark(name) for name in ("custom", "judgebench-gpt", "rm-bench"))


def keys(sizes, criteria=None):
    return [ItemKey(f"{s}-{n}", s, 2, 1, (1, 1), criteria=criteria) for s, size in sizes.items() for n in range(size)]


def taken(benchmark, among, limit, seed=0):
    chosen = take(sampling_order(benchmark, among, seed), limit)
    return Counter(key.subset for key in among if key.id in chosen)


@pytest.mark.parametrize("limit", [10, 100, 200])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_mean_over_items_is_estimated_in_proportion(limit, seed):
    """Of 900 easy and 100 hard rows, nine in ten are easy, give or take the one that is drawn."""
    assert taken(CUSTOM, keys({"easy": 900, "hard": 100}), limit, seed)["hard"] == pytest.approx(limit / 10, abs=1)


def test_a_source_of_judgebench_counts_as_many_as_it_has():
    """Not one of each: 98 of 108 are reasoning."""
    found = taken(GPT, keys({"mmlu-pro-law": 5, "mmlu-pro-math": 5, "livebench-reasoning": 98}), 54)
    assert found["livebench-reasoning"] == pytest.approx(49, abs=1)


def test_domains_of_fixed_weight_take_turns_and_their_subsets_are_in_proportion():
    """RM-Bench: as many of safety as of chat, and of safety a third from the half that has a third."""
    among = keys({"alpacaeval": 30}, "chat") + keys({"xstest-should-refuse": 30, "xstest-should-respond": 60}, "safety")
    found = taken(RM_BENCH, among, 24)
    assert found["alpacaeval"] == 12
    assert found["xstest-should-refuse"] == pytest.approx(4, abs=1)


def test_small_subsets_do_not_all_come_first():
    """Ten subsets of one item each among ninety others: the first ten items taken are one or two of them, not ten."""
    sizes = {f"s{n}": 1 for n in range(10)} | {"large": 90}
    share = fmean(taken(CUSTOM, keys(sizes), 10, seed)["large"] / 10 for seed in range(200))
    assert share == pytest.approx(0.9, abs=0.03)


@pytest.mark.simulation
def test_the_interval_of_a_limit_holds_the_full_score():
    """JudgeBench's sizes with subsets of unlike difficulty: in 93% of seeds or more; four in five would be 80%."""
    among = keys({**{f"mmlu-pro-{n}": 11 for n in range(14)}, "livebench-math": 98, "livecodebench": 98})
    right = {
        key.id: float((n * 37 % 100) < (50 if key.subset == "livecodebench" else 75)) for n, key in enumerate(among)
    }
    outcomes = {key.id: Outcome(key, *[right[key.id]] * 3) for key in among}
    full = fmean(right.values())
    found = []
    for seed in range(200):
        chosen = take(sampling_order(GPT, among, seed), 60)
        found.append(official_scores([outcomes[item] for item in chosen], GPT.layout, resamples=300))
    assert fmean(each.low <= full <= each.high for each in found) >= 0.93
    assert fmean(each.score for each in found) == pytest.approx(full, abs=0.015)


ROWS = [{"id": str(n), "prompt": f"Why {n}?", "chosen": "a", "rejected": "b"} for n in range(40)]


@pytest.mark.parametrize("kept", [True, False])
def test_items_come_in_an_order_drawn_from_the_seed(monkeypatch, kept):
    """The same one whether they are kept in memory or in a file."""
    if not kept:
        monkeypatch.setattr("judgebench.benchmarks.store.KEPT_BYTES", 20_000)
    dataset = load_dataset(CUSTOM, ROWS, Selection(seed=3))
    wanted = {str(n) for n in range(5, 40)}
    drawn = [item.id for item in dataset.in_drawn_order(wanted)]
    assert dataset.items.in_memory is kept
    assert drawn == [
        item for ids in sampling_order(CUSTOM, list(dataset.keys.values()), 3) for item in ids if item in wanted
    ]
    assert drawn != sorted(drawn, key=int)
