"""`judgebench batch`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import click

from judgebench.cli.completing import folders_only, run_folders
from judgebench.cli.console import quiet_option
from judgebench.cli.errors import EXIT_DONE, EXIT_INCOMPLETE, EXIT_INTERRUPTED
from judgebench.cli.groups import Group

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from judgebench._util.table import Table
    from judgebench.engine.batchapi import BatchStatus

_run = click.argument("run", metavar="RUN", shell_complete=run_folders)
_cache_dir = click.option(
    "--cache-dir", shell_complete=folders_only, metavar="DIR", help="Cache folder; default: the user's."
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print a JSON list and nothing else.")


@click.group(cls=Group, epilog="\b\nExample:\njudgebench batch status runs\n")
def batch() -> None:
    """Show, fetch and cancel the batches of runs made with run --batch."""


@batch.command("status", epilog="\b\nExample:\njudgebench batch status runs/rewardbench-2/gpt-6-luna/four-way/one\n")
@_run
@_as_json
@quiet_option
def status(run: str, *, as_json: bool) -> int:
    """Show the state and the counts of each batch of RUN, a run's folder or one above several."""
    from judgebench.cli.console import results
    from judgebench.cli.progress import shown
    from judgebench.engine.batchapi import batch_status
    from judgebench.reports.table import print_tables

    with shown():
        found = batch_status(run)
    if as_json:
        click.echo(json.dumps([each.to_json() for each in found], indent=2))
    else:
        print_tables(results(), [_table(found)])
    return EXIT_DONE


@batch.command("fetch", epilog="\b\nExample:\njudgebench batch fetch runs\n")
@_run
@_cache_dir
@_as_json
@quiet_option
def fetch(run: str, *, cache_dir: str | None, as_json: bool) -> int:
    """Take what the batches of RUN have given so far, without waiting for the rest.

    RUN is a run's folder or one above several. Nothing is sent again: the run's own command does that.
    """
    return _fetch(run, cache_dir, cancel=False, as_json=as_json)


@batch.command("cancel", epilog="\b\nExample:\njudgebench batch cancel runs\n")
@_run
@_cache_dir
@_as_json
@quiet_option
def cancel(run: str, *, cache_dir: str | None, as_json: bool) -> int:
    """Cancel the batches of RUN at the provider, and take what they had done by then.

    RUN is a run's folder or one above several. What was done is charged; the rest is not.
    """
    return _fetch(run, cache_dir, cancel=True, as_json=as_json)


def _fetch(run: str, cache_dir: str | None, *, cancel: bool, as_json: bool) -> int:
    from judgebench.cli.console import messages, results
    from judgebench.cli.interrupts import LEFT_WITH_PROVIDER, finished_or_stopped
    from judgebench.cli.progress import shown
    from judgebench.cli.run_ending import print_folders, print_reasons, print_scores
    from judgebench.engine.batchapi import fetch_batches

    console = messages()
    with shown(console) as progress:
        ended, interrupted = finished_or_stopped(
            lambda stop: fetch_batches(run, cache_dir, cancel=cancel, progress=progress, stop=stop),
            console,
            LEFT_WITH_PROVIDER,
        )
    if not ended:
        console.print(f"{run}: every batch is taken", soft_wrap=True)
    print_folders(ended, console)
    if as_json:
        click.echo(json.dumps([result.metrics.to_json() for result in ended], indent=2))
    else:
        print_scores(ended, results())
    print_reasons(ended, console, "rerun the run's command with --batch to send the rest")
    if interrupted:
        return EXIT_INTERRUPTED
    return EXIT_INCOMPLETE if ended.errors or any(result.error for result in ended) else EXIT_DONE


def _table(found: Sequence[BatchStatus]) -> Table:
    from judgebench._util.table import Column, Table
    from judgebench._util.text import duration

    several = len({each.run for each in found}) > 1
    columns: dict[Column, Callable[[BatchStatus], Any]] = {
        **({Column("run", names=True): lambda each: each.run} if several else {}),
        Column("judge", names=True): lambda each: each.judge,
        Column("batch"): lambda each: each.batch or "",
        Column("state"): lambda each: each.state.replace("_", " "),
        Column("requests", "count"): lambda each: each.requests,
        Column("done", "count"): lambda each: each.done,
        Column("failed", "count"): lambda each: each.failed,
        Column("age"): lambda each: duration(max(time.time() - each.at, 0.0)),
    }
    return Table.of(found, columns)
