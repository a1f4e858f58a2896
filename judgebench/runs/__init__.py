"""Runs as folders on disk: what they hold, how they are named, read, scored and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.lazy import lazy_face

if TYPE_CHECKING:
    from judgebench.runs.folder import RunWriter, check_writable, in_place_of, read_results
    from judgebench.runs.frames import TableName, identity, score_rows
    from judgebench.runs.itemfile import share_file
    from judgebench.runs.judgements import JUDGEMENTS, Judgement, add_usage, latest, read_judgements, write_judgements
    from judgebench.runs.made import (
        DerivedRun,
        common_name,
        member,
        opened_members,
        total_usage,
        usage_over,
        write_made,
    )
    from judgebench.runs.manifest import (
        DEFAULT_OUT,
        MANIFEST,
        DerivedEntry,
        Manifest,
        Name,
        RescoredEntry,
        ScoresEntry,
        TemplateEntry,
        folder_name,
        folder_of,
        is_torn,
        make_manifest,
        named_by,
        now,
        protocol_folder,
        read_manifest,
        short_hash,
    )
    from judgebench.runs.preferences import PREFERENCES, write_preferences
    from judgebench.runs.run import Finished, Run, find_runs, open_run, share_contents, titles, was_judged
    from judgebench.runs.scoring import flips_of, metrics_of, old_notes, outcomes_of, protocol_of, up_to_date, usage_of
    from judgebench.runs.shown import flips_line, run_table, title_of
    from judgebench.runs.templatefiles import READING, template_texts
    from judgebench.runs.templates import RunTemplates, run_templates

__all__ = [
    "DEFAULT_OUT",
    "JUDGEMENTS",
    "MANIFEST",
    "PREFERENCES",
    "READING",
    "DerivedEntry",
    "DerivedRun",
    "Finished",
    "Judgement",
    "Manifest",
    "Name",
    "RescoredEntry",
    "Run",
    "RunTemplates",
    "RunWriter",
    "ScoresEntry",
    "TableName",
    "TemplateEntry",
    "add_usage",
    "check_writable",
    "common_name",
    "find_runs",
    "flips_line",
    "flips_of",
    "folder_name",
    "folder_of",
    "identity",
    "in_place_of",
    "is_torn",
    "latest",
    "make_manifest",
    "member",
    "metrics_of",
    "named_by",
    "now",
    "old_notes",
    "open_run",
    "opened_members",
    "outcomes_of",
    "protocol_folder",
    "protocol_of",
    "read_judgements",
    "read_manifest",
    "read_results",
    "run_table",
    "run_templates",
    "score_rows",
    "share_contents",
    "share_file",
    "short_hash",
    "template_texts",
    "title_of",
    "titles",
    "total_usage",
    "up_to_date",
    "usage_of",
    "usage_over",
    "was_judged",
    "write_judgements",
    "write_made",
    "write_preferences",
]

if not TYPE_CHECKING:
    __getattr__ = lazy_face(
        __name__,
        {
            "folder": (
                "RunWriter",
                "check_writable",
                "in_place_of",
                "read_results",
            ),
            "frames": (
                "TableName",
                "identity",
                "score_rows",
            ),
            "itemfile": ("share_file",),
            "judgements": (
                "JUDGEMENTS",
                "Judgement",
                "add_usage",
                "latest",
                "read_judgements",
                "write_judgements",
            ),
            "made": (
                "DerivedRun",
                "common_name",
                "member",
                "opened_members",
                "total_usage",
                "usage_over",
                "write_made",
            ),
            "manifest": (
                "DEFAULT_OUT",
                "DerivedEntry",
                "MANIFEST",
                "Manifest",
                "Name",
                "RescoredEntry",
                "ScoresEntry",
                "TemplateEntry",
                "folder_name",
                "folder_of",
                "is_torn",
                "make_manifest",
                "named_by",
                "now",
                "protocol_folder",
                "read_manifest",
                "short_hash",
            ),
            "shown": ("flips_line", "run_table", "title_of"),
            "preferences": (
                "PREFERENCES",
                "write_preferences",
            ),
            "run": (
                "Finished",
                "Run",
                "find_runs",
                "open_run",
                "share_contents",
                "titles",
                "was_judged",
            ),
            "scoring": (
                "flips_of",
                "metrics_of",
                "old_notes",
                "outcomes_of",
                "protocol_of",
                "up_to_date",
                "usage_of",
            ),
            "templatefiles": (
                "READING",
                "template_texts",
            ),
            "templates": (
                "RunTemplates",
                "run_templates",
            ),
        },
    )
