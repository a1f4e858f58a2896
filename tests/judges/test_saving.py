"""`save_settings`: settings of a judge in a providers.yaml, all else as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from judgebench.errors import ConfigError
from judgebench.judges.saving import save_settings, with_settings

if TYPE_CHECKING:
    from pathlib import Path

FOUND = {"structured_output": False, "system_role": False}
FORMS = {
    "none": "",
    "another key": "defaults: {timeout: 60}\n",
    "no such judge": "judges:\n  other: {model: openai/m}\n",
    "braces": "judges:\n  mine: {model: openai/m}  # mine\n",
    "braces below": "judges:\n  mine:\n    {model: openai/m,\n     timeout: 5}\n",
    "block": "# ours\njudges:\n    mine:  # mine\n        # why\n        model: openai/m\n        params: {a: 1}\n",
    "quoted": "judges:\n  'mine': {model: openai/m}\n",
    "a family of that name": "families:\n  mine: [m*]\njudges:\n  mine: {model: openai/m}\n",
    "last line without an end": "judges:\n  mine:\n    model: openai/m",
    "another whose name begins so": "judges:\n  mine-too: {model: openai/n}\n  mine: {model: openai/m}\n",
    "no judges yet": "judges:\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_nothing_else_changes(form: str) -> None:
    """The data is the old with the settings; every line with a comment is still there."""
    text = FORMS[form]
    new = with_settings(text, "mine", FOUND, "providers.yaml")
    expected = yaml.safe_load(text) or {}
    entry = (expected.get("judges") or {}).get("mine", {})
    expected["judges"] = {**(expected.get("judges") or {}), "mine": {**entry, **FOUND}}
    assert yaml.safe_load(new) == expected
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        line for line in new.splitlines() if line.startswith("#")
    ]


def test_what_is_there_already_stays() -> None:
    """Twice is once."""
    once = with_settings(FORMS["block"], "mine", FOUND, "providers.yaml")
    assert with_settings(once, "mine", FOUND, "providers.yaml") == once


def test_another_value_is_not_overwritten() -> None:
    """The user's own word counts, and the difference is said."""
    text = "judges:\n  mine: {model: openai/m, structured_output: true}\n"
    with pytest.raises(ConfigError, match="has structured_output: true, found was false"):
        with_settings(text, "mine", FOUND, "providers.yaml")


def test_a_form_that_cannot_be_added_to_is_left_alone(tmp_path: Path) -> None:
    """All in one line of braces: what to add is said, and the file is as it was."""
    path = tmp_path / "providers.yaml"
    path.write_text("{judges: {mine: {model: openai/m}}}", encoding="utf-8")
    with pytest.raises(ConfigError, match="add by hand: structured_output: false"):
        save_settings(path, "mine", {"structured_output": False})
    assert path.read_text(encoding="utf-8") == "{judges: {mine: {model: openai/m}}}"


def test_the_file_is_the_users_own(tmp_path: Path) -> None:
    """A link stays one, and what it leads to keeps its permissions and ends of lines."""
    real, link = tmp_path / "dotfiles.yaml", tmp_path / "providers.yaml"
    real.write_bytes(b"judges:\r\n  mine:\r\n    model: openai/m\r\n")
    real.chmod(0o600)
    link.symlink_to(real)
    save_settings(link, "mine", {"system_role": False})
    assert link.is_symlink()
    assert real.read_bytes() == b"judges:\r\n  mine:\r\n    system_role: false\r\n    model: openai/m\r\n"
    assert real.stat().st_mode & 0o777 == 0o600


def test_a_read_only_file_is_left_alone(tmp_path: Path) -> None:
    """What to add is said; with nothing to add there is nothing to say."""
    path = tmp_path / "providers.yaml"
    path.write_text(FORMS["braces"], encoding="utf-8")
    path.chmod(0o400)
    with pytest.raises(ConfigError, match=r"is read-only; .* add by hand, under mine: system_role: false"):
        save_settings(path, "mine", {"system_role": False})
    assert path.read_text(encoding="utf-8") == FORMS["braces"]
    assert path.stat().st_mode & 0o777 == 0o400
