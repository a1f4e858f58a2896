"""`judgebench leaderboard`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from judgebench.cli.completing import benchmark_names, files
from judgebench.cli.console import file_option, quiet_option
from judgebench.cli.errors import EXIT_DONE


@click.command(epilog="\b\nExample:\njudgebench leaderboard runs --published --markdown leaderboard.md\n")
@click.argument("folders", shell_complete=files, nargs=-1, required=True, metavar="DIR|FILE...")
@click.option("--benchmark", shell_complete=benchmark_names, metavar="B", help="Only this benchmark.")
@click.option(
    "--sort",
    default="score",
    show_default=True,
    metavar="BY",
    help="Sort by score, judge, cost, coverage or a section.",
)
@click.option("--published", is_flag=True, help="Add published scores (not reproduced).")
@file_option("html", "Write an HTML page, and one per run.")
@click.option("--run-pages/--no-run-pages", default=True, help="With --html, also write a page per run (default).")
@file_option("csv", "Also write CSV.")
@file_option("parquet", "Also write Parquet.")
@file_option("markdown", "Also write Markdown.")
@file_option("latex", "Also write LaTeX.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON list with one object per benchmark and nothing else."
)
@quiet_option
def leaderboard(folders: tuple[str, ...], **options: Any) -> int:
    """Rank all runs below DIR, one table per benchmark, judges and reward models together.

    Runs that cannot be loaded are listed and left out. --benchmark seven makes one table of the seven that reward-model
    papers report. FILE is a Parquet file of judgements, of any number of runs (docs/large.md).
    """
    from judgebench.benchmarks.suites import SUITES

    if options["benchmark"] in SUITES:
        return _suite(folders, options)
    from judgebench.analysis.board import Leaderboard
    from judgebench.analysis.judgementcolumns import judgement_files
    from judgebench.analysis.leaderboard import leaderboard as collect
    from judgebench.cli.console import messages, print_written, results
    from judgebench.cli.progress import shown
    from judgebench.reports.files import FORMS, check_not_read, write_forms
    from judgebench.reports.table import print_tables

    how = {name: options[name] for name in ("benchmark", "sort", "published")}
    page = options["html_file"]
    parquet = judgement_files(folders)
    check_not_read(options, parquet or [])
    if page and parquet is not None:
        from judgebench.analysis.fileboard import file_runs, leaderboard_of
        from judgebench.pages.leaderboard import write_file_page

        with shown():
            runs = file_runs(parquet, how.pop("benchmark"))
            found = leaderboard_of(runs, **how)
            write_file_page(Path(page), found, runs.runs)
        page = None
    else:
        with shown():
            found = collect(folders, **how)
    for reason in found.unreadable:
        messages().print(f"left out: {reason}", soft_wrap=True)
    if page:
        from judgebench.pages.leaderboard import write_leaderboard_page

        with shown():
            without = write_leaderboard_page(Path(page), found, run_pages=options["run_pages"])
        for reason in without:
            messages().print(reason, soft_wrap=True)
    boards = Leaderboard(found.boards)
    write_forms({form: options[f"{form}_file"] for form in FORMS}, values=boards, shown=boards)
    if options["as_json"]:
        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        print_tables(results(), found.tables())
    print_written(*(options[f"{form}_file"] for form in ("html", *FORMS)))
    return EXIT_DONE


def _suite(folders: tuple[str, ...], options: dict[str, Any]) -> int:
    """The table of the benchmarks that are reported together."""
    from judgebench.analysis.judgementcolumns import judgement_files
    from judgebench.analysis.suite import seven
    from judgebench.cli.console import print_written, results
    from judgebench.cli.progress import shown
    from judgebench.errors import ConfigError
    from judgebench.reports.files import FORMS, write_forms
    from judgebench.reports.table import print_tables

    if judgement_files(folders) is not None:
        raise ConfigError("--benchmark seven is for runs' folders, not for Parquet files: name one benchmark")
    if options["html_file"] or options["sort"] != "score":
        flag = "--html" if options["html_file"] else "--sort"
        raise ConfigError(f"{flag} is for the boards of single benchmarks: leave it out, or name one with --benchmark")
    with shown():
        table = seven(folders, published=options["published"])
    write_forms({form: options[f"{form}_file"] for form in FORMS}, values=table, shown=table)
    if options["as_json"]:
        click.echo(json.dumps(table.to_json(), indent=2))
    else:
        print_tables(results(), table.tables())
    print_written(*(options[f"{form}_file"] for form in FORMS))
    return EXIT_DONE
