"""How a verdict is phrased: as a template's example says its own, with another verdict in its place. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from judgebench.items import LABELS, Failure
from judgebench.verdicts.checklist import checklist_like
from judgebench.verdicts.finding import find_strictly
from judgebench.verdicts.marks import VerdictMatch, find_tag
from judgebench.verdicts.parts import as_text, criteria_like, ranking_like, read_criteria, scores_like

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.verdicts.rule import VerdictRule


def phrase_choice(rule: VerdictRule, slots: Sequence[int]) -> str:
    """The text of a verdict for a slot: what the rule's group, or its field, holds.

    Args:
        rule: Of mode pairwise or best_of_k.
        slots: All slots of the question, the best first; only a ranking tells more of them than the first.
    """
    labels = [LABELS[slot] for slot in slots]
    if rule.ranking is not None:
        return ranking_like(_example_text(rule), labels)
    if rule.scores is not None:
        low, high = (f"{bound:g}" for bound in rule.scores)
        return scores_like(_example_text(rule), [high if slot == slots[0] else low for slot in range(len(slots))])
    return next((text for text, value in (rule.values or {}).items() if value == labels[0]), labels[0])


def phrase_label(rule: VerdictRule, name: str) -> str:
    """The text of a class: the first one of `values` that means it.

    Args:
        rule: Of mode label.
        name: One of its classes.
    """
    return next(text for text, value in (rule.values or {}).items() if value == name)


def phrase_criteria(rule: VerdictRule, names: Mapping[str, str]) -> str:
    """The verdicts on all criteria of an item: an object of JSON where the rule has a field, else a line for each.

    Args:
        rule: Of mode criteria.
        names: The class of each criterion, by its id.
    """
    return checklist_like(rule, names)


def phrase_rating(rule: VerdictRule, rating: str) -> str:
    """The text of a rating, which each criterion gets where the rule has several.

    Args:
        rule: Of mode rating.
        rating: A number on its scale.
    """
    if rule.criteria is None:
        return rating
    return criteria_like(_example_text(rule), list(rule.criteria), lambda _: rating)


def tag_text(rule: VerdictRule) -> str:
    """What the example's tag holds; without a tag, the example."""
    tag = find_tag(rule.example or "", rule)
    return str(tag.value) if isinstance(tag, VerdictMatch) else rule.example or ""


def fill_tag(rule: VerdictRule, text: str) -> str:
    """The example's tag with another text in it; without a tag, the text."""
    example = rule.example or ""
    tag = find_tag(example, rule)
    if not isinstance(tag, VerdictMatch):
        return text
    return example[tag.marked.start : tag.span.start] + text + example[tag.span.end : tag.marked.end]


def fill_tags(rule: VerdictRule, text: str) -> str:
    """The example with another text in each of its tags, so that the first says the same as the last."""
    example, pieces, end = rule.example or "", [], 0
    for match in () if rule.regex is None else rule.regex.finditer(example):
        if match.start(1) >= end:  # -1 where the group caught nothing
            pieces += [example[end : match.start(1)], text]
            end = match.end(1)
    return "".join((*pieces, example[end:]))


def fill_example(rule: VerdictRule, text: str) -> str:
    """The example with another verdict: an object where the rule has a field, else by its tags.

    Args:
        rule: It has an example.
        text: The verdict's text, as `phrase_choice` or `phrase_rating` gives it.
    """
    if rule.json_field is None:
        return fill_tags(rule, text)
    try:
        parsed = json.loads(rule.example or "")
    except ValueError:
        parsed = None
    rest = parsed if isinstance(parsed, dict) else {"reasoning": rule.example}
    return json.dumps({**rest, rule.json_field: _field_value(rule, text)})


def fill_mark(rule: VerdictRule, text: str) -> str:
    """The example with another verdict and without its reasons: the tag alone, or an object of one field.

    Args:
        rule: It has an example.
        text: The verdict's text, as `phrase_choice` or `phrase_rating` gives it.
    """
    match = find_strictly(rule.example or "", rule)
    if not isinstance(match, VerdictMatch):
        return rule.example or ""
    return json.dumps({rule.json_field: _field_value(rule, text)}) if match.in_object else fill_tag(rule, text).strip()


def _example_text(rule: VerdictRule) -> str:
    """The verdict of the example as text: another of several parts takes its form from it."""
    match = find_strictly(rule.example or "", rule)
    return as_text(match.value) if isinstance(match, VerdictMatch) else rule.example or ""


def _field_value(rule: VerdictRule, text: str) -> Any:
    """A rating or a step as a number, verdicts or ratings of criteria as an object; the rest as text."""
    if rule.reads_all:
        return json.loads(text)
    if rule.steps:
        return int(text)
    if rule.criteria is not None and rule.scale is not None:
        found = read_criteria(text, rule.criteria, rule.scale)
        return text if isinstance(found, Failure) else dict(found.parts)
    return float(text) if rule.scale is not None and not rule.has_parts else text
