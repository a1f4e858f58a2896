"""Names of options in Python calls: an unknown one is answered with the nearest, a former one is taken."""

from __future__ import annotations

import difflib
import inspect
import warnings
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

P = ParamSpec("P")
T = TypeVar("T")

FORMER = {
    "join": "aggregate",
    "soft": "logprobs",
    "stop_when_shown": "sequential",
    "size": "min_effect",
    "dear": "expensive",
}
"""What options were called; the old names are taken for one version more, with a note."""

FORMER_VALUES = {"agree": "unanimous", "probability": "mean-prob"}
"""What values of `join` were called."""


def current(name: str, value: Any) -> tuple[str, Any]:
    """An option's name and value, as they are called now."""
    if name not in FORMER:
        return name, value
    return FORMER[name], FORMER_VALUES.get(value, value) if name == "join" else value


def checked_names(function: Callable[P, T]) -> Callable[P, T]:
    """The function, which raises a TypeError with the nearest option where it is given an unknown one.

    Former names are taken with a FutureWarning. The signature stays what it is.
    """
    known = inspect.signature(function).parameters

    @wraps(function)
    def checking(*args: P.args, **options: P.kwargs) -> T:
        for given in [option for option in options if option not in known]:
            new, value = current(given, options.pop(given))
            if new not in known or new in options:
                raise unknown_option(f"jb.{function.__name__}", given, known)
            warnings.warn(f"jb.{function.__name__}(): {given} is now {new}; the old name will go", FutureWarning, 2)
            options[new] = value
        return function(*args, **options)

    return checking


def unknown_option(called: str, name: str, known: Iterable[str]) -> TypeError:
    """The error about an option that what was called does not have, with the nearest that it has."""
    near = difflib.get_close_matches(name, known, n=1)
    fix = f"did you mean '{near[0]}'?" if near else f"the options are {', '.join(known)}"
    return TypeError(f"{called}() got an unexpected option '{name}'; {fix}")
