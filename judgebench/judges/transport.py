"""How a judge's calls are carried: by LiteLLM, or by plain HTTP to a server of the OpenAI protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from judgebench.judges.judge import Judge

DIRECT = frozenset(
    {
        *("openai", "hosted_vllm", "custom_openai", "openai_like", "aiohttp_openai", "litellm_proxy", "lm_studio"),
        *("llamafile", "docker_model_runner", "xinference"),
    }
)
"""Providers whose servers speak the OpenAI protocol, and LiteLLM nothing else with them."""

_OTHER_PROTOCOLS = ("aws_", "azure_", "vertex_", "watsonx_")
_LITELLMS = frozenset(
    {
        *("additional_drop_params", "allowed_openai_params", "api_type", "api_version", "custom_llm_provider"),
        *("deployment_id", "drop_params", "fallbacks", "model_info", "region_name", "tags", "metadata"),
    }
)
"""Settings that mean something to LiteLLM alone, or to servers of other protocols."""


def is_direct(judge: Judge) -> bool:
    """Whether the judge's calls go out by plain HTTP."""
    return judge.transport == "direct" and not judge.offline and judge.function is None


def check_transport(judge: Judge) -> None:
    """Finds out whether a judge's calls can go the way that it names.

    Raises:
        ConfigError: They cannot: another protocol, no address, or a setting that only LiteLLM knows.
    """
    if not is_direct(judge):
        return
    at = f"judge '{judge.name}'" + (f" ({judge.model})" if judge.model != judge.name else "")
    otherwise = "or call it through LiteLLM (transport: litellm)"
    if judge.provider not in DIRECT:
        raise ConfigError(
            f"{at}: transport: direct is for servers of the OpenAI protocol, and {judge.provider}/ is another; name it "
            f"hosted_vllm/NAME with an api_base where its server speaks that, {otherwise}"
        )
    if judge.api_base is None:
        raise ConfigError(
            f"{at}: transport: direct needs an api_base; set it to the server's address, such as "
            f"http://127.0.0.1:8000/v1, {otherwise}"
        )
    if judge.decides and judge.provider != "hosted_vllm":
        raise ConfigError(f"{at}: decisions go direct to /v1/systemone only; name it hosted_vllm/NAME, {otherwise}")
    for name in judge.extra:
        if name in _LITELLMS or name.startswith(("litellm_", *_OTHER_PROTOCOLS)):
            raise ConfigError(f"{at}: transport: direct cannot send {name}; remove it, {otherwise}")
