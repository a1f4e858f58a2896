"""What servers of one's own say of themselves: the context and the tokenizer of each kind, or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from loopback import LoopbackServer, Reply

from judgebench.client import server_of
from judgebench.judges import Judge

MESSAGES = [{"role": "system", "content": "one two"}, {"role": "user", "content": "three"}]
MISSING = Reply(status=404, body={"detail": "Not Found"})
AROUND = 15
"""Five tokens of the chat template a message and five for the answer's beginning, where texts alone are counted."""


def listed(owner: str, **more: Any) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": "m", "object": "model", "owned_by": owner, **more}]}


def words(body: dict[str, Any]) -> int:
    """A tokenizer whose tokens are words; a chat template adds four a message."""
    texts = [body.get(name) for name in ("content", "prompt", "input") if name in body]
    texts += [message["content"] for message in body.get("messages", ())]
    return sum(len(text.split()) for text in texts) + 4 * len(body.get("messages", ()))


def no_messages(body: dict[str, Any]) -> Any:
    """A tokenizer that takes a text alone."""
    return {"count": words(body), "tokens": []} if "prompt" in body else Reply(status=422, body={"detail": "no prompt"})


KINDS: dict[str, tuple[str, dict[str, Any], int | None, int | None]] = {
    "vllm": (
        "hosted_vllm/m",
        {"/v1/models": listed("vllm", max_model_len=2048), "/tokenize": lambda body: {"count": words(body)}},
        2048,
        3 + 8,
    ),
    "sglang": (
        "hosted_vllm/m",
        {"/v1/models": listed("sglang", max_model_len=4096), "/tokenize": no_messages},
        4096,
        3 + AROUND,
    ),
    "llama-server": (
        "openai/any",
        {
            "/v1/models": listed("llamacpp"),
            "/props": {"default_generation_settings": {"n_ctx": 1024}, "total_slots": 4},
            "/input_tokens": lambda body: {"input_tokens": words(body)},
        },
        1024,
        3 + 8,
    ),
    "an older llama-server": (
        "openai/any",
        {
            "/v1/models": listed("llamacpp"),
            "/props": {"default_generation_settings": {"n_ctx": 1024}},
            "/input_tokens": MISSING,
            "/tokenize": lambda body: {"tokens": [0] * words(body)},
        },
        1024,
        3 + AROUND,
    ),
    "llama-cpp-python": (
        "openai/any",
        {"/v1/models": listed("me"), "/extras/tokenize/count": lambda body: {"count": words(body)}},
        None,
        3 + AROUND,
    ),
    "lm studio": (
        "lm_studio/m",
        {
            "/v1/models": listed("organization_owner"),
            "/api/v0/models": {
                "data": [
                    {"id": "other", "state": "not-loaded", "max_context_length": 9999},
                    {"id": "m", "state": "loaded", "loaded_context_length": 8192, "max_context_length": 32768},
                ]
            },
        },
        8192,
        None,
    ),
    "transformers serve": ("hosted_vllm/m", {"/v1/models": listed("local")}, None, None),
    "ollama, loaded": (
        "ollama_chat/m",
        {
            "/api/tags": {"models": [{"name": "m:latest"}]},
            "/api/show": {"model_info": {"llama.context_length": 131072}, "parameters": "num_ctx 2048"},
            "/api/ps": {"models": [{"name": "m:latest", "context_length": 4096}]},
        },
        4096,
        None,
    ),
    "ollama, by its model file": (
        "ollama_chat/m",
        {"/api/show": {"model_info": {"llama.context_length": 8192}, "parameters": "stop x\nnum_ctx 16384"}},
        8192,
        None,
    ),
    "what is no list": ("hosted_vllm/m", {"/v1/models": {"data": "none"}, "/tokenize": {"count": True}}, None, None),
    "nothing": ("hosted_vllm/m", {"/v1/models": MISSING}, None, None),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_asked_in_its_own_way(kind: str) -> None:
    """The context is that which is loaded, not that which the model could have; a prompt's tokens are the server's."""
    model, pages, context, tokens = KINDS[kind]
    with LoopbackServer(pages=pages) as live:
        base = live.url.removesuffix("/v1") if model.startswith("ollama") else live.url
        found = server_of(Judge(name="mine", model=model, api_base=base))
        assert found is not None
        assert (found.context, found.count(MESSAGES)) == (context, tokens)
    assert live.count == 0


def test_num_ctx_is_the_context_that_ollama_is_asked_for() -> None:
    """Up to what the model takes."""
    with LoopbackServer(pages={"/api/show": {"model_info": {"llama.context_length": 8192}}}) as live:
        base = live.url.removesuffix("/v1")
        contexts = []
        for asked in (4096, 16384):
            found = server_of(Judge(name="mine", model="ollama_chat/m", api_base=base, params={"num_ctx": asked}))
            assert found is not None
            contexts.append(found.context)
    assert contexts == [4096, 8192]


def test_a_server_that_is_not_there_says_nothing() -> None:
    """No error: the run itself tells of it."""
    found = server_of(Judge(name="mine", model="hosted_vllm/m", api_base="http://127.0.0.1:9/v1"))
    assert found is not None
    assert (found.models, found.context, found.count(MESSAGES)) == ((), None, None)


def test_the_judges_key_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """And none where a file that nobody named says the address."""
    monkeypatch.setenv("MY_KEY", "secret-of-mine")
    monkeypatch.setenv("HOSTED_VLLM_API_KEY", "secret-of-all")
    own = Judge(name="mine", model="hosted_vllm/m", api_base="http://127.0.0.1:9/v1", api_key_env="MY_KEY")
    found = own.model_copy(update={"api_key_env": None, "found": True})
    heads = [server_of(judge).headers for judge in (own, found)]
    assert heads[0] == {"Authorization": "Bearer secret-of-mine"}
    assert "secret" not in str(heads[1])
    assert "secret" not in repr(server_of(own))


@pytest.mark.parametrize("model", ["anthropic/claude-haiku-4-5", "offline/longest", "typesafe/jev-1.14.0"])
def test_a_providers_model_is_no_server_of_ones_own(model: str) -> None:
    """Nothing is asked beside the calls."""
    assert server_of(Judge(name="theirs", model=model)) is None
