"""Which model a run is of, for leaderboards that file results under ORGANISATION/MODEL."""

from __future__ import annotations

import pytest
from commands import read_json
from finishedruns import judge_run, score_run

import judgebench as jb
from judgebench.exports.models import model_of
from judgebench.runs.folder import write_json


def judged_by(model: str, **settings: object) -> jb.Run:
    """A run whose manifest says that this LiteLLM id was the judge."""
    path = judge_run("offline/first", 2)
    manifest = read_json(path / "manifest.json")
    manifest["judge"] |= {"model": model, **settings}
    write_json(path / "manifest.json", manifest)
    return jb.Run.load(path)


@pytest.mark.parametrize(
    ("model", "known", "platform", "engine"),
    [
        ("openai/gpt-4.1-mini", "openai/gpt-4.1-mini", "openai", None),
        ("gemini/gemini-2.5-pro", "google/gemini-2.5-pro", "gemini", None),
        ("openrouter/anthropic/claude-opus-4", "anthropic/claude-opus-4", "openrouter", None),
        ("hosted_vllm/Qwen/Qwen3-8B", "Qwen/Qwen3-8B", None, "vLLM"),
        ("ollama/llama3.1", "meta/llama3.1", None, "Ollama"),
        ("hosted_vllm/my-model", "unknown/my-model", None, "vLLM"),
        ("together_ai/some/deep/path/qwen-7b", "qwen/qwen-7b", "together_ai", None),
        ("bedrock/../../etc", "unknown/etc", "bedrock", None),
        ("offline/longest", "offline/longest", None, None),
    ],
)
def test_a_litellm_id(model, known, platform, engine):
    """Its provider is who made the model, or only who serves it; a server of one's own is an engine."""
    found = model_of(judged_by(model))
    assert (found.id, found.platform, found.engine) == (known, platform, engine)


def test_an_address_of_ones_own_is_not_openai():
    """Any server may speak that protocol."""
    found = model_of(judged_by("openai/gpt-x", api_base="http://127.0.0.1:8000/v1"))
    assert (found.id, found.platform) == ("openai/gpt-x", None)
    assert model_of(judged_by("openai/own", api_base="http://127.0.0.1:8000/v1")).id == "unknown/own"


@pytest.mark.parametrize(
    ("name", "known"),
    [("me/rm", "me/rm"), ("rm", "unknown/rm"), ("mistral-rm", "mistral/mistral-rm"), ("..", "unknown/unknown")],
)
def test_a_score_files_name(name, known):
    """As it is where it says both, else by the families of models."""
    run = jb.Run.load(score_run("rm", [1]))
    manifest = read_json(run.path / "manifest.json")
    manifest["scores"]["name"] = name
    write_json(run.path / "manifest.json", manifest)
    assert model_of(jb.Run.load(run.path)).id == known


def test_what_the_user_says_counts():
    """Whatever the id is."""
    assert model_of(judged_by("openai/gpt-x"), "us/ours").id == "us/ours"
