"""Tables as LaTeX for a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

LATEX_NEEDS = "% Needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc}.\n"
"""Stands above tables in a file."""

_COMMANDS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "\u202f": r"\,",
}
"""Signs that LaTeX would obey, or print as others."""


def latex_text(text: str) -> str:
    """Text that LaTeX prints as it is; the package `fontenc` with T1 has all the signs.

    Scripts beyond Latin need XeLaTeX or LuaLaTeX and a font that has them.
    """
    safe = "".join(_COMMANDS.get(sign, sign) for sign in one_line(text))
    return safe.replace("--", "-{}-").replace("--", "-{}-")


def latex_table(
    title: str, head: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str], *, left: Sequence[bool]
) -> str:
    """A floating table with the rules of the package `booktabs`, its notes as comments above it.

    Args:
        title: Its caption.
        head: What stands above each column.
        rows: The cells.
        notes: What a reader must know, a sentence each.
        left: Of each column whether it stands to the left.
    """
    comments = "".join(f"% {one_line(note)}\n" for note in notes)
    if not head:
        return comments
    lines = [
        r"\begin{table}",
        r"  \centering",
        f"  \\caption{{{latex_text(title)}}}",
        f"  \\begin{{tabular}}{{{''.join('l' if each else 'r' for each in left)}}}",
        r"    \toprule",
        _row(head),
        r"    \midrule",
        *(_row(row) for row in rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return comments + "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    # A star or a bracket at a row's start would be taken for an option of the row's end before it.
    start = "{}" if cells[0].startswith(("*", "[")) else ""
    return f"    {start}{' & '.join(map(latex_text, cells))} \\\\"
