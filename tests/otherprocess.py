"""An engine whose calls are answered in another process: work goes there and back as pickled data."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

from judgebench.verdicts import Reply

if TYPE_CHECKING:
    from judgebench.engine.base import Plan, Work


def answer(work: Work) -> tuple[Work, Reply]:
    """The work as it arrived, and a reply that cannot be read to each question, but can to its follow-up turn."""
    return work, Reply(text="[[A]]" if work.turn else "Hm.", served_model=f"process {os.getpid()}")


class ProcessEngine:
    """Carries work in a pool of one process, which has been spawned and shares nothing with this one."""

    async def run(self, plan: Plan) -> None:
        """Carries all that the plan opens."""
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as workers:
            while works := list(plan.open()):
                for work, reply in workers.map(answer, works):
                    plan.tell(work, reply)
