"""`system_role: false`: what the system says goes out with the user's first message."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from commands import by_quality, judgebench, pairs, write_jsonl, write_judges
from scripted import ScriptedModels

from judgebench.templates import without_system

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path("runs/rewardbench/mine/pairwise/one")
SYSTEM, USER, SAID = (
    {"role": role, "content": content} for role, content in (("system", "S"), ("user", "U"), ("assistant", "A"))
)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([SYSTEM, USER], [{"role": "user", "content": "S\n\nU"}]),
        ([SYSTEM, USER, SAID, USER], [{"role": "user", "content": "S\n\nU"}, SAID, USER]),
        ([USER], [USER]),
        ([SYSTEM], [{"role": "user", "content": "S"}]),
        ([SYSTEM, SYSTEM, USER], [{"role": "user", "content": "S\n\nS\n\nU"}]),
    ],
)
def test_no_message_is_lost(messages: list[dict[str, str]], expected: list[dict[str, str]]) -> None:
    """Whatever roles a template has, none of its texts is left out and none is the system's."""
    assert without_system(messages) == expected


@pytest.fixture
def server() -> Iterator[ScriptedModels]:
    with ScriptedModels(by_quality) as running:
        write_judges(running.url, mine={"system_role": False})
        write_jsonl(Path("pairs.jsonl"), pairs(2, ("alpacaeval-easy",)))
        yield running


def run() -> int:
    return judgebench("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl").status


def test_one_message_goes_out_and_is_shown(server: ScriptedModels) -> None:
    """`show` has the messages as they were sent."""
    assert run() == 0
    (only,) = server.requests[0].messages
    assert (only["role"], only["content"].startswith("You compare two answers")) == ("user", True)
    shown = judgebench("show", FOLDER, "0").out
    assert ("message · system" in shown, "message · user" in shown) == (False, True)


def test_it_is_another_run_than_with_a_system_message(server: ScriptedModels) -> None:
    """Other prompts, other replies, a folder beside the first."""
    run()
    write_judges(server.url, mine={})
    run()
    assert (server.count, len([*FOLDER.parent.iterdir()])) == (4, 2)
