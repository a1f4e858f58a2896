"""For tests of judges, plugins and whatever calls judgebench: a judge with a script, and a clock that does not wait.

>>> import judgebench as jb
>>> from judgebench.client.testing import FAILURES, ScriptedJudge, on_fake_clock
>>> judge = ScriptedJudge([FAILURES["rate limit"], "Answer A is better: [[A]]"], latency=30.0)
>>> run = on_fake_clock(jb.arun("custom", judge=judge, data="one-row.jsonl"))  # takes no time
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from judgebench.errors import (
    BrokenReplyError,
    FatalProviderError,
    RateLimitedError,
    TimedOutError,
    TransientError,
    UnreachedError,
    VerdictFailure,
)
from judgebench.verdicts import Reply

Messages = Sequence[dict[str, str]]
Step = str | Reply | Exception
T = TypeVar("T")

FAILURES: dict[str, Step] = {
    "rate limit": RateLimitedError("rate limit: slow down", retry_after=2.0),
    "timeout": TimedOutError("no reply"),
    "server error": TransientError("the server is down"),
    "connection error": UnreachedError("the connection was refused"),
    "broken reply": BrokenReplyError("the body broke off"),
    "fatal": FatalProviderError("the key is refused"),
    "provider": VerdictFailure("provider", "status 400: bad request"),
    "context": VerdictFailure("context", "the prompt is too long"),
    "filtered": VerdictFailure("filtered", "the prompt was flagged"),
    "empty": Reply(text="", finish_reason="stop"),
    "truncated": Reply(text="Both answers have", finish_reason="length"),
    "refused": Reply(refusal="I cannot judge this.", finish_reason="stop"),
    "unreadable": Reply(text="I would rather not say.", finish_reason="stop"),
}
"""A step of a script for each way in which a call fails: those of the provider, and those of the reply."""


_STEP_S = 1e-9
"""So long takes each step of the loop: who waits for less than a float can tell would wait for ever."""


class ScriptedJudge:
    """A judge that says what its script says: `jb.run(..., judge=ScriptedJudge(...))`.

    Args:
        script: What each call gets in turn, or a function of the messages that gives it: a reply's text, a `Reply`, or
            an exception, which is raised. `FAILURES` has one of each kind.
        latency: Seconds that a call takes, or a function of the messages that gives them.

    Attributes:
        calls: The messages of each call so far.
    """

    def __init__(
        self, script: Sequence[Step] | Callable[[Messages], Step], *, latency: float | Callable[[Messages], float] = 0.0
    ) -> None:
        self.script = script
        self.latency = latency
        self._calls: list[Messages] = []

    @property
    def calls(self) -> list[Messages]:
        """The messages of each call so far."""
        return self._calls

    async def __call__(self, messages: Messages) -> str | Reply:
        """The next step of the script."""
        at = len(self._calls)
        self._calls.append(messages)
        if not callable(self.script) and at >= len(self.script):
            raise FatalProviderError(f"the script has {len(self.script)} steps, and a further call was made")
        step = self.script(messages) if callable(self.script) else self.script[at]
        await asyncio.sleep(self.latency(messages) if callable(self.latency) else self.latency)
        if isinstance(step, Exception):
            raise step.with_traceback(None)
        return step


def on_fake_clock(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end on a clock that is put forward whenever everything waits: no sleep takes time.

    It is for what waits on timers alone: a real connection would be found to have timed out.
    """
    with asyncio.Runner(loop_factory=FakeClockLoop) as runner:
        return runner.run(coroutine)


class FakeClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose time starts at 0 and passes only by its own timers."""

    def __init__(self) -> None:
        self._waits = _NoWaits()
        super().__init__(self._waits)

    def time(self) -> float:
        """Seconds that timers have waited for so far."""
        return self._waits.passed

    def run_in_executor(self, executor: Any, function: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:  # type: ignore[override]  # noqa: ARG002
        """Calls at once: while a thread works, the clock would run on."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:  # noqa: BLE001 - whoever waits for it gets it
            future.set_exception(error)
        return future


class _NoWaits(selectors.DefaultSelector):
    """Puts the clock forward where it would wait."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(None if timeout is None else 0)
        if not events:
            self.passed += max(timeout or 0.0, _STEP_S)
        return events
