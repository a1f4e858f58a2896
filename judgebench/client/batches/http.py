"""What the batches of all providers share: a line is what a live call sends, and is read as one; errors by remedy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from judgebench._util.redaction import without_secrets
from judgebench.client.batches.base import Batches, LostBatchError
from judgebench.client.providers.bodies import clean
from judgebench.client.providers.remedies import by_remedy
from judgebench.client.providers.wire import WireCall
from judgebench.errors import ConfigError, UnreachedError, VerdictFailure
from judgebench.judges import secret_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgebench.client.batches.base import Written
    from judgebench.client.providers.base import Request
    from judgebench.errors import JudgebenchError
    from judgebench.judges import Judge
    from judgebench.verdicts import Reply


class LiveCalls(Protocol):
    """The live calls of a judge, that are not made."""

    async def written(self, request: Request) -> Written:
        """A request as it would be sent."""

    async def read(self, request: Request, status: int, body: bytes) -> Reply:
        """What would be made of this response."""

    async def aclose(self) -> None:
        """Closes what was opened."""


class HTTPBatches(Batches):
    """Batches whose requests are those of live calls.

    Args:
        judge: Whose calls.
        calls: The live ones.
    """

    def __init__(self, judge: Judge, calls: LiveCalls) -> None:
        super().__init__(judge)
        self._calls = calls

    async def written(self, request: Request) -> Written:
        """See `Batches`."""
        return await self._calls.written(request)

    async def read(self, request: Request, status: int, body: bytes) -> Reply:
        """See `Batches`."""
        return await self._calls.read(request, status, body)

    def remedy(self, status: int | None, headers: Mapping[str, str], data: bytes, error: Exception) -> JudgebenchError:
        """Our error for a request about batches that failed.

        Args:
            status: Of the response; None where there was none.
            headers: Of the response.
            data: Its body.
            error: What was raised.
        """
        where = f"judge '{self.judge.name}' ({self.judge.model})"
        secrets = secret_values(self.judge)
        if status is None:
            return UnreachedError(clean(f"{type(error).__name__}: {error}", secrets))
        try:
            body: Any = json.loads(data)
        except (ValueError, RecursionError):
            body = data.decode("utf-8", "replace")
        if status in {404, 405, 501}:
            at = "" if self.judge.api_base is None else f" at {without_secrets(self.judge.api_base)}"
            return NotThereError(f"{where}: no batch interface{at} (status {status}); leave out --batch")
        wire = WireCall(status=status, headers={name.lower(): value for name, value in headers.items()}, body=body)
        remedy = by_remedy(error, self.judge, secrets, wire)
        if isinstance(remedy, VerdictFailure):
            return LostBatchError(f"{where}: the provider refuses the batch: {remedy.detail}")
        return remedy

    def gone(self, batch: str) -> LostBatchError:
        """Our error for a batch that the provider does not know."""
        return LostBatchError(
            f"judge '{self.judge.name}' ({self.judge.model}): batch {batch} is not there for this key; use the key and "
            "address that it was made with, or move the run's batches.jsonl away to ask again"
        )

    def unread(self, error: Exception) -> UnreadError:
        """Our error for an answer of another form, although the server has carried the request out."""
        said = clean(str(error), secret_values(self.judge))
        unread = UnreadError(
            f"judge '{self.judge.name}' ({self.judge.model}): its answer about batches cannot be read: {said}; "
            "rerun the command to resume, or leave out --batch"
        )
        unread.answered = True
        return unread

    async def aclose(self) -> None:
        """See `Batches`."""
        await self._calls.aclose()


class NotThereError(ConfigError):
    """The server answers that there is no such thing."""


class UnreadError(LostBatchError):
    """The server has answered in a form that is none of its protocol's."""
