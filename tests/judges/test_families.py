"""Whose model a name is: the families that ship, and those of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from judgebench.errors import ConfigError
from judgebench.judges.presets import load_judges


def own(text, tmp_path):
    path = Path(tmp_path / "own.yaml")
    path.write_text(text)
    return load_judges(path)


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4o-2024-05-13", "openai"),
        ("GPT4", "openai"),
        ("o1-mini", "openai"),
        ("gpt-j-6b", "eleutherai"),
        ("claude-3-5-sonnet-20240620", "anthropic"),
        ("meta-llama/Meta-Llama-3-70B-Instruct", "meta"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "deepseek"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mistral"),
        ("google/gemma-2-9b-it", "google"),
        ("openrouter/anthropic/claude-sonnet-4.6", "anthropic"),
        ("modified_with_GPT-4", None),
        ("unknown", None),
        ("", None),
    ],
)
def test_the_families_that_ship(model, family):
    """By the part behind the last slash, capitals or not; a name that only holds another's belongs to nobody."""
    assert load_judges().family_of(model) == family


def test_every_preset_s_own_name_agrees_with_its_family():
    """Where the names of models say a family, it is that of the preset."""
    judges = load_judges()
    for judge in judges:
        assert judges.family_of(judge.model) in {judge.family, None} or judge.api_base is not None, judge.name


def test_families_of_ones_own(tmp_path):
    """Added to those that ship; one with other patterns is replaced, null takes one away."""
    judges = own("families: {ours: ['acme-*'], anthropic: ['sonnet*'], meta: null}", tmp_path)

    found = [judges.family_of(name) for name in ("acme-7b", "sonnet-3", "claude-3", "llama-3", "gpt-4")]
    assert found == ["ours", "anthropic", None, None, "openai"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("families: [a]", "expected a mapping"),
        ("families: {a: 'b*'}", "line 1: families.a must be a list with at least one entry"),
        ("families: {a: []}", "line 1: families.a must be a list with at least one entry"),
        ("families:\n  a: [b, 3]", "line 2: families.a.1 must be text"),
        ("families:\n  a: ['*']", "line 2: families.a.0 fits every model"),
        ("families: {3: ['b*']}", "is not a valid family name"),
        ("family: {}", "unknown key"),
    ],
)
def test_mistakes_in_families(text, said, tmp_path):
    """One line with the place and what is expected."""
    with pytest.raises(ConfigError) as caught:
        own(text, tmp_path)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
