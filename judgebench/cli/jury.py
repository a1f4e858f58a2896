"""`judgebench jury`."""

from __future__ import annotations

from typing import Any

import click

from judgebench.cli.console import out_option, quiet_option, runs_argument, seed_option
from judgebench.cli.errors import EXIT_DONE, NumberRange


@click.command(epilog="\b\nExample:\njudgebench jury runs/llmbar/*/pairwise/both --weights accuracy\n")
@runs_argument("RUN RUN...")
@click.option("--name", metavar="NAME", help="Name shown as the judge; default: jury-of-N.")
@click.option(
    "--weights",
    type=click.Choice(["equal", "accuracy", "confidence"]),
    default="equal",
    show_default=True,
    help="Weights of the votes: equal, by accuracy on held-out items, or by the member's confidence.",
)
@click.option(
    "--held-out",
    type=NumberRange(min=0, max=1, max_open=True),
    metavar="SHARE",
    help="Share of items used to learn weights and not scored; default: 0.2 with accuracy, else 0.",
)
@seed_option("held-out items")
@out_option("Parent folder of the jury's run.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@quiet_option
def jury(runs: tuple[str, ...], **options: Any) -> int:
    """Combine finished runs on the same items into a jury by their votes.

    Each RUN is the folder of a judge's run; no API calls are made. The choice with the most votes wins, draws are ties,
    and ratings are averaged. Failures do not vote. The jury is saved as a run and shown with its members.
    """
    from judgebench.analysis.jury import jury as join
    from judgebench.cli.console import messages, print_found
    from judgebench.cli.progress import shown

    as_json = options.pop("as_json")
    with shown():
        found = join(runs, **options)
    print_found(found, found.tables(), as_json=as_json)
    messages().print(f"done: {found.path}", soft_wrap=True)
    return EXIT_DONE
