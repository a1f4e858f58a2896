"""The direction of the flow: a module imports only what stands above it, and slow libraries where they are used."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import judgebench

PACKAGE = Path(judgebench.__file__).resolve().parent

ORDER = (
    *(
        "errors",
        "files",
        "quickjson",
        "steps",
        "shipped",
        "redaction",
        "yamlfile",
        "items",
        "joins",
        "preferences",
        "metrics",
        "readable",
        "benchmarks",
    ),
    "baselines",
    *(
        "verdictrule",
        "compound",
        "softverdicts",
        "reply",
        "verdicts",
        "phrasing",
        "frontmatter",
        "sandbox",
        "templates",
        "hints",
        "repairs",
        "wording",
        "headings",
        "linting",
        "attacks",
    ),
    *("prices", "providers", "keychain", "families"),
    *("judges", "credentials", "protocols", "pairings", "client"),
    *(
        "judgements",
        "itemfiles",
        "templatefiles",
        "runs",
        "runnames",
        "frames",
        "notebooks",
        "loaded",
        "caching",
        "untilshown",
        "cells",
        "planning",
        "scorefiles",
        "kept",
        "questions",
        "gathered",
        "watching",
        "cellruns",
        "lockstep",
        "forecasting",
        "runner",
        "loops",
        "api",
        "checking",
    ),
    *(
        "finished",
        "runtemplates",
        "recounting",
        "agreements",
        "comparing",
        "controlled",
        "boards",
        "leaderboards",
        "rescoring",
    ),
    *("maderuns", "jurybench", "juries", "cascades", "modelstrengths"),
    *("showing", "reporting", "reports", "exports", "pages", "cli"),
)
"""The rooms from the rows to the command line; a new one takes its place here."""

SLOW = {"litellm", "datasets", "pyarrow", "scipy", "pandas", "plotly"}
ASYNCHRONOUS = {
    "client",
    "watching",
    "cellruns",
    "lockstep",
    "forecasting",
    "runner",
    "loops",
    "api",
    "checking",
    "cli",
}


def name_of(path):
    """The module's dotted name."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES = {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
INSIDE = [name for name in MODULES if name not in {"judgebench", "judgebench.__main__"}]


def room(module):
    """The module, or the folder it stands in."""
    return module.split(".")[1]


def imported(module, nodes):
    """Modules that some nodes import, those of this package by their whole name."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} line {node.lineno}: imports are written out"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else str(node.module)


def own_imports(module):
    """Modules of this package that a module imports anywhere: in functions, and for types alone, too."""
    return {name for name in imported(module, ast.walk(MODULES[module])) if name.partition(".")[0] == "judgebench"}


def python(script):
    """The output of a script in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_module_has_its_place():
    """A new room is put into ORDER, where the flow has it."""
    assert {room(module) for module in INSIDE} == set(ORDER)


@pytest.mark.parametrize("module", INSIDE)
def test_a_module_imports_only_what_stands_above_it(module):
    """Rows come first and the command line last; types are no exception."""
    place = ORDER.index(room(module))
    below = {
        other
        for other in own_imports(module)
        if other == "judgebench" or (room(other) != room(module) and ORDER.index(room(other)) > place)
    }

    assert below == set()


@pytest.mark.parametrize("module", [name for name in INSIDE if room(name) in {"metrics", "reports"}])
def test_figures_and_reports_know_nothing_of_calls(module):
    """Neither the client nor the runner is imported."""
    assert {room(other) for other in own_imports(module)} & {"client", "cellruns", "runner"} == set()


def test_no_room_is_a_ring():
    """Within a room imports go one way too, types aside."""
    left = {module: {other for other in at_run_time(module) if room(other) == room(module)} for module in INSIDE}
    while free := [module for module, needs in left.items() if not needs & left.keys() - {module}]:
        for module in free:
            del left[module]

    assert left == {}


def at_run_time(module):
    """Modules of this package that are imported when the module is, or by its functions; not for types alone."""
    waiting, found = [MODULES[module]], []
    while waiting:
        node = waiting.pop()
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            found.append(node)
            waiting += ast.iter_child_nodes(node)
    return {name for name in imported(module, found) if name.startswith("judgebench.")}


@pytest.mark.parametrize("module", [name for name in INSIDE if room(name) not in ASYNCHRONOUS])
def test_only_calls_are_asynchronous(module):
    """Everything that makes no call is plain functions."""
    marks = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)

    assert not any(isinstance(node, marks) for node in ast.walk(MODULES[module]))
    assert "asyncio" not in set(imported(module, ast.walk(MODULES[module])))


@pytest.mark.parametrize("module", MODULES)
def test_slow_libraries_are_imported_where_they_are_used(module):
    """None of them at the top of a module."""
    top = {name.partition(".")[0] for name in imported(module, MODULES[module].body)}

    assert top & SLOW == set()


def test_the_command_line_imports_no_slow_library():
    """What `--help` needs is quick."""
    loaded = python(f"import sys, judgebench.cli; print([m for m in {sorted(SLOW)} if m in sys.modules])")

    assert loaded == "[]"


def test_a_cached_run_imports_neither_litellm_nor_datasets(tmp_path):
    """A run whose replies are all there makes no call and loads no dataset: the second of two equal ones."""
    run = "import sys, judgebench as jb; r = jb.run('rewardbench', judge='offline/longest', data='sample', out={!r});"
    python(run.format(str(tmp_path / "first")))
    loaded = python(
        run.format(str(tmp_path / "second"))
        + "print(r.metrics.usage.calls, [m for m in ('litellm', 'datasets', 'scipy', 'pandas') if m in sys.modules])"
    )

    assert loaded == "0 []"


def test_a_cached_run_imports_no_room_that_it_does_not_use(tmp_path):
    """Nothing that calls, other commands, pages or further figures alone need: imports are a third of its time."""
    unused = [
        *SLOW,
        *("aiohttp", "httpx", "keyring", "openai", "rich", "tenacity"),
        *(
            f"judgebench.{name}"
            for name in ("caching", "comparing", "finished", "forecasting", "leaderboards", "pages")
        ),
        *(f"judgebench.{name}" for name in ("metrics.calibration", "metrics.paired", "metrics.sureness")),
    ]
    run = "import sys; sys.argv = ['-', 'run', '--json', '--quiet', '--out', {!r}]; from judgebench.cli import main\n"
    python(run.format(str(tmp_path / "first")) + "main()")
    ended = f"try: main()\nfinally: print([name for name in {unused} if name in sys.modules])"

    assert python(run.format(str(tmp_path / "second")) + ended).splitlines()[-1] == "[]"


def test_nothing_is_looked_through_for_garbage_at_the_end():
    """What a command leaves is set aside: looking through it would take a tenth of a cached run."""
    said = python(
        "import atexit, gc, sys; sys.argv = ['judgebench', 'judges', 'list']\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 0))\n"
        "from judgebench.cli import main; main()"
    )

    assert said.splitlines()[-1] == "True"
