"""LiteLLM's responses as replies."""

from __future__ import annotations

import json
import re
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from judgebench.client.providers.litellm import errors as mapping
from judgebench.client.providers.litellm.settings import CHEAPER
from judgebench.errors import BrokenReplyError
from judgebench.judges import cost, is_free, price_of, used_tokens
from judgebench.verdicts import Reply, place_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgebench.client.providers.litellm.settings import CallSettings
    from judgebench.client.providers.litellm.wire import WireCall
    from judgebench.judges import Judge
    from judgebench.verdicts import PlacedToken

BROKEN_OFF = frozenset(
    {
        "error",
        "abort",
        "aborted",
        "cancelled",
        "network_error",
        "timeout",
        "insufficient_system_resource",
        "malformed_response",
        "malformed_function_call",
        "failed",
        "server_error",
    }
)
"""What providers give as `finish_reason` of a reply that they could not finish."""

MOST_USD = 10_000
"""A price of one call beyond this is none."""

GOOD_ENDS = frozenset(
    {
        *("", "none", "null", "unspecified", "stop", "stopped", "stopsequence", "stopstr", "stoptoken", "matchedstop"),
        *("stopstringfound", "eos", "eosfound", "eostoken", "eod", "end", "endturn", "endoftext", "normal", "done"),
        *("complete", "completed", "finished", "load", "toolcalls", "tooluse", "functioncall"),
    }
)
"""What providers give where the model came to its end, in small letters alone; any other word cut the reply off."""

FILTERED = frozenset(
    {
        *("content_filter", "content_filtered", "safety", "refusal", "sensitive", "blocklist", "blocked", "moderation"),
        *("recitation", "prohibited_content", "spii", "guardrail_intervened", "error_toxic"),
    }
)

_NUMBERED = re.compile(r"token_id:\d+")
_LIMITS = ("max_completion_tokens", "max_tokens", "num_predict", "max_output_tokens")


def reply_of(response: Any, judge: Judge, way: CallSettings, wire: WireCall, latency: float) -> Reply:
    """LiteLLM's response as what the cache keeps.

    Args:
        response: What LiteLLM gave.
        judge: Whose reply it is.
        way: How it was called.
        wire: What came on the wire.
        latency: Seconds that it took.

    Raises:
        TransientError: The body is not a chat completion, or a part of one.
    """
    try:
        choice = response.choices[0]
        message = choice.message
    except (AttributeError, IndexError, TypeError):
        raise _no_completion("the provider's reply is not a chat completion") from None
    further = getattr(message, "provider_specific_fields", None) or {}
    thinking = _thinking(message)
    usage = getattr(response, "usage", None)
    tokens, known = used_tokens(usage, answered=bool(message.content or thinking))
    try:
        return Reply(
            text=message.content,
            reasoning=thinking,
            finish_reason=_end(choice, way, wire, usage),
            refusal=getattr(message, "refusal", None) or further.get("refusal"),
            served_model=str(response.model or "").removeprefix(f"{CHEAPER}/") or None,
            cost_usd=cost_of(judge, tokens, wire, known=known),
            latency_s=round(latency, 4),
            created=round(time.time(), 3),
            left_out=way.left_out,
            imported=None,
            answers=None,
            logprobs=_placed_tokens(choice) if judge.soft else None,
            **tokens,
        )
    except ValidationError:
        raise _no_completion("the provider's reply is not a chat completion of text") from None


def _no_completion(what: str) -> BrokenReplyError:
    error = BrokenReplyError(what)
    error.answered = True
    return error


def _end(choice: Any, way: CallSettings, wire: WireCall, usage: Any) -> str | None:
    """How the reply ended: LiteLLM's word, or `length` where the provider's, or the count of tokens, says so.

    Raises:
        TransientError: The provider broke the reply off.
    """
    further = getattr(choice, "provider_specific_fields", None) or {}
    # LiteLLM maps words that it does not know to `stop`; what was said stands on the wire, or here.
    said = _end_on_wire(wire.body) or further.get("native_finish_reason") or choice.finish_reason
    word = str(said or "").lower().removeprefix("finish_reason_")
    error = further.get("error")
    if error or word in BROKEN_OFF:
        cause = (error.get("message") if isinstance(error, dict) else error) or f"finish_reason is {said}"
        raise _no_completion(f"the provider aborted the reply: {mapping.clean(str(cause), way.secrets)}")
    if choice.finish_reason == "content_filter" or word in FILTERED:
        return "content_filter"
    if re.sub(r"[\W_]", "", word) not in GOOD_ENDS or _is_full(way.settings, usage):
        return "length"
    return str(choice.finish_reason) if choice.finish_reason is not None else None


def _end_on_wire(body: Any) -> Any:
    """Why the model stopped, as the provider says: in the forms of OpenAI, Gemini, Anthropic, Bedrock and Ollama."""
    if not isinstance(body, dict):
        return None
    for several in ("choices", "candidates"):
        if isinstance(body.get(several), list) and body[several] and isinstance(body[several][0], dict):
            body = body[several][0]
    names = ("finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason")
    return next((body[name] for name in names if isinstance(body.get(name), str)), None)


def _is_full(settings: Mapping[str, Any], usage: Any) -> bool:
    """Whether the reply has all the tokens that it was allowed."""
    limit = next((settings[name] for name in _LIMITS if isinstance(settings.get(name), int)), None)
    count = getattr(usage, "completion_tokens", None)
    return limit is not None and isinstance(count, int) and count >= limit


def cost_of(judge: Judge, tokens: Mapping[str, int], wire: WireCall, *, known: bool) -> float | None:
    """What a call costs, in USD; None where the price is not known, or the tokens of a call that is not free.

    OpenRouter says it; of others that is taken where the judge has no price in providers.yaml.
    """
    usage = wire.body.get("usage") if isinstance(wire.body, dict) else None
    said = usage.get("cost") if isinstance(usage, dict) else None
    said_counts = judge.provider == "openrouter" or judge.price is None
    if said_counts and isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said < MOST_USD:
        return float(said)
    price = price_of(judge)
    if price is None or not (known or is_free(price)):
        return None
    return cost(price, tokens)


def took(judge: Judge, wire: WireCall) -> dict[str, float | None] | None:
    """What a reply that cannot be used took, by the fields of a `Reply`; None where it does not say so."""
    usage = wire.body.get("usage") if isinstance(wire.body, dict) else None
    if not isinstance(usage, dict):
        return None
    counts = json.loads(json.dumps(usage), object_hook=lambda fields: SimpleNamespace(**fields))
    tokens, known = used_tokens(counts, answered=True)
    return {**tokens, "cost_usd": cost_of(judge, tokens, wire, known=known)} if known else None


def _thinking(message: Any) -> Any:
    """The thinking text that a message keeps apart from its content; some providers give it in blocks."""
    text = getattr(message, "reasoning_content", None)
    blocks = getattr(message, "thinking_blocks", None)
    if text or not isinstance(blocks, list):
        return text
    thoughts = [block.get("thinking") for block in blocks if isinstance(block, dict)]
    return "\n".join(thought for thought in thoughts if isinstance(thought, str)) or None


def _placed_tokens(choice: Any) -> list[PlacedToken] | None:
    """What the provider says of the reply's tokens; None where it says nothing, or in another form."""
    content = getattr(getattr(choice, "logprobs", None), "content", None)
    try:
        tokens = [
            (
                _named(each),
                each.bytes,
                float(each.logprob),
                {_named(top): float(top.logprob) for top in each.top_logprobs},
            )
            for each in content or ()
        ]
        return place_tokens(choice.message.content, tokens)
    except (AttributeError, TypeError, ValueError):
        return None


def _named(token: Any) -> str:
    """A token's text; some servers give the number that it has in their vocabulary in its place."""
    if token.bytes and _NUMBERED.fullmatch(token.token):
        return bytes(token.bytes).decode("utf-8", "replace")
    return str(token.token)
