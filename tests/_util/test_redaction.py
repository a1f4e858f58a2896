"""Others' words in one line."""

from __future__ import annotations

import ssl

import pytest

from judgebench._util.redaction import in_one_line


@pytest.mark.parametrize("thing", [ssl.create_default_context(), object(), in_one_line, "".join, [object()].append])
def test_no_object_stands_in_a_message(thing: object) -> None:
    """What Python writes of an object, with its address, is left out with the name before it."""
    assert (
        in_one_line(f"Cannot connect to host h:1 ssl:{thing!r} [refused]", []) == "Cannot connect to host h:1 [refused]"
    )


def test_other_angles_stay() -> None:
    """Tags and addresses of memory alone are the provider's own words."""
    assert in_one_line("<b>at 0x1f</b> is <unk>", []) == "<b>at 0x1f</b> is <unk>"
