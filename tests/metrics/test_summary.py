"""What metrics.json holds, by hand."""

import json
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings, strategies as st
from making import key, reading

from judgebench.benchmarks.rewardbench import RewardBench
from judgebench.benchmarks.rewardbench2 import RewardBench2
from judgebench.metrics.intervals import Bounds, wilson
from judgebench.metrics.summary import Metrics, Usage, consistency_over_orders, summarise

PAIRS, BEST = RewardBench(), RewardBench2()
CONTRACT = {
    *("benchmark", "judge", "template", "score", "sections", "subsets", "missing", "items", "judgements", "coverage"),
    *("failures", "bounds", "consistency", "position_bias", "length_bias", "usage"),
}
USAGE = {
    *("calls", "cached", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_prompt_tokens", "cost_usd"),
}


def summary(readings, benchmark=PAIRS, keys=None, **more):
    """The metrics of readings by item; items are pairs of donotanswer unless their keys are given."""
    keys = keys or {name: key(name, "donotanswer", lengths=(10, 20)) for name in readings}
    outcomes = [benchmark.judged(keys[name], among) for name, among in readings.items()]
    settings = {"benchmark": benchmark.name, "judge": "j", "template": "t", "layout": benchmark.layout}
    return replace(summarise(**settings, outcomes=outcomes, readings=readings, usage=Usage()), **more)


def both(first, second):
    """Readings of a pair in both orders."""
    return [reading((0, 1), first), reading((1, 0), second)]


HAND = {
    "right": both("A", "B"),
    "wrong": both("B", "A"),
    "first": both("A", "A"),
    "tie": both("tie", "tie"),
    "failed": both("A", "!unreadable"),
}


def test_the_score_by_hand():
    """Credits 1, 0, 1/2, 1/2 and (1 + 1/2) / 2 have the mean 0.55."""
    assert summary(HAND).score == pytest.approx(0.55)


def test_coverage_is_the_share_of_judgements_with_a_verdict():
    """One of ten has none."""
    metrics = summary(HAND)

    assert (metrics.items, metrics.judgements, metrics.coverage) == (5, 10, pytest.approx(0.9))


def test_failures_are_counted_by_kind():
    """Each judgement counts, sorted by kind."""
    metrics = summary({"a": both("!unreadable", "!refused"), "b": both("!refused", "A")})

    assert metrics.failures == {"refused": 2, "unreadable": 1}


def test_bounds_count_every_failure_wrong_and_right():
    """The failed half of one of five items moves the mean by 0.05 each way; the interval is around both."""
    bounds = summary(HAND).bounds

    assert (bounds.low, bounds.high) == pytest.approx((0.5, 0.6))
    assert bounds.interval.low < 0.5 < 0.6 < bounds.interval.high


def test_the_interval_of_the_bounds_is_wilsons_at_both_ends():
    """Of 20 pairs 3 failed and 12 are right: from Wilson's lower end at 12 / 20 to his upper end at 15 / 20."""
    said = ["A"] * 12 + ["B"] * 5 + ["!refused"] * 3
    bounds = summary({f"i{at}": [reading((0, 1), each)] for at, each in enumerate(said)}).bounds

    assert (bounds.interval.low, bounds.interval.high) == (wilson(0.6, 20).low, wilson(0.75, 20).high)


def test_a_failure_makes_no_score_surer_than_a_coin():
    """Of 20 pairs 12 are right and 4 count as a half each: the interval is that of 14 right of 20."""
    said = ["A"] * 12 + ["B"] * 4 + ["!refused"] * 4
    found = summary({f"i{at}": [reading((0, 1), each)] for at, each in enumerate(said)})

    assert (found.low, found.high) == pytest.approx((wilson(0.7, 20).low, wilson(0.7, 20).high))


def test_a_failed_order_is_half_a_coin():
    """Ten pairs in both orders, 6 right, 2 wrong, 2 right and failed: each of these is 1/2 or 1.

    So the mean is 0.75, and the credits count as 7 of 1, 2 of 0 and 1 of 1/2, over 9 degrees of freedom.
    """
    readings = {f"r{at}": both("A", "B") for at in range(6)} | {f"w{at}": both("B", "A") for at in range(2)}
    readings |= {f"f{at}": both("A", "!refused") for at in range(2)}
    found = summary(readings)
    mean = (6 + 2 * 0.75) / 10
    parts = [(1.0, 6), (0.0, 2), (0.5, 1), (1.0, 1)]
    variance = sum(count * (credit - mean) ** 2 for credit, count in parts) / 9
    effect = (9 * min(variance / (mean * (1 - mean)), 1) + 2) / 11

    assert (found.low, found.high) == pytest.approx((wilson(mean, 10 / effect).low, wilson(mean, 10 / effect).high))


def test_bounds_of_an_older_version_have_no_interval():
    """Its metrics.json is still read."""
    data = summary(HAND).to_json()
    del data["bounds"]["interval"]

    assert Metrics.from_json(data).bounds == Bounds(0.5, 0.6, None)


def test_what_stands_in_for_failures_is_said():
    """Half a credit in one of ten judgements is 0.05 of the score."""
    assert summary(HAND).substituted == pytest.approx(0.05)


def test_nothing_stands_in_where_nothing_failed():
    """A tie is the judge's own word."""
    assert summary({"tie": both("tie", "tie")}).substituted == 0.0


def test_an_unreadable_rating_in_ties_is_said_too():
    """Both prompts right, one incorrect rating unreadable: all that rests on it is the tied prompt's part."""
    keys = {name: key(name, "Ties", 3, n) for name, n in (("ref:1", 1), ("tied:1", 2))}
    readings = {
        "ref:1": [reading((0,), 9.0), reading((1,), 1.0), reading((2,), 1.0)],
        "tied:1": [reading((0,), 9.0), reading((1,), 9.0), reading((2,), "!unreadable")],
    }
    metrics = summary(readings, BEST, keys)

    assert (metrics.score, metrics.substituted) == (pytest.approx(1.01), pytest.approx(0.30 + 0.20 + 0.20 + 0.01))


def test_consistency_counts_items_with_a_verdict_in_every_order():
    """Right, wrong and tie are the same in both orders, first is not, and failed does not count: 3 of 4."""
    assert consistency_over_orders(HAND) == (0.75, 4)


def test_consistency_of_llmbars_shape():
    """374 items alike, 32 always first and 13 always second are 374 of 419."""
    readings = {f"s{n}": both("A", "B") for n in range(374)}
    readings |= {f"f{n}": both("A", "A") for n in range(32)} | {f"l{n}": both("B", "B") for n in range(13)}

    assert consistency_over_orders(readings) == (pytest.approx(374 / 419), 419)


def test_samples_leave_consistency_as_it_is():
    """Each order has 0 in three of four samples: one of each agree in 9/16 + 1/16, as with any number of samples."""
    first = [reading((0, 1), letter, at) for at, letter in enumerate("AAAB")]
    second = [reading((1, 0), letter, at) for at, letter in enumerate("BBBA")]

    assert consistency_over_orders({"a": [*first, *second]}) == (pytest.approx(10 / 16), 1)


def test_one_order_has_no_consistency():
    """With a single order there is nothing to compare."""
    assert consistency_over_orders({"a": [reading((0, 1), "A")]}) == (None, 0)


def test_ratings_have_no_consistency():
    """A rating has no order."""
    assert consistency_over_orders({"a": [reading((0,), 3.0), reading((1,), 4.0)]}) == (None, 0)


def test_position_bias_is_the_share_of_first_slots():
    """Of seven choices, right, wrong and failed chose first once each, and first twice: 5 of 7, ties left out."""
    bias = summary(HAND).position_bias

    assert (bias.estimate, bias.n, bias.null) == (pytest.approx(5 / 7), 7, 0.5)


def test_length_bias_of_one_subset_is_an_association():
    """A judge that is right on four pairs, of which three have the longer answer right, is not said to be biased."""
    lengths = {"a": (30, 10), "b": (40, 10), "c": (50, 20), "d": (10, 30)}
    keys = {name: key(name, "donotanswer", lengths=each) for name, each in lengths.items()}

    found = summary({name: both("A", "B") for name in keys}, keys=keys).length_bias

    assert (found.n, found.clusters, found.association) == (8, 4, True)
    assert found.low < 0 < found.high


def test_ratings_of_equal_lengths_have_no_length_bias():
    """There is nothing to see."""
    keys = {"a": key("a", "donotanswer", lengths=(10, 10))}

    assert summary({"a": [reading((0,), 3.0), reading((1,), 4.0)]}, keys=keys).length_bias is None


def test_ratings_have_a_length_bias():
    """The rating that is higher chooses the longer of the two."""
    keys = {"a": key("a", "donotanswer", lengths=(10, 20))}

    assert summary({"a": [reading((0,), 3.0), reading((1,), 4.0)]}, keys=keys).length_bias.estimate > 0


def test_the_contracts_names_are_there():
    """Every field that the contract promises is in the object, and in its usage."""
    data = summary(HAND).to_json()

    assert set(data) >= CONTRACT
    assert set(data["usage"]) >= USAGE


def test_sections_and_subsets_have_the_contracts_fields():
    """Score, count and interval."""
    data = summary(HAND).to_json()

    assert set(data["sections"]["Safety"]) == {"score", "n", "low", "high"}
    assert set(data["subsets"]["donotanswer"]) == {"score", "n", "low", "high"}


def test_bounds_and_position_bias_have_the_contracts_fields():
    """Low and high; the share of the first slot, low and high."""
    data = summary(HAND).to_json()

    assert set(data["bounds"]) == {"low", "high", "interval"}
    assert set(data["position_bias"]) >= {"first_share", "low", "high"}


def test_consistency_of_one_order_is_null():
    """Null, not nought."""
    assert summary({"a": [reading((0, 1), "A")]}).to_json()["consistency"] is None


def test_extra_figures_stand_at_the_top():
    """A benchmark's own figures are fields like any other."""
    assert summary(HAND, extra={"hard": 0.5}).to_json()["hard"] == 0.5


@pytest.mark.parametrize("more", [{}, {"extra": {"hard": 0.5, "matrix": [[1.0, 0.0]]}, "notes": ("n",)}])
def test_metrics_go_through_json(more):
    """What is written reads back equal."""
    metrics = summary(HAND, **more)

    assert Metrics.from_json(json.loads(json.dumps(metrics.to_json()))) == metrics


def test_metrics_of_a_score_file_go_through_json():
    """Without a template, biases and a price, too."""
    outcomes = [PAIRS.scored(key("a", "donotanswer"), (1.0, 0.0))]
    metrics = summarise(
        benchmark="b",
        judge="j",
        template=None,
        layout=PAIRS.layout,
        outcomes=outcomes,
        readings={},
        usage=Usage(cost_usd=None),
    )

    assert Metrics.from_json(json.loads(json.dumps(metrics.to_json()))) == metrics


def test_missing_scores_are_failures():
    """An item without scores is counted `missing`, and is nought with bounds to one."""
    outcomes = [PAIRS.scored(key(n, "donotanswer"), s) for n, s in (("a", (1.0, 0.0)), ("b", (None, None)))]
    metrics = summarise(
        benchmark="b", judge="j", template=None, layout=PAIRS.layout, outcomes=outcomes, readings={}, usage=Usage()
    )

    assert (metrics.score, metrics.failures, metrics.coverage) == (0.5, {"missing": 1}, 0.5)
    assert (metrics.bounds.low, metrics.bounds.high) == (0.5, 1.0)


def test_without_a_label_there_is_no_score():
    """Verdicts of items without a label have biases and coverage, but neither score nor bounds."""
    outcomes = [PAIRS.judged(key("a", "donotanswer"), both("A", "A"))]
    unlabelled = [type(o)(o.item, None, None, None) for o in outcomes]
    metrics = summarise(
        benchmark="b",
        judge="j",
        template="t",
        layout=PAIRS.layout,
        outcomes=unlabelled,
        readings={"a": both("A", "A")},
        usage=Usage(),
    )

    assert (metrics.score, metrics.bounds, metrics.coverage) == (None, None, 1.0)


SAID = st.sampled_from(["A", "B", "tie", "!unreadable", "!refused", "!not_asked"])
CHOICES = st.lists(st.lists(st.tuples(SAID, SAID), min_size=1, max_size=2), min_size=1, max_size=8)
RATINGS = st.lists(
    st.lists(st.sampled_from([1.0, 2.0, 3.0, "!truncated"]), min_size=4, max_size=4), min_size=1, max_size=8
)


def of_choices(drawn):
    return {
        str(n): [
            reading(order, said, sample)
            for sample, pair in enumerate(among)
            for order, said in zip([(0, 1), (1, 0)], pair, strict=True)
        ]
        for n, among in enumerate(drawn)
    }


@given(CHOICES)
@settings(max_examples=60)
def test_the_bounds_hold_the_score_of_choices(drawn):
    """Whatever failed, the score lies between the bounds, and what stands in is at most the distance to the lower."""
    metrics = summary(of_choices(drawn))

    assert (metrics.score is None) == (metrics.coverage == 0)
    assume(metrics.score is not None)
    assert metrics.bounds.low - 1e-12 <= metrics.score <= metrics.bounds.high + 1e-12
    assert metrics.substituted <= metrics.score - metrics.bounds.low + 1e-12


@given(RATINGS)
@settings(max_examples=60)
def test_the_bounds_hold_the_score_of_ratings(drawn):
    """The same for best of four by ratings, one of which may be unreadable."""
    keys = {str(n): key(str(n), "Math", 4) for n in range(len(drawn))}
    readings = {str(n): [reading((at,), said) for at, said in enumerate(row)] for n, row in enumerate(drawn)}
    metrics = summary(readings, BEST, keys)

    assume(metrics.score is not None)
    assert metrics.bounds.low - 1e-12 <= metrics.score <= metrics.bounds.high + 1e-12


@given(CHOICES)
@settings(max_examples=60)
def test_metrics_are_strict_json(drawn):
    """Neither infinities nor not-a-numbers are written, however few the readings."""
    json.dumps(summary(of_choices(drawn)).to_json(), allow_nan=False)
