"""A server that answers with bytes as they are, on the loopback interface: what no HTTP library would write."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping, Sequence

CLOSED = b""
"""In the place of a response: the connection is closed."""


def response(
    body: bytes | str | Any = b"", status: int = 200, headers: Mapping[str, str] | None = None, *, proto: str = "1.1"
) -> bytes:
    """A response with the length of its body, which is written as JSON where it is neither text nor bytes."""
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    given = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
    lines = [f"HTTP/{proto} {status} X", *(f"{name}: {value}" for name, value in given.items() if value)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@dataclass(frozen=True)
class Met:
    """A request: its method, its path and its head."""

    method: str
    path: str
    head: str


class RawServer:
    """Answers the requests whose path begins with `/CASE/` with the responses of that case, the last one ever after.

    Args:
        cases: By their names. `CLOSED` closes the connection without a response.
        tls: What it speaks TLS by.
    """

    def __init__(self, cases: Mapping[str, Sequence[bytes]], tls: ssl.SSLContext | None = None) -> None:
        self.cases, self.met, self._tls = cases, list[Met](), tls
        self._counts: Counter[str] = Counter()
        self._loop: asyncio.AbstractEventLoop
        self._end: asyncio.Event

    def start_anew(self) -> None:
        """Each case begins at its first response again."""
        self._counts.clear()
        self.met.clear()

    def count(self, case: str) -> int:
        """How many requests of a case there were."""
        return self._counts[case]

    def __enter__(self) -> Self:
        ready: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        self.port = ready.result()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    async def _serve(self, ready: Future[int]) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls)
        ready.set_result(server.sockets[0].getsockname()[1])
        await self._end.wait()
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, path, *_ = head.split(" ")
                length = next((line[15:] for line in head.lower().split("\r\n") if line.startswith("content-len")), "0")
                await reader.readexactly(int(length))
                case = path.lstrip("/").partition("/")[0]
                self.met.append(Met(method, path, head))
                responses = self.cases.get(case, (CLOSED,))
                said = responses[min(self._counts[case], len(responses) - 1)]
                self._counts[case] += 1
                writer.write(said)
                await writer.drain()
                if said == CLOSED or b"HTTP/1.0" in said:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()
