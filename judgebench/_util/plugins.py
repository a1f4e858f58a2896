"""What other packages bring by entry points: found by name, and what a broken one is told."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench._util.redaction import in_one_line
from judgebench.errors import ConfigError, JudgebenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from importlib.metadata import EntryPoint


def plugin_names(group: str) -> list[str]:
    """The names of a group's entry points; nothing of theirs is imported."""
    return sorted({point.name for point in _points(group)})


def _points(group: str) -> tuple[EntryPoint, ...]:
    return _installed(group, tuple(map(_state, sys.path)))


def _state(place: str) -> tuple[str, int | None]:
    """A folder of packages, and when something was last added to it or removed; the current folder has no name."""
    try:
        path = Path(place).absolute()
        return str(path), path.stat().st_mtime_ns
    except OSError:
        return place, None


@lru_cache(maxsize=16)
def _installed(group: str, _: tuple[tuple[str, int | None], ...]) -> tuple[EntryPoint, ...]:
    """A group's entry points, of all that is installed in some places as they were at some time.

    Reading them takes some 10 ms: the row "a further command of a process" of benchmarks/speed.py.
    """
    from importlib.metadata import entry_points

    return tuple(entry_points(group=group))


@contextmanager
def blaming(
    who: str, made: object, method: str, kind: type[JudgebenchError] = ConfigError, secrets: Collection[str] = ()
) -> Iterator[None]:
    """Around a call of another package's code: what it raises, beside judgebench's own errors, becomes one line.

    Args:
        who: The plugin, as it starts the sentence ("scorer 'length'").
        made: The object whose method is called.
        method: Its name.
        kind: The error that is raised instead.
        secrets: What neither the line nor a traceback must show.
    """
    try:
        yield
    except JudgebenchError:
        raise
    except Exception as error:  # noqa: BLE001 - what another package's code raises is not ours to know
        code = f"{class_of(made)}.{method}() raised {type(error).__name__}: {error}"
        fix = "install what it needs" if isinstance(error, ImportError) else "fix this method"
        raise kind(f"{who}: {in_one_line(code, secrets)}; {fix}") from (None if secrets else error)


def class_of(made: object) -> str:
    """The class of an object as an entry point names it."""
    return f"{type(made).__module__}:{type(made).__qualname__}"


def plugin(group: str, what: str, name: str, problem_of: Callable[[Any], str], argument: object = None) -> Any:
    """What a package brings under a name that is among `plugin_names`.

    Args:
        group: Of the entry points.
        what: The kind of thing, as it starts the sentence ("benchmark").
        name: The entry point's.
        problem_of: What is wrong with the thing, as the end of a sentence; empty where nothing is.
        argument: What the entry point's callable is given; None for nothing.

    Raises:
        ConfigError: Two packages bring it, or it cannot be used.
    """
    points = [point for point in _points(group) if point.name == name]
    if len(points) > 1:
        packages = " and ".join(sorted(_package(point) for point in points))
        raise ConfigError(f"{what} '{name}' comes from {packages}: uninstall all but one")
    point = points[0]
    told = f"{what} '{name}' of the package {_package(point)} ({point.value})"
    loaded = None
    try:
        loaded = point.load()
        made = loaded if not callable(loaded) else loaded() if argument is None else loaded(argument)
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - what another package's code raises is not ours to know
        problem = in_one_line(f"{type(error).__name__}: {error}", ())
        if loaded is not None and argument and isinstance(argument, str) and not isinstance(error, TypeError):
            raise ConfigError(f"{told} did not take '{argument}': {problem}; check what follows '{name}:'") from None
    else:
        problem = problem_of(made)
        if not problem:
            return made
    raise ConfigError(f"{told} cannot be used: {problem}; fix the package, or uninstall it")


def _package(point: EntryPoint) -> str:
    return "an unknown package" if point.dist is None else point.dist.name
