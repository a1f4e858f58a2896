"""What the batches of all providers share: a line is what a live call sends, and is read as one; errors by remedy."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from judgebench._util.redaction import without_secrets
from judgebench.client.batches.base import Batches, LostBatchError, put_aside
from judgebench.client.providers.bodies import clean
from judgebench.client.providers.direct.transport import MOST_MOVES, MOVED, moved_to
from judgebench.client.providers.proxies import proxy_to
from judgebench.client.providers.remedies import by_remedy
from judgebench.client.providers.wire import WireCall, is_elsewhere
from judgebench.errors import BrokenReplyError, ConfigError, UnreachedError, VerdictFailure
from judgebench.judges import secret_values

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Mapping
    from typing import BinaryIO

    import aiohttp

    from judgebench.client.batches.base import Written
    from judgebench.client.providers.base import Request
    from judgebench.errors import JudgebenchError
    from judgebench.judges import Judge
    from judgebench.verdicts import Reply

_IDLE_S = 120.0
"""So long nothing may come at least, whatever a judge's timeout is: a file of 200 MB is no reply."""
_LONGEST_S = 4 * 3600.0
"""For one file, however slowly it comes."""
_PART = 2**18
_OWN = frozenset({"content-length", "content-type", "host", "accept-encoding", "connection", "transfer-encoding"})


class LiveCalls(Protocol):
    """The live calls of a judge, that are not made."""

    async def written(self, request: Request) -> Written:
        """A request as it would be sent."""

    async def way(self) -> Written:
        """The address and the head of a call now; keys may change, and the body is of no account."""

    def trusted(self) -> bool | ssl.SSLContext:
        """Whose certificates are taken; False for any."""

    async def read(self, request: Request, status: int, body: bytes) -> Reply:
        """What would be made of this response."""

    async def aclose(self) -> None:
        """Closes what was opened."""


class Sent(NamedTuple):
    """What a request about batches holds.

    Attributes:
        data: Makes its body, anew for each time that it is sent.
        headers: Beside a live call's.
        is_json: Whether the body is JSON.
    """

    data: Callable[[], Any] | None = None
    headers: Mapping[str, str] = {}
    is_json: bool = False

    @classmethod
    def of_json(cls, said: object) -> Sent:
        """A body of JSON."""
        return cls(lambda: json.dumps(said).encode(), is_json=True)


class HTTPBatches(Batches):
    """Batches whose requests are those of live calls, by HTTP: the address, the key and the head are a live call's.

    Args:
        judge: Whose calls.
        calls: The live ones.
    """

    def __init__(self, judge: Judge, calls: LiveCalls) -> None:
        super().__init__(judge)
        self._calls = calls
        self._session: aiohttp.ClientSession | None = None

    async def written(self, request: Request) -> Written:
        """See `Batches`."""
        return await self._calls.written(request)

    async def read(self, request: Request, status: int, body: bytes) -> Reply:
        """See `Batches`."""
        return await self._calls.read(request, status, body)

    def _address(self, live: str, path: str) -> str:
        """Where a request about batches goes.

        Args:
            live: Where a live call goes.
            path: Below the place of the files and batches, with its query.
        """
        raise NotImplementedError

    async def _said(self, method: str, path: str, sent: Sent | None = None) -> dict[str, Any]:
        """One request; the object that it is answered with."""
        async with self._answered(method, path, sent or Sent()) as response:
            data = await response.read()
            status, headers = response.status, dict(response.headers)
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise BrokenReplyError("the server's answer about batches is no JSON object")
        if found.get("error") and "id" not in found:  # gateways send errors as the body of a 200
            raise self.remedy(status, headers, data, RuntimeError("an error"))
        return found

    async def _look(self, path: str) -> None:
        """A request that changes nothing, to find out whether there are batches."""
        try:
            await self._said("GET", path)
        except BrokenReplyError as error:
            at = "" if self.judge.api_base is None else f" at {without_secrets(self.judge.api_base)}"
            where = f"judge '{self.judge.name}' ({self.judge.model})"
            raise NotThereError(f"{where}: no batch interface{at} ({error}); leave out --batch") from None

    async def _downloaded(self, path: str) -> BinaryIO:
        """A file, kept on the disk while it is read."""
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by who reads it
        try:
            async with self._answered("GET", path, Sent(headers={"accept": "*/*"})) as response:
                async for part in response.content.iter_chunked(_PART):
                    put_aside(file, part)
            put_aside(file, b"", last=True)
            file.seek(0)
        except BaseException:
            with suppress(OSError):  # of a full disk
                file.close()
            raise
        return file

    @asynccontextmanager
    async def _answered(self, method: str, path: str, sent: Sent) -> AsyncIterator[aiohttp.ClientResponse]:
        """The response to one request, where it is a good one; moves on the same host are followed."""
        import aiohttp

        live = await self._calls.way()
        url = self._address(live.url, path)
        headers = {name.lower(): value for name, value in [*live.headers.items(), *sent.headers.items()]}
        headers = {name: value for name, value in headers.items() if name not in _OWN}
        if sent.is_json:
            headers["content-type"] = "application/json"
        try:
            for _ in range(MOST_MOVES):
                data = None if sent.data is None else sent.data()
                async with self._opened().request(
                    method, url, data=data, headers=headers, allow_redirects=False,
                    proxy=proxy_to(url),
                ) as response:  # fmt: skip
                    self._note_clock(response.headers)
                    if response.status in MOVED and "location" in response.headers:
                        url = self._next(url, response.headers["location"])
                        continue
                    if not 200 <= response.status < 300:
                        said = await response.read()
                        error = RuntimeError(f"status {response.status}")
                        raise self.remedy(response.status, dict(response.headers), said, error)
                    yield response
                    return
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self.remedy(None, {}, b"", error) from None
        raise self._moved(url)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            import aiohttp

            idle = max(self.judge.timeout, _IDLE_S)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, ssl=self._calls.trusted()),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=_LONGEST_S, sock_connect=self.judge.timeout, sock_read=idle),
            )
        return self._session

    def _next(self, url: str, location: str) -> str:
        there = moved_to(url, location)
        if there is None or is_elsewhere(url, there):
            raise self._moved(there or location)
        return there

    def _moved(self, there: str) -> JudgebenchError:
        wire = WireCall(moved_to=there)
        return by_remedy(RuntimeError("redirected"), self.judge, secret_values(self.judge), wire)

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

    async def aclose(self) -> None:
        """See `Batches`."""
        if self._session is not None:
            await self._session.close()
        await self._calls.aclose()


class NotThereError(ConfigError):
    """The server answers that there is no such thing."""


def copied(file: BinaryIO) -> BinaryIO:
    """The same file from its beginning, for aiohttp, which closes what it has sent."""
    copy = os.fdopen(os.dup(file.fileno()), "rb")
    copy.seek(0)
    return copy
