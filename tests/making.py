"""Small items, readings, outcomes and templates, made in one line."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import ConfigError
from judgebench.items import Completion, Failure, Item, ItemKey, Outcome, Reading, Turn, Verdict
from judgebench.templates.template import Template, parse_template


def item(prompt: str = "Why is the sky blue?", answers: tuple[str, ...] = ("one", "two"), **more: Any) -> Item:
    """An item of single turns, the first answer correct."""
    settings: dict[str, Any] = {"id": "7", "subset": "s", "num_correct": 1} | more
    completions = tuple(Completion((Turn("assistant", answer),)) for answer in answers)
    settings.setdefault("conversation", (Turn("user", prompt),))
    return Item(completions=completions, **settings)


def key(identifier: str = "7", subset: str = "s", k: int = 2, num_correct: int = 1, **more: Any) -> ItemKey:
    """An item without texts; each completion is 10 characters long unless `lengths` are given."""
    return ItemKey(identifier, subset, k, num_correct, more.pop("lengths", (10,) * k), **more)


def reading(order: tuple[int, ...], said: str | float, sample: int = 0) -> Reading:
    """A reading of a slot's letter, `tie` or a rating; a kind of failure with a leading `!`."""
    failed = isinstance(said, str) and said.startswith("!")
    return Reading(order, sample, Failure(said[1:]) if failed else Verdict(said))


def outcome(
    subset: str, credit: float | None, identifier: str = "7", *, low: float | None = None, high: float | None = None
) -> Outcome:
    """An outcome of a pair; the bounds are the credit itself unless given."""
    return Outcome(key(identifier, subset), credit, credit if low is None else low, credit if high is None else high)


FRONT = """\
---
name: own
mode: pairwise
verdict:
  pattern: '\\[\\[([AB])\\]\\]'
  example: 'The first. [[A]]'
---
"""


def template(body: str, front: str = FRONT, folder: Path = Path()) -> Template:
    """A template of this body, in a folder where it finds others."""
    return parse_template(front + textwrap.dedent(body), "own.jinja", [folder])


def refusal(act, *arguments, **named):
    """The one line of the ConfigError that an act ends in."""
    with pytest.raises(ConfigError) as caught:
        act(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)
