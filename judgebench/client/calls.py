"""One judge's calls: equal calls in flight made once, limits, retries, and the reply kept before it is used."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from judgebench._util.redaction import without_secrets
from judgebench.client.budget import Budget
from judgebench.client.cache.keys import KeyMaker
from judgebench.client.inflight import CallsInFlight
from judgebench.client.limits import Pace, PerMinute
from judgebench.client.providers.base import Answer, Request
from judgebench.client.providers.litellm import errors as mapping
from judgebench.client.providers.litellm import transport as lite
from judgebench.client.providers.litellm.replies import reply_of, with_earlier, without_words
from judgebench.client.providers.litellm.settings import way_to
from judgebench.errors import FatalProviderError, JudgebenchError, TransientError, VerdictFailure
from judgebench.judges import check_key
from judgebench.verdicts import Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import tenacity

    from judgebench.client.cache.store import ReplyCache
    from judgebench.client.providers.litellm.settings import CallSettings
    from judgebench.judges import Judge

MAX_TRIES = 10
FIRST_TRIES = 6
"""The cap where the judge has not answered yet: a server that is not there is told of within seconds."""
DEAR_TRIES = 3
"""The cap where each try may be paid for or takes minutes: the model said nothing, or nothing within the timeout."""
MAX_WAIT_S = 300.0
"""The cap on what one call waits between its tries, in all; a rate limit has no other."""
FIRST_WAIT_S = 0.5
DRIP_S = 1.0
"""So long after the judge's timeout a reply that is still coming is given up."""
BAD_REQUESTS_IN_A_ROW = 3
"""So many refused calls before any good one mean that the judge's settings are wrong, not the items."""
GIVEN_UP_AT_FIRST = 3
GIVEN_UP_IN_A_ROW = 20
"""So many calls given up with no good one between them mean that the server is not there, or does not answer."""


class _EmptyReplyError(TransientError):
    """The model said nothing; asked again, and kept where it goes on saying nothing."""

    counted_as = "empty reply"

    def __init__(self) -> None:
        super().__init__("the reply was empty")


class JudgeClient:
    """The calls of one judge; one client serves all runs of that judge.

    Args:
        judge: Whose calls.
        cache: Where replies are kept.
        refresh: Ask again, whatever the cache has.
        concurrency: Calls in flight at once; None for the judge's own limit.
        tries: How often a call is made at most; None for as often as can help.
        budget: What may be spent, shared by all judges; None for no limit.
        flights: The calls in flight, shared by all judges; None for this one's own.
        sleep: Waits between tries; a test gives its own clock.

    Attributes:
        asked_again: Tries beyond the first of each call, counted under what they were for.
        pace: How many calls may be in flight.
        on_the_wire: The tasks whose request is with the provider, or whose reply is not kept yet; the others wait for a
            limit or for a further try.
        wasted: What the tries of calls that then failed were paid for and said nothing, by the calls' keys; whoever
            records the failure takes it from here.
    """

    def __init__(
        self,
        judge: Judge,
        cache: ReplyCache,
        *,
        refresh: bool = False,
        concurrency: int | None = None,
        tries: int | None = None,
        budget: Budget | None = None,
        flights: CallsInFlight | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.judge = judge
        self.keys = KeyMaker(judge)
        self.asked_again: Counter[str] = Counter()
        self.cache = cache
        self.pace = Pace(concurrency or judge.limits.concurrency)
        self.budget = budget or Budget()
        self.on_the_wire: set[asyncio.Task[Any]] = set()
        self.wasted: dict[str, Reply] = {}
        self._refresh = refresh
        self._tries = tries
        self._flights = flights or CallsInFlight(remember=refresh)
        self._sleep = sleep
        self._way: CallSettings | None = None
        self._limits: list[tuple[PerMinute, bool]] = []
        self._answered = False
        self._bad_requests = 0
        self._given_up = 0
        self._fatal: FatalProviderError | None = None
        self._waits: set[asyncio.Future[None]] = set()

    @property
    def sent_as(self) -> str | None:
        """The model as it went out, where that is not as the judge names it; None before the first call as well."""
        model = None if self._way is None else str(self._way.settings["model"])
        return None if model == self.judge.model else model

    def cached(self, key: str) -> Reply | None:
        """The reply that the cache has; with `refresh`, only one that was asked for now."""
        if self._refresh and key not in self._flights.asked:
            return None
        return self.cache.get(key)

    def cached_many(self, keys: Sequence[str]) -> dict[str, Reply]:
        """Replies that the cache has under some of the keys, in one query; those that are not there may still be."""
        return {} if self._refresh else self.cache.get_many(keys)

    def check(self) -> None:
        """Raises ConfigError where a call needs a key, or the budget a price, that is not there."""
        self.check_key()
        self.budget.check(self.judge)

    def check_key(self) -> None:
        """Raises ConfigError where a call needs a key that is not there."""
        check_key(self.judge)

    async def ask(self, request: Request) -> Answer:
        """Makes a call, or takes the reply of an equal one; the reply is in the cache when this returns.

        Raises:
            VerdictFailure: The call has no usable reply, whatever is tried.
            FatalProviderError: No call of this judge can work; raised at once for all further calls.
            ConfigError: The key is missing.
        """
        key = request.key
        reply = await self._flights.joined(key, self)
        if reply is None:  # an equal call may have ended since this one was looked up
            reply = self.cached(key)
        if reply is not None:
            return Answer(reply, shared=True)
        try:
            return Answer(await self._flights.made(key, self, lambda: self._kept(request)))
        finally:
            self.on_the_wire.discard(_this_task())

    async def _kept(self, request: Request) -> Reply:
        empty: list[Reply] = []
        try:
            reply = await self._tried(request, empty)
        except BaseException:
            if empty:
                self.wasted[request.key] = without_words(with_earlier(empty[-1], empty[:-1]))
            raise
        self.cache.put(request.key, reply)
        return reply

    async def _tried(self, request: Request, empty: list[Reply]) -> Reply:
        """The reply after as many tries as can help; it bears the tokens and the price of all that were answered.

        Args:
            request: The call.
            empty: Takes the replies that say nothing.
        """

        async def attempt() -> Reply:
            reply = await self._once(request)
            if not (reply.text or "").strip() and reply.finish_reason in {None, "stop"} and not reply.refusal:
                empty.append(reply)
                raise _EmptyReplyError
            return with_earlier(reply, empty)

        import tenacity

        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            stop=self._enough,
            wait=_wait,
            before_sleep=self._note,
            sleep=lambda seconds: self._unless_stopped(self._sleep(seconds)),
            reraise=True,
        )
        try:
            return await retrying(attempt)
        except _EmptyReplyError:
            return with_earlier(empty[-1], empty[:-1])
        except TransientError as error:
            tries = retrying.statistics.get("attempt_number", 1)
            raise self._gave_up(f"gave up after {tries} {'try' if tries == 1 else 'tries'}: {error}") from None

    def _enough(self, state: tenacity.RetryCallState) -> bool:
        """Whether a further try is one too many; a rate limit passes, however often it is met."""
        if state.idle_for + state.upcoming_sleep >= MAX_WAIT_S or state.attempt_number == self._tries:
            return True
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, mapping.RateLimitedError):
            return False
        if isinstance(error, _EmptyReplyError | mapping.TimedOutError):
            return state.attempt_number >= DEAR_TRIES
        return state.attempt_number >= (MAX_TRIES if self._answered else FIRST_TRIES)

    def _gave_up(self, detail: str) -> JudgebenchError:
        """A failure of the one call, or of the judge where too many have failed with none between them that worked."""
        self._given_up += 1
        if self._given_up < (GIVEN_UP_IN_A_ROW if self._answered else GIVEN_UP_AT_FIRST):
            return VerdictFailure("provider", detail)
        at = f" at {without_secrets(self.judge.api_base)}" if self.judge.api_base else ""
        none = f"none of the last {self._given_up} calls has worked" if self._answered else "no call has worked"
        return self._stop(
            FatalProviderError(
                f"judge '{self.judge.name}' ({self.judge.model}): {none}{at}: {detail}; "
                "check that the server is up, then give the same command again"
            )
        )

    def _stop(self, error: FatalProviderError) -> FatalProviderError:
        """Ends all waits of the judge's calls, for none can work any more; the first such error is that of all."""
        self._fatal = self._fatal or error
        for wait in self._waits:
            wait.cancel()
        return self._fatal

    async def _unless_stopped(self, waiting: Awaitable[None]) -> None:
        """Waits, but no longer than until no call of the judge can work any more.

        Raises:
            FatalProviderError: It was so, or became so.
        """
        wait = asyncio.ensure_future(waiting)
        if self._fatal is not None:
            wait.cancel()
        self._waits.add(wait)
        try:
            await wait
        except asyncio.CancelledError:
            ours = asyncio.current_task()
            if self._fatal is None or (ours is not None and ours.cancelling()):
                raise
            raise self._fatal from None
        finally:
            self._waits.discard(wait)

    def _note(self, state: tenacity.RetryCallState) -> None:
        """Counts a further try."""
        self.on_the_wire.discard(_this_task())
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TransientError):
            self.asked_again[error.counted_as] += 1

    def _ready(self) -> CallSettings:
        """The way to the judge; with the first call it is found, and the limits begin."""
        if self._way is None:
            self._way = way_to(self.judge)
            limits = ((self.judge.limits.rpm, False), (self.judge.limits.tpm, True))
            if not self.judge.offline:
                self._limits = [(PerMinute(most), by_tokens) for most, by_tokens in limits if most is not None]
        return self._way

    async def _once(self, request: Request) -> Reply:
        """One try, once the judge's pace, its limits and the budget allow it."""
        way = self._ready()
        await self._within_limits(request, way)
        async with self.pace.call() as flight, self.budget.call(self.judge, request.messages, request.schema) as bill:
            if stopped := self._fatal or self.cache.out_of_space:
                bill.cost = 0.0
                raise stopped
            started = time.perf_counter()
            try:
                response = await self._completion(request, way)
            except Exception as error:  # noqa: BLE001 - every provider's errors, sorted by remedy
                timed_out = isinstance(error, mapping.TimedOutError)
                remedy = error if timed_out else mapping.by_remedy(error, self.judge, way.secrets)
                flight.refused = isinstance(remedy, mapping.RateLimitedError)
                if mapping.is_refusal(error):
                    bill.cost = 0.0
                return self._refused(remedy, request)
            reply = reply_of(response, self.judge, way, time.perf_counter() - started)
            flight.good = self._answered = True
            self._given_up = 0
            if reply.cost_usd is not None:
                bill.cost = reply.cost_usd
            return reply

    async def _completion(self, request: Request, way: CallSettings) -> Any:
        """LiteLLM's response, whole within the judge's timeout: LiteLLM's own counts the pauses between reads only.

        Raises:
            TimedOutError: The reply was still coming.
        """
        self.on_the_wire.add(_this_task())
        try:
            async with asyncio.timeout(self.judge.timeout + DRIP_S):
                keywords = way.keywords(request.schema, request.hint)
                return await lite.completion(messages=list(request.messages), **keywords)
        except TimeoutError:
            raise mapping.TimedOutError(f"no whole reply within {self.judge.timeout:g} s") from None

    def _refused(self, error: Exception, request: Request) -> Reply:
        """Raises the error, or turns what the provider says of the prompt itself into a reply that can be kept."""
        if isinstance(error, mapping.BadRequest) and not self._answered:
            self._bad_requests += 1
            if self._bad_requests >= BAD_REQUESTS_IN_A_ROW:
                schema = "" if request.schema is None else ", or set structured_output: false if it takes no schema"
                soft = ", or leave out --logprobs if it gives no log-probabilities" if self.judge.soft_params else ""
                error = FatalProviderError(
                    f"judge '{self.judge.name}' ({self.judge.model}): the provider refuses every call: {error.detail}; "
                    f"check the judge's params{schema}{soft}"
                )
        if isinstance(error, FatalProviderError):
            error = self._stop(error)
        if isinstance(error, VerdictFailure) and error.kind in {"context", "filtered"}:
            self._answered = True
            reason = "context" if error.kind == "context" else "content_filter"
            return Reply(finish_reason=reason, refusal=None, reasoning=None, text=None, created=time.time())
        raise error

    async def _within_limits(self, request: Request, way: CallSettings) -> None:
        """Waits until the judge's requests and tokens per minute allow another call."""
        characters = sum(len(message["content"]) for message in request.messages)
        answer = way.settings.get("max_completion_tokens") or way.settings.get("max_tokens") or 0
        for limit, by_tokens in self._limits:
            await self._unless_stopped(limit.wait(characters / 4 + answer if by_tokens else 1.0))


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def _wait(state: tenacity.RetryCallState) -> float:
    """What the provider asked for, else an exponential wait with jitter.

    A call that is refused again never waits less than `FIRST_WAIT_S`, whatever it is told: with `Retry-After: 0` it
    would be sent without a pause or an end.
    """
    error = state.outcome.exception() if state.outcome else None
    asked = getattr(error, "retry_after", None)
    if asked is not None:
        return max(float(asked), FIRST_WAIT_S if state.attempt_number > 1 else 0.0)
    import tenacity

    return float(tenacity.wait_random_exponential(multiplier=FIRST_WAIT_S, max=60)(state))
