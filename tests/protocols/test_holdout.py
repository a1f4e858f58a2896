"""Which items are held out."""

from __future__ import annotations

from judgebench.items import ItemKey
from judgebench.protocols import held_out


def keys(count: int, per_group: int = 1) -> list[ItemKey]:
    return [ItemKey(str(at), "all", 2, 1, (1, 1), group=f"g{at // per_group}") for at in range(count)]


def test_the_same_seed_gives_the_same_split_and_rows_added_move_none():
    """An item's side depends on the seed, the share and its group alone, in whatever order the rows come."""
    first = held_out(keys(500), 0.5, 3)
    assert first == held_out(reversed(keys(500)), 0.5, 3)
    assert first == held_out(keys(900), 0.5, 3) & {str(at) for at in range(500)}
    assert first != held_out(keys(500), 0.5, 4)


def test_items_of_a_group_are_on_one_side():
    """So that nothing that is held out is like what was chosen by."""
    apart = held_out(keys(600, per_group=6), 0.5, 0)
    assert {sum(str(at) in apart for at in range(start, start + 6)) for start in range(0, 600, 6)} == {0, 6}


def test_the_share_is_about_what_was_asked_and_a_greater_one_keeps_a_smaller():
    """Within 4 standard deviations of the binomial."""
    few, more = held_out(keys(2000), 0.2, 0), held_out(keys(2000), 0.6, 0)
    assert abs(len(few) - 400) < 4 * (2000 * 0.2 * 0.8) ** 0.5
    assert abs(len(more) - 1200) < 4 * (2000 * 0.6 * 0.4) ** 0.5
    assert few < more
