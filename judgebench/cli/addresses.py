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
    """Says which judges are not at their providers' own addresses because of the environment, or of a file found here.

    Args:
        judges: By name, each with the user's own file that makes it what it is.

    Raises:
        ConfigError: A file that nobody named moves a preset that ships or a key, and the user does not want it.
    """
    from judgebench.cli.console import messages
    from judgebench.errors import ConfigError
    from judgebench.judges import address_line, is_moved

    moved = {name for name, (judge, _) in judges.items() if is_moved(judge)}
    for name, (judge, file) in judges.items():
        if name in moved or judge.address_variable is not None:
            messages(errors=name in moved).print(address_line(judge, file), soft_wrap=True)
    if moved and _can_ask() and not click.confirm("Send calls there?", err=True):
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
    """Says of every judge that is not at its provider's own address where it is, and what says so."""
    from judgebench.cli.console import messages
    from judgebench.judges import address_line

    for judge, file in judges.values():
        if (line := address_line(judge, file)) is not None:
            messages().print(line, soft_wrap=True)


def _can_ask() -> bool:
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (AttributeError, ValueError):  # closed
        return False
