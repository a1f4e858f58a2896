"""The templates in a run's folder: where they stand with what they include, and how they are read back.

A template's file is the run's own; what it includes stands below a folder of its own, under the name by which it is
included, so that no name can be that of another file of the run.
"""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from judgebench.errors import ConfigError
from judgebench.templates import INCLUDED, TEMPLATE, TIES_TEMPLATE, Template, parse_template

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEMPLATE_FILES = frozenset({*INCLUDED, *INCLUDED.values()})

READING = "reading"
"""The folder in a rescored run's folder with the template whose rule read the replies."""


def template_texts(template: Template | None, companion: Template | None = None) -> dict[str, str]:
    """The texts of a run's templates and of all that they include, by their paths in the run's folder.

    Args:
        template: What words its questions; None for none.
        companion: What words those about items that are always rated; None where there are none.

    Raises:
        ConfigError: What is included has a name that leads elsewhere, or two names are one path.
    """
    texts: dict[str, str] = {}
    for name, each in ((TEMPLATE, template), (TIES_TEMPLATE, companion)):
        if each is not None:
            texts[name] = each.source
            texts |= {f"{INCLUDED[name]}/{path}": text for path, text in _included(each)}
    return texts


def _included(template: Template) -> Iterator[tuple[str, str]]:
    texts: dict[str, str] = {}
    for name, text in template.files.items():
        path = posixpath.normpath(name)
        if posixpath.isabs(path) or path.split("/")[0] in {"..", "."}:
            raise ConfigError(
                f"{template.where}: includes '{name}' from outside its folder; include files from the template's folder"
            )
        if texts.setdefault(path, text) != text:
            raise ConfigError(f"{template.where}: includes two files as '{path}'; give one another name")
    for path in texts:
        above = next((str(each) for each in PurePosixPath(path).parents if str(each) in texts), None)
        if above is not None:
            raise ConfigError(f"{template.where}: includes '{above}' and '{path}'; give one another name")
    yield from texts.items()


def read_template(folder: Path, name: str) -> Template:
    """A template out of a run's folder, or out of its `reading`.

    Runs of earlier versions have what it includes beside it.

    Args:
        folder: Where it is.
        name: `template.jinja` or `template-ties.jinja`.

    Raises:
        ConfigError: It is not there, or cannot be read.
    """
    path = folder / name
    try:
        source = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: file not found; copy the run's whole folder again") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    return parse_template(source, str(path), (folder / INCLUDED[name], folder))
