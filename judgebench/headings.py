"""What is wrong with what stands over the completions of a template: whose label it gives, and what it says of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from judgebench.items import LABELS, Verdict
from judgebench.verdicts import read_text
from judgebench.wording import BAD, GOOD, NOUN, Remark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.verdictrule import VerdictRule

_LABEL = r"(?:[ _-]?[\[(][A-Za-z\d][\])]|[ _-](?-i:[A-Z\d])(?!\w))?"
_INTRODUCED = re.compile(rf"\b(?:(?P<good>{GOOD})|(?P<bad>{BAD}))[ _-](?:one|{NOUN}){_LABEL}[^\w?]*\Z", re.IGNORECASE)
_HEADED = re.compile(
    rf"(?:\A|\n|\ue001|[<\[(])[^\w\n]*(?P<word>{GOOD}|{BAD})(?:[ _-]{NOUN})?{_LABEL}[^\w?\n]*\n?\s*\Z", re.IGNORECASE
)
_CLOSED = re.compile(r"</[^>\n]*>|\[/[^\]\n]*\]|[^\w\n]*\bend of\b[^\n\])>]*[\])>]*", re.IGNORECASE)
_SPOKEN_OF = re.compile(
    r"\b(?:head(?:ing|er|line)s?|labels?|labell?ed|tags?|titles?|marked|brackets?|names?|above)\b", re.IGNORECASE
)
_WORST = re.compile(
    r"\b(?:wors\w+|weak\w+|inferior|los(?:es?|er|ing)|reject\w*|discard\w*|eliminat\w*|least)\b", re.IGNORECASE
)
_FAULTS = re.compile(
    r"\b(?:poor\w*|less|lower|fail\w*|harm\w*|toxic\w*|unsafe|bias\w*|wrong|false|incorrect|mistakes?|errors?|faults?|bad)\b",
    re.IGNORECASE,
)
_BEST = re.compile(r"\b(?:better|best|prefer\w*|winner|wins)\b", re.IGNORECASE)
_SHORT = 60


def introduced(text: str, marks: Sequence[str]) -> Iterator[Remark]:
    """Completions that stand under words which say how good they are: `Chosen:`, `<correct>`, or better and worse ones.

    Args:
        text: The messages with a mark in the place of each completion.
        marks: Those marks, by slot.
    """
    heads: list[tuple[int, str]] = []
    good: list[tuple[int, str]] = []
    bad: list[tuple[int, str]] = []
    sides = re.search(r"\bleft\b", text, re.IGNORECASE) is not None
    for slot, mark in enumerate(marks):
        if mark not in text:
            continue
        before = _before(text, marks, slot)[-_SHORT:]
        if (found := _HEADED.search(before)) and not (sides and found["word"].lower() == "right"):
            heads.append((slot, found["word"]))
        elif found := _INTRODUCED.search(before):
            (good if found["good"] else bad).append((slot, found.group().strip()))
    if not heads and good and bad:
        heads = [*good, *bad]
    alike = len(heads) == len(marks) and len({words.lower() for _, words in heads}) == 1
    if heads and len(marks) > 1 and not alike:
        slot, words = min(heads)
        what = f"shows completions[{slot}] as '{words.rstrip(' :')}'"
        yield Remark("gives-away", words, what, "name each by its label alone: {{ c.label }}")


def _before(text: str, marks: Sequence[str], slot: int) -> str:
    """What stands between a completion and the one shown before it."""
    before = text[: text.find(marks[slot])] if marks[slot] in text else ""
    return before[max((before.rfind(other) + len(other) for other in marks if other in before), default=0) :]


def mislabelled(text: str, marks: Sequence[str], rule: VerdictRule) -> Iterator[Remark]:
    """Completions that stand under the labels of others, be it letters or what the rule takes for them.

    Args:
        text: The messages with a mark in the place of each completion.
        marks: Those marks, by slot.
        rule: The template's.
    """
    slots = list(LABELS[: len(marks)])
    said = {word: value for word, value in (rule.values or {}).items() if value in slots}
    words = [_last_word(_before(text, marks, slot), said) for slot in range(len(marks))]
    meant = [said.get(word, "") for word in words]
    if "" in meant:
        words = [_last_word(_before(text, marks, slot), slots) for slot in range(len(marks))]
        meant = words
    elif _asks_for_the_worst(text):  # then the rule may well read the other
        return
    if sorted(meant) == slots and meant != slots:
        wrong = next(at for at, label in enumerate(meant) if label != slots[at])
        read = words[wrong] not in {meant[wrong], slots[wrong]}
        under = f"'{words[wrong]}', which the rule takes for {meant[wrong]}" if read else meant[wrong]
        mend = "use its own label: {{ c.label }}"
        if words[wrong] == slots[wrong]:
            under = f"'{words[wrong]}', which the rule takes for {meant[wrong]}"
            mend = "mend verdict.values"
        what = f"completions[{wrong}], which is {slots[wrong]}, stands under {under}"
        yield Remark("mislabelled", f"completions[{wrong}]", what, mend)


def _asks_for_the_worst(text: str) -> bool:
    """Whether the judge may be asked for the worse one, or for the one that has a fault."""
    return _WORST.search(text) is not None or (_FAULTS.search(text) is not None and not _BEST.search(text))


def _last_word(before: str, words: Sequence[str] | dict[str, str]) -> str:
    """The one of these words in the last line that has any; none where that line has several."""
    lines = reversed(_CLOSED.sub(" ", before)[-_SHORT:].split("\n"))
    anyone = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    if not anyone:
        return ""
    whole = re.compile(rf"(?<![^\W_])(?<!\d\.)(?:{anyone})(?![^\W_])(?!\.\d)")
    found = next((each for line in lines if (each := set(whole.findall(line)))), set())
    return found.pop() if len(found) == 1 else ""


def without_headings(text: str, marks: Sequence[str], rule: VerdictRule) -> str:
    """The text less the lines over the completions, where each of them has the form of another verdict.

    Only then, since a line over the first alone may well be the question; and not where the words speak of headings.
    """
    if rule.regex is None or rule.has_parts or rule.scale is not None or _SPOKEN_OF.search(text):
        return text
    lines = [_heading(text, mark) for mark in marks]
    read = [_one_verdict(line, rule, len(marks)) for line in lines]
    if "" in read or len(set(read)) < len(marks):
        return text
    for line, mark in zip(lines, marks, strict=True):
        at = text.rfind(line, 0, text.find(mark))
        text = text[:at] + text[at + len(line) :]
    return "\n".join(_CLOSED.sub(" ", line) for line in text.split("\n"))


def _heading(text: str, mark: str) -> str:
    """What stands on a completion's line before it, else the short line above."""
    before = text[: text.find(mark)].rpartition("\ue001")[2] if mark in text else ""
    line = before.rstrip().rpartition("\n")[2].strip()
    return line if len(line) <= _SHORT else ""


def _one_verdict(line: str, rule: VerdictRule, k: int) -> str:
    """The slot that a line says in the form of the rule, if it says just one."""
    assert rule.regex is not None
    said = {match.group(1) for match in rule.regex.finditer(line)}
    verdict = read_text(line, rule, k) if len(said) == 1 else None
    return str(verdict.value) if isinstance(verdict, Verdict) else ""
