"""What is said of where a judge's calls and the user's variables go, before the first call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from judgebench.judges.addresses import address_line
from judgebench.judges.credentials import named_variables
from judgebench.judges.presets import FILE, is_moved

if TYPE_CHECKING:
    from judgebench.judges.judge import Judge


def destination_lines(judge: Judge, file: Path | None) -> list[str]:
    """What to say of a judge that the environment, or a file that nobody named, makes what it is.

    Args:
        judge: Whose calls they are.
        file: The user's own file that makes it what it is.

    Returns:
        A line for the address, where it is not the provider's own; a line for the variables that `./providers.yaml`
        puts into headers and other settings.
    """
    is_said = is_moved(judge) or judge.address_variable is not None
    lines = (address_line(judge, file) if is_said else None, variables_line(judge, file))
    return [line for line in lines if line is not None]


def variables_line(judge: Judge, file: Path | None) -> str | None:
    """Which variables `./providers.yaml` puts into a judge's headers and other settings; None where there are none."""
    named = sorted(set(named_variables(judge.extra))) if file == Path(FILE) else []
    return f"judge '{judge.name}' ({judge.model}): sends {', '.join(named)} along, from {file}" if named else None
