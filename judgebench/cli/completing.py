"""What a shell is offered for a name that is being typed: judges, templates, benchmarks, runs, files.

A shell asks while the user waits and shows nothing but names, so mistakes (a broken providers.yaml) offer nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click
    from click.shell_completion import CompletionItem

_RUNS, _MANIFEST = "runs", "manifest.json"
_MOST_FOLDERS = 2_000


def benchmark_names(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """Benchmarks."""
    from judgebench.benchmarks import known_benchmarks
    from judgebench.benchmarks.suites import SUITES

    return _beginning([*known_benchmarks(), *SUITES], typed)


def judge_names(context: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    """Presets, those of the user's own providers.yaml among them, and the offline baselines."""
    from judgebench.errors import ConfigError
    from judgebench.judges import OFFLINE, load_judges

    own = context.params.get("providers")
    try:
        names = [judge.name for judge in load_judges(None if own is None else Path(own))]
    except ConfigError:
        names = []
    return _beginning([*names, *(f"offline/{name}" for name in OFFLINE)], typed)


def template_names(context: click.Context, param: click.Parameter, typed: str) -> list[CompletionItem]:
    """Templates that ship; where none fits, files."""
    from judgebench.templates import shipped_templates

    return _beginning(sorted(shipped_templates()), typed) or files(context, param, typed)


def run_folders(context: click.Context, param: click.Parameter, typed: str) -> list[CompletionItem]:
    """Folders that hold a run, below what is typed or below `runs`; other folders where there are none, or too many."""
    above = Path(typed) if typed.endswith("/") else Path(typed).parent
    if not typed and Path(_RUNS).is_dir():
        above = Path(_RUNS)
    found: list[str] = []
    for visited, (path, folders, names) in enumerate(os.walk(above)):
        if visited >= _MOST_FOLDERS:
            found = []
            break
        if _MANIFEST in names:
            found.append(os.path.normpath(path))
            folders.clear()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
    return _beginning(found, typed.removeprefix("./")) or folders_only(context, param, typed)


def files(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """Files, as the shell completes them."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(typed, type="file")]


def folders_only(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """Folders, as the shell completes them."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(typed, type="dir")]


def _beginning(names: Iterable[str], typed: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in names if name.startswith(typed)]
