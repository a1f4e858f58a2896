"""The head of a template's file: YAML between two lines of `---`, into checked settings."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from judgebench._util.yaml import YamlText
from judgebench.errors import ConfigError
from judgebench.items import Failure, Mode, Verdict
from judgebench.templates.fromrows import filled_in
from judgebench.verdicts import KINDS, CriterionRule, VerdictMatch, VerdictRule, fill_tags, find_tag, read_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pydantic_core import ErrorDetails

NO_FRONT_MATTER = "no front matter"
_IN_RULE = ("scale", "positive", "abstain")
"""Keys of the verdict that may stand beside it."""
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)


class FrontMatterError(ConfigError):
    """A key of the head that does not hold what it must.

    Attributes:
        key: Its path, as in `("verdict", "example")`.
    """

    def __init__(self, where: str, what: str, *, fix: str, key: tuple[str, ...], line: int) -> None:
        super().__init__(
            f"{where}, line {line}: {what}{'; ' if fix else ''}{fix}", what=what, where=where, line=line, fix=fix
        )
        self.key = key


class FrontMatter(BaseModel):
    """The head of a template's file.

    Attributes:
        name: As on the command line and in tables.
        mode: What a call shows, and what its verdict is: see `judgebench.verdicts.kinds`.
        description: One line.
        source: Where the method comes from: a paper, a repository.
        verdict: How the reply is read.
        ties: The companion that judges what the benchmark has rated.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    mode: Mode
    description: str = ""
    source: str = ""
    verdict: VerdictRule
    ties: str | None = None

    @property
    def slots(self) -> int:
        """The most slots that a question of this mode has."""
        return KINDS[self.mode].slots

    @model_validator(mode="after")
    def _fits(self) -> FrontMatter:
        rule = self.verdict
        KINDS[self.mode].check(rule)
        rule.check_reach()
        self._reads_example()
        return self

    def _reads_example(self) -> None:
        """Refuses a verdict rule that its own example shows to be out of reach."""
        example, rule = self.verdict.example, self.verdict
        if example is None:
            return
        found = read_text(example, rule, self.slots)
        if self.mode == "best_of_k" and rule.has_parts:  # an example of any number of slots
            tried = (read_text(example, rule, k) for k in range(2, self.slots + 1))
            found = next((each for each in tried if isinstance(each, Verdict)), found)
        if isinstance(found, Failure):
            raise ValueError(f"verdict.example is not parsed by the rule: {found.detail}")  # noqa: TRY004
        if rule.values is None or not isinstance(find_tag(example, rule), VerdictMatch):
            return
        for text in rule.values:
            tag = find_tag(fill_tags(rule, text), rule)
            if not isinstance(tag, VerdictMatch) or tag.value != text:
                raise ValueError(f"verdict.values has '{text}', which verdict.pattern {rule.pattern!r} cannot match")


def blanked(text: str) -> str:
    """The text with its front matter emptied, so that line numbers stay those of the file."""
    front = _FRONT.match(text)
    return text if front is None else "\n" * text[: front.end()].count("\n") + text[front.end() :]


def head_of(text: str) -> str:
    """The front matter of a template's text, with the lines around it; empty where there is none."""
    front = _FRONT.match(text)
    return "" if front is None else text[: front.end()]


def read_front_matter(source: str, where: str) -> FrontMatter:
    """The front matter of a template's text.

    Args:
        source: The whole file.
        where: Its name, as messages give it.

    Raises:
        ConfigError: There is none, or it does not hold what a template's must.
    """
    front = _FRONT.match(filled_in(source))
    if front is None:
        fix = "`judgebench templates new NAME` writes a template to put the prompt into"
        raise ConfigError.at(where, NO_FRONT_MATTER, line=1, fix=fix)
    text = YamlText(front.group(1), where, first_line=2, repeats=True)  # heads that have kept runs have repeats
    data = text.data
    if not isinstance(data, dict):
        what = "front matter is not a mapping of keys such as name, mode and verdict"
        raise ConfigError.at(where, what, line=2)
    beside = [key for key in _IN_RULE if key in data]
    if isinstance(data.get("verdict"), dict):
        for key in beside:
            data["verdict"].setdefault(key, data.pop(key))
        if data.get("mode") == "steps":
            data["verdict"].setdefault("steps", True)
        if data.get("mode") == "label" and isinstance(values := data["verdict"].get("values"), dict) and values:
            data["verdict"].setdefault("positive", next(iter(values.values())))
        if data.get("mode") == "criteria":
            data["verdict"] = _of_each(data["verdict"])
    if data.get("verdict", "") is None:  # `verdict:` with nothing below it
        del data["verdict"]
    try:
        return FrontMatter.model_validate(data)
    except ValidationError as error:
        raise _mistake(error, where, text, data, beside) from None


def _of_each(verdict: dict[str, Any]) -> dict[str, Any]:
    """The rule of mode criteria with what each value earns under `of`, where a reply is about one criterion."""
    values = verdict.get("values")
    if "of" in verdict or not isinstance(values, dict):
        return verdict
    shares = [value for value in values.values() if isinstance(value, int | float)]
    names = {share: text for text, share in reversed(values.items()) if isinstance(share, int | float)}
    if len(shares) < len(values) or not all(isinstance(text, str) for text in values):
        return {**verdict, "of": {"values": values}}
    classes = {text: names[share] for text, share in values.items()}
    return {**verdict, "of": {"values": values}, "values": classes, "positive": names[max(shares)]}


def _mistake(
    error: ValidationError, where: str, text: YamlText, data: Mapping[object, object], beside: Collection[str]
) -> FrontMatterError:
    """The first problem, and its key: where it was found, or below that the one that its message begins with.

    Args:
        error: All problems.
        where: The file.
        text: Its head.
        data: What that holds.
        beside: Keys of the verdict that stand beside it.
    """
    problems = error.errors(include_url=False)
    within = problems[0]["loc"][:-1]
    misspelt = (each for each in problems if each["type"] == "extra_forbidden" and each["loc"][:-1] == within)
    problem = next(misspelt, problems[0]) if problems[0]["type"] == "missing" and within else problems[0]
    place = tuple(str(part) for part in problem["loc"] if part != "[key]")
    message = _worded(problem)
    begins = message.partition(" ")[0].rstrip(":").split(".")
    key = (*place, *begins) if problem["type"] == "value_error" else place
    what, _, fix = f"{'.'.join(place)}{': ' if place else ''}{message}".partition("; ")
    if problem["type"] == "missing" and len(place) == 1:
        fix = _line_to_add(place[0], where, data)
    own = key[1:] if key[0] == "verdict" and key[1:2] and key[1] in beside else key
    return FrontMatterError(where, what, fix=fix, key=key, line=text.line(own))


def _line_to_add(key: str, where: str, data: Mapping[object, object]) -> str:
    """The line that a head lacks, as the end of a sentence."""
    if key == "name":
        return f"add `name: {re.sub(r'[^A-Za-z0-9._-]+', '-', where.partition('.')[0]).lstrip('._-') or 'mine'}`"
    if key == "mode":
        return (
            "add `mode: pairwise` (two answers), `best_of_k` (2 to 26), `rating`, `label`, `criteria` or `steps` (one)"
        )
    kind = next((kind for mode, kind in KINDS.items() if mode == data.get("mode")), KINDS["pairwise"])
    return f"add `verdict: {kind.starter}`, and ask for this form in the prompt"


def _worded(problem: ErrorDetails) -> str:
    if problem["type"] == "extra_forbidden":
        inside = problem["loc"][0] == "verdict" and len(problem["loc"]) > 1
        known = CriterionRule if len(problem["loc"]) > 2 else VerdictRule
        keys = [*known.model_fields, "json"] if inside else [*FrontMatter.model_fields, *_IN_RULE]
        near = difflib.get_close_matches(str(problem["loc"][-1]), keys, n=1)
        return "is not a template key" + (f"; did you mean {near[0]}?" if near else "")
    if problem["type"] == "missing":
        return "is missing"
    if problem["type"] == "string_type":
        return f"is {problem['input']!r}, expected text (quote it)"
    return problem["msg"].removeprefix("Value error, ")
