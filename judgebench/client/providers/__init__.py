"""Ways to get replies: LiteLLM, other packages' providers, Python functions, and the judges that need no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgebench._util.plugins import plugin
from judgebench.judges import PLUGINS, is_plugged

if TYPE_CHECKING:
    from judgebench.client.providers.base import Provider
    from judgebench.judges import Judge


def provider_of(judge: Judge) -> Provider:
    """The way to a judge: its function's, else by what stands before the first slash of its model.

    Raises:
        ConfigError: Another package's provider is broken.
    """
    if judge.offline:
        from judgebench.client.providers.offline import OfflineProvider

        return OfflineProvider(judge)
    if judge.function is not None:
        from judgebench.client.providers.python import PythonProvider

        return PythonProvider(judge)
    if is_plugged(judge.provider):
        provider: Provider = plugin(PLUGINS, "provider", judge.provider, lambda cls: cls(judge), _problem)
        return provider
    from judgebench.client.providers.litellm.provider import LiteLLMProvider

    return LiteLLMProvider(judge)


def _problem(provider: Any) -> str:
    from judgebench.client.providers.base import Provider

    if not isinstance(provider, Provider):
        return "it is not a subclass of judgebench.client.Provider"
    return "" if hasattr(provider, "judge") else "its __init__ does not call that of judgebench.client.Provider"
