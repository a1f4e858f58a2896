"""The public functions: their signatures spell out the options, and say which name is wrong."""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, fields
from typing import Any, get_args, get_type_hints

import pytest

import judgebench as jb
from judgebench.engine.options import AnyJudge, PlanOptions, RunOptions

DEFINED = {
    each.name: (get_args(get_type_hints(definition, include_extras=True)[each.name])[0], each.default)
    for definition in (PlanOptions, RunOptions)
    for each in fields(definition)
}
NOT_IN = {
    "run": {"judges", "templates", "sequential", "min_effect", "alpha"},
    "grid": set(),
    "forecast": {"budget", "concurrency", "offline"},
}
"""Options that a function has no use for, or has in the singular."""


def parameters(name: str) -> dict[str, tuple[Any, Any]]:
    """Type and default of the keyword-only parameters of a function."""
    import judgebench.api
    from judgebench.items import Attack, Control, Orders, Pairs
    from judgebench.metrics.votes import Aggregate

    names = {
        "Attack": Attack,
        "Control": Control,
        "Orders": Orders,
        "Pairs": Pairs,
        "Aggregate": Aggregate,
        "AnyJudge": AnyJudge,
    }
    function = inspect.unwrap(getattr(jb, name))
    spelled = inspect.signature(function, eval_str=False).parameters.values()
    scope = vars(judgebench.api) | vars(__import__("collections.abc", fromlist=["Sequence"])) | names
    return {
        each.name: (eval(each.annotation, scope), MISSING if each.default is each.empty else each.default)
        for each in spelled
        if each.kind is each.KEYWORD_ONLY
    }


@pytest.mark.parametrize("name", ["run", "arun", "grid", "agrid", "forecast"])
def test_a_signature_spells_out_the_options(name: str) -> None:
    """Each by its name, type and default, as it is defined."""
    kind = name.removeprefix("a")
    expected = {option: defined for option, defined in DEFINED.items() if option not in NOT_IN[kind]}
    found = parameters(name)
    if kind == "run":
        assert found.pop("judge") == (AnyJudge, MISSING)
        assert found.pop("template")[1] is None
    assert found == expected


@pytest.mark.parametrize("name", ["run", "grid", "forecast"])
def test_a_wrong_name_names_the_function_and_the_nearest_option(name: str) -> None:
    """Not a function that the user never called."""
    with pytest.raises(TypeError) as error:
        getattr(jb, name)("rewardbench", limt=3)
    assert str(error.value) == f"jb.{name}() got an unexpected option 'limt'; did you mean 'limit'?"


def test_the_plural_of_a_judge_is_the_nearest() -> None:
    """`run` has one."""
    with pytest.raises(TypeError, match=r"^jb.run\(\) got an unexpected option 'judges'; did you mean 'judge'\?$"):
        jb.run("rewardbench", judges=["offline/first"])


def test_a_wrong_name_of_another_function() -> None:
    """All of them answer alike."""
    with pytest.raises(TypeError, match=r"^jb.score\(\) got an unexpected option 'benchmrk'; did you mean 'benchmark'"):
        jb.score("scores.jsonl", benchmrk="rewardbench")


def test_a_former_name_is_taken_with_a_warning() -> None:
    """For one version more, its values too; the folder keeps the old word."""
    with pytest.warns(FutureWarning, match="join is now aggregate"):
        run = jb.run("rewardbench", judge="offline/first", data="sample", join="agree")
    assert run.path.name == "one-agree"


def test_a_text_where_several_are_meant() -> None:
    """It is one judge, not its letters."""
    runs = jb.grid("rewardbench", judges="offline/first", templates="pairwise", data="sample", limit=4)
    assert [each.metrics.judge for each in runs] == ["offline/first"]


def test_a_run_keeps_its_controls() -> None:
    """Each run that was made is there, under the name of what was altered."""
    run = jb.run("rewardbench", judge="offline/first", data="sample", controls="blind", attacks=["padding"])
    assert {name: each.path.name for name, each in run.controls.items()} == {
        "blind": "one-blind",
        "attack-padding": "one-attack-padding",
    }
    assert run.path.name == "one"


def test_annotations_are_no_any() -> None:
    """Of parameters and results of the functions that run."""
    for name in ("run", "arun", "grid", "agrid", "forecast", "score"):
        hints = inspect.signature(inspect.unwrap(getattr(jb, name)))
        every = [*(each.annotation for each in hints.parameters.values()), hints.return_annotation]
        assert [each for each in every if re.search(r"\bAny\b", str(each))] == []
