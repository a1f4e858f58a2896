"""The command line: arguments and exit codes, no logic; commands load when called. Its modules are its face."""

from __future__ import annotations

import gc
import io
import os
import sys
import warnings
from importlib import import_module
from pathlib import Path

import click

from judgebench._util.text import one_line
from judgebench.cli.console import is_quiet, takes_quiet
from judgebench.cli.errors import EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_MISTAKE, as_line
from judgebench.cli.groups import Group
from judgebench.errors import BudgetReached, JudgebenchError

_COLLECT_AFTER = 50_000
"""New objects before garbage is looked for: with Python's 700, that takes a thirtieth of a cached run."""

COMMANDS = {
    "run": ("judgebench.cli.run:run", "Judge a benchmark with a model and print the scores."),
    "batch": ("judgebench.cli.batch:batch", "Show, fetch and cancel the batches of runs made with run --batch."),
    "filter": (
        "judgebench.cli.filter:filter",
        "Judge rows of any size and write those to keep, with the verdicts beside.",
    ),
    "score": ("judgebench.cli.score:score", "Compute the same metrics from a reward model's scores."),
    "reward": ("judgebench.cli.reward:reward", "Run a reward model here and score it on a benchmark."),
    "show": ("judgebench.cli.show:show", "Show an item of a run in full, or the failures of the run."),
    "import": ("judgebench.cli.importing:import_", "Turn verdicts made elsewhere into runs; no API calls."),
    "report": ("judgebench.cli.report:report", "Show runs in full: scores, biases, calibration, cost, latency."),
    "export": ("judgebench.cli.export:export", "Export runs as a dataset or for public leaderboards."),
    "compare": ("judgebench.cli.compare:compare", "Compare runs on the same items with paired tests."),
    "pick": ("judgebench.cli.pick:pick", "Pick the cheapest judge that is not significantly worse than the best."),
    "tune": ("judgebench.cli.tune:tune", "Find a better wording for your own labelled items, on held-out items."),
    "validate": ("judgebench.cli.validate:validate", "Say whether a judge agrees with people well enough."),
    "estimate": (
        "judgebench.cli.estimate:estimate",
        "Estimate what people would say from a judge's verdicts and some labels.",
    ),
    "plan": ("judgebench.cli.plan:plan", "Plan how many items, samples and labels are needed."),
    "leaderboard": ("judgebench.cli.leaderboard:leaderboard", "Rank all runs below a folder, one table per benchmark."),
    "jury": ("judgebench.cli.jury:jury", "Combine finished runs into a jury by their votes; no API calls."),
    "cascade": (
        "judgebench.cli.cascade:cascade",
        "Simulate a cascade of two judges; no API calls.",
    ),
    "drift": ("judgebench.cli.drift:drift", "Say whether a judge changed between two dates; no API calls."),
    "strengths": (
        "judgebench.cli.strengths:strengths",
        "Estimate the strength of the judged models from a run's verdicts.",
    ),
    "merge": ("judgebench.cli.merge:merge", "Merge the parts of a run (--shard I/N) into one run; no API calls."),
    "rescore": ("judgebench.cli.rescore:rescore", "Parse the stored replies of a run again; no API calls."),
    "cache": ("judgebench.cli.cache:cache", "Show and prune the reply cache; export and import bundles."),
    "data": ("judgebench.cli.data:data", "Show what is understood of rows; keep it as a benchmark file."),
    "templates": ("judgebench.cli.templates:templates", "List, show, render and check prompt templates."),
    "judges": ("judgebench.cli.judges:judges", "List, show and check judges."),
    "benchmarks": ("judgebench.cli.benchmarks:benchmarks", "List, show and check benchmarks."),
}


class _Commands(Group):
    """A group whose commands are imported only when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return takes_quiet(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"judgebench {version('judgebench')}")
        ctx.exit()


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\n"
    "First run, without a key or network:\n"
    "  judgebench run\n"
    "With your own pairs:\n"
    "  judgebench run custom --data pairs.csv -j gpt-6-luna --limit 50\n"
    "With a model:\n"
    "  judgebench run rewardbench-2 -j gpt-6-luna --limit 50\n"
    "Shell completion (bash; likewise zsh and fish):\n"
    '  eval "$(_JUDGEBENCH_COMPLETE=bash_source judgebench)"\n',
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
def cli() -> None:
    """Benchmark LLM judges and reward models on the same items, with the official metrics."""


def main() -> None:
    """The console script: runs a command, and turns every mistake into one line and exit status 2."""
    gc.set_threshold(_COLLECT_AFTER)
    # Pydantic would read what every installed package says of itself, to find extensions that we have no use for.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _open_closed()
    warnings.formatwarning = _as_note
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal or a pipe without Unicode gets escapes for what it cannot show, not a traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = cli.main(prog_name="judgebench", standalone_mode=False)
        sys.stdout.flush()
    except (JudgebenchError, click.ClickException) as error:
        click.echo(f"judgebench: {as_line(error)}", err=True)
        for note in getattr(error, "__notes__", ()):
            click.echo(f"  {one_line(note)}", err=True)
        status = EXIT_INCOMPLETE if isinstance(error, BudgetReached) else EXIT_MISTAKE
    except (KeyboardInterrupt, click.Abort):
        click.echo("judgebench: interrupted", err=True)
        status = EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        status = EXIT_INTERRUPTED
    except OSError as error:
        click.echo(f"judgebench: stopped: {error.strerror or error}; finished judgements are saved", err=True)
        _forget_output()
        status = EXIT_MISTAKE
    # Else Python looks through all that LiteLLM leaves for garbage once more: a quarter of the row "CPU of a short live
    # run" of benchmarks/speed.py.
    gc.freeze()
    sys.exit(status if isinstance(status, int) else 0)


def _as_note(message: Warning | str, *_: object, **__: object) -> str:
    """A warning as one line, without the place in the code; nothing with --quiet."""
    return "" if is_quiet() else f"note: {one_line(str(message))}\n"


def _open_closed() -> None:
    """Gives the standard streams that the caller closed (`>&-`) somewhere to go; they are None otherwise."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - open to the end


def _forget_output() -> None:
    """Lets standard output go, so that Python does not try to write it again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
