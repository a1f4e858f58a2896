"""A template's verdict rule: one definition for the reading of a reply, the structured output and the check."""

from __future__ import annotations

import json
import math
import re
import warnings
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from judgebench.items import LABELS, TIE, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PIECE = re.compile(
    r"""(?P<comment>\(\?\#[^)]*\))
    | (?P<open>\((?:\?(?:P<\w+>|\(\w+\)|<?[=!]|[aiLmsux-]*:|>))?)
    | (?P<close>\))
    | (?P<edge>\\[bBAZ]|[\^$])
    | \\. | \[\^?\]?(?:\\.|[^\]\\])*\] | (?P<remark>\#[^\n]*) | .""",
    re.DOTALL | re.VERBOSE,
)
_NESTED = re.compile(r"(?<!\\)(?:\\\\)*\[\[")
_FENCE = "```"
_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


class Span(NamedTuple):
    """A part of a text, from `start` up to `end`."""

    start: int
    end: int

    def moved(self, by: int) -> Span:
        """The same part in a text that has so many characters more before it."""
        return Span(self.start + by, self.end + by)


@dataclass(frozen=True, slots=True)
class VerdictMatch:
    """What a rule finds in an answer, before it is known what that means.

    Attributes:
        value: What stands there: the text of the pattern's group, or the value of the object's field.
        span: Where the verdict stands: the group, or the field's value, a text without its quotes.
        marked: The same with what marks it as the verdict: the whole match, or the field with its name.
        in_object: Whether it is a field of an object.
        otherwise: What the answer says where the value turns out to be no verdict; None: what is wrong with the value.
    """

    value: Any
    span: Span
    marked: Span
    in_object: bool = False
    otherwise: Failure | None = None


class VerdictRule(BaseModel):
    """How a reply is read.

    Attributes:
        pattern: A regular expression with one group, which holds the verdict.
        values: What each text of the group means: a slot's letter or `tie`; without, the group is the letter itself.
        match: Which match counts: the `last`, the `first`, or the `only` one (all matches are the same text).
        json_field: For structured output, the name of the verdict's field in the object (`json` in the file).
        scale: In mode rating, the lowest and the highest rating.
        ranking: The group holds a ranking of all slots, such as `B > A > C`; with `ties`, `=` may stand in it.
        criteria: In mode rating, the group holds a rating for each of these names; the weighted mean counts.
        scores: The group holds a score for each slot, between these two; the highest is the choice.
        example: A reply that the rule reads.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)

    pattern: str | None = None
    values: dict[str, str] | None = Field(default=None, min_length=1)
    match: Literal["last", "first", "only"] = "last"
    json_field: str | None = Field(default=None, alias="json", min_length=1)
    scale: tuple[float, float] | None = None
    ranking: Literal["strict", "ties"] | None = None
    criteria: dict[str, float] | None = Field(default=None, min_length=1)
    scores: tuple[float, float] | None = None
    example: str | None = None

    @cached_property
    def regex(self) -> re.Pattern[str] | None:
        """The compiled pattern."""
        return None if self.pattern is None else _compiled(self.pattern)

    @cached_property
    def has_parts(self) -> bool:
        """Whether a verdict is made from several parts: a ranking, criteria or scores."""
        return any(form is not None for form in (self.ranking, self.criteria, self.scores))

    @property
    def can_tie(self) -> bool:
        """Whether there is a verdict that no completion is better."""
        return TIE in (self.values or {}).values() or self.ranking == "ties" or self.scores is not None

    @model_validator(mode="after")
    def _whole(self) -> VerdictRule:
        if self.pattern is None and self.json_field is None:
            raise ValueError("needs a pattern with one group, or json with the name of the verdict's field")
        if self.pattern is not None:
            escape = r"; a bracket of the reply is escaped: '\[\['" if _NESTED.search(self.pattern) else ""
            try:
                groups = _compiled(self.pattern).groups
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
        for text, value in (self.values or {}).items():
            if value != TIE and not (len(value) == 1 and value in LABELS):
                raise ValueError(f"values: '{text}' means '{value}', expected a slot's letter (A, B, ...) or tie")
        return self

    def _check_parts(self) -> None:
        forms = {"ranking": self.ranking, "criteria": self.criteria, "scores": self.scores, "values": self.values}
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

    def texts(self, labels: Sequence[str]) -> tuple[str, ...]:
        """The texts that mean one of these slots, or a tie."""
        if self.values is None:
            return tuple(labels)
        return tuple(text for text, value in self.values.items() if value == TIE or value in labels)

    def check_reach(self) -> None:
        """Refuses a pattern whose group can never hold what it has to.

        Raises:
            ValueError: The group, by itself, matches no rating, not both of the first two slots, or not every value.
        """
        if self.has_parts:  # their example, which must be there, is read
            return
        group = None if self.regex is None else _group_alone(self.regex)
        if group is None:
            return
        if self.scale is not None:
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


@lru_cache(maxsize=64)
def _compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # '[[' means what it says, until a Python that has nested sets
        return re.compile(pattern, flags)


def _group_alone(regex: re.Pattern[str]) -> re.Pattern[str] | None:
    """What the one group of a pattern matches, as a pattern; None where that depends on what is around it."""
    source, verbose = regex.pattern, regex.flags & re.VERBOSE
    opened: list[str] = []
    start = depth = 0
    scopes: list[str] = []
    position = re.match(r"(?:\(\?[aiLmsux]+\))*", source).end()  # type: ignore[union-attr]
    while position < len(source):
        piece = _PIECE.match(source, position)
        if piece is None:
            return None
        opener = piece["open"]
        position = piece.end()
        if piece["remark"] and not verbose:
            position = piece.start() + 1
        elif opener is not None:
            if start and opener.strip("(?<") in {"=", "!"}:
                return None
            opened.append(opener)
            if not start and (opener == "(" or opener.startswith("(?P<")):
                start, depth = piece.end(), len(opened)
                scopes = [scope for scope in opened if scope.endswith(":")]
        elif piece["close"]:
            if start and len(opened) == depth:
                try:
                    return _compiled("".join(scopes) + source[start : piece.start()] + ")" * len(scopes), regex.flags)
                except re.error:
                    return None
            opened.pop()
        elif start and piece["edge"]:
            return None
    return None


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
    low, high = rule.scores or rule.scale or (0.0, 1.0)
    number = {"type": "number", "minimum": low, "maximum": high}
    names = list(labels if rule.criteria is None else rule.criteria)
    properties = {name: dict(number) for name in names}
    return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}


def find_verdict(answer: str, rule: VerdictRule) -> VerdictMatch | Failure:
    """Where an answer says the verdict that counts.

    With `json`, an answer that is one object, in a fence or without, is read by its field and by nothing else: a tag
    in its reasoning is no verdict. Another answer is read by the pattern, and without a match (or a pattern) by the
    last fenced object.

    Args:
        answer: What the judge said, without its thinking.
        rule: The template's rule.

    Returns:
        The place and what stands there; a failure where there is none, or where several contradict each other.
    """
    if rule.json_field is not None and (rule.regex is None or _is_object(answer)):
        return _find_field(answer, rule.json_field)
    tag = find_tag(answer, rule)
    if tag is not None:
        return tag
    unmatched = Failure("unreadable", f"nothing matches {rule.pattern}")
    field = unmatched if rule.json_field is None else _find_field(answer, rule.json_field)
    return unmatched if isinstance(field, Failure) else replace(field, otherwise=unmatched)


def find_tag(answer: str, rule: VerdictRule) -> VerdictMatch | Failure | None:
    """Where the pattern finds the verdict that counts; None where there is no match, or no pattern."""
    matches = [] if rule.regex is None else list(rule.regex.finditer(answer))
    if not matches:
        return None
    if rule.match == "only" and len(texts := dict.fromkeys(str(match.group(1)) for match in matches)) > 1:
        return Failure("ambiguous", f"says {', '.join(texts)}")
    match = matches[0 if rule.match == "first" else -1]
    if match.group(1) is None:
        return Failure("unreadable", f"{rule.pattern} matched without its group")
    return VerdictMatch(match.group(1), Span(*match.span(1)), Span(*match.span()))


def _find_field(answer: str, field: str) -> VerdictMatch | Failure:
    """The field of the last fenced object, or of the answer that is one."""
    block = _object_span(answer)
    text = answer[block.start : block.end]
    try:
        parsed = json.loads(text)
        if not isinstance(parsed, dict):
            return Failure("unreadable", "the reply's JSON is not an object")
        places = [(marked, span) for name, marked, span in object_fields(text) if name == field]
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "cannot be decoded"
        return Failure("unreadable", f"not a JSON object: {reason}")
    if not places:
        return Failure("unreadable", f"{field}: Field required")
    marked, span = places[-1]  # of a name that stands twice, JSON readers take the last
    return VerdictMatch(parsed[field], span.moved(block.start), marked.moved(block.start), in_object=True)


def object_fields(text: str) -> Iterator[tuple[str, Span, Span]]:
    """The fields of an object, those inside its values left out.

    Args:
        text: JSON that decodes to an object.

    Yields:
        The field's name; where it stands with its name; where its value stands, a text without its quotes.
    """
    at = _after_space(text, text.index("{") + 1)
    while text[at] != "}":
        name, end = _DECODER.raw_decode(text, at)
        colon = _after_space(text, end)
        start = _after_space(text, colon + 1)
        value, end = _DECODER.raw_decode(text, start)
        quote = 1 if isinstance(value, str) else 0
        yield name, Span(at, end), Span(start + quote, end - quote)
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing as well


def _is_object(answer: str) -> bool:
    """Whether an answer is one JSON object, in a fence or without, and nothing else."""
    text = answer.strip()
    if text.startswith("```") and text.endswith("```") and text.count("```") == 2:
        block = _object_span(text)
        text = text[block.start : block.end]
    if not text.startswith("{"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _object_span(answer: str) -> Span:
    """The last fenced object of an answer that has one, else all of it; without the white space around."""
    last, at = _without_space(answer, Span(0, len(answer))), 0
    for number, part in enumerate(answer.split(_FENCE)):
        if number % 2:
            start = at + len("json") if part.startswith("json") else at
            block = _without_space(answer, Span(start, at + len(part)))
            if answer.startswith("{", block.start, block.end):
                last = block
        at += len(part) + len(_FENCE)
    return last


def _without_space(text: str, span: Span) -> Span:
    inside = text[span.start : span.end]
    start = span.end - len(inside.lstrip())
    return Span(start, start + len(inside.strip()))
