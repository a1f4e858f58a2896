"""What is wrong with the words of a template: pure functions of the messages as they are sent, the data left out.

Each looks for what is plainly so and lets the rest pass, since a finding that is none costs more than one missed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from judgebench.items import LABELS, Verdict
from judgebench.verdicts import fill_tag, fill_tags, read_text, runs_away

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.verdicts import VerdictKind, VerdictRule

NOUN = r"(?:answer|response|completion|output|candidate|option|assistant|reply|continuation|solution|model)"
GOOD = r"(?:correct|right|better|best|preferred|chosen|gold(?:en)?|human(?:-written)?|true|reference)"
BAD = r"(?:incorrect|wrong|worse|worst|rejected|dispreferred|bad|flawed)"
_MOSTLY = r"(?: (?:always|usually|often|mostly|normally|typically|most likely|probably))*"
_ORDERED = r"(?:sorted|ordered|ranked|listed|shown|given|presented)"
_GIVEN_AWAY = re.compile(
    # Answer A is the correct one; the first answer is usually better; answer B is the rejected one
    rf"\b(?:(?:the )?{NOUN} (?P<label>(?-i:[A-Z])|\d)|the (?P<place>first|second|third|fourth|last) {NOUN})"
    rf" is{_MOSTLY} (?:(?:the )?{GOOD}|the {BAD})(?: (?:one|{NOUN}))?\b"
    # the correct answer is listed first
    rf"|\bthe {GOOD} (?:one|{NOUN}) (?:is|stands|comes|appears){_MOSTLY}(?: {_ORDERED})? (?:first|second|last)\b"
    # the answers are sorted by quality, best first; all responses are listed best first
    rf"|\b(?:the|these|all|both) {NOUN}s are{_MOSTLY}(?: already)? {_ORDERED}(?: by quality,?)?(?: from)?"
    r" (?:(?:the )?best first|best to worst|worst to best)\b",
    re.IGNORECASE,
)
# What stands before or after such words in their sentence, and makes a legend, a condition or a denial of them.
_SUPPOSED = re.compile(
    r"\b(?:if|when(?:ever)?|where(?:ver)?|whether|unless|until|should|suppose|say|says?|means?|example|how|why|which|not"
    r"|never|think|assume|believe|decide|because|or|so|rank|list|reply|write|end)\b|[\[\]=>→\"]|n't\b",
    re.IGNORECASE,
)
_THEN = re.compile(r"[\[\]=?>→]|: *\S|\b(?:if|when|where|unless|otherwise|then|you|your|reply)\b", re.IGNORECASE)
_NUMBERS = {
    word: n for n, word in enumerate(("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), 2)
}
_COUNTED = re.compile(
    r"(?:\b(?:the|these|all|compare|comparing|given|see|shown|judge|evaluate|rank|score|following|are|among|by"
    r"|between|of) )(?P<number>both|" + "|".join(_NUMBERS) + r"|\d{1,2}) "
    + r"(?:(?:different|candidate|AI|possible|following) )?"
    + NOUN + r"(?:s|es)?\b",
    re.IGNORECASE,
)  # fmt: skip
_PLACEHOLDER = re.compile(
    r"\{\{?\s?(?:prompt|question|instruction|query|rubric|reference|conversation|(?:response|answer|output|completion)"
    r"(?:_?(?:[ab12]|one|two))?)\s?\}\}?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Remark:
    """What is wrong and how to mend it.

    Attributes:
        kind: A word for the kind of mistake.
        words: Where it stands: a text of the message, as it was sent.
        in_head: It stands in the file's head instead.
    """

    kind: str
    words: str
    what: str
    mend: str
    in_head: bool = False


def gives_away(text: str) -> Iterator[Remark]:
    """Sentences that say of one fixed place, and of no other, that the better completion stands there, or the worse."""
    matches = [*_GIVEN_AWAY.finditer(text)]
    if len({match["label"] or match["place"] for match in matches} - {None}) > 1:  # a legend of the verdicts
        return
    for match in matches[:1]:
        before = re.split(r"(?<=[^\W\d][.!?:])\s|\n", text[: match.start()])[-1]
        after = re.split(r"[.!\n]", text[match.end() :])[0]
        if not _SUPPOSED.search(before) and not _THEN.search(after):
            mend = "do not mention the position of the better answer, or mention all positions equally"
            yield Remark("gives-away", match.group(), f"says '{match.group()}'", mend)


def never_asked(text: str, rule: VerdictRule) -> Iterator[Remark]:
    """A rule that looks for what no message asks for, by the form of its example."""
    if rule.json_field is not None and rule.regex is None:
        if not re.search(rf"(?<!\w){re.escape(rule.json_field)}(?!\w)|\bjson\b", text, re.IGNORECASE):
            what = f"no message asks for an object with '{rule.json_field}', which is all that the rule reads"
            yield Remark("never-asked", "", what, f"name the field '{rule.json_field}' and its values")
        return
    marks = _marks(rule)
    if rule.regex is None or marks is None or rule.regex.search(text):
        return
    plain, squeezed = " ".join(text.lower().split()), "".join(text.lower().split())
    brackets = "square bracket" in plain or "double bracket" in plain
    for mark in marks:
        if mark and "".join(mark.lower().split()) not in squeezed and not (brackets and set(mark) <= set("[] ")):
            what = f"no message asks for '{mark.strip()}', by which the rule finds the verdict"
            yield Remark("never-asked", "", what, "ask for it, or change verdict.pattern")
            return


def _marks(rule: VerdictRule) -> tuple[str, str] | None:
    """What stands around the verdict in the example; None where there is no example."""
    match = _caught(rule)
    if match is None:
        return None
    whole, (start, end) = match.group(), match.span(1)
    return whole[: start - match.start()].strip(), whole[end - match.start() :].strip()


def _caught(rule: VerdictRule) -> re.Match[str] | None:
    if rule.regex is None or rule.example is None:
        return None
    return next((match for match in rule.regex.finditer(rule.example) if match.group(1) is not None), None)


def not_offered(text: str, rule: VerdictRule, labels: Sequence[str]) -> Iterator[Remark]:
    """Verdicts that the rule reads, and of which no message says that there are such."""
    if rule.has_parts or rule.scale is not None or rule.steps:
        return
    meaning: dict[str, list[str]] = {}
    for said in rule.texts(labels):
        meaning.setdefault((rule.values or {}).get(said, said), []).append(said)
    for value, texts in meaning.items():
        if not any(re.search(rf"(?<!\w){re.escape(said)}(?!\w)", text, re.IGNORECASE) for said in texts):
            means = "" if value == texts[0] else f" ({'a tie' if value == 'tie' else value})"
            what = f"no message offers '{texts[0]}'{means}, which the rule reads"
            yield Remark("not-offered", "", what, "explain it, or remove it from verdict.values")
            return


def not_read(text: str, rule: VerdictRule, k: int) -> Iterator[Remark]:
    """Verdicts that a message offers between the rule's own marks, and that the rule does not read."""
    marks = _marks(rule)
    if marks is None or rule.has_parts or not all(marks):
        return
    before, after = marks
    offered: dict[str, str] = {}
    for match in re.finditer(rf"{re.escape(before)}\s?([^\s\[\]<>]{{1,4}}|[AB][<>=]+[AB])\s?{re.escape(after)}", text):
        inner = match.group(1)
        if not re.fullmatch(r"[A-Z]|[AB][<>=]+[AB]|tie|Tie|-?\d+(?:\.\d+)?", inner) or inner in {"N", "X", "Y"}:
            continue
        if not isinstance(read_text(match.group(), rule, k), Verdict):
            offered[match.group()] = inner
    if offered:
        said = ", ".join(f"'{words}'" for words in offered)
        beyond = k > 1 and all(re.fullmatch("[A-Z]", inner) for inner in offered.values())
        shown = f", where {labels_said(k)} may be all" if beyond else ""
        mend = "offer the labels that are shown: {% for label in labels %}" if beyond else "offer what it reads"
        yield Remark("not-read", next(iter(offered)), f"offers {said}, which the rule does not read{shown}", mend)


def runs_away_from(rule: VerdictRule) -> Iterator[Remark]:
    """A pattern that repeats what is itself repeated, so that some replies are never searched to their end."""
    if rule.pattern is None:
        return
    if runs_away(rule.pattern, *(_marks(rule) or ())):
        what = "the search for verdict.pattern may never end: it repeats a part that is itself repeated"
        yield Remark("endless", "pattern:", what, "repeat once, as in a+ in place of (?:a+)+", in_head=True)


def ends_not_read(rule: VerdictRule) -> Iterator[Remark]:
    """Ends of the scale that the rule does not read where the example has its rating."""
    match = _caught(rule)
    if match is None or rule.regex is None or rule.scale is None or rule.has_parts:
        return
    for bound in rule.scale:
        shown = f"{bound:g}" if bound % 1 else f"{bound:.0f}"
        decimals = len(match[1].strip().partition(".")[2])
        forms = (shown, f"{bound:.{decimals}f}", f"{bound:.1f}", f"{bound:.2f}", f"{bound:02g}", f"{bound:+g}")
        if not any(read_text(fill_tags(rule, form), rule, 1) == Verdict(bound) for form in forms):
            words = " ".join(fill_tag(rule, shown).split())
            got = read_text(fill_tags(rule, shown), rule, 1)
            how = f"reads '{words}' as {float(got.value):g}" if isinstance(got, Verdict) else f"does not read '{words}'"
            what = f"the rule {how}, and {shown} is an end of its scale"
            yield Remark("not-read", "pattern:", what, r"let the group match every number, as (\d+) does", in_head=True)


def labels_said(k: int) -> str:
    """The labels of k slots in words."""
    return "A and B" if k == 2 else f"A to {LABELS[k - 1]}"


def one_label(text: str, rule: VerdictRule, labels: Sequence[str]) -> Iterator[Remark]:
    """A single verdict as the only example, which invites the judge to give it."""
    verdicts = rule.texts(labels) if rule.is_label else labels
    if rule.scale is not None or rule.scores is not None or rule.steps or len(verdicts) < 2:
        return
    if rule.regex is not None:
        others = "|".join(re.escape(said) for said in rule.texts(labels))
        follows = re.compile(rf"\W{{0,3}}(?:or|and)?\W{{0,3}}(?:{others})(?!\w)")  # [RESULT] (A or B)
        if any(follows.match(text, match.end()) for match in rule.regex.finditer(text)):
            return
        found = {match.group(1): match.group() for match in rule.regex.finditer(text) if match.group(1)}
    else:
        field = re.escape(rule.json_field or "")
        found = {match[1]: match[0] for match in re.finditer(rf'"{field}"\s*:\s*"([^"]+)"', text)}
        found = {said: words for said, words in found.items() if said in rule.texts(labels)}
    elsewhere = [said for said in rule.texts(labels) if len(said) > 1 and said not in found and said in text]
    if len(found) == 1 and not elsewhere:
        [words] = found.values()
        mend = (
            "name every verdict alike"
            if rule.ranking is None
            else "write the form without letters, as in [[... > ...]]"
        )
        yield Remark("one-label", words, f"shows '{words}' as the only verdict, which invites it", mend)


def bounds_unsaid(text: str, rule: VerdictRule) -> Iterator[Remark]:
    """Ends of the scale that no message names, or the number that says that no step is wrong."""
    if rule.steps and not re.search(r"(?<!\w)[-\u2212]1(?!\d)|\bminus one\b", text):
        what = "the rule reads -1 where no step is wrong, and no message says so"
        yield Remark("scale", "", what, "ask for -1 in that case")
    for bound in rule.scale or rule.scores or ():
        word = {value: name for name, value in {**_NUMBERS, "one": 1, "zero": 0}.items()}.get(int(bound), "")
        named = rf"(?<![\d.]){re.escape(f'{bound:g}')}(?!\d|\.\d)" + (
            rf"|\b{word}\b" if word and bound == int(bound) else ""
        )
        if not re.search(named, text, re.IGNORECASE):
            what = f"the rule reads numbers to {bound:g}, and no message says so"
            if bound == (rule.scale or rule.scores or (0,))[0]:
                what = f"the rule reads numbers from {bound:g}, and no message says so"
            yield Remark("scale", "", what, "name both ends of the scale, or change it")


def fixed_number(texts: dict[int, str], kind: VerdictKind) -> Iterator[Remark]:
    """A number of completions in words that is not the number shown.

    Args:
        texts: The messages by the number of completions shown.
        kind: Of the template's verdicts.
    """
    seen = [{match.group(): match for match in _COUNTED.finditer(text)} for text in texts.values()]
    for words in set.intersection(*(set(found) for found in seen)) if seen else ():
        said = seen[0][words]["number"].lower()
        number = 2 if said == "both" else _NUMBERS.get(said) or int(said)
        if set(texts) != {number} and kind.ordered:
            shown = "2" if kind.slots == 2 else "2 to 26"
            mend = "write 'two'" if kind.slots == 2 else "write {{ labels | length }}, or no number"
            yield Remark("fixed-number", words, f"says '{words}', where {shown} are shown", mend)


def placeholders(text: str) -> Iterator[Remark]:
    """Braces of another template language, which are sent as they are."""
    for words in dict.fromkeys(match.group() for match in _PLACEHOLDER.finditer(text)):
        yield Remark("placeholder", words, f"'{words}' is sent as it is", "write {{ name }} with a name that is known")
