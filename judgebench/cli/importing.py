"""`judgebench import`."""

from __future__ import annotations

import json
from typing import Any

import click

from judgebench.cli.completing import benchmark_names, files
from judgebench.cli.console import out_option, quiet_option
from judgebench.cli.errors import EXIT_DONE, EXIT_INCOMPLETE


@click.command("import", epilog="\b\nExample:\njudgebench import annotations.json --judge gpt-4\n")
@click.argument("file", shell_complete=files)
@click.option("--judge", metavar="NAME", help="Whose verdicts; default: whom FILE names, else its own name.")
@click.option(
    "--benchmark",
    shell_complete=benchmark_names,
    default="custom",
    metavar="NAME",
    help="Benchmark of the judged items (custom).",
)
@click.option(
    "--data",
    shell_complete=files,
    metavar="PATH|HUB-ID",
    help="The items, joined by id, else by prompt and answers; default: what FILE says.",
)
@click.option("--subset", "subsets", multiple=True, metavar="NAME", help="Only this subset; repeatable.")
@click.option("-t", "--template", metavar="NAME|FILE", help="Template whose rule parses recorded replies.")
@click.option("--columns", metavar="NAME=COLUMN,...", help="Columns of FILE or --data, as in verdict=pick,id=key.")
@click.option("--labels", metavar="WORD=VERDICT,...", help="What words mean, as in left=A,right=B.")
@click.option("--id-column", metavar="NAME", help="Column of the ids, in FILE and --data.")
@out_option("Parent folder of the runs.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of the metrics and nothing else.")
@quiet_option
def import_(file: str, **options: Any) -> int:
    """Turn verdicts made elsewhere into runs, for report, compare, leaderboard, strengths and jury.

    FILE has a row per verdict: id and verdict (A, B, tie, a rating, or an answer by name); where there are any also
    order, probability, model_a, model_b, label, annotator, prompt and reply. AlpacaEval's annotations, MT-Bench's
    judgements, RewardBench's and PandaLM's results and Inspect's eval logs are read as they are. Each judge or
    annotator that FILE names is a run.
    """
    from judgebench import api
    from judgebench.cli.console import messages, results
    from judgebench.cli.progress import shown
    from judgebench.reports.table import print_tables
    from judgebench.runs import headings, run_tables
    from judgebench.sources.mapped import pairs_in

    as_json = options.pop("as_json")
    for name, last in (("columns", False), ("labels", True)):
        options[name] = None if options[name] is None else pairs_in(options[name], f"--{name}", last=last)
    with shown():
        runs = api.import_verdicts(file, **options)
    if as_json:
        click.echo(json.dumps([run.metrics.to_json() for run in runs], indent=2))
    for run, title in zip(runs, headings(runs), strict=True):
        if not as_json:
            print_tables(results(), run_tables(title, run.metrics))
        messages().print(f"{run.manifest.state}: {run.path}", soft_wrap=True)
    return EXIT_DONE if any(run.metrics.coverage for run in runs) else EXIT_INCOMPLETE
