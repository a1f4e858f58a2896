"""What shells are offered when Tab is pressed: bash for real, and the scripts of the others."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from commands import judgebench, process
from terminals import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is needed")
PROMPT = "ready> "
SETUP = 'eval "$(_JUDGEBENCH_COMPLETE=bash_source judgebench)"'


def offered(words: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a shell is given for the last of the words."""
    monkeypatch.setenv("_JUDGEBENCH_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    ended = process()
    assert ended.err == ""
    return ended.out.splitlines()


@pytest.mark.parametrize(
    ("words", "some"),
    [
        ("judgebench res", ["plain,rescore"]),
        ("judgebench templates l", ["plain,lint", "plain,list"]),
        ("judgebench run rewardbench-", ["plain,rewardbench-2"]),
        ("judgebench run --early", ["plain,--early-stop"]),
        ("judgebench run -j own-", ["plain,own-judge"]),
        ("judgebench run -j offline/l", ["plain,offline/longest"]),
        ("judgebench run -t four", ["plain,four-way"]),
        ("judgebench run -t ./own", ["file,./own"]),
        ("judgebench run --attack pad", ["plain,padding"]),
        ("judgebench run --orders b", ["plain,both"]),
        ("judgebench run --data x", ["file,x"]),
        ("judgebench run --out x", ["dir,x"]),
        ("judgebench judges show own-", ["plain,own-judge"]),
        ("judgebench benchmarks show llmb", ["plain,llmbar"]),
        ("judgebench score x --benchmark rm-", ["plain,rm-bench"]),
        ("judgebench show runs/re", ["plain,runs/rewardbench/own/pairwise/one"]),
        ("judgebench compare runs/custom/b/scores runs/custom/a", ["plain,runs/custom/a/scores"]),
        ("judgebench show elsewhere", ["dir,elsewhere"]),
        ("judgebench nonsense x --y ", []),
    ],
)
def test_names_are_offered(words: str, some: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands, options, and names of everything that has one."""
    Path("providers.yaml").write_text("judges: {own-judge: {model: openai/x}}")
    for folder in ("rewardbench/own/pairwise/one", "custom/a/scores", "custom/b/scores"):
        run = Path("runs", folder)
        run.mkdir(parents=True)
        (run / "manifest.json").write_text("{}")
    found = offered(words, monkeypatch)
    assert found == some if some else all(each.startswith("plain,") for each in found)


def test_a_broken_file_of_judges_offers_what_is_known_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback between two words."""
    Path("providers.yaml").write_text("judges: [")
    assert offered("judgebench run -j offline/sh", monkeypatch) == ["plain,offline/shortest"]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`judgebench` as a command on the path."""
    script = tmp_path / "bin" / "judgebench"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m judgebench "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is needed")
def test_bash_completes(command: None) -> None:
    """With the line that the documentation gives, in a real shell with a real Tab."""
    with Terminal("bash", "--norc", "--noprofile", PS1=PROMPT, columns=100) as shell:
        shell.shows(PROMPT.rstrip())
        shell.press(f"{SETUP} && echo set-up\n")
        shell.wait(lambda: shell.text.count("set-up") == 2, "set up")
        shell.press("judgebench ben\t")
        shell.shows("judgebench benchmarks")
        shell.press("sho\t")
        shell.shows("judgebench benchmarks show")
        shell.press("feed\t")
        shell.shows("judgebench benchmarks show feedback-bench")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Printed, for the shell to take in."""
    monkeypatch.setenv("_JUDGEBENCH_COMPLETE", f"{shell}_source")
    ended = process()
    assert (ended.status, "_JUDGEBENCH_COMPLETE=" in ended.out, f"{shell}_complete" in ended.out) == (0, True, True)


def test_the_help_says_how() -> None:
    """The line that bash needs stands in it, and in the documentation."""
    page = Path(__file__).parent.parent.parent / "docs" / "terminal.md"
    assert SETUP in judgebench("--help").out
    assert SETUP in page.read_text(encoding="utf-8")
