"""Who is asked: providers.yaml into typed judges, keys, prices; no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.lazy import lazy_face

if TYPE_CHECKING:
    from judgebench.judges.callables import arguments_of, callable_judge, is_async
    from judgebench.judges.catalog import FREE, cost, is_free, listed_output_limit, used_tokens
    from judgebench.judges.credentials import call_settings, check_key, key_variables, missing_key, secret_values
    from judgebench.judges.judge import OFFLINE, Judge, price_of, takes_schema
    from judgebench.judges.presets import PLUGINS, AnyJudge, Judges, family_of, is_plugged, load_judges

__all__ = [
    "FREE",
    "OFFLINE",
    "PLUGINS",
    "AnyJudge",
    "Judge",
    "Judges",
    "arguments_of",
    "call_settings",
    "callable_judge",
    "check_key",
    "cost",
    "family_of",
    "is_async",
    "is_free",
    "is_plugged",
    "key_variables",
    "listed_output_limit",
    "load_judges",
    "missing_key",
    "price_of",
    "secret_values",
    "takes_schema",
    "used_tokens",
]

if not TYPE_CHECKING:
    __getattr__ = lazy_face(
        __name__,
        {
            "callables": (
                "arguments_of",
                "callable_judge",
                "is_async",
            ),
            "catalog": (
                "FREE",
                "cost",
                "is_free",
                "listed_output_limit",
                "used_tokens",
            ),
            "credentials": (
                "call_settings",
                "check_key",
                "key_variables",
                "missing_key",
                "secret_values",
            ),
            "judge": (
                "Judge",
                "OFFLINE",
                "price_of",
                "takes_schema",
            ),
            "presets": (
                "AnyJudge",
                "Judges",
                "PLUGINS",
                "family_of",
                "is_plugged",
                "load_judges",
            ),
        },
    )
