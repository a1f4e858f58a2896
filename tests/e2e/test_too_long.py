"""Prompts that are longer than a judge's context are known before the first call, by its server's own tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from commands import judgebench, pairs, write_jsonl, write_judges
from loopback import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator

LISTED = {"data": [{"id": "loopback", "owned_by": "vllm", "max_model_len": 3_000}]}
SIZES = (900, 5_000, 100, 2_950, 2_300)
"""Words of the prompts: with 100 tokens for the answer and some 200 words around, the second and fourth do not fit."""


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """A server of vLLM's kind whose tokens are words, and rows of which two are too long for it."""
    counted: list[dict[str, Any]] = []

    def count(body: dict[str, Any]) -> dict[str, int]:
        counted.append(body)
        return {"count": sum(len(message["content"].split()) for message in body["messages"])}

    rows = [{**row, "prompt": "word " * size} for row, size in zip(pairs(len(SIZES)), SIZES, strict=True)]
    write_jsonl(Path("rows.jsonl"), rows)
    with LoopbackServer(pages={"/v1/models": LISTED, "/tokenize": count}) as live:
        live.counted = counted  # type: ignore[attr-defined]
        write_judges(live.url, mine={"model": "hosted_vllm/loopback", "params": {"max_tokens": 100}})
        yield live


def run(*more: str) -> Any:
    return judgebench("run", "custom", "-j", "mine", "--data", "rows.jsonl", *more)


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_they_are_named_once_by_the_servers_own_count(server: LoopbackServer, more: tuple[str, ...]) -> None:
    """In a run and in an estimate, which makes no call; how many items, the longest, and what to do."""
    said = run(*more).err
    assert "note: too long for mine, which takes 3,000 tokens, 100 of them for the answer: the pairwise prompts" in said
    assert "of about 2 of 5 items" in said
    assert "(item '1', by its server's tokenizer)" in said
    assert said.count("too long for") == 1
    assert server.count == (0 if more else len(SIZES))


def test_few_prompts_are_counted(server: LoopbackServer) -> None:
    """One, and as many more as halving the rows takes: three of five."""
    run("--dry-run")
    assert len(server.counted) <= 1 + 3  # type: ignore[attr-defined]


def test_short_prompts_ask_nothing_of_a_server() -> None:
    """No list of models and no tokenizer."""
    asked: list[object] = []
    with LoopbackServer(pages={"/v1/models": lambda body: asked.append(body) or LISTED}) as live:
        write_judges(live.url, mine={"model": "hosted_vllm/loopback"})
        write_jsonl(Path("rows.jsonl"), pairs(2))
        assert "too long" not in run().err
    assert asked == []


def test_a_server_without_a_tokenizer_is_estimated_for() -> None:
    """By LiteLLM's tokenizer, and it says so."""
    write_jsonl(Path("rows.jsonl"), [{**row, "prompt": "word " * 4_000} for row in pairs(1)])
    with LoopbackServer(pages={"/v1/models": {"data": [{"id": "m", "owned_by": "local"}]}}) as live:
        write_judges(live.url, mine={"model": "hosted_vllm/m", "context": 2_000, "cuts_prompts": True})
        said = run("--dry-run").err
    assert "item '0', estimated); the server cuts them without an error, and they fail with `context`" in said


def test_a_server_is_asked_nothing_offline(server: LoopbackServer) -> None:
    """With --offline no tokenizer either: the replies are the cache's, and the server may be gone."""
    assert run("--offline").err.count("too long for") == 0
    assert server.counted == []  # type: ignore[attr-defined]
