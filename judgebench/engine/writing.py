"""Who writes candidate templates for `tune`: a model, by a list of edits, or a function of one's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jinja2.sandbox import ImmutableSandboxedEnvironment

from judgebench._util.resources import shipped
from judgebench._util.yaml import YamlFile
from judgebench.client import Request
from judgebench.errors import ConfigError, VerdictFailure
from judgebench.templates import VARIABLES
from judgebench.verdicts import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from judgebench.client import JudgeClient
    from judgebench.templates import Template

_FENCED = re.compile(r"^```[a-z0-9]*[ \t]*\r?\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LONGEST = 2_000
"""So many characters of a text are shown to the model that writes."""


@dataclass(frozen=True, slots=True)
class TemplateEdit:
    """One way to change a template.

    Attributes:
        name: A word; candidates are called by it.
        instruction: What to change, for whoever writes.
        modes: The modes of the templates that it is for; empty for all.
    """

    name: str
    instruction: str
    modes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainFailure:
    """A train item on which the template in use and people disagree; no held-out item is among them.

    Attributes:
        item: Its id.
        prompt: What the answers reply to.
        answers: As the judge saw them, in order.
        expected: What people said: a letter, `tie`, a class or a grade.
        said: The verdict, or the kind of the failure.
        reply: The judge's reply.
    """

    item: str
    prompt: str
    answers: tuple[str, ...]
    expected: str
    said: str
    reply: str = ""


class Writer(Protocol):
    """What writes candidates, a function as a rule.

    A text that it gives needs no front matter: then it gets that of the template in use. One that breaks the format, or
    gives another kind of verdict, is left out, and said.
    """

    def __call__(self, template: str, edit: TemplateEdit, failures: Sequence[TrainFailure], /) -> Iterable[str]:
        """The texts of any number of templates.

        Args:
            template: The text of the template in use.
            edit: What to change.
            failures: Train items on which the template in use and people disagree.
        """


class ScriptedWriter:
    """A writer with a script, for tests of whatever calls `tune`.

    >>> write = ScriptedWriter({"short": ["Which is better?"]})
    >>> list(write("...", TemplateEdit("short", "Cut."), []))
    ['Which is better?']

    Args:
        texts: The candidates by the name of the edit.

    Attributes:
        calls: What each call so far was given.
    """

    def __init__(self, texts: Mapping[str, Sequence[str]]) -> None:
        self.texts = texts
        self.calls: list[tuple[str, TemplateEdit, Sequence[TrainFailure]]] = []

    def __call__(self, template: str, edit: TemplateEdit, failures: Sequence[TrainFailure]) -> Iterable[str]:
        """The candidates for an edit."""
        self.calls.append((template, edit, failures))
        return self.texts.get(edit.name, ())


def read_edits(file: str | Path | None, mode: str) -> list[TemplateEdit]:
    """The edits of a list that are for templates of a mode.

    Args:
        file: A YAML list of mappings with `name`, `edit` and, where it is not for all, `modes`; None for the list that
            ships.
        mode: The mode of the template in use.

    Raises:
        ConfigError: The file cannot be read, or is no such list.
    """
    text = YamlFile(shipped("prompt_templates", "edits.yaml") if file is None else Path(file))
    if not isinstance(text.data, list) or not text.data:
        raise ConfigError(
            f"{text.name}: expected a list of edits, such as `- {{name: short, edit: Cut what is idle.}}`"
        )
    edits: dict[str, TemplateEdit] = {}
    for number, each in enumerate(text.data, 1):
        where = f"{text.name}, edit {number}"
        if not isinstance(each, dict) or not {"name", "edit"} <= each.keys() <= {"name", "edit", "modes"}:
            raise ConfigError(f"{where}: must have the keys name and edit, and may have modes")
        name, modes = str(each["name"]), each.get("modes") or []
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise ConfigError(f"{where}: name is '{name}'; use letters, digits and -")
        if name in edits:
            raise ConfigError(f"{where}: the name '{name}' is given twice; give one another name")
        if not isinstance(modes, list) or (unknown := [one for one in modes if one not in KINDS]):
            named = ", ".join(map(str, unknown)) if isinstance(modes, list) else modes
            raise ConfigError(f"{where}: modes has {named}; expected a list of {', '.join(KINDS)}")
        edits[name] = TemplateEdit(name, str(each["edit"]).strip(), tuple(modes))
    fitting = [edit for edit in edits.values() if not edit.modes or mode in edit.modes]
    if not fitting:
        raise ConfigError(f"{text.name}: no edit is for templates of mode {mode}")
    return fitting


def writing_request(
    client: JudgeClient, template: Template, edit: TemplateEdit, failures: Sequence[TrainFailure]
) -> Request:
    """What goes to the model that writes: one message, which shows the template, the edit and some failures."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)  # plain text: nothing to escape
    prompt = environment.from_string(shipped("prompt_templates", "_writer.jinja").read_text(encoding="utf-8")).render(
        template=template.source,
        files=dict(template.files),
        edit=edit.instruction,
        failures=[_shortened(each) for each in failures],
        variables=sorted(VARIABLES),
    )
    messages = [{"role": "user", "content": prompt}]
    return Request(client.keys.key(messages, 0), messages, 0, None, None)


async def written_by_model(
    client: JudgeClient, request: Request, *, offline: bool = False
) -> tuple[list[str], float, str]:
    """What a model writes: the texts of templates, without heads; what the reply cost; and why there is none.

    Args:
        client: The model's.
        request: See `writing_request`.
        offline: Whether the cache must have the reply.

    Raises:
        FatalProviderError: The provider refuses.
        BudgetReached: The call could pass the budget.
    """
    reply = client.cached(request)
    if reply is None:
        if offline:
            return [], 0.0, "its reply is not cached, and --offline makes no calls"
        try:
            reply = (await client.ask(request)).reply
        except VerdictFailure as failure:
            return [], 0.0, f"no reply ({failure.kind}: {failure.detail})"
    found = _FENCED.findall(reply.text or "")
    text = max(found, key=len) if found else ""
    cut_off = "; the reply was cut off: raise max_tokens" if reply.finish_reason == "length" else ""
    why = "" if text.strip() else f"the reply has no block of code with a template{cut_off}"
    return ([text] if not why else []), reply.cost_usd or 0.0, why


def _shortened(failure: TrainFailure) -> dict[str, object]:
    return {
        "prompt": _cut(failure.prompt),
        "answers": [_cut(answer) for answer in failure.answers],
        "expected": failure.expected,
        "said": failure.said,
        "reply": _cut(failure.reply),
    }


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} [...]"
