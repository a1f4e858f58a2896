"""judgebench: benchmark LLM judges and reward models on the same items, with the official metrics.

The names below are the public ones: functions, and every type that they return, raise or take. Each is imported when it
is first used, because importing costs time.
"""

from __future__ import annotations

from importlib import import_module
from inspect import isfunction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgebench.analysis.agreement import RunsAgreement
    from judgebench.analysis.board import Board, Leaderboard, Place
    from judgebench.analysis.cascade import Cascade, Threshold, cascade
    from judgebench.analysis.compare import ComparedRun, Comparison, Part, compare
    from judgebench.analysis.jury import Jury, JuryMember, jury
    from judgebench.analysis.leaderboard import leaderboard
    from judgebench.analysis.report import Detail, Report, report
    from judgebench.analysis.rescore import Change, Rescored, rescore
    from judgebench.analysis.strengths import ModelStrength, StrengthsFound, strengths
    from judgebench.api import agrid, arun, forecast, grid, run, score
    from judgebench.client.cache.maintenance import CacheInfo, PruneResult
    from judgebench.engine.check import JudgeCheck, check_judge
    from judgebench.engine.forecast import Forecast
    from judgebench.engine.grid import GridResult
    from judgebench.errors import (
        BudgetReached,
        ConfigError,
        DataError,
        FatalProviderError,
        JudgebenchError,
        StorageError,
        TransientError,
        VerdictFailure,
    )
    from judgebench.exports.export import Exported, export
    from judgebench.exports.replies import (
        ExportedReplies,
        Imported,
        cache_info,
        export_replies,
        import_replies,
        prune_cache,
    )
    from judgebench.exports.tables import to_pandas
    from judgebench.items import (
        Attack,
        Completion,
        Control,
        Data,
        Failure,
        Item,
        ItemKey,
        Orders,
        Outcome,
        Pairs,
        Turn,
        Verdict,
    )
    from judgebench.metrics.agreement import Agreement
    from judgebench.metrics.bias import BiasEstimate
    from judgebench.metrics.intervals import Estimate
    from judgebench.metrics.paired import Difference
    from judgebench.metrics.summary import Metrics, Usage
    from judgebench.metrics.votes import Aggregate
    from judgebench.pages.leaderboard import leaderboard_page
    from judgebench.pages.report import report_page
    from judgebench.runs.judgements import Judgement
    from judgebench.runs.run import Records, Run
    from judgebench.templates.lint.linting import Finding, lint

    __version__: str

__all__ = [
    "Aggregate",
    "Agreement",
    "Attack",
    "BiasEstimate",
    "Board",
    "BudgetReached",
    "CacheInfo",
    "Cascade",
    "Change",
    "ComparedRun",
    "Comparison",
    "Completion",
    "ConfigError",
    "Control",
    "Data",
    "DataError",
    "Detail",
    "Difference",
    "Estimate",
    "Exported",
    "ExportedReplies",
    "Failure",
    "FatalProviderError",
    "Finding",
    "Forecast",
    "GridResult",
    "Imported",
    "Item",
    "ItemKey",
    "JudgeCheck",
    "JudgebenchError",
    "Judgement",
    "Jury",
    "JuryMember",
    "Leaderboard",
    "Metrics",
    "ModelStrength",
    "Orders",
    "Outcome",
    "Pairs",
    "Part",
    "Place",
    "PruneResult",
    "Records",
    "Report",
    "Rescored",
    "Run",
    "RunsAgreement",
    "StorageError",
    "StrengthsFound",
    "Threshold",
    "TransientError",
    "Turn",
    "Usage",
    "Verdict",
    "VerdictFailure",
    "__version__",
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

_HOMES = {
    "analysis.agreement": ("RunsAgreement",),
    "analysis.board": ("Board", "Leaderboard", "Place"),
    "analysis.cascade": ("Cascade", "Threshold", "cascade"),
    "analysis.compare": ("ComparedRun", "Comparison", "Part", "compare"),
    "analysis.jury": ("Jury", "JuryMember", "jury"),
    "analysis.leaderboard": ("leaderboard",),
    "analysis.report": ("Detail", "Report", "report"),
    "analysis.rescore": ("Change", "Rescored", "rescore"),
    "analysis.strengths": ("ModelStrength", "StrengthsFound", "strengths"),
    "api": ("agrid", "arun", "forecast", "grid", "run", "score"),
    "client.cache.maintenance": ("CacheInfo", "PruneResult"),
    "engine.check": ("JudgeCheck", "check_judge"),
    "engine.forecast": ("Forecast",),
    "engine.grid": ("GridResult",),
    "errors": (
        "BudgetReached",
        "ConfigError",
        "DataError",
        "FatalProviderError",
        "JudgebenchError",
        "StorageError",
        "TransientError",
        "VerdictFailure",
    ),
    "exports.export": ("Exported", "export"),
    "exports.replies": ("ExportedReplies", "Imported", "cache_info", "export_replies", "import_replies", "prune_cache"),
    "exports.tables": ("to_pandas",),
    "items": (
        "Attack",
        "Completion",
        "Control",
        "Data",
        "Failure",
        "Item",
        "ItemKey",
        "Orders",
        "Outcome",
        "Pairs",
        "Turn",
        "Verdict",
    ),
    "metrics.agreement": ("Agreement",),
    "metrics.bias": ("BiasEstimate",),
    "metrics.intervals": ("Estimate",),
    "metrics.paired": ("Difference",),
    "metrics.summary": ("Metrics", "Usage"),
    "metrics.votes": ("Aggregate",),
    "pages.leaderboard": ("leaderboard_page",),
    "pages.report": ("report_page",),
    "runs.judgements": ("Judgement",),
    "runs.run": ("Records", "Run"),
    "templates.lint.linting": ("Finding", "lint"),
}


def _public(name: str) -> Any:
    """A public name's value, kept from then on; functions check the names of their options."""
    from judgebench._util.signatures import checked_names

    home = next((home for home, names in _HOMES.items() if name in names), None)
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("judgebench")
    elif home is None:
        raise AttributeError(f"module 'judgebench' has no attribute '{name}'")
    else:
        value = getattr(import_module(f"judgebench.{home}"), name)
    globals()[name] = checked_names(value) if isfunction(value) else value
    return globals()[name]


if not TYPE_CHECKING:
    __getattr__ = _public


def __dir__() -> list[str]:
    return __all__
