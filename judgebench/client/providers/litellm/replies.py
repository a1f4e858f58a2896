"""LiteLLM's responses as replies, with nothing secret in them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from judgebench._util.redaction import without
from judgebench.client.providers.litellm import errors as mapping
from judgebench.client.providers.litellm.settings import CHEAPER
from judgebench.judges import cost, is_free, price_of, used_tokens
from judgebench.verdicts import Reply, place_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from judgebench.client.providers.litellm.settings import CallSettings
    from judgebench.judges import Judge
    from judgebench.verdicts import PlacedToken

SHORTEST_HIDDEN = 8
"""Shorter secrets, as the user's name in an address, are left in replies, where they may be ordinary words."""
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

    def hidden(text: Any) -> Any:
        """A text without the judge's secrets; anything else as it is."""
        if not isinstance(text, str):
            return text
        return without(text, (secret for secret in way.secrets if len(secret) >= SHORTEST_HIDDEN))

    try:
        choice = response.choices[0]
        message = choice.message
    except (AttributeError, IndexError, TypeError):
        raise mapping.BrokenReplyError("the provider's reply is not a chat completion") from None
    _check_whole(choice, way.secrets)
    further = getattr(message, "provider_specific_fields", None) or {}
    thinking = _thinking(message)
    tokens, known = used_tokens(getattr(response, "usage", None), answered=bool(message.content or thinking))
    text = hidden(message.content)
    try:
        return Reply(
            text=text,
            reasoning=hidden(thinking),
            finish_reason=choice.finish_reason,
            refusal=hidden(getattr(message, "refusal", None) or further.get("refusal")),
            served_model=hidden(str(response.model or "").removeprefix(f"{CHEAPER}/")) or None,
            cost_usd=_cost(judge, tokens, known=known),
            latency_s=round(latency, 4),
            created=round(time.time(), 3),
            left_out=way.left_out,
            logprobs=_placed_tokens(choice) if judge.soft and text == message.content else None,
            **tokens,
        )
    except ValidationError:
        raise mapping.BrokenReplyError("the provider's reply is not a chat completion of text") from None


def with_earlier(reply: Reply, earlier: Sequence[Reply]) -> Reply:
    """The reply with the tokens and the price of earlier tries that said nothing, which were paid for as well."""
    if not earlier:
        return reply
    every = [*earlier, reply]
    tokens = ("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_prompt_tokens")
    totals: dict[str, Any] = {name: sum(getattr(each, name) for each in every) for name in tokens}
    costs = [each.cost_usd for each in every]
    totals["cost_usd"] = None if None in costs else sum(cost for cost in costs if cost is not None)
    return reply.model_copy(update=totals)


def without_words(reply: Reply) -> Reply:
    """What the reply took, and nothing of what it said."""
    return reply.model_copy(update={"text": None, "reasoning": None, "finish_reason": None, "logprobs": None})


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
        raise mapping.BrokenReplyError(f"the provider broke the reply off: {mapping.clean(str(said), secrets)}")


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
