"""What goes out, what is kept, and what never shows: parameters, keys, the cache, limits."""

from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from asking import OPENAI, VLLM, Asker, asked_on_fake_clock, request
from loopback import Fault, LoopbackServer, Reply, error_reply

from judgebench.client.budget import Budget
from judgebench.client.calls import JudgeClient
from judgebench.client.providers.litellm import transport as lite
from judgebench.client.testing import ScriptedJudge
from judgebench.errors import ConfigError, FatalProviderError, TransientError
from judgebench.judges import callable_judge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from judgebench.client.testing import Step

CANARY = "canary-7f3a91c4d8"
ODD = "naïve 漢字 🏳️‍🌈 \u202e\u0000\ufeff\u2028 e\u0301 \x1b[31m [[A]]"


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer("[[A]]") as running:
        yield running


@pytest.fixture
def asker(server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asker]:
    for name in ("OPENAI_API_KEY", "HOSTED_VLLM_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with Asker(server, tmp_path) as asking:
        yield asking


def sent(asker: Asker, **settings: object) -> dict:
    asker.ask(**settings)
    return asker.server.requests[-1].params


# --- parameters


def test_without_params_the_defaults_go_out(asker: Asker) -> None:
    """Temperature 0 and 2048 tokens."""
    body = sent(asker)
    assert (body["temperature"], body["max_tokens"]) == (0, 2048)


def test_a_default_that_the_model_does_not_take_is_left_out(asker: Asker) -> None:
    """A reasoning model gets no temperature."""
    assert "temperature" not in sent(asker, model="openai/o3")


def test_what_is_left_out_is_said(asker: Asker) -> None:
    """The reply carries it, so that it is known from the cache too."""
    assert asker.ask(model="openai/o3").reply.left_out == ["temperature"]


def test_params_go_out_as_they_are(asker: Asker) -> None:
    """With params of one's own, nothing is added."""
    body = sent(asker, params={"top_p": 0.5, "seed": 7, "stop": ["END"]})
    assert {name: body.get(name) for name in ("top_p", "seed", "stop", "temperature", "max_tokens")} == {
        "top_p": 0.5,
        "seed": 7,
        "stop": ["END"],
        "temperature": None,
        "max_tokens": None,
    }


@pytest.mark.parametrize("model", [OPENAI, VLLM])
def test_extra_body_goes_out_as_it_is(asker: Asker, model: str) -> None:
    """A server's own parameters pass through extra_body."""
    body = sent(asker, model=model, params={"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}})
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


@pytest.mark.parametrize("model", [OPENAI, VLLM])
def test_further_keys_go_to_litellm(asker: Asker, model: str) -> None:
    """A header of the judge's extra settings is on the request."""
    asker.ask(model=model, extra={"extra_headers": {"X-Team": "seven"}})
    assert asker.server.requests[0].headers["X-Team"] == "seven"


def test_params_that_the_model_does_not_take_are_the_users_mistake(asker: Asker) -> None:
    """What the user asks for is never left out silently: the judge stops, with nothing sent."""
    asked = asker.ask("1", "2", "3", model="openai/o3", params={"temperature": 0.5})
    assert (type(asked.ended[-1]), asker.server.count) == (FatalProviderError, 0)


def test_messages_go_out_as_they_are(asker: Asker) -> None:
    """Odd text arrives unharmed."""
    asker.ask(ODD)
    assert asker.server.requests[0].messages == [{"role": "user", "content": ODD}]


# --- replies


@pytest.mark.parametrize("model", [OPENAI, VLLM])
def test_odd_text_comes_back_unharmed(asker: Asker, model: str) -> None:
    """Unicode of every kind, control characters included."""
    asker.server.answer = ODD
    assert asker.ask(model=model).reply.text == ODD


@pytest.mark.parametrize("model", [OPENAI, VLLM])
def test_a_long_reply_comes_back_whole(asker: Asker, model: str) -> None:
    """5 MB of text."""
    text = "漢" * 1_700_000 + "[[A]]"
    asker.server.answer = text
    assert asker.ask(model=model).reply.text == text


def test_a_reply_has_its_tokens_by_kind(asker: Asker) -> None:
    """Reasoning and cached prompt tokens are kept apart."""
    asker.server.answer = Reply(
        "[[A]]",
        usage={
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "completion_tokens_details": {"reasoning_tokens": 30},
            "prompt_tokens_details": {"cached_tokens": 80},
        },
    )
    reply = asker.ask().reply
    found = (reply.prompt_tokens, reply.completion_tokens, reply.reasoning_tokens, reply.cached_prompt_tokens)
    assert found == (100, 50, 30, 80)


def test_a_reply_has_its_cost(asker: Asker) -> None:
    """By the judge's own price."""
    asker.server.answer = Reply("[[A]]", usage={"prompt_tokens": 1000, "completion_tokens": 100})
    assert asker.ask(price={"input": 1.0, "output": 10.0}).reply.cost_usd == pytest.approx(0.002)


def test_thinking_is_kept_apart(asker: Asker) -> None:
    """What the provider gives as reasoning is no part of the answer."""
    asker.server.answer = Reply("[[A]]", reasoning_content="Maybe [[B]]?")
    reply = asker.ask().reply
    assert (reply.text, reply.reasoning) == ("[[A]]", "Maybe [[B]]?")


def test_the_model_that_answered_is_kept(asker: Asker) -> None:
    """By the name it gives itself."""
    asker.server.answer = Reply("[[A]]", served_model="loopback-2026-11-01")
    assert asker.ask().reply.served_model == "loopback-2026-11-01"


# --- keys


def test_a_server_of_ones_own_needs_no_key(asker: Asker) -> None:
    """The SDK gets a placeholder."""
    asker.ask()
    assert asker.server.requests[0].key == "none"


@pytest.mark.parametrize("model", [OPENAI, VLLM])
def test_the_key_comes_from_the_variable_named(asker: Asker, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """api_key_env, with the line end a file may have left in it taken off."""
    monkeypatch.setenv("MINE_KEY", CANARY + "\n")
    asker.ask(model=model, api_key_env="MINE_KEY")
    assert asker.server.requests[0].key == CANARY


@pytest.mark.parametrize(
    ("model", "named"),
    [(OPENAI, {}), ("openai/o3", {}), (OPENAI, {"api_key_env": "MINE_KEY"}), (VLLM, {"api_key_env": "MINE_KEY"})],
)
def test_white_space_around_a_key_is_not_sent(
    asker: Asker, model: str, named: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the line break that a file of keys leaves at the end."""
    for variable in ("MINE_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(variable, f" {CANARY}\n")
    asker.ask(model=model, **named)
    assert [sent.key for sent in asker.server.requests] == [CANARY]


@pytest.mark.parametrize("key", ["canary-7f3a\n91c4d8", "canary-\u00e9-7f3a91c4d8", "canary\x007f3a91c4d8"])
@pytest.mark.parametrize(("named", "variable"), [({"api_key_env": "MINE_KEY"}, "MINE_KEY"), ({}, "OPENAI_API_KEY")])
def test_a_key_that_cannot_be_sent_is_the_users_mistake(
    asker: Asker, key: str, named: dict, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the variable, not the key; nothing is sent."""
    monkeypatch.setattr("os.environ", {**os.environ, variable: key})
    error = asker.ask(**named).error
    assert (type(error), variable in str(error), "7f3a" in str(error)) == (ConfigError, True, False)
    assert asker.server.count == 0


def test_a_missing_key_is_found_before_anything_is_sent(asker: Asker) -> None:
    """The message names the variable."""
    asked = asker.ask(api_key_env="MINE_KEY")
    assert (type(asked.error), "MINE_KEY" in str(asked.error), asker.server.count) == (ConfigError, True, 0)


@pytest.mark.parametrize("model", [OPENAI, VLLM])
@pytest.mark.parametrize("status", [400, 401, 404, 429])
def test_a_key_echoed_by_the_provider_is_hidden(
    asker: Asker, model: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No error holds the key, whatever it looks like."""
    monkeypatch.setenv("MINE_KEY", CANARY)
    asker.server.faults = lambda _: Fault("echo", error_reply(status, f"Not with {CANARY}!"))
    assert CANARY not in str(asker.ask(model=model, api_key_env="MINE_KEY").error)


def test_litellms_own_key_is_hidden_too(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    """OPENAI_API_KEY, where no variable is named."""
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    asker.server.faults = lambda _: Fault.invalid_key(whole=True)
    error = str(asker.ask().error)
    assert (asker.server.requests[0].key, CANARY in error) == (CANARY, False)


def test_a_key_in_a_header_is_hidden_too(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that the extra settings name by its variable."""
    monkeypatch.setenv("GATEWAY_TOKEN", CANARY)
    asker.server.faults = lambda _: Fault("echo", lambda r: error_reply(401, f"Bad token {r.headers['X-Token']}"))
    error = str(asker.ask(extra={"extra_headers": {"X-Token": "os.environ/GATEWAY_TOKEN"}}).error)
    assert ("Bad token" in error, CANARY in error) == (True, False)


@pytest.mark.parametrize("model", [OPENAI, VLLM])
@pytest.mark.parametrize("name", ["text", "reasoning", "served_model", "refusal"])
def test_a_key_in_a_good_reply_is_hidden(asker: Asker, model: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the model or the server says it."""
    monkeypatch.setenv("MINE_KEY", CANARY)
    said = f"is {CANARY} so"
    asker.server.answer = Reply(said, reasoning_content=said, served_model=said, refusal=said)
    reply = asker.ask(model=model, api_key_env="MINE_KEY").reply
    assert getattr(reply, name) == "is [hidden] so"


def test_a_short_secret_is_left_in_a_reply(asker: Asker) -> None:
    """It may be a word of the answer."""
    asker.server.answer = "The verdict [[A]]"
    assert asker.ask(extra={"extra_headers": {"X-Kind": "verdict"}}).reply.text == "The verdict [[A]]"


# --- the tokens that the server reports

PRICE = {"input": 1, "output": 2}
NO_USAGE = {
    "null": None,
    "empty": {},
    "no completion": {"prompt_tokens": 10, "completion_tokens": None},
    "no prompt": {"completion_tokens": 5},
    "negative": {"prompt_tokens": 10, "completion_tokens": -5},
    "negative details": {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": -9},
    },
    "absurd": {"prompt_tokens": 10**400, "completion_tokens": 5},
}


def completion(usage: object) -> Reply:
    choice = {"index": 0, "message": {"role": "assistant", "content": "[[A]]"}, "finish_reason": "stop"}
    body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return Reply(body=body)


@pytest.mark.parametrize("model", [OPENAI, VLLM])
@pytest.mark.parametrize("how", NO_USAGE)
def test_a_reply_without_usable_counts_has_no_known_cost(asker: Asker, how: str, model: str) -> None:
    """And what cannot be a count is none."""
    asker.server.answer = completion(NO_USAGE[how])
    reply = asker.ask(model=model, price=PRICE).reply
    counts = (reply.prompt_tokens, reply.completion_tokens, reply.cached_prompt_tokens)
    assert (reply.text, reply.cost_usd, all(count in {0, 5, 10} for count in counts)) == ("[[A]]", None, True)


def test_without_usable_counts_the_budget_counts_the_highest_cost(asker: Asker) -> None:
    """Ten bytes and sixteen for the role at 1 USD, 100 tokens at 2 USD a million: 0.000226 USD."""
    asker.server.answer = completion(None)
    budget = Budget(1.0)
    judge = asker.judge(price=PRICE, params={"max_tokens": 100})
    client = JudgeClient(judge, asker.cache(), budget=budget)

    async def once() -> None:
        async with aclosing(client):
            await client.ask(request(client, "0123456789"))

    asyncio.run(once())
    assert budget.spent == pytest.approx(0.000226)


def test_a_free_judge_without_counts_stays_free(asker: Asker) -> None:
    """Nothing times anything is nothing."""
    asker.server.answer = completion(None)
    assert asker.ask(price={"input": 0, "output": 0}).reply.cost_usd == 0.0


# --- the cache, and equal calls


def test_a_reply_is_in_the_cache_when_it_is_given(asker: Asker) -> None:
    """Before the next step can use it, it is on disk."""
    asked = asker.ask("one")
    key = request(asked.client, "one").key
    assert asker.cache().get(key) == asked.reply


@pytest.mark.parametrize("fault", [Fault.status(503), Fault.status(400), Fault.status(401)])
def test_failures_of_the_provider_are_not_in_the_cache(asker: Asker, fault: Fault) -> None:
    """The same call is asked again next time."""
    asker.server.faults = lambda _: fault
    asked = asker.ask("one")
    assert asked.cache.get(request(asked.client, "one").key) is None


def test_equal_calls_in_flight_are_made_once(asker: Asker) -> None:
    """Whoever asks the same at the same time gets the same reply."""
    asked = asker.ask("same", "same", "same", at_once=True)
    assert ([end.text for end in asked.ended], asker.server.count) == (["[[A]]"] * 3, 1)


def test_equal_calls_in_flight_fail_together(asker: Asker) -> None:
    """A call that is given up is given up for all who wait for it."""
    asker.server.faults = lambda _: Fault.status(400)
    asked = asker.ask("same", "same", at_once=True)
    assert (len({str(end) for end in asked.ended}), asker.server.count) == (1, 1)


def test_other_samples_are_other_calls(asker: Asker) -> None:
    """Repetitions of a question are asked each for itself."""
    client = JudgeClient(asker.judge(), asker.cache())

    async def both() -> None:
        async with aclosing(client):
            await asyncio.gather(*(client.ask(request(client, "same", sample=n)) for n in range(2)))

    asyncio.run(both())
    assert asker.server.count == 2


def test_with_refresh_the_cache_is_not_looked_at(asker: Asker) -> None:
    """Until this client's own reply is in it."""
    cache = asker.ask("one").cache
    client = JudgeClient(asker.judge(), cache, refresh=True)
    assert client.cached(request(client, "one")) is None


# --- limits and connections


def seconds_of(folder: Path, script: list[Step], *texts: str, **settings: Any) -> float:
    """What calls one after another take, by a clock on which they themselves take no time."""
    judge = callable_judge(ScriptedJudge(script), **settings)
    return asked_on_fake_clock(folder, judge, *texts)[1]


def test_every_try_waits_for_the_judges_requests_a_minute(tmp_path: Path) -> None:
    """Sixty a minute: the second try of a call goes out a second after the first, though no wait was asked for."""
    script: list[Step] = [TransientError("down", retry_after=0.0), "[[A]]"]
    assert seconds_of(tmp_path, script, limits={"rpm": 60}) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_tokens_a_minute_count_the_prompt_and_the_room_for_the_answer(tmp_path: Path, name: str) -> None:
    """400 characters are 100 tokens, and 50 of answer: 150 at once, 8851 more a minute, so 1.017 s for 150 more."""
    limits = {"tpm": 9000}
    taken = seconds_of(tmp_path, ["[[A]]"] * 2, "x" * 400, "y" * 400, limits=limits, params={name: 50})
    assert taken == pytest.approx(60 * 150 / 8851, abs=0.02)


def test_connections_are_closed_with_their_loop(asker: Asker) -> None:
    """What LiteLLM keeps for an event loop of ours does not outlive it."""
    asker.ask()
    cached = lite.litellm().in_memory_llm_clients_cache.cache_dict
    assert not [key for key in cached if "openai" in key]


def test_a_second_loop_gets_connections_of_its_own(asker: Asker) -> None:
    """Several runs in one process do not stumble over each other's loops."""
    asker.ask("one")
    assert asker.ask("two").reply.text == "[[A]]"


# --- another limit on the length


@pytest.mark.parametrize(("before", "after"), [("max_tokens", "max_tokens"), ("max_completion_tokens", "max_tokens")])
def test_with_a_higher_limit_only_cut_off_replies_are_asked_again(asker: Asker, before: str, after: str) -> None:
    """One of three was cut off; so it is where the limit has its other name."""
    asker.server.answer = lambda call: Reply("[[", finish_reason="length") if call.text == "2" else "[[A]]"
    asker.ask("1", "2", "3", params={before: 500})
    asker.ask("1", "2", "3", params={after: 5000})
    assert [call.text for call in asker.server.requests] == ["1", "2", "3", "2"]


def test_without_a_limit_replies_that_ended_are_found(asker: Asker) -> None:
    """Those of a judge that had one."""
    asker.ask(params={"max_tokens": 500})
    asker.ask(params={})
    assert asker.server.count == 1


def test_a_reply_longer_than_a_lower_limit_is_not_taken(asker: Asker) -> None:
    """It would have been cut off."""
    asker.server.answer = Reply("[[A]]", usage={"completion_tokens": 80})
    asker.ask(params={"max_tokens": 500})
    asker.ask(params={"max_tokens": 50})
    assert asker.server.count == 2


def test_other_parameters_are_other_replies(asker: Asker) -> None:
    """The limit alone makes no difference."""
    asker.ask(params={"max_tokens": 500, "temperature": 0})
    asker.ask(params={"max_tokens": 5000, "temperature": 1})
    assert asker.server.count == 2
