"""`judgebench plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from judgebench.cli.console import quiet_option, runs_argument
from judgebench.cli.errors import EXIT_DONE, NumberRange

if TYPE_CHECKING:
    from collections.abc import Callable

_POINTS = NumberRange(0, 100, min_open=True, max_open=True)


def _share(name: str, said: str) -> Callable[[Any], Any]:
    return click.option(name, type=NumberRange(0, 1), metavar="SHARE", help=said)


@click.command(
    epilog="\b\nExamples:\njudgebench plan --difference 3 --accuracy 0.8 --discordance 0.2\n"
    "judgebench plan runs/custom/*/*/* --difference 3 --width 10\n"
)
@runs_argument("[RUN...]", required=False)
@click.option("--difference", type=_POINTS, metavar="POINTS", help="Difference of two runs to detect.")
@click.option("--items", type=click.IntRange(min=2), metavar="N", help="Show which difference this many items detect.")
@click.option("--width", type=_POINTS, metavar="POINTS", help="Width of the 95% interval of a rate from labels.")
@click.option(
    "--runs", "compared", type=click.IntRange(min=2), metavar="K", help="Runs to compare; default: the pilot's, or 2."
)
@_share("--accuracy", "Share of items that a judge gets right; default: the pilot's, or 0.8.")
@_share("--discordance", "Share of items on which two runs differ; default: the pilot's, or at most 0.2.")
@_share("--rate", "Pass rate or win rate by the labels; default: the pilot's, or 0.5.")
@_share("--retest", "How often two samples of a judge agree.")
@_share("--consistency", "How often both orders give the same verdict.")
@click.option(
    "--design-effect", type=NumberRange(1), metavar="FACTOR", help="By how many times groups need more items."
)
@click.option(
    "--unlabelled",
    type=click.IntRange(min=0),
    default=10_000,
    show_default=True,
    metavar="N",
    help="Items that only the judge judges, beside the labelled ones.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@quiet_option
def plan(runs: tuple[str, ...], **options: Any) -> int:
    """Plan how many items, samples and labels are needed.

    RUN are finished pilot runs over the same labelled items; without any, the options say what to assume. Items are for
    80% power of a paired test, Holm-corrected for all pairs of runs. No API calls are made.
    """
    from judgebench.analysis.planning import plan as plan_runs
    from judgebench.analysis.powerplan import Assumptions
    from judgebench.cli.console import print_found
    from judgebench.cli.progress import shown

    assumed = ("accuracy", "discordance", "rate", "retest", "consistency", "design_effect")
    with shown():
        found = plan_runs(
            runs,
            difference=options["difference"],
            width=options["width"],
            items=options["items"],
            compared=options["compared"],
            unlabelled=options["unlabelled"],
            assume=Assumptions(**{name: options[name] for name in assumed}),
        )
    print_found(found, found.tables(), as_json=options["as_json"])
    return EXIT_DONE
