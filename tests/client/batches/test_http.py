"""Requests about batches: what of a judge's preset goes out with each, and what becomes of files that break off."""

from __future__ import annotations

import asyncio
import json
import ssl
import tempfile
from contextlib import aclosing

import certifi
import pytest
from batchserver import BatchServer

from judgebench.client import BatchClient, ReplyCache
from judgebench.client.batches.base import BatchPart, LostBatchError, Written
from judgebench.client.batches.openai import _state
from judgebench.client.providers import provider_of
from judgebench.client.providers.base import Request
from judgebench.engine.batchservice import Service, StoppedError
from judgebench.engine.progress import Stop
from judgebench.errors import ConfigError, FatalProviderError, UnreachedError
from judgebench.judges.judge import Judge
from judgebench.runs import BatchFile

REQUEST = Request("a" * 64, [{"role": "user", "content": "Which?"}])


@pytest.fixture
def server(monkeypatch):
    for name in ("OPENAI", "AZURE", "ANTHROPIC"):
        monkeypatch.setenv(f"{name}_API_KEY", "sk-loopback")
    with BatchServer("[[A]]") as running:
        yield running


def judge_at(server, provider, **extra):
    kinds = {
        "openai": {"model": "openai/m", "api_base": server.url},
        "direct": {"model": "openai/m", "api_base": f"{server.url}?team=a", "transport": "direct"},
        "azure": {"model": "azure/m", "api_base": server.url.removesuffix("/v1"), "api_version": "2024-10-21"},
        "azure of no date": {"model": "azure/m", "api_base": server.url.removesuffix("/v1"), "api_version": "preview"},
        "anthropic": {"model": "anthropic/m", "api_base": server.url.removesuffix("/v1")},
    }
    settings = {
        "name": "mine",
        "timeout": 5,
        "extra_headers": {"X-Team": "os.environ/TEAM"},
        **kinds[provider],
        **extra,
    }
    own = {name: settings.pop(name) for name in list(settings) if name not in Judge.model_fields}
    return Judge.model_validate(settings | {"extra": own})


async def every_request(batches):
    """One of each kind."""
    await batches.ready()
    line = batches.line(REQUEST.key, written := await batches.written(REQUEST))
    with tempfile.TemporaryFile() as file:
        file.write(batches.opening + line + batches.closing)
        file.flush()
        part = BatchPart("tag", file, file.tell(), 1, written.headers)
        made = await batches.create(part)
    assert [each.id for each in await batches.find("tag", 0, 1)] == [made.id]
    ended = await batches.check(made.id)
    assert [each.key for each in await batches.results(ended)] == [REQUEST.key]
    await batches.cancel(made.id)


@pytest.mark.parametrize("provider", ["openai", "direct", "azure", "azure of no date", "anthropic"])
def test_every_request_goes_out_as_a_live_call(server, monkeypatch, provider):
    """Its key, headers, organization and address with the query of that, in each of the six kinds of requests."""
    monkeypatch.setenv("TEAM", "team-of-judges")
    judge = judge_at(server, provider, **({"organization": "org-1"} if provider in {"openai", "direct"} else {}))

    async def ask():
        async with aclosing(provider_of(judge)) as asked:
            batches = asked.batches()
            async with aclosing(batches):
                await every_request(batches)

    asyncio.run(ask())
    assert len(server.heads) == {"anthropic": 6}.get(provider, 7)
    for query, headers in server.heads:
        head = {name.lower(): value for name, value in headers.items()}
        assert head["x-team"] == "team-of-judges"
        key = head.get("api-key") or head.get("x-api-key") or head["authorization"].removeprefix("Bearer ")
        assert key == "sk-loopback"
        assert {"azure": "api-version=2024-10-21", "direct": "team=a"}.get(provider, "") in query
        assert provider not in {"openai", "direct"} or head["openai-organization"] == "org-1"


def batches_of(**settings):
    return provider_of(Judge.model_validate({"name": "mine", "model": "openai/m", "timeout": 5, **settings})).batches()


@pytest.mark.parametrize("transport", ["litellm", "direct"])
def test_certificates_are_checked_as_the_preset_says(monkeypatch, transport):
    """Not at all, by a file of one's own, or as usual."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-loopback")
    for setting, kinds in ((False, (bool,)), (certifi.where(), (ssl.SSLContext,)), (None, (ssl.SSLContext, bool))):
        extra = {} if setting is None else {"ssl_verify": setting}
        batches = batches_of(api_base="https://h/v1", transport=transport, extra=extra)
        trusted = batches._calls.trusted()
        assert isinstance(trusted, kinds)
        assert (trusted is False) == (setting is False)


@pytest.mark.parametrize(
    ("live", "files"),
    [
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1/files"),
        ("https://h/v1/responses", "https://h/v1/files"),
        ("https://h/openai/deployments/d/chat/completions?api-version=1", "https://h/openai/files?api-version=1"),
        ("https://h/openai/v1/chat/completions", "https://h/openai/v1/files"),
        ("http://h:8/gateway/chat/completions?team=a", "http://h:8/gateway/files?team=a"),
    ],
)
def test_files_and_batches_are_beside_the_live_calls(live, files):
    """On the same host, with the same query; Azure's beside its deployments."""
    assert batches_of()._address(live, "/files") == files
    assert batches_of()._address(live, "/batches?limit=1").endswith(("/batches?limit=1", "&limit=1"))


class At:
    """Live calls that would go to an address."""

    def __init__(self, url):
        self.url = url

    async def way(self):
        return Written(f"{self.url}/v1/chat/completions", {}, b"")

    def trusted(self):
        return True

    async def aclose(self):
        return


def answered(data, *requests):
    """What becomes of requests to a server that writes these bytes, or what they are for a request, and closes."""

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(data(head) if callable(data) else data)
        await writer.drain()
        writer.close()

    async def ask():
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as running:
            batches = batches_of()
            batches._calls = At(f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}")
            async with aclosing(batches):
                return await requests[0](batches)

    return asyncio.run(ask())


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def test_a_file_that_breaks_off_is_fetched_again():
    """As any request without an answer; one that came whole is read, however its bytes came."""

    async def download(batches):
        with await batches._downloaded("/files/f/content") as file:
            return file.read()

    with pytest.raises(UnreachedError):
        answered(HEAD + b"Content-Length: 100\r\n\r\nhalf", download)
    assert answered(HEAD + b"Content-Length: 4\r\n\r\nhalf", download) == b"half"
    assert answered(HEAD + b"Connection: close\r\n\r\n" + b"x" * 10**6, download) == b"x" * 10**6


def test_an_error_file_that_is_gone_costs_no_result():
    """What the file of results has is taken; without that one, the batch is lost, since it may have been paid for."""
    line = json.dumps({"custom_id": "k", "response": {"status_code": 200, "body": {}}}).encode()

    def files(head):
        there = b"/files/o/content" in head
        return (HEAD if there else b"HTTP/1.1 404 Not Found\r\n") + b"Connection: close\r\n\r\n" + line * there

    def keys(**named):
        async def take(batches):
            return [each.key for each in await batches.results(_state({"id": "b", "status": "completed", **named}))]

        return answered(files, take)

    assert keys(output_file_id="o", error_file_id="e") == ["k"]
    for gone in ({"output_file_id": "x", "error_file_id": "o"}, {"error_file_id": "e"}):
        with pytest.raises(LostBatchError, match="is not there for this key"):
            keys(**gone)


def test_a_page_in_the_place_of_batches_is_said_at_once():
    """Servers answer unknown paths with pages; nothing is uploaded there."""
    with pytest.raises(ConfigError, match=r"no batch interface.*no JSON object.*leave out --batch"):
        answered(HEAD + b"Content-Length: 6\r\n\r\n<html>", lambda batches: batches.ready())


def test_no_key_follows_to_another_host():
    """A server that moves its files elsewhere is named."""
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:9/f\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(FatalProviderError, match="redirects to another host"):
        answered(moved, lambda batches: batches.check("b"))


def test_a_slow_answer_is_given_up_at_ctrl_c(tmp_path):
    """One that makes a batch only at the second: it is waited for, so that the record has it."""

    async def press(presses, make):
        stop = Stop()
        with ReplyCache(tmp_path / "cache") as cache:
            service = Service(BatchClient(Judge(name="j", model="openai/m"), cache), BatchFile(tmp_path, "run"), stop)
            task = asyncio.create_task(service._unless_stopped(asyncio.Event().wait(), makes=make))
            await asyncio.sleep(0)
            for each in presses:
                getattr(stop, each)()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if not task.done():
                task.cancel()
                return False
            with pytest.raises(StoppedError):
                await task
        return True

    given_up = [(("ask",), False), (("ask", "now"), True)]
    assert all(asyncio.run(press(presses, make)) for presses, make in given_up)
    assert not asyncio.run(press(("ask",), True))
