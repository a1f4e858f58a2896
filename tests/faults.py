"""What passes through the loopback server: requests, replies, and the faults that a test puts in a reply's place."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Literal

HANG_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived; `params` is the whole JSON body, `key` what stood after `Bearer`."""

    number: int  # 1 for the server's first
    at: float  # time.monotonic() on arrival
    params: dict[str, Any]
    headers: Mapping[str, str]  # any case of a name finds it

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.params.get("messages", [])

    @property
    def model(self) -> str:
        return self.params.get("model", "")

    @property
    def key(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    @property
    def text(self) -> str:
        """Text of the last user message, empty where there is none."""
        return next((message_text(m) for m in reversed(self.messages) if m.get("role") == "user"), "")

    @property
    def digest(self) -> bytes:
        """What makes two requests the same call: the model and the messages."""
        return hashlib.blake2b(repr((self.model, self.messages)).encode("utf-8", "backslashreplace")).digest()


def message_text(message: Mapping[str, Any]) -> str:
    """A message's text, whether its content is a string, a list of parts or null."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answers; with a `body` it is sent as it is, and only `status` and `headers` count beside it."""

    content: str | None = ""
    finish_reason: str = "stop"
    refusal: str | None = None
    reasoning_content: str | None = None
    served_model: str | None = None  # default: the model that was asked for
    logprobs: Sequence[tuple[str, Mapping[str, float]]] | None = (
        None  # tokens, each with the probabilities in its place
    )
    answers: Sequence[Mapping[str, float] | None] | None = None  # of a decision model, in the order of its questions
    usage: Mapping[str, Any] = field(default_factory=dict)  # put over the usual counts, details included
    status: int = 200
    body: bytes | str | dict[str, Any] | list[Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def error_reply(
    status: int,
    message: str,
    *,
    kind: str = "invalid_request_error",
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """An error with a body as OpenAI words it."""
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return Reply(status=status, body=body, headers=headers or {})


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong with one request; `name` is what `LoopbackServer.faults_met` counts it under."""

    name: str
    reply: Reply | Callable[[Request], Reply] | None = None  # none: the answer there would have been
    way: Literal["reply", "reset", "half", "hang", "drip"] = "reply"
    seconds: float = HANG_SECONDS

    @classmethod
    def status(
        cls,
        status: int,
        *,
        retry_after: float | str | None = None,
        retry_after_ms: float | str | None = None,
        message: str = "",
    ) -> Fault:
        """An error of this status; `retry_after` in seconds or as an HTTP date."""
        kind = "rate_limit_error" if status == 429 else "server_error" if status >= 500 else "invalid_request_error"
        waits = {"retry-after": retry_after, "retry-after-ms": retry_after_ms}
        headers = {name: str(value) for name, value in waits.items() if value is not None}
        name = "+".join([str(status), *headers])
        message = message or f"The server answers {status} on purpose."
        return cls(name, error_reply(status, message, kind=kind, headers=headers))

    @classmethod
    def until(cls, seconds: float = 0.0) -> Fault:
        """429 with an HTTP date, so many seconds after the request, as Retry-After."""

        def reply(request: Request) -> Reply:
            headers = {"retry-after": formatdate(time.time() + seconds, usegmt=True)}
            return error_reply(429, "Too many requests.", kind="rate_limit_error", headers=headers)

        return cls("429+date", reply)

    @classmethod
    def invalid_key(cls, *, whole: bool = False) -> Fault:
        """401; the error echoes the ends of the key, as OpenAI's does, or the whole of it."""

        def reply(request: Request) -> Reply:
            key = request.key if whole else f"{request.key[:8]}********{request.key[-4:]}"
            return error_reply(401, f"Incorrect API key provided: {key}.", code="invalid_api_key")

        return cls("invalid_key", reply)

    @classmethod
    def model_not_found(cls) -> Fault:
        """404; the error names the model."""

        def reply(request: Request) -> Reply:
            message = f"The model `{request.model}` does not exist or you do not have access to it."
            return error_reply(404, message, code="model_not_found")

        return cls("model_not_found", reply)

    @classmethod
    def insufficient_quota(cls) -> Fault:
        """429, but no waiting helps: the account has nothing left."""
        message = "You exceeded your current quota, please check your plan and billing details."
        return cls(
            "insufficient_quota", error_reply(429, message, kind="insufficient_quota", code="insufficient_quota")
        )

    @classmethod
    def context_length(cls) -> Fault:
        """400: the prompt is longer than the model takes."""
        message = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
        reply = error_reply(400, message, code="context_length_exceeded", param="messages")
        return cls("context_length", reply)

    @classmethod
    def content_policy(cls) -> Fault:
        """400: the prompt is refused by the provider's filter."""
        message = "Your request was rejected as a result of our safety system: content_policy_violation."
        return cls("content_policy", error_reply(400, message, code="content_policy_violation"))

    @classmethod
    def reset(cls) -> Fault:
        """The connection is reset before anything is answered."""
        return cls("reset", way="reset")

    @classmethod
    def half_body(cls) -> Fault:
        """The first half of the answer, under the whole answer's Content-Length; then the connection closes."""
        return cls("half_body", way="half")

    @classmethod
    def hang(cls, seconds: float = HANG_SECONDS) -> Fault:
        """The answer comes only after `seconds`; the wait ends when the client leaves or the server stops."""
        return cls("hang", way="hang", seconds=seconds)

    @classmethod
    def invalid_json(cls) -> Fault:
        """200 with a body that is not JSON."""
        return cls("invalid_json", Reply(body=b'{"id": "chatcmpl-1", "choices": [{"message": {"con'))

    @classmethod
    def html(cls) -> Fault:
        """200 with a page of some gateway."""
        body = b"<html><body><h1>Bad gateway</h1></body></html>"
        return cls("html", Reply(body=body, headers={"Content-Type": "text/html"}))

    @classmethod
    def wrong_shape(cls) -> Fault:
        """200 with JSON that is something else."""
        return cls("wrong_shape", Reply(body={"hello": 1}))

    @classmethod
    def shape(cls, name: str) -> Fault:
        """200 with one of `SHAPES`."""
        return cls(name, Reply(body=SHAPES[name]))

    @classmethod
    def no_choices(cls) -> Fault:
        """200 with an empty list of choices."""
        body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "loopback", "choices": []}
        return cls("no_choices", Reply(body=body))

    @classmethod
    def empty(cls) -> Fault:
        """200 with the empty string as content."""
        return cls("empty", Reply(content=""))

    @classmethod
    def none_content(cls) -> Fault:
        """200 with null as content."""
        return cls("none_content", Reply(content=None))

    @classmethod
    def truncated(cls, content: str = "The first answer is") -> Fault:
        """200, cut off: finish_reason `length`."""
        return cls("truncated", Reply(content=content, finish_reason="length"))

    @classmethod
    def broken_off(cls, reason: str = "error", **further: object) -> Fault:
        """200 with the beginning of an answer, in which a verdict stands, and `finish_reason` says that it broke."""
        message = {"role": "assistant", "content": "At first sight [[B]], but looking closer, A is"}
        choice = {"index": 0, "message": message, "finish_reason": reason, **further}
        return cls(f"broken_off_{reason}", Reply(body=_completion(message, choices=[choice])))

    @classmethod
    def filtered(cls) -> Fault:
        """200 with finish_reason `content_filter` and no text."""
        return cls("filtered", Reply(content="", finish_reason="content_filter"))

    @classmethod
    def refused(cls, refusal: str = "I can't help with that.") -> Fault:
        """200 with a refusal in place of content."""
        return cls("refused", Reply(content=None, refusal=refusal))

    @classmethod
    def refusal_text(cls, content: str = "I'm sorry, but I can't compare these.") -> Fault:
        """200 with a refusal in words, as an answer like any other."""
        return cls("refusal_text", Reply(content=content))


def _completion(message: object, **further: object) -> dict[str, Any]:
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, **further}


_MESSAGE = {"role": "assistant", "content": "[[A]]"}

SHAPES: dict[str, bytes | str | dict[str, Any] | list[Any]] = {
    "body_list": [1, 2],
    "body_string": '"hello"',
    "body_number": "5",
    "body_null": "null",
    "body_empty": b"",
    "choices_null": _completion(_MESSAGE, choices=None),
    "choices_string": _completion(_MESSAGE, choices="none"),
    "choices_number": _completion(_MESSAGE, choices=3),
    "choices_of_null": _completion(_MESSAGE, choices=[None]),
    "choices_of_strings": _completion(_MESSAGE, choices=["[[A]]"]),
    "message_missing": _completion(_MESSAGE, choices=[{"index": 0, "finish_reason": "stop"}]),
    "message_null": _completion(None),
    "message_string": _completion("[[A]]"),
    "message_list": _completion([_MESSAGE]),
    "content_missing": _completion({"role": "assistant"}),
    "content_list": _completion({"role": "assistant", "content": [1]}),
    "content_number": _completion({"role": "assistant", "content": 5}),
    "content_object": _completion({"role": "assistant", "content": {"said": "[[A]]"}}),
    "usage_string": _completion(_MESSAGE, usage="much"),
    "error_body": {"error": {"message": "The upstream has gone.", "code": 502}},
    "error_body_429": {"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}},
    "error_body_no_code": {"error": {"message": "Something went wrong."}},
    "error_body_string": {"error": "boom"},
}
"""JSON that is no chat completion, by the name of its fault; sent with status 200."""


def fatal_faults() -> list[Fault]:
    """Every fault that no call of the judge gets past until the user acts."""
    return [
        *(Fault.status(status) for status in (401, 402, 403, 404)),
        Fault.invalid_key(),
        Fault.model_not_found(),
        Fault.insufficient_quota(),
    ]


def lasting_faults() -> dict[str, list[Fault]]:
    """Every fault that asking again does not mend, by the kind of failure that it is of its own item."""
    return {
        "truncated": [Fault.truncated()],
        "refused": [Fault.refused(), Fault.refusal_text()],
        "filtered": [Fault.filtered(), Fault.content_policy()],
        "context": [Fault.context_length()],
    }


def mendable_faults(*, hang: float = HANG_SECONDS) -> list[Fault]:
    """Every fault that asking again mends."""
    return [
        Fault.status(429),
        Fault.status(429, retry_after=0),
        Fault.status(429, retry_after_ms=20),
        Fault.until(),
        *(Fault.status(status) for status in (500, 502, 503, 529)),
        Fault.reset(),
        Fault.half_body(),
        Fault.invalid_json(),
        Fault.html(),
        Fault.wrong_shape(),
        Fault.no_choices(),
        *map(Fault.shape, SHAPES),
        Fault.empty(),
        Fault.none_content(),
        *map(Fault.broken_off, ("error", "abort", "network_error", "timeout", "insufficient_system_resource")),
        Fault.broken_off("stop", error={"code": 502, "message": "Upstream provider disconnected"}),
        Fault.hang(hang),
    ]


Faults = Callable[[Request], Fault | None]


def share_of_calls(faults: Sequence[Fault], share: float, seed: int = 0) -> Faults:
    """Put one of `faults` on the first try of a seeded share of distinct calls, so that asking again mends it.

    Which calls, and which fault each meets, depends on the seed and the call alone, not on the order of arrival.
    """
    met: set[bytes] = set()

    def fault_for(request: Request) -> Fault | None:
        digest = request.digest
        draw = hashlib.blake2b(digest, key=str(seed).encode(), digest_size=16).digest()
        if digest in met or int.from_bytes(draw[:8], "big") >= share * 2**64:
            return None
        met.add(digest)
        return faults[int.from_bytes(draw[8:], "big") % len(faults)]

    return fault_for
