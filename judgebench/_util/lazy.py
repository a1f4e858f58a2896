"""The face of a package: names that are imported from its modules when they are asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def lazy_face(package: str, homes: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """The `__getattr__` of a package (PEP 562), so that a face costs nothing until a name of it is used.

    A name must not be one of the package's modules: importing that module would set the package's attribute of the
    same name, and the name would stand for two things.

    Args:
        package: Its dotted name.
        homes: The names that each of its modules gives.
    """
    home_of = {name: module for module, names in homes.items() for name in names}

    def getattr_of_face(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{home_of[name]}"), name)

    return getattr_of_face
