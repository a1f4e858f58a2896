"""What came back from one call, as the cache keeps it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainValidator


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("expected text")  # noqa: TRY004 - what a validator raises
    return value


_Text = Annotated[str, PlainValidator(_text)]
"""Any text: Pydantic's own `str` refuses the lone surrogates that some models send."""


class Reply(BaseModel):
    """What came back from one call, as the cache keeps it.

    Attributes:
        text: The answer; None where there was none.
        reasoning: Thinking text that the provider kept apart; never read for the verdict.
        finish_reason: Why the model stopped: `stop`, `length`, `content_filter`, ...
        refusal: The provider's own mark of a refusal.
        served_model: The model that answered, as it names itself.
        cost_usd: The price of the call; None where it is not known.
        left_out: Default parameters that the model does not take.
        logprobs: The tokens from which a verdict may be read, with what might have stood in their places
            (`judgebench.verdicts.soft`); None where they were not asked for, or did not come.
    """

    model_config = ConfigDict(extra="ignore")

    text: _Text | None = None
    reasoning: _Text | None = None
    finish_reason: str | None = None
    refusal: _Text | None = None
    served_model: _Text | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_prompt_tokens: int = 0
    cost_usd: float | None = None
    latency_s: float | None = None
    created: float | None = None
    left_out: list[str] = Field(default_factory=list)
    logprobs: list[tuple[int, _Text, dict[_Text, float]]] | None = None
