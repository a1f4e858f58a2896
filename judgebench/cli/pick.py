"""`judgebench pick`."""

from __future__ import annotations

from typing import Any

import click

from judgebench.cli.console import quiet_option, runs_argument, seed_option
from judgebench.cli.errors import EXIT_DONE, NumberRange


@click.command(
    epilog="\b\nExample:\njudgebench pick runs/rewardbench-2 --section Factuality \\\n  --section Safety --budget 2\n"
)
@runs_argument("RUN...")
@click.option(
    "--section",
    "sections",
    multiple=True,
    metavar="NAME",
    help="Only this section beside the whole (repeatable); default: all.",
)
@click.option(
    "--margin",
    type=NumberRange(0, min_open=True),
    default=2.0,
    show_default=True,
    metavar="POINTS",
    help="Largest acceptable loss of score against the best judge.",
)
@click.option(
    "--budget",
    type=NumberRange(0),
    metavar="USD",
    help="Only judges that cost at most this much per 1,000 items.",
)
@seed_option("bootstrap")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@quiet_option
def pick(runs: tuple[str, ...], **options: Any) -> int:
    """Pick the cheapest judge that is not significantly worse than the best.

    Each RUN is a run's folder, or a folder above several. A judge is picked if paired intervals, corrected for the
    number of runs and sections, show it to be less than the margin worse than every other run. A cascade that is as
    good for less is named too. No API calls are made.
    """
    from judgebench.analysis.pick import pick as pick_among
    from judgebench.cli.console import print_found
    from judgebench.cli.progress import shown

    with shown():
        found = pick_among(
            runs,
            sections=options["sections"],
            margin=options["margin"],
            budget=options["budget"],
            seed=options["seed"],
        )
    print_found(found, found.tables(), as_json=options["as_json"])
    return EXIT_DONE
