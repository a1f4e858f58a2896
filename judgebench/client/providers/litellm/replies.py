"""LiteLLM's responses as replies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgebench.client.providers.replies import ModelAnswer, thinking_of, wrong_reply

if TYPE_CHECKING:
    from judgebench.client.providers.wire import WireCall

_PREFIXED = "hosted_vllm/"
"""What LiteLLM puts before the name of a model that such a server gives."""


def completion_of(response: Any, wire: WireCall) -> ModelAnswer:
    """What LiteLLM's response says.

    Args:
        response: What LiteLLM gave.
        wire: What came on the wire: LiteLLM makes ends that it does not know into `stop`.

    Raises:
        BrokenReplyError: It is not a chat completion.
    """
    try:
        choice = response.choices[0]
        message = choice.message
    except (AttributeError, IndexError, TypeError):
        raise wrong_reply(wire.body) from None
    further = getattr(message, "provider_specific_fields", None) or {}
    of_choice = getattr(choice, "provider_specific_fields", None) or {}
    thinking = thinking_of(getattr(message, "reasoning_content", None), getattr(message, "thinking_blocks", None))
    return ModelAnswer(
        text=message.content,
        reasoning=thinking,
        end=_end_on_wire(wire.body) or of_choice.get("native_finish_reason") or choice.finish_reason,
        known_end=choice.finish_reason,
        error=of_choice.get("error"),
        refusal=getattr(message, "refusal", None) or further.get("refusal"),
        model=str(response.model or "").removeprefix(_PREFIXED) or None,
        usage=getattr(response, "usage", None),
        tokens=getattr(getattr(choice, "logprobs", None), "content", None),
    )


def _end_on_wire(body: Any) -> Any:
    """Why the model stopped, as the provider says: in the forms of OpenAI, Gemini, Anthropic, Bedrock and Ollama."""
    if not isinstance(body, dict):
        return None
    for several in ("choices", "candidates"):
        if isinstance(body.get(several), list) and body[several] and isinstance(body[several][0], dict):
            body = body[several][0]
    names = ("finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason")
    return next((body[name] for name in names if isinstance(body.get(name), str)), None)
