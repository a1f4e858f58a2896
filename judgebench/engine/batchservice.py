"""A provider's batches used with patience: waits and retries, a batch made once, and one that was lost found again."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from judgebench.client import BatchPart, put_aside
from judgebench.errors import ConfigError, FatalProviderError, RateLimitedError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from judgebench._util.steps import Step
    from judgebench.client import BatchClient, Batches, BatchState
    from judgebench.engine.progress import Stop
    from judgebench.runs import BatchEntry, BatchFile

T = TypeVar("T")

FIRST_POLL_S, LONGEST_POLL_S, _GROWTH = 5.0, 300.0, 1.5
"""The interval at which batches are looked at: it grows from the first to the longest."""
_FIRST_TRIES, _TRIES = 6, 30
"""So often a request about batches is made at most: before the provider has answered one, and after that."""
_FIRST_WAIT_S = 1.0


class StoppedError(Exception):
    """The user ended the run; what is with the provider goes on."""


class Outgoing:
    """A batch that is being written, with its payload in a temporary file.

    Args:
        batches: Whose form it has.

    Attributes:
        keys: Those of its requests.
    """

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it is sent
        self.keys: list[str] = []
        self.size = len(batches.closing)
        self.headers: dict[str, str] = {}

    def has_room(self, line: bytes, most: int) -> bool:
        """Whether the provider takes one more request, of so many in a batch."""
        return len(self.keys) < most and self.size + self._longer(line) <= self._batches.most_bytes

    def _longer(self, line: bytes) -> int:
        return len(line) + len(self._batches.between if self.keys else self._batches.opening)

    def add(self, key: str, line: bytes, headers: dict[str, str]) -> None:
        """Writes one more request.

        Raises:
            StorageError: The temporary folder has no room for it.
        """
        self.size += self._longer(line)
        put_aside(self.file, (self._batches.between if self.keys else self._batches.opening) + line)
        self.keys.append(key)
        self.headers |= headers

    def close(self) -> None:
        """Gives the temporary file up, also one on a full disk."""
        with suppress(OSError):
            self.file.close()

    def part(self, run: str) -> BatchPart:
        """The whole of it, under a tag that names the run, its requests and the moment."""
        put_aside(self.file, self._batches.closing, last=True)
        digest = hashlib.sha256("\n".join((str(time.time_ns()), *self.keys)).encode()).hexdigest()
        return BatchPart(f"{run}-{digest[:24]}", self.file, self.size, len(self.keys), self.headers)


@dataclass
class Shared:
    """What all runs of a command know of each other's batches.

    Attributes:
        keys: The keys of all requests that are with a provider.
        ids: The names of all batches.
        waiting: By run, the batches that it waits for: how many requests each has, and how it stood last.
    """

    keys: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    waiting: dict[int, list[tuple[int, BatchState]]] = field(default_factory=dict)

    def show(self, shown: Step) -> None:
        """Says in a step how all of them stand."""
        every = [each for waiting in self.waiting.values() for each in waiting]
        words = dict.fromkeys(state.state.replace("_", " ") for _, state in every)
        shown.what = f"{'1 batch' if len(every) == 1 else f'{len(every)} batches'} ({', '.join(words)})"
        shown.total = sum(requests for requests, _ in every)
        shown.done = sum(state.done + state.failed for _, state in every)


class Service:
    """The batch interface of one judge, for one run.

    Args:
        client: The judge's.
        file: The run's record of its batches.
        stop: Ends all waits.
        shared: With the other runs of the command.
    """

    def __init__(self, client: BatchClient, file: BatchFile, stop: Stop, shared: Shared | None = None) -> None:
        self.client, self.file, self.shared = client, file, shared or Shared()
        self._stop = stop
        self._answered = False
        self._interval = FIRST_POLL_S
        self.shared.ids |= {entry.id for entry in file.entries.values() if entry.id is not None}

    @property
    def batches(self) -> Batches:
        """The provider's."""
        return self.client.batches

    async def ready(self) -> None:
        """Finds out, once, whether batches can be made."""
        if not self._answered:
            await self.patiently(self.batches.ready)

    async def patiently(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What a request about batches gives, tried again as long as that may help.

        Raises:
            FatalProviderError: It does not help any more.
            StoppedError: The user ended the run meanwhile.
        """
        tries = 0
        while True:
            try:
                given = await self._unless_stopped(call())
            except TransientError as error:
                tries += 1
                await self._wait_after(error, tries)
            else:
                self._answered = True
                return given

    async def _wait_after(self, error: TransientError, tries: int) -> None:
        if tries >= (_TRIES if self._answered else _FIRST_TRIES):
            judge = self.client.judge
            raise FatalProviderError(
                f"judge '{judge.name}' ({judge.model}): its batches cannot be reached after {tries} attempts: {error}; "
                "rerun the command to resume"
            ) from None
        self.client.asked_again[error.counted_as] += 1
        waits = min(_FIRST_WAIT_S * 2 ** (tries - 1), LONGEST_POLL_S)
        await self.pause(waits if error.retry_after is None else max(error.retry_after, _FIRST_WAIT_S))

    async def pause(self, seconds: float) -> None:
        """Waits, but not after the user has ended the run.

        Raises:
            StoppedError: That is so.
        """
        if self._stop.asked:
            raise StoppedError
        await self._unless_stopped(asyncio.sleep(seconds))
        if self._stop.asked:
            raise StoppedError

    async def _unless_stopped(self, call: Coroutine[Any, Any, T], *, makes: bool = False) -> T:
        """What a call gives, which is given up when the user ends the run: one that makes a batch at the second word.

        Raises:
            StoppedError: It was.
        """
        task = asyncio.create_task(call)
        self._stop.calls[task] = {task} if makes else set()
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            if self._stop.asked:
                raise StoppedError from None
            raise
        finally:
            self._stop.calls.pop(task, None)

    async def poll_pause(self) -> None:
        """Waits until the batches are to be looked at again."""
        await self.pause(self._interval)
        self._interval = min(self._interval * _GROWTH, LONGEST_POLL_S)

    async def submit(self, outgoing: Outgoing) -> tuple[BatchEntry, BatchState]:
        """Makes a batch, once, whatever happens in between: the intent is on disk before it goes out."""
        try:
            part = outgoing.part(self.file.run)
            entry = self.file.intend(part.tag, outgoing.keys, self.batches.now())
            state = await self._made(part, entry)
        finally:
            outgoing.close()
        self._is_ours(entry, state)
        self._interval = FIRST_POLL_S
        return entry, state

    async def _made(self, part: BatchPart, entry: BatchEntry) -> BatchState:
        tries = 0
        while True:
            try:
                return await self._unless_stopped(self.batches.create(part), makes=True)
            except (ConfigError, FatalProviderError) as error:
                if not error.answered:  # it was refused: nothing of it is with the provider
                    self.file.took(part.tag)
                raise
            except TransientError as error:
                tries += 1
                lost = None if isinstance(error, RateLimitedError) else await self._found(entry)
                if lost is not None:
                    return lost
                await self._wait_after(error, tries)

    async def _found(self, entry: BatchEntry) -> BatchState | None:
        """The batch that was made for an entry, by its tag, or by its moment and size; None where there is none."""
        found = await self.patiently(lambda: self.batches.find(entry.tag, entry.at, entry.requests))
        free = [state for state in found if state.id not in self.shared.ids]
        return min(free, key=lambda state: abs((state.created or 0.0) - entry.at), default=None)

    async def recover(self, entry: BatchEntry) -> BatchState | None:
        """Finds a batch of which nothing says that it was made; where it was not, the entry is taken off."""
        state = await self._found(entry)
        if state is None:
            self.file.took(entry.tag)
        else:
            self._is_ours(entry, state)
        return state

    def _is_ours(self, entry: BatchEntry, state: BatchState) -> None:
        self.shared.ids.add(state.id)
        self.file.made(entry.tag, state.id)

    async def check(self, entry: BatchEntry) -> BatchState:
        """How a batch stands, noted."""
        assert entry.id is not None
        batch = entry.id
        state = await self.patiently(lambda: self.batches.check(batch))
        self.file.seen(entry.tag, state.state, state.done, state.failed)
        return state
