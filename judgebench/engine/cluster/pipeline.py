"""A Ray Data pipeline that makes calls: the driver gives bundles in, and is told what came of each."""

from __future__ import annotations

import asyncio
import pickle
import threading
import time
import warnings
from collections import Counter
from contextlib import suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

from judgebench._util.raycluster import SHOWN_S, Cluster, check_ray, not_installed, said_by_ray
from judgebench._util.steps import step
from judgebench._util.text import one_line
from judgebench.engine.cluster.bundles import (
    BUNDLES_AT_A_TIME,
    BUNDLES_QUEUED,
    AskedJudge,
    CallOutcome,
    Returned,
    Settings,
    bundle_size,
    packed,
    workers_for,
)
from judgebench.errors import ConfigError, FatalProviderError
from judgebench.judges import is_plugged, values_sent

if TYPE_CHECKING:
    from judgebench.client import ReplyCache, Request
    from judgebench.engine.progress import Stop
    from judgebench.judges import Judge

_TOGETHER_S = 0.02
"""So long a bundle waits for more calls."""
_STARTING_S = 30.0
_ENDING_S = 20.0
_IDLE, _IDLE_S = 8, 20.0
"""A worker that got nothing of so many bundles for each, in so many seconds, has been left out by mistake."""

Made = tuple[CallOutcome, str | None, Counter[str]]


class _Call(NamedTuple):
    judge: str
    request: Request
    place: asyncio.Future[Made]


class Pipeline:
    """Makes calls on the workers of a Ray cluster, from the first one on until it is closed.

    Args:
        address: The cluster's; None for `RAY_ADDRESS`, else one on this machine that is started for it.
        cache: The driver's; an actor on this machine keeps the replies in it.
        budget: What all calls may cost, in USD; None for no limit.
        stop: Ends it early.
    """

    def __init__(self, address: str | None, cache: ReplyCache, budget: float | None, stop: Stop) -> None:
        self._address, self._cache, self._budget, self._stop = address, cache, budget, stop
        self._judges: dict[str, AskedJudge] = {}
        self._running: asyncio.Task[_Running] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._first: asyncio.Task[None] | None = None
        self._size = 1
        self._number = 0
        self._waiting: list[_Call] = []
        self._sending: asyncio.TimerHandle | None = None
        self._out: dict[int, list[_Call]] = {}
        self._by_worker: Counter[str] = Counter()
        self._first_came = 0.0
        self._broken: FatalProviderError | ConfigError | None = None

    def add(self, judge: Judge, concurrency: int) -> None:
        """Takes in a judge, with its calls in flight at most; before the first call."""
        self._judges[judge.name] = AskedJudge(judge, concurrency, is_plugged(judge.provider))

    def check(self) -> None:
        """Finds out whether any call could be made.

        Raises:
            ConfigError: Ray is not installed, or no cluster is at the address.
        """
        check_ray(self._address)

    async def made(self, judge: str, request: Request) -> Made:
        """What became of a call, the model as it was sent where that is not as named, and the tries to be counted.

        Raises:
            ConfigError: There is no cluster, or judgebench is missing on one of its machines.
            FatalProviderError: The cluster was lost.
        """
        if self._running is None:
            self._running = asyncio.create_task(self._start())
        await asyncio.shield(self._running)
        if self._broken is not None:
            raise self._broken
        loop = asyncio.get_running_loop()
        place: asyncio.Future[Made] = loop.create_future()
        self._waiting.append(_Call(judge, request, place))
        if len(self._waiting) >= self._size:
            self._send()
        elif self._sending is None:
            self._sending = loop.call_later(_TOGETHER_S, self._send)
        return await place

    def _send(self) -> None:
        if self._sending is not None:
            self._sending.cancel()  # else it would send the next calls before their time
            self._sending = None
        if not self._waiting or self._running is None or self._broken is not None:
            return
        calls, self._waiting = self._waiting, []
        number, self._number = self._number, self._number + 1
        self._out[number] = calls
        self._running.result().desk.put.remote(number, packed([(call.judge, call.request) for call in calls]))

    async def _start(self) -> _Running:
        with step("starting Ray"):
            await asyncio.sleep(SHOWN_S)
            running = await asyncio.to_thread(_begun, self._address, self._judges, self._cache, self._budget)
        self._size = running.size
        self._watch = asyncio.create_task(self._until_stopped(running))
        self._stop.calls[self._watch] = set()
        loop = asyncio.get_running_loop()
        running.follow(lambda *what: loop.call_soon_threadsafe(self._arrived, *what), _on(loop, self._ended))
        self._first = asyncio.create_task(_until_first(running))
        return running

    async def _until_stopped(self, running: _Running) -> None:
        """Tells the workers of a stop, which ends this task first; where there is none, nothing is waited for."""
        try:
            await asyncio.Event().wait()
        finally:
            if await _answer(running.limits.stop.remote()) is False:
                self._give_up()

    def _give_up(self) -> None:
        """Nothing was begun of what is out, and nothing will be."""
        for call in (call for calls in (*self._out.values(), self._waiting) for call in calls):
            if not call.place.done():
                call.place.set_result((CallOutcome(stopped=True), None, Counter()))

    def _arrived(self, number: int, returned: Returned | None) -> None:
        if returned is None or self._running is None or number not in self._out:  # a bundle that was made twice
            return
        calls = self._out.pop(number)
        self._running.result().desk.done.remote(number)
        if not self._by_worker:
            self._first_came = time.monotonic()
        self._by_worker[returned.worker] += 1
        for call, outcome in zip(calls, returned.outcomes, strict=True):
            tries = returned.asked_again.pop(call.judge, Counter())
            if not call.place.done():
                call.place.set_result((outcome, returned.sent_as.get(call.judge), tries))

    def _ended(self, error: BaseException | None) -> None:
        """The pipeline is through; whatever is still out will not come."""
        lost = sum(len(calls) for calls in self._out.values())
        if error is None and not lost:
            return
        self._broken = _error_of(error, lost)
        for calls in (*self._out.values(), self._waiting):
            for call in calls:
                if not call.place.done():
                    call.place.set_exception(self._broken)
        self._out.clear()
        self._waiting.clear()

    async def aclose(self) -> None:
        """Ends the pipeline, and the cluster that it started; calls that are out are given up."""
        if self._running is None:
            return
        with suppress(ConfigError):
            running = await asyncio.shield(self._running)
            if self._first is not None:
                self._first.cancel()
            if self._watch is not None and not self._watch.done():
                self._stop.calls.pop(self._watch, None)
                self._watch.cancel()
            with step("ending Ray"):
                died = await asyncio.to_thread(running.end, None if self._out else self._number)
            self._warn_of(running.workers, died)

    def _warn_of(self, workers: int, died: int) -> None:
        if died:
            said = "1 Ray worker died and was started again" if died == 1 else f"{died} times a Ray worker died"
            warnings.warn(f"{said}: only calls that were in flight then were made twice", stacklevel=2)
        bundles, idle = sum(self._by_worker.values()), workers - len(self._by_worker)
        if idle > 0 and bundles >= _IDLE * workers and time.monotonic() - self._first_came > _IDLE_S:
            warnings.warn(
                f"{idle} of {workers} Ray workers got no calls: the cluster has no CPU free for them", stacklevel=2
            )


async def _until_first(running: _Running) -> None:
    """Shows that there is no worker, for as long as there is none."""
    with step("waiting for a Ray worker"):
        waiting = asyncio.ensure_future(_answer(running.limits.started.remote()))
        if not (await asyncio.wait([waiting], timeout=_STARTING_S))[0]:
            warnings.warn("no Ray worker has started yet: the cluster has no CPU free", stacklevel=2)
            await waiting


async def _answer(asked: Any) -> Any:
    """What an actor says; None where it is gone, which ends the pipeline."""
    with suppress(Exception):
        return await asked
    return None


def _on(loop: asyncio.AbstractEventLoop, say: Any) -> Any:
    def tell(*what: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(say, *what)

    return tell


def _error_of(error: BaseException | None, lost: int) -> ConfigError | FatalProviderError:
    if error is not None and (missing := not_installed(error)) is not None:
        return missing
    said = "" if error is None else f" ({said_by_ray(error)})"
    return FatalProviderError(f"Ray lost {lost:,} calls{said}; the replies that came are kept")


class _Running:
    """The actors and the dataset of a pipeline, and the thread that takes what comes out of it."""

    def __init__(self, cluster: Cluster, settings: Settings, size: int, cache: ReplyCache) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        from judgebench.engine.cluster.desk import Desk
        from judgebench.engine.cluster.limits import ClusterLimits

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        options = {"num_cpus": 0, "scheduling_strategy": here}
        in_flight = sum(asked.concurrency for asked in settings.judges.values())
        self.workers, self.size = settings.workers, size
        self.desk = ray.remote(Desk).options(**options).remote(str(cache.folder.absolute()), in_flight)
        self.limits = ray.remote(ClusterLimits).options(**options).remote(settings)
        self._cluster = cluster
        self._thread: threading.Thread | None = None

    def follow(self, arrived: Any, ended: Any) -> None:
        """Begins: gives what comes out to `arrived`, and at the end the error, if any, to `ended`."""
        self._thread = threading.Thread(target=self._follow, args=(arrived, ended), name="ray", daemon=True)
        self._thread.start()

    def _follow(self, arrived: Any, ended: Any) -> None:
        try:
            for table in self._dataset().iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
                for row in table.to_pylist():
                    arrived(row["number"], pickle.loads(row["returned"]))  # noqa: S301 - of a worker of this command
        except BaseException as error:  # noqa: BLE001 - told to whoever waits
            ended(error)
        else:
            ended(None)

    def _dataset(self) -> Any:
        """Bundles as the desk has them, one to a block, through the workers."""
        import ray
        from ray.data import ActorPoolStrategy, DataContext

        from judgebench.engine.cluster.source import bundle_source
        from judgebench.engine.cluster.worker import Worker

        context = DataContext.get_current().copy()
        context.enable_progress_bars = context.print_on_execution_start = False
        context.memory_usage_poll_interval_s = None  # a thread for each bundle
        context.target_max_block_size = 1  # a block for each row: larger ones would wait for more
        context.execution_no_progress_timeout_s = -1  # a judge may be slow, or closed for an hour
        pool = ActorPoolStrategy(
            size=self.workers,
            max_concurrent_calls_per_actor=BUNDLES_AT_A_TIME,
            max_tasks_in_flight_per_actor=BUNDLES_AT_A_TIME + BUNDLES_QUEUED,
        )
        with DataContext.current(context):
            # What reads and what calls differ in their CPUs, so that Ray leaves them apart: as one, a single worker
            # would get all.
            bundles = ray.data.read_datasource(bundle_source(self.desk), override_num_blocks=1, num_cpus=0)
            return bundles.map_batches(
                Worker,
                batch_size=1,
                batch_format="pyarrow",
                compute=pool,
                num_cpus=0.5,  # those of a machine that is lost find room on the others
                fn_constructor_args=(self.desk, self.limits),
            )

    def end(self, bundles: int | None) -> int:
        """Ends the dataset, the actors and a cluster of one's own; how often a worker had died.

        Args:
            bundles: How many there were; None where some are given up.
        """
        import ray

        died = 0
        with suppress(ray.exceptions.RayError):  # the cluster is gone
            died = ray.get(self.limits.died.remote(), timeout=_ENDING_S)
        if bundles is not None and self._thread is not None:
            self.desk.close.remote(bundles)
            self._thread.join(_ENDING_S)
        for actor in (self.desk, self.limits):
            with suppress(Exception):  # it is gone already
                ray.kill(actor)
        if self._thread is not None:  # what asks Ray for anything once it is left would start another
            self._thread.join(_ENDING_S)
        self._cluster.left()
        return died


def _begun(address: str | None, judges: dict[str, AskedJudge], cache: ReplyCache, budget: float | None) -> _Running:
    """A pipeline that waits for bundles.

    Raises:
        ConfigError: There is no cluster, or a judge cannot be sent to it.
    """
    cluster = Cluster.connected(address)
    try:
        concurrency = [asked.concurrency for asked in judges.values()]
        workers = workers_for(cluster.cpus, concurrency)
        variables = {name: value for asked in judges.values() for name, value in values_sent(asked.judge).items()}
        settings = Settings(version("judgebench"), judges, variables, workers, budget)
        _check_sent(settings)
        return _Running(cluster, settings, bundle_size(max(concurrency), workers), cache)
    except BaseException:
        cluster.left()
        raise


def _check_sent(settings: Settings) -> None:
    """Finds out whether the judges can go to other processes; Ray would print a page of why not."""
    from ray import cloudpickle

    for name, asked in settings.judges.items():
        try:
            cloudpickle.dumps(asked)
        except Exception as error:  # noqa: BLE001 - whatever the judge's own objects raise
            raise ConfigError(
                f"judge '{name}' cannot be sent to Ray workers ({one_line(str(error))}): let its function open "
                "what it needs"
            ) from None
