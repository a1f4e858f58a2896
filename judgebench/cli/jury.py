"""`judgebench jury`."""

from __future__ import annotations

from typing import Any

import click

from judgebench.cli.console import out_option, quiet_option, runs_argument
from judgebench.cli.errors import EXIT_DONE


@click.command(epilog="\b\nExample:\njudgebench jury runs/llmbar/*/pairwise/both --weights accuracy\n")
@runs_argument("RUN RUN...")
@click.option("--name", metavar="NAME", help="What stands in the judge's place; default: jury-of-N.")
@click.option(
    "--weights",
    type=click.Choice(["equal", "accuracy", "confidence"]),
    default="equal",
    show_default=True,
    help="What a vote counts: the same, by accuracy on held-out items, or by how sure the member is.",
)
@click.option(
    "--held-out",
    type=click.FloatRange(min=0, max=1, max_open=True),
    metavar="SHARE",
    help="Items that weights are learnt from, and that are not scored; default: 0.2 with accuracy, else 0.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", help="Of the held-out items."
)
@out_option("Where the jury's folder goes.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object, and nothing else.")
@quiet_option
def jury(runs: tuple[str, ...], **options: Any) -> int:
    """Join finished runs of the same items into one more by their votes: no call is made.

    Each RUN is a judge's folder. The choice with the most votes is the jury's, draws are ties; of ratings it is the
    mean. A failure is no vote. The jury is a run like any other, and is shown beside its members.
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
