from judgebench.runs.batchfile import (
    BatchEntry as BatchEntry,
    BatchFile as BatchFile,
    open_batches as open_batches,
    short_key as short_key,
)
from judgebench.runs.folder import (
    RunWriter as RunWriter,
    check_writable as check_writable,
    in_place_of as in_place_of,
    read_results as read_results,
)
from judgebench.runs.frames import TableName as TableName, identity as identity, score_rows as score_rows
from judgebench.runs.imported import ImportOptions as ImportOptions
from judgebench.runs.importing import import_runs as import_runs
from judgebench.runs.itemfile import (
    ITEMS as ITEMS,
    adopt_items as adopt_items,
    read_items as read_items,
    share_file as share_file,
    write_items as write_items,
)
from judgebench.runs.journal import (
    JUDGEMENTS as JUDGEMENTS,
    as_one_file as as_one_file,
    count_judgements as count_judgements,
)
from judgebench.runs.judgements import (
    Judgement as Judgement,
    ReplyUsage as ReplyUsage,
    add_usage as add_usage,
    fields_of as fields_of,
    latest as latest,
    read_judgements as read_judgements,
    write_judgements as write_judgements,
)
from judgebench.runs.labels import (
    RunLabel as RunLabel,
    run_labels as run_labels,
    shared_conditions as shared_conditions,
    titles_of as titles_of,
)
from judgebench.runs.made import (
    DerivedRun as DerivedRun,
    check_alike as check_alike,
    check_same_items as check_same_items,
    common_name as common_name,
    member as member,
    opened_members as opened_members,
    total_usage as total_usage,
    usage_over as usage_over,
    write_made as write_made,
)
from judgebench.runs.manifest import (
    DEFAULT_OUT as DEFAULT_OUT,
    IMPORTED as IMPORTED,
    MANIFEST as MANIFEST,
    TUNED as TUNED,
    DerivedEntry as DerivedEntry,
    Manifest as Manifest,
    Name as Name,
    OriginEntry as OriginEntry,
    PartEntry as PartEntry,
    RescoredEntry as RescoredEntry,
    ScoresEntry as ScoresEntry,
    TemplateEntry as TemplateEntry,
    folder_name as folder_name,
    folder_of as folder_of,
    is_torn as is_torn,
    make_manifest as make_manifest,
    named_by as named_by,
    now as now,
    protocol_folder as protocol_folder,
    read_manifest as read_manifest,
    short_hash as short_hash,
)
from judgebench.runs.naming import (
    benchmark_title as benchmark_title,
    headings as headings,
    named_beside as named_beside,
    taken_note as taken_note,
)
from judgebench.runs.outcomes import was_judged as was_judged
from judgebench.runs.people import people_said as people_said
from judgebench.runs.run import (
    Finished as Finished,
    Run as Run,
    benchmark_of as benchmark_of,
    find_runs as find_runs,
    list_runs as list_runs,
    open_run as open_run,
    share_contents as share_contents,
)
from judgebench.runs.scorefiles import Steps as Steps
from judgebench.runs.scoring import (
    SAMPLED as SAMPLED,
    Beside as Beside,
    flips_between as flips_between,
    flips_of as flips_of,
    metrics_of as metrics_of,
    old_notes as old_notes,
    outcomes_of as outcomes_of,
    protocol_of as protocol_of,
    score as score,
    up_to_date as up_to_date,
    usage_of as usage_of,
)
from judgebench.runs.shardfile import (
    SHARD as SHARD,
    ShardFile as ShardFile,
    read_shard as read_shard,
    shard_text as shard_text,
)
from judgebench.runs.shown import (
    aurc_text as aurc_text,
    bounds_text as bounds_text,
    calibration_line as calibration_line,
    flips_line as flips_line,
    padded_line as padded_line,
    run_tables as run_tables,
)
from judgebench.runs.templatefiles import READING as READING, template_texts as template_texts
from judgebench.runs.templates import (
    RunTemplates as RunTemplates,
    described as described,
    run_templates as run_templates,
)
from judgebench.runs.tuned import (
    TUNED_RECORD as TUNED_RECORD,
    CandidateEnd as CandidateEnd,
    HeldOutLook as HeldOutLook,
    PastLook as PastLook,
    State as State,
    Tuned as Tuned,
    TunedCandidate as TunedCandidate,
    keep_look as keep_look,
    points_text as points_text,
    tuned_beside as tuned_beside,
    write_tuned as write_tuned,
)
from judgebench.runs.verdictfile import verdict_source as verdict_source
