"""What others rely on: the public names, their docstrings and their types."""

import ast
from functools import cache
from importlib.metadata import files, version
from pathlib import Path

import pytest

import judgebench

PACKAGE = Path(judgebench.__file__).resolve().parent


@cache
def trees():
    """The package's modules by name, parsed."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


NAMES = {
    *("ConfigError", "FatalProviderError", "JudgebenchError", "Run"),
    *("agrid", "arun", "grid", "run", "score", "compare", "export", "to_pandas", "leaderboard_page"),
}
"""Names may be added here, as a promise; one that is here stays."""


def test_every_promised_name_is_there():
    """It can be had from the package, which lists it."""
    assert [name for name in sorted(NAMES) if getattr(judgebench, name, None) is None] == []
    assert NAMES - {*dir(judgebench)} == set()


CHOICES = {"Aggregate", "Attack", "Control", "Orders", "Pairs"}
"""Types that are a choice of words: Python gives them no docstring."""


def test_every_public_name_says_what_it_is():
    """All that is listed exists and has a docstring."""
    assert [name for name in judgebench.__all__ if not (getattr(judgebench, name).__doc__ or name in CHOICES)] == []


def test_public_names_are_listed_in_order():
    """Sorted, each once."""
    assert sorted(set(judgebench.__all__)) == judgebench.__all__


def test_another_name_is_an_attribute_error():
    """As with any module."""
    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        _ = judgebench.nope


def public(node, inside=""):
    """Public classes, functions and methods below a node that have no docstring."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not child.name.startswith("_"):
            if ast.get_docstring(child) is None and not overloads(child):
                yield f"{inside}{child.name}"
            if isinstance(child, ast.ClassDef):
                yield from public(child, f"{child.name}.")


def overloads(node):
    return any(ast.unparse(mark).endswith("overload") for mark in node.decorator_list)


def bare(node):
    """Whether a function lacks the type of its result or of an argument."""
    arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    return node.returns is None or any(
        argument.annotation is None for argument in arguments if argument.arg not in {"self", "cls"}
    )


def test_everything_public_has_a_docstring():
    """Modules, classes, functions and methods."""
    assert [module for module, tree in trees().items() if not ast.get_docstring(tree)] == []
    assert [f"{module}: {name}" for module, tree in trees().items() for name in public(tree)] == []


def test_every_public_function_has_types():
    """Arguments and results carry annotations, so that callers are checked."""
    functions = [
        (module, node)
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    ]
    assert len(functions) > 500
    assert [f"{module}: {node.name}" for module, node in functions if bare(node)] == []


def test_the_package_says_that_it_has_types():
    """`py.typed` makes type checkers look."""
    assert (PACKAGE / "py.typed").is_file()


def test_the_package_is_installed_under_its_name():
    """The metadata that versions in manifests come from is there."""
    assert version("judgebench")
    assert files("judgebench")
