"""LiteLLM's responses as replies."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from judgebench.client.providers.litellm import errors as mapping
from judgebench.client.providers.litellm.settings import CHEAPER
from judgebench.errors import BrokenReplyError
from judgebench.judges import cost, is_free, price_of, used_tokens
from judgebench.verdicts import Reply, place_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from judgebench.client.providers.litellm.settings import CallSettings
    from judgebench.judges import Judge
    from judgebench.verdicts import PlacedToken

BROKEN_OFF = frozenset({"error", "abort", "network_error", "timeout", "insufficient_system_resource"})
"""What providers give as `finish_reason` of a reply that they could not finish; a word not known here is a stop's."""


def reply_of(response: Any, judge: Judge, way: CallSettings, latency: float) -> Reply:
    """LiteLLM's response as what the cache keeps.

    Args:
        response: What LiteLLM gave.
        judge: Whose reply it is.
        way: How it was called.
        latency: Seconds that it took.

    Raises:
        TransientError: The body is not a chat completion, or a part of one.
    """
    try:
        choice = response.choices[0]
        message = choice.message
    except (AttributeError, IndexError, TypeError):
        raise BrokenReplyError("the provider's reply is not a chat completion") from None
    _check_whole(choice, way.secrets)
    further = getattr(message, "provider_specific_fields", None) or {}
    thinking = _thinking(message)
    tokens, known = used_tokens(getattr(response, "usage", None), answered=bool(message.content or thinking))
    try:
        return Reply(
            text=message.content,
            reasoning=thinking,
            finish_reason=choice.finish_reason,
            refusal=getattr(message, "refusal", None) or further.get("refusal"),
            served_model=str(response.model or "").removeprefix(f"{CHEAPER}/") or None,
            cost_usd=_cost(judge, tokens, known=known),
            latency_s=round(latency, 4),
            created=round(time.time(), 3),
            left_out=way.left_out,
            logprobs=_placed_tokens(choice) if judge.soft else None,
            **tokens,
        )
    except ValidationError:
        raise BrokenReplyError("the provider's reply is not a chat completion of text") from None


def _check_whole(choice: Any, secrets: Iterable[str]) -> None:
    """Finds out whether the model came to an end.

    Raises:
        TransientError: The provider broke the reply off.
    """
    further = getattr(choice, "provider_specific_fields", None) or {}
    # LiteLLM maps the words of a broken reply to `stop` and keeps them here.
    reason = str(further.get("native_finish_reason") or choice.finish_reason)
    error = further.get("error")
    if error or reason.lower() in BROKEN_OFF:
        said = (error.get("message") if isinstance(error, dict) else error) or f"finish_reason is {reason}"
        raise BrokenReplyError(f"the provider aborted the reply: {mapping.clean(str(said), secrets)}")


def _cost(judge: Judge, tokens: Mapping[str, int], *, known: bool) -> float | None:
    """What a call costs, in USD; None where the price is not known, or the tokens of a call that is not free."""
    price = price_of(judge)
    if price is None or not (known or is_free(price)):
        return None
    return cost(price, tokens)


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
            (each.token, each.bytes, float(each.logprob), {top.token: float(top.logprob) for top in each.top_logprobs})
            for each in content or ()
        ]
        return place_tokens(choice.message.content, tokens)
    except (AttributeError, TypeError, ValueError):
        return None
