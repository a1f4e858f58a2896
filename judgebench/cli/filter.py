"""`judgebench filter`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from judgebench._util.text import one_line
from judgebench.cli.addresses import confirm_addresses, print_addresses, print_ends
from judgebench.cli.completing import files
from judgebench.cli.console import file_option, quiet_option
from judgebench.cli.errors import EXIT_DONE, EXIT_INCOMPLETE, EXIT_INTERRUPTED
from judgebench.cli.groups import Sectioned
from judgebench.cli.options import filter_options, sections_of_filter
from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from judgebench.engine.filtered import Filtered
    from judgebench.engine.filterplan import FilterPlan
    from judgebench.engine.forecast import Forecast

EXIT_CANNOT_SAY = 4

SECTIONS = sections_of_filter()
SECTIONS["Calls and cost"].insert(0, "dry_run")
SECTIONS["Output"] += ["html_file", "as_json", "quiet"]


@click.command(
    cls=Sectioned,
    sections=SECTIONS,
    epilog="\b\nExamples:\njudgebench filter pairs.parquet -j gpt-6-luna --out judged.parquet --limit 100\n"
    "judgebench filter pairs.parquet -j gpt-6-luna --out kept.parquet \\\n"
    '  --orders both --keep "judge_agrees and judge_consistent"\n',
)
@click.argument("data", metavar="IN", shell_complete=files)
@filter_options
@file_option("html", "Page of what was kept and dropped; default: OUT.html.")
@click.option("--dry-run", is_flag=True, help="Estimate calls, tokens and cost beyond the cache; send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@quiet_option
def filter(data: str, **options: Any) -> int:  # noqa: A001 - the command's name
    """Judge rows of any size and write those to keep, with the judge's columns beside your own.

    IN is a file, a folder or a hub id, as for run --data. The columns are judge_choice, judge_agrees, judge_consistent,
    judge_probability, judge_rating, judge_label, judge_failure and judge_cost_usd; null where nothing is known.

    The same command goes on where it stopped. What was judged stays in OUT.parts, so that another condition needs no
    call. Exit status 4 if --agreement is asked for and no threshold is shown to reach it.
    """
    from judgebench.cli.console import messages
    from judgebench.cli.interrupts import finished_or_stopped
    from judgebench.cli.progress import shown
    from judgebench.engine import filterapi
    from judgebench.pages.filtered import filter_page
    from judgebench.pages.shell import check_page

    console = messages()
    with shown(console):
        plan, running = filterapi.planned_filter({**options, "data": data})
    page = options["html_file"] or f"{plan.out}.html"
    check_page(Path(page).expanduser())
    for other in (plan.out, plan.options.preferences):
        if other is not None and Path(page).expanduser().resolve() == Path(other).resolve():
            raise ConfigError(f"--html {page}: is written already, with rows; name another file")
    judges = {plan.judge.name: (plan.judge, plan.spec.providers)}
    if options["dry_run"]:
        print_addresses(judges)
        with shown(console):
            forecast = filterapi.forecast_planned_filter(plan, running)
        _print_understood(plan, console)
        return _print_forecast(forecast, as_json=options["as_json"], budget=running.budget)
    if not running.offline:
        print_ends([plan.judge])
        confirm_addresses(judges)
    _print_understood(plan, console)
    with shown(console, offline=running.offline) as progress:
        found, interrupted = finished_or_stopped(
            lambda stop: filterapi.filter_planned(plan, running, progress=progress, stop=stop), console
        )
    if found.state == "done":
        filter_page(found, page)
    _print_filtered(found, console, page, as_json=options["as_json"])
    if interrupted and found.state not in {"done", "cannot_say"}:
        return EXIT_INTERRUPTED
    if found.state == "cannot_say":
        return EXIT_CANNOT_SAY
    return EXIT_DONE if found.state == "done" and found.has_verdicts else EXIT_INCOMPLETE


def _print_understood(plan: FilterPlan, console: Console) -> None:
    """What the rows were taken for."""
    from judgebench.reports.understood import understood_lines

    found = replace(plan.found.understood, unused=[])  # all of them are written
    for line in understood_lines(found, plan.rows.name):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    for place, what in [(row.where, row.what) for row in plan.found.understood.bad[:_SHOWN]]:
        console.print(one_line(f"left out: {place}: {what}"), soft_wrap=True, markup=False, highlight=False)


_SHOWN = 20


def _print_forecast(found: Forecast, *, as_json: bool, budget: float | None) -> int:
    from judgebench.cli.console import results
    from judgebench.reports.forecast import print_forecasts

    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        print_forecasts(results(), [found], budget=budget)
    return EXIT_DONE


def _print_filtered(found: Filtered, console: Console, page: str, *, as_json: bool) -> None:
    from judgebench.cli.console import messages, print_found, print_written
    from judgebench.reports.styles import ERROR

    print_found(found, found.tables(), as_json=as_json)
    if found.state == "done":
        print_written(*(str(each) for each in (found.out, found.preferences, page) if each is not None))
    if found.error is not None:
        messages(errors=True).print(one_line(f"stopped: {found.error}"), style=ERROR, soft_wrap=True)
    if found.state in {"stopped", "interrupted"}:
        console.print("rerun the same command to resume")
