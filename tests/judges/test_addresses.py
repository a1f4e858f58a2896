"""Where a judge's calls go: the file's address, the environment's, or the provider's own."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import yaml

from judgebench.client import KeyMaker
from judgebench.errors import ConfigError
from judgebench.judges import address_line, call_settings, check_address, is_moved, load_judges
from judgebench.judges.addresses import address_variables, unknown_variables
from judgebench.judges.catalog import PROVIDERS
from judgebench.judges.installed import litellm_folder, routed_like_openai, routed_providers

HERE = "http://127.0.0.1:9/v1"
NO_CHAT = {"AZURE_AUTHORITY_HOST", "ANYSCALE_API_BASE", "ALEPH_ALPHA_API_BASE", "OPENAI_LIKE_API_BASE", "A2A_API_BASE"}
"""Of no chat model that can be a judge, or of one that is called by another name."""


def key(name):
    return KeyMaker(load_judges().get(name)).key([{"role": "user", "content": "?"}], 0)


def write_here(**judges):
    Path("providers.yaml").write_text(yaml.safe_dump({"judges": judges}), encoding="utf-8")
    return load_judges()


@pytest.mark.parametrize(
    ("model", "variable"),
    [
        ("openai/gpt-4.1", "OPENAI_BASE_URL"),
        ("openai/gpt-4.1", "OPENAI_API_BASE"),
        ("anthropic/claude-haiku-4-5", "ANTHROPIC_BASE_URL"),
        ("gemini/gemini-2.5-flash", "GEMINI_API_BASE"),
        ("deepseek/deepseek-v4-pro", "DEEPSEEK_API_BASE"),
        ("openrouter/openai/gpt-4.1-mini", "OPENROUTER_API_BASE"),
        ("together_ai/m", "TOGETHERAI_API_BASE"),
        ("hosted_vllm/m", "HOSTED_VLLM_API_BASE"),
        ("nvidia_nim/m", "NVIDIA_NIM_API_BASE"),
    ],
)
def test_a_variable_of_the_provider_moves_the_judge_and_its_replies(model, variable, monkeypatch):
    before = key(model)
    monkeypatch.setenv(variable, HERE)

    judge = load_judges().get(model)

    assert (judge.api_base, judge.address_variable) == (HERE, variable)
    assert key(model) != before
    assert address_line(judge, None) == f"judge '{model}' ({model}): {HERE}, from {variable}"


def test_two_addresses_of_one_variable_have_keys_of_their_own(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", HERE)
    first = key("openai/m")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:10/v1")
    assert key("openai/m") != first


def test_users_passwords_and_a_last_slash_of_an_address_are_in_no_key(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", HERE)
    bare = key("openai/m")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://user:secret@127.0.0.1:9/v1/?key=secret")
    assert key("openai/m") == bare
    assert "secret" not in str(load_judges().get("openai/m").public())


def test_the_address_of_a_file_counts_before_the_environments(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:10/v1")
    judge = write_here(mine={"model": "openai/m", "api_base": HERE}).get("mine")
    assert (judge.api_base, judge.identity) == (HERE, "mine")


def test_cache_as_says_whose_replies_those_of_a_moved_judge_are(monkeypatch):
    write_here(mine={"model": "openai/m", "cache_as": "whose"})
    before = key("mine")
    monkeypatch.setenv("OPENAI_BASE_URL", HERE)
    assert key("mine") == before


def test_a_variable_that_holds_no_address_is_a_mistake(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "127.0.0.1:9")
    with pytest.raises(ConfigError, match=r"OPENAI_BASE_URL.*is not an address"):
        load_judges().get("openai/m")


def test_every_address_variable_of_litellm_is_known():
    """Those that its chat models are sent by, as the source of the installed version has them, whichever that is."""
    root = litellm_folder()
    files = [root / "main.py", root / "litellm_core_utils/get_llm_provider_logic.py"]
    files += [*root.glob("llms/*/chat/transformation.py"), *root.glob("llms/*/common_utils.py")]
    files += [root / "llms/openai_like/providers.json"]
    pattern = re.compile(r'"([A-Z0-9_]+_(?:API_BASE|BASE_URL))"')
    read = {name for file in files for name in pattern.findall(file.read_text(encoding="utf-8"))}
    known = {name for provider in PROVIDERS | routed_providers() for name in address_variables(provider)}

    assert len(read) > 60
    assert read - known - NO_CHAT == set()


@pytest.fixture
def newer(tmp_path, monkeypatch):
    """A LiteLLM that routes to providers which were not there before, one of them by a list alone."""
    listed = {"newcomer": {"base_url": "https://new.example/v1", "api_base_env": "NEWCOMERS_URL"}, "openai": {}}
    (tmp_path / "llms/openai_like").mkdir(parents=True)
    (tmp_path / "llms/openai_like/providers.json").write_text(json.dumps(listed), encoding="utf-8")
    (tmp_path / "types").mkdir()
    enum = 'class LlmProviders(str, Enum):\n    BRAND_NEW = "brand_new"  # added\n\n\nclass Other:\n    X = "other"\n'
    (tmp_path / "types/utils.py").write_text(enum, encoding="utf-8")
    monkeypatch.setattr("judgebench.judges.installed.litellm_folder", lambda: tmp_path)
    routed_like_openai.cache_clear()
    routed_providers.cache_clear()
    yield
    routed_like_openai.cache_clear()
    routed_providers.cache_clear()


def test_providers_of_a_newer_litellm_are_known_with_their_variables(newer, monkeypatch):
    """By its list the variable has a name of its own, else the usual one; both move the judge and its replies."""
    for model, variable in (("newcomer/m", "NEWCOMERS_URL"), ("brand_new/m", "BRAND_NEW_API_BASE")):
        before = key(model)
        monkeypatch.setenv(variable, HERE)
        assert (load_judges().get(model).api_base, key(model) == before) == (HERE, False)
    with pytest.raises(ConfigError, match="unknown provider 'other'"):
        load_judges().get("other/m")


@pytest.mark.parametrize(
    ("model", "variables", "found"),
    [
        ("deepseek/m", {"DEEPSEEK_NEW_ENDPOINT": HERE}, {"127.0.0.1:9": "DEEPSEEK_NEW_ENDPOINT"}),
        ("groq/m", {"SOME_URL": "https://gateway.example/v1"}, {"gateway.example:443": "SOME_URL"}),
        ("groq/m", {"SOME_URL": "https://api.groq.com/v1"}, {}),
        ("groq/m", {"NOTES": HERE, "SOME_URL": "none"}, {}),
        ("vllm", {"SOME_URL": HERE}, {}),
    ],
)
def test_addresses_of_variables_that_nobody_takes_for_the_judge_s(model, variables, found, monkeypatch):
    """A newer LiteLLM may send calls there; a provider's own server and a judge with an address have none."""
    for name in [each for each in os.environ if each.upper().endswith(("BASE", "URL", "ENDPOINT", "HOST", "SERVER"))]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert unknown_variables(load_judges().get(model)) == found


@pytest.mark.parametrize("model", ["hosted_vllm/m", "lm_studio/m", "litellm_proxy/m", "azure/m", "xinference/m"])
def test_a_server_of_ones_own_needs_an_address(model, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", HERE)  # which LiteLLM would send some of them to
    with pytest.raises(ConfigError, match=r"has no address.*_API_BASE"):
        check_address(load_judges().get(model))


@pytest.mark.parametrize("name", ["vllm", "lm-studio", "ollama", "gpt-4.1", "ollama_chat/m", "llamafile/m"])
def test_what_has_an_address_or_a_provider_with_one_needs_none(name):
    check_address(load_judges().get(name))


class TestAFileFoundInTheCurrentFolder:
    def test_moving_a_preset_that_ships_is_a_move(self):
        judge = write_here(**{"gpt-4.1-mini": {"api_base": HERE}}).get("gpt-4.1-mini")
        assert is_moved(judge)

    def test_no_key_goes_there_unless_the_file_names_it(self, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-canary-0123456789")
        known = write_here(
            mine={"model": "openai/m", "api_base": HERE}, claude={"model": "anthropic/m", "api_base": HERE}
        )
        for judge in known.chosen(["mine", "claude"]):
            assert call_settings(judge)["api_key"] == "none"

    @pytest.mark.parametrize(
        "more", [{"api_key_env": "OPENAI_API_KEY"}, {"extra_headers": {"X": "os.environ/GITHUB_TOKEN"}}]
    )
    def test_a_key_that_the_file_names_is_a_move(self, more):
        assert is_moved(write_here(mine={"model": "openai/m", "api_base": HERE, **more}).get("mine"))

    @pytest.mark.parametrize(
        "entry",
        [
            {"model": "openai/m", "api_base": HERE},
            {"model": "azure/m", "api_base": "https://mine.openai.azure.com", "api_key_env": "MY_KEY"},
            {"model": "openai/m", "api_key_env": "MY_KEY"},
        ],
    )
    def test_neither_a_judge_without_key_nor_the_providers_own_address_is_one(self, entry):
        assert not is_moved(write_here(mine=entry).get("mine"))

    def test_an_address_under_another_name_is_one(self):
        name = "claude-haiku-4-5"
        entry = {"model": "bedrock/m", "aws_bedrock_runtime_endpoint": "https://elsewhere.example"}
        assert is_moved(write_here(**{name: entry}).get(name))

    def test_a_file_that_is_named_is_trusted(self):
        write_here(**{"gpt-4.1-mini": {"api_base": HERE, "api_key_env": "MY_KEY"}})
        assert not is_moved(load_judges(Path("providers.yaml")).get("gpt-4.1-mini"))

    def test_limits_for_a_preset_of_this_machine_are_none(self):
        assert not write_here(vllm={"limits": {"concurrency": 2}}).get("vllm").found
