"""How long a provider asks to wait: by a header, a field, or in words. Pure but for the time."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from judgebench.client.limits import LONGEST_PAUSE_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "\u79d2": 1.0, "\u5206": 60.0}
"""By the first letter; thousandths of a second are told apart by the second one."""
_NUMBER = r"\d+(?:\.\d+)?"
_UNIT = (
    r"(?:ms|msecs?|milli(?:s|seconds?)?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|\u79d2|\u5206\u949f?)"
    "(?![A-Za-z])"
)
_LENGTH = re.compile(rf"({_NUMBER})\s*(?:more )?({_UNIT})", re.IGNORECASE)
_LENGTHS = rf"((?:{_NUMBER}\s*(?:more )?{_UNIT}(?:,| and)?[ ,]*)+)"
_WAIT = re.compile(
    r"\b(?:try|retry(?:ing)?|again|wait(?:ing)?|available|allowed|resets?|back(?:ing)?[- ]?off"
    r"|cool(?:ing)?[- ]?down)\b"
    rf"[^.\d\n]{{0,30}}?[\s:=(]{_LENGTHS}"
    rf"|\bretry[-_ ]after[\"']?\s*[:=]\s*[\"']?({_NUMBER})(?![\w.])"
    rf"|{_LENGTHS}\s*[\u4e4b\u4ee5]?\u540e",
    re.IGNORECASE,
)
_WAIT_FIELDS = {
    **dict.fromkeys(("retryafterms", "xmsretryafterms"), 0.001),
    **dict.fromkeys(("retryafter", "xretryafter", "retryafterseconds", "retrydelay", "waitseconds"), 1.0),
    **dict.fromkeys(("xratelimitresetafter", "ratelimitreset"), 1.0),
}
"""Headers and fields that hold a wait, in small letters without marks, and their unit in seconds; the first counts."""
_MOMENT = "xratelimitreset"
_WINDOW = re.compile(r"\b(?:reset|t)=(\d+)")
"""When the window of a `RateLimit` header ends."""


def wait_of(headers: Mapping[str, Any], body: Any, words: str) -> float | None:
    """Seconds that the provider asked to wait, by a header, a field or words; None where it did not say."""
    wait = next(_waits_in([dict(headers), body]), None)
    if wait is None and (named := _WAIT.search(words)):
        wait = _seconds(named[1] or named[3] or "") if named[2] is None else float(named[2])
    return wait


def _waits_in(body: Any) -> Iterator[float]:
    """The waits in headers and in an error's fields, however deep: `retryDelay` of Google's, `retry_after_ms`, ..."""
    if isinstance(body, list):
        for inner in body:
            yield from _waits_in(inner)
    elif isinstance(body, dict):
        named = {re.sub("[-_]", "", str(name)).lower(): value for name, value in body.items()}
        waits = [_wait_in(str(named[name]), unit) for name, unit in _WAIT_FIELDS.items() if name in named]
        yield from (max(0.0, wait) for wait in waits if wait is not None)
        window = _WINDOW.search(str(named.get("ratelimit")))
        if (moment := _until_moment(str(window[1] if window else named.get(_MOMENT)))) is not None:
            yield moment
        for value in named.values():
            yield from _waits_in(value)


def _wait_in(said: str, unit: float) -> float | None:
    number = _number(said)
    if number is not None:
        return number * unit
    return _seconds(said) if re.match(r"\d+(?:\.\d+)? ?[a-z]", said) else _until(said)


def _seconds(text: str) -> float | None:
    """The length of `1m30.5s`, `20 ms` or `2 minutes`."""
    parts = _LENGTH.findall(text)
    units = [0.001 if unit.lower().startswith(("ms", "milli")) else _UNITS[unit[0].lower()] for _, unit in parts]
    return math.fsum(float(number) * unit for (number, _), unit in zip(parts, units, strict=True)) if parts else None


def _until_moment(stamp: str) -> float | None:
    """Seconds until then, by a count of them or by a moment in seconds or milliseconds; None where that is far away."""
    import time

    number = _number(stamp)
    if number is None:
        left = _wait_in(stamp, 1.0)
    else:
        left = (number / 1000 if number > 1e11 else number) - time.time() if number > 1e9 else number
    return max(0.0, left) if left is not None and left <= LONGEST_PAUSE_S else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _until(date: str) -> float | None:
    import time
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        until = datetime.fromisoformat(date) if date[:4].isdecimal() else parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return None
    # Two forms of a date name no zone (asctime, and `-0000`); every date of HTTP is in UTC.
    return max(0.0, (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - time.time())
