"""`judgebench estimate`."""

from __future__ import annotations

from typing import Any

import click

from judgebench.cli.completing import run_folders
from judgebench.cli.console import quiet_option
from judgebench.cli.errors import EXIT_DONE
from judgebench.cli.labelling import confidence_option, label_mappings, label_options


@click.command(epilog="\b\nExample:\njudgebench estimate runs/custom/my-judge/pairwise/both --labels people.csv\n")
@click.argument("run", shell_complete=run_folders)
@label_options
@confidence_option("intervals")
@click.option("--model", metavar="NAME", help="Model whose win rate is estimated, where RUN compares several.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@quiet_option
def estimate(run: str, **options: Any) -> int:
    """Estimate what people would say of what RUN judged, from its verdicts and some labels.

    The pass rate, win rate or mean grade, corrected for the judge's errors (Rogan-Gladen, PPI, PPI++, calibration),
    beside the labels alone and the judge alone, with intervals. No API calls are made.
    """
    from judgebench.analysis.estimate import estimate as find
    from judgebench.cli.console import print_found
    from judgebench.cli.progress import shown

    with shown():
        found = find(run, model=options["model"], confidence=options["confidence"], **label_mappings(options))
    print_found(found, found.tables(), as_json=options["as_json"])
    return EXIT_DONE
