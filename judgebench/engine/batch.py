"""Work carried by a provider's batch interface: round after round of what is open, taken up again where it was left."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from judgebench._util.steps import step
from judgebench.client import BatchLine, LostBatchError
from judgebench.engine.batchservice import Outgoing, StoppedError
from judgebench.engine.cached import BREATHE_EVERY, cached_by, looked_up, tell_cached
from judgebench.engine.workstore import WorkStore
from judgebench.errors import (
    BudgetReached,
    ConfigError,
    FatalProviderError,
    JudgebenchError,
    StorageError,
    TransientError,
    VerdictFailure,
)
from judgebench.items import Failure
from judgebench.runs import short_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from judgebench._util.steps import Step
    from judgebench.client import BatchState
    from judgebench.engine.base import Plan, Work
    from judgebench.engine.batchservice import Service
    from judgebench.engine.progress import Stop
    from judgebench.runs import BatchEntry
    from judgebench.verdicts import Reply

_DOWNLOADS = 3
"""So often the results of a batch are fetched where lines that the provider counts are missing from them."""
_NOT_DONE = 0
_COMPLETED = "completed"
_TOO_MUCH = "token_limit_exceeded"
"""What OpenAI says of a batch that is more than an account may have waiting."""


@dataclass(eq=False)
class _Sent:
    """A batch that is with the provider.

    Attributes:
        waiting: The works of each request without a reply, by their numbers, and what is set aside for it, in USD.
    """

    entry: BatchEntry
    state: BatchState | None = None
    waiting: dict[str, tuple[float, list[int]]] = field(default_factory=dict)


class BatchEngine:
    """Carries the work of one run in batches, until its plan gives nothing more (an `Engine`).

    What the cache has is told at once. The rest goes out in batches as large as the provider and the budget allow; as
    each ends, what came of it is told, and what that opens goes out next. Batches that an earlier process made are gone
    on with.

    Args:
        service: The provider's batches, and the run's record of them.
        begin: Makes the run's folder; called before the first batch is made.
        stop: Ends it early: what is with the provider goes on there.
        sends: Whether batches are made; else only what came of earlier ones is taken.
        waits: Whether it waits until they have ended.
    """

    def __init__(
        self, service: Service, begin: Callable[[], None], stop: Stop, *, sends: bool = True, waits: bool = True
    ) -> None:
        self._service, self._client = service, service.client
        self._begin, self._stop, self._sends, self._waits = begin, stop, sends, waits
        self._sent: list[_Sent] = []
        self._asked: dict[str, _Sent] = {}
        self._earlier: dict[str, _Sent] = {}
        self._again: deque[int] = deque()
        self._opened: Iterator[tuple[Work, Reply | None]] | None = None
        self._outgoing: Outgoing | None = None
        self._new: dict[str, tuple[float, list[int]]] = {}
        self._most: int | None = None
        self._is_crowded = False
        self._fatal: JudgebenchError | None = None
        self._store = WorkStore()

    async def run(self, plan: Plan) -> None:
        """See `Engine`."""
        try:
            await self._carry(plan)
        except StoppedError:
            pass
        except JudgebenchError as error:
            plan.end(error)
        finally:
            self._leave()

    def _leave(self) -> None:
        """Gives up what was set aside, and leaves what is with the provider there."""
        self._service.shared.keys.difference_update(self._asked, self._new)
        self._service.shared.waiting.pop(id(self), None)
        for highest, _ in (*self._new.values(), *(each for sent in self._sent for each in sent.waiting.values())):
            self._client.release(highest)
        self._store.close()
        if self._outgoing is not None:
            self._outgoing.close()

    async def _carry(self, plan: Plan) -> None:
        await self._take_up()
        while True:
            await self._fill(plan)
            if self._stop.asked or (plan.ended and not self._sent):
                return
            if not self._sent:
                if not self._again or not self._sends:
                    return
                await self._service.poll_pause()  # what others have in flight may make room
            elif (sent := await self._next_ended(plan)) is not None:
                try:
                    await self._take(plan, sent)
                except LostBatchError as error:
                    self._lose(plan, sent, error)
            elif self._sent:
                return

    async def _take_up(self) -> None:
        """Finds the batches that earlier processes have made."""
        for entry in self._service.file.open:
            if entry.id is None and await self._service.recover(entry) is None:
                continue
            sent = _Sent(entry)
            self._sent.append(sent)
            self._earlier.update(dict.fromkeys(entry.keys, sent))

    async def _fill(self, plan: Plan) -> None:
        """Tells what the cache has, and sends what is open, as much as may be sent now."""
        with step(f"writing batches of {self._client.judge.name}", unit="requests") as shown:
            await self._write(plan, shown)
        if self._outgoing is not None and not self._stop.asked:
            await self._submit()

    async def _write(self, plan: Plan, shown: Step) -> None:
        for number, (work, known, stored) in enumerate(self._open(plan), 1):
            if number % BREATHE_EVERY == 0:
                await asyncio.sleep(0)
            if self._stop.asked or plan.ended:
                break
            asked = tell_cached(plan, work, known, cached_by(self._client))
            if asked is not None and not await self._place(plan, asked, stored if asked is work else None):
                break
            shown.done = len(self._new)

    def _open(self, plan: Plan) -> Iterator[tuple[Work, Reply | None, int | None]]:
        """What is to be asked again, and what the plan opens, pass after pass; one that was left is gone on with."""
        for _ in range(len(self._again)):
            number = self._again.popleft()
            yield self._store[number], None, number
        given = True
        while given:
            given = False
            for work, known in self._pass(plan):
                given = True
                yield work, known, None

    def _pass(self, plan: Plan) -> Iterator[tuple[Work, Reply | None]]:
        if self._opened is None:
            self._opened = looked_up(plan.open(), self._client.cached_many)
        for each in self._opened:  # noqa: UP028 - `yield from` would close it where this pass is left
            yield each
        self._opened = None

    async def _place(self, plan: Plan, work: Work, stored: int | None) -> bool:
        """Puts a call into a batch; whether more may follow."""
        key = work.request.key
        budget = self._client.budget
        if (same := self._asked.get(key)) is not None:
            same.waiting[key][1].append(self._number(work, stored))
            return True
        if key in self._new:
            self._new[key][1].append(self._number(work, stored))
            return True
        highest = self._client.highest(work.request)
        if (earlier := self._earlier.get(short_key(key))) is not None and earlier in self._sent:
            budget.hold(highest, made=True)
            earlier.waiting[key] = highest, [self._number(work, stored)]
            self._asked[key] = earlier
            self._service.shared.keys.add(key)
            return True
        if self._is_crowded and self._sent:
            self._again.appendleft(self._number(work, stored))
            return False
        if not self._sends or (budget.reached is not None and self._is_over(plan, work)):
            return True
        if key in self._service.shared.keys:
            self._again.append(self._number(work, stored))
            return True
        try:
            if not budget.hold(highest):
                self._again.appendleft(self._number(work, stored))
                return False
        except BudgetReached as error:
            plan.end(error, work)
            return True
        await self._add(work, self._number(work, stored), highest)
        return True

    def _is_over(self, plan: Plan, work: Work) -> bool:
        assert self._client.budget.reached is not None
        plan.end(self._client.budget.reached, work)
        return True

    def _number(self, work: Work, stored: int | None) -> int:
        return self._store.add(work) if stored is None else stored

    async def _add(self, work: Work, number: int, highest: float) -> None:
        """Writes a request into the batch that is next to be made, which is sent where it is full."""
        key, batches = work.request.key, self._service.batches
        self._new[key] = highest, [number]
        self._service.shared.keys.add(key)
        await self._service.ready()
        written = await self._client.written(work.request)
        line = batches.line(key, written)
        most = batches.most_requests if self._most is None else self._most
        if self._outgoing is not None and not self._outgoing.has_room(line, most):
            own = self._new.pop(key)
            await self._submit()
            self._new[key] = own
        if self._outgoing is None:
            self._outgoing = Outgoing(batches)
        if not self._outgoing.has_room(line, most):
            raise FatalProviderError(
                f"item '{work.item.id}': its request has {len(line):,} bytes, more than a batch takes "
                f"({batches.most_bytes:,}); leave out --batch"
            )
        self._outgoing.add(key, line, written.headers)

    async def _submit(self) -> None:
        """Sends the batch that has been written."""
        assert self._outgoing is not None
        outgoing, self._outgoing = self._outgoing, None
        self._begin()
        entry, state = await self._service.submit(outgoing)
        sent = _Sent(entry, state, self._new)
        self._sent.append(sent)
        self._asked.update(dict.fromkeys(self._new, sent))
        self._new = {}

    async def _next_ended(self, plan: Plan) -> _Sent | None:
        """The next batch that has ended; None where none has, and none is waited for."""
        with step("waiting for batches", unit="requests done") as shown:
            while True:
                for sent in self._sent:
                    if sent.state is not None and sent.state.ended:
                        return sent
                for sent in list(self._sent):
                    try:
                        sent.state = await self._service.check(sent.entry)
                    except LostBatchError as error:
                        self._lose(plan, sent, error)
                if not self._sent:
                    return None
                states = [(sent.entry.requests, sent.state) for sent in self._sent if sent.state is not None]
                self._service.shared.waiting[id(self)] = states
                self._service.shared.show(shown)
                if any(sent.state is not None and sent.state.ended for sent in self._sent):
                    continue
                if not self._waits:
                    return None
                await self._service.poll_pause()

    async def _take(self, plan: Plan, sent: _Sent) -> None:
        """Tells what came of a batch that has ended; what has no reply is asked again, as often as may help."""
        state, entry = sent.state, sent.entry
        assert state is not None
        if state.problem and not state.done:
            return await self._refused(sent, state)
        state, known = await self._take_lines(plan, sent, state)
        if not known and (state.done or state.state == _COMPLETED):  # asked again, they would be paid for again
            judge = self._client.judge
            raise LostBatchError(
                f"judge '{judge.name}' ({judge.model}): batch {state.id} is {state.state}, and its results have no "
                "line that can be read; nothing is sent again; rerun the command to fetch them once more, or move the "
                "run's batches.jsonl away to ask again"
            )
        left = 0
        for key in list(sent.waiting):
            if state.cancelled:
                left += self._drop(sent, key)
            else:
                why = "" if state.state in {"completed", "ended"} else f"the batch {state.state}"
                await self._tell(plan, sent, key, BatchLine(key, _NOT_DONE, why=why) if why else None)
        self._sent.remove(sent)
        self._is_crowded = False
        self._service.file.took(entry.tag)
        if (error := self._fatal or self._client.rejected()) is not None:
            plan.end(error)  # the batch is taken: the same command sends what had no reply again
        if left and self._sends:
            judge = self._client.judge
            plan.end(
                FatalProviderError(
                    f"judge '{judge.name}' ({judge.model}): batch {state.id} was cancelled, {left:,} of "
                    f"{entry.requests:,} requests have no reply; rerun the command to send them again"
                )
            )
        return None

    async def _take_lines(self, plan: Plan, sent: _Sent, state: BatchState) -> tuple[BatchState, bool]:
        """Tells what the results say; how the batch stands then, and whether they have any line of it."""
        own, count, known = sent.entry.keys, 0, False
        for download in range(_DOWNLOADS):
            if not sent.waiting:
                return state, True
            count = 0
            for line in await self._results(state):
                count += 1
                known = known or short_key(line.key) in own
                await self._tell(plan, sent, line.key, line)
                if count % BREATHE_EVERY == 0:
                    await asyncio.sleep(0)
            if count >= state.done + state.failed or download == _DOWNLOADS - 1:
                break
            await self._service.poll_pause()
            if not state.sources:  # some name them a little after the end
                sent.state = state = await self._service.check(sent.entry)
        return state, known

    async def _results(self, state: BatchState) -> Iterator[BatchLine]:
        return (
            await self._service.patiently(lambda: self._service.batches.results(state)) if state.sources else iter(())
        )

    def _lose(self, plan: Plan, sent: _Sent, error: LostBatchError) -> None:
        """Leaves a batch as it is for a later command; nothing more is sent, and what the others give is taken."""
        self._sent.remove(sent)
        for key in list(sent.waiting):
            self._drop(sent, key)
        plan.end(error)

    def _drop(self, sent: _Sent, key: str) -> int:
        """Leaves a request unasked; how many calls that are."""
        highest, numbers = sent.waiting.pop(key)
        self._client.release(highest)
        self._forget(key)
        return len(numbers)

    def _forget(self, key: str) -> None:
        self._asked.pop(key, None)
        self._service.shared.keys.discard(key)

    async def _tell(self, plan: Plan, sent: _Sent, key: str, line: BatchLine | None) -> None:
        """Tells the calls of one request what came of it; a line of no request that waits is passed over."""
        assert sent.state is not None
        if key not in sent.waiting or (sent.state.cancelled and line is not None and line.status == _NOT_DONE):
            return
        highest, numbers = sent.waiting.pop(key)
        work = self._store[numbers[0]]
        answer: Reply | Failure
        spent = None
        try:
            answer = await self._client.take(work.request, line, highest)
        except TransientError:
            self._again.extend(numbers)
            return
        except (ConfigError, FatalProviderError) as error:
            if isinstance(error, StorageError):
                raise
            self._fatal = self._fatal or error
            return
        except VerdictFailure as failure:
            answer = Failure(failure.kind, failure.detail)  # type: ignore[arg-type]
            spent = self._client.wasted.pop(key, None)
        finally:
            self._forget(key)
        for at, number in enumerate(numbers):
            each = work if at == 0 else self._store[number]
            if isinstance(answer, Failure):
                plan.tell(each, answer, spent=spent if at == 0 else None)
            else:
                plan.tell(each, answer, cached=at > 0, sent_as=self._client.sent_as)

    async def _refused(self, sent: _Sent, state: BatchState) -> None:
        """A batch that the provider did not take as a whole: a smaller one is made later, or nothing helps."""
        self._sent.remove(sent)
        self._service.file.took(sent.entry.tag)
        size = sent.entry.requests
        for key in list(sent.waiting):
            highest, numbers = sent.waiting.pop(key)
            self._client.release(highest)
            self._forget(key)
            self._again.extend(numbers)
        if _TOO_MUCH not in state.problem or size == 1:
            judge = self._client.judge
            raise FatalProviderError(
                f"judge '{judge.name}' ({judge.model}): the provider refuses batch {state.id}: {state.problem}"
            )
        if self._sent:  # when one of these has ended there is room
            self._is_crowded = True
            return
        self._most = max(1, size // 2)
        await self._service.poll_pause()
