"""`judgebench data`: what is understood of rows before they are judged."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from judgebench.cli.completing import benchmark_names, files
from judgebench.cli.console import is_quiet, quiet_option
from judgebench.cli.errors import EXIT_DONE
from judgebench.cli.groups import Group
from judgebench.cli.options import row_options

if TYPE_CHECKING:
    from judgebench.engine.describe import DataDescription
    from judgebench.engine.options import RowOptions

_CLIPPED = 1200


@click.group(cls=Group, epilog="\b\nExample:\njudgebench data show pairs.csv\n")
def data() -> None:
    """Show what is understood of rows; keep it as a benchmark file."""


@data.command(
    "show", epilog="\b\nExample:\njudgebench data show pairs.csv --columns label=preferred --save pairs.yaml\n"
)
@click.argument("file", shell_complete=files, metavar="FILE|HUB-ID")
@click.option(
    "--benchmark",
    shell_complete=benchmark_names,
    default="custom",
    show_default=True,
    metavar="NAME",
    help="Whose rows.",
)
@row_options
@click.option("--save", shell_complete=files, metavar="FILE.yaml", help="Keep it as a benchmark file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@quiet_option
def show(file: str, benchmark: str, save: str | None, as_json: bool, **options: Any) -> int:
    """Show what is understood of rows: form, columns, labels, groups, bad rows, and two items as they will be asked.

    No calls are made. In a terminal it asks what labels mean that it cannot know; elsewhere it never waits.
    """
    from judgebench.cli.console import messages, print_written
    from judgebench.engine.describe import unusable_json
    from judgebench.engine.options import RowOptions
    from judgebench.errors import ConfigError

    reading = RowOptions(**options)
    try:
        found, reading, learned = _understood(
            file, benchmark, reading, asks=not as_json and not is_quiet() and _can_ask()
        )
    except ConfigError as error:
        if as_json:
            click.echo(json.dumps(unusable_json(file, error), indent=2, ensure_ascii=False))
        raise
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
    else:
        _print(found, skipped=reading.bad_rows == "skip")
    if learned:
        messages().print(f"next time: {learned}", soft_wrap=True, markup=False, highlight=False)
    if save is not None:
        print_written(str(found.save(save)))
    return EXIT_DONE


def _understood(
    file: str, benchmark: str, reading: RowOptions, *, asks: bool
) -> tuple[DataDescription, RowOptions, str]:
    """What is understood, how the rows were read, and the options that say what was learned."""
    from judgebench.cli.progress import shown
    from judgebench.engine.describe import describe_data
    from judgebench.engine.options import RowOptions, options_of
    from judgebench.errors import DataError

    learned = ""
    while True:
        try:
            with shown():
                given = {option.name: getattr(reading, option.name) for option in options_of(RowOptions)}
                del given["bad_rows"]  # all of them are shown
                found = describe_data(file, benchmark=benchmark, **given)
        except DataError:
            again = _ask_codes(file, benchmark, reading) if asks else None
            if again is None:
                raise
        else:
            again = _ask_label(found, reading) if asks and not found.understood.labels else None
            if again is None:
                return found, reading, learned
        reading, said = again
        learned = " ".join(filter(None, (learned, said)))


def _ask_label(found: DataDescription, reading: RowOptions) -> tuple[RowOptions, str] | None:
    """Asks whether a column that looks like a label is one."""
    for column in found.understood.likely:
        if click.confirm(f"No label. Does '{column}' say which answer is better?", err=True):
            columns = {**(reading.rows.columns), "label": column}
            return replace(reading, columns=columns), f'--columns label="{column}"'
    return None


def _ask_codes(file: str, benchmark: str, reading: RowOptions) -> tuple[RowOptions, str] | None:
    """Asks what each value of a label's column means; None where labels are not what is wrong."""
    from judgebench.engine.describe import label_column

    found = label_column(file, benchmark, reading.rows)
    if found is None or all(value in reading.rows.labels for value in found[1]):
        return None
    column, values = found
    shown_as = reading.rows.columns.get(column, column)
    choices = click.Choice(["A", "B", "tie", "none"], case_sensitive=False)
    labels = dict(reading.rows.labels)
    for value in values:
        if value not in labels:
            labels[value] = click.prompt(
                f"Which answer is better where '{shown_as}' is {value}?", type=choices, err=True
            )
    said = ",".join(f'"{value}"={meaning}' for value, meaning in labels.items())
    return replace(reading, labels=labels), f"--labels '{said}'"


def _print(found: DataDescription, *, skipped: bool) -> None:
    from judgebench._util.text import visible
    from judgebench.benchmarks.checking import bad_lines
    from judgebench.reports.understood import understood_lines

    for line in understood_lines(found.understood, found.source):
        click.echo(line)
    used = ", ".join(name if name == own else f"{name}={own}" for name, own in found.understood.used.items())
    click.echo(f"columns used: {used}")
    for note in found.understood.notes:
        click.echo(f"note: {note}")
    if found.understood.bad_count:
        becomes = "are skipped" if skipped else "stop a run unless it has --bad-rows skip"
        click.echo(f"bad rows, which {becomes}:")
    for line in bad_lines(found.understood):
        click.echo(line)
    for example in found.examples:
        click.echo(f"\n=== item {visible(example.item)}, asked with {example.template}")
        for message in example.messages:
            text = message["content"]
            more = f"\n... ({len(text) - _CLIPPED:,} more characters)" if len(text) > _CLIPPED else ""
            click.echo(f"--- {message['role']}\n{visible(text[:_CLIPPED])}{more}")


def _can_ask() -> bool:
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False
