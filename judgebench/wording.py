"""What is wrong with the words of a template: pure functions of the messages as they are sent, the data left out.

Each looks for what is plainly so and lets the rest pass, since a finding that is none costs more than one missed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from judgebench.items import LABELS, Verdict
from judgebench.phrasing import fill_tag, fill_tags
from judgebench.verdicts import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.items import Mode
    from judgebench.verdictrule import VerdictRule

NOUN = r"(?:answer|response|completion|output|candidate|option|assistant|reply|continuation|solution|model)"
GOOD = r"(?:correct|right|better|best|preferred|chosen|gold(?:en)?|human(?:-written)?|true|reference)"
_MOSTLY = r"(?:always|usually|often|mostly|normally|typically|in fact|known to be|most likely|probably)"
BAD = r"(?:incorrect|wrong|worse|worst|rejected|dispreferred|bad|flawed)"
_NAMED = r"(?i:(?:labell?ed|marked|named|called|under|in slot|with (?:the )?(?:label|letter)) )?"
_SUBJECT = (
    rf"(?:\b(?i:{NOUN}) {_NAMED}[(\"']?(?P<label>[A-Z]|\d)[)\"']?"
    rf"|\b(?i:the )(?P<place>(?i:first|second|third|fourth|last))(?i:\ (?P<noun>one|{NOUN}))?)"
)
_CLAIM = re.compile(rf"{_SUBJECT}(?i:\ is (?:{_MOSTLY} )*(?:the )?{GOOD}(?: (?:one|{NOUN}))?)\b")
_DENIAL = re.compile(rf"{_SUBJECT}(?i:\ is (?:{_MOSTLY} )*the {BAD}(?: (?:one|{NOUN}))?)\b")
_LETTER = r"(?:(?<![^\n])|(?<=[.!?,;:] )|(?<=\bthat )|(?<=\band ))(?P<label>[A-Z])"
_BARE = re.compile(rf"{_LETTER}(?i:\ is (?:{_MOSTLY} )*the {GOOD} (?:one|{NOUN}))\b")
_BARE_DENIAL = re.compile(rf"{_LETTER}(?i:\ is (?:{_MOSTLY} )*the {BAD} (?:one|{NOUN}))\b")
_TOLD = re.compile(
    rf"^\W*(?:the )?{GOOD} {NOUN}(?: is)?: *(?:{NOUN} )?\(?(?P<label>(?-i:[A-Z]))\)?[ .]*$",
    re.IGNORECASE | re.MULTILINE,
)
_SORTED = re.compile(
    rf"\b(?:the|these|all|both) (?:\w+ )?{NOUN}s (?:are|appear|come|stand)(?: {_MOSTLY}| already)*"
    r"(?: (?:sorted|ordered|ranked|arranged|listed|shown|given|presented))?"
    r"(?:[ ,:]+(?:here|below|above|in|from|with|the|order|their|by|descending|ascending|quality))*?[ ,:(-]+"
    r"(?:(?:the )?(?:best|worst)(?: one)? (?:first|last)|best to (?:the )?worst|worst to (?:the )?best"
    r"|(?:by|order of) (?:their )?(?:quality|merit|correctness)(?:,? best first|,? from best to worst)?)\b",
    re.IGNORECASE,
)
_PLACED = re.compile(
    rf"\bthe {GOOD} (?:one|{NOUN}) (?:is|stands|comes|appears|is shown|is listed)(?: {_MOSTLY})*(?: shown| listed)? "
    rf"(?:first|second|last|at the top|at the end|in slot [A-Z]|(?:{NOUN} )?[A-Z])\b",
    re.IGNORECASE,
)
BAD = r"(?:incorrect|wrong|worse|worst|rejected|dispreferred|bad|flawed)"
_HYPOTHETICAL = re.compile(
    r"\b(?:if|when(?:ever)?|where(?:ver)?|whether|unless|should|suppose|imagine|says?|means?|for example|for instance"
    r"|e\.g|how|why|not|never|don't|think|believe|decide|because|or|so|claims?|reply|write|answer with)\b|=",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:not|never|no|nor|neither|without|than|instead)\b|n't\b", re.IGNORECASE)
_LEGEND = re.compile(r"[\[\]\"<>=→\d]|(?<!\w)[B-Z](?!\w)|(?<!\w)A(?= ?[:,)-])")
_THEN = re.compile(
    r"[\[→=?]|->|: *\S|\b(?:if|when(?:ever)?|where|unless|otherwise|else|or|then|you|your|reply)\b", re.IGNORECASE
)
_SHAPE = re.compile(r"\b(?:examples?|form(?:at)?|template|as follows|like this|such as)\b", re.IGNORECASE)
_OPENING = re.compile(r"\W*(?:(?:please )?(?:note|remember)(?: that)?|hint|here|below|also)?\W*", re.IGNORECASE)
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
_LISTED = re.compile(r"\b[A-Z](?:, [A-Z])+,? (?:and|or) [A-Z]\b")
_PLACEHOLDER = re.compile(
    r"\{\{?\s?(?:prompt|question|instruction|query|rubric|reference|conversation|(?:response|answer|output|completion)"
    r"(?:_?(?:[ab12]|one|two))?)\s?\}\}?",
    re.IGNORECASE,
)
_OWN = re.compile(r"\b(?:own|yours?|writ\w+|draft|work(?:ed)? out|if|where|when|without|no|any)\b", re.IGNORECASE)
_REFERENCE = re.compile(
    r"\b(?:the|this|given|provided|following) (?:reference (?:answer|output|response|solution))\b|"
    r"\bthe (?:given|provided|attached) (?:scor\w+ )?rubric\b",
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


def gives_away(text: str, rule: VerdictRule, k: int) -> Iterator[Remark]:
    """Sentences that say of one fixed place, and of no other, that the better completion stands there."""
    said = [*_claims(text, rule), *_told(text, rule), *_sorted(text, rule)] if k > 1 else [*_claims(text, rule)]
    said += [match for match in _PLACED.finditer(text) if not _hypothetical(text, match.start())]
    for match in said:
        mend = "say nothing of where the better one stands, or speak of every place alike"
        yield Remark("gives-away", match.group(), f"says '{match.group()}'", mend)


def _claims(text: str, rule: VerdictRule) -> Iterator[re.Match[str]]:
    """The first sentence that praises or blames one place, where the others get no such words."""
    good = [*_CLAIM.finditer(text), *_BARE.finditer(text)]
    bad = [*_DENIAL.finditer(text), *_BARE_DENIAL.finditer(text)]
    praised, blamed = ({_place(match) for match in matches} for matches in (good, bad))
    if len(praised) > 1 or len(blamed) > 1 or praised == blamed:  # a legend of the verdicts
        return
    yield from [match for match in (*good, *bad) if _asserted(match, rule)][:1]


def _place(match: re.Match[str]) -> str:
    places = match.groupdict()
    return places["label"] or (places.get("place") or "").lower()


def _asserted(match: re.Match[str], rule: VerdictRule) -> bool:
    """Whether a claim is made, and not what a verdict would mean."""
    text, bare = match.string, "place" not in match.groupdict()
    if _hypothetical(text, match.start()) or _THEN.search(_rest(match)):
        return False
    before = _sentence(match)
    if bare:
        return not _LEGEND.search(before) and not _HYPOTHETICAL.search(before)
    if match["place"] and (re.search(r"\b(?:rank|order|sort|list|arrang)", before, re.IGNORECASE)):
        return False
    return not (match["place"] and match["noun"] is None and rule.ranking is not None)


def _sentence(match: re.Match[str]) -> str:
    """What stands before the match in its sentence, the number of a list among it."""
    return re.split(r"(?<=[^\W\d][.!?])\s|\n", match.string[: match.start()])[-1]


def _rest(match: re.Match[str]) -> str:
    """What stands after the match in its sentence, a question mark among it."""
    return re.split(r"[.!\n]", match.string[match.end() :])[0]


def _told(text: str, rule: VerdictRule) -> Iterator[re.Match[str]]:
    """A line such as `Correct answer: A`, which is no form or example of a reply."""
    lines = [*_TOLD.finditer(text)]
    if len({line["label"] for line in lines}) == 1:
        for line in lines[:1]:
            as_verdict = rule.regex is not None and rule.regex.search(line.group())
            if not as_verdict and not _SHAPE.search(text[max(0, line.start() - 200) : line.start()]):
                yield line


def _sorted(text: str, rule: VerdictRule) -> Iterator[re.Match[str]]:
    """Sentences that say that the completions stand in the order of their worth."""
    for match in _SORTED.finditer(text):
        known = _OPENING.fullmatch(_sentence(match)) and not _DENIED.search(match.group())
        if known and rule.ranking is None and not _THEN.search(_rest(match)):
            yield match


def _hypothetical(text: str, at: int) -> bool:
    """Whether what stands at this place is said under a condition, denied, or quoted."""
    clause = re.split(r"[.;:!?\n]", text[:at])[-1]
    return _HYPOTHETICAL.search(clause) is not None or clause.count('"') % 2 == 1


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
    if rule.has_parts or rule.scale is not None:
        return
    meaning: dict[str, list[str]] = {}
    for said in rule.texts(labels):
        meaning.setdefault((rule.values or {}).get(said, said), []).append(said)
    for value, texts in meaning.items():
        if not any(re.search(rf"(?<!\w){re.escape(said)}(?!\w)", text, re.IGNORECASE) for said in texts):
            means = "" if value == texts[0] else f" ({'a tie' if value == 'tie' else value})"
            what = f"no message offers '{texts[0]}'{means}, which the rule reads"
            yield Remark("not-offered", "", what, "say what it stands for, or take it out of verdict.values")
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
            yield Remark("not-read", "pattern:", what, r"let the group take every number, as (\d+) does", in_head=True)


def labels_said(k: int) -> str:
    """The labels of k slots in words."""
    return "A and B" if k == 2 else f"A to {LABELS[k - 1]}"


def one_label(text: str, rule: VerdictRule, labels: Sequence[str]) -> Iterator[Remark]:
    """A single verdict as the only example, which invites the judge to give it."""
    if rule.scale is not None or rule.scores is not None or len(labels) < 2:
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
    """Ends of the scale that no message names."""
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


def fixed_number(texts: dict[int, str], mode: Mode) -> Iterator[Remark]:
    """A number of completions in words that is not the number shown.

    Args:
        texts: The messages by the number of completions shown.
        mode: The template's.
    """
    seen = [{match.group(): match for match in _COUNTED.finditer(text)} for text in texts.values()]
    for words in set.intersection(*(set(found) for found in seen)) if seen else ():
        said = seen[0][words]["number"].lower()
        number = 2 if said == "both" else _NUMBERS.get(said) or int(said)
        if set(texts) != {number} and mode != "rating":
            shown = "2" if mode == "pairwise" else "2 to 26"
            mend = "write 'two'" if mode == "pairwise" else "write {{ labels | length }}, or no number"
            yield Remark("fixed-number", words, f"says '{words}', where {shown} are shown", mend)
    for k, text in texts.items():
        for match in _LISTED.finditer(text):
            beyond = [letter for letter in re.findall("[A-Z]", match.group()) if letter not in LABELS[:k]]
            if beyond and len(texts) > 1:
                what = f"says '{match.group()}', where {labels_said(k)} are shown"
                yield Remark("fixed-number", match.group(), what, "write {{ labels | join(', ') }}")
                return


def placeholders(text: str) -> Iterator[Remark]:
    """Braces of another template language, which are sent as they are."""
    for words in dict.fromkeys(match.group() for match in _PLACEHOLDER.finditer(text)):
        yield Remark("placeholder", words, f"'{words}' is sent as it is", "write {{ name }} with a name that is known")


def speaks_of_reference(text: str) -> Iterator[Remark]:
    """A reference or a given rubric that is spoken of; for templates that show none."""
    for match in _REFERENCE.finditer(text):
        sentence = re.split(r"[.!?\n]", text[: match.start()])[-1] + re.split(r"[.!?\n]", text[match.start() :])[0]
        if not _OWN.search(sentence):
            name = "rubric" if "rubric" in match.group().lower() else "reference"
            what = f"speaks of '{match.group()}', and no message shows one"
            mend = f"show it: {{% if {name} %}}{{{{ {name} }}}}{{% endif %}}"
            yield Remark("unused", match.group(), what, mend)
            return
