"""What a notebook shows of a result: small tables of HTML, in which all text from outside is escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_LEFT, _RIGHT = ' style="text-align:left"', ' style="text-align:right"'


def text(said: str) -> str:
    """Text for HTML: escaped, in one line, and with what could hide or turn words written out."""
    from html import escape

    return escape(one_line(said))


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]], *, left: Sequence[bool], title: str = "") -> str:
    """A table.

    Args:
        head: What stands above each column.
        rows: The cells, as text.
        left: Of each column whether it stands to the left.
        title: Stands above it.
    """
    caption = f'<caption style="text-align:left"><b>{text(title)}</b></caption>' if title else ""
    above = _row("th", head, left)
    return (
        f"<table>{caption}<thead>{above}</thead><tbody>{''.join(_row('td', row, left) for row in rows)}</tbody></table>"
    )


def _row(kind: str, cells: Sequence[str], left: Sequence[bool]) -> str:
    shown = (f"<{kind}{_LEFT if own else _RIGHT}>{text(cell)}</{kind}>" for cell, own in zip(cells, left, strict=True))
    return f"<tr>{''.join(shown)}</tr>"


def paragraphs(lines: Iterable[str]) -> str:
    """Lines below a table."""
    return "".join(f"<p>{text(line)}</p>" for line in lines)
