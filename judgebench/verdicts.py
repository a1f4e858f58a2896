"""A reply into a verdict or a failure, by the template's rule. Pure: the same reply always reads the same."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from judgebench.items import Failure, Verdict
from judgebench.softparts import soft_parts
from judgebench.softverdicts import soft_verdict
from judgebench.verdictrule import read_text, shortened, verdict_span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.items import Soft
    from judgebench.softverdicts import Place
    from judgebench.verdictrule import VerdictRule

__all__ = ["Reply", "answer_of", "read", "read_text"]


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
            (`judgebench.softverdicts`); None where they were not asked for, or did not come.
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


def _soft(tokens: Sequence[Place], text: str, answer: str, rule: VerdictRule, said: Verdict, k: int) -> Soft | None:
    """The probability of each verdict where the one that counts was read; None where that is not known."""
    before = len(text) - len(answer)
    span = verdict_span(answer, rule)
    if span is None or not text.endswith(answer):
        return None
    start, end = span
    if rule.has_parts:
        return soft_parts(tokens, start + before, answer[start:end], rule, said, k)
    return soft_verdict(tokens, start + before, end + before, answer[start:end], rule, k)


_TAGS = ("think", "thinking", "thought", "reasoning", "seed:think")
_MARKS = (
    *((rf"<{tag}(?:\s[^<>]*)?>", rf"</{tag}\s*>") for tag in _TAGS),
    (r"(?-i:\[THINK\])", r"(?-i:\[/THINK\])"),  # Magistral
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),  # Kimi
    (
        r"(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)\b",  # gpt-oss
        r"(?:<\|start\|>assistant)?<\|channel\|>final\b[^\n]{0,40}?<\|message\|>",
    ),
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),  # OpenThinker
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),  # Command A
)
"""Patterns of the marks between which models think, opening and closing."""
_SIGNS = ("<", "[THINK]", "[/THINK]", "\u25c1")
"""Without one of these there is no mark; far quicker than the patterns."""
_BLOCK = re.compile("|".join(f"{opening}.*?{closing}" for opening, closing in _MARKS), re.DOTALL | re.IGNORECASE)
_CLOSING = re.compile("|".join(closing for _, closing in _MARKS), re.IGNORECASE)
_CUT_OFF = re.compile(rf"\A\s*(?:{'|'.join(opening for opening, _ in _MARKS)}).*\Z", re.DOTALL | re.IGNORECASE)

_REFUSING = re.compile(
    r"\A\W*(?:as an ai\b.{0,80}?)?(?:"
    r"i(?:'|\u2019|\sa)m (?:(?:very|really|so|truly) )?sorry\b"
    r"|i (?:sincerely )?apologi[sz]e\b"
    r"|(?:sorry|apologies|unfortunately),? (?:but )?i\b"
    r"|i (?:must|have to|need to) (?:decline|refuse)\b"
    r"|i(?:'|\u2019|\sa)m (?:not able|unable) to\b"
    r"|i (?:can(?:'|\u2019)?t|cannot|can not|won(?:'|\u2019)?t|will not|decline|refuse)\b"
    r")",
    re.IGNORECASE | re.DOTALL,
)


def answer_of(text: str) -> str:
    """The reply without its thinking: closed blocks (`<think>...</think>`), one cut off, or one never opened.

    Some servers send the thinking of a model without the opening mark, which its prompt held.
    """
    if not any(sign in text for sign in _SIGNS):
        return text
    if _CLOSING.search(text):
        text = _BLOCK.sub("", text)
        if unopened := _CLOSING.search(text):
            text = text[unopened.end() :]
    return _CUT_OFF.sub("", text)


def read(reply: Reply, rule: VerdictRule, k: int) -> Verdict | Failure:
    """What a reply says.

    A reply that was cut off or filtered is a failure whatever it holds: the verdict that would have counted may be
    the one that is missing.

    Args:
        reply: The reply.
        rule: The template's verdict rule.
        k: How many slots the question had; 1 in mode rating.
    """
    text = reply.text or ""
    if reply.refusal or reply.finish_reason == "refusal":
        return Failure("refused", shortened(reply.refusal or text or "the provider marked a refusal"))
    if reply.finish_reason == "content_filter":
        return Failure("filtered", "the provider's content filter stopped the reply")
    if reply.finish_reason == "context":
        return Failure("context", "the prompt is longer than the model's context")
    if reply.finish_reason == "length":
        return Failure("truncated", f"cut off after {reply.completion_tokens} tokens; raise the judge's max_tokens")
    answer = answer_of(text)
    if not answer.strip():
        return Failure("empty", "the reply has no text" if not text.strip() else "the reply has thinking but no answer")
    result = read_text(answer, rule, k)
    if reply.logprobs is not None and isinstance(result, Verdict):
        return replace(result, soft=_soft(reply.logprobs, text, answer, rule, result, k))
    if isinstance(result, Failure) and result.kind == "unreadable" and _REFUSING.match(answer):
        return Failure("refused", shortened(answer))
    return result
