"""Plain HTTP beside LiteLLM: what goes out is the same, by the same address, with the same head."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from asking import VLLM, Asker, request
from faults import Reply as Answer
from loopback import LoopbackServer

from judgebench.client.calls import JudgeClient
from judgebench.client.providers.direct.settings import settings_of
from judgebench.errors import ConfigError, FatalProviderError
from judgebench.judges.catalog import used_tokens
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


@pytest.mark.parametrize("setting", ["missing.pem", "empty.pem", ".", 0])
def test_certificates_that_cannot_be_used_are_found_before_the_first_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: object
) -> None:
    """A file that is missing, no certificate, a folder or a number."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.pem").touch()
    judge = Judge(name="j", model="hosted_vllm/m", api_base="https://h/v1", extra={"ssl_verify": setting})
    with pytest.raises(ConfigError, match="judge 'j': ssl_verify"):
        settings_of(judge)


def test_certificates_are_checked_as_the_setting_says() -> None:
    """Switches may be written as text."""
    judge = Judge(name="j", model="hosted_vllm/m", api_base="https://h/v1")
    read = [
        settings_of(judge.model_copy(update={"extra": {"ssl_verify": each}})).ssl for each in ("False", "true", False)
    ]
    assert read == [False, True, False]


def test_a_header_from_a_variable_holds_no_line_break(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found before the first call."""
    monkeypatch.setenv("TEAM", "red\r\nX-Other: 1")
    headers = {"extra_headers": {"X-Team": "os.environ/TEAM"}}
    with pytest.raises(ConfigError, match=r"extra_headers\.X-Team contains a non-ASCII character or a line break"):
        settings_of(Judge(name="j", model="hosted_vllm/m", api_base="https://h/v1", extra=headers))


@pytest.mark.parametrize("location", ["http://[bad", "http://host:99999/v1"])
def test_a_redirect_to_no_address_ends_the_judge(asker: Asker, location: str) -> None:
    """As one to another host does."""
    asker.server.answer = Answer(status=307, headers={"Location": location}, body="")
    error = asker.ask(model=VLLM, transport="direct").error
    assert isinstance(error, FatalProviderError)
    assert "redirects to another host" in str(error)


def test_a_proxy_may_be_named_without_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    """As other tools take it."""
    monkeypatch.setenv("http_proxy", "proxy.example:3128")
    judge = Judge(name="j", model="hosted_vllm/m", api_base="http://judges.example/v1", transport="direct")
    assert settings_of(judge).proxy == "http://proxy.example:3128"


def test_counts_as_text_or_with_a_point_are_counts() -> None:
    """Servers write them so; what is no whole number is none."""
    assert used_tokens({"prompt_tokens": "10", "completion_tokens": 5.0}, answered=True) == (
        {"prompt_tokens": 10, "completion_tokens": 5, "reasoning_tokens": 0, "cached_prompt_tokens": 0},
        True,
    )
    assert used_tokens({"prompt_tokens": "ten", "completion_tokens": 5.5}, answered=True)[1] is False


@pytest.mark.parametrize(
    ("url", "proxy"), [("http://judges.example/v1", "http://proxy.example:3128"), ("http://127.0.0.1:1/v1", None)]
)
def test_a_proxy_of_the_environment_is_taken(monkeypatch: pytest.MonkeyPatch, url: str, proxy: str | None) -> None:
    """But for this machine."""
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    assert settings_of(Judge(name="j", model="hosted_vllm/m", api_base=url, transport="direct")).proxy == proxy
