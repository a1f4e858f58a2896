"""`judgebench merge`."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import click

from judgebench.cli.completing import run_folders
from judgebench.cli.console import out_option, quiet_option
from judgebench.cli.errors import EXIT_DONE

if TYPE_CHECKING:
    from judgebench.engine.parts import MissingPartsError, RunInParts
    from judgebench.runs import Run

_COMMANDS = 3


@click.command(epilog="\b\nExample:\njudgebench merge parts/machine-1 parts/machine-2 --out runs\n")
@click.argument("folders", nargs=-1, required=True, metavar="DIR...", shell_complete=run_folders)
@click.option("--allow-missing", is_flag=True, help="Merge what is there, too: parts are missing or have not ended.")
@out_option("Parent folder of the merged runs.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of the runs' metrics and nothing else.")
@quiet_option
def merge(folders: tuple[str, ...], allow_missing: bool, out: str, as_json: bool) -> int:
    """Merge the parts of runs (run --shard I/N) into runs equal to those made in one piece; no API calls.

    DIR is the folder of a part, or one with parts at any depth below it; the parts of several judges and templates are
    told apart. A part that is there twice is taken once. The merged run is read, compared and resumed as any other.
    """
    from judgebench.cli.console import messages, results
    from judgebench.cli.progress import shown
    from judgebench.engine.merge import merge as join
    from judgebench.engine.parts import MissingPartsError
    from judgebench.reports.table import print_tables
    from judgebench.runs import headings, run_tables

    try:
        with shown():
            merged = join(folders, out=out, allow_missing=allow_missing)
    except MissingPartsError as error:
        _add_commands(error)
        raise
    for run in merged:
        messages().print(_line(run), soft_wrap=True)
    if as_json:
        click.echo(json.dumps([run.metrics.to_json() for run in merged], indent=2))
    else:
        for run, heading in zip(merged, headings(merged), strict=True):
            print_tables(results(), run_tables(heading, run.metrics))
    return EXIT_DONE


def _line(run: Run) -> str:
    state = "done" if run.manifest.state == "incomplete" else run.manifest.state
    parts = f"{len(run.manifest.parts)} part{'s' * (len(run.manifest.parts) != 1)}"
    rest = "" if state == "done" else "; rerun the run's command without --shard to resume"
    return f"{state}: {run.path} ({parts}, {run.metrics.items:,} items{rest})"


def _add_commands(error: MissingPartsError) -> None:
    """Notes for the error: the commands that make what is missing."""
    for run in error.runs[:_COMMANDS]:
        error.add_note(_command(run))


def _command(run: RunInParts) -> str:
    from judgebench.pages.reproduction import run_words

    words = shlex.join(["judgebench", *run_words(run.plan)])
    first, *others = run.open
    also = f"  (likewise {', '.join(map(str, others[:10]))}{' ...' if len(others) > 10 else ''})" if others else ""
    return f"{words} --shard {first}/{run.of}{also}"
