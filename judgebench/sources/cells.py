"""What stands in a cell: lists and objects as text, as CSV files and some tools write them."""

from __future__ import annotations

import ast
import json
import warnings
from typing import Any

from judgebench.sources.turns import is_turn


def decode_cell(value: Any) -> Any:
    """What a text cell stands for where a list or an object is meant: JSON, or a list as Python (and pandas) prints it.

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
    """The list or dict whose `repr` the text is; a print of a numpy array, say, would be read as something else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parser's, on backslashes in what is no Python
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, list | dict) and repr(value) == text else None
