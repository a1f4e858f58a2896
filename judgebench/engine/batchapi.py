"""The batches of runs, from their folders: how they stand, what they have given, and their end."""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench.client import BatchClient, Budget, CallsInFlight, LostBatchError, ReplyCache
from judgebench.engine.batch import BatchEngine
from judgebench.engine.batchgrid import begin_whole
from judgebench.engine.batchservice import Service, Shared
from judgebench.engine.grid import GridResult, run_plan
from judgebench.engine.loops import blocking
from judgebench.engine.progress import Stop
from judgebench.engine.reopened import reopened
from judgebench.errors import ConfigError, JudgebenchError
from judgebench.runs import BatchFile, Run, find_runs, open_batches, open_run, read_manifest

if TYPE_CHECKING:
    from judgebench.engine.progress import Progress
    from judgebench.engine.recorder import RunResult
    from judgebench.runs import BatchEntry


@dataclass(frozen=True)
class BatchStatus:
    """How one batch of a run stands.

    Attributes:
        run: The run's folder.
        judge: Its judge.
        batch: The provider's name for the batch; None where it is not known whether it was made.
        state: The provider's word; `taken` once all that came of it is in the run, `not found` where the provider does
            not know it.
        requests: How many it has.
        done: How many have a reply.
        failed: How many have ended without one.
        at: When it was made, in seconds since 1970.
    """

    run: str
    judge: str
    batch: str | None
    state: str
    requests: int
    done: int
    failed: int
    at: float

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints."""
        return asdict(self)


async def abatch_status(run: Run | str | Path) -> list[BatchStatus]:
    """How the batches of a run stand at its provider, or those of all runs below a folder.

    >>> import judgebench as jb
    >>> jb.batch_status("runs")  # doctest: +SKIP
    [BatchStatus(run='runs/rewardbench/gpt/pairwise/one', judge='gpt', batch='batch_1', state='in_progress', ...)]

    In a coroutine `await jb.abatch_status(...)`. Nothing is written.

    Raises:
        ConfigError: There is no run with batches, or the provider needs a key that is not there.
    """
    found: list[BatchStatus] = []
    for folder in _folders(run, every=True):
        manifest = read_manifest(folder)
        name = "" if manifest is None else str(manifest.judge.name)
        every = BatchFile(folder, None).entries.values()
        entries = [entry for entry in every if entry.id is not None or not entry.taken]
        asked = [entry for entry in entries if entry.id is not None and not entry.taken]
        async with AsyncExitStack() as opened:
            service = None
            if asked:
                service = await _service(opened, folder)
            found += [await _status(folder, name, entry, service) for entry in entries]
    return found


async def _service(opened: AsyncExitStack, folder: Path) -> Service:
    client = BatchClient(reopened(folder).spec.judge, opened.enter_context(ReplyCache(None)))
    opened.push_async_callback(client.aclose)
    client.check()
    return Service(client, BatchFile(folder, None), Stop())


async def _status(folder: Path, judge: str, entry: BatchEntry, service: Service | None) -> BatchStatus:
    state, (done, failed) = entry.state, entry.counts
    if entry.taken:
        state = "taken"
    elif entry.id is None:
        state = "not confirmed"
    elif service is not None:
        batch = entry.id
        try:
            now = await service.patiently(lambda: service.batches.check(batch))
        except LostBatchError:  # the others stand
            state = "not found"
        else:
            state, done, failed = now.state, now.done, now.failed
    return BatchStatus(str(folder), judge, entry.id, state, entry.requests, done, failed, entry.at)


async def fetch_batches(
    run: Run | str | Path,
    cache_dir: str | Path | None,
    *,
    cancel: bool = False,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> GridResult[RunResult]:
    """Takes what the batches of runs have given into the runs.

    Args:
        run: A run, its folder, or a folder above several.
        cache_dir: Where replies are kept; None for the user's cache.
        cancel: Whether batches that go on are ended first, and waited for until they are.
        progress: Watches.
        stop: Ends the wait early.

    Raises:
        ConfigError: There is no run with batches, or the provider needs a key that is not there.
    """
    stop, shared = stop or Stop(), Shared()
    results: list[RunResult] = []
    errors: list[JudgebenchError] = []
    with ReplyCache(None if cache_dir is None else Path(cache_dir)) as cache:
        for folder in _folders(run, every=False):
            try:
                plan = reopened(folder)
                plan.watched_by(progress)
                async with AsyncExitStack() as held:
                    client = BatchClient(
                        plan.spec.judge, cache, refresh=plan.refresh, budget=Budget(), flights=CallsInFlight()
                    )
                    held.push_async_callback(client.aclose)
                    client.check()
                    service = Service(client, BatchFile(folder, None), stop, shared)
                    if cancel:
                        await _cancel(service)
                    with plan:
                        plan.announce()
                        engine = BatchEngine(service, begin_whole(plan), stop, sends=False, waits=cancel)
                        results.append(await run_plan(plan, engine, client))
            except JudgebenchError as error:  # of one run: the others are fetched
                errors.append(error)
    if errors and not results:
        raise errors[0]
    return GridResult(results, errors)


async def _cancel(service: Service) -> None:
    async def ended(batch: str) -> None:
        if not (await service.batches.check(batch)).ended:  # it may end by itself just then, so it is looked at again
            await service.batches.cancel(batch)

    for entry in service.file.open:
        if (batch := entry.id) is not None:
            with suppress(LostBatchError):  # it is said where its results are to be taken
                await service.patiently(partial(ended, batch))


async def abatch_fetch(run: Run | str | Path, *, cache_dir: str | Path | None = None) -> list[Run]:
    """Takes what has come of the batches of a run, or of all runs below a folder, without waiting for the rest.

    >>> import judgebench as jb
    >>> jb.batch_fetch("runs")[0].metrics.coverage  # doctest: +SKIP
    0.5

    In a coroutine `await jb.abatch_fetch(...)`. Nothing is sent again: `jb.run(..., batch=True)` does that.

    Raises:
        ConfigError: There is no run with batches, or the provider needs a key that is not there.
    """
    return _loaded(await fetch_batches(run, cache_dir))


async def abatch_cancel(run: Run | str | Path, *, cache_dir: str | Path | None = None) -> list[Run]:
    """Ends the batches of a run, or of all runs below a folder, and takes what they had done by then.

    >>> import judgebench as jb
    >>> jb.batch_cancel("runs")[0].manifest.state  # doctest: +SKIP
    'interrupted'

    In a coroutine `await jb.abatch_cancel(...)`.

    Raises:
        ConfigError: There is no run with batches, or the provider needs a key that is not there.
    """
    return _loaded(await fetch_batches(run, cache_dir, cancel=True))


def _loaded(fetched: GridResult[RunResult]) -> list[Run]:
    """The runs; what stopped one of them is raised, and the others are fetched by then."""
    if fetched.errors:
        raise fetched.errors[0]
    return [Run.load(each.folder) for each in fetched]


batch_status = blocking(abatch_status, "batch_status")
batch_fetch = blocking(abatch_fetch, "batch_fetch")
batch_cancel = blocking(abatch_cancel, "batch_cancel")


def _folders(run: Run | str | Path, *, every: bool) -> list[Path]:
    """The folders of the runs with any batches, or with some that are not taken."""
    folder = run.path if isinstance(run, Run) else Path(run)
    found = find_runs(folder) if folder.is_dir() else []
    if not found:
        found = [open_run(folder).path]  # which says what is wrong
    with_batches = [path for path in found if BatchFile(path, None).entries]
    if not with_batches:
        raise ConfigError(f"{folder}: no run here has batches; add --batch to its command to make some")
    return with_batches if every else [path for path in with_batches if open_batches(path)]
