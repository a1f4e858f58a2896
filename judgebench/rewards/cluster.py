"""A reward model on a Ray cluster: each of its GPUs, or else of its CPU cores, has one, and reads parts of the rows."""

from __future__ import annotations

import os
import time
import warnings
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from judgebench._util.raycluster import SHOWN_S, Cluster, check_ray, check_version, not_installed, said_by_ray
from judgebench._util.steps import step
from judgebench.errors import ConfigError
from judgebench.rewards.checkpoint import need_libraries
from judgebench.rewards.model import RewardModel
from judgebench.rewards.opening import open_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from judgebench.items import Item
    from judgebench.rewards.model import ModelScore, ModelScorer
    from judgebench.rewards.scorer import Conversation
    from judgebench.rewards.settings import RewardSettings

_FIRST, _MOST = 8, 512
"""Conversations in a part: at first, and at most."""
_SHORT_S, _LONG_S = 1.0, 5.0
_AHEAD = 3
"""So many parts an actor may be ahead of the first whose records are missing: they are in memory alone until then."""
_RESTARTS = 3
_NOT_COMPARED = {"versions", "device"}


@contextmanager
def running_model(model: str | Path, settings: RewardSettings, name: str | None = None) -> Iterator[RewardModel]:
    """A reward model for as long as the block runs: in this process, or on a Ray cluster (`settings.engine`).

    Args:
        model: A folder, a GGUF file, or an id on the hub.
        settings: How it is run.
        name: As in tables; None for the folder's name, or the id.

    Raises:
        ConfigError: See `open_model`; or there is no cluster.
    """
    if settings.engine == "local":
        yield open_model(model, settings, name)
    else:
        with ClusterModel(model, settings, name) as running:
            yield running


class ReadPart(NamedTuple):
    """What an actor gives back.

    Attributes:
        records: One for each conversation, or item in steps.
        seconds: How long they took.
    """

    records: list[ModelScore]
    seconds: float


class RunningModel(NamedTuple):
    """What an actor says of its model; see `RewardModel`."""

    name: str
    about: dict[str, object]
    notes: tuple[str, ...]


class ModelActor:
    """One model in a process of its own, on any machine of the cluster.

    Args:
        model: See `open_model`, as are `settings` and `name`.
        settings: With the device.
        name: As the user gave it.
        folder: The command's working directory, from which paths are named.
        wanted: The command's judgebench.
    """

    def __init__(self, model: str, settings: RewardSettings, name: str | None, folder: str, wanted: str) -> None:
        self._opening = model, settings, name
        self._folder, self._wanted = folder, wanted
        self._scorer: ModelScorer | None = None

    def opened(self) -> RunningModel:
        """Loads the model; a second call finds it loaded."""
        scorer = self._opened()
        return RunningModel(scorer.name, scorer.about, scorer.notes)

    def read(self, part: Sequence[Any], *, steps: bool) -> ReadPart:
        """The records of some conversations, or with `steps` of items in steps."""
        scorer, started = self._opened(), time.monotonic()
        records = list(scorer.step_records(part) if steps else scorer.records(part))
        return ReadPart(records, time.monotonic() - started)

    def _opened(self) -> ModelScorer:
        if self._scorer is None:
            check_version(self._wanted)
            with suppress(OSError):  # of another machine
                os.chdir(self._folder)
            need_libraries()
            import torch

            model, settings, name = self._opening
            if settings.device == "cpu":
                torch.set_num_threads(1)
            elif not torch.cuda.is_available():
                raise ConfigError(
                    "the Ray cluster has GPUs, and PyTorch on a worker finds none: install PyTorch for CUDA there, or "
                    "add --device cpu"
                )
            self._scorer = open_model(model, settings, name)
        return self._scorer


@dataclass(slots=True)
class _Part:
    """Some conversations, and how often an actor died over them."""

    number: int
    asked: list[Any]
    deaths: int = 0


class ClusterModel(RewardModel):
    """One reward model on all GPUs, or else CPU cores, that are free in a cluster; to be used in a `with`.

    An actor that dies is started again, and its part given to the next one that is free.

    Args:
        model: See `open_model`, as are `settings` and `name`.
        settings: With the cluster's address.
        name: As in tables.

    Raises:
        ConfigError: Ray is not installed, there is no cluster, or it has no GPU where one is asked for.
    """

    def __init__(self, model: str | Path, settings: RewardSettings, name: str | None = None) -> None:
        check_ray(settings.ray_address)
        self._model, self._settings, self._given_name = str(model), settings, name
        self._actors: list[Any] = []
        self._busy: dict[Any, tuple[Any, _Part | None]] = {}
        self._free: deque[Any] = deque()
        self._again: deque[_Part] = deque()
        self._read: dict[int, list[ModelScore]] = {}
        self._size = _FIRST
        self._died = 0
        self._last_death = ""

    def __enter__(self) -> Self:
        """Starts the actors; returns when one has the model in memory."""
        with step("starting Ray"):
            time.sleep(SHOWN_S)
            self._cluster = Cluster.connected(self._settings.ray_address)
        try:
            with step(f"loading {self._model}"):
                self._start()
                while not self._free:
                    self._wait()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, error: object, *_: object) -> None:
        """Ends the actors, and a cluster that was started for them."""
        self._end()
        if self._died and error is None:
            said = "1 Ray worker died" if self._died == 1 else f"{self._died} times a Ray worker died"
            warnings.warn(f"{said}: what it was reading was read again", stacklevel=2)

    def records(self, conversations: Iterable[Conversation]) -> Iterator[ModelScore]:
        """One record a conversation, in their order."""
        return self._recorded(conversations, steps=False)

    def step_records(self, items: Iterable[Item]) -> Iterator[ModelScore]:
        """One record an item in steps."""
        return self._recorded(items, steps=True)

    def _start(self) -> None:
        import ray

        gpus = 0 if self._settings.device == "cpu" else self._cluster.gpus
        if self._settings.device == "cuda" and not gpus:
            raise ConfigError("--device cuda: the Ray cluster has no GPU; leave it out")
        each: dict[str, float] = {"num_gpus": 1, "num_cpus": 0} if gpus else {"num_cpus": 1}
        actor = ray.remote(ModelActor).options(**each, max_restarts=_RESTARTS, max_task_retries=0)
        settings = replace(self._settings, device="cuda" if gpus else "cpu", engine="local", ray_address=None)
        for _ in range(gpus or max(int(self._cluster.cpus), 1)):
            given = self._model, settings, self._given_name, str(Path.cwd()), version("judgebench")
            self._actors.append(actor.remote(*given))
            self._open(self._actors[-1])

    def _open(self, actor: Any) -> None:
        """Has the actor load its model, also while it is being started again; it is free then."""
        until_it_is_dead_for_good = actor.opened.options(max_task_retries=-1)
        self._busy[until_it_is_dead_for_good.remote()] = actor, None

    def _recorded(self, asked: Iterable[Any], *, steps: bool) -> Iterator[ModelScore]:
        waiting = iter(asked)
        wanted = number = 0
        self.pending = 0
        while True:
            while self._free and (self._again or number < wanted + _AHEAD * len(self._actors)):
                if self._again:
                    part = self._again.popleft()
                elif some := list(islice(waiting, self._size)):
                    part, number = _Part(number, some), number + 1
                else:
                    break
                actor = self._free.popleft()
                self._busy[actor.read.remote(part.asked, steps=steps)] = actor, part
            if wanted == number:
                return
            if wanted not in self._read:
                self._wait()
                continue
            records = self._read.pop(wanted)
            wanted, self.pending = wanted + 1, len(records)
            for record in records:
                self.pending -= 1
                yield record

    def _wait(self) -> None:
        """Returns when an actor has opened its model, has read its part, or has died."""
        import ray

        if not self._busy:
            raise ConfigError(
                f"all Ray workers died ({self._last_death}): perhaps out of memory: lower --batch-tokens, then rerun "
                "the same command to resume"
            )
        (ended,), _ = ray.wait(list(self._busy), num_returns=1)
        actor, part = self._busy.pop(ended)
        lost = (ray.exceptions.RayActorError, ray.exceptions.OutOfMemoryError, ray.exceptions.ObjectLostError)
        try:
            given = ray.get(ended)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except lost as error:
            self._lost(actor, part, error)
            return
        if part is None:
            self._check(given)
        else:
            self._read[part.number] = given.records
            self._adapt(len(part.asked), given.seconds)
        self._free.append(actor)

    def _lost(self, actor: Any, part: _Part | None, error: Exception) -> None:
        if (missing := not_installed(error)) is not None:
            raise missing
        self._last_death = said_by_ray(error)
        if part is None:  # it died over its model, as often as it was started
            return
        self._died += 1
        part.deaths += 1
        if part.deaths == _RESTARTS:
            raise ConfigError(
                f"{_RESTARTS} Ray workers died over the same {len(part.asked)} conversations: perhaps "
                "out of memory: lower --batch-tokens or --max-length, then rerun the same command to resume"
            )
        self._again.append(part)
        self._open(actor)

    def _check(self, running: RunningModel) -> None:
        """Takes what the first actor says of the model; those of all others must say the same."""
        if not hasattr(self, "about"):
            self.name, self.about, self.notes = running
            return
        differ = [name for name in self.about if running.about.get(name) != self.about[name]]
        if differ := [name for name in differ if name not in _NOT_COMPARED]:
            raise ConfigError(
                f"{self._model}: is not the same on all machines of the cluster ({', '.join(differ)}): put the same "
                "files at the same path, or name a hub model with --revision"
            )

    def _adapt(self, asked: int, seconds: float) -> None:
        """The size of the parts to come, so that each takes some seconds."""
        if seconds < _SHORT_S and asked >= self._size:
            self._size = min(2 * self._size, _MOST)
        elif seconds > _LONG_S and asked <= self._size:
            self._size = max(self._size // 2, 1)

    def _end(self) -> None:
        import ray

        for actor in self._actors:
            with suppress(Exception):  # it is gone already
                ray.kill(actor)
        self._cluster.left()
