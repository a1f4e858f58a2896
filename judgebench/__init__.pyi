from judgebench._util.table import Column as Column, Table as Table, TableRow as TableRow
from judgebench.analysis.agreement import RunsAgreement as RunsAgreement
from judgebench.analysis.alike import OtherRun as OtherRun
from judgebench.analysis.board import (
    Board as Board,
    CorrectedLabels as CorrectedLabels,
    Leaderboard as Leaderboard,
    Place as Place,
)
from judgebench.analysis.cascade import Cascade as Cascade, Threshold as Threshold, cascade as cascade
from judgebench.analysis.choice import (
    Candidate as Candidate,
    CascadePick as CascadePick,
    PartPick as PartPick,
    Pick as Pick,
)
from judgebench.analysis.compare import compare as compare
from judgebench.analysis.comparison import ComparedRun as ComparedRun, Comparison as Comparison, Part as Part
from judgebench.analysis.components import RunComponents as RunComponents
from judgebench.analysis.drift import drift as drift
from judgebench.analysis.drifted import (
    DatedRun as DatedRun,
    Drift as Drift,
    FlippedItem as FlippedItem,
    SystemChange as SystemChange,
)
from judgebench.analysis.estimate import estimate as estimate
from judgebench.analysis.estimated import (
    EstimateFound as EstimateFound,
    MethodEstimate as MethodEstimate,
    SliceEstimate as SliceEstimate,
)
from judgebench.analysis.failures import FailureEffect as FailureEffect
from judgebench.analysis.guarantee import guaranteed_cascade as guaranteed_cascade
from judgebench.analysis.guaranteed import (
    AnsweredItem as AnsweredItem,
    Applied as Applied,
    Guarantee as Guarantee,
    JudgePart as JudgePart,
)
from judgebench.analysis.jury import Jury as Jury, JuryMember as JuryMember, jury as jury
from judgebench.analysis.labelled import Labelled as Labelled, LabelledItem as LabelledItem
from judgebench.analysis.leaderboard import leaderboard as leaderboard
from judgebench.analysis.pick import pick as pick
from judgebench.analysis.planning import plan as plan
from judgebench.analysis.powerplan import (
    Assumptions as Assumptions,
    DifferenceNeed as DifferenceNeed,
    LabelNeed as LabelNeed,
    PowerPlan as PowerPlan,
)
from judgebench.analysis.relabel import LabelChange as LabelChange
from judgebench.analysis.report import (
    Bias as Bias,
    CostSummary as CostSummary,
    Detail as Detail,
    Report as Report,
    report as report,
)
from judgebench.analysis.rescore import rescore as rescore
from judgebench.analysis.rescored import Change as Change, Rescored as Rescored
from judgebench.analysis.rewardfunctions import BestOf as BestOf, RewardPair as RewardPair
from judgebench.analysis.strengths import (
    ModelStrength as ModelStrength,
    StrengthsFound as StrengthsFound,
    strengths as strengths,
)
from judgebench.analysis.suite import (
    SuiteRow as SuiteRow,
    SuiteScores as SuiteScores,
    SuiteTable as SuiteTable,
    score_seven as score_seven,
    seven as seven,
)
from judgebench.analysis.validate import validate as validate
from judgebench.analysis.validation import (
    Need as Need,
    PartFigures as PartFigures,
    RunValidation as RunValidation,
    Validation as Validation,
)
from judgebench.api import (
    aforecast as aforecast,
    agrid as agrid,
    aimport_verdicts as aimport_verdicts,
    areward as areward,
    arun as arun,
    ascore as ascore,
    forecast as forecast,
    grid as grid,
    import_verdicts as import_verdicts,
    reward as reward,
    run as run,
    score as score,
)
from judgebench.benchmarks.checking import BadRow as BadRow, Understood as Understood
from judgebench.client.cache.header import BundledRun as BundledRun, BundledTemplate as BundledTemplate
from judgebench.client.cache.maintenance import (
    CacheInfo as CacheInfo,
    ModelShare as ModelShare,
    PruneResult as PruneResult,
)
from judgebench.client.providers.base import Request as Request
from judgebench.engine.ask import ajudge as ajudge, judge as judge
from judgebench.engine.base import Engine as Engine, Plan as Plan, Work as Work
from judgebench.engine.batchapi import (
    BatchStatus as BatchStatus,
    abatch_cancel as abatch_cancel,
    abatch_fetch as abatch_fetch,
    abatch_status as abatch_status,
    batch_cancel as batch_cancel,
    batch_fetch as batch_fetch,
    batch_status as batch_status,
)
from judgebench.engine.check import JudgeCheck as JudgeCheck, check_judge as check_judge
from judgebench.engine.describe import (
    DataDescription as DataDescription,
    ItemPreview as ItemPreview,
    describe_data as describe_data,
)
from judgebench.engine.filterapi import afilter as afilter, filter as filter  # noqa: A004 - as the command
from judgebench.engine.filtered import (
    Distribution as Distribution,
    Filtered as Filtered,
    ShownRow as ShownRow,
    SubsetCount as SubsetCount,
    ValueCount as ValueCount,
)
from judgebench.engine.forecast import Forecast as Forecast
from judgebench.engine.grid import GridResult as GridResult
from judgebench.engine.merge import merge as merge
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
    Classes as Classes,
    Completion as Completion,
    Control as Control,
    Criterion as Criterion,
    Failure as Failure,
    Item as Item,
    ItemKey as ItemKey,
    Orders as Orders,
    Outcome as Outcome,
    Pairs as Pairs,
    Reading as Reading,
    Soft as Soft,
    StepIndex as StepIndex,
    Turn as Turn,
    Verdict as Verdict,
)
from judgebench.judges.callables import callable_judge as callable_judge
from judgebench.judges.catalog import Price as Price
from judgebench.judges.judge import Judge as Judge, Limits as Limits
from judgebench.judges.presets import AnyJudge as AnyJudge
from judgebench.metrics.agreement import Agreement as Agreement
from judgebench.metrics.alternative import AlternativeTest as AlternativeTest, LeftOut as LeftOut
from judgebench.metrics.behaviour import Behaviour as Behaviour, Sureness as Sureness
from judgebench.metrics.bias import BiasEstimate as BiasEstimate, SlotShares as SlotShares
from judgebench.metrics.components import Component as Component, Components as Components
from judgebench.metrics.controls import Controls as Controls, Flips as Flips, Reached as Reached
from judgebench.metrics.drift import FlipTest as FlipTest, Shift as Shift
from judgebench.metrics.equivalence import Contender as Contender, Equivalence as Equivalence
from judgebench.metrics.gate import GatedFigure as GatedFigure
from judgebench.metrics.intervals import Bounds as Bounds, Estimate as Estimate, Interval as Interval
from judgebench.metrics.paired import Difference as Difference
from judgebench.metrics.retest import Noise as Noise, Retest as Retest
from judgebench.metrics.rewarddistance import RewardDistance as RewardDistance
from judgebench.metrics.selection_guarantee import SelectiveTest as SelectiveTest
from judgebench.metrics.sequential import Sequential as Sequential
from judgebench.metrics.summary import Metrics as Metrics, Usage as Usage
from judgebench.metrics.votes import Aggregate as Aggregate
from judgebench.pages.filtered import filter_page as filter_page
from judgebench.pages.leaderboard import leaderboard_page as leaderboard_page
from judgebench.pages.report import report_page as report_page
from judgebench.protocols.alterations import Alteration as Alteration
from judgebench.protocols.orders import Call as Call, Protocol as Protocol
from judgebench.protocols.sequential import UntilShown as UntilShown
from judgebench.rewards.scorer import Scorer as Scorer
from judgebench.runs.judgements import Judgement as Judgement, ReplyUsage as ReplyUsage
from judgebench.runs.manifest import (
    ClassesEntry as ClassesEntry,
    DataEntry as DataEntry,
    DerivedEntry as DerivedEntry,
    ItemsEntry as ItemsEntry,
    JudgeEntry as JudgeEntry,
    LabelsEntry as LabelsEntry,
    Manifest as Manifest,
    MemberEntry as MemberEntry,
    Name as Name,
    OriginEntry as OriginEntry,
    PartEntry as PartEntry,
    ProtocolEntry as ProtocolEntry,
    RescoredEntry as RescoredEntry,
    ScoresEntry as ScoresEntry,
    SelectionEntry as SelectionEntry,
    TemplateEntry as TemplateEntry,
)
from judgebench.runs.run import Records as Records, Run as Run
from judgebench.sources.mapped import RowMap as RowMap
from judgebench.sources.opening import Data as Data
from judgebench.templates.lint.linting import Finding as Finding, lint as lint
from judgebench.templates.starter import new_template as new_template
from judgebench.verdicts.kinds import VerdictKind as VerdictKind
from judgebench.verdicts.reply import Reply as Reply

__version__: str
from judgebench.engine.tuneapi import atune as atune, tune as tune
from judgebench.engine.writing import (
    ScriptedWriter as ScriptedWriter,
    TemplateEdit as TemplateEdit,
    TrainFailure as TrainFailure,
    Writer as Writer,
)
from judgebench.runs.tuned import HeldOutLook as HeldOutLook, Tuned as Tuned, TunedCandidate as TunedCandidate
