"""The options of `judgebench run`, made of their one definition."""

from __future__ import annotations

from dataclasses import MISSING, replace
from typing import TYPE_CHECKING, Any

import click

from judgebench.cli.completing import files, folders_only, judge_names, template_names
from judgebench.cli.errors import NumberRange
from judgebench.engine.options import (
    CANDIDATES,
    ITEMS,
    KEPT,
    NO_FILTER,
    NO_TUNE,
    ROWS,
    FilterOptions,
    PlanOptions,
    RowOptions,
    RunOptions,
    TuneOptions,
    options_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from judgebench.engine.options import Option

OPTIONS = {option.name: option for definition in (PlanOptions, RunOptions) for option in options_of(definition)}
"""Every option of a run, by its name."""

OF_TUNE = {
    option.name: option
    for definition in (PlanOptions, TuneOptions, RunOptions)
    for option in options_of(definition)
    if option.name not in NO_TUNE
}
"""Every option of `tune`."""

OF_FILTER = {
    option.name: option
    for definition in (FilterOptions, PlanOptions, RunOptions)
    for option in options_of(definition)
    if option.name not in NO_FILTER and not (option.name == "out" and definition is RunOptions)
}
"""Every option of `filter`."""

_OF_ROWS = {
    "judges": "Judge: a preset, a LiteLLM id, offline/... or an installed provider's PROVIDER/MODEL.",
    "templates": "Prompt template; default: by what the rows are.",
    "limit": "Try it on N rows, drawn from the seed.",
    "shard": "Only part I of N of the rows, in order: the outputs one after another are that of all.",
    "seed": "Random seed for answer order, --limit and the rows on the page.",
    "orders": "Orders in which the answers are shown; both tells whether the judge is consistent.",
    "aggregate": "Aggregation of the replies about a row; mean takes the most frequent verdict.",
}
"""What `filter` says of options that a run says something else of."""

_COMPLETE = {
    "writer": judge_names,
    "edits": files,
    "judges": judge_names,
    "templates": template_names,
    "data": files,
    "providers": files,
    "cache_dir": folders_only,
    "out": folders_only,
    "people_labels": files,
    "preferences": files,
}


def sections() -> dict[str, list[str]]:
    """The names of the options under each heading of the help."""
    return _by_section({ITEMS: [], ROWS: []}, OPTIONS)


def sections_of_tune() -> dict[str, list[str]]:
    """The same of `tune`."""
    return _by_section({ITEMS: [], CANDIDATES: [], ROWS: []}, OF_TUNE)


def sections_of_filter() -> dict[str, list[str]]:
    """The same of `filter`."""
    return _by_section({ITEMS: [], KEPT: [], ROWS: []}, OF_FILTER)


def _by_section(found: dict[str, list[str]], options: Mapping[str, Option]) -> dict[str, list[str]]:
    for option in options.values():
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


def tune_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds every option of `tune` to a command."""
    for option in reversed(OF_TUNE.values()):
        command = _click_option(option)(command)
    return command


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds every option of `filter` to a command."""
    for option in reversed(OF_FILTER.values()):
        said = replace(option.about, help=_OF_ROWS.get(option.name, option.about.help))
        command = _click_option(replace(option, about=said))(command)
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
        required=option.default is MISSING and not option.several,
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
