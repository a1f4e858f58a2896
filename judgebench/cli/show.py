"""`judgebench show`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from judgebench.cli.completing import run_folders
from judgebench.cli.console import quiet_option
from judgebench.cli.errors import EXIT_DONE


@click.command(epilog="\b\nExample:\njudgebench show runs/rewardbench/gpt-6-luna/pairwise/one 30412\n")
@click.argument(
    "run",
    shell_complete=run_folders,
)
@click.argument("item", required=False)
@click.option("--all", "every", is_flag=True, help="Without an item: list all failures.")
@click.option("--messages", "every_message", is_flag=True, help="With an item: show the messages of all calls.")
@quiet_option
def show(run: str, item: str | None, **options: Any) -> int:
    """Show one item of RUN in full; without ITEM, list the failures.

    ITEM is an item's id. Control characters in texts are escaped.
    """
    from judgebench.analysis.show import list_failures, shown_item
    from judgebench.cli.console import messages, results
    from judgebench.cli.progress import shown
    from judgebench.reports.show import print_failures, print_item
    from judgebench.runs import Finished, open_run

    finished = Finished(open_run(Path(run)))
    if item is None:
        with shown():
            found = list_failures(finished)
        print_failures(results(), finished, found, shown=len(found) if options["every"] else 10)
    else:
        with shown():
            one = shown_item(finished, item)
        print_item(results(), finished, one, messages=options["every_message"])
    for note in finished.notes:
        messages().print(f"note: {note}", soft_wrap=True)
    return EXIT_DONE
