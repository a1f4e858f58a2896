"""Two runs side by side over the same items, block by block, until a look at the differences settles the comparison."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from judgebench.errors import BudgetReached, ConfigError, FatalProviderError, JudgebenchError
from judgebench.metrics.sequential import Sequential, look
from judgebench.protocols import blocks, drawn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.engine.local import LocalRun
    from judgebench.engine.recorder import RunResult
    from judgebench.metrics.sequential import Look


class Lockstep:
    """Two runs of one comparison, which judge the same blocks of items in the same order.

    Each block ends before it is looked at, and the next one begins after that; so both have judged the same items at
    each look, and what one has waited for never holds more than a block. The looks depend on the items alone:
    replies from the cache or from the runs' folders are gone through in the same steps as new ones.

    Args:
        first: One run.
        second: The other.
        in_flight: How many calls both together may have in flight at once.
    """

    def __init__(self, first: LocalRun, second: LocalRun, in_flight: int) -> None:
        self.runs = (first, second)
        self._in_flight = in_flight
        self._checked = False
        cell = first.cell
        assert cell.until_shown is not None
        self._rule = cell.until_shown
        self._items = drawn(cell.dataset.keys.values(), cell.benchmark.layout, cell.orders.seed)
        self._differences: list[float] = []
        self._look: Look | None = None

    async def run(self) -> tuple[list[RunResult], list[JudgebenchError]]:
        """Runs both; their results, and what stopped one.

        Raises:
            ConfigError: A mistake of the user's stands in the way of a call that is needed.
        """
        first, second = self.runs
        with first.running(), second.running():
            await self._judge()
        self._end_together()
        self._settle()
        results: list[RunResult] = []
        errors: list[JudgebenchError] = []
        for run in self.runs:
            total = run.gathered.total
            before = None if run.refresh or run.gathered.folder.begun else run.gathered.as_before(total)
            try:
                results.append(before or run.finish(total))
            except (ConfigError, FatalProviderError, BudgetReached, _Ended) as error:
                errors.append(error)
        return results, sorted(errors, key=lambda error: isinstance(error, _Ended))

    async def _judge(self) -> None:
        """Judges block by block until it is settled; then all the rest, where nothing was."""
        for block in blocks(self._items.tested):
            await self._judge_block(block)
            if any(run.halted() or run.error is not None for run in self.runs):
                return
            self._differences += self._differences_of(block)
            self._look = look(self._differences, alpha=self._rule.alpha, planned=len(self._items.tested))
            if self._look.decision(self._rule.size) != "open":
                return
        if self._items.rest:
            await self._judge_block(self._items.rest)

    async def _judge_block(self, items: Sequence[str]) -> None:
        self._check(items)
        first, second = self.runs
        if first.client is second.client:
            await self._judge_side(first, second, items)
            await self._judge_side(second, first, items)
        else:
            await asyncio.gather(self._judge_side(first, second, items), self._judge_side(second, first, items))

    async def _judge_side(self, run: LocalRun, other: LocalRun, items: Sequence[str]) -> None:
        await run.judge(items)
        if run.error is not None and not isinstance(run.error, BudgetReached):
            other.end(_Ended(run))

    def _check(self, items: Sequence[str]) -> None:
        """Before the first call of all: finds what stands in the way of calls, of either run."""
        if self._checked or not any(needed.reply is None for run in self.runs for needed in run.needed(items)):
            return
        self._checked = True
        try:
            for run in self.runs:
                run.check_calls(self._in_flight)
        except ConfigError:
            for run in self.runs:
                if run.gathered.folder.begun:
                    run.finish(run.gathered.total)
            raise

    def _differences_of(self, items: Sequence[str]) -> Iterator[float]:
        """The first run's credit less the second's of each item; not-a-number where one has none."""
        first, second = self.runs
        for item in items:
            credits_ = first.gathered.outcome(item).credit, second.gathered.outcome(item).credit
            yield math.nan if credits_[0] is None or credits_[1] is None else credits_[0] - credits_[1]

    def _end_together(self) -> None:
        """What stops one run stops the comparison, and so the other."""
        first, second = self.runs
        for run, other in ((first, second), (second, first)):
            if run.error is not None:
                other.end(_Ended(run))

    def _settle(self) -> None:
        """Says in both runs what came of it; the items after the look that settled it are no part of them."""
        seen = self._look
        if seen is None:
            return
        decision = seen.decision(self._rule.size)
        for run, sign in zip(self.runs, (1, -1), strict=True):
            gathered, rule = run.gathered, run.cell.until_shown
            assert rule is not None
            at_most = gathered.total
            if decision != "open" and seen.items < len(run.cell.dataset.keys):
                gathered.asked = frozenset(self._items.tested[: seen.items])
            gathered.sequential = Sequential(
                against=rule.against,
                decision=decision,
                items=seen.items,
                drawn=len(self._items.tested),
                of=self._items.weighted,
                difference=sign * seen.difference + 0.0,  # no sign for zero
                low=seen.low if sign > 0 else -seen.high,
                high=seen.high if sign > 0 else -seen.low,
                size=rule.size,
                alpha=rule.alpha,
                missing=seen.missing,
                saved=at_most - gathered.total,
            )


class _Ended(JudgebenchError):  # noqa: N818 - nothing went wrong with this one
    """The other run of the comparison was stopped."""

    def __init__(self, other: LocalRun) -> None:
        super().__init__(f"the comparison ended when {other.cell.judge.name} ({other.cell.template.name}) was stopped")
