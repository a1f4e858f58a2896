"""A benchmark file, read and checked: what stands in the YAML, with the line of each mistake."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from judgebench._util.yaml import YamlFile
from judgebench.benchmarks.columns import ColumnSpec
from judgebench.benchmarks.named_rules import Rule
from judgebench.benchmarks.registry import RULES, rules_for
from judgebench.errors import ConfigError, unknown_name
from judgebench.items import Orders
from judgebench.sources.labels import label_key
from judgebench.sources.mapped import NO_LABEL, ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

ItemKind = Literal["pair", "best_of_k", "rating", "label", "criteria", "steps"]
"""What a row is; `best_of_k` may have any number of completions."""

Average = Literal["micro", "macro", "weighted"]

FILE_ROLES = (*ROLES, "context", "correct", "pairs")
"""What a column of a benchmark file can be."""

ANSWER_ROLES = ("chosen", "rejected", "completions", "response_a", "response_b", "response", "steps")
"""The roles of which one says that the file names its columns itself, and no known form is looked for."""

_NAME = re.compile(r"[\w.-]+")


def _texts(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _text(value: object) -> object:
    """A number or a truth value of YAML as the text that it is."""
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_text)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_texts)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceSpec(_Part):
    """Where the rows are: one of `hub`, `files` and `url`.

    Attributes:
        hub: The ids of datasets on the hub, one after another.
        files: Paths, from the benchmark file's folder on.
        url: Where files can be had that judgebench cannot load; they are given with `--data`.
        revision: The commit of a dataset.
        config: Configurations of a dataset, one after another.
        split: Splits, one after another; `all` for every one.
    """

    hub: Texts | None = None
    files: Texts | None = None
    url: str | None = None
    revision: Text | None = None
    config: Texts | None = None
    split: Texts | None = None


class SectionSpec(_Part):
    """The subsets of a section, each with its weight in it (None: by its items), and the section's in the score.

    Names may hold `*` for any text.
    """

    subsets: Mapping[str, float | None]
    weight: Annotated[float, Field(ge=0)] = 1.0


_LATER = frozenset({"severity", "positive", "parts", "first_step"})
"""Keys that files of earlier versions do not have: without them the hash is as it was."""


class BenchmarkSpec(_Part):
    """What a benchmark file says.

    Attributes:
        name: As on the command line and in folders.
        title: As in tables; the name where it is left out.
        source: Where the rows are.
        license: Of the data.
        reference: The paper or page with the rule.
        fetch: How the rows are had by hand.
        item: What a row is; `label` is one answer with a class, `criteria` one with criteria of its own, `steps` one in
            steps with the first wrong one.
        columns: Role -> the column that it is, or several; see `ColumnSpec`.
        labels: What stands in the label's column -> `A`, `B`, another letter, `tie`, or nothing for no label.
        first_step: The number of the first step in the label's column: 0, or 1.
        only: ColumnSpec -> the values of the rows that are taken.
        keep: Columns that a template sees under their own names too, and not under the role's.
        hidden: Columns that a template never sees.
        severity: Classes from the mildest on: of a row's list of labels the worst counts, of an empty one the mildest.
        positive: The class that precision, recall and ranking figures are of; None for the template's.
        sections: Their subsets by name, or the column that names them.
        parts: Of each section, with their subsets: a section is the plain mean of its parts.
        rule: The named rule; None for the usual one of the kind of item.
        average: How the items make the score.
        orders: The orders of the official way; None for the rule's.
        template: The default template, or one for each mode.
        scale: The lowest and the highest grade.
    """

    name: str = ""
    title: str | None = None
    source: SourceSpec = SourceSpec()
    license: str | None = None
    reference: Text | None = None
    fetch: str | None = None
    item: ItemKind = "pair"
    columns: Mapping[str, Text | tuple[Text, ...] | None] = Field(default_factory=dict)
    labels: Mapping[Text, Text | None] = Field(default_factory=dict)
    only: Mapping[str, Texts] = Field(default_factory=dict)
    keep: Texts = ()
    hidden: Texts = ()
    severity: Texts = ()
    positive: Text | None = None
    sections: Mapping[str, SectionSpec] | str | None = None
    parts: Mapping[str, SectionSpec] | None = None
    rule: str | None = None
    average: Average = "micro"
    orders: Orders | None = None
    template: str | Mapping[str, str] | None = None
    scale: tuple[float, float] | None = None
    first_step: Literal[0, 1] = 0

    @property
    def named(self) -> bool:
        """Whether the file names the columns of the answers; else a known form of rows is looked for."""
        return any(self.columns.get(role) is not None for role in ANSWER_ROLES)

    @property
    def hash(self) -> str:
        """SHA-256 of what the file says of rows and score; not of where the rows are, or of what is only told."""
        told = {"source", "license", "reference", "title", "fetch", "template"}
        said = self.model_dump(mode="json", exclude=told)
        said = {name: value for name, value in said.items() if value or name not in _LATER}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def expressions(self, role: str) -> list[ColumnSpec]:
        """The columns that a role is made of; none where the file does not name it."""
        said = self.columns.get(role)
        texts: Sequence[str] = () if said is None else (said,) if isinstance(said, str) else said
        return [ColumnSpec(text) for text in texts]


def read_spec(path: Path) -> BenchmarkSpec:
    """Reads a benchmark file.

    Raises:
        ConfigError: It cannot be read, or a key or value in it means nothing; the message names the line.
    """
    file = YamlFile(path)
    data = file.data
    if not isinstance(data, dict) or "source" not in data:
        raise ConfigError(
            f"{path}: not a benchmark file: it needs source: {{files: [rows.csv]}} or source: {{hub: owner/name}}"
        )
    _known_keys(file, [], data, BenchmarkSpec.model_fields)
    source = data["source"]
    given = [key for key in ("files", "hub", "url") if isinstance(source, dict) and source.get(key)]
    if isinstance(source, dict):
        _known_keys(file, ["source"], source, SourceSpec.model_fields)
    if len(given) != 1:
        raise file.mistake(["source"], "must name one of files: [rows.csv], hub: owner/name and url: https://...")
    columns = data.get("columns")
    if columns is not None and not isinstance(columns, dict):
        raise file.mistake(["columns"], "must be names and values, such as {prompt: question}")
    for role in columns or {}:
        if role not in FILE_ROLES:
            raise ConfigError(f"{path}, line {file.line(['columns', role])}: {_unknown('role', str(role), FILE_ROLES)}")
    named = {key: _sections(file, data, key) for key in ("sections", "parts")}
    spec = _validated(file, {**data, "name": data.get("name") or path.stem, **named})
    _check(file, spec)
    return spec


def spec_of(data: Mapping[str, Any]) -> BenchmarkSpec:
    """What a run's manifest keeps of a benchmark file.

    Raises:
        ConfigError: It is damaged.
    """
    try:
        return BenchmarkSpec.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"the manifest's benchmark file is damaged: {error.errors()[0]['msg']}") from None


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    return str(unknown_name(what, name, known))


def _known_keys(file: YamlFile, at: list[str | int], data: Mapping[object, object], known: Iterable[str]) -> None:
    for key in data:
        if str(key) not in known:
            raise ConfigError(f"{file.path}, line {file.line([*at, str(key)])}: {_unknown('key', str(key), known)}")


def _sections(file: YamlFile, data: Mapping[str, Any], key: str) -> object:
    """The sections, or their parts, in one form: a column's name, or each one's subsets with their weights."""
    said = data.get(key)
    if said is None:
        return None
    column = key == "sections"
    if not isinstance(said, dict) or not said or ("column" in said and not column and len(said) == 1):
        raise file.mistake([key], f"must be {'{column: NAME}, or ' * column}names with their subsets")
    if column and set(said) == {"column"}:
        return said["column"]
    found = {}
    for name, section in said.items():
        if isinstance(section, dict) and "subsets" in section:
            _known_keys(file, [key, name], section, SectionSpec.model_fields)
            subsets, weight = section["subsets"], section.get("weight", 1.0)
        else:
            subsets, weight = section, 1.0
        if isinstance(subsets, str):
            subsets = [subsets]
        if isinstance(subsets, list):
            subsets = {str(subset): None for subset in subsets}
        if not isinstance(subsets, dict) or not subsets:
            raise file.mistake([key, name], "must be a list of subsets, or subsets with their weights")
        found[str(name)] = {"subsets": {str(key): value for key, value in subsets.items()}, "weight": weight}
    return found


def _validated(file: YamlFile, data: dict[str, Any]) -> BenchmarkSpec:
    try:
        return BenchmarkSpec.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        loc = [each for each in first["loc"] if isinstance(each, str | int) and not str(each).startswith("function-")]
        path: list[str | int] = []
        for each in loc:  # less pydantic's names of the types that it tried
            if isinstance(each, int) or each in _ALL_KEYS or len(path) == 1:
                path.append(each)
        literal = first["type"] == "literal_error"
        message = f"must be {first['ctx']['expected']}" if literal else str(first["msg"]).lower()
        given = first.get("input")
        near = difflib.get_close_matches(str(given), re.findall(r"'(\w+)'", message), n=1) if literal else []
        hint = f": did you mean {near[0]}?" if near else ""
        raise file.mistake(path, f"is {given!r:.60}, and {message}{hint}") from None


_ALL_KEYS = {*BenchmarkSpec.model_fields, *SourceSpec.model_fields, *SectionSpec.model_fields, *FILE_ROLES}


def _check(file: YamlFile, spec: BenchmarkSpec) -> None:
    """What the types do not say.

    Raises:
        ConfigError: Something contradicts itself; the message names the line.
    """
    if not _NAME.fullmatch(spec.name):
        raise file.mistake(["name"], f"is '{spec.name}': use letters, digits, '-', '_' and '.'")
    for value, meaning in spec.labels.items():
        text = (meaning or "").strip()
        letter = len(text) == 1 and text.isascii() and text.isalpha()
        if spec.item == "steps":
            if re.fullmatch(r"-1|\d*", text) is None:
                raise file.mistake(["labels", value], f"is '{text}': write the number of a step, -1, or nothing")
        elif spec.item not in {"label", "criteria"} and not letter and label_key(text) not in {"tie", *NO_LABEL}:
            raise file.mistake(["labels", value], f"is '{text}': write A, B or tie, or nothing for no label")
    if spec.rule is not None:
        if spec.rule not in RULES:
            known = _unknown("rule", spec.rule, RULES)
            raise ConfigError(f"{file.path}, line {file.line(['rule'])}: {known} (judgebench benchmarks rules)")
        if spec.item not in RULES[spec.rule].items:
            fitting = ", ".join(rules_for(spec.item))
            raise file.mistake(["rule"], f"is {spec.rule}, which is not for item: {spec.item}; for it are {fitting}")
    if not spec.named:
        for role in spec.columns:
            each = spec.expressions(role)
            if len(each) > 1 or any(set("{|*'") & set(one.text) for one in each):
                raise file.mistake(["columns", role], "is more than a name: name the columns of the answers, too")
    for key in ("sections", "parts"):
        if isinstance(named := getattr(spec, key), Mapping):
            _check_sections(file, key, named)
    _check_parts(file, spec)
    _check_classes(file, spec)
    if spec.average == "weighted" and not isinstance(spec.sections, Mapping):
        raise file.mistake(["average"], "is weighted, which needs sections with their subsets and weights")
    if isinstance(spec.template, Mapping):
        modes = RULES[spec.rule or DEFAULT_RULES[spec.item]].templates
        for mode in spec.template:
            if mode not in modes:
                known = _unknown("mode", mode, modes)
                raise ConfigError(f"{file.path}, line {file.line(['template', mode])}: {known}")
    if spec.scale is not None and spec.scale[0] >= spec.scale[1]:
        raise file.mistake(["scale"], "must be the lowest and the highest grade, such as [1, 5]")
    if spec.item == "steps" and not spec.expressions("steps"):
        raise file.mistake(["columns"], "must name the column of the steps: {steps: NAME}")
    if spec.item != "steps" and spec.columns.get("steps") is not None:
        raise file.mistake(["columns", "steps"], "is for item: steps")
    if spec.first_step and spec.item != "steps":
        raise file.mistake(["first_step"], "is for item: steps")
    for role in ("correct", "pairs"):
        if spec.columns.get(role) is not None and spec.item != "best_of_k":
            raise file.mistake(["columns", role], "is for item: best_of_k")
    if spec.item == "criteria" and spec.named and spec.columns.get("criteria") is None:
        raise file.mistake(["columns"], "needs criteria: the column with each row's criteria")


def _check_parts(file: YamlFile, spec: BenchmarkSpec) -> None:
    if spec.parts is None:
        return
    if spec.sections is None:
        raise file.mistake(["parts"], "are parts of sections: write sections too, such as {column: NAME}")
    rule = RULES[spec.rule or DEFAULT_RULES[spec.item]]
    if type(rule).part_of is not Rule.part_of or not rule.is_mean:
        raise file.mistake(["parts"], f"do not go with the rule {rule.name}, which is no mean over items")
    if weighed := next((name for name, part in spec.parts.items() if part.weight != 1), None):
        raise file.mistake(["parts", weighed], "has a weight: the parts of a section count the same")
    twice = isinstance(spec.sections, Mapping) and any(
        weight is not None for section in spec.sections.values() for weight in section.subsets.values()
    )
    if twice:
        raise file.mistake(["parts"], "has the subsets' weights: leave them out in sections")


def _check_classes(file: YamlFile, spec: BenchmarkSpec) -> None:
    """What is said of classes: only of answers with classes, and only names that are some."""
    for key in ("severity", "positive"):
        if getattr(spec, key) and spec.item != "label":
            raise file.mistake([key], f"is for item: label, not for item: {spec.item}")
    classes = [meaning for meaning in spec.labels.values() if meaning]
    if spec.severity and (lacking := next((name for name in classes if name not in spec.severity), None)):
        raise file.mistake(["severity"], f"leaves out '{lacking}', which labels name: put every class in its place")
    known = dict.fromkeys([*classes, *spec.severity])
    if spec.positive and known and spec.positive not in known:
        raise ConfigError(f"{file.path}, line {file.line(['positive'])}: {_unknown('class', spec.positive, known)}")


def _check_sections(file: YamlFile, key: str, sections: Mapping[str, SectionSpec]) -> None:
    found: dict[str, str] = {}
    for name, section in sections.items():
        for subset in section.subsets:
            if subset in found:
                raise file.mistake([key, name], f"has the subset '{subset}' of {found[subset]}: leave one out")
            found[subset] = name
        weighed = [weight for weight in section.subsets.values() if weight is not None]
        if weighed and (len(weighed) < len(section.subsets) or min(weighed) < 0 or not sum(weighed)):
            raise file.mistake([key, name], "needs a weight of 0 or more for each subset, or for none")
        if weighed and any("*" in subset for subset in section.subsets):
            raise file.mistake([key, name], "gives a weight to a name with '*': write out the subsets")


DEFAULT_RULES: Mapping[ItemKind, str] = {
    "pair": "strict_pair",
    "best_of_k": "k_against_one",
    "rating": "correlation",
    "label": "label_accuracy",
    "criteria": "criteria_accuracy",
    "steps": "step_f1",
}
"""The rule of a file that names none."""

assert set(DEFAULT_RULES) == set(get_args(ItemKind))
