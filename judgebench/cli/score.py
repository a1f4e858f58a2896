"""`judgebench score`."""

from __future__ import annotations

import json
from typing import Any

import click

from judgebench.cli.completing import benchmark_names, files
from judgebench.cli.console import out_option, quiet_option
from judgebench.cli.errors import EXIT_DONE, EXIT_INCOMPLETE
from judgebench.cli.options import row_options


@click.command(epilog="\b\nExample:\njudgebench score scores.jsonl --benchmark rewardbench --name my-rm-v2\n")
@click.argument(
    "file",
    shell_complete=files,
)
@click.option(
    "--benchmark",
    shell_complete=benchmark_names,
    required=True,
    metavar="NAME",
    help="Benchmark of the scored items.",
)
@click.option(
    "--data",
    shell_complete=files,
    metavar="PATH|HUB-ID[@REV][:SPLIT]|NAME:REST",
    help="Items: a file, folder, hub id or an installed source's NAME:REST; default: the benchmark's.",
)
@click.option("--subset", "subsets", multiple=True, metavar="NAME", help="Only this subset; repeatable.")
@row_options
@out_option("Parent folder of the run.")
@click.option("--name", metavar="NAME", help="Name of the reward model; default: the file's name without its suffix.")
@click.option("--allow-missing", is_flag=True, help="Count missing or unusable scores as failures.")
@click.option("--in-order", is_flag=True, help="Take the rows in the order of the data, whatever their ids.")
@click.option("--head", metavar="NAME|INDEX", help="Which of several scores per completion.")
@click.option(
    "--steps",
    type=click.Choice(["min", "max", "prod", "mean", "geometric-mean", "mean-logit", "mean-odds", "last"]),
    help="How scores of steps become one per completion.",
)
@click.option(
    "--threshold", type=float, metavar="NUMBER", help="Of items in steps: a step with a score below it is wrong."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of the metrics and nothing else.")
@quiet_option
def score(file: str, **options: Any) -> int:
    """Compute the metrics of a benchmark from a reward model's scores in FILE.

    FILE has one row per item: id and scores (a list, correct completions first), or scores_chosen and scores_rejected,
    or score_a and score_b; RewardBench's, RewardMATH's and RM-Bench's own result files as they are. Without ids, rows
    are joined by prompt or in order. Or the NAME[:REST] of a scorer: length, or an installed package's.
    """
    from judgebench import api
    from judgebench.cli.console import messages, results
    from judgebench.cli.progress import shown
    from judgebench.reports.table import print_tables
    from judgebench.runs import headings, run_table

    as_json = options.pop("as_json")
    with shown():
        run = api.score(file, **options)
    if as_json:
        click.echo(json.dumps([run.metrics.to_json()], indent=2))
    else:
        print_tables(results(), [run_table(headings([run])[0], run.metrics)])
    messages().print(f"{run.manifest.state}: {run.path}", soft_wrap=True)
    return EXIT_DONE if run.metrics.coverage else EXIT_INCOMPLETE
