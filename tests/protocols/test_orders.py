"""Orders and calls: drawn from the seed and the item's id alone, and each order as likely as another."""

import hashlib
import math
from collections import Counter

import pytest
from hypothesis import given, strategies as st
from making import reading
from scipy.stats import chisquare

from judgebench.protocols.orders import Call, Protocol, calls_needed, drawn_order, in_order, number_of_calls, orders_of

QUESTIONS = st.integers(1, 26).map(lambda k: tuple(range(k)))


def reference_order(seed, item, question):
    """Fisher-Yates from the last place down, its numbers the mixed-radix digits of a SHA-256."""
    number = int(hashlib.sha256(f"{seed}\0{item}\0{','.join(str(i) for i in question)}".encode()).hexdigest(), 16)
    order = list(question)
    for radix in range(len(question), 1, -1):
        place = number % radix
        number //= radix
        moved = order[radix - 1]
        order[radix - 1] = order[place]
        order[place] = moved
    return tuple(order)


@given(st.integers(), st.text(st.characters(codec="utf-8")), QUESTIONS)
def test_a_drawn_order_is_the_references(seed, item, question):
    """The order is the documented shuffle of the documented digest."""
    assert drawn_order(seed, item, question) == reference_order(seed, item, question)


@pytest.mark.parametrize("item", ["1", "2", "ref:3"])
def test_a_pair_is_turned_round_by_one_bit(item):
    """A pair stands as it is where the digest's last bit is 1, else the other way round."""
    odd = hashlib.sha256(f"0\x00{item}\x00".encode() + b"0,1").digest()[-1] % 2

    assert drawn_order(0, item, (0, 1)) == ((0, 1) if odd else (1, 0))


def test_a_lone_surrogate_in_an_id_is_no_error():
    """Ids come from data and may hold anything."""
    assert sorted(drawn_order(0, "\ud800", (0, 1))) == [0, 1]


@pytest.mark.parametrize("other", [(1, "7", (0, 1, 2, 3)), (0, "8", (0, 1, 2, 3)), (0, "7", (4, 5, 6, 7))])
def test_an_order_changes_with_the_seed_the_item_and_the_question(other):
    """Over 50 seeds or ids, the places differ at least once."""
    seed, item, question = other
    places = [
        (
            drawn_order(n, f"{n}-7", (0, 1, 2, 3)),
            tuple(question.index(i) for i in drawn_order(n + 1000 * seed, f"{n}-{item}", question)),
        )
        for n in range(50)
    ]

    assert any(first != second for first, second in places)


@pytest.mark.parametrize("k", [2, 3, 4])
def test_every_order_is_equally_likely(k):
    """Over 12,000 ids the orders are uniform by a chi-square test."""
    counts = Counter(drawn_order(0, f"item {n}", tuple(range(k))) for n in range(12_000))

    assert len(counts) == math.factorial(k)
    assert chisquare(list(counts.values())).pvalue > 0.001


@given(st.integers(), st.text(), QUESTIONS, st.sampled_from(["one", "both", "all"]))
def test_the_first_order_is_the_drawn_one(seed, item, question, orders):
    """More orders add to the one that is drawn, so its replies serve again."""
    assert orders_of(Protocol(orders, seed=seed), item, question)[0] == drawn_order(seed, item, question)


@given(st.integers(), st.text())
def test_both_orders_are_each_others_reverse(seed, item):
    """Each completion of a pair is shown first once."""
    first, second = orders_of(Protocol("both", seed=seed), item, (0, 1))

    assert first == tuple(reversed(second))


@given(st.integers(), st.text(), QUESTIONS)
def test_all_orders_are_a_latin_square(seed, item, question):
    """Each completion stands once in each slot, and once in each order."""
    orders = orders_of(Protocol("all", seed=seed), item, question)

    assert all(sorted(order) == list(question) for order in orders)
    assert all(sorted(slot) == list(question) for slot in zip(*orders, strict=True))


@pytest.mark.parametrize("orders", ["one", "both", "all"])
def test_a_rating_has_one_order(orders):
    """A question about a single completion is put once."""
    assert orders_of(Protocol(orders), "7", (3,)) == [(3,)]


def test_each_order_is_asked_for_each_sample():
    """Two orders and three samples are six calls."""
    calls = list(calls_needed(Protocol("both", samples=3), "7", [(0, 1)]))
    first = drawn_order(0, "7", (0, 1))

    assert set(calls) == {Call(order, sample) for order in (first, first[::-1]) for sample in range(3)}


def test_each_completion_has_a_call_in_ratings():
    """Four completions rated once each are four calls, whatever the orders."""
    calls = list(calls_needed(Protocol("all"), "7", [(0,), (1,), (2,), (3,)]))

    assert calls == [Call((0,), 0), Call((1,), 0), Call((2,), 0), Call((3,), 0)]


@given(st.sampled_from(["one", "both", "all"]), st.integers(1, 3), st.sets(st.integers(0, 20)))
def test_what_is_done_is_not_asked_again(orders, samples, done):
    """The calls that are left are all calls without those that are done, in the same order."""
    protocol = Protocol(orders, samples)
    every = list(calls_needed(protocol, "7", [(0, 1, 2)]))
    there = {call for at, call in enumerate(every) if at in done}

    assert list(calls_needed(protocol, "7", [(0, 1, 2)], there)) == [call for call in every if call not in there]


@given(st.sampled_from(["one", "both", "all"]), st.integers(1, 3), st.lists(QUESTIONS, max_size=4))
def test_the_number_of_calls_is_their_count(orders, samples, questions):
    """The count without the calls is that of the calls."""
    protocol = Protocol(orders, samples)
    calls = list(calls_needed(protocol, "7", questions))

    assert number_of_calls(protocol, questions) == len(calls)


def test_readings_stand_in_one_order_however_they_arrived():
    """By order, then sample; what was not asked comes last."""
    said = [reading(order, "A", sample) for order in ((1, 0), (0, 1)) for sample in (1, 0)]
    found = [(each.order, each.sample) for each in in_order(said)]
    assert found == [((0, 1), 0), ((0, 1), 1), ((1, 0), 0), ((1, 0), 1)]
