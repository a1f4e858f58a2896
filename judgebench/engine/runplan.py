"""The plan of one run: what it asks, and what it records of what came."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

from judgebench._util.steps import step
from judgebench.client import KeyMaker
from judgebench.engine.base import Work
from judgebench.engine.progress import Silent
from judgebench.engine.questions import Questions
from judgebench.engine.recorder import Recorder
from judgebench.errors import BudgetReached, ConfigError
from judgebench.items import Failure
from judgebench.runs import Manifest, check_writable, is_torn, read_manifest
from judgebench.verdicts import Reply, read

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence, Set as AbstractSet
    from typing import Self

    from judgebench.engine.progress import Progress
    from judgebench.engine.recorder import RunResult
    from judgebench.engine.spec import RunSpec
    from judgebench.errors import JudgebenchError
    from judgebench.items import Verdict
    from judgebench.protocols import Call


P = ParamSpec("P")


class RunPlan:
    """The plan of one run (a `Plan`): opens the calls that its folder lacks, and records what it is told.

    As a context manager it holds the run's folder. Where votes stop early or winners meet, a pass of `open` gives one
    round: the calls that are needed whatever the replies still out say.

    Args:
        spec: What is run.
        out: The folder above the runs' folders.
        refresh: Ask again, whatever the folder has.
        progress: Watches.
        dry: Write nothing, for a forecast.

    Attributes:
        recorder: What the folder and the replies have given so far.
        error: What stopped it, if anything.
        asked_again: Tries beyond the first of each call, counted under what they were for; an engine's to fill.
        number: Which of a plan's runs it is.
    """

    def __init__(
        self,
        spec: RunSpec,
        out: str | Path,
        *,
        refresh: bool = False,
        progress: Progress | None = None,
        dry: bool = False,
    ) -> None:
        self.spec = spec
        self.refresh = refresh
        self.recorder = Recorder(spec, Path(out), dry=dry)
        self.error: JudgebenchError | None = None
        self.asked_again: Counter[str] = Counter()
        self.number = 0
        self._progress = progress or Silent()
        self._questions = Questions(spec, KeyMaker(spec.judge))
        self._made = 0
        self._items: Collection[str] = spec.dataset.keys
        self._through = False
        self._out: set[tuple[str, Call]] = set()
        self._turns: dict[tuple[str, Call], Work] = {}

    def __enter__(self) -> Self:
        """Finds the user's mistakes before anything is written or sent, and takes the folder for this run.

        Raises:
            ConfigError: One was found.
        """
        try:
            check_writable(self.recorder.folder.path, "--out", self.recorder.texts)
            self._questions.check()
            self.recorder.folder.hold()
            self.recorder.resume(self._questions, refresh=self.refresh)
        except BaseException:
            self.recorder.folder.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.recorder.folder.close()

    def look(self) -> None:
        """Finds mistakes in the questions, and what the folder has already; nothing is written, nothing is taken.

        Raises:
            ConfigError: One was found.
        """
        self._questions.check()
        self.recorder.resume(self._questions, refresh=self.refresh)

    @cached_property
    def total(self) -> int:
        """How many judgements there are to be, at most."""
        return sum(self.spec.count(key) for key in self.spec.dataset.keys.values())

    def limit_to(self, items: Collection[str]) -> None:
        """Opens what is to be asked about these items alone."""
        self._items, self._through = items, False

    @property
    def awaits(self) -> bool:
        """Whether work that was given is still to be told."""
        return bool(self._out)

    @property
    def ended(self) -> bool:
        """See `Plan`; with the budget reached it goes on, for the cache may have the rest."""
        return self.error is not None and not isinstance(self.error, BudgetReached)

    def open(self, *, at_most: bool = False) -> Iterator[Work]:
        """See `Plan`.

        Args:
            at_most: What may be asked at most, whatever the replies still out say.
        """
        if self.error is not None:
            return
        yield from self._open_turns()
        for work in self._asked(at_most=at_most):
            if self.ended:
                return
            first = self._past_known(work)
            if first is not None:
                yield first
            if self._turns:
                yield from self._open_turns()

    def _open_turns(self) -> Iterator[Work]:
        while self._turns:
            yield self._turns.pop(next(iter(self._turns)))

    def _asked(self, *, at_most: bool) -> Iterator[Work]:
        """What is to be asked next; the items are read again only where something is."""
        spec, keys, readings = self.spec, self.spec.dataset.keys, self.recorder.readings
        if self._through:
            return
        open_: AbstractSet[str] = {
            item for item in self._items if not readings.count(item) or readings.count(item) < spec.count(keys[item])
        }
        if spec.orders.in_rounds:
            open_ = {item for item in open_ if next(spec.calls(keys[item], readings[item]), None) is not None}
        if len(open_) == len(keys):
            open_ = keys.keys()  # a set of 100,000 ids would stay while they are judged
        for item in spec.dataset.in_drawn_order(open_) if open_ else ():
            key = keys[item.id]
            calls = spec.calls_open if at_most else spec.calls
            for call in list(calls(key, readings[item.id])):
                at = (item.id, call)
                if at not in self._out:
                    self._out.add(at)
                    request = self._questions.request(item, call)
                    yield Work(key, call, request, 0, spec.judge.name, self.number)
        self._through = not spec.orders.in_rounds

    def _past_known(self, work: Work) -> Work | None:
        """The first turn whose reply the folder does not have."""
        turn: Work | None = work
        while turn is not None and (reply := self.recorder.waiting(turn.request.key)) is not None:
            self.tell(turn, reply, cached=True)
            turn = self._turns.pop((turn.item.id, turn.call), None)
        return turn

    def following(self, work: Work) -> Work | None:
        """See `Plan`."""
        turn = self._turns.pop((work.item.id, work.call), None) if self._turns else None
        return turn and self._past_known(turn)

    def tell(
        self,
        work: Work,
        answer: Reply | Failure,
        *,
        cached: bool = False,
        spent: Reply | None = None,
        sent_as: str | None = None,
    ) -> None:
        """See `Plan`."""
        turn: Work | None = None
        result: Verdict | Failure
        if isinstance(answer, Failure):
            reply, result = spent or Reply(), answer
            self._made += answer.kind != "not_cached"
        else:
            reply = answer
            template, order = self.spec.template_for(work.item), work.call.order
            result = read(reply, template.rule_for(work.item, order), len(order))
            turn = self._questions.next_turn(work, reply, result)
            self._made += not cached
        self.recorder.sent_as = sent_as or self.recorder.sent_as
        judgement = self.recorder.record(work, reply, result, cached=cached, last=turn is None)
        if turn is not None:
            self._turns[work.item.id, work.call] = turn
        else:
            self._out.discard((work.item.id, work.call))
            self._show(self._progress.judged, self.spec, judgement)

    def end(self, error: JudgebenchError, work: Work | None = None) -> None:  # noqa: ARG002 - of a plan of several runs
        """See `Plan`."""
        self.error = self.error or error

    def finish(self) -> RunResult:
        """Writes the folder's outcomes and figures.

        Raises:
            ConfigError, FatalProviderError, BudgetReached: Before anything was gained; nothing is written then.
        """
        if self.error is not None and not self.recorder.folder.begun:
            raise self.error
        with step(f"scoring {self.spec.benchmark.name} · {self.spec.judge.name}"):
            return self.recorder.finish(self._total, self.error, self._made, self.asked_again)

    def as_before(self) -> RunResult | None:
        """The result of a run whose folder has all of it already; None where anything is to be done or written."""
        return None if self.refresh else self.recorder.as_before(self._total)

    @property
    def _total(self) -> int:
        return self.total if self.recorder.asked is None else self.recorder.total

    def watched_by(self, progress: Progress | None) -> None:
        """Has it watched."""
        self._progress = progress or Silent()

    def announce(self) -> None:
        """Tells what watches how much there is to do, and what is there already."""
        self._show(self._progress.planned, self.spec, self.total, self.recorder.readings.total)

    def show_start(self) -> None:
        """Tells what watches that it begins."""
        self._show(self._progress.started, self.spec, self.total, self.recorder.readings.total)

    def show_end(self) -> None:
        """Tells what watches that it is through."""
        self._show(self._progress.ended, self.spec)

    def _show(self, say: Callable[P, None], *what: P.args, **more: P.kwargs) -> None:
        """Tells what watches; a terminal that has been closed is no reason to lose a reply."""
        try:
            say(*what, **more)
        except (OSError, ValueError):
            self._progress = Silent()

    def refreshed(self) -> tuple[str | None, bool]:
        """Which refresh the folder had last, if any, and whether it has ended."""
        path = self.recorder.folder.path
        manifest = (None if is_torn(path) else read_manifest(path)) or Manifest()
        return manifest.refresh, manifest.refreshed_from is None


def check_apart(plans: Sequence[RunPlan]) -> None:
    """Finds runs of one grid whose names make the same folder.

    Raises:
        ConfigError: There are two; run one after the other, the second finds the name taken and gets its hash.
    """
    first: dict[Path, RunPlan] = {}
    for plan in plans:
        path = plan.recorder.folder.path
        other = first.setdefault(path, plan)
        if other is not plan:
            names = [f"'{each.spec.judge.name} · {each.spec.template.name}'" for each in (other, plan)]
            raise ConfigError(
                f"{path}: {names[0]} and {names[1]} have the same folder name; run them in "
                "separate commands, so that the second folder is named by its hash"
            )


def as_one_refresh(plans: Sequence[RunPlan]) -> None:
    """Takes the refresh of several runs as one: one that was cut off goes on, and what it has done is done."""
    states = [plan.refreshed() for plan in plans]
    cut_off = next((which for which, ended in states if which is not None and not ended), None)
    this = cut_off or datetime.now(UTC).isoformat(timespec="microseconds")
    for plan, (which, ended) in zip(plans, states, strict=True):
        plan.refresh = not (ended and which == this)
        plan.recorder.refresh = this
