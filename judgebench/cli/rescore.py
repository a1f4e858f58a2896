"""`judgebench rescore`."""

from __future__ import annotations

from typing import Any

import click

from judgebench.cli.completing import run_folders, template_names
from judgebench.cli.console import quiet_option
from judgebench.cli.errors import EXIT_DONE
from judgebench.cli.groups import Renamed


@click.command(
    cls=Renamed,
    epilog="\b\nExample:\njudgebench rescore runs/rewardbench/gpt-6-luna/pairwise/both \\\n"
    "  --template mine.jinja --dry-run\n",
)
@click.argument(
    "run",
    shell_complete=run_folders,
)
@click.option(
    "-t",
    "--template",
    shell_complete=template_names,
    metavar="NAME|FILE",
    help="Template whose verdict rule is used; default: the run's own.",
)
@click.option(
    "--aggregate",
    type=click.Choice(["mean", "unanimous", "majority", "mean-prob"]),
    help="Aggregation of the replies to one question; default: the run's own.",
)
@click.option(
    "--labels",
    "labels_file",
    type=click.Path(),
    metavar="FILE",
    help="CSV of corrected labels: id, label (flip, keep, tie, none, or the best answer as the rows name it), comment.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
@click.option("--all", "every", is_flag=True, help="List all changes, not only the first 20.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@quiet_option
def rescore(run: str, **options: Any) -> int:
    """Parse the stored replies of RUN again; no API calls are made.

    With --labels the score is also computed with corrected labels.

    Changes are listed by item, and a new run is written next to RUN (its name ends in -rescored-TEMPLATE). Replies that
    were cut off, filtered, empty or refused by the provider do not change.
    """
    from judgebench.analysis.rescore import rescore as read_again
    from judgebench.cli.console import messages, print_found
    from judgebench.cli.progress import shown

    with shown():
        found = read_again(
            run,
            template=options["template"],
            aggregate=options["aggregate"],
            labels=options["labels_file"],
            dry_run=options["dry_run"],
        )
    print_found(found, found.tables(None if options["every"] else 20), as_json=options["as_json"])
    where = "nothing written (--dry-run)" if found.path is None else f"done: {found.path}"
    messages().print(where, soft_wrap=True)
    return EXIT_DONE
