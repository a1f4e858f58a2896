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
    from judgebench.analysis.report import report as make_report
    from judgebench.cli.console import messages, print_written, results
    from judgebench.cli.progress import shown
    from judgebench.reports.files import write_parquet, write_report
    from judgebench.reports.leaderboard import leaderboard_latex, leaderboard_markdown
    from judgebench.reports.report import print_report, scores_csv, scores_table

    with shown():
        found = make_report(runs)
    if options["html_file"]:
        from judgebench.pages.report import write_report_page

        with shown():
            write_report_page(Path(options["html_file"]), found)
    if options["csv_file"]:
        write_report(Path(options["csv_file"]), scores_csv(found))
    if options["parquet_file"]:
        write_parquet(Path(options["parquet_file"]), scores_table(found))
    if options["markdown_file"]:
        write_report(Path(options["markdown_file"]), leaderboard_markdown(found.boards))
    if options["latex_file"]:
        write_report(Path(options["latex_file"]), leaderboard_latex(found.boards))
    print_report(results(), found)
    for note in found.notes:
        messages().print(f"note: {note}", soft_wrap=True)
    print_written(*(options[f"{form}_file"] for form in ("html", "csv", "parquet", "markdown", "latex")))
    return EXIT_DONE
