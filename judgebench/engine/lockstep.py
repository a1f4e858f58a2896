"""Two runs side by side over the same items, block by block, until a look at the differences settles the comparison."""

from __future__ import annotations

import math
from itertools import zip_longest
from typing import TYPE_CHECKING

from judgebench.errors import BudgetReached, ConfigError, FatalProviderError, JudgebenchError
from judgebench.metrics.sequential import LOOKS, Sequential, last_look, look
from judgebench.protocols import blocks, drawn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.engine.base import Work
    from judgebench.engine.recorder import RunResult
    from judgebench.engine.runplan import RunPlan
    from judgebench.items import Failure
    from judgebench.metrics.sequential import Look
    from judgebench.verdicts import Reply


class SideBySide:
    """A plan of several runs over the same items, block by block: each block ends before the next one is opened.

    What one run has waited for never holds more than a block; what stops one run stops them all.

    Args:
        runs: The runs.
    """

    def __init__(self, runs: Sequence[RunPlan]) -> None:
        self.runs = tuple(runs)
        self._block: Sequence[str] | None = ()
        for number, run in enumerate(self.runs):
            run.number = number
            run.limit_to(())

    @property
    def ended(self) -> bool:
        """See `Plan`."""
        return any(run.ended for run in self.runs)

    def open(self) -> Iterator[Work]:
        """See `Plan`; block by block until a look settles it, then all the rest, where none did."""
        while self._block is not None and all(run.error is None for run in self.runs):
            given = False
            for work in _in_turns(*(run.open() for run in self.runs)):
                given = True
                yield work
            if given or any(run.awaits or run.error is not None for run in self.runs):
                return
            self._begin_block()

    def tell(
        self,
        work: Work,
        answer: Reply | Failure,
        *,
        cached: bool = False,
        spent: Reply | None = None,
        sent_as: str | None = None,
    ) -> None:
        """See `Plan`."""
        self.runs[work.run].tell(work, answer, cached=cached, spent=spent, sent_as=sent_as)

    def following(self, work: Work) -> Work | None:
        """See `Plan`."""
        return self.runs[work.run].following(work)

    def end(self, error: JudgebenchError, work: Work | None = None) -> None:
        """See `Plan`; what stops one run stops the comparison, and so the others."""
        run = self.runs[0 if work is None else work.run]
        run.end(error)
        if run.ended:
            self._end_others(run)

    def finish(self) -> tuple[list[RunResult], list[JudgebenchError]]:
        """Writes all folders; their results, and what stopped one."""
        for run in self.runs:
            if run.error is not None:
                self._end_others(run)
        self._settle()
        results: list[RunResult] = []
        errors: list[JudgebenchError] = []
        for run in self.runs:
            before = None if run.recorder.folder.begun else run.as_before()
            try:
                results.append(before or run.finish())
            except (ConfigError, FatalProviderError, BudgetReached, _Ended) as error:
                errors.append(error)
        return results, sorted(errors, key=lambda error: isinstance(error, _Ended))

    def _end_others(self, run: RunPlan) -> None:
        for other in self.runs:
            if other is not run:
                other.end(_Ended(run))

    def _begin_block(self) -> None:
        """Takes in the block that all are through with, and opens the next one: `_block`, None where there is none."""
        raise NotImplementedError

    def _settle(self) -> None:
        """Says in every run what came of it."""
        raise NotImplementedError


class Lockstep(SideBySide):
    """The plan of two runs of one comparison (a `Plan`), which judge the same blocks of items in the same order.

    Each block ends before it is looked at, and the next one is opened after that; so both have judged the same items at
    each look, and what one has waited for never holds more than a block. The looks depend on the items alone:
    replies from the cache or from the runs' folders are gone through in the same steps as new ones.

    Args:
        first: One run.
        second: The other.
    """

    def __init__(self, first: RunPlan, second: RunPlan) -> None:
        super().__init__([first, second])
        spec = first.spec
        assert spec.until_shown is not None
        self._rule = spec.until_shown
        self._items = drawn(spec.dataset.keys.values(), spec.benchmark.layout, spec.orders.seed)
        self._blocks = blocks(self._items.tested)
        self._rested = False
        self._differences: list[float] = []
        self._look: Look | None = None

    def _begin_block(self) -> None:
        """Looks at the block that both are through, and opens the next one; none where it is settled."""
        if self._block and not self._rested:
            self._differences += self._differences_of(self._block)
            self._look = look(self._differences, alpha=LOOKS * self._rule.alpha, planned=len(self._items.tested))
        settled = self._look is not None and self._look.decision(self._rule.size) != "open"
        block = None if settled or self._rested else next(self._blocks, None)
        if block is None and not settled and not self._rested:
            block, self._rested = self._items.rest or None, True
        if block is None and not settled:
            self._look = self._last_look()
        self._block = block
        for run in self.runs:
            run.limit_to(block or ())

    def _last_look(self) -> Look:
        """At all items that count, both runs being through."""
        spec = self.runs[0].spec
        first, second = ([run.recorder.outcome(item) for item in self._items.weighted] for run in self.runs)
        alpha = (1 - LOOKS) * self._rule.alpha
        return last_look(first, second, spec.benchmark.layout, spec.benchmark.unit, alpha=alpha)

    def _differences_of(self, items: Sequence[str]) -> Iterator[float]:
        """The first run's credit less the second's of each item; not-a-number where one has none."""
        for item in items:
            credits_ = tuple(run.recorder.outcome(item).credit for run in self.runs)
            yield math.nan if credits_[0] is None or credits_[1] is None else credits_[0] - credits_[1]

    def _settle(self) -> None:
        """Says in both runs what came of it; the items after the look that settled it are no part of them."""
        seen = self._look
        if seen is None:
            return
        decision = seen.decision(self._rule.size)
        for run, sign in zip(self.runs, (1, -1), strict=True):
            recorder, rule = run.recorder, run.spec.until_shown
            assert rule is not None
            at_most = recorder.total
            if decision != "open" and not self._rested and seen.items < len(run.spec.dataset.keys):
                recorder.asked = frozenset(self._items.tested[: seen.items])
            recorder.sequential = Sequential(
                against=rule.against,
                decision=decision,
                items=seen.items,
                drawn=len(self._items.tested),
                of=len(self._items.weighted),
                difference=sign * seen.difference + 0.0,  # no sign for zero
                low=seen.low if sign > 0 else -seen.high,
                high=seen.high if sign > 0 else -seen.low,
                size=rule.size,
                alpha=rule.alpha,
                missing=seen.missing,
                saved=at_most - recorder.total,
            )


def _in_turns(*works: Iterator[Work]) -> Iterator[Work]:
    """One of each in turns, so that neither judge waits for the other's calls to begin."""
    for pair in zip_longest(*works):
        yield from (work for work in pair if work is not None)


class _Ended(JudgebenchError):  # noqa: N818 - nothing went wrong with this one
    """The other run of the comparison was stopped."""

    def __init__(self, other: RunPlan) -> None:
        super().__init__(f"the comparison ended when {other.spec.judge.name} ({other.spec.template.name}) was stopped")
