"""`judgebench cascade`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from judgebench.cli.completing import files
from judgebench.cli.console import out_option, quiet_option, runs_argument, seed_option
from judgebench.cli.errors import EXIT_DONE, NumberRange
from judgebench.cli.labelling import confidence_option, label_mappings, label_options

if TYPE_CHECKING:
    from judgebench.analysis.guaranteed import Guarantee

EXIT_CANNOT_SAY = 4

_GUARANTEE = ("confidence", "labels", "columns", "meanings", "people_cost", "apply_to", "answered_file")
_SIMULATION = ("by", "threshold", "margin", "name", "seed", "out")


@click.command(
    epilog="\b\nExamples:\njudgebench cascade runs/llmbar/small/pairwise/both \\\n  runs/llmbar/large/pairwise/both\n"
    "judgebench cascade runs/custom/small/pairwise/both \\\n  runs/custom/large/pairwise/both --agreement 0.9 \\\n"
    "  --labels people.csv --people-cost 0.5\n"
)
@runs_argument("CHEAP [EXPENSIVE...]")
@click.option(
    "--by",
    type=click.Choice(["disagreement", "margin", "confidence"]),
    default="disagreement",
    show_default=True,
    help="Measure of the cheap judge's uncertainty on an item.",
)
@click.option(
    "--threshold",
    type=NumberRange(0, 1),
    metavar="T",
    help="Save the cascade with this threshold as a run.",
)
@click.option(
    "--margin",
    type=NumberRange(0, min_open=True),
    default=2.0,
    show_default=True,
    metavar="POINTS",
    help="Largest acceptable loss of score against the expensive judge.",
)
@click.option("--name", metavar="NAME", help="Name shown as the judge; default: both names.")
@seed_option("bootstrap")
@out_option("Parent folder of the saved run.")
@click.option(
    "--agreement",
    type=NumberRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Find thresholds with which at least this share of answers agrees with people, guaranteed.",
)
@confidence_option("guarantee")
@label_options
@click.option(
    "--people-cost",
    type=NumberRange(0),
    metavar="USD",
    help="Cost of a person's verdict on an item, for what is saved.",
)
@click.option(
    "--apply-to",
    multiple=True,
    metavar="RUN",
    help="Run of the same judge over other items, one for each judge in order (repeatable); default: the runs' own "
    "items without a label.",
)
@click.option(
    "--answered",
    "answered_file",
    shell_complete=files,
    metavar="FILE",
    help="Write who answers each item without a label, and what, as JSON lines.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all thresholds as one JSON object and nothing else.")
@quiet_option
@click.pass_context
def cascade(context: click.Context, /, runs: tuple[str, ...], **options: Any) -> int:
    """Simulate a cascade: cheap judge first, expensive judge when uncertain.

    CHEAP and EXPENSIVE are folders of finished runs on the same items; no API calls are made. Each threshold is listed
    with its score, the share of escalated items, and the cost per item.

    With --agreement, one run or more are held against people's labels: each judge answers what it is certain enough
    of, people the rest, and at least that share of answers agrees with people. Exit status 4 if no threshold is shown
    to reach it.
    """
    guaranteed = options["agreement"] is not None
    for name in _SIMULATION if guaranteed else _GUARANTEE:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = next(each.opts[0] for each in context.command.params if each.name == name)
            raise click.UsageError(f"{option} goes {'without' if guaranteed else 'with'} --agreement")
    if guaranteed:
        return _guarantee(runs, options)
    if len(runs) != 2:
        raise click.UsageError(f"name two runs, CHEAP and EXPENSIVE, not {len(runs)} (with --agreement: one or more)")
    from judgebench.analysis.cascade import cascade as both
    from judgebench.cli.console import messages, print_found
    from judgebench.cli.progress import shown

    chosen = {name: options[name] for name in _SIMULATION}
    with shown():
        found = both(*runs, **chosen)
    print_found(found, found.tables(), as_json=options["as_json"])
    if found.path is not None:
        messages().print(f"done: {found.path}", soft_wrap=True)
    return EXIT_DONE


def _guarantee(runs: tuple[str, ...], options: dict[str, Any]) -> int:
    from judgebench.analysis.guarantee import guaranteed_cascade
    from judgebench.cli.console import print_found, print_written
    from judgebench.cli.progress import shown

    with shown():
        found = guaranteed_cascade(
            runs,
            agreement=options["agreement"],
            confidence=options["confidence"],
            people_cost=options["people_cost"],
            apply_to=options["apply_to"],
            **label_mappings(options),
        )
    if options["answered_file"] is not None:
        _write(found, options["answered_file"])
    print_found(found, found.tables(), as_json=options["as_json"])
    print_written(options["answered_file"])
    return EXIT_DONE if found.shown else EXIT_CANNOT_SAY


def _write(found: Guarantee, path: str) -> None:
    import json
    from dataclasses import asdict

    from judgebench._util.files import output_file
    from judgebench.errors import ConfigError

    if found.applied is None:
        raise ConfigError("--answered: every item has a label, so there is none to answer; name runs with --apply-to")
    lines = "".join(json.dumps(asdict(each)) + "\n" for each in found.applied.items)
    with output_file(Path(path)) as part:
        part.write_text(lines, encoding="utf-8")
