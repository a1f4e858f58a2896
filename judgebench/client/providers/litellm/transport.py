"""The one place that imports LiteLLM: it takes seconds, so only a call that is really made pays for it."""

from __future__ import annotations

import inspect
import logging
import os
import sys
import warnings
from contextlib import AsyncExitStack
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any

from judgebench.client.providers.litellm.wire import WIRE, LiteLLMCall, watch_wire
from judgebench.client.providers.proxies import keep_off_proxies

if TYPE_CHECKING:
    import ssl

_OWNERS = count()


@lru_cache(maxsize=1)
def litellm() -> Any:
    """LiteLLM, set up to stay off the network and quiet."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ["LITELLM_MODE"] = "PRODUCTION"  # else it reads the first `.env` above its own folder, keys and addresses
    keep_off_proxies()
    for limit in ("AIOHTTP_CONNECTOR_LIMIT", "AIOHTTP_CONNECTOR_LIMIT_PER_HOST"):
        os.environ.setdefault(limit, "100000")  # we limit calls in flight; 0 would be aiohttp's default, 100
    import litellm as module

    module.suppress_debug_info = True
    module.telemetry = False
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # OpenAI's SDK takes any JSON for a completion and warns of it; `replies` looks at what came.
    warnings.filterwarnings("ignore", "Pydantic serializer warnings", UserWarning)
    _no_second_post()
    _no_unread_logs()
    _own_clients(type(module.in_memory_llm_clients_cache))
    watch_wire()
    return module


def trusted_by(setting: bool | str | None) -> bool | ssl.SSLContext:
    """Whose certificates LiteLLM takes where a judge's `ssl_verify` is so; False for any."""
    litellm()
    from litellm.llms.custom_httpx.http_handler import get_ssl_configuration

    found: bool | ssl.SSLContext = get_ssl_configuration(setting)
    return found


class Connections:
    """What LiteLLM opens for the calls that are made through it, to be closed after the last."""

    def __init__(self) -> None:
        self._owner = f"-judgebench-{next(_OWNERS)}"

    async def call(self, function: str, wire: LiteLLMCall | None = None, **keywords: Any) -> Any:
        """One call of LiteLLM: one request at most, for the tries are ours to count and to space.

        Args:
            function: Its name, `acompletion` or `asystemone`.
            wire: Takes what came on the wire.
            keywords: LiteLLM's.

        Raises:
            Exception: LiteLLM's.
        """
        wire = wire or LiteLLMCall()
        wire.owner = self._owner
        token = WIRE.set(wire)
        try:
            return await getattr(litellm(), function)(**keywords)
        finally:
            WIRE.reset(token)

    async def aclose(self) -> None:
        """Closes them."""
        if litellm.cache_info().currsize:  # else no call was made
            await close_clients(self._owner)


def _no_second_post() -> None:
    """Keeps LiteLLM's HTTP handler from sending a call of ours again, at once and unseen, when its connection drops.

    No setting of LiteLLM's turns that off. Calls that others make in this process are left as they are.
    """
    try:
        from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

        again = AsyncHTTPHandler.single_connection_post_request
    except (ImportError, AttributeError):  # a LiteLLM that has no such second post
        return

    async def post_again(handler: Any, *arguments: Any, **settings: Any) -> Any:
        dropped = sys.exception()
        if WIRE.get() is not None and dropped is not None:
            raise dropped
        return await again(handler, *arguments, **settings)

    AsyncHTTPHandler.single_connection_post_request = post_again


def _no_unread_logs() -> None:
    """Keeps LiteLLM from pricing a reply of ours and describing it for its logs where nobody takes these.

    No setting of LiteLLM's turns that off. It is a fifth of the row "CPU of a live call" of benchmarks/speed.py.
    """
    try:
        from litellm.litellm_core_utils.litellm_logging import Logging

        priced, logged = Logging.response_cost_calculator, Logging.async_success_handler
    except (ImportError, AttributeError):  # a LiteLLM that does so elsewhere
        return

    def price(log: Any, *arguments: Any, **settings: Any) -> Any:
        return None if _is_unread(log) else priced(log, *arguments, **settings)

    def describe(log: Any, *arguments: Any, **settings: Any) -> Any:
        return _nothing() if _is_unread(log) else logged(log, *arguments, **settings)

    Logging.response_cost_calculator, Logging.async_success_handler = price, describe


def _is_unread(log: Any) -> bool:
    """Whether the log of a call is ours and goes nowhere."""
    module = litellm()
    takers = (module.callbacks, module.success_callback, module._async_success_callback)  # noqa: SLF001 - no other name
    own = (getattr(log, name, None) for name in ("dynamic_success_callbacks", "dynamic_async_success_callbacks"))
    return WIRE.get() is not None and not any(takers) and not any(own)


async def _nothing() -> None:
    """What is left of a log that nobody takes."""


def _own_clients(clients: Any) -> None:
    """Has LiteLLM keep the clients of calls through `Connections` under keys of their own.

    LiteLLM keeps its clients (sessions of aiohttp, of OpenAI's SDK) in one cache for the whole process: whoever calls
    the same provider from the same loop would get ours, and find it closed. Calls of others keep their keys.

    Args:
        clients: The class of LiteLLM's cache of clients.
    """
    key_in_loop = clients.update_cache_key_with_event_loop

    def key_of_owner(cache: Any, key: str) -> str:
        ours = WIRE.get()
        return f"{key_in_loop(cache, key)}{'' if ours is None else ours.owner}"

    clients.update_cache_key_with_event_loop = key_of_owner


async def close_clients(owner: str) -> None:
    """Closes the clients that LiteLLM keeps under keys that end so."""
    module = litellm()
    kept = module.in_memory_llm_clients_cache
    async with AsyncExitStack() as closing:
        for key in tuple(kept.cache_dict):
            if not key.endswith(owner):
                continue
            client = kept.cache_dict.pop(key)
            kept.ttl_dict.pop(key, None)
            session = getattr(client, "_client", None)
            if session is None or session is not module.aclient_session:  # which whoever set it goes on using
                closing.push_async_callback(_close, client)


async def _close(client: Any) -> None:
    close = getattr(client, "aclose", None) or getattr(client, "close", None)
    ended = close() if close is not None else None
    if inspect.isawaitable(ended):
        await ended
