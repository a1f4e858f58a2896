"""Calls that are written and read without being sent, as batches have them: equal to what LiteLLM does with each."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from judgebench.client.providers.base import Request
from judgebench.client.providers.litellm.calls import Calls
from judgebench.errors import JudgebenchError
from judgebench.judges.judge import Judge

TEXTS = [
    *(
        "Which is better?",
        "naïve 漢字 🏳️‍🌈 \u202e\u0000\ufeff\u2028 e\u0301 \x1b[31m [[A]]",
        "a \ud800 b",
        '"\\u00e9\\"',
    ),
    *(
        "",
        " ",
        " begins with a blank",
        "ends with one\n",
        "x\u00a0",
        "{}",
        '{"role": "user"}',
        "\x7f\x80\uffff</script>",
    ),
    *(
        "\ue000judgebench 0 é\ue001",
        "Human: hi\n\nAssistant:",
        "<|im_end|>",
        "https://h/a.png",
        "%s {0} $1",
        "A" * 5000,
    ),
]
SCHEMA = {"type": "object", "properties": {"verdict": {"enum": ["A", "é"]}}}
JUDGES: dict[str, dict[str, Any]] = {
    "OpenAI": {"model": "openai/gpt-4.1-mini"},
    "a reasoning model": {"model": "openai/gpt-5-mini", "params": {"reasoning_effort": "low"}},
    "a server": {
        "model": "openai/m",
        "api_base": "http://127.0.0.1:1/v1",
        "params": {"temperature": 0.5, "stop": ["é"], "extra_body": {"min_p": 0.1}},
        "extra": {"extra_headers": {"X-Team": "t"}, "organization": "o"},
        "soft": True,
    },
    "vLLM": {"model": "hosted_vllm/m", "api_base": "http://127.0.0.1:1/v1", "params": {"top_k": 5}},
    "Azure": {"model": "azure/m", "api_base": "http://127.0.0.1:1", "extra": {"api_version": "2024-10-21"}},
    "Anthropic": {"model": "anthropic/claude-x"},
    "thinking": {"model": "anthropic/claude-sonnet-4-5", "params": {"reasoning_effort": "low", "max_tokens": 3000}},
}


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI", "AZURE", "ANTHROPIC", "HOSTED_VLLM"):
        monkeypatch.setenv(f"{name}_API_KEY", "sk-loopback")


def calls_of(name: str) -> Calls:
    return Calls(Judge.model_validate({"name": "mine", **JUDGES[name]}))


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("name", JUDGES)
def test_a_written_call_is_the_one_that_litellm_sends(name: str) -> None:
    """To the byte, whatever its texts, roles and form are, and whatever was written before it."""
    shapes = (("user",), ("system", "user"), ("user", "assistant", "user"))

    async def written() -> None:
        calls = calls_of(name)
        for at, text in enumerate(TEXTS):
            roles, schema = shapes[at % len(shapes)], SCHEMA if at % 6 > 2 else None
            texts = [text, *TEXTS[1 : len(roles)]]
            messages = [{"role": role, "content": each} for role, each in zip(roles, texts, strict=True)]
            request = Request("0" * 64, messages, schema=schema)
            found = await calls.written(request)
            full = await calls._mapped(request)
            assert (found.url, found.body) == (full.url, full.body)
        assert all(calls._templates._kept.values())  # else every one was mapped in full

    asyncio.run(written())


def said(message: dict[str, Any] | None = None, end: Any = "stop", **more: Any) -> dict[str, Any]:
    """A chat completion."""
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    choice = {"index": 0, "message": {"role": "assistant", "content": "[[A]]"} | (message or {}), "finish_reason": end}
    whole = {"id": "1", "object": "chat.completion", "created": 1, "model": "m-1", "choices": [choice], "usage": usage}
    return whole | more


def with_logprobs(*tokens: tuple[str, dict[str, float]]) -> dict[str, Any]:
    whole = said({"content": "".join(token for token, _ in tokens)})
    content = [
        {
            "token": token,
            "bytes": list(token.encode()),
            "logprob": -0.1,
            "top_logprobs": [{"token": each, "bytes": None, "logprob": value} for each, value in top.items()],
        }
        for token, top in tokens
    ]
    whole["choices"][0]["logprobs"] = {"content": content}
    return whole


BODIES: dict[str, Any] = {
    "a reply": said(),
    "without usage": said(usage=None),
    "cached and thought": said(
        usage={
            "prompt_tokens": 10,
            "completion_tokens": 9,
            "total_tokens": 19,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 5},
        }
    ),
    "reasoning apart": said({"reasoning_content": "Hm."}),
    "reasoning by another name": said({"reasoning": "Hm."}),
    "thinking in tags": said({"content": "<think>Hm.</think>[[A]]"}),
    "in parts": said({"content": [{"type": "text", "text": "[[A]]"}]}),
    "no text": said({"content": None}),
    "empty": said({"content": ""}),
    "refused": said({"content": None, "refusal": "I will not."}),
    "log-probabilities": with_logprobs(("[[", {}), ("A", {"A": -0.1, "B": -2.5}), ("]]", {})),
    "broken log-probabilities": said()
    | {"choices": [said()["choices"][0] | {"logprobs": {"content": [{"token": 1}]}}]},
    "no choices": said(choices=[]),
    "choices null": said(choices=None),
    "an error": {"error": {"message": "Slow down.", "code": 429}},
    "an error beside a choice": said(error={"message": "Busy.", "code": 503}),
    "no object": [],
    "no model": said(model=None),
    "a limit filled": said(usage={"prompt_tokens": 10, "completion_tokens": 2048, "total_tokens": 2058}),
    "several choices": said() | {"choices": said()["choices"] * 2},
    **{
        f"end {end}": said(end=end)
        for end in ("length", "content_filter", "eos", "tool_calls", None, "error", "max_tokens", "abort", "safety")
    },
}


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("name", ["a server", "vLLM", "Azure"])
def test_a_reply_is_read_as_litellm_reads_it(name: str) -> None:
    """Text, thinking, end, refusal, tokens, probabilities and cost; or the same error, paid for or not."""

    async def read() -> None:
        calls = calls_of(name)
        request = Request("0" * 64, [{"role": "user", "content": "Which?"}])
        for kind, body in BODIES.items():
            data = json.dumps(body).encode()
            both = [await ended(way(request, 200, data)) for way in (calls.read, calls._by_litellm)]
            assert both[0] == both[1], kind

    asyncio.run(read())


async def ended(reading: Any) -> Any:
    try:
        found = await reading
    except JudgebenchError as error:
        return type(error), error.charged, error.answered, error.took
    return found.model_dump(exclude={"created", "latency_s"})
