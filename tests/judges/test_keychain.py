"""Where a key comes from, and what it looks like where it must not be seen."""

from __future__ import annotations

import base64
import sys
from typing import TYPE_CHECKING

import pytest
from commands import process
from keyring.errors import KeyringLocked, NoKeyringError

from judgebench.errors import ConfigError
from judgebench.judges.credentials import call_settings, hidden_forms, key_of, missing_key, secret_values
from judgebench.judges.judge import Judge

if TYPE_CHECKING:
    from keyrings import MemoryRing

OWN = Judge(name="a", model="openai/x", api_key_env="OWN_KEY")
OPENAI = Judge(name="a", model="openai/gpt-4.1")


def test_a_key_is_found_under_the_variables_name(ring: MemoryRing) -> None:
    """In the keyring's service judgebench."""
    ring.set_password("judgebench", "OWN_KEY", " kept-0123456789\n")
    assert (missing_key(OWN), call_settings(OWN)["api_key"]) == (None, "kept-0123456789")


def test_another_services_key_is_not_ours(ring: MemoryRing) -> None:
    """The same name elsewhere says nothing."""
    ring.set_password("other", "OWN_KEY", "kept-0123456789")
    assert missing_key(OWN) == "OWN_KEY"


def test_the_environment_comes_first(ring: MemoryRing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is set counts, and the keyring is not even asked."""
    ring.problem = AssertionError("asked")
    monkeypatch.setenv("OWN_KEY", "set-0123456789")
    assert key_of("OWN_KEY") == "set-0123456789"


def test_a_providers_own_variable_is_looked_up_too(ring: MemoryRing) -> None:
    """Where no variable of the provider's is set."""
    ring.set_password("judgebench", "OPENAI_API_KEY", "kept-0123456789")
    assert (missing_key(OPENAI), call_settings(OPENAI)) == (None, {"api_key": "kept-0123456789"})


def test_a_providers_own_variable_is_left_to_litellm(ring: MemoryRing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one is set, the key is in no settings of ours."""
    monkeypatch.setenv("OPENAI_API_KEY", "set-0123456789")
    assert call_settings(OPENAI) == {}


def test_a_server_of_ones_own_gets_no_key_that_it_was_not_meant_to(ring: MemoryRing) -> None:
    """A judge at an address without `api_key_env` is not sent the provider's key."""
    ring.set_password("judgebench", "OPENAI_API_KEY", "kept-0123456789")
    assert call_settings(Judge(name="a", model="openai/x", api_base="http://host/v1"))["api_key"] == "none"


def test_no_keyring_at_all_is_no_mistake(ring: MemoryRing) -> None:
    """The package alone, as on a server, changes nothing."""
    ring.problem = NoKeyringError("none")
    with pytest.raises(ConfigError, match=r"needs a key: set the environment variable OWN_KEY$"):
        call_settings(OWN)


def test_a_locked_keyring_is_said(ring: MemoryRing) -> None:
    """Beside what to do about the key."""
    ring.problem = KeyringLocked("it is locked")
    with pytest.raises(ConfigError, match=r"OWN_KEY \(the keyring cannot be read: it is locked\)$"):
        call_settings(OWN)


def test_a_key_in_the_keyring_is_a_secret(ring: MemoryRing) -> None:
    """As one in the environment is."""
    ring.set_password("judgebench", "OWN_KEY", "kept-0123456789")
    assert "kept-0123456789" in secret_values(OWN)


def test_without_the_package_there_is_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert key_of("OWN_KEY") == ""


@pytest.mark.parametrize("key", ["", "set-0123456789"])
def test_the_keyring_is_imported_where_it_is_needed(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the first key that no variable holds, and not before."""
    monkeypatch.setenv("OWN_KEY", key)
    code = (
        "import sys, judgebench.judges.presets, judgebench.judges.credentials as k; "
        "k.key_of('OWN_KEY'); print('keyring' in sys.modules)"
    )
    assert process(python=("-c", code)).out == f"{not key}\n"


@pytest.mark.parametrize("before", ["", "m", "me", "me:"])
def test_a_secret_is_known_inside_base64(before: str) -> None:
    """Wherever in a group of three bytes it begins."""
    encoded = base64.b64encode(f"{before}canary/0123456789:end".encode()).decode()
    assert any(form in encoded for form in hidden_forms(["canary/0123456789"]))


def test_a_secret_is_known_inside_json() -> None:
    """With its quotes escaped."""
    assert r"in\"side\u00e9" in hidden_forms(['in"side\u00e9'])


SPELT = {
    "by Python's quote": "AbC8s/EfGh2%2B%22%3CMn6%3D%3D",
    "in lower case": "AbC8s%2fEfGh2%2b%22%3cMn6%3d%3d",
    "the slash alone as it is, in lower case": "AbC8s/EfGh2%2b%22%3cMn6%3d%3d",
    "by JavaScript's encodeURI": "AbC8s/EfGh2+%22%3CMn6==",
    "by PHP": r"AbC8s\/EfGh2+\"<Mn6==",
    "by Go": r"AbC8s/EfGh2+\"\u003cMn6==",
    "in JSON in JSON": r"AbC8s/EfGh2+\\\"<Mn6==",
    "by .NET": r"AbC8s/EfGh2\u002B\u0022\u003CMn6==",
    "in HTML": "AbC8s/EfGh2+&quot;&lt;Mn6==",
}


@pytest.mark.parametrize("how", SPELT)
def test_a_secret_with_odd_characters_is_known_however_it_is_spelt(how: str) -> None:
    """In addresses, JSON and HTML, as the usual encoders write it."""
    assert SPELT[how] in hidden_forms(['AbC8s/EfGh2+"<Mn6=='])


def test_a_plain_secret_has_no_more_forms() -> None:
    """Itself, and two alphabets of base64 at three places, which are alike here: 1 + 3."""
    assert len(hidden_forms(["canary-0123456789"])) == 4


def test_short_values_are_no_secrets() -> None:
    """Or every `1` of a message would be hidden."""
    assert hidden_forms(["", "1", "true"]) == []


def test_every_part_of_an_address_that_may_be_one_is_a_secret() -> None:
    """User, password, and the values of its query, encoded or not."""
    judge = Judge(name="a", model="openai/x", api_base="https://someone:pass%2Fword@host/v1?sig=sign%2Bature")
    assert {"someone", "pass/word", "pass%2Fword", "sign+ature", "sign%2Bature"} <= {*secret_values(judge)}
