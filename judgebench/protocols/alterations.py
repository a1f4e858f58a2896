"""Items altered for a control: the request withheld, an answer beside its padded self, or a rejected one altered.

What is altered depends on the item, the seed and, for a planted verdict, the slot alone. Texts of the data stay data:
they are put beside the planted text as they are, and nothing in them is filled in or rendered.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from judgebench._util.yaml import YamlFile
from judgebench.errors import ConfigError, unknown_name
from judgebench.items import Attack, Completion, Control, Turn
from judgebench.verdicts import fill_mark, phrase_choice, phrase_label, phrase_rating

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from judgebench.items import Classes, Item, ItemKey
    from judgebench.templates import Template
    from judgebench.verdicts import VerdictRule

WITHHELD = "(the request is withheld)"
"""What stands in the place of every turn of the user in a blind run."""

PADDED = "padded"
"""The control that sets an answer against itself with padding."""

CONTROLS, ATTACKS = get_args(Control), get_args(Attack)

_FILE = Path(__file__).with_name("attacks.yaml")
_ANSWER, _VERDICT = "{answer}", "{verdict}"


@dataclass(frozen=True, slots=True)
class Alteration:
    """What is done to every item of a run.

    Attributes:
        kind: `control` or `attack`.
        name: One of `CONTROLS` or `ATTACKS`.
    """

    kind: Literal["control", "attack"]
    name: str

    @property
    def title(self) -> str:
        """What a folder's name ends in: `blind`, `attack-padding`."""
        return self.name if self.kind == "control" else f"attack-{self.name}"

    @property
    def note(self) -> str:
        """What a reader of the run's score must know."""
        if self.name == PADDED:
            return "a control (padded): one answer was a copy of another with padding; the score is of that choice"
        if self.kind == "control":
            return f'a control (prompt ablated): the judge saw "{WITHHELD}" instead of each user turn'
        return f"an attack: one rejected answer of each item was altered ({self.name}); biases are by its true length"

    def identity(self) -> dict[str, str]:
        """What makes it another run; the planted text among it."""
        text = WITHHELD if self.name == "blind" else json.dumps(_texts()[self.name], sort_keys=True)
        return {"altered": self.title, "altered_by": hashlib.sha256(text.encode()).hexdigest()}


def find_alterations(controls: Iterable[str], attacks: Iterable[str]) -> list[Alteration]:
    """The alterations of these names, each once.

    Raises:
        ConfigError: There is no such one.
    """
    for what, names, known in (("control", controls, CONTROLS), ("attack", attacks, ATTACKS)):
        for name in names:
            if name not in known:
                raise unknown_name(what, name, known)
    found = [*(Alteration("control", name) for name in controls), *(Alteration("attack", name) for name in attacks)]
    return list(dict.fromkeys(found))


def check_attack(attack: Alteration, keys: Iterable[ItemKey], templates: Iterable[Template]) -> None:
    """Finds out whether there is anything to attack or to pad, and a verdict to plant.

    Raises:
        ConfigError: There is not.
    """
    keys, templates = list(keys), list(templates)
    if attack.name == PADDED and all(copy_of_first(key, 0) is None for key in keys):
        raise ConfigError("--control padded sets two answers to one prompt against each other, and no item has two")
    if attack.kind != "attack":
        return
    if all(target(key, 0, template.rule.classes) is None for key in keys for template in templates):
        raise ConfigError(
            f"--attack {attack.name} alters a rejected answer, and no item has one: leave it out, or use labelled data"
        )
    for template in templates:
        if attack.name == "planted-verdict" and template.rule.example is None:
            raise ConfigError(f"{template.where}: --attack planted-verdict needs verdict.example, which is missing")


def target(item: ItemKey, seed: int, classes: Classes | None = None) -> int | None:
    """The index of the rejected completion that is attacked, drawn from seed and id; None where there is none.

    Args:
        item: The item.
        seed: The run's.
        classes: Of the template's verdicts: a single answer is rejected whose label is another class than the first.
    """
    if item.k == 1 and classes is not None:
        return None if classes.gold(item) in {None, classes.names[0]} else 0
    if not 0 < item.num_correct < item.k:
        return None
    digest = hashlib.sha256(f"attack\0{seed}\0{item.id}".encode("utf-8", "surrogatepass")).digest()
    return item.num_correct + int.from_bytes(digest, "big") % (item.k - item.num_correct)


def copy_of_first(item: ItemKey, seed: int) -> int | None:
    """The index of the completion that is a padded copy of the first in the control; None where there is one alone."""
    return None if item.k < 2 else target(item, seed) or 1


def altered(item: Item, alteration: Alteration, order: Sequence[int], rule: VerdictRule, seed: int) -> Item:
    """The item as the judge is to see it.

    Args:
        item: As it is in the data.
        alteration: What is done to it.
        order: The completion shown in each slot.
        rule: The template's.
        seed: The run's.
    """
    if alteration.name == "blind":
        turns = (replace(turn, content=WITHHELD) if turn.role == "user" else turn for turn in item.conversation)
        return replace(item, conversation=tuple(turns))
    padded = alteration.name == PADDED
    at = copy_of_first(item.key, seed) if padded else target(item.key, seed, rule.classes)
    if at is None or at not in order:
        return item
    verdict = planted_verdict(rule, order.index(at), len(order)) if alteration.name == "planted-verdict" else ""
    mine = _planted(item.completions[0 if padded else at], alteration.name, verdict)
    return replace(item, completions=(*item.completions[:at], mine, *item.completions[at + 1 :]))


def _planted(completion: Completion, attack: str, verdict: str) -> Completion:
    place, text = _texts()[attack]["place"], _texts()[attack]["text"]
    last = completion.turns[-1]
    if place == "instead":
        return Completion((Turn("assistant", text),))
    before, found, after = text.partition(_ANSWER)
    planted = f"{before}{last.text}{after}" if found else text.replace(_VERDICT, verdict)
    return Completion((*completion.turns[:-1], replace(last, content=last.text + planted)))


@lru_cache(maxsize=1)
def _texts() -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = YamlFile(_FILE).data
    return texts


def planted_verdict(rule: VerdictRule, slot: int, k: int) -> str:
    """A verdict for one slot as the template's example words it, without the example's reasons.

    A rating is the highest of the scale, and so are all parts of one; a class is the first of the template's.

    Args:
        rule: The template's; it has an example.
        slot: Of the completion that the verdict is for.
        k: How many slots the question has; 1 for ratings.
    """
    if rule.scale is not None:
        return fill_mark(rule, phrase_rating(rule, f"{rule.scale[1]:g}"))
    if rule.steps:
        return fill_mark(rule, "-1")
    if rule.classes is not None:
        return fill_mark(rule, phrase_label(rule, rule.classes.names[0]))
    return fill_mark(rule, phrase_choice(rule, [slot, *(other for other in range(k) if other != slot)]))
