"""Where a rule's pattern finds verdicts in an answer, and which of them counts. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from judgebench.items import Failure
from judgebench.verdicts.patterns import TIMEOUT, EndlessPatternError, LatePattern, find_matches
from judgebench.verdicts.rule import After, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgebench.verdicts.patterns import Match
    from judgebench.verdicts.rule import VerdictRule

DECORATION = " \t\r\n*_`~\"'\u201c\u201d\u2018\u2019()[]{}<>\u00ad\u200b\u200c\u200d\u2060\ufeff"
ENDS = f"{DECORATION}.,;:!"
_CLAUSE = LatePattern(r"(?<=[.!?;])[\s*_`\"')\]]+")
_TAGS = LatePattern(r"</?[A-Za-z][^<>\n]*>")
_CONCLUDES = LatePattern(
    r"\b(?:verdict|decision|decide|ratings?|rate|scores?|choice|choose|chosen|pick|select|prefer|winner|judge?ment|result"
    r"|finally?|therefore|thus|so|hence|overall|conclude|conclusion|ultimately|give|award|assign|earns?|deserves?|merits?"
    r"|gets?|revised?|reflection|corrected|updated|total|combined|average|mean)\b|\banswer(?=\W*\Z)"
    r"|(?P<sign>[:=>\u2192\u2013\u2014-]|\b(?:is|be|go with|then|now))\W*\Z",
    re.IGNORECASE,
)
"""What a clause holds that leads up to a verdict; `sign`, where it is no word of a verdict."""
_SUPPOSES = LatePattern(
    r"\b(?:if|when|unless|would|could|might|may|means?|stands for|reserved|kept|perfect|maximum|max|minimum|highest"
    r"|lowest|top|best possible|scale|for example|e\.g|formats?|forms?|either|or|nor|not|never|instead|rather|than"
    r"|versus|vs|up to|out of|cites?|cited|source|sources|reference|references|see|according to|says)\b|n't\b"
    r"|\b(?:confidence|certainty)\W*\Z",
    re.IGNORECASE,
)
"""What a clause holds that only speaks of a verdict: a legend, the scale, a citation, another choice."""
_OUT_OF = LatePattern(
    r"[\s*_`\"')\](]*(?:/|out of\b|of\b)(?:\s+the\b)?[\s*_`\"'(\[]*(?P<top>\d+(?:[.,]\d+)?)", re.IGNORECASE
)
_WORD = LatePattern(r"[ \t]+\w")
_GOES_ON = LatePattern(r"[.,]\d{1,2}(?!\d)")
_UNFINISHED = LatePattern(
    r"[\s*_`\"')\],;(]*(?:\b(?:or|to|up to|through|vs|versus|and|minus|plus|maybe|perhaps|possibly"
    r"|(?:could|might|may) be)\b|[-\u2013\u2014~])(?:[\s*_`\"'(\[]*\d| a half)|\s*[<>\u2264\u2265]\s*\w"
    r"|\s+(?:if|for|when)\b[^.\n]*[,;]\s*\d+\s+(?:if|for|when)\b"
    r"|\d|[.,_]\d|e[-+]?\d|\.\.|\s?[%\u00bc-\u00be\u2153-\u215e]|(?:st|nd|rd|th)\b"
    r"|[^\w\n(./]+(?:[^\W\d]{1,4}[^\S\n]*)?\d+(?:[.,/]\d+)?[^\w\n]*(?=\n|\Z)",
    re.IGNORECASE,
)
"""How a bare number goes on that is none by itself: `3-4`, `3, maybe 4`, `3%`, `3rd`, `3 4` at the line's end."""
_AND_ANOTHER = LatePattern(
    r"[\s*_`\"')\]]*(?:\bor\b|\bto\b|\band\b|\bthrough\b|\bvs\b|[-\u2013\u2014~])[\s*_`\"'(]*\[\[?[\s*_`]*\d"
    r"|\s?[%\u00bc-\u00be\u2153-\u215e]|[.,]?\d",
    re.IGNORECASE,
)
"""How a number in brackets goes on that is none by itself."""
_SPOKEN_OF = LatePattern(
    r"\b(?:not|never|neither|nor)[^\w,;]*\Z|n't[^\w,;]*\Z|\bno[ \t*_`\"'(\[]*\Z"
    r"|\b(?:reject(?:s|ed|ing)?|dismiss|exclude|rules? out|anything but|except|unlike|instead of|rather than"
    r"|for example|e\.g|such as|format(?:ted)?|in the form(?: of)?"
    r"|(?:formatted|written|looks?|something) (?:like|as))\W*\Z"
    r"|\b(?:anyone|whoever|those|some|someone|others|people) (?:who )?"
    r"(?:may |might |could |would )?(?:say|pick|prefer|choose|argue|vote)s?\b[^.;:]*\Z"
    r"|(?:\bnot|n't) (?:think|believe|say|agree|sure|clear|convinced)\b[^.,;:]*\Z"
    r"|\b(?:whether|doubt)\b[^.,;:]*\Z|\bif\W*\Z|\bwrong to (?:say|think|claim|choose|pick)\b[^.,;:]*\Z"
    r"|\b(?:second|third|fourth|next)(?:[ -](?:choice|place|best))?\W*\Z"
    r"|\b(?:loser|worse|worst|weaker|weakest|runner-?up|rejected)"
    r"(?: (?:one|answer|response|assistant|output|choice|option))?(?: is)?\W*\Z"
    r"|\b(?:answer|response|assistant|output|candidate|completion|chatbot) ?\(?[A-Za-z0-9]?\)?[^.;:]{0,40}?\b"
    r"(?:cit|contain|quot|writ|wrot|sa(?:ys|id)|includ|mention|print|ask|tell|claim|instruct|hold|held|tri|try|attempt"
    r"|demand|beg|plead)\w*\b"
    r"(?:[^.;:]{0,30}\b(?:text|words?|string|mark|link|phrase|line|tag|judge|sentence|injection|instruction)\b)?"
    r"(?:\W*|[^.;:\"'\u2018\u201c`]{0,30}[\"'\u2018\u201c`][^\"'\u201d`]{0,60})\Z",
    re.IGNORECASE,
)
"""The end of a clause that denies the choice behind it, gives it to the other answer, or quotes it from an answer."""
_TAKEN_BACK = LatePattern(
    r"[*_`\"')\]]*(?:\s*\?|\s+(?:(?:is|was|are|seems|looks|comes?) (?:\w+ ){0,2}?(?:worse|worst|wrong|incorrect|weaker"
    r"|weakest|inferior|last|second|runner-?up|(?:the )?loser|rejected|not(?! (?:only|just|merely)))|loses|lost)\b)",
    re.IGNORECASE,
)
"""How a sentence goes on behind a mark that it speaks of, and does not choose."""
_ITEM = LatePattern(r"[ \t]*(?:[-+*\u2022|>]|#{1,6}|(?:\d{1,2}|[A-Za-z])[.)])[ \t]")
_ARTICLE = LatePattern(
    r"[ \t]+(?:good|clear|better|close|strong|narrow|slight|fair|toss|bit|mix|combination|blend|single|few|little|great"
    r"|very|much|difficult|tough|response|answer|win|tie|draw|decision|verdict)\b"
)
"""What makes an `A` in front of it a word of a sentence."""


class VerdictMatch(NamedTuple):
    """What a rule finds in an answer, before it is known what that means.

    Attributes:
        value: What stands there: the text of the pattern's group, or the value of the object's field.
        span: Where the verdict stands: the group, or the field's value, a text without its quotes.
        marked: The same with what marks it as the verdict: the whole match, or the field with its name.
        in_object: Whether it is a field of an object.
        otherwise: What the answer says where the value turns out to be no verdict; None: what is wrong with the value.
        others: What stands in the other places that the rule finds, in their order.
    """

    value: Any
    span: Span
    marked: Span
    in_object: bool = False
    otherwise: Failure | None = None
    others: tuple[Any, ...] = ()


def find_tag(
    answer: str,
    rule: VerdictRule,
    regex: re.Pattern[str] | None = None,
    says: Callable[[str], bool] | None = None,
) -> VerdictMatch | Failure | None:
    """Where the pattern finds the verdict that counts; None where there is no match, or no pattern.

    Args:
        answer: What the judge said, without its thinking.
        rule: The template's rule.
        regex: A pattern in place of the rule's own.
        says: Whether what a match caught is a verdict; other matches are passed over. Without, all count.

    Returns:
        The place and what stands there; a failure where several contradict each other, or where it is not said which
        one is meant.
    """
    regex = regex or rule.regex
    if regex is None:
        return None
    try:
        every = find_matches(regex, answer)
    except EndlessPatternError:
        return Failure(
            "unreadable", f"the search for {regex.pattern} was stopped after {TIMEOUT:g} s: see `templates lint`"
        )
    found = _anchored(every, answer, rule)
    if says is not None:
        found = [match for match in found if match.text is not None and says(match.text)]
    if not found:
        return None
    caught = [match for match in found if match.group_start >= 0]
    if rule.match == "only" and len(texts := dict.fromkeys(str(match.text) for match in found)) > 1:
        return Failure("ambiguous", f"says {', '.join(texts)}")
    match = found[0 if rule.match == "first" or rule.anchor == "start" else -1]
    if match.text is None:
        return Failure("unreadable", f"{regex.pattern} matched without its group")
    if rule.numbers is not None:
        numbers = _as_numbers(caught, answer, rule.numbers)
        if isinstance(numbers, Failure):
            return numbers
        caught = numbers
    elif not rule.has_parts and (undecided := _undecided(match, caught, answer, rule)) is not None:
        return undecided
    match = caught[0 if rule.match == "first" or rule.anchor == "start" else -1]
    if rule.is_on_a_line and (unclear := _unclear(caught, answer, rule)) is not None:
        return unclear
    others = tuple([each.text for each in caught if each is not match]) if len(caught) > 1 else ()
    return VerdictMatch(match.text, Span(*match[3:]), _marked(match, answer, rule), others=others)


def _marked(match: Match, answer: str, rule: VerdictRule) -> Span:
    """The match, with the words that it stands after."""
    if not isinstance(rule.anchor, After):
        return Span(match.start, match.end)
    at = answer.casefold().rfind(rule.anchor.after.casefold(), 0, match.group_start)
    return Span(min(at, match.start) if at >= 0 else match.start, match.end)


def _anchored(matches: list[Match], answer: str, rule: VerdictRule) -> list[Match]:
    """The matches that stand where the rule wants them."""
    if rule.anchor == "start":
        return [match for match in matches[:1] if _is_first_line(match, answer)]
    if isinstance(rule.anchor, After):
        words = re.compile(re.escape(rule.anchor.after), re.IGNORECASE)
        ends = [found.end() for found in words.finditer(answer)]
        return [match for match in matches if any(_is_right_after(end, match, answer) for end in ends)]
    return matches


def _is_first_line(match: Match, answer: str) -> bool:
    """Whether nothing stands before a match, and nothing else on its line."""
    rest = answer[match.end :].partition("\n")[0]
    if found := _OUT_OF.regex.match(rest):
        rest = rest[found.end() :]
    return not answer[: match.start].strip(DECORATION) and not rest.strip(ENDS)


def _is_right_after(end: int, match: Match, answer: str) -> bool:
    if match.start <= end <= match.group_start:
        return not answer[end : match.group_start].strip(ENDS)
    return end <= match.start and not answer[end : match.start].strip(ENDS)


def _as_numbers(matches: Sequence[Match], answer: str, scale: tuple[float, float]) -> list[Match] | Failure:
    """Ratings as they go on behind the pattern's match: `4,5` is one number, in `8/10` the top of the scale is none."""
    whole: list[Match] = []
    failure, end = None, -1
    for match in matches:
        if match.start < end:
            continue
        failure = None
        text, stop = str(match.text), match.group_end
        if match.end == match.group_end and (more := _GOES_ON.regex.match(answer, stop)):
            text, stop = text + more.group(), more.end()
        end = max(match.end, stop)
        if (out_of := _OUT_OF.regex.match(answer, end)) is not None:
            end = out_of.end()
            if float(out_of["top"].replace(",", ".")) != scale[1]:
                failure = Failure("unreadable", f"{text} is out of {out_of['top']}, and the scale ends at {scale[1]:g}")
        elif (
            rest := (_UNFINISHED if match.end == match.group_end else _AND_ANOTHER).regex.match(answer, end)
        ) is not None:
            failure = Failure("unreadable", f"undecided: '{' '.join((text + rest.group()).split())}'")
        whole.append(match._replace(text=text, group_end=stop, end=end))
    return failure or whole


def number_goes_on(text: str, end: int, top: float) -> str | None:
    """Why a number that ends at a place is none by itself; None where it is, or the scale's top follows."""
    if (out_of := _OUT_OF.regex.match(text, end)) is not None:
        other = float(out_of["top"].replace(",", ".")) != top
        return f"out of {out_of['top']}, and the scale ends at {top:g}" if other else None
    rest = _UNFINISHED.regex.match(text, end)
    return None if rest is None else f"undecided: '{' '.join(text[max(0, end - 3) : rest.end()].split())}'"


def _undecided(match: Match, every: Sequence[Match], answer: str, rule: VerdictRule) -> Failure | None:
    """A choice that goes on with another one: `A or B`, `"A" or "B"`, `a tie`."""
    if match.end == len(answer):
        return None
    text = str(match.text)
    closed = match.end != match.group_end
    rest = _other_choice(rule.choices, closed)
    found = rest.match(answer, match.end)
    if found and any(
        match.end < each.group_start < found.end() for each in every
    ):  # a mark of its own: the rule chooses
        found = None
    lower = text == "a" and text not in (rule.values or ())
    article = not closed and (lower or text == "A") and (_WORD if lower else _ARTICLE).regex.match(answer, match.end)
    if found is None and not article:
        return None
    said = answer[match.group_start : found.end() if found else match.end + 20].partition("\n")[0]
    return Failure("unreadable", f"undecided: '{' '.join(said.split())}'")


@lru_cache(maxsize=64)
def _other_choice(choices: Sequence[str], closed: bool) -> re.Pattern[str]:
    """How an answer goes on behind a choice with another one; made once: "cached run" of benchmarks/speed.py."""
    short = (each.rpartition(" ")[2] for each in choices)
    texts = "|".join(sorted(map(re.escape, {*choices, *short}), key=len, reverse=True))
    # Behind a closed mark, a bare letter is the begin of a sentence.
    edge = "[*_`\"'(\\[]+" if closed else "[*_`\"'(\\[]*"
    return re.compile(
        rf"[\s*_`\"')\]]*(?:\b(?:or|and|vs)\b\.?|[/&|])\s*{edge}(?:{texts})(?!\w)"
        + ("" if closed else rf"|,\s*(?:{texts})(?=[.\s]*(?:\b(?:or|and)\b|,|\n|\Z))|\s+(?:tie|draw)\b"),
        re.IGNORECASE if all(len(each) > 1 for each in choices) else 0,
    )


def _unclear(matches: Sequence[Match], answer: str, rule: VerdictRule) -> Failure | None:
    """Why the last of several marks is not plainly the verdict, or a number in brackets not plainly a rating."""
    last = matches[-1]
    if len(matches) > 1 and len({_same(match, rule) for match in matches}) > 1:
        line_end = answer.find("\n", last.end)
        alone = not answer[last.end : None if line_end < 0 else line_end].strip(ENDS)
        led_up_to = _is_led_up_to(matches, answer) and not _is_spoken_of(last, answer)
        if alone and led_up_to and not _is_list(matches, answer, rule):
            return None
        return Failure("ambiguous", f"says {', '.join(dict.fromkeys(str(match.text) for match in matches))}")
    if rule.has_parts:
        return None
    if rule.numbers is None:
        spoken = all(_is_spoken_of(match, answer) for match in matches)
        mark = answer[last.start : last.end]
        return Failure("unreadable", f"'{mark}' is mentioned, and not as the verdict") if spoken else None
    if _is_bare(last, answer) and not any(_is_said(each, answer) for each in matches):
        return Failure("unreadable", f"'{answer[last.start : last.end]}' stands in a sentence, and not as the rating")
    return None


def _same(match: Match, rule: VerdictRule) -> str:
    """What a mark says, so that two ways to say it are one."""
    text = str(match.text)
    if rule.values is not None:
        return rule.values.get(text, text.casefold())
    try:
        return f"{float(text.replace(',', '.')):g}" if rule.numbers or rule.scale else "".join(text.split())
    except ValueError:
        return text


def _is_led_up_to(matches: Sequence[Match], answer: str) -> bool:
    """Whether the last mark is no part of what is said of the one before it."""
    last, before = matches[-1], matches[-2]
    line = answer.rfind("\n", 0, last.start) + 1
    start = max(line, before.end)
    lead = answer[start : last.start]
    if start > line and not any(each.isalnum() for each in lead):
        return False
    label = _label(answer, start, last.start)
    if not label and _is_parallel(last, before, answer):
        return False
    earlier = answer.rfind("\n", 0, before.start) + 1
    other = _label(answer, earlier, before.start)
    if label and (_bare(label) == _bare(other) or (_is_a_name(label) and _is_a_name(other, named=True))):
        return False
    if not label and not any(each.isalnum() for each in answer[before.end : last.start]):
        return False
    return _concludes(label)


def _is_parallel(last: Match, before: Match, answer: str) -> bool:
    """Whether two marks stand in items of one list, each behind its sign."""
    starts = [match.group_start for match in (before, last)]
    lines = [answer.rfind("\n", 0, start) + 1 for start in starts]
    items = [_ITEM.regex.match(answer, line, start) for line, start in zip(lines, starts, strict=True)]
    return all(items)


def _is_list(matches: Sequence[Match], answer: str, rule: VerdictRule) -> bool:
    """Whether the last marks are all that there are, each once, on lines or in words of one form."""
    texts = list(dict.fromkeys((rule.values or {}).values()))
    said = [_same(match, rule) for match in matches]
    return len(texts) > 2 and said[-len(texts) :] == texts and "\n" in answer[matches[-2].end : matches[-1].start]


def _is_bare(match: Match, answer: str) -> bool:
    """Whether no word of a match, beside what its group caught, says what it is."""
    around = answer[match.start : match.group_start] + answer[match.group_end : match.end]
    return not any(each.isalpha() for each in around)


def _is_spoken_of(match: Match, answer: str) -> bool:
    """Whether the clause before a bare mark denies it, names the other answer, or quotes what an answer says."""
    line = answer.rfind("\n", 0, match.start) + 1
    if line == match.start and match.end == len(answer):
        return False
    if any(each.isalpha() for each in answer[match.start : match.group_start]):
        return False
    before = _CLAUSE.regex.split(answer[line : match.start])[-1]
    if not _is_bare(match, answer) and before.rstrip().endswith(" nor"):  # LLMBar's own script reads it as a verdict
        return False
    return _SPOKEN_OF.regex.search(before) is not None or _TAKEN_BACK.regex.match(answer, match.end) is not None


def _is_said(match: Match, answer: str) -> bool:
    """Whether a number in brackets is said as a rating: by itself, behind such words, or as the end of the reply."""
    line = answer.rfind("\n", 0, match.start) + 1
    label = _label(answer, line, match.start)
    after = answer[match.end :].partition("\n")[0].lstrip(ENDS)
    if not label:
        return not after or not after[0].islower() or bool(re.match(r"(?:because|since|as|for|it|-)\b", after))
    ends = not answer[match.end :].strip(ENDS)
    return _concludes(label) or (ends and _SUPPOSES.regex.search(label) is None)


def _label(answer: str, start: int, end: int) -> str:
    """The clause that leads up to a place."""
    label = _CLAUSE.regex.split(_TAGS.regex.sub(" ", answer[start:end]))[-1].strip(DECORATION)
    return label if label.strip(ENDS) else ""


def _concludes(label: str) -> bool:
    return not label or (_SUPPOSES.regex.search(label) is None and _CONCLUDES.regex.search(label) is not None)


def _is_a_name(label: str, *, named: bool = False) -> bool:
    """Whether a clause is the name of what stands behind it, as of one criterion among several, and of no verdict.

    Args:
        label: The clause.
        named: Whether it may name a verdict.
    """
    concludes = _CONCLUDES.regex.search(label)
    is_sign = concludes is not None and (named or concludes["sign"] is not None)
    return is_sign and label.rstrip(DECORATION)[-1:] in {":", "="} and len(label.split()) <= 3


def _bare(label: str) -> str:
    """A clause without what stands for a slot in it."""
    return re.sub(r"\b(?:[A-Za-z]|\d+|first|second|third)\b", "", label).casefold().strip(ENDS)


def moved(match: VerdictMatch, by: int) -> VerdictMatch:
    """The same in a text that has so many characters more before it."""
    return match._replace(span=match.span.moved(by), marked=match.marked.moved(by))
