"""LiteLLM as a provider: whatever it can call, by one name each."""

from __future__ import annotations

import time
import warnings
from functools import cached_property
from typing import TYPE_CHECKING

from judgebench.client.providers.base import Provider
from judgebench.client.providers.litellm.errors import by_remedy
from judgebench.client.providers.litellm.replies import reply_of, took
from judgebench.client.providers.litellm.settings import CallSettings, changed_effort, way_to
from judgebench.client.providers.litellm.transport import Connections, litellm
from judgebench.client.providers.litellm.wire import WireCall
from judgebench.client.tokens import is_cut
from judgebench.errors import JudgebenchError
from judgebench.judges import check_address

if TYPE_CHECKING:
    from judgebench.client.providers.base import Request
    from judgebench.judges import Judge
    from judgebench.verdicts import Reply


_WANTED = {"groq": {"service_tier": "auto"}}
"""What LiteLLM breaks on where a server of a provider's protocol leaves it out."""


class LiteLLMProvider(Provider):
    """The models behind LiteLLM, which is imported with the first call."""

    def __init__(self, judge: Judge) -> None:
        super().__init__(judge)
        self._connections = Connections()

    @cached_property
    def _way(self) -> CallSettings:
        return way_to(self.judge)

    def check(self) -> None:
        """Finds out whether there is an address and a key.

        Raises:
            ConfigError: One of them is missing.
        """
        check_address(self.judge)
        super().check()

    def prepare(self) -> None:
        """Imports LiteLLM, and finds out how the model is called."""
        litellm()
        model = str(self._way.settings["model"])
        self.sent_as = None if model == self.judge.model else model
        if effort := changed_effort(self.judge):
            said = f"judge '{self.judge.name}': LiteLLM sends reasoning_effort to {self.judge.model} as {effort}"
            warnings.warn(said, stacklevel=2)

    async def complete(self, request: Request) -> Reply:
        """One `acompletion`."""
        way = self._way
        wire = WireCall(wanted=_WANTED.get(self.judge.provider, {}))
        started, messages = time.perf_counter(), list(request.messages)
        try:
            response = await self._connections.completion(wire, messages=messages, **way.keywords(request.schema))
            reply = reply_of(response, self.judge, way, wire, time.perf_counter() - started)
        except TimeoutError:
            raise
        except Exception as error:  # noqa: BLE001 - every provider's errors, sorted by remedy
            failure = error if isinstance(error, JudgebenchError) else by_remedy(error, self.judge, way.secrets, wire)
            failure.took = took(self.judge, wire) if failure.answered else None
            raise failure from None
        if is_cut(self.judge, messages, reply.prompt_tokens):
            return reply.model_copy(update={"finish_reason": "context"})
        return reply

    def advice(self, request: Request) -> str:
        """The judge's parameters, and what else goes out with its calls."""
        soft = ", or leave out --logprobs if it has no log-probabilities" if self.judge.soft_params else ""
        return super().advice(request) + soft

    async def aclose(self) -> None:
        """Closes the connections of its calls."""
        await self._connections.aclose()
