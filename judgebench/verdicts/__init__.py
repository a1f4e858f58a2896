"""A reply and a rule into a verdict with its place, or a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.lazy import lazy_face

if TYPE_CHECKING:
    from judgebench.verdicts.parts import criteria_like, scores_like
    from judgebench.verdicts.phrasing import (
        fill_example,
        fill_mark,
        fill_tag,
        fill_tags,
        phrase_choice,
        phrase_rating,
        tag_text,
    )
    from judgebench.verdicts.reading import PlacedVerdict, answer_of, read, read_placed, read_text
    from judgebench.verdicts.reply import Reply
    from judgebench.verdicts.rule import Span, VerdictMatch, VerdictRule, find_tag, structured_schema
    from judgebench.verdicts.soft import TOP, PlacedToken, place_tokens

__all__ = [
    "TOP",
    "PlacedToken",
    "PlacedVerdict",
    "Reply",
    "Span",
    "VerdictMatch",
    "VerdictRule",
    "answer_of",
    "criteria_like",
    "fill_example",
    "fill_mark",
    "fill_tag",
    "fill_tags",
    "find_tag",
    "phrase_choice",
    "phrase_rating",
    "place_tokens",
    "read",
    "read_placed",
    "read_text",
    "scores_like",
    "structured_schema",
    "tag_text",
]

if not TYPE_CHECKING:
    __getattr__ = lazy_face(
        __name__,
        {
            "parts": (
                "criteria_like",
                "scores_like",
            ),
            "phrasing": (
                "fill_example",
                "fill_mark",
                "fill_tag",
                "fill_tags",
                "phrase_choice",
                "phrase_rating",
                "tag_text",
            ),
            "reading": (
                "PlacedVerdict",
                "answer_of",
                "read",
                "read_placed",
                "read_text",
            ),
            "reply": ("Reply",),
            "rule": (
                "Span",
                "VerdictMatch",
                "VerdictRule",
                "find_tag",
                "structured_schema",
            ),
            "soft": (
                "PlacedToken",
                "TOP",
                "place_tokens",
            ),
        },
    )
