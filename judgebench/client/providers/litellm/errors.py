"""LiteLLM's exceptions: what each says beside its words, and what is wrong with LiteLLM's own way to a judge."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from judgebench.client.providers import remedies
from judgebench.client.providers.bodies import clean
from judgebench.client.providers.litellm import transport as lite
from judgebench.errors import ConfigError, FatalProviderError, JudgebenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.client.providers.litellm.wire import LiteLLMCall
    from judgebench.judges import Judge

_NO_MODULE = re.compile(r"No module named '([\w.]+)'")
_PACKAGES = {"google": "google-auth", "botocore": "boto3"}
"""Packages by the modules that they hold, where those have other names."""


def by_remedy(error: Exception, judge: Judge, secrets: Sequence[str], wire: LiteLLMCall) -> JudgebenchError:
    """Our error for one of LiteLLM's; its message names the judge and holds no key.

    Args:
        error: What `litellm.acompletion` raised.
        judge: Whose call it was.
        secrets: Values that must not be in the message.
        wire: What came on the wire.
    """
    own = _of_litellm(error, judge, secrets, wire)
    if own is None:
        return remedies.by_remedy(error, judge, secrets, wire, _kind(error))
    own.charged = False
    return own


def _of_litellm(
    error: Exception, judge: Judge, secrets: Sequence[str], wire: LiteLLMCall
) -> ConfigError | FatalProviderError | None:
    """Our error where nothing was sent: a package is missing, a parameter is not taken, or the address is unknown."""
    at = f"judge '{judge.name}' ({judge.model})"
    if wire.status is None and (missing := _NO_MODULE.search(str(error))):
        package = _PACKAGES.get(missing[1].partition(".")[0], missing[1].partition(".")[0])
        return ConfigError(f"{at} needs the package {package}: pip install {package}")
    if isinstance(error, lite.litellm().UnsupportedParamsError):
        said = clean(str(error), secrets).partition(". To drop these")[0]
        return FatalProviderError(f"{at}: {said}; remove them from the judge's params, or send them in its extra_body")
    if wire.led_by is not None:
        return ConfigError(
            f"{at}: LiteLLM would send its calls to the address in the variable {wire.led_by}, which nothing else here "
            "takes for this judge's; set api_base in providers.yaml to that address, or unset the variable"
        )
    return None


def _kind(error: Exception) -> remedies.Kind:
    litellm = lite.litellm()
    kinds: dict[remedies.Kind, type[Exception]] = {
        "context": litellm.ContextWindowExceededError,
        "filtered": litellm.ContentPolicyViolationError,
        "bad request": litellm.BadRequestError,
        "timeout": litellm.Timeout,
        "connection": litellm.APIConnectionError,
        "rate limit": litellm.RateLimitError,
        "api": litellm.APIError,
    }
    return next((kind for kind, error_class in kinds.items() if isinstance(error, error_class)), "")
