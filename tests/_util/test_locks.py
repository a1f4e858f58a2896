"""What one process has, no other has, until it gives it back or ends, however it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import judgebench
from judgebench._util import locks

HOLDER = "from judgebench._util import locks; print(locks.take('a'), flush=True); input(); locks.give_back('a'); "
HOLDER += "print('given', flush=True); input()"


@pytest.fixture(autouse=True)
def given_back():
    yield
    for what in "ab":
        locks.give_back(what)


@pytest.fixture
def holder():
    home = str(Path(judgebench.__file__).parent.parent)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=home
    ) as process:
        assert process.stdout.readline() == "True\n"
        yield process
        process.kill()


def test_what_another_process_has_cannot_be_taken_and_all_else_can(holder):
    assert (locks.take("a"), locks.take("b")) == (False, True)


def test_what_it_gives_back_can(holder):
    holder.stdin.write("\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "given\n"
    assert locks.take("a")


def test_what_a_killed_process_had_can(holder):
    holder.kill()
    holder.wait()
    assert locks.take("a")
