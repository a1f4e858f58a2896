"""`judgebench report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from judgebench.cli.console import file_option, quiet_option, runs_argument
from judgebench.cli.errors import EXIT_DONE
from judgebench.cli.labelling import label_mappings, label_options, need_option

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(epilog="\b\nExample:\njudgebench report runs/rewardbench-2/*/four-way/one --csv scores.csv\n")
@runs_argument()
@label_options
@need_option
@file_option("csv", "Also write all scores as CSV.")
@file_option("parquet", "Also write all scores as Parquet.")
@file_option("html", "Also write everything as one self-contained HTML page.")
@file_option("markdown", "Also write the table of runs as Markdown.")
@file_option("latex", "Also write the table of runs as LaTeX.")
@quiet_option
def report(runs: tuple[str, ...], **options: Any) -> int:
    """Show runs in full: scores, biases, calibration, cost and latency.

    Each RUN is a run's folder. Several runs of one benchmark are first ranked in one table. With people's labels the
    report says what judgebench validate does. A Parquet file of judgements stands for the runs in it (docs/large.md).
    """
    from judgebench.analysis.board import Leaderboard
    from judgebench.analysis.judgementcolumns import judgement_files
    from judgebench.analysis.report import report as make_report
    from judgebench.cli.console import print_found, print_written
    from judgebench.cli.progress import shown
    from judgebench.reports.files import FORMS, write_forms

    if (parquet := judgement_files(runs)) is not None:
        return _of_files(parquet, options)
    with shown():
        found = make_report(runs, need=options["need"], **label_mappings(options))
    if options["html_file"]:
        from judgebench.pages.report import write_report_page

        with shown():
            write_report_page(Path(options["html_file"]), found)
    files = {form: options[f"{form}_file"] for form in FORMS}
    write_forms(files, values=found, shown=Leaderboard(found.boards))
    print_found(found, found.tables())
    print_written(*(options[f"{form}_file"] for form in ("html", *FORMS)))
    return EXIT_DONE


def _of_files(files: Sequence[Path], options: dict[str, Any]) -> int:
    """The report of Parquet files of judgements."""
    from judgebench.analysis.board import Leaderboard
    from judgebench.analysis.fileboard import file_runs
    from judgebench.analysis.filereport import report_of
    from judgebench.cli.console import print_found, print_written
    from judgebench.cli.progress import shown
    from judgebench.errors import ConfigError
    from judgebench.reports.files import FORMS, check_not_read, write_forms

    for flag, value in options.items():
        if value and flag not in {"html_file", *(f"{form}_file" for form in FORMS)}:
            raise ConfigError(f"--{flag.replace('_', '-')} is for runs' folders, not for Parquet files: leave it out")
    check_not_read(options, files)
    with shown():
        runs = file_runs(files)
        found = report_of(runs)
        if options["html_file"]:
            from judgebench.pages.leaderboard import write_file_page

            write_file_page(Path(options["html_file"]), Leaderboard(found.boards, found.left_out), runs.runs)
        write_forms({form: options[f"{form}_file"] for form in FORMS}, values=found, shown=Leaderboard(found.boards))
        tables = found.tables()
    print_found(found, tables)
    print_written(*(options[f"{form}_file"] for form in ("html", *FORMS)))
    return EXIT_DONE
