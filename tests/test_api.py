"""The public functions: their signatures spell out the options, and say which name is wrong."""

from __future__ import annotations

import asyncio
import collections.abc
import doctest
import importlib.metadata
import inspect
import io
import os
import re
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pandas as pd
import pytest
from commands import write_jsonl

import judgebench as jb
from judgebench.cli.reward import reward as reward_command
from judgebench.engine.options import (
    NO_FILTER,
    NO_TUNE,
    AnyJudge,
    Data,
    EngineName,
    FilterOptions,
    PlanOptions,
    RowOptions,
    RunOptions,
    TuneOptions,
)
from judgebench.rewards.settings import RewardSettings

DEFINED = {
    each.name: (get_args(get_type_hints(definition, include_extras=True)[each.name])[0], each.default)
    for definition in (PlanOptions, RunOptions)
    for each in fields(definition)
}
NOT_IN = {
    "run": {"judges", "templates", "sequential", "min_effect", "alpha"},
    "grid": set(),
    "forecast": {"budget", "concurrency", "offline", "engine", "ray_address"},
}
"""Options that a function has no use for, or has in the singular."""


def parameters(name: str) -> dict[str, tuple[Any, Any]]:
    """Type and default of the keyword-only parameters of a function."""
    import judgebench.api
    from judgebench.items import Attack, Control, Orders, Pairs, Transport
    from judgebench.metrics.votes import Aggregate
    from judgebench.sources.mapped import BadRows, EmptyAnswers

    names = {
        "Data": Data,
        "AnyJudge": AnyJudge,
        "Attack": Attack,
        "Control": Control,
        "Orders": Orders,
        "Pairs": Pairs,
        "Transport": Transport,
        "Aggregate": Aggregate,
        "BadRows": BadRows,
        "EmptyAnswers": EmptyAnswers,
        "EngineName": EngineName,
    }
    function = inspect.unwrap(getattr(jb, name))
    spelled = inspect.signature(function, eval_str=False).parameters.values()
    scope = vars(judgebench.api) | vars(collections.abc) | names | {"Aggregate": Aggregate}
    return {
        each.name: (eval(each.annotation, scope), MISSING if each.default is each.empty else each.default)
        for each in spelled
        if each.kind is each.KEYWORD_ONLY
    }


@pytest.mark.parametrize("name", ["run", "arun", "grid", "agrid", "forecast", "aforecast"])
def test_a_signature_spells_out_the_options(name: str) -> None:
    """Each by its name, type and default, as it is defined."""
    kind = name.removeprefix("a")
    expected = {option: defined for option, defined in DEFINED.items() if option not in NOT_IN[kind]}
    found = parameters(name)
    if kind == "run":
        assert found.pop("judge") == (AnyJudge, MISSING)
        assert found.pop("template")[1] is None
    assert found == expected


def test_the_signature_of_tune_spells_out_its_options() -> None:
    """Those of a run that it has a use for, and its own, as they are defined."""
    spelled = inspect.signature(inspect.unwrap(jb.tune)).parameters.values()
    found = {each.name: each.default for each in spelled if each.kind is each.KEYWORD_ONLY}
    own = {each.name: each.default for each in fields(TuneOptions)}
    defined = {name: default for name, (_, default) in DEFINED.items() if name not in NO_TUNE} | own
    assert {**found, "judge": None} == {**{name: d for name, d in defined.items() if name != "judges"}, "judge": None}


def test_the_signature_of_filter_spells_out_its_options() -> None:
    """Those of a run that it has a use for, and its own, as they are defined."""
    spelled = inspect.signature(inspect.unwrap(jb.filter)).parameters.values()
    found = {each.name: each.default for each in spelled if each.kind is each.KEYWORD_ONLY}
    own = {each.name: each.default for each in fields(FilterOptions)}
    defined = {name: default for name, (_, default) in DEFINED.items() if name not in NO_FILTER} | own
    left = {"judges", "templates", "out"}
    assert found.pop("judge") is found.pop("out") is inspect.Parameter.empty
    assert found.pop("template") is None
    assert found == {name: default for name, default in defined.items() if name not in left}


def test_the_signature_of_reward_spells_out_how_a_model_is_run() -> None:
    """The settings by name and default, and how rows are read; the command has the same."""
    spelled = inspect.signature(inspect.unwrap(jb.reward)).parameters.values()
    found = {each.name: each.default for each in spelled if each.kind is each.KEYWORD_ONLY}
    settings = {each.name: each.default for each in fields(RewardSettings)}
    rows = {each.name: each.default for each in fields(RowOptions)}
    own = {"benchmark": inspect.Parameter.empty, "data": None, "subsets": (), "out": "runs", "name": None}
    assert found == settings | rows | own
    options = {each.name for each in reward_command.params} - {"model", "as_json", "quiet", "help"}
    assert options == found.keys()


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


@pytest.mark.parametrize("options", [PlanOptions, RunOptions])
def test_a_wrong_name_of_the_options_themselves(options: Any) -> None:
    """As of a function."""
    wrong, right = ("limt", "limit") if options is PlanOptions else ("buget", "budget")
    with pytest.raises(TypeError) as error:
        options(**{wrong: 3})
    assert str(error.value) == f"{options.__name__}() got an unexpected option '{wrong}'; did you mean '{right}'?"


def test_a_former_name_is_taken_with_a_warning() -> None:
    """For one version more, its values too; the folder keeps the old word."""
    with pytest.warns(FutureWarning, match="join is now aggregate"):
        run = jb.run("rewardbench", judge="offline/first", data="sample", limit=4, join="agree")
    assert run.path.name == "one-agree-limit4"


def test_a_text_where_several_are_meant() -> None:
    """It is one judge, not its letters."""
    runs = jb.grid("rewardbench", judges="offline/first", templates="pairwise", data="sample", limit=4)
    assert [each.metrics.judge for each in runs] == ["offline/first"]


def test_a_run_keeps_its_controls() -> None:
    """Each run that was made is there, under the name of what was altered."""
    run = jb.run("rewardbench", judge="offline/first", data="sample", limit=4, controls="blind", attacks=["padding"])
    assert {name: each.path.name for name, each in run.controls.items()} == {
        "blind": "one-limit4-blind",
        "attack-padding": "one-limit4-attack-padding",
    }
    assert run.path.name == "one-limit4"


def test_one_run_where_several_are_meant() -> None:
    """Each function that takes runs takes one by itself, as it is or by its folder."""
    run = jb.run("rewardbench", judge="offline/first", data="sample", limit=4)
    for one in (run, run.path, str(run.path)):
        assert [each.finished.path for each in jb.report(one).details] == [run.path]
        assert [place.judge for place in jb.leaderboard(one).boards[0].places] == ["offline/first"]
        assert jb.report_page(one, "report.html").exists()
        assert jb.leaderboard_page(one, "board.html", run_pages=False).exists()
        assert len(jb.to_pandas(one)) == 4
        with pytest.raises(jb.ConfigError, match="at least two runs"):
            jb.compare(one)
        with pytest.raises(jb.ConfigError, match="at least two runs"):
            jb.jury(one)


def test_a_leaderboard_of_some_runs() -> None:
    """Those that are named, each once, and no others."""
    judges = [f"offline/{name}" for name in ("first", "random", "longest")]
    first, _, longest = jb.grid("rewardbench", judges=judges, data="sample", limit=4)
    (board,) = jb.leaderboard([first, longest, longest.path]).boards
    assert sorted(place.judge for place in board.places) == ["offline/first", "offline/longest"]
    with pytest.raises(jb.ConfigError, match="no run named"):
        jb.leaderboard([])


def test_the_async_twins() -> None:
    """A forecast and scores, in a coroutine."""

    async def both() -> tuple[list[jb.Forecast], jb.Run]:
        forecasts = await jb.aforecast("custom", judges="offline/first", data=ROWS)
        rows = [{**row, "id": str(at)} for at, row in enumerate(ROWS)]
        scores = [{"id": row["id"], "scores": [2, 1]} for row in rows]
        return forecasts, await jb.ascore(scores, benchmark="custom", data=rows)

    (forecast,), run = asyncio.run(both())
    assert (forecast.judgements, run.metrics.score) == (4, 1.0)


ROWS = [{"prompt": f"Question {n}?", "chosen": "A long and good answer.", "rejected": "No."} for n in range(4)]


@pytest.mark.parametrize("make", [list, iter, pd.DataFrame], ids=["list", "iterator", "data frame"])
def test_rows_are_judged_without_a_file(make: Any) -> None:
    """A list, what gives them one by one, or a data frame; the same rows are the same run."""
    run = jb.run("custom", judge="offline/longest", data=make(ROWS))
    assert (run.metrics.items, run.metrics.score) == (4, 1.0)
    write_jsonl(Path("rows.jsonl"), ROWS)
    assert jb.run("custom", judge="offline/longest", data="rows.jsonl", out="file").path.name == run.path.name


def test_what_a_data_frame_lacks_is_missing() -> None:
    """A cell without a value is no text "nan"."""
    frame = pd.DataFrame([{**ROWS[0], "rubric": "Be brief."}, {**ROWS[1], "subset": "hard"}])
    run = jb.run("custom", judge="offline/longest", data=frame)
    assert [item.rubric for item in run.items] == ["Be brief.", None]


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (["a"], "list row 1: is str, "),
        ([], "list is empty"),
        (3, "data is int: give a path, a hub id, a data frame or a list of rows"),
    ],
)
def test_what_is_no_data(data: Any, wrong: str) -> None:
    """An error of the data, which handlers of `ConfigError` catch as well."""
    with pytest.raises(jb.DataError) as error:
        jb.run("custom", judge="offline/longest", data=data)
    assert (str(error.value).startswith(wrong), isinstance(error.value, jb.ConfigError)) == (True, True)


FUNCTIONS = [name for name in jb.__all__ if inspect.isfunction(getattr(jb, name))]
WITHOUT_EXAMPLE = {"areward", "reward", "export_replies", "import_replies", "strengths"}
"""What needs replies of a model, or more than one example can show."""


@pytest.mark.parametrize("name", [*FUNCTIONS, "Run"])
def test_an_example_in_a_docstring_runs(name: str) -> None:
    """As it stands, offline, and with the result that it names."""
    function = getattr(jb, name) if name != "Run" else jb.Run.load
    tests = doctest.DocTestFinder(recurse=False).find(inspect.unwrap(function), name, globs={})
    examples = [test for test in tests if test.examples]
    assert bool(examples) != (name in WITHOUT_EXAMPLE)
    for test in examples:
        said = io.StringIO()
        assert doctest.DocTestRunner().run(test, out=said.write).failed == 0, said.getvalue()


def annotations_of(of: type) -> collections.abc.Iterator[tuple[str, str]]:
    """The fields, methods and properties of a class of ours that users see, each with its annotations as text."""
    for each in of.__mro__ if of.__module__.startswith("judgebench.") else ():
        if each.__module__.startswith("judgebench."):
            for name, member in [*vars(each).items()]:
                of_its_own = [getattr(member, at, None) for at in ("fget", "__func__", "func")]
                plain = next(filter(None, of_its_own), member)
                if name[0] != "_" and inspect.isfunction(plain):
                    yield f"{of.__name__}.{name}", str(plain.__annotations__)
            for name, kind in inspect.get_annotations(each).items():
                if name[0] != "_":
                    yield f"{of.__name__}.{name}", str(kind)


def test_no_public_signature_has_any() -> None:
    """Editors and type checkers know each parameter, result and field of what `import judgebench` offers."""
    signatures = [(name, str(inspect.signature(inspect.unwrap(getattr(jb, name))))) for name in FUNCTIONS]
    classes = [each for name in jb.__all__ if inspect.isclass(each := getattr(jb, name))]
    members = [found for each in classes for found in annotations_of(each)]
    assert [name for name, text in (*signatures, *members) if re.search(r"\bAny\b", text)] == []
    assert {"Item.metadata", "Metrics.to_json", "Run.rows", "Table.of"} <= {name for name, _ in members}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_returned_can_be_imported(name: str) -> None:
    """By its own name, for annotations of a user's."""
    result = str(inspect.signature(inspect.unwrap(getattr(jb, name))).return_annotation)
    names = {found for found in re.findall(r"[A-Z]\w+", result) if found not in {"DataFrame", "Path"}}
    assert names <= set(jb.__all__)


def spoken_of(of: type) -> set[str]:
    """The names of types that stand in the fields, methods and properties of a class."""
    functions = [getattr(each, "fget", None) or getattr(each, "func", None) or each for each in [*vars(of).values()]]
    signatures = [inspect.signature(each) for each in functions if inspect.isfunction(each) and each.__name__[0] != "_"]
    returned = [each.return_annotation for each in signatures]
    fields_ = [kind for name, kind in inspect.get_annotations(of).items() if name[0] != "_"]
    texts = [kind if isinstance(kind, str) else inspect.formatannotation(kind) for kind in (*returned, *fields_)]
    return set(re.findall(r"(?<!\w)[A-Z]\w+", " ".join(texts)))


def test_what_a_public_type_gives_can_be_imported() -> None:
    """Whatever class its fields, methods and properties have, but for the insides of runs that engines work with."""
    inside = {"Finished", "RunResult"}
    classes = [each for name in jb.__all__ if inspect.isclass(each := getattr(jb, name))]
    ours = {
        name
        for module in [*sys.modules.values()]
        if module.__name__.startswith("judgebench.")
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__.startswith("judgebench.")
    }
    spoken = {name for each in classes if each.__module__.startswith("judgebench") for name in spoken_of(each)}
    assert sorted((spoken & ours) - {*jb.__all__}) == sorted(inside)


def test_the_version() -> None:
    """That of the installed package."""
    assert jb.__version__ == importlib.metadata.version("judgebench")


SCRIPT = Path(__file__).parent.parent / "docs/examples/typed_script.py"


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A process of its own that sees the package."""
    root = str(Path(jb.__file__).parent.parent)
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": root, "MYPYPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_script_of_a_user_runs() -> None:
    """The longer answer is the right one; the first is drawn, and is taken in one run of the control."""
    ended = python(str(SCRIPT))
    assert ended.stdout.split()[:2] == [jb.__version__, "1.0"], ended.stderr
