"""What the commands `score` and `reward` share: their options, and how they end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from judgebench.cli.completing import files
from judgebench.cli.errors import EXIT_DONE, EXIT_INCOMPLETE
from judgebench.cli.options import row_options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgebench._util.table import Table
    from judgebench.runs import Run


def scored_items(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that say which items are scored to a command."""
    for option in (
        row_options,
        click.option("--subset", "subsets", multiple=True, metavar="NAME", help="Only this subset; repeatable."),
        click.option(
            "--data",
            shell_complete=files,
            metavar="PATH|HUB-ID[@REV][:SPLIT]|NAME:REST",
            help="Items: a file, folder, hub id or an installed source's NAME:REST; default: the benchmark's.",
        ),
    ):
        command = option(command)
    return command


def step_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that say what becomes of scores of steps to a command."""
    for option in (
        click.option(
            "--threshold",
            type=float,
            metavar="NUMBER",
            help="Of items in steps: a step with a score below it is wrong.",
        ),
        click.option(
            "--steps",
            type=click.Choice(["min", "max", "prod", "mean", "geometric-mean", "mean-logit", "mean-odds", "last"]),
            help="How scores of steps become one per completion.",
        ),
    ):
        command = option(command)
    return command


def print_scored(run: Run, more: Sequence[Table] = (), *, as_json: bool = False) -> int:
    """The figures of a score run and further tables on standard output, its folder on standard error; the status."""
    from judgebench.cli.console import messages, results
    from judgebench.reports.table import print_tables
    from judgebench.runs import headings, run_tables

    if as_json:
        click.echo(json.dumps([run.metrics.to_json()], indent=2))
    else:
        print_tables(results(), [*run_tables(headings([run])[0], run.metrics), *more])
    messages().print(f"{run.manifest.state}: {run.path}", soft_wrap=True)
    return EXIT_DONE if run.metrics.coverage else EXIT_INCOMPLETE
