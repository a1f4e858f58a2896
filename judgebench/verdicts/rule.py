"""A template's verdict rule: one definition for the reading of a reply, the structured output and the check."""

from __future__ import annotations

import difflib
import math
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from judgebench.items import LABELS, NO_STEP, TIE, Classes, Criterion, class_key
from judgebench.verdicts.patterns import compile_pattern, group_alone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_NESTED = re.compile(r"(?<!\\)(?:\\\\)*\[\[")


class Span(NamedTuple):
    """A part of a text, from `start` up to `end`."""

    start: int
    end: int

    def moved(self, by: int) -> Span:
        """The same part in a text that has so many characters more before it."""
        return Span(self.start + by, self.end + by)


class After(BaseModel):
    """The words that stand right before the verdict, such as `Rating:`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: str = Field(min_length=1)


class CriterionRule(BaseModel):
    """How the verdict on one criterion is read.

    Attributes:
        values: What share of a criterion's weight each text earns, from 0 to 1: `{met: 1, unmet: 0}`. Texts of one
            share mean the same; the first of them names the class.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    values: dict[str, float] = Field(min_length=2)

    @model_validator(mode="after")
    def _whole(self) -> CriterionRule:
        if not all(0 <= share <= 1 for share in self.values.values()):
            raise ValueError("values: a criterion's shares run from 0 to 1, such as {met: 1, unmet: 0}")
        if max(self.values.values()) < 1 or len(set(self.values.values())) < 2:
            raise ValueError("values: one text must earn 1 and another less, such as {met: 1, unmet: 0}")
        if len({class_key(text) for text in self.values}) < len(self.values):
            raise ValueError(f"values must differ in more than case and spaces, found {', '.join(self.values)}")
        return self

    @cached_property
    def classes(self) -> Classes:
        """The classes, in the order in which `values` names them; the positive one earns all of a weight."""
        names: dict[float, str] = {}
        for text, share in self.values.items():
            names.setdefault(share, text)
        return Classes(tuple(names.values()), names[1.0], shares=tuple(names))

    @cached_property
    def reader(self) -> VerdictRule:
        """The rule that reads one verdict, whatever stands around it."""
        classes = self.classes
        values = {text: classes.names[classes.shares.index(share)] for text, share in self.values.items()}
        return VerdictRule(pattern="(.*)", values=values, positive=classes.positive)


class VerdictRule(BaseModel):
    """How a reply is read.

    Attributes:
        pattern: A regular expression with one group, which holds the verdict.
        values: What each text of the group means: a slot's letter or `tie`, or in mode label a class; without, the
            group is the letter itself.
        match: Which match counts: the `last`, the `first`, or the `only` one (all matches are the same text).
        anchor: Where the verdict stands: `line`, the last line that has a match, of which no other part may say
            another verdict; `start`, the answer's first line, alone; or right after some words. Without, anywhere;
            in mode rating as with `line`.
        json_field: For structured output, the name of the verdict's field in the object (`json` in the file).
        scale: In mode rating, the lowest and the highest rating.
        ranking: The group holds a ranking of all slots, such as `B > A > C`; with `ties`, `=` may stand in it.
        criteria: In mode rating, the group holds a rating for each of these names; the weighted mean counts.
        scores: The group holds a score for each slot, between these two; the highest is the choice.
        steps: In mode steps, that the group holds the number of a step, or -1; no template says so itself.
        positive: In mode label, the class that precision, recall and specificity are of; only label rules have one.
        abstain: In mode label, the class that says that the judge can't tell, where there is one.
        of: In mode criteria, how the verdict on each criterion is read: from one reply about all of them, or, with
            `values` beside it, from a reply about one.
        example: A reply that the rule reads.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)

    pattern: str | None = None
    values: dict[str, str] | None = Field(default=None, min_length=1)
    match: Literal["last", "first", "only"] = "last"
    anchor: Literal["line", "start"] | After | None = None
    json_field: str | None = Field(default=None, alias="json", min_length=1)
    scale: tuple[float, float] | None = None
    ranking: Literal["strict", "ties"] | None = None
    criteria: dict[str, float] | None = Field(default=None, min_length=1)
    scores: tuple[float, float] | None = None
    steps: bool = False
    positive: str | None = None
    abstain: str | None = None
    of: CriterionRule | None = None
    example: str | None = None
    _asked: tuple[Criterion, ...] | None = PrivateAttr(default=None)
    _read_before: dict[tuple[str, int], Any] = PrivateAttr(default_factory=dict)

    @field_validator("anchor", mode="before")
    @classmethod
    def _known_anchor(cls, value: Any) -> Any:
        words = value.get("after") if isinstance(value, dict) and len(value) == 1 else None
        if value in (None, "line", "start") or isinstance(value, After) or (isinstance(words, str) and words.strip()):
            return value
        raise ValueError(f"is {value!r}, expected line, start, or {{after: TEXT}}")

    @cached_property
    def regex(self) -> re.Pattern[str] | None:
        """The compiled pattern."""
        return None if self.pattern is None else compile_pattern(self.pattern)

    @cached_property
    def has_parts(self) -> bool:
        """Whether a verdict is made from several parts: a ranking, criteria or scores."""
        return any(form is not None for form in (self.ranking, self.criteria, self.scores)) or self.reads_all

    @property
    def reads_all(self) -> bool:
        """Whether one reply has the verdicts on all criteria of an item."""
        return self.of is not None and self.values is None

    @property
    def reads_each(self) -> bool:
        """Whether each criterion of an item has a reply of its own."""
        return self.of is not None and self.values is not None

    @property
    def asked(self) -> tuple[Criterion, ...] | None:
        """The criteria that a question is about; None in a template, which has none of its own."""
        return self._asked

    def about(self, criteria: tuple[Criterion, ...]) -> VerdictRule:
        """The rule for a question about these criteria."""
        own = self.model_copy()
        own._asked, own._read_before = criteria, {}  # noqa: SLF001 - its own
        return own

    @property
    def read_before(self) -> dict[tuple[str, int], Any]:
        """What short answers say by this rule, under the answer and the number of slots; see `reading`."""
        return self._read_before

    @cached_property
    def numbers(self) -> tuple[float, float] | None:
        """The lowest and the highest number that the group may hold; None where it holds none, or several."""
        return (NO_STEP, math.inf) if self.steps else None if self.has_parts else self.scale

    @property
    def is_label(self) -> bool:
        """Whether a verdict is a class."""
        return self.positive is not None

    @cached_property
    def classes(self) -> Classes | None:
        """The classes of a label rule, or of each criterion, in the order of `values`; None of another."""
        if self.of is not None:
            return self.of.classes
        if self.positive is None:
            return None
        return Classes(tuple(dict.fromkeys((self.values or {}).values())), self.positive, self.abstain)

    @cached_property
    def choices(self) -> tuple[str, ...]:
        """The texts that `values` has; without, the letters."""
        return tuple(self.values or LABELS)

    @cached_property
    def is_on_a_line(self) -> bool:
        """Whether the line of the verdict may say no other; by default so in mode rating, where any number is one."""
        if self.anchor is None:
            return self.scale is not None and not self.has_parts and self.match == "last"
        return self.anchor != "start"

    @property
    def can_tie(self) -> bool:
        """Whether there is a verdict that no completion is better."""
        if self.is_label or self.steps:
            return False
        return TIE in (self.values or {}).values() or self.ranking == "ties" or self.scores is not None

    @model_validator(mode="after")
    def _whole(self) -> VerdictRule:
        if self.pattern is None and self.json_field is None:
            raise ValueError("needs a pattern with one group, or json with the name of the verdict's field")
        if self.pattern is not None:
            escape = r"; a bracket of the reply is escaped: '\[\['" if _NESTED.search(self.pattern) else ""
            try:
                groups = compile_pattern(self.pattern).groups
            except (re.error, OverflowError, RecursionError) as error:
                raise ValueError(f"pattern is not a regular expression: {error}{escape}") from None
            if groups != 1:
                mend = escape or ("; use (?:...)" if groups else "; put it in (...)")
                raise ValueError(f"pattern has {groups} groups, expected one that holds the verdict{mend}")
        if self.json_field == "reasoning":
            raise ValueError("json names the verdict's field, and 'reasoning' is the one before it")
        for name, bounds in (("scale", self.scale), ("scores", self.scores)):
            if bounds is not None and not -math.inf < bounds[0] < bounds[1] < math.inf:
                raise ValueError(f"{name} runs from {bounds[0]:g} to {bounds[1]:g}, expected [lowest, highest]")
        self._check_parts()
        self._check_classes()
        for text, value in () if self.is_label else (self.values or {}).items():
            if value != TIE and not (len(value) == 1 and value in LABELS):
                raise ValueError(f"values: '{text}' means '{value}', expected a slot's letter (A, B, ...) or tie")
        return self

    def _check_parts(self) -> None:
        forms: dict[str, object] = {"ranking": self.ranking, "criteria": self.criteria, "scores": self.scores}
        forms |= {"values": self.values, **({"of": self.of} if self.reads_all else {})}
        named = [name for name, given in forms.items() if given is not None]
        if not self.has_parts:
            return
        if len(named) > 1:
            raise ValueError(f"{' and '.join(named)} are different forms of a verdict: keep one")
        if self.example is None:
            raise ValueError(f"{named[0]} needs an example, which shows the form")
        weights = (self.criteria or {"": 1.0}).values()
        if not all(0 <= weight < math.inf for weight in weights) or not any(weights):
            raise ValueError("criteria: weights must be >= 0, at least one above 0")
        lowered = [" ".join(name.lower().split()) for name in self.criteria or {}]
        if "" in lowered or len(set(lowered)) < len(lowered):
            raise ValueError("criteria: names must be unique")

    def _check_classes(self) -> None:
        """Refuses a class that no text of `values` means, and classes that are too few or too much alike."""
        if self.positive is None:
            if self.abstain is not None:
                raise ValueError("abstain belongs to mode label, and so does positive, which is missing")
            return
        if self.values is None:
            raise ValueError("values are missing, which are the classes; add values: {PASS: pass, FAIL: fail}")
        names = dict.fromkeys(self.values.values())
        keys = {class_key(name) for name in names}
        if len(keys) < len(names) or "" in keys:
            raise ValueError(f"values: classes must differ in more than case and spaces, found {', '.join(names)}")
        for field, given in (("positive", self.positive), ("abstain", self.abstain)):
            if given is not None and given not in names:
                near = difflib.get_close_matches(given, names, n=1, cutoff=0.5)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise ValueError(f"{field} is '{given}', not one of the classes {', '.join(names)}{hint}")
        if self.abstain == self.positive:
            raise ValueError("abstain and positive are the same class: name another")
        if len(names) - (self.abstain is not None) < 2:
            raise ValueError("values: mode label needs two classes at least, beside that of abstain")

    def texts(self, labels: Sequence[str]) -> tuple[str, ...]:
        """The texts that mean one of these slots, or a tie; of a label rule those of all classes."""
        if self.values is None:
            return tuple(labels)
        if self.is_label:
            return tuple(self.values)
        return tuple(text for text, value in self.values.items() if value == TIE or value in labels)

    def check_reach(self) -> None:
        """Refuses a pattern whose group can never hold what it has to.

        Raises:
            ValueError: The group, by itself, matches no rating, not both of the first two slots, or not every value.
        """
        if self.has_parts:  # their example, which must be there, is read
            return
        group = None if self.regex is None else group_alone(self.regex)
        if group is None:
            return
        if self.steps:
            if missed := [text for text in ("-1", "0") if group.fullmatch(text) is None]:
                what = "-1, which says that no step is wrong" if "-1" in missed else "0, the first step"
                raise ValueError(f"verdict.pattern {self.pattern!r} can never give {what}; match -?\\d+")
        elif self.scale is not None:
            if not any(group.fullmatch(text) for text in _ratings(*self.scale)):
                between = f"{self.scale[0]:g} to {self.scale[1]:g}"
                raise ValueError(f"verdict.pattern {self.pattern!r} can never give a number from {between}")
        elif self.values is not None:
            for text in self.values:
                if group.fullmatch(text) is None:
                    raise ValueError(
                        f"verdict.values has '{text}', which verdict.pattern {self.pattern!r} cannot match"
                    )
        elif missed := [label for label in LABELS[:2] if group.fullmatch(label) is None]:
            raise ValueError(
                f"verdict.pattern {self.pattern!r} can never match {' or '.join(missed)}; "
                "map other texts of its group in verdict.values"
            )


def _ratings(lowest: float, highest: float) -> Iterator[str]:
    """Numbers on a scale as a reply may write them."""
    whole = range(math.ceil(lowest), math.floor(min(highest, math.ceil(lowest) + 100.0)) + 1)
    for number in (lowest, highest, (lowest + highest) / 2, *whole):
        for form in ("g", ".0f", ".1f", ".2f", "02g", "+g", " g"):
            if lowest <= float(text := format(number, form)) <= highest:
                yield text


def structured_schema(rule: VerdictRule, labels: Sequence[str]) -> Mapping[str, Any] | None:
    """The JSON schema of a structured reply: the reasoning first, then the verdict; None for a rule by pattern.

    Args:
        rule: The template's rule.
        labels: The slots of the question.
    """
    if rule.json_field is None:
        return None
    verdict: dict[str, Any]
    if rule.has_parts:
        verdict = _schema_of_parts(rule, labels)
    elif rule.scale is not None:
        verdict = {"type": "number", "minimum": rule.scale[0], "maximum": rule.scale[1]}
    elif rule.steps:
        verdict = {"type": "integer", "minimum": NO_STEP}
    else:
        verdict = {"type": "string", "enum": list(rule.texts(labels))}
    return {
        "type": "object",
        "properties": {"reasoning": {"type": "string"}, rule.json_field: verdict},
        "required": ["reasoning", rule.json_field],
        "additionalProperties": False,
    }


def _schema_of_parts(rule: VerdictRule, labels: Sequence[str]) -> dict[str, Any]:
    if rule.ranking == "ties":
        return {"type": "string"}
    if rule.ranking is not None:
        return {"type": "array", "items": {"type": "string", "enum": list(labels)}}
    if rule.of is not None:
        ids = [each.id for each in rule.asked or ()]
        said: dict[str, dict[str, Any]] = {each: {"type": "string", "enum": list(rule.of.values)} for each in ids}
        return {"type": "object", "properties": said, "required": ids, "additionalProperties": False}
    low, high = rule.scores or rule.scale or (0.0, 1.0)
    number = {"type": "number", "minimum": low, "maximum": high}
    names = list(labels if rule.criteria is None else rule.criteria)
    properties = {name: dict(number) for name in names}
    return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}
