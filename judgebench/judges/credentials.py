"""The keys that a judge needs, and the settings of a call that hold them. No key leaves a process but with a call."""

from __future__ import annotations

import base64
import json
import os
import re
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from judgebench._util.redaction import BY_NAME, literal_secrets
from judgebench.errors import ConfigError
from judgebench.judges.catalog import KEY_VARIABLES
from judgebench.judges.connection import header_mistakes, verified_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from judgebench.judges.judge import Judge

PLACEHOLDER_KEY = "none"
"""Sent to a server of the OpenAI protocol at an `api_base` that needs no key."""

SERVICE = "judgebench"

_SHORTEST = 6

_PERCENT = re.compile("%[0-9A-F]{2}")

_SECRET_VARIABLE = re.compile(r"(?:KEY|KEY_ID|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|AUTH)\Z", re.IGNORECASE)


def key_variables(judge: Judge) -> tuple[str, ...]:
    """The variables that can hold the judge's key, any one of them enough; none for a server that needs no key."""
    if judge.api_key_env is not None:
        return (judge.api_key_env,)
    if judge.found or (judge.api_base is not None and judge.provider == "openai"):
        return ()
    return KEY_VARIABLES.get(judge.provider, ())


def missing_key(judge: Judge) -> str | None:
    """The variable to set before this judge can be called; None where its key is there, or it needs none.

    A key is there in the environment, or in the keyring under the first of the judge's variables.
    """
    variables = key_variables(judge)
    if variables and not any(os.environ.get(name, "").strip() for name in variables) and not key_of(variables[0]):
        return variables[0]
    return next((name for name in named_variables(judge.extra) if not key_of(name)), None)


def check_key(judge: Judge) -> None:
    """Finds out whether the judge can be called.

    Raises:
        ConfigError: A key that it needs is neither in the environment nor in the keyring, or cannot be sent.
    """
    missing = missing_key(judge)
    if missing is not None:
        raise ConfigError(f"judge '{judge.name}' needs a key: {how_to_give(missing)}")
    for variable in _sent_keys(judge):
        if not is_sendable(key_of(variable)):
            raise ConfigError(
                f"judge '{judge.name}': the key in {variable} contains a non-ASCII character or a line break: "
                "copy it again"
            )


def _sent_keys(judge: Judge) -> tuple[str, ...]:
    """The variables whose value goes out as the judge's key."""
    variables = key_variables(judge)
    if not variables:
        return ("OPENAI_API_KEY",) if takes_openais_key(judge) and os.environ.get("OPENAI_API_KEY") else ()
    in_environment = [name for name in variables if os.environ.get(name, "").strip()]
    return (*in_environment, *variables)[:1]


def takes_openais_key(judge: Judge) -> bool:
    """Whether the judge is a server of the OpenAI protocol that gets OPENAI_API_KEY where that is set."""
    if judge.api_base is None or judge.provider != "openai":
        return False
    return judge.api_key_env is None and not judge.found


def keys_sent(judge: Judge) -> tuple[str, ...]:
    """The variables whose values go out with the judge's calls: its key, and those that its settings name."""
    return (*_sent_keys(judge), *named_variables(judge.extra))


def values_sent(judge: Judge) -> dict[str, str]:
    """The same with their values, for a process that makes the calls elsewhere; never to be stored or shown."""
    return {name: value for name in keys_sent(judge) if (value := key_of(name))}


def call_settings(judge: Judge) -> dict[str, Any]:
    """What LiteLLM needs to reach the judge: `api_base`, `api_key`, and `extra` with `os.environ/NAME` filled in.

    It holds secrets: for the call alone, never to be stored or shown. A key that LiteLLM finds itself is not in it.

    Raises:
        ConfigError: A key that it needs is neither in the environment nor in the keyring, or a header or certificate
            of its settings cannot be used.
    """
    check_key(judge)
    settings: dict[str, Any] = _filled(judge.extra)
    for path, problem in header_mistakes(settings):
        raise ConfigError(f"judge '{judge.name}': {'.'.join(map(str, path))} {problem}")
    if settings.get("ssl_verify") is not None:
        settings["ssl_verify"] = verified_by(settings["ssl_verify"], f"judge '{judge.name}'")
    if judge.api_base is not None:
        settings["api_base"] = judge.api_base
    variables = key_variables(judge)
    if variables:
        # A key in the environment LiteLLM finds itself, as long as it is its own variable that holds it, and it alone.
        sent, first = _sent_keys(judge)[0], variables[0]
        if judge.api_key_env is not None or (sent == first and os.environ.get(first, "") != key_of(first)):
            settings["api_key"] = key_of(first)
    elif judge.found:
        settings["api_key"] = PLACEHOLDER_KEY
    elif takes_openais_key(judge):
        key = os.environ.get("OPENAI_API_KEY", "")
        if not key or key != key.strip():
            settings["api_key"] = key.strip() or PLACEHOLDER_KEY
    return settings


def secret_values(judge: Judge) -> list[str]:
    """What must not be in any message about the judge's calls, in all forms, the longest first.

    Its keys, what its settings hold beside them (headers, the user and the query of its address), and the values of
    all environment variables that are named as a secret is: LiteLLM reads some of its own.
    """
    named = (*key_variables(judge)[:1], *named_variables(judge.extra))
    also = (os.environ.get(name, "").strip() for name in KEY_VARIABLES.get(judge.provider, ()))
    settings = {"api_base": judge.api_base, **judge.extra}
    return hidden_forms([*map(key_of, named), *also, *literal_secrets(settings), *secrets_of_environment()])


def named_variables(value: Any) -> Iterator[str]:
    """The variables that settings name, as `os.environ/NAME`, however deep."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from named_variables(inner)
    elif isinstance(value, str) and value.startswith(BY_NAME):
        yield value.removeprefix(BY_NAME)


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner) for inner in value]
    if isinstance(value, str) and value.startswith(BY_NAME):
        return key_of(value.removeprefix(BY_NAME))
    return value


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
