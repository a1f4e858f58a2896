"""A reply into a verdict or a failure, by the template's rule. Pure: the same reply always reads the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from judgebench.items import Failure, Verdict
from judgebench.verdicts.decisions import read_answers
from judgebench.verdicts.finding import find_loosely, find_strictly, nothing_found, with_dressed
from judgebench.verdicts.marks import VerdictMatch
from judgebench.verdicts.meaning import meaning_of, shortened
from judgebench.verdicts.patterns import LatePattern
from judgebench.verdicts.rule import Span
from judgebench.verdicts.soft import soft_verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from judgebench.verdicts.reply import Reply
    from judgebench.verdicts.rule import VerdictRule

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
_BLOCK = LatePattern("|".join(f"{opening}.*?{closing}" for opening, closing in _MARKS), re.DOTALL | re.IGNORECASE)
_CLOSING = LatePattern("|".join(closing for _, closing in _MARKS), re.IGNORECASE)
_CUT_OFF = re.compile(rf"\A\s*(?:{'|'.join(opening for opening, _ in _MARKS)}).*\Z", re.DOTALL | re.IGNORECASE)

_MENTIONED = re.compile(r"(?:\s+[a-z]|[.,;:)?'\"`\u2019\u201d])")
"""What follows a mark that is spoken of; a model's own stands before its answer, or at the end of a line."""
_QUOTES = tuple("'\"`\u2018\u201c")

_SHORT, _MOST_KNOWN = 24, 1000
"""Replies of so many characters, a letter or a number alone, come again and again; so many of them are kept a rule."""

_SORRY = (
    r"(?:as an ai\b.{0,80}?)?"
    r"(?:(?:i(?:'|\u2019|\sa)m (?:(?:very|really|so|truly) )?sorry|i (?:sincerely )?apologi[sz]e|sorry"
    r"|(?:my )?apologies|unfortunately)\b[\s,.;:!\u2014-]*(?:but |that )?)?"
)
_UNDECIDED = (
    r"\s+(?:(?:really|confidently|clearly|honestly) )?(?:say|decide|tell|choose|pick|prefer|determine|distinguish"
    r"|separate|find|see|identify|detect|spot|fault|deny|ignore|overlook|recommend|favou?r|verify|confirm|help but"
    r"|give (?:it|either|[ab]\b))"
)
_REFUSING = LatePattern(
    rf"\A\W*{_SORRY}(?:"
    r"i (?:(?:must|have to|need to) )?(?:respectfully )?(?:decline|refuse)\b"
    r"|i(?:(?:'|\u2019|\sa)m (?:not able|unable) to| can(?:'|\u2019)?t| cannot| can not| won(?:'|\u2019)?t| will not)\b"
    rf"(?!{_UNDECIDED})"
    r"|(?:this|that|it)(?:'|\u2019|\si)s not something (?:that )?i\b"
    r")",
    re.IGNORECASE | re.DOTALL,
)
"""A reply that begins so declines the task; a judge that can't decide, or is sorry for an answer, does not."""


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
    # Without one of these there is no closing mark; far quicker than the patterns.
    if not ("</" in text or "<|" in text or "[/THINK]" in text or "\u25c1/" in text):
        return [] if _CUT_OFF.match(text) else None
    text = _CLOSING.regex.sub(lambda mark: "\ufffc" * len(mark.group()) if _is_mentioned(mark) else mark.group(), text)
    pieces = [Span(0, len(text))]
    if _CLOSING.regex.search(text):
        ends = [0, *(end for block in _BLOCK.regex.finditer(text) for end in block.span()), len(text)]
        pieces = [Span(*ends[at : at + 2]) for at in range(0, len(ends), 2)]
        if unopened := _CLOSING.regex.search(_joined(text, pieces)):
            pieces = _less(pieces, unopened.end())
    return [] if _CUT_OFF.match(_joined(text, pieces)) else pieces


def _is_mentioned(mark: re.Match[str]) -> bool:
    """Whether a closing mark is spoken of, in quotes or in a sentence that goes on, and closes nothing."""
    before, line = mark.string[: mark.start()], mark.string[: mark.start()].rpartition("\n")[2]
    quoted = before.endswith(_QUOTES) and mark.end() < len(mark.string)
    spoken = line.strip() != "" and line[-1:].isspace() and _MENTIONED.match(mark.string, mark.end()) is not None
    return quoted or spoken


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
        return Failure("refused", shortened(reply.refusal or text or "the provider marked a refusal"))
    if reply.finish_reason == "content_filter":
        return Failure("filtered", "the provider's content filter stopped the reply")
    if reply.finish_reason == "context":
        read = (
            f", which read {reply.prompt_tokens} tokens of it; raise num_ctx at Ollama" if reply.prompt_tokens else ""
        )
        return Failure("context", f"the prompt is longer than the model's context{read}")
    if reply.answers is not None:
        decided = read_answers(reply.answers, rule, k)
        return decided if isinstance(decided, Failure) else PlacedVerdict(decided, None, None)
    pieces = _answer_pieces(text)
    answer = text if pieces is None else _joined(text, pieces)
    if reply.finish_reason == "length" and not _is_whole(answer, rule):
        return Failure("truncated", f"cut off after {reply.completion_tokens} tokens; raise the judge's max_tokens")
    if not answer.strip():
        return Failure("empty", _why_empty(reply))
    result = _read_answer(answer, rule, k)
    if isinstance(result, Failure):
        is_refusal = result.kind == "unreadable" and _REFUSING.regex.match(answer) is not None
        return Failure("refused", shortened(answer)) if is_refusal else result
    verdict, match = result
    span = match.span if pieces is None else _in_reply(match.span, pieces)
    if reply.logprobs is not None and span is not None:
        verdict = replace(verdict, soft=soft_verdict(reply.logprobs, text, span, verdict, rule, k))
    return PlacedVerdict(verdict, span, match.marked if pieces is None else _in_reply(match.marked, pieces) or span)


def _why_empty(reply: Reply) -> str:
    if reply.text and reply.text.strip():
        return "the reply has reasoning but no answer"
    if thought := (reply.reasoning or "").strip():
        return (
            f"the model thought ({len(thought)} characters) and gave no answer, which may stand in its thinking: "
            "check the server's reasoning parser, or set reasoning_effort lower"
        )
    return "the reply has no text"


def _is_whole(answer: str, rule: VerdictRule) -> bool:
    """Whether a reply that was cut off has all of the verdict, which the rule wants first."""
    if rule.anchor != "start" and rule.match != "first":
        return False
    match = find_strictly(answer, rule)
    if not isinstance(match, VerdictMatch):
        return False
    return bool(answer[match.marked.end :].strip()) or not answer[match.span.end - 1 : match.span.end].isdigit()


def read_text(answer: str, rule: VerdictRule, k: int) -> Verdict | Failure:
    """The verdict in a text, in the form that the rule asks for and in no other.

    Args:
        answer: What the judge said, without its thinking.
        rule: The template's rule.
        k: How many slots the question had; 1 in mode rating.
    """
    match = find_strictly(answer, rule) or nothing_found(answer, rule)
    return match if isinstance(match, Failure) else meaning_of(match, rule, k)


def _read_answer(answer: str, rule: VerdictRule, k: int) -> tuple[Verdict, VerdictMatch] | Failure:
    """The verdict of an answer; one of a few characters is read once: "cached run" of benchmarks/speed.py."""
    if len(answer) > _SHORT:
        return _read_anew(answer, rule, k)
    known = rule.read_before
    if (answer, k) not in known and len(known) < _MOST_KNOWN:
        known[answer, k] = _read_anew(answer, rule, k)
    return known[answer, k] if (answer, k) in known else _read_anew(answer, rule, k)


def _read_anew(answer: str, rule: VerdictRule, k: int) -> tuple[Verdict, VerdictMatch] | Failure:
    """The verdict of an answer as it stands; only where there is none, in another dress."""
    strict = find_strictly(answer, rule)
    match = strict or find_loosely(answer, rule, k) or nothing_found(answer, rule)
    if isinstance(match, Failure):
        return match
    verdict = meaning_of(match, rule, k)
    if match is strict and isinstance(verdict, Verdict):
        other = with_dressed(match, verdict, answer, rule, k)
        if isinstance(other, Failure):
            return other
        if other is not match:
            match, verdict = other, meaning_of(other, rule, k)
    if isinstance(verdict, Failure):
        return verdict
    return replace(verdict, also=_also(match, verdict, rule, k)) if match.others else verdict, match


def _also(match: VerdictMatch, verdict: Verdict, rule: VerdictRule, k: int) -> tuple[str | float, ...]:
    """The other verdicts that the rule finds in the answer, each once."""
    others = (meaning_of(match._replace(value=other, otherwise=None), rule, k) for other in match.others)
    values = dict.fromkeys(other.value for other in others if isinstance(other, Verdict))
    return tuple(value for value in values if value != verdict.value)
