"""What a call got on the wire, in a form that can be read."""

from __future__ import annotations

import errno
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from judgebench._util.jsonl import loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MOST_BYTES = 64 * 2**20
"""A body of more, once decompressed, is no reply: it is not read on."""


@dataclass(slots=True)
class WireCall:
    """One call's last exchange with a server.

    Attributes:
        connected: Whether a request got as far as a server.
        status: Of the response; None where there was none.
        headers: Of the response; a name in small letters finds its own.
        body: Of the response: as JSON, else as text; None where it did not come whole.
        moved_to: The address of another host that the server redirected to, which was not followed.
        asked: What was sent.
        too_long: Whether the body passed `MOST_BYTES`.
        broke: What broke the exchange, in words; empty where nothing did.
    """

    connected: bool = True
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    moved_to: str | None = None
    asked: bytes = b""
    too_long: bool = False
    broke: str = ""


_CLOSED = frozenset({errno.ECONNRESET, errno.EPIPE})
_PARSER = re.compile(r"^\d{3}, message:\s*| ssl:(?:default|True|False)(?= \[)")
"""What aiohttp puts into its words: no status of a server's, and how certificates are checked."""
_STREAM = re.compile(r"(?:data|event|id|retry)?:")
_TEXT_NAMES = ("text", "value", "thinking", "reasoning", "parts")


def note_body(call: WireCall, data: bytes) -> bool:
    """Notes the body; a chat completion in an unusual form is put into the usual one, and whether one was.

    Args:
        call: Takes it, as JSON where it is some, else as text.
        data: What came.

    Example:
        >>> call = WireCall(status=200)
        >>> note_body(call, b'{"choices": [{"message": {"content": [{"type": "text", "text": "A"}]}}]}')
        True
        >>> call.body["choices"][0]["message"]["content"]
        'A'
    """
    call.body, mended = _parsed(data)
    streamed = call.body.lstrip("\ufeff \t\r\n") if isinstance(call.body, str) else ""
    if call.status == 200 and _STREAM.match(streamed):
        whole = _unstreamed(streamed)
        call.body = whole or call.body
        return whole is not None
    if not isinstance(call.body, dict) or not (choices := list(choices_of(call.body))):
        return mended
    parts = [_mend(choice) for choice in choices]
    return any([mended, *parts])


def _parsed(data: bytes) -> tuple[Any, bool]:
    """A body as JSON, else as text; and whether it is JSON that strict readers refuse, as with line breaks in texts."""
    try:
        return loads(data), False
    except (ValueError, RecursionError):
        pass
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    try:
        body = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return text, False
    return (body, True) if isinstance(body, dict) else (text, False)


def choices_of(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The choices of a chat completion that have a message."""
    choices = body.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and isinstance(choice.get("message"), dict):
            yield choice


def _mend(choice: dict[str, Any]) -> bool:
    """Puts a choice into the usual form, in place; whether anything was to do."""
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


_QUICK_S = 1.0


def is_unread(error: BaseException | None, seconds: float) -> bool:
    """Whether a connection that was used before had been closed by the server when a request went out.

    Args:
        error: Aiohttp's.
        seconds: How long after the request it came; a server that reads the request and then dies takes longer.
    """
    import aiohttp

    closed = (aiohttp.ServerDisconnectedError, ConnectionResetError, BrokenPipeError)
    is_closed = isinstance(error, closed) or (isinstance(error, OSError) and error.errno in _CLOSED)
    return is_closed and seconds < _QUICK_S


def words_of(error: BaseException) -> str:
    """What broke an exchange, in aiohttp's words without the address and the bytes."""
    message = getattr(error, "message", None)
    if isinstance(message, str) and hasattr(error, "status"):
        return f"not a valid HTTP response: {message.partition(chr(10))[0].partition(': b')[0].rstrip(':')}"
    text = _PARSER.sub("", str(error)) or type(error).__name__
    if text.startswith(("Can not decode content-encoding", "Error -")):
        return "the reply cannot be decompressed"
    return "the connection closed within the reply" if text.startswith("Response payload is not completed") else text


def is_elsewhere(asked: str, there: str) -> bool:
    """Whether a redirect leads to another server; from http to https of the same host it does not.

    Example:
        >>> is_elsewhere("http://host/v1", "https://host/v1"), is_elsewhere("http://host/v1", "http://host:81/v1")
        (False, True)
    """
    before, after = urlsplit(asked), urlsplit(there)
    ports = [each.port or {"http": 80, "https": 443}.get(each.scheme) for each in (before, after)]
    upgraded = (before.scheme, after.scheme, *ports) == ("http", "https", 80, 443)
    return before.hostname != after.hostname or not (upgraded or (before.scheme, ports[0]) == (after.scheme, ports[1]))
