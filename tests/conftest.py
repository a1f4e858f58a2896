"""What every test has: a home, a cache and a current folder of its own, and no key."""

import gc
import os
import shutil
from itertools import count
from operator import attrgetter
from pathlib import Path

import pytest
import simulating
from commands import apart
from hypothesis import HealthCheck, settings

# A busy machine is no failure.
settings.register_profile(
    "whole", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("judgebench", parent=settings.get_profile("whole"), max_examples=20)


_TESTS = Path(__file__).parent
_MEMORY = Path("/dev/shm")
_ENOUGH = 4 << 30


def pytest_configure(config):
    """`-m simulation` asks for simulations as large, and examples as many, as they are meant to be.

    What tests write goes to memory where there is enough: thousands of small databases wait for no disk.
    """
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))
    simulating.whole = "simulation" in config.option.markexpr.split()
    settings.load_profile("whole" if simulating.whole else "judgebench")
    if hasattr(config, "workerinput"):
        config.args = _in_turn(config.args, config.workerinput)


def _in_turn(args, worker):
    """The tests' folders, of which each worker imports another one first, so that each file is compiled by one."""
    if [Path(arg).resolve() for arg in args] != [_TESTS]:
        return args
    found = sorted(path for path in _TESTS.iterdir() if path.is_dir() or path.match("test_*.py"))
    first = len(found) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
    return [str(path) for path in found[first:] + found[:first]]


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items):
    """What opens a browser is marked, and what Hypothesis makes examples for is a simulation too.

    Whichever folder was looked through first, the order is the same.
    """
    items.sort(key=attrgetter("path"))
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker("browser")
        if getattr(item.function, "is_hypothesis_test", False):
            item.add_marker("simulation")
    return (yield)


def pytest_collection_finish():
    """What is imported by now stays: no collection of garbage has to look through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def homes(tmp_path_factory):
    """Where the next test has its home."""
    below = tmp_path_factory.mktemp("homes")
    return (below / str(number) for number in count())


@pytest.fixture(autouse=True)
def isolated(tmp_path, homes):
    """No file, key or setting of the user's is seen, and nothing is written where it is not looked for."""
    with apart(tmp_path, next(homes)):
        yield


@pytest.fixture
def scripted(monkeypatch):
    """Models named `scripted/NAME` are known even where none is there."""
    from scripted import SITE

    monkeypatch.syspath_prepend(SITE)


@pytest.fixture
def ring():
    """A keyring of the test's own, in memory."""
    import keyring
    from keyrings import MemoryRing

    before = keyring.get_keyring()
    keyring.set_keyring(MemoryRing())
    yield keyring.get_keyring()
    keyring.set_keyring(before)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A real browser, one for all tests of a module."""
    from browsers import browsing

    with browsing(tmp_path_factory.mktemp("downloads")) as running:
        yield running
