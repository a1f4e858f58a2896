"""What every call of a judge goes out with: the address, the headers, and the body but for its messages."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from pydantic_core import to_json

from judgebench.client.providers.proxies import keep_off_proxies, proxy_to
from judgebench.judges import call_settings, check_address, check_key, check_transport, secret_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgebench.judges import Judge

_OF_THE_CONNECTION = {
    *("api_base", "api_key", "extra_headers", "headers", "default_headers", "organization", "project", "ssl_verify"),
    *("extra_body", "base_model"),
}
"""Settings that are no fields of a call's body."""


@dataclass(frozen=True)
class DirectSettings:
    """How a judge is reached.

    Attributes:
        url: Where its calls go.
        headers: What stands at their head; the key is in them.
        fields: What each body holds beside the messages, or the questions.
        proxy: What they go through, if anything.
        ssl: Whether certificates are checked, or the file of those that are trusted.
        secrets: What must be in no message, in all forms, the longest first.
    """

    url: str
    headers: dict[str, str]
    fields: dict[str, Any]
    proxy: str | None
    ssl: bool | str
    secrets: list[str]


def settings_of(judge: Judge) -> DirectSettings:
    """What every call of a judge is made with.

    Raises:
        ConfigError: An address or a key is missing, or a setting cannot be sent.
    """
    check_transport(judge)
    check_address(judge)
    check_key(judge)
    keep_off_proxies(judge.api_base)
    params, _ = judge.params_asked()
    given = {**params, **call_settings(judge)}
    url = _url(str(judge.api_base), "systemone" if judge.decides else "chat/completions")
    fields = {name: value for name, value in given.items() if name not in _OF_THE_CONNECTION}
    body = given.get("extra_body")
    verify = given.get("ssl_verify", True)
    return DirectSettings(
        url,
        _headers(judge, given, with_key="@" not in urlsplit(url).netloc),
        {"model": judge.model.partition("/")[2], **fields, **(body if isinstance(body, dict) else {})},
        proxy_to(url),
        verify if isinstance(verify, bool | str) else True,
        secret_values(judge),
    )


def _url(api_base: str, path: str) -> str:
    """Where calls of a kind go; an address that ends with their path already stays as it is.

    Example:
        >>> _url("http://127.0.0.1:8000/v1/?team=a", "chat/completions")
        'http://127.0.0.1:8000/v1/chat/completions?team=a'
    """
    parts = urlsplit(api_base)
    base = parts.path.rstrip("/")
    whole = base if base.endswith(f"/{path}") else f"{base}/{path}"
    return urlunsplit((parts.scheme, parts.netloc, whole, parts.query, ""))


def _headers(judge: Judge, given: Mapping[str, Any], *, with_key: bool) -> dict[str, str]:
    """The head of a call; a header of the judge's own counts before ours."""
    headers = {"accept": "application/json", "content-type": "application/json", "user-agent": "judgebench"}
    key = given.get("api_key") or ("" if judge.found else os.environ.get(_usual_variable(judge), "").strip())
    if key and with_key:
        headers["authorization"] = f"Bearer {key}"
    for setting, header in (("organization", "openai-organization"), ("project", "openai-project")):
        if given.get(setting):
            headers[header] = str(given[setting])
    for setting in ("default_headers", "headers", "extra_headers"):
        own = given.get(setting)
        headers |= {str(name).lower(): str(value) for name, value in (own if isinstance(own, dict) else {}).items()}
    return headers


def _usual_variable(judge: Judge) -> str:
    """The variable that a key is taken from where the judge names none, as LiteLLM does."""
    return f"{judge.provider.upper()}_API_KEY"


def body_of(fields: Mapping[str, Any], own: Mapping[str, Any]) -> bytes:
    """A call's body.

    Args:
        fields: What each body of the judge's holds.
        own: What this one holds beside that.
    """
    body = {**fields, **own}
    try:
        return to_json(body)
    except ValueError:  # a lone surrogate is no UTF-8, and servers refuse it however it is written
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
