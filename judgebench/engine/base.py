"""How work is done, by ask and tell: a plan opens work as plain data, an engine carries it and tells what came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgebench.client import Request
    from judgebench.errors import JudgebenchError
    from judgebench.items import Failure, ItemKey
    from judgebench.protocols import Call
    from judgebench.verdicts import Reply


@dataclass(slots=True)
class Work:
    """One call to be made: plain data that can be pickled, without the item's texts beyond its messages.

    Attributes:
        item: Whose question it is.
        call: Which completions are shown in which slots, and the number of the sample.
        request: What goes to the model.
        turn: 0 for the question, n for its n-th follow-up turn.
        judge: The name of the judge that is asked.
        run: Which of the plan's runs it belongs to.
    """

    item: ItemKey
    call: Call
    request: Request
    turn: int = 0
    judge: str = ""
    run: int = 0


class Plan(Protocol):
    """What is to be asked, and what follows from the replies. It makes no call: an `Engine` does."""

    @property
    def ended(self) -> bool:
        """Whether it was ended: work that is open is then left."""

    def open(self) -> Iterator[Work]:
        """What can be asked now, lazily; work that was given is not given again.

        A run is through when it gives nothing while nothing is left to be told.
        """

    def tell(
        self,
        work: Work,
        answer: Reply | Failure,
        *,
        cached: bool = False,
        spent: Reply | None = None,
        sent_as: str | None = None,
    ) -> None:
        """Records what came of a call, which may open more: a follow-up turn, the next round, the next block.

        Args:
            work: The call.
            answer: The reply, or why there is none.
            cached: Whether the reply was there already.
            spent: Beside a failure: what its tries were paid for.
            sent_as: The model as it was sent, where that is not the judge's `model`.
        """

    def following(self, work: Work) -> Work | None:
        """The follow-up turn that the reply to this one has opened, if any; `open` does not give it again."""

    def end(self, error: JudgebenchError, work: Work | None = None) -> None:
        """Opens nothing more; what is in flight may still be told.

        Args:
            error: Why; the result says it.
            work: The call that it came of, if any.
        """


class Engine(Protocol):
    """Carries the work of plans: asks a model, a cache or another process, and tells the plan what came."""

    async def run(self, plan: Plan) -> None:
        """Carries all that the plan opens, until it gives nothing more."""
