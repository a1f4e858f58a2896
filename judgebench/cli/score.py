"""`judgebench score`."""

from __future__ import annotations

import json
from typing import Any

import click

from judgebench.cli.completing import benchmark_names, files
from judgebench.cli.console import out_option, quiet_option
from judgebench.cli.errors import EXIT_DONE, EXIT_INCOMPLETE
from judgebench.cli.scoring import print_scored, scored_items, step_options


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
@scored_items
@out_option("Parent folder of the run.")
@click.option("--name", metavar="NAME", help="Name of the reward model; default: the file's name without its suffix.")
@click.option("--allow-missing", is_flag=True, help="Count missing or unusable scores as failures.")
@click.option("--in-order", is_flag=True, help="Take the rows in the order of the data, whatever their ids.")
@click.option("--head", metavar="NAME|INDEX", help="Which of several scores per completion.")
@step_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of the metrics and nothing else.")
@quiet_option
def score(file: str, **options: Any) -> int:
    """Compute the metrics of a benchmark from a reward model's scores in FILE.

    FILE has one row per item: id and scores (a list, correct completions first), or scores_chosen and scores_rejected,
    or score_a and score_b; RewardBench's, RewardMATH's and RM-Bench's own result files as they are. Without ids, rows
    are joined by prompt or in order. Or the NAME[:REST] of a scorer: length, or an installed package's. With
    --benchmark seven, FILE is a folder with a file per benchmark (rewardbench.jsonl, rmb.csv, ...), and so is --data.
    """
    from judgebench import api
    from judgebench.benchmarks.suites import SUITES
    from judgebench.cli.progress import shown

    as_json = options.pop("as_json")
    if options["benchmark"] in SUITES:
        return _score_suite(file, options, as_json=as_json)
    with shown():
        run = api.score(file, **options)
    return print_scored(run, as_json=as_json)


def _score_suite(file: str, options: dict[str, Any], *, as_json: bool) -> int:
    """Scores a folder's files, or a scorer, on each benchmark of a suite."""
    from pathlib import Path

    from judgebench.analysis.suite import score_suite, suite_table
    from judgebench.benchmarks.suites import SUITES
    from judgebench.cli.console import messages, results
    from judgebench.cli.progress import shown
    from judgebench.errors import ConfigError
    from judgebench.reports.table import print_tables
    from judgebench.runs.scores import ScoreOptions

    suite = SUITES[options["benchmark"]]
    of_one = ("subsets", "columns", "labels", "id_column", "group_column", "config_name")
    for name in of_one:
        if options.get(name):
            flag = "--subset" if name == "subsets" else f"--{name.replace('_', '-')}"
            raise ConfigError(f"{flag} is for one benchmark: leave it out, or name one of {suite.listed}")
    reading = ScoreOptions(options["allow_missing"], options["in_order"], options["head"], options["steps"])
    with shown():
        found = score_suite(suite.name, file, options["data"], options["name"] or "", Path(options["out"]), reading)
    for benchmark, why in found.missing.items() if as_json else ():  # the table has it
        messages().print(f"left out: {suite.benchmarks[benchmark]}: {why}", soft_wrap=True, markup=False)
    for note in found.notes:
        messages().print(f"note: {note}", soft_wrap=True, markup=False)
    table = suite_table(suite, found.runs, missing=found.missing)
    if as_json:
        click.echo(json.dumps([*(run.metrics.to_json() for run in found.runs), *table.to_json()], indent=2))
    else:
        print_tables(results(), table.tables())
    for run in found.runs:
        messages().print(f"{run.manifest.state}: {run.path}", soft_wrap=True)
    return EXIT_DONE if all(run.metrics.coverage for run in found.runs) else EXIT_INCOMPLETE
