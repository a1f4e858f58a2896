"""Keys by the names of their variables: from the environment, else from the system's keyring where there is one.

The keyring is asked through the `keyring` package, which is the extra `judgebench[keyring]`; a key stands there under
the service `judgebench` and the variable's name: `keyring set judgebench OPENAI_API_KEY`.
"""

from __future__ import annotations

import base64
import json
import os
import re
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SERVICE = "judgebench"

_SHORTEST = 6
_PERCENT = re.compile("%[0-9A-F]{2}")
_SECRET_VARIABLE = re.compile(r"(?:KEY|KEY_ID|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|AUTH)\Z", re.IGNORECASE)


def key_of(variable: str) -> str:
    """The variable's value, else what the keyring has under its name; empty where neither has one."""
    return os.environ.get(variable, "").strip() or _kept(variable)[0]


def is_sendable(key: str) -> bool:
    """Whether a key can stand in a header of HTTP: printable ASCII alone."""
    return key.isascii() and (key.isprintable() or not key)


def how_to_give(variable: str) -> str:
    """What to do where there is no key, with what is wrong with the keyring where something is."""
    problem = _kept(variable)[1]
    return f"set the environment variable {variable}" + (f" (the keyring cannot be read: {problem})" if problem else "")


def secrets_of_environment() -> Iterator[str]:
    """The values of all variables that are named as a key, a token or a password is."""
    for name, value in os.environ.items():
        if _SECRET_VARIABLE.search(name) and len(value.strip()) > _SHORTEST:
            yield value.strip()


def hidden_forms(secrets: Iterable[str]) -> list[str]:
    """The secrets, and each as it stands in an address, JSON, HTML or base64, the longest first; no very short ones."""
    found: set[str] = set()
    for secret in {each for each in secrets if len(each) >= _SHORTEST}:
        found |= {
            secret,
            escape(secret),
            *_in_address(secret),
            *_in_json(secret),
            *_in_base64(secret.encode("utf-8", "replace")),
        }
    return sorted(found, key=len, reverse=True)


def _in_address(secret: str) -> Iterator[str]:
    """Percent-encoded, with upper and lower case, as far as Python and JavaScript go with what they leave as it is."""
    for left in ("", "/", "!'()*", ";,/?:@&=+$#!'()*"):
        for text in (quote(secret, safe=left), quote_plus(secret, safe=left)):
            yield text
            yield _PERCENT.sub(lambda escaped: escaped.group().lower(), text)


def _in_json(secret: str) -> Iterator[str]:
    """With letters beyond ASCII escaped or not; PHP escapes slashes too, Go and .NET what has a meaning in HTML."""
    for to_ascii in (True, False):
        text = json.dumps(secret, ensure_ascii=to_ascii)[1:-1]
        for spelt in (
            text,
            text.replace("/", r"\/"),
            re.sub("[<>&]", lambda found: f"\\u{ord(found.group()):04x}", text),
            re.sub("[<>&'+`]", lambda found: f"\\u{ord(found.group()):04X}", text.replace(r"\"", r"\u0022")),
        ):
            yield spelt
            yield json.dumps(spelt)[1:-1]  # a gateway's JSON around a provider's


def _in_base64(secret: bytes) -> Iterator[str]:
    """The characters that stand for the secret wherever it begins in a longer text that is encoded as a whole."""
    for before in range(3):
        first = -(-before * 8 // 6)
        last = (before + len(secret)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(before) + secret).decode()[first:last]


def _kept(variable: str) -> tuple[str, str]:
    """What the keyring has, and what is wrong with the keyring; each may be empty."""
    if find_spec("keyring") is None:
        return "", ""
    import keyring
    from keyring.errors import KeyringError, NoKeyringError

    try:
        return (keyring.get_password(SERVICE, variable) or "").strip(), ""
    except NoKeyringError:
        return "", ""
    except KeyringError as error:
        return "", str(error) or type(error).__name__
