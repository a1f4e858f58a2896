"""What an offline judge is told beside the messages: it words its answer by the template's rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgebench.errors import ConfigError
from judgebench.items import Criterion
from judgebench.verdicts import VerdictRule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.items import Item
    from judgebench.templates.template import Template

_OF_RULE = ("example", "pattern", "json", "values", "scale")
_OF_PARTS = ("ranking", "criteria", "scores", "positive", "steps")


def hint_for(template: Template, item: Item, order: Sequence[int]) -> dict[str, Any]:
    """What an offline judge is told: the length of each completion in the order shown, and how a verdict is worded.

    Raises:
        ConfigError: The template has no example to word an answer by.
    """
    rule = template.rule
    if rule.example is None or (rule.regex is None and rule.json_field is None):
        raise ConfigError(f"{template.where}: offline judges need verdict.example, which is missing")
    shown = order if rule.of is None else range(len(item.completions))
    hint: dict[str, Any] = {
        "lengths": [sum(len(turn.text) for turn in item.completions[index].turns) for index in shown],
        "example": rule.example,
        "pattern": rule.pattern,
        "json": rule.json_field,
        "values": rule.values,
        "scale": rule.scale,
    }
    if rule.has_parts:  # left out elsewhere, as the hint is a part of the cache's key
        hint |= {"ranking": rule.ranking, "criteria": rule.criteria and list(rule.criteria), "scores": rule.scores}
    if rule.of is not None:
        asked = template.rule_for(item, order).asked or ()
        hint |= {"of": dict(rule.of.values), "asked": [each.id for each in asked]}
    if rule.is_label:
        hint |= {"positive": rule.positive}
    if rule.steps:
        hint |= {"steps": True, "lengths": [len(step) for step in item.steps]}
    return hint


def rule_of(hint: Mapping[str, Any]) -> VerdictRule:
    """The rule that a hint was made of, as far as it words a verdict: criteria have lost their weights."""
    criteria, of = hint.get("criteria"), hint.get("of")
    told = {name: hint[name] for name in (*_OF_RULE, *_OF_PARTS) if name in hint}
    told |= {"criteria": criteria and dict.fromkeys(criteria, 1.0), "of": of and {"values": of}}
    rule = VerdictRule.model_validate(told)
    return rule if of is None else rule.about(tuple(Criterion(each, "") for each in hint["asked"]))
