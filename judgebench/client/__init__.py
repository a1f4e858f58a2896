"""The only door to models: the cache, LiteLLM, retries, limits, and the judges that need no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.lazy import lazy_face

if TYPE_CHECKING:
    from judgebench.client.budget import Budget, longest_answer
    from judgebench.client.cache.bundles import Bundle, BundledRun, Header, write_bundle
    from judgebench.client.cache.keys import KeyMaker
    from judgebench.client.cache.maintenance import CacheInfo, Choice, PruneResult, ReplyStore
    from judgebench.client.cache.store import ReplyCache
    from judgebench.client.calls import JudgeClient
    from judgebench.client.inflight import CallsInFlight
    from judgebench.client.limits import make_room
    from judgebench.client.providers.base import Provider, Request
    from judgebench.client.providers.litellm.settings import CHEAPER
    from judgebench.client.providers.litellm.transport import eased
    from judgebench.client.tokens import TokenCount, counted, prompt_tokens

__all__ = [
    "CHEAPER",
    "Budget",
    "Bundle",
    "BundledRun",
    "CacheInfo",
    "CallsInFlight",
    "Choice",
    "Header",
    "JudgeClient",
    "KeyMaker",
    "Provider",
    "PruneResult",
    "ReplyCache",
    "ReplyStore",
    "Request",
    "TokenCount",
    "counted",
    "eased",
    "longest_answer",
    "make_room",
    "prompt_tokens",
    "write_bundle",
]

if not TYPE_CHECKING:
    __getattr__ = lazy_face(
        __name__,
        {
            "budget": (
                "Budget",
                "longest_answer",
            ),
            "cache.bundles": (
                "Bundle",
                "BundledRun",
                "Header",
                "write_bundle",
            ),
            "cache.keys": ("KeyMaker",),
            "cache.maintenance": (
                "CacheInfo",
                "Choice",
                "PruneResult",
                "ReplyStore",
            ),
            "cache.store": ("ReplyCache",),
            "calls": ("JudgeClient",),
            "inflight": ("CallsInFlight",),
            "limits": ("make_room",),
            "providers.base": (
                "Provider",
                "Request",
            ),
            "providers.litellm.settings": ("CHEAPER",),
            "providers.litellm.transport": ("eased",),
            "tokens": (
                "TokenCount",
                "counted",
                "prompt_tokens",
            ),
        },
    )
