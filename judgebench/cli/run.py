"""`judgebench run`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from judgebench.cli.completing import benchmark_names, files, folders_only, judge_names, template_names
from judgebench.cli.config import config_option
from judgebench.cli.console import out_option, quiet_option
from judgebench.cli.errors import EXIT_DONE, EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_MISTAKE
from judgebench.cli.groups import Sectioned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from judgebench.cli.tallies import GridTally
    from judgebench.engine.forecast import Forecast
    from judgebench.engine.plan import Grid
    from judgebench.engine.recorder import RunResult

SAMPLED = ("rewardbench", "rewardbench-2")
SAMPLE_JUDGE = "offline/longest"

SECTIONS = {
    "What is judged": ("judges", "templates", "data", "subsets", "limit", "seed"),
    "How it is asked": ("orders", "samples", "join", "early_stop", "soft", "pairs", "repair"),
    "Controls, and a comparison": ("controls", "attacks", "stop_when_shown", "size", "alpha"),
    "Calls and their price": ("dry_run", "budget", "concurrency", "offline", "refresh", "cache_dir", "providers"),
    "What comes out": ("out", "as_json", "quiet"),
}


@click.command(
    cls=Sectioned,
    sections=SECTIONS,
    epilog="\b\nExample:\njudgebench run rewardbench-2 -j gpt-4.1-mini -j claude-haiku-4-5 --limit 100\n",
)
@click.argument("benchmark", shell_complete=benchmark_names, required=False)
@click.option(
    "-j",
    "--judge",
    "judges",
    shell_complete=judge_names,
    multiple=True,
    metavar="NAME",
    help="A preset, a LiteLLM id or offline/...; repeatable.",
)
@click.option(
    "-t",
    "--template",
    "templates",
    shell_complete=template_names,
    multiple=True,
    metavar="NAME|FILE",
    help="Prompt template; default: the benchmark's. Repeatable.",
)
@click.option(
    "--data",
    shell_complete=files,
    metavar="PATH|HUB-ID[@REV][:SPLIT]",
    help="The rows: a file, a folder or a hub id; default: the benchmark's.",
)
@click.option("--subset", "subsets", multiple=True, metavar="NAME", help="Only this subset; repeatable.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N items, spread over the subsets.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Of the orders, the limit's choice and the intervals.",
)
@click.option(
    "--orders",
    type=click.Choice(["one", "both", "all"]),
    help="In which orders the answers are shown; default: the benchmark's way.",
)
@click.option(
    "--samples",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    metavar="N",
    help="Replies to each question.",
)
@click.option(
    "--join",
    type=click.Choice(["mean", "agree", "majority", "probability"]),
    default="mean",
    show_default=True,
    help="How the replies to a question become one verdict; mean: the mean of their credit.",
)
@click.option("--early-stop", is_flag=True, help="Ask no further once a majority is settled; with --join majority.")
@click.option("--soft", is_flag=True, help="Ask for log-probabilities, for how probable each verdict is.")
@click.option(
    "--pairs",
    type=click.Choice(["all", "knockout"]),
    help="Find the best of more than two from pairs: all of them, or a knockout.",
)
@click.option(
    "--control",
    "controls",
    multiple=True,
    type=click.Choice(["blind"]),
    help="A further run beside each: blind, with the request withheld.",
)
@click.option(
    "--attack",
    "attacks",
    multiple=True,
    type=click.Choice(["planted-instruction", "planted-verdict", "padding", "fake-reference", "empty"]),
    metavar="NAME",
    help="A further run beside each, with one rejected answer of each item altered: planted-instruction, "
    "planted-verdict, padding, fake-reference or empty. Repeatable.",
)
@click.option(
    "--stop-when-shown",
    is_flag=True,
    help="Of two runs: stop both once their difference is shown, or is shown to be less than --size.",
)
@click.option(
    "--size",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="With --stop-when-shown, the smallest difference of scores that matters; default: 0.05, 5 points.",
)
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="With --stop-when-shown, the chance of an error, all looks together; default: 0.05.",
)
@click.option(
    "--repair",
    type=click.IntRange(0, 5),
    default=0,
    show_default=True,
    metavar="N",
    help="Follow-up turns for a reply that cannot be read; counted apart.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    metavar="N",
    help="Calls in flight at once, in place of the judge's own limit.",
)
@click.option(
    "--budget",
    type=click.FloatRange(min=0),
    metavar="USD",
    help="Hard stop: no call starts that could cost more than is left.",
)
@click.option("--dry-run", is_flag=True, help="Print calls, tokens and cost, net of the cache; send nothing.")
@click.option("--offline", is_flag=True, help="Take replies from the cache only; make no call.")
@click.option("--refresh", is_flag=True, help="Ask again, whatever the cache has.")
@click.option(
    "--cache-dir",
    shell_complete=folders_only,
    metavar="DIR",
    help="Where replies are kept; default: the user's cache folder.",
)
@click.option(
    "--providers", shell_complete=files, metavar="FILE", help="Judges of your own; default: ./providers.yaml."
)
@out_option("Where the runs' folders go.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list with each run's metrics, and nothing else.")
@config_option
@quiet_option
def run(benchmark: str | None, **options: Any) -> int:
    """Judge BENCHMARK with a model and print the scores.

    With no argument, RewardBench and RewardBench 2 on the bundled sample, with an offline judge.
    """
    from judgebench.cli.console import messages, results
    from judgebench.cli.progress import shown
    from judgebench.cli.run_ending import print_end, print_scores

    # The threads that numpy's OpenBLAS starts spin for 60 ms, and a run's matrices are too small for them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    console = messages()
    with shown(console, offline=options["offline"]) as progress:
        grids = _grids(benchmark, options)
        for grid in grids:
            for sentence in grid.left_out:
                console.print(f"left out: {sentence}", soft_wrap=True)
        forecasts = _forecasts(grids, options) if options["dry_run"] else None
        ended, interrupted = _run(grids, options, console, progress) if forecasts is None else ([], False)
    if forecasts is not None:
        return _print_forecasts(forecasts, options)
    if options["as_json"]:
        click.echo(json.dumps([result.metrics.to_json() for result in ended], indent=2))
    else:
        print_scores(ended, results())
    print_end(ended, console)
    return _status(ended, interrupted=interrupted)


def _grids(benchmark: str | None, options: dict[str, Any]) -> list[Grid]:
    from judgebench.engine.plan import plan
    from judgebench.errors import ConfigError

    names: Sequence[str] = SAMPLED if benchmark is None else (benchmark,)
    judges, data = options["judges"], options["data"]
    if benchmark is None:
        if data is not None:
            raise ConfigError("--data needs the benchmark whose rows they are: judgebench run BENCHMARK --data ...")
        judges, data = judges or (SAMPLE_JUDGE,), "sample"
    planning = {"providers": options["providers"]} | {
        name: options[name]
        for name in (
            "templates",
            "subsets",
            "limit",
            "seed",
            "orders",
            "samples",
            "repair",
            "join",
            "early_stop",
            "soft",
            "controls",
            "attacks",
            "pairs",
        )
    }
    planning |= _stopping(benchmark, options)
    grids, misfits = [], []
    for name in names:
        try:
            grids.append(plan(name, judges=judges, data=data, **planning))
        except ConfigError as error:
            if benchmark is not None:
                raise
            misfits.append(error)
    if not grids:
        raise misfits[0]
    grids[0].left_out.extend(map(str, misfits))
    return grids


def _stopping(benchmark: str | None, options: dict[str, Any]) -> dict[str, Any]:
    """What `plan` is told of when two runs stop; nothing where all items are judged."""
    from judgebench.errors import ConfigError

    given = {name: options[name] for name in ("size", "alpha") if options[name] is not None}
    if not options["stop_when_shown"]:
        if given:
            raise ConfigError(f"--{next(iter(given))} is for --stop-when-shown: add it, or leave this out")
        return {}
    if benchmark is None:
        raise ConfigError("--stop-when-shown compares two runs on one benchmark: name it, judgebench run BENCHMARK ...")
    return {"stop_when_shown": True, **given}


def _forecasts(grids: Sequence[Grid], options: dict[str, Any]) -> list[Forecast]:
    """What the grids would send and cost."""
    from judgebench import api
    from judgebench.engine.plan import Grid

    looking = {name: options[name] for name in ("out", "cache_dir", "refresh")}
    return api.forecast_grid(Grid([cell for grid in grids for cell in grid.cells]), **looking)


def _print_forecasts(forecasts: Sequence[Forecast], options: dict[str, Any]) -> int:
    from judgebench.cli.console import results
    from judgebench.reports.forecast import print_forecasts

    if options["as_json"]:
        click.echo(json.dumps([each.to_json() for each in forecasts], indent=2))
    else:
        stops = options["stop_when_shown"]
        print_forecasts(results(), forecasts, budget=options["budget"], until_shown=stops)
    return EXIT_DONE


def _run(
    grids: Sequence[Grid], options: dict[str, Any], console: Console, progress: GridTally | None
) -> tuple[list[RunResult], bool]:
    """Runs the grids as one; Ctrl-C, SIGTERM or SIGHUP ends after what is in flight, a second Ctrl-C at once."""
    from judgebench import api
    from judgebench.engine.loops import finished
    from judgebench.engine.plan import Grid
    from judgebench.engine.progress import Stop

    stop = Stop()
    running = {name: options[name] for name in ("out", "cache_dir", "offline", "refresh", "concurrency", "budget")}
    every_cell = Grid([cell for grid in grids for cell in grid.cells])

    async def every() -> list[RunResult]:
        def interrupt() -> None:
            if stop.asked:
                stop.now()
            else:
                end()

        def end() -> None:
            if not stop.asked:
                stop.ask()
                console.print("stopping after the calls in flight; Ctrl-C again stops now", soft_wrap=True)

        # Windows, and threads other than the main one, have no such handler.
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGINT, interrupt)
            loop.add_signal_handler(signal.SIGTERM, end)
            if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # which nohup asked for
                loop.add_signal_handler(signal.SIGHUP, end)
        return await api.run_grid(every_cell, progress=progress, stop=stop, **running)

    return finished(every()), stop.asked


def _status(ended: Sequence[RunResult], *, interrupted: bool) -> int:
    from judgebench.errors import BudgetReached

    if interrupted:
        return EXIT_INTERRUPTED
    if any(not isinstance(error, BudgetReached) for result in ended for error in result.refused):
        return EXIT_MISTAKE
    whole = all(result.state == "done" and not result.refused for result in ended)
    return EXIT_DONE if whole else EXIT_INCOMPLETE
