"""LiteLLM's exceptions by remedy: tried again, fatal for the judge, or a failure of the one call."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from judgebench._util.redaction import in_one_line
from judgebench.client.providers.litellm import transport as lite
from judgebench.errors import (
    BrokenReplyError,
    FatalProviderError,
    JudgebenchError,
    RateLimitedError,
    TimedOutError,
    TransientError,
    VerdictFailure,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from judgebench.judges import Judge

_QUOTA = re.compile(
    r"insufficient_quota|exceeded your current quota|credit balance is too low|billing_hard_limit_reached"
    r"|billing hard limit",
    re.IGNORECASE,
)
_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_RATE_CODES = frozenset({"rate_limit_exceeded", "rate_limit_error", "requests", "tokens"})
LONGEST_PAUSE_S = 600.0
"""A provider that names a longer wait may mean that quota exhausted; a shorter one is a rate limit's."""
_CONTEXT = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|maximum model length"
    r"|context (?:length|size|window|the overflows)\b.{0,60}(?:exceed|overflow|too|not enough)"
    r"|(?:prompt|input) is too long|reduce the length of the messages|must have less than \d+ tokens",
    re.IGNORECASE | re.DOTALL,
)
_FILTER = re.compile(
    r"content_filter|content_policy|content management policy|data_inspection_failed|inappropriate content"
    r"|(?:input|prompt) was flagged|content exists risk|safety system",
    re.IGNORECASE,
)
_TOO_LARGE = re.compile(r"request too large", re.IGNORECASE)
_STATUS_OF = {
    "content_filter": 400,
    "content_policy_violation": 400,
    "context_length_exceeded": 400,
    "invalid_request_error": 400,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "insufficient_quota": 402,
    "permission_error": 403,
    "model_not_found": 404,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "overloaded_error": 529,
}
"""The words that stand for a status where an error comes as the body of a 200."""
_FATAL_STATUS = {401: "the key is refused", 402: "no credit is left", 403: "access is denied", 404: "no such model"}
OVERLOADED = 529
_PASSING_STATUS = frozenset({408, 409, 425, 429})
_LASTING_STATUS = frozenset({501, 505})
_PREFIX = re.compile(r"^(?:litellm\.\w+: |\w+Error: |\w+Exception - )+")


def _is_refusal(error: Exception) -> bool:
    """Whether the provider answered with an error, so that nothing was charged.

    A call that timed out, or whose reply broke off, may have been; so may one with a body that is no JSON, which comes
    as status 200.
    """
    return bool(getattr(error, "litellm_response_headers", None)) and getattr(error, "status_code", None) != 200


def by_remedy(error: Exception, judge: Judge, secrets: Iterable[str]) -> JudgebenchError:
    """Our error for one of LiteLLM's; its message names the judge and holds no key.

    Args:
        error: What `litellm.acompletion` raised.
        judge: Whose call it was.
        secrets: Values that must not be in the message.
    """
    remedy = _by_remedy(error, judge, secrets)
    remedy.charged = not _is_refusal(error)
    return remedy


def _by_remedy(error: Exception, judge: Judge, secrets: Iterable[str]) -> JudgebenchError:
    litellm = lite.litellm()

    status = _status(error, judge)
    said = clean(str(error), secrets)
    where = f"judge '{judge.name}' ({judge.model})"
    if kind := _said_of_the_prompt(error, status):
        return VerdictFailure(kind, said)
    if status == 429 or isinstance(error, litellm.RateLimitError):
        if _quota_gone(error):
            return FatalProviderError(f"{where}: quota exhausted: {said}; {_mend(402, judge)}")
        if _TOO_LARGE.search(str(error)):
            return VerdictFailure("provider", f"status {status}: {said}")
        return RateLimitedError(f"rate limit: {said}", retry_after=_retry_after(error))
    if status in _FATAL_STATUS and not isinstance(error, litellm.InternalServerError):
        mend = _mend(status, judge)
        return FatalProviderError(f"{where}: {_FATAL_STATUS[status]} (status {status}): {said}; {mend}")
    if isinstance(error, litellm.Timeout):
        return TimedOutError(said if _is_refusal(error) else f"no reply within {judge.timeout:g} s")
    if status == OVERLOADED:
        return RateLimitedError(said, retry_after=_retry_after(error))
    if _is_passing(status) or isinstance(error, litellm.APIConnectionError):
        kind_of_error = TransientError if _is_refusal(error) else BrokenReplyError
        return kind_of_error(said, retry_after=_retry_after(error))
    return VerdictFailure("provider", f"status {status}: {said}")


def _quota_gone(error: Exception) -> bool:
    """Whether a 429 means that waiting does not help: by its code or type, else its wait, else all its words."""
    codes = _codes(error)
    if codes & _QUOTA_CODES:
        return True
    wait = _retry_after(error)
    if codes & _RATE_CODES or (wait is not None and wait <= LONGEST_PAUSE_S):
        return False
    return _QUOTA.search(str(error)) is not None


def _codes(error: Exception) -> set[str]:
    """The code and the type in an error's body; LiteLLM keeps it as an object, or as the JSON in its message."""
    body = getattr(error, "body", None)
    if not isinstance(body, dict):
        try:
            body = json.loads(_PREFIX.sub("", str(error)))
        except ValueError:
            return set()
    inner = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(inner, dict):
        return set()
    return {str(inner.get(name)).lower() for name in ("code", "type") if inner.get(name) is not None}


def _said_of_the_prompt(error: Exception, status: int | None) -> str:
    """The failure's kind where the provider will not take this one prompt: too long, or filtered; else nothing."""
    litellm = lite.litellm()

    if isinstance(error, litellm.ContextWindowExceededError):
        return "context"
    if isinstance(error, litellm.ContentPolicyViolationError):
        return "filtered"
    of_the_call = status == 400 or isinstance(error, litellm.BadRequestError)
    words = f"{error} {getattr(error, 'status_code', '')} {getattr(error, 'body', '')}"
    if of_the_call and _CONTEXT.search(words):
        return "context"
    if (of_the_call or status == 403) and _FILTER.search(words):
        return "filtered"
    return ""


def _status(error: Exception, judge: Judge) -> int | None:
    """The error's status; for one that came as the body of a 200, what its code stands for.

    Gateways send such bodies. LiteLLM gives their code as the status, whatever it is, or 400 or 422 where there is
    none, and no headers; over HTTP, the OpenAI protocol always has some.
    """
    litellm = lite.litellm()

    status = getattr(error, "status_code", None)
    if isinstance(status, str):
        return int(status) if status.isdecimal() else _STATUS_OF.get(status, 500)
    if status is None:
        return 500 if isinstance(error, litellm.APIError) else None
    in_body = (
        status in {400, 422}
        and judge.provider in {"openai", "hosted_vllm"}
        and not isinstance(error, litellm.UnsupportedParamsError)
        and not getattr(error, "litellm_response_headers", None)
    )
    return 500 if in_body else int(status)


def _is_passing(status: object) -> bool:
    """Whether the same call may work later; 200 stands for a body that is no JSON."""
    if not isinstance(status, int):
        return False
    return status in _PASSING_STATUS or status == 200 or (status >= 500 and status not in _LASTING_STATUS)


def _mend(status: int, judge: Judge) -> str:
    from judgebench.judges import key_variables

    if status in {401, 403}:
        names = " or ".join(key_variables(judge))
        return f"check the key in {names}" if names else "set api_key_env to the variable with its key"
    return "check the model's name" if status == 404 else "add credit, then rerun the command"


def clean(message: str, secrets: Iterable[str]) -> str:
    """The provider's own words in one line of at most 300 characters, without any key."""
    message = _own_words(_PREFIX.sub("", message).partition("Traceback (most recent call last)")[0])
    return in_one_line(message, secrets)


def _own_words(message: str) -> str:
    """The message in an error body as most providers write it; anything else as it is."""
    try:
        said = json.loads(message)
    except ValueError:
        return message
    for name in ("error", "message"):
        said = said.get(name, said) if isinstance(said, dict) else said
    return said if isinstance(said, str) else message


def _retry_after(error: Exception) -> float | None:
    """Seconds from `retry-after-ms`, else `retry-after` (a number or a date); None where neither can be read."""
    headers: Mapping[str, Any] = getattr(error, "litellm_response_headers", None) or {}
    lowered = {str(name).lower(): str(value) for name, value in headers.items()}
    milliseconds = _number(lowered.get("retry-after-ms", ""))
    if milliseconds is not None:
        return max(0.0, milliseconds / 1000)
    said = lowered.get("retry-after", "")
    seconds = _number(said)
    return _until(said) if seconds is None else max(0.0, seconds)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _until(date: str) -> float | None:
    import time
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        until = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return None
    # Two forms of a date name no zone (asctime, and `-0000`); every date of HTTP is in UTC.
    return max(0.0, (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - time.time())
