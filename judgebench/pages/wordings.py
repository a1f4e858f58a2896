"""Messages as what their template says around an item's texts, so that thousands of prompts take the room of one.

A wording is a list of messages, each a role and its parts. A part is text, or names a text of the item or the call:
`["p", turn]` of the prompt, `["s", slot, turn]` of the completion shown in a slot (or one of its steps), `["r"]` the
reference, `["u"]` the rubric, `["e", number]` an earlier answer that got a follow-up turn.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from judgebench.errors import ConfigError
from judgebench.items import Completion, Item, Turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.analysis.show import Showing, ShownCall

Part = str | list[Any]
Wording = list[list[Any]]

_TOKEN = re.compile("\ue000([pseru])((?:,[0-9]+)*)\ue001")
_LEAST = 24
"""Characters of a text that is looked for in a message of which the wording is not known."""


class Wordings:
    """Every wording of a page, each once.

    Attributes:
        table: The wordings, as calls number them.
    """

    def __init__(self) -> None:
        self.table: list[Wording] = []
        self._numbers: dict[str, int] = {}
        self._likely: dict[tuple[Any, ...], int] = {}

    def number(self, showing: Showing, item: Item, call: ShownCall) -> int | None:
        """The number of the wording that makes exactly the messages of a call; None where these are not known.

        Args:
            showing: The call's run.
            item: As it is in the data.
            call: One of its calls.
        """
        if call.messages is None:
            return None
        order = call.judgement.order
        texts = texts_of(item, order, call.earlier)
        shape = (id(showing), tuple(key for key in texts), tuple(turn.role for turn in item.conversation))
        likely = self._likely.get(shape)
        if likely is not None and spelled(self.table[likely], texts) == call.messages:
            return likely
        wording = _by_tokens(showing, item, order, call.earlier)
        if wording is None or spelled(wording, texts) != call.messages:
            wording = [[m["role"], _found(m["content"], texts)] for m in call.messages]
        number = self._numbers.setdefault(json.dumps(wording), len(self.table))
        if number == len(self.table):
            self.table.append(wording)
        self._likely[shape] = number
        return number


def texts_of(item: Item, order: Sequence[int], earlier: Sequence[str]) -> dict[tuple[Any, ...], str]:
    """What a wording's parts may name, and what it stands for."""
    texts: dict[tuple[Any, ...], str] = {("p", at): turn.text for at, turn in enumerate(item.conversation)}
    for slot, index in enumerate(order):
        shown = item.steps or [turn.text for turn in item.completions[index].turns]
        texts |= {("s", slot, at): text for at, text in enumerate(shown)}
    texts |= {(name,): text for name, text in (("r", item.reference), ("u", item.rubric)) if text is not None}
    return texts | {("e", at): answer for at, answer in enumerate(earlier)}


def spelled(wording: Wording, texts: Mapping[tuple[Any, ...], str]) -> list[dict[str, str]]:
    """The messages that a wording makes of texts."""
    return [
        {"role": role, "content": "".join(part if isinstance(part, str) else texts[tuple(part)] for part in parts)}
        for role, parts in wording
    ]


def _by_tokens(showing: Showing, item: Item, order: Sequence[int], earlier: Sequence[str]) -> Wording | None:
    """The wording of an item whose texts are tokens, which stand where the texts would; None where there is none."""
    completions = list(item.completions)
    for slot, index in enumerate(order):
        turns = enumerate(item.completions[index].turns)
        completions[index] = Completion(tuple(Turn(turn.role, _token("s", slot, at)) for at, turn in turns))
    steps = tuple(_token("s", 0, at) for at in range(len(item.steps)))
    if steps:
        completions = [Completion((Turn("assistant", "\n\n".join(steps)),))]
    stand_in = replace(
        item,
        steps=steps,
        conversation=tuple(Turn(turn.role, _token("p", at)) for at, turn in enumerate(item.conversation)),
        completions=tuple(completions),
        reference=None if item.reference is None else _token("r"),
        rubric=None if item.rubric is None else _token("u"),
    )
    try:
        messages = showing.messages(stand_in, order, [_token("e", at) for at in range(len(earlier))])
    except ConfigError:
        return None
    return [[message["role"], _parts(message["content"])] for message in messages]


def _token(kind: str, *numbers: int) -> str:
    return f"\ue000{kind}{''.join(f',{number}' for number in numbers)}\ue001"


def _parts(text: str) -> list[Part]:
    parts: list[Part] = []
    start = 0
    for match in _TOKEN.finditer(text):
        parts += [text[start : match.start()], [match[1], *map(int, match[2].split(",")[1:])]]
        start = match.end()
    return [part for part in [*parts, text[start:]] if part]


def _found(text: str, texts: Mapping[tuple[Any, ...], str]) -> list[Part]:
    """A message with the item's longer texts named where they stand in it, the longest first."""
    parts: list[Part] = [text]
    for key, known in sorted(texts.items(), key=lambda each: -len(each[1])):
        if len(known) < _LEAST:
            break
        split: list[Part] = []
        for part in parts:
            pieces = part.split(known) if isinstance(part, str) else []
            split += [part] if len(pieces) < 2 else [p for piece in pieces for p in (piece, [*key])][:-1]
        parts = [part for part in split if part]
    return parts
