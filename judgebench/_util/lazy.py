"""The face of a package: names that are imported from its modules when they are asked for."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def lazy_face(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """A package's `__getattr__` (PEP 562), `__dir__` and `__all__`, so that a face costs little until it is used.

    The names stand in the `__init__.pyi` beside it, where type checkers read them as well: `from MODULE import NAME as
    NAME`. A name must not be one of the package's modules: importing that module would set the package's attribute of
    the same name, and the name would stand for two things.

    Args:
        package: Its dotted name.
        file: Its `__init__.py`.
    """
    imports = [
        node
        for node in ast.parse(Path(file).with_suffix(".pyi").read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
    ]
    home_of = {alias.name: str(node.module) for node in imports for alias in node.names}

    def getattr_of_face(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(home_of[name]), name)

    names = sorted(home_of)
    return getattr_of_face, lambda: names, names
