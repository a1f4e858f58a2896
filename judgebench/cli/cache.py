"""`judgebench cache`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from judgebench.cli.completing import files, folders_only
from judgebench.cli.console import quiet_option, runs_argument
from judgebench.cli.errors import EXIT_DONE, EXIT_INCOMPLETE, NumberRange
from judgebench.cli.groups import Group

if TYPE_CHECKING:
    from judgebench._util.table import Columns, Table
    from judgebench.client import CacheInfo

_cache_dir = click.option(
    "--cache-dir", shell_complete=folders_only, metavar="DIR", help="Cache folder; default: the user's."
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")


@click.group(
    cls=Group,
    epilog="\b\nExample (author, then reader):\n"
    "judgebench cache export replies.gz runs/rewardbench-2/my-judge/four-way/one\n"
    "judgebench cache import replies.gz\n",
)
def cache() -> None:
    """Show and prune the reply cache; export and import bundles."""


@cache.command("info", epilog="\b\nExample:\njudgebench cache info --json\n")
@_cache_dir
@_as_json
@quiet_option
def info(cache_dir: str | None, *, as_json: bool) -> int:
    """Show what the cache holds: replies, models, dates, size."""
    from judgebench.cli.console import results
    from judgebench.cli.progress import shown
    from judgebench.exports.replies import cache_info

    with shown():
        found = cache_info(cache_dir)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
        return EXIT_DONE
    from judgebench.reports.styles import WARNING
    from judgebench.reports.table import print_tables

    console = results()
    console.print(found.folder, soft_wrap=True)
    console.print(f"{_counted(found.replies)}, {_size(found.size_bytes)} on disk, keys of version {found.key_version}")
    if found.oldest is not None and found.newest is not None:
        console.print(f"replies from {_date(found.oldest)} to {_date(found.newest)}")
    if found.imported:
        console.print(f"{found.imported} imported from bundles; judgebench cache prune --imported deletes them")
    if found.unreadable:
        entries = "1 damaged entry" if found.unreadable == 1 else f"{found.unreadable} damaged entries"
        console.print(f"{entries}: requested again when a run needs it", style=WARNING)
    if found.models:
        print_tables(console, [_models(found)])
    return EXIT_DONE


@cache.command("prune", epilog="\b\nExample:\njudgebench cache prune --older-than 90 --model gpt-6-luna --dry-run\n")
@click.option("--older-than", type=NumberRange(min=0), metavar="DAYS", help="Replies older than this.")
@click.option("--model", metavar="NAME", help="Replies of this served model, as listed by cache info.")
@click.option("--imported", is_flag=True, help="Replies imported from bundles.")
@click.option("--all", "everything", is_flag=True, help="All replies.")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted; delete nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@_cache_dir
@_as_json
@quiet_option
def prune(*, yes: bool, as_json: bool, **options: Any) -> int:
    """Delete replies by age, by model, those imported, or all of them.

    --older-than, --model and --imported together select the replies that match all. Deleted replies must be paid for
    again; run folders are not changed.
    """
    from judgebench.cli.console import messages
    from judgebench.cli.progress import shown
    from judgebench.errors import ConfigError
    from judgebench.exports.replies import prune_cache

    dry_run = options["dry_run"]
    with shown():
        planned = prune_cache(**{**options, "dry_run": True})
    if not (dry_run or yes) and planned.deleted:
        if not sys.stdin.isatty():
            raise ConfigError(
                f"{_counted(planned.deleted)} would be deleted: add --yes, or --dry-run to delete nothing"
            )
        if not click.confirm(f"Delete {_counted(planned.deleted)} and keep {planned.kept}?", err=True):
            messages().print("nothing deleted")
            return EXIT_DONE
    ended = planned
    if planned.deleted and not dry_run:
        with shown():
            ended = prune_cache(**options)
    if as_json:
        click.echo(json.dumps({**asdict(ended), "dry_run": dry_run}, indent=2))
    else:
        done = "would be deleted" if dry_run else "deleted"
        click.echo(f"{_counted(ended.deleted)} {done}, {ended.kept} kept")
    return EXIT_DONE


@cache.command(
    "export",
    epilog="\b\nExample:\njudgebench cache export replies.gz runs/rewardbench-2/my-judge/four-way/one\n",
)
@click.argument(
    "file",
    shell_complete=files,
)
@runs_argument("[RUN]...", required=False)
@click.option("--rows", is_flag=True, help="Include the rows; default: only their hashes.")
@_cache_dir
@_as_json
@quiet_option
def export(file: str, runs: tuple[str, ...], *, rows: bool, cache_dir: str | None, as_json: bool) -> int:
    """Export the replies of runs, or all cached replies, to the bundle FILE.

    Each RUN is a run's folder. The bundle has the runs' commands, templates and entries of providers.yaml; importing it
    prints the command that gives the same results without a key or an API call. It contains no keys, addresses or
    headers.
    """
    from judgebench._util.text import one_line
    from judgebench.cli.console import messages
    from judgebench.cli.progress import shown
    from judgebench.exports.replies import export_replies

    with shown():
        done = export_replies(file, runs, rows=rows, cache_dir=cache_dir)
    console = messages()
    if as_json:
        click.echo(json.dumps(asdict(done), indent=2))
    else:
        click.echo(f"{done.file}: {_counted(done.replies)}, {_size(done.size_bytes)}")
    if done.rebuilt:
        console.print(
            f"note: {done.rebuilt} rebuilt from the runs' judgements: missing or different in the cache",
            soft_wrap=True,
        )
    if done.rows_needed:
        names = one_line(", ".join(done.rows_needed))
        console.print(f"note: the rows of {names} are not in it, which a reader needs: add --rows", soft_wrap=True)
    if done.missing:
        kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(done.missing.items()))
        console.print(f"not in the bundle, no reply: {kinds}; rerun the run's command", soft_wrap=True)
    if done.conflicts:
        console.print(
            f"{_counted(done.conflicts)} differ between the runs: the bundle has the first run's; export the others "
            "separately",
            soft_wrap=True,
        )
    if done.unreadable:
        entries = "1 entry is" if done.unreadable == 1 else f"{done.unreadable} entries are"
        console.print(f"{entries} damaged and not in the bundle", soft_wrap=True)
    return EXIT_INCOMPLETE if done.missing or done.conflicts or done.unreadable else EXIT_DONE


@cache.command("import", epilog="\b\nExample:\njudgebench cache import replies.gz\n")
@click.argument(
    "file",
    shell_complete=files,
)
@click.option("--replace", is_flag=True, help="Overwrite cached replies that differ from the bundle's.")
@click.option(
    "--files",
    shell_complete=folders_only,
    metavar="DIR",
    help="Folder for the bundle's templates, rows and providers; default: the bundle's name.",
)
@_cache_dir
@_as_json
@quiet_option
def import_(file: str, *, replace: bool, files: str | None, cache_dir: str | None, as_json: bool) -> int:
    """Import the replies of the bundle FILE into the cache, and print the command that makes its runs again.

    The whole file is checked first: a bundle that is cut off or does not match its checksums is rejected.
    """
    from judgebench._util.text import one_line
    from judgebench.cli.console import messages
    from judgebench.cli.progress import shown
    from judgebench.exports.replies import import_replies

    with shown():
        folder = files or Path(file).name.partition(".")[0] or "bundle"
        done = import_replies(file, replace=replace, files=folder, cache_dir=cache_dir)
    if as_json:
        said = asdict(done) | {"runs": [run.model_dump(include=_SAID) for run in done.runs]}
        click.echo(json.dumps(said, indent=2))
        return EXIT_DONE
    counts = f"{_counted(done.replies)}: {done.new:,} new, {done.same:,} already cached"
    if done.replaced:
        counts += f", {done.replaced} replaced"
    click.echo(counts)
    console = messages()
    if done.different:
        console.print(
            f"{done.different} differ from cached replies, which are kept; overwrite them with --replace, or use "
            "another --cache-dir",
            soft_wrap=True,
        )
    for run in done.runs:
        named = one_line(f"{run.benchmark} · {run.judge} · {run.template} · {run.protocol}")
        console.print(f"of the run {named}", soft_wrap=True)
    if done.folder is not None:
        kinds = f"{', '.join(done.kinds[:-1])} and {done.kinds[-1]}" if done.kinds[1:] else "".join(done.kinds)
        console.print(f"wrote: {one_line(done.folder)} ({kinds} of the bundle)", soft_wrap=True)
    for sentence in done.needed:
        console.print(f"note: {one_line(sentence)}", soft_wrap=True)
    if done.commands:
        console.print("to reproduce, without a key or a call:", soft_wrap=True)
    for command in done.commands:
        click.echo(one_line(command))
    return EXIT_DONE


_SAID = {"benchmark", "judge", "template", "protocol", "identity", "command"}
"""What is said of a bundle's run in JSON."""


def _models(found: CacheInfo) -> Table:
    from judgebench._util.table import Column, Marked, Table

    columns: Columns = {
        Column("model", names=True): lambda each: "(not named)" if each.model is None else each.model,
        Column("replies", "count"): lambda each: each.replies,
        Column("input tokens", "tokens"): lambda each: each.prompt_tokens,
        Column("output tokens", "tokens"): lambda each: each.completion_tokens,
        Column("cost", "money"): lambda each: Marked(
            "cost unknown" if each.cost_usd is None else each.cost_usd,
            f"+ {each.unpriced} unknown" if each.unpriced and each.cost_usd is not None else "",
        ),
    }
    return Table.of(found.models, columns)


def _counted(count: int) -> str:
    return "1 reply" if count == 1 else f"{count:,} replies"


def _size(count: int) -> str:
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def _date(seconds: float) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
