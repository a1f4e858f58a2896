"""Long steps say how far they are: whoever watches looks at them when it pleases, and nobody has to."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

T = TypeVar("T")
_CHUNK = 1 << 20


@dataclass(slots=True)
class Step:
    """One step of a command's work, while it goes on.

    Attributes:
        what: What is being done, such as `reading pairs.jsonl`.
        unit: What is counted, in the plural; empty where nothing is.
        total: How many there are; None where that is not known before the end.
        done: How many are through.
        since: When it began, by `time.monotonic`.
    """

    what: str
    unit: str = ""
    total: int | None = None
    done: int = 0
    since: float = field(default_factory=time.monotonic)


_OPEN: ContextVar[list[Step] | None] = ContextVar("judgebench_steps", default=None)


@contextmanager
def watched() -> Iterator[list[Step]]:
    """The steps that are open, the outermost first, for as long as the block runs; another thread may look at them."""
    steps: list[Step] = []
    token = _OPEN.set(steps)
    try:
        yield steps
    finally:
        _OPEN.reset(token)


def is_watched() -> bool:
    """Whether somebody watches."""
    return _OPEN.get() is not None


@contextmanager
def step(what: str, *, unit: str = "", total: int | None = None) -> Iterator[Step]:
    """A step for as long as the block runs; the block counts what is done."""
    mine, steps = Step(what, unit, total), _OPEN.get()
    if steps is None:
        yield mine
        return
    steps.append(mine)
    try:
        yield mine
    finally:
        steps[:] = [each for each in steps if each is not mine]


def count_lines(path: Path) -> int | None:
    """How many lines a file has, found in a fiftieth of the time that parsing JSON takes; None where it is not read."""
    try:
        with path.open("rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(partial(file.read, _CHUNK), b""))
    except OSError:
        return None


def counted(
    things: Iterable[T], what: str, *, unit: str, total: int | Callable[[], int | None] | None = None
) -> Iterator[T]:
    """The things, as a step that counts them.

    Args:
        things: What is gone through.
        what: What is being done with them.
        unit: What they are, in the plural.
        total: How many there are; where finding that out takes work, a function, called only where somebody watches.
    """
    if not is_watched():
        yield from things
        return
    with step(what, unit=unit, total=total() if callable(total) else total) as mine:
        for thing in things:
            yield thing
            mine.done += 1
