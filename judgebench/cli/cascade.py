"""`judgebench cascade`."""

from __future__ import annotations

from typing import Any

import click

from judgebench.cli.completing import run_folders
from judgebench.cli.console import out_option, quiet_option, seed_option
from judgebench.cli.errors import EXIT_DONE, NumberRange


@click.command(
    epilog="\b\nExample:\njudgebench cascade runs/llmbar/small/pairwise/both \\\n  runs/llmbar/large/pairwise/both\n"
)
@click.argument(
    "cheap",
    shell_complete=run_folders,
)
@click.argument(
    "expensive",
    shell_complete=run_folders,
)
@click.option(
    "--by",
    type=click.Choice(["disagreement", "margin", "confidence"]),
    default="disagreement",
    show_default=True,
    help="Measure of the cheap judge's uncertainty on an item.",
)
@click.option(
    "--threshold",
    type=NumberRange(0, 1),
    metavar="T",
    help="Save the cascade with this threshold as a run.",
)
@click.option(
    "--margin",
    type=NumberRange(0, min_open=True),
    default=2.0,
    show_default=True,
    metavar="POINTS",
    help="Largest acceptable loss of score against the expensive judge.",
)
@click.option("--name", metavar="NAME", help="Name shown as the judge; default: both names.")
@seed_option("bootstrap")
@out_option("Parent folder of the saved run.")
@click.option("--json", "as_json", is_flag=True, help="Print all thresholds as one JSON object and nothing else.")
@quiet_option
def cascade(cheap: str, expensive: str, **options: Any) -> int:
    """Simulate a cascade: cheap judge first, expensive judge when uncertain.

    CHEAP and EXPENSIVE are folders of finished runs on the same items; no API calls are made. Each threshold is listed
    with its score, the share of escalated items, and the cost per item.
    """
    from judgebench.analysis.cascade import cascade as both
    from judgebench.cli.console import messages, print_found
    from judgebench.cli.progress import shown

    as_json = options.pop("as_json")
    with shown():
        found = both(cheap, expensive, **options)
    print_found(found, found.tables(), as_json=as_json)
    if found.path is not None:
        messages().print(f"done: {found.path}", soft_wrap=True)
    return EXIT_DONE
