"""What people write in a label: a slot, a tie, a number, or nothing."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TIE = "tie"

UNLABELLED = ""
"""What `read_label` makes of an empty cell."""

EMPTY = frozenset({"", "nan", "none", "null", "n/a", "na", "<na>", "-", "unlabelled", "unlabeled"})
"""Texts that stand for no label, as tools write missing cells."""

TIES = frozenset(
    {
        "tie",
        "ties",
        "tied",
        "draw",
        "equal",
        "equals",
        "equally good",
        "equally bad",
        "equivalent",
        "even",
        "both",
        "both good",
        "both bad",
        "bad",
        "bothgood",
        "bothbad",
        "both are good",
        "both are bad",
        "both equal",
        "both are equal",
        "both are equally good",
        "both are equally bad",
        "both the same",
        "both are the same",
        "they are equal",
        "equally",
        "a tie",
        "it is a tie",
        "same",
        "the same",
        "about the same",
        "about equal",
        "neither",
        "neutral",
        "no preference",
        "no difference",
        "similar",
    }
)
"""Words for a tie, with spaces for underscores and hyphens; `tie (...)` is one too, and `[[C]]`."""

_NOUN = (
    "response|answer|output|completion|reply|generation|candidate|assistant|model|option|choice|text|system|version|"
    "variant|solution|summary|translation|conversation|chatbot|bot|ai|agent|sample"
)
_ORDINALS = {
    "first": "A",
    "second": "B",
    "third": "C",
    "fourth": "D",
    "1st": "A",
    "2nd": "B",
    "3rd": "C",
    "left": "A",
    "right": "B",
    "one": "A",
    "two": "B",
}
_BETTER = (
    r"(?:\s*(?:is|are|was|has)?\s*(?:much|far|slightly|significantly|a bit|clearly)?\s*"
    r"(?:better|best|wins?|won|preferred|chosen|winner)(?:\s+than\s.*)?)?"
)
_SLOT = re.compile(
    rf"(?:(?:i\s+)?(?:strongly|slightly|much|weakly)?\s*prefers?\s+)?(?:the\s+)?(?:(?P<noun>{_NOUN})s?\s*)?\(?(?P<slot>[a-z]|\d{{1,2}}|{'|'.join(_ORDINALS)})\)?(?:\s+(?:{_NOUN}))?{_BETTER}"
)
_COMPARISON = re.compile(r"(.+?)\s*(>>?|<<?|==?|≈|~=?)\s*(.+)")
_TIE_WITH_REASON = re.compile(r"(?:a\s+)?tie\s*\(.*\)")


def read_label(value: object, slots: int = 2) -> str | int | None:
    """What a cell says of which answer is better.

    Args:
        value: The cell.
        slots: How many answers there are.

    Returns:
        A slot's letter, `tie` (of two answers only), a number, which `numbering` explains, `UNLABELLED` for an empty
        cell, or None for what is none of these.

    Example:
        >>> [read_label(text) for text in ("model_b", "Tie (both bad)", "[[A>>B]]", "2", "x1")]
        ['B', 'tie', 'A', 2, None]
    """
    if value is None:
        return UNLABELLED
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, float):
        return UNLABELLED if math.isnan(value) else int(value) if value.is_integer() else None
    return _read_text(value, slots) if isinstance(value, str) else None


@lru_cache(maxsize=256)
def _read_text(value: str, slots: int) -> str | int | None:
    plain = _plain(value)
    if plain in EMPTY:
        return UNLABELLED
    if slots == 2 and (plain in TIES or _TIE_WITH_REASON.fullmatch(plain) or value.strip().casefold() == "[[c]]"):
        return TIE
    compared = _COMPARISON.fullmatch(plain)
    if compared is not None:
        left, right = (_slot(side, slots) for side in (compared[1], compared[3]))
        if slots != 2 or {left, right} != {"A", "B"}:
            return None
        return TIE if compared[2][0] in "=≈~" else left if compared[2][0] == ">" else right
    number = re.fullmatch(r"(-?\d+)(?:\.0+)?", plain)
    return int(number[1]) if number else _slot(plain, slots)


def _plain(value: str) -> str:
    """The text in small letters, without brackets around it, its words apart by one space."""
    text = value.strip().casefold()
    while len(text) > 1 and (text[0], text[-1]) in {("[", "]"), ("(", ")"), ('"', '"'), ("'", "'"), ("*", "*")}:
        text = text[1:-1].strip()
    text = re.sub(r"[_\s]+|(?<=\w)-(?=\w)", " ", text)
    return text.removesuffix(".").strip() if len(text) > 1 else text


def _slot(plain: str, slots: int) -> str | int | None:
    found = _SLOT.fullmatch(plain.strip())
    if found is None:
        return None
    said = found["slot"]
    if said.isdigit():
        return int(said)
    letter = _ORDINALS.get(said, said.upper())
    return letter if letter in LETTERS[:slots] else None


def numbering(codes: Collection[int], slots: int = 2) -> dict[int, str] | None:
    """What numbers in a column of labels mean, where there is only one way to count.

    Args:
        codes: The numbers that stand in the column.
        slots: How many answers there are.

    Returns:
        Number -> slot: 1 and 2 count the answers of a pair, and 0 beside both is a tie; of more answers, 1 to `slots`
        count them where the last one occurs and 0 does not. None where it could be another way: 0 and 1 alone are
        never guessed.
    """
    seen = set(codes)
    if slots == 2:
        return {0: TIE, 1: "A", 2: "B"} if {1, 2} <= seen <= {0, 1, 2} else None
    letters = LETTERS[:slots]
    return dict(enumerate(letters, 1)) if slots in seen and seen <= set(range(1, slots + 1)) else None


def decimal(text: str) -> str:
    """A number with a point where it has a decimal comma, as tables with semicolons have; else the text as it is.

    Example:
        >>> decimal("3,5"), decimal("1,234")
        ('3.5', '1,234')
    """
    return _DECIMAL.sub(r"\1.\2", text)


_DECIMAL = re.compile(r"^\s*([-+]?(?:\d+(?=,\d{1,2}\s*$)|0)),(\d+)\s*$")


def label_key(value: object) -> str:
    """What labels are compared by: the text without case, runs of spaces and underscores as one space, 2.0 as 2."""
    return _text_key(str(value))


@lru_cache(maxsize=256)
def _text_key(value: str) -> str:
    text = re.sub(r"[\s_]+", " ", value.strip().casefold())
    return re.sub(r"^(-?\d+)\.0+$", r"\1", text)


def coded(value: object, codes: Mapping[str, str]) -> str | None:
    """What a given mapping says of a cell, compared by `label_key`; None where it says nothing."""
    key = label_key(value)
    return next((meaning for code, meaning in codes.items() if label_key(code) == key), None)
