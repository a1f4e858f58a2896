"""What is wrong with what stands over the completions of a template: whose label it gives, and what it says of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from judgebench.items import LABELS
from judgebench.templates.lint.wording import BAD, GOOD, NOUN, Remark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.verdicts import VerdictRule

_LABEL = r"(?:[ _-]?[\[(][A-Za-z\d][\])]|[ _-](?-i:[A-Z\d])(?!\w))?"
_HEADED = re.compile(
    rf"(?:\A|\n|\ue001|[<\[(])[^\w\n]*(?P<word>{GOOD}|{BAD})(?:[ _-]{NOUN})?{_LABEL}[^\w?\n]*\n?\s*\Z", re.IGNORECASE
)
_CLOSED = re.compile(r"</[^>\n]*>|\[/[^\]\n]*\]|[^\w\n]*\bend of\b[^\n\])>]*[\])>]*", re.IGNORECASE)
_BEST = re.compile(r"\b(?:better|best|prefer\w*|winner|wins)\b", re.IGNORECASE)
_WORST = re.compile(r"\b(?:wors\w+|weak\w+|inferior|los(?:es?|er|ing)|reject\w*|eliminat\w*|least)\b", re.IGNORECASE)
_SHORT = 60


def introduced(text: str, marks: Sequence[str]) -> Iterator[Remark]:
    """Completions that stand under words which say how good they are: `Chosen:`, `<correct>`.

    Args:
        text: The messages with a mark in the place of each completion.
        marks: Those marks, by slot.
    """
    sides = re.search(r"\bleft\b", text, re.IGNORECASE) is not None
    heads = {slot: _HEADED.search(_before(text, marks, slot)[-_SHORT:]) for slot in range(len(marks))}
    words = {slot: head["word"] for slot, head in heads.items() if head}
    if sides:
        words = {slot: word for slot, word in words.items() if word.lower() != "right"}
    alike = len(words) == len(marks) and len({word.lower() for word in words.values()}) == 1
    if words and not alike:
        slot = min(words)
        what = f"shows completions[{slot}] as '{words[slot]}'"
        yield Remark("gives-away", words[slot], what, "name each by its label alone: {{ c.label }}")


def numbered(text: str, marks: Sequence[str]) -> Iterator[Remark]:
    """Steps that stand under no number, or under another than verdicts have.

    Args:
        text: The messages with a mark in the place of each step.
        marks: Those marks, by step, two at least.
    """
    heads = [_CLOSED.sub(" ", _before(text, marks, at))[-_SHORT:] for at in range(len(marks))]
    found = [{int(number) for number in re.findall(r"(?<!\d)\d{1,2}(?!\d)", head)} for head in heads]
    if all(at in numbers for at, numbers in enumerate(found)):
        return
    from_one = all(at + 1 in numbers for at, numbers in enumerate(found))
    what = "numbers the steps from 1, and verdicts count from 0" if from_one else "no message numbers the steps from 0"
    yield Remark("mislabelled", "steps", what, "use {{ s.index }}")


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
    elif _WORST.search(text) or not _BEST.search(text):  # asked for the worse one, the rule may well read the other
        return
    if sorted(meant) == slots and meant != slots:
        wrong = next(at for at, label in enumerate(meant) if label != slots[at])
        read = words[wrong] not in {meant[wrong], slots[wrong]}
        under = f"'{words[wrong]}', which the rule takes for {meant[wrong]}" if read else meant[wrong]
        mend = "use its own label: {{ c.label }}"
        if words[wrong] == slots[wrong]:
            under = f"'{words[wrong]}', which the rule takes for {meant[wrong]}"
            mend = "fix verdict.values"
        what = f"completions[{wrong}], which is {slots[wrong]}, is headed {under}"
        yield Remark("mislabelled", f"completions[{wrong}]", what, mend)


def _last_word(before: str, words: Sequence[str] | dict[str, str]) -> str:
    """The one of these words in the last line that has any; none where that line has several."""
    lines = reversed(_CLOSED.sub(" ", before)[-_SHORT:].split("\n"))
    anyone = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    if not anyone:
        return ""
    whole = re.compile(rf"(?<![^\W_])(?<!\d\.)(?:{anyone})(?![^\W_])(?!\.\d)")
    found = next((each for line in lines if (each := set(whole.findall(line)))), set())
    return found.pop() if len(found) == 1 else ""
