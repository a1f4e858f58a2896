"""Settings that were found out about a judge, put into a providers.yaml without changing what else stands there."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Any

import yaml

from judgebench._util.files import output_file
from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def save_settings(path: Path, name: str, settings: Mapping[str, bool | int | str]) -> None:
    """Puts settings into a judge's entry of a file, which is made where there is none; comments and order stay.

    Args:
        path: The file.
        name: The judge's.
        settings: Keys of its entry.

    Raises:
        ConfigError: One is set to something else there, the entry has a form that cannot be added to, or the file is
            read-only.
    """
    there = path.exists()
    text = path.read_bytes().decode("utf-8") if there else ""
    plain = text.replace("\r\n", "\n")
    edited = with_settings(plain, name, settings, str(path))
    if edited == plain:
        return
    mode = path.stat().st_mode if there else None
    if mode is not None and not (mode & stat.S_IWUSR and os.access(path, os.W_OK)):
        raise ConfigError(f"{path}: is read-only; make it writable, or add by hand, under {name}: {_listed(settings)}")
    with output_file(path, mend="make it writable") as target:
        target.write_bytes((edited if plain == text else edited.replace("\n", "\r\n")).encode())
        if mode is not None:
            target.chmod(stat.S_IMODE(mode))


def with_settings(text: str, name: str, settings: Mapping[str, bool | int | str], where: str) -> str:
    r"""The text of a providers.yaml with settings in a judge's entry.

    Example:
        >>> with_settings("judges:\n  mine: {model: openai/m}\n", "mine", {"system_role": False}, "providers.yaml")
        'judges:\n  mine: {system_role: false, model: openai/m}\n'
    """
    data = yaml.safe_load(text) or {}
    judges = data.get("judges") or {}
    entry = judges.get(name) or {}
    for key, value in settings.items():
        if entry.get(key, value) != value:
            raise ConfigError(f"{where}: judge '{name}' has {key}: {str(entry[key]).lower()}, found was {_said(value)}")
    new = {key: value for key, value in settings.items() if key not in entry}
    if not new:
        return text
    edited = _edited(text, name, _listed(new))
    expected = {**data, "judges": {**judges, name: {**new, **entry}}}
    try:
        fits = yaml.safe_load(edited) == expected
    except yaml.YAMLError:
        fits = False
    if not fits:
        raise ConfigError(f"{where}: the entry of judge '{name}' cannot be added to; add by hand: {_listed(new)}")
    return edited


def _listed(settings: Mapping[str, bool | int | str]) -> str:
    return ", ".join(f"{key}: {_said(value)}" for key, value in settings.items())


def _said(value: Any) -> str:
    return str(value).lower()


def _edited(text: str, name: str, said: str) -> str:
    """The text with a line more, or the settings at the beginning of the entry's braces."""
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    heads = [at for at, line in enumerate(lines) if re.match(r"judges:\s*(#.*)?$", line)]
    own = re.compile(rf"(\s+)(['\"]?){re.escape(name)}\2:\s*(\{{)?")
    for at, line in enumerate(lines):
        entry = own.match(line) if heads and at > heads[0] else None
        if entry is None:
            continue
        if entry[3]:
            lines[at] = f"{line[: entry.end()]}{said}, {line[entry.end() :]}"
            return "".join(lines)
        after = next((n for n in range(at + 1, len(lines)) if lines[n].strip() and lines[n].lstrip()[0] != "#"), None)
        if after is not None and lines[after].lstrip().startswith("{"):
            brace = lines[after].index("{") + 1
            lines[after] = f"{lines[after][:brace]}{said}, {lines[after][brace:]}"
            return "".join(lines)
        indent = entry[1] + "  " if after is None else lines[after][: -len(lines[after].lstrip())]
        lines[at + 1 : at + 1] = [f"{indent}{each}\n" for each in said.split(", ")]
        return "".join(lines)
    if not heads:
        return "".join([*lines, *(["\n"] if lines else []), f"judges:\n  {name}: {{{said}}}\n"])
    first = next((line for line in lines[heads[0] + 1 :] if line.strip() and line.lstrip()[0] != "#"), "  ")
    indent = first[: len(first) - len(first.lstrip())] or "  "
    return "".join([*lines[: heads[0] + 1], f"{indent}{name}: {{{said}}}\n", *lines[heads[0] + 1 :]])
