"""The house: its rooms stand in the order of the data, imports point one way, and a package is entered by its face."""

import ast
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from commands import judgebench as command

import judgebench

PACKAGE = Path(judgebench.__file__).resolve().parent
ROOT = PACKAGE.parent

ORDER = (
    *("errors", "items", "_util", "metrics", "verdicts", "sources", "benchmarks", "rewards", "templates", "judges"),
    *("protocols", "client", "runs", "engine", "analysis", "reports", "pages", "api", "exports", "cli"),
)
"""The rooms from the rows to the command line; a new one takes its place here."""

SIBLINGS = ("engine", "analysis")
"""One makes runs, the other reads them: neither imports the other."""

FACES = ("verdicts", "templates", "judges", "protocols", "client", "runs")
"""Packages whose `__init__` names what others may take."""

OPEN = (
    *("_util", "metrics", "sources", "benchmarks", "rewards", "engine", "analysis", "reports", "pages", "exports"),
    "cli",
)
"""Packages whose modules are their face."""

MODULES_IN_A_FACE = {"client.testing", "protocols.pairs", "runs.frames", "runs.scores"}
"""Modules that others use as such, of packages with a face."""

SLOW = {"litellm", "datasets", "pyarrow", "scipy", "pandas"}
ASYNCHRONOUS = {"client", "engine", "api", "cli"}
MOST_ROOMS, MOST_FLOORS, MOST_PARAMETERS = 22, 10, 8

MANY_PARAMETERS = {
    *("api.agrid", "api.arun", "api.forecast", "api.score", "api.reward", "api.import_verdicts"),
    "engine.tuneapi.atune",
    "engine.filterapi.afilter",
}
"""Functions of more parameters than that: those of the API spell out the options, and the list only shrinks."""

ALIKE: set[str] = set()
"""Names of two public classes, as they stand; the list only shrinks."""


def name_of(path):
    """The module's dotted name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


@cache
def parsed(path):
    """The syntax tree of a module, with the names of its face, which stand in a stub beside it."""
    stub = path.with_suffix(".pyi")
    texts = [each.read_text(encoding="utf-8") for each in (path, stub) if each.exists()]
    return ast.parse("\n".join(texts))


class Parsed(Mapping):
    """The modules by name, each parsed when it is first looked at: to collect the tests takes none of them."""

    def __init__(self):
        self._paths = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}

    def __getitem__(self, name):
        return parsed(self._paths[name])

    def __iter__(self):
        return iter(self._paths)

    def __len__(self):
        return len(self._paths)


MODULES = Parsed()
INSIDE = [name for name in MODULES if name not in {"judgebench", "judgebench.__main__"}]


def room(module):
    """The module, or the package it stands in."""
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


IMPORTS = (ast.Import, ast.ImportFrom)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
MARKS = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)


@cache
def nodes(module):
    """The imports, functions, classes and marks of asynchronous code in a module, wherever they stand in it."""
    kinds = (*IMPORTS, *FUNCTIONS, *MARKS, ast.ClassDef)
    return [node for node in ast.walk(MODULES[module]) if isinstance(node, kinds)]


@cache
def own_imports(module):
    """Modules of this package that a module imports anywhere: in functions, and for types alone, too."""
    return {name for name in imported(module, nodes(module)) if name.partition(".")[0] == "judgebench"}


def at_run_time(module):
    """Nodes of a module that are not for types alone."""
    waiting, found = [MODULES[module]], []
    while waiting:
        node = waiting.pop()
        if not (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            found.append(node)
            waiting += ast.iter_child_nodes(node)
        else:
            waiting += node.orelse
    return found


def python(script):
    """The output of a script in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# --- rooms and floors


def test_every_module_has_its_place():
    """A new room is put into ORDER, where the flow has it, and each package is of one kind."""
    assert {room(module) for module in INSIDE} == set(ORDER)
    assert sorted({*FACES, *OPEN}) == sorted(
        entry.name for entry in PACKAGE.iterdir() if (entry / "__init__.py").exists()
    )


def test_there_are_few_rooms():
    """One can keep them in mind."""
    entries = {entry.stem for entry in PACKAGE.iterdir() if entry.name not in {"__pycache__", "py.typed"}}

    assert len(entries) <= MOST_ROOMS, entries


def test_tests_mirror_the_packages():
    """A folder of tests is named as what it tests; at the top is what tests the whole, or no package."""
    tests = Path(__file__).parent
    folders = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")} - {Path()}
    strange = {str(each) for each in folders if not (PACKAGE / each / "__init__.py").exists()}

    assert strange == FOLDERS_OF_NO_PACKAGE
    assert {path.stem for path in tests.glob("test_*.py")} == TESTS_OF_THE_WHOLE


FOLDERS_OF_NO_PACKAGE = {"docs", "e2e"}
"""What is written for readers, and whole commands."""

TESTS_OF_THE_WHOLE = {
    *("test_api", "test_items", "test_layers", "test_lock", "test_loopback", "test_public", "test_stored"),
}
"""And of modules that stand in no package, and of the tests' own tools."""


def test_imports_point_one_way():
    """Rows come first and the command line last; types are no exception."""
    up = {
        f"{module} imports {other}"
        for module in INSIDE
        for other in own_imports(module)
        if other == "judgebench" or ORDER.index(room(other)) > ORDER.index(room(module))
    }

    assert up == set()


def test_there_are_few_floors():
    """The longest way through imports, from room to room."""
    needs = {name: set() for name in ORDER}
    for module in INSIDE:
        needs[room(module)] |= {room(other) for other in own_imports(module) if other != "judgebench"} - {room(module)}
    floor = {}
    for name in ORDER:
        floor[name] = 1 + max((floor[other] for other in needs[name]), default=0)

    assert max(floor.values()) <= MOST_FLOORS, floor


def test_no_room_is_a_ring():
    """Within a room imports go one way too, types aside."""
    left = {
        module: {
            other
            for other in imported(module, at_run_time(module))
            if other.startswith("judgebench.") and room(other) == room(module) and other in MODULES
        }
        for module in INSIDE
    }
    while free := [module for module, needs in left.items() if not needs & left.keys() - {module}]:
        for module in free:
            del left[module]

    assert left == {}


def test_who_makes_runs_and_who_reads_them_are_strangers():
    """Neither of the two imports the other."""
    met = {
        f"{module} imports {other}"
        for module in INSIDE
        if room(module) in SIBLINGS
        for other in own_imports(module)
        if room(other) in SIBLINGS and room(other) != room(module)
    }

    assert met == set()


def test_figures_and_reports_know_nothing_of_calls():
    """Neither the client nor the engine is imported."""
    known = {
        f"{module} imports {other}"
        for module in INSIDE
        if room(module) in {"metrics", "verdicts", "protocols", "reports"}
        for other in own_imports(module)
        if room(other) in {"client", "engine"} and not (room(module) == "reports" and other in REPORTED)
    }

    assert known == set()


REPORTED = {"judgebench.engine.forecast", "judgebench.engine.recorder"}
"""Records that a report shows, and nothing that calls."""


def test_only_calls_are_asynchronous():
    """Everything that makes no call is plain functions."""
    found = {
        module
        for module in INSIDE
        if room(module) not in ASYNCHRONOUS
        if any(isinstance(node, MARKS) for node in nodes(module)) or "asyncio" in set(imported(module, nodes(module)))
    }

    assert found == set()


# --- faces


def face_of(package):
    """The names in a package's face."""
    return list(importlib.import_module(f"judgebench.{package}").__all__)


def test_outsiders_come_in_by_the_face():
    """No module of a package with a face is imported from outside, but those that stand in it as modules."""
    found = {
        f"{module} imports {other}"
        for module in INSIDE
        for other in own_imports(module)
        if other.count(".") >= 2
        and room(other) in FACES
        and room(other) != room(module)
        and other.removeprefix("judgebench.") not in MODULES_IN_A_FACE
    }

    assert found == set()


def test_packages_without_a_list_of_names_say_what_their_face_is():
    """Whoever opens the package reads that its modules are meant to be imported."""
    silent = [
        name
        for name in OPEN
        if "Its modules are its face." not in (ast.get_docstring(MODULES[f"judgebench.{name}"]) or "")
    ]

    assert silent == []


@pytest.mark.parametrize("package", FACES)
def test_a_face_has_what_it_names(package):
    """Every name can be imported at run time, and is none of the package's modules, whose import would hide it."""
    module = importlib.import_module(f"judgebench.{package}")
    inside = {name.split(".")[2] for name in MODULES if name.startswith(f"judgebench.{package}.")}

    assert [name for name in face_of(package) if not hasattr(module, name)] == []
    assert inside & set(face_of(package)) == set()
    with pytest.raises(AttributeError):
        module.no_such_name  # noqa: B018


def test_a_face_is_as_wide_as_it_is_used():
    """A name that nobody outside takes goes out of it."""
    taken = {
        (node.module, alias.name)
        for module in MODULES
        for node in nodes(module)
        if isinstance(node, ast.ImportFrom)
        and node.module
        and (module == "judgebench" or room(module) != node.module.split(".")[-1])
        for alias in node.names
    }
    unused = {
        f"{package}.{name}"
        for package in FACES
        for name in face_of(package)
        if (f"judgebench.{package}", name) not in taken
    }

    assert unused - FOR_OTHERS == set()


FOR_OTHERS = {"runs.Run", "client.Provider", "judges.callable_judge"}
"""What `import judgebench` gives, and what other packages plug in with."""


def test_modules_that_stand_in_a_face_are_there():
    """A name in these lists that has gone would let its test pass without looking."""
    assert [name for name in MODULES_IN_A_FACE if f"judgebench.{name}" not in MODULES] == []
    assert [name for name in REPORTED if name not in MODULES] == []
    assert [name for name in (*SIBLINGS, *FACES, *OPEN, *ASYNCHRONOUS) if name not in ORDER] == []


# --- names as text


TEXTS = [
    path
    for folder in ("tests", "benchmarks", "docs", ".ci")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".md", ".yml", ".yaml", ".toml"} and "stored" not in path.parts
] + [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "pyproject.toml", "mkdocs.yml")]


def test_modules_named_in_texts_exist():
    """In strings of tests, in pages and settings: a rename would leave them behind without an error."""
    lost = set()
    for path in filter(Path.exists, TEXTS):
        for name in re.findall(r"(?<![\w./-])judgebench(?:\.[a-z_]\w*)+", path.read_text(encoding="utf-8")):
            if not stands_for_something(name):
                lost.add(f"{path.relative_to(ROOT)}: {name}")
        for name in re.findall(r"\bjudgebench/[\w/]+\.(?:py|json|yaml)\b", path.read_text(encoding="utf-8")):
            if name not in FILES_ELSEWHERE and not (ROOT / name).exists():
                lost.add(f"{path.relative_to(ROOT)}: {name}")

    assert lost == set()


ELSEWHERE = {
    *(
        "browser",
        "drawAll",
        "nope",
        "quiet",
        "md",
        "ipynb",
        "csv",
        "yaml",
        "jsonl",
        "providers",
        "scorers",
        "reward_models",
    ),
}
"""What `judgebench.` is followed by in texts where it is no module: the page's script, files, entry points."""

FILES_ELSEWHERE = {"judgebench/providers.yaml", "judgebench/_shipped/providers.yaml"}
"""In a user's folder, and in the wheel."""


def stands_for_something(name):
    """Whether a dotted name is a module, or a name in one."""
    parts = name.split(".")
    if parts[1] in ELSEWHERE:
        return True
    for end in range(len(parts), 0, -1):
        module = ".".join(parts[:end])
        if module in MODULES:
            rest = parts[end:]
            return not rest or hasattr(importlib.import_module(module), rest[0])
    return False


def test_paths_from_a_module_exist():
    """Data files that are found from where a module stands."""
    lost = set()
    for module in MODULES:
        home = PACKAGE.parent / (module.replace(".", "/") + ".py")
        home = home if home.exists() else home.with_suffix("") / "__init__.py"
        text = home.read_text(encoding="utf-8")
        for ups, rest in re.findall(r"Path\(__file__\)(?:\.resolve\(\))?((?:\.parent)+)((?: / \"[\w.]+\")*)", text):
            path = home
            for _ in range(ups.count(".parent")):
                path = path.parent
            for part in re.findall(r"\"([\w.]+)\"", rest):
                path /= part
            if not path.exists() and "_shipped" not in path.parts:
                lost.add(f"{module}: {path}")

    assert lost == set()


# --- functions and classes


def functions():
    """Every function of the package, with its module."""
    for module in INSIDE:
        for node in nodes(module):
            if isinstance(node, FUNCTIONS):
                yield module, node


def test_functions_have_few_parameters():
    """A call that names nine things hides a thing that has no name yet."""
    many = set()
    for module, node in functions():
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        if len([each for each in every if each.arg not in {"self", "cls"}]) > MOST_PARAMETERS:
            many.add(f"{module.removeprefix('judgebench.')}.{node.name}")

    assert many == MANY_PARAMETERS


def test_no_two_public_classes_have_one_name():
    """Whoever looks one up finds it."""
    homes = {}
    for module in INSIDE:
        for node in nodes(module):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(module)

    assert {name for name, those in homes.items() if len(those) > 1} == ALIKE


OTHER_CONTENTS = {
    "judgebench.items",  # where a turn's text is made
    "judgebench.benchmarks.store",  # which stores turns
    "judgebench.client.providers.litellm.wire",  # a request's bytes
    "judgebench.client.providers.litellm.calls",  # the same
    "judgebench.client.batches.http",  # a file's
    "judgebench.client.providers.litellm.replies",  # LiteLLM's messages
    "judgebench.client.providers.direct.transport",  # a response's bytes
    "judgebench.exports.rewardbench",  # a file's
}


def test_a_turns_text_is_read_by_one_property():
    """Only `Turn.text` reads what a turn holds, so that this can have parts one day."""
    readers = {
        module
        for module in INSIDE
        for node in ast.walk(MODULES[module])
        if isinstance(node, ast.Attribute) and node.attr == "content"
    }

    assert readers == OTHER_CONTENTS


# --- imports that take time


def test_slow_libraries_are_imported_where_they_are_used():
    """None of them at the top of a module."""
    slow = {
        f"{module} imports {name}"
        for module in MODULES
        for name in imported(module, MODULES[module].body)
        if name.partition(".")[0] in SLOW
    }

    assert slow == set()


def test_the_command_line_imports_no_slow_library():
    """What `--help` needs is quick."""
    loaded = python(f"import sys, judgebench.cli; print([m for m in {sorted(SLOW)} if m in sys.modules])")

    assert loaded == "[]"


def test_a_cached_run_imports_neither_litellm_nor_datasets(tmp_path):
    """A run whose replies are all there makes no call and loads no dataset: the second of two equal ones."""
    judgebench.run("rewardbench", judge="offline/longest", data="sample", out=tmp_path / "first")
    second = str(tmp_path / "second")
    loaded = python(
        "import sys, judgebench as jb\n"
        f"r = jb.run('rewardbench', judge='offline/longest', data='sample', out={second!r})\n"
        "print(r.metrics.usage.calls, [m for m in ('litellm', 'datasets', 'scipy', 'pandas') if m in sys.modules])"
    )

    assert loaded == "0 []"


UNUSED_BY_A_CACHED_RUN = (
    *("judgebench.analysis", "judgebench.exports.replies", "judgebench.engine.forecast", "judgebench.pages"),
    *("judgebench.metrics.calibration", "judgebench.metrics.paired", "judgebench.metrics.sureness"),
)


def test_a_cached_run_imports_no_room_that_it_does_not_use(tmp_path):
    """Nothing that calls, other commands, pages or further figures alone need: imports are a third of its time."""
    assert [name for name in UNUSED_BY_A_CACHED_RUN if name not in MODULES] == []
    unused = [*SLOW, "aiohttp", "httpx", "keyring", "openai", "tenacity", *UNUSED_BY_A_CACHED_RUN]
    run = ["run", "--json", "--quiet", "--out"]
    assert command(*run, tmp_path / "first").status == 0
    second = ["-", *run, str(tmp_path / "second")]
    loaded = python(
        f"import sys; sys.argv = {second}; from judgebench.cli import main\n"
        f"try: main()\nfinally: print([name for name in {unused} if name in sys.modules])"
    )

    assert loaded.splitlines()[-1] == "[]"


def test_nothing_is_looked_through_for_garbage_at_the_end():
    """What a command leaves is set aside: looking through what LiteLLM leaves takes half a second."""
    said = python(
        "import atexit, gc, sys; sys.argv = ['judgebench', 'judges', 'list']\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 0))\n"
        "from judgebench.cli import main; main()"
    )

    assert said.splitlines()[-1] == "True"
