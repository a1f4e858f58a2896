"""`judgebench tune`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from judgebench._util.text import one_line
from judgebench.cli.addresses import confirm_addresses, print_addresses, print_ends
from judgebench.cli.completing import benchmark_names
from judgebench.cli.console import quiet_option
from judgebench.cli.errors import EXIT_DONE, EXIT_INCOMPLETE, EXIT_INTERRUPTED
from judgebench.cli.groups import Sectioned
from judgebench.cli.options import sections_of_tune, tune_options

if TYPE_CHECKING:
    from rich.console import Console

    from judgebench.engine.tuneforecast import TuneForecast
    from judgebench.runs import Tuned

SECTIONS = sections_of_tune()
SECTIONS["Calls and cost"].insert(0, "dry_run")
SECTIONS["Output"] += ["as_json", "quiet"]


@click.command(
    cls=Sectioned,
    sections=SECTIONS,
    epilog="\b\nExample:\njudgebench tune --data labelled.csv -j gpt-6-luna -t in-use.jinja \\\n"
    "  -t careful.jinja --writer gpt-6-luna --budget 5\n",
)
@click.argument("benchmark", shell_complete=benchmark_names, default="custom")
@tune_options
@click.option("--dry-run", is_flag=True, help="Estimate calls, cost and what the sizes can show; send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@quiet_option
def tune(benchmark: str, **options: Any) -> int:
    """Find a better wording for your own labelled items.

    The first -t is the template in use, further ones are candidates; --writer has a model write more. Candidates race
    on one part of the items. The winner is compared once with the template in use on the other part, which nothing has
    seen. BENCHMARK is custom (--data FILE) if not named.
    """
    from judgebench.cli.console import messages
    from judgebench.cli.interrupts import finished_or_stopped
    from judgebench.cli.progress import shown
    from judgebench.engine import tuneapi
    from judgebench.engine.tuneplan import plan_tune

    console = messages()
    planned, tuning, running = tuneapi.tune_options(options)
    with shown(console):
        plan = plan_tune(benchmark, planned, tuning)
    baseline = plan.baseline
    judges = {baseline.judge.name: (baseline.judge, baseline.providers)}
    for note in plan.notes if options["dry_run"] else ():
        console.print(one_line(f"note: {note}"), soft_wrap=True)
    if options["dry_run"]:
        print_addresses(judges)
        with shown(console):
            found = tuneapi.forecast_planned(plan, running)
        return _print_forecast(found, as_json=options["as_json"], budget=running.budget)
    if not running.offline:
        print_ends(judge for judge, _ in judges.values())
        confirm_addresses(judges)
    with shown(console, offline=running.offline) as progress:
        tuned, interrupted = finished_or_stopped(
            lambda stop: tuneapi.tune_planned(plan, running, progress=progress, stop=stop), console
        )
    _print_tuned(tuned, console, as_json=options["as_json"])
    if interrupted and tuned.state != "done":
        return EXIT_INTERRUPTED
    return EXIT_DONE if tuned.state == "done" else EXIT_INCOMPLETE


def _print_forecast(found: TuneForecast, *, as_json: bool, budget: float | None) -> int:
    from judgebench.cli.console import results
    from judgebench.reports.forecast import print_forecasts

    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        print_forecasts(results(), found.forecasts, budget=budget, more=found.lines())
    return EXIT_DONE


def _print_tuned(tuned: Tuned, console: Console, *, as_json: bool) -> None:
    """The answer first, then the race, the look, and what the better wording changes."""
    from judgebench.cli.console import print_found, results

    if not as_json:
        results().print(one_line(tuned.sentence), style="bold", soft_wrap=True)
        results().print()
    print_found(tuned, tuned.tables(), as_json=as_json)
    if tuned.changes and not as_json:
        for line in tuned.changes.splitlines():
            results().print(one_line(line), soft_wrap=True)
    for file in filter(None, (tuned.template, tuned.diff)):
        console.print(f"wrote: {one_line(file)}", soft_wrap=True)
