"""What the installed LiteLLM says of its providers, read as files: a newer one knows more of them than we do."""

from __future__ import annotations

import importlib.util
import json
import re
from functools import lru_cache
from pathlib import Path


def litellm_folder() -> Path | None:
    """The folder of the installed LiteLLM, which is not imported; None where there is none."""
    spec = importlib.util.find_spec("litellm")
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


@lru_cache(maxsize=1)
def routed_like_openai() -> dict[str, str | None]:
    """Providers that LiteLLM routes to by a list alone, and the variable that each address is taken from, if any."""
    folder = litellm_folder()
    try:
        listed = json.loads((folder or Path()).joinpath("llms", "openai_like", "providers.json").read_bytes())
        return {str(name): entry.get("api_base_env") for name, entry in listed.items()}
    except (OSError, ValueError, AttributeError):  # a LiteLLM that keeps no such list
        return {}


@lru_cache(maxsize=1)
def routed_providers() -> frozenset[str]:
    """All providers that LiteLLM routes to."""
    try:
        source = ((litellm_folder() or Path()) / "types" / "utils.py").read_text(encoding="utf-8")
    except OSError:
        source = ""
    names = source.partition("class LlmProviders(")[2].partition("\nclass ")[0]
    return frozenset({*re.findall(r'^    [A-Z0-9_]+ = "([^"]+)"', names, re.MULTILINE), *routed_like_openai()})


@lru_cache(maxsize=1)
def decision_providers() -> frozenset[str]:
    """Providers whose decision models LiteLLM can call; none with a LiteLLM that knows of no such models."""
    folder = litellm_folder() or Path()
    found = {path.parts[-3] for path in folder.glob("llms/*/decisions/transformation.py")}
    return frozenset(found - {"base_llm"})
