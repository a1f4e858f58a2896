"""The best of k from pairs: who meets whom, who wins, and what the benchmark's rule makes of it."""

from __future__ import annotations

import random
from itertools import combinations

import pytest
from hypothesis import given, strategies as st
from making import key, reading

from judgebench.benchmarks import get_benchmark
from judgebench.items import Failure, Reading
from judgebench.protocols.orders import Protocol, calls_needed
from judgebench.protocols.pairs import bracket, every_question, outcome, questions, questions_at_most

CUSTOM = get_benchmark("custom")


def play(protocol, item, prefers):
    """The readings of an item, asked round by round; `prefers` takes two completions to the better, or a failure."""
    done = {}
    while calls := list(calls_needed(protocol, item.id, questions(CUSTOM, protocol, item, "pairwise", done), done)):
        for call in calls:
            said = prefers(*call.order)
            said = said if isinstance(said, str) else "AB"[call.order.index(said)]
            done[call] = reading(call.order, said, call.sample)
    return done


def outcome_of(protocol, item, prefers):
    return outcome(CUSTOM, protocol, item, list(play(protocol, item, prefers).values()))


def test_all_pairs_meet_once_in_each_order():
    """Four completions: six matches, twelve calls with both orders."""
    item = key(k=4)
    assert len(play(Protocol(pairs="all"), item, min)) == 6
    done = play(Protocol("both", pairs="all"), item, min)
    assert sorted(call.order for call in done) == sorted((a, b) for a in range(4) for b in range(4) if a != b)


@pytest.mark.parametrize("k", range(3, 11))
def test_a_knockout_takes_one_match_less_than_there_are_completions(k):
    """Whoever is chosen: each match throws one out, and the questions at most are as many from the start."""
    rng, item, protocol = random.Random(k), key(k=k), Protocol(pairs="knockout")
    assert len(play(protocol, item, lambda a, b: rng.choice([a, b]))) == k - 1
    assert len(questions_at_most(CUSTOM, protocol, item, "pairwise")) == k - 1
    assert len(every_question(CUSTOM, protocol, item, "pairwise")) == k * (k - 1) // 2


@given(k=st.integers(3, 12), best=st.randoms(use_true_random=False), seed=st.integers(0, 1000))
def test_the_knockout_s_winner_is_all_pairs_winner_for_a_transitive_judge(k, best, seed):
    """A judge with a ranking of its own: both ways find its first, whatever the draw."""
    ranking = best.sample(range(k), k)
    found = {}
    for pairs in ("all", "knockout"):
        made = outcome_of(Protocol(seed=seed, pairs=pairs), key(k=k), lambda a, b: min(a, b, key=ranking.index))
        top = max(made.scores[0])
        found[pairs] = [index for index, score in enumerate(made.scores[0]) if score == top]
    assert found["all"] == found["knockout"] == [ranking[0]]


def test_most_wins_and_draws_at_the_top_share_the_credit():
    """0 beats 1, 1 beats 2, 2 beats 0, all beat 3: three with two wins each, and a third of the credit."""
    beats = {(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)}
    made = outcome_of(Protocol(pairs="all"), key(k=4), lambda a, b: a if (a, b) in beats else b)
    assert (made.scores, made.credit) == (((2, 2, 2, 0),), pytest.approx(1 / 3))
    assert (made.low, made.high) == (made.credit, made.credit)


def test_orders_that_disagree_draw_their_match():
    """A judge that takes the slot A: every match is drawn, so all four share, or the two of a knockout's final."""
    first = lambda a, _: a  # noqa: E731
    assert outcome_of(Protocol("both", pairs="all"), key(k=4), first).credit == pytest.approx(1 / 4)
    made = outcome_of(Protocol("both", pairs="knockout"), key(k=4), first)
    assert sorted(made.scores[0]) == [0, 0, 1, 1]


def test_the_draw_is_by_seed_and_item_alone():
    """The same seed and id draw the same bracket; over seeds every completion meets every other one first."""
    firsts = {bracket(Protocol(seed=seed, pairs="knockout"), key(k=4), {}).matches for seed in range(60)}
    assert len(firsts) >= 3
    assert {pair for matches in firsts for pair in matches} == set(combinations(range(4), 2))
    assert bracket(Protocol(seed=5, pairs="knockout"), key(k=4), {}) == bracket(
        Protocol(seed=5, pairs="knockout"), key(k=4), {}
    )


def test_a_failure_in_all_pairs_is_bounded_by_both_of_its_ends():
    """0 beats 2 and 3, its match with 1 fails, 1 beats 2 and 3: a half, from 0 (1 has three wins) to 1 (0 has)."""
    made = outcome_of(Protocol(pairs="all"), key(k=4), lambda a, b: "!empty" if {a, b} == {0, 1} else min(a, b))
    assert (made.scores[0][:2], made.credit, made.low, made.high) == ((2, 2), 0.5, 0.0, 1.0)


def test_a_failure_that_changes_nothing_has_no_bounds():
    """0 wins all its matches and 2 against 3 fails: the credit is 1 whatever it would have been."""
    made = outcome_of(Protocol(pairs="all"), key(k=4), lambda a, b: "!empty" if {a, b} == {2, 3} else min(a, b))
    assert (made.credit, made.low, made.high) == (1.0, 1.0, 1.0)


def test_no_verdict_at_all_gets_what_the_rule_gives():
    """All calls failed: 1/k by the benchmark's rule, marked as substituted, from 0 to 1."""
    for pairs in ("all", "knockout"):
        made = outcome_of(Protocol(pairs=pairs), key(k=4), lambda *_: "!empty")
        assert (made.credit, made.substituted, made.low, made.high) == (0.25, 0.25, 0.0, 1.0)


def test_a_match_that_would_be_asked_again_holds_the_knockout_up():
    """An outage in the first round: the second is not asked, and the item is undecided."""
    protocol, item = Protocol(pairs="knockout"), key(k=4)
    done = play(protocol, item, min)
    call = next(iter(done))
    held = {**dict(list(done.items())[:2]), call: Reading(call.order, 0, Failure("provider", "503"))}
    assert bracket(protocol, item, held).winners == ()
    assert len(bracket(protocol, item, held).matches) == 2
    assert outcome(CUSTOM, protocol, item, list(held.values())).low == 0.0


def test_what_was_not_asked_has_no_credit():
    """Nothing was asked: as with any item."""
    readings = [Reading(call, 0, Failure("not_asked")) for call in combinations(range(4), 2)]
    assert outcome(CUSTOM, Protocol(pairs="all"), key(k=4), readings).credit is None


def test_pairs_and_ratings_stay_what_they_are():
    """A pair is one question, ratings are the benchmark's, and an item of four without --pairs is a mistake."""
    protocol = Protocol(pairs="knockout")
    assert questions(CUSTOM, protocol, key(k=2), "pairwise") == [(0, 1)]
    assert questions(CUSTOM, protocol, key(k=3), "rating") == [(0,), (1,), (2,)]
    assert outcome(CUSTOM, protocol, key(k=2), [reading((0, 1), "A")]).credit == 1.0
    with pytest.raises(Exception, match="--pairs all finds the best of more"):
        questions(CUSTOM, Protocol(), key(k=4), "pairwise")


def test_votes_that_stop_early_end_a_match():
    """Three samples, early stop: two that agree end each match, so a knockout of four takes six calls and not nine."""
    protocol = Protocol(samples=3, join="majority", early_stop=True, pairs="knockout")
    assert len(play(protocol, key(k=4), min)) == 6
