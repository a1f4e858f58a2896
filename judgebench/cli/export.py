"""`judgebench export`."""

from __future__ import annotations

from typing import Any

import click

from judgebench.cli.completing import folders_only
from judgebench.cli.console import quiet_option, runs_argument
from judgebench.cli.errors import EXIT_DONE


@click.command(epilog="\b\nExample:\njudgebench export runs/rewardbench/*/*/* --to dataset --out mine\n")
@runs_argument()
@click.option(
    "--to",
    required=True,
    type=click.Choice(["dataset", "every-eval-ever", "rewardbench"]),
    metavar="FORM",
    help="Format: dataset, every-eval-ever or rewardbench.",
)
@click.option(
    "--out",
    shell_complete=folders_only,
    required=True,
    metavar="DIR",
    help="Output folder; must be new for a dataset, which can also go to s3://... and the like.",
)
@click.option("--items", is_flag=True, help="dataset: include the texts of the items.")
@click.option("--model", metavar="ORG/NAME", help="rewardbench, every-eval-ever: the evaluated model.")
@click.option(
    "--model-type",
    metavar="TYPE",
    help="rewardbench: 'Seq. Classifier', DPO, 'Custom Classifier' or 'Generative RM'.",
)
@click.option("--organization", metavar="NAME", help="every-eval-ever: the evaluating organization.")
@click.option(
    "--relationship",
    metavar="R",
    help="every-eval-ever: relation to the model's developer: first_party, third_party, collaborative or other.",
)
@quiet_option
def export(runs: tuple[str, ...], **options: Any) -> int:
    """Export finished runs in other tools' formats.

    Each RUN is a run's folder. FORM is one of

    \b
    dataset          a Hugging Face dataset folder: judgements, outcomes, scores
    every-eval-ever  the schema of the Every Eval Ever database
    rewardbench      the files that RewardBench's leaderboard reads
    """  # noqa: D301 - click's mark for lines that are kept
    from judgebench._util.text import one_line
    from judgebench.cli.console import messages, results
    from judgebench.cli.progress import shown
    from judgebench.exports.export import export as write

    with shown():
        made = write(runs, **options)
    for path in made.files:
        results().print(one_line(str(path)), soft_wrap=True, markup=False, highlight=False)
    for note in made.notes:
        messages().print(f"note: {one_line(note)}", soft_wrap=True, markup=False, highlight=False)
    return EXIT_DONE
