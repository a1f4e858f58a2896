"""`judgebench strengths`."""

from __future__ import annotations

from typing import Any

import click

from judgebench.cli.completing import run_folders
from judgebench.cli.console import quiet_option, seed_option
from judgebench.cli.errors import EXIT_DONE
from judgebench.cli.labelling import label_mappings, label_options


@click.command(epilog="\b\nExample:\njudgebench strengths runs/rewardbench/gpt-6-luna/pairwise/both\n")
@click.argument(
    "run",
    shell_complete=run_folders,
)
@label_options
@seed_option("bootstrap")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@quiet_option
def strengths(run: str, **options: Any) -> int:
    """Estimate the strength of the judged models from RUN's verdicts.

    Bradley-Terry strengths with intervals; no API calls are made. The data must name the model of each completion:
    a column `models` (a list), or `chosen_model` and `rejected_model`. With --labels strengths are corrected for the
    judge's errors by people's labels of some pairs (PPI++).
    """
    from judgebench.analysis.strengths import strengths as find
    from judgebench.cli.console import print_found
    from judgebench.cli.progress import shown

    with shown():
        found = find(run, seed=options["seed"], **label_mappings(options))
    print_found(found, found.tables(), as_json=options["as_json"])
    return EXIT_DONE
