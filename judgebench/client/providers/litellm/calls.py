"""The calls of one judge by LiteLLM."""

from __future__ import annotations

import time
import warnings
from functools import cached_property
from typing import TYPE_CHECKING

from judgebench.client.providers.litellm.errors import by_remedy
from judgebench.client.providers.litellm.replies import reply_of, took
from judgebench.client.providers.litellm.settings import CallSettings, changed_effort, way_to
from judgebench.client.providers.litellm.transport import Connections, litellm
from judgebench.client.providers.litellm.wire import WireCall
from judgebench.client.tokens import is_cut
from judgebench.errors import JudgebenchError
from judgebench.judges import unknown_variables

if TYPE_CHECKING:
    from judgebench.client.providers.base import Request
    from judgebench.judges import Judge
    from judgebench.verdicts import Reply

_WANTED = {"groq": {"service_tier": "auto"}}
"""What LiteLLM breaks on where a server of a provider's protocol leaves it out."""


class Calls:
    """The calls of one judge, and their connections.

    Args:
        judge: Who is asked.
    """

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self._connections = Connections()

    @cached_property
    def _way(self) -> CallSettings:
        return way_to(self.judge)

    @cached_property
    def _strangers(self) -> dict[str, str]:
        return unknown_variables(self.judge)

    def prepare(self) -> str | None:
        """Imports LiteLLM, and finds out how the model is called: as it goes out, where that is not as it is named."""
        litellm()
        model = str(self._way.settings["model"])
        if effort := changed_effort(self.judge):
            said = f"judge '{self.judge.name}': LiteLLM sends reasoning_effort to {self.judge.model} as {effort}"
            warnings.warn(said, stacklevel=2)
        return None if model == self.judge.model else model

    async def complete(self, request: Request) -> Reply:
        """One call; every error of a provider is sorted by its remedy."""
        way = self._way
        wire = WireCall(wanted=_WANTED.get(self.judge.provider, {}), strangers=self._strangers)
        messages = list(request.messages)
        try:
            reply = await self._made(request, way, wire)
        except TimeoutError:
            raise
        except Exception as error:  # noqa: BLE001 - every provider's errors, sorted by remedy
            failure = error if isinstance(error, JudgebenchError) else by_remedy(error, self.judge, way.secrets, wire)
            failure.took = took(self.judge, wire) if failure.answered else None
            raise failure from None
        if is_cut(self.judge, messages, reply.prompt_tokens):
            return reply.model_copy(update={"finish_reason": "context"})
        return reply

    async def _made(self, request: Request, way: CallSettings, wire: WireCall) -> Reply:
        """The reply to one call; whatever LiteLLM raises."""
        started, keywords = time.perf_counter(), way.keywords(request.schema, self.judge)
        response = await self._connections.call("acompletion", wire, messages=list(request.messages), **keywords)
        return reply_of(response, self.judge, way, wire, time.perf_counter() - started)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._connections.aclose()
