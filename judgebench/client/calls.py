"""One judge's calls: equal calls in flight made once, limits, retries, and the reply kept before it is used."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

from judgebench._util.plugins import blaming
from judgebench._util.redaction import in_one_line, without, without_secrets
from judgebench.client.budget import Budget, highest_cost
from judgebench.client.cache.keys import LENGTH_LIMITS, KeyMaker
from judgebench.client.inflight import CallsInFlight
from judgebench.client.limits import LONGEST_PAUSE_S, Pace, PerMinute
from judgebench.client.providers import check_provider, provider_of, title_of
from judgebench.client.providers.base import Answer, Provider, Request
from judgebench.errors import (
    ConfigError,
    FatalProviderError,
    JudgebenchError,
    RateLimitedError,
    TimedOutError,
    TransientError,
    VerdictFailure,
)
from judgebench.judges import cost, is_free, price_of, secret_values
from judgebench.verdicts import Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    import tenacity

    from judgebench.client.cache.store import ReplyCache
    from judgebench.client.limits import CallInFlight
    from judgebench.judges import Judge

MAX_TRIES = 10
FIRST_TRIES = 6
"""The cap where the judge has not answered yet: a server that is not there is told of within seconds."""
PAID_TRIES = 3
"""The cap where each try may be paid for or takes minutes: replies that cannot be used, empty ones, and timeouts."""
MAX_WAIT_S = 300.0
"""The cap on what one call waits between its tries, in all; a rate limit has no other."""
OTHERS_EVERY_S = 0.1
"""So often a call that another process is making is looked for; one that is suspended is waited for no longer than a
call of one's own would be."""
FIRST_WAIT_S = 0.5
DRIP_S = 1.0
"""So long after the judge's timeout a reply that is still coming is given up."""
BAD_REQUESTS_IN_A_ROW = 3
"""So many refused calls before any good one mean that the judge's settings are wrong, not the items."""
GIVEN_UP_AT_FIRST = 3
GIVEN_UP_IN_A_ROW = 20
"""So many calls given up with no good one between them mean that the server is not there, or does not answer."""
SHORTEST_HIDDEN = 8
"""Shorter secrets, as the user's name in an address, are left in replies, where they may be ordinary words."""


class EmptyReplyError(TransientError):
    """The model said nothing."""

    counted_as = "empty reply"
    answered = True

    def __init__(self, reply: Reply) -> None:
        super().__init__("the reply was empty")
        self.took = reply.model_dump(include=_TAKEN)


_TOKENS = ("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_prompt_tokens")
_TAKEN = {*_TOKENS, "cost_usd", "latency_s", "created", "served_model"}


class Attempts:
    """What the tries of one call have met, and what those that failed took."""

    def __init__(self) -> None:
        self.causes: Counter[str] = Counter()
        self.took: list[Reply] = []
        self.may_have_cost: float | None = 0.0

    def add(self, error: TransientError, highest: float | None) -> None:
        """Takes in a try that failed.

        Args:
            error: How it did.
            highest: What one can cost at most, in USD.
        """
        self.causes[_cause(error)] += 1
        took = None if error.took is None else Reply.model_validate(error.took)
        if took is not None:
            self.took.append(took)
        if error.charged and (took is None or took.cost_usd is None):
            unknown = highest is None or self.may_have_cost is None
            self.may_have_cost = None if unknown else (self.may_have_cost or 0.0) + (highest or 0.0)

    def with_reply(self, reply: Reply) -> Reply:
        """The call's reply with the tokens and the price of the tries before it."""
        if not self.causes:
            return reply
        return _with_earlier(reply, self.took).model_copy(update={"may_have_cost_usd": self.may_have_cost})

    @property
    def wasted(self) -> Reply | None:
        """What they took, in a reply that says nothing; None where that is nothing."""
        if not self.took and self.may_have_cost == 0.0:
            return None
        *earlier, last = self.took or [Reply(cost_usd=0.0)]
        return _with_earlier(last, earlier).model_copy(update={"may_have_cost_usd": self.may_have_cost})


def _cause(error: TransientError) -> str:
    """What a try failed for: each cause has its own cap."""
    return "answered" if error.answered and not isinstance(error, RateLimitedError) else error.counted_as


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
            limit or for a retry.
        failed: The failures that ended all calls, by the keys of theirs; whoever records them takes them from here.
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
        self.failed: dict[str, VerdictFailure] = {}
        self.wasted: dict[str, Reply] = {}
        self._refresh = refresh
        self._tries = tries
        self._flights = flights or CallsInFlight(remember=refresh)
        self._sleep = sleep
        self._limits: list[tuple[PerMinute, bool]] | None = None
        self._answered = False
        self._bad_requests = 0
        self._given_up = 0
        self._fatal: ConfigError | FatalProviderError | None = None
        self._waits: set[asyncio.Future[None]] = set()

    @property
    def connections(self) -> int:
        """How many this process may have open at once for its calls."""
        return 0 if self.judge.offline else self.pace.most

    @property
    def sent_as(self) -> str | None:
        """The model as it went out, where that is not as the judge names it; None before the first call as well."""
        return self._provider.sent_as if "_provider" in self.__dict__ else None

    @cached_property
    def _provider(self) -> Provider:
        return provider_of(self.judge)

    @cached_property
    def _secrets(self) -> list[str]:
        return secret_values(self.judge)

    @cached_property
    def _long_secrets(self) -> list[str]:
        return [secret for secret in self._secrets if len(secret) >= SHORTEST_HIDDEN]

    async def aclose(self) -> None:
        """Closes what the calls have opened."""
        if self._limits is None:
            return
        try:
            with self._blaming("aclose", ConfigError):
                await self._provider.aclose()
        except JudgebenchError as error:  # every reply is there and stays
            warnings.warn(str(error), stacklevel=2)

    def _blaming(self, method: str, kind: type[JudgebenchError]) -> AbstractContextManager[None]:
        return blaming(title_of(self.judge), self._provider, method, kind, self._secrets)

    def cached(self, request: Request) -> Reply | None:
        """The reply that the cache has; with `refresh`, only one that was asked for now."""
        if self._refresh:
            return self.cache.get(request.key) if request.key in self._flights.asked else None
        reply = self.cache.get(request.key)
        return self.ended(request) if reply is None or reply.says_nothing else reply

    def ended(self, request: Request) -> Reply | None:
        """A reply to the same that ended by itself under another limit on its length, and is within this judge's."""
        params, _ = self.judge.params_asked()
        limits = (params.get(name) for name in LENGTH_LIMITS)
        limit = next((limit for limit in limits if isinstance(limit, int)), None)
        for reply in self.cache.tagged(self._second_key(request)):
            if limit is None or (reply.completion_tokens or len(reply.text or "")) < limit:
                return reply
        return None

    def _second_key(self, request: Request) -> str:
        return self.keys.key(request.messages, request.sample, request.form, request.hint, limited=False)

    def cached_many(self, keys: Sequence[str]) -> dict[str, Reply]:
        """Replies that the cache has under some of the keys, in one query; those that are not there may still be."""
        found = {} if self._refresh else self.cache.get_many(keys)
        return {key: reply for key, reply in found.items() if not reply.says_nothing}

    def check(self) -> None:
        """Raises ConfigError where a call needs a key, or the budget a price, that is not there."""
        check_provider(self.judge, self._provider)
        self.budget.check(self.judge)

    async def ask(self, request: Request) -> Answer:
        """Makes a call, or takes the reply of an equal one; the reply is in the cache when this returns.

        Raises:
            VerdictFailure: The call has no usable reply, whatever is tried.
            FatalProviderError: No call of this judge can work; raised at once for all further calls.
            ConfigError: The key is missing.
        """
        key = request.key
        reply = await self._flights.joined(key, self)
        if reply is not None:
            return Answer(reply, shared=True)
        shared = False

        async def make() -> Reply:
            nonlocal shared
            await self._no_other_process_makes(key)
            try:
                second = self._second_key(request)
                # An equal call may have ended since this one was looked up.
                reply = None if self.cache.lacks(key, second) else self.cached(request)
                shared = reply is not None
                return await self._kept(request, second) if reply is None else reply
            finally:
                self.cache.give_back(key)

        try:
            return Answer(await self._flights.made(key, self, make), shared=shared)
        finally:
            self.on_the_wire.discard(_this_task())

    async def _no_other_process_makes(self, key: str) -> None:
        """Returns when this process is the one that makes the call: another has made it, has failed, or has died."""
        if self._refresh or self.judge.offline:
            return
        until = time.monotonic() + self.judge.timeout + LONGEST_PAUSE_S
        while not self.cache.take(key) and time.monotonic() < until:
            await self._unless_stopped(asyncio.sleep(OTHERS_EVERY_S))

    async def _kept(self, request: Request, second: str) -> Reply:
        """The reply to a call that is made now, in the cache.

        Args:
            request: The call.
            second: See `_keep`.
        """
        attempts = Attempts()
        try:
            return await self._tried(request, attempts, second)
        except BaseException:
            if (wasted := attempts.wasted) is not None:
                self.wasted[request.key] = wasted
            raise

    async def _keep(self, request: Request, reply: Reply, second: str | None = None) -> None:
        """Puts a reply into the cache.

        Args:
            request: The call.
            reply: What came.
            second: The key under which one that ended by itself is found as well, where that is known already.
        """
        ended = reply.finish_reason == "stop" and reply.text is not None and not reply.refusal
        await self.cache.keep(request.key, reply, (second or self._second_key(request)) if ended else None)

    async def _tried(self, request: Request, attempts: Attempts, second: str) -> Reply:
        """The reply after as many tries as can help, in the cache.

        Args:
            request: The call.
            attempts: Takes what the tries met.
            second: See `_keep`.
        """

        async def attempt() -> Reply:
            try:
                return await self._once(request, attempts, second)
            except TransientError as error:
                attempts.add(error, self._highest(request))
                raise

        try:
            return await attempt()
        except TransientError as error:
            return await self._tried_again(request, attempts, attempt, error)

    async def _tried_again(
        self, request: Request, attempts: Attempts, attempt: Callable[[], Awaitable[Reply]], first: TransientError
    ) -> Reply:
        """The reply after further tries.

        Args:
            request: The call.
            attempts: What the tries have met.
            attempt: Makes one.
            first: What the first has met. Most calls need no second, and tenacity takes a seventh of a call's CPU: the
                row "CPU of a live call, transport: direct" of benchmarks/speed.py.
        """
        import tenacity

        made: list[TransientError] = [first]

        async def next_attempt() -> Reply:
            if made:
                raise made.pop()
            return await attempt()

        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            stop=lambda state: self._enough(state, attempts.causes),
            wait=_wait,
            before_sleep=self._note,
            sleep=lambda seconds: self._unless_stopped(self._sleep(seconds)),
            reraise=True,
        )
        try:
            return await retrying(next_attempt)
        except TransientError as error:
            count = retrying.statistics.get("attempt_number", 1)
            tries = f"{count} {'attempt' if count == 1 else 'attempts'}"
            if isinstance(error, EmptyReplyError):
                raise VerdictFailure("empty", f"the reply has no text ({tries})") from None
            raise self._gave_up(request.key, f"failed after {tries}: {error}") from None

    def _highest(self, request: Request) -> float | None:
        """What one try can cost at most, in USD; None where that is not known."""
        try:
            return highest_cost(self.judge, request.messages, request.form)
        except ConfigError:
            return None

    def _enough(self, state: tenacity.RetryCallState, causes: Mapping[str, int]) -> bool:
        """Whether a further try is one too many, of those for its cause; a rate limit passes, however often it is met.

        Args:
            state: The last try.
            causes: How many tries have failed, by their causes.
        """
        error = state.outcome.exception() if state.outcome else None
        waited, named = state.idle_for + state.upcoming_sleep, getattr(error, "retry_after", None) or 0.0
        is_too_long = waited >= MAX_WAIT_S and not waited <= named <= LONGEST_PAUSE_S
        if is_too_long or state.attempt_number == self._tries:
            return True
        if isinstance(error, RateLimitedError) or not isinstance(error, TransientError):
            return False
        paid = error.answered or isinstance(error, TimedOutError)
        return causes[_cause(error)] >= (PAID_TRIES if paid else MAX_TRIES if self._answered else FIRST_TRIES)

    def _gave_up(self, key: str, detail: str) -> JudgebenchError:
        """A failure of the one call, or of the judge where too many have failed with none between them that worked."""
        self._given_up += 1
        if self._given_up < (GIVEN_UP_IN_A_ROW if self._answered else GIVEN_UP_AT_FIRST):
            return VerdictFailure("provider", detail)
        self.failed[key] = VerdictFailure("provider", detail)
        at = f" at {without_secrets(self.judge.api_base)}" if self.judge.api_base else ""
        fix = "check api_base and that the server is up" if self.judge.api_base else "check that the server is up"
        none = f"the last {self._given_up} calls failed" if self._answered else "all calls failed"
        return self._stop(
            FatalProviderError(f"{title_of(self.judge)}: {none}{at}: {detail}; {fix}, then rerun the command")
        )

    def _stop(self, error: ConfigError | FatalProviderError) -> ConfigError | FatalProviderError:
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
        """Counts a retry."""
        self.on_the_wire.discard(_this_task())
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TransientError):
            self.asked_again[error.counted_as] += 1

    def _ready(self) -> None:
        """Before the first call: the provider gets ready, and the limits begin."""
        if self._limits is None:
            if self._fatal is not None:
                raise self._fatal
            try:
                with self._blaming("prepare", FatalProviderError):
                    self._provider.prepare()
            except (ConfigError, FatalProviderError) as error:
                raise self._stop(error) from None
            limits = () if self.judge.offline else ((self.judge.limits.rpm, False), (self.judge.limits.tpm, True))
            self._limits = [(self._per_minute(most, by_tokens), by_tokens) for most, by_tokens in limits if most]

    def _per_minute(self, most: int, by_tokens: bool) -> PerMinute:  # noqa: ARG002 - of workers that share the limit
        """A limit on its requests, or its tokens, per minute."""
        return PerMinute(most)

    async def _once(self, request: Request, attempts: Attempts, second: str) -> Reply:
        """One try, once the judge's pace, its limits and the budget allow it.

        Its place is held until the reply is in the cache: a kill loses no more replies than there are places.
        """
        self._ready()
        await self._within_limits(request)
        clock = asyncio.get_running_loop().time
        async with self.pace.call() as flight:
            # A call that is held has its place only once the provider is open again; a further try has waited already.
            if not attempts.causes and (seconds := self.pace.hold(clock())) > 0:
                await self._unless_stopped(self._sleep(min(seconds, MAX_WAIT_S)))
            reply = await self._billed(request, flight, clock)
            if reply.says_nothing:
                raise EmptyReplyError(reply)
            reply = attempts.with_reply(reply)
            await self._keep(request, reply, second)
            return reply

    async def _billed(self, request: Request, flight: CallInFlight, clock: Callable[[], float]) -> Reply:
        """One try in its place, once the budget allows it."""
        async with self.budget.call(self.judge, request.messages, request.form) as bill:
            if stopped := self._fatal or self.cache.out_of_space:
                bill.cost = 0.0
                raise stopped
            started = clock()
            try:
                reply = self._finished(await self._completed(self._provider.complete(request)), clock() - started)
            except JudgebenchError as error:
                if isinstance(error, RateLimitedError):
                    flight.refused, flight.refused_until = True, clock() + (error.retry_after or 0.0)
                bill.cost = (error.took or {}).get("cost_usd") if error.charged else 0.0
                return self._refused(error, request)
            flight.good = self._answered = True
            self._given_up = 0
            if reply.cost_usd is not None:
                bill.cost = reply.cost_usd
            return reply

    async def _completed(self, coming: Awaitable[Reply | str]) -> Reply:
        """The provider's reply, whole within the judge's timeout; every error of its is one of ours, and has no key.

        LiteLLM's own timeout counts the pauses between reads only.
        """
        self.on_the_wire.add(_this_task())
        try:
            async with asyncio.timeout(self.judge.timeout + DRIP_S):
                reply: Any = await coming
        except TimeoutError:
            raise TimedOutError(f"no complete reply within {self.judge.timeout:g} s") from None
        except JudgebenchError as error:
            error.args = tuple(without(str(each), self._secrets) for each in error.args)
            if isinstance(error, VerdictFailure):
                error.detail = without(error.detail, self._secrets)
            raise
        except Exception as error:  # noqa: BLE001 - what a provider raises is not ours to know
            said = in_one_line(f"{type(error).__name__}: {error}", self._secrets)
            raise (TransientError(said) if isinstance(error, OSError) else _code_failure(said)) from None
        if isinstance(reply, str):
            return Reply(text=reply, finish_reason="stop", served_model=self.judge.model)
        if not isinstance(reply, Reply):
            raise _code_failure(f"expected text or a judgebench.Reply, got {type(reply).__name__}")
        return reply

    def _finished(self, reply: Reply, latency: float) -> Reply:
        """The reply without secrets, and with what it cost, when it came and how long it took."""
        texts = {name: getattr(reply, name) for name in ("text", "reasoning", "refusal", "served_model")}
        hidden = {name: without(text, self._long_secrets) for name, text in texts.items() if text is not None}
        update: dict[str, Any] = {name: text for name, text in hidden.items() if text != texts[name]}
        if "text" in update:
            update["logprobs"] = None
        if reply.created is None:
            price = self._cost(reply) if reply.cost_usd is None else reply.cost_usd
            update |= {"created": round(time.time(), 3), "latency_s": round(latency, 4), "cost_usd": price}
        return reply.model_copy(update=update) if update else reply

    def _cost(self, reply: Reply) -> float | None:
        """What a reply costs by its tokens, in USD; None where they, or the judge's price, are not known."""
        price = price_of(self.judge)
        known = reply.prompt_tokens and (reply.completion_tokens or reply.answers is not None or not reply.text)
        return None if price is None or not (known or is_free(price)) else cost(price, reply.model_dump())

    def _refused(self, error: Exception, request: Request) -> Reply:
        """Raises the error, or turns what the provider says of the prompt itself into a reply that can be kept."""
        if isinstance(error, VerdictFailure) and error.kind == "provider" and not self._answered:
            self._bad_requests += 1
            if self._bad_requests >= BAD_REQUESTS_IN_A_ROW:
                self.failed[request.key] = error
                cause = f"the provider rejects all calls: {error.detail}; {self._provider.advice(request)}"
                if error.in_code:
                    cause = f"all calls failed in {self._provider.code}: {error.detail}; fix its code"
                error = FatalProviderError(f"{title_of(self.judge)}: {cause}")
        if isinstance(error, FatalProviderError | ConfigError):
            error = self._stop(error)
        if isinstance(error, VerdictFailure) and error.kind in {"context", "filtered"}:
            self._answered = True
            reason = "context" if error.kind == "context" else "content_filter"
            return Reply(finish_reason=reason, refusal=None, reasoning=None, text=None, created=time.time())
        raise error

    async def _within_limits(self, request: Request) -> None:
        """Waits until the judge's requests and tokens per minute allow another call."""
        if not self._limits:
            return
        params, _ = self.judge.params_asked()
        characters = sum(len(message["content"]) for message in request.messages)
        answer = params.get("max_completion_tokens") or params.get("max_tokens")
        answer = answer if isinstance(answer, int | float) else 0
        for limit, by_tokens in self._limits:
            await self._unless_stopped(limit.wait(characters / 4 + answer if by_tokens else 1.0))


def _code_failure(detail: str) -> VerdictFailure:
    failure = VerdictFailure("provider", detail)
    failure.in_code = True
    return failure


def _with_earlier(reply: Reply, earlier: Sequence[Reply]) -> Reply:
    """The reply with the tokens and the price of earlier tries that said nothing, which were paid for as well."""
    if not earlier:
        return reply
    every = [*earlier, reply]
    totals: dict[str, Any] = {name: sum(getattr(each, name) for each in every) for name in _TOKENS}
    costs = [each.cost_usd for each in every]
    totals["cost_usd"] = None if None in costs else sum(each for each in costs if each is not None)
    return reply.model_copy(update=totals)


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
