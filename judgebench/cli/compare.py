"""`judgebench compare`."""

from __future__ import annotations

from typing import Any

import click

from judgebench.cli.console import quiet_option, runs_argument
from judgebench.cli.errors import EXIT_DONE


@click.command(
    epilog="\b\nExample:\njudgebench compare runs/rewardbench/gpt-4.1-mini/pairwise/one \\\n"
    "  runs/rewardbench/my-rm-v2/scores\n"
)
@runs_argument("RUN RUN...")
@click.option("--common", is_flag=True, help="Compare the items that all runs have, where they differ.")
@click.option("--subsets", is_flag=True, help="Show every subset, not only the sections.")
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Of the resampling.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object, and nothing else.")
@quiet_option
def compare(runs: tuple[str, ...], **options: Any) -> int:
    """Paired tests between runs on the same items, judges and score files alike.

    Each RUN is a run's folder. The difference of the official score comes with a paired bootstrap interval and a p
    (exact McNemar, or the sign-flip test where credits are fractions), corrected by Holm's method.
    """
    from judgebench.analysis.compare import compare as compare_runs
    from judgebench.cli.console import print_found
    from judgebench.cli.progress import shown

    with shown():
        found = compare_runs(runs, common=options["common"], seed=options["seed"])
    print_found(found, found.tables(subsets=options["subsets"]), as_json=options["as_json"])
    return EXIT_DONE
