"""A provider's batch interface without sockets: what it keeps outlives whoever asks, as a real one's batches do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from judgebench.client import Batches, BatchLine, BatchState, LostBatchError, Provider
from judgebench.client.batches.base import NOT_DONE, Written
from judgebench.errors import FatalProviderError, RateLimitedError, TransientError, VerdictFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from judgebench.client import BatchPart, Request
    from judgebench.verdicts import Reply

ERRORS = {
    400: VerdictFailure("provider", "status 400: bad request"),
    401: FatalProviderError("the key is refused"),
    413: VerdictFailure("context", "too long"),
    429: RateLimitedError("slow down"),
    500: TransientError("boom"),
}
for error in ERRORS.values():
    error.charged = False


@dataclass
class Kept:
    """A batch as the provider keeps it."""

    number: int
    tag: str
    keys: list[str]
    size: int
    checks: int = 0
    state: str = "in_progress"
    lines: list[BatchLine] = field(default_factory=list)


@dataclass
class BatchDesk:
    """The provider's side.

    Args:
        most_requests: In a batch.
        most_bytes: Of a batch.
        checks: So often a batch is looked at until it has ended.
        ends: The state in which a batch ends; `failed: WHY` refuses it as a whole.
        lines: What comes of the lines of a batch, each of which has a good reply unless this says otherwise.
        at: Called at each step (`ready`, `create`, `created`, `check`, `results`, `find`, `cancel`); what it raises is.
        tags: Whether batches are found by their tags; else by their number of requests.
    """

    most_requests: int = 1000
    most_bytes: int = 10**7
    checks: int = 2
    ends: Callable[[Kept], str] = lambda _: "completed"
    lines: Callable[[Kept, list[BatchLine]], list[BatchLine]] = lambda _, lines: lines
    at: Callable[[str], None] = lambda _: None
    tags: bool = True
    batches: dict[str, Kept] = field(default_factory=dict)

    @property
    def submitted(self) -> list[str]:
        """The keys of all requests of all batches that were not refused."""
        return [key for kept in self.batches.values() if not kept.state.startswith("failed") for key in kept.keys]


class ScriptedBatches(Batches):
    """The user's side of a desk."""

    def __init__(self, provider: Provider, desk: BatchDesk) -> None:
        super().__init__(provider.judge)
        self._provider, self._desk = provider, desk
        self.most_requests, self.most_bytes = desk.most_requests, desk.most_bytes  # type: ignore[misc]

    async def written(self, request: Request) -> Written:
        return Written("", {}, json.dumps([*request.messages]).encode())

    async def read(self, request: Request, status: int, body: bytes) -> Reply:
        if status != 200:
            raise ERRORS[status]
        return await self._provider.complete(request)  # type: ignore[return-value]

    def line(self, key: str, written: Written) -> bytes:
        return f'{{"custom_id": "{key}", "messages": '.encode() + written.body + b"}"

    async def ready(self) -> None:
        self._desk.at("ready")

    async def create(self, part: BatchPart) -> BatchState:
        self._desk.at("create")
        part.payload.seek(0)
        data = part.payload.read()
        assert len(data) == part.size <= self.most_bytes
        keys = [json.loads(line)["custom_id"] for line in data.splitlines()]
        assert len(keys) == part.requests <= self.most_requests
        number = len(self._desk.batches) + 1
        kept = self._desk.batches[f"b{number}"] = Kept(number, part.tag, keys, part.size)
        self._desk.at("created")
        return self._said(kept)

    async def find(self, tag: str, since: float, requests: int) -> list[BatchState]:
        self._desk.at("find")
        every = self._desk.batches.values()
        return [
            self._said(each) for each in every if (each.tag == tag if self._desk.tags else len(each.keys) == requests)
        ]

    async def check(self, batch: str) -> BatchState:
        self._desk.at("check")
        kept = self._desk.batches.get(batch)
        if kept is None:
            raise LostBatchError(f"batch {batch} is not there")
        kept.checks += 1
        if kept.state == "in_progress" and kept.checks >= self._desk.checks:
            self._end(kept, self._desk.ends(kept))
        return self._said(kept)

    def _end(self, kept: Kept, state: str) -> None:
        kept.state = state
        many = {"completed": len(kept.keys), "failed": 0}.get(state.partition(":")[0], len(kept.keys) // 2)
        good = [BatchLine(key, 200) for key in kept.keys[:many]]
        kept.lines = self._desk.lines(kept, good + [BatchLine(key, NOT_DONE, why=state) for key in kept.keys[many:]])

    async def results(self, batch: BatchState) -> Iterator[BatchLine]:
        lines = self._desk.batches[batch.id].lines

        def read() -> Iterator[BatchLine]:
            for line in lines:
                self._desk.at("results")
                yield line

        return read()

    async def cancel(self, batch: str) -> BatchState:
        self._desk.at("cancel")
        kept = self._desk.batches[batch]
        if kept.state == "in_progress":
            self._end(kept, "cancelled")
        return self._said(kept)

    def _said(self, kept: Kept) -> BatchState:
        state, _, problem = kept.state.partition(": ")
        ended = state != "in_progress"
        done = sum(line.status == 200 for line in kept.lines)
        return BatchState(
            id=f"b{kept.number}",
            state=state,
            ended=ended,
            requests=len(kept.keys),
            done=done if ended else 0,
            failed=len(kept.keys) - done if ended else 0,
            cancelled=state == "cancelled",
            problem=problem,
            sources=("results",) if kept.lines else (),
            created=None,
        )
