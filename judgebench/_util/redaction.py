"""What a secret looks like, so that none is read from a file, printed or stored."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from judgebench._util.markup import without_markup
from judgebench._util.text import visible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

HIDDEN = "[hidden]"

BY_NAME = "os.environ/"
"""A value that starts so names an environment variable and is none itself (LiteLLM's own way to write it)."""

_KEY = re.compile(
    r"""(?<![A-Za-z0-9])(?:
      (?:sk|rk)[-_][A-Za-z0-9_\-]{16,}            # OpenAI, Anthropic, OpenRouter, DeepSeek
    | (?:gsk|hf|r8|fw|ghp|tgp_v1|github_pat)_[A-Za-z0-9_\-]{20,}
    | (?:xai|pplx|csk|nvapi|glpat)-[A-Za-z0-9_\-]{20,}
    | AIza[A-Za-z0-9_\-]{30,} | (?:AKIA|ASIA)[A-Z0-9]{16} | ya29\.[A-Za-z0-9_\-]{20,}
    | eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}(?:\.[A-Za-z0-9_\-]+)?
    | (?i:bearer|basic)\s+[A-Za-z0-9_\-.=+/]{8,}
    )
    | -----BEGIN[ ][\s\S]*
    | (?<=://)[^/\s'"]+(?=@)                      # user:password in an address
    """,
    re.VERBOSE,
)
_NAMES = (
    *("api_key", "apikey", "key", "authorization", "proxy_authorization", "auth", "x_auth_token", "x_access_token"),
    *("token", "access_token", "api_token", "auth_token", "bearer_token", "session_token", "aws_session_token"),
    *("refresh_token", "security_token", "ad_token", "azure_ad_token", "id_token", "cookie"),
    *("password", "passwd", "secret", "credentials", "private_key", "private_key_id"),
)
_ENDINGS = ("_api_key", "_apikey", "_secret", "_secret_key", "_access_key", "_password", "_subscription_key", "_auth")
_HEADERS = ("extra_headers", "headers", "default_headers")


def redact(text: str) -> str:
    """The text with everything in it that looks like a key hidden."""
    return _KEY.sub(HIDDEN, text)


def without(text: str, secrets: Iterable[str]) -> str:
    """The text with every one of the secrets hidden, whatever it looks like."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


_OBJECT = re.compile(r"(?:\b\w+[:=])?<[^<>]* at 0x[0-9a-fA-F]+>")
"""How Python writes an object that has no words of its own, with the name before it."""


def in_one_line(text: str, secrets: Collection[str]) -> str:
    """Others' words in one line of at most 300 characters, without any key, tags and objects' addresses."""
    while (bare := _OBJECT.sub("", text)) != text:
        text = bare
    text = without_markup(redact(without(text, secrets)))  # what a page shows is cut: no key may be cut in two
    line = visible(" ".join(redact(without(text, secrets)).split()))
    line = line if line.endswith("...") else line.rstrip(".")
    return line if len(line) <= 300 else line[:297] + "..."


def looks_like_key(text: str) -> bool:
    """Whether a key, or an address with a password, is anywhere in the text."""
    return _KEY.search(text) is not None


def is_secret_name(name: str) -> bool:
    """Whether a setting or header of this name holds a secret (`api_key`, `X-Api-Key`, `Authorization`, ...)."""
    plain = name.strip().lower().replace("-", "_")
    return plain in _NAMES or plain.endswith(_ENDINGS)


def secrets_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all secrets in nested settings; a name of an environment variable (`os.environ/NAME`) is none."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if looks_like_key(str(key)):
                yield path
            elif is_secret_name(str(key)) and _is_literal(inner):
                yield (*path, key)
            else:
                yield from secrets_in(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from secrets_in(inner, (*path, index))
    elif isinstance(value, str) and (looks_like_key(value) or _query_names_secret(value)):
        yield path


def without_secrets(value: Any) -> Any:
    """A copy of nested settings fit to be stored: no secret, no header's value, no user or query in an address."""
    if isinstance(value, dict):
        return {redact(str(key)): _stored(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(inner) for inner in value]
    if isinstance(value, str):
        return redact(_bare_address(value) if "://" in value else value)
    return value


def literal_secrets(value: Any, *, secret: bool = False) -> Iterator[str]:
    """What `without_secrets` takes out of nested settings; names of environment variables are none.

    Args:
        value: The settings.
        secret: Whether all of it is one.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from literal_secrets(inner, secret=secret or key in _HEADERS or is_secret_name(str(key)))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from literal_secrets(inner, secret=secret)
    elif isinstance(value, str) and not value.startswith(BY_NAME):
        if secret:
            yield value.strip()
        elif "://" in value:
            yield from _in_address(value)


def _in_address(text: str) -> Iterator[str]:
    """The user, the password and the query's values, as they stand and decoded."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    values = [part.partition("=")[2] or part for part in parts.query.split("&")]
    for each in (user, password, *values, parts.fragment):
        yield from (each, unquote(each))


def _stored(key: str, value: Any) -> Any:
    if key in _HEADERS and isinstance(value, dict):
        return dict.fromkeys(value, HIDDEN)
    return HIDDEN if is_secret_name(key) and _is_literal(value) else without_secrets(value)


def _is_literal(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value.strip()) and not value.startswith(BY_NAME)
    return isinstance(value, int | float | list | dict) and not isinstance(value, bool)


def _query_names_secret(text: str) -> bool:
    if "://" not in text or "?" not in text:
        return False
    return any(is_secret_name(part.partition("=")[0]) for part in text.partition("?")[2].split("&"))


def _bare_address(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        return HIDDEN
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
