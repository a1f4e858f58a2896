"""The seam at which a provider's batch interface plugs in: create, check, results; and cancel, and find one again."""

from __future__ import annotations

import gzip
import json
import tempfile
import time
import zlib
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar, NamedTuple

from judgebench._util.files import writing
from judgebench.client.providers.wire import MOST_BYTES
from judgebench.errors import FatalProviderError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from judgebench.client.providers.base import Request
    from judgebench.judges import Judge
    from judgebench.verdicts import Reply

NOT_DONE = 0
"""The status of a line that the provider has not carried out."""


class LostBatchError(FatalProviderError):
    """What became of a batch cannot be had: it is not there, is refused, or its results cannot be read."""


class Written(NamedTuple):
    """A request as a live call would send it.

    Attributes:
        url: Where to.
        headers: Its key is in them.
        body: JSON.
    """

    url: str
    headers: dict[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Written({self.url!r})"


@dataclass(frozen=True, slots=True)
class BatchState:
    """How a batch stands.

    Attributes:
        id: The provider's name for it.
        state: The provider's word.
        ended: Whether nothing more comes.
        requests: How many it has; 0 where that is not said yet.
        done: How many have a reply.
        failed: How many have ended without one.
        cancelled: Whether somebody ended it.
        problem: Why the provider took none of it; empty where it did.
        sources: Where its results are.
        created: When it was, in seconds since 1970; None where that is not said.
    """

    id: str
    state: str
    ended: bool
    requests: int = 0
    done: int = 0
    failed: int = 0
    cancelled: bool = False
    problem: str = ""
    sources: tuple[str, ...] = ()
    created: float | None = None


@dataclass(frozen=True, slots=True)
class BatchLine:
    """What came of one request of a batch.

    Attributes:
        key: The request's.
        status: Of the response; `NOT_DONE` where the provider has not carried it out.
        body: Of the response.
        why: Where it was not carried out: the provider's reason.
    """

    key: str
    status: int
    body: bytes = field(default=b"", repr=False)
    why: str = ""


@dataclass(frozen=True, slots=True)
class BatchPart:
    """Requests that go out as one batch.

    Attributes:
        tag: By which the batch is found again.
        payload: What is sent, from its beginning.
        size: Its bytes.
        requests: How many there are.
        headers: Those of its requests.
    """

    tag: str
    payload: BinaryIO
    size: int
    requests: int
    headers: dict[str, str] = field(repr=False)


class Batches(ABC):
    """The batch interface of one judge's provider.

    Whoever uses it waits and tries again; each method makes as few requests as it can, and its errors are those of
    `Provider.complete`.

    Args:
        judge: Whose calls.

    Attributes:
        most_requests: In one batch.
        most_bytes: Of one batch's requests.
        opening: What its payload begins with.
        between: What stands between two requests.
        closing: What its payload ends with.
    """

    most_requests: ClassVar[int]
    most_bytes: ClassVar[int]
    opening: ClassVar[bytes] = b""
    between: ClassVar[bytes] = b"\n"
    closing: ClassVar[bytes] = b"\n"

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self._ahead = 0.0

    def now(self) -> float:
        """Seconds since 1970 by the provider's clock, as far as it has told it; else by this machine's."""
        return time.time() - self._ahead

    def _note_clock(self, headers: Mapping[str, str]) -> None:
        """Notes how far this machine's clock is ahead of the provider's, by the `Date` of a response."""
        with suppress(KeyError, TypeError, ValueError):
            self._ahead = time.time() - parsedate_to_datetime(headers["Date"]).timestamp()

    @abstractmethod
    async def written(self, request: Request) -> Written:
        """A request as a live call would send it; nothing is sent."""

    @abstractmethod
    async def read(self, request: Request, status: int, body: bytes) -> Reply:
        """What a live call would make of this response."""

    @abstractmethod
    def line(self, key: str, written: Written) -> bytes:
        """A request as it stands in the payload, under its key, of 64 hexadecimal digits."""

    @abstractmethod
    async def ready(self) -> None:
        """Finds out, by a request that changes nothing, whether batches can be made.

        Raises:
            ConfigError: The server has no batch interface.
        """

    @abstractmethod
    async def create(self, part: BatchPart) -> BatchState:
        """Makes a batch.

        Raises:
            UnreachedError, TransientError: It may have been made nevertheless; `find` tells.
        """

    @abstractmethod
    async def find(self, tag: str, since: float, requests: int) -> list[BatchState]:
        """The batches that may be the one that was made under this tag, if any.

        Args:
            tag: See `BatchPart`.
            since: The moment before it was made, in seconds since 1970.
            requests: How many it has.
        """

    @abstractmethod
    async def check(self, batch: str) -> BatchState:
        """How a batch stands."""

    @abstractmethod
    async def results(self, batch: BatchState) -> Iterator[BatchLine]:
        """What came of the requests of a batch that has ended, in any order; what cannot be read is left out."""

    @abstractmethod
    async def cancel(self, batch: str) -> BatchState:
        """Ends a batch; what it has done by then is there a little later."""

    async def aclose(self) -> None:
        """Closes what was opened."""
        return


def moment_of(said: object) -> float | None:
    """A moment as providers write it, in seconds since 1970; None where it is none.

    Example:
        >>> moment_of(5), moment_of("1970-01-01T00:00:05Z"), moment_of(None)
        (5.0, 5.0, None)
    """
    if isinstance(said, int | float):
        return float(said)
    try:
        return datetime.fromisoformat(str(said)).timestamp()
    except ValueError:
        return None


def put_aside(file: BinaryIO, data: bytes, *, last: bool = False) -> None:
    """Writes into a temporary file; with the last part all of it is there for who reads it.

    Raises:
        StorageError: The temporary folder has no room for it.
    """
    with writing(Path(tempfile.gettempdir()), "set TMPDIR to a folder with more space"):
        file.write(data)
        if last:
            file.flush()


def objects(file: BinaryIO) -> Iterator[dict[str, object]]:
    """The objects of JSON lines that have a `custom_id`; a torn line, or one of another kind, is left out.

    Args:
        file: The lines, or a gzip file of them, from its beginning; it is closed after the last.
    """
    with file:
        is_packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        lines = gzip.GzipFile(fileobj=file) if is_packed else file
        while raw := _line(lines):
            try:
                found = json.loads(raw)
            except (ValueError, RecursionError):
                continue
            if isinstance(found, dict) and isinstance(found.get("custom_id"), str):
                yield found


def _line(lines: BinaryIO | gzip.GzipFile) -> bytes:
    """The next line; none where half of a packed file ends."""
    try:
        return lines.readline(MOST_BYTES)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return b""
