"""A server of the OpenAI protocol on the loopback interface: real sockets, answers and faults as a test wants them.

In a test::

    with LoopbackServer(answer="[[A]]", faults=lambda r: Fault.status(503) if r.number == 1 else None) as server:
        ...  # point a client at server.url
    assert server.count == 2

As a program (it prints its base URL and ends by itself)::

    python tests/loopback.py --latency 0.05 --answer '[[A]]' --lifetime 600

It shares its cores with the client that is measured, so a request costs little: nothing is checked beyond `json.loads`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from deciding import PATHS, decided
from faults import (
    Fault,
    Faults,
    Reply,
    Request,
    error_reply,
    fatal_faults,
    lasting_faults,
    mendable_faults,
    message_text,
    share_of_calls,
)

__all__ = [
    "Fault",
    "LoopbackServer",
    "Reply",
    "Request",
    "error_reply",
    "fatal_faults",
    "lasting_faults",
    "mendable_faults",
    "message_text",
    "share_of_calls",
]

MODELS_PATH = "/models"
CHAT_PATH = "/chat/completions"
STATS_PATH = "/stats"


Answer = str | Reply | Callable[[Request], Reply | str]


class LoopbackServer:
    """The server, in a thread of its own from `start` (or `with`) to `stop`.

    Args:
        answer: What it replies: a text, a `Reply`, or a callable that makes either from a `Request`. A callable that
            raises LookupError has no answer to the question: 400 with its words. Any other exception is 400 as well,
            and `stop` raises it, for it is the test's own mistake.
        latency: Seconds before each reply, or a callable that tells them from the `Request`.
        faults: A callable that says which fault a request meets, if any.
        keep_requests: Whether `requests` is filled; without, only counts are kept.
        models: What GET /v1/models lists.
        pages: What other paths answer, GET or POST: an object, a `Reply`, or a callable that makes either from the
            body. A path ends so; it counts as no request.
        port: 0 takes a free one.

    `answer`, `latency` and `faults` run in the server's thread, one call at a time.
    """

    def __init__(
        self,
        answer: Answer = "[[A]]",
        *,
        latency: float | Callable[[Request], float] = 0.0,
        faults: Faults | None = None,
        keep_requests: bool = True,
        models: Sequence[str] = ("loopback",),
        pages: Mapping[str, Any] | None = None,
        port: int = 0,
    ) -> None:
        self.answer = answer
        self.latency = latency
        self.faults = faults
        self.models = models
        self.pages = pages or {}
        self.port = port
        self.count = 0
        self.in_flight = 0
        self.max_in_flight = 0
        self.mistakes: list[Exception] = []
        self._keep_requests = keep_requests
        self._requests: list[Request] = []
        self._faults_met: Counter[str] = Counter()
        self._first_at: float | None = None  # time.time() of the first request
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stopping: asyncio.Event
        self._open: asyncio.Event
        self._created = int(time.time())

    @property
    def url(self) -> str:
        """The base URL, as a client's `api_base` wants it."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def requests(self) -> list[Request]:
        """The chat requests so far, in order of arrival."""
        return list(self._requests)

    @property
    def faults_met(self) -> Counter[str]:
        """How often each fault was met, by name; `.total()` is their number."""
        return self._faults_met.copy()

    def start(self) -> Self:
        """Listen; when this returns, the port is known and open."""
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), name="loopback", daemon=True)
        self._thread.start()
        ready.result()
        return self

    def stop(self) -> None:
        """Close every connection and end the thread; raise the first mistake that `answer` or `faults` made."""
        if self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = None
        if self.mistakes:
            raise self.mistakes[0]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def hold(self) -> None:
        """Let requests arrive but answer none until `release`."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def release(self) -> None:
        """Answer what is held, and everything after it."""
        self._loop.call_soon_threadsafe(self._open.set)

    def wait_in_flight(self, number: int, timeout: float = 30.0) -> None:
        """Block until `number` requests or more are in flight; in a coroutine, call it in `asyncio.to_thread`."""
        self._wait(lambda: self.in_flight >= number, f"{number} requests in flight", timeout)

    def wait_count(self, number: int, timeout: float = 30.0) -> None:
        """Block until `number` requests or more have arrived."""
        self._wait(lambda: self.count >= number, f"{number} requests", timeout)

    def _wait(self, reached: Callable[[], bool], what: str, timeout: float) -> None:
        end = time.monotonic() + timeout
        while not reached():
            if time.monotonic() > end:
                raise TimeoutError(f"no {what} in {timeout} s: {self.count} arrived, {self.in_flight} in flight")
            time.sleep(0.002)

    async def _serve(self, ready: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()
        server = web.Server(
            self._handle, request_factory=self._make_request, handler_cancellation=True, access_log=None
        )
        # A timeout of 0 would wait without end.
        runner = web.ServerRunner(server, shutdown_timeout=0.01)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self.port, backlog=4096).start()
            self.port = runner.addresses[0][1]
        except OSError as error:
            await runner.cleanup()
            ready.set_exception(error)
            return
        ready.set_result(None)
        await self._stopping.wait()
        await runner.cleanup()
        await asyncio.sleep(0)  # lets closed transports hand back their sockets

    def _make_request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        return web.BaseRequest(message, payload, protocol, writer, task, self._loop, client_max_size=2**30)

    async def _handle(self, http: web.BaseRequest) -> web.StreamResponse:
        path = http.path
        if (page := next((page for end, page in self.pages.items() if path.endswith(end)), None)) is not None:
            said = page(json.loads(await http.read() or b"{}")) if callable(page) else page
            return _response(said if isinstance(said, Reply) else Reply(body=said))
        if path.endswith((CHAT_PATH, *PATHS)) and http.method == "POST":
            self._first_at = self._first_at or time.time()
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            try:
                return await self._chat(http)
            finally:
                self.in_flight -= 1
        if path.endswith(MODELS_PATH):
            data = [{"id": m, "object": "model", "created": self._created, "owned_by": "tests"} for m in self.models]
            return _response(Reply(body={"object": "list", "data": data}))
        if path.endswith(STATS_PATH):
            stats = {
                "count": self.count,
                "in_flight": self.in_flight,
                "max_in_flight": self.max_in_flight,
                "faults_met": self._faults_met,
                "first_at": self._first_at,
            }
            return _response(Reply(body=stats))
        return _response(error_reply(404, f"Unknown request URL: {http.method} {path}.", code="unknown_url"))

    async def _chat(self, http: web.BaseRequest) -> web.StreamResponse:
        raw = await http.read()
        try:
            params = json.loads(raw)
        except ValueError:
            return _response(error_reply(400, "The body of the request is not JSON."))
        self.count += 1
        request = Request(self.count, time.monotonic(), params, http.headers)
        if self._keep_requests:
            self._requests.append(request)
        fault = None
        try:
            fault = self.faults(request) if self.faults else None
            made = fault.reply if fault and fault.reply else self.answer
            reply = made(request) if callable(made) else made
            latency = self.latency(request) if callable(self.latency) else self.latency
        except LookupError as error:
            reply, latency = error_reply(400, str(error)), 0.0
        except Exception as error:  # noqa: BLE001 - the test's own code: kept, and raised by stop()
            self.mistakes.append(error)
            reply, latency = error_reply(400, f"{type(error).__name__}: {error}"), 0.0
        if fault:
            self._faults_met[fault.name] += 1
        if latency:
            await asyncio.sleep(latency)
        if not self._open.is_set():
            await self._open.wait()
        if isinstance(reply, str):
            reply = Reply(reply)
        if reply.answers is not None:
            reply = replace(reply, body=decided(request, reply.answers, reply.usage, request.model))
        body = _body(reply) if reply.body is not None else self._completion(request, reply, len(raw))
        if fault and fault.way == "hang":
            await asyncio.sleep(fault.seconds)
        elif fault and fault.way == "drip":
            return await _drip(http, fault.seconds)
        elif fault and fault.way != "reply" and http.transport is not None:
            _break_off(http.transport, fault.way, body)
            # Nothing more is sent: aiohttp sees that the connection is gone.
            return web.Response()
        return _response(reply, body)

    def _completion(self, request: Request, reply: Reply, prompt_bytes: int) -> bytes:
        """A chat.completion; tokens are counted as four characters each."""
        message: dict[str, Any] = {"role": "assistant", "content": reply.content}
        if reply.refusal is not None:
            message["refusal"] = reply.refusal
        if reply.reasoning_content is not None:
            message["reasoning_content"] = reply.reasoning_content
        usage: dict[str, Any] = {
            "prompt_tokens": prompt_bytes // 4,
            "completion_tokens": (len(reply.content or "") + len(reply.reasoning_content or "")) // 4 + 1,
            **reply.usage,
        }
        usage.setdefault("total_tokens", usage["prompt_tokens"] + usage["completion_tokens"])
        return _ENVELOPE % (
            request.number,
            self._created,
            json.dumps(reply.served_model or request.model).encode(),
            json.dumps(message).encode(),
            json.dumps(_logprobs(request, reply)).encode(),
            json.dumps(reply.finish_reason).encode(),
            json.dumps(usage).encode(),
        )


_ENVELOPE = (
    b'{"id": "chatcmpl-%d", "object": "chat.completion", "created": %d, "model": %b, "choices": '
    b'[{"index": 0, "message": %b, "logprobs": %b, "finish_reason": %b}], "usage": %b}'
)


def _logprobs(request: Request, reply: Reply) -> dict[str, Any] | None:
    """The tokens as OpenAI words them, with as many others in each place as were asked for."""
    if reply.logprobs is None or not request.params.get("logprobs"):
        return None

    def worded(token: str, probability: float) -> dict[str, Any]:
        return {"token": token, "bytes": list(token.encode()), "logprob": math.log(probability)}

    content = []
    for token, known in reply.logprobs:
        top = sorted(known.items(), key=lambda each: -each[1])[: request.params.get("top_logprobs", 0)]
        content.append(worded(token, known.get(token, 1.0)) | {"top_logprobs": [worded(*each) for each in top]})
    return {"content": content}


def _body(reply: Reply) -> bytes:
    if isinstance(reply.body, bytes):
        return reply.body
    return (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()


def _response(reply: Reply, body: bytes | None = None) -> web.Response:
    headers = {"Content-Type": "application/json", **reply.headers}
    return web.Response(body=_body(reply) if body is None else body, status=reply.status, headers=headers)


async def _drip(http: web.BaseRequest, seconds: float) -> web.StreamResponse:
    """White space before the JSON, twenty bytes a second."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(http)
    for _ in range(int(seconds * 20)):
        await response.write(b" ")
        await asyncio.sleep(0.05)
    return response


def _break_off(transport: asyncio.Transport, way: str, body: bytes) -> None:
    if way == "reset":
        # Closing with a linger time of 0 sends RST, not FIN.
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        return
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    transport.write(head + body[: len(body) // 2])
    transport.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the lifetime is over or the process is interrupted."""
    parser = argparse.ArgumentParser(description="A server of the OpenAI protocol on 127.0.0.1, for tests.")
    parser.add_argument("--answer", default="[[A]]", help="the text of every reply")
    parser.add_argument("--llmbar", type=Path, metavar="DIR", help="reply with the recorded replies of LLMBar in DIR")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="wait before each reply")
    parser.add_argument("--faults", type=float, default=0.0, metavar="SHARE", help="share of calls that meet a fault")
    parser.add_argument("--seed", type=int, default=0, help="which calls meet which fault")
    parser.add_argument("--lifetime", type=float, default=600.0, metavar="SECONDS", help="when the server ends")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options = parser.parse_args(arguments)
    answer: Answer = options.answer
    if options.llmbar:
        from llmbar import LlmbarAnswers

        answer = LlmbarAnswers(options.llmbar)
    faults = share_of_calls(mendable_faults(), options.faults, options.seed) if options.faults else None
    server = LoopbackServer(
        answer, latency=options.latency, faults=faults, keep_requests=False, port=options.port
    ).start()
    sys.stdout.write(server.url + "\n")
    sys.stdout.flush()
    try:
        threading.Event().wait(options.lifetime)
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()


if __name__ == "__main__":
    main()
