"""Tries by remedy: what a retry mends is tried again, what it cannot mend is not."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import openai
import pytest
from asking import OPENAI, VLLM, Asker, asked_on_fake_clock, request
from commands import process
from loopback import Fault, LoopbackServer, Reply, error_reply, fatal_faults, lasting_faults, mendable_faults

from judgebench.client.calls import (
    BAD_REQUESTS_IN_A_ROW,
    FIRST_TRIES,
    FIRST_WAIT_S,
    GIVEN_UP_IN_A_ROW,
    MAX_TRIES,
    PAID_TRIES,
    JudgeClient,
)
from judgebench.client.providers.litellm import transport as lite
from judgebench.client.testing import ScriptedJudge
from judgebench.errors import FatalProviderError, RateLimitedError, TransientError, VerdictFailure
from judgebench.judges import callable_judge
from judgebench.verdicts import Reply as Kept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from faults import Request

MODELS = (OPENAI, VLLM)
SDK = "openai/o3"  # takes no temperature, so it stays with OpenAI's own SDK
FATAL = fatal_faults()
MENDABLE = mendable_faults()


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer("It is the first. [[A]]") as running:
        yield running


@pytest.fixture
def asker(server: LoopbackServer, tmp_path: Path) -> Iterator[Asker]:
    with Asker(server, tmp_path) as asking:
        yield asking


def first(fault: Fault, times: int = 1):
    return lambda request: fault if request.number <= times else None


@pytest.mark.parametrize("model", [*MODELS, SDK])
@pytest.mark.parametrize("hangs", [False, True])
def test_a_passing_fault_is_mended_by_one_more_request(asker: Asker, hangs: bool, model: str) -> None:
    """What a retry mends ends in the reply, after exactly one more request."""
    faults = {fault.name: fault for fault in MENDABLE if (fault.way == "hang") == hangs}
    asked_before: Counter[str] = Counter()

    def at_first(request: Request) -> Fault | None:
        asked_before[request.text] += 1
        return faults[request.text] if asked_before[request.text] == 1 else None

    asker.server.faults = at_first
    asked = asker.ask(*faults, model=model, timeout=0.3 if hangs else 5.0)
    texts = {name: getattr(end, "text", end) for name, end in zip(faults, asked.ended, strict=True)}
    assert texts == dict.fromkeys(faults, "It is the first. [[A]]")
    assert asked_before == dict.fromkeys(faults, 2)


@pytest.mark.parametrize("status", [408, 409, 504, 520, 522, 524, 599])
def test_other_passing_statuses_are_tried_again(asker: Asker, status: int) -> None:
    """Gateways' own statuses of an outage are no failure of the item."""
    asker.server.faults = first(Fault.status(status))
    assert asker.ask().reply.text == "It is the first. [[A]]"


def test_a_lasting_outage_ends_after_the_last_try(asker: Asker) -> None:
    """The number of requests is the cap on tries: a low one while the judge has not answered, then a higher one."""
    asker.server.faults = lambda request: Fault.status(503) if request.text != "good" else None
    asker.ask("bad", "good", "bad too")
    assert asker.server.count == FIRST_TRIES + 1 + MAX_TRIES


def test_a_rate_limit_is_waited_for_beyond_the_cap_on_tries(asker: Asker) -> None:
    """It passes: forty refusals, the reply after them."""
    asker.server.faults = first(Fault.status(429, retry_after=1), times=40)
    assert (asker.ask().reply.text, asker.server.count) == ("It is the first. [[A]]", 41)


def test_a_rate_limit_that_names_no_wait_at_all_has_an_end(tmp_path: Path) -> None:
    """Retry-After: 0 is obeyed once; from then on each wait is half a second, and they end before 300 seconds."""
    limited = ScriptedJudge(lambda _: RateLimitedError("slow down", retry_after=0.0))
    (error,), seconds, _ = asked_on_fake_clock(tmp_path, callable_judge(limited))
    assert isinstance(error, VerdictFailure)
    assert (len(limited.calls), seconds) == (601, pytest.approx(299.5))


def test_a_rate_limit_that_never_ends_is_given_up(asker: Asker) -> None:
    """The waits of one call end at the cap on waiting."""
    asker.server.faults = lambda _: Fault.status(429, retry_after=50)
    asked = asker.ask()
    assert (asked.waits, asked.error.kind) == ([50.0] * 5, "provider")


def test_a_lasting_silence_is_not_paid_for_without_end(asker: Asker) -> None:
    """Calls that time out, and empty replies, are tried three times."""
    asker.server.faults = lambda _: Fault.hang()
    asker.ask(timeout=0.2)
    asker.server.faults = lambda _: Fault.empty()
    asker.ask("again")
    assert asker.server.count == 6


@pytest.mark.parametrize("model", MODELS)
def test_a_reply_that_drips_times_out(asker: Asker, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However short its pauses are: three tries, each ended when its time is up."""
    monkeypatch.setattr("judgebench.client.calls.DRIP_S", 0.2)
    asker.server.faults = lambda _: Fault("drip", way="drip", seconds=10.0)
    started = time.monotonic()
    asked = asker.ask(model=model, timeout=0.5)
    assert "failed after 3 attempts: no complete reply within 0.5 s" in str(asked.error)
    assert (asker.server.count, asked.client.asked_again, time.monotonic() - started < 8) == (3, {"timeout": 2}, True)


def test_a_drip_can_be_cancelled(asker: Asker) -> None:
    """The user's own end of a call is no timeout."""
    asker.server.faults = lambda _: Fault("drip", way="drip", seconds=10.0)
    client = JudgeClient(asker.judge(), asker.cache())

    async def cancelled() -> bool:
        async with aclosing(client):
            asking = asyncio.create_task(client.ask(request(client, "one")))
            await asyncio.to_thread(asker.server.wait_in_flight, 1)
            asking.cancel()
            await asyncio.wait([asking])
        return asking.cancelled()

    assert asyncio.run(cancelled())


def test_calls_given_up_in_a_row_stop_the_judge(tmp_path: Path) -> None:
    """An outage that outlasts so many calls ends the judge's run, which can be gone on with."""
    failing = ScriptedJudge(lambda prompt: TransientError("down") if "bad" in str(prompt) else "[[A]]")
    texts = ["good", *(f"bad {number}" for number in range(GIVEN_UP_IN_A_ROW))]
    ended, _, _ = asked_on_fake_clock(tmp_path, callable_judge(failing), *texts)
    assert [type(end) for end in ended[-2:]] == [VerdictFailure, FatalProviderError]
    assert "the last 20 calls failed" in str(ended[-1])


def test_an_empty_reply_that_was_paid_for_is_in_the_price(asker: Asker) -> None:
    """The reply after two empty ones bears the tokens and the price of all three."""
    asker.server.faults = first(Fault("empty", Reply("", usage={"prompt_tokens": 10, "completion_tokens": 0})), times=2)
    asker.server.answer = Reply("[[A]]", usage={"prompt_tokens": 10, "completion_tokens": 5})
    reply = asker.ask(price={"input": 1, "output": 2}).reply
    assert (reply.prompt_tokens, reply.completion_tokens, reply.cost_usd) == (30, 5, pytest.approx(40e-6))


def test_a_lasting_outage_is_a_failure_of_the_call(asker: Asker) -> None:
    """What is given up is recorded as `provider`, with the number of tries and the reason."""
    asker.server.faults = lambda _: Fault.status(503, message="Overloaded, come back later.")
    error = asker.ask().error
    assert isinstance(error, VerdictFailure)
    assert (error.kind, error.detail) == ("provider", "failed after 6 attempts: Overloaded, come back later")


@pytest.mark.parametrize("model", MODELS)
def test_a_server_that_is_not_there_is_fatal(asker: Asker, model: str) -> None:
    """After a few calls given up, not after all of them; the message names its address."""
    asker.server.stop()
    ended = asker.ask("1", "2", "3", "4", model=model).ended
    assert [type(end) for end in ended] == [VerdictFailure] * 2 + [FatalProviderError] * 2
    assert f"all calls failed at {asker.server.url}: failed after 6 attempts" in str(ended[-1])


def test_an_outage_after_a_good_reply_is_waited_for(asker: Asker) -> None:
    """Where the judge has answered before, each call is tried for itself."""
    asker.server.faults = lambda request: Fault.status(503) if request.number > 1 else None
    ended = asker.ask("1", "2", "3", "4", "5").ended
    assert [type(end) for end in ended[1:]] == [VerdictFailure] * 4


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("waits", "seconds"), [({"retry_after": 7}, 7.0), ({"retry_after_ms": 1500}, 1.5), ({"retry_after": "2.5"}, 2.5)]
)
def test_the_providers_own_wait_is_kept(asker: Asker, model: str, waits: dict[str, float], seconds: float) -> None:
    """Retry-After in seconds and in milliseconds is waited for to the digit."""
    asker.server.faults = first(Fault.status(429, **waits))
    assert asker.ask(model=model).waits == [seconds]


def test_a_wait_until_a_date_is_kept(asker: Asker) -> None:
    """Retry-After as an HTTP date is the seconds until then."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    asker.server.faults = first(Fault.status(429, retry_after=date))
    (waited,) = asker.ask().waits
    assert 60 < waited <= 100


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_tokyo")
@pytest.mark.parametrize("form", ["%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S -0000", "%A, %d-%b-%y %H:%M:%S GMT"])
def test_a_date_is_in_utc_wherever_one_is(asker: Asker, form: str) -> None:
    """A date of HTTP without a zone is the same moment in Tokyo as in London."""
    date = (datetime.now(UTC) + timedelta(seconds=100)).strftime(form)
    asker.server.faults = first(Fault.status(429, retry_after=date))
    (waited,) = asker.ask().waits
    assert 60 < waited <= 100


def test_milliseconds_that_cannot_be_read_leave_the_seconds(asker: Asker) -> None:
    """Beside `retry-after-ms: soon`, `retry-after: 7` is 7 s."""
    asker.server.faults = first(Fault.status(429, retry_after=7, retry_after_ms="soon"))
    assert asker.ask().waits == [7.0]


@pytest.mark.parametrize("said", ["soon", "Wed, 99 Nov 2026", "", "nan"])
def test_an_unreadable_wait_counts_as_none(asker: Asker, said: str) -> None:
    """A Retry-After that says nothing gives way to the usual wait."""
    asker.server.faults = first(Fault.status(429, retry_after=said))
    assert 0 <= asker.ask().waits[0] <= FIRST_WAIT_S


def test_without_a_wait_named_the_waits_grow(asker: Asker) -> None:
    """Each wait is drawn from 0 up to a bound that doubles."""
    asker.server.faults = lambda _: Fault.status(500)
    waits = asker.ask().waits
    assert all(0 <= wait <= FIRST_WAIT_S * 2**n for n, wait in enumerate(waits))


def test_a_wait_beyond_all_patience_is_not_begun(asker: Asker) -> None:
    """An hour's Retry-After ends the call at once."""
    asker.server.faults = lambda _: Fault.status(429, retry_after=3600)
    assert asker.ask().waits == []


@pytest.mark.parametrize("model", [*MODELS, SDK])
@pytest.mark.parametrize(
    ("fault", "tries"),
    [(Fault.reset(), FIRST_TRIES), (Fault.half_body(), PAID_TRIES), (Fault.status(503), FIRST_TRIES)],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_try_is_one_request(asker: Asker, fault: Fault, tries: int, model: str) -> None:
    """Nobody below sends a call again by itself: so many tries, so many requests, so many counted."""
    asker.server.faults = lambda _: fault
    asked = asker.ask(model=model)
    assert (asker.server.count, asked.client.asked_again.total()) == (tries, tries - 1)


UNUSABLE = [Fault.html(), Fault.wrong_shape(), Fault.shape("content_number"), Fault.broken_off(), Fault.empty()]


@pytest.mark.parametrize("fault", UNUSABLE, ids=lambda fault: fault.name)
def test_a_reply_that_cannot_be_used_is_paid_for_three_times_at_most(asker: Asker, fault: Fault) -> None:
    """Whatever is wrong with it, and although the judge has answered before."""
    asker.server.faults = lambda request: fault if request.text == "bad" else None
    asker.ask("good", "bad")
    assert asker.server.count == 1 + PAID_TRIES


def test_tries_are_counted_by_what_they_met(asker: Asker) -> None:
    """Two server errors, four rate limits, and two replies of no use: none has used up the tries of another."""
    met = [Fault.status(429), Fault.status(429), Fault.empty(), Fault.status(500)] * 2
    asker.server.faults = lambda request: dict(enumerate(met, 1)).get(request.number)
    assert (asker.ask().reply.text, asker.server.count) == ("It is the first. [[A]]", 9)


def test_what_broken_replies_may_have_cost_is_beside_the_cost(asker: Asker) -> None:
    """10 tokens at 1 and 5 at 2 USD a million; two bodies broke off, of 26 bytes at 1 and 100 tokens at 2 at most."""
    asker.server.faults = first(Fault.half_body(), times=2)
    asker.server.answer = Reply("[[A]]", usage={"prompt_tokens": 10, "completion_tokens": 5})
    reply = asker.ask("0123456789", price={"input": 1, "output": 2}, params={"max_tokens": 100}).reply
    assert (reply.cost_usd, reply.may_have_cost_usd) == pytest.approx((20e-6, 452e-6))


def test_what_an_unusable_reply_says_that_it_took_is_in_the_cost(asker: Asker) -> None:
    """Content that is a number, with 10 tokens in and 5 out, and then a reply of the same: 40 millionths in all."""
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "usage": usage}
    body["choices"] = [{"index": 0, "message": {"role": "assistant", "content": 5}, "finish_reason": "stop"}]
    asker.server.faults = first(Fault("number", Reply(body=body)))
    asker.server.answer = Reply("[[A]]", usage=usage)
    reply = asker.ask(price={"input": 1, "output": 2}).reply
    assert (reply.cost_usd, reply.may_have_cost_usd) == (pytest.approx(40e-6), 0.0)


ALONE = """
import asyncio, json, sys
import litellm, openai
try:
    asyncio.run(litellm.acompletion(**json.loads(sys.argv[1])))
except openai.OpenAIError as error:
    print(type(error).__name__)
"""


def test_other_calls_of_this_process_are_as_without_us(server: LoopbackServer) -> None:
    """Whoever else uses LiteLLM finds it as it was, whether its installed version sends a dropped call again or not."""
    server.faults = lambda _: Fault.reset()
    messages = [{"role": "user", "content": "theirs"}]
    call = {"model": VLLM, "api_base": server.url, "api_key": "x", "max_retries": 0, "messages": messages}

    async def beside() -> str:
        try:
            await lite.litellm().acompletion(**call)
        except openai.OpenAIError as error:
            return type(error).__name__
        finally:
            await lite.close_clients(lite.litellm().in_memory_llm_clients_cache.update_cache_key_with_event_loop(""))
        return ""

    ended, count = asyncio.run(beside()), server.count
    alone = process(json.dumps(call), python=("-c", ALONE)).out.splitlines()[-1]
    assert (ended, count) == (alone, server.count - count)
    assert count > 0


COUNTED = {
    "rate limit": [Fault.status(429), Fault.status(529), Fault.shape("error_body_429")],
    "server error": [Fault.status(500), Fault.status(503)],
    "timeout": [Fault.hang()],
    "connection error": [Fault.reset()],
    "broken reply": [Fault.half_body(), Fault.html(), Fault.no_choices(), Fault.shape("content_list")],
    "empty reply": [Fault.empty(), Fault.none_content()],
}


@pytest.mark.parametrize(
    ("name", "fault"),
    [(name, fault) for name, faults in COUNTED.items() for fault in faults],
    ids=lambda x: str(x)[:40],
)
def test_a_further_try_by_the_sdk_is_counted_by_what_it_was_for(asker: Asker, name: str, fault: Fault) -> None:
    """Once, under the remedy's name, as docs/faults.md has it (tests/docs/test_fault_page.py)."""
    asker.server.faults = first(fault)
    assert asker.ask(model=SDK, timeout=0.5 if fault.way == "hang" else 5.0).client.asked_again == {name: 1}


@pytest.mark.parametrize("model", [OPENAI, SDK])
@pytest.mark.parametrize("code", ["insufficient_quota", "invalid_api_key", "model_not_found", 401])
def test_what_no_call_can_get_past_is_fatal_in_a_body_of_200_too(asker: Asker, code: object, model: str) -> None:
    """Gateways send errors with status 200; the code inside says what they are."""
    asker.server.faults = lambda _: Fault("body", Reply(body={"error": {"message": "No.", "code": code}}))
    asked = asker.ask(model=model)
    assert (type(asked.error), asker.server.count) == (FatalProviderError, 1)


@pytest.mark.parametrize("model", [OPENAI, SDK])
def test_a_model_that_names_itself_by_a_number_is_no_crash(asker: Asker, model: str) -> None:
    """The reply counts, and its model's name is text."""
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": 5}
    body["choices"] = [{"index": 0, "message": {"role": "assistant", "content": "[[A]]"}, "finish_reason": "stop"}]
    asker.server.answer = Reply(body=body)
    reply = asker.ask(model=model).reply
    assert (reply.text, reply.served_model) == ("[[A]]", "5")


@pytest.mark.parametrize("model", [*MODELS, SDK])
@pytest.mark.parametrize("fault", FATAL, ids=[fault.name for fault in FATAL])
def test_what_no_call_can_get_past_is_fatal(asker: Asker, fault: Fault, model: str) -> None:
    """A refused key, an unknown model and an empty account are found by the first request."""
    asker.server.faults = lambda _: fault
    asked = asker.ask(model=model)
    assert (type(asked.error), asker.server.count) == (FatalProviderError, 1)


QUOTA_GONE = {
    "in its code alone": error_reply(429, "You have run out of credits.", kind="requests", code="insufficient_quota"),
    "in its type alone": error_reply(429, "You have run out of credits.", kind="insufficient_quota"),
    "after 300 characters": error_reply(429, "x" * 320 + " You exceeded your current quota.", kind="error"),
    "for a day": error_reply(429, "You exceeded your current quota.", kind="error", headers={"retry-after": "80000"}),
    "in a code, with a wait of hours": error_reply(
        429, "No.", code="insufficient_quota", headers={"retry-after": "601"}
    ),
}


@pytest.mark.parametrize("model", [*MODELS, SDK])
@pytest.mark.parametrize("how", QUOTA_GONE)
def test_a_quota_that_is_gone_is_fatal_however_it_is_said(asker: Asker, how: str, model: str) -> None:
    """By the code, the type, or any of the words."""
    asker.server.faults = lambda _: Fault("quota", QUOTA_GONE[how])
    error = asker.ask(model=model).error
    assert (type(error), asker.server.count) == (FatalProviderError, 1)
    assert "quota exhausted" in str(error)


_BILLING = "Rate limit reached. Add a payment method at https://platform.openai.com/account/billing."
PASSING = {
    "a code": error_reply(429, _BILLING, kind="requests", code="rate_limit_exceeded"),
    "no code": error_reply(429, _BILLING, kind="error"),
    "a code beside the quota's words": error_reply(429, "You exceeded your current quota.", code="rate_limit_exceeded"),
    "seconds": error_reply(429, "You exceeded your current quota.", kind="error", headers={"retry-after": "20"}),
    "seconds beside the quota's code": error_reply(429, "No.", code="insufficient_quota", headers={"retry-after": "1"}),
    "milliseconds": error_reply(429, "You exceeded your current quota.", headers={"retry-after-ms": "900"}),
}


@pytest.mark.parametrize("model", [*MODELS, SDK])
@pytest.mark.parametrize("how", PASSING)
def test_a_rate_limit_that_names_the_bill_passes(asker: Asker, how: str, model: str) -> None:
    """With a code of its own, a wait of minutes at most, or no word of a quota that is gone."""
    asker.server.faults = first(Fault("rate", PASSING[how]))
    asked = asker.ask(model=model)
    assert (asked.reply.text, asked.client.asked_again) == ("It is the first. [[A]]", {"rate limit": 1})


def test_after_a_fatal_error_nothing_more_is_sent(asker: Asker) -> None:
    """Further questions of that judge end with the same error and no request."""
    asker.server.faults = lambda _: Fault.status(401)
    asked = asker.ask("one", "two", "three")
    assert ([type(end) for end in asked.ended], asker.server.count) == ([FatalProviderError] * 3, 1)


@pytest.mark.parametrize("wait", ["asked for", "limit"])
def test_a_fatal_error_ends_the_waits_of_other_calls(asker: Asker, wait: str) -> None:
    """Those that wait as long as the provider asked, and those in the line of the judge's limits."""
    slow = Fault.status(429, retry_after=60)
    asker.server.faults = lambda request: slow if request.text == "wait" else Fault.invalid_key()
    asker.server.latency = lambda request: 0.0 if request.text == "wait" else 0.5
    limits = {} if wait == "asked for" else {"limits": {"rpm": 1}}
    client = JudgeClient(asker.judge(**limits), asker.cache())
    texts = ("wait", "bad") if wait == "asked for" else ("bad", "wait")

    async def both() -> list[object]:
        asking = [client.ask(request(client, text)) for text in texts]
        async with aclosing(client):
            return list(await asyncio.wait_for(asyncio.gather(*asking, return_exceptions=True), 20))

    ended = asyncio.run(both())
    assert [type(end) for end in ended] == [FatalProviderError] * 2


def test_a_fatal_error_says_what_is_wrong_and_how_to_mend_it(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the judge, its model, the provider's words and the variable to look at."""
    monkeypatch.setenv("MINE_KEY", "canary-0123456789")
    asker.server.faults = lambda _: Fault.status(401, message="Who are you?")
    assert str(asker.ask(api_key_env="MINE_KEY").error) == (
        "judge 'mine' (openai/loopback): the key is refused (status 401): Who are you?; check the key in MINE_KEY"
    )


@pytest.mark.parametrize("model", MODELS)
def test_a_refused_request_is_sent_once(asker: Asker, model: str) -> None:
    """A 400 is not tried again by anyone: LiteLLM's and the SDK's retries are off."""
    asker.server.faults = lambda _: Fault.status(400)
    asker.ask(model=model)
    assert asker.server.count == 1


def test_a_refused_request_is_a_failure_of_the_call(asker: Asker) -> None:
    """A single 400 fails its own call, with the provider's words."""
    asker.server.faults = lambda _: Fault.status(400, message="No such parameter: temperatur.")
    error = asker.ask().error
    assert isinstance(error, VerdictFailure)
    assert error.detail == "status 400: No such parameter: temperatur"


def test_requests_refused_from_the_first_on_are_fatal(asker: Asker) -> None:
    """Where the provider takes none of the first few calls, the judge's settings are wrong."""
    asker.server.faults = lambda _: Fault.status(400)
    asked = asker.ask(*map(str, range(BAD_REQUESTS_IN_A_ROW + 2)))
    assert asker.server.count == BAD_REQUESTS_IN_A_ROW
    assert isinstance(asked.ended[-1], FatalProviderError)


def test_refused_requests_after_a_good_reply_fail_alone(asker: Asker) -> None:
    """Once a call has worked, refused ones are their items' own trouble."""
    asker.server.faults = lambda request: Fault.status(400) if request.number > 1 else None
    ends = asker.ask(*map(str, range(8))).ended
    assert all(isinstance(end, VerdictFailure) for end in ends[1:])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("fault", "reason"), [(Fault.context_length(), "context"), (Fault.content_policy(), "content_filter")]
)
def test_what_the_provider_says_of_the_prompt_is_a_reply(asker: Asker, model: str, fault: Fault, reason: str) -> None:
    """A prompt too long or filtered is the item's own failure: kept like a reply, and asked once."""
    asker.server.faults = lambda _: fault
    asked = asker.ask(model=model)
    assert (asked.reply.finish_reason, asker.server.count) == (reason, 1)


OF_THE_PROMPT = {
    "context": {
        "vLLM": (400, "The decoder prompt (length 9000) is longer than the maximum model length of 8192."),
        "SGLang": (400, "Requested token count exceeds the model's maximum context length of 8192 tokens."),
        "llama.cpp": (400, "the request exceeds the available context size. try increasing the context size"),
        "TGI": (422, "Input validation error: `inputs` must have less than 4095 tokens. Given: 9000"),
        "Anthropic": (400, "prompt is too long: 210000 tokens > 200000 maximum"),
        "Mistral": (400, "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"),
        "Groq": (400, "Please reduce the length of the messages or completion."),
        "LM Studio": (400, "the model is loaded with context length of only 4096 tokens, which is not enough"),
    },
    "content_filter": {
        "Azure": (
            400,
            "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        ),
        "OpenAI": (400, "Invalid prompt: your prompt was flagged as potentially violating our usage policy."),
        "OpenRouter": (403, "Your input was flagged"),
        "Alibaba": (400, "Input data may contain inappropriate content."),
        "DeepSeek": (400, "Content Exists Risk"),
    },
}


@pytest.mark.parametrize("model", [OPENAI, SDK])
@pytest.mark.parametrize(
    ("reason", "whose"), [(reason, whose) for reason, every in OF_THE_PROMPT.items() for whose in every]
)
def test_every_servers_words_for_it_are_known(asker: Asker, reason: str, whose: str, model: str) -> None:
    """As they were seen in the answers of these servers."""
    status, words = OF_THE_PROMPT[reason][whose]
    asker.server.faults = lambda _: Fault.status(status, message=words)
    assert asker.ask(model=model).reply.finish_reason == reason


def test_a_request_over_the_limit_per_minute_by_itself_is_not_waited_for(asker: Asker) -> None:
    """A 429 that no waiting mends: the one request is larger than the account's tokens per minute."""
    words = "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000."
    asker.server.faults = lambda _: Fault.status(429, message=words)
    asked = asker.ask()
    assert (asked.error.kind, asker.server.count) == ("provider", 1)


@pytest.mark.parametrize("fault", [Fault.empty(), Fault.none_content()], ids=["empty", "none"])
def test_a_lasting_empty_reply_is_a_failure_that_is_not_kept(asker: Asker, fault: Fault) -> None:
    """A model that says nothing each time fails as `empty`, no provider's failure; a later command asks it again."""
    asker.server.faults = first(fault, times=PAID_TRIES)
    asked = asker.ask()
    assert isinstance(asked.error, VerdictFailure)
    assert (asked.error.kind, asker.server.count) == ("empty", PAID_TRIES)
    assert asker.ask().reply.text == "It is the first. [[A]]"


def test_an_empty_reply_of_an_older_cache_is_asked_again(asker: Asker) -> None:
    """An accident may have put it there."""
    cache = asker.cache()
    client = JudgeClient(asker.judge(), cache)
    cache.put(request(client, "Which is better?").key, Kept(text="", finish_reason="stop"))
    assert asker.ask(cache=cache).reply.text == "It is the first. [[A]]"


def test_an_answer_in_the_thinking_is_asked_once(asker: Asker) -> None:
    """The reply has thinking and no text: the same would come again."""
    asker.server.answer = Reply(None, reasoning_content="So it is [[A]].")
    assert (asker.ask().reply.reasoning, asker.server.count) == ("So it is [[A]].", 1)


@pytest.mark.parametrize("model", [*MODELS, SDK])
@pytest.mark.parametrize("reason", ["eos", "stop_sequence", "end_turn", "eos_token", "COMPLETE", "finished", None])
def test_other_words_for_a_stop_are_a_stop(asker: Asker, reason: str, model: str) -> None:
    """A whole reply under a name that providers, or nobody, have for its end is taken as it is."""
    asker.server.answer = Reply("[[A]]", finish_reason=reason)
    asked = asker.ask(model=model)
    assert (asked.reply.text, asked.reply.finish_reason, asker.server.count) == ("[[A]]", "stop", 1)


@pytest.mark.parametrize("model", [*MODELS, SDK])
def test_a_reply_that_stays_broken_off_is_no_reply(asker: Asker, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure of the call in the provider's words, without the key; nothing is in the cache."""
    monkeypatch.setenv("MINE_KEY", "secret-of-mine")
    error = {"code": 502, "message": "Upstream has gone: secret-of-mine"}
    asker.server.faults = lambda _: Fault.broken_off("error", error=error)
    asked = asker.ask(model=model, api_key_env="MINE_KEY")
    assert isinstance(asked.error, VerdictFailure)
    assert asked.error.kind == "provider"
    assert asked.client.cached(request(asked.client, "Which is better?")) is None
    assert "the provider aborted the reply: Upstream has gone: " in asked.error.detail
    assert "secret-of-mine" not in asked.error.detail


def test_an_outage_after_an_empty_reply_is_an_outage(asker: Asker) -> None:
    """What the last try met is what counts."""
    asker.server.faults = lambda request: Fault.empty() if request.number == 1 else Fault.status(500)
    error = asker.ask().error
    assert isinstance(error, VerdictFailure)
    assert error.kind == "provider"


@pytest.mark.parametrize(
    "fault", [fault for faults in lasting_faults().values() for fault in faults], ids=lambda f: f.name
)
def test_a_reply_without_a_verdict_is_not_asked_again(asker: Asker, fault: Fault) -> None:
    """Cut-off, filtered and refused replies were paid for and are kept."""
    asker.server.faults = lambda _: fault
    asker.ask()
    assert asker.server.count == 1


def test_a_broken_error_body_is_told_as_it_is(asker: Asker) -> None:
    """An error that is no JSON does no harm."""
    asker.server.faults = lambda _: Fault("odd", Reply(status=404, body=b"<h1>not here</h1>"))
    assert "not here" in str(asker.ask(model=VLLM).error)


@pytest.mark.parametrize("model", MODELS)
def test_an_error_stays_one_short_line(asker: Asker, model: str) -> None:
    """A provider's page of text is cut, its line ends gone."""
    asker.server.faults = lambda _: Fault("long", error_reply(404, "many words\n" * 500))
    error = str(asker.ask(model=model).error)
    assert (error.count("\n"), len(error) < 500) == (0, True)
