"""One judge's calls by its provider's batch interface: what goes out, and what a line that came back says."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from judgebench.client.batches.base import NOT_DONE
from judgebench.client.budget import Bill, highest_cost
from judgebench.client.calls import BAD_REQUESTS_IN_A_ROW, PAID_TRIES, Attempts, EmptyReplyError, JudgeClient
from judgebench.client.providers import title_of
from judgebench.errors import ConfigError, FatalProviderError, TransientError, VerdictFailure
from judgebench.judges import in_batches

if TYPE_CHECKING:
    from judgebench.client.batches.base import Batches, BatchLine, Written
    from judgebench.client.budget import Budget
    from judgebench.client.cache.store import ReplyCache
    from judgebench.client.inflight import CallsInFlight
    from judgebench.client.providers.base import Request
    from judgebench.judges import Judge
    from judgebench.verdicts import Reply

SUBMISSIONS = PAID_TRIES
"""In so many batches a request is sent at most."""


class NotDoneError(TransientError):
    """The provider has not carried a request of a batch out, or its line is missing."""

    counted_as = "unfinished request"
    charged = False


class BatchClient(JudgeClient):
    """A judge's client whose calls go out in batches, at their price; the cache and its keys are those of live calls.

    Args:
        judge: Whose calls.
        cache: Where replies are kept.
        refresh: Ask again, whatever the cache has.
        budget: What may be spent, shared by all judges.
        flights: The calls in flight, shared by all judges.
    """

    def __init__(
        self,
        judge: Judge,
        cache: ReplyCache,
        *,
        refresh: bool = False,
        budget: Budget | None = None,
        flights: CallsInFlight | None = None,
    ) -> None:
        super().__init__(in_batches(judge), cache, refresh=refresh, budget=budget, flights=flights)
        self._attempts: dict[str, Attempts] = {}
        self._refusals = 0
        self._last_refused: tuple[Request, str] | None = None
        self._opened = False

    @cached_property
    def batches(self) -> Batches:
        """The provider's batch interface.

        Raises:
            ConfigError: It has none.
        """
        self._opened = True
        return self._provider_batches()

    def _provider_batches(self) -> Batches:
        with self._blaming("batches", ConfigError):
            return self._provider.batches()

    def check(self) -> None:
        """See `JudgeClient`; the provider must have a batch interface, too."""
        super().check()
        _ = self.batches

    async def aclose(self) -> None:
        """Closes what the batches have opened."""
        if self._opened:
            await self.batches.aclose()
        await super().aclose()

    def highest(self, request: Request) -> float:
        """What the request can cost at most, in USD; 0 without a budget."""
        return 0.0 if self.budget.usd is None else highest_cost(self.judge, request.messages, request.form)

    async def written(self, request: Request) -> Written:
        """The request as a live call would send it; nothing is sent."""
        self._ready()
        return await self.batches.written(request)

    def release(self, highest: float) -> None:
        """Takes back what was set aside for a request that is not paid for here."""
        bill = Bill(highest)
        bill.cost = 0.0
        self.budget.settle(bill)

    async def take(self, request: Request, line: BatchLine | None, highest: float) -> Reply:
        """The reply to a request by its line, kept; read, priced and refused as that of a live call.

        Args:
            request: What was asked.
            line: What came of it; None where the results have no line of it.
            highest: What was set aside for it.

        Raises:
            TransientError: It has none; the request may be sent in another batch.
            VerdictFailure: It has none, whatever is tried.
            FatalProviderError: No call of this judge can work.
        """
        attempts, bill = self._attempts.setdefault(request.key, Attempts()), Bill(highest)
        try:
            reply = await self._read(request, line, bill)
        except TransientError as error:
            attempts.add(error, self._highest(request))
            if attempts.causes.total() < SUBMISSIONS:
                self.asked_again[error.counted_as] += 1
                raise
            self._leave(request.key)
            if isinstance(error, EmptyReplyError):
                raise VerdictFailure("empty", f"the reply has no text (in {SUBMISSIONS} batches)") from None
            raise VerdictFailure("provider", f"failed in {SUBMISSIONS} batches: {error}") from None
        except VerdictFailure:
            self._leave(request.key)
            raise
        finally:
            self.budget.settle(bill)
        reply = self._attempts.pop(request.key).with_reply(reply)
        await self._keep(request, reply)
        if self._refresh:
            self._flights.asked.add(request.key)
        return reply

    def rejected(self) -> FatalProviderError | None:
        """The error that ends all calls where the provider has refused each so far, and several; else None."""
        if self._answered or self._last_refused is None or self._refusals < BAD_REQUESTS_IN_A_ROW:
            return None
        request, detail = self._last_refused
        advice = self._provider.advice(request)
        return FatalProviderError(f"{title_of(self.judge)}: the provider rejects all calls: {detail}; {advice}")

    async def _read(self, request: Request, line: BatchLine | None, bill: Bill) -> Reply:
        if line is None or line.status == NOT_DONE:
            bill.cost = 0.0
            raise NotDoneError("its line is missing from the results" if line is None else line.why)
        self._ready()
        try:
            reply = self._finished(await self._completed(self.batches.read(request, line.status, line.body)), 0.0)
        except VerdictFailure as error:
            bill.cost = 0.0
            if error.kind in {"context", "filtered"}:
                return super()._refused(error, request)
            self._refusals += 1
            self._last_refused = request, error.detail
            raise
        except TransientError as error:
            bill.cost = (error.took or {}).get("cost_usd") if error.charged else 0.0
            raise
        except (ConfigError, FatalProviderError):
            bill.cost = 0.0
            raise
        self._answered = True
        bill.cost = reply.cost_usd
        if reply.says_nothing:
            raise EmptyReplyError(reply)
        return reply.model_copy(update={"latency_s": None})

    def _leave(self, key: str) -> None:
        """Keeps what the tries of a request that has failed for good were paid for."""
        if (wasted := self._attempts.pop(key).wasted) is not None:
            self.wasted[key] = wasted
