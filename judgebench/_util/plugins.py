"""What other packages bring by entry points: found by name, and what a broken one is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.metadata import EntryPoint

T = TypeVar("T")


def plugin_names(group: str) -> list[str]:
    """The names of a group's entry points; nothing of theirs is imported.

    Looked up where they are needed: reading the metadata of everything that is installed takes some 10 ms.
    """
    from importlib.metadata import entry_points

    return sorted({point.name for point in entry_points(group=group)})


def plugin(group: str, what: str, name: str, make: Callable[[Any], T], problem_of: Callable[[T], str]) -> T:
    """What a package brings under a name that is among `plugin_names`.

    Args:
        group: Of the entry points.
        what: The kind of thing, as it starts the sentence ("benchmark").
        name: The entry point's.
        make: Gives the thing for what the entry point names.
        problem_of: What is wrong with the thing, as the end of a sentence; empty where nothing is.

    Raises:
        ConfigError: Two packages bring it, or it cannot be used.
    """
    from importlib.metadata import entry_points

    points = [point for point in entry_points(group=group) if point.name == name]
    if len(points) > 1:
        packages = " and ".join(sorted(_package(point) for point in points))
        raise ConfigError(f"{what} '{name}' comes from {packages}: uninstall all but one")
    point = points[0]
    try:
        made = make(point.load())
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - what another package's code raises is not ours to know
        problem = f"{type(error).__name__}: {error}".splitlines()[0]
    else:
        problem = problem_of(made)
        if not problem:
            return made
    raise ConfigError(
        f"{what} '{name}' of the package {_package(point)} ({point.value}) cannot be used: {problem}; "
        "fix the package, or uninstall it"
    )


def _package(point: EntryPoint) -> str:
    return "an unknown package" if point.dist is None else point.dist.name
