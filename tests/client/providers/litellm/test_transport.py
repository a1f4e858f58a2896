"""The door to LiteLLM: how calls are begun, and what is closed after them."""

import asyncio
import contextvars
import time
from contextlib import aclosing

import httpx
from loopback import LoopbackServer

from judgebench.client import eased
from judgebench.client.providers.litellm import transport as lite
from judgebench.client.providers.litellm.wire import WIRE, LiteLLMCall

MESSAGES = [{"role": "user", "content": "one"}]


def test_what_the_first_calls_import_is_no_measure_of_those_that_follow(monkeypatch):
    """A loop that stood still for 0.3 s, as when LiteLLM is imported, is not waited for twice as long again."""
    waits, sleep = [], asyncio.sleep

    async def counted(seconds):
        waits.append(seconds)
        await sleep(0)

    async def first_calls():
        asyncio.get_running_loop().call_soon(time.sleep, 0.3)
        await eased()

    monkeypatch.setattr(asyncio, "sleep", counted)
    asyncio.run(first_calls())

    assert max(waits) == 0.1


def test_clients_that_others_made_of_litellm_stay_open():
    """In the same loop, for the same server, before, during and after our calls; ours are closed."""
    litellm = lite.litellm()

    async def clients():
        call = {"model": "hosted_vllm/m", "api_base": server.url, "api_key": "x", "messages": MESSAGES}
        before = set(map(id, kept().values()))
        await litellm.acompletion(**call)
        theirs = [client for client in kept().values() if id(client) not in before]
        async with aclosing(lite.Connections()) as opened:
            await opened.call("acompletion", **call)
            ours = [client for client in kept().values() if client not in theirs and id(client) not in before]
        closed = [client._client.is_closed for client in (*theirs, *ours)]
        still = [client in kept().values() for client in (*theirs, *ours)]
        await lite.close_clients(litellm.in_memory_llm_clients_cache.update_cache_key_with_event_loop(""))
        return closed, still

    def kept():
        return litellm.in_memory_llm_clients_cache.cache_dict

    with LoopbackServer() as server:
        assert asyncio.run(clients()) == ([False, True], [True, False])


def test_a_session_that_others_gave_to_litellm_stays_open(monkeypatch):
    """OpenAI's SDK wraps it in a client of its own, which would close it."""

    async def is_closed():
        async with httpx.AsyncClient() as session:
            monkeypatch.setattr(lite.litellm(), "aclient_session", session)
            async with aclosing(lite.Connections()) as opened:
                await opened.call("acompletion", model="openai/m", api_base=server.url, api_key="x", messages=MESSAGES)
            return session.is_closed

    with LoopbackServer() as server:
        assert not asyncio.run(is_closed())


def _unwatched(monkeypatch):
    """Nobody watches LiteLLM, whatever tests before this one had it do."""
    for name in ("", "success_", "failure_", "_async_success_", "_async_failure_"):
        monkeypatch.setattr(lite.litellm(), f"{name}callback{'' if name else 's'}", [])


def test_who_watches_litellm_gets_the_calls_of_a_run(monkeypatch):
    """Its logs are left out only where nobody takes them."""
    litellm = lite.litellm()
    log = litellm.litellm_core_utils.litellm_logging.Logging
    _unwatched(monkeypatch)

    def written(callbacks, wire):
        monkeypatch.setattr(litellm, "callbacks", callbacks)
        context = contextvars.copy_context()
        context.run(WIRE.set, wire)
        coroutine = context.run(log.async_success_handler, object())
        coroutine.close()
        return coroutine.__name__

    assert written([], LiteLLMCall()) == "_nothing"
    assert written([print], LiteLLMCall()) == written([], None) == "async_success_handler"


def test_litellm_prices_what_others_ask_of_it(monkeypatch):
    """And not our calls, of which we compute the price ourselves."""
    litellm = lite.litellm()
    _unwatched(monkeypatch)

    async def price(own):
        with LoopbackServer() as server:
            call = {"model": "openai/gpt-4o-mini", "api_base": server.url, "api_key": "x", "messages": MESSAGES}
            async with aclosing(lite.Connections()) as opened:
                response = await (opened.call("acompletion", **call) if own else litellm.acompletion(**call))
            await lite.close_clients("")
            return response._hidden_params["response_cost"]

    assert asyncio.run(price(False)) > 0
    assert asyncio.run(price(True)) is None
