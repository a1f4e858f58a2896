"""The templates that a run's folder keeps: what worded its questions, and whose rules read the replies."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from judgebench.errors import ConfigError
from judgebench.runs.templatefiles import READING, read_template
from judgebench.templates import TEMPLATE, TIES_TEMPLATE

if TYPE_CHECKING:
    from judgebench.items import Classes, ItemKey
    from judgebench.runs.run import Finished
    from judgebench.templates import Template


@dataclass(frozen=True)
class RunTemplates:
    """The templates in a run's folder.

    Attributes:
        wording: What the judge was asked with.
        companion: What it was asked with about items that are always rated; None where there are none.
        reader: Whose rule read the replies to `wording`: itself, or another's where the run was rescored.
        companion_reader: The same for `companion`.
    """

    wording: Template
    companion: Template | None
    reader: Template
    companion_reader: Template | None

    def rates(self, key: ItemKey, finished: Finished) -> bool:
        """Whether the companion asks about this item."""
        return self.companion is not None and finished.benchmark.by_ties(key)

    def wording_for(self, key: ItemKey, finished: Finished) -> Template:
        """The template that words the item's questions."""
        return self.companion if self.companion is not None and self.rates(key, finished) else self.wording

    def reader_for(self, key: ItemKey, finished: Finished) -> Template:
        """The template whose rule reads the replies to them."""
        reader = self.companion_reader
        return reader if reader is not None and self.rates(key, finished) else self.reader


def described(template: Template) -> dict[str, Any]:
    """What a manifest says of a template."""
    classes, edited = template.rule.classes, template.edited
    return {
        "name": template.name,
        "hash": template.hash,
        "mode": template.mode,
        **({} if edited is None else {"edited": edited}),
        **({} if template.file is None else {"file": template.file}),
        **({} if classes is None else {"classes": _said(classes)}),
    }


def _said(classes: Classes) -> dict[str, Any]:
    said = asdict(classes)
    return {name: value for name, value in said.items() if value or name != "shares"}


def run_templates(finished: Finished) -> RunTemplates:
    """The templates of a judge's run, from its own folder.

    Raises:
        ConfigError: The run has none, or they cannot be read.
    """
    path = finished.path
    if finished.is_scores:
        raise ConfigError(f"{path}: made from a score file, without replies; use judgebench score")
    if finished.made_of is not None:
        raise ConfigError(
            f"{path}: is a {finished.made_of}, without replies of its own; rescore its runs, then rerun "
            f"judgebench {finished.made_of}"
        )
    wording = read_template(path, TEMPLATE)
    asked = (path / TIES_TEMPLATE).exists() or finished.run.manifest.companion is not None
    companion = read_template(path, TIES_TEMPLATE) if asked else None
    reading = path / READING
    reader = read_template(reading, TEMPLATE) if (reading / TEMPLATE).exists() else wording
    companion_reader = read_template(reading, TIES_TEMPLATE) if (reading / TIES_TEMPLATE).exists() else companion
    return RunTemplates(wording, companion, reader, companion_reader)
