"""What a verdict is: one object for each mode of templates, which says what follows from it everywhere else.

A mode's kind says what a question shows, whether it has orders, what the template's rule must have, and which gold
label of an item its verdicts are held against. Whoever needs to know asks the kind and does not look at the mode's
name; a new kind of verdict is a new entry of `KINDS`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from judgebench.items import LABELS, TIE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgebench.items import Classes, ItemKey, Mode
    from judgebench.verdicts.rule import VerdictRule


@dataclass(frozen=True, slots=True)
class VerdictKind:
    """What a verdict of one mode is. This one is a choice among the completions that a question shows.

    Attributes:
        mode: Its name, in a template's head.
        shows: What a question shows, in words: `two completions`.
        numbers: How many completions a template of the kind is tried with, the fewest first.
        slots: The most completions that a question shows.
        starter: The line of a template's head that a verdict rule begins with.
        many: What a run's protocol is called instead of its orders, where a question has none: `ratings`.
    """

    mode: Mode
    shows: str
    numbers: tuple[int, ...]
    slots: int
    starter: str
    many: str = ""

    @property
    def ordered(self) -> bool:
        """Whether a question can be put in several orders: it shows several completions."""
        return not self.many

    @property
    def votes(self) -> bool:
        """Whether several samples are one verdict, their mode, where nothing else is said."""
        return False

    @property
    def answers(self) -> str:
        """How many answers a question takes, in words: `2 to 26 answers`."""
        fewest = self.numbers[0]
        if fewest == self.slots:
            return f"{fewest} answer{'s' * (fewest > 1)}"
        return f"{fewest} to {self.slots} answers"

    def fits(self, answers: int) -> bool:
        """Whether a question can show so many answers."""
        return self.numbers[0] <= answers <= self.slots

    def check(self, rule: VerdictRule) -> None:
        """Whether a rule reads verdicts of this kind.

        Raises:
            ValueError: It does not; the message says what of it.
        """
        if rule.scale is not None:
            raise ValueError(f"verdict.scale belongs to mode rating, not to {self.mode}")
        if rule.criteria is not None:
            raise ValueError(f"verdict.criteria belongs to mode rating, not to {self.mode}")
        if rule.positive is not None:
            raise ValueError(f"verdict.positive belongs to mode label, not to {self.mode}")
        if rule.steps:
            raise ValueError(f"verdict.steps belongs to mode steps, not to {self.mode}")
        _no_criteria(rule, self.mode)
        if rule.values is not None:
            named = set(rule.values.values())
            if self.slots == 2 and (beyond := sorted(named - {"A", "B", TIE})):
                raise ValueError(f"mode pairwise has the slots A and B; verdict.values names {', '.join(beyond)}")
            if unreached := sorted({"A", "B"} - named):
                raise ValueError(f"verdict.values has nothing that means {' or '.join(unreached)}")

    def held_against(self, item: ItemKey, classes: Classes | None) -> ItemKey:  # noqa: ARG002 - for labels
        """The item with the gold label that verdicts of this kind are held against, and no other.

        Args:
            item: As its row says.
            classes: Of the run's template; None where its verdicts are no classes.
        """
        return item


class RatingKind(VerdictKind):
    """A number on a scale for a single completion."""

    __slots__ = ()

    def check(self, rule: VerdictRule) -> None:
        """A scale, and neither values nor slots."""
        _no_criteria(rule, self.mode)
        if rule.scale is None:
            raise ValueError("mode rating needs verdict.scale, such as [1, 10]")
        if rule.values is not None:
            raise ValueError("mode rating reads a number: verdict.values is not allowed")
        if rule.ranking or rule.scores:
            raise ValueError("mode rating shows one completion: verdict.ranking and verdict.scores are not allowed")

    def held_against(self, item: ItemKey, classes: Classes | None) -> ItemKey:  # noqa: ARG002 - for labels
        """Its grade; a class of it says nothing of a rating, nor do classes of its criteria."""
        item = _without_criteria(item)
        if item.k > 1:
            return item
        grades = tuple(each for each in item.annotations if not isinstance(each[1], str))
        if item.label is None and len(grades) == len(item.annotations):
            return item
        return replace(item, label=None, annotations=grades)


class LabelKind(VerdictKind):
    """A class for a single completion, such as pass or fail."""

    __slots__ = ()

    def check(self, rule: VerdictRule) -> None:
        """Classes in `values`, the positive one among them."""
        _no_criteria(rule, self.mode)
        if rule.scale is not None or rule.has_parts:
            raise ValueError("mode label reads a class: of verdict's forms it has values alone")
        if rule.classes is None:
            raise ValueError("mode label needs verdict.values, which are the classes, such as {PASS: pass, FAIL: fail}")

    def held_against(self, item: ItemKey, classes: Classes | None) -> ItemKey:
        """The class that its label, or its grade of 0 or 1, stands for; none where neither does."""
        item = _without_criteria(item)
        if item.k != 1 or classes is None:
            return item
        gold = classes.gold(item)
        people = tuple((who, name) for who, said in item.annotations if (name := classes.of(said)) is not None)
        alike = gold == item.label and item.human_score is None and people == item.annotations
        return item if alike else replace(item, label=gold, human_score=None, annotations=people)


class CriteriaKind(VerdictKind):
    """A class for each of an item's own criteria, such as met or unmet."""

    __slots__ = ()

    def check(self, rule: VerdictRule) -> None:
        """What each criterion's verdict earns."""
        if rule.of is None:
            raise ValueError(
                "mode criteria needs verdict.of, such as {values: {met: 1, unmet: 0}}, for a reply about all criteria, "
                "or verdict.values, such as {MET: 1, UNMET: 0}, for a reply about each"
            )
        forms = (rule.scale, rule.ranking, rule.criteria, rule.scores)
        if any(form is not None for form in forms):
            raise ValueError("mode criteria reads a verdict on each criterion: of verdict's forms it has of alone")

    def held_against(self, item: ItemKey, classes: Classes | None) -> ItemKey:
        """What the labels of its criteria stand for; where there are any, no other label counts."""
        if not item.checklist or classes is None:
            return item
        said = tuple(
            each if each.label is None else replace(each, gold=classes.share(each.label)) for each in item.checklist
        )
        if all(each.gold is None for each in said):
            return replace(item, checklist=said, label=None)
        return replace(item, checklist=said, label=None, human_score=None)


def _no_criteria(rule: VerdictRule, mode: Mode) -> None:
    if rule.of is not None:
        raise ValueError(f"verdict.of belongs to mode criteria, not to {mode}")


def _without_criteria(item: ItemKey) -> ItemKey:
    return replace(item, checklist=()) if item.checklist else item


class StepsKind(VerdictKind):
    """The first wrong step of a single completion."""

    __slots__ = ()

    def check(self, rule: VerdictRule) -> None:
        """A number, and nothing that belongs to another form."""
        _no_criteria(rule, self.mode)
        if rule.scale is not None or rule.values is not None or rule.has_parts:
            raise ValueError(
                "mode steps reads the number of a step, or -1: of verdict's forms neither values nor scale is allowed"
            )
        if not rule.steps:
            raise ValueError("mode steps needs verdict.steps: leave it out, for it is set by the mode")

    def held_against(self, item: ItemKey, classes: Classes | None) -> ItemKey:  # noqa: ARG002 - for labels
        """Its wrong steps; criteria of it say nothing of them."""
        return _without_criteria(item)

    @property
    def votes(self) -> bool:
        """Whether several samples are one verdict, their mode, where nothing else is said."""
        return True


_KINDS = (
    VerdictKind(
        "pairwise",
        "two completions",
        numbers=(2,),
        slots=2,
        starter=r"{pattern: '\[\[([AB])\]\]', example: 'The first is right. [[A]]'}",
    ),
    VerdictKind(
        "best_of_k",
        "2 to 26 completions",
        numbers=(2, 3, 5),
        slots=len(LABELS),
        starter=r"{pattern: '\[\[([A-Z])\]\]', example: 'The first is right. [[A]]'}",
    ),
    RatingKind(
        "rating",
        "one completion, to rate",
        numbers=(1,),
        slots=1,
        starter=r"{pattern: '\[\[(\d+)\]\]', scale: [1, 10], example: 'It is right. [[9]]'}",
        many="ratings",
    ),
    LabelKind(
        "label",
        "one completion, to put in a class",
        numbers=(1,),
        slots=1,
        starter=r"{pattern: 'Verdict: (PASS|FAIL)', values: {PASS: pass, FAIL: fail}, anchor: line, "
        "example: 'Verdict: PASS'}",
        many="labels",
    ),
    CriteriaKind(
        "criteria",
        "one completion, and the item's own criteria",
        numbers=(1,),
        slots=1,
        starter='{json: verdicts, of: {values: {met: 1, unmet: 0}}, example: \'{"verdicts": {"c1": "met"}}\'}',
        many="criteria",
    ),
    StepsKind(
        "steps",
        "one completion in steps, of which the first wrong one is named",
        numbers=(1,),
        slots=1,
        starter=r"{pattern: '\\boxed\{([^{}]*)\}', example: 'Step 2 adds wrongly. \boxed{2}'}",
        many="steps",
    ),
)

KINDS: Mapping[Mode, VerdictKind] = {kind.mode: kind for kind in _KINDS}
"""The kind of each mode."""
