"""Readings kept in a few bytes: a plain dictionary of dictionaries, for whoever looks."""

from __future__ import annotations

from hypothesis import given, strategies as st

from judgebench.engine.recorder import KeptReadings
from judgebench.items import Failure, Reading, Verdict
from judgebench.protocols.orders import Call

ITEMS = ("x", "y", "z")
orders = st.sampled_from([(0, 1), (1, 0), (0, 1, 2)])
results = st.one_of(
    st.sampled_from([Verdict("A"), Verdict("B"), Verdict("tie"), Failure("refused", "no")]),
    st.floats(1, 10).map(Verdict),
)
readings = st.builds(Reading, orders, st.integers(0, 2), results)
steps = st.lists(st.tuples(st.sampled_from(ITEMS), st.one_of(readings, st.builds(Call, orders, st.integers(0, 2)))))


@given(steps)
def test_readings_are_those_of_a_plain_dictionary(steps) -> None:
    """After any puts and drops: what each item has, in the order in which it came, and how many there are."""
    kept, plain = KeptReadings(ITEMS), {item: {} for item in ITEMS}
    for item, step in steps:
        if isinstance(step, Call):
            kept.drop(item, step)
            plain[item].pop(step, None)
        else:
            kept.put(item, step)
            plain[item][Call(step.order, step.sample)] = step
    assert {item: list(kept[item].items()) for item in ITEMS} == {i: list(r.items()) for i, r in plain.items()}
    assert {item: list(kept.of(item)) for item in ITEMS} == {item: list(r.values()) for item, r in plain.items()}
    assert [kept.count(item) for item in ITEMS] == [len(plain[item]) for item in ITEMS]
    assert kept.total == sum(map(len, plain.values()))


def test_equal_readings_are_kept_once() -> None:
    """Also where they are all that an item has."""
    kept = KeptReadings(ITEMS)
    for item in ITEMS:
        kept.put(item, Reading((0, 1), 0, Verdict("A")))
    assert kept.of("x") is kept.of("y") is kept.of("z")


def test_an_item_that_is_not_there() -> None:
    assert ("x" in KeptReadings(ITEMS), "other" in KeptReadings(ITEMS)) == (True, False)
