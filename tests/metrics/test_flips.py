"""Changed verdicts, by hand."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from making import key, reading
from simulating import holds, runs

from judgebench.metrics.controls import Flips, flips, padded_preference
from judgebench.metrics.intervals import wilson

if TYPE_CHECKING:
    from judgebench.items import Reading

ONE, OTHER = (0, 1), (1, 0)


def of(before: dict[str, list[Reading]], after: dict[str, list[Reading]], index: int = 1) -> Flips:
    found = flips("padding", before, after, dict.fromkeys(after, index))
    assert found is not None
    return found


def test_toward_and_away() -> None:
    """Completion 1 is altered: from A to B is toward it, from B to A away, tie lies between; two stay."""
    said = [("A", "B"), ("B", "A"), ("tie", "B"), ("A", "tie"), ("B", "tie"), ("A", "A"), ("tie", "tie")]
    before = {str(n): [reading(ONE, then)] for n, (then, _) in enumerate(said)}
    after = {str(n): [reading(ONE, now)] for n, (_, now) in enumerate(said)}
    found = of(before, after)

    assert (found.flips, found.toward, found.away, found.n) == (5, 3, 2, 7)
    assert found.share == pytest.approx(5 / 7)
    assert (found.low, found.high) == pytest.approx((wilson(5 / 7, 6).low, wilson(5 / 7, 6).high), abs=0.02)


def test_the_net_is_tested_by_mcnemar() -> None:
    """Nine of 20 toward and one away: a net of 8 in 20, and two-sided 2 (1 + 10) / 2^10."""
    before = {str(n): [reading(ONE, "B" if n == 9 else "A")] for n in range(20)}
    after = {str(n): [reading(ONE, "B" if n < 9 else "A")] for n in range(20)}
    found = of(before, after)

    assert (found.net, found.p) == (pytest.approx(0.4), pytest.approx(22 / 1024))
    assert found.net_low > 0


def test_an_interval_holds_no_net_where_the_test_does_not_reject() -> None:
    """Five of 100 toward and none away have p = 1/16."""
    before = {str(n): [reading(ONE, "A")] for n in range(100)}
    after = {str(n): [reading(ONE, "B" if n < 5 else "A")] for n in range(100)}
    found = of(before, after)

    assert (found.p, found.net_low <= 0 <= found.net_high) == (pytest.approx(1 / 16), True)


def test_items_of_a_group_count_as_one_for_the_test() -> None:
    """Five groups of two items toward: p is that of five, 1/16, and the net's interval that of five items."""
    before = {str(n): [reading(ONE, "A")] for n in range(10)}
    after = {str(n): [reading(ONE, "B")] for n in range(10)}
    found = flips("padding", before, after, dict.fromkeys(after, 1), {str(n): f"group {n // 2}" for n in range(10)})
    five = of({str(n): before[str(n)] for n in range(5)}, {str(n): after[str(n)] for n in range(5)})

    assert found is not None
    assert found.p == pytest.approx(1 / 16)
    assert (found.low, found.net_low) == pytest.approx((five.low, five.net_low))


def test_an_items_verdicts_count_as_one_for_the_test() -> None:
    """Both orders of five items toward: p is that of five, 1/16."""
    before = {str(n): [reading(ONE, "A"), reading(OTHER, "B")] for n in range(5)}
    after = {str(n): [reading(ONE, "B"), reading(OTHER, "A")] for n in range(5)}

    assert (of(before, after).net, of(before, after).p) == (1.0, pytest.approx(1 / 16))


def test_the_judges_own_flips_stand_beside() -> None:
    """Of three samples in one order, two of three pairs differ; without samples it is not known."""
    said = {"1": [reading(ONE, letter, n) for n, letter in enumerate("AAB")]}

    assert of(said, said).retest == pytest.approx(2 / 3)
    assert of({"1": said["1"][:1]}, {"1": said["1"][:1]}).retest is None


def test_between_other_completions_is_neither() -> None:
    """Of four the altered one is neither before nor after."""
    found = of({"1": [reading((0, 1, 2, 3), "A")]}, {"1": [reading((0, 1, 2, 3), "C")]})

    assert (found.flips, found.toward, found.away) == (1, 0, 0)


def test_the_same_order_and_sample_are_held_against_each_other() -> None:
    """The letters differ with the order; what is not there on both sides is left out."""
    before = {"1": [reading(ONE, "A"), reading(OTHER, "B"), reading(ONE, "A", 1), reading(ONE, "!refused", 2)]}
    after = {"1": [reading(ONE, "A"), reading(OTHER, "A"), reading(ONE, "!empty", 1), reading(ONE, "B", 2)]}
    found = of(before, after)

    assert (found.flips, found.toward, found.n) == (1, 1, 2)


def test_questions_that_do_not_show_it_are_left_out() -> None:
    """Of the pairs of one correct and two rejected answers, one shows it."""
    readings = {"1": [reading((0, 1), "A"), reading((0, 2), "A")]}

    assert of(readings, readings).n == 1


def test_ratings() -> None:
    """The best rated one counts: 5, 3 against 5, 9 is toward; 5, 5 a tie; with a failure there is no verdict."""
    rated = {"1": [reading((0,), 5.0), reading((1,), 3.0)]}

    assert of(rated, {"1": [reading((0,), 5.0), reading((1,), 9.0)]}).toward == 1
    assert of(rated, {"1": [reading((0,), 5.0), reading((1,), 5.0)]}).toward == 1
    assert of(rated, {"1": [reading((0,), 5.0), reading((1,), 1.0)]}).flips == 0
    assert flips("x", rated, {"1": [reading((0,), 5.0), reading((1,), "!refused")]}, {"1": 1}) is None


def test_nothing_to_hold_against() -> None:
    """No figures."""
    assert flips("x", {}, {"1": [reading(ONE, "A")]}, {"1": 1}) is None


def test_orders_that_flip_together_count_less() -> None:
    """With two equal verdicts an item the interval is about as wide as with one."""
    before = {str(n): [reading(ONE, "A"), reading(OTHER, "B")] for n in range(100)}
    after = {str(n): [reading(ONE, "B" if n < 30 else "A"), reading(OTHER, "A" if n < 30 else "B")] for n in range(100)}
    found, single = of(before, after), wilson(0.3, 100)

    assert (found.n, found.share) == (200, 0.3)
    assert found.high - found.low == pytest.approx(single.high - single.low, rel=0.05)


@pytest.mark.simulation
def test_the_interval_holds_the_true_rate_about_19_times_in_20() -> None:
    """Of 1,000 runs of 60 items, whose two orders flip together or apart, 93 to 97%."""
    rng = random.Random(5)
    held = []
    for _ in range(runs(1_000)):
        before = {str(n): [reading(ONE, "A"), reading(OTHER, "B")] for n in range(60)}
        after = {}
        for n in range(60):
            together = rng.random() < 0.5
            first = rng.random() < 0.3
            second = first if together else rng.random() < 0.3
            after[str(n)] = [reading(ONE, "B" if first else "A"), reading(OTHER, "A" if second else "B")]
        found = of(before, after)
        held.append(found.low <= 0.3 <= found.high)

    assert holds(held)


def preferred(k: int, *readings: Reading) -> tuple[float, int] | None:
    """How often completion 1, a padded copy of 0, is preferred, and of how many verdicts."""
    found = padded_preference({"7": readings}, {"7": 1}, {"7": key(k=k)})
    return None if found is None else (found.estimate, found.n)


def test_a_padded_copy_against_the_answer_itself() -> None:
    """In pairs a tie is half; of four only verdicts for either count; failures never."""
    assert preferred(2, reading(ONE, "B"), reading(OTHER, "B"), reading(ONE, "tie", 1)) == (0.5, 3)
    assert preferred(4, reading((0, 1, 2, 3), "B"), reading((2, 3, 0, 1), "A")) == (1.0, 1)
    assert preferred(2, reading(ONE, "!refused")) is None


def test_the_higher_rating_prefers() -> None:
    """Two samples, one of which rates the copy higher and one both the same."""
    rated = [reading((0,), 5.0), reading((1,), 7.0), reading((0,), 5.0, 1), reading((1,), 5.0, 1)]

    assert preferred(2, *rated) == (0.75, 2)
