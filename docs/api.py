"""Writes docs/api.md, the reference of the Python API, from the docstrings of the public names.

`python docs/api.py` writes it; `tests/docs/test_api.py` fails where the page and the docstrings differ.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from textwrap import dedent
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Literal, Union, get_args, get_origin

import judgebench

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    own = inspect.unwrap(function, stop=lambda each: each.__wrapped__.__name__ != each.__name__)
    name = f"async {name}" if inspect.iscoroutinefunction(own) else name
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


def _fields(of: type) -> str:
    """The fields of a record, a line each."""
    if not dataclasses.is_dataclass(of):
        return ""
    return "".join(
        f"    {each.name}: {_type_text(each.type)}\n" for each in dataclasses.fields(of) if each.name[0] != "_"
    )


def section(name: str) -> str:
    """One public name: its call, what its docstring says, and its members."""
    value = getattr(judgebench, name)
    head = f"## {name}\n"
    if inspect.isfunction(value):
        return f"{head}\n```python\n{signature(name, value)}\n```\n\n{body(inspect.getdoc(value) or '')}\n"
    if inspect.isclass(value):
        parents = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
        kind = f"class {name}({parents})" if parents else f"class {name}"
        text = f"{head}\n```python\n{kind}\n{_fields(value)}```\n\n{body(inspect.getdoc(value) or '')}\n"
        return "\n".join([text, *_members(value)])
    return f"{head}\n{_alias(value)}\n"


def _alias(value: object) -> str:
    """What a name for a type stands for."""
    if get_origin(value) is Literal:
        return "One of " + ", ".join(f"`{each}`" for each in get_args(value)) + "."
    if isinstance(value, str) and "|" not in value:
        return f"A text, `{value}` here."
    return f"`{_type_text(value)}`"


def _type_text(value: object) -> str:
    """A type as one writes it, without what only Pydantic reads."""
    origin, arguments = get_origin(value), get_args(value)
    if value is type(None):
        return "None"
    if isinstance(value, str):
        text = value
    elif origin is Annotated:
        text = _type_text(arguments[0])
    elif origin in {Union, UnionType}:
        text = " | ".join(map(_type_text, arguments))
    elif isinstance(origin, type) and arguments and origin is not Callable:
        text = f"{origin.__name__}[{', '.join('...' if each is ... else _type_text(each) for each in arguments)}]"
    else:
        text = value.__name__ if isinstance(value, type) else repr(value)
    return re.sub(r"\b(?:typing|collections\.abc|judgebench(?:\.\w+)+|pathlib)\.", "", text)


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *map(section, judgebench.__all__)])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
