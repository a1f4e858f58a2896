"""Judges that need no network: baselines that choose by length, place or chance.

They go the same way as a real judge. What they are told beside the messages is the hint (`judgebench.templates.hints`);
their answer is the template's own example with their verdict in the place of the example's.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

from judgebench.client.providers.base import Provider
from judgebench.templates import rule_of
from judgebench.verdicts import Reply, fill_example, phrase_choice, phrase_criteria, phrase_label, phrase_rating

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.client.providers.base import Request

_LONG = 5_000
"""Characters of an answer that gets the highest rating from `longest`."""


class OfflineProvider(Provider):
    """The offline judges."""

    async def complete(self, request: Request) -> Reply:
        """The judge's answer, at no cost."""
        name = self.judge.model.removeprefix("offline/")
        text = answer(name, request.messages, request.hint or {})
        return Reply(text=text, finish_reason="stop", served_model=self.judge.model)


def answer(model: str, messages: Sequence[Mapping[str, str]], hint: Mapping[str, Any]) -> str:
    """The reply of the offline judge `longest`, `shortest`, `first` or `random`."""
    rule = rule_of(hint)
    lengths: Sequence[int] = hint["lengths"]
    digest = hashlib.sha256(json.dumps([model, messages]).encode()).digest()
    chance = int.from_bytes(digest[:8], "big")
    if rule.scale is not None:
        return fill_example(rule, phrase_rating(rule, _rating_text(model, lengths[0], chance, rule.scale)))
    if rule.of is not None and rule.reads_all:
        every = {each.id: chance // 7**at for at, each in enumerate(rule.asked or ())}
        names = {each: _class_name(model, lengths[0], by, rule.of.classes.names) for each, by in every.items()}
        return fill_example(rule, phrase_criteria(rule, names))
    if rule.classes is not None:
        return fill_example(rule, phrase_label(rule, _class_name(model, lengths[0], chance, rule.classes.names)))
    if rule.steps:
        return fill_example(rule, str(_step(model, lengths, chance)))
    slots = range(len(lengths))
    slot = {
        "longest": max(slots, key=lengths.__getitem__),
        "shortest": min(slots, key=lengths.__getitem__),
        "first": 0,
        "random": chance % len(lengths),
    }[model]
    by_length = {"longest": lambda at: -lengths[at], "shortest": lengths.__getitem__}
    others = sorted((at for at in slots if at != slot), key=by_length.get(model))
    return fill_example(rule, phrase_choice(rule, [slot, *others]))


def _class_name(model: str, length: int, chance: int, names: Sequence[str]) -> str:
    """One of the classes: `longest` takes the first for a long answer, the last for a short one, others between."""
    share = min(1.0, math.log1p(length) / math.log1p(_LONG))
    last = len(names) - 1
    places = {"longest": round((1 - share) * last), "shortest": round(share * last), "first": 0}
    return names[places.get(model, chance % len(names))]


def _step(model: str, lengths: Sequence[int], chance: int) -> int:
    """The number of a step by its length or its place; `random` may also say that none is wrong."""
    steps = range(len(lengths))
    places = {
        "longest": max(steps, key=lengths.__getitem__),
        "shortest": min(steps, key=lengths.__getitem__),
        "first": 0,
    }
    return places.get(model, chance % (len(lengths) + 1) - 1)


def _rating_text(model: str, length: int, chance: int, scale: tuple[float, float]) -> str:
    """A whole number on the scale, where it holds one; `first` always gives the middle."""
    lowest, highest = scale
    low, high = math.ceil(lowest), math.floor(highest)
    share = min(1.0, math.log1p(length) / math.log1p(_LONG))
    steps = max(high - low, 1)
    place = {"longest": share, "shortest": 1 - share, "first": 0.5, "random": (chance % (steps + 1)) / steps}[model]
    return str(low + round(place * (high - low))) if low <= high else f"{lowest + place * (highest - lowest):g}"
