"""`judgebench report`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from judgebench.cli.console import file_option, quiet_option, runs_argument
from judgebench.cli.errors import EXIT_DONE


@click.command(epilog="\b\nExample:\njudgebench report runs/rewardbench-2/*/four-way/one --csv scores.csv\n")
@runs_argument()
@file_option("csv", "Write every score as CSV too.")
@file_option("parquet", "Write every score as Parquet too.")
@file_option("html", "Write everything as one page that opens from disk too.")
@file_option("markdown", "Write the table of the runs as Markdown too.")
@file_option("latex", "Write the table of the runs as LaTeX too.")
@quiet_option
def report(runs: tuple[str, ...], **options: Any) -> int:
    """Tables of one or several runs: scores, biases in full, calibration, cost and time.

    Each RUN is a run's folder. Several runs of a benchmark stand side by side first.
    """
    from judgebench.analysis.board import Leaderboard
    from judgebench.analysis.report import report as make_report
    from judgebench.cli.console import print_found, print_written
    from judgebench.cli.progress import shown
    from judgebench.reports.files import FORMS, write_forms

    with shown():
        found = make_report(runs)
    if options["html_file"]:
        from judgebench.pages.report import write_report_page

        with shown():
            write_report_page(Path(options["html_file"]), found)
    files = {form: options[f"{form}_file"] for form in FORMS}
    write_forms(files, values=found, shown=Leaderboard(found.boards))
    print_found(found, found.tables())
    print_written(*(options[f"{form}_file"] for form in ("html", *FORMS)))
    return EXIT_DONE
