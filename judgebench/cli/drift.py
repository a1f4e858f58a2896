"""`judgebench drift`."""

from __future__ import annotations

from typing import Any

import click

from judgebench.cli.completing import run_folders
from judgebench.cli.console import quiet_option, seed_option


@click.command(
    epilog="\b\nExample:\njudgebench drift october/custom/my-judge/pairwise/both-x3 \\\n"
    "  november/custom/my-judge/pairwise/both-x3\n"
)
@click.argument("first", shell_complete=run_folders)
@click.argument("second", shell_complete=run_folders)
@click.option("--retest", metavar="RUN", help="Another run like FIRST and of its date: the judge's own noise.")
@click.option(
    "--system",
    nargs=2,
    metavar="RUN RUN",
    help="A system's answers judged on both dates: split its change of score into the judge's and the system's part.",
)
@click.option("--model", metavar="NAME", help="Model whose win rate is the score, where items compare models.")
@seed_option("permutations")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@quiet_option
def drift(first: str, second: str, **options: Any) -> int:
    """Say whether a judge changed between two dates.

    FIRST and SECOND are runs of one judge, template and protocol over the same items. Verdicts that differ between the
    dates are held against those that differ on one date (--samples above 1, or --retest). DRIFT, NO DRIFT SHOWN or
    CANNOT SAY: exit status 3, 0 and 4. No API calls are made.
    """
    from judgebench.analysis.drift import drift as drift_between
    from judgebench.analysis.drifted import STATUS
    from judgebench.cli.console import print_found
    from judgebench.cli.progress import shown

    with shown():
        found = drift_between(
            first,
            second,
            retest=options["retest"],
            system=options["system"],
            model=options["model"],
            seed=options["seed"],
        )
    print_found(found, found.tables(), as_json=options["as_json"])
    return STATUS[found.decision]
