"""What came back from one call, as the cache keeps it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from judgebench._util.jsonl import AnyText


class Reply(BaseModel):
    """What came back from one call, as the cache keeps it.

    Attributes:
        text: The answer; None where there was none.
        reasoning: Thinking text that the provider kept apart; never read for the verdict.
        finish_reason: Why the model stopped: `stop`, `length`, `content_filter`, ...
        refusal: The provider's own mark of a refusal.
        served_model: The model that answered, as it names itself.
        cost_usd: The price of the call; None where it is not known.
        may_have_cost_usd: What earlier tries whose cost nobody said may have cost at most, beside that; None where
            that is not known.
        left_out: Default parameters that the model does not take.
        logprobs: The tokens from which a verdict may be read, with what might have stood in their places
            (`judgebench.verdicts.soft`); None where they were not asked for, or did not come.
        answers: A decision model's answers in the order of its questions: the probability of each option by name, null
            where that is no number; null where it gave none. None for a reply of text.
        imported: The bundle that it was put into the cache from, as its SHA-256 and the day; None for one's own.
    """

    model_config = ConfigDict(extra="ignore")

    text: AnyText | None = None
    reasoning: AnyText | None = None
    finish_reason: str | None = None
    refusal: AnyText | None = None
    served_model: AnyText | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_prompt_tokens: int = 0
    cost_usd: float | None = None
    may_have_cost_usd: float | None = 0.0
    latency_s: float | None = None
    created: float | None = None
    left_out: list[str] = Field(default_factory=list)
    logprobs: list[tuple[int, AnyText, dict[AnyText, float]]] | None = None
    answers: list[dict[AnyText, float | None] | None] | None = None
    imported: AnyText | None = None

    @property
    def says_nothing(self) -> bool:
        """Whether it ended by itself with neither an answer, nor thinking, nor a refusal: an accident, as a rule."""
        said = (self.text or "").strip() or self.refusal or (self.reasoning or "").strip() or self.answers
        return not said and self.finish_reason in {None, "stop"}
