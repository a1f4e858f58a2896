"""How readings become one: each rule by hand, and early stop against asking everything."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, strategies as st
from making import key, reading
from simulating import holds, runs

from judgebench.benchmarks import get_benchmark
from judgebench.items import Failure, Reading, Soft, Verdict
from judgebench.metrics.accuracy import official_scores
from judgebench.metrics.votes import filled, join, join_notes, still_to_ask
from judgebench.protocols.orders import Protocol, calls_needed, calls_open, in_order, orders_of, with_unasked

BENCHMARK = get_benchmark("rewardbench")
AB, BA = (0, 1), (1, 0)
RULES = ("agree", "majority", "probability")


def said(readings, rule):
    """The joined verdict of a single question: a completion's index, `tie` or a failure's kind."""
    (one,) = join(readings, rule)
    assert one.order == tuple(sorted(one.order))
    if isinstance(one.result, Failure):
        return one.result.kind
    return "tie" if one.choice is None else one.choice


def soft(order, **probabilities):
    """A reading whose verdict is the most probable label."""
    value = max(probabilities, key=probabilities.get)
    return Reading(order, 0, Verdict(value, soft=Soft(tuple(probabilities.items()), 1.0)))


# --- each rule


def test_mean_joins_nothing():
    """The official credit is the mean over the readings as they are."""
    readings = [reading(AB, "A"), reading(BA, "A")]
    assert join(readings, "mean") == readings
    assert BENCHMARK.outcome(key(), readings).credit == 0.5


@pytest.mark.parametrize(
    ("readings", "verdict"),
    [
        ([reading(AB, "A"), reading(BA, "B")], 0),
        ([reading(AB, "B"), reading(BA, "A")], 1),
        ([reading(AB, "A"), reading(BA, "A")], "tie"),
        ([reading(AB, "tie"), reading(BA, "tie")], "tie"),
        ([reading(AB, "A"), reading(BA, "tie")], "tie"),
        ([reading(AB, "A"), reading(BA, "!unreadable")], 0),
        ([reading(AB, "!refused"), reading(BA, "!unreadable")], "refused"),
        ([reading(AB, "!not_asked"), reading(BA, "!unreadable")], "unreadable"),
    ],
)
def test_agree_takes_what_all_orders_name(readings, verdict):
    """Else it is a tie; what cannot be read has no say."""
    assert said(readings, "agree") == verdict


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ("AAB", 0),
        ("ABB", 1),
        ("AB", "tie"),
        ("ABtt", "tie"),
        ("AAtt", "tie"),
        ("AAABBt", 0),
        ("A!!", 0),
        ("AB!", "tie"),
        ("!!", "unreadable"),
    ],
)
def test_majority_takes_what_most_verdicts_name(verdicts, expected):
    """A draw at the top is a tie; a tie is a vote of its own; failures have none."""
    words = {"t": "tie", "!": "!unreadable"}
    readings = [reading(AB, words.get(letter, letter), at) for at, letter in enumerate(verdicts)]
    assert said(readings, "majority") == expected


def test_votes_over_orders_are_for_completions_not_for_slots():
    """Of four, shown in two orders: B in the first and A in the second are the same answer."""
    readings = [reading((0, 1, 2, 3), "B"), reading((1, 2, 3, 0), "A"), reading((2, 3, 0, 1), "A")]
    assert said(readings, "majority") == 1


def test_probability_takes_the_highest_mean():
    """Completion 0 has 0.9 and 0.3 (as B of the other order), so 0.6; by votes it would be a tie."""
    readings = [soft(AB, A=0.9, B=0.1), soft(BA, A=0.7, B=0.3)]
    assert said(readings, "probability") == 0
    assert said(readings, "majority") == "tie"


def test_equal_probabilities_are_a_tie():
    """0.7 and 0.3 in one order, the mirror in the other."""
    assert said([soft(AB, A=0.7, B=0.3), soft(BA, A=0.7, B=0.3)], "probability") == "tie"


def test_a_verdict_without_probabilities_is_certain():
    """1 and 0.2 are 0.6 for completion 0."""
    assert said([reading(AB, "A"), soft(BA, A=0.8, B=0.2)], "probability") == 0


def test_a_probable_tie_is_a_tie():
    """Its own probability, 0.5, is above both others'."""
    assert said([soft(AB, A=0.3, B=0.2, tie=0.5)], "probability") == "tie"


@pytest.mark.parametrize("rule", RULES)
def test_ratings_become_their_mean(rule):
    """7 and 8 are 7.5, whatever the rule; a failure is left out."""
    readings = [reading((0,), 7.0), reading((0,), 8.0, 1), reading((0,), "!empty", 2), reading((1,), "!empty")]
    first, second = join(readings, rule)
    assert (first.rating, second.failed) == (7.5, True)


def test_expected_ratings_are_joined_by_probability_alone():
    """0.5 x 6 + 0.5 x 9 = 7.5; the verdict itself is 6."""
    one = Reading((0,), 0, Verdict(6.0, soft=Soft((("6", 0.5), ("9", 0.5)), 0.9)))
    assert join([one], "probability")[0].rating == 7.5
    assert join([one], "majority")[0].rating == 6.0


def test_each_pair_of_an_item_is_a_question_of_its_own():
    """As in RM-Bench, whose nine pairs are asked one by one."""
    readings = [reading((0, 3), "A"), reading((3, 0), "B"), reading((1, 4), "B"), reading((4, 1), "B")]
    assert [(one.order, one.choice) for one in join(readings, "agree")] == [((0, 3), 0), ((1, 4), None)]


def test_the_note_counts_ties_and_what_was_not_read():
    """One question drawn, one with a failure among its two, one with nothing else."""
    readings = {
        "1": [reading(AB, "A"), reading(BA, "A")],
        "2": [reading(AB, "A"), reading(BA, "!empty")],
        "3": [reading(AB, "!empty"), reading(BA, "!empty")],
        "4": [reading(AB, "tie"), reading(BA, "tie")],
    }
    (note,) = join_notes(readings, "majority")
    assert note == (
        "verdicts of a question are aggregated by majority (a draw is a tie): 1 of 4 questions are ties; "
        "1 with some replies without a verdict; 1 without any verdict"
    )
    assert list(join_notes(readings, "mean")) == []


# --- bounds


@pytest.mark.parametrize("rule", ["agree", "majority"])
@given(verdicts=st.lists(st.sampled_from(["A", "B", "tie", "!unreadable"]), min_size=1, max_size=5))
def test_bounds_hold_whatever_the_failures_would_have_said(rule, verdicts):
    """The lowest and the highest credit over all verdicts that could stand in their places, tried one by one."""
    readings = [reading(AB if at % 2 else BA, word, at) for at, word in enumerate(verdicts)]
    outcome = BENCHMARK.outcome(key(), readings, rule)
    every = [[]]
    for each in readings:
        ways = [reading(each.order, word, each.sample) for word in ("A", "B", "tie")] if each.failed else [each]
        every = [[*before, way] for before in every for way in ways]
    credits_ = [BENCHMARK.outcome(key(), way, rule).credit for way in every]
    assert (outcome.low, outcome.high) == (min(credits_), max(credits_))


def test_a_completion_with_a_failed_rating_has_failed_in_the_bounds():
    """8 against 5 and a failure: right by the means; the bounds are those of the official rule with a failure."""
    readings = [reading((0,), 8.0), reading((0,), 8.0, 1), reading((1,), 5.0), reading((1,), "!empty", 1)]
    outcome = BENCHMARK.outcome(key(), readings, "majority")
    assert (outcome.credit, outcome.low, outcome.high) == (1.0, 0.0, 1.0)


def test_without_a_failure_there_is_nothing_to_fill():
    """And the bounds are the credit."""
    readings = [reading(AB, "A"), reading(BA, "A")]
    assert list(filled(readings)) == []
    assert BENCHMARK.outcome(key(), readings, "agree").low == 0.5


def test_llmbar_s_agreement_is_of_the_orders_themselves():
    """The joined verdict has one order; that the orders disagreed stays known."""
    outcome = get_benchmark("llmbar").outcome(key(), [reading(AB, "A"), reading(BA, "A")], "majority")
    assert outcome.parts == {"agrees": 0.0}


# --- early stop

WORDS = st.sampled_from(["A", "B", "C", "tie", "!unreadable"])


@given(
    orders=st.sampled_from(["one", "both", "all"]),
    samples=st.integers(1, 5),
    questions=st.sampled_from([[(0, 1, 2)], [(0, 1, 2), (3, 4, 5)]]),
    data=st.data(),
)
def test_votes_that_stop_early_end_as_all_of_them_would(orders, samples, questions, data):
    """Whatever the calls that were saved would have said, failures among it."""
    protocol = Protocol(orders, samples, join="majority", early_stop=True)
    every = list(calls_open(protocol, "7", questions))
    full = {call: reading(call.order, data.draw(WORDS), call.sample) for call in every}
    done = {}
    while calls := list(calls_needed(protocol, "7", questions, done)):
        assert not done.keys() & set(calls)
        done |= {call: full[call] for call in calls}
    asked, whole = ([(r.choice, r.failed) for r in join(each.values(), "majority")] for each in (done, full))
    assert asked == whole
    assert with_unasked(protocol, "7", questions, done) == in_order(list(done.values()))


@given(st.lists(WORDS, max_size=9), st.integers(1, 9))
def test_a_question_is_settled_just_where_nothing_can_draw_level(words, planned):
    """By a plain count: the leader has more than the next and all that is left together."""
    readings = [reading((0, 1, 2), word, at) for at, word in enumerate(words[:planned])]
    votes = sorted((sum(w == v for w in words[:planned]) for v in ("A", "B", "C", "tie")), reverse=True)
    settled = planned <= len(readings) or votes[0] > votes[1] + planned - len(readings)
    assert (still_to_ask(readings, planned) == 0) == settled


@pytest.mark.parametrize(
    ("words", "planned", "needed"), [("", 5, 3), ("", 6, 4), ("AAA", 5, 0), ("AAB", 5, 1), ("AB", 5, 2), ("A", 1, 0)]
)
def test_only_as_many_are_asked_at_once_as_are_needed_anyway(words, planned, needed):
    """Three of five can settle it; after A, A, B one more may."""
    assert still_to_ask([reading(AB, word, at) for at, word in enumerate(words)], planned) == needed


def test_samples_of_both_orders_are_asked_in_turn():
    """Four of six calls are needed first: both orders of two samples."""
    protocol = Protocol("both", 3, join="majority", early_stop=True)
    calls = list(calls_needed(protocol, "7", [AB]))
    assert [(call.sample, call.order) for call in calls] == [
        (sample, order) for sample in (0, 1) for order in orders_of(protocol, "7", AB)
    ]


def test_what_an_interrupted_vote_lacks_is_a_failure():
    """It is not settled, so all that was planned was not asked."""
    protocol = Protocol("one", 5, join="majority", early_stop=True)
    first = next(calls_needed(protocol, "7", [AB]))
    readings = with_unasked(protocol, "7", [AB], {first: reading(first.order, "A")})
    assert [each.failed for each in readings] == [False, True, True, True, True]


def test_ratings_are_never_settled():
    """A mean may always change: after the two that classes need in any case, the third is asked as well."""
    protocol = Protocol("one", 3, join="majority", early_stop=True)
    first = list(calls_needed(protocol, "7", [(0,)]))
    done = {call: reading(call.order, 3.0, call.sample) for call in first}
    assert (len(first), [call.sample for call in calls_needed(protocol, "7", [(0,)], done)]) == (2, [2])
    same = {call: reading(call.order, "pass", call.sample) for call in first}
    assert list(calls_needed(protocol, "7", [(0,)], same)) == []


@pytest.mark.parametrize("rule", ["agree", "majority", "probability"])
def test_mean_ratings_that_are_equal_are_a_tie(rule):
    """3.3 and 3.4 are as much as 3.35 twice, whatever the last digit of the sums: half of RewardBench's credit."""
    ratings = {0: (3.3, 3.4), 1: (3.35, 3.35)}
    readings = [reading((at,), value, sample) for at, each in ratings.items() for sample, value in enumerate(each)]
    assert BENCHMARK.outcome(key(), readings, rule).credit == 0.5


# --- judges whose truth is known


def holds_in_runs(simulate, truth):
    """Whether the 95% interval holds the truth in 93 to 97 of 100 of a thousand simulated runs."""
    held = []
    for run in range(runs(1_000)):
        scores = official_scores(simulate(np.random.default_rng(run)), BENCHMARK.layout, seed=run)
        (found,) = scores.subsets.values()
        held.append(found.low <= truth <= found.high)
    return holds(held)


@pytest.mark.simulation
def test_the_gain_from_votes_is_the_binomial_one():
    """Five votes of a judge that is right with 0.7 are right with sum C(5, i) 0.7^i 0.3^(5-i), i from 3: 0.83692."""
    truth = sum(math.comb(5, i) * 0.7**i * 0.3 ** (5 - i) for i in (3, 4, 5))
    assert truth == pytest.approx(0.83692)

    def simulate(random):
        right = random.random((100, 5)) < 0.7
        return [
            BENCHMARK.outcome(
                key(str(at), "hep-go"), [reading(AB, "BA"[int(r)], s) for s, r in enumerate(row)], "majority"
            )
            for at, row in enumerate(right)
        ]

    assert holds_in_runs(simulate, truth)


def leaning(random, *, bias=1.0, items=100):
    """Outcomes, from both orders, of a judge that finds the correct one better by N(1, 1), the first by `bias` more."""
    outcomes = []
    for at, better in enumerate(random.normal(1.0, 1.0, items)):
        readings = []
        for order, lean in [(AB, better + bias), (BA, better - bias)]:
            probability = 1 / (1 + math.exp(-lean))
            labels = ("A", "B") if order == AB else ("B", "A")
            readings.append(soft(order, **dict(zip(labels, (probability, 1 - probability), strict=True))))
        outcomes.append(BENCHMARK.outcome(key(str(at), "hep-go"), readings, "probability"))
    return outcomes


PHI = NormalDist().cdf
ONE_ORDER = (PHI(2) + PHI(0)) / 2  # right where the lean is above -1 (shown first) or above 1 (shown second)


@pytest.mark.simulation
def test_mean_probabilities_of_both_orders_undo_the_preference():
    """It is near PHI(1), what the judge knows without its preference, 0.10 above the score of one order.

    The bias moves both orders' log-odds by as much, so their mean is above 0.5 just where the lean is above 0.
    """
    assert PHI(1) - ONE_ORDER == pytest.approx(0.1027, abs=1e-4)
    assert holds_in_runs(leaning, PHI(1))
