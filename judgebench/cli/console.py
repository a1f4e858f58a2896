"""The two consoles: results go to standard output, all else to standard error."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from judgebench.cli.completing import files, folders_only, run_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TextIO

    from rich.console import Console

    from judgebench._util.table import Table

_QUIET = "judgebench.quiet"
_PADDING = re.compile(r" +(?=\n)")


class _Silence:
    """A console that prints nothing, so that rich is not imported with --quiet."""

    is_terminal = False

    def print(self, *_: object, **__: object) -> None:
        """Takes what a console prints."""


class _Trimmed:
    """A stream that drops the blanks at line ends which tables are padded with."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(_PADDING.sub("", text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def results() -> Console:
    """Standard output; no colour and no padding where it is no terminal."""
    return _console(stderr=False)


def messages(*, errors: bool = False) -> Console:
    """Standard error; with --quiet nowhere, but for errors."""
    return _console(stderr=True) if errors or not is_quiet() else cast("Console", _Silence())


def is_quiet() -> bool:
    """Whether the command was given with --quiet."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(_QUIET))


def out_option(said: str) -> Callable[[Any], Any]:
    """Adds `--out DIR` to a command, with these words on what goes there."""
    return click.option(
        "--out",
        shell_complete=folders_only,
        default="runs",
        show_default=True,
        metavar="DIR",
        help=said,
    )


def seed_option(of: str) -> Callable[[Any], Any]:
    """Adds `--seed N` to a command, with what is drawn from it."""
    return click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        metavar="N",
        help=f"Random seed for the {of}.",
    )


def _their_folders(_: click.Context, __: click.Parameter, runs: tuple[str, ...]) -> tuple[str, ...]:
    """The folders of runs; a file in one, as a pattern finds those of scores, stands for it, and counts once."""
    from judgebench.runs import MANIFEST

    inside = {run: Path(run).parent for run in runs if Path(run).is_file() and (Path(run).parent / MANIFEST).exists()}
    named = [str(inside.get(run, run)) for run in runs]
    return tuple(name for at, name in enumerate(named) if runs[at] not in inside or name not in named[:at])


def runs_argument(metavar: str = "RUN...", *, required: bool = True) -> Callable[[Any], Any]:
    """Adds the folders of runs to a command, as `runs`."""
    return click.argument(
        "runs", shell_complete=run_folders, callback=_their_folders, nargs=-1, required=required, metavar=metavar
    )


def _not_empty(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """The name of a file; where a variable that is not set has left it empty, that is a mistake."""
    if name == "":
        raise click.BadParameter("the name is empty; name a file")
    return name


def file_option(form: str, said: str) -> Callable[[Any], Any]:
    """Adds `--FORM FILE` to a command, whose value is `FORM_file`, with these words on what is written there."""
    return click.option(
        f"--{form}", f"{form}_file", callback=_not_empty, shell_complete=files, metavar="FILE", help=said
    )


def _set_quiet(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    context.meta[_QUIET] = wanted


quiet_option = click.option(
    "--quiet",
    is_flag=True,
    expose_value=False,
    callback=_set_quiet,
    help="Print results and errors only: no progress, no notes.",
)
"""For commands that show progress: `messages` and `judgebench.cli.progress.shown` say nothing with it."""


def takes_quiet(command: click.Command) -> click.Command:
    """The command, which takes --quiet also where it has nothing to be quiet about; a group's commands each do."""
    if not isinstance(command, click.Group) and not any(param.name == "quiet" for param in command.params):
        quiet_option(command)
    return command


def print_written(*files: str | None) -> None:
    """Names the files that a command wrote, those that were asked for, on standard error."""
    from judgebench._util.text import one_line

    for file in filter(None, files):
        messages().print(f"wrote: {one_line(file)}", soft_wrap=True)


def print_found(found: Any, tables: Sequence[Table], *, as_json: bool = False) -> None:
    """Tables of a result, or all of it as JSON, on standard output; what a reader must know on standard error."""
    if as_json:
        import json

        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        from judgebench.reports.table import print_tables

        print_tables(results(), tables)
    for note in found.remarks():
        messages().print(f"note: {note}", soft_wrap=True)


def print_rows(rows: Sequence[tuple[str, ...]]) -> None:
    """Rows in columns on standard output, the last one wrapped."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for column in range(len(rows[0])):
        table.add_column(overflow="fold", no_wrap=column == 0)
    for row in rows:
        table.add_row(*row)
    results().print(table)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    here, forced = _is_terminal(stream), _colour_is_forced()
    console = Console(
        stderr=stderr,
        highlight=False,
        emoji=False,
        markup=False,
        force_terminal=here or forced,
        no_color=_is_set("NO_COLOR") or (os.environ.get("CLICOLOR") == "0" and not forced),
    )
    if not here:
        console.file = _Trimmed(stream)  # type: ignore[assignment]
    return console


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _colour_is_forced() -> bool:
    """Whether the environment asks for colour where there is no terminal; NO_COLOR has the last word."""
    asked = (os.environ.get(name, "0") not in {"", "0"} for name in ("FORCE_COLOR", "CLICOLOR_FORCE"))
    return any(asked) and not _is_set("NO_COLOR")


def _is_set(name: str) -> bool:
    return os.environ.get(name, "") != ""
