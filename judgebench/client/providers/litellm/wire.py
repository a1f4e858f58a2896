"""What a call got on the wire: LiteLLM hands on a part of it, in words of its own."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

MOST_BYTES = 64 * 2**20
"""A body of more, once decompressed, is no reply: it is not read on."""


@dataclass(slots=True)
class WireCall:
    """One call's last exchange with a server.

    Attributes:
        owner: Whose connections it goes by.
        connected: Whether a request got as far as a server.
        status: Of the response; None where there was none.
        headers: Of the response, by their names in small letters.
        body: Of the response: as JSON, else as text; None where it did not come whole.
        moved_to: The address of another host that the server redirected to, which was not followed.
        asked: What was sent.
        wanted: Fields that LiteLLM cannot do without in a completion, and what they are where none came.
        most_bytes: Of the body; `MOST_BYTES` for one reply.
        too_long: Whether the body passed that.
        strangers: Servers that no call may go to, as `HOST:PORT`, and the variable that names each.
        led_by: Of these the variable that LiteLLM took the address from; nothing was sent.
    """

    owner: str = ""
    connected: bool = True
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    moved_to: str | None = None
    asked: bytes = b""
    wanted: Mapping[str, Any] = field(default_factory=dict)
    most_bytes: int = MOST_BYTES
    too_long: bool = False
    strangers: Mapping[str, str] = field(default_factory=dict)
    led_by: str | None = None


_STREAM = re.compile(r"(?:data|event|id|retry)?:")
_TEXT_NAMES = ("text", "value", "thinking", "reasoning", "parts")

WIRE: ContextVar[WireCall | None] = ContextVar("judgebench_wire", default=None)
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


async def _noted(call: WireCall, request: Any, exchange: Callable[[], Awaitable[Any]]) -> Any:
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
    if response.has_redirect_location and _is_elsewhere(request.url, request.url.join(call.headers["location"])):
        call.moved_to = str(request.url.join(call.headers["location"]).copy_with(query=None, userinfo=b""))
        await response.aclose()
        raise httpx.ReadError("redirected to another host", request=request)
    data = await _read(call, response)
    headers = [(k, v) for k, v in response.headers.items() if k not in {"content-encoding", "content-length"}]
    return httpx.Response(
        response.status_code, headers=headers, stream=httpx.ByteStream(_readable(call, data)), request=request
    )


def _is_elsewhere(asked: Any, there: Any) -> bool:
    """Whether a redirect leads to another server; from http to https of the same host it does not."""
    upgraded = (asked.scheme, there.scheme, asked.port, there.port) == ("http", "https", None, None)
    return asked.host != there.host or not (upgraded or (asked.scheme, asked.port) == (there.scheme, there.port))


async def _read(call: WireCall, response: Any) -> bytes:
    import httpx

    parts, size = [], 0
    try:
        async for part in response.aiter_bytes():
            parts.append(part)
            size += len(part)
            if size > call.most_bytes:
                call.too_long = True
                raise httpx.ReadError(f"the reply is longer than {call.most_bytes >> 20} MB")
    finally:
        await response.aclose()
    return b"".join(parts)


def _readable(call: WireCall, data: bytes) -> bytes:
    """Notes the body; where a chat completion has a form that LiteLLM does not read, gives it in one that it does."""
    try:
        call.body = json.loads(data)
    except (ValueError, RecursionError):
        call.body = data.decode("utf-8", "replace")
    streamed = call.body.lstrip("\ufeff \t\r\n") if isinstance(call.body, str) else ""
    if call.status == 200 and _STREAM.match(streamed):
        whole = _unstreamed(streamed)
        call.body = whole or call.body
        return data if whole is None else json.dumps(whole).encode()
    if not isinstance(call.body, dict) or not (choices := list(_choices(call.body))):
        return data
    mended = [each for choice in choices if (each := _mend(choice))]
    mended += [call.body.setdefault(name, value) for name, value in call.wanted.items() if name not in call.body]
    return json.dumps(call.body).encode() if mended else data


def _choices(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    choices = body.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and isinstance(choice.get("message"), dict):
            yield choice


def _mend(choice: dict[str, Any]) -> bool:
    """Makes a choice what LiteLLM reads, in place; whether anything was to do."""
    message, mended = choice["message"], False
    if isinstance(part := message.get("content"), dict) and any(_texts([part])):
        message["content"] = [part]
    if isinstance(parts := message.get("content"), list) and all(isinstance(part, dict | str) for part in parts):
        parts = [{"text": part} if isinstance(part, str) else part for part in parts]
        thinking = "".join(_texts(part for part in parts if part.get("type") in {"thinking", "reasoning"}))
        message["content"] = "".join(_texts(p for p in parts if p.get("type") in {None, "text", "output_text"}))
        if thinking and not message.get("reasoning_content"):
            message["reasoning_content"] = thinking
        mended = True
    if not message.get("reasoning_content") and (thinking := message.get("reasoning") or _details(message)):
        message["reasoning_content"] = thinking
        mended = True
    return _mend_logprobs(choice) or mended


def _details(message: Mapping[str, Any]) -> str:
    """The thinking that OpenRouter gives in parts."""
    details = message.get("reasoning_details")
    return "".join(_texts(each for each in details if isinstance(each, dict))) if isinstance(details, list) else ""


def _texts(parts: Iterable[Any]) -> Iterator[str]:
    """The texts of content parts; a thinking part of Mistral's holds text parts of its own, a text may be a `value`."""
    for part in parts:
        inner = next((part[name] for name in _TEXT_NAMES if part.get(name)), None)
        if isinstance(inner, str):
            yield inner
        elif isinstance(inner, list | dict):
            inner = [inner] if isinstance(inner, dict) else inner
            yield from _texts(each if isinstance(each, dict) else {"text": each} for each in inner)


def _mend_logprobs(choice: dict[str, Any]) -> bool:
    """Leaves out alternatives without a log-probability, and all where a token of the reply has none."""
    tokens = (choice.get("logprobs") or {}).get("content") if isinstance(choice.get("logprobs"), dict) else None
    if not isinstance(tokens, list) or not all(isinstance(token, dict) for token in tokens):
        return False
    if any(token.get("logprob") is None for token in tokens):
        choice["logprobs"] = None
        return True
    mended = False
    for token in tokens:
        beside = token.get("top_logprobs")
        there = [t for t in beside or () if isinstance(t, dict) and t.get("logprob") is not None]
        if not isinstance(beside, list) or len(there) < len(beside):
            token["top_logprobs"], mended = there, True
    return mended


def _unstreamed(text: str) -> dict[str, Any] | None:
    """The chat completion that came as a stream of events, though none was asked for; None where it is no such."""
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    whole: dict[str, Any] = {}
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": None}
    tokens: list[Any] = []
    for event in _events(text):
        if event.get("error"):
            return {"error": event["error"]}
        whole |= {name: value for name, value in event.items() if name != "choices" and value is not None}
        for part in event.get("choices") or ():
            if not isinstance(part, dict) or part.get("index", 0) != 0:
                continue
            _extend(message, part.get("delta") or part.get("message") or {})
            choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
            tokens += (part.get("logprobs") or {}).get("content") or ()
    if not whole:
        return None
    # A stream that ends with neither a reason nor its mark was broken off.
    if choice["finish_reason"] is None:
        choice["finish_reason"] = "stop" if "[DONE]" in text[-64:] else "network_error"
    if tokens:
        choice["logprobs"] = {"content": tokens}
        _mend_logprobs(choice)
    return {**whole, "object": "chat.completion", "choices": [choice]}


def _events(text: str) -> Iterator[dict[str, Any]]:
    """The objects of a stream of events; the data of one may stand on several lines."""
    for block in re.split(r"(?:\r\n|\r|\n){2,}", text):
        lines = re.split(r"\r\n|\r|\n", block)
        of_error = any(line.startswith("event:") and line[6:].strip() == "error" for line in lines)
        data = [line[5:] for line in lines if line.startswith("data:")]
        whole = _object("\n".join(data))
        for event in [whole] if whole is not None else map(_object, data):  # some leave out the line between events
            if event is not None:
                yield {"error": event} if of_error and "error" not in event else event


def _object(text: str) -> dict[str, Any] | None:
    """An object of JSON; None for `[DONE]`, and for the half that came."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _extend(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    parts = {"message": dict(delta)}
    _mend(parts)  # content may come in parts here too
    for name, said in parts["message"].items():
        if isinstance(said, str) and name != "role":
            message[name] = (message.get(name) or "") + said
