"""`judgebench compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from judgebench.cli.console import quiet_option, runs_argument, seed_option
from judgebench.cli.errors import EXIT_DONE, NumberRange

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@click.command(
    epilog="\b\nExample:\njudgebench compare runs/rewardbench/gpt-6-luna/pairwise/one \\\n"
    "  runs/rewardbench/my-rm-v2/scores\n"
)
@runs_argument("RUN RUN...")
@click.option("--common", is_flag=True, help="Compare only the items that all runs have.")
@click.option(
    "--margin",
    type=NumberRange(0, 100, min_open=True, max_open=True),
    metavar="POINTS",
    help="Test whether runs are equivalent, or worse by less, within this margin.",
)
@click.option("--subsets", is_flag=True, help="Show subsets as well as sections.")
@click.option("--all", "every", is_flag=True, help="Show every pair of runs; default: of many, the best run's.")
@seed_option("bootstrap")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@quiet_option
def compare(runs: tuple[str, ...], **options: Any) -> int:
    """Compare runs of judges or reward models on the same items with paired tests.

    Each RUN is a run's folder. Of three and more runs over different items, the largest set over the same items is
    compared, and the others are listed. Differences of the official score have a paired interval and a Holm-corrected
    p-value (McNemar's test with mid-p, or a sign-flip test for fractional credits). Of three and more runs it says
    which can still be the best. A Parquet file of judgements stands for the runs in it (docs/large.md).
    """
    from judgebench.analysis.compare import compare as compare_runs
    from judgebench.analysis.judgementcolumns import judgement_files
    from judgebench.cli.console import print_found
    from judgebench.cli.progress import shown

    if (parquet := judgement_files(runs)) is not None:
        return _of_files(parquet, options)
    with shown():
        found = compare_runs(runs, common=options["common"], margin=options["margin"], seed=options["seed"])
    print_found(found, found.tables(subsets=options["subsets"], every=options["every"]), as_json=options["as_json"])
    return EXIT_DONE


def _of_files(files: Sequence[Path], options: dict[str, Any]) -> int:
    """The comparison of the runs in Parquet files of judgements."""
    from judgebench.analysis.filecompare import compare_files
    from judgebench.cli.console import print_found
    from judgebench.cli.progress import shown
    from judgebench.errors import ConfigError

    if given := next((name for name in ("common", "margin", "subsets") if options[name]), None):
        raise ConfigError(f"--{given} is for runs' folders, not for Parquet files: leave it out")
    with shown():
        found = compare_files(files, seed=options["seed"])
    print_found(found, found.tables(every=options["every"]), as_json=options["as_json"])
    return EXIT_DONE
