"""Ways to get replies: LiteLLM, plain HTTP, other packages' providers, functions, and the judges without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgebench._util.plugins import blaming, plugin
from judgebench.judges import PLUGINS, is_direct, is_plugged, secret_values

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
        provider: Provider = plugin(PLUGINS, "provider", judge.provider, _problem, judge)
        return provider
    if is_direct(judge):
        from judgebench.client.providers.direct.provider import DirectProvider

        return DirectProvider(judge)
    from judgebench.client.providers.litellm.provider import LiteLLMProvider

    return LiteLLMProvider(judge)


def check_provider(judge: Judge, provider: Provider | None = None) -> None:
    """Finds out, before the first call, whether a judge can be asked.

    Args:
        judge: Who.
        provider: The way to it, where there is one already.

    Raises:
        ConfigError: It cannot, or another package's provider is broken.
    """
    provider = provider or provider_of(judge)
    with blaming(title_of(judge), provider, "check", secrets=secret_values(judge)):
        provider.check()


def title_of(judge: Judge) -> str:
    """A judge and its model, as they start a message."""
    return f"judge '{judge.name}'" + (f" ({judge.model})" if judge.model != judge.name else "")


def _problem(provider: Any) -> str:
    from judgebench.client.providers.base import Provider

    if not isinstance(provider, Provider):
        return "it is not a subclass of judgebench.client.Provider"
    return "" if hasattr(provider, "judge") else "its __init__ does not call that of judgebench.client.Provider"
