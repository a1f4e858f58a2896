"""Pages that a reader follows: every command is run as it stands, in one shell, and prints what the page shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from commands import REPOSITORY
from loopback import LoopbackServer
from pages import DOCS, clone, installable, installed, run, sections, steps

if TYPE_CHECKING:
    from pathlib import Path

    from faults import Request

START = steps((DOCS / "start.md").read_text(encoding="utf-8"))
README = sections(REPOSITORY / "README.md")
TASKS = sections(DOCS / "how-to.md") | {"Your own pairs": README["Your own pairs"]}

pytestmark = pytest.mark.timeout(600)


def reply(request: Request) -> str:
    """That of a judge that takes "Yes.", or else what is shown first, and rates everything 7."""
    if "<answer_B>" not in request.text:
        return "A fair answer. [[7]]"
    return "The second is right. [[B]]" if "<answer_B>\nYes." in request.text else "The first is right. [[A]]"


@pytest.fixture
def server():
    with LoopbackServer(reply) as server:
        yield server


@pytest.mark.parametrize("page", ["start.md", "templates-adding.md", "adding-a-judge.md"])
def test_a_page_can_be_followed(page: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, server) -> None:
    """From its first line, or the one after the install, to its last, in an empty folder."""
    variables = installed(tmp_path_factory.mktemp("bin"))
    every = [step for step in steps((DOCS / page).read_text(encoding="utf-8")) if step != START[0]]
    done = run(every, tmp_path, variables, server.url)
    assert [each.trouble for each in done if each.trouble] == []


@pytest.mark.parametrize("task", TASKS)
def test_a_task_can_be_done(task: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, server) -> None:
    """Each by itself, in an empty folder."""
    done = run(steps(TASKS[task]), tmp_path, installed(tmp_path_factory.mktemp("bin")), server.url)
    assert [each.trouble for each in done if each.trouble] == []


def test_pages_can_be_followed_in_a_clone(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, server) -> None:
    """The install in an environment of its own and the first run; there, a benchmark of one's own."""
    adding = steps((DOCS / "benchmarks/adding.md").read_text(encoding="utf-8"))
    done = run(
        [*START[:2], *adding], clone(tmp_path / "clone"), installable(tmp_path_factory.mktemp("bin")), server.url
    )
    assert [each.trouble for each in done if each.trouble] == []


def test_the_readme_shows_a_file_of_ones_own_before_a_benchmark() -> None:
    """What most readers have comes first, and both after the installation."""
    assert [name for name in README if name in {"Installation", "Your own pairs", "A real judge, a benchmark"}] == [
        "Installation",
        "Your own pairs",
        "A real judge, a benchmark",
    ]
    assert "run custom --data" in README["Your own pairs"]


def test_the_readme_has_one_kind_of_command() -> None:
    """Those of an activated environment, which the set-up lines activate."""
    blocks = [step.commands for part in README.values() for step in steps(part)]
    assert len(blocks) >= 4
    assert [block for block in blocks if ".venv/bin/" in block.replace(". .venv/bin/activate", "")] == []


def test_the_start_and_the_readme_install_alike() -> None:
    """The README's first line begins with the page's."""
    (line,) = re.findall(r"^python3 -m venv .*judgebench run$", (REPOSITORY / "README.md").read_text(), re.MULTILINE)
    assert line.startswith(START[0].commands.splitlines()[0])
