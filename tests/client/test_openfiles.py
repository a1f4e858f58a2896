"""Room for connections, in a process of its own: a limit that was lowered cannot be raised again."""

from __future__ import annotations

import subprocess
import sys

import pytest

resource = pytest.importorskip("resource")

SCRIPT = """
import resource, sys
soft, hard, connections = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
from judgebench.client.limits import make_room
from judgebench.errors import ConfigError
try:
    make_room(connections)
except ConfigError as error:
    print(error)
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def said(soft: int, hard: int, connections: int) -> list[str]:
    command = [sys.executable, "-c", SCRIPT, *map(str, (soft, hard, connections))]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_limit_that_suffices_is_left_alone() -> None:
    assert said(256, 512, 100) == ["256"]


def test_a_limit_that_is_too_low_is_raised() -> None:
    """To what the connections need, with 128 for everything else."""
    assert said(64, 512, 200) == ["328"]


def test_a_hard_limit_that_is_too_low_is_said() -> None:
    """With the concurrency that fits; nothing is changed."""
    (message, soft) = said(64, 512, 1000)
    assert message == (
        "1000 calls in flight need 1128 open files, the system allows 512: "
        "give --concurrency 384 or less, or raise its hard limit (ulimit -Hn)"
    )
    assert soft == "64"
