from judgebench._util.table import Table as Table
from judgebench.analysis.agreement import RunsAgreement as RunsAgreement
from judgebench.analysis.board import Board as Board, Leaderboard as Leaderboard, Place as Place
from judgebench.analysis.cascade import Cascade as Cascade, Threshold as Threshold, cascade as cascade
from judgebench.analysis.compare import compare as compare
from judgebench.analysis.comparison import ComparedRun as ComparedRun, Comparison as Comparison, Part as Part
from judgebench.analysis.jury import Jury as Jury, JuryMember as JuryMember, jury as jury
from judgebench.analysis.leaderboard import leaderboard as leaderboard
from judgebench.analysis.report import Detail as Detail, Report as Report, report as report
from judgebench.analysis.rescore import Change as Change, Rescored as Rescored, rescore as rescore
from judgebench.analysis.strengths import (
    ModelStrength as ModelStrength,
    StrengthsFound as StrengthsFound,
    strengths as strengths,
)
from judgebench.api import (
    aforecast as aforecast,
    agrid as agrid,
    arun as arun,
    ascore as ascore,
    forecast as forecast,
    grid as grid,
    run as run,
    score as score,
)
from judgebench.benchmarks.rows import Data as Data
from judgebench.client.cache.maintenance import CacheInfo as CacheInfo, PruneResult as PruneResult
from judgebench.engine.ask import ajudge as ajudge, judge as judge
from judgebench.engine.base import Engine as Engine, Plan as Plan, Work as Work
from judgebench.engine.check import JudgeCheck as JudgeCheck, check_judge as check_judge
from judgebench.engine.forecast import Forecast as Forecast
from judgebench.engine.grid import GridResult as GridResult
from judgebench.engine.runplan import RunPlan as RunPlan
from judgebench.errors import (
    BudgetReached as BudgetReached,
    ConfigError as ConfigError,
    DataError as DataError,
    FatalProviderError as FatalProviderError,
    JudgebenchError as JudgebenchError,
    StorageError as StorageError,
    TransientError as TransientError,
    VerdictFailure as VerdictFailure,
)
from judgebench.exports.export import Exported as Exported, export as export
from judgebench.exports.replies import (
    ExportedReplies as ExportedReplies,
    Imported as Imported,
    cache_info as cache_info,
    export_replies as export_replies,
    import_replies as import_replies,
    prune_cache as prune_cache,
)
from judgebench.exports.tables import to_pandas as to_pandas
from judgebench.items import (
    Attack as Attack,
    Completion as Completion,
    Control as Control,
    Failure as Failure,
    Item as Item,
    ItemKey as ItemKey,
    Orders as Orders,
    Outcome as Outcome,
    Pairs as Pairs,
    Turn as Turn,
    Verdict as Verdict,
)
from judgebench.judges.callables import callable_judge as callable_judge
from judgebench.judges.judge import Judge as Judge
from judgebench.judges.presets import AnyJudge as AnyJudge
from judgebench.metrics.agreement import Agreement as Agreement
from judgebench.metrics.bias import BiasEstimate as BiasEstimate
from judgebench.metrics.intervals import Estimate as Estimate
from judgebench.metrics.paired import Difference as Difference
from judgebench.metrics.summary import Metrics as Metrics, Usage as Usage
from judgebench.metrics.votes import Aggregate as Aggregate
from judgebench.pages.leaderboard import leaderboard_page as leaderboard_page
from judgebench.pages.report import report_page as report_page
from judgebench.rewards.scorer import Scorer as Scorer
from judgebench.runs.judgements import Judgement as Judgement
from judgebench.runs.manifest import Manifest as Manifest
from judgebench.runs.run import Records as Records, Run as Run
from judgebench.templates.lint.linting import Finding as Finding, lint as lint
from judgebench.verdicts.reply import Reply as Reply

__version__: str
