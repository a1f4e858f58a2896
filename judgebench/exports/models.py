"""Which model a run is of, in the form `organisation/model` that public leaderboards file results under."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from judgebench.errors import ConfigError
from judgebench.judges import family_of, load_judges

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.runs import Run

UNKNOWN = "unknown"

ENGINES = {
    "docker_model_runner": "Docker Model Runner",
    "hosted_vllm": "vLLM",
    "llamafile": "llamafile",
    "lm_studio": "LM Studio",
    "ollama": "Ollama",
    "ollama_chat": "Ollama",
    "oobabooga": "text-generation-webui",
    "triton": "Triton",
    "vllm": "vLLM",
    "xinference": "Xinference",
}
"""LiteLLM's prefixes of servers that people run themselves."""

_DEVELOPERS = {"azure": "openai", "cohere_chat": "cohere", "gemini": "google", "text-completion-openai": "openai"}
"""Whose models a provider's are, where that is not the provider's own name."""

_HOSTS = frozenset(
    (
        *("azure_ai", "baseten", "bedrock", "cerebras", "cloudflare", "custom", "custom_openai", "databricks"),
        *("deepinfra", "featherless_ai", "fireworks_ai", "github", "groq", "huggingface", "hyperbolic", "nebius"),
        *("litellm_proxy", "novita", "nscale", "nvidia_nim", "openai_like", "openrouter", "predibase", "replicate"),
        *("sagemaker", "sambanova", "snowflake", "together_ai", "vertex_ai", "watsonx"),
    )
)
"""Providers of others' models: who made one stands in the rest of its name, if anywhere."""

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


@dataclass(frozen=True, slots=True)
class Model:
    """Which model was evaluated.

    Attributes:
        name: What the run calls it.
        organisation: Who made it; `unknown` where that cannot be told.
        model: Its own name.
        platform: The service that was called; None for another, and for scores.
        engine: The server that people run themselves; None for another.
    """

    name: str
    organisation: str
    model: str
    platform: str | None = None
    engine: str | None = None

    @property
    def id(self) -> str:
        """As `organisation/model`."""
        return f"{self.organisation}/{self.model}"


def model_of(run: Run, named: str | None = None) -> Model:
    """The model that a run is of.

    Args:
        run: The run.
        named: What the user says, as ORGANISATION/MODEL; None to tell by the LiteLLM id, or the name of the scores.

    Raises:
        ConfigError: What the user says has another form.
    """
    if named is not None:
        parts = named.split("/")
        if len(parts) != 2 or not all(_PART.fullmatch(part) for part in parts):
            raise ConfigError(
                f"--model is {named!r}, expected ORGANISATION/MODEL of letters, digits and . _ -, as on the hub"
            )
        return Model(run.name.judge, *parts)
    manifest = run.manifest
    families = manifest.families or load_judges().families
    if manifest.scores is not None:
        return _model(run.name.judge, run.name.judge, families)
    judge = manifest.judge
    provider, slash, rest = (judge.model or run.name.judge).partition("/")
    if not slash:
        return _model(run.name.judge, provider, families)
    if provider in ENGINES:
        return _model(run.name.judge, rest, families, engine=ENGINES[provider])
    if judge.api_base and provider in {"openai", "custom_openai", "openai_like"}:
        return _model(run.name.judge, rest, families)
    if provider in _HOSTS:
        return _model(run.name.judge, rest, families, platform=provider)
    organisation, model = _DEVELOPERS.get(provider, provider), rest.rpartition("/")[2]
    return Model(run.name.judge, _harmless(organisation), _harmless(model), None if provider == "offline" else provider)


def _model(name: str, said: str, families: Mapping[str, Sequence[str]], **where: str) -> Model:
    """The model of a name that may or may not say who made it."""
    organisation, _, model = said.rpartition("/")
    if not organisation or "/" in organisation:
        organisation = family_of(model, families) or UNKNOWN
    return Model(name, _harmless(organisation), _harmless(model), **where)


def _harmless(part: str) -> str:
    """A part of a name that is safe as a folder's."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", part).lstrip(".-_")[:96] or UNKNOWN
