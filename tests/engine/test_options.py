"""The options of a run: what they take, and that the command line has each of them as it is defined."""

from __future__ import annotations

import math
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import click
import pytest

from judgebench.cli.run import run
from judgebench.engine.options import PlanOptions, RunOptions, options_of
from judgebench.errors import ConfigError

ALL = {option.name: option for definition in (PlanOptions, RunOptions) for option in options_of(definition)}
PARAMS = {param.name: param for param in run.params if isinstance(param, click.Option)}
MINIMAL = {"judges": ["offline/first"]}


def planned(**options: Any) -> PlanOptions:
    return PlanOptions(**MINIMAL | options)


def test_no_option_is_defined_twice() -> None:
    """Neither in one of the two nor over both."""
    names = [each.name for definition in (PlanOptions, RunOptions) for each in fields(definition)]
    assert len(names) == len(set(names)) == len(ALL)


@pytest.mark.parametrize("name", ALL)
def test_an_option_of_the_command_is_as_defined(name: str) -> None:
    """Name, kind, choices, bounds, default and help."""
    option, param = ALL[name], PARAMS[name]
    assert (param.help, tuple(param.opts)) == (option.about.help, option.flags)
    assert (param.multiple, param.is_flag) == (option.several, option.kind is bool)
    assert tuple(getattr(param.type, "choices", ())) == option.choices
    assert (getattr(param.type, "min", None), getattr(param.type, "max", None)) == (
        option.about.least,
        option.about.most,
    )
    given = run.make_context("run", []).params[name]
    assert given == (() if option.default is MISSING else option.default)


def test_the_command_has_no_other_options_of_a_run() -> None:
    """Beside those that are about one call of it."""
    assert PARAMS.keys() - ALL.keys() == {"dry_run", "as_json", "config", "quiet", "fail_under"}


@pytest.mark.parametrize("name", ALL)
def test_a_default_is_in_range(name: str) -> None:
    """Or means that something else decides."""
    option = ALL[name]
    assert option.default is MISSING or option.checked(option.default) == option.default


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"limit": 0}, "limit is 0: must be an integer >= 1"),
        ({"limit": 2.0}, "limit is 2.0: must be an integer >= 1"),
        ({"seed": -1}, "seed is -1: must be an integer >= 0"),
        ({"seed": True}, "seed is True: must be an integer >= 0"),
        ({"seed": None}, "seed is None: must be an integer >= 0"),
        ({"samples": 1001}, "samples is 1001: must be an integer in [1, 1000]"),
        ({"repair": 6}, "repair is 6: must be an integer in [0, 5]"),
        ({"orders": "bth"}, "orders is 'bth': must be one of one, both, all; did you mean both?"),
        ({"aggregate": "best"}, "aggregate is 'best': must be one of mean, unanimous, majority, mean-prob"),
        ({"early_stop": 1}, "early_stop is 1: must be true or false"),
        ({"early_stop": True}, "--early-stop needs --aggregate majority: add it, or leave --early-stop out"),
        (
            {"attacks": ["paddng"]},
            "attacks is 'paddng': must be one of planted-instruction, planted-verdict, padding, ",
        ),
        ({"min_effect": 0.1}, "--min-effect needs --sequential: add it, or leave --min-effect out"),
    ],
)
def test_what_is_no_value_of_a_plan(options: dict[str, Any], wrong: str) -> None:
    """One line with the name, the value and what it may be."""
    with pytest.raises(ConfigError) as error:
        planned(**options)
    assert str(error.value).startswith(wrong)


@pytest.mark.parametrize("value", [0, 1, -0.1, 5, math.nan, True, "0.05", None])
@pytest.mark.parametrize("name", ["min_effect", "alpha"])
def test_a_share_is_between_0_and_1(name: str, value: object) -> None:
    """Without its ends."""
    with pytest.raises(ConfigError, match=rf"{name} is .*: must be a number in \(0, 1\)"):
        planned(sequential=True, **{name: value})


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"budget": -1}, "budget is -1: must be a number >= 0"),
        ({"budget": math.inf}, "budget is inf: must be a number >= 0"),
        ({"concurrency": 0}, "concurrency is 0: must be an integer >= 1"),
        ({"offline": True, "refresh": True}, "--refresh makes new calls and --offline makes none"),
    ],
)
def test_what_is_no_way_to_run(options: dict[str, Any], wrong: str) -> None:
    """One line with the name, the value and what it may be."""
    with pytest.raises(ConfigError) as error:
        RunOptions(**options)
    assert str(error.value).startswith(wrong)


def test_a_text_is_a_sequence_of_one() -> None:
    """Not of its letters; a path too."""
    options = planned(judges="offline/first", templates=Path("own.jinja"), subsets="Chat", controls="blind")
    assert (options.judges, options.templates) == (("offline/first",), (Path("own.jinja"),))
    assert (options.subsets, options.controls) == (("Chat",), ("blind",))


def test_options_are_frozen() -> None:
    """They are checked once."""
    with pytest.raises(AttributeError):
        planned().limit = 3  # type: ignore[misc]
