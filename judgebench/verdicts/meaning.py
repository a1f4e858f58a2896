"""What stands at a verdict's place, as a verdict. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from judgebench.items import LABELS, NO_STEP, TIE, Failure, StepIndex, Verdict
from judgebench.verdicts.checklist import of_one, read_checklist
from judgebench.verdicts.parts import as_text, read_criteria, read_ranking, read_slot_scores
from judgebench.verdicts.undress import undress

if TYPE_CHECKING:
    from judgebench.verdicts.marks import VerdictMatch
    from judgebench.verdicts.rule import VerdictRule

_DECORATION = " \t\r\n*_`\"'\u201c\u201d\u2018\u2019()[]{}.,;:!"
_NOUN = re.compile(
    r"(?:the\s+)?(?:answer|response|assistant|output|option|completion|candidate|choice|model|rating|score|verdict|result|winner)"
    r"(?:\s+(?:is|of))?[\s:#=*_-]+",
    re.IGNORECASE,
)
_WINS = re.compile(
    r"\s+(?:wins|won|(?:is|was)(?:\s+(?:the|clearly|slightly|somewhat|significantly|much|far|overall|clear))*"
    r"\s+(?:better|best|winner|superior|stronger|strongest|preferred|preferable))"
    r"(?:\s+(?:one|answer|response|assistant|output|option|completion|candidate|choice|model))?(?P<other>\s+(?:than|over|to)\s.+)?[\s.!]*\Z",
    re.IGNORECASE,
)
"""Words behind a slot that say no more than that it is chosen; `other`, what it is better than."""
_LETTERS = {label: label for label in LABELS}
_TIES = frozenset({"tie", "tied", "atie", "it'satie", "draw", "adraw", "equal", "equallygood", "a=b"})
_NUMBER = re.compile(
    r"(?P<number>[-+]?\d+(?:[.,]\d{1,2})?)(?:\s*(?:/|out\s+of|of)\s*(?P<top>\d+(?:\.\d+)?))?(?:\s+(?:points?|stars?))?",
    re.IGNORECASE,
)

_MINUS = re.compile("[\u2010-\u2015\u2212\ufe63\uff0d]")
_TEX = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\{([^{}]*)\}?")

_DECIMAL = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)")
"""A number in digits: neither `1e1` nor `inf`, which no rule asks for."""


def meaning_of(match: VerdictMatch, rule: VerdictRule, k: int) -> Verdict | Failure:
    """What stands at the verdict's place, as a verdict.

    Args:
        match: The place, and what stands there.
        rule: By which it was found.
        k: How many slots the question had; 1 where a single completion was shown.
    """
    result = _meaning(match, rule, k)
    return of_one(str(result.value), rule) if rule.reads_each and isinstance(result, Verdict) else result


def _meaning(match: VerdictMatch, rule: VerdictRule, k: int) -> Verdict | Failure:
    if not match.in_object:
        return _meaning_of_text(str(match.value), rule, k)
    result = _meaning_of_field(match.value, rule, k)
    return match.otherwise if isinstance(result, Failure) and match.otherwise is not None else result


def _meaning_of_text(text: str, rule: VerdictRule, k: int) -> Verdict | Failure:
    if rule.has_parts:
        result = _parts(text, rule, k)
        if isinstance(result, Failure) and result.kind == "unreadable":
            *_, plain = undress(text.upper() if rule.ranking is not None else text)
            dressed = _parts(plain.text, rule, k)
            return result if isinstance(dressed, Failure) else dressed
        return result
    if rule.scale is not None:
        return _rating(text, rule.scale)
    if rule.steps:
        return _step(text)
    value = _choice(text, rule) or _winner(text, rule, k)
    if value is None:
        known = ", ".join(rule.values) if rule.values is not None else f"the {k} slots"
        return Failure("unreadable", f"'{shortened(text)}' is not one of {known}")
    if rule.is_label or value == TIE or (len(value) == 1 and value in LABELS[:k]):
        return Verdict(value)
    return Failure("unreadable", f"'{shortened(value)}' is not one of the {k} slots")


def _of_criterion(value: Any, rule: VerdictRule) -> Verdict | Failure:
    """What is said of one criterion."""
    return _meaning_of_text(value, rule, 1) if isinstance(value, str) else Failure("unreadable", "is no text")


def _parts(text: str, rule: VerdictRule, k: int) -> Verdict | Failure:
    if rule.reads_all:
        return read_checklist(text, rule, _of_criterion)
    if rule.ranking is not None:
        return read_ranking(text, LABELS[:k], ties=rule.ranking == "ties")
    if rule.scores is not None:
        return read_slot_scores(text, LABELS[:k], rule.scores)
    assert rule.criteria is not None
    assert rule.scale is not None  # the front matter has seen to it
    return read_criteria(text, rule.criteria, rule.scale)


def _choice(text: str, rule: VerdictRule) -> str | None:
    """The slot or tie that a text means: one of the rule's own texts, else the only one that it is in other dress."""
    own = _LETTERS if rule.values is None else rule.values
    if text in own:
        return own[text]
    *_, bare = undress(text)
    for form in (text, _without_noun(text), bare.text):
        meant = {value for key, value in own.items() if _plain(key) == _plain(form)}
        if len(meant) == 1:
            return meant.pop()
    if rule.can_tie and _plain(text) in _TIES:
        return TIE
    return None


def _winner(text: str, rule: VerdictRule, k: int) -> str | None:
    """The slot that a text says is better: `A wins`, `Answer A is better than B`."""
    *_, bare = undress(text)
    wins = _WINS.search(bare.text)
    if wins is None or (wins["other"] is not None and k > 2):  # better than one of several is not the best
        return None
    value = _choice(bare.text[: wins.start()], rule)
    return None if value == TIE else value


def _without_noun(text: str) -> str:
    text = text.strip(_DECORATION)
    noun = _NOUN.match(text)
    return text[noun.end() :] if noun else text


def _plain(text: str) -> str:
    """A text without case, spaces and decoration."""
    return "".join(text.split()).casefold().strip(_DECORATION).replace("*", "").replace("`", "")


def _meaning_of_field(value: Any, rule: VerdictRule, k: int) -> Verdict | Failure:
    assert rule.json_field is not None
    if value is None:
        return Failure("unreadable", f"{rule.json_field}: no value")
    if rule.reads_all:
        result = read_checklist(value, rule, _of_criterion)
        return Failure(result.kind, f"{rule.json_field}: {result.detail}") if isinstance(result, Failure) else result
    if rule.has_parts:
        if rule.scores is not None and isinstance(value, dict):  # scores may stand under the slots' letters
            value = [value.get(label) for label in LABELS[:k]]
        return _meaning_of_text(as_text(value), rule, k)
    if isinstance(value, bool) and str(value).lower() in (rule.values or {}):
        value = str(value).lower()
    if isinstance(value, bool | dict | list):  # true is no rating
        return Failure("unreadable", f"{rule.json_field}: '{shortened(str(value))}' is no verdict")
    text = f"{Decimal(repr(value)):f}" if isinstance(value, float) else str(value)  # 0.00001 is not 1e-05
    result = _meaning_of_text(text, rule, k)
    return Failure(result.kind, f"{rule.json_field}: {result.detail}") if isinstance(result, Failure) else result


def _rating(text: str, scale: tuple[float, float]) -> Verdict | Failure:
    """A number on the scale: `8`, `8.5`, `8,5`, `8/10` where 10 is the top, `**8**`."""
    match = _NUMBER.fullmatch(_without_noun(text).strip(_DECORATION))
    if match is None:
        *_, bare = undress(text)
        match = _NUMBER.fullmatch(_without_noun(bare.text).strip(_DECORATION))
    if match is None and _DECIMAL.fullmatch(text.strip()) is None:
        return Failure("unreadable", f"'{shortened(text)}' is not a number")
    rating = float(text) if match is None else float(match["number"].replace(",", "."))
    if match is not None and match["top"] is not None and float(match["top"]) != scale[1]:
        return Failure("unreadable", f"{shortened(text)}: the scale ends at {scale[1]:g}")
    if not scale[0] <= rating <= scale[1]:
        return Failure("unreadable", f"{shortened(text)} is outside {scale[0]:g} to {scale[1]:g}")
    return Verdict(rating)


_STEP = re.compile(
    r"(?:(?:the\s+)?(?:step|paragraph|index|number)(?:-|[\s:#=_]*))?(?P<number>-\s?1|\+?\d{1,6})(?:\.0*)?",
    re.IGNORECASE,
)


def _step(text: str) -> Verdict | Failure:
    """The number of a step, or -1: `3`, `**3**`, `step 3`, `paragraph_3`, with any minus sign."""
    *_, bare = undress(text)
    for form in (text, bare.text):
        plain = _MINUS.sub("-", _TEX.sub(r"\1", form)).strip(_DECORATION)
        if match := _STEP.fullmatch(plain):
            return Verdict(StepIndex("".join(match["number"].split())))
    return Failure("unreadable", f"'{shortened(text)}' is neither the number of a step, from 0, nor {NO_STEP}")


def shortened(text: str, limit: int = 120) -> str:
    """The text as one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 3] + "..."
