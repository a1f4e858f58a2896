"""How much a judge takes in: said in providers.yaml, and held against the longest prompt before the first call."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import judgebench, pairs, write_jsonl, write_judges
from scripted import ScriptedModels


@pytest.mark.parametrize("settings", [{"context": 10}, {"params": {"num_ctx": 10}}])
def test_a_prompt_that_is_too_long_is_named_before_the_run(settings: dict[str, object]) -> None:
    """By the setting, and by Ollama's `num_ctx`; in the estimate too, where nothing is sent."""
    with ScriptedModels() as running:
        write_judges(running.url, mine=settings)
        write_jsonl(Path("rows.jsonl"), pairs(2))
        ended = judgebench("run", "custom", "-j", "mine", "--data", "rows.jsonl", "--dry-run")
    assert (ended.status, running.count) == (0, 0)
    assert "mine takes 10 (too long)" in ended.out + ended.err


def test_a_context_is_a_number_of_tokens() -> None:
    """Anything else is a usage error with what is expected."""
    write_judges("http://127.0.0.1:1/v1", mine={"context": "16k"})
    ended = judgebench("judges", "show", "mine")
    assert (ended.status, "expected an integer >= 1: tokens" in ended.err) == (2, True)
