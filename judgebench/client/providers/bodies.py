"""What a response says in the place of a reply: its words in one line, its codes."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from judgebench._util.markup import is_page
from judgebench._util.redaction import in_one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from judgebench.client.providers.wire import WireCall

_ECHOES = frozenset({"input", "failed_generation", "loc", "url", "ctx", "@type"})
"""Fields of an error that repeat what was asked or said."""
_DEEPEST = 20
EMPTY = "empty body"
"""What a response without a body says."""
MOST_WORDS = 10_000
"""Characters of a page that are looked at for the words of `wording`."""
_PREFIX = re.compile(r"^(?:litellm\.\w+: |\w+Error: |\w+Exception - )+")
_OF_PYDANTIC = re.compile(r"\s*\[type=\w+, input_value=.*?\](?:\s+For further information visit \S+|\s*$)", re.DOTALL)
"""What a check of a body adds to each sentence: its own names, and an address about them."""


def is_ok(status: int | None) -> bool:
    """Whether a status says that a reply comes with it."""
    return status is not None and 200 <= status < 300


def said_by(wire: WireCall, body: Any, *, decides: bool = False) -> str | None:
    """What a response says in the place of a reply; None where none came.

    Args:
        wire: What came on the wire.
        body: Of the response, or what an error of a library has as one.
        decides: Whether a decision model was asked.
    """
    own = body if isinstance(body, str) else _own_words(body)
    if wire.status is None or wire.broke:
        return own
    if body is None or body == "":
        return EMPTY
    if not is_ok(wire.status):
        return own or json.dumps(body, ensure_ascii=False)[:MOST_WORDS]
    if isinstance(body, str):
        return body if is_page(body) else f"the provider's reply is not JSON: {body}"
    return own or wrong_form(body, decides=decides)


def wrong_form(body: Any, *, decides: bool = False) -> str:
    """The words about a body that is JSON and no reply.

    Args:
        body: Of the response.
        decides: Whether a decision model was asked, and not for text.
    """
    what = "one of a decision model" if decides else "a chat completion"
    return f"the provider's reply is not {what}: {json.dumps(body, ensure_ascii=False)[:MOST_WORDS]}"


def clean(message: str, secrets: Collection[str]) -> str:
    """The provider's own words in one line of at most 300 characters, without any key."""
    message = _PREFIX.sub("", message).partition("Traceback (most recent call last)")[0]
    with suppress(ValueError, RecursionError):
        message = _own_words(json.loads(message)) or message
    return in_one_line(_OF_PYDANTIC.sub(";", message).removesuffix(";"), secrets)


def _own_words(body: Any) -> str | None:
    """The message in an error body as most providers write it; None where there is none."""
    said = body[0] if isinstance(body, list) and body else body
    raw = _inner(said).get("metadata")
    for name in ("error", "message", "detail"):
        said = said.get(name, said) if isinstance(said, dict) else said
    if isinstance(raw, dict) and isinstance(raw.get("raw"), str):  # OpenRouter: the words of the provider behind it
        return f"{said}: {raw['raw']}" if isinstance(said, str) else raw["raw"]
    if isinstance(said, list) and said and all(isinstance(each, dict) and "msg" in each for each in said):  # FastAPI
        places = (".".join(map(str, each["loc"])) if isinstance(each.get("loc"), list) else "" for each in said)
        return "; ".join(f"{place} {each['msg']}".strip() for place, each in zip(places, said, strict=True))
    return said if isinstance(said, str) else None


def body_in(error: Exception) -> Any:
    """The error's body, as an object of its, or as the JSON in its message."""
    body = getattr(error, "body", None)
    if isinstance(body, dict | list):
        return body
    try:
        return json.loads(_PREFIX.sub("", str(error)))
    except (ValueError, RecursionError):
        return None


def unfolded(value: Any, depth: int = 0) -> Any:
    """An error's body, where objects stand as text in it, as gateways hand them on, with these read."""
    if isinstance(value, dict) and depth < _DEEPEST:
        return {name: unfolded(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list) and depth < _DEEPEST:
        return [unfolded(inner, depth + 1) for inner in value]
    if isinstance(value, str) and depth and value.lstrip().startswith("{"):
        with suppress(ValueError, RecursionError):
            return unfolded(json.loads(value), depth + 1)
    return value


def _inner(body: Any) -> dict[str, Any]:
    """The object that says what the error is."""
    body = body[0] if isinstance(body, list) and body else body
    inner = body.get("error", body) if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else {}


def codes_in(body: Any) -> Iterator[str]:
    """The code and the type in an error's body."""
    inner = _inner(body)
    yield from (str(inner[name]).lower() for name in ("code", "type") if inner.get(name) is not None)


def strings_in(value: Any, name: str = "") -> Iterator[str]:
    """All texts in a body, but those that repeat what was asked."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each, inner in value.items():
            if each not in _ECHOES:
                yield from strings_in(inner, each)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_in(inner, name)
