"""The follow-up turn after a reply that cannot be read: what is said, and to which failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.items import LABELS, Failure
from judgebench.verdicts import checklist_like, criteria_like, fill_tag, scores_like, tag_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.items import Verdict
    from judgebench.verdicts import VerdictRule

MENDABLE = frozenset({"unreadable", "ambiguous"})
"""Failures of the form of a reply: the model said something, and may say it again so that it can be read."""


def can_be_mended(result: Verdict | Failure) -> bool:
    """Whether a follow-up turn can help."""
    return isinstance(result, Failure) and result.kind in MENDABLE


def follow_up(
    rule: VerdictRule, messages: Sequence[Mapping[str, str]], reply: str, slots: int, *, structured: bool = False
) -> list[Mapping[str, str]]:
    """The messages of the follow-up turn: the question, the reply, and a request for the verdict alone.

    Every verdict that there is is named, so that none is suggested.

    Args:
        rule: By which the reply was read.
        messages: The question as it was sent.
        reply: The reply that could not be read.
        slots: How many completions were shown.
        structured: Whether a JSON schema for the reply goes out with the question.
    """
    said = (
        "No verdict could be read in your reply. Do not judge anew: give the verdict that you came to once more, and "
        f"nothing else, in exactly this form: {wanted(rule, slots, structured=structured)}"
    )
    return [*messages, {"role": "assistant", "content": reply}, {"role": "user", "content": said}]


def wanted(rule: VerdictRule, slots: int, *, structured: bool = False) -> str:
    """The forms that a verdict may take, in words.

    Args:
        rule: The template's.
        slots: How many completions were shown.
        structured: Ask for the object that a schema describes, also where the rule knows a tag, and its example one.
    """
    has_tag = rule.regex is not None and rule.regex.search(rule.example or "") is not None
    as_object = rule.json_field is not None and (structured or not has_tag)
    if rule.has_parts:
        return _of_parts(rule, slots, as_object=as_object)
    if rule.scale is not None:
        low, high = (f"{bound:g}" for bound in rule.scale)
        texts = [f"(a number from {low} to {high})"]
    elif rule.steps:
        texts = ["(the number of the first wrong step, counted from 0, or -1 if none is wrong)"]
    else:
        # Of texts that differ in case alone, and mean the same, the first is enough.
        meant = {(text.lower(), (rule.values or {}).get(text)): text for text in reversed(rule.texts(LABELS[:slots]))}
        texts = list(reversed(meant.values()))
    if as_object:
        return f'a JSON object with "reasoning" and "{rule.json_field}", which is {" or ".join(texts)}'
    return " or ".join(fill_tag(rule, text) for text in texts)


def _of_parts(rule: VerdictRule, slots: int, *, as_object: bool) -> str:
    """The same of a verdict of several parts, with words in the place of what the judge is to say."""
    labels = LABELS[:slots]
    low, high = (f"{bound:g}" for bound in rule.scores or rule.scale or (0.0, 0.0))
    number = f"(a number from {low} to {high})"
    if rule.of is not None:
        values = f"({' or '.join(rule.of.values)})"
        ids = ["(id of a criterion)"] if rule.asked is None else [each.id for each in rule.asked]
        form = checklist_like(rule, dict.fromkeys(ids, values))
    elif rule.ranking is not None:
        of = f"{', '.join(labels[:-1])} and {labels[-1]}"
        ties = ", with = between two that are equally good" if rule.ranking == "ties" else ""
        form = f"(the letters {of}, each once, the best first, with > between them{ties})"
    elif rule.scores is not None:
        form = scores_like(tag_text(rule), [number] * slots)
    else:
        form = criteria_like(tag_text(rule), list(rule.criteria or ()), lambda _: number)
    if as_object:
        held = form if rule.ranking or rule.of else f"{number} for each of {', '.join(rule.criteria or labels)}"
        return f'a JSON object with "reasoning" and "{rule.json_field}", which holds {held}'
    return fill_tag(rule, form)
