"""A row for each kind of verdict of which no benchmark's bundled sample has items: what a template is shown on."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgebench.items import Mode

_ANSWER = {
    "id": "example",
    "prompt": "Which city is the capital of Australia, and since when?",
    "response": "Canberra. It was chosen as a compromise between Sydney and Melbourne.",
}

EXAMPLES: Mapping[Mode, dict[str, object]] = MappingProxyType(
    {
        "label": {
            **_ANSWER,
            "reference": "Canberra, since 1913 (Parliament moved there in 1927).",
            "rubric": "The answer names Canberra and the year 1913.",
        },
        "criteria": {
            **_ANSWER,
            "criteria": [
                {"id": "city", "text": "Names Canberra.", "weight": 2},
                {"id": "year", "text": "Says that it is the capital since 1913.", "weight": 1},
            ],
        },
        "steps": {
            "id": "example",
            "prompt": "A shop sells 14 pens and 7 books a day. How many things does it sell in 3 days?",
            "steps": [
                "It sells 14 pens and 7 books a day.",
                "So in a day it sells 14 + 7 things.",
                "14 + 7 = 22.",
                "In 3 days it sells 3 * 22 = 66 things.",
            ],
            "label": 2,
        },
    }
)
"""Mode -> the row, in the columns of `custom`."""
