"""Exit statuses, and errors as one line."""

from __future__ import annotations

import difflib
import math
import re
from typing import Any

import click

from judgebench._util.text import one_line

EXIT_DONE, EXIT_INCOMPLETE, EXIT_MISTAKE, EXIT_INTERRUPTED = 0, 1, 2, 130


_ALSO_CALLED = {
    **dict.fromkeys(("--file", "--input", "--csv", "--jsonl", "--dataset", "--path", "--pairs-file"), ("--data",)),
    **dict.fromkeys(("--model", "--llm", "--judge-model"), ("--judge",)),
    **dict.fromkeys(("--prompt", "--prompt-template"), ("--template",)),
    **dict.fromkeys(("--output", "--output-dir", "--out-dir"), ("--out",)),
    **dict.fromkeys(("--n", "--max-items", "--max-samples", "--sample"), ("--limit",)),
    **dict.fromkeys(("--max-cost", "--cost-limit"), ("--budget",)),
}
"""Options as other tools call them -> ours."""


def as_line(error: Exception) -> str:
    """The error as one line that does a terminal no harm, with the nearest option or choice where one was mistyped."""
    if isinstance(error, click.NoSuchOption):
        params = error.ctx.command.params if error.ctx else []
        if error.option_name.lstrip("-") in {param.name for param in params if isinstance(param, click.Argument)}:
            name = error.option_name.lstrip("-").upper()
            path = error.ctx.command_path if error.ctx else "judgebench"
            return f"no such option {error.option_name}; {name} is an argument, without dashes: {path} {name}"
        known = [name for param in params if isinstance(param, click.Option) for name in param.opts]
        near = [name for name in _ALSO_CALLED.get(error.option_name, ()) if name in known]
        near = near or difflib.get_close_matches(error.option_name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else "; --help lists them"
        return f"no such option {error.option_name}{hint}"
    text = error.format_message() if isinstance(error, click.ClickException) else str(error)
    if isinstance(error, click.UsageError):
        text = _plainer(text[:1].lower() + text[1:].rstrip("."))
        if nearest := _nearest_choice(error):
            text += f": did you mean {nearest}?"
        if error.ctx is not None:
            text = f"{text} (see {error.ctx.command_path} --help)"
    return one_line(text)


class NumberRange(click.FloatRange):
    """A number within bounds, which `nan` is not, though no comparison says so."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        if not math.isfinite(float(super().convert(value, param, ctx))):
            self.fail(f"{value!r} is not a valid float", param, ctx)
        return super().convert(value, param, ctx)


_PLAINER = (
    (r"is not a valid integer( range)?", "must be an integer"),
    (r"is not a valid float( range)?", "must be a number"),
    (r"is not in the range x>=(\S+)", r"must be >= \1"),
    (r"is not in the range (\S+?)<=x<=(\S+)", r"must be in [\1, \2]"),
    (r"is not in the range (\S+?)<=x<(\S+)", r"must be in [\1, \2)"),
    (r"is not in the range (\S+?)<x<(\S+)", r"must be in (\1, \2)"),
    (r"is not in the range x>(\S+)", r"must be > \1"),
)


def _plainer(text: str) -> str:
    """Click's message in the words of the other messages."""
    for said, instead in _PLAINER:
        text = re.sub(said, instead, text)
    return text


def _nearest_choice(error: click.UsageError) -> str | None:
    """The choice that a value which is none was most likely to be."""
    if not isinstance(error, click.BadParameter) or error.param is None:
        return None
    choices = error.param.type.choices if isinstance(error.param.type, click.Choice) else ()
    typed = re.match(r"'(.*)' is not ", error.message)
    near = difflib.get_close_matches(typed[1], [str(each) for each in choices], n=1, cutoff=0.5) if typed else []
    return near[0] if near else None
