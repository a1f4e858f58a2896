"""judgebench: benchmark LLM judges and reward models on the same items, with the official metrics.

The names below are the public ones; each is imported when it is first used, because importing costs time.
"""

from __future__ import annotations

from importlib import import_module
from inspect import isfunction
from typing import TYPE_CHECKING, Any

from judgebench._util.signatures import checked_names

if TYPE_CHECKING:
    from judgebench.analysis.cascade import cascade
    from judgebench.analysis.compare import compare
    from judgebench.analysis.jury import jury
    from judgebench.analysis.leaderboard import leaderboard
    from judgebench.analysis.report import report
    from judgebench.analysis.rescore import rescore
    from judgebench.analysis.strengths import strengths
    from judgebench.api import agrid, arun, forecast, grid, run, score
    from judgebench.engine.base import Engine, Plan, Work
    from judgebench.engine.check import check_judge
    from judgebench.engine.runplan import RunPlan
    from judgebench.errors import ConfigError, FatalProviderError, JudgebenchError
    from judgebench.exports.export import export
    from judgebench.exports.replies import cache_info, export_replies, import_replies, prune_cache
    from judgebench.exports.tables import to_pandas
    from judgebench.judges.callables import callable_judge
    from judgebench.pages.leaderboard import leaderboard_page
    from judgebench.pages.report import report_page
    from judgebench.runs.run import Run
    from judgebench.templates.lint.linting import lint
    from judgebench.verdicts.reply import Reply

__all__ = [
    "ConfigError",
    "Engine",
    "FatalProviderError",
    "JudgebenchError",
    "Plan",
    "Reply",
    "Run",
    "RunPlan",
    "Work",
    "agrid",
    "arun",
    "cache_info",
    "callable_judge",
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
    "Engine": "engine.base",
    "FatalProviderError": "errors",
    "JudgebenchError": "errors",
    "Plan": "engine.base",
    "Reply": "verdicts.reply",
    "Run": "runs.run",
    "RunPlan": "engine.runplan",
    "Work": "engine.base",
    "cache_info": "exports.replies",
    "callable_judge": "judges.callables",
    "cascade": "analysis.cascade",
    "compare": "analysis.compare",
    "check_judge": "engine.check",
    "export": "exports.export",
    "export_replies": "exports.replies",
    "import_replies": "exports.replies",
    "jury": "analysis.jury",
    "leaderboard": "analysis.leaderboard",
    "leaderboard_page": "pages.leaderboard",
    "lint": "templates.lint.linting",
    "prune_cache": "exports.replies",
    "report": "analysis.report",
    "report_page": "pages.report",
    "rescore": "analysis.rescore",
    "strengths": "analysis.strengths",
    "to_pandas": "exports.tables",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'judgebench' has no attribute '{name}'")
    value = getattr(import_module(f"judgebench.{_HOME.get(name, 'api')}"), name)
    globals()[name] = value = checked_names(value) if isfunction(value) else value
    return value


def __dir__() -> list[str]:
    return __all__
