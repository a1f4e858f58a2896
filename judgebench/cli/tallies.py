"""What a grid has done so far, counted: judgements, failures, cost, and the time that is left."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgebench.engine.progress import Throttle
    from judgebench.engine.spec import RunSpec
    from judgebench.runs import Judgement

_WINDOW_S = 60.0
_TELLING = 10
"""So many replies tell what the others will cost."""
_NO_CALL = frozenset({"not_cached", "not_asked"})


class Speed:
    """How fast replies come: the mean over the last minute, or since the first call where that is shorter."""

    def __init__(self) -> None:
        self.count = 0
        self._marks: deque[tuple[float, int]] = deque()

    def add(self, now: float, took: float) -> None:
        """A reply came, so many seconds after its call."""
        if not self._marks:
            self._marks.append((now - took, 0))
        self.count += 1

    def rate(self, now: float) -> float:
        """How many a second; 0 before the first."""
        if not self._marks:
            return 0.0
        if now - self._marks[-1][0] >= 1:
            self._marks.append((now, self.count))
        while len(self._marks) > 1 and self._marks[1][0] <= now - _WINDOW_S:
            self._marks.popleft()
        since, before = self._marks[0]
        return (self.count - before) / (now - since) if now > since else 0.0


@dataclass(slots=True)
class CellTally:
    """One run of the grid.

    Attributes:
        total: Judgements it needs, at most.
        done: Those that are there, from earlier times included.
        began: Whether it goes on, or is over.
        over: Whether it is through, whatever is missing.
    """

    judge: str
    title: str
    template: str
    total: int
    done: int
    began: bool = False
    over: bool = False

    @property
    def left(self) -> int:
        """How many judgements are still to come."""
        return 0 if self.over else max(self.total - self.done, 0)


class JudgeTally:
    """One judge, whose runs come one after another.

    Attributes:
        failed: Judgements without a verdict.
        cached: Judgements whose reply the cache had.
        cost: What was paid now, in USD.
        priced: For how many calls that was.
        unpriced: Whether a reply came whose cost is not known.
        limit: How many of its calls may be in flight; None before that is known.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.cells: list[CellTally] = []
        self.failed = self.cached = 0
        self.cost = 0.0
        self.unpriced = False
        self.priced = 0
        self.pace = Speed()
        self.limit: Throttle | None = None

    @property
    def left(self) -> int:
        """How many judgements are still to come."""
        return sum(cell.left for cell in self.cells)

    @property
    def through(self) -> int:
        """How many runs are through."""
        return sum(cell.over for cell in self.cells)

    @property
    def now(self) -> CellTally:
        """The run that goes on; the last one where none does."""
        return next((cell for cell in self.cells if cell.began and not cell.over), self.cells[-1])

    @property
    def whole_cost(self) -> float | None:
        """What it costs in all, if judgements to come cost what those so far did; None: not known yet."""
        if not self.left:
            return self.cost
        return None if self.unpriced or self.priced < _TELLING else self.cost * (1 + self.left / self.priced)

    @property
    def throttled(self) -> str:
        """How far rate limits keep its calls in flight below its own limit, in words; empty where they do not."""
        at = None if self.limit is None or not self.left else self.limit.throttled
        return "" if self.limit is None or at is None else f"throttled to {at} of {self.limit.most} by rate limits"

    def seconds_left(self, now: float) -> float | None:
        """How long the judge still takes at its pace; None where that cannot be told."""
        rate = self.pace.rate(now)
        if not self.left:
            return 0.0
        return self.left / rate if rate else None


class GridTally:
    """Every run of a grid; it watches them (`judgebench.engine.progress.Progress`).

    What an earlier run left, and what the cache has, counts as done, but not into the rate: that is of calls alone.
    With `offline` there are no calls, and the rate is that of the cache.

    Attributes:
        judges: In the order of the grid.
        offline: Whether no call is made.
        before_calls: Called once, when all is checked and before the first call.
    """

    def __init__(self, *, offline: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self.judges: dict[str, JudgeTally] = {}
        self.offline = offline
        self.clock = clock
        self.before_calls: Callable[[], None] | None = None
        self._cells: dict[int, tuple[JudgeTally, CellTally]] = {}

    def planned(self, cell: RunSpec, total: int, done: int) -> None:
        """See `judgebench.engine.progress.Progress`."""
        if (say := self.before_calls) is not None:
            self.before_calls = None
            say()
        judge = self.judges.setdefault(cell.judge.name, JudgeTally(cell.judge.name))
        title = f"{cell.benchmark.name} · {cell.judge.name} · {cell.template.title}"
        if cell.alteration is not None:
            title += f" · {cell.alteration.title}"
        tally = CellTally(cell.judge.name, title, cell.template.title, total, done)
        judge.cells.append(tally)
        self._cells[id(cell)] = (judge, tally)

    def paced(self, judge: str, pace: Throttle) -> None:
        """See `judgebench.engine.progress.Progress`."""
        self.judges[judge].limit = pace

    def started(self, cell: RunSpec, total: int, done: int) -> None:
        """See `judgebench.engine.progress.Progress`."""
        if id(cell) not in self._cells:
            self.planned(cell, total, done)
        tally = self._cells[id(cell)][1]
        tally.total, tally.done, tally.began = total, done, True

    def judged(self, cell: RunSpec, judgement: Judgement) -> None:
        """See `judgebench.engine.progress.Progress`."""
        judge, tally = self._cells[id(cell)]
        tally.done += 1
        judge.failed += judgement.failure is not None
        judge.cached += judgement.cached
        called = not judgement.cached and (judgement.failure is None or judgement.failure.kind not in _NO_CALL)
        if called or self.offline:
            judge.pace.add(self.clock(), 0.0 if judgement.cached else judgement.latency_s or 0.0)
        if called:
            judge.cost += judgement.cost_usd or 0.0
            judge.priced += judgement.cost_usd is not None
            judge.unpriced |= judgement.cost_usd is None and judgement.reply is not None

    def ended(self, cell: RunSpec) -> None:
        """See `judgebench.engine.progress.Progress`."""
        self._cells[id(cell)][1].over = True

    @property
    def cells(self) -> list[CellTally]:
        """Every run, in the order of the grid."""
        return [tally for _, tally in list(self._cells.values())]

    @property
    def every_judge(self) -> Sequence[JudgeTally]:
        """The judges, in the order of the grid."""
        return list(self.judges.values())

    @property
    def going_on(self) -> bool:
        """Whether a run has begun, and not every one is through."""
        cells = self.cells
        return any(cell.began for cell in cells) and not all(cell.over for cell in cells)

    def rate(self, now: float) -> float:
        """Calls a second, of all judges together."""
        return sum(judge.pace.rate(now) for judge in self.every_judge if judge.left)

    def seconds_left(self, now: float) -> float | None:
        """The time of the judge that takes longest, as they work side by side; None where that cannot be told."""
        times = [judge.seconds_left(now) for judge in self.every_judge]
        known = [each for each in times if each is not None]
        return None if len(known) < len(times) else max(known, default=None)
