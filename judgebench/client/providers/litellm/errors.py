"""LiteLLM's exceptions by remedy: tried again, fatal for the judge, or a failure of the one call."""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from judgebench._util.redaction import in_one_line, without_secrets
from judgebench.client.limits import LONGEST_PAUSE_S
from judgebench.client.providers.litellm import transport as lite
from judgebench.client.providers.litellm.wire import MOST_BYTES, WireCall
from judgebench.errors import (
    BrokenReplyError,
    ConfigError,
    FatalProviderError,
    JudgebenchError,
    RateLimitedError,
    TimedOutError,
    TransientError,
    VerdictFailure,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from judgebench.judges import Judge

_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_RATE_CODES = frozenset({"rate_limit_exceeded", "requests", "tokens"})
_MONEY = re.compile(
    r"insufficient[ _](?:\w+_)?(?:quota|balance|credit|fund)|exceeded[ _]your[ _]current[ _]quota"
    r"|exceeded_current_quota"
    r"|credit balance (?:is )?(?:too low|exhausted)|credit_balance_exhausted"
    r"|billing[ _](?:hard[ _]limit|not[ _]active)"
    r"|billing (?:is |has been )?(?:disabled|not enabled)|billing_disabled"
    r"|account is (?:not active|in arrears)|arrearage"
    r"|(?:credits?|credit quota|prepaid balance|trial|free (?:trial|tier)(?: quota| of the model)?)"
    r" (?:(?:is|are|has|have|has been|have been) )?(?:depleted|exhausted|used up|run out|expired|ended|over)\b"
    r"|prepayment credits|(?:no|not have any|n't have any) credits?\b(?! card)"
    r"|(?:out of|used all (?:available|your|of your)|ran out of|not enough|never purchased|requires? more) credits?"
    r"|(?:spend(?:ing)?|credit|key) (?:limit|cap)|(?:specified|reached your) api usage limits?"
    r"|usage limit of [$\u20ac\u00a3]"
    r"|free tier quota|call volume quota|billing (?:threshold|account\b.{0,30}(?:not open|closed))"
    r"|payment (?:required|overdue|failed|was declined|(?:method|instrument) must)|(?:enter"
    r"|valid) (?:a )?payment method"
    r"|balance (?:is )?(?:not enough|insufficient|too low)|(?:add|top up|overdue|recharge your) balance"
    r"|(?:add|out of|insufficient) funds|monthly (?:\w+ ){0,2}(?:credits|limit|cap|budget|quota|allowance)"
    r"|past due|unpaid|failure to pay|invalid_payment"
    r"|billing to be enabled|enable billing|billing_error|accountoverdue"
    r"|budget (?:has been |is )?exceeded|budget_exceeded|exceeded ?budget|over budget"
    r"|(?:calls|requests|tokens|limit|quota)\W{1,3}(?:per |a )?month"
    r"|(?:余额|额度)(?:不足|已用|用[尽完])|欠费|充值",
    re.IGNORECASE,
)
_MINUTE = re.compile(r"(?:per[-_ ]?|/ ?)(?:min(?:ute)?|sec(?:ond)?)\b|per(?:minute|second)", re.IGNORECASE)
_DAY = re.compile(
    rf"^(?:(?!{_MINUTE.pattern}).)*?(?:(?:per[-_ ]?(?:utc |calendar )?|by|/ ?)day|per 1 ?d\b"
    rf"|a day\b.{{0,20}}limit|\b(?:tpd|rpd)\b"
    r"|daily[-_ ](?:\w+[-_ ])?(?:limit|quota|requests?|tokens?|usage|allocation|allowance)"
    r"|(?:per|in|every|/) ?(?:24 ?h(?:ours?)?\b|86400 ?s)|24[- ]?h(?:our)? (?:limit|quota|window|period)"
    r"|today(?:'s)? (?:\w+ ){0,2}(?:limit|quota)|\btomorrow\b)",
    re.IGNORECASE | re.MULTILINE,
)
"""A day's quota; but for words that name a minute's first, and what a more expensive plan gives a day after that."""
_KEY = re.compile(
    r"(?:incorrect|invalid|expired|wrong|missing|malformed|bad|no|provide an) (?:x-)?api[-_ ]?key"
    r"|api[-_ ]?key[-_ ](?:(?:you )?(?:provided|supplied|sent) )?(?:is |was |has )?(?:been )?(?:not[-_ ]valid"
    r"|not[-_ ]found"
    r"|invalid|expired|incorrect|wrong|missing|required|revoked|disabled|deactivated|deleted|blocked"
    r"|reported as leaked)"
    r"|valid api[-_ ]key|invalid (?:authentication|credentials|(?:access|auth\w*|bearer) token)"
    r"|authentication (?:has )?failed"
    r"|authentication_error|invalid_api_key",
    re.IGNORECASE,
)
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
_ECHOES = frozenset({"input", "failed_generation", "loc", "url", "ctx", "@type"})
"""Fields of an error that repeat what was asked or said."""
_CONTEXT = re.compile(
    r"context_length_exceeded|exceed_context_size|string_above_max_length"
    r"|max(?:imum)? (?:context|model|prompt|input|sequence)(?: token)? length|input length should be"
    r"|reached context length|(?:greater|longer|larger"
    r"|more) than (?:the )?(?:\w+(?:'s)? ){0,2}context (?:length|size|window)"
    r"|context (?:length|size|window|the overflows)\b.{0,60}(?:exceed|overflow|too|not enough)"
    r"|exceed\w*\b.{0,60}(?:context (?:length|size|window)|maximum (?:input )?(?:length|number of (?:input )?tokens))"
    r"|(?:input tokens|input token count|input length|prompt length)\b.{0,30}exceed"
    r"|(?:prompt|input)(?: token)?s?(?: length)? (?:is|are) too (?:long|large)|reduce the length of the messages"
    r"|too many (?:input |prompt )?tokens(?!,? (?:per|please|a) )|must have less than \d+ tokens",
    re.IGNORECASE | re.DOTALL,
)
_FILTER = re.compile(
    r"content_filter|content_policy|content management policy|data_inspection_failed|inappropriate content"
    r"|(?:input|prompt) was flagged|content exists risk|safety system",
    re.IGNORECASE,
)
_TOO_BIG_A_BATCH = re.compile(r"(?:input|prompt) is too large to process", re.IGNORECASE)
"""llama.cpp's words for a prompt that it never takes, with the status of what passes."""
_TOO_LARGE = re.compile(r"request too large", re.IGNORECASE)
_DRAWN = re.compile(r"json_validate_failed|failed to (?:generate|validate) json|tool_use_failed", re.IGNORECASE)
"""What the model wrote was not the form that was asked for: another draw may be."""
_NO_MODEL = re.compile(
    r"invalid[-_ ]model(?: name)?\b(?! \w*(?:param|input|output|config))|model[-_ ]not[-_ ](?:found|exist)"
    r"|not a valid model|unknown model|model \S+ (?:does not exist|not found)",
    re.IGNORECASE,
)
_NO_PATH = re.compile(r"unexpected endpoint|(?:unknown|invalid|no such) (?:endpoint|path|url|route)", re.IGNORECASE)
_NO_ENDPOINT = re.compile(r"no (?:allowed )?(?:endpoints?|providers?) (?:found|are available)", re.IGNORECASE)
"""OpenRouter knows the model, and nobody who takes the call."""
_OF_THE_MODEL = re.compile(rf"model|deployment|engine|{_NO_ENDPOINT.pattern}", re.IGNORECASE)
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")
_PACKAGES = {"google": "google-auth", "botocore": "boto3"}
"""Packages by the modules that they hold, where those have other names."""
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
_MONEY_STATUS = frozenset({400, 401, 402, 403, 412, 429})
_NO_PATH_STATUS = frozenset({404, 405})
_LIMIT_STATUS = frozenset({420, 429, 498, 529})
_PASSING_STATUS = frozenset({408, 409, 421, 423, 424, 425, 444, 449, 460, 499})
_LASTING_STATUS = frozenset({501, 505})
_DEEPEST = 20
_PREFIX = re.compile(r"^(?:litellm\.\w+: |\w+Error: |\w+Exception - )+")


@dataclass(frozen=True, slots=True)
class _Problem:
    """What a failed call met.

    Attributes:
        status: Of the response, or what the code of an error in a 200 stands for; None where there was none.
        words: All that was said.
        said: The same in one short line, without any key.
        codes: The error's codes and types.
        wait: Seconds that were asked for.
        asked: What was sent, in small letters.
        refused: Whether the provider answered with an error, so that nothing was charged. A call that timed out, or
            whose reply broke off, may have been.
        answered: Whether a reply came, as status 200.
    """

    error: Exception
    status: int | None
    words: str
    said: str
    codes: frozenset[str]
    wait: float | None
    asked: str
    refused: bool
    answered: bool

    def says(self, pattern: re.Pattern[str]) -> bool:
        """Whether the provider says such words, and not the prompt, which some repeat."""
        return any(found[0].lower() not in self.asked for found in pattern.finditer(self.words))

    @property
    def passes(self) -> bool:
        """Whether a wait is named that is a rate limit's."""
        return self.wait is not None and self.wait <= LONGEST_PAUSE_S


def by_remedy(error: Exception, judge: Judge, secrets: Iterable[str], wire: WireCall | None = None) -> JudgebenchError:
    """Our error for one of LiteLLM's; its message names the judge and holds no key.

    Args:
        error: What `litellm.acompletion` raised.
        judge: Whose call it was.
        secrets: Values that must not be in the message.
        wire: What came on the wire, where that is known.
    """
    wire = wire or WireCall()
    problem = _problem(error, list(secrets), wire)
    remedy = _of_the_way(problem, judge, wire) or _by_words(problem, judge) or _by_status(problem, judge)
    remedy.charged = wire.connected and not problem.refused and not isinstance(remedy, ConfigError)
    remedy.answered |= problem.answered
    return remedy


def _problem(error: Exception, secrets: list[str], wire: WireCall) -> _Problem:
    body = wire.body if wire.status is not None else None
    if body is None:
        body = _body_of(error)
    body = _unfolded(body)
    words = body if isinstance(body, str) else "\n".join(_strings(body))
    said = body if isinstance(body, str) else _own_words(body)
    answered = wire.status == 200 or (wire.status is None and getattr(error, "status_code", None) == 200)
    headers: Mapping[str, Any] = wire.headers or getattr(error, "litellm_response_headers", None) or {}
    return _Problem(
        error,
        _status(error, wire, body),
        f"{words}\n{error}",
        clean(said or str(error), secrets),
        frozenset(_codes(body)),
        _wait_of(headers, body, words),
        wire.asked.decode("utf-8", "replace").lower(),
        refused=bool(headers) and not answered,
        answered=answered,
    )


def _of_the_way(problem: _Problem, judge: Judge, wire: WireCall) -> JudgebenchError | None:
    """Our error where the way to the judge is wrong: a package, the address, or what is sent back from there."""
    at = f"judge '{judge.name}' ({judge.model})"
    if wire.status is None and (missing := _NO_MODULE.search(str(problem.error))):
        package = _PACKAGES.get(missing[1].partition(".")[0], missing[1].partition(".")[0])
        return ConfigError(f"{at} needs the package {package}: pip install {package}")
    if isinstance(problem.error, lite.litellm().UnsupportedParamsError):
        said = problem.said.partition(". To drop these")[0]
        return FatalProviderError(f"{at}: {said}; remove them from the judge's params, or send them in its extra_body")
    if wire.moved_to is not None:
        there = without_secrets(wire.moved_to)
        return FatalProviderError(f"{at}: the server redirects to another host, {there}; set api_base to the right one")
    if wire.too_long:
        return BrokenReplyError(f"the reply is longer than {MOST_BYTES >> 20} MB")
    if judge.api_base is None:
        return None
    no_path = problem.status in _NO_PATH_STATUS and not _OF_THE_MODEL.search(problem.words.partition("\nlitellm.")[0])
    if no_path or (wire.status == 200 and _NO_PATH.search(problem.words)):
        api_base = str(without_secrets(judge.api_base))
        fix = (
            "check api_base and the model's name" if api_base.rstrip("/").endswith("/v1") else "does api_base lack /v1?"
        )
        return FatalProviderError(
            f"{at}: no chat completions at {api_base} (status {wire.status or problem.status}): {problem.said}; {fix}"
        )
    return None


def _by_words(problem: _Problem, judge: Judge) -> JudgebenchError | None:
    """Our error where the provider's words say more than the status: of the prompt, money, waits and keys."""
    where, status, words = f"judge '{judge.name}' ({judge.model})", problem.status, problem.words
    if kind := _said_of_the_prompt(problem):
        return VerdictFailure(kind, problem.said)
    if (_is_rate_limit(problem) or status in {402, 403}) and problem.says(_DAY):
        return FatalProviderError(
            f"{where}: the day's quota exhausted: {problem.said}; rerun the command when the quota is renewed"
        )
    if status in _MONEY_STATUS and status not in {401, 429} and problem.passes:
        return RateLimitedError(f"rate limit: {problem.said}", retry_after=problem.wait)
    if status in _MONEY_STATUS and _is_money_gone(problem):
        cause = "quota exhausted" if status == 429 else f"no credit is left (status {status})"
        return FatalProviderError(f"{where}: {cause}: {problem.said}; {_mend(402, judge)}")
    if status == 400 and problem.says(_KEY):
        return FatalProviderError(f"{where}: the key is refused (status 400): {problem.said}; {_mend(401, judge)}")
    if status == 400 and problem.says(_NO_MODEL):
        return FatalProviderError(f"{where}: no such model (status 400): {problem.said}; {_mend(404, judge)}")
    if status == 404 and _NO_ENDPOINT.search(words):
        fix = "change the judge's params, or the account's data policy"
        return FatalProviderError(f"{where}: no provider takes this call (status 404): {problem.said}; {fix}")
    if status == 400 and (problem.codes & {"json_validate_failed", "tool_use_failed"} or _DRAWN.search(words)):
        drawn = BrokenReplyError(f"the provider could not use the model's reply: {problem.said}")
        drawn.answered = True
        return drawn
    if status == 429 and _TOO_LARGE.search(words):
        return VerdictFailure("provider", f"status {status}: {problem.said}")
    return None


def _by_status(problem: _Problem, judge: Judge) -> JudgebenchError:
    litellm = lite.litellm()

    error, status, said = problem.error, problem.status, problem.said
    if status == 429:
        return RateLimitedError(f"rate limit: {said}", retry_after=problem.wait)
    if _is_rate_limit(problem):
        return RateLimitedError(said, retry_after=problem.wait)
    if status in _FATAL_STATUS:
        where = f"judge '{judge.name}' ({judge.model})"
        return FatalProviderError(f"{where}: {_FATAL_STATUS[status]} (status {status}): {said}; {_mend(status, judge)}")
    if status == 504 or isinstance(error, litellm.Timeout):
        return TimedOutError(said if problem.refused else f"no reply within {judge.timeout:g} s")
    if _is_passing(status) or isinstance(error, litellm.APIConnectionError):
        kind_of_error = TransientError if problem.refused else BrokenReplyError
        return kind_of_error(said, retry_after=problem.wait)
    return VerdictFailure("provider", f"status {status}: {said}")


def _is_rate_limit(problem: _Problem) -> bool:
    limited = problem.status is None and isinstance(problem.error, lite.litellm().RateLimitError)
    return problem.status in _LIMIT_STATUS or limited


def _is_money_gone(problem: _Problem) -> bool:
    """Whether waiting does not help: a short wait that is named, else the code or type, else all the words."""
    if problem.passes and problem.status != 401:
        return False
    if problem.status == 402 or problem.codes & _QUOTA_CODES:
        return True
    if problem.codes & _RATE_CODES:
        return False
    if problem.status == 429 and _MINUTE.search(problem.words):
        return False
    return problem.says(_MONEY)


def _said_of_the_prompt(problem: _Problem) -> str:
    """The failure's kind where the provider will not take this one prompt: too long, or filtered; else nothing."""
    litellm = lite.litellm()

    error, status = problem.error, problem.status
    if isinstance(error, litellm.ContextWindowExceededError):
        return "context"
    if isinstance(error, litellm.ContentPolicyViolationError):
        return "filtered"
    of_the_call = status in {400, 413, 422} or (status is None and isinstance(error, litellm.BadRequestError))
    words = f"{problem.words} {getattr(error, 'status_code', '')}"
    if (of_the_call and _CONTEXT.search(words)) or (status == 500 and _TOO_BIG_A_BATCH.search(words)):
        return "context"
    if (of_the_call or status == 403) and _FILTER.search(words):
        return "filtered"
    return ""


def _status(error: Exception, wire: WireCall, body: Any) -> int | None:
    """The response's status; of an error that came as the body of a 200, what its code stands for.

    Gateways send such bodies, with or without a code.
    """
    litellm = lite.litellm()

    if wire.status is not None and wire.status != 200:
        return wire.status
    status = getattr(error, "status_code", None)
    if isinstance(status, str):
        return int(status) if status.isdecimal() else _STATUS_OF.get(status, 500)
    if wire.status == 200:
        known = [int(code) if code.isdecimal() else _STATUS_OF.get(code, 0) for code in _codes(body)]
        status = next((code for code in known if 400 <= code < 600), 500)
        no_reply = isinstance(body, dict) and not body.get("choices")
        paid = no_reply and status >= 500 and _MONEY.search("\n".join(_strings(body)))
        return 402 if paid else status
    if status is None:
        return 500 if isinstance(error, litellm.APIError) else None
    return int(status)


def _is_passing(status: object) -> bool:
    """Whether the same call may work later; 200 stands for a body that is no JSON."""
    if not isinstance(status, int):
        return False
    return status in _PASSING_STATUS or status == 200 or (status >= 500 and status not in _LASTING_STATUS)


def _mend(status: int, judge: Judge) -> str:
    from judgebench.judges import key_variables

    if status in {401, 403} and judge.provider == "bedrock":
        return (
            "check the AWS credentials (AWS_ACCESS_KEY_ID and its kin, or AWS_PROFILE), and that they have not expired"
        )
    if status in {401, 403}:
        names = " or ".join(key_variables(judge))
        return f"check the key in {names}" if names else "set api_key_env to the variable with its key"
    return "check the model's name" if status == 404 else "add credit, then rerun the command"


def clean(message: str, secrets: Iterable[str]) -> str:
    """The provider's own words in one line of at most 300 characters, without any key."""
    message = _PREFIX.sub("", message).partition("Traceback (most recent call last)")[0]
    with suppress(ValueError, RecursionError):
        message = _own_words(json.loads(message)) or message
    return in_one_line(message, secrets)


def _own_words(body: Any) -> str | None:
    """The message in an error body as most providers write it; None where there is none."""
    said = body[0] if isinstance(body, list) and body else body
    raw = _inner(said).get("metadata")
    for name in ("error", "message", "detail"):
        said = said.get(name, said) if isinstance(said, dict) else said
    if isinstance(raw, dict) and isinstance(raw.get("raw"), str):  # OpenRouter: the words of the provider behind it
        return f"{said}: {raw['raw']}" if isinstance(said, str) else raw["raw"]
    return said if isinstance(said, str) else None


def _body_of(error: Exception) -> Any:
    """The error's body; LiteLLM keeps it as an object, or as the JSON in its message."""
    body = getattr(error, "body", None)
    if isinstance(body, dict | list):
        return body
    try:
        return json.loads(_PREFIX.sub("", str(error)))
    except (ValueError, RecursionError):
        return None


def _unfolded(value: Any, depth: int = 0) -> Any:
    """An error's body, where objects stand as text in it, as gateways hand them on, with these read."""
    if isinstance(value, dict) and depth < _DEEPEST:
        return {name: _unfolded(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list) and depth < _DEEPEST:
        return [_unfolded(inner, depth + 1) for inner in value]
    if isinstance(value, str) and depth and value.lstrip().startswith("{"):
        with suppress(ValueError, RecursionError):
            return _unfolded(json.loads(value), depth + 1)
    return value


def _inner(body: Any) -> dict[str, Any]:
    """The object that says what the error is."""
    body = body[0] if isinstance(body, list) and body else body
    inner = body.get("error", body) if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else {}


def _codes(body: Any) -> Iterator[str]:
    """The code and the type in an error's body."""
    inner = _inner(body)
    yield from (str(inner[name]).lower() for name in ("code", "type") if inner.get(name) is not None)


def _strings(value: Any, name: str = "") -> Iterator[str]:
    """All texts in a body, but those that repeat what was asked."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each, inner in value.items():
            if each not in _ECHOES:
                yield from _strings(inner, each)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, name)


def _wait_of(headers: Mapping[str, Any], body: Any, words: str) -> float | None:
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
