"""The cache key: one function of what changes a reply, and of nothing else."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.judges import Judge

KEY_VERSION = 1
"""Raised when the key's recipe changes; replies under older keys are then not found, never misread."""

CONNECTION = frozenset(
    {
        "api_version",
        "api_type",
        "base_url",
        "custom_llm_provider",
        "default_headers",
        "deployment_id",
        "extra_headers",
        "headers",
        "organization",
        "project",
        "region_name",
        "ssl_verify",
        "user",
    }
)
"""Further keys of a judge that say how it is reached, not what it answers."""

CONNECTION_PREFIXES = ("aws_", "vertex_", "azure_", "watsonx_", "litellm_")


LENGTH_LIMITS = ("max_completion_tokens", "max_tokens")
"""Parameters that say how long a reply may be."""


class KeyMaker:
    """Makes the cache keys of one judge.

    A key is the SHA-256 of the recipe's version, whose replies these are (`cache_as`, else the model and, where an
    `api_base` is set, the preset's name), the parameters, the messages, the number of the sample and the response
    schema.
    """

    def __init__(self, judge: Judge) -> None:
        params, _ = judge.params_asked()
        shaping = {name: value for name, value in judge.extra.items() if not _is_connection(name)}
        whose = [judge.cache_as] if judge.cache_as else [judge.identity, judge.model]
        head = _canonical([KEY_VERSION, whose, params, shaping])
        self._head = hashlib.sha256(head.encode())
        unlimited = {name: value for name, value in params.items() if name not in LENGTH_LIMITS}
        self._unlimited_head = hashlib.sha256(_canonical(["ended", KEY_VERSION, whose, unlimited, shaping]).encode())

    def key(
        self,
        messages: Sequence[Mapping[str, str]],
        sample: int,
        schema: Mapping[str, Any] | None = None,
        hint: Mapping[str, Any] | None = None,
        *,
        limited: bool = True,
    ) -> str:
        """The key of one call, 64 hexadecimal digits.

        Args:
            messages: As they are sent.
            sample: Number of the repetition.
            schema: The response schema, or the typed questions, where the call has such.
            hint: What an offline judge is told beside the messages.
            limited: Whether limits on the reply's length (`max_tokens`) count; not for the second key, under which a
                reply that ended by itself is found whatever they are.
        """
        digest = (self._head if limited else self._unlimited_head).copy()
        # Each text with its length before it: as unambiguous as JSON, and much quicker for long ones.
        parts = [
            f"{len(message['role'])}:{message['role']}{len(message['content'])}:{message['content']}"
            for message in messages
        ]
        rest = f"\0{sample}" if schema is None and hint is None else _canonical([sample, schema, hint])
        digest.update("".join((*parts, rest)).encode("utf-8", "surrogatepass"))
        return str(digest.hexdigest())


def _is_connection(name: str) -> bool:
    return name in CONNECTION or name.startswith(CONNECTION_PREFIXES)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
