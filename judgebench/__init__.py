"""judgebench: benchmark LLM judges and reward models on the same items, with the official metrics.

The public names are in `__all__`: functions, and every type that they return, raise or take. Each is imported when it
is first used, because importing costs time.
"""

from __future__ import annotations

from inspect import isfunction
from typing import Any

from judgebench._util.lazy import lazy_face

_of_face, _, _names = lazy_face(__name__, __file__)
__all__ = sorted([*_names, "__version__"])  # noqa: PLE0605 - a list


def __getattr__(name: str) -> Any:
    """A public name's value, kept from then on; functions check the names of their options."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("judgebench")
    else:
        value = _of_face(name)
    if isfunction(value):
        from judgebench._util.signatures import checked_names

        value = checked_names(value)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
