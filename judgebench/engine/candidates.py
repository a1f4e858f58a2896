"""The candidate templates of `tune`: those given by hand, and written ones, checked before anything is paid for."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from judgebench._util.files import write_texts
from judgebench.engine.plan import companion_of
from judgebench.engine.questions import Questions
from judgebench.errors import ConfigError
from judgebench.runs import template_texts
from judgebench.templates import INCLUDED, TEMPLATE, blanked, head_of, lint_all, load_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from judgebench.client import KeyMaker
    from judgebench.engine.spec import RunSpec
    from judgebench.templates import Template

Origin = Literal["given", "written"]


@dataclass(frozen=True)
class Wording:
    """A wording that races.

    Attributes:
        spec: Its run over the train items.
        origin: Whether it was given by hand or written.
        edit: The edit that it was written for; None for one given by hand, and for the template in use.
    """

    spec: RunSpec
    origin: Origin
    edit: str | None = None

    @property
    def template(self) -> Template:
        """Its template."""
        return self.spec.template


def check_given(templates: Sequence[Template]) -> None:
    """Finds templates given by hand that cannot race: the first is the one in use.

    Raises:
        ConfigError: One gives another kind of verdict, or asks the same as an earlier one.
    """
    baseline = templates[0]
    for at, template in enumerate(templates[1:], 1):
        if template.mode != baseline.mode:
            raise ConfigError(
                f"template '{template.name}' has mode {template.mode} and '{baseline.name}' {baseline.mode}: tune "
                "compares wordings of one kind of verdict; leave one out"
            )
        same = next((other for other in templates[:at] if asks_the_same(template, other)), None)
        if same is not None:
            raise ConfigError(
                f"template '{template.name}' asks the same as '{same.name}': change its text, or leave it out"
            )


def asks_the_same(first: Template, second: Template) -> bool:
    """Whether two templates send the same messages and read the reply alike, whatever they are called."""
    alike = blanked(first.source).strip() == blanked(second.source).strip() and first.files == second.files
    rules = first.rule.model_dump(), second.rule.model_dump()  # by their fields: a rule also keeps what it has read
    return alike and rules[0] == rules[1] and first.mode == second.mode


def written_candidate(
    text: str, baseline: RunSpec, name: str, folder: Path, keys: KeyMaker, *, own_head: bool
) -> RunSpec:
    """The run of a written template, which is kept as a file of this name.

    Args:
        text: The template, with or without a head.
        baseline: The run of the template in use, over the train items.
        name: What it is called.
        folder: Where its file goes, and beside it what it takes in.
        keys: Of the judge.
        own_head: Whether a head in the text counts; else the verdict is read as in the template in use.

    Raises:
        ConfigError: It breaks the format: it cannot be parsed, gives another kind of verdict, or lint finds in it what
            it does not find in the template in use.
    """
    used = baseline.template
    text = text.replace("\r\n", "\n")
    head = (head_of(text) if own_head else "") or head_of(used.source)
    path = _kept(folder, name, f"{_named(head, name)}{blanked(text).strip()}\n", used)
    template = load_template(path).for_items(baseline.dataset)
    if template.mode != used.mode:
        raise ConfigError(f"its mode is {template.mode}, not {used.mode}")
    known = {each.kind for each in lint_all([_kept(folder, used.name, used.source, used)])}
    found = [each for each in lint_all([path]) if each.kind not in known]
    if found:
        raise ConfigError(f"{found[0].what} (line {found[0].line})")
    dataset = baseline.dataset.held_against(template.mode, template.rule.classes, template.name)
    companion = companion_of(baseline.benchmark, dataset, template)
    spec = replace(baseline, template=template, dataset=dataset, companion=companion)
    Questions(spec, keys).check()
    return spec


def _named(head: str, name: str) -> str:
    """A head whose template is called so."""
    return re.sub(r"^name:.*$", f"name: {name}", head, count=1, flags=re.MULTILINE)


def _kept(folder: Path, name: str, source: str, used: Template) -> Path:
    """The file of a template, beside what the one in use takes in; left alone where it is as it should be."""
    path = folder / f"{name}.jinja"
    taken_in = {each.removeprefix(f"{INCLUDED[TEMPLATE]}/"): text for each, text in template_texts(used).items()}
    del taken_in[TEMPLATE]
    if not path.exists() or path.read_text(encoding="utf-8") != source:
        write_texts(folder, {**taken_in, path.name: source})
    return path


def asked_already(specs: Iterable[RunSpec], spec: RunSpec) -> RunSpec | None:
    """The first of some runs whose template asks the same as that of a run; None where none does."""
    return next((other for other in specs if asks_the_same(other.template, spec.template)), None)
