"""The calls of one judge by LiteLLM."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from judgebench.client.batches.base import Written
from judgebench.client.providers.litellm.errors import by_remedy
from judgebench.client.providers.litellm.replies import completion_of
from judgebench.client.providers.litellm.settings import CallSettings, changed_effort, way_to
from judgebench.client.providers.litellm.transport import Connections, litellm
from judgebench.client.providers.litellm.wire import INSTEAD, LiteLLMCall
from judgebench.client.providers.replies import Asked, reply_of, took
from judgebench.client.tokens import is_cut
from judgebench.errors import ConfigError, JudgebenchError
from judgebench.judges import unknown_variables

if TYPE_CHECKING:
    from judgebench.client.providers.base import Request
    from judgebench.judges import Judge
    from judgebench.verdicts import Reply

_NOWHERE = "http://127.0.0.1:9"
"""Where nobody listens: the address of the one call that finds out whether calls can be kept from being sent."""


class _NotSent(BaseException):
    """A request that was kept from being sent; no error, so that LiteLLM leaves it alone."""


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
        self._is_watched = False

    @cached_property
    def _way(self) -> CallSettings:
        return way_to(self.judge)

    @cached_property
    def _strangers(self) -> dict[str, str]:
        return unknown_variables(self.judge)

    def prepare(self) -> None:
        """Imports LiteLLM, and finds out how the model is called."""
        litellm()
        _ = self._way
        if effort := changed_effort(self.judge):
            said = f"judge '{self.judge.name}': LiteLLM sends reasoning_effort to {self.judge.model} as {effort}"
            warnings.warn(said, stacklevel=2)

    async def complete(self, request: Request) -> Reply:
        """One call; every error of a provider is sorted by its remedy."""
        way = self._way
        trusted = way.settings.get("ssl_verify")
        wire = LiteLLMCall(wanted=_WANTED.get(self.judge.provider, {}), strangers=self._strangers, trusted=trusted)
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

    async def written(self, request: Request) -> Written:
        """What `complete` would send; nothing is sent.

        Raises:
            ConfigError: LiteLLM's calls do not go by the transport that is watched here.
        """

        async def kept(http: Any) -> Any:
            raise _NotSent(str(http.url), dict(http.headers), bytes(http.content))

        nowhere = {} if self._is_watched else {"api_base": _NOWHERE}
        wire = LiteLLMCall(strangers=self._strangers)
        token = INSTEAD.set(kept)
        try:
            await self._made(request, replace(self._way, settings={**self._way.settings, **nowhere}), wire)
        except _NotSent as found:
            if self._is_watched:
                return Written(*found.args)
            self._is_watched = True
        except Exception as error:  # noqa: BLE001 - LiteLLM's own refusal, sorted as that of a call
            if self._is_watched:
                raise by_remedy(error, self.judge, self._way.secrets, wire) from None
        finally:
            INSTEAD.reset(token)
        if not self._is_watched:
            raise ConfigError(
                f"judge '{self.judge.name}': LiteLLM's HTTP transport is switched off, which --batch needs; unset "
                "DISABLE_AIOHTTP_TRANSPORT"
            )
        return await self.written(request)

    async def read(self, request: Request, status: int, body: bytes) -> Reply:
        """What `complete` would make of this response to the request; nothing is sent."""

        async def came(http: Any) -> Any:
            import httpx

            return httpx.Response(status, headers={"content-type": "application/json"}, content=body, request=http)

        token = INSTEAD.set(came)
        try:
            return await self.complete(request)
        finally:
            INSTEAD.reset(token)

    async def _made(self, request: Request, way: CallSettings, wire: LiteLLMCall) -> Reply:
        """The reply to one call; whatever LiteLLM raises."""
        started, keywords = time.perf_counter(), way.keywords(request.schema, self.judge)
        messages = [{**each, "content": _sendable(each["content"])} for each in request.messages]
        response = await self._connections.call("acompletion", wire, messages=messages, **keywords)
        asked = Asked(self.judge, way.settings, way.secrets, way.left_out)
        return reply_of(completion_of(response, wire), asked, wire, time.perf_counter() - started)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._connections.aclose()


def _sendable(text: str) -> str:
    """The text without lone surrogates, which are no UTF-8: OpenAI's SDK cannot send them."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
