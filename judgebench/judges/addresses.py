"""Where a judge's calls go: the address of its file, else that of the environment, else the provider's own."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from judgebench._util.redaction import without_secrets
from judgebench.errors import ConfigError
from judgebench.judges.installed import routed_like_openai

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from judgebench.judges.judge import Judge

_OPENAI = ("OPENAI_BASE_URL", "OPENAI_API_BASE")
_ANTHROPIC = ("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL")
_VERTEX = ("VERTEXAI_API_BASE", "VERTEX_API_BASE")
_WATSONX = ("WATSONX_API_BASE", "WATSONX_URL", "WX_URL", "WML_URL")

_ADDRESS_VARIABLES: dict[str, tuple[str, ...]] = {
    "aiohttp_openai": _OPENAI,
    "anthropic": _ANTHROPIC,
    "anthropic_text": _ANTHROPIC,
    "azure_text": ("AZURE_API_BASE",),
    "bedrock": ("AWS_BEDROCK_RUNTIME_ENDPOINT",),
    "chatgpt": ("CHATGPT_API_BASE", "OPENAI_CHATGPT_API_BASE"),
    "cohere_chat": ("COHERE_API_BASE",),
    "custom_openai": _OPENAI,
    "datarobot": ("DATAROBOT_ENDPOINT",),
    "featherless_ai": ("FEATHERLESS_API_BASE", "FEATHERLESS_AI_API_BASE"),
    "fireworks_ai": ("FIREWORKS_API_BASE",),
    "friendliai": ("FRIENDLI_API_BASE",),
    "gradient_ai": ("GRADIENT_AI_AGENT_ENDPOINT",),
    "huggingface": ("HF_API_BASE", "HUGGINGFACE_API_BASE"),
    "lambda_ai": ("LAMBDA_API_BASE",),
    "meta_llama": ("LLAMA_API_BASE",),
    "mistral": ("MISTRAL_AZURE_API_BASE", "MISTRAL_API_BASE"),
    "ollama_chat": ("OLLAMA_API_BASE",),
    "openai": _OPENAI,
    "scx-ai": ("SCX_API_BASE",),
    "tensormesh": ("TENSORMESH_SERVERLESS_BASE_URL",),
    "text-completion-codestral": ("CODESTRAL_API_BASE",),
    "text-completion-inception": ("INCEPTION_API_BASE",),
    "text-completion-openai": _OPENAI,
    "together_ai": ("TOGETHER_AI_API_BASE", "TOGETHERAI_API_BASE"),
    "vertex_ai": _VERTEX,
    "vertex_ai_beta": _VERTEX,
    "watsonx": _WATSONX,
    "watsonx_text": _WATSONX,
}
"""The variables that LiteLLM takes a provider's address from, the first that is set counts, where they are not
`PROVIDER_API_BASE`."""

_NO_ADDRESS = frozenset(
    {
        *("azure", "azure_ai", "azure_text", "hosted_vllm", "infinity", "litellm_proxy", "lm_studio", "oobabooga"),
        *("aiohttp_openai", "custom_openai", "openai_like", "triton", "xinference"),
    }
)
"""Ways to a server of one's own: none has an address by itself. LiteLLM sends some of them to OpenAI then."""

_OWN_HOSTS = {
    "anthropic": ("anthropic.com",),
    "azure": ("azure.com", "azure.us", "azure.cn", "microsoft.com"),
    "azure_ai": ("azure.com", "azure.us", "azure.cn", "microsoft.com"),
    "bedrock": ("amazonaws.com", "amazonaws.com.cn"),
    "deepseek": ("deepseek.com",),
    "gemini": ("googleapis.com",),
    "groq": ("groq.com",),
    "mistral": ("mistral.ai",),
    "openai": ("openai.com",),
    "openrouter": ("openrouter.ai",),
    "together_ai": ("together.ai", "together.xyz"),
    "vertex_ai": ("googleapis.com",),
    "xai": ("x.ai",),
}
_NAMES_AN_ADDRESS = re.compile(r"(?:BASE|URL|URI|ENDPOINT|HOST|ADDRESS|SERVER)\Z", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s/]+\S*")


def address_variables(provider: str) -> tuple[str, ...]:
    """The environment variables that can hold the address of a provider's models, the one that counts first."""
    usual = f"{provider.upper().replace('-', '_')}_API_BASE"
    known = _ADDRESS_VARIABLES.get(provider, (usual,))
    listed = routed_like_openai().get(provider)
    return known if listed is None or listed in known else (listed, *known)


def unknown_variables(judge: Judge) -> dict[str, str]:
    """Servers that a variable names by its address, where the judge has none: a newer LiteLLM may send calls there.

    Returns:
        By host and port: the variable's name. A call that goes there is stopped.
    """
    if judge.api_base is not None:
        return {}
    own = _OWN_HOSTS.get(judge.provider, ())
    said = {_server(address) for address in _addresses(judge)}
    found = {}
    for name, value in os.environ.items():
        if _NAMES_AN_ADDRESS.search(name) and _ADDRESS.fullmatch(value.strip()):
            host, server = urlsplit(value.strip()).hostname or "", _server(value.strip())
            if server not in said and not any(f".{host}".endswith(f".{each}") for each in own):
                found[server] = name
    return found


def _server(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def at_its_address(judge: Judge) -> Judge:
    """The judge at the address that the environment gives its provider; as it is where its file gives one, or none.

    Raises:
        ConfigError: The variable holds no address.
    """
    if judge.api_base is not None:
        return judge
    variable = next((name for name in address_variables(judge.provider) if os.environ.get(name, "").strip()), None)
    if variable is None:
        return judge
    address = os.environ[variable].strip()
    if not _ADDRESS.fullmatch(address):
        raise ConfigError(
            f"the environment variable {variable}, which judge '{judge.name}' is sent to, is not an address; "
            "set it to one such as http://127.0.0.1:8000/v1, or unset it"
        )
    return judge.model_copy(update={"api_base": address, "address_variable": variable})


def missing_address(judge: Judge) -> str | None:
    """The variable to set before this judge can be called; None where it has an address, or its provider has one."""
    needs_one = judge.api_base is None and judge.provider in _NO_ADDRESS
    return address_variables(judge.provider)[0] if needs_one else None


def check_address(judge: Judge) -> None:
    """Raises ConfigError where nobody says on which server of the user's own the model is."""
    variable = missing_address(judge)
    if variable is not None:
        model = "" if judge.name == judge.model else f" ({judge.model})"
        raise ConfigError(
            f"judge '{judge.name}'{model} has no address, and {judge.provider}/ is a server of your own; "
            f"set api_base in providers.yaml, or {variable}, to one such as http://127.0.0.1:8000/v1"
        )


def addresses_in(settings: Mapping[str, object]) -> list[str]:
    """The addresses among settings: beside `api_base`, LiteLLM knows such as `aws_bedrock_runtime_endpoint`."""
    return [each for each in settings.values() if isinstance(each, str) and "://" in each]


def is_foreign(judge: Judge) -> bool:
    """Whether the address of a judge's file is another than its provider's own."""
    own = _OWN_HOSTS.get(judge.provider, ())
    hosts = [urlsplit(address).hostname or "" for address in _addresses(judge)]
    return any(not any(f".{host}".endswith(f".{each}") for each in own) for host in hosts)


def _addresses(judge: Judge) -> list[str]:
    return addresses_in({"api_base": judge.api_base, **judge.extra})


def address_of(judge: Judge) -> str | None:
    """Where a judge's calls go, with neither user nor query; None for the provider's own address."""
    address = next(iter(_addresses(judge)), None)
    return None if address is None else str(without_secrets(address))


def address_line(judge: Judge, file: Path | None) -> str | None:
    """Where a judge's calls go and what says so; None for the provider's own address.

    Args:
        judge: Whose.
        file: The user's own file that makes it what it is.
    """
    address = address_of(judge)
    source = judge.address_variable or file or "the providers.yaml that ships"
    return None if address is None else f"judge '{judge.name}' ({judge.model}): {address}, from {source}"
