"""What came back from a model as a reply, whoever made the call."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from judgebench._util.redaction import in_one_line
from judgebench.client.providers.bodies import clean, wrong_form
from judgebench.errors import BrokenReplyError
from judgebench.judges import cost, is_free, price_of, used_tokens
from judgebench.verdicts import Reply, place_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.client.providers.wire import WireCall
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
_THOUGHT = re.compile(r"<(think|thinking)>(.*?)</\1>", re.DOTALL)


@dataclass(slots=True)
class ModelAnswer:
    """What a chat completion says, out of a body or out of a library's object.

    Attributes:
        text: The answer.
        reasoning: Thinking text that came apart from it.
        end: Why the model stopped, as the provider says.
        known_end: The same in the OpenAI protocol's words, where somebody has put it into those.
        error: What the choice says of an error.
        refusal: The provider's own mark of a refusal.
        model: The model that answered.
        usage: The tokens, as the OpenAI protocol has them.
        tokens: Those of the reply with their log-probabilities.
    """

    text: Any
    reasoning: Any
    end: Any
    known_end: Any
    error: Any
    refusal: Any
    model: Any
    usage: Any
    tokens: Any


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reply is read by, the same for every call of a judge.

    Attributes:
        judge: Whose calls they are.
        settings: What they are made with: the limits on a reply's length count.
        secrets: What must be in no message.
        left_out: Default parameters that the model does not take.
    """

    judge: Judge
    settings: Mapping[str, Any]
    secrets: Sequence[str]
    left_out: Sequence[str] = ()


def reply_of(said: ModelAnswer, asked: Asked, wire: WireCall, latency: float) -> Reply:
    """A completion as what the cache keeps.

    Args:
        said: What came.
        asked: What it is read by.
        wire: What came on the wire.
        latency: Seconds that it took.

    Raises:
        BrokenReplyError: It is no text, or the provider broke it off.
    """
    tokens, known = used_tokens(said.usage, answered=bool(said.text or said.reasoning))
    try:
        return Reply(
            text=said.text,
            reasoning=said.reasoning,
            finish_reason=_end(said, asked),
            refusal=said.refusal,
            served_model=said.model,
            cost_usd=cost_of(asked.judge, tokens, wire, known=known),
            latency_s=round(latency, 4),
            created=round(time.time(), 3),
            left_out=list(asked.left_out),
            imported=None,
            answers=None,
            logprobs=_placed_tokens(said) if asked.judge.soft else None,
            **tokens,
        )
    except ValidationError:
        raise wrong_reply(wire.body) from None


def without_thought(text: Any) -> tuple[Any, str | None]:
    """A text without the thinking at its head, and that; some servers leave it there in tags.

    Example:
        >>> without_thought("<think>Hm.</think>[[A]]")
        ('[[A]]', 'Hm.')
    """
    thought = _THOUGHT.match(text) if isinstance(text, str) and text.startswith("<") else None
    return (text, None) if thought is None else (text[thought.end() :], thought[2])


def no_completion(what: str) -> BrokenReplyError:
    """The error about a body that is no reply of a model, though the call was answered."""
    error = BrokenReplyError(what)
    error.answered = True
    return error


def wrong_reply(body: Any, *, decides: bool = False) -> BrokenReplyError:
    """The same about a body that is JSON and no chat completion of text.

    Args:
        body: What came.
        decides: Whether a decision model was asked.
    """
    return no_completion(in_one_line(wrong_form(body, decides=decides), ()))


def _end(said: ModelAnswer, asked: Asked) -> str | None:
    """How the reply ended: in the OpenAI protocol's word; `length` where the provider's or the count of tokens says so.

    Raises:
        BrokenReplyError: The provider broke the reply off.
    """
    word = str(said.end or "").lower().removeprefix("finish_reason_")
    error = said.error
    if error or word in BROKEN_OFF:
        cause = (error.get("message") if isinstance(error, dict) else error) or f"finish_reason is {said.end}"
        raise no_completion(f"the provider aborted the reply: {clean(str(cause), asked.secrets)}")
    if said.known_end == "content_filter" or word in FILTERED:
        return "content_filter"
    ended = word in GOOD_ENDS or re.sub(r"[\W_]", "", word) in GOOD_ENDS
    if not ended or _is_full(asked.settings, said.usage):
        return "length"
    return str(said.known_end) if said.known_end is not None else None


def _is_full(settings: Mapping[str, Any], usage: Any) -> bool:
    """Whether the reply has all the tokens that it was allowed."""
    limit = next((settings[name] for name in _LIMITS if isinstance(settings.get(name), int)), None)
    count = _of(usage, "completion_tokens")
    return limit is not None and isinstance(count, int) and count >= limit


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)


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
    tokens, known = used_tokens(usage, answered=True)
    return {**tokens, "cost_usd": cost_of(judge, tokens, wire, known=known)} if known else None


def thinking_of(text: Any, blocks: Any) -> Any:
    """The thinking text that a message keeps apart from its content; some providers give it in blocks."""
    if text or not isinstance(blocks, list):
        return text
    thoughts = [block.get("thinking") for block in blocks if isinstance(block, dict)]
    return "\n".join(thought for thought in thoughts if isinstance(thought, str)) or None


def _placed_tokens(said: ModelAnswer) -> list[PlacedToken] | None:
    """What the provider says of the reply's tokens; None where it says nothing, or in another form."""
    try:
        tokens = [
            (
                _named(each),
                _of(each, "bytes"),
                float(_of(each, "logprob")),
                {_named(top): float(_of(top, "logprob")) for top in _of(each, "top_logprobs")},
            )
            for each in said.tokens or ()
        ]
        return place_tokens(said.text, tokens)
    except (AttributeError, TypeError, ValueError):
        return None


def _named(token: Any) -> str:
    """A token's text; some servers give the number that it has in their vocabulary in its place."""
    text, data = _of(token, "token"), _of(token, "bytes")
    if data and _NUMBERED.fullmatch(text):
        return bytes(data).decode("utf-8", "replace")
    return str(text)
