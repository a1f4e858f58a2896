"""Settings of a connection that could never work: found before the first call, by every transport."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HEADERS = ("extra_headers", "headers", "default_headers")
"""Settings that hold headers, by name."""

_SWITCHES = {"true": True, "false": False}


def check_url(address: str) -> str:
    """The address, where a request can go there.

    Raises:
        ValueError: Its host or its port is none.
    """
    parts = urlsplit(address)
    if parts.port == 0 or not (parts.hostname or "").encode("idna"):
        raise ValueError(address)
    return address


def header_mistakes(settings: Mapping[Any, Any]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Where in a judge's settings a header is that cannot be sent, and what is wrong with it; null takes one away.

    Example:
        >>> list(header_mistakes({"extra_headers": {"X-Team": 5}}))
        [(('extra_headers', 'X-Team'), 'is not text: quote it')]
    """
    for setting in HEADERS:
        headers = settings.get(setting)
        if headers is not None and not isinstance(headers, dict):
            yield (setting,), "is no mapping: expected headers such as {X-Team: red}"
        for name, value in headers.items() if isinstance(headers, dict) else ():
            if not isinstance(name, str) or (value is not None and not isinstance(value, str)):
                yield (setting, name), "is not text: quote it"
            elif not all(each.isascii() and each.isprintable() for each in (name, value or "")):
                yield (setting, name), "contains a non-ASCII character or a line break: headers cannot hold it"


def verified_by(setting: object, whose: str) -> bool | str:
    """How certificates are checked: whether at all, or by the file of those that are trusted.

    Args:
        setting: What a judge's `ssl_verify` says, with variables filled in.
        whose: The judge, for the message.

    Raises:
        ConfigError: It says something else, or names a file that is missing or holds no certificate.
    """
    if isinstance(setting, bool):
        return setting
    if not isinstance(setting, str):
        raise ConfigError(f"{whose}: ssl_verify is {setting!r}: expected true, false, or a file of certificates")
    if setting.lower() in _SWITCHES:
        return _SWITCHES[setting.lower()]
    import ssl

    try:
        ssl.create_default_context(cafile=setting)
    except OSError as error:  # an SSLError is one
        raise ConfigError(
            f"{whose}: ssl_verify: {setting} cannot be used ({error.strerror or error}); name a file of certificates "
            "in PEM form, true or false"
        ) from None
    return setting
