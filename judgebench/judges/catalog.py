"""What LiteLLM's table of models, read as a file, says of one; and what the tokens of a call cost."""

from __future__ import annotations

import json
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from judgebench.judges.installed import litellm_folder, routed_providers

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE = "model_prices_and_context_window_backup.json"
_MILLION = 1_000_000
MOST_TOKENS = 10**12
"""A count of tokens beyond this is no count."""

_NAMES = (
    "a2a a2a_agent abliteration ai21 ai21_chat aihubmix aiml aiohttp_openai amazon_nova anthropic anthropic_text "
    "apertis assemblyai auto_router aws_polly aws_textract azure azure_ai azure_speech azure_text baseten bedrock "
    "bedrock_mantle bespoke black_forest_labs bytez cerebras charity_engine chatgpt chutes clarifai cloudflare "
    "codestral cognition cohere cohere_chat cometapi compactifai coralbricks cortecs crusoe cursor custom "
    "custom_openai darkbloom dashscope databricks databricks_agent datarobot deepgram deepinfra deepseek "
    "docker_model_runner dotprompt edenai elevenlabs empiriolabs empower fal_ai featherless_ai fireworks_ai "
    "friendliai galadriel gdc gemini gigachat github github_copilot gmi gradient_ai groq helicone heroku hosted_vllm "
    "huggingface humanloop hyperbolic inception inferenceapis infinity jina_ai lambda_ai langflow langfuse langgraph "
    "laya lemonade libertai litellm_agent litellm_proxy llamafile llamagate lm_studio manus maritalk meta meta_llama "
    "microsoft_365_copilot milvus minimax mistral modelscope mongodb moonshot morph nadir nano-gpt nebius neosantara "
    "nlp_cloud novita nscale nvidia_nim nvidia_riva oci ollama ollama_chat oobabooga openai openai_like openrouter "
    "ovhcloud parasail perplexity petals pg_vector pinstripes poe predibase prism publicai qwen_ai_platform "
    "qwencloud ragflow recraft reducto reka replicate runwayml s3_vectors sagemaker sagemaker_chat sagemaker_nova "
    "sail sambanova sap sarvam scaledown scaleway scx-ai snowflake soniox stability strands_decider synthetic "
    "tencent tensormesh text-completion-codestral text-completion-inception text-completion-openai together_ai topaz "
    "transcribe triton typesafe v0 valkey veniceai vercel_ai_gateway vertex_ai vertex_ai_beta vllm volcengine voyage "
    "wandb watsonx watsonx_text xai xiaomi_mimo xinference zai"
)

PROVIDERS = frozenset(_NAMES.split())
"""What may stand before the first slash of a model id."""

KEY_VARIABLES: dict[str, tuple[str, ...]] = {
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    "azure": ("AZURE_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_AD_TOKEN", "AZURE_CLIENT_ID"),
    "cerebras": ("CEREBRAS_API_KEY",),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "cohere_chat": ("COHERE_API_KEY", "CO_API_KEY"),
    "dashscope": ("DASHSCOPE_API_KEY",),
    "deepinfra": ("DEEPINFRA_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "fireworks_ai": ("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "groq": ("GROQ_API_KEY",),
    "hyperbolic": ("HYPERBOLIC_API_KEY",),
    "minimax": ("MINIMAX_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "moonshot": ("MOONSHOT_API_KEY",),
    "nebius": ("NEBIUS_API_KEY",),
    "novita": ("NOVITA_API_KEY",),
    "nvidia_nim": ("NVIDIA_NIM_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY", "OR_API_KEY"),
    "perplexity": ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
    "sambanova": ("SAMBANOVA_API_KEY",),
    "together_ai": ("TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY"),
    "typesafe": ("TYPESAFE_API_KEY",),
    "xai": ("XAI_API_KEY",),
    "zai": ("ZAI_API_KEY",),
}
"""The variables that LiteLLM reads a provider's key from; any one is enough. A provider that is not here needs
none (a server of one's own), or more than a key, and then LiteLLM says so."""


class Price(BaseModel):
    """USD per million tokens.

    Attributes:
        input: Tokens of the prompt.
        output: Tokens of the completion.
        cached_input: Prompt tokens that the provider had cached; None: as `input`.
        reasoning: Completion tokens spent on thinking; None: as `output`.
        batch: What a call costs in a batch, as a share of the same call made live; None: not known.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    reasoning: float | None = Field(default=None, ge=0)
    batch: float | None = Field(default=None, ge=0, le=1)

    def in_batch(self, share: float) -> Price:
        """The price in a batch.

        Args:
            share: What a call costs there where `batch` does not say it.
        """
        share = share if self.batch is None else self.batch

        def part(price: float) -> float:
            return round(price * share, 9)

        return Price(
            input=part(self.input),
            output=part(self.output),
            cached_input=None if self.cached_input is None else part(self.cached_input),
            reasoning=None if self.reasoning is None else part(self.reasoning),
        )


FREE = Price.model_construct(input=0.0, output=0.0)


def cost(price: Price, usage: Mapping[str, Any]) -> float:
    """What a call costs, in USD.

    Args:
        price: The judge's price.
        usage: `prompt_tokens`, and of them `cached_prompt_tokens`; `completion_tokens`, and of them
            `reasoning_tokens`, as in the OpenAI protocol. What is not there, or None, counts as 0.
    """
    prompt, completion = (usage.get(key) or 0 for key in ("prompt_tokens", "completion_tokens"))
    cached = min(usage.get("cached_prompt_tokens") or 0, prompt)
    thought = min(usage.get("reasoning_tokens") or 0, completion)
    cached_price = price.input if price.cached_input is None else price.cached_input
    thought_price = price.output if price.reasoning is None else price.reasoning
    total = (prompt - cached) * price.input + cached * cached_price
    total += (completion - thought) * price.output + thought * thought_price
    return float(total / _MILLION)


def is_free(price: Price) -> bool:
    """Whether no call costs anything, however many tokens it has."""
    return not any((price.input, price.output, price.cached_input, price.reasoning))


def used_tokens(usage: Any, *, answered: bool) -> tuple[dict[str, int], bool]:
    """The tokens that a provider reports, and whether the call's cost can be known from them.

    Thinking that the provider counts beside the completion is counted into it here, as the OpenAI protocol has it.

    It cannot where a count is missing, negative, absurdly large or no whole number, nor where there is an answer of no
    tokens or a prompt of none; such counts are 0 here.

    Args:
        usage: Of the reply, as an object or as JSON has it, in the OpenAI protocol's names; None where it has none.
        answered: Whether the model said anything.
    """
    said: dict[str, Any] = {
        "prompt_tokens": _number(_of(usage, "prompt_tokens")),
        "completion_tokens": _number(_of(usage, "completion_tokens")),
        "reasoning_tokens": _number(_of(_of(usage, "completion_tokens_details"), "reasoning_tokens")),
        "cached_prompt_tokens": _number(_of(_of(usage, "prompt_tokens_details"), "cached_tokens")),
    }
    tokens = {name: count if _is_count(count) else 0 for name, count in said.items()}
    prompt, completion, thought = (tokens[f"{of}_tokens"] for of in ("prompt", "completion", "reasoning"))
    if thought > completion or _number(_of(usage, "total_tokens")) == prompt + completion + thought:
        tokens["completion_tokens"] += thought
    usable = all(count is None or _is_count(count) for count in said.values())
    return tokens, usable and tokens["prompt_tokens"] > 0 and (tokens["completion_tokens"] > 0 or not answered)


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)


def _number(value: Any) -> Any:
    """A count that some servers write as text or with a point, as the integer that it is."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value[:20])
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS


@lru_cache(maxsize=256)
def listed_price(model: str, *, decisions: bool = False) -> Price | None:
    """The price of a LiteLLM id (`openai/gpt-6-luna`) in LiteLLM's table; None where it has none.

    An entry without the provider's prefix counts only where it is of that provider, so that a model of the same
    name on a server of one's own has no price.

    Args:
        model: The id.
        decisions: Its price as a decision model, where a chat model that is both has another.
    """
    entry = _entry(model)
    if entry is None:
        return None

    def per_million(field: str) -> Any:
        own = entry.get(f"{field}{_OF_DECISIONS}") if decisions else None
        return _per_million(entry[field] if own is None else own)

    if per_million("input_cost_per_token") is None or per_million("output_cost_per_token") is None:
        return None
    return Price(
        input=per_million("input_cost_per_token"),
        output=per_million("output_cost_per_token"),
        cached_input=per_million("cache_read_input_token_cost"),
        reasoning=None if decisions else per_million("output_cost_per_reasoning_token"),
        batch=_share_in_batch(entry),
    )


def _share_in_batch(entry: Mapping[str, Any]) -> float | None:
    """What a call costs in a batch, as a share; where the table has two, for prompt and completion, the larger."""
    pairs = [(entry[f"{field}_batches"], entry[field]) for field in ("input_cost_per_token", "output_cost_per_token")]
    shares = [round(batch / live, 6) for batch, live in pairs if batch is not None and live]
    return min(1.0, max(shares)) if shares else None


def listed_mode(model: str) -> str | None:
    """What kind of model a LiteLLM id is by LiteLLM's table: `chat`, `evaluation`, `embedding`, ...; None: unknown."""
    entry = _entry(model)
    mode = None if entry is None else entry.get("mode")
    return None if mode is None else str(mode)


def is_listed_decider(model: str) -> bool:
    """Whether LiteLLM's table has a LiteLLM id as a decision model, alone or beside chat."""
    entry = _entry(model)
    if entry is None:
        return False
    endpoints = entry.get("supported_endpoints") or ()
    priced = any(entry.get(field) is not None for field in _FIELDS if field.endswith(_OF_DECISIONS))
    return entry.get("mode") in DECISION_MODES or priced or any(each.endswith(_DECISION_PATHS) for each in endpoints)


def _entry(model: str) -> dict[str, Any] | None:
    """The table's entry of a LiteLLM id, which may stand there without its provider."""
    table = _table()
    provider, _, bare = model.partition("/")
    entry = table.get(model)
    if entry is None and bare in table and str(table[bare]["litellm_provider"]).startswith(provider):
        entry = table[bare]
    return entry


def listed_end(model: str) -> date | None:
    """The day from which a LiteLLM id is no longer served, by LiteLLM's table; None where it names none."""
    entry = _entry(model)
    try:
        return None if entry is None else date.fromisoformat(entry["deprecation_date"])
    except (TypeError, ValueError):
        return None


def listed_output_limit(model: str) -> int | None:
    """The most tokens that an answer of a LiteLLM id can have, by LiteLLM's table; None where it says nothing."""
    table = _table()
    entry = table.get(model) or table.get(model.partition("/")[2])
    limit = None if entry is None else entry["max_output_tokens"]
    return limit if isinstance(limit, int) else None


def listed_context(model: str) -> int | None:
    """The most tokens that a LiteLLM id takes in, by LiteLLM's table; None where it says nothing."""
    table = _table()
    entry = table.get(model) or table.get(model.partition("/")[2])
    limit = None if entry is None else entry["max_input_tokens"]
    return limit if isinstance(limit, int) and limit > 0 else None


def listed_schema(model: str) -> bool:
    """Whether LiteLLM knows that a LiteLLM id takes a JSON schema for its reply.

    By its table, as `litellm.supports_response_schema` reads it, and its list of providers that always do.
    """
    table = _table()
    provider, _, bare = model.partition("/")
    if provider in _TAKE_SCHEMAS:
        return True
    entry, of_bare = table.get(model), table.get(bare)
    if entry is not None and entry["supports_response_schema"] is not None:
        return entry["supports_response_schema"] is True
    if of_bare is None or (entry is None and not str(of_bare["litellm_provider"]).startswith(provider)):
        return False
    return of_bare["supports_response_schema"] is True


def is_listed_provider(provider: str) -> bool:
    """Whether the installed LiteLLM routes to this provider, or its table has a model of it."""
    return provider in routed_providers() or any(entry["litellm_provider"] == provider for entry in _table().values())


def _per_million(per_token: float | None) -> Any:
    # Rounded, because 1.5e-07 * 1e6 is 0.15 only to the sixteenth digit.
    return None if per_token is None else round(per_token * _MILLION, 9)


_FIELDS = (
    "litellm_provider",
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_input_token_cost",
    "output_cost_per_reasoning_token",
    "max_input_tokens",
    "max_output_tokens",
    "supports_response_schema",
    "deprecation_date",
    "mode",
    "supported_endpoints",
    "input_cost_per_token_decisions",
    "output_cost_per_token_decisions",
    "cache_read_input_token_cost_decisions",
    "input_cost_per_token_batches",
    "output_cost_per_token_batches",
)
_OF_DECISIONS = "_decisions"
_DECISION_PATHS = ("/decisions", "/systemone")
DECISION_MODES = frozenset({"evaluation", "decisions"})
"""What LiteLLM's table calls models that answer typed questions with probabilities."""
TEXT_MODES = frozenset({"chat", "responses", "completion"})
"""What it calls those that answer with text."""
_TAKE_SCHEMAS = frozenset({"predibase", "fireworks_ai", "lm_studio", "nebius", "databricks"})


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, Any]]:
    folder = litellm_folder()
    if folder is None:
        return {}
    try:
        entries = json.loads((folder / TABLE).read_bytes())
    except (OSError, ValueError):
        return {}
    return {model: {field: entry.get(field) for field in _FIELDS} for model, entry in entries.items()}
