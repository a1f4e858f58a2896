"""A chat server of the OpenAI protocol that costs little CPU: `python benchmarks/scaleserver.py --latency 0.02`.

It reads no more of a request than its length, and always gives the same reply. It prints its base URL and ends when its
standard input does. `GET /v1/stats` has the requests so far and the CPU that they took. With `--batches` it is the
tests' server of files and batches.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path

CREATED = int(time.time())
REPLY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": CREATED,
    "model": "local",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Both are fine, the first is clearer. [[A]]"},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 500, "completion_tokens": 12, "total_tokens": 512},
}
MODELS = {"object": "list", "data": [{"id": "local", "object": "model", "created": CREATED, "owned_by": "me"}]}


def packed(body: object) -> bytes:
    """A whole response."""
    text = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text)


class Chat(asyncio.Protocol):
    """One connection, one request at a time."""

    count = 0
    reply = packed(REPLY)

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._loop = asyncio.get_running_loop()
        self._got = bytearray()
        self._wanted = -1
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while self._wanted >= 0 or self._head():
            if len(self._got) < self._wanted:
                return
            path = bytes(self._got[: self._got.find(b"\r\n")])
            del self._got[: self._wanted]
            self._wanted = -1
            self._answer(path)

    def _head(self) -> bool:
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._got[:end]).lower()
        at = head.find(b"\r\ncontent-length:")
        length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        self._wanted = end + 4 + length
        if b"\r\nexpect: 100" in head:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _answer(self, line: bytes) -> None:
        if line.startswith(b"POST"):
            Chat.count += 1
            self._loop.call_later(self._latency, self._write, self.reply)
        elif b"/stats" in line:
            used = os.times()
            self._write(packed({"count": Chat.count, "cpu_s": used.user + used.system}))
        else:
            self._write(packed(MODELS))

    def _write(self, response: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(response)


async def main(latency: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Chat(latency), "127.0.0.1", 0, backlog=4096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await asyncio.to_thread(sys.stdin.read)


def batches() -> None:
    """Files and batches, with the same replies."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
    from batchserver import BatchServer

    with BatchServer("Both are fine, the first is clearer. [[A]]") as server:
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.02)
    parser.add_argument("--batches", action="store_true")
    arguments = parser.parse_args()
    if arguments.batches:
        batches()
    else:
        asyncio.run(main(arguments.latency))
