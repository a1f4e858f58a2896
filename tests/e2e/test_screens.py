"""What a terminal shows: help that fits and explains, tables that fit, colour only where it is wanted."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path

import click
import pytest
from commands import by_quality, judgebench, pairs, process, write_jsonl, write_judges
from scripted import ScriptedModels

from judgebench.cli import COMMANDS


def _all() -> dict[str, click.Command]:
    """Every command and subcommand by the words that call it."""
    found: dict[str, click.Command] = {}
    for name, (place, _) in COMMANDS.items():
        module, _, attribute = place.partition(":")
        command = getattr(import_module(module), attribute)
        found[name] = command
        if isinstance(command, click.Group):
            found |= {f"{name} {below}": each for below, each in command.commands.items()}
    return found


EVERY = _all()
GROUPS = [name for name, command in EVERY.items() if isinstance(command, click.Group)]


@pytest.fixture(autouse=True)
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@cache
def help_of(name: str) -> str:
    """What `--help` prints."""
    return judgebench(*name.split(), "--help").out


@pytest.mark.parametrize("name", ["", *EVERY])
def test_help_fits_into_80_columns(name: str) -> None:
    """Examples included."""
    lines = help_of(name).splitlines()
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize("name", EVERY)
def test_every_option_is_explained(name: str) -> None:
    """With a word for its value that says what is meant."""
    options = [param for param in EVERY[name].params if isinstance(param, click.Option)]
    text = help_of(name)
    assert [option.name for option in options if not option.help] == []
    assert re.findall(r"\b(?:TEXT|INTEGER|FLOAT|PATH RANGE|INTEGER RANGE)\b", text) == []


@pytest.mark.parametrize("name", ["", *EVERY])
def test_help_ends_with_an_example(name: str) -> None:
    """That can be copied: its options are the command's own."""
    text = help_of(name)
    behind = text[text.index("Show this message") :]
    examples = re.findall(rf"judgebench {name or 'run'}[^\n]*(?:\n    [^\n]*)*", behind)
    options = {option for example in examples for option in re.findall(r"(?<= )--?[a-z][a-z-]*", example)}
    known = {opt for each in EVERY.values() for param in each.params for opt in param.opts}
    if name and name not in GROUPS:
        known = {opt for param in EVERY[name].params for opt in param.opts}
    assert (examples != [], options - known) == (True, set())


@pytest.mark.parametrize("name", ["", *GROUPS])
def test_a_group_alone_shows_its_help(name: str) -> None:
    """On standard output, exit 0: nothing went wrong."""
    ended = judgebench(*name.split())
    assert (ended.status, ended.err, ended.out) == (0, "", help_of(name))


@pytest.mark.parametrize("name", ["judges list", "benchmarks list", "benchmarks show rewardbench-2"])
def test_lists_fit_into_80_columns(name: str) -> None:
    """With no blanks at the line ends."""
    lines = judgebench(*name.split()).out.splitlines()
    assert [line for line in lines if len(line) > 80 or line != line.rstrip()] == []


def test_the_judges_say_which_key_they_need() -> None:
    """By its variable, and whether it is set."""
    assert "OPENAI_API_KEY (not set)\n  gpt-4.1 " in judgebench("judges", "list").out


def test_a_key_that_is_set_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor shown."""
    monkeypatch.setenv("OPENAI_API_KEY", "canary-1234567")
    out = judgebench("judges", "list").out
    assert ("OPENAI_API_KEY\n  gpt-4.1 " in out, "canary" in out) == (True, False)


@pytest.fixture
def server():
    with ScriptedModels(by_quality) as running:
        write_judges(running.url, one={}, two={}, three={})
        write_jsonl(Path("pairs.jsonl"), pairs(4))
        yield running


def grid():
    judges = ["-j", "one", "-j", "two", "-j", "three"]
    return judgebench("run", "rewardbench", *judges, "--data", "pairs.jsonl")


def test_several_runs_stand_in_one_table(server: ScriptedModels) -> None:
    """A line a run, the best first, in 80 columns."""
    lines = grid().out.splitlines()
    assert len([line for line in lines if "pairwise" in line]) == 3
    assert [line for line in lines if len(line) > 80] == []


def _coloured(monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    return re.search(r"\x1b\[(?:\d+;)*3\d", process("run", "--quiet").out) is not None


def test_colour_is_there_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert _coloured(monkeypatch)


def test_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR, whatever its value."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert not _coloured(monkeypatch)


def test_there_is_no_colour_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """No escape at all."""
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    assert "\x1b" not in process("run").out
