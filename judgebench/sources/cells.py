"""What stands in a cell: lists and objects as text, as CSV files and some tools write them."""

from __future__ import annotations

import ast
import io
import json
import tokenize
import warnings
from contextlib import suppress
from typing import Any

from judgebench.sources.turns import is_turn


def decode_cell(value: Any) -> Any:
    """What a text cell stands for where a list or an object is meant: JSON, or a list as Python or NumPy prints it.

    Anything else comes back as it is, so a text that only starts with a bracket stays a text.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text.startswith(("[", "{")):
        return value
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _printed(text) or value


def as_list(value: Any) -> list[Any]:
    """A column that is declared as a list: a list, a cell that holds one, or a single value; None is no value."""
    value = decode_cell(value)
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def list_in(cell: str, *, texts: bool) -> list[Any] | None:
    """The list of turns that a text stands for; None where it is a text.

    Args:
        cell: The text.
        texts: Whether it may be a list of texts or of conversations too, as in CSV, which has no lists of its own.
    """
    if not cell.lstrip().startswith("["):
        return None
    value = decode_cell(cell)
    if not isinstance(value, list) or not value:
        return None
    if texts and all(isinstance(entry, str) for entry in value):
        return value
    turns = [turn for entry in value for turn in (entry if texts and isinstance(entry, list) else [entry])]
    return value if all(is_turn(turn) for turn in turns) else None


def _printed(text: str) -> list[Any] | dict[str, Any] | None:
    """The list or dict that a text is the print of, spaces apart; of an array of NumPy's, which has no commas, too."""
    value = _literal(text)
    if value is None or _tight(repr(value)) != _tight(text):  # Python puts strings without commas together
        with suppress(ValueError, SyntaxError, tokenize.TokenError):
            return _literal(_with_commas(text))
        return None
    return value


def _literal(text: str) -> list[Any] | dict[str, Any] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parser's, on backslashes in what is no Python
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, list | dict) else None


def _tight(text: str) -> str:
    return "".join(text.split())


_WORDS = {"None": "None", "True": "True", "False": "False", "nan": "None", "inf": "1e999"}
_OPEN, _CLOSED = "[{(", "]})"


def _with_commas(text: str) -> str:
    """An array of NumPy's, whose entries spaces part, as Python writes lists.

    Raises:
        ValueError: It is none.
    """
    if not (text.startswith("[") and text.endswith("]")):
        raise ValueError(text)
    made: list[str] = []
    inside: list[list[str]] = []  # for each open bracket itself, and what has parted its entries
    ended = False
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        said = token.string
        value = token.type in {tokenize.STRING, tokenize.NUMBER, tokenize.NAME}
        if token.type in {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}:
            continue
        if (token.type == tokenize.NAME and said not in _WORDS) or not (value or said in {*_OPEN, *_CLOSED, *",:-"}):
            raise ValueError(text)
        if ended and (value or said in {*_OPEN, "-"}) and inside and inside[-1][0] == "[":
            made.append(",")
            inside[-1].append(" ")
        if said in _OPEN:
            inside.append([said])
        elif said == "," and inside:
            inside[-1].append(said)
        elif said in _CLOSED and (not inside or len({*inside.pop()[1:]}) > 1):
            raise ValueError(text)
        made += [_WORDS.get(said, said), " "]
        ended = value or said in _CLOSED
    return "".join(made)
