"""The calls of one judge by LiteLLM."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from judgebench.client.batches.base import Written
from judgebench.client.providers.base import Request
from judgebench.client.providers.direct.replies import completion_of as plain_completion_of, has_choice
from judgebench.client.providers.litellm.errors import by_remedy
from judgebench.client.providers.litellm.replies import completion_of
from judgebench.client.providers.litellm.settings import CallSettings, changed_effort, way_to
from judgebench.client.providers.litellm.templates import Templates, sendable
from judgebench.client.providers.litellm.transport import Connections, litellm, trusted_by
from judgebench.client.providers.litellm.wire import INSTEAD, LiteLLMCall
from judgebench.client.providers.replies import Asked, reply_of, took
from judgebench.client.providers.wire import WireCall, note_body
from judgebench.client.tokens import is_cut
from judgebench.errors import ConfigError, JudgebenchError
from judgebench.judges import unknown_variables

if TYPE_CHECKING:
    import ssl

    from judgebench.judges import Judge
    from judgebench.verdicts import Reply

_NOWHERE = "http://127.0.0.1:9"
"""Where nobody listens: the address of the one call that finds out whether calls can be kept from being sent."""


_TRIAL = Request("0" * 64, [{"role": "user", "content": "Hello"}])
_OPENAI = frozenset({"openai", "hosted_vllm", "azure"})
"""Providers whose bodies are chat completions of the OpenAI protocol."""


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
    def _asked(self) -> Asked:
        return Asked(self.judge, self._way.settings, self._way.secrets, self._way.left_out)

    @cached_property
    def _templates(self) -> Templates:
        return Templates(self.judge.provider, self._mapped)

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
        """What `complete` would send; nothing is sent."""
        return await self._templates.body(request)

    async def way(self) -> Written:
        """The address and the head of a call now."""
        return await self._mapped(_TRIAL)

    def trusted(self) -> bool | ssl.SSLContext:
        """Whose certificates are taken; False for any."""
        return trusted_by(self._way.settings.get("ssl_verify"))

    async def _mapped(self, request: Request) -> Written:
        """What LiteLLM would send, found out by having it send that.

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
        return await self._mapped(request)

    async def read(self, request: Request, status: int, body: bytes) -> Reply:
        """What `complete` would make of this response to the request; nothing is sent."""
        if self.judge.provider in _OPENAI and 200 <= status < 300:
            wire = WireCall(status=status)
            note_body(wire, body)
            if has_choice(wire.body):
                return self._whole(request, wire)
        return await self._by_litellm(request, status, body)

    async def _by_litellm(self, request: Request, status: int, body: bytes) -> Reply:
        """What LiteLLM makes of this response."""

        async def came(http: Any) -> Any:
            import httpx

            return httpx.Response(status, headers={"content-type": "application/json"}, content=body, request=http)

        token = INSTEAD.set(came)
        try:
            return await self.complete(request)
        finally:
            INSTEAD.reset(token)

    def _whole(self, request: Request, wire: WireCall) -> Reply:
        """The reply in a body of the OpenAI protocol, without LiteLLM, which takes a hundred times as long for it."""
        try:
            reply = reply_of(plain_completion_of(wire.body), self._asked, wire, 0.0)
        except JudgebenchError as error:
            error.took = took(self.judge, wire) if error.answered else None
            raise
        if is_cut(self.judge, request.messages, reply.prompt_tokens):
            return reply.model_copy(update={"finish_reason": "context"})
        return reply

    async def _made(self, request: Request, way: CallSettings, wire: LiteLLMCall) -> Reply:
        """The reply to one call; whatever LiteLLM raises."""
        started, keywords = time.perf_counter(), way.keywords(request.schema, self.judge)
        messages = [{**each, "content": sendable(each["content"])} for each in request.messages]
        response = await self._connections.call("acompletion", wire, messages=messages, **keywords)
        return reply_of(completion_of(response, wire), self._asked, wire, time.perf_counter() - started)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._connections.aclose()
