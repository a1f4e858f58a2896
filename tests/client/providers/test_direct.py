"""Plain HTTP beside LiteLLM: what goes out is the same, by the same address, with the same head."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from asking import VLLM, Asker, request
from loopback import LoopbackServer

from judgebench.client.calls import JudgeClient
from judgebench.client.providers.direct.settings import settings_of
from judgebench.judges.judge import Judge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "parameters": {"params": {"temperature": 0.5, "max_tokens": 50, "seed": 3, "stop": ["x"], "logit_bias": {"1": 2}}},
    "a parameter of the server's": {"params": {"top_k": 5, "max_completion_tokens": 9}},
    "a body of the server's": {"params": {"extra_body": {"min_p": 0.1}}},
    "settings beside them": {"extra": {"chat_template_kwargs": {"enable_thinking": False}}},
    "both": {"params": {"temperature": 1}, "extra": {"extra_body": {"guided_choice": ["A", "B"]}}},
    "log-probabilities": {"soft": True},
    "a key and headers": {"api_key_env": "OWN_KEY", "extra": {"extra_headers": {"X-Team": "os.environ/TEAM"}}},
}


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        yield running


@pytest.fixture
def asker(server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asker]:
    monkeypatch.setenv("OWN_KEY", "key-of-my-own")
    monkeypatch.setenv("TEAM", "team-of-judges")
    with Asker(server, tmp_path) as made:
        yield made


@pytest.mark.parametrize("case", SETTINGS)
def test_both_ways_send_the_same(asker: Asker, case: str) -> None:
    """The body as a whole, the key, and headers of one's own."""
    asker.ask("Is ü right?", model=VLLM, **SETTINGS[case])
    asker.ask("Is ü right?", model=VLLM, transport="direct", cache=asker.cache(), **{**SETTINGS[case], "name": "other"})
    by_litellm, directly = asker.server.requests
    assert directly.params == by_litellm.params
    heads = [[each.headers.get("X-Team"), each.key] for each in (by_litellm, directly)]
    if case == "a key and headers":
        assert heads == [["team-of-judges", "key-of-my-own"]] * 2


def test_a_schema_goes_out_as_the_form_of_the_reply(asker: Asker) -> None:
    """As the OpenAI protocol has it."""
    schema = {"type": "object", "properties": {"verdict": {"enum": ["A", "B"]}}}
    client = JudgeClient(asker.judge(model=VLLM), asker.cache())
    asked = replace(request(client, "Which?"), schema=schema)
    fields = asker.judge(model=VLLM, transport="direct")
    sent = _sent(asker, fields, asked)
    assert sent["response_format"]["json_schema"]["schema"] == schema


def _sent(asker: Asker, judge: Judge, asked: Any) -> dict[str, Any]:
    """The body of one call of the direct provider."""
    import asyncio
    from contextlib import aclosing

    from judgebench.client.providers import provider_of

    async def once() -> None:
        async with aclosing(provider_of(judge)) as provider:  # type: ignore[type-var]
            await provider.complete(asked)

    asyncio.run(once())
    return asker.server.requests[-1].params


def test_lone_surrogates_are_sent_as_question_marks(asker: Asker) -> None:
    """Whichever way; they are no UTF-8, which servers want."""
    for way, model in (("litellm", "openai/m"), ("litellm", VLLM), ("direct", VLLM)):
        asker.ask("a \ud800 b", model=model, transport=way, name=f"{way}-{model}")
    assert [each.text for each in asker.server.requests] == ["a ? b"] * 3


@pytest.mark.parametrize(
    ("api_base", "url"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1/chat/completions"),
        ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1/chat/completions"),
        ("http://127.0.0.1:8000/v1/chat/completions", "http://127.0.0.1:8000/v1/chat/completions"),
        ("http://127.0.0.1:8000/gateway?team=a", "http://127.0.0.1:8000/gateway/chat/completions?team=a"),
    ],
)
def test_the_path_is_put_behind_the_address(api_base: str, url: str) -> None:
    """Before its query; an address that is whole already stays so."""
    assert settings_of(Judge(name="j", model="hosted_vllm/m", api_base=api_base, transport="direct")).url == url


HEADS: list[tuple[dict[str, Any], dict[str, str], str | None]] = [
    ({}, {}, None),
    ({}, {"HOSTED_VLLM_API_KEY": "key-of-vllm"}, "Bearer key-of-vllm"),
    ({"found": True}, {"HOSTED_VLLM_API_KEY": "key-of-vllm"}, "Bearer none"),
    ({"model": "openai/m"}, {"OPENAI_API_KEY": "key-of-openai"}, "Bearer key-of-openai"),
    ({"model": "openai/m", "found": True}, {"OPENAI_API_KEY": "key-of-openai"}, "Bearer none"),
    ({"api_key_env": "MINE"}, {"MINE": "key-of-mine", "OPENAI_API_KEY": "key-of-openai"}, "Bearer key-of-mine"),
    ({"extra": {"extra_headers": {"Authorization": "Token x"}}}, {}, "Token x"),
    ({"api_base": "http://me:secret@127.0.0.1:1/v1"}, {"HOSTED_VLLM_API_KEY": "key-of-vllm"}, None),
]


@pytest.mark.parametrize(("settings", "variables", "head"), HEADS)
def test_the_key_is_the_one_that_litellm_takes(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], variables: dict[str, str], head: str | None
) -> None:
    """The preset's variable, else the provider's own; none for a file that nobody named, or beside a user."""
    for name in ("HOSTED_VLLM_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    base = {"name": "j", "model": "hosted_vllm/m", "api_base": "http://127.0.0.1:1/v1", "transport": "direct"}
    assert settings_of(Judge.model_validate(base | settings)).headers.get("authorization") == head


@pytest.mark.parametrize(
    ("url", "proxy"), [("http://judges.example/v1", "http://proxy.example:3128"), ("http://127.0.0.1:1/v1", None)]
)
def test_a_proxy_of_the_environment_is_taken(monkeypatch: pytest.MonkeyPatch, url: str, proxy: str | None) -> None:
    """But for this machine."""
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    assert settings_of(Judge(name="j", model="hosted_vllm/m", api_base=url, transport="direct")).proxy == proxy
