"""The connections of calls by plain HTTP: one is used again after a reply, and closed where the reply did not come."""

import asyncio
from contextlib import asynccontextmanager, suppress

from judgebench.client.providers.direct.settings import DirectSettings
from judgebench.client.providers.direct.transport import Session
from judgebench.client.providers.wire import WireCall

REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
HALF = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{}"


class Counting(asyncio.Protocol):
    """Answers each request with the same bytes.

    Attributes:
        opened: How many connections there were.
        open: How many there are.
    """

    opened = open = 0

    def __init__(self, answer):
        self.answer = answer

    def connection_made(self, transport):
        Counting.opened += 1
        Counting.open += 1
        self.transport = transport

    def data_received(self, data):
        if data.endswith(b"{}"):
            self.transport.write(self.answer)

    def connection_lost(self, exc):
        Counting.open -= 1


@asynccontextmanager
async def session(answer):
    """A session, and a server that answers so."""
    Counting.opened = Counting.open = 0
    server = await asyncio.get_running_loop().create_server(lambda: Counting(answer), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/chat/completions"
    made = Session(DirectSettings(url, {}, {}, None, True, []), 5)
    async with server:
        try:
            yield made
        finally:
            await made.aclose()


def test_a_connection_is_used_again():
    """Calls one after another go over one; a handshake each would take longer than the call."""

    async def calls():
        async with session(REPLY) as made:
            for _ in range(3):
                await made.post(b"{}", WireCall())
            return Counting.opened

    assert asyncio.run(calls()) == 1


def test_a_connection_whose_reply_is_given_up_is_closed():
    """What is left of it is read into no other call's reply."""

    async def given_up():
        async with session(HALF) as made:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await made.post(b"{}", WireCall())
            for _ in range(50):
                if not Counting.open:
                    break
                await asyncio.sleep(0.01)
            return Counting.open

    assert asyncio.run(given_up()) == 0
