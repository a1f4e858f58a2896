"""An engine that answers from memory: no model, no network, no clock."""

from collections.abc import Mapping, Sequence

from judgebench.engine.base import Plan, Work
from judgebench.items import Failure
from judgebench.verdicts import Reply


class InMemoryEngine:
    """Answers the calls of a plan from a dictionary.

    Args:
        answers: By an item's id and the number of the sample: the reply to the question, then those to its follow-up
            turns. A call without one fails.
        calls: The most calls that are carried.

    Attributes:
        carried: The calls, in the order in which they were opened.
    """

    def __init__(self, answers: Mapping[tuple[str, int], Sequence[str]], calls: int = 1_000_000) -> None:
        self.answers = answers
        self.calls = calls
        self.carried: list[Work] = []

    async def run(self, plan: Plan) -> None:
        """Carries all that the plan opens: what it is told may open more."""
        while works := list(plan.open()):
            for work in works:
                if len(self.carried) == self.calls:
                    return
                self.carried.append(work)
                replies = self.answers.get((work.item.id, work.call.sample), ())
                if work.turn < len(replies):
                    plan.tell(work, Reply(text=replies[work.turn]))
                else:
                    plan.tell(work, Failure("provider", "no answer in memory"))
