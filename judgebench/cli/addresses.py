"""Where the calls of judges go, said before the first, and asked about where nobody named the file that says so."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from judgebench.judges import Judge


def confirm_addresses(judges: Mapping[str, tuple[Judge, Path | None]]) -> None:
    """Says what the environment, or a file found here, changes of where calls and the user's variables go.

    Args:
        judges: By name, each with the user's own file that makes it what it is.

    Raises:
        ConfigError: A file that nobody named moves a preset that ships or a key, and the user does not want it.
    """
    from judgebench.cli.console import messages
    from judgebench.errors import ConfigError
    from judgebench.judges import destination_lines, is_moved

    moved = {name for name, (judge, _) in judges.items() if is_moved(judge)}
    for judge, file in judges.values():
        for line in destination_lines(judge, file):
            messages(errors=judge.address_variable is None).print(line, soft_wrap=True)
    if moved and can_ask() and not click.confirm("Send calls there?", err=True):
        raise ConfigError("nothing was sent; name the file with --providers to use it without this question")


def print_ends(judges: Iterable[Judge]) -> None:
    """Says which models their providers end within 60 days, or have ended."""
    from judgebench.cli.console import messages
    from judgebench.judges import end_of

    for judge in judges:
        if (end := end_of(judge)) is not None:
            messages().print(
                f"judge '{judge.name}': the provider ends {judge.model} on {end}; choose another for new tables",
                soft_wrap=True,
            )


def print_addresses(judges: Mapping[str, tuple[Judge, Path | None]]) -> None:
    """Says where every judge is that is not at its provider's own address, and what a file found here sends along."""
    from judgebench.cli.console import messages
    from judgebench.judges import address_line, variables_line

    for judge, file in judges.values():
        for line in (address_line(judge, file), variables_line(judge, file)):
            if line is not None:
                messages().print(line, soft_wrap=True)


def can_ask() -> bool:
    """Whether a person sits at a terminal who can answer."""
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (AttributeError, ValueError):  # closed
        return False
