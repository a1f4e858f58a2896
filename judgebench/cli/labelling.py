"""The options that name people's labels of a run's items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from judgebench.cli.completing import files
from judgebench.cli.errors import NumberRange

if TYPE_CHECKING:
    from collections.abc import Callable


def label_options(command: Any) -> Any:
    """Adds the options that name people's labels to a command: `--labels`, `--columns` and `--label-map`."""
    for option in (
        click.option(
            "--label-map",
            "meanings",
            metavar="VALUE=LABEL,...",
            help="What labels mean, as in left=A,right=B,draw=tie.",
        ),
        click.option(
            "--columns", metavar="NAME=COLUMN,...", help="Columns of the labels: id, label, annotator, probability."
        ),
        click.option(
            "--labels",
            shell_complete=files,
            metavar="FILE|HUB-ID",
            help="People's labels: id, label[, annotator, probability]; default: those that the items carry.",
        ),
    ):
        command = option(command)
    return command


def label_mappings(options: dict[str, Any]) -> dict[str, Any]:
    """The options that `label_options` adds, as a function takes them."""
    from judgebench.sources.mapped import pairs_in

    columns, meanings = options["columns"], options["meanings"]
    return {
        "labels": options["labels"],
        "columns": None if columns is None else pairs_in(columns, "--columns"),
        "meanings": None if meanings is None else pairs_in(meanings, "--label-map", last=True),
    }


def confidence_option(of: str) -> Callable[[Any], Any]:
    """`--confidence` of a command that tells from some labels.

    Args:
        of: What has it, as the help says.
    """
    return click.option(
        "--confidence",
        type=NumberRange(0, 1, min_open=True, max_open=True),
        default=0.95,
        show_default=True,
        metavar="SHARE",
        help=f"Confidence of the {of}.",
    )


need_option = click.option(
    "--need",
    metavar="MEASURE=VALUE",
    help="Least agreement=SHARE, kappa=VALUE or, of ratings, pearson=VALUE; default: what people reach among "
    "themselves, less a margin.",
)
"""What a judge is held to."""
