"""The place in an answer where its verdict stands: as the rule asks for it, else in another dress. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.items import Failure, Verdict
from judgebench.verdicts.marks import DECORATION, ENDS, VerdictMatch, find_tag
from judgebench.verdicts.meaning import meaning_of
from judgebench.verdicts.objects import field_matches, find_field, in_text, is_in_open_object, is_object, loose_objects
from judgebench.verdicts.patterns import find_matches, loosened
from judgebench.verdicts.rule import Span
from judgebench.verdicts.undress import undress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.verdicts.rule import VerdictRule


def find_strictly(answer: str, rule: VerdictRule) -> VerdictMatch | Failure | None:
    """Where an answer says the verdict that counts, in the form that the rule asks for.

    With `json`, an answer that is one object, in a fence or without, is read by its field and by nothing else: a tag
    in its reasoning is no verdict. Another answer is read by the pattern, and without a match (or a pattern) by the
    last fenced object.

    Args:
        answer: What the judge said, without its thinking.
        rule: The template's rule.

    Returns:
        The place and what stands there; a failure where several contradict each other; None where there is none.
    """
    if rule.json_field is not None and (rule.regex is None or is_object(answer)):
        field = find_field(answer, rule.json_field)
        return None if isinstance(field, Failure) else field
    tag = find_tag(answer, rule)
    if rule.json_field is None or isinstance(tag, Failure):
        return tag
    if tag is not None:
        return _endless(rule) if is_in_open_object(answer, tag.marked) else tag
    field = find_field(answer, rule.json_field)
    return None if isinstance(field, Failure) else field._replace(otherwise=nothing_found(answer, rule))


def _endless(rule: VerdictRule) -> Failure:
    """More of it could have followed, such as another digit: nothing is guessed."""
    return Failure("unreadable", f"the object that holds {rule.json_field} has no end")


def nothing_found(answer: str, rule: VerdictRule) -> Failure:
    """What is said of an answer in which the rule finds nothing."""
    if rule.json_field is not None and (rule.regex is None or is_object(answer)):
        field = find_field(answer, rule.json_field)
        return field if isinstance(field, Failure) else Failure("unreadable", f"{rule.json_field}: no verdict")
    return Failure("unreadable", f"nothing matches {rule.pattern}")


def find_loosely(answer: str, rule: VerdictRule, k: int) -> VerdictMatch | Failure | None:
    """Where an answer in which nothing is found as it stands says the verdict in another dress.

    An object among words, in another one or not quite of JSON; a tag in other case, typography or spaces, with other
    words for the same in its brackets. Only what each can mean alone is taken.

    Args:
        answer: What the judge said, without its thinking.
        rule: The template's rule.
        k: How many slots the question had.

    Returns:
        The place and what stands there; a failure where what is found contradicts itself, or is no verdict.
    """
    if rule.json_field is not None:
        fields = _fields(answer, rule.json_field)
        if fields:
            return _only(fields, rule, k)
        if _is_all_object(answer):
            return None
    failure: Failure | None = None
    for match in _dressed(answer, rule):
        result = match if isinstance(match, Failure) else meaning_of(match, rule, k)
        if not isinstance(result, Failure):
            return match
        if result.kind == "ambiguous":
            return result
        failure = failure or result
    return failure


def with_dressed(match: VerdictMatch, own: Verdict, answer: str, rule: VerdictRule, k: int) -> VerdictMatch | Failure:
    """A mark that was found as it stands, with those in another dress that stand where another would count.

    Where such a mark says another verdict, it counts if it is plainly the verdict; on the line of the first it makes
    that one ambiguous; elsewhere it is kept as one of the others.

    Args:
        match: The mark.
        own: What it says.
        answer: What the judge said, without its thinking.
        rule: The template's rule.
        k: How many slots the question had.
    """
    if match.in_object or rule.regex is None or rule.has_parts or rule.anchor == "start":
        return match
    before, behind = Span(0, match.marked.start), Span(match.marked.end, len(answer))
    beside = [behind] if rule.match == "last" else [before] if rule.match == "first" else [before, behind]
    if not "".join([answer[start:end] for start, end in beside]).strip(ENDS):
        return match

    def meaning(text: str) -> Verdict | Failure:
        return meaning_of(match._replace(value=text), rule, k)

    *_, plain = undress(answer)
    regex = loosened(rule.regex)[-1]
    others = []
    for each in find_matches(regex, plain.text):
        if isinstance(said := meaning(each.text or ""), Verdict) and said != own:
            span = plain.back(Span(each.start, each.end))
            if any(start <= span.start and span.end <= end for start, end in beside):
                others.append((span, each.text or ""))
    if not others:
        return match
    tag = find_tag(plain.text, rule, regex, lambda text: isinstance(meaning(text), Verdict))
    if isinstance(tag, VerdictMatch) and meaning(tag.value) != own:
        return tag._replace(span=plain.back(_core(plain.text, tag.span)), marked=plain.back(tag.marked))
    on_line = any("\n" not in answer[match.marked.end : span.start] for span, _ in others)
    if isinstance(tag, Failure) and (rule.match == "only" or on_line):
        return tag
    return match._replace(others=(*match.others, *(text for _, text in others)))


def _fields(answer: str, field: str) -> list[VerdictMatch]:
    span = _inside_quotes(answer)
    return field_matches(answer, field) if span is None else list(in_text(answer, span, field))


def _inside_quotes(answer: str) -> Span | None:
    """The inside of an answer that is one text of JSON."""
    text = answer.strip()
    if len(text) < 2 or not (text[0] == text[-1] == '"'):
        return None
    start = answer.index('"') + 1
    return Span(start, start + len(text) - 2)


def _is_all_object(answer: str) -> bool:
    """Whether an answer is an object and nothing else, so that what stands in its texts is no verdict."""
    if is_object(answer) or _inside_quotes(answer):
        return True
    nodes = loose_objects(answer)
    return (
        bool(nodes)
        and not answer[: nodes[0].span.start].strip(" \n`json")
        and not answer[nodes[-1].end :].strip(" \n`")
    )


def _only(matches: Sequence[VerdictMatch], rule: VerdictRule, k: int) -> VerdictMatch | Failure:
    """The one verdict that several fields have."""
    results = [meaning_of(match, rule, k) for match in matches]
    said = list(dict.fromkeys(str(match.value) for match in matches))
    if len(set(results)) > 1:
        return Failure("ambiguous", f"says {', '.join(said)}")
    return matches[-1]


def _dressed(answer: str, rule: VerdictRule) -> Iterator[VerdictMatch | Failure]:
    """What a rule finds in ever less typography, with its place in the answer."""
    for plain in undress(answer):
        if rule.json_field is not None and (fields := field_matches(plain.text, rule.json_field)):
            for match in fields:
                yield match._replace(span=plain.back(match.span), marked=plain.back(match.marked))
        for regex in () if rule.regex is None else loosened(rule.regex):
            tag = find_tag(plain.text, rule, regex)
            if isinstance(tag, VerdictMatch):
                if rule.json_field is not None and is_in_open_object(plain.text, tag.marked):
                    yield _endless(rule)
                    continue
                core = _core(plain.text, tag.span) if not rule.has_parts else tag.span
                yield tag._replace(span=plain.back(core), marked=plain.back(tag.marked))
            elif tag is not None:
                yield tag


def _core(text: str, span: Span) -> Span:
    """A part of a text without the decoration at its ends."""
    inside = text[span.start : span.end]
    start = span.end - len(inside.lstrip(DECORATION))
    return Span(start, start + len(inside.strip(DECORATION))) if inside.strip(DECORATION) else span
