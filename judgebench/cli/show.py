"""`judgebench show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from judgebench.cli.completing import run_folders
from judgebench.cli.console import quiet_option
from judgebench.cli.errors import EXIT_DONE

if TYPE_CHECKING:
    from judgebench.runs import Run

_SHOWN = 10


@click.command(
    epilog="\b\nExample:\njudgebench show runs/rewardbench/gpt-6-luna/pairwise/one 30412\n"
    "judgebench show runs/custom/gpt-6-luna/v1/both --flips\n"
    "judgebench show runs/custom/gpt-6-luna/pass-fail/labels --wrong\n"
)
@click.argument("run", shell_complete=run_folders, required=False)
@click.argument("item", required=False, metavar="[ITEM|RUN]", shell_complete=run_folders)
@click.option("--flips", is_flag=True, help="List items whose verdict changes with the order, or between two runs.")
@click.option("--wrong", is_flag=True, help="List items whose verdict is not the label.")
@click.option("--all", "every", is_flag=True, help="Without an item: list all failures, flips or wrong verdicts.")
@click.option("--messages", "every_message", is_flag=True, help="With an item: show the messages of all calls.")
@quiet_option
def show(run: str | None, item: str | None, **options: Any) -> int:
    """Show one item of RUN in full; without ITEM, list the failures.

    --flips lists the items whose verdict changes, --wrong those whose verdict is not the label.

    ITEM is an item's id. RUN may be left out where `runs` has a single run. Control characters in texts are escaped.
    """
    from judgebench.analysis.flips import order_flips, run_flips
    from judgebench.analysis.show import list_failures, shown_item
    from judgebench.analysis.wrong import list_wrong
    from judgebench.cli.console import messages, print_found, results
    from judgebench.cli.progress import shown
    from judgebench.reports.show import print_failures, print_item
    from judgebench.runs import Finished, up_to_date

    opened = _only_run(run)
    finished = Finished(opened)
    most = None if options["every"] else _SHOWN
    if options["flips"]:
        with shown():
            first = up_to_date(opened)
            found = order_flips(first) if item is None else run_flips(first, up_to_date(_only_run(item)))
        print_found(found, found.tables(most))
    elif options["wrong"]:
        with shown():
            wrong = list_wrong(up_to_date(opened))
        print_found(wrong, wrong.tables(most))
    elif item is None:
        with shown():
            failures = list_failures(finished)
        print_failures(results(), finished, failures, shown=most or len(failures))
    else:
        with shown():
            one = shown_item(finished, item)
        print_item(results(), finished, one, messages=options["every_message"])
    for note in finished.notes:
        messages().print(f"note: {note}", soft_wrap=True)
    return EXIT_DONE


def _only_run(folder: str | None) -> Run:
    """The run in a folder, or the only one below it; None: below the folder of runs."""
    from judgebench.runs import DEFAULT_OUT, find_runs, open_run

    path = Path(folder or DEFAULT_OUT)
    below = find_runs(path) if path.is_dir() else []
    return open_run(below[0] if len(below) == 1 else path)
