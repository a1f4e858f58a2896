"""`judgebench leaderboard`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from judgebench.cli.completing import benchmark_names, folders_only
from judgebench.cli.console import file_option, quiet_option
from judgebench.cli.errors import EXIT_DONE


@click.command(epilog="\b\nExample:\njudgebench leaderboard runs --published --markdown leaderboard.md\n")
@click.argument("folder", shell_complete=folders_only, metavar="DIR")
@click.option("--benchmark", shell_complete=benchmark_names, metavar="B", help="Only this benchmark.")
@click.option(
    "--sort", default="score", show_default=True, metavar="BY", help="score, judge, cost, coverage, a section."
)
@click.option("--published", is_flag=True, help="Put published figures beside the runs (not measured again).")
@file_option("html", "Write it as a page, and one for each run.")
@click.option(
    "--run-pages/--no-run-pages", default=True, help="With --html, write a page for each run too (the default)."
)
@file_option("csv", "Write it as CSV too.")
@file_option("parquet", "Write it as Parquet too.")
@file_option("markdown", "Write it as Markdown too.")
@file_option("latex", "Write it as LaTeX too.")
@click.option("--json", "as_json", is_flag=True, help="Print a list with an object a benchmark, and nothing else.")
@quiet_option
def leaderboard(folder: str, **options: Any) -> int:
    """Every run below DIR in one table a benchmark, judges and reward models together.

    A run that cannot be read is named, and left out.
    """
    from judgebench.analysis.board import Leaderboard
    from judgebench.analysis.leaderboard import leaderboard as collect
    from judgebench.cli.console import messages, print_written, results
    from judgebench.cli.progress import shown
    from judgebench.reports.files import FORMS, write_forms
    from judgebench.reports.table import print_tables

    with shown():
        found = collect(folder, benchmark=options["benchmark"], sort=options["sort"], published=options["published"])
    for reason in found.unreadable:
        messages().print(f"left out: {reason}", soft_wrap=True)
    if options["html_file"]:
        from judgebench.pages.leaderboard import write_leaderboard_page

        with shown():
            without = write_leaderboard_page(Path(options["html_file"]), found, run_pages=options["run_pages"])
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
