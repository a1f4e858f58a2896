"""Official scores, by hand and by the published tables."""

import random

import pytest
from hypothesis import given, strategies as st
from making import key, outcome

from judgebench.benchmarks.rewardbench import SECTIONS, RewardBench
from judgebench.benchmarks.rewardbench2 import DOMAINS, RewardBench2
from judgebench.items import Outcome
from judgebench.metrics.accuracy import Layout, official_scores, point_score
from judgebench.metrics.intervals import wilson

BENCH, BENCH2 = RewardBench().layout, RewardBench2().layout
SUBSETS = [subset for among in SECTIONS.values() for subset in among]


def share(subset, right, n):
    """Outcomes of a subset, so many right of n."""
    return [outcome(subset, float(at < right), f"{subset} {at}") for at in range(n)]


def fast(outcomes, layout):
    return official_scores(outcomes, layout, resamples=200)


def test_the_fixed_weights_are_the_published_counts():
    """23 subsets in four sections: 358, 456, 740 and 1,968 by weight."""
    assert {name: (len(among), sum(among.values())) for name, among in SECTIONS.items()} == {
        "Chat": (5, 358),
        "Chat Hard": (6, 456),
        "Safety": (5, 740),
        "Reasoning": (7, 1968),
    }


def test_a_section_weighs_its_subsets_by_the_fixed_counts():
    """Two math items right and six code items wrong are half of Reasoning, whatever their numbers here."""
    code = [one for subset in SECTIONS["Reasoning"] if subset != "math-prm" for one in share(subset, 0, 1)]

    assert fast([*share("math-prm", 2, 2), *code], BENCH).sections["Reasoning"].score == pytest.approx(0.5)


def test_a_partial_section_weighs_what_is_there():
    """alpacaeval-easy (100) at 1 and mt-bench-med (40) at 1/4 are (100 + 10) / 140."""
    scores = fast([*share("alpacaeval-easy", 1, 1), *share("mt-bench-med", 1, 4)], BENCH)

    assert scores.sections["Chat"].score == pytest.approx(110 / 140)


def test_the_score_is_the_plain_mean_of_the_sections_there():
    """Chat at 1 with ten items and Safety at 0 with one are one half; the others are missing."""
    scores = fast([*share("alpacaeval-easy", 10, 10), *share("donotanswer", 0, 1)], BENCH)

    assert scores.score == pytest.approx(0.5)
    assert scores.missing == ("Chat Hard", "Reasoning")


def test_all_23_subsets_by_hand():
    """Every subset at its own accuracy gives the mean of the four weighted means, by a plain loop."""
    right = {subset: at % 5 for at, subset in enumerate(SUBSETS)}
    expected = 0.0
    for among in SECTIONS.values():
        expected += sum(weight * right[subset] / 4 for subset, weight in among.items()) / sum(among.values()) / 4
    outcomes = [one for subset in SUBSETS for one in share(subset, right[subset], 4)]

    assert fast(outcomes, BENCH).score == pytest.approx(expected)


def test_section_weights_give_the_published_row():
    """oasst-rm-2.1-pythia-1.4b: four sections at weight 1 and the prior sets at 0.5 are .6901 overall."""
    published = {"Chat": 8855, "Chat Hard": 4868, "Safety": 6311, "Reasoning": 7752, "Prior": 6533}
    layout = Layout(tuple(published), lambda item: item.subset, section_weights={"Prior": 0.5})
    outcomes = [outcome(name, right / 10_000, name) for name, right in published.items()]

    assert round(point_score(outcomes, layout), 4) == pytest.approx(0.6901, abs=1e-4)


def test_rewardbench_2_is_the_plain_mean_of_its_domains():
    """claude-3-5-sonnet-20240620: the published six domains have the mean .6466."""
    published = [0.5284, 0.3875, 0.5683, 0.8519, 0.8697, 0.674]
    layout = Layout(DOMAINS, lambda item: item.subset)
    outcomes = [outcome(name, score, name) for name, score in zip(DOMAINS, published, strict=True)]

    assert round(point_score(outcomes, layout), 4) == 0.6466


def test_domains_of_any_size_count_alike():
    """Math at 1 with two items and Focus at 1/4 with eight are 5/8."""
    assert point_score([*share("Math", 2, 2), *share("Focus", 2, 8)], BENCH2) == pytest.approx(0.625)


def test_overall_by_items_weighs_each_item_alike():
    """Sections may be shown beside a score over all items: 2 of 2 and 2 of 8 are 4 of 10."""
    layout = Layout(("Math", "Focus"), lambda item: item.subset, overall="items")

    assert point_score([*share("Math", 2, 2), *share("Focus", 2, 8)], layout) == pytest.approx(0.4)


def test_a_subsets_interval_is_wilsons():
    """7 of 10 right."""
    low_high = wilson(0.7, 10)
    subset = fast(share("Math", 7, 10), BENCH2).subsets["Math"]

    assert (subset.n, subset.low, subset.high) == (10, low_high.low, low_high.high)


def test_a_part_of_a_single_subset_has_its_interval():
    """One figure, one interval: section and score are the subset's own where nothing else enters them."""
    scores = fast([*share("Math", 7, 10), outcome("Focus", None, "x")], BENCH2)

    assert scores.sections["Math"] == scores.subsets["Math"]
    assert (scores.score, scores.low, scores.high) == (0.7, scores.subsets["Math"].low, scores.subsets["Math"].high)
    (two,) = fast([*share("donotanswer", 7, 10), *share("refusals-dangerous", 7, 10)], BENCH).sections.values()
    assert (two.low, two.high) != (wilson(0.7, 20).low, wilson(0.7, 20).high)


def test_credits_between_0_and_1_have_a_narrower_interval():
    """0, 1/2, 1/2, 1: variance 1/6 over 1/4 is 2/3, with two more of 1 that is (3 x 2/3 + 2) / 5, so n is 4 / 0.8."""
    half = fast([outcome("Math", credit, str(at)) for at, credit in enumerate((0, 0.5, 0.5, 1))], BENCH2).subsets[
        "Math"
    ]

    assert (half.low, half.high) == pytest.approx((wilson(0.5, 5).low, wilson(0.5, 5).high), abs=1e-12)
    assert fast([outcome("Math", 0.5)], BENCH2).subsets["Math"].high == wilson(0.5, 1).high


def test_an_item_without_credit_has_no_part():
    """An item nobody judged is not a wrong one."""
    assert point_score([*share("Math", 1, 1), outcome("Math", None, "x")], BENCH2) == 1.0


@pytest.mark.parametrize("outcomes", [[], [outcome("Math", None)]])
def test_without_any_credit_there_is_no_score(outcomes):
    """No item with a credit is no score; missing are the sections that have no items at all."""
    scores = fast(outcomes, BENCH2)

    without = tuple(name for name in DOMAINS if not outcomes or name != "Math")
    assert (scores.score, scores.low, scores.sections, scores.missing) == (None, None, {}, without)
    assert point_score(outcomes, BENCH2) is None


CREDITS = st.lists(st.tuples(st.sampled_from(SUBSETS), st.sampled_from([0.0, 0.25, 0.5, 1.0])), min_size=1, max_size=40)


def made(credits_):
    return [outcome(subset, credit, str(at)) for at, (subset, credit) in enumerate(credits_)]


@given(CREDITS, st.randoms(use_true_random=False))
def test_the_order_of_rows_never_matters(credits_, chance):
    """Scores and intervals are the same, to the last bit, for rows in any order."""
    outcomes = made(credits_)
    shuffled = outcomes[:]
    chance.shuffle(shuffled)

    first, second = (fast(rows, BENCH) for rows in (outcomes, shuffled))
    assert (first.score, first.low, first.high, first.sections, first.subsets) == (
        second.score,
        second.low,
        second.high,
        second.sections,
        second.subsets,
    )


@given(CREDITS, st.integers(0, 39))
def test_more_credit_never_lowers_a_score(credits_, at):
    """An item that gains credit raises the score, or leaves it."""
    better = list(credits_)
    better[at % len(better)] = (better[at % len(better)][0], 1.0)

    assert point_score(made(better), BENCH) >= point_score(made(credits_), BENCH) - 1e-12


@given(CREDITS)
def test_every_interval_holds_its_score(credits_):
    """Subsets, sections and the whole lie within their bounds, and these within 0 and 1."""
    scores = fast(made(credits_), BENCH)

    for each in [*scores.subsets.values(), *scores.sections.values(), scores]:
        assert 0 <= each.low <= each.score <= each.high <= 1


@given(CREDITS)
def test_the_score_alone_is_the_score(credits_):
    """The short way and the long way agree."""
    assert point_score(made(credits_), BENCH) == pytest.approx(fast(made(credits_), BENCH).score, abs=1e-12)


def test_the_views_count_failures_otherwise():
    """One failure at 0.5 beside a right item: 0.75, from 0.5 to 1, and 0.5 without what stands in."""
    failed = Outcome(key("f", "Math"), 0.5, 0.0, 1.0, substituted=0.5)
    outcomes = [outcome("Math", 1.0), failed]

    assert [point_score(outcomes, BENCH2, view) for view in ("credit", "low", "high", "bare")] == [0.75, 0.5, 1.0, 0.5]


def test_equal_seeds_give_equal_intervals():
    """Resampling is drawn from the seed."""
    outcomes = made([(random.Random(n).choice(SUBSETS), n % 2 * 1.0) for n in range(30)])

    assert official_scores(outcomes, BENCH, seed=3) == official_scores(outcomes, BENCH, seed=3)
