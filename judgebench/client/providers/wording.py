"""The words by which providers say what is wrong: money, a day's quota, the key, the prompt, the model. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
RATE_CODES = frozenset({"rate_limit_exceeded", "requests", "tokens"})
MONEY = re.compile(
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
MINUTE = re.compile(r"(?:per[-_ ]?|/ ?)(?:min(?:ute)?|sec(?:ond)?)\b|per(?:minute|second)", re.IGNORECASE)
DAY = re.compile(
    rf"^(?:(?!{MINUTE.pattern}).)*?(?:(?:per[-_ ]?(?:utc |calendar )?|by|/ ?)day|per 1 ?d\b"
    rf"|a day\b.{{0,20}}limit|\b(?:tpd|rpd)\b"
    r"|daily[-_ ](?:\w+[-_ ])?(?:limit|quota|requests?|tokens?|usage|allocation|allowance)"
    r"|(?:per|in|every|/) ?(?:24 ?h(?:ours?)?\b|86400 ?s)|24[- ]?h(?:our)? (?:limit|quota|window|period)"
    r"|today(?:'s)? (?:\w+ ){0,2}(?:limit|quota)|\btomorrow\b)",
    re.IGNORECASE | re.MULTILINE,
)
"""A day's quota; but for words that name a minute's first, and what a more expensive plan gives a day after that."""
_BAD = "(?:invalid|expired|revoked|not valid|malformed|unauthorized|disabled|missing)"
KEY = re.compile(
    r"(?:incorrect|invalid|expired|wrong|missing|malformed|bad|no|provide an) (?:x-)?api[-_ ]?key"
    r"|api[-_ ]?key[-_ ](?:(?:you )?(?:provided|supplied|sent) )?(?:is |was |has )?(?:been )?(?:not[-_ ]valid"
    r"|not[-_ ]found"
    r"|invalid|expired|incorrect|wrong|missing|required|revoked|disabled|deactivated|deleted|blocked"
    r"|reported as leaked)"
    r"|valid api[-_ ]key|invalid (?:authentication|credentials|(?:access|auth\w*|bearer|api|security|id|jwt) token|jwt)"
    rf"|(?:invalid|expired|malformed|revoked|bad)[-_ ](?:or {_BAD} )?token"
    r"(?=[\"'.!,;]*(?:\s*$|\s+(?:provided|supplied|sent|passed|given|specified|or|for (?:user|account|this))\b))"
    r"|(?<!stop )(?<!special )\btoken (?:(?:that )?(?:you )?(?:provided|supplied|sent|passed|included in the request) )"
    "?"
    rf"(?:is |has |was )?(?:been )?{_BAD}(?=[\"'.!,;:]*(?:\s*$|\s+(?:or|and|please|for|at|on|by)\b|\s*[({{,;]))"
    r"|(?:jwt|signature|credentials?|session) (?:is |has |have |are )?(?:been )?(?:expired|malformed|revoked|not valid)"
    r"|expiredtoken|unrecognizedclient|invalid_(?:grant|client|token)\b|token_(?:expired|invalid|revoked)\b"
    r"|(?:missing|no|without|malformed|invalid) (?:an? )?(?:auth(?:orization|entication)?|bearer|subscription)"
    r" (?:header|token|credentials?|key)|auth(?:orization|entication) (?:header|token) (?:is |was )?"
    r"(?:missing|required|malformed|invalid)|could not validate credentials|no auth credentials"
    r"|(?:无效的|错误的)(?:令牌|密钥|api ?key)|(?:令牌|密钥|api ?key)\s*(?:无效|已过期|不正确|错误)"
    r"|authentication (?:has )?failed"
    r"|authentication_error|invalid_api_key",
    re.IGNORECASE | re.MULTILINE,
)
"""A token is a key here only where the sentence says no more of it: `Invalid token in JSON` is another one."""
CONTEXT = re.compile(
    r"context_length_exceeded|exceed_context_size|string_above_max_length"
    r"|max(?:imum)? (?:context|model|prompt|input|sequence)(?: token)? length|input length should be"
    r"|reached context length|(?:greater|longer|larger"
    r"|more) than (?:the )?(?:\w+(?:'s)? ){0,2}context (?:length|size|window)"
    r"|context (?:length|size|window|the overflows)\b.{0,60}(?:exceed|overflow|too|not enough)"
    r"|exceed\w*\b.{0,60}(?:context (?:length|size|window)|maximum (?:input )?(?:length|number of (?:input )?tokens))"
    r"|(?:input tokens|input token count|input length|prompt length)\b.{0,30}exceed"
    r"|(?:prompt|input)(?: token)?s?(?: length)? (?:is|are) too (?:long|large)|reduce the length of the messages"
    r"|`?inputs`? tokens \+ `?max_new_tokens`? must be"
    r"|too many (?:input |prompt )?tokens(?!,? (?:per|please|a) )|must have less than \d+ tokens",
    re.IGNORECASE | re.DOTALL,
)
FILTER = re.compile(
    r"content_filter|content_policy|content management policy|data_inspection_failed|inappropriate content"
    r"|(?:input|prompt) was flagged|content exists risk|safety system",
    re.IGNORECASE,
)
TOO_BIG_A_BATCH = re.compile(r"(?:input|prompt) is too large to process", re.IGNORECASE)
"""llama.cpp's words for a prompt that it never takes, with the status of what passes."""
TOO_LARGE = re.compile(r"request too large", re.IGNORECASE)
DRAWN = re.compile(r"json_validate_failed|failed to (?:generate|validate) json|tool_use_failed", re.IGNORECASE)
"""What the model wrote was not the form that was asked for: another draw may be."""
NO_MODEL = re.compile(
    r"invalid[-_ ]model(?: name)?\b(?! \w*(?:param|input|output|config))|model[-_ ]not[-_ ](?:found|exist)"
    r"|not a valid model|unknown model|model \S+ (?:does not exist|not found)",
    re.IGNORECASE,
)
NO_PATH = re.compile(r"unexpected endpoint|(?:unknown|invalid|no such) (?:endpoint|path|url|route)", re.IGNORECASE)
NO_ENDPOINT = re.compile(r"no (?:allowed )?(?:endpoints?|providers?) (?:found|are available)", re.IGNORECASE)
"""OpenRouter knows the model, and nobody who takes the call."""
OF_THE_MODEL = re.compile(rf"model|deployment|engine|{NO_ENDPOINT.pattern}", re.IGNORECASE)
_WINDOW_NAME = re.compile(
    r"(?:quota|limit|ratelimit|reset|time|budget)*(?:window|period|interval|duration|unit|granularity|frame|scope|type|by"
    r"|per|bucket|kind|name|metric)(?:size|length|unit|type|s|secs?|seconds|hours?|ms|minutes|days|in(?:seconds|hours|days))*"
)
_A_DAY = re.compile(
    r"(?:(?:requests|tokens|calls|quota|limit|rate|usage)?[-_ ]?(?:per|by|a)?[-_ ]?)?(?:1[-_ ]?)?"
    r"(?:d|days?|daily|24[-_ ]?h(?:ours?|rs?)?|86_?400 ?s?(?:ec(?:ond)?s?)?|1440 ?m(?:in(?:ute)?s?)?|p1d|pt24h|rpd|tpd)"
    r"(?:[-_ ]?(?:quota|limit|requests|tokens|usage|exceeded|window))*|1/d(?:ay)?(?:/.*)?",
    re.IGNORECASE,
)
_SHORTER = re.compile(
    r"(?:(?:requests|tokens|calls)?[-_ ]?per[-_ ]?)?"
    r"\d*[-_ ]?(?:s|m|h|secs?|seconds?|min(?:ute)?s?|hours?|hourly|rpm|tpm|pt\w+)",
    re.IGNORECASE,
)
_LEFT_OF_A_DAY = re.compile(
    r"remaining(?:requests|tokens)?(?:per)?(?:day|daily)|(?:day|daily)(?:requests|tokens)?remaining"
)


def has_day(said: Any) -> bool:
    """Whether a field of an error or a header says that it is a day's quota: `"window": "1d"`, or 0 left of a day's.

    Where windows of minutes stand beside it, it is not said which one is meant.

    Args:
        said: Headers, a body, or parts of them.
    """
    windows = set(_windows(said))
    return "left" in windows or windows == {"day"}


def _windows(said: Any, name: str = "") -> Iterator[str]:
    if isinstance(said, dict):
        for key, inner in said.items():
            yield from _windows(inner, re.sub(r"[\W_]", "", str(key)).lower())
    elif isinstance(said, list):
        for inner in said:
            yield from _windows(inner, name)
    elif isinstance(said, str | int | float) and not isinstance(said, bool):
        text = str(said).strip().removesuffix(".0")
        if _LEFT_OF_A_DAY.search(name):
            yield from ["left"] if text == "0" else ()
        elif _WINDOW_NAME.fullmatch(name) and text.isdecimal():
            in_hours, in_days = "hour" in name, "day" in name
            day = text in ({"24"} if in_hours else {"1"} if in_days else {"86400", "86400000", "1440"})
            yield "day" if day else "other"
        elif _WINDOW_NAME.fullmatch(name) and (a_day := _A_DAY.fullmatch(text) is not None or _SHORTER.fullmatch(text)):
            yield "day" if a_day is True else "other"
