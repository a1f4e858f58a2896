"""What providers say, each in its own protocol and words, and what becomes of it: the rows of docs/faults.md."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import speaking
from asking import request
from speaking import Says, SpeakingServer

from judgebench.client.cache.store import ReplyCache
from judgebench.client.calls import PAID_TRIES, JudgeClient
from judgebench.errors import ConfigError, FatalProviderError, JudgebenchError, VerdictFailure
from judgebench.judges import Judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from judgebench.verdicts import Reply


@dataclass(frozen=True)
class Route:
    """How a provider is called, and what a good reply of its is."""

    model: str
    good: Callable[..., dict[str, Any]] = speaking.openai
    path: str = "/v1"
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def directly(self) -> str | None:
        """The model by plain HTTP, where its server speaks the OpenAI protocol."""
        if self.good not in {speaking.openai, speaking.groq} or self.settings:
            return None
        own = self.model.startswith(("openai/", "hosted_vllm/", "lm_studio/"))
        return self.model if own else f"hosted_vllm/{self.model.partition('/')[2]}"


AWS = {"aws_access_key_id": "AKIATEST", "aws_secret_access_key": "secret-of-aws", "aws_region_name": "us-east-1"}
ROUTES = {
    "OpenAI": Route("openai/gpt-4.1-mini"),
    "Anthropic": Route("anthropic/claude-x", speaking.anthropic, ""),
    "Gemini": Route("gemini/gemini-x", speaking.gemini, ""),
    "Azure": Route("azure/team-judge", path="", settings={"api_version": "2024-10-21"}),
    "Bedrock": Route("bedrock/converse/anthropic.claude-x", speaking.bedrock, "", AWS),
    "Mistral": Route("mistral/mistral-x"),
    "Ollama": Route("ollama/llama-x", speaking.ollama, ""),
    "Ollama chat": Route("ollama_chat/llama-x", speaking.ollama_chat, ""),
    "OpenRouter": Route("openrouter/some/model"),
    "Groq": Route("groq/llama-x", speaking.groq),
    "xAI": Route("xai/grok-x"),
    "DeepSeek": Route("deepseek/deepseek-chat"),
    "LM Studio": Route("lm_studio/m"),
    "vLLM": Route("hosted_vllm/m"),
    "llama.cpp": Route("openai/m"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[SpeakingServer]:
    with SpeakingServer() as running:
        yield running


@dataclass
class Called:
    """What became of a call."""

    ended: Reply | JudgebenchError
    waits: list[float]
    count: int
    asked: dict[str, Any]

    @property
    def reply(self) -> Reply:
        assert not isinstance(self.ended, JudgebenchError), self.ended
        return self.ended


@pytest.fixture
def call(server: SpeakingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Called]:
    monkeypatch.setenv("PROVIDERS_KEY", "key-of-the-provider")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def called(whose: str, *responses: Says, direct: bool = True, **settings: Any) -> Called:
        """One call of a provider that says these, and then a good reply; by plain HTTP the same comes of it."""
        found = once(whose, *responses, **settings)
        model = ROUTES[whose].directly if direct else None
        if model is not None:
            plain = once(whose, *responses, **(settings | {"model": model, "transport": "direct"}))
            assert alike(plain, model) == alike(found, ROUTES[whose].model)
        return found

    def once(whose: str, *responses: Says, text: str = "Which is better?", **settings: Any) -> Called:
        route, waits = ROUTES[whose], []
        own: dict[str, Any] = {"aws_bedrock_runtime_endpoint": server.url}
        if whose != "Bedrock":
            own = {}
            settings = {"api_base": server.url + route.path, "api_key_env": "PROVIDERS_KEY"} | settings
        model = settings.pop("model", route.model)
        extra = route.settings | own | settings.pop("extra", {})
        judge = Judge.model_validate({"name": "mine", "model": model, "timeout": 5.0, "extra": extra, **settings})
        server.say(*responses, then=Says(route.good()))

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        async def ended() -> Reply | JudgebenchError:
            async with aclosing(JudgeClient(judge, cache, sleep=sleep)) as client:
                try:
                    return (await client.ask(request(client, text))).reply
                except JudgebenchError as error:
                    return error

        with ReplyCache(tmp_path / settings.get("transport", "cache")) as cache:
            end = asyncio.run(ended())
        return Called(end, waits, len(server.asked), server.asked[-1]["body"] if server.asked else {})

    return called


def alike(called: Called, model: str) -> tuple[Any, ...]:
    """What is the same by any way to a model, whatever it is called: of a message all but the server's words."""
    ended = called.ended
    if isinstance(ended, JudgebenchError):
        head, _, rest = str(ended).replace(model, "MODEL").partition("): ")
        said: Any = (type(ended), ended.charged, head, rest.partition(":")[0], rest.rpartition("; ")[2])
    else:
        said = ended.model_dump(exclude={"created", "latency_s", "served_model", "cost_usd", "left_out"})
    return said, [pytest.approx(wait) for wait in called.waits if wait > 1], called.count  # shorter ones are drawn


def error(message: str, *, status: int, headers: dict[str, str] | None = None, **fields: Any) -> Says:
    return Says({"error": {"message": message, **fields}}, status, headers or {})


def google(message: str, *details: dict[str, Any], status: int = 429, name: str = "RESOURCE_EXHAUSTED") -> Says:
    return Says({"error": {"code": status, "message": message, "status": name, "details": list(details)}}, status)


CURRENT_QUOTA = "You exceeded your current quota, please check your plan and billing details."
RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}
PER_DAY = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}
PER_MINUTE = {"violations": [{"quotaId": "GenerateContentInputTokensPerModelPerMinute-FreeTier"}]}
AMAZON = {"x-amzn-ErrorType": "ThrottlingException"}

MONEY = {
    "OpenAI": error("You have no credits left.", status=429, code="credit_balance_exhausted"),
    "Anthropic": error("Your credit balance is too low to access the Anthropic API.", status=400),
    "Gemini": google("Your prepayment credits are depleted. Please go to AI Studio to manage your billing."),
    "Azure": error("Your subscription's account is not active.", status=403, code="billing_not_active"),
    "Mistral": Says({"message": "Payment required", "code": "1"}, 402),
    "OpenRouter": error("This request requires more credits, or fewer max_tokens.", status=402, code=402),
    "Groq": error("Organization has reached its spend limit.", status=400, code="blocked_api_access"),
    "xAI": Says({"code": "x", "error": "Your team has used all available credits or reached its spending limit."}, 403),
    "DeepSeek": error("Insufficient Balance", status=402, code="invalid_request_error"),
}
LATER = {"Anthropic": "You have reached your specified API usage limits. You will regain access on 2026-12-01."}


@pytest.mark.parametrize("whose", MONEY)
def test_money_that_is_gone_stops_the_judge(call: Callable[..., Called], whose: str) -> None:
    """With the first request, whatever the status; the line says to add credit."""
    called = call(whose, *[MONEY[whose]] * 3)
    assert (type(called.ended), called.count) == (FatalProviderError, 1)
    assert "add credit" in str(called.ended)


@pytest.mark.parametrize("status", [400, 402, 403, 429])
def test_words_of_money_stop_it_at_each_of_their_statuses(call: Callable[..., Called], status: int) -> None:
    """A monthly limit, as Anthropic words it."""
    called = call("Anthropic", error(LATER["Anthropic"], status=status, type="invalid_request_error"))
    assert (type(called.ended), called.count) == (FatalProviderError, 1)
    assert "add credit" in str(called.ended)


OTHER_WORDS_OF_MONEY = [
    Says({"error": {"message": "余额不足,请充值。", "code": "1113"}}, 429),
    Says(
        {
            "error": {
                "message": "Access denied, please make sure your account is in good standing.",
                "code": "Arrearage",
            }
        },
        400,
    ),
    Says({"error": {"message": "Account x is suspended, possibly due to failure to pay past invoices."}}, 412),
    Says({"error": {"message": "You exceeded your current quota.", "type": "insufficient_quota"}}, 401),
    Says({"error": {"message": "Budget has been exceeded! Current cost: 1.2, Max budget: 1.0"}}, 400),
    Says({"error": {"message": "This API method requires billing to be enabled."}}, 403),
    Says({"error": {"message": "Key limit exceeded (total limit)."}}, 403),
    Says({"message": "You are using a Trial key, which is limited to 1000 API calls / month."}, 429),
    Says({"error": '{"message": "Your account has an overdue balance."}'}, 403),
    Says([{"error": {"code": 429, "message": "Your prepayment credits are depleted."}}], 429),
    Says({"detail": {"error": "inference prohibited, please enter a payment method or add balance"}}, 403),
    Says({"choices": None, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}),
    Says({"code": 1113, "msg": "Insufficient balance, please recharge", "data": None}),
    error("This request would exceed your account's monthly usage limit.", status=429),
    error("Your project has exceeded its monthly spending cap.", status=429),
    error("You've reached your billing threshold.", status=429),
    error("Organization restricted: payment overdue", status=400),
    error("Your newly created team doesn't have any credits yet.", status=403),
    error("Free trial quota used up; subscribe to continue", status=429),
    error("Your API key has reached its usage limit of $10", status=429),
    error("用户额度不足", status=403, code="insufficient_user_quota"),
]


@pytest.mark.parametrize("says", OTHER_WORDS_OF_MONEY, ids=lambda says: str(says.body)[:40])
def test_other_words_of_money_stop_it(call: Callable[..., Called], says: Says) -> None:
    """Of gateways and of makers without a route of their own; also in a 200, and where JSON stands as text."""
    called = call("OpenAI", says)
    assert (type(called.ended), called.count) == (FatalProviderError, 1)
    assert "add credit" in str(called.ended)


def test_words_of_money_that_the_prompt_has_are_not_the_provider_s(call: Callable[..., Called]) -> None:
    """A server that repeats what it was asked; the item fails, and the judge goes on."""
    says = error("1 validation error: input: 'My bank says insufficient balance'", status=400)
    called = call("vLLM", says, text="My bank says insufficient balance")
    assert (type(called.ended), called.count) == (VerdictFailure, 1)


DAY = {
    "Gemini": google(CURRENT_QUOTA, PER_DAY, RETRY_INFO),
    "OpenRouter": error("Rate limit exceeded: free-models-per-day. Add 10 credits to unlock more.", status=429),
    "Groq": error("Rate limit reached on tokens per day (TPD): Limit 500. Please try again in 7m12s.", status=429),
    "Bedrock": Says({"message": "Too many tokens per day, please wait before trying again."}, 429, AMAZON),
    "Azure": error("Rate limit of 50 per 86400s exceeded for UserByModelByDay. Please wait 9000 seconds.", status=429),
    "vLLM": error("You have used up your daily free allocation of 10,000 neurons.", status=429),
    "xAI": error("Key limit exceeded (daily limit).", status=403),
    "OpenAI": error("Limit of 1000 requests per UTC day reached. Try again in 5 minutes", status=429),
    "Mistral": Says({"message": "Your 24-hour limit has been reached, retry in 30s"}, 429),
    "DeepSeek": error("You've hit today's limit. Come back tomorrow", status=429),
}


@pytest.mark.parametrize("whose", DAY)
def test_a_day_s_quota_stops_the_judge(call: Callable[..., Called], whose: str) -> None:
    """Also where a wait of minutes is named."""
    called = call(whose, DAY[whose])
    assert (type(called.ended), called.count) == (FatalProviderError, 1)
    assert "the day's quota" in str(called.ended)


LIMITS = {
    "OpenAI": (error("Rate limit reached on tokens per min. Please try again in 1m2.5s.", status=429), 62.5),
    "Anthropic": (error("Slow down.", status=429, type="rate_limit_error", headers={"retry-after": "7"}), 7.0),
    "Gemini": (google(f"{CURRENT_QUOTA} Please retry in 17.3s.", PER_MINUTE, RETRY_INFO), 17.0),
    "Azure": (error("Too many requests. Please retry after 6 seconds.", status=429, code="429"), 6.0),
    "Bedrock": (Says({"message": "Too many requests"}, 429, {**AMAZON, "retry-after": "2"}), 2.0),
    "Mistral": (Says({"message": "Requests rate limit exceeded"}, 429, {"retry-after": "3"}), 3.0),
    "OpenRouter": (error("Provider returned error", status=429, metadata={"raw": "Retry in 4 seconds"}), 4.0),
    "Groq": (error("Limit 6000, Used 5900. Please try again in 820ms.", status=429, code="rate_limit_exceeded"), 0.82),
    "xAI": (Says({"code": "x", "error": "Too many requests, try again in 2 minutes"}, 429), 120.0),
    "vLLM": (Says({"detail": "busy"}, 429, {"retry-after": "5"}), 5.0),
}


@pytest.mark.parametrize("whose", LIMITS)
def test_a_wait_of_minutes_is_a_rate_limit(call: Callable[..., Called], whose: str) -> None:
    """Wherever it is named, and whatever else is said; it is waited for."""
    says, wait = LIMITS[whose]
    called = call(whose, says)
    assert (called.reply.text, called.waits, called.count) == ("[[A]]", [pytest.approx(wait)], 2)


WAITS = {
    "Please wait for 12s and try again.": 12,
    "The model will be available again in 30 seconds.": 30,
    "Rate limit resets in 1 minute and 5 seconds": 65,
    "You exceeded your current quota. Please wait 12 seconds before retrying.": 12,
    "Rate limited. Retry-After: 8": 8,
    "Next request allowed in 9s": 9,
    "Please back off for 10 seconds": 10,
    "Limit exceeded, wait 3 more seconds": 3,
    "You exceeded your current quota. \u8bf7\u5728 10 \u79d2\u540e\u91cd\u8bd5": 10,
    "60 requests per minute. Upgrade to get 10,000 requests per day. Try again in 3s": 3,
}


@pytest.mark.parametrize("words", WAITS)
def test_a_wait_is_read_in_other_words(call: Callable[..., Called], words: str) -> None:
    """Also beside words of the bill, and beside what another plan gives a day."""
    assert call("OpenAI", error(words, status=429)).waits == [pytest.approx(WAITS[words])]


WAIT_FIELDS = [
    ({"error": {"message": "Slow down.", "retry_after_ms": 1500}}, {}, 1.5),
    ({"message": "Slow down.", "retryAfter": 3}, {}, 3),
    ({"error": {"message": '{"error": {"details": [{"retryDelay": "6.5s"}]}}'}}, {}, 6.5),
    ({}, {"ratelimit-reset": "12"}, 12),
    ({}, {"x-ratelimit-reset-after": "5"}, 5),
    ({}, {"x-ms-retry-after-ms": "1200"}, 1.2),
    ({}, {"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
    ({}, {"x-retry-after": "7"}, 7),
    ({}, {"ratelimit": '"default";r=0;t=7'}, 7),
    ({}, {"x-ratelimit-reset": "9"}, 9),
]


@pytest.mark.parametrize(("body", "headers", "wait"), WAIT_FIELDS)
def test_a_wait_is_read_wherever_it_stands(
    call: Callable[..., Called], body: dict[str, Any], headers: dict[str, str], wait: float
) -> None:
    """In headers and fields of other names and units, and in JSON that stands as text."""
    assert call("OpenAI", Says(body, 429, headers)).waits == [pytest.approx(wait)]


@pytest.mark.parametrize("moment", ["1900000017000", "1900000017", "2030-03-17T17:46:57Z", "17s"])
def test_a_moment_at_which_the_limit_ends_is_a_wait(
    call: Callable[..., Called], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """OpenRouter's header, as such and in the body: in thousandths of a second, in seconds, or as a date."""
    monkeypatch.setattr("time.time", lambda: 1.9e9)
    said = {"metadata": {"headers": {"X-RateLimit-Reset": moment}}}
    waits = call("OpenRouter", Says({}, 429, said["metadata"]["headers"]), error("Limit.", status=429, **said)).waits
    assert waits == [17, 17]


@pytest.mark.parametrize("status", [402, 403])
def test_a_refusal_that_names_a_wait_is_a_rate_limit_at_other_statuses(
    call: Callable[..., Called], status: int
) -> None:
    """As of gateways with a second limit; also where the status is that of money."""
    assert call("OpenAI", error("Secondary limit.", status=status, headers={"retry-after": "4"})).waits == [4.0]


def test_a_wait_of_ten_minutes_is_waited_for_once(call: Callable[..., Called]) -> None:
    """Though it is longer than what a call waits for otherwise; the call fails where it is refused again."""
    says = error("Slow down.", status=429, headers={"retry-after": "600"})
    assert (call("OpenAI", says).waits, call("OpenAI", *[says] * 3, text="Another.").waits) == ([600.0], [600.0])


def test_a_reset_that_is_far_away_is_not_waited_for(call: Callable[..., Called]) -> None:
    """The window of an hour says nothing of when the next call goes through."""
    assert call("OpenAI", Says({}, 429, {"x-ratelimit-reset": "3600"})).waits[0] < 1


def test_a_minute_s_quota_without_a_wait_is_a_rate_limit(call: Callable[..., Called]) -> None:
    """Gemini's words of the bill beside a limit per minute."""
    assert call("Gemini", google(CURRENT_QUOTA, PER_MINUTE)).reply.text == "[[A]]"


def test_a_wait_of_hours_with_words_of_money_stops_the_judge(call: Callable[..., Called]) -> None:
    """Waiting does not help in a run's time."""
    says = error(CURRENT_QUOTA, status=429, headers={"retry-after": "7200"})
    assert isinstance(call("OpenAI", says).ended, FatalProviderError)


KEYS = {
    "OpenAI": error("Incorrect API key provided: sk-x.", status=401, code="invalid_api_key"),
    "Anthropic": error("invalid x-api-key", status=401, type="authentication_error"),
    "Gemini": google("API key expired. Please renew the API key.", status=400, name="INVALID_ARGUMENT"),
    "Azure": error("Access denied due to invalid subscription key.", status=401, code="401"),
    "Bedrock": Says({"message": "The security token included in the request is expired"}, 403),
    "Mistral": Says({"detail": "Unauthorized"}, 401),
    "OpenRouter": error("No auth credentials found", status=401, code=401),
    "Groq": error("Invalid API Key", status=401, code="invalid_api_key"),
    "xAI": Says({"code": "x", "error": "Incorrect API key provided: xa***ey."}, 400),
    "vLLM": Says({"error": "The api key you provided is invalid"}, 400),
    "LM Studio": Says({"error": "API key is required"}, 400),
    "DeepSeek": error("Authentication Fails, your api key is invalid", status=401),
}


@pytest.mark.parametrize("whose", KEYS)
def test_a_refused_key_stops_the_judge(call: Callable[..., Called], whose: str) -> None:
    """With the first request, also as status 400; the line says what to check."""
    called = call(whose, KEYS[whose])
    assert (type(called.ended), called.count) == (FatalProviderError, 1)
    assert (
        "check the AWS credentials" in str(called.ended) if whose == "Bedrock" else "PROVIDERS_KEY" in str(called.ended)
    )


PASSING = {
    "OpenAI": error("The server had an error.", status=500),
    "Anthropic": error("Overloaded", status=529, type="overloaded_error"),
    "Gemini": google("The operation was cancelled.", status=499, name="CANCELLED"),
    "Azure": error("Operation timed out", status=408),
    "Bedrock": Says({"message": "Unexpected error. Try your request again."}, 424),
    "Mistral": Says({"message": "Service unavailable."}, 503),
    "Ollama": Says({"error": "server busy, please try again. maximum pending requests exceeded"}, 503),
    "Ollama chat": Says({"error": "server busy"}, 503),
    "OpenRouter": Says({"error": {"message": "Upstream is down", "code": 502}}),
    "Groq": error("Flex tier capacity exceeded", status=498, code="capacity_exceeded"),
    "xAI": Says({"code": "x", "error": "Service temporarily unavailable"}, 503),
    "DeepSeek": error("Server overloaded", status=503),
    "LM Studio": Says({"error": "The model has crashed without additional information."}, 500),
    "vLLM": Says("Internal Server Error", 500),
    "llama.cpp": error("Loading model", status=503, code=503, type="unavailable_error"),
}


@pytest.mark.parametrize("whose", PASSING)
def test_what_passes_is_tried_again(call: Callable[..., Called], whose: str) -> None:
    """Statuses of the moment, the providers' own among them."""
    called = call(whose, PASSING[whose])
    assert (called.reply.text, called.count) == ("[[A]]", 2)


def test_json_that_the_model_wrote_wrongly_is_drawn_again(call: Callable[..., Called]) -> None:
    """Groq refuses with 400 what its model wrote: three times at most, and then the item fails."""
    says = error("Failed to generate JSON.", status=400, code="json_validate_failed", failed_generation="{")
    assert call("Groq", says).reply.text == "[[A]]"
    called = call("Groq", *[says] * 9, text="Another.")
    assert isinstance(called.ended, VerdictFailure)
    assert called.count == PAID_TRIES


NO_MODELS = ["some/model is not a valid model ID", "Invalid model: mistral-x", "Model Not Exist"]


@pytest.mark.parametrize("words", NO_MODELS)
def test_a_model_that_is_not_there_stops_the_judge_at_400(call: Callable[..., Called], words: str) -> None:
    """As status 404 does."""
    called = call("OpenRouter", error(words, status=400))
    assert (type(called.ended), called.count) == (FatalProviderError, 1)
    assert "no such model" in str(called.ended)


def test_a_call_that_no_provider_takes_is_no_wrong_model(call: Callable[..., Called]) -> None:
    """OpenRouter's 404 for parameters and data policies."""
    called = call("OpenRouter", error("No endpoints found that support the requested parameters", status=404))
    assert "change the judge's params" in str(called.ended)


@pytest.mark.parametrize("end", ["eosFound", "matched_stop", "FINISH_REASON_STOP", "COMPLETE", "stop_sequence", None])
def test_a_good_end_is_known_in_other_words(call: Callable[..., Called], end: str | None) -> None:
    """Whatever their case and marks."""
    assert call("vLLM", Says(speaking.openai("[[A]]", end))).reply.finish_reason == "stop"


@pytest.mark.parametrize("end", ["recitation", "PROHIBITED_CONTENT", "blocked", "guardrail_intervened"])
def test_a_filter_is_known_in_other_words(call: Callable[..., Called], end: str) -> None:
    """Asked once."""
    called = call("vLLM", Says(speaking.openai("", end)))
    assert (called.reply.finish_reason, called.count) == ("content_filter", 1)


ENDS = {
    "OpenAI": ["length", "max_output_tokens", "token limit", "limit", "repetition"],
    "Anthropic": ["max_tokens", "model_context_window_exceeded", "pause_turn"],
    "Gemini": ["MAX_TOKENS"],
    "Azure": ["length"],
    "Bedrock": ["max_tokens", "model_context_window_exceeded"],
    "Mistral": ["length", "model_length"],
    "Ollama": ["length"],
    "Ollama chat": ["length"],
    "OpenRouter": ["length"],
    "Groq": ["length"],
    "xAI": ["length"],
    "DeepSeek": ["length"],
    "LM Studio": ["length", "maxPredictedTokensReached"],
    "vLLM": ["length"],
    "llama.cpp": ["length", "limit"],
}


@pytest.mark.parametrize(("whose", "end"), [(whose, end) for whose, ends in ENDS.items() for end in ends])
def test_a_reply_that_was_cut_off_says_so_in_any_word(call: Callable[..., Called], whose: str, end: str) -> None:
    """The reply's `finish_reason` is `length`: one request, and what came is kept."""
    called = call(whose, Says(ROUTES[whose].good("At first sight [[A]], but", end)))
    assert (called.reply.finish_reason, called.reply.text, called.count) == ("length", "At first sight [[A]], but", 1)


@pytest.mark.parametrize("whose", ROUTES)
def test_a_reply_that_ended_by_itself_says_so(call: Callable[..., Called], whose: str) -> None:
    """A good reply of each provider ends with `stop`."""
    assert call(whose).reply.finish_reason == "stop"


@pytest.mark.parametrize(("tokens", "end"), [(49, "stop"), (50, "length")])
def test_a_reply_as_long_as_was_allowed_was_cut_off(call: Callable[..., Called], tokens: int, end: str) -> None:
    """Whatever the provider's word is."""
    says = Says(speaking.openai("[[A]]", "stop", usage={"completion_tokens": tokens}))
    assert call("vLLM", says, params={"max_tokens": 50}).reply.finish_reason == end


CONTEXTS = {
    "Azure": error("Your messages resulted in 9000 tokens. Please reduce the length of the messages.", status=400),
    "Groq": error("Please reduce the length of the messages or completion. Current length is 40000", status=400),
    "Mistral": Says(
        {"message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"}, 400
    ),
    "LM Studio": Says(
        {"error": "The number of tokens to keep from the prompt is greater than the context length."}, 400
    ),
    "vLLM": error("You passed 9001 input tokens, resulting in a maximum input length of 8092 tokens.", status=400),
    "xAI": Says({"error": "This model's maximum prompt length is 131072 but the request contains 140000 tokens."}, 400),
    "DeepSeek": error("This model's maximum context length is 65536 tokens.", status=400),
    "OpenRouter": error("Provider returned error", status=400, metadata={"raw": '{"message": "prompt is too long"}'}),
    "OpenAI": error("This model's maximum context length is 8192 tokens.", status=400, code="context_length_exceeded"),
    "Anthropic": error("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", status=400),
    "Gemini": google("The input token count (9000) exceeds the maximum number of tokens.", status=400, name="X"),
    "Bedrock": Says({"message": "Number of input tokens exceeds maximum length. Please reduce the input."}, 400),
    "Ollama": Says({"error": "the input length exceeds the context length"}, 400),
    "Ollama chat": Says({"error": "the input length exceeds the context length"}, 400),
    "llama.cpp": error("the request exceeds the available context size", status=400, type="exceed_context_size_error"),
}


@pytest.mark.parametrize("whose", CONTEXTS)
def test_a_prompt_that_is_too_long_is_a_failure_of_its_item(call: Callable[..., Called], whose: str) -> None:
    """Asked once, and known as `context`."""
    called = call(whose, CONTEXTS[whose])
    assert (called.reply.finish_reason, called.count) == ("context", 1)


OTHER_WORDS_OF_LENGTH = [
    error("Input token length is too long: 9000 > 8192", status=400),
    Says({"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"}, 422),
    error("Range of input length should be [1, 30720]", status=400, code="InvalidParameter"),
    error("too many tokens: size limit exceeded by 100 tokens.", status=400),
    error("Reached context length of 4096 tokens with model (arch: llama).", status=400),
    error("the input prompt is too large to process. increase the physical batch size", status=500),
    error("Invalid 'messages[0].content': string too long.", status=400, code="string_above_max_length"),
]


@pytest.mark.parametrize("says", OTHER_WORDS_OF_LENGTH, ids=lambda says: str(says.body)[:40])
def test_a_prompt_is_too_long_in_other_words(call: Callable[..., Called], says: Says) -> None:
    """Of Bedrock, Alibaba, Cohere, LM Studio, llama.cpp and OpenAI; asked once."""
    called = call("vLLM", says)
    assert (called.reply.finish_reason, called.count) == ("context", 1)


LONG = "Which of these two answers is the better one? " * 250


@pytest.mark.parametrize(("read", "end"), [(1026, "context"), (2400, "stop"), (10, "stop")])
def test_a_prompt_that_the_server_cut_is_too_long(call: Callable[..., Called], read: int, end: str) -> None:
    """Of 2,500 words Ollama has read 1,026 tokens; 2,400 are all, and 10 are those that it had not cached."""
    says = Says(speaking.ollama_chat(prompt_eval_count=read))
    assert call("Ollama chat", says, text=LONG).reply.finish_reason == end


@pytest.mark.parametrize(("read", "end"), [(1026, "context"), (4200, "stop")])
def test_a_prompt_in_chinese_that_the_server_cut_is_too_long(call: Callable[..., Called], read: int, end: str) -> None:
    """Its 7,600 characters are some 4,200 tokens; in a language of letters they would be 1,300 at least."""
    says = Says(speaking.ollama_chat(prompt_eval_count=read))
    assert call("Ollama chat", says, text="这句话是给法官的,它比较了两个答案。" * 400).reply.finish_reason == end


ELSEWHERE = {
    "LM Studio": Says({"error": "Unexpected endpoint or method. (POST /chat/completions)"}),
    "vLLM": Says({"detail": "Not Found"}, 404),
    "llama.cpp": Says("404 page not found", 404),
}


@pytest.mark.parametrize("whose", ELSEWHERE)
def test_an_address_without_its_path_is_named_as_the_cause(
    call: Callable[..., Called], server: SpeakingServer, whose: str
) -> None:
    """One request; the line has the server's words and asks for /v1."""
    called = call(whose, ELSEWHERE[whose], api_base=server.url)
    assert (type(called.ended), called.count) == (FatalProviderError, 1)
    assert "does api_base lack /v1?" in str(called.ended)
    words = ELSEWHERE[whose].body
    assert (words if isinstance(words, str) else next(iter(words.values()))) in str(called.ended)


def test_a_redirect_to_another_host_is_not_followed(call: Callable[..., Called], server: SpeakingServer) -> None:
    """The line names the other address, and nothing is sent there."""
    called = call("Anthropic", Says("", 307, {"location": "http://127.0.0.1:9/v1/messages"}))
    assert (type(called.ended), called.count) == (FatalProviderError, 1)
    assert "redirects to another host, http://127.0.0.1:9/v1/messages" in str(called.ended)


def test_an_address_that_only_litellm_knows_of_is_not_called(
    call: Callable[..., Called], server: SpeakingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer version may read another variable; the line names it, and nothing is sent there."""
    monkeypatch.setenv("A_NEW_ENDPOINT", f"{server.url}/v1")
    monkeypatch.setattr("litellm.api_base", f"{server.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    called = call("OpenAI", api_base=None, api_key_env=None, direct=False)
    assert (type(called.ended), called.count) == (ConfigError, 0)
    assert "the variable A_NEW_ENDPOINT" in str(called.ended)


def test_a_redirect_on_the_same_host_is_followed(call: Callable[..., Called], server: SpeakingServer) -> None:
    """Nothing goes elsewhere."""
    assert call("vLLM", Says("", 307, {"location": f"{server.url}/v1/other"})).reply.text == "[[A]]"


def test_a_body_without_end_is_a_broken_reply(call: Callable[..., Called], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not read past the bound, and asked for three times at most."""
    monkeypatch.setattr("judgebench.client.providers.wire.MOST_BYTES", 2**20)
    called = call("OpenAI", *[Says(speaking.openai("x" * 2**21))] * 9)
    assert isinstance(called.ended, VerdictFailure)
    assert ("longer than" in called.ended.detail, called.count) == (True, PAID_TRIES)


# --- forms of a reply


def test_content_in_parts_is_read(call: Callable[..., Called]) -> None:
    """Text parts are the reply, thinking parts its reasoning; one request."""
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "So: "},
        {"type": "text", "text": "[[A]]"},
    ]
    called = call("vLLM", Says(speaking.openai(None, message={"content": parts})))
    assert (called.reply.text, called.reply.reasoning, called.count) == ("So: [[A]]", "Hm.", 1)


def test_a_stream_of_events_is_read(call: Callable[..., Called]) -> None:
    """Though none was asked for: the text is put together, its usage and its end are the stream's."""
    chunks = [{"role": "assistant", "content": ""}, {"content": "So [["}, {"content": "A]]"}]
    events = [{"id": "x", "model": "m", "choices": [{"index": 0, "delta": delta}]} for delta in chunks]
    events.append({"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]})
    events.append(
        {"id": "x", "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}}
    )
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    called = call("vLLM", Says(body, headers={"Content-Type": "text/event-stream"}))
    reply = called.reply
    assert (reply.text, reply.finish_reason, reply.completion_tokens, called.count) == ("So [[A]]", "length", 3, 1)


def test_a_stream_that_broke_off_is_a_broken_reply(call: Callable[..., Called]) -> None:
    """It has neither a reason for its end nor its mark."""
    body = 'data: {"id": "x", "choices": [{"index": 0, "delta": {"content": "At first [[B]]"}}]}\n\ndata: {"id": "x'
    assert call("vLLM", Says(body)).count == 2


def test_a_stream_with_an_event_of_an_error_is_a_broken_reply(call: Callable[..., Called]) -> None:
    """Though a verdict came before, and the mark of its end after."""
    chunk = json.dumps({"id": "x", "choices": [{"index": 0, "delta": {"content": "[[A]]"}}]})
    body = f'data: {chunk}\n\nevent: error\ndata: {{"message": "boom"}}\n\ndata: [DONE]\n\n'
    assert call("vLLM", Says(body)).count == 2


def test_content_in_bare_texts_is_read(call: Callable[..., Called]) -> None:
    """A list of texts, which are no objects."""
    assert call("vLLM", Says(speaking.openai(None, message={"content": ["So: ", "[[A]]"]}))).reply.text == "So: [[A]]"


def test_thinking_in_details_is_kept(call: Callable[..., Called]) -> None:
    """OpenRouter's parts, where there is no answer."""
    called = call("OpenRouter", Says(speaking.openai("", message={"reasoning_details": [{"text": "Hm."}]})))
    assert (called.reply.reasoning, called.count) == ("Hm.", 1)


def test_groq_without_its_service_tier_is_read(call: Callable[..., Called]) -> None:
    """As behind a gateway; LiteLLM cannot do without the field."""
    assert call("Groq", Says(speaking.openai("[[A]]"))).count == 1


def test_thinking_under_its_other_name_is_kept(call: Callable[..., Called]) -> None:
    """`reasoning` beside an empty `reasoning_content`."""
    message = {"reasoning": "Hm.", "reasoning_content": None}
    assert call("vLLM", Says(speaking.openai("[[A]]", message=message))).reply.reasoning == "Hm."


def test_openrouter_says_what_it_cost(call: Callable[..., Called]) -> None:
    """Its figure counts before a price of one's own; others' only where there is none."""
    says = Says(speaking.openai(usage={"cost": 0.0125}))
    price = {"input": 1, "output": 1}
    assert call("OpenRouter", says, price=price).reply.cost_usd == 0.0125
    assert call("vLLM", says, price=price).reply.cost_usd == pytest.approx(15e-6)


def test_a_deployment_is_known_by_its_base_model(call: Callable[..., Called]) -> None:
    """What gpt-5-mini does not take is left out and said, max_tokens has its other name, and there is a price."""
    called = call("Azure", extra={"base_model": "azure/gpt-5-mini"})
    assert called.reply.left_out == ["temperature"]
    assert {"temperature", "max_tokens"}.isdisjoint(called.asked)
    assert called.asked["max_completion_tokens"] == 2048
    assert called.reply.cost_usd is not None


def test_a_missing_package_is_named(call: Callable[..., Called], monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is sent; the line says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "google", None)
    monkeypatch.setitem(__import__("sys").modules, "google.auth", None)
    extra = {"vertex_project": "p", "vertex_location": "us-central1"}
    called = call("Gemini", model="vertex_ai/gemini-x", extra=extra, api_key_env=None)
    assert isinstance(called.ended, ConfigError)
    assert ("pip install google-auth" in str(called.ended), called.count) == (True, 0)


def test_a_reasoning_effort_that_goes_out_otherwise_is_said(call: Callable[..., Called]) -> None:
    """DeepSeek knows no efforts: thinking is switched on, whichever is written."""
    with pytest.warns(UserWarning, match=r"sends reasoning_effort to deepseek/deepseek-chat as thinking="):
        assert call("DeepSeek", params={"reasoning_effort": "low"}).asked["thinking"] == {"type": "enabled"}


def test_a_parameter_that_a_route_does_not_take_is_named(call: Callable[..., Called]) -> None:
    """Before anything is sent, with what the user of judgebench can do about it."""
    called = call("LM Studio", params={"reasoning_effort": "low"}, direct=False)
    assert (type(called.ended), called.count) == (FatalProviderError, 0)
    assert "does not support parameters: ['reasoning_effort']" in str(called.ended)
    assert "extra_body" in str(called.ended)
    assert "drop_params" not in str(called.ended)


# --- log-probabilities


def token(said: str, logprob: float | None = -0.1, *beside: tuple[str, float | None], **more: Any) -> dict[str, Any]:
    others = [{"token": name, "logprob": p, "bytes": list(name.encode())} for name, p in beside]
    return {"token": said, "logprob": logprob, "bytes": list(said.encode()), "top_logprobs": others, **more}


def test_gemini_is_asked_for_alternatives(call: Callable[..., Called]) -> None:
    """The switch alone gives none."""
    config = call("Gemini", soft=True).asked["generationConfig"]
    assert (config["responseLogprobs"], config["logprobs"]) == (True, 5)


def test_an_alternative_without_a_probability_breaks_no_reply(call: Callable[..., Called]) -> None:
    """It is left out; the others stay."""
    tokens = [token("[["), token("A", -0.1, ("A", -0.1), ("B", None), ("C", -3.0)), token("]]")]
    called = call("vLLM", Says(speaking.openai(logprobs={"content": tokens})), soft=True)
    known = [known for _, said, known in called.reply.logprobs or () if said == "A"]
    assert (known, called.count) == ([{"A": -0.1, "C": -3.0}], 1)


def test_tokens_that_are_numbers_are_read_by_their_bytes(call: Callable[..., Called]) -> None:
    """As vLLM names them on demand."""
    beside = [
        {"token": "token_id:32", "logprob": -0.1, "bytes": [65]},
        {"token": "token_id:33", "logprob": -2.5, "bytes": [66]},
    ]
    tokens = [
        token("token_id:7", bytes=[91, 91]),
        token("token_id:32", bytes=[65], top_logprobs=beside),
        token("token_id:8", bytes=[93, 93]),
    ]
    reply = call("vLLM", Says(speaking.openai(logprobs={"content": tokens})), soft=True).reply
    assert [(said, known) for _, said, known in reply.logprobs or ()][1] == ("A", {"A": -0.1, "B": -2.5})
