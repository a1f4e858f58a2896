"""Whose model is it: names of models matched with the `families` of providers.yaml."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench._util.yaml import YamlFile

_EXAMPLE = "expected a list of patterns such as ['claude*']"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def family_of(model: str, families: Mapping[str, Sequence[str]]) -> str | None:
    """The first family with a pattern that fits a model's name, whose capitals and path do not count.

    Args:
        model: Such as `meta-llama/Llama-2-70b-chat-hf`; the part behind its last slash counts.
        families: The patterns of each, as in a shell.
    """
    name = model.rpartition("/")[2].strip().lower()
    return next(
        (family for family, patterns in families.items() if any(fnmatchcase(name, each.lower()) for each in patterns)),
        None,
    )


def check_families(file: YamlFile) -> None:
    """Raises ConfigError where a file's `families` hold anything but lists of patterns, or null, by name."""
    for name, patterns in (file.data.get("families") or {}).items():
        where = ("families", name)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise file.mistake(where, "is no name for a family: expected letters, digits and . _ - (quote it)")
        if patterns is not None and (not isinstance(patterns, list) or not patterns):
            raise file.mistake(where, f"is no list with an entry: {_EXAMPLE}")
        for at, pattern in enumerate(patterns or ()):
            if not isinstance(pattern, str) or not pattern.strip():
                raise file.mistake((*where, at), f"is no text: {_EXAMPLE}")
            if not pattern.strip("*? "):
                raise file.mistake((*where, at), "fits every model: name the beginning of theirs, such as claude*")
