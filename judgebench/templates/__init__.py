"""A template: found, checked, rendered, and what is wrong with its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.lazy import lazy_face

if TYPE_CHECKING:
    from judgebench.templates.followup import can_be_mended, follow_up
    from judgebench.templates.hints import hint_for, rule_of
    from judgebench.templates.lint.linting import lint_all
    from judgebench.templates.template import (
        INCLUDED,
        TEMPLATE,
        TIES_TEMPLATE,
        Template,
        load_template,
        parse_template,
        shipped_templates,
    )

__all__ = [
    "INCLUDED",
    "TEMPLATE",
    "TIES_TEMPLATE",
    "Template",
    "can_be_mended",
    "follow_up",
    "hint_for",
    "lint_all",
    "load_template",
    "parse_template",
    "rule_of",
    "shipped_templates",
]

if not TYPE_CHECKING:
    __getattr__ = lazy_face(
        __name__,
        {
            "followup": (
                "can_be_mended",
                "follow_up",
            ),
            "hints": (
                "hint_for",
                "rule_of",
            ),
            "lint.linting": ("lint_all",),
            "template": (
                "INCLUDED",
                "TEMPLATE",
                "TIES_TEMPLATE",
                "Template",
                "load_template",
                "parse_template",
                "shipped_templates",
            ),
        },
    )
