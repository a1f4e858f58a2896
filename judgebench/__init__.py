"""judgebench: benchmark LLM judges and reward models on the same items, with the official metrics.

The names below are the public ones; each is imported when it is first used, because importing costs time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgebench.api import agrid, arun, forecast, grid, run, score
    from judgebench.caching import cache_info, export_replies, import_replies, prune_cache
    from judgebench.cascades import cascade
    from judgebench.checking import check_judge
    from judgebench.comparing import compare
    from judgebench.errors import ConfigError, FatalProviderError, JudgebenchError
    from judgebench.exports.export import export
    from judgebench.exports.tabled import to_pandas
    from judgebench.juries import jury
    from judgebench.leaderboards import leaderboard
    from judgebench.linting import lint
    from judgebench.loaded import Run
    from judgebench.modelstrengths import strengths
    from judgebench.pages.leaderboard import leaderboard_page
    from judgebench.pages.report import report_page
    from judgebench.reporting import report
    from judgebench.rescoring import rescore

__all__ = [
    "ConfigError",
    "FatalProviderError",
    "JudgebenchError",
    "Run",
    "agrid",
    "arun",
    "cache_info",
    "cascade",
    "check_judge",
    "compare",
    "export",
    "export_replies",
    "forecast",
    "grid",
    "import_replies",
    "jury",
    "leaderboard",
    "leaderboard_page",
    "lint",
    "prune_cache",
    "report",
    "report_page",
    "rescore",
    "run",
    "score",
    "strengths",
    "to_pandas",
]

_HOME = {
    "ConfigError": "errors",
    "FatalProviderError": "errors",
    "JudgebenchError": "errors",
    "Run": "loaded",
    "cache_info": "caching",
    "cascade": "cascades",
    "compare": "comparing",
    "check_judge": "checking",
    "export": "exports.export",
    "export_replies": "caching",
    "import_replies": "caching",
    "jury": "juries",
    "leaderboard": "leaderboards",
    "leaderboard_page": "pages.leaderboard",
    "lint": "linting",
    "prune_cache": "caching",
    "report": "reporting",
    "report_page": "pages.report",
    "rescore": "rescoring",
    "strengths": "modelstrengths",
    "to_pandas": "exports.tabled",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'judgebench' has no attribute '{name}'")
    return getattr(import_module(f"judgebench.{_HOME.get(name, 'api')}"), name)


def __dir__() -> list[str]:
    return __all__
