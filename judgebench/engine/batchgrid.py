"""The runs of a grid that go out in batches: each has its own client, engine and record; what does not go together."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from judgebench.errors import ConfigError
from judgebench.runs import BatchFile, open_batches, short_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from judgebench.client import BatchClient, Budget, CallsInFlight, ReplyCache
    from judgebench.engine.base import Engine
    from judgebench.engine.progress import Stop
    from judgebench.engine.runplan import RunPlan
    from judgebench.engine.spec import RunSpec


def check_batch(cells: Sequence[RunSpec]) -> None:
    """Finds out whether runs can go out in batches.

    Raises:
        ConfigError: They are compared until their difference is shown.
    """
    if any(cell.until_shown is not None for cell in cells):
        raise ConfigError(
            "--sequential looks at the verdicts after every few items, and --batch has them after up to 24 hours: "
            "leave one out"
        )


def in_batches_already(plan: RunPlan) -> ConfigError | None:
    """What stands in the way of a run that asks live: batches whose requests would be paid for twice."""
    path = plan.recorder.folder.path
    there = open_batches(path)
    if not there:
        return None
    requests = sum(entry.requests for entry in there)
    many = "1 batch" if len(there) == 1 else f"{len(there)} batches"
    return ConfigError(
        f"{path}: {many} of this run ({requests:,} requests) may still be with the provider; rerun the command with "
        f"--batch to resume, or first: judgebench batch cancel {shlex.quote(str(path))}"
    )


def batch_clients(
    plans: Sequence[RunPlan], cache: ReplyCache, flights: CallsInFlight, budget: Budget
) -> dict[int, BatchClient]:
    """The client of each run, by the identity of its plan; baselines that need no model have none."""
    from judgebench.client import BatchClient

    return {
        id(plan): BatchClient(plan.spec.judge, cache, refresh=plan.refresh, budget=budget, flights=flights)
        for plan in plans
        if not plan.spec.judge.offline
    }


def batch_engines(
    plans: Sequence[RunPlan], clients: Mapping[int, BatchClient], stop: Stop
) -> Iterator[tuple[Engine, BatchClient, list[RunPlan]]]:
    """An engine for each run: their batches are with the provider at the same time.

    Args:
        plans: All of the grid.
        clients: Of those that go out in batches, by the identity of the plan.
        stop: Ends them early.

    Raises:
        DataError: A run's record of its batches is another run's, or damaged.
    """
    if not clients:
        return
    from judgebench.engine.batch import BatchEngine
    from judgebench.engine.batchservice import Service, Shared

    shared = Shared()
    for plan in plans:
        if (client := clients.get(id(plan))) is not None:
            file = BatchFile(plan.recorder.folder.path, short_hash(plan.spec.identity()))
            yield BatchEngine(Service(client, file, stop, shared), begin_whole(plan), stop), client, [plan]


def begin_whole(plan: RunPlan) -> Callable[[], None]:
    """Makes a run's folder with all that another machine needs to go on."""

    def begin() -> None:
        plan.recorder.begin()
        plan.recorder.folder.have_items()

    return begin
