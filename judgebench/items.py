"""What every benchmark, judge and reward model becomes: items, readings and outcomes.

An `Item` is judged by showing some of its completions in an order (a `Reading` each time), and each item's readings,
or a reward model's scores, become one `Outcome` by the benchmark's rule.
"""

from __future__ import annotations

import hashlib
import json
import math
import string
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LABELS = string.ascii_uppercase
"""The slots of a best-of-k question, in the order shown; so k is at most 26."""

TIE = "tie"
"""The verdict that no completion is better."""

Mode = Literal["pairwise", "best_of_k", "rating", "label", "criteria", "steps"]
"""What a call shows, and what its verdict is: two completions or k of them to choose from, one to rate or to label, one
with criteria, each of which gets a verdict of its own, or the steps of one, of which the first wrong one is named."""

NO_STEP = -1
"""The verdict, and the label, that no step is wrong."""

Orders = Literal["one", "both", "all"]
"""In how many orders a question is put."""

Pairs = Literal["all", "knockout"]
"""How the best of more than two is found from pairs: all meet, or the winners of each round."""

Control = Literal["blind", "padded"]
"""A run beside another, over altered items: the prompt is hidden, or an answer is set against itself with padding."""

Attack = Literal["planted-instruction", "planted-verdict", "padding", "fake-reference", "empty"]
"""A run beside another, with one rejected completion of each item altered."""

Transport = Literal["litellm", "direct"]
"""How calls are made: by LiteLLM, or by plain HTTP to a server of the OpenAI protocol."""

FailureKind = Literal[
    "unreadable",
    "ambiguous",
    "refused",
    "truncated",
    "empty",
    "context",
    "filtered",
    "provider",
    "not_cached",
    "not_asked",
    "missing",
]
FAILURE_KINDS: tuple[FailureKind, ...] = FailureKind.__args__  # type: ignore[attr-defined]

ASKED_AGAIN: frozenset[FailureKind] = frozenset({"provider", "not_cached", "not_asked"})
"""Failures that say nothing about the reply: the same command asks for them again."""


NEVER_ASKED: frozenset[FailureKind] = frozenset({"not_cached", "not_asked"})
"""Failures of calls that no model has seen."""

Annotations = tuple[tuple[str, str | float], ...]
"""What each of several people said of an item, by annotator: see `ItemKey.annotations`."""

Measure = Literal["share", "pearson", "spearman", "kappa"]
"""What a score is: a share of what could be had, from 0 to 1; or a coefficient from -1 to 1."""


def is_coefficient(measure: str | None) -> bool:
    """Whether a score is a correlation or a kappa, from -1 to 1, and no share.

    Example:
        >>> is_coefficient("pearson"), is_coefficient("share")
        (True, False)
    """
    return measure in {"pearson", "spearman", "kappa"}


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation; `role` is `system`, `user`, `assistant` or `tool`."""

    role: str
    content: str

    @property
    def text(self) -> str:
        """What it says; whoever needs a turn's text asks for this, whatever parts a content may have one day."""
        return self.content

    @property
    def message(self) -> dict[str, str]:
        """The turn as a chat message, as JSON has it."""
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer: mostly a single assistant turn, sometimes a longer continuation of the conversation."""

    turns: tuple[Turn, ...]

    @property
    def text(self) -> str:
        """The answer as one string; a continuation of several turns names each role."""
        if len(self.turns) == 1:
            return self.turns[0].text
        return "\n\n".join(f"{turn.role}: {turn.text}" for turn in self.turns)

    @property
    def length(self) -> int:
        """How many characters its turns have."""
        return len(self.turns[0].text) if len(self.turns) == 1 else sum([len(turn.text) for turn in self.turns])


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion of an item, which an answer meets or not.

    Attributes:
        id: Unique within the item.
        text: What is asked of the answer; empty in an `ItemKey`.
        weight: What it counts where it is met; below 0 where that is a fault.
        label: What people said of it, in the words of the row; None where nobody did.
        gold: What share of the weight the label stands for, once a template's classes say so.
    """

    id: str
    text: str
    weight: float = 1.0
    label: str | None = None
    gold: float | None = None


def weighted_score(met: Mapping[str, float], checklist: Sequence[Criterion]) -> float | None:
    """HealthBench's score of an answer: the weights that it earns over the positive ones, from 0 to 1.

    Args:
        met: The share of its weight that each criterion earns, by id.
        checklist: The criteria.

    Returns:
        None where a criterion is missing from `met`, or no weight is above 0.

    Example:
        >>> some = (Criterion("a", "", 4.0), Criterion("b", "", 2.0), Criterion("c", "", -1.0))
        >>> weighted_score({"a": 1.0, "b": 0.0, "c": 1.0}, some)
        0.5
    """
    possible = math.fsum(each.weight for each in checklist if each.weight > 0)
    if possible <= 0 or any(each.id not in met for each in checklist):
        return None
    earned = math.fsum(each.weight * met[each.id] for each in checklist)
    return as_rating(min(max(earned / possible, 0.0), 1.0))


@dataclass(frozen=True, slots=True)
class ItemKey:
    """What an item's score needs, without its texts: small enough to keep for every item of a run.

    Attributes:
        id: The item's id, as text.
        subset: The subset, exactly as in the data.
        k: How many completions there are.
        num_correct: How many of them, from the first on, are correct; 0 where the item has no label.
        lengths: Characters of each completion.
        label: `tie` where people found the two completions equal, the class of a single completion, the numbers of the
            wrong steps of one in steps (`-1`: none is), else None.
        human_score: A graded label (direct assessment), else None.
        criteria: Whatever else a benchmark's rule needs, as text (RM-Bench's domain, say).
        group: What items that belong together have in common (one prompt, one problem); None: it is by itself.
        steps: How many steps the single completion has; 0 where it is not in steps.
        annotations: What each of several people said, by annotator: the letter of a completion (A is the first) or
            `tie`, the class of a single completion, or its grade; empty with fewer than two.
        slots: Of several completions with annotations, which letter each has in its row: `BA` where the row's second
            answer comes first.
        attributes: A grade of a single completion for each attribute, by name.
        checklist: The item's own criteria, without their texts.
    """

    id: str
    subset: str
    k: int
    num_correct: int
    lengths: tuple[int, ...]
    label: str | None = None
    human_score: float | None = None
    criteria: str | None = None
    group: str | None = None
    annotations: Annotations = ()
    slots: str = ""
    attributes: tuple[tuple[str, float], ...] = ()
    checklist: tuple[Criterion, ...] = ()
    steps: int = 0

    @property
    def gold(self) -> str | None:
        """What a verdict is right to name: the class, or the first wrong step; None where the label is of no such kind.

        Example:
            >>> ItemKey("a", "all", 1, 0, (9,), label="2 4", steps=5).gold
            '2'
        """
        return self.label.partition(" ")[0] if self.steps and self.label is not None else self.label

    @property
    def wrong_steps(self) -> frozenset[int]:
        """The steps that are labelled wrong, counted from 0; empty where none is, or there is no label."""
        return frozenset(map(int, self.label.split())) - {NO_STEP} if self.steps and self.label else frozenset()

    @property
    def unit(self) -> str:
        """What intervals and tests take as one: the group, or the item itself."""
        return self.id if self.group is None else self.group

    @property
    def graded(self) -> bool:
        """Whether its label is a grade, or one for each attribute."""
        return self.human_score is not None or bool(self.attributes)

    @property
    def classed(self) -> bool:
        """Whether it is a single completion that people put in classes, agreeing on one or not."""
        said = any(isinstance(label, str) for _, label in self.annotations)
        return self.k == 1 and (self.label is not None or said)

    @property
    def labelled(self) -> bool:
        """Whether people (or what stands for them) have said which completion is better, or how good it is."""
        known = self.label is not None or self.human_score is not None
        known = known or self.num_correct > 0 or bool(self.attributes)
        return known or any(each.label is not None for each in self.checklist)


@dataclass(frozen=True, slots=True)
class Item:
    """One row to judge: a prompt of one or more turns and its completions, the correct ones first.

    One whose steps are judged has a single completion, of which `steps` are the parts.
    """

    id: str
    subset: str
    conversation: tuple[Turn, ...]
    completions: tuple[Completion, ...]
    num_correct: int
    reference: str | None = None
    rubric: str | None = None
    label: str | None = None
    human_score: float | None = None
    criteria: str | None = None
    group: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    annotations: Annotations = ()
    slots: str = ""
    attributes: tuple[tuple[str, float], ...] = ()
    checklist: tuple[Criterion, ...] = ()
    steps: tuple[str, ...] = ()

    @property
    def criteria_text(self) -> str:
        """The item's criteria with weights and people's labels, a line each; for people, not for judges."""
        lines = []
        for each in self.checklist:
            people = "" if each.label is None else f"; people: {each.label}"
            lines.append(f"[{each.id}] {each.text} (weight {each.weight:g}{people})")
        return "\n".join(lines)

    @property
    def key(self) -> ItemKey:
        """The item without its texts."""
        return self.key_in(self.group)

    def key_in(self, group: str | None) -> ItemKey:
        """The item without its texts, in this group."""
        return ItemKey(
            id=self.id,
            subset=sys.intern(str(self.subset)),  # one text for all items of a subset
            k=len(self.completions),
            num_correct=self.num_correct,
            lengths=tuple([c.length for c in self.completions]),
            label=None if self.label is None else sys.intern(str(self.label)),
            human_score=self.human_score,
            criteria=self.criteria,
            group=group,
            annotations=self.annotations,
            slots=self.slots,
            attributes=self.attributes,
            checklist=tuple([replace(each, text="") for each in self.checklist]) if self.checklist else (),
            steps=len(self.steps),
        )


def reordered(annotations: Annotations, order: Sequence[int]) -> Annotations:
    """What people said of several completions, once these stand in another order.

    Args:
        annotations: By annotator, the letter of a completion or `tie`; classes and grades stay as they are.
        order: The old place of each completion.

    Example:
        >>> reordered((("ann", "A"), ("bob", "tie")), (1, 0))
        (('ann', 'B'), ('bob', 'tie'))
    """
    places = {LABELS[at]: LABELS[place] for place, at in enumerate(order)} if len(order) > 1 else {}
    return tuple((name, places.get(said, said) if isinstance(said, str) else said) for name, said in annotations)


def most_said(labels: Sequence[str]) -> str | None:
    """The label that is there more often than any other; None where there is none.

    Example:
        >>> most_said(["pass", "fail", "pass"]), most_said(["pass", "fail"])
        ('pass', None)
    """
    first = Counter(labels).most_common(2)
    return None if not first or (len(first) == 2 and first[0][1] == first[1][1]) else first[0][0]


def class_key(name: str) -> str:
    """What the names of classes are compared by: without case, and with spaces, underscores and hyphens alike.

    Example:
        >>> class_key(" Not_Attempted") == class_key("not attempted")
        True
    """
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


_GOOD = frozenset(
    {
        "pass",
        "passed",
        "correct",
        "right",
        "true",
        "yes",
        "good",
        "acceptable",
        "accepted",
        "valid",
        "success",
        "successful",
        "faithful",
        "supported",
        "consistent",
        "helpful",
        "satisfied",
        "met",
        "ok",
    }
)
_BAD = frozenset(
    {
        "fail",
        "failed",
        "incorrect",
        "wrong",
        "false",
        "no",
        "bad",
        "unacceptable",
        "rejected",
        "invalid",
        "failure",
        "unsuccessful",
        "unfaithful",
        "unsupported",
        "inconsistent",
        "unhelpful",
        "unsatisfied",
        "unmet",
    }
)
"""Names of classes that a grade of 1, and of 0, plainly stands for."""


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of label verdicts.

    Attributes:
        names: All of them, in the order in which the template names them.
        positive: The class that precision, recall and specificity are of.
        abstain: The class that says that the judge can't tell; None where there is none.
        shares: Of criteria, what share of a criterion's weight each class earns; empty of labels.
    """

    names: tuple[str, ...]
    positive: str
    abstain: str | None = None
    shares: tuple[float, ...] = ()

    def find(self, text: str) -> str | None:
        """The class that a text names, in whatever case and with spaces, underscores or hyphens; None if it is none."""
        if text in self.names:
            return text
        key = class_key(text)
        return next((name for name in self.names if class_key(name) == key), None)

    def of_grade(self, grade: float) -> str | None:
        """The class that a grade of 0 or 1 stands for, where the classes' names say it plainly; else None.

        Example:
            >>> Classes(("pass", "fail"), "fail").of_grade(1.0)
            'pass'
        """
        if grade not in {0.0, 1.0}:
            return None
        good, bad = ([name for name in self.names if class_key(name) in words] for words in (_GOOD, _BAD))
        if len(good) != 1 or len(bad) != 1:
            return None
        return good[0] if grade else bad[0]

    def plainly(self, word: str) -> str | None:
        """The class that a word for good or bad means, where the classes' names say it plainly; else None.

        Example:
            >>> Classes(("pass", "fail"), "fail").plainly("Good")
            'pass'
        """
        key = class_key(word)
        grade = 1.0 if key in _GOOD | {"1"} else 0.0 if key in _BAD | {"0"} else None
        return None if grade is None else self.of_grade(grade)

    def of(self, said: str | float) -> str | None:
        """The class that a label, or a grade of 0 or 1, stands for; None where it stands for none."""
        return self.find(said) if isinstance(said, str) else self.of_grade(said)

    def share(self, text: str) -> float | None:
        """What share of its weight people's label of a criterion stands for; None where it is no class.

        Example:
            >>> Classes(("met", "unmet"), "met", shares=(1.0, 0.0)).share("Met")
            1.0
        """
        name = self.find(text)
        if name is not None:
            return self.shares[self.names.index(name)]
        number = {"true": 1.0, "false": 0.0}.get(text.casefold())
        try:
            number = float(text) if number is None else number
        except ValueError:
            return None
        return number if number in self.shares else None

    def gold(self, item: ItemKey) -> str | None:
        """The class that the item's label or its grade of 0 or 1 stands for; None where neither does.

        Of grades by several people it is that of most of them.
        """
        if item.label is not None:
            return self.find(item.label)
        if item.annotations:
            return most_said([name for _, said in item.annotations if (name := self.of(said)) is not None])
        return None if item.human_score is None else self.of_grade(item.human_score)


def as_rating(mean: float) -> float:
    """A mean of ratings to nine digits, so that equal ones are equal: their sums may differ in the last digit."""
    return round(mean, 9)


@dataclass(frozen=True, slots=True)
class Soft:
    """How probable a judge finds each verdict, from the log-probabilities of its reply's tokens.

    Attributes:
        probabilities: Of each verdict (a slot's letter, `tie`, a class, or a rating as text); they sum to 1.
        mass: The probability that the valid verdicts had together, before they were made to sum to 1.
        expected: Where the verdict was made of ratings by criteria, or of scores of slots, the mean of each.
    """

    probabilities: tuple[tuple[str, float], ...]
    mass: float
    expected: tuple[tuple[str, float], ...] = ()


class StepIndex(int):
    """A verdict that names the first wrong step, counted from 0, or `NO_STEP`; what else is a number is a rating."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said.

    Attributes:
        value: A slot's letter or `tie`, a number in mode rating, a class in mode label, a `StepIndex` in mode steps.
        ranking: The slots from the best to the worst, such as `B>A=C`, where all were ranked; `value` is the first.
        parts: What `value` was made from: the rating of each criterion, or the score of each slot.
        also: Other verdicts that the reply names, each once; not compared, as they do not count.
        soft: How probable each verdict was, where the reply came with log-probabilities (`--logprobs`).
    """

    value: str | float
    ranking: str | None = None
    parts: tuple[tuple[str, float], ...] = ()
    soft: Soft | None = None
    also: tuple[str | float, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one call has no verdict: a record, never a number."""

    kind: FailureKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reply says for one item, order and sample.

    Attributes:
        order: The index of the completion shown in each slot; one index where a single completion is shown.
        sample: Number of the repetition, from 0.
        result: A verdict or a failure.
    """

    order: tuple[int, ...]
    sample: int
    result: Verdict | Failure

    @property
    def choice(self) -> int | None:
        """Index of the completion that was chosen; None for a tie, a rating, a class, a step or a failure."""
        value = self.result.value if isinstance(self.result, Verdict) and len(self.order) > 1 else None
        return self.order[LABELS.index(value)] if isinstance(value, str) and value != TIE else None

    @property
    def label(self) -> str | None:
        """The class that a single completion was put in, or the number of its first wrong step, as text; or None."""
        value = self.result.value if isinstance(self.result, Verdict) and len(self.order) == 1 else None
        return value if isinstance(value, str) else str(value) if isinstance(value, StepIndex) else None

    @property
    def named(self) -> int | str | None:
        """What the verdict names, in whatever slot: a completion's index, a class, or None for a tie."""
        return self.choice if len(self.order) > 1 else self.label

    @property
    def rating(self) -> float | None:
        """The rating, or None."""
        if isinstance(self.result, Verdict) and not isinstance(self.result.value, str | StepIndex):
            return float(self.result.value)
        return None

    @property
    def failed(self) -> bool:
        """Whether the reply gave no verdict."""
        return isinstance(self.result, Failure)


_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Outcome:
    """An item's credit by the benchmark's rule.

    Attributes:
        credit: From 0 to 1; None where the item has no label.
        low: The credit with every failure counted wrong.
        high: The credit with every failure counted right.
        substituted: The part of `credit` that stands in for failures (0.5 of a pair without a verdict, say).
        scores: For each sample one score a completion, None where it failed; empty where verdicts were choices.
        parts: Further figures of the benchmark's own rule (RM-Bench's nine cells, RewardMATH's reciprocal rank).
        source: What the credit came from, for `outcomes.jsonl`.
    """

    item: ItemKey
    credit: float | None
    low: float | None
    high: float | None
    substituted: float = 0.0
    scores: tuple[tuple[float | None, ...], ...] = ()
    parts: Mapping[str, float] = field(default_factory=lambda: _NOTHING)
    source: Mapping[str, object] = field(default_factory=lambda: _NOTHING)

    @property
    def failed(self) -> bool:
        """Whether any failure had a say in the credit."""
        return self.low != self.high or self.substituted != 0.0


def item_to_json(item: Item) -> dict[str, Any]:
    """The item as the JSON object in `items.jsonl.gz`; what only some kinds of items have is left out where empty."""
    some: dict[str, object] = {
        "annotations": dict(item.annotations),
        "slots": item.slots,
        "attributes": dict(item.attributes),
    }
    some["steps"] = item.steps
    some["checklist"] = [_criterion_to_json(each) for each in item.checklist]
    return {
        **{name: value for name, value in some.items() if value},
        "id": item.id,
        "subset": item.subset,
        "conversation": [turn.message for turn in item.conversation],
        "completions": [[turn.message for turn in c.turns] for c in item.completions],
        "num_correct": item.num_correct,
        "reference": item.reference,
        "rubric": item.rubric,
        "label": item.label,
        "human_score": item.human_score,
        "criteria": item.criteria,
        "group": item.group,
        "metadata": item.metadata,
    }


def _criterion_to_json(criterion: Criterion) -> dict[str, Any]:
    said = {"id": criterion.id, "text": criterion.text, "weight": criterion.weight}
    return said if criterion.label is None else said | {"label": criterion.label}


ITEM_FIELDS = frozenset(
    {"id", "subset", "conversation", "completions", "num_correct", "reference", "rubric", "label", "human_score"}
    | {"criteria", "group", "metadata"}
)
"""What an object of `item_to_json` holds."""

SOME_FIELDS = frozenset({"annotations", "slots", "attributes", "checklist", "steps"})
"""What it holds of some items beside these."""


def item_print(item: Item) -> str:
    """What tells whether two items are judged alike: 16 hexadecimal digits of texts, order, subset and label."""
    said = {name: value for name, value in item_to_json(item).items() if name not in {"metadata", "group"}}
    text = json.dumps(said, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def text_print(item: Item) -> str:
    """What tells whether two items have the same texts, whatever their ids and labels: 16 hexadecimal digits."""
    answers = sorted(json.dumps([turn.message for turn in each.turns], default=str) for each in item.completions)
    text = json.dumps(
        [[turn.message for turn in item.conversation], answers, item.reference, item.criteria], default=str
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def item_from_json(data: Mapping[str, Any]) -> Item:
    """The item that `item_to_json` wrote."""
    return Item(
        id=data["id"],
        subset=data["subset"],
        conversation=tuple(Turn(turn["role"], turn["content"]) for turn in data["conversation"]),
        completions=tuple(
            Completion(tuple(Turn(turn["role"], turn["content"]) for turn in turns)) for turns in data["completions"]
        ),
        num_correct=data["num_correct"],
        reference=data["reference"],
        rubric=data["rubric"],
        label=data["label"],
        human_score=data["human_score"],
        criteria=data["criteria"],
        group=data.get("group"),
        metadata=data["metadata"],
        annotations=tuple(data.get("annotations", {}).items()),
        slots=data.get("slots", ""),
        attributes=tuple(data.get("attributes", {}).items()),
        checklist=tuple(Criterion(**each) for each in data.get("checklist", ())),
        steps=tuple(data.get("steps", ())),
    )
