"""Text from outside cannot control the terminal, and amounts are read at a glance."""

import pytest

from judgebench._util.text import difference_text, dollars, one_line, usd, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x07", "\\x07"),
        ("a\rb", "a\\x0db"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202etxet", "\\u202etxet"),
        ("\ud800", "\\ud800"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("windows\r\nlines", "windows\nlines"),
        ("naïve 中文 👍", "naïve 中文 👍"),
    ],
)
def test_what_could_control_a_terminal_is_written_out(text, shown):
    """Escapes, bells, returns, direction marks and lone surrogates are written out; all else stays."""
    assert visible(text) == shown


def test_one_line_has_no_line_ends():
    """Runs of white space become one blank."""
    assert one_line("a\n  b\tc") == "a b c"


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (0, "$0.00"),
        (1234.5, "$1234.50"),
        (1, "$1.00"),
        (0.0557, "$0.056"),
        (0.01, "$0.010"),
        (0.00996, "$0.01"),
        (0.0052, "$0.0052"),
        (0.000057, "$0.000057"),
        (0.0000001, "$0.0000001"),
        (None, "cost unknown"),
    ],
)
def test_small_amounts_are_written_out(amount, said):
    """What a single call costs is read without powers of ten."""
    assert dollars(amount) == said


@pytest.mark.parametrize(
    ("difference", "measure", "shown"),
    [(-0.0, "share", "+0.0"), (-1e-9, "share", "+0.0"), (-1e-9, "pearson", "+0.000"), (-0.0312, "share", "-3.1")],
)
def test_no_difference_is_not_negative(difference, measure, shown):
    """What rounds to zero has the sign of zero."""
    assert difference_text(difference, measure) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(1e-05, "$0.00001"), (0.5, "$0.5"), (2, "$2"), (2e6, "$2000000"), (0.1 + 0.2, "$0.30000000000000004")],
)
def test_an_amount_is_shown_as_it_was_given(amount, shown):
    """An amount that the user gave is never shown in powers of ten, nor rounded."""
    assert usd(amount) == shown
