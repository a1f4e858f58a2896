"""The calls of a decision model by LiteLLM: typed questions about a state, answered with probabilities."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from judgebench.client.providers.decisions import as_sent, decided
from judgebench.client.providers.litellm import transport as lite
from judgebench.client.providers.litellm.calls import Calls
from judgebench.client.providers.litellm.settings import CallSettings
from judgebench.client.providers.proxies import keep_off_proxies
from judgebench.judges import call_settings, check_address, check_key, secret_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgebench.client.providers.base import Request
    from judgebench.client.providers.litellm.wire import LiteLLMCall
    from judgebench.judges import Judge
    from judgebench.verdicts import Reply

_OK = 200


class DecisionCalls(Calls):
    """The calls of one decision model, and their connections."""

    @cached_property
    def _way(self) -> CallSettings:
        return _way_to(self.judge)

    def prepare(self) -> None:
        """Imports LiteLLM."""
        lite.litellm()

    async def _made(self, request: Request, way: CallSettings, wire: LiteLLMCall) -> Reply:
        started = time.perf_counter()
        state, questions = as_sent(request.messages, request.questions or {})
        try:
            response = await self._connections.call(
                "asystemone", wire, state=state, questions=questions, **way.settings
            )
        except Exception:
            if (reply := self._on_wire(questions, wire)) is None:
                raise
        else:
            # LiteLLM takes a text or true for a number, and 0 for a probability that is not there.
            reply = self._on_wire(questions, wire)
            if reply is None:
                wire.body = response.model_dump()
                reply = decided(questions, self.judge, wire)
            assert reply is not None
        return reply.model_copy(update={"latency_s": round(time.perf_counter() - started, 4)})

    def _on_wire(self, questions: Mapping[str, Mapping[str, Any]], wire: LiteLLMCall) -> Reply | None:
        return decided(questions, self.judge, wire) if wire.status == _OK else None


def _way_to(judge: Judge) -> CallSettings:
    """What every call of a decision model is made with.

    Raises:
        ConfigError: An address or a key is missing.
    """
    check_address(judge)
    check_key(judge)
    keep_off_proxies(judge.api_base)
    settings = {"model": judge.model, "timeout": judge.timeout, "max_retries": 0, "num_retries": 0}
    return CallSettings({**settings, **call_settings(judge)}, [], secret_values(judge))
