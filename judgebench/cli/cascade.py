"""`judgebench cascade`."""

from __future__ import annotations

from typing import Any

import click

from judgebench.cli.completing import run_folders
from judgebench.cli.console import out_option, quiet_option
from judgebench.cli.errors import EXIT_DONE


@click.command(
    epilog="\b\nExample:\njudgebench cascade runs/llmbar/small/pairwise/both \\\n  runs/llmbar/large/pairwise/both\n"
)
@click.argument(
    "cheap",
    shell_complete=run_folders,
)
@click.argument(
    "dear",
    shell_complete=run_folders,
)
@click.option(
    "--by",
    type=click.Choice(["disagreement", "margin", "confidence"]),
    default="disagreement",
    show_default=True,
    help="What tells that CHEAP is unsure of an item.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    metavar="T",
    help="Write the cascade that sends items on from here as a run.",
)
@click.option("--name", metavar="NAME", help="What stands in that run's judge's place; default: both names.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", help="Of the resampling."
)
@out_option("Where its folder goes.")
@click.option("--json", "as_json", is_flag=True, help="Print every threshold as one JSON object, and nothing else.")
@quiet_option
def cascade(cheap: str, dear: str, **options: Any) -> int:
    """What it gives to ask a cheap judge first, and a dear one only where that is unsure: no call is made.

    CHEAP and DEAR are folders of finished runs of the same items. Each threshold comes with its score, the share of
    items sent on, and the cost an item.
    """
    from judgebench.analysis.cascade import cascade as both
    from judgebench.cli.console import messages, print_found
    from judgebench.cli.progress import shown

    as_json = options.pop("as_json")
    with shown():
        found = both(cheap, dear, **options)
    print_found(found, found.tables(), as_json=as_json)
    if found.path is not None:
        messages().print(f"done: {found.path}", soft_wrap=True)
    return EXIT_DONE
