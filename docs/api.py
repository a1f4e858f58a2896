"""Writes docs/api.md, the reference of the Python API, from the docstrings of the public names.

`python docs/api.py` writes it; `tests/docs/test_api.py` fails where the page and the docstrings differ.
"""

from __future__ import annotations

import inspect
import re
from functools import cached_property
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import judgebench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PAGE = Path(__file__).with_name("api.md")
WIDTH = 100
HEAD = """# Python API

Every public name of `judgebench`, generated from the docstrings by `python docs/api.py`. For examples, pandas and
notebooks, see [Python](python.md); the [glossary](glossary.md) defines the terms.
"""
_SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises|Examples?):\n((?:[ ]+.*\n|\n)+)", re.MULTILINE)
_ENTRY = re.compile(r"\n(?=\*{0,2}[\w.]+: )")


def signature(name: str, function: Callable[..., object]) -> str:
    """The call, on one line where it fits, else a parameter per line."""
    called = inspect.signature(function)
    parts = [*_parameters([value for key, value in called.parameters.items() if key not in {"self", "cls"}])]
    returned = "" if called.return_annotation is called.empty else f" -> {_text(called.return_annotation)}"
    line = f"{name}({', '.join(parts)}){returned}"
    return line if len(line) <= WIDTH else f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){returned}"


def _text(annotation: object) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _parameters(values: Sequence[inspect.Parameter]) -> Iterator[str]:
    """Each parameter as written, with the bare `*` before those that are keywords only."""
    kinds = [value.kind for value in values]
    for number, value in enumerate(values):
        if value.kind is value.KEYWORD_ONLY and not {value.KEYWORD_ONLY, value.VAR_POSITIONAL} & {*kinds[:number]}:
            yield "*"
        text = {value.VAR_POSITIONAL: "*", value.VAR_KEYWORD: "**"}.get(value.kind, "") + value.name
        if value.annotation is not value.empty:
            text += f": {_text(value.annotation)}"
        yield text if value.default is value.empty else f"{text} = {value.default!r}"


def body(docstring: str) -> str:
    """A docstring of Google's style as Markdown: its sections are lists, its examples blocks of code."""
    return _SECTION.sub(lambda match: f"{_section(match[1], dedent(match[2]).strip())}\n\n", f"{docstring}\n").strip()


def _section(title: str, text: str) -> str:
    if title.startswith("Example"):
        return f"**{title}:**\n\n```python\n{text}\n```"
    if title in {"Returns", "Yields"}:
        return f"**{title}:**\n\n{text}"
    lines = (re.sub(r"^(\*{0,2}[\w.]+): ", r"`\1`: ", " ".join(entry.split())) for entry in _ENTRY.split(text))
    return f"**{title}:**\n\n" + "\n".join(f"- {line}" for line in lines)


def _members(of: type) -> Iterator[str]:
    """The public methods and properties that a class itself defines."""
    for name, member in list(vars(of).items()):
        function = getattr(member, "__func__", member)
        docstring = inspect.getdoc(member)
        if name.startswith("_") or docstring is None:
            continue
        if inspect.isfunction(function):
            yield f"### {of.__name__}.{name}\n\n```python\n{signature(name, function)}\n```\n\n{body(docstring)}\n"
        elif isinstance(member, property | cached_property):
            yield f"### {of.__name__}.{name}\n\n{body(docstring)}\n"


def section(name: str) -> str:
    """One public name: its call, what its docstring says, and its members."""
    value = getattr(judgebench, name)
    head = f"## {name}\n"
    if inspect.isfunction(value):
        return f"{head}\n```python\n{signature(name, value)}\n```\n\n{body(inspect.getdoc(value) or '')}\n"
    if inspect.isclass(value):
        parents = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
        kind = f"class {name}({parents})" if parents else f"class {name}"
        text = f"{head}\n```python\n{kind}\n```\n\n{body(inspect.getdoc(value) or '')}\n"
        return "\n".join([text, *_members(value)])
    return f"{head}\nA value of type `{type(value).__name__}`.\n"


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *map(section, judgebench.__all__)])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
