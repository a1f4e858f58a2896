"""Progress: what is counted, what is said of it, and how it fits a terminal. Time is set by the tests."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from rich.cells import cell_len

from judgebench._util.steps import Step, counted, step, watched
from judgebench._util.text import duration
from judgebench.cli.tallies import GridTally
from judgebench.cli.view import cut, frame, log_line
from judgebench.items import Failure


@dataclass(eq=False)
class Clock:
    """A time that tests set."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def cell(judge: str = "mine", template: str = "pairwise") -> Any:
    """What progress looks at in a cell."""
    return SimpleNamespace(
        benchmark=SimpleNamespace(name="rewardbench"),
        judge=SimpleNamespace(name=judge),
        template=SimpleNamespace(name=template, title=template),
        alteration=None,
    )


def judgement(*, cached: bool = False, failure: str | None = None, cost: float | None = 0.01) -> Any:
    """What progress looks at in a judgement."""
    return SimpleNamespace(
        cached=cached,
        failure=None if failure is None else Failure(failure, "no"),
        cost_usd=cost,
        latency_s=1.0,
        reply="[[A]]",
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


def begun(clock: Clock, *cells: Any, total: int = 100, done: int = 0) -> GridTally:
    """A grid whose cells have all begun."""
    grid = GridTally(clock=clock)
    for each in cells:
        grid.planned(each, total, done)
    for each in cells:
        grid.started(each, total, done)
    return grid


def judge_many(grid: GridTally, one: Any, count: int, **said: Any) -> None:
    for _ in range(count):
        grid.judged(one, judgement(**said))


def test_the_rate_is_of_calls_since_the_first_one_went_out(clock: Clock) -> None:
    """10 replies in 5 s, the first of which took 1 s, so 10 in 5 s: 2 a second, and 45 s for the other 90."""
    one = cell()
    grid = begun(clock, one)
    clock.now = 141.0  # imports, checks: none of the judge's pace
    judge_many(grid, one, 1)
    clock.now = 145.0
    judge_many(grid, one, 9)
    assert (grid.rate(145.0), grid.seconds_left(145.0)) == (2.0, 45.0)


def test_what_was_there_already_is_not_in_the_rate(clock: Clock) -> None:
    """Of 100, 80 are resumed and 10 come from the cache; 5 calls in 5 s leave 5, which take 5 s."""
    one = cell()
    grid = begun(clock, one, done=80)
    judge_many(grid, one, 10, cached=True)
    clock.now = 101.0
    judge_many(grid, one, 1)
    clock.now = 105.0
    judge_many(grid, one, 4)
    assert (grid.rate(105.0), grid.seconds_left(105.0)) == (1.0, 5.0)


def test_offline_the_rate_is_the_cache_s(clock: Clock) -> None:
    """Where no call is made, the time left is that of the cache: 50 in 10 s, then 50 more in 10 s."""
    one = cell()
    grid = GridTally(offline=True, clock=clock)
    grid.started(one, 100, 0)
    judge_many(grid, one, 1, cached=True)
    clock.now = 110.0
    judge_many(grid, one, 49, cached=True)
    assert grid.seconds_left(110.0) == 10.0


def test_a_grid_takes_as_long_as_its_slowest_judge(clock: Clock) -> None:
    """Judges work side by side: 90 left at 10 a second and 90 left at 1 a second take 90 s, not 16."""
    fast, slow = cell("fast"), cell("slow")
    grid = begun(clock, fast, slow)
    clock.now = 101.0
    judge_many(grid, fast, 10)
    grid.judged(slow, judgement())
    clock.now = 110.0
    judge_many(grid, fast, 0)
    judge_many(grid, slow, 9)
    assert grid.seconds_left(110.0) == 90 / (10 / 10)


def test_the_time_left_is_not_known_before_every_judge_has_answered(clock: Clock) -> None:
    """One judge's pace says nothing of another's."""
    fast, slow = cell("fast"), cell("slow")
    grid = begun(clock, fast, slow)
    grid.judged(fast, judgement())
    assert grid.seconds_left(102.0) is None


def test_the_rate_forgets_what_is_older_than_a_minute(clock: Clock) -> None:
    """600 replies in the first minute, 60 in the next: one a second is what the judge does now."""
    one = cell()
    grid = begun(clock, one, total=10_000)
    for second in range(1, 121):
        clock.now = 100.0 + second
        judge_many(grid, one, 10 if second <= 60 else 1)
        grid.rate(clock.now)
    assert grid.rate(220.0) == pytest.approx(1.0, rel=0.02)


def test_a_judge_that_was_stopped_leaves_nothing(clock: Clock) -> None:
    """A run that is over is not waited for, whatever it lacks."""
    one, two = cell("one"), cell("two")
    grid = begun(clock, one, two)
    grid.ended(one)
    clock.now = 101.0
    judge_many(grid, two, 50)
    assert grid.seconds_left(101.0) == 1.0


def said(grid: GridTally, now: float, width: int = 80, height: int = 24, steps: list[Step] | None = None) -> list[str]:
    return frame(grid, steps or [], width=width, height=height, now=now)


def test_a_single_run_says_all_of_it(clock: Clock) -> None:
    """What, how far, how fast, failures, cost, time left."""
    one = cell()
    grid = begun(clock, one)
    clock.now = 101.0
    judge_many(grid, one, 8)
    judge_many(grid, one, 2, failure="unreadable")
    assert said(grid, 101.0) == [
        "rewardbench · mine · pairwise",
        "━" * 7 + "─" * 65 + " 10%",
        "10 of 100 judged · 10.0/s · 2 failed · $0.100 of about $1.00 · 9 s left",
    ]


def test_throttling_is_said(clock: Clock) -> None:
    """How many of how many calls may be in flight; whose it is, where there are several judges."""
    grid = begun(clock, cell(), cell("other"))
    grid.paced("mine", SimpleNamespace(most=40, throttled=9))
    grid.paced("other", SimpleNamespace(most=40, throttled=None))
    text = " ".join(said(grid, clock.now))
    assert ("mine throttled to 9 of 40 by rate limits" in text, "other throttled" in text) == (True, False)


def test_the_whole_cost_is_foretold_from_the_replies_so_far(clock: Clock) -> None:
    """From ten priced replies on: 10 of 100 cost $0.10, so all cost about $1.00."""
    grid = begun(clock, one := cell())
    judge_many(grid, one, 9)
    assert not any(" of about " in line for line in said(grid, clock.now))
    judge_many(grid, one, 1)
    assert "$0.100 of about $1.00" in " ".join(said(grid, clock.now))


def test_an_unknown_cost_is_said(clock: Clock) -> None:
    """$0.00 would be a lie."""
    one = cell()
    grid = begun(clock, one)
    grid.judged(one, judgement(cost=None))
    assert "cost unknown" in said(grid, 102.0)[-1]


def test_replies_of_the_cache_cost_nothing_now(clock: Clock) -> None:
    """And are said."""
    one = cell()
    grid = begun(clock, one)
    judge_many(grid, one, 10, cached=True)
    assert said(grid, 102.0)[-1] == "10 of 100 judged · 10 cached · 0 failed · $0.00 · no reply yet"


NAMES = ("gpt", "a-judge-with-a-very-long-name-that-does-not-end-before-the-line-does", "評価者🙂判定")


@pytest.mark.parametrize("judges", [1, 2, 10, 40])
@pytest.mark.parametrize("templates", [1, 4])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 50), (40, 10), (30, 5)])
def test_no_view_is_larger_than_its_terminal(
    judges: int, templates: int, width: int, height: int, clock: Clock
) -> None:
    """Up to 160 runs, with names of every kind, in terminals of every size."""
    every = [cell(f"{NAMES[j % 3]}-{j}", f"template-{t}") for j in range(judges) for t in range(templates)]
    grid = begun(clock, *every, total=123_456)
    clock.now = 103.0
    for each in every:
        judge_many(grid, each, 3, failure="provider")
    lines = said(grid, 103.0, width, height, [Step("reading a file with a long name " * 4, "rows", 9, 3)])
    assert (max(map(cell_len, lines)) <= width, len(lines) < height) == (True, True), "\n".join(lines)


def test_a_grid_of_40_runs_says_how_many_are_done(clock: Clock) -> None:
    """And shows 12 lines of judges at most: the 10 that have something to do, and the first one that is through."""
    every = [cell(f"judge-{j}", f"template-{t}") for j in range(20) for t in range(2)]
    grid = begun(clock, *every)
    for each in every[:20]:
        grid.ended(each)
    lines = said(grid, 101.0)
    assert lines[1].startswith("20 of 40 runs done · 0 of 4,000 judged")
    names = [line.split()[0] for line in lines[3:-1]]
    assert (names, lines[-1]) == (["judge-0", *(f"judge-{j}" for j in range(10, 20))], "and 9 more judges")


def test_the_line_of_a_log_can_be_told_from_others(clock: Clock) -> None:
    """It begins with `progress:`; each judge has 1 reply in 2 s, so 99 more take it 198 s."""
    one, two = cell("one"), cell("two")
    grid = begun(clock, one, two)
    for each in (one, two):
        grid.judged(each, judgement())
    assert (
        log_line(grid, [], 101.0)
        == "progress: grid: 0 of 2 runs done, 2 of 200 judged, 1.0/s, 0 failed, $0.020, 3 min 18 s left"
    )


def test_nothing_is_said_where_nothing_goes_on() -> None:
    """Between two steps, say."""
    assert log_line(GridTally(), [], 0.0) is None


def test_a_step_says_how_far_it_is() -> None:
    """30 of 90 rows in 3 s: 10 a second, 6 s more."""
    line = log_line(GridTally(), [Step("reading x.jsonl", "rows", 90, 30, since=10.0)], 13.0)
    assert line == "progress: reading x.jsonl, 30 of 90 rows, 10.0/s, 6 s left"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (599, "9 min 59 s"),
        (3_570, "1 h 0 min"),
        (4_320, "1 h 12 min"),
        (180_000, "2 days 2 h"),
    ],
)
def test_times_are_said_in_words(seconds: float, words: str) -> None:
    """With as much detail as helps."""
    assert duration(seconds) == words


def test_wide_characters_are_cut_by_their_columns() -> None:
    """Each of these takes two."""
    assert cut("評価者評価者", 7) == "評価者…"


def test_steps_are_counted_while_they_are_watched() -> None:
    """The outermost first, and gone when they are through."""
    with watched() as steps:
        with step("outer"):
            for _ in counted([1, 2], "inner", unit="things", total=lambda: 2):
                seen = [(each.what, each.done, each.total) for each in steps]
        after = list(steps)
    assert (seen, after) == ([("outer", 0, None), ("inner", 1, 2)], [])


def test_a_total_that_takes_work_is_not_found_out_for_nobody() -> None:
    """Where nobody watches, nothing is counted."""

    def work() -> int:
        raise AssertionError

    assert list(counted("ab", "reading", unit="letters", total=work)) == ["a", "b"]
