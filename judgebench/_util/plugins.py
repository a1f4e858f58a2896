"""What other packages bring by entry points, looked up where a name is none of judgebench's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from importlib.metadata import EntryPoint

T = TypeVar("T")


class PluginError(Exception):
    """What is wrong with another package's plugin, in a few words."""


def plugin_names(group: str) -> list[str]:
    """The names that other packages bring, sorted; none is imported."""
    return sorted({point.name for point in _entry_points(group)})


def load_plugin(group: str, name: str, make: Callable[[Any], T]) -> T | None:
    """What another package brings under a name; None where none does.

    Args:
        group: The entry points' group, `judgebench.` and the plural of what they name.
        name: The entry point's.
        make: Turns what the entry point names into what is used; `PluginError` says what it lacks.

    Raises:
        ConfigError: Two packages bring it, or it cannot be used.
    """
    points = [point for point in _entry_points(group) if point.name == name]
    if not points:
        return None
    what = f"{group.rpartition('.')[2].removesuffix('s')} '{name}'"
    if len(points) > 1:
        packages = " and ".join(sorted(_package(point) for point in points))
        raise ConfigError(f"{what} comes from {packages}: uninstall all but one")
    point = points[0]
    try:
        return make(point.load())
    except ConfigError:
        raise
    except PluginError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - what another package's code raises is not ours to know
        problem = f"{type(error).__name__}: {error}".splitlines()[0]
    raise ConfigError(
        f"{what} of the package {_package(point)} ({point.value}) cannot be used: {problem}; "
        "mend the package, or uninstall it"
    )


def _entry_points(group: str) -> Collection[EntryPoint]:
    """Looked up where they are needed: reading the metadata of everything that is installed takes some 10 ms."""
    from importlib.metadata import entry_points

    return entry_points(group=group)


def _package(point: EntryPoint) -> str:
    return "an unknown package" if point.dist is None else point.dist.name
