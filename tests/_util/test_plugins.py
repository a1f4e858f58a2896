"""What other packages bring, looked up again and again in one process."""

from pathlib import Path

import pytest
from plugins import lay_points

from judgebench._util.plugins import plugin_names


def test_a_package_that_is_installed_meanwhile_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook needs no restart: what was looked up before is looked up anew where a folder of packages changed."""
    lay_points(tmp_path, "first", {"some.group": {"one": "first:One"}})
    monkeypatch.syspath_prepend(str(tmp_path))
    before = plugin_names("some.group")
    lay_points(tmp_path, "second", {"some.group": {"two": "second:Two"}})

    assert (before, plugin_names("some.group")) == (["one"], ["one", "two"])
