"""The options of `judgebench run`, made of their one definition."""

from __future__ import annotations

from dataclasses import MISSING
from typing import TYPE_CHECKING, Any

import click

from judgebench.cli.completing import files, folders_only, judge_names, template_names
from judgebench.cli.errors import NumberRange
from judgebench.engine.options import ITEMS, ROWS, PlanOptions, RowOptions, RunOptions, options_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgebench.engine.options import Option

OPTIONS = {option.name: option for definition in (PlanOptions, RunOptions) for option in options_of(definition)}
"""Every option of a run, by its name."""

_COMPLETE = {
    "judges": judge_names,
    "templates": template_names,
    "data": files,
    "providers": files,
    "cache_dir": folders_only,
    "out": folders_only,
}


def sections() -> dict[str, list[str]]:
    """The names of the options under each heading of the help."""
    found: dict[str, list[str]] = {ITEMS: [], ROWS: []}
    for option in OPTIONS.values():
        found.setdefault(option.about.section, []).append(option.name)
    return found


def row_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that say how rows are read to a command."""
    for option in reversed(options_of(RowOptions)):
        command = _click_option(option)(command)
    return command


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds every option of a run to a command."""
    for option in reversed(OPTIONS.values()):
        command = _click_option(option)(command)
    return command


def _click_option(option: Option) -> Callable[[Any], Any]:
    settings: dict[str, Any] = {"is_flag": True} if option.kind is bool else {"type": _type(option)}
    if option.several:
        settings["multiple"] = True
    elif option.kind is not bool and option.default not in {None, MISSING}:
        settings |= {"default": option.default, "show_default": True}
    return click.option(
        *option.flags,
        option.name,
        metavar=option.about.metavar,
        help=option.about.help,
        shell_complete=_COMPLETE.get(option.name),
        **settings,
    )


def _type(option: Option) -> Any:
    about = option.about
    if option.choices:
        return click.Choice(option.choices)
    if option.kind not in {int, float}:
        return str
    bounds: dict[str, Any] = {"min": about.least, "max": about.most, "min_open": about.open, "max_open": about.open}
    return click.IntRange(**bounds) if option.kind is int else NumberRange(**bounds)
