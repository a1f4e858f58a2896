"""A body of the OpenAI protocol as what a chat completion says."""

from __future__ import annotations

import re
from typing import Any

from judgebench.client.providers.replies import GOOD_ENDS, ModelAnswer, thinking_of, without_thought, wrong_reply

_TOOLS = frozenset({"toolcalls", "tooluse", "functioncall"})


def has_choice(body: Any) -> bool:
    """Whether a body is that of a chat completion, and none of an error."""
    choices = body.get("choices") if isinstance(body, dict) else None
    return isinstance(choices, list) and bool(choices) and not body.get("error")


def completion_of(body: dict[str, Any]) -> ModelAnswer:
    """What the body of a chat completion says.

    Args:
        body: With at least one choice.

    Raises:
        BrokenReplyError: The choice is none, or the usage.

    Example:
        >>> said = completion_of({"choices": [{"message": {"content": "[[A]]"}, "finish_reason": "stop"}]})
        >>> said.text, said.end
        ('[[A]]', 'stop')
    """
    choice, usage = body["choices"][0], body.get("usage")
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict) or not (usage is None or isinstance(usage, dict)):
        raise wrong_reply(body)
    text, thinking = (
        message.get("content"),
        thinking_of(message.get("reasoning_content"), message.get("thinking_blocks")),
    )
    if thinking is None and "reasoning_content" not in message:
        text, thinking = without_thought(text)
    end = choice.get("finish_reason") or choice.get("native_finish_reason")
    logprobs, model = choice.get("logprobs"), body.get("model")
    return ModelAnswer(
        text=text,
        reasoning=thinking,
        end=end,
        known_end=_known(end),
        error=choice.get("error"),
        refusal=message.get("refusal") or None,
        model=str(model) if model and isinstance(model, str | int) else None,
        usage=usage,
        tokens=logprobs.get("content") if isinstance(logprobs, dict) else None,
    )


def _known(end: Any) -> str:
    """An end in the OpenAI protocol's words."""
    if end == "stop":
        return "stop"
    word = re.sub(r"[\W_]", "", str(end or "").lower().removeprefix("finish_reason_"))
    if word in _TOOLS:
        return "tool_calls"
    return "stop" if word in GOOD_ENDS else str(end)
