"""Failed calls by remedy: tried again, fatal for the judge, or a failure of the one call."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from judgebench._util.markup import is_page, without_markup
from judgebench._util.redaction import without_secrets
from judgebench._util.text import duration
from judgebench.client.limits import LONGEST_PAUSE_S
from judgebench.client.providers import wording
from judgebench.client.providers.bodies import (
    EMPTY,
    MOST_WORDS,
    body_in,
    clean,
    codes_in,
    is_ok,
    said_by,
    strings_in,
    unfolded,
)
from judgebench.client.providers.waits import wait_of
from judgebench.client.providers.wire import MOST_BYTES, WireCall
from judgebench.errors import (
    BrokenReplyError,
    ConfigError,
    FatalProviderError,
    JudgebenchError,
    RateLimitedError,
    TimedOutError,
    TransientError,
    UnreachedError,
    VerdictFailure,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from judgebench.judges import Judge

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
_LASTING_STATUS = frozenset(
    {*range(400, 408), *range(410, 418), 418, 422, 426, 428, 429, 431, 451, *range(494, 498), 501, 505}
)
"""Statuses whose meaning does not pass; of the others, proxies' own and those that nobody has registered do."""
_LONGEST_SAID_S = 3650 * 86400.0
_CERTIFICATE = re.compile(r"certificate verify failed: ([^(']+)")

Kind: TypeAlias = Literal["timeout", "connection", "rate limit", "context", "filtered", "bad request", "api", ""]
"""What whoever made a call knows of its failure beside status and body; empty where that is nothing."""


@dataclass(frozen=True, slots=True)
class _Problem:
    """What a failed call met.

    Attributes:
        kind: What whoever made the call knows of it.
        status: Of the response, or what the code of an error in a 200 stands for; None where there was none.
        words: All that was said.
        said: The same in one short line, without any key.
        codes: The error's codes and types.
        wait: Seconds that were asked for.
        asked: What was sent, in small letters.
        refused: Whether the provider answered with an error, so that nothing was charged. A call that timed out, or
            whose reply broke off, may have been.
        answered: Whether a reply came, as status 200.
        unreached: Whether something was sent and nothing came back.
        of_a_day: Whether a field, and no words, says that a day's quota is used up.
    """

    error: Exception
    kind: Kind
    status: int | None
    words: str
    said: str
    codes: frozenset[str]
    wait: float | None
    asked: str
    refused: bool
    answered: bool
    unreached: bool
    of_a_day: bool

    def says(self, pattern: re.Pattern[str]) -> bool:
        """Whether the provider says such words, and not the prompt, which some repeat."""
        return any(found[0].lower() not in self.asked for found in pattern.finditer(self.words))

    @property
    def passes(self) -> bool:
        """Whether a wait is named that is a rate limit's."""
        return self.wait is not None and self.wait <= LONGEST_PAUSE_S


def by_remedy(
    error: Exception, judge: Judge, secrets: Iterable[str], wire: WireCall, kind: Kind = ""
) -> JudgebenchError:
    """Our error for a failed call; its message names the judge and holds no key.

    Args:
        error: What was raised: its words, and `status_code`, `body` and `litellm_response_headers` where it has those.
        judge: Whose call it was.
        secrets: Values that must not be in the message.
        wire: What came on the wire.
        kind: What is known of the failure beside that.

    Example:
        >>> wire = WireCall(status=429, headers={"retry-after": "7"}, body={"error": {"message": "Slow down."}})
        >>> by_remedy(RuntimeError("refused"), Judge(name="mine", model="openai/m"), [], wire).retry_after
        7.0
    """
    problem = _problem(error, list(secrets), wire, kind, decides=judge.decides)
    remedy = _of_the_way(problem, judge, wire) or _by_words(problem, judge) or _by_status(problem, judge)
    remedy.charged = wire.connected and not problem.refused and not isinstance(remedy, ConfigError)
    remedy.answered |= problem.answered
    return remedy


def _problem(error: Exception, secrets: list[str], wire: WireCall, kind: Kind, *, decides: bool) -> _Problem:
    body = wire.body if wire.status is not None else None
    if body is None:
        body = body_in(error)
    body = unfolded(body)
    words = "\n".join(without_markup(each, MOST_WORDS) for each in strings_in(body))
    said = said_by(wire, body, decides=decides) or wire.broke or str(error)
    answered = is_ok(wire.status) or (wire.status is None and getattr(error, "status_code", None) == 200)
    headers: Mapping[str, Any] = wire.headers or getattr(error, "litellm_response_headers", None) or {}
    return _Problem(
        error,
        kind,
        _status(error, wire, body, kind),
        f"{words}\n{without_markup(str(error), MOST_WORDS)}",
        clean(said, secrets),
        frozenset(codes_in(body)),
        wait_of(headers, body, words),
        wire.asked.decode("utf-8", "replace").lower(),
        refused=bool(headers) and (not answered or (isinstance(body, str) and is_page(body))),
        answered=answered,
        unreached=bool(wire.asked) and wire.status is None,
        of_a_day=wording.has_day([dict(headers), body]),
    )


def _of_the_way(problem: _Problem, judge: Judge, wire: WireCall) -> JudgebenchError | None:
    """Our error where the way to the judge is wrong: the address, or what is sent back from there."""
    at = f"judge '{judge.name}' ({judge.model})"
    if wire.moved_to is not None:
        there = without_secrets(wire.moved_to)
        return FatalProviderError(f"{at}: the server redirects to another host, {there}; set api_base to the right one")
    if wire.too_long:
        return BrokenReplyError(f"the reply is longer than {MOST_BYTES >> 20} MB")
    if wire.status is not None and 300 <= wire.status < 400:
        what = "only redirects" if wire.headers.get("location") else "an answer that is no reply"
        return FatalProviderError(f"{at}: the server sends {what} (status {wire.status}); check api_base")
    if refused := _CERTIFICATE.search(wire.broke):
        fix = "name its certificate by SSL_CERT_FILE, or by ssl_verify: FILE in the judge's preset"
        return FatalProviderError(f"{at}: the server's certificate is not trusted ({refused[1].strip()}); {fix}")
    if judge.api_base is None:
        return None
    of_the_model = wording.OF_THE_MODEL.search(problem.words.partition("\nlitellm.")[0])
    no_path = problem.status in _NO_PATH_STATUS and not of_the_model
    if no_path or (wire.status == 200 and wording.NO_PATH.search(problem.words)):
        api_base = str(without_secrets(judge.api_base))
        whole = judge.decides or api_base.rstrip("/").endswith("/v1")
        fix = "check api_base and the model's name" if whole else "does api_base lack /v1?"
        what = "decisions" if judge.decides else "chat completions"
        return FatalProviderError(
            f"{at}: no {what} at {api_base} (status {wire.status or problem.status}): {problem.said}; {fix}"
        )
    return None


def _by_words(problem: _Problem, judge: Judge) -> JudgebenchError | None:
    """Our error where the provider's words say more than the status: of the prompt, money, waits and keys."""
    where, status, words = f"judge '{judge.name}' ({judge.model})", problem.status, problem.words
    if kind := _said_of_the_prompt(problem):
        return VerdictFailure(kind, problem.said)
    if (_is_rate_limit(problem) or status in {402, 403}) and (problem.of_a_day or problem.says(wording.DAY)):
        return FatalProviderError(
            f"{where}: the day's quota exhausted: {problem.said}; rerun the command when the quota is renewed"
        )
    if status in _MONEY_STATUS and status not in {401, 429} and problem.passes:
        return RateLimitedError(f"rate limit: {problem.said}", retry_after=problem.wait)
    if status in _MONEY_STATUS and _is_money_gone(problem):
        cause = "quota exhausted" if status == 429 else f"no credit is left (status {status})"
        return FatalProviderError(f"{where}: {cause}: {problem.said}; {_mend(402, judge)}")
    if status == 400 and problem.says(wording.KEY):
        return FatalProviderError(f"{where}: the key is refused (status 400): {problem.said}; {_mend(401, judge)}")
    if status == 400 and problem.says(wording.NO_MODEL):
        return FatalProviderError(f"{where}: no such model (status 400): {problem.said}; {_mend(404, judge)}")
    if status == 404 and wording.NO_ENDPOINT.search(words):
        fix = "change the judge's params, or the account's data policy"
        return FatalProviderError(f"{where}: no provider takes this call (status 404): {problem.said}; {fix}")
    if status == 400 and (problem.codes & {"json_validate_failed", "tool_use_failed"} or wording.DRAWN.search(words)):
        drawn = BrokenReplyError(f"the provider could not use the model's reply: {problem.said}")
        drawn.answered = True
        return drawn
    if status == 429 and wording.TOO_LARGE.search(words):
        return VerdictFailure("provider", f"status {status}: {problem.said}")
    return None


def _by_status(problem: _Problem, judge: Judge) -> JudgebenchError:
    status, said = problem.status, problem.said
    if problem.wait is not None and problem.wait > LONGEST_PAUSE_S:
        said = f"{said} (the provider asks to wait {duration(min(problem.wait, _LONGEST_SAID_S))})"
    if status == 429:
        return RateLimitedError(f"rate limit: {said}", retry_after=problem.wait)
    if _is_rate_limit(problem):
        return RateLimitedError(said, retry_after=problem.wait)
    if status in _FATAL_STATUS:
        where = f"judge '{judge.name}' ({judge.model})"
        return FatalProviderError(f"{where}: {_FATAL_STATUS[status]} (status {status}): {said}; {_mend(status, judge)}")
    if status == 504 or (problem.kind == "timeout" and not problem.refused):
        return TimedOutError(said if problem.refused else f"no reply within {judge.timeout:g} s")
    if _is_passing(status) or problem.kind == "connection":
        kind_of_error = TransientError if problem.refused and not problem.answered else BrokenReplyError
        if problem.unreached:
            kind_of_error = UnreachedError
        if said == EMPTY and not problem.answered:
            said = f"status {status} with an empty body"
        return kind_of_error(said, retry_after=problem.wait)
    return VerdictFailure("provider", f"status {status}: {said}")


def _is_rate_limit(problem: _Problem) -> bool:
    return problem.status in _LIMIT_STATUS or (problem.status is None and problem.kind == "rate limit")


def _is_money_gone(problem: _Problem) -> bool:
    """Whether waiting does not help: a short wait that is named, else the code or type, else all the words."""
    if problem.passes and problem.status != 401:
        return False
    if problem.status == 402 or problem.codes & wording.QUOTA_CODES:
        return True
    if problem.codes & wording.RATE_CODES:
        return False
    if problem.status == 429 and wording.MINUTE.search(problem.words):
        return False
    return problem.says(wording.MONEY)


def _said_of_the_prompt(problem: _Problem) -> str:
    """The failure's kind where the provider will not take this one prompt: too long, or filtered; else nothing."""
    status = problem.status
    if problem.kind in {"context", "filtered"}:
        return problem.kind
    of_the_call = status in {400, 413, 422} or (status is None and problem.kind == "bad request")
    words = f"{problem.words} {getattr(problem.error, 'status_code', '')}"
    if (of_the_call and wording.CONTEXT.search(words)) or (status == 500 and wording.TOO_BIG_A_BATCH.search(words)):
        return "context"
    if (of_the_call or status == 403) and wording.FILTER.search(words):
        return "filtered"
    return ""


def _status(error: Exception, wire: WireCall, body: Any, kind: Kind) -> int | None:
    """The response's status; of an error that came as the body of a 200, what its code stands for.

    Gateways send such bodies, with or without a code.
    """
    if wire.status is not None and not is_ok(wire.status):
        return wire.status
    status = getattr(error, "status_code", None)
    if isinstance(status, str):
        return int(status) if status.isdecimal() else _STATUS_OF.get(status, 500)
    if wire.status is not None:
        known = [int(code) if code.isdecimal() else _STATUS_OF.get(code, 0) for code in codes_in(body)]
        status = next((code for code in known if 400 <= code < 600), 500)
        no_reply = isinstance(body, dict) and not body.get("choices")
        paid = no_reply and status >= 500 and wording.MONEY.search("\n".join(strings_in(body)))
        return 402 if paid else status
    if status is None:
        return 500 if kind == "api" else None
    return int(status)


def _is_passing(status: object) -> bool:
    """Whether the same call may work later; 200 stands for a body that is no JSON."""
    if not isinstance(status, int):
        return False
    return status == 200 or (status >= 400 and status not in _LASTING_STATUS)


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
