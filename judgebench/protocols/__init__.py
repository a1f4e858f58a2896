"""(item, readings so far) -> the calls that it still needs, and what they make of the item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.lazy import lazy_face

if TYPE_CHECKING:
    from judgebench.protocols.alterations import (
        Alteration,
        altered,
        check_attack,
        find_alterations,
        target,
    )
    from judgebench.protocols.notes import PROTOCOL_NOTES, protocol_notes
    from judgebench.protocols.orders import (
        Call,
        Protocol,
        calls_needed,
        calls_open,
        in_order,
        number_of_calls,
        orders_of,
        with_unasked,
    )
    from judgebench.protocols.pairs import questions
    from judgebench.protocols.sequential import UntilShown, blocks, drawn

__all__ = [
    "PROTOCOL_NOTES",
    "Alteration",
    "Call",
    "Protocol",
    "UntilShown",
    "altered",
    "blocks",
    "calls_needed",
    "calls_open",
    "check_attack",
    "drawn",
    "find_alterations",
    "in_order",
    "number_of_calls",
    "orders_of",
    "protocol_notes",
    "questions",
    "target",
    "with_unasked",
]

if not TYPE_CHECKING:
    __getattr__ = lazy_face(
        __name__,
        {
            "alterations": (
                "Alteration",
                "altered",
                "check_attack",
                "find_alterations",
                "target",
            ),
            "notes": (
                "PROTOCOL_NOTES",
                "protocol_notes",
            ),
            "orders": (
                "Call",
                "Protocol",
                "calls_needed",
                "calls_open",
                "in_order",
                "number_of_calls",
                "orders_of",
                "with_unasked",
            ),
            "pairs": ("questions",),
            "sequential": (
                "UntilShown",
                "blocks",
                "drawn",
            ),
        },
    )
