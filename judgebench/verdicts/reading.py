"""A reply into a verdict or a failure, by the template's rule. Pure: the same reply always reads the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field, StrictFloat, ValidationError, create_model

from judgebench.items import LABELS, TIE, Failure, Verdict
from judgebench.verdicts.parts import as_text, read_criteria, read_ranking, read_slot_scores
from judgebench.verdicts.rule import Span, find_verdict
from judgebench.verdicts.soft import soft_verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from judgebench.verdicts.reply import Reply
    from judgebench.verdicts.rule import VerdictMatch, VerdictRule

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


@dataclass(frozen=True, slots=True)
class PlacedVerdict:
    """A verdict, and where the reply says it.

    Attributes:
        verdict: With its probabilities (`soft`), where the reply came with log-probabilities of that place.
        span: Where in the reply's text it stands: what the rule's group caught, or the value of the object's field;
            None where thinking stands in the middle of it.
        marked: The same with what marks it as the verdict, such as brackets or the field's name; None likewise.
    """

    verdict: Verdict
    span: Span | None
    marked: Span | None


def answer_of(text: str) -> str:
    """The reply without its thinking: closed blocks (`<think>...</think>`), one cut off, or one never opened.

    Some servers send the thinking of a model without the opening mark, which its prompt held.
    """
    pieces = _answer_pieces(text)
    return text if pieces is None else _joined(text, pieces)


def _answer_pieces(text: str) -> list[Span] | None:
    """The parts of a reply that are no thinking; None where there is none, and all of it is the answer."""
    if not any(sign in text for sign in _SIGNS):
        return None
    pieces = [Span(0, len(text))]
    if _CLOSING.search(text):
        ends = [0, *(end for block in _BLOCK.finditer(text) for end in block.span()), len(text)]
        pieces = [Span(*ends[at : at + 2]) for at in range(0, len(ends), 2)]
        if unopened := _CLOSING.search(_joined(text, pieces)):
            pieces = _less(pieces, unopened.end())
    return [] if _CUT_OFF.match(_joined(text, pieces)) else pieces


def _joined(text: str, pieces: Iterable[Span]) -> str:
    return "".join([text[start:end] for start, end in pieces])


def _less(pieces: Iterable[Span], count: int) -> list[Span]:
    """The pieces without so many characters at the beginning."""
    rest = []
    for start, end in pieces:
        cut = min(count, end - start)
        rest.append(Span(start + cut, end))
        count -= cut
    return rest


def _in_reply(span: Span, pieces: Iterable[Span]) -> Span | None:
    """Where a part of the answer stands in the reply; None where it is put together from several pieces."""
    before = 0
    for start, end in pieces:
        if before <= span.start and span.end <= before + end - start:
            return span.moved(start - before)
        before += end - start
    return None


def read(reply: Reply, rule: VerdictRule, k: int) -> Verdict | Failure:
    """What a reply says; `read_placed` without the place."""
    result = read_placed(reply, rule, k)
    return result.verdict if isinstance(result, PlacedVerdict) else result


def read_placed(reply: Reply, rule: VerdictRule, k: int) -> PlacedVerdict | Failure:
    """What a reply says, and where.

    A reply that was cut off or filtered is a failure whatever it holds: the verdict that would have counted may be
    the one that is missing.

    Args:
        reply: The reply.
        rule: The template's verdict rule.
        k: How many slots the question had; 1 in mode rating.
    """
    text = reply.text or ""
    if reply.refusal or reply.finish_reason == "refusal":
        return Failure("refused", _shortened(reply.refusal or text or "the provider marked a refusal"))
    if reply.finish_reason == "content_filter":
        return Failure("filtered", "the provider's content filter stopped the reply")
    if reply.finish_reason == "context":
        return Failure("context", "the prompt is longer than the model's context")
    if reply.finish_reason == "length":
        return Failure("truncated", f"cut off after {reply.completion_tokens} tokens; raise the judge's max_tokens")
    pieces = _answer_pieces(text)
    answer = text if pieces is None else _joined(text, pieces)
    if not answer.strip():
        return Failure(
            "empty", "the reply has no text" if not text.strip() else "the reply has reasoning but no answer"
        )
    result = _read_answer(answer, rule, k)
    if isinstance(result, Failure):
        is_refusal = result.kind == "unreadable" and _REFUSING.match(answer) is not None
        return Failure("refused", _shortened(answer)) if is_refusal else result
    verdict, match = result
    span = match.span if pieces is None else _in_reply(match.span, pieces)
    if reply.logprobs is not None and span is not None:
        verdict = replace(verdict, soft=soft_verdict(reply.logprobs, text, span, verdict, rule, k))
    return PlacedVerdict(verdict, span, match.marked if pieces is None else _in_reply(match.marked, pieces) or span)


def read_text(answer: str, rule: VerdictRule, k: int) -> Verdict | Failure:
    """The verdict in a text, by the rule alone.

    Args:
        answer: What the judge said, without its thinking.
        rule: The template's rule.
        k: How many slots the question had; 1 in mode rating.
    """
    result = _read_answer(answer, rule, k)
    return result if isinstance(result, Failure) else result[0]


def _read_answer(answer: str, rule: VerdictRule, k: int) -> tuple[Verdict, VerdictMatch] | Failure:
    match = find_verdict(answer, rule)
    if isinstance(match, Failure):
        return match
    result = _meaning(match, rule, k)
    return result if isinstance(result, Failure) else (result, match)


def _meaning(match: VerdictMatch, rule: VerdictRule, k: int) -> Verdict | Failure:
    """What stands at the verdict's place, as a verdict."""
    if not match.in_object:
        return _meaning_of_text(match.value, rule, k)
    result = _meaning_of_field(match.value, rule, k)
    return match.otherwise if isinstance(result, Failure) and match.otherwise is not None else result


def _meaning_of_text(text: str, rule: VerdictRule, k: int) -> Verdict | Failure:
    if rule.ranking is not None:
        return read_ranking(text, LABELS[:k], ties=rule.ranking == "ties")
    if rule.scores is not None:
        return read_slot_scores(text, LABELS[:k], rule.scores)
    if rule.criteria is not None:
        assert rule.scale is not None  # the front matter has seen to it
        return read_criteria(text, rule.criteria, rule.scale)
    if rule.scale is not None:
        return _rating(text, rule.scale)
    value = rule.values.get(text) if rule.values is not None else text
    if value is None:
        return Failure("unreadable", f"'{_shortened(text)}' is not one of {', '.join(rule.values or ())}")
    if value == TIE or (len(value) == 1 and value in LABELS[:k]):
        return Verdict(value)
    return Failure("unreadable", f"'{_shortened(value)}' is not one of the {k} slots")


def _meaning_of_field(value: Any, rule: VerdictRule, k: int) -> Verdict | Failure:
    assert rule.json_field is not None
    if rule.has_parts:
        if value is None:
            return Failure("unreadable", f"{rule.json_field}: Field required")
        if rule.scores is not None and isinstance(value, dict):  # scores may stand under the slots' letters
            value = [value.get(label) for label in LABELS[:k]]
        return _meaning_of_text(as_text(value), rule, k)
    model = _field_model(rule.json_field, None if rule.scale is not None else rule.texts(LABELS[:k]))
    try:
        checked = model.model_validate({rule.json_field: value}).verdict_field  # type: ignore[attr-defined]
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        return Failure("unreadable", f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}")
    return _meaning_of_text(str(checked), rule, k)


@lru_cache(maxsize=64)
def _field_model(field: str, allowed: tuple[str, ...] | None) -> type[BaseModel]:
    kind: Any = StrictFloat if allowed is None else Literal[allowed]  # strict, because true is no rating
    return create_model("StructuredVerdict", verdict_field=(kind, Field(alias=field)))


def _rating(text: str, scale: tuple[float, float]) -> Verdict | Failure:
    try:
        rating = float(text)
    except ValueError:
        return Failure("unreadable", f"'{_shortened(text)}' is not a number")
    if not scale[0] <= rating <= scale[1]:
        return Failure("unreadable", f"{_shortened(text)} is outside {scale[0]:g} to {scale[1]:g}")
    return Verdict(rating)


def _shortened(text: str, limit: int = 120) -> str:
    """The text as one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 3] + "..."
