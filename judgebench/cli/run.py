"""`judgebench run`."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import click

from judgebench._util.text import one_line
from judgebench.cli.addresses import confirm_addresses, print_addresses, print_ends
from judgebench.cli.completing import benchmark_names
from judgebench.cli.config import config_option
from judgebench.cli.console import quiet_option
from judgebench.cli.errors import EXIT_DONE, EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_MISTAKE, NumberRange
from judgebench.cli.groups import Sectioned
from judgebench.cli.options import run_options, sections
from judgebench.engine.options import PlanOptions, RunOptions, options_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from judgebench.cli.tallies import GridTally
    from judgebench.engine.fitting import Fits
    from judgebench.engine.forecast import Forecast
    from judgebench.engine.grid import GridResult
    from judgebench.engine.plan import Grid
    from judgebench.engine.recorder import RunResult

T = TypeVar("T", PlanOptions, RunOptions)

SAMPLED = ("rewardbench", "rewardbench-2")
SAMPLE_JUDGE = "offline/longest"

SECTIONS = sections()
SECTIONS["Calls and cost"].insert(0, "dry_run")
SECTIONS["Output"] += ["as_json", "quiet", "fail_under"]


@click.command(
    cls=Sectioned,
    sections=SECTIONS,
    epilog="\b\nExample:\njudgebench run rewardbench-2 -j gpt-6-luna -j claude-haiku-4-5 --limit 100\n",
)
@click.argument("benchmark", shell_complete=benchmark_names, required=False)
@run_options
@click.option(
    "--fail-under",
    type=NumberRange(0, 1),
    default=0.0,
    metavar="SHARE",
    help="Exit status 1 if fewer judgements of a run have a verdict.",
)
@click.option("--dry-run", is_flag=True, help="Estimate calls, tokens and cost beyond the cache; send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of the runs' metrics and nothing else.")
@config_option
@quiet_option
def run(benchmark: str | None, **options: Any) -> int:
    """Judge BENCHMARK with a model and print the scores.

    BENCHMARK is a name, a benchmark file (.yaml), or seven: the seven that reward-model papers report, in one table.
    With no argument, RewardBench and RewardBench 2 on the bundled sample, with an offline judge.
    """
    from judgebench.cli.console import messages, results
    from judgebench.cli.progress import shown
    from judgebench.cli.run_ending import print_folders, print_reasons, print_scores, say_why, suite_of
    from judgebench.engine.fitting import Fits

    console = messages()
    asking, running = _chosen(PlanOptions, options), _chosen(RunOptions, options)
    with shown(console):
        grid = _grid(benchmark, asking)
        for sentence in grid.left_out:
            console.print(f"left out: {sentence}", soft_wrap=True)
    judges = {cell.judge.name: (cell.judge, cell.providers) for cell in grid.cells}
    if options["dry_run"]:
        print_addresses(judges)
        with shown(console):
            forecasts = _forecasts(grid, running)
        # It asks about no address, so a file that nobody named sends no prompt to another machine.
        _print_understood(grid, console, Fits(lambda server, judge: server.local or not judge.found))
        return _print_forecasts(forecasts, grid, as_json=options["as_json"], budget=running.budget)
    if not running.offline:
        print_ends(judge for judge, _ in judges.values())
        confirm_addresses(judges)
        _confirm_unlabelled(grid)
    with shown(console, offline=running.offline) as progress:
        if progress is not None:
            fits = Fits(lambda *_: not running.offline)
            progress.before_calls = partial(_print_understood, grid, console, fits)
        ended, interrupted = _run(grid, running, console, progress)
    print_folders(ended, console)
    together = [] if grid.suite is None else [suite_of(ended, grid)]
    if options["as_json"]:
        rows = [row for table in together for row in table.to_json()]
        click.echo(json.dumps([*(result.metrics.to_json() for result in ended), *rows], indent=2))
    elif together:
        from judgebench.reports.table import print_tables

        print_tables(results(), together[0].tables())
    else:
        print_scores(ended, results())
    print_reasons(ended, console)
    say_why(ended, options["fail_under"])
    return _status(ended, options["fail_under"], interrupted=interrupted)


def _chosen(definition: type[T], options: dict[str, Any]) -> T:
    """The options of one definition, out of all that the command was given."""
    return definition(**{option.name: options[option.name] for option in options_of(definition)})


def _grid(benchmark: str | None, asking: PlanOptions) -> Grid:
    """The runs that are asked for; without a benchmark those on the bundled samples."""
    from judgebench.engine.plan import Grid, plan
    from judgebench.engine.suite import plan_benchmarks
    from judgebench.errors import ConfigError

    if benchmark is not None:
        return plan_benchmarks(benchmark, asking)
    if asking.data is not None:
        raise ConfigError(f"--data needs a benchmark: judgebench run custom --data {shlex.quote(str(asking.data))}")
    if asking.sequential:
        raise ConfigError("--sequential needs a benchmark: judgebench run BENCHMARK ...")
    asking = replace(asking, judges=asking.judges or (SAMPLE_JUDGE,), data="sample")
    grids, misfits = [], []
    for name in SAMPLED:
        try:
            grids.append(plan(name, asking))
        except ConfigError as error:
            misfits.append(error)
    if not grids:
        raise misfits[0]
    left_out = [*chain.from_iterable(grid.left_out for grid in grids), *map(str, misfits)]
    notes = dict.fromkeys(chain.from_iterable(grid.notes for grid in grids))
    return Grid([cell for grid in grids for cell in grid.cells], left_out, [*notes])


def _print_understood(grid: Grid, console: Console, fits: Fits) -> None:
    """What is odd about what was asked, and what the rows of one's own were taken for, before any call is made."""
    from judgebench.judges import context_of
    from judgebench.reports.understood import understood_lines

    for sentence in [*grid.notes, *(each.sentence for each in fits.too_long(grid.cells))]:
        console.print(one_line(f"note: {sentence}"), soft_wrap=True, markup=False, highlight=False)
    dataset = grid.cells[0].dataset
    if not dataset.benchmark.own_rows:
        return
    contexts = {cell.judge.name: context_of(cell.judge) for cell in grid.cells}
    known = {judge: size for judge, size in contexts.items() if size is not None}
    for line in [*understood_lines(dataset.understood, dataset.source, known), *_impossible_ties(grid)]:
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def _impossible_ties(grid: Grid) -> Iterator[str]:
    """Which templates cannot give the ties that the labels have, and one that can."""
    from judgebench.templates import load_template, shipped_templates

    for template in {cell.template.name: cell.template for cell in grid.cells}.values():
        if template.mode != "pairwise" or template.rule.can_tie:
            continue
        keys = next(cell.dataset.keys for cell in grid.cells if cell.template.name == template.name).values()
        ties = sum(key.label == "tie" for key in keys)
        if ties:
            sibling = f"{template.name}-ties"
            can = sibling in shipped_templates() and load_template(sibling).rule.can_tie
            labels = "1 of {:,} labels is a tie" if ties == 1 else f"{ties:,} of {{:,}} labels are ties"
            yield (
                f"note: {labels.format(sum(key.labelled for key in keys))}, which {template.name} cannot give: "
                f"take -t {sibling if can else 'pairwise-ties'}"
            )


def _confirm_unlabelled(grid: Grid) -> None:
    """In a terminal, asks before calls are made for rows without a label of which a column looks like one.

    Raises:
        ConfigError: The answer is no.
    """
    from judgebench.cli.addresses import can_ask
    from judgebench.errors import ConfigError
    from judgebench.reports.understood import label_option

    found = grid.cells[0].dataset.understood
    free = all(cell.judge.name.startswith("offline/") for cell in grid.cells)
    own = grid.cells[0].dataset.benchmark.own_rows
    if not own or found.labels or not found.likely or free or not can_ask():
        return
    column = found.likely[0]
    if not click.confirm(f"No label, though '{column}' looks like one. Judge without scores?", err=True):
        raise ConfigError(f"nothing was sent; add {label_option(column)}")


def _forecasts(grid: Grid, running: RunOptions) -> list[Forecast]:
    """What the grid would send and cost."""
    from judgebench import api

    return api.forecast_grid(grid, running)


def _print_forecasts(forecasts: Sequence[Forecast], grid: Grid, *, as_json: bool, budget: float | None) -> int:
    from judgebench.cli.console import results
    from judgebench.reports.forecast import print_forecasts

    if as_json:
        click.echo(json.dumps([each.to_json() for each in forecasts], indent=2))
    else:
        stops = any(cell.until_shown is not None for cell in grid.cells)
        print_forecasts(results(), forecasts, budget=budget, until_shown=stops, missing=tuple(grid.missing))
    return EXIT_DONE


def _run(
    grid: Grid, running: RunOptions, console: Console, progress: GridTally | None
) -> tuple[GridResult[RunResult], bool]:
    """Runs the grid, and whether it was interrupted."""
    from judgebench import api
    from judgebench.cli.interrupts import IN_FLIGHT, LEFT_WITH_PROVIDER, finished_or_stopped

    said = LEFT_WITH_PROVIDER if running.batch else IN_FLIGHT
    return finished_or_stopped(lambda stop: api.run_grid(grid, running, progress=progress, stop=stop), console, said)


def _status(ended: GridResult[RunResult], fail_under: float, *, interrupted: bool) -> int:
    from judgebench.cli.run_ending import too_few
    from judgebench.errors import BudgetReached

    if interrupted:
        return EXIT_INTERRUPTED
    if any(not isinstance(error, BudgetReached) for error in ended.errors):
        return EXIT_MISTAKE
    early = ended.errors or any(result.state in {"interrupted", "stopped"} for result in ended)
    return EXIT_INCOMPLETE if early or any(too_few(result, fail_under) for result in ended) else EXIT_DONE
