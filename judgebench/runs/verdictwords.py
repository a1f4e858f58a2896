"""What stands in a column of verdicts: a slot, an answer of the row by its name, a tie, a rating, or nothing."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from judgebench.items import LABELS, TIE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIES = frozenset({"tie", "ties", "draw", "equal", "same", "both", "neither", "tie (bothbad)", "bothbad", "both bad"})
NONE = frozenset(
    {"", "none", "null", "nan", "error", "n/a", "na", "invalid", "unparseable", "unreadable", "unknown", "-1"}
)
"""What files write where a judge gave no verdict."""

_PLAIN = re.compile(r"[a-z]")
_NAMED = re.compile(r"(?:response|answer|completion|output|model|assistant|option)[ _-]?\(?(?:([a-z])|(\d))\)?")
_COMPARED = re.compile(r"([a-z])\s*(>{1,2}|<{1,2}|={1,2})\s*([a-z])")


@dataclass(frozen=True, slots=True)
class Word:
    """A choice.

    Attributes:
        index: The slot, or the answer of the row, from 0 on; None for a tie.
        slot: Whether it is a slot in the order shown; else an answer by the name that it has in its row.
    """

    index: int | None
    slot: bool = True


TIED = Word(None)


class UnknownWordError(ValueError):
    """A word that is no verdict; the message says what is expected."""


def text_of(value: object) -> str:
    """What stands in a cell, without case and brackets; whole numbers without their point."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip().strip("[]\"'").strip().casefold()


def is_none(value: object) -> bool:
    """Whether a cell says that there is no verdict."""
    return value is None or (isinstance(value, float) and math.isnan(value)) or text_of(value) in NONE


def pick_of(value: object, k: int, models: Sequence[str | None] = (), words: Mapping[str, str] | None = None) -> Word:
    """The choice that a cell names.

    Letters are slots, and numbers count them from 1, with 0 for a tie; `model_a`, `response 2`, `chosen`, and a model's
    name are answers of the row.

    Args:
        value: The cell.
        k: How many answers there are.
        models: Whose they are.
        words: What the user said that words mean.

    Raises:
        UnknownWordError: It names none.
    """
    text = text_of(value)
    if words and (meaning := words.get(text)) is not None:
        text = text_of(meaning)
    named = [at for at, model in enumerate(models) if model is not None and text_of(model) == text]
    if len(named) == 1:
        return Word(named[0], slot=False)
    if text in TIES:
        return TIED
    if text in {"chosen", "rejected"} and k == 2:
        return Word(int(text == "rejected"), slot=False)
    if text == "chosen":
        return Word(0, slot=False)
    found = _by_form(text, k)
    if found is not None and (found.index is None or found.index < k):
        return found
    letters = "A, B" if k == 2 else f"A to {LABELS[k - 1]}"
    raise UnknownWordError(
        f"is {value!r:.60}, expected {letters}, tie, or an answer by name; --labels WORD=A says what it is"
    )


def _by_form(text: str, k: int) -> Word | None:
    if _PLAIN.fullmatch(text):
        return Word(ord(text) - ord("a"))
    if text.isdigit():
        return TIED if text == "0" and k == 2 else Word(int(text) - 1) if text != "0" else None
    if match := _NAMED.fullmatch(text):
        return Word(ord(match[1]) - ord("a") if match[1] else int(match[2]) - 1, slot=False)
    if (match := _COMPARED.fullmatch(text)) and match[1] != match[3]:
        better = {"=": "", ">": match[1], "<": match[3]}[match[2][0]]
        return Word(ord(better) - ord("a")) if better else TIED
    return None


def rating_of(value: object) -> float | None:
    """The number in a cell; None where it is none."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(str(value).strip())
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def order_of(value: object, k: int) -> tuple[int, ...]:
    """Which of the row's answers stood in each slot.

    A text of letters (`AB`, `B,A`), numbers from 0 or 1 on (`[1, 0]`), `original` or `swapped`, whether it was swapped,
    or the answer that was shown first (`chosen`, `rejected`, `model_b`).

    Raises:
        UnknownWordError: It is none.
    """
    every = tuple(range(k))
    if isinstance(value, bool):
        return every[::-1] if value else every
    if isinstance(value, list | tuple):
        parts = [text_of(each) for each in value]
    else:
        text = text_of(value)
        if text in {"original", "ab", "normal", "first", "false", "chosen", "given"}:
            return every
        if text in {"swapped", "ba", "reversed", "swap", "true", "rejected", "flipped"} and k == 2:
            return (1, 0)
        parts = re.findall(r"\d+|[a-z]+", text)
        if len(parts) == 1 and len(parts[0]) == k and not parts[0].isdigit():
            parts = list(parts[0])
    if len(parts) == 1 or (len(parts) == 2 and parts[0] in {"model", "response", "answer", "output"}):
        first = _by_form("_".join(parts), k)
        if first is not None and first.index is not None and first.index < k:
            return (first.index, *(at for at in every if at != first.index))
    numbers = [int(part) if part.isdigit() else ord(part) - ord("a") if len(part) == 1 else -1 for part in parts]
    if sorted(numbers) == list(range(1, k + 1)):
        numbers = [number - 1 for number in numbers]
    if sorted(numbers) != list(every):
        raise UnknownWordError(f"is {value!r:.60}, expected AB or BA, [0, 1] or [1, 0], original or swapped")
    return tuple(numbers)


def label_text(pick: Word) -> str:
    """A label of the row, as rows have it."""
    return TIE if pick.index is None else LABELS[pick.index]
