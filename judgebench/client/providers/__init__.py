"""Ways to get replies: models behind LiteLLM, Python functions, and the judges that need no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgebench.client.providers.base import Provider
    from judgebench.judges import Judge


def provider_of(judge: Judge) -> Provider:
    """The way to a judge, by what stands before the first slash of its model."""
    if judge.offline:
        from judgebench.client.providers.offline import OfflineProvider

        return OfflineProvider(judge)
    if judge.function is not None:
        from judgebench.client.providers.python import PythonProvider

        return PythonProvider(judge)
    from judgebench.client.providers.litellm.provider import LiteLLMProvider

    return LiteLLMProvider(judge)
