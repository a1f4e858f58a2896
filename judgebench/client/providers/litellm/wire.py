"""What LiteLLM's calls get on the wire: it hands on a part of that, in words of its own."""

from __future__ import annotations

import json
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from judgebench.client.providers import wire
from judgebench.client.providers.wire import WireCall, is_elsewhere, note_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping


@dataclass(slots=True)
class LiteLLMCall(WireCall):
    """One call's last exchange with a server, by LiteLLM.

    Attributes:
        owner: Whose connections it goes by.
        wanted: Fields that LiteLLM cannot do without in a completion, and what they are where none came.
        strangers: Servers that no call may go to, as `HOST:PORT`, and the variable that names each.
        led_by: Of these the variable that LiteLLM took the address from; nothing was sent.
    """

    owner: str = ""
    wanted: Mapping[str, Any] = field(default_factory=dict)
    strangers: Mapping[str, str] = field(default_factory=dict)
    led_by: str | None = None


WIRE: ContextVar[LiteLLMCall | None] = ContextVar("judgebench_wire", default=None)
"""The call that is being made; None for calls that are not ours."""

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
        instead = INSTEAD.get()
        return await _noted(call, request, lambda: (instead or partial(exchange, transport))(request))

    LiteLLMAiohttpTransport.handle_async_request = handle_async_request


async def _noted(call: LiteLLMCall, request: Any, exchange: Callable[[], Awaitable[Any]]) -> Any:
    """The server's response, its body read as far as is allowed and made what LiteLLM can read."""
    import httpx

    call.connected, call.status, call.body = False, None, None
    with suppress(httpx.RequestNotRead):
        call.asked = request.content
    if call.strangers:
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        call.led_by = call.strangers.get(f"{request.url.host}:{port}")
        if call.led_by is not None:
            raise httpx.ConnectError(f"not sent to the address in {call.led_by}", request=request)
    try:
        response = await exchange()
    except httpx.ConnectError:
        raise
    except httpx.RequestError:
        call.connected = True
        raise
    call.connected, call.status = True, response.status_code
    call.headers = {name.lower(): value for name, value in response.headers.items()}
    if response.has_redirect_location:
        there = request.url.join(call.headers["location"])
        if is_elsewhere(str(request.url), str(there)):
            call.moved_to = str(there.copy_with(query=None, userinfo=b""))
            await response.aclose()
            raise httpx.ReadError("redirected to another host", request=request)
    data = await _read(call, response)
    headers = [(k, v) for k, v in response.headers.items() if k not in {"content-encoding", "content-length"}]
    return httpx.Response(
        response.status_code,
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
    finally:
        await response.aclose()
    return b"".join(parts)


def _as_litellm_reads_it(call: LiteLLMCall, data: bytes) -> bytes:
    """The body, in a form that LiteLLM reads where a chat completion has another."""
    mended = note_body(call, data)
    if isinstance(call.body, dict) and isinstance(call.body.get("choices"), list):
        missing = {name: value for name, value in call.wanted.items() if name not in call.body}
        call.body |= missing
        mended = mended or bool(missing)
    return json.dumps(call.body).encode() if mended else data
