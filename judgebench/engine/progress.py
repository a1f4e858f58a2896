"""Who watches a run, and who may end it early."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio

    from judgebench.engine.spec import RunSpec
    from judgebench.runs import Judgement


class Throttle(Protocol):
    """How many calls of a judge may be in flight.

    Attributes:
        most: The judge's own limit.
    """

    most: int

    @property
    def throttled(self) -> int | None:
        """The calls that may be in flight, where refusals keep them well below the judge's own limit; else None."""


class Progress(Protocol):
    """What watches a run; the command line shows it."""

    def paced(self, judge: str, pace: Throttle) -> None:
        """The judge's calls are limited so from now on; before the first."""

    def planned(self, cell: RunSpec, total: int, done: int) -> None:
        """A cell will be run: so many judgements at most, so many there already; of all before the first."""

    def started(self, cell: RunSpec, total: int, done: int) -> None:
        """A cell begins: so many judgements in all, so many there already."""

    def judged(self, cell: RunSpec, judgement: Judgement) -> None:
        """A judgement arrived."""

    def ended(self, cell: RunSpec) -> None:
        """A cell is through."""


class Silent:
    """Watches and says nothing."""

    def paced(self, judge: str, pace: Throttle) -> None:
        """See `Progress`."""

    def planned(self, cell: RunSpec, total: int, done: int) -> None:
        """See `Progress`."""

    def started(self, cell: RunSpec, total: int, done: int) -> None:
        """See `Progress`."""

    def judged(self, cell: RunSpec, judgement: Judgement) -> None:
        """See `Progress`."""

    def ended(self, cell: RunSpec) -> None:
        """See `Progress`."""


@dataclass(slots=True)
class Stop:
    """Asked for by the user: finish what is in flight and start nothing more; or, with `now`, not even that.

    Attributes:
        asked: Whether no further call is started.
        calls: The calls that are begun, each with the tasks of its judge whose request is with the provider.
    """

    asked: bool = False
    calls: dict[asyncio.Task[Any], set[asyncio.Task[Any]]] = field(default_factory=dict)

    def ask(self) -> None:
        """Starts nothing more; calls that only wait, for a limit or for a further try, are given up."""
        self.asked = True
        for task, on_the_wire in list(self.calls.items()):
            if task not in on_the_wire:
                task.cancel()

    def now(self) -> None:
        """Gives up the calls in flight too."""
        self.asked = True
        for task in list(self.calls):
            task.cancel()
