"""The judges of the stored runs (`tests/stored`), as the loopback server plays them: what each says of a question."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from commands import GOOD
from loopback import Fault, Reply

if TYPE_CHECKING:
    from loopback import Request

_KINDS = ("verdict", "refused", "truncated", "filtered", "context", "unreadable", "empty", "provider")
"""What becomes of the frail judge's question, by its number."""


def number_of(request: Request) -> int:
    """The number of the item that a request is about; where the question is withheld, its answers say it."""
    found = re.search(r"(?:Question|Name [a-z]+|number) (\d+)", str(request.messages[1]["content"]))
    assert found is not None
    return int(found[1])


def is_right(model: str, number: int) -> bool:
    """Whether a judge prefers the right answer to an item."""
    if model == "steady":
        return number % 3 != 2
    return number % 2 == 0 if model == "contrary" else model != "wrong"


def answer(request: Request, said_before: Counter[bytes] | None = None) -> Reply | str:
    """The reply of the judge that the model's name says; of the moody one, by how often it was asked the same.

    Args:
        request: What it is asked.
        said_before: How often each question was asked: the moody judge is wrong every third time.
    """
    model, number = request.model, number_of(request)
    right = is_right(model, number)
    if model == "moody":
        counts = Counter() if said_before is None else said_before
        counts[request.digest] += 1
        right = (counts[request.digest] + number) % 3 != 0
    if model == "frail" and isinstance(reply := _frail(_KINDS[number % len(_KINDS)]), Reply):
        return reply
    if model == "mumbler" and number % 2 and (len(request.messages) < 3 or number % 4 == 3):
        return "I could not say."
    shown = dict(re.findall(r"<answer_([A-Z])>\n(.*?)\n</answer_", str(request.messages[1]["content"]), re.DOTALL))
    if not shown:
        return f"So many: [[{(9 if right else 4) if GOOD in request.text else (2 if right else 6)}]]"
    if model == "first":
        return "The first. [[A]]"
    fitting = {text: letter for letter, text in shown.items() if (GOOD in text) == right}
    letter = fitting[min(fitting)] if fitting else min(shown, key=shown.__getitem__)
    if model == "sure":
        other = next(each for each in shown if each != letter)
        share = 0.9 if number % 2 else 0.6
        return Reply(f"[[{letter}]]", logprobs=[("[[", {}), (letter, {letter: share, other: 1 - share}), ("]]", {})])
    return f"Not [[{min(set(shown) - {letter})}]]. [[{letter}]]" if model == "wordy" else f"Clear. [[{letter}]]"


def _frail(kind: str) -> Reply | None:
    match kind:
        case "refused":
            return Reply(None, refusal="I will not judge this.")
        case "truncated":
            return Reply("The first answer is", finish_reason="length")
        case "filtered":
            return Fault.content_policy().reply  # type: ignore[return-value]
        case "context":
            return Fault.context_length().reply  # type: ignore[return-value]
        case "unreadable":
            return Reply("Both have their merits.")
        case "empty":
            return Reply("")
        case "provider":
            return Fault.status(422, message="This request cannot be processed.").reply  # type: ignore[return-value]
        case _:
            return None
