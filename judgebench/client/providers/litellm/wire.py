"""What LiteLLM's calls get on the wire: it hands on a part of that, in words of its own."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache, partial
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from judgebench.client.providers import wire
from judgebench.client.providers.wire import WireCall, choices_of, is_elsewhere, is_unread, note_body, words_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping


@dataclass(slots=True)
class LiteLLMCall(WireCall):
    """One call's last exchange with a server, by LiteLLM.

    Attributes:
        owner: Whose connections it goes by.
        wanted: Fields that LiteLLM cannot do without in a completion, and what they are where none came.
        strangers: Servers that no call may go to, as `HOST:PORT`, and the variable that names each.
        trusted: The judge's `ssl_verify`: whether certificates are checked, or the file of those that are trusted.
        led_by: Of these the variable that LiteLLM took the address from; nothing was sent.
    """

    owner: str = ""
    wanted: Mapping[str, Any] = field(default_factory=dict)
    strangers: Mapping[str, str] = field(default_factory=dict)
    trusted: bool | str | None = None
    led_by: str | None = None


WIRE: ContextVar[LiteLLMCall | None] = ContextVar("judgebench_wire", default=None)
"""The call that is being made; None for calls that are not ours."""

_AS_GET = frozenset({301, 302, 303})
"""Redirects that httpx follows by GET, without the body."""
_ANSWERED: WeakSet[Any] = WeakSet()
"""LiteLLM's transports whose connections have had a response."""

INSTEAD: ContextVar[Callable[[Any], Awaitable[Any]] | None] = ContextVar("judgebench_instead", default=None)
"""What answers a request of the call in the place of its server, where nothing is to be sent."""


def watch_wire() -> None:
    """Has LiteLLM's transport note the exchanges of calls of ours; those of others are left as they are."""
    try:
        from litellm.llms.custom_httpx.aiohttp_transport import LiteLLMAiohttpTransport

        exchange = LiteLLMAiohttpTransport.handle_async_request
    except (ImportError, AttributeError):  # a LiteLLM with another transport: its own words have to do
        return

    async def handle_async_request(transport: Any, request: Any) -> Any:
        call = WIRE.get()
        if call is None:
            return await exchange(transport, request)
        if call.trusted is not None:  # LiteLLM does not tell OpenAI's SDK of it
            transport._ssl_verify = _checked(call.trusted)  # noqa: SLF001 - the client is ours, no call shares it
        instead = INSTEAD.get()
        response = await _noted(
            call, request, lambda: (instead or partial(exchange, transport))(request), used=transport in _ANSWERED
        )
        _ANSWERED.add(transport)
        return response

    LiteLLMAiohttpTransport.handle_async_request = handle_async_request


@lru_cache(maxsize=8)
def _checked(setting: bool | str) -> Any:
    """What aiohttp takes for how certificates are checked."""
    import ssl

    return ssl.create_default_context(cafile=setting) if isinstance(setting, str) else setting


async def _noted(call: LiteLLMCall, request: Any, exchange: Callable[[], Awaitable[Any]], *, used: bool) -> Any:
    """The server's response, its body read as far as is allowed and made what LiteLLM can read.

    Args:
        call: Takes what came.
        request: Of httpx.
        exchange: Makes it.
        used: Whether the connections had a response before.
    """
    import aiohttp
    import httpx

    call.connected, call.status, call.body, call.broke, sent = False, None, None, "", monotonic()
    with suppress(httpx.RequestNotRead):
        call.asked = request.content
    if request.url.userinfo:  # aiohttp refuses a user beside a key
        user = base64.b64encode(f"{request.url.username}:{request.url.password}".encode()).decode()
        request.headers["authorization"] = f"Basic {user}"
        request.url = request.url.copy_with(userinfo=b"")
    if call.strangers:
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        call.led_by = call.strangers.get(f"{request.url.host}:{port}")
        if call.led_by is not None:
            raise httpx.ConnectError(f"not sent to the address in {call.led_by}", request=request)
    try:
        response = await exchange()
    except httpx.RequestError as error:
        cause = error.__cause__ or error
        call.broke = "" if isinstance(error, httpx.TimeoutException) else words_of(cause)
        unmade = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        unmade = unmade or isinstance(cause, aiohttp.ClientConnectorError)
        call.connected = not unmade and not (used and is_unread(cause, monotonic() - sent))
        raise
    call.connected, call.status = True, response.status_code
    call.headers = {name.lower(): value for name, value in reversed(response.headers.multi_items())}  # the first counts
    if response.has_redirect_location:
        there = request.url.join(call.headers["location"])
        if is_elsewhere(str(request.url), str(there)):
            call.moved_to = str(there.copy_with(query=None, userinfo=b""))
            await response.aclose()
            raise httpx.ReadError("redirected to another host", request=request)
    data = await _read(call, response)
    headers = [(k, v) for k, v in response.headers.items() if k not in {"content-encoding", "content-length"}]
    return httpx.Response(
        308 if response.status_code in _AS_GET else response.status_code,
        headers=headers,
        stream=httpx.ByteStream(_as_litellm_reads_it(call, data)),
        request=request,
    )


async def _read(call: LiteLLMCall, response: Any) -> bytes:
    import httpx

    parts, size = [], 0
    try:
        async for part in response.aiter_bytes():
            parts.append(part)
            size += len(part)
            if size > wire.MOST_BYTES:
                call.too_long = True
                raise httpx.ReadError(f"the reply is longer than {wire.MOST_BYTES >> 20} MB")
    except httpx.RequestError as error:
        call.broke = call.broke or words_of(error.__cause__ or error)
        raise
    finally:
        await response.aclose()
    return b"".join(parts)


def _as_litellm_reads_it(call: LiteLLMCall, data: bytes) -> bytes:
    """The body, in a form that LiteLLM reads where a chat completion has another."""
    mended = note_body(call, data)
    if isinstance(call.body, dict) and isinstance(call.body.get("choices"), list):
        missing = {name: value for name, value in call.wanted.items() if name not in call.body}
        call.body |= missing
        mended = any([mended, missing, _mend_counts(call.body.get("usage")), *map(_mend, choices_of(call.body))])
    return json.dumps(call.body).encode() if mended else data


def _mend(choice: dict[str, Any]) -> bool:
    """Takes out of a choice what LiteLLM breaks on beside a good answer; whether there was any."""
    message, end = choice["message"], choice.get("finish_reason")
    calls = not isinstance(message.get("tool_calls"), list | None)
    if calls:
        del message["tool_calls"]
    if not isinstance(end, str | None):
        choice["finish_reason"] = json.dumps(end)
    return calls or not isinstance(end, str | None)


def _mend_counts(usage: Any) -> bool:
    """Takes out of a usage what stands where a count does and is none; whether there was any."""
    if not isinstance(usage, dict):
        return False
    wrong = [name for name, value in usage.items() if str(name).endswith("tokens") and not _is_count(value)]
    for name in wrong:
        del usage[name]
    return any([wrong, *(_mend_counts(inner) for inner in usage.values())])


def _is_count(value: Any) -> bool:
    if isinstance(value, str):
        return value.isdecimal()
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None or (is_number and value % 1 == 0)  # of what is not finite it is NaN
