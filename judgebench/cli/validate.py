"""`judgebench validate`."""

from __future__ import annotations

from typing import Any

import click

from judgebench.cli.console import quiet_option, runs_argument
from judgebench.cli.errors import NumberRange
from judgebench.cli.labelling import label_mappings, label_options, need_option


@click.command(
    epilog="\b\nExample:\njudgebench validate runs/custom/my-judge/pairwise/both \\\n"
    "  --labels people.csv --need agreement=0.85\n"
)
@runs_argument("RUN...")
@label_options
@need_option
@click.option(
    "--margin",
    type=NumberRange(0, 1, max_open=True),
    metavar="EPS",
    help="How far below people's own agreement the judge may be (0.05).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@quiet_option
def validate(runs: tuple[str, ...], **options: Any) -> int:
    """Say whether a judge agrees with people well enough.

    Each RUN is a run's folder, or a folder above several. TRUSTED: the 95% interval lies at or above the need; NOT
    TRUSTED: below it; CANNOT SAY: across it, with the number of labels that would decide. Exit status 0, 3 and 4; of
    several runs NOT TRUSTED counts first, then CANNOT SAY. No API calls are made.
    """
    from judgebench.analysis.validate import validate as validate_runs
    from judgebench.analysis.validation import STATUS
    from judgebench.cli.console import print_found
    from judgebench.cli.progress import shown

    with shown():
        found = validate_runs(runs, need=options["need"], margin=options["margin"], **label_mappings(options))
    print_found(found, found.tables(), as_json=options["as_json"])
    return STATUS[found.decision]
