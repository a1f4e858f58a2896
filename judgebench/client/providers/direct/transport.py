"""Plain HTTP: one request out, one response back, nothing followed to another host and nothing sent twice."""

from __future__ import annotations

import os
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from judgebench.client.providers import wire
from judgebench.client.providers.wire import WireCall, is_elsewhere, is_unread, note_body, words_of

if TYPE_CHECKING:
    import ssl

    import aiohttp

    from judgebench.client.providers.direct.settings import DirectSettings
    from judgebench.client.providers.remedies import Kind

_IDLE_S = 4.0
"""So long a connection is kept unused: servers commonly close theirs after 5 s, and a call sent just then is lost."""
MOVED = frozenset({301, 302, 303, 307, 308})
MOST_MOVES = 5


class NotReachedError(Exception):
    """The exchange failed; what came of it is in the `WireCall`.

    Attributes:
        kind: What is known of the failure.
    """

    def __init__(self, message: str, kind: Kind) -> None:
        super().__init__(message)
        self.kind: Kind = kind


class Session:
    """The connections of one judge's calls; they are opened with the first call.

    Args:
        settings: How it is reached.
        timeout: Seconds until a connection is given up; how long a reply may take is the client's limit.
    """

    def __init__(self, settings: DirectSettings, timeout: float) -> None:
        self._settings = settings
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None
        self._answered = False

    async def post(self, body: bytes, call: WireCall) -> None:
        """Sends a body once; what comes back is in the call.

        Args:
            body: JSON.
            call: Takes status, headers and body.

        Raises:
            NotReachedError: Nothing came, not all of it, too much, or another host was named.
        """
        import aiohttp

        call.asked, call.connected, sent = body, False, monotonic()
        try:
            await self._exchange(body, call)
        except aiohttp.ConnectionTimeoutError as error:
            raise NotReachedError(str(error), "timeout") from None
        except (aiohttp.ServerTimeoutError, TimeoutError) as error:
            call.connected = True
            raise NotReachedError(str(error), "timeout") from None
        except (aiohttp.ClientConnectorError, aiohttp.ClientProxyConnectionError, aiohttp.InvalidURL) as error:
            call.broke = words_of(error)
            raise NotReachedError(call.broke, "connection") from None
        except (aiohttp.ClientError, OSError) as error:
            call.broke = words_of(error)
            call.connected = not (self._answered and call.status is None and is_unread(error, monotonic() - sent))
            raise NotReachedError(call.broke, "connection") from None

    async def _exchange(self, body: bytes, call: WireCall) -> None:
        session, url = self._opened(), self._settings.url
        for _ in range(MOST_MOVES):
            response = await session.post(
                url, data=body, headers=self._settings.headers, allow_redirects=False, proxy=self._settings.proxy
            )
            call.connected, call.status, self._answered = True, response.status, True
            call.headers = response.headers
            if response.status not in MOVED or "location" not in call.headers:
                note_body(call, await _whole(call, response))
                return
            response.release()
            there = moved_to(url, call.headers["location"])
            if there is None or is_elsewhere(url, there):
                call.moved_to = there or call.headers["location"]
                raise NotReachedError("redirected to another host", "connection")
            url = there
        raise NotReachedError(f"redirected more than {MOST_MOVES} times", "connection")

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            import aiohttp

            # The headers go out with each call: those of a session aiohttp sends to a proxy too, with the key.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0, keepalive_timeout=_IDLE_S, ssl=certificates(self._settings.ssl)
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._timeout),  # of the rest the client's
            )
        return self._session

    async def aclose(self) -> None:
        """Closes them."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def moved_to(url: str, location: str) -> str | None:
    """The address that a redirect names; None where it is none."""
    try:
        there = urljoin(url, location)
        return there if urlsplit(there).hostname and urlsplit(there).port != 0 else None
    except ValueError:
        return None


async def _whole(call: WireCall, response: aiohttp.ClientResponse) -> bytes:
    """The body, with whose end aiohttp has its connection back; where it does not come whole, that is closed."""
    try:
        return await _read(call, response)
    except BaseException:
        response.close()
        raise


async def _read(call: WireCall, response: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    while part := await response.content.readany():
        parts.append(part)
        size += len(part)
        if size > wire.MOST_BYTES:
            call.too_long = True
            raise NotReachedError(f"the reply is longer than {wire.MOST_BYTES >> 20} MB", "connection")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def certificates(setting: bool | str) -> bool | ssl.SSLContext:
    """What aiohttp takes for how certificates are checked; it reads SSL_CERT_FILE only when it is imported."""
    trusted = os.environ.get("SSL_CERT_FILE") or True if setting is True else setting
    return trusted if isinstance(trusted, bool) else _trusting(trusted)


@lru_cache(maxsize=8)
def _trusting(file: str) -> ssl.SSLContext:
    import ssl

    return ssl.create_default_context(cafile=file)
