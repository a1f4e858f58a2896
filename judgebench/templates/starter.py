"""A template to start from: a whole file of a mode, or the lines that a bare prompt lacks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from judgebench._util.files import writing
from judgebench._util.resources import shipped
from judgebench.errors import ConfigError, unknown_name
from judgebench.templates.template import SUFFIXES, shipped_templates
from judgebench.verdicts import KINDS

if TYPE_CHECKING:
    from judgebench.items import Mode

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_BODY = """\
{% block user %}
(your prompt, with these in the places of the request and the answers:)
{{ prompt }}
{{ completions[0].text }}
{{ completions[1].text }}
End with [[A]] or [[B]].
{% endblock %}
"""


def new_template(name: str | Path, *, mode: Mode = "pairwise") -> Path:
    """Writes a template to edit: a prompt that works as it is, with the rule that parses its replies.

    >>> import judgebench as jb
    >>> jb.new_template("terse")  # doctest: +SKIP
    PosixPath('terse.jinja')

    Args:
        name: Its name, or the path of the file; `.jinja` is added where the name has no ending of a template.
        mode: What a call shows: two completions, 2 to 26, one to rate, one to put in a class, one with criteria of its
            own, or the steps of one.

    Returns:
        The file, named as the template.

    Raises:
        ConfigError: The file is there already, a template of that name ships, or no file can have that name.
    """
    if mode not in KINDS:
        raise unknown_name("mode", str(mode), KINDS)
    path = Path(name)
    if path.suffix not in SUFFIXES:
        path = path.with_name(f"{path.name}.jinja") if path.name else path
    if not _NAME.fullmatch(path.stem):
        raise ConfigError(f"'{name}': a template's name has letters, digits, '.', '_' and '-', as in my-pairwise")
    if path.stem in shipped_templates():
        raise ConfigError(f"'{path.stem}' is a shipped template; take another name, such as my-{path.stem}")
    with writing(path, "name another file"):
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(_starter(path.stem, mode))
        except FileExistsError:
            raise ConfigError(f"{path}: file exists; take another name, or delete it first") from None
    return path


def lines_to_add(file: str | Path) -> str:
    """The lines that make a template of a file that holds a prompt about two answers and nothing else."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(file).stem).lstrip("._-") or "mine"
    head = _starter(f"my-{stem}" if stem in shipped_templates() else stem, "pairwise").partition("{% block")[0]
    return f"{head}{_BODY}"


def _starter(name: str, mode: Mode) -> str:
    text = shipped("prompt_templates", f"_new-{mode}.jinja").read_text(encoding="utf-8")
    plain = isinstance(yaml.safe_load(name), str)  # YAML takes `12` for a number, and `no` for false
    return text.replace("NAME", name if plain else f"'{name}'", 1)
