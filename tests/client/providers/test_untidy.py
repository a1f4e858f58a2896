"""Servers that are untidy, over real sockets: the same comes of them by LiteLLM and by plain HTTP."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import zlib
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from asking import request
from rawserver import CLOSED, RawServer, response
from speaking import openai

from judgebench.client.cache.store import ReplyCache
from judgebench.client.calls import JudgeClient
from judgebench.client.servers import server_of
from judgebench.errors import JudgebenchError
from judgebench.judges import Judge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from judgebench.verdicts import Reply

WAYS = [("hosted_vllm/m", "litellm"), ("openai/m", "litellm"), ("hosted_vllm/m", "direct")]
GOOD = json.dumps(openai("[[A]]")).encode()


def completion(**message: Any) -> dict[str, Any]:
    return openai("", message=message)


def chunked(data: bytes) -> bytes:
    parts = [data[at : at + 50] for at in range(0, len(data), 50)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


def coded(body: bytes, encoding: str) -> bytes:
    return response(body, headers={"Content-Encoding": encoding})


READ = {
    "chunked": response(chunked(GOOD), headers={"Transfer-Encoding": "chunked", "Content-Length": ""}),
    "gzip": coded(gzip.compress(GOOD), "gzip"),
    "deflate": coded(zlib.compress(GOOD), "deflate"),
    "identity": coded(GOOD, "identity"),
    "wrong-type": response(GOOD, headers={"Content-Type": "text/html; charset=nonsense"}),
    "no-type": response(GOOD, headers={"Content-Type": ""}),
    "byte-order-mark": response(b"\xef\xbb\xbf" + GOOD),
    "latin-1": response(GOOD.replace(b'"id"', '"ü": 1, "id"'.encode("latin-1"))),
    "line-break-in-a-text": response(GOOD.replace(b'"id"', b'"note": "a\nb", "id"')),
    "white-space-first": response(b"\r\n  \n" + GOOD),
    "key-twice": response(GOOD.replace(b'"content"', b'"content": "[[B]]", "content"')),
    "http-1.0": response(GOOD, proto="1.0", headers={"Content-Length": ""}),
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" + response(GOOD),
    "created": response(GOOD, 201),
    "tool-calls-as-text": response(completion(content="[[A]]", tool_calls="none")),
    "usage-of-no-numbers": response(openai("[[A]]", usage={"prompt_tokens": float("nan"), "completion_tokens": "x"})),
    "usage-in-parts": response(openai("[[A]]", usage={"prompt_tokens": 10.5, "completion_tokens": True})),
}
PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1><p>nginx</p></body></html>"
WRONG = "the provider's reply is not a chat completion"
AT = "judge 'mine' (MODEL): "
TOLD: dict[str, tuple[bytes, int, str]] = {
    "gateway": (response(PAGE, 502), 6, "failed after 6 attempts: HTML page: 502 Bad Gateway, nginx"),
    "gateway-in-json": (
        response({"error": {"message": PAGE}}, 503),
        6,
        "failed after 6 attempts: HTML page: 502 Bad Gateway, nginx",
    ),
    "login": (response("<!doctype html><title>Sign in</title>"), 3, "failed after 3 attempts: HTML page: Sign in"),
    "search-page": (
        response("<html><meta name='engine'><title>Not here</title></html>", 404),
        1,
        f"{AT}no chat completions at URL (status 404): HTML page: Not here; check api_base and the model's name",
    ),
    "silent-500": (response(b"", 500), 6, "failed after 6 attempts: status 500 with an empty body"),
    "silent-400": (response(b"", 400), 1, "status 400: empty body"),
    "silent-401": (
        response(b"", 401),
        1,
        f"{AT}the key is refused (status 401): empty body; check the key in UNTIDY_KEY",
    ),
    "silent-200": (response(b""), 3, "failed after 3 attempts: empty body"),
    "fields": (
        response({"detail": [{"loc": ["body", "messages"], "msg": "field required"}]}, 422),
        1,
        "status 422: body.messages field required",
    ),
    "text": (response("OK"), 3, "failed after 3 attempts: the provider's reply is not JSON: OK"),
    "queued": (
        response({"status": "queued"}, 202),
        3,
        f'failed after 3 attempts: {WRONG}: {{"status": "queued"}}',
    ),
    "list": (response([]), 3, f"failed after 3 attempts: {WRONG}: []"),
    "null-choice": (
        response({"choices": [None]}),
        3,
        f'failed after 3 attempts: {WRONG}: {{"choices": [null]}}',
    ),
    "number": (
        response({"choices": [{"message": {"content": 5}}]}),
        3,
        f'failed after 3 attempts: {WRONG}: {{"choices": [{{"message": {{"content": 5}}}}]}}',
    ),
    "no-gzip": (coded(GOOD, "gzip"), 3, "failed after 3 attempts: the reply cannot be decompressed"),
    "no-http": (b"hello\r\n\r\n", 6, "failed after 6 attempts: not a valid HTTP response: Bad status line"),
    "controls": (response({"error": {"message": "a\x1b[2Jb\u202ec"}}, 400), 1, "status 400: a\\x1b[2Jb\\u202ec"),
    "circle": (
        response(b"", 307, {"Location": "/circle/v1/chat/completions"}),
        0,
        f"{AT}the server sends only redirects (status 307); check api_base",
    ),
    "nowhere": (
        response(b"", 304, {"Content-Length": ""}),
        1,
        f"{AT}the server sends an answer that is no reply (status 304); check api_base",
    ),
    "later": (
        response(b"{}", 429, {"Retry-After": "7200"}),
        1,
        "failed after 1 attempt: rate limit: {} (the provider asks to wait 2 h 0 min)",
    ),
}
OTHERS = {
    "idle": (response(GOOD), CLOSED, response(GOOD)),
    "waits": (response(b"{}", 429, {"Retry-After": "3\r\nRetry-After: 9"}), response(GOOD)),
    "user": (response(GOOD),),
    **{f"moved-{status}": (response(b"", status, {"Location": "/user/v1"}),) for status in (301, 302, 303, 307, 308)},
}


@pytest.fixture(scope="module")
def server() -> Iterator[RawServer]:
    with RawServer({name: (each,) for name, each in READ.items()} | {n: (t[0],) for n, t in TOLD.items()} | OTHERS) as (
        running
    ):
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ReplyCache]:
    with ReplyCache(tmp_path / "cache") as opened:
        yield opened


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNTIDY_KEY", "key-of-mine-0123456789")


def judge(way: tuple[str, str], address: str, **settings: Any) -> Judge:
    model, transport = way
    base = {"name": "mine", "model": model, "transport": transport, "api_base": address, "api_key_env": "UNTIDY_KEY"}
    return Judge.model_validate(base | {"timeout": 5.0, "price": {"input": 1, "output": 1}, **settings})


async def asked(judge: Judge, cache: ReplyCache, *texts: str, waits: list[float] | None = None) -> list[Any]:
    """What came of a judge's calls, one after another: replies and errors."""

    async def sleep(seconds: float) -> None:
        if waits is not None:
            waits.append(seconds)

    ended: list[Reply | JudgebenchError] = []
    async with aclosing(JudgeClient(judge, cache, refresh=True, sleep=sleep)) as client:
        for text in texts:
            try:
                ended.append((await client.ask(request(client, text))).reply)
            except JudgebenchError as error:
                ended.append(error)
    return ended


def of_cases(server: RawServer, cache: ReplyCache, way: tuple[str, str], cases: Sequence[str]) -> dict[str, Any]:
    """What came of a call of each case, each with a client of its own."""

    async def every() -> list[list[Any]]:
        urls = [f"http://127.0.0.1:{server.port}/{case}/v1" for case in cases]
        return await asyncio.gather(
            *(asked(judge(way, url), cache, case) for url, case in zip(urls, cases, strict=True))
        )

    server.start_anew()
    return {case: ended for case, (ended,) in zip(cases, asyncio.run(every()), strict=True)}


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_an_untidy_reply_is_read(server: RawServer, cache: ReplyCache, way: tuple[str, str]) -> None:
    """With one request, whatever its encoding, its head and the fields beside its text are."""
    found = of_cases(server, cache, way, list(READ))
    texts = {case: (getattr(ended, "text", ended), server.count(case)) for case, ended in found.items()}
    assert texts == dict.fromkeys(READ, ("[[A]]", 1))


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_what_is_no_reply_is_told_in_one_line(server: RawServer, cache: ReplyCache, way: tuple[str, str]) -> None:
    """In the same words and after as many requests by every way: of a page what it shows, of JSON its beginning."""
    found = of_cases(server, cache, way, list(TOLD))
    url = f"http://127.0.0.1:{server.port}/"
    words = {case: str(error).replace(way[0], "MODEL").removeprefix("provider: ") for case, error in found.items()}
    words = {case: line.replace(f"{url}{case}/v1", "URL") for case, line in words.items()}
    assert words == {case: line for case, (_, _, line) in TOLD.items()}
    counts = {case: server.count(case) for case, (_, count, _) in TOLD.items() if count}
    assert counts == {case: count for case, (_, count, _) in TOLD.items() if count}


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_a_connection_that_was_closed_while_idle_costs_nothing(
    server: RawServer, cache: ReplyCache, way: tuple[str, str]
) -> None:
    """The request that met it is sent again, and nobody had read it."""
    server.start_anew()
    ended = asyncio.run(asked(judge(way, f"http://127.0.0.1:{server.port}/idle/v1"), cache, "one", "two"))
    assert [each.may_have_cost_usd for each in ended] == [0.0, 0.0]
    assert server.count("idle") == 3


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_of_two_waits_the_first_counts(server: RawServer, cache: ReplyCache, way: tuple[str, str]) -> None:
    """A proxy adds its own header to the server's."""
    server.start_anew()
    waits: list[float] = []
    asyncio.run(asked(judge(way, f"http://127.0.0.1:{server.port}/waits/v1"), cache, "one", waits=waits))
    assert waits == [3.0]


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_a_redirect_keeps_the_request(server: RawServer, cache: ReplyCache, way: tuple[str, str]) -> None:
    """It stays a POST at every status, with its key."""
    found = of_cases(server, cache, way, [case for case in OTHERS if case.startswith("moved")])
    assert [getattr(each, "text", each) for each in found.values()] == ["[[A]]"] * 5
    assert {(each.method, "key-of-mine" in each.head) for each in server.met} == {("POST", True)}


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_a_user_in_the_address_goes_out_instead_of_the_key(
    server: RawServer, cache: ReplyCache, way: tuple[str, str]
) -> None:
    """`me:p@ss` in Base64, once."""
    server.start_anew()
    url = f"http://me:p%40ss@127.0.0.1:{server.port}/user/v1"
    (ended,) = asyncio.run(asked(judge(way, url), cache, "one"))
    assert getattr(ended, "text", ended) == "[[A]]"
    sent = [line.partition(": ") for line in server.met[0].head.split("\r\n")]
    assert [value for name, _, value in sent if name.lower() == "authorization"] == ["Basic bWU6cEBzcw=="]


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_a_proxy_gets_no_key(
    server: RawServer, cache: ReplyCache, way: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked to connect to a server of HTTPS, and no more is said to it."""
    server.start_anew()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    asyncio.run(asked(judge(way, "https://judges.example/v1"), cache, "one"))
    assert {each.method for each in server.met} == {"CONNECT"}
    assert not any("key-of-mine" in each.head for each in server.met)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a certificate of 127.0.0.1 that signs itself, and its key."""
    import datetime as dt
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    secret, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder(name, name, secret.public_key(), 1, now, now + dt.timedelta(hours=1))
    hosts = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    whole = made.add_extension(hosts, critical=True).sign(secret, hashes.SHA256())
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(
        secret.private_bytes(serialization.Encoding.PEM, *form) + whole.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture(scope="module")
def secure(certificate: Path) -> Iterator[RawServer]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with RawServer({"tls": (response(GOOD),)}, context) as running:
        yield running


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_a_certificate_is_trusted_where_it_is_named(
    secure: RawServer, cache: ReplyCache, certificate: Path, way: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `ssl_verify` or by SSL_CERT_FILE, or where nothing is checked; else the judge stops at once, and says how."""
    url = f"https://127.0.0.1:{secure.port}/tls/v1"

    async def each() -> list[Any]:
        ended = await asked(judge(way, url), cache, "none")
        for setting in (str(certificate), False):
            ended += await asked(judge(way, url, extra={"ssl_verify": setting}), cache, str(setting))
        assert server_of(judge(way, url, extra={"ssl_verify": str(certificate)})).chat("one", seconds=5).choices == 1
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        return [*ended, *await asked(judge(way, url), cache, "variable")]

    error, *replies = asyncio.run(each())
    assert "the server's certificate is not trusted (self-signed certificate" in str(error)
    assert [getattr(reply, "text", reply) for reply in replies] == ["[[A]]"] * 3
