"""docs/api.md is what the docstrings of the public names say."""

from __future__ import annotations

import runpy

import pytest
from pages import DOCS

WRITER = runpy.run_path(str(DOCS / "api.py"))


def call(first: str, *, data: str | None = None, **options: int) -> list[str]:
    """Does it.

    A second paragraph.

    Args:
        first: The first,
            in two lines.
        data: Rows.
        **options: The others.

    Returns:
        Texts: two of them.

    Example:
        >>> call("a")
        ['a']
    """
    return [first]


def test_the_page_is_up_to_date() -> None:
    """`python docs/api.py` would write the page that is there."""
    assert WRITER["page"]() == (DOCS / "api.md").read_text(encoding="utf-8")


def test_a_signature_is_written_as_in_the_code() -> None:
    """Annotations without quotation marks, the bare star, defaults."""
    expected = "call(first: str, *, data: str | None = None, **options: int) -> list[str]"
    assert WRITER["signature"]("call", call) == expected


@pytest.mark.parametrize(
    "part",
    [
        "Does it.\n\nA second paragraph.\n\n**Args:**\n\n- `first`: The first, in two lines.\n- `data`: Rows.\n",
        "\n- `**options`: The others.\n",
        "\n**Returns:**\n\nTexts: two of them.\n",
        "\n**Example:**\n\n```python\n>>> call(\"a\")\n['a']\n```",
    ],
)
def test_a_docstring_becomes_markdown(part: str) -> None:
    """Sections become lists, and examples code."""
    assert part in WRITER["body"](WRITER["inspect"].getdoc(call))
